/* policy/policy_trial.h: a policy tried on requests and subjects, before anybody approves it.
 *
 * Which past decisions would flip; who could do something; whether anybody could still change the
 * policy. Pure: requests, subjects and time come from the caller, who knows the audit log and the
 * `org` document. */
#ifndef WEFT_POLICY_POLICY_TRIAL_H
#define WEFT_POLICY_POLICY_TRIAL_H

#include "policy/decide.h"
#include "policy/policy_file.h"

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
 * `time_ns` on, were all of them to approve: the change must be refused. `org` and `site`
 * are the policy's. At most WEFT_POLICY_LOCKOUT_TIMES moments are tried, those at which a window
 * begins or ends (POL-67). */
bool weft_policy_locks_out(const struct weft_policy *policy, struct weft_text org,
    struct weft_text site, const struct weft_policy_subject *const *admins, uint32_t count,
    int64_t time_ns);

#endif
