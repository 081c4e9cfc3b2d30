/* policy/policy_change.h: what a new policy would change, before anybody approves it.
 *
 * What widens and what narrows, statement by statement; which past decisions flip; who could do
 * something; whether anybody could still change the policy. Pure: requests, subjects and time
 * come from the caller, who knows the audit log and the `org` document. */
#ifndef WEFT_POLICY_POLICY_CHANGE_H
#define WEFT_POLICY_POLICY_CHANGE_H

#include "policy/decide.h"
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
 * (POL-56). WEFT_ETOOBIG: over the arena's limit. WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_policy_diff(const struct weft_policy *old,
    const struct weft_policy *new, struct weft_arena *arena,
    struct weft_policy_differences *ret_differences);

/* --- past requests ----------------------------------------------------------------------- */

struct weft_policy_recorded {
    struct weft_policy_request request;
    const struct weft_text *fields; /* Paths that the answer had or would have had. */
    uint32_t field_count;
};

struct weft_policy_flip {
    uint32_t request; /* Which. */
    struct weft_policy_decision before;
    struct weft_policy_decision after;
    uint32_t fields_shown;  /* That were hidden before. */
    uint32_t fields_hidden; /* That were shown before. */
};

/* Calls on_flip for each request that is decided otherwise, or shows other fields; gives how many
 * there are. `on_flip` borrows until it returns. */
uint32_t weft_policy_what_if(const struct weft_policy *old, const struct weft_policy *new,
    const struct weft_policy_recorded *requests, uint32_t count,
    void (*on_flip)(void *ctx, const struct weft_policy_flip *flip), void *ctx);

/* ret_effects[i] is what `request` would be for subjects[i], as if each had made it; gives how
 * many are ALLOW or NEEDS. */
uint32_t weft_policy_who_can(const struct weft_policy *policy,
    const struct weft_policy_request *request, const struct weft_policy_subject *const *subjects,
    uint32_t count, enum weft_policy_effect *ret_effects);

/* True if nobody of the admins could change the policy under `policy` within the seven days from
 * `time_ns` on, were all of the others to approve: the change must be refused. `org` and `site`
 * are the policy's. At most WEFT_POLICY_LOCKOUT_TIMES moments are tried, those at which a window
 * begins or ends (POL-57). */
bool weft_policy_locks_out(const struct weft_policy *policy, struct weft_text org,
    struct weft_text site, const struct weft_policy_subject *const *admins, uint32_t count,
    int64_t time_ns);

#endif
