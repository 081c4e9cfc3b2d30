/* What a term says of a request: false, true, or an error where a fact is not there. */
#include <string.h>

#include "policy/lang_truth.h"
#include "proto/check.h"

enum {
    NS_PER_S = 1000000000,
    MIN_PER_DAY = 1440,
};

static enum weft_lang_truth truth(bool holds)
{
    return holds ? WEFT_LANG_TRUE : WEFT_LANG_FALSE;
}

/* --- who ---------------------------------------------------------------------------------- */

static bool is_foreign(
    const struct weft_policy_request *request, const struct weft_policy_subject *subject)
{
    return !weft_text_is(request->org, subject->principal->org);
}

void weft_lang_facts_init(struct weft_lang_facts *f, const struct weft_policy *policy,
    const struct weft_policy_request *request)
{
    f->policy = policy;
    f->request = request;
    f->subject = request->subject;
    f->is_foreign = is_foreign(request, request->subject);
    f->has_memory = true;
    memset(f->definitions, 0, policy->definition_count);
    memset(f->terms, 0, policy->same_count);
}

static bool is_principal(const struct weft_lang_facts *f, const struct weft_lang_term *term)
{
    const struct weft_principal *who = f->subject->principal;
    struct weft_text site = term->other.size > 0 ? term->other : f->request->site;
    return (uint8_t)who->class == term->class && weft_text_is(term->name, who->name) &&
           weft_text_is(site, who->site);
}

/* Whoever has the role at the place, or at one that it lies in. */
static bool has_role(
    const struct weft_policy_subject *subject, struct weft_text name, struct weft_text place)
{
    for (uint32_t i = 0; i < subject->role_count; i++) {
        const struct weft_policy_role *role = &subject->roles[i];
        if (weft_text_equal(role->name, name) &&
            (place.size == 0 || weft_lang_is_below(role->place, place))) {
            return true;
        }
    }
    return false;
}

static bool compare(enum weft_lang_op op, int64_t left, int64_t right)
{
    switch (op) {
    case WEFT_LANG_EQ:
        return left == right;
    case WEFT_LANG_GE:
        return left >= right;
    case WEFT_LANG_LE:
        return left <= right;
    }
    weft_unreachable("an operator is one of three");
}

/* Attributes are what our own `org` document says: a foreigner's are not known. */
static enum weft_lang_truth attr_truth(
    const struct weft_lang_facts *f, const struct weft_lang_term *term)
{
    for (uint32_t i = 0; !f->is_foreign && i < f->subject->attr_count; i++) {
        const struct weft_policy_attr *attr = &f->subject->attrs[i];
        if (!weft_text_equal(attr->key, term->name)) {
            continue;
        }
        if ((uint8_t)attr->type != term->attr_type) {
            return WEFT_LANG_ERROR;
        }
        if (attr->type == WEFT_ATTR_TEXT) {
            return truth(weft_text_equal(attr->text, term->other));
        }
        return truth(compare((enum weft_lang_op)term->op, attr->number, term->number));
    }
    return WEFT_LANG_ERROR;
}

/* --- on ----------------------------------------------------------------------------------- */

static enum weft_lang_truth fact_truth(
    const struct weft_policy_fact *fact, const struct weft_lang_pattern *pattern)
{
    switch (fact->presence) {
    case WEFT_FACT_UNKNOWN:
        return WEFT_LANG_ERROR;
    case WEFT_FACT_NONE:
        return WEFT_LANG_FALSE;
    case WEFT_FACT_GIVEN:
        return truth(weft_lang_pattern_matches(pattern, fact->text));
    }
    weft_unreachable("a fact is unknown, none or given");
}

static enum weft_lang_truth label_truth(
    const struct weft_policy_request *request, const struct weft_lang_pattern *pattern)
{
    if (request->labels_presence != WEFT_FACT_GIVEN) {
        return request->labels_presence == WEFT_FACT_NONE ? WEFT_LANG_FALSE : WEFT_LANG_ERROR;
    }
    for (uint32_t i = 0; i < request->label_count; i++) {
        if (weft_lang_pattern_matches(pattern, request->labels[i])) {
            return WEFT_LANG_TRUE;
        }
    }
    return WEFT_LANG_FALSE;
}

