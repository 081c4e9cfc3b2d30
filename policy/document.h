/* policy/document.h: the texts inside signed notes: lines "key value" in a fixed order.
 *
 * The first line is "weft-<kind>/v1". Each key stands once, except lists, which are sorted. A text
 * has one reading and a reading one text: numbers, times and digests have one form each, and what
 * decodes encodes to the same bytes. Also here: how versions of a document follow each other.
 * Rules: policy/README.md, "Documents". */
#ifndef WEFT_POLICY_DOCUMENT_H
#define WEFT_POLICY_DOCUMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/principal.h"
#include "policy/signer.h"
#include "proto/bytes.h"
#include "proto/digest.h"
#include "proto/err.h"

enum {
    WEFT_DOCUMENT_NONCE_SIZE = 16,
    WEFT_DOCUMENT_VALUE_SIZE_MAX = 1024, /* chosen: a reason in a few sentences */
    WEFT_DOCUMENT_TIME_TEXT_SIZE = 25,   /* 2026-03-01T08:00:00.000Z, terminated */
};

/* What is signed. The words are in texts and never change. */
enum weft_document_kind {
    WEFT_DOCUMENT_ORG,
    WEFT_DOCUMENT_ENROLL,
    WEFT_DOCUMENT_REVOKE,
    WEFT_DOCUMENT_AGREEMENT,
    WEFT_DOCUMENT_POLICY,
    WEFT_DOCUMENT_ENVELOPE,
    WEFT_DOCUMENT_CALENDAR,
    WEFT_DOCUMENT_COMMAND,
    WEFT_DOCUMENT_APPROVAL,
    WEFT_DOCUMENT_RECEIPT,
    WEFT_DOCUMENT_REQUEST,
    WEFT_DOCUMENT_TOKEN,
    WEFT_DOCUMENT_CHECKPOINT,  /* C2SP tlog-checkpoint: has no header line of ours */
    WEFT_DOCUMENT_COSIGNATURE, /* C2SP tlog-cosignature: the same */
    WEFT_DOCUMENT_REFUSAL,     /* federation/refusal.h */
    WEFT_DOCUMENT_RESOLUTION,
    WEFT_DOCUMENT_HANDOVER,
    WEFT_DOCUMENT_BUNDLE, /* Not signed itself: it holds what is. */
    WEFT_DOCUMENT_KINDS
};

/* "org", "enroll", ... */
const char *weft_document_kind_name(enum weft_document_kind kind);

/* --- reading: one line after the other ------------------------------------------------------- */

struct weft_document_reader {
    struct weft_text rest;
    uint32_t line; /* Of the line that was read last, from 1. */
};

/* WEFT_EVERSION: of another version. WEFT_EMALFORMED: of another kind, or a text that
 * weft_note_check_text refuses. WEFT_ETOOBIG: the same. */
WEFT_MUST_USE enum weft_err weft_document_open(struct weft_text text, enum weft_document_kind kind,
    struct weft_document_reader *ret_reader, struct weft_msg *msg);

/* True if the next line has that key. */
bool weft_document_is_next(const struct weft_document_reader *reader, const char *key);
/* How many of the next lines have that key. */
uint32_t weft_document_count(const struct weft_document_reader *reader, const char *key);

/* The next line, which must have that key. WEFT_EMALFORMED, WEFT_ETOOBIG: `msg` names the line.
 * The value is not empty and starts and ends with no space. */
WEFT_MUST_USE enum weft_err weft_document_read(struct weft_document_reader *reader, const char *key,
    struct weft_text *ret_value, struct weft_msg *msg);
/* The same in a list: above *previous (empty at first), which becomes the value. */
WEFT_MUST_USE enum weft_err weft_document_read_sorted(struct weft_document_reader *reader,
    const char *key, struct weft_text *previous, struct weft_msg *msg);
/* The same with a value of a type, in its one form. WEFT_EMALFORMED, WEFT_EINVAL, WEFT_EVERSION. */
WEFT_MUST_USE enum weft_err weft_document_read_number(struct weft_document_reader *reader,
    const char *key, uint64_t max, uint64_t *ret_number, struct weft_msg *msg);
