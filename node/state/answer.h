/* node/state/answer.h: the answer to a request that was answered before: read again, not kept.
 *
 * The window of request ids keeps places alone; receipts come from the records there, and so
 * does the test whether a request says again what it said first. */
#ifndef WEFT_NODE_STATE_ANSWER_H
#define WEFT_NODE_STATE_ANSWER_H

#include "node/state/machine.h"

/* Author and time of a record that does not give them. */
void weft_answer_fill_in(struct weft_record *record, struct weft_text principal, int64_t time_ns);

/* The receipts of the commit at `place`, which the apply under way may have staged.
 * WEFT_ECORRUPT, WEFT_EIO, WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_answer_read(struct weft_state *state,
    const struct weft_request_id *id, const struct weft_request_place *place,
    struct weft_arena *arena, struct weft_commit_result *ret_result, struct weft_msg *msg);

/* Does `commit` say what the commit at `place` said? Compared by the bytes it would be stored
 * as, less the digests; `expect` is not part of it. */
WEFT_MUST_USE enum weft_err weft_answer_is_same(struct weft_state *state,
    const struct weft_request_place *place, const struct weft_commit *commit,
    struct weft_text principal, bool *ret_same, struct weft_msg *msg);

/* Of all entries that hold a batch. */
size_t weft_answer_count_items(const struct weft_log_entry *entries, uint32_t entry_count);

#endif
