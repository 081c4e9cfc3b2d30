/* How an asset is: its properties and their ages, what is open about it, its health. */
#include "node/state/portrait.h"

#include "proto/check.h"
#include "proto/thread.h"

#define NS_PER_S 1e9

static enum weft_err no_memory(struct weft_portrait *p)
{
    return weft_fail(p->dossier->msg, WEFT_ENOMEM, "the state of an asset");
}

/* --- properties ------------------------------------------------------------------------------ */

static enum weft_err read_properties(
    struct weft_portrait *p, enum weft_thread_kind kind, struct weft_properties *properties)
{
    const struct weft_stored_record *records = NULL;
    uint32_t count = 0;
    if (weft_properties_init(properties, p->dossier->arena) != WEFT_OK) {
        return no_memory(p);
    }
    enum weft_err rv = weft_dossier_history(
        p->dossier, p->asset, weft_text_of(weft_thread_kind_traits(kind)->name), &records, &count);
    for (uint32_t i = 0; rv == WEFT_OK && i < count; i++) {
        weft_properties_offer(properties, &records[i]);
    }
    weft_properties_close(properties);
    return rv;
}

static bool has_kind(const struct weft_portrait *p, enum weft_thread_kind kind)
{
    for (uint32_t i = 0; i < p->newest_count; i++) {
        if (weft_thread_kind(p->newest[i]->record.kind) == kind) {
            return true;
        }
    }
    return false;
}

/* The current statement of a kind on the part type. */
static enum weft_err read_of_type(struct weft_portrait *p, enum weft_thread_kind kind,
    const struct weft_stored_record **ret_record)
{
    uint64_t type;
    *ret_record = NULL;
    if (p->part.type.size == 0) {
        return WEFT_OK;
    }
    enum weft_err rv = weft_dossier_find(p->dossier, p->part.type, &type);
    return rv == WEFT_OK ? weft_dossier_current(p->dossier, type,
                               weft_text_of(weft_thread_kind_traits(kind)->name), ret_record)
                         : rv;
}

static const struct weft_stored_record *own(
    const struct weft_portrait *p, enum weft_thread_kind kind)
{
    for (uint32_t i = 0; i < p->newest_count; i++) {
        if (weft_thread_kind(p->newest[i]->record.kind) == kind) {
            return p->newest[i];
        }
    }
    return NULL;
}

enum weft_err weft_portrait_measure(struct weft_portrait *p)
{
    const struct weft_stored_record *policy = own(p, WEFT_THREAD_TWIN_POLICY);
    enum weft_err rv = WEFT_OK;
    if (policy != NULL) {
        p->policies[p->policy_count++] = &policy->record;
    }
    rv = read_of_type(p, WEFT_THREAD_TWIN_POLICY, &policy);
    if (rv == WEFT_OK && policy != NULL) {
        p->policies[p->policy_count++] = &policy->record;
    }
    if (rv == WEFT_OK && has_kind(p, WEFT_THREAD_REPORTED)) {
        rv = read_properties(p, WEFT_THREAD_REPORTED, &p->reported);
    }
    if (rv == WEFT_OK && has_kind(p, WEFT_THREAD_DESIRED)) {
        rv = read_properties(p, WEFT_THREAD_DESIRED, &p->desired);
    }
    return rv;
}

bool weft_portrait_freshness(const struct weft_portrait *p, const struct weft_property *property,
    double *ret_age_s, double *ret_freshness_s)
{
    *ret_age_s = ((double)p->now_ns - (double)property->stored->record.at_ns) / NS_PER_S;
    return weft_freshness_of(p->policies, p->policy_count, property->name, ret_freshness_s);
}

/* --- issues ---------------------------------------------------------------------------------- */

static enum weft_err add(struct weft_portrait *p, const struct weft_issue *issue)
{
    if (p->issue_count == p->issue_capacity) {
        uint32_t capacity = p->issue_capacity == 0 ? 8 : p->issue_capacity * 2;
        struct weft_issue *issues = weft_arena_array(p->dossier->arena, capacity, sizeof(*issues));
        if (issues == NULL) {
            return no_memory(p);
        }
        if (p->issue_count > 0) {
            memcpy(issues, p->issues, p->issue_count * sizeof(*issues));
        }
        p->issues = issues;
        p->issue_capacity = capacity;
    }
    p->issues[p->issue_count++] = *issue;
    p->health = issue->health > p->health ? issue->health : p->health;
    return WEFT_OK;
}

