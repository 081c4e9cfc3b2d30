/* node/state/requests.h: the window of request ids within which a retry is harmless.
 *
 * At least the last WEFT_REQUESTS_KEPT accepted requests are remembered, in the store by index
 * (one key per entry) and in memory by the hash of their id. What is remembered depends on the
 * entries alone. Old ones are forgotten many at a time, by one range deletion. One thread:
 * apply's. */
#ifndef WEFT_NODE_STATE_REQUESTS_H
#define WEFT_NODE_STATE_REQUESTS_H

#include <stdbool.h>
#include <stdint.h>

#include "node/state/store.h"
#include "proto/err.h"
#include "proto/record.h"

enum {
    WEFT_REQUESTS_KEPT = 2000 * 1000, /* chosen: 40 s at 50,000 commits/s; 28 MB of memory */
    WEFT_REQUESTS_SLACK = 64 * 1024,  /* kept beyond, so that forgetting is rare */
};

/* Replicated: part of the position. Requests are numbered from 0 in the order of the log. */
struct weft_request_window {
    uint64_t oldest; /* Number of the oldest that is kept. */
    uint64_t next;
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

/* WEFT_ENOTFOUND: it is new. Sees what the apply under way has added. */
WEFT_MUST_USE enum weft_err weft_requests_find(struct weft_requests *requests,
    const struct weft_request_id *id, struct weft_request_place *ret_place, struct weft_msg *msg);
/* An id that was not found. WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_requests_add(struct weft_requests *requests,
    const struct weft_request_id *id, const struct weft_request_place *place);
/* The entry ends: its requests and what they push out of the window go into the batch. */
WEFT_MUST_USE enum weft_err weft_requests_end_entry(
    struct weft_requests *requests, struct weft_store_batch *batch);
/* The batch is written. */
void weft_requests_settle(struct weft_requests *requests);

/* The n-th request of a value of type REQUESTS. WEFT_ENOTFOUND: there are no more;
 * WEFT_ECORRUPT. */
WEFT_MUST_USE enum weft_err weft_requests_read(struct weft_bytes value, uint64_t index, uint32_t n,
    struct weft_request_id *ret_id, struct weft_request_place *ret_place);

static inline bool weft_request_id_is_none(const struct weft_request_id *id)
{
    static const struct weft_request_id none;
    return memcmp(id->bytes, none.bytes, sizeof(none.bytes)) == 0;
}

#endif