/* ns since 1970; the text is UTC and has milliseconds: 2026-03-01T08:00:00.000Z. */
WEFT_MUST_USE enum weft_err weft_document_read_time(
    struct weft_document_reader *reader, const char *key, int64_t *ret_ns, struct weft_msg *msg);
WEFT_MUST_USE enum weft_err weft_document_read_digest(struct weft_document_reader *reader,
    const char *key, struct weft_digest *ret_digest, struct weft_msg *msg);
WEFT_MUST_USE enum weft_err weft_document_read_nonce(struct weft_document_reader *reader,
    const char *key, uint8_t ret_nonce[WEFT_DOCUMENT_NONCE_SIZE], struct weft_msg *msg);
WEFT_MUST_USE enum weft_err weft_document_read_principal(struct weft_document_reader *reader,
    const char *key, struct weft_principal *ret_principal, struct weft_msg *msg);
WEFT_MUST_USE enum weft_err weft_document_read_verifier(struct weft_document_reader *reader,
    const char *key, struct weft_verifier *ret_verifier, struct weft_msg *msg);

/* The one form that a time has. False: another one. */
bool weft_document_parse_time(struct weft_text text, int64_t *ret_ns);
/* Since 1970, of which whole milliseconds are written. */
void weft_document_format_time(int64_t ns, char ret_text[WEFT_DOCUMENT_TIME_TEXT_SIZE]);

/* Put "line N: " in front of a reason of one's own about the line that was read last. */
enum weft_err weft_document_fail(const struct weft_document_reader *reader, struct weft_msg *msg,
    enum weft_err err, const char *format, ...) __attribute__((format(printf, 4, 5)));
/* WEFT_EMALFORMED: there is more. */
WEFT_MUST_USE enum weft_err weft_document_close(
    const struct weft_document_reader *reader, struct weft_msg *msg);

/* --- writing --------------------------------------------------------------------------------- */

/* "weft-<kind>/v1\n". WEFT_ETOOBIG, WEFT_ENOMEM; so do all below but the last. */
WEFT_MUST_USE enum weft_err weft_document_begin(
    struct weft_buffer *out, enum weft_document_kind kind);
WEFT_MUST_USE enum weft_err weft_document_write(
    struct weft_buffer *out, const char *key, struct weft_text value);
WEFT_MUST_USE enum weft_err weft_document_write_number(
    struct weft_buffer *out, const char *key, uint64_t number);
/* ns, of which whole milliseconds are written. WEFT_EINVAL: before 1970. */
WEFT_MUST_USE enum weft_err weft_document_write_time(
    struct weft_buffer *out, const char *key, int64_t ns);
WEFT_MUST_USE enum weft_err weft_document_write_digest(
    struct weft_buffer *out, const char *key, const struct weft_digest *digest);
WEFT_MUST_USE enum weft_err weft_document_write_nonce(
    struct weft_buffer *out, const char *key, const uint8_t nonce[WEFT_DOCUMENT_NONCE_SIZE]);
WEFT_MUST_USE enum weft_err weft_document_write_principal(
    struct weft_buffer *out, const char *key, const struct weft_principal *principal);
WEFT_MUST_USE enum weft_err weft_document_write_verifier(
    struct weft_buffer *out, const char *key, const struct weft_verifier *verifier);

/* How a decoder ends that reads a text of many parts: `again` is what writing gave (`written`),
 * and is destroyed. WEFT_EMALFORMED: another text than it, `msg` names the line. Or `written`. */
WEFT_MUST_USE enum weft_err weft_document_expect_again(
    struct weft_text text, enum weft_err written, struct weft_buffer *again, struct weft_msg *msg);

/* How an encoder ends: what it wrote since `before` stands if writing (`written`) and decoding it
 * again (`decoded`) did. Otherwise `out` is as before, and WEFT_EINVAL: what was to be written
 * breaks a rule, which decode has put into `msg`. WEFT_ETOOBIG, WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_document_end(struct weft_buffer *out, size_t before,
    enum weft_err written, enum weft_err decoded, struct weft_msg *msg);

#endif
