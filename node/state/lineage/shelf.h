/* node/state/lineage/shelf.h: traces kept for the next page of their answer.
 *
 * A few, and bounded in bytes: what is pushed out is searched again. Any thread; whoever takes a
 * trace has it alone. */
#ifndef WEFT_NODE_STATE_LINEAGE_SHELF_H
#define WEFT_NODE_STATE_LINEAGE_SHELF_H

#include <pthread.h>

#include "node/state/lineage/trace.h"

enum {
    WEFT_SHELF_TRACES_MAX = 8,               /* chosen: as many clients in the middle of one */
    WEFT_SHELF_BYTES_MAX = 64 * 1024 * 1024, /* chosen: two of the largest */
};

struct weft_shelf {
    pthread_mutex_t lock;
    struct weft_trace *traces[WEFT_SHELF_TRACES_MAX]; /* Oldest first. */
    uint32_t count;
    size_t bytes;
};

void weft_shelf_init(struct weft_shelf *shelf);
void weft_shelf_close(struct weft_shelf *shelf);
void weft_shelf_clear(struct weft_shelf *shelf);
/* Takes the trace. */
void weft_shelf_put(struct weft_shelf *shelf, struct weft_trace *trace);
/* Gives the trace that was put under this key and index; NULL: it is not there. */
struct weft_trace *weft_shelf_take(struct weft_shelf *shelf, uint64_t key, uint64_t as_of);

#endif
