#include "node/state/lineage/shelf.h"

#include "proto/check.h"

void weft_shelf_init(struct weft_shelf *shelf)
{
    *shelf = (struct weft_shelf){.count = 0};
    int failed = pthread_mutex_init(&shelf->lock, NULL);
    weft_assert(failed == 0); /* Without attributes it cannot fail. */
}

/* Of the shelf; the caller has the lock. */
static struct weft_trace *remove_at(struct weft_shelf *shelf, uint32_t place)
{
    struct weft_trace *trace = shelf->traces[place];
    shelf->count--;
    shelf->bytes -= trace->bytes;
    for (uint32_t i = place; i < shelf->count; i++) {
        shelf->traces[i] = shelf->traces[i + 1];
    }
    return trace;
}

void weft_shelf_clear(struct weft_shelf *shelf)
{
    (void)pthread_mutex_lock(&shelf->lock);
    while (shelf->count > 0) {
        weft_trace_destroy(remove_at(shelf, 0));
    }
    (void)pthread_mutex_unlock(&shelf->lock);
}

void weft_shelf_close(struct weft_shelf *shelf)
{
    weft_shelf_clear(shelf);
    (void)pthread_mutex_destroy(&shelf->lock);
}

void weft_shelf_put(struct weft_shelf *shelf, struct weft_trace *trace)
{
    struct weft_trace *pushed_out[WEFT_SHELF_TRACES_MAX];
    uint32_t count = 0;
    trace->bytes = weft_trace_settle(trace);
    if (trace->bytes > WEFT_SHELF_BYTES_MAX) {
        weft_trace_destroy(trace);
        return;
    }
    (void)pthread_mutex_lock(&shelf->lock);
    while (shelf->count == WEFT_SHELF_TRACES_MAX ||
           shelf->bytes + trace->bytes > WEFT_SHELF_BYTES_MAX) {
        pushed_out[count++] = remove_at(shelf, 0);
    }
    shelf->traces[shelf->count++] = trace;
    shelf->bytes += trace->bytes;
    (void)pthread_mutex_unlock(&shelf->lock);
    for (uint32_t i = 0; i < count; i++) {
        weft_trace_destroy(pushed_out[i]);
    }
}

struct weft_trace *weft_shelf_take(struct weft_shelf *shelf, uint64_t key, uint64_t as_of)
{
    struct weft_trace *trace = NULL;
    (void)pthread_mutex_lock(&shelf->lock);
    for (uint32_t i = 0; i < shelf->count && trace == NULL; i++) {
        if (shelf->traces[i]->key == key && shelf->traces[i]->as_of == as_of) {
            trace = remove_at(shelf, i);
        }
    }
    (void)pthread_mutex_unlock(&shelf->lock);
    return trace;
}
