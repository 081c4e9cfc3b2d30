/* node/state/loader.h: reads stored records by their place, few packs in hand.
 *
 * Neighbours share a pack, so asking in order reads each pack once. Who knows what it will ask
 * for says so, and packs are read many at a time. One thread each. */
#ifndef WEFT_NODE_STATE_LOADER_H
#define WEFT_NODE_STATE_LOADER_H

#include "node/state/packs.h"

enum {
    WEFT_LOADER_PACKS_MAX = WEFT_STORE_GETS_MAX /* in hand; of 4 KiB, about */
};

/* A pack in hand. */
struct weft_loaded {
    uint64_t index;
    uint32_t first;
    struct weft_kept_pack *kept; /* Whose pack it is; NULL: the value's. */
    struct weft_store_value value;
    struct weft_pack pack;
};

/* A record as it is stored, decoded: in the arena that was given. */
struct weft_stored {
    struct weft_record record;
    struct weft_digest digest; /* Of its statement. */
    uint64_t index;
    uint32_t ordinal;
    int64_t time_ns; /* Of its commit. */
};

struct weft_loader {
    struct weft_store *store;
    struct weft_packs *packs;  /* To look into first; NULL: none. */
    uint64_t packs_generation; /* Of the view that is read. */
    bool is_on_loop; /* It waits for no lock of ours, and leaves keeping packs to others. */
    const struct weft_store_snapshot *snapshot;        /* NULL: the present. */
    struct weft_store_walk *walk;                      /* Made when first needed. */
    struct weft_loaded in_hand[WEFT_LOADER_PACKS_MAX]; /* By index and first. */
    uint32_t count;
    uint32_t current; /* Of them; below count, unless there are none. */
    const struct weft_ref *expected;
    uint32_t expected_count;
    uint64_t loaded_bytes; /* Sum over the packs read: what a query's budget counts. */
};

void weft_loader_init(struct weft_loader *loader, struct weft_store *store,
    const struct weft_store_snapshot *snapshot);
void weft_loader_close(struct weft_loader *loader);

/* These will be asked for, in this order, or the first of them. Borrowed until the next call of
 * this or close. */
void weft_loader_expect(
    struct weft_loader *loader, const struct weft_ref *refs, uint32_t ref_count);

/* The record's bytes, valid until the next call, and its commit time. `ref->first` is known
 * (get) or not (find). WEFT_ECORRUPT: there is none, or its pack is damaged. WEFT_EIO. */
WEFT_MUST_USE enum weft_err weft_loader_get(struct weft_loader *loader, const struct weft_ref *ref,
    struct weft_bytes *ret_bytes, int64_t *ret_time_ns, struct weft_msg *msg);
WEFT_MUST_USE enum weft_err weft_loader_find(struct weft_loader *loader, uint64_t index,
    uint32_t ordinal, struct weft_bytes *ret_bytes, int64_t *ret_time_ns, struct weft_msg *msg);

/* Every record of a kind (its id; 0: there is none such), in the order of the log. The arena is
 * reset before each. Ends with what on_stored says. WEFT_ECORRUPT, WEFT_EIO, WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_loader_each(struct weft_store *store, uint16_t kind,
    struct weft_arena *arena,
    enum weft_err (*on_stored)(void *ctx, const struct weft_stored *stored, struct weft_msg *msg),
    void *ctx, struct weft_msg *msg);

#endif