/* What others say of the asset. The newest of each sort in the order of truth. */
struct testimony {
    const struct weft_stored_record *verdict;
    const struct weft_stored_record *failure;
    const struct weft_stored_record *mended;
};

static void keep_newest(
    const struct weft_stored_record **kept, const struct weft_stored_record *stored)
{
    if (*kept != NULL) {
        struct weft_moment old = weft_moment_of(*kept), new = weft_moment_of(stored);
        if (weft_moment_compare(&new, &old) < 0) {
            return;
        }
    }
    *kept = stored;
}

static void hear(struct testimony *t, const struct weft_stored_record *stored)
{
    enum weft_thread_kind kind = weft_thread_kind(stored->record.kind);
    if (kind == WEFT_THREAD_FAILURE) {
        keep_newest(&t->failure, stored);
    } else if (kind == WEFT_THREAD_REPAIR || kind == WEFT_THREAD_REPLACEMENT) {
        keep_newest(&t->mended, stored);
    } else if ((kind == WEFT_THREAD_INSPECTION || kind == WEFT_THREAD_TEST) &&
               weft_fact_text(&stored->record, "verdict").size > 0) {
        keep_newest(&t->verdict, stored);
    }
}

/* Its own record of a kind that is true last, and gives `field` if one is asked for. */
static enum weft_err hear_own(
    struct weft_portrait *p, struct testimony *t, enum weft_thread_kind kind, const char *field)
{
    struct weft_moment *moments = NULL;
    uint32_t count = 0;
    if (!has_kind(p, kind)) {
        return WEFT_OK;
    }
    enum weft_err rv = weft_dossier_moments(
        p->dossier, p->asset, weft_text_of(weft_thread_kind_traits(kind)->name), &moments, &count);
    while (rv == WEFT_OK && count > 0) {
        const struct weft_stored_record *stored = NULL;
        uint32_t last = 0;
        for (uint32_t i = 1; i < count; i++) {
            last = weft_moment_compare(&moments[i], &moments[last]) > 0 ? i : last;
        }
        rv = weft_dossier_load(p->dossier, &moments[last], &stored);
        if (rv != WEFT_OK) {
            break;
        }
        hear(t, stored);
        if (field == NULL || weft_fact_text(&stored->record, field).size > 0) {
            break;
        }
        moments[last] = moments[--count];
    }
    return rv;
}

/* The disposition that counts for a non-conformance: on its own asset, or one that `closes` it. */
static enum weft_err read_disposition(struct weft_portrait *p, uint64_t nonconformance,
    const struct weft_stored_record **ret_disposition)
{
    struct weft_mention *mentions = NULL;
    uint32_t count = 0;
    enum weft_err rv =
        weft_dossier_current(p->dossier, nonconformance, WEFT_TEXT("disposition"), ret_disposition);
    if (rv == WEFT_OK) {
        rv = weft_dossier_mentions(
            p->dossier, nonconformance, WEFT_TEXT("closes"), &mentions, &count);
    }
    for (uint32_t i = 0; rv == WEFT_OK && i < count; i++) {
        const struct weft_stored_record *other = NULL;
        rv = weft_dossier_current(p->dossier, mentions[i].asset, WEFT_TEXT("disposition"), &other);
        if (rv == WEFT_OK && other != NULL) {
            struct weft_moment new = weft_moment_of(other);
            struct weft_moment old =
                *ret_disposition != NULL ? weft_moment_of(*ret_disposition) : new;
            *ret_disposition = *ret_disposition == NULL || weft_moment_compare_place(&new, &old) > 0
                                   ? other
                                   : *ret_disposition;
        }
    }
    return rv;
}

static enum weft_err judge_nonconformance(struct weft_portrait *p, uint64_t asset)
{
    const struct weft_stored_record *nonconformance = NULL, *disposition = NULL;
    struct weft_issue issue;
    enum weft_err rv =
        weft_dossier_current(p->dossier, asset, WEFT_TEXT("nonconformance"), &nonconformance);
    if (rv != WEFT_OK || nonconformance == NULL ||
        (asset != p->asset && !weft_fact_links_to(&nonconformance->record, "about", p->name))) {
        return rv;
    }
    rv = read_disposition(p, asset, &disposition);
    if (rv == WEFT_OK && weft_issue_nonconformance(nonconformance, disposition, &issue)) {
        rv = add(p, &issue);
    }
    if (rv == WEFT_OK && weft_issue_disposition(nonconformance, disposition, &issue)) {
        rv = add(p, &issue);
    }
    return rv;
}

