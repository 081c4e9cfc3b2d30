/* node/state/across_sight.h: what of a tree across organizations whoever asks may see, and how much
 * is withheld from him (NOD-280). Private to across*.c. */
#ifndef WEFT_NODE_STATE_ACROSS_SIGHT_H
#define WEFT_NODE_STATE_ACROSS_SIGHT_H

#include "node/state/across.h"

/* May he know by a record of that kind on that asset that the one thing is in the other? It is
 * permitted, on both of them too, and all links by which it may say so are shown. */
bool weft_across_may_see_edge(const struct weft_across *across, const struct weft_cells_place *of,
    struct weft_text parent, struct weft_text child);
/* May he know by a record of that kind what a thing is made of? */
bool weft_across_may_see_inside(
    const struct weft_across *across, struct weft_text kind, struct weft_text asset);
/* The same of what a partner has answered, by that rel (empty: by whichever); an answer names no
 * kind of record, so it is told to whom any of these things is, whatever the kind. `child` empty:
 * that is all that is in it. */
bool weft_across_may_see_told(const struct weft_across *across, struct weft_text rel,
    struct weft_text parent, struct weft_text child);

/* One more of that kind is withheld of the thing at that place; of an empty kind: it is not known.
 * WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_across_withhold(
    struct weft_across *across, uint32_t at, struct weft_text kind);
/* A record of that kind would say what is in it, or who knows: withheld, unless more of it is
 * (weft_across_settle, once it was looked at whole). WEFT_ENOMEM. */
void weft_across_keep_back(struct weft_across *across, uint32_t at, struct weft_text kind);
WEFT_MUST_USE enum weft_err weft_across_settle(struct weft_across *across, uint32_t at);
/* What own records say is in it, and `seen`, the search of one step that was run, has not: each
 * thing once. WEFT_ECORRUPT, WEFT_EIO, WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_across_withhold_own(struct weft_across *across, uint32_t at,
    const uint64_t *ids, uint32_t count, const struct weft_search *seen);

#endif
