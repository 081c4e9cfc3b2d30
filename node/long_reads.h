/* node/long_reads.h: queries that take long: threads of their own, which give way to commits.
 *
 * A trace of a hundred thousand units must neither hold up short reads nor slow down commits. So
 * what is not answered within a small budget of steps comes here: a bounded queue, a few threads
 * of low priority, and a pace (node/pace.h) while commits are under way. One that nobody waits for
 * any more, or whose time is up, ends at its next step. The loop's, but for the threads, each of
 * which touches only the read it was given; the two share no lock (NOD-14). */
#ifndef WEFT_NODE_LONG_READS_H
#define WEFT_NODE_LONG_READS_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "node/read.h"

enum {
    WEFT_LONG_READS_THREADS_MAX = 8,
};

struct weft_long_reads;

struct weft_long_reads_options {
    uv_loop_t *loop;
    struct weft_read_door door;
    uint32_t threads; /* Reads at once. */
    uint32_t waiting_max;
    uint32_t share_percent; /* Of its time that a thread works while commits are under way. */
    uint32_t answer_ms;     /* From the read's arrival here to its answer. */
};

struct weft_long_reads_figures {
    uint32_t waiting;
    uint32_t running;
    uint64_t answered;  /* Errors included. */
    uint64_t refused;   /* Found the queue full. */
    uint64_t cancelled; /* Nobody waited any more, or the time was up; waiting or running. */
    uint64_t rested_ns; /* That running ones gave way to commits. */
};

/* WEFT_ENOMEM: no memory, or no thread. */
WEFT_MUST_USE enum weft_err weft_long_reads_open(const struct weft_long_reads_options *options,
    struct weft_long_reads **ret_long, struct weft_msg *msg);
/* Refuses what waits, ends what runs; on_closed in a later turn of the loop, and all is freed. */
void weft_long_reads_close(struct weft_long_reads *l, void (*on_closed)(void *ctx), void *ctx);

/* Copies the query. WEFT_EBUSY: as many as may wait do. */
WEFT_MUST_USE enum weft_err weft_long_reads_add(struct weft_long_reads *l,
    const struct weft_query *query, const struct weft_waiter *waiter, uint64_t now_ms);
/* Start what may be, in a view of `state`; NULL: nothing. Give up what nobody waits for. */
void weft_long_reads_turn(struct weft_long_reads *l, struct weft_state *state, uint64_t now_ms);
/* Monotonic ms at which the turn must run again at the latest; UINT64_MAX: never. */
uint64_t weft_long_reads_deadline(const struct weft_long_reads *l);
/* Would a read be worked at at once, and without pause? */
bool weft_long_reads_is_free(struct weft_long_reads *l);
/* End what runs: asked again it will be answered. */
void weft_long_reads_interrupt(struct weft_long_reads *l);

/* Are commits in flight? They count as under way until WEFT_LONG_READS_BUSY_NS after. */
void weft_long_reads_note_commits(struct weft_long_reads *l, bool are_in_flight);

/* `l` may be NULL: closed. */
void weft_long_reads_figures(
    const struct weft_long_reads *l, struct weft_long_reads_figures *ret_figures);
/* The most that may wait, for those who refuse. */
uint32_t weft_long_reads_waiting_max(const struct weft_long_reads *l);

#endif
