/* node/state/dossier_sight.h: what a dossier shows whoever asks: its own parts alone include this.
 *
 * Everything that a twin, a difference or an apply's look at an asset is made of is read through
 * a dossier; one with a reveal leaves out here what is hidden (NOD-170). */
#ifndef WEFT_NODE_STATE_DOSSIER_SIGHT_H
#define WEFT_NODE_STATE_DOSSIER_SIGHT_H

#include "node/state/dossier.h"

/* A key or record was looked at. WEFT_ETOOBIG: too many. */
WEFT_MUST_USE enum weft_err weft_dossier_step(struct weft_dossier *dossier);

/* Is the record at this place seen, and its links by `rel` (empty: whatever)? */
WEFT_MUST_USE enum weft_err weft_dossier_may_see_place(struct weft_dossier *dossier,
    const struct weft_moment *moment, struct weft_text rel, bool *ret_may);
/* The commit's time instead of one that is hidden. */
WEFT_MUST_USE enum weft_err weft_dossier_hide_time(
    struct weft_dossier *dossier, struct weft_moment *moment);
/* Leave of a record what is seen; of one that is not, nothing but its place. */
WEFT_MUST_USE enum weft_err weft_dossier_strip(
    struct weft_dossier *dossier, struct weft_stored_record *stored);
/* Keep those that have a link by one of these rels still, now that what is hidden is left out. */
uint32_t weft_dossier_keep_linking(struct weft_dossier *dossier, struct weft_stored_record *records,
    uint32_t count, const struct weft_text *rels, uint32_t rel_count);

#endif
