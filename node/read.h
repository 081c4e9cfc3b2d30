/* node/read.h: one query on its way to its answer: what short reads and long ones share.
 *
 * Short ones are answered on the loop or by the pool (node/reads.h), long ones by threads of their
 * own (node/long_reads.h). Both know whoever asked as a waiter, and give the answer to a door. */
#ifndef WEFT_NODE_READ_H
#define WEFT_NODE_READ_H

#include <stdbool.h>

#include "node/proposer.h"
#include "node/state/state.h"
#include "proto/client.h"

/* Of an answer that holds what is labelled: who asked, and the report (proto/read_report.h), which
 * is empty if nothing is. */
struct weft_read_note {
    struct weft_text principal;
    struct weft_bytes report;
};

/* What whoever asked hears of an error, and `msg` says: of damage that the node mends by itself,
 * that another node answers, or this one in a while (NOD-21): WEFT_EUNAVAILABLE. */
enum weft_err weft_read_err(const struct weft_view *view, enum weft_err err, struct weft_msg *msg);

/* Where answers go. Called on the loop. */
struct weft_read_door {
    void *ctx;
    /* An encoded message for whoever waits. Borrowed. */
    void (*answer)(void *ctx, const struct weft_waiter *waiter, struct weft_bytes message);
    /* The same, perhaps large: it may take the buffer's memory and leave it empty. */
    void (*give)(void *ctx, const struct weft_waiter *waiter, struct weft_buffer *message);
    /* Does somebody still wait there? */
    bool (*is_awaited)(void *ctx, const struct weft_waiter *waiter);
    /* As give, a trace of this index for one who waits at WEFT_DOOR_HTTP, as JSON already. */
    void (*give_json)(
        void *ctx, const struct weft_waiter *waiter, uint64_t index, struct weft_buffer *json);
    /* In the place of all three, of an answer with a note; `is_json`: as give_json. It takes the
     * buffer's memory. NULL: no state that is asked here has labels. */
    void (*hold)(void *ctx, const struct weft_waiter *waiter, const struct weft_read_note *note,
        struct weft_buffer *answer, bool is_json, uint64_t index);
};

/* What of the answer that the view gave last is labelled, into the arena; empty: nothing.
 * WEFT_EBUSY: no room. */
WEFT_MUST_USE enum weft_err weft_read_report(const struct weft_view *view,
    const struct weft_query *query, struct weft_arena *arena, struct weft_bytes *ret_report);

/* The query with its texts copied into the arena. WEFT_EBUSY: no room. */
WEFT_MUST_USE enum weft_err weft_read_copy(
    struct weft_arena *arena, const struct weft_query *query, struct weft_query *ret_copy);

/* What was asked for, as weft_view_query gives it, or the error that there was instead, behind
 * what stands in `out`. WEFT_ENOMEM, WEFT_ETOOBIG: `out` has no room for either. */
WEFT_MUST_USE enum weft_err weft_read_encode(const struct weft_view *view, enum weft_err err,
    struct weft_client_message *message, uint64_t request_id, struct weft_msg *msg,
    struct weft_buffer *out);

/* Encode and deliver an ERROR answer. */
void weft_read_refuse(const struct weft_read_door *door, const struct weft_waiter *waiter,
    enum weft_err err, const char *detail);

#endif
