/* node/reads.h: queries: wait for the right index, then answer from a view.
 *
 * Queries that arrive in one turn share one ReadIndex round and one view, so that a read costs
 * no log entry. What memory answers at once is answered on the loop, so many to a turn; the rest
 * of the batch is one job of the thread pool, in the same view; one that is for the pool alone is
 * answered while its round is under way (NOD-20). What turns out to take long there
 * is handed on (node/long_reads.h). A query of the feed (COMMITS) that finds nothing new is parked
 * until something is applied. The loop's, but for the job itself, which touches only its batch. */
#ifndef WEFT_NODE_READS_H
#define WEFT_NODE_READS_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "node/long_reads.h"
#include "node/read.h"
#include "raft/replica.h"

struct weft_read_batch;

enum {
    /* Queries that a turn answers on the loop, each of a few microseconds. Chosen: more than these
     * share a worker thread's switches well enough, and a turn stays far below a heartbeat. */
    WEFT_READS_ON_LOOP = 64,
    /* Links or keys that a query of the pool may look at; past them it is a long read, and so much
     * is done twice. Chosen: what a story or a twin looks at, 2 ms in the store; and of a trace,
     * whose links are in memory, 20 us. */
    WEFT_READS_SHORT_STEPS = 2000,
    WEFT_READS_SHORT_TRACE_STEPS = 500,
};

struct weft_reads {
    uv_loop_t *loop;
    struct weft_state *state;
    struct weft_replica *replica;
    struct weft_read_door door;
    struct weft_long_reads *long_reads; /* Owned from weft_reads_init on. */
    struct weft_read_batch *filling[2]; /* Of this turn: [0] linearizable, [1] at once. */
    struct weft_read_batch *waiting;    /* For a round, or for an index to be applied; in order. */
    struct weft_read_batch **waiting_tail;
    struct weft_read_batch *spare;
    uint32_t spare_count;
    uint32_t working;   /* Jobs in the pool. */
    uint32_t count;     /* Queries anywhere here, parked ones included. */
    uint32_t loop_left; /* Queries that this turn may still answer on the loop. */
    uint32_t ahead;     /* Batches that went ahead and wait for their round. */
    uint32_t in_vain;   /* Batches that do not go ahead, since one that did was behind its round. */
    uint64_t next_id;
    uint64_t applied_index; /* At the last turn. */
    uint64_t now_ms;
    uint64_t served;
    bool is_held;
    bool is_closing;
    bool is_long_closed;
    void (*on_idle)(void *ctx); /* Set by close: the last job has ended. */
    void *idle_ctx;
};

/* Takes `long_reads`, which close closes. */
void weft_reads_init(struct weft_reads *r, uv_loop_t *loop, const struct weft_read_door *door,
    struct weft_long_reads *long_reads);
/* The state or replica was replaced (checkpoint installed), or is now known. No job may be in
 * the pool: see weft_reads_is_idle. */
void weft_reads_attach(
    struct weft_reads *r, struct weft_state *state, struct weft_replica *replica);
bool weft_reads_is_idle(const struct weft_reads *r);
/* Held: no job is started, and long reads that run are told to ask again, so that soon it is idle.
 * weft_reads_attach ends it, too. */
void weft_reads_hold(struct weft_reads *r, bool is_held);

/* Copies the query. WEFT_EBUSY: too many wait. */
WEFT_MUST_USE enum weft_err weft_reads_add(struct weft_reads *r, const struct weft_query *query,
    const struct weft_waiter *waiter, uint64_t now_ms);
/* End of a turn: start rounds, dispatch what may be answered, give up what waited too long. */
void weft_reads_turn(struct weft_reads *r, uint64_t applied_index, uint64_t now_ms);
/* From the replica: the round that read_id asked for ended. */
void weft_reads_on_read(struct weft_reads *r, uint64_t read_id, enum weft_err err, uint64_t index);
/* Monotonic ms at which weft_reads_turn must run again at the latest; UINT64_MAX: never. */
uint64_t weft_reads_deadline(const struct weft_reads *r);

/* Refuse what waits, wait for what works, then on_idle(ctx). */
void weft_reads_close(struct weft_reads *r, void (*on_idle)(void *ctx), void *ctx);

#endif
