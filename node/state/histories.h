/* node/state/histories.h: where the records of single assets stand, as they were found of late.
 *
 * A story asks for the versions of a hundred assets, and a descent into RocksDB for each costs more
 * than all else about it. What was found is kept until a record of the asset is applied; of assets
 * that share a place in a table with such a one it is found again, too. Any thread; apply alone
 * notes what changes, and takes no lock for it. */
#ifndef WEFT_NODE_STATE_HISTORIES_H
#define WEFT_NODE_STATE_HISTORIES_H

#include <stdatomic.h>

#include "node/state/keys.h"

enum {
    WEFT_HISTORY_REFS_MAX = 64, /* Chosen: of an asset with more the store is asked. */
};

/* All records of an asset, for as long as somebody refers to it. */
struct weft_history {
    atomic_uint references;
    uint64_t asset;
    uint64_t index; /* That it was found at. */
    uint32_t count; /* Over WEFT_HISTORY_REFS_MAX: too many to be kept, and none is. */
    struct weft_ref refs[];
};

struct weft_histories;

/* Keeps histories of at most so many bytes together. NULL: no memory. */
struct weft_histories *weft_histories_create(uint64_t bytes_max);
/* Nobody refers to a history any more. Accepts NULL. */
void weft_histories_destroy(struct weft_histories *histories);

/* Apply: at this index a record of the asset comes. Before a view of that index is opened. */
void weft_histories_note(struct weft_histories *histories, uint64_t asset, uint64_t index);

/* It will be asked for soon. */
void weft_histories_prefetch(struct weft_histories *histories, uint64_t asset);
/* The asset's history, which holds all of its records that any view has and maybe, for an older
 * view, later ones; NULL: it is not there. To be released. */
struct weft_history *weft_histories_find(struct weft_histories *histories, uint64_t asset);
/* What a view of `index` has of the asset: kept, if nothing has come since. A copy; without memory
 * it is not kept. */
void weft_histories_keep(struct weft_histories *histories, uint64_t asset, uint64_t index,
    const struct weft_ref *refs, uint32_t count);
void weft_histories_release(struct weft_history *history);

#endif
