/* node/state/loader.h: reads stored records by their place, one pack in hand.
 *
 * Neighbours share a pack, so asking in order reads each pack once. One thread each. */
#ifndef WEFT_NODE_STATE_LOADER_H
#define WEFT_NODE_STATE_LOADER_H

#include "node/state/pack.h"
#include "node/state/store.h"

struct weft_loader {
    struct weft_store *store;
    const struct weft_store_snapshot *snapshot; /* NULL: the present. */
    struct weft_store_walk *walk;               /* Made when first needed. */
    struct weft_store_value value;              /* Of the pack in hand. */
    struct weft_pack pack;
    uint64_t index; /* 0: none in hand. */
    uint32_t first;
    uint64_t loaded_bytes; /* Sum over the packs read: what a query's budget counts. */
};

void weft_loader_init(struct weft_loader *loader, struct weft_store *store,
    const struct weft_store_snapshot *snapshot);
void weft_loader_close(struct weft_loader *loader);

/* The record's bytes, valid until the next call, and its commit time. `ref->first` is known
 * (get) or not (find). WEFT_ECORRUPT: there is none, or its pack is damaged. WEFT_EIO. */
WEFT_MUST_USE enum weft_err weft_loader_get(struct weft_loader *loader, const struct weft_ref *ref,
    struct weft_bytes *ret_bytes, int64_t *ret_time_ns, struct weft_msg *msg);
WEFT_MUST_USE enum weft_err weft_loader_find(struct weft_loader *loader, uint64_t index,
    uint32_t ordinal, struct weft_bytes *ret_bytes, int64_t *ret_time_ns, struct weft_msg *msg);

#endif