static enum weft_err judge_claim(struct weft_portrait *p, uint64_t asset)
{
    const struct weft_stored_record *claim = NULL;
    struct weft_issue issue;
    enum weft_err rv = weft_dossier_current(p->dossier, asset, WEFT_TEXT("warranty_claim"), &claim);
    if (rv != WEFT_OK || claim == NULL ||
        (asset != p->asset && !weft_fact_links_to(&claim->record, "about", p->name))) {
        return rv;
    }
    return weft_issue_warranty(claim, &issue) ? add(p, &issue) : WEFT_OK;
}

/* Maintenance that fulfils a plan: of a plan with an asset of its own, what `implements` it; of
 * one that stands on the asset or its part type, all. */
static enum weft_err read_done(struct weft_portrait *p, const struct weft_stored_record *plan,
    bool is_own, const struct weft_stored_record **ret_done)
{
    const struct weft_stored_record *records = NULL;
    uint32_t count = 0;
    *ret_done = NULL;
    enum weft_err rv =
        weft_dossier_history(p->dossier, p->asset, WEFT_TEXT("maintenance"), &records, &count);
    for (uint32_t i = 0; rv == WEFT_OK && i < count; i++) {
        if (is_own || weft_fact_links_to(&records[i].record, "implements", plan->record.asset)) {
            keep_newest(ret_done, &records[i]);
        }
    }
    return rv;
}

static enum weft_err judge_plan(
    struct weft_portrait *p, const struct weft_stored_record *plan, bool is_own)
{
    const struct weft_stored_record *done = NULL;
    struct weft_issue issue;
    const struct weft_moment *built = p->unit.is_built ? &p->unit.built : NULL;
    if (plan == NULL) {
        return WEFT_OK;
    }
    enum weft_err rv = read_done(p, plan, is_own, &done);
    return rv == WEFT_OK && weft_issue_maintenance(plan, done, built, p->now_ns, &issue)
               ? add(p, &issue)
               : rv;
}

static bool is_judged(enum weft_thread_kind kind)
{
    return kind == WEFT_THREAD_NONCONFORMANCE || kind == WEFT_THREAD_WARRANTY_CLAIM ||
           kind == WEFT_THREAD_MAINTENANCE_PLAN;
}

/* Statements of one document are one matter; so are those that stand on the asset itself. */
static bool is_repeated(
    const struct weft_portrait *p, const struct weft_mention *mentions, uint32_t place)
{
    for (uint32_t i = 0; i < place; i++) {
        if (mentions[i].asset == mentions[place].asset) {
            return true;
        }
    }
    return mentions[place].asset == p->asset;
}

/* One look at everything that speaks about the asset. */
static enum weft_err hear_others(struct weft_portrait *p, struct testimony *t, const char *rel)
{
    struct weft_mention *mentions = NULL;
    uint32_t count = 0;
    enum weft_err rv =
        weft_dossier_mentions(p->dossier, p->asset, weft_text_of(rel), &mentions, &count);
    for (uint32_t i = 0; rv == WEFT_OK && i < count; i++) {
        const struct weft_stored_record *stored = NULL;
        rv = weft_dossier_load(p->dossier, &mentions[i].moment, &stored);
        if (rv != WEFT_OK) {
            break;
        }
        hear(t, stored);
        enum weft_thread_kind kind = weft_thread_kind(stored->record.kind);
        if (!is_judged(kind) || is_repeated(p, mentions, i)) {
            continue;
        }
        if (kind == WEFT_THREAD_NONCONFORMANCE) {
            rv = judge_nonconformance(p, mentions[i].asset);
        } else if (kind == WEFT_THREAD_WARRANTY_CLAIM) {
            rv = judge_claim(p, mentions[i].asset);
        } else if (kind == WEFT_THREAD_MAINTENANCE_PLAN) {
            const struct weft_stored_record *plan = NULL;
            rv = weft_dossier_current(
                p->dossier, mentions[i].asset, WEFT_TEXT("maintenance_plan"), &plan);
            bool is_its = rv == WEFT_OK && plan != NULL &&
                          weft_fact_links_to(&plan->record, "about", p->name);
            rv = is_its ? judge_plan(p, plan, false) : rv;
        }
    }
    return rv;
}

