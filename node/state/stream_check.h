/* node/state/stream_check.h: the offline check of agreements and their streams.
 *
 * Reads their rows in the order of the keys and makes again what follows from leaves: tiles, where
 * statements stand, what received ones are about, the tree of each stream, and what is in
 * quarantine at most. */
#ifndef WEFT_NODE_STATE_STREAM_CHECK_H
#define WEFT_NODE_STATE_STREAM_CHECK_H

#include "node/state/keys.h"
#include "node/state/store.h"

struct weft_stream_check;

/* WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_stream_check_create(
    struct weft_stream_check **ret_check, struct weft_msg *msg);
void weft_stream_check_destroy(struct weft_stream_check *check); /* Accepts NULL. */
/* Is it a key that is looked at here? */
bool weft_stream_check_is_key(uint8_t type);
/* The next key, and its value; keys that follow from it go into the batch. WEFT_ECORRUPT: `msg`
 * says what and where; WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_stream_check_row(struct weft_stream_check *check,
    struct weft_bytes key, struct weft_bytes value, struct weft_store_batch *batch,
    struct weft_msg *msg);
/* Does what followed from that key take the place of what followed from one before: which? */
bool weft_stream_check_replaces(
    struct weft_stream_check *check, struct weft_key *ret_key, struct weft_bytes *ret_value);
/* Every stream had its row. WEFT_ECORRUPT. */
WEFT_MUST_USE enum weft_err weft_stream_check_end(
    struct weft_stream_check *check, struct weft_msg *msg);

#endif