static enum weft_lang_truth tier_truth(
    const struct weft_policy_request *request, const struct weft_lang_term *term)
{
    if (request->tier_presence != WEFT_FACT_GIVEN) {
        return request->tier_presence == WEFT_FACT_NONE ? WEFT_LANG_FALSE : WEFT_LANG_ERROR;
    }
    return truth(compare((enum weft_lang_op)term->op, request->tier, term->number));
}

/* --- when --------------------------------------------------------------------------------- */

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0 ? 1 : 0);
}

static bool is_in_window(const struct weft_lang_window *w, int64_t time_ns)
{
    int64_t local_min = floor_div(time_ns, (int64_t)60 * NS_PER_S) + w->offset_min;
    int64_t day = floor_div(local_min, MIN_PER_DAY);
    int64_t minute = local_min - day * MIN_PER_DAY;
    /* 1970-01-01 was a thursday, day 3 from monday. */
    int64_t weekday = (day + 3) - floor_div(day + 3, 7) * 7;
    bool is_today = (w->days >> weekday & 1) != 0;
    if (w->start_min < w->end_min) {
        return is_today && minute >= w->start_min && minute < w->end_min;
    }
    /* Over midnight: the days are those on which it begins. */
    bool is_since_yesterday = (w->days >> ((weekday + 6) % 7) & 1) != 0;
    return (is_today && minute >= w->start_min) || (is_since_yesterday && minute < w->end_min);
}

static enum weft_lang_truth agreement_truth(
    const struct weft_policy_request *request, const struct weft_lang_term *term)
{
    for (uint32_t i = 0; i < request->agreement_count; i++) {
        const struct weft_policy_agreement *a = &request->agreements[i];
        if (weft_text_equal(a->name, term->name)) {
            int64_t version = a->version > INT64_MAX ? INT64_MAX : (int64_t)a->version;
            return truth(compare((enum weft_lang_op)term->op, version, term->number));
        }
    }
    return WEFT_LANG_ERROR;
}

/* --- terms -------------------------------------------------------------------------------- */

/* The union of its members; remembered for the request's own subject. */
static enum weft_lang_truth definition_truth(struct weft_lang_facts *f, uint32_t index)
{
    if (f->has_memory && f->definitions[index] != 0) {
        return (enum weft_lang_truth)(f->definitions[index] - 1);
    }
    const struct weft_lang_definition *d = &f->policy->definitions[index];
    enum weft_lang_truth found = WEFT_LANG_FALSE;
    for (uint32_t i = 0; i < d->term_count && found != WEFT_LANG_TRUE; i++) {
        enum weft_lang_truth one = weft_lang_term_truth(f, &f->policy->terms[d->first_term + i]);
        found = one > found ? one : found;
    }
    if (f->has_memory) {
        f->definitions[index] = (uint8_t)(found + 1);
    }
    return found;
}

static enum weft_lang_truth plain_truth(
    struct weft_lang_facts *f, const struct weft_lang_term *term)
{
    const struct weft_policy_request *request = f->request;
    switch ((enum weft_lang_term_type)term->type) {
    case WEFT_LANG_ANY:
        return WEFT_LANG_TRUE;
    case WEFT_LANG_PRINCIPAL:
        return truth(!f->is_foreign && is_principal(f, term));
    case WEFT_LANG_ROLE:
        return truth(!f->is_foreign && has_role(f->subject, term->name, term->other));
    case WEFT_LANG_PARTNER:
        return truth(f->is_foreign && weft_text_is(term->name, f->subject->principal->org) &&
                     (term->other.size == 0 ||
                         has_role(f->subject, term->other, (struct weft_text){NULL, 0})));
    case WEFT_LANG_ATTR:
        return attr_truth(f, term);
    case WEFT_LANG_GROUP:
    case WEFT_LANG_SCOPE:
        return definition_truth(f, term->definition);
    case WEFT_LANG_ASSET:
        return fact_truth(&request->asset, &term->pattern);
    case WEFT_LANG_KIND:
        return fact_truth(&request->kind, &term->pattern);
    case WEFT_LANG_VERB:
        return fact_truth(&request->verb, &term->pattern);
    case WEFT_LANG_LABEL:
        return label_truth(request, &term->pattern);
    case WEFT_LANG_TIER:
        return tier_truth(request, term);
    case WEFT_LANG_TIME:
        return truth(is_in_window(&term->window, request->time_ns));
    case WEFT_LANG_AGREEMENT:
        return agreement_truth(request, term);
    }
    weft_unreachable("a term is of a known type");
}