static enum weft_err judge_testimony(struct weft_portrait *p, const struct testimony *t)
{
    struct weft_issue issue;
    enum weft_err rv = WEFT_OK;
    if (weft_issue_failure(t->failure, t->mended, &issue)) {
        rv = add(p, &issue);
    }
    if (rv == WEFT_OK && weft_issue_verdict(t->verdict, &issue)) {
        rv = add(p, &issue);
    }
    return rv;
}

static enum weft_err judge_configuration(struct weft_portrait *p)
{
    struct weft_issue issue = {
        .kind = WEFT_ISSUE_DEVIATION, .health = WEFT_HEALTH_ATTENTION, .asset = p->name};
    enum weft_err rv = WEFT_OK;
    if (p->uncovered_count > 0) {
        issue.since = p->unit.built;
        rv = add(p, &issue);
    }
    if (rv == WEFT_OK && p->outdated_count > 0) {
        issue.kind = WEFT_ISSUE_OUT_OF_DATE;
        issue.detail = p->designed.revision;
        issue.since = p->outdated_since[0];
        issue.asset = p->designed.order != NULL ? p->designed.order->asset : p->name;
        rv = add(p, &issue);
    }
    return rv;
}

static enum weft_err judge_properties(struct weft_portrait *p)
{
    enum weft_err rv = WEFT_OK;
    for (uint32_t i = 0; rv == WEFT_OK && i < p->reported.count; i++) {
        const struct weft_property *property = &p->reported.items[i];
        double age_s, freshness_s;
        if (weft_portrait_freshness(p, property, &age_s, &freshness_s) && age_s > freshness_s) {
            const struct weft_issue issue = {.kind = WEFT_ISSUE_STALE,
                .health = WEFT_HEALTH_ATTENTION,
                .asset = p->name,
                .detail = property->name,
                .since = weft_moment_of(property->stored)};
            rv = add(p, &issue);
        }
    }
    for (uint32_t i = 0; rv == WEFT_OK && i < p->desired.count; i++) {
        const struct weft_property *wish = &p->desired.items[i];
        const struct weft_property *is = weft_properties_find(&p->reported, wish->name);
        if (is == NULL || !weft_property_equal(wish, is)) {
            const struct weft_issue issue = {.kind = WEFT_ISSUE_DESIRED,
                .health = WEFT_HEALTH_ATTENTION,
                .asset = p->name,
                .detail = wish->name,
                .since = weft_moment_of(wish->stored)};
            rv = add(p, &issue);
        }
    }
    return rv;
}

enum weft_err weft_portrait_worry(struct weft_portrait *p)
{
    struct testimony t = {.verdict = NULL};
    const struct weft_stored_record *plan = NULL;
    if (p->retirement != NULL) {
        return WEFT_OK; /* Out of service: nothing is left to be done about it. */
    }
    enum weft_err rv = hear_own(p, &t, WEFT_THREAD_FAILURE, NULL);
    rv = rv == WEFT_OK ? hear_own(p, &t, WEFT_THREAD_REPAIR, NULL) : rv;
    rv = rv == WEFT_OK ? hear_own(p, &t, WEFT_THREAD_REPLACEMENT, NULL) : rv;
    rv = rv == WEFT_OK ? hear_own(p, &t, WEFT_THREAD_INSPECTION, "verdict") : rv;
    rv = rv == WEFT_OK ? hear_own(p, &t, WEFT_THREAD_TEST, "verdict") : rv;
    rv = rv == WEFT_OK ? hear_others(p, &t, "inspects") : rv;
    if (rv == WEFT_OK && has_kind(p, WEFT_THREAD_NONCONFORMANCE)) {
        rv = judge_nonconformance(p, p->asset);
    }
    if (rv == WEFT_OK && has_kind(p, WEFT_THREAD_WARRANTY_CLAIM)) {
        rv = judge_claim(p, p->asset);
    }
    rv = rv == WEFT_OK ? hear_others(p, &t, "about") : rv;
    rv = rv == WEFT_OK ? judge_testimony(p, &t) : rv;
    rv = rv == WEFT_OK ? judge_plan(p, own(p, WEFT_THREAD_MAINTENANCE_PLAN), true) : rv;
    rv = rv == WEFT_OK ? read_of_type(p, WEFT_THREAD_MAINTENANCE_PLAN, &plan) : rv;
    rv = rv == WEFT_OK ? judge_plan(p, plan, true) : rv;
    rv = rv == WEFT_OK ? judge_configuration(p) : rv;
    return rv == WEFT_OK ? judge_properties(p) : rv;
}
