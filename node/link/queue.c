#include "node/link/queue.h"

#include <stdlib.h>
#include <string.h>

#include "proto/arith.h"
#include "proto/check.h"

enum {
    CAPACITY_MIN = 1024,
    CAPACITY_KEPT = 1024 * 1024, /* chosen: between messages; a page of a trace's records fits */
    TAKEN_SIZE_MIN = 256 * 1024, /* chosen: less is copied */
};

static void compact(struct weft_queue *q)
{
    size_t size = weft_queue_size(q);
    if (q->begin > 0 && size > 0) {
        memmove(q->data, q->data + q->begin, size);
    }
    q->begin = 0;
    q->end = size;
}

enum weft_err weft_queue_reserve(struct weft_queue *q, size_t more, uint8_t **ret_room)
{
    size_t size = weft_queue_size(q), wanted;
    if (q->capacity - q->end < more) {
        if (!weft_add_size(size, more, &wanted)) {
            return WEFT_ENOMEM;
        }
        /* Moving costs less than growing as long as most of the block is free. */
        if (wanted <= q->capacity && size <= q->capacity / 2) {
            compact(q);
        } else {
            size_t capacity = q->capacity > 0 ? q->capacity : CAPACITY_MIN;
            while (capacity < wanted) {
                if (!weft_mul_size(capacity, 2, &capacity)) {
                    return WEFT_ENOMEM;
                }
            }
            uint8_t *data = malloc(capacity);
            if (data == NULL) {
                return WEFT_ENOMEM;
            }
            if (size > 0) {
                memcpy(data, weft_queue_front(q), size);
            }
            free(q->data);
            *q = (struct weft_queue){.data = data, .end = size, .capacity = capacity};
        }
    }
    *ret_room = q->data + q->end;
    return WEFT_OK;
}

void weft_queue_commit(struct weft_queue *q, size_t size)
{
    weft_assert(size <= q->capacity - q->end); /* LNK-1 */
    q->end += size;
}

enum weft_err weft_queue_append(struct weft_queue *q, const void *data, size_t size)
{
    uint8_t *room;
    enum weft_err err = weft_queue_reserve(q, size, &room);
    if (err == WEFT_OK && size > 0) {
        memcpy(room, data, size);
        q->end += size;
    }
    return err;
}

enum weft_err weft_queue_take(struct weft_queue *q, struct weft_buffer *buffer)
{
    if (weft_queue_size(q) > 0 || buffer->size <= TAKEN_SIZE_MIN) {
        return weft_queue_append(q, buffer->data, buffer->size);
    }
    weft_queue_destroy(q);
    *q = (struct weft_queue){
        .data = buffer->data, .end = buffer->size, .capacity = buffer->capacity};
    *buffer = (struct weft_buffer){.size_max = buffer->size_max};
    return WEFT_OK;
}

void weft_queue_consume(struct weft_queue *q, size_t size)
{
    weft_assert(size <= weft_queue_size(q)); /* LNK-1 */
    q->begin += size;
    if (q->begin == q->end) {
        q->begin = q->end = 0;
        if (q->capacity > CAPACITY_KEPT) {
            weft_queue_destroy(q);
        }
    }
}

void weft_queue_release(struct weft_queue *q)
{
    if (q->begin == q->end) {
        weft_queue_destroy(q);
    }
}

void weft_queue_destroy(struct weft_queue *q)
{
    free(q->data);
    *q = (struct weft_queue){0};
}
