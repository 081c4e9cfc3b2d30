/* node/state/inside.h: what is inside an asset: the closure over links that carry material.
 *
 * An assembly contains what it `consumes`, the lots it `uses_lot`, what it `contains` or
 * `installs`, the `input` of its transformation, and whatever says that it is `part_of` it or
 * `installed_in` it; events of aggregation and transformation stand between a container or
 * product, which they name as `parent` or `output`, and what they contain. What was inside at
 * any time counts: a story tells of it. Cycles are tolerated: an asset is entered once.
 *
 * The index of lineage answers it from memory, unless some record names a `parent`: the index
 * knows what such an event has put into its parent and not that the event stands between them. */
#ifndef WEFT_NODE_STATE_INSIDE_H
#define WEFT_NODE_STATE_INSIDE_H

#include "node/state/view.h"

enum {
    WEFT_INSIDE_ASSETS_MAX = 65536,      /* 1 MiB of ids and table */
    WEFT_INSIDE_STEPS_MAX = 2000 * 1000, /* links looked at */
};

struct weft_inside {
    uint64_t *assets; /* In no particular order. */
    uint32_t count;
    uint32_t capacity;
    uint32_t *table; /* Place in `assets` + 1, by hash; 0: free. At most half full. */
    uint32_t table_size;
};

/* The asset itself and all that is in it. WEFT_ETOOBIG: past a limit above. WEFT_ECORRUPT,
 * WEFT_EIO, WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_inside_find(
    struct weft_run *run, uint64_t asset, struct weft_inside *ret_inside);
void weft_inside_close(struct weft_inside *inside);

#endif
