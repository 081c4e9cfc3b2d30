#include "jepsen/cluster/delayed.h"

#include <stdlib.h>
#include <string.h>

#include "jepsen/core/arena.h"

static bool is_before(const struct jep_delayed_frame *a, const struct jep_delayed_frame *b)
{
    return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->number < b->number;
}

static void swap(struct jep_delayed *d, size_t i, size_t k)
{
    struct jep_delayed_frame *frame = d->heap[i];
    d->heap[i] = d->heap[k];
    d->heap[k] = frame;
}

static void rise(struct jep_delayed *d, size_t i)
{
    while (i > 0 && is_before(d->heap[i], d->heap[(i - 1) / 2])) {
        swap(d, i, (i - 1) / 2);
        i = (i - 1) / 2;
    }
}

static void sink(struct jep_delayed *d, size_t i)
{
    for (;;) {
        size_t least = i;
        for (size_t child = 2 * i + 1; child <= 2 * i + 2 && child < d->count; child++) {
            if (is_before(d->heap[child], d->heap[least])) {
                least = child;
            }
        }
        if (least == i) {
            return;
        }
        swap(d, i, least);
        i = least;
    }
}

bool jep_delayed_put(
    struct jep_delayed *d, int64_t due_ns, unsigned to, const uint8_t *bytes, size_t size)
{
    if (d->count >= JEP_DELAYED_MAX || size > JEP_FRAME_BYTES_MAX) {
        return false;
    }
    if (d->count == d->capacity) {
        d->capacity = d->capacity == 0 ? 256 : 2 * d->capacity;
        d->heap = jep_realloc(d->heap, d->capacity, sizeof(struct jep_delayed_frame *));
    }
    struct jep_delayed_frame *frame = jep_alloc(1, sizeof(struct jep_delayed_frame));
    frame->due_ns = due_ns;
    frame->number = d->next_number++;
    frame->to = to;
    frame->size = size;
    memcpy(frame->bytes, bytes, size);
    d->heap[d->count] = frame;
    rise(d, d->count++);
    return true;
}

int64_t jep_delayed_next_ns(const struct jep_delayed *d)
{
    return d->count > 0 ? d->heap[0]->due_ns : -1;
}

struct jep_delayed_frame *jep_delayed_take(struct jep_delayed *d, int64_t now_ns)
{
    if (d->count == 0 || d->heap[0]->due_ns > now_ns) {
        return NULL;
    }
    struct jep_delayed_frame *first = d->heap[0];
    d->heap[0] = d->heap[--d->count];
    sink(d, 0);
    return first;
}

void jep_delayed_free(struct jep_delayed *d)
{
    for (size_t i = 0; i < d->count; i++) {
        free(d->heap[i]);
    }
    free(d->heap);
    memset(d, 0, sizeof(*d));
}