enum weft_lang_truth weft_lang_term_truth(
    struct weft_lang_facts *f, const struct weft_lang_term *term)
{
    enum weft_lang_truth plain = plain_truth(f, term);
    return term->is_not ? (enum weft_lang_truth)(WEFT_LANG_TRUE - plain) : plain;
}

/* --- clauses and statements --------------------------------------------------------------- */

/* By its place in the policy's terms. */
static enum weft_lang_truth remembered_truth(struct weft_lang_facts *f, uint32_t index)
{
    uint16_t same = f->policy->same[index];
    if (same == WEFT_LANG_NOT_REMEMBERED) {
        return weft_lang_term_truth(f, &f->policy->terms[index]);
    }
    if (f->terms[same] == 0) {
        f->terms[same] = (uint8_t)(weft_lang_term_truth(f, &f->policy->terms[index]) + 1);
    }
    return (enum weft_lang_truth)(f->terms[same] - 1);
}

static enum weft_lang_truth who_truth(
    struct weft_lang_facts *f, const struct weft_lang_brief *brief)
{
    /* Without a `who`, which a permit has always: everybody. */
    enum weft_lang_truth found = brief->who_count == 0 ? WEFT_LANG_TRUE : WEFT_LANG_FALSE;
    bool is_out = f->is_foreign && brief->kind == WEFT_STATEMENT_PERMIT;
    for (uint32_t i = 0; i < brief->who_count && found != WEFT_LANG_TRUE; i++) {
        /* "Foreign principals match only `partner` selectors": what grants does not reach them by
         * `any` or by what they are not. What forbids does (POL-64). */
        const struct weft_lang_term *term = &f->policy->terms[brief->first_term + i];
        if (is_out && (term->is_not || term->type == WEFT_LANG_ANY)) {
            continue;
        }
        enum weft_lang_truth one = remembered_truth(f, brief->first_term + i);
        found = one > found ? one : found;
    }
    return found;
}

static enum weft_lang_truth all_truth(struct weft_lang_facts *f, uint32_t first, uint32_t count)
{
    enum weft_lang_truth found = WEFT_LANG_TRUE;
    for (uint32_t i = 0; i < count && found != WEFT_LANG_FALSE; i++) {
        enum weft_lang_truth one = remembered_truth(f, first + i);
        found = one < found ? one : found;
    }
    return found;
}

enum weft_lang_truth weft_lang_clause_truth(
    struct weft_lang_facts *f, uint32_t statement, enum weft_policy_clause clause)
{
    const struct weft_lang_brief *brief = &f->policy->briefs[statement];
    uint32_t on = brief->first_term + brief->who_count;
    switch (clause) {
    case WEFT_CLAUSE_WHO:
        return who_truth(f, brief);
    case WEFT_CLAUSE_ON:
        return all_truth(f, on, brief->on_count);
    case WEFT_CLAUSE_WHEN:
        return all_truth(f, on + brief->on_count, brief->when_count);
    }
    weft_unreachable("a clause of conditions is one of three");
}

