/* policy/chain.h: how versions of a document follow each other, and what is wrong if not.
 *
 * Each version is exactly the one before plus one and names its digest; so nobody goes back, leaves
 * one out, tells two parties two stories, or keeps somebody at an old state for ever. TUF's rules
 * (rollback, freeze, fast-forward) and our names for them. Pure: time is an argument. */
#ifndef WEFT_POLICY_CHAIN_H
#define WEFT_POLICY_CHAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/document.h"
#include "proto/digest.h"
#include "proto/err.h"

/* The words are in answers and logs and never change. */
enum weft_chain_fault {
    WEFT_CHAIN_SOUND,
    WEFT_CHAIN_REPEATED,         /* The version that is in force, once more. Harmless. */
    WEFT_CHAIN_ROLLBACK,         /* An older version than the one in force. */
    WEFT_CHAIN_FAST_FORWARD,     /* A version is left out, or it is the first and not 1. */
    WEFT_CHAIN_FORK,             /* Another text of this version, or of the one before. */
    WEFT_CHAIN_FREEZE,           /* Out of date: somebody shows us an old state. */
    WEFT_CHAIN_DUPLICATE_KEY_ID, /* Two keys of one id, or one key twice. */
    WEFT_CHAIN_THRESHOLD,        /* Too few of those that have to sign have signed. */
    WEFT_CHAIN_FAULTS
};

/* One version of a document. */
struct weft_chain_link {
    uint64_t version;          /* From 1. */
    struct weft_digest digest; /* SHA-256 of the text, without signatures. */
    struct weft_digest prev;   /* Of the version before; zero at version 1. */
    int64_t issued_ns;
    int64_t expires_ns; /* INT64_MAX: never. */
};

/* "rollback", "fast-forward", "fork", "freeze", "duplicate-key-id", "threshold", ... */
const char *weft_chain_fault_name(enum weft_chain_fault fault);

/* Store the fault and return its code, with its name in front of the reason:
 * WEFT_ECONFLICT (repeated, rollback, fast-forward, fork), WEFT_EREFUSED (freeze, threshold),
 * WEFT_EINVAL (duplicate-key-id). */
enum weft_err weft_chain_fail(enum weft_chain_fault fault, enum weft_chain_fault *ret_fault,
    struct weft_msg *msg, const char *format, ...) __attribute__((format(printf, 4, 5)));

/* May `next` follow `current` (NULL: there is none) at now_ns? `next` must not be out of date at
 * now_ns; `current` may be, or nothing could follow it. *ret_fault is always stored. */
WEFT_MUST_USE enum weft_err weft_chain_check(const struct weft_chain_link *current,
    const struct weft_chain_link *next, int64_t now_ns, enum weft_chain_fault *ret_fault,
    struct weft_msg *msg);

/* Is what is in force still to be relied on? WEFT_CHAIN_FREEZE otherwise. */
enum weft_chain_fault weft_chain_freshness(const struct weft_chain_link *current, int64_t now_ns);

/* The lines "version", "prev", "issued" of every such document; then "expires" if it has one.
 * The digest is that of `text`. WEFT_EMALFORMED: the line; prev is "none" at version 1 alone;
 * expiry is after issue. */
WEFT_MUST_USE enum weft_err weft_chain_read(struct weft_document_reader *reader,
    struct weft_text text, bool has_expiry, struct weft_chain_link *ret_link, struct weft_msg *msg);
WEFT_MUST_USE enum weft_err weft_chain_write(
    struct weft_buffer *out, const struct weft_chain_link *link);

#endif
