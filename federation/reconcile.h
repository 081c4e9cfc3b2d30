/* federation/reconcile.h: what either of two sides lacks of the other's set of statements.
 *
 * Both run the same machine in turns, over a Merkle trie of statement digests (trie.h): where
 * hashes differ, the side whose turn it is goes one digit deeper. The cost is in the differences,
 * not in the sets, and nobody has to know how many there are. Not by sums of hashes: a preimage
 * attack on those is published. Each side learns what it lacks, and asks for that otherwise. */
#ifndef WEFT_FEDERATION_RECONCILE_H
#define WEFT_FEDERATION_RECONCILE_H

#include "federation/trie.h"
#include "proto/bytes.h"

enum {
    /* On the wire of 32; chosen: a collision takes 2^80, and 100 differences take 94 KB. */
    WEFT_RECONCILE_HASH_SIZE = 20,
    WEFT_RECONCILE_MESSAGE_SIZE_MAX = 128 * 1024, /* one turn; chosen: 100 differences in one */
    WEFT_RECONCILE_LIST_MAX = 256,    /* members that are listed rather than compared further */
    WEFT_RECONCILE_LIST_FEW = 4,      /* the same where hashes would be as many bytes */
    WEFT_RECONCILE_TASKS_MAX = 65536, /* prefixes that wait; chosen: 2.6 MB */
    WEFT_RECONCILE_TURNS_MAX = 4096,  /* of one side; chosen: 500 MB of differences */
};

/* A member that the other side has and this one lacks. An error of it is passed on. */
typedef enum weft_err weft_reconcile_on_missing(
    void *ctx, const struct weft_digest *member, struct weft_msg *msg);

/* Embed by value; begin or first step initializes it. Owns its buffer. */
struct weft_reconcile {
    struct weft_trie_view view;
    weft_reconcile_on_missing *on_missing;
    void *ctx;
    struct weft_buffer tasks; /* Prefixes of which something is to be said. */
    size_t tasks_done;        /* Bytes of it. */
    uint32_t turns;
    uint64_t missing_count;
};

void weft_reconcile_init(struct weft_reconcile *r, const struct weft_trie_view *view,
    weft_reconcile_on_missing *on_missing, void *ctx);
void weft_reconcile_destroy(struct weft_reconcile *r);

/* The first message of the side that begins. WEFT_ENOMEM, and what the view says. */
WEFT_MUST_USE enum weft_err weft_reconcile_begin(
    struct weft_reconcile *r, struct weft_buffer *out, struct weft_msg *msg);
/* A message came. Appends the answer; nothing: neither side has anything more to say, and what was
 * missing has been told. WEFT_EMALFORMED; WEFT_ETOOBIG: they differ too much for this, or it goes
 * on for too long; WEFT_ENOMEM, and what view or on_missing say. After an error begin anew. */
WEFT_MUST_USE enum weft_err weft_reconcile_step(struct weft_reconcile *r, struct weft_bytes message,
    struct weft_buffer *out, struct weft_msg *msg);

#endif
