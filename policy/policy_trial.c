#include "policy/policy_trial.h"

#include <string.h>

#include "policy/lang.h"
#include "proto/check.h"

static const int64_t ns_per_min = (int64_t)60 * 1000 * 1000 * 1000;

enum {
    MIN_PER_DAY = 1440,
    MIN_PER_WEEK = 7 * MIN_PER_DAY,
};

/* --- past requests ------------------------------------------------------------------------ */

uint32_t weft_policy_what_if(const struct weft_policy *old, const struct weft_policy *new,
    const struct weft_policy_recorded *requests, uint32_t count,
    void (*on_flip)(void *ctx, const struct weft_policy_flip *flip), void *ctx)
{
    uint32_t flips = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct weft_policy_flip flip = {.request = i};
        weft_policy_decide(old, &requests[i].request, &flip.before);
        weft_policy_decide(new, &requests[i].request, &flip.after);
        for (uint32_t j = 0; j < requests[i].field_count; j++) {
            bool was_shown = weft_policy_shows(old, &flip.before, requests[i].fields[j]);
            bool is_shown = weft_policy_shows(new, &flip.after, requests[i].fields[j]);
            flip.fields_shown += is_shown && !was_shown ? 1 : 0;
            flip.fields_hidden += was_shown && !is_shown ? 1 : 0;
        }
        if (flip.before.effect != flip.after.effect || flip.fields_shown > 0 ||
            flip.fields_hidden > 0) {
            on_flip(ctx, &flip);
            flips++;
        }
    }
    return flips;
}

uint32_t weft_policy_who_can(const struct weft_policy *policy,
    const struct weft_policy_request *request, const struct weft_policy_subject *const *subjects,
    uint32_t count, enum weft_policy_effect *ret_effects)
{
    struct weft_policy_request asked = *request;
    struct weft_policy_decision decision;
    uint32_t able = 0;
    for (uint32_t i = 0; i < count; i++) {
        asked.subject = subjects[i];
        weft_policy_decide(policy, &asked, &decision);
        ret_effects[i] = decision.effect;
        able += decision.effect != WEFT_EFFECT_DENY ? 1 : 0;
    }
    return able;
}

/* --- lock-out ----------------------------------------------------------------------------- */

/* Minutes of the week from `start_ns` on at which some window begins or ends: between two of them
 * no condition of time changes, so that one moment of each stretch is enough. */
struct moments {
    uint32_t minutes[WEFT_POLICY_LOCKOUT_TIMES];
    uint32_t count;
    uint64_t seen[MIN_PER_WEEK / 64 + 1];
};

static void add_moment(struct moments *m, int64_t minute_of_epoch, int64_t start_min)
{
    int64_t minute = (minute_of_epoch - start_min) % MIN_PER_WEEK;
    minute += minute < 0 ? MIN_PER_WEEK : 0;
    uint64_t bit = (uint64_t)1 << minute % 64;
    if (m->count < WEFT_POLICY_LOCKOUT_TIMES && (m->seen[minute / 64] & bit) == 0) {
        m->seen[minute / 64] |= bit;
        m->minutes[m->count++] = (uint32_t)minute;
    }
}

/* Every day, since one that begins elsewhere is ours for some of its hours. */
static void add_window(const struct weft_lang_window *w, int64_t start_min, struct moments *m)
{
    for (int day = 0; day < 7; day++) {
        int64_t midnight = (int64_t)day * MIN_PER_DAY - w->offset_min;
        add_moment(m, midnight, start_min);
        add_moment(m, midnight + w->start_min, start_min);
        add_moment(m, midnight + w->end_min, start_min);
    }
}

static void find_moments(const struct weft_policy *policy, int64_t start_min, struct moments *m)
{
    add_moment(m, start_min, start_min);
    for (uint32_t i = 0; i < policy->statement_count; i++) {
        const struct weft_lang_statement *s = &policy->statements[i];
        const struct weft_lang_term *terms = weft_lang_terms(policy, s, WEFT_CLAUSE_WHEN);
        bool is_of_it = (s->actions & 1u << WEFT_ACTION_ADMIN_POLICY) != 0;
        for (uint32_t j = 0; j < s->counts[WEFT_CLAUSE_WHEN] && is_of_it; j++) {
            if (terms[j].type == WEFT_LANG_TIME) {
                add_window(&terms[j].window, start_min, m);
            }
        }
    }
}

/* An admin's own request, which the others approve: as many of them as are counted at all, those
 * that come next in the list, so that each is among somebody's approvers. */
static bool can_change(const struct weft_policy *policy, struct weft_policy_request *request,
    const struct weft_policy_subject *const *admins, uint32_t count, uint32_t which)
{
    struct weft_policy_approval approvals[WEFT_POLICY_APPROVALS_MAX];
    struct weft_policy_decision decision;
    uint32_t approval_count = 0;
    for (uint32_t i = 0; i < count && approval_count < WEFT_POLICY_APPROVALS_MAX; i++) {
        approvals[approval_count++] =
            (struct weft_policy_approval){admins[(which + 1 + i) % count], request->time_ns};
    }
    request->subject = admins[which];
    request->approvals = approvals;
    request->approval_count = approval_count;
    weft_policy_decide(policy, request, &decision);
    request->approvals = NULL;
    request->approval_count = 0;
    return decision.effect == WEFT_EFFECT_ALLOW;
}

bool weft_policy_locks_out(const struct weft_policy *policy, struct weft_text org,
    struct weft_text site, const struct weft_policy_subject *const *admins, uint32_t count,
    int64_t time_ns)
{
    struct moments moments = {.count = 0};
    int64_t start_min = time_ns / ns_per_min;
    find_moments(policy, start_min, &moments);
    struct weft_policy_request request = {.org = org,
        .site = site,
        .action = WEFT_ACTION_ADMIN_POLICY,
        .asset = {WEFT_FACT_GIVEN, WEFT_TEXT(WEFT_POLICY_ASSET)},
        .kind = {WEFT_FACT_GIVEN, WEFT_TEXT(WEFT_POLICY_KIND)},
        .verb = {WEFT_FACT_NONE, {NULL, 0}},
        .tier_presence = WEFT_FACT_NONE,
        .labels_presence = WEFT_FACT_NONE};
    for (uint32_t i = 0; i < moments.count; i++) {
        request.time_ns = (start_min + moments.minutes[i]) * ns_per_min;
        for (uint32_t j = 0; j < count; j++) {
            if (can_change(policy, &request, admins, count, j)) {
                return false;
            }
        }
    }
    return true;
}
