/* node/link/queue.h: bytes in, bytes out, in order: what waits to be sent or to be understood.
 *
 * One contiguous block, its start aligned to 16. A large block is given back as soon as it is
 * empty, a small one when its owner says that things are quiet, so that ten thousand idle
 * connections cost nothing and a busy one does not allocate for each message. */
#ifndef WEFT_NODE_LINK_QUEUE_H
#define WEFT_NODE_LINK_QUEUE_H

#include <stddef.h>
#include <stdint.h>

#include "proto/bytes.h"
#include "proto/err.h"

/* Zero-initialized is empty and ready. */
struct weft_queue {
    uint8_t *data;
    size_t begin; /* First byte that waits. */
    size_t end;
    size_t capacity;
};

static inline size_t weft_queue_size(const struct weft_queue *q)
{
    return q->end - q->begin;
}

static inline uint8_t *weft_queue_front(const struct weft_queue *q)
{
    return q->data + q->begin;
}

/* Room for `more` bytes behind the last; *ret_room is where they go. What waits may move.
 * WEFT_ENOMEM: nothing has changed. */
WEFT_MUST_USE enum weft_err weft_queue_reserve(
    struct weft_queue *q, size_t more, uint8_t **ret_room);
/* `size` bytes were written into the reserved room. */
void weft_queue_commit(struct weft_queue *q, size_t size);
WEFT_MUST_USE enum weft_err weft_queue_append(struct weft_queue *q, const void *data, size_t size);
/* The buffer's content behind the last byte: an empty queue takes its memory, whose start is
 * aligned to 16, and leaves it empty. WEFT_ENOMEM: nothing has changed. */
WEFT_MUST_USE enum weft_err weft_queue_take(struct weft_queue *q, struct weft_buffer *buffer);
/* The first `size` bytes are done with. */
void weft_queue_consume(struct weft_queue *q, size_t size);
/* Gives the memory back if nothing waits. */
void weft_queue_release(struct weft_queue *q);
void weft_queue_destroy(struct weft_queue *q);

#endif
