/* node/proposer.h: group commit: requests that wait become Raft entries, and answers find back.
 *
 * Requests of a turn are packed into one entry (proto/entry.h); up to `inflight_max` entries
 * are proposed ahead of their commit. Each item remembers who waits for it; when the entry is
 * applied its waiters are answered in order, and when leadership is lost they are told that
 * the outcome is unknown. Pure bookkeeping: it neither applies nor sends. The loop's. */
#ifndef WEFT_NODE_PROPOSER_H
#define WEFT_NODE_PROPOSER_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/entry.h"
#include "proto/err.h"
#include "raft/replica.h"

enum weft_door {
    WEFT_DOOR_CLIENT,   /* node/api/native.h */
    WEFT_DOOR_HTTP,     /* node/api/http/http.h */
    WEFT_DOOR_CAPTURE,  /* node/api/http/capture.h */
    WEFT_DOOR_NOTICES,  /* node/notices.h */
    WEFT_DOOR_READS,    /* node/label_reads.h: what was read is in the log */
    WEFT_DOOR_PARTNERS, /* node/partners.h: what came from a partner, or goes to one */
};

/* Who waits for an item: a place in its door's table and the generation it had. */
struct weft_waiter {
    uint32_t client;
    uint32_t generation;
    uint64_t request_id;
    uint64_t
        asked_ns; /* uv_hrtime() when the request was here; 0: how long it took is no measure. */
    enum weft_door door;
};

struct weft_proposal {
    struct weft_proposal *next;
    struct weft_buffer entry;
    struct weft_waiter *waiters; /* One per item. */
    uint32_t waiter_count;
    uint32_t waiter_capacity;
    uint64_t body_bytes; /* Of its items: what it holds of the byte budget. */
    uint64_t index;      /* Once proposed. */
    uint64_t term;
};

/* What is worth an entry of its own while another is in flight; less waits for that one. Chosen: an
 * entry costs a sync and a batch of the store on each node, messages and turns, which is what so
 * many small requests cost; what is larger had better be on its way. */
enum {
    WEFT_PROPOSER_WORTH_ITEMS = 8,
    WEFT_PROPOSER_WORTH_BYTES = 16 * 1024,
};

struct weft_proposer {
    struct weft_proposal *waiting_head; /* Not yet proposed, oldest first. */
    struct weft_proposal *waiting_tail;
    struct weft_proposal *proposed_head; /* By rising index. */
    struct weft_proposal *proposed_tail;
    struct weft_proposal *spare; /* Kept for their memory. */
    uint32_t spare_count;
    uint32_t proposed_count;
    uint64_t waiting_bytes;
    uint64_t waiting_bytes_max; /* Admission: above it WEFT_EBUSY. */
    uint32_t inflight_max;
    int64_t last_time_ns; /* Entry times are strictly monotone (NOD-2). */
};

void weft_proposer_init(struct weft_proposer *p, uint64_t waiting_bytes_max, uint32_t inflight_max);
void weft_proposer_close(struct weft_proposer *p);

/* Queue one item. A DIGEST item gets an entry of its own (NOD-4).
 * WEFT_EBUSY: over the byte budget; WEFT_ETOOBIG; WEFT_ENOMEM: nothing is queued. */
WEFT_MUST_USE enum weft_err weft_proposer_add(
    struct weft_proposer *p, const struct weft_entry_item *item, const struct weft_waiter *waiter);

/* Propose what waits, as far as the limit of entries in flight allows; a little waits for the entry
 * in flight: flush again when that is applied. `now_ns` is the wall clock. Whatever cannot be
 * proposed because this node no longer leads stays queued. An error is the replica's, and the node
 * must stop, unless it is of class retry. */
WEFT_MUST_USE enum weft_err weft_proposer_flush(struct weft_proposer *p,
    struct weft_replica *replica, int64_t now_ns, uint64_t now_ms, struct weft_msg *msg);

/* The entry (index, term) is being applied: its batch, or NULL if it was not proposed here in
 * this life. Give it back with weft_proposer_done after its waiters are answered. Batches
 * before it, or at its index with another term, are left for weft_proposer_take_lost. */
struct weft_proposal *weft_proposer_take(struct weft_proposer *p, uint64_t index, uint64_t term);
void weft_proposer_done(struct weft_proposer *p, struct weft_proposal *batch);

/* Leadership is gone: one batch at a time whose outcome this node can no longer tell, NULL when
 * there is none left. Queued batches first (*ret_is_unknown false: certainly not proposed). */
struct weft_proposal *weft_proposer_take_lost(struct weft_proposer *p, bool *ret_is_unknown);

#endif
