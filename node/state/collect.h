/* node/state/collect.h: the first N of many ordered streams, without holding the streams.
 *
 * A page wants the N smallest places behind a cursor among the histories of many assets. Each
 * history is entered at the cursor and left as soon as it runs past the worst place kept, so
 * the cost is one descent per history and memory is N places. Equal places count once. */
#ifndef WEFT_NODE_STATE_COLLECT_H
#define WEFT_NODE_STATE_COLLECT_H

#include "node/state/view.h"

struct weft_collect {
    struct weft_ref *refs; /* In order. */
    uint32_t count;
    uint32_t capacity;
    bool by_time; /* Order: at, index, ordinal; else index, ordinal. */
    bool has_after;
    struct weft_ref after; /* Only what comes after it. */
};

/* Room for `capacity` places in the run's arena; starts behind the run's cursor. */
WEFT_MUST_USE enum weft_err weft_collect_init(
    struct weft_collect *collect, struct weft_run *run, uint32_t capacity, bool by_time);
/* Below 0: a comes first; 0: the same record. */
int weft_collect_compare(
    const struct weft_collect *collect, const struct weft_ref *a, const struct weft_ref *b);
/* Would this place, and so anything behind it, be turned away? */
bool weft_collect_is_past(const struct weft_collect *collect, const struct weft_ref *ref);
void weft_collect_add(struct weft_collect *collect, const struct weft_ref *ref);

/* All that the run sees of an asset's own records, of one kind or all (0). */
WEFT_MUST_USE enum weft_err weft_collect_asset(
    struct weft_collect *collect, struct weft_run *run, uint64_t asset, uint16_t kind);

/* The same of many assets, of all kinds: their ids rise. */
WEFT_MUST_USE enum weft_err weft_collect_assets(struct weft_collect *collect, struct weft_run *run,
    const uint64_t *assets, uint32_t asset_count);

#endif
