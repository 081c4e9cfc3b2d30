/* federation/batch.h: leaves that came in a row: are they in the signed tree, right behind ours?
 *
 * One proof for all of them: the own tree is extended by the leaves, and what comes out must be the
 * beginning of the head's tree. So the batch continues what is here, and every leaf is in what
 * the head's keys have signed. Used by who receives, and by a provider that gets its own back. */
#ifndef WEFT_FEDERATION_BATCH_H
#define WEFT_FEDERATION_BATCH_H

#include "federation/projection.h"
#include "federation/stream.h"
#include "proto/partner.h"

enum {
    /* Arena of one batch, chosen: 896 KiB of the smallest items take 5 MiB, entries 2, notes 8. */
    WEFT_BATCH_MEMORY_MAX = 24 * 1024 * 1024,
};

/* One leaf of it. */
struct weft_batch_entry {
    struct weft_stream_leaf leaf;
    struct weft_bytes content;            /* As it came. */
    enum weft_stream_fault fault;         /* SOUND, or one of a statement. */
    struct weft_text reason;              /* Of a fault; in the arena. */
    struct weft_projection projection;    /* Of a STATEMENT without BAD_PROJECTION or HUGE. */
    const struct weft_contract *contract; /* Of a CONTRACT. */
    bool is_claim;     /* The other party has authority over it: set by consumer.h. */
    bool is_forwarded; /* The provider passes on what somebody else states: the same. */
};

/* Borrows the message; the rest is in the arena. */
struct weft_batch {
    struct weft_merkle_head before; /* The tree that it continues. */
    struct weft_merkle_head head;   /* Under which it is proven. */
    struct weft_stream after;
    struct weft_batch_entry *entries;
    uint32_t count;
};

/* FED-15. SOUND: every leaf is in the tree of `head`, right behind `stream`, and each statement's
 * digest is that of its leaf or its entry has a fault. Whatever else is SEQUENCE, HEAD, MALFORMED,
 * NEEDS_EXPLICIT, OUT_OF_TURN, ENDED, PROOF or TOO_BIG (no memory), and nothing is known of it. */
enum weft_stream_fault weft_batch_verify(const struct weft_stream *stream,
    const struct weft_merkle_head *head, const struct weft_stream_batch *message,
    struct weft_arena *arena, struct weft_batch *ret_batch, struct weft_msg *msg);
/* The same but for the proof: all but FED-15 holds, and `message->proof` is not looked at. */
enum weft_stream_fault weft_batch_open(const struct weft_stream *stream,
    const struct weft_merkle_head *head, const struct weft_stream_batch *message,
    struct weft_arena *arena, struct weft_batch *ret_batch, struct weft_msg *msg);
/* Keep the first `count` entries. */
void weft_batch_cut(struct weft_batch *batch, const struct weft_stream *stream, uint32_t count);
/* Set a fault of a statement, with what `msg` says behind the fault's name. */
void weft_batch_blame(struct weft_batch_entry *entry, enum weft_stream_fault fault,
    struct weft_arena *arena, const struct weft_msg *msg);

#endif