/* What it is about first: most statements are about something else. */
enum weft_lang_truth weft_lang_statement_truth(struct weft_lang_facts *f, uint32_t statement)
{
    static const enum weft_policy_clause order[] = {
        WEFT_CLAUSE_ON, WEFT_CLAUSE_WHO, WEFT_CLAUSE_WHEN};
    enum weft_lang_truth found = WEFT_LANG_TRUE;
    for (uint32_t i = 0; i < 3 && found != WEFT_LANG_FALSE; i++) {
        enum weft_lang_truth one = weft_lang_clause_truth(f, statement, order[i]);
        found = one < found ? one : found;
    }
    return found;
}

/* --- what a require demands --------------------------------------------------------------- */

static bool is_same_principal(
    const struct weft_policy_subject *a, const struct weft_policy_subject *b)
{
    return a->principal->class == b->principal->class &&
           strcmp(a->principal->org, b->principal->org) == 0 &&
           strcmp(a->principal->site, b->principal->site) == 0 &&
           strcmp(a->principal->name, b->principal->name) == 0;
}

static bool is_same_person(const struct weft_policy_subject *a, const struct weft_policy_subject *b)
{
    return is_same_principal(a, b) || (a->person.size > 0 && weft_text_equal(a->person, b->person));
}

/* Automation never approves, whatever a group says. */
static bool counts(struct weft_lang_facts *approver, const struct weft_lang_statement *s,
    const struct weft_lang_term *group, const struct weft_policy_approval *approval)
{
    const struct weft_policy_request *request = approver->request;
    int64_t within_ns = (int64_t)s->within_s * NS_PER_S;
    int64_t oldest;
    if (s->within_s == 0 || __builtin_sub_overflow(request->time_ns, within_ns, &oldest)) {
        oldest = INT64_MIN;
    }
    if (approval->subject->principal->class != WEFT_PRINCIPAL_OP ||
        approval->time_ns > request->time_ns || approval->time_ns < oldest ||
        (s->not_proposer && is_same_person(approval->subject, request->subject))) {
        return false;
    }
    approver->subject = approval->subject;
    approver->is_foreign = is_foreign(request, approval->subject);
    return weft_lang_term_truth(approver, group) == WEFT_LANG_TRUE;
}

uint32_t weft_lang_approvals(struct weft_lang_facts *f, const struct weft_lang_statement *s)
{
    const struct weft_policy_request *request = f->request;
    const struct weft_policy_subject *counted[WEFT_POLICY_APPROVALS_MAX];
    uint32_t count = 0;
    if (s->need_count == 0) {
        return 0;
    }
    const struct weft_lang_term *group = weft_lang_terms(f->policy, s, WEFT_LANG_CLAUSE_NEED);
    /* The same facts with another subject, about whom nothing is remembered. */
    const struct weft_policy_subject *subject = f->subject;
    bool was_foreign = f->is_foreign;
    f->has_memory = false;
    for (uint32_t i = 0; i < request->approval_count && i < WEFT_POLICY_APPROVALS_MAX; i++) {
        const struct weft_policy_approval *approval = &request->approvals[i];
        bool is_new = counts(f, s, group, approval);
        for (uint32_t j = 0; j < count && is_new; j++) {
            is_new = s->distinct_persons ? !is_same_person(counted[j], approval->subject)
                                         : !is_same_principal(counted[j], approval->subject);
        }
        if (is_new) {
            counted[count++] = approval->subject;
        }
    }
    f->subject = subject;
    f->is_foreign = was_foreign;
    f->has_memory = true;
    return count;
}

bool weft_lang_names_envelope(const struct weft_policy_request *request, struct weft_text envelope)
{
    bool is_named = weft_text_equal(envelope, request->envelope);
    for (uint32_t i = 0; !is_named && i < request->further_envelope_count; i++) {
        is_named = weft_text_equal(envelope, request->further_envelopes[i]);
    }
    return is_named;
}

bool weft_lang_is_met(struct weft_lang_facts *f, const struct weft_lang_statement *s)
{
    return (s->envelope.size == 0 || weft_lang_names_envelope(f->request, s->envelope)) &&
           (s->need_count == 0 || weft_lang_approvals(f, s) >= s->need_count);
}
