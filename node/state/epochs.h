/* node/state/epochs.h: the epoch of a site's statements: 1, and a higher one behind each restore.
 *
 * A state from a backup may give an index to another statement than the one that was lost; with an
 * epoch of their own they cannot be two statements of one revision, and come behind it
 * (federation/README.md, "Provider"). An epoch is the second of the clock at the restore: what a
 * backup knows does not tell whether it was restored before. Only of governed sites: nobody else
 * has agreements. */
#ifndef WEFT_NODE_STATE_EPOCHS_H
#define WEFT_NODE_STATE_EPOCHS_H

#include "node/state/store.h"

enum {
    WEFT_EPOCHS_MAX = 256, /* restores of one site; chosen */
};

struct weft_epochs_restore {
    uint64_t index; /* Last entry that it had. */
    uint64_t epoch; /* Of what is behind that. */
};

/* Zero-initialized: it was never restored. */
struct weft_epochs {
    uint32_t count;
    struct weft_epochs_restore restores[WEFT_EPOCHS_MAX]; /* Indexes and epochs rise. */
};

/* WEFT_ECORRUPT, WEFT_EIO, WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_epochs_load(
    struct weft_epochs *epochs, struct weft_store *store, struct weft_msg *msg);
/* Of statements of that index. */
uint64_t weft_epochs_at(const struct weft_epochs *epochs, uint64_t index);
/* It was restored with `index` entries, at that second since 1970: into the batch. The epoch is
 * that, or the next one where the clock is behind what is known. WEFT_ETOOBIG. */
WEFT_MUST_USE enum weft_err weft_epochs_raise(struct weft_epochs *epochs, uint64_t index,
    uint64_t now_s, struct weft_store_batch *batch, struct weft_msg *msg);

#endif
