/* node/state/twin/design.h: the design of a part type, and what of it counts for a unit.
 *
 * A design is what is known of a part type: its revisions, and the change orders about it. The
 * revision that counts for a unit is the one that the change order released last introduces,
 * among those in whose effectivity the unit is; without one, the revision that was released first
 * and that no change order introduces. So a release touches no unit: what counts follows from it
 * (NOD-301, NOD-305). */
#ifndef WEFT_NODE_STATE_TWIN_DESIGN_H
#define WEFT_NODE_STATE_TWIN_DESIGN_H

#include "node/state/twin/change.h"

enum weft_revision_status {
    WEFT_REVISION_UNKNOWN = 0, /* Named by links alone. */
    WEFT_REVISION_DRAFT,
    WEFT_REVISION_RELEASED,
    WEFT_REVISION_OBSOLETE,
};

/* A statement of `part_revision`. */
struct weft_revision_state {
    struct weft_moment moment;
    enum weft_revision_status status;
};

struct weft_revision {
    struct weft_text asset;
    const struct weft_revision_state *states; /* In order of agreement. */
    uint32_t state_count;
};

struct weft_design {
    struct weft_text part;
    const struct weft_revision *revisions;
    uint32_t revision_count;
    const struct weft_change_history *changes; /* That ever spoke about the part type. */
    uint32_t change_count;
};

struct weft_effective {
    struct weft_text revision; /* Empty: none is known. */
    enum weft_revision_status status;
    const struct weft_change_history *order; /* That brought it; NULL: no change order did. */
    const struct weft_change *release;       /* Of `order`. */
    struct weft_moment since;                /* Release of the order, else of the revision. */
    bool has_since;
};

enum weft_revision_status weft_revision_status_of(const struct weft_record *record);
const char *weft_revision_status_name(enum weft_revision_status status);

/* `until` NULL: all that the design holds; else what was true before that moment. Where nothing
 * at all was true then, the base is the one known since: designs are often recorded after what
 * was built to them. */
struct weft_effective weft_design_effective(const struct weft_design *design,
    const struct weft_unit *unit, const struct weft_moment *until);

#endif
