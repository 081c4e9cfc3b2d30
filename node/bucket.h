/* node/bucket.h: tokens that are taken one by one, and come back one by one with time.
 *
 * A bucket is full at first, and may owe some: then nothing is in it until they have come back.
 * Pure, header only; time is an argument. */
#ifndef WEFT_NODE_BUCKET_H
#define WEFT_NODE_BUCKET_H

#include <stdint.h>

struct weft_bucket {
    int32_t left; /* Below 0: owed. */
    uint64_t refilled_ms;
};

/* What has come back by now, one token each `token_ms` (> 0), up to `max`. A clock that stands or
 * goes back brings none. */
static inline void weft_bucket_refill(
    struct weft_bucket *b, int32_t max, uint32_t token_ms, uint64_t now_ms)
{
    uint64_t more = now_ms > b->refilled_ms ? (now_ms - b->refilled_ms) / token_ms : 0;
    uint64_t room = (uint64_t)((int64_t)max - b->left);
    b->left = more >= room ? max : (int32_t)(b->left + (int64_t)more);
    b->refilled_ms += more * token_ms;
}

/* One token less, down to `min`. */
static inline void weft_bucket_take(struct weft_bucket *b, int32_t min)
{
    b->left -= b->left > min;
}

/* How long from now until nothing is owed; it was refilled now. */
static inline uint64_t weft_bucket_wait_ms(
    const struct weft_bucket *b, uint32_t token_ms, uint64_t now_ms)
{
    uint64_t due_ms = b->refilled_ms + (uint64_t)(b->left < 0 ? -(int64_t)b->left : 0) * token_ms;
    return b->left < 0 && due_ms > now_ms ? due_ms - now_ms : 0;
}

#endif
