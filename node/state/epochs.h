/* node/state/epochs.h: the epoch of a site's statements: 1, and one more behind each restore.
 *
 * A state from a backup may give an index to another statement than the one that was lost; with an
 * epoch of their own they cannot be two statements of one revision (federation/README.md,
 * "Provider"). Only of governed sites: nobody else has agreements. */
#ifndef WEFT_NODE_STATE_EPOCHS_H
#define WEFT_NODE_STATE_EPOCHS_H

#include "node/state/store.h"

enum {
    WEFT_EPOCHS_MAX = 256, /* restores of one site; chosen */
};

/* Zero-initialized: it was never restored. */
struct weft_epochs {
    uint32_t count;
    uint64_t indexes[WEFT_EPOCHS_MAX]; /* Last entries that it had when it was; they rise. */
};

/* WEFT_ECORRUPT, WEFT_EIO, WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_epochs_load(
    struct weft_epochs *epochs, struct weft_store *store, struct weft_msg *msg);
/* Of statements of that index. */
uint64_t weft_epochs_at(const struct weft_epochs *epochs, uint64_t index);
/* It was restored with `index` entries; into the batch. Once for each index. WEFT_ETOOBIG. */
WEFT_MUST_USE enum weft_err weft_epochs_raise(struct weft_epochs *epochs, uint64_t index,
    struct weft_store_batch *batch, struct weft_msg *msg);

#endif
