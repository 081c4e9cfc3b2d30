/* node/state/requests.h: the window of request ids within which a retry is harmless.
 *
 * Ids are kept by generation; a generation is closed by count or age and forgotten as a whole,
 * by one range deletion, so that no apply does more than a bounded amount of work for it. What
 * is remembered depends on entries and their times alone. A filter in memory answers for
 * almost every new id that it is new. One thread: apply's. */
#ifndef WEFT_NODE_STATE_REQUESTS_H
#define WEFT_NODE_STATE_REQUESTS_H

#include <stdbool.h>
#include <stdint.h>

#include "node/state/store.h"
#include "proto/err.h"
#include "proto/record.h"

/* An id is remembered for 24 hours of entry time or until 2,700,000 newer ones, whichever comes
 * first: 32 generations, of which at most 9 were closed by age within 24 hours. */
enum {
    WEFT_GENERATION_REQUESTS = 131072,
    WEFT_GENERATIONS_MAX = 32, /* Bits of a filter's word. */
    WEFT_GENERATION_SECONDS = 3 * 3600,
    WEFT_REQUEST_SECONDS = 24 * 3600,
};

/* Replicated: part of the position. */
struct weft_request_window {
    uint32_t oldest; /* Generation. */
    uint32_t current;
    uint32_t count;     /* Of the current generation. */
    int64_t started_ns; /* Entry times of its first and last request. */
    int64_t last_ns;
};

/* Where the answer to a request stands. */
struct weft_request_place {
    uint64_t index;
    uint32_t first_ordinal;
    uint32_t record_count;
};

struct weft_requests;

/* Reads the window's ids. WEFT_ECORRUPT, WEFT_EIO, WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_requests_create(struct weft_store *store, uint64_t secret,
    const struct weft_request_window *window, struct weft_requests **ret_requests,
    struct weft_msg *msg);
void weft_requests_destroy(struct weft_requests *requests);
const struct weft_request_window *weft_requests_window(const struct weft_requests *requests);

/* An entry of this time begins: forget what is too old, in the batch. */
void weft_requests_begin_entry(
    struct weft_requests *requests, int64_t time_ns, struct weft_store_batch *batch);
/* WEFT_ENOTFOUND: it is new. Sees what the apply under way has added. */
WEFT_MUST_USE enum weft_err weft_requests_find(struct weft_requests *requests,
    const struct weft_request_id *id, struct weft_request_place *ret_place, struct weft_msg *msg);
/* An id that was not found. WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_requests_add(struct weft_requests *requests,
    const struct weft_request_id *id, const struct weft_request_place *place, int64_t time_ns,
    struct weft_store_batch *batch);
/* The batch is written. */
void weft_requests_settle(struct weft_requests *requests);

enum {
    WEFT_REQUEST_PLACE_SIZE = WEFT_INDEX_SIZE + WEFT_ORDINAL_SIZE + 2
};
WEFT_MUST_USE enum weft_err weft_request_place_decode(
    struct weft_bytes bytes, struct weft_request_place *ret_place);

static inline bool weft_request_id_is_none(const struct weft_request_id *id)
{
    static const struct weft_request_id none;
    return memcmp(id->bytes, none.bytes, sizeof(none.bytes)) == 0;
}

#endif
