/* policy/policy_change.h: what a new version of a policy widens and what it narrows.
 *
 * Statement by statement, with groups and scopes unfolded where they are used, so that a new
 * member of a group appears as what it may do. It reads texts, not the world: which requests would
 * flip is policy/policy_trial.h's. */
#ifndef WEFT_POLICY_POLICY_CHANGE_H
#define WEFT_POLICY_POLICY_CHANGE_H

#include "policy/policy_file.h"

/* What access is after it, compared with before. */
enum weft_policy_direction {
    WEFT_DIRECTION_NONE,    /* The same: a citation. */
    WEFT_DIRECTION_NARROWS, /* Never more. */
    WEFT_DIRECTION_WIDENS,  /* Never less. */
    WEFT_DIRECTION_BOTH,    /* More for some and less for others, or it cannot be told. */
};

/* "same", "narrows", "widens", "changes". Static storage. */
const char *weft_policy_direction_name(enum weft_policy_direction direction);

struct weft_policy_difference {
    enum weft_policy_direction direction;
    struct weft_text what; /* "permit read-line2: who: added role analyst" */
    uint32_t old_line;     /* Of the statement; 0: not in that version. */
    uint32_t new_line;
};

struct weft_policy_differences {
    const struct weft_policy_difference *items; /* By the old file's order, then the new one's. */
    uint32_t count;
    enum weft_policy_direction direction; /* Of all together. */
};

/* Texts and array lie in `arena`. If the whole only narrows, no request whatever is allowed under
 * `new` that was not under `old`, or shown a field that was hidden; and the other way round
 * (POL-66). WEFT_ETOOBIG: over the arena's limit. WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_policy_diff(const struct weft_policy *old,
    const struct weft_policy *new, struct weft_arena *arena,
    struct weft_policy_differences *ret_differences);

#endif
