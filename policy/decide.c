#include "policy/decide.h"

#include <string.h>

#include "policy/lang_truth.h"
#include "proto/check.h"

_Static_assert(
    (int)WEFT_POLICY_STATEMENTS_MAX < (int)WEFT_POLICY_NO_STATEMENT, "statements have numbers");

static const char *const action_names[WEFT_ACTIONS] = {
    [WEFT_ACTION_READ] = "read",
    [WEFT_ACTION_SUBSCRIBE] = "subscribe",
    [WEFT_ACTION_WRITE] = "write",
    [WEFT_ACTION_CREATE] = "create",
    [WEFT_ACTION_RETIRE] = "retire",
    [WEFT_ACTION_SHARE] = "share",
    [WEFT_ACTION_PROPOSE] = "propose",
    [WEFT_ACTION_APPROVE] = "approve",
    [WEFT_ACTION_CANCEL] = "cancel",
    [WEFT_ACTION_TAKE_AUTHORITY] = "take-authority",
    [WEFT_ACTION_DISPATCH] = "dispatch",
    [WEFT_ACTION_ACK] = "ack",
    [WEFT_ACTION_WITNESS] = "witness",
    [WEFT_ACTION_REDACT] = "redact",
    [WEFT_ACTION_EXPORT] = "export",
    [WEFT_ACTION_ADMIN_POLICY] = "admin-policy",
    [WEFT_ACTION_ADMIN_KEYS] = "admin-keys",
    [WEFT_ACTION_BREAK_GLASS] = "break-glass",
};

const char *weft_policy_action_name(enum weft_policy_action action)
{
    weft_assert((unsigned)action < WEFT_ACTIONS); /* POL-60 */
    return action_names[action];
}

bool weft_policy_action_parse(struct weft_text text, enum weft_policy_action *ret_action)
{
    for (int i = 0; i < WEFT_ACTIONS; i++) {
        if (weft_text_is(text, action_names[i])) {
            *ret_action = (enum weft_policy_action)i;
            return true;
        }
    }
    return false;
}

const char *weft_policy_reason_name(enum weft_policy_reason reason)
{
    static const char *const names[] = {[WEFT_REASON_PERMIT] = "permit",
        [WEFT_REASON_UNMET] = "unmet",
        [WEFT_REASON_FORBID] = "forbid",
        [WEFT_REASON_NO_PERMIT] = "no-permit",
        [WEFT_REASON_NO_AGREEMENT] = "no-agreement",
        [WEFT_REASON_NOT_IN_FORCE] = "not-in-force",
        [WEFT_REASON_FACTS] = "facts"};
    weft_assert((unsigned)reason <= WEFT_REASON_FACTS); /* POL-60 */
    return names[reason];
}

struct weft_policy_request weft_policy_request_at(
    struct weft_text place, enum weft_policy_action action, int64_t time_ns)
{
    const char *slash = memchr(place.data, '/', place.size);
    weft_assert(slash != NULL); /* POL-60: "<org>/<site>" */
    size_t org_size = (size_t)(slash - place.data);
    return (struct weft_policy_request){.org = {place.data, org_size},
        .site = {slash + 1, place.size - org_size - 1},
        .action = action,
        .verb = {WEFT_FACT_NONE, {NULL, 0}},
        .tier_presence = WEFT_FACT_NONE,
        .labels_presence = WEFT_FACT_NONE,
        .time_ns = time_ns};
}

/* --- sets --------------------------------------------------------------------------------- */

static void put(struct weft_policy_set *set, uint32_t statement)
{
    set->words[statement / 64] |= (uint64_t)1 << statement % 64;
}

static bool has(const struct weft_policy_set *set, uint32_t statement)
{
    return (set->words[statement / 64] >> statement % 64 & 1) != 0;
}

/* --- the decision ------------------------------------------------------------------------- */

/* The first of the file of each sort that decides. */
struct verdict {
    struct weft_lang_facts *facts;
    struct weft_policy_decision *decision;
    uint32_t permit;
    uint32_t forbid;
    uint32_t unmet;
    bool is_forbid_by_error;
    bool is_unmet_by_error;
};

static void judge(struct verdict *v, uint32_t index)
{
    uint16_t gate = v->facts->policy->briefs[index].gate;
    if (gate != WEFT_LANG_NOT_REMEMBERED && v->facts->terms[gate] == WEFT_LANG_FALSE + 1) {
        return;
    }
    enum weft_lang_truth truth = weft_lang_statement_truth(v->facts, index);
    if (truth == WEFT_LANG_FALSE) {
        return;
    }
    const struct weft_lang_statement *s = &v->facts->policy->statements[index];
    struct weft_policy_decision *d = v->decision;
    d->has_doubt = d->has_doubt || truth == WEFT_LANG_ERROR;
    switch (s->kind) {
    case WEFT_STATEMENT_PERMIT:
        if (truth == WEFT_LANG_TRUE) {
            put(&d->applied, index);
            d->has_all = d->has_all || s->only_count == 0;
            d->has_hide = d->has_hide || s->hide_count > 0;
            v->permit = index < v->permit ? index : v->permit;
        }
        return;
    case WEFT_STATEMENT_FORBID:
        if (index < v->forbid) {
            v->forbid = index;
            v->is_forbid_by_error = truth == WEFT_LANG_ERROR;
        }
        return;
    case WEFT_STATEMENT_REQUIRE:
        put(&d->applied, index);
        d->has_hide = d->has_hide || s->hide_count > 0;
        if (weft_lang_is_met(v->facts, s)) {
            return;
        }
        put(&d->unmet, index);
        d->unmet_count++;
        if (index < v->unmet) {
            v->unmet = index;
            v->is_unmet_by_error = truth == WEFT_LANG_ERROR;
        }
        return;
    }
    weft_unreachable("a statement is one of three");
}

/* A node's statements of one key; they lie in the order of keys. */
static void judge_key(struct verdict *v, const struct weft_lang_trie *trie,
    const struct weft_lang_node *node, uint32_t key)
{
    const struct weft_lang_value *values = trie->values + node->first_value;
    uint32_t from = 0;
    uint32_t to = node->value_count;
    while (from < to) {
        uint32_t middle = from + (to - from) / 2;
        if (values[middle].key < key) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    for (; from < node->value_count && values[from].key == key; from++) {
        judge(v, values[from].statement);
    }
}

/* Statements that are passed by are definitely false: of another action, or of other assets. */
static void judge_all(struct verdict *v)
{
    const struct weft_policy *policy = v->facts->policy;
    const struct weft_policy_request *request = v->facts->request;
    uint32_t action = (uint32_t)request->action;
    if (request->asset.presence == WEFT_FACT_UNKNOWN) {
        for (uint32_t i = 0; i < policy->statement_count; i++) {
            if ((policy->statements[i].actions & 1u << action) != 0) {
                judge(v, i);
            }
        }
        return;
    }
    const struct weft_lang_trie *trie = &policy->assets;
    const struct weft_lang_node *node = trie->nodes;
    struct weft_text rest = request->asset.text;
    struct weft_text segment;
    if (request->asset.presence == WEFT_FACT_NONE) {
        rest = (struct weft_text){NULL, 0};
    }
    while (node != NULL) {
        judge_key(v, trie, node, action);
        judge_key(v, trie, node, WEFT_LANG_KEY_ANY);
        node = weft_lang_trie_segment(&rest, &segment) ? weft_lang_trie_child(trie, node, segment)
                                                       : NULL;
    }
}

static bool is_in_force(const struct weft_policy *policy, const struct weft_policy_request *r)
{
    const struct weft_policy_head *head = &policy->head;
    /* What mends an expired policy is still decided by it. */
    return !head->has_valid || r->action == WEFT_ACTION_ADMIN_POLICY ||
           (r->time_ns >= head->valid_from_ns && r->time_ns <= head->valid_to_ns);
}

static bool has_too_many_facts(const struct weft_policy_request *r)
{
    if (r->subject->role_count > WEFT_POLICY_FACTS_MAX ||
        r->subject->attr_count > WEFT_POLICY_FACTS_MAX || r->label_count > WEFT_POLICY_FACTS_MAX ||
        r->agreement_count > WEFT_POLICY_FACTS_MAX) {
        return true;
    }
    for (uint32_t i = 0; i < r->approval_count && i < WEFT_POLICY_APPROVALS_MAX; i++) {
        if (r->approvals[i].subject->role_count > WEFT_POLICY_FACTS_MAX ||
            r->approvals[i].subject->attr_count > WEFT_POLICY_FACTS_MAX) {
            return true;
        }
    }
    return false;
}

static void conclude(struct weft_policy_decision *d, enum weft_policy_effect effect,
    enum weft_policy_reason reason, uint32_t statement)
{
    d->effect = effect;
    d->reason = reason;
    d->statement = (uint16_t)statement;
}

void weft_policy_decide(const struct weft_policy *policy, const struct weft_policy_request *request,
    struct weft_policy_decision *ret_decision)
{
    struct weft_lang_facts facts;
    struct verdict v = {.facts = &facts,
        .decision = ret_decision,
        .permit = WEFT_POLICY_NO_STATEMENT,
        .forbid = WEFT_POLICY_NO_STATEMENT,
        .unmet = WEFT_POLICY_NO_STATEMENT};
    weft_assert((unsigned)request->action < WEFT_ACTIONS); /* POL-60 */
    memset(ret_decision, 0, sizeof(*ret_decision));
    conclude(ret_decision, WEFT_EFFECT_DENY, WEFT_REASON_NOT_IN_FORCE, WEFT_POLICY_NO_STATEMENT);
    if (has_too_many_facts(request)) {
        ret_decision->reason = WEFT_REASON_FACTS;
        return;
    }
    if (!is_in_force(policy, request)) {
        return;
    }
    weft_lang_facts_init(&facts, policy, request);
    judge_all(&v);
    if (v.forbid != WEFT_POLICY_NO_STATEMENT) {
        conclude(ret_decision, WEFT_EFFECT_DENY, WEFT_REASON_FORBID, v.forbid);
        ret_decision->is_by_error = v.is_forbid_by_error;
    } else if (v.permit == WEFT_POLICY_NO_STATEMENT) {
        conclude(ret_decision, WEFT_EFFECT_DENY, WEFT_REASON_NO_PERMIT, WEFT_POLICY_NO_STATEMENT);
    } else if (facts.is_foreign && !request->is_agreed) {
        conclude(
            ret_decision, WEFT_EFFECT_DENY, WEFT_REASON_NO_AGREEMENT, WEFT_POLICY_NO_STATEMENT);
    } else if (v.unmet != WEFT_POLICY_NO_STATEMENT) {
        conclude(ret_decision, WEFT_EFFECT_NEEDS, WEFT_REASON_UNMET, v.unmet);
        ret_decision->is_by_error = v.is_unmet_by_error;
    } else {
        conclude(ret_decision, WEFT_EFFECT_ALLOW, WEFT_REASON_PERMIT, v.permit);
    }
    if (ret_decision->statement != WEFT_POLICY_NO_STATEMENT) {
        ret_decision->line = policy->statements[ret_decision->statement].line;
    }
}

/* --- fields ------------------------------------------------------------------------------- */

struct sight {
    const struct weft_lang_trie *trie;
    const struct weft_policy_decision *decision;
    bool is_shown;
    bool is_hidden;
};

/* A pattern is of a value and whatever is in it: all nodes on the way count. As deep as the longest
 * pattern has segments (POL-62). */
static void look(struct sight *s, const struct weft_lang_node *node, struct weft_text rest)
{
    for (uint32_t i = 0; i < node->value_count && !s->is_hidden; i++) {
        const struct weft_lang_value *value = &s->trie->values[node->first_value + i];
        if (has(&s->decision->applied, value->statement)) {
            s->is_hidden = s->is_hidden || value->key != 0;
            s->is_shown = s->is_shown || value->key == 0;
        }
    }
    struct weft_text segment;
    if (s->is_hidden || !weft_lang_trie_segment(&rest, &segment)) {
        return;
    }
    const struct weft_lang_node *child = weft_lang_trie_child(s->trie, node, segment);
    if (child != NULL) {
        look(s, child, rest);
    }
    for (uint32_t i = 0; i < node->star_count; i++) {
        child = s->trie->nodes + node->first_child + node->literal_count + i;
        if (weft_lang_segment_matches(child->segment, segment)) {
            look(s, child, rest);
        }
    }
}

bool weft_policy_shows(const struct weft_policy *policy,
    const struct weft_policy_decision *decision, struct weft_text path)
{
    if (decision->effect != WEFT_EFFECT_ALLOW) {
        return false; /* POL-65 */
    }
    if (weft_policy_shows_all(decision)) {
        return true;
    }
    struct sight s = {.trie = &policy->shown, .decision = decision, .is_shown = decision->has_all};
    look(&s, policy->shown.nodes, path);
    return s.is_shown && !s.is_hidden;
}

uint32_t weft_policy_filter(const struct weft_policy *policy,
    const struct weft_policy_decision *decision, const struct weft_text *paths, uint32_t count,
    bool *ret_shown)
{
    uint32_t hidden = 0;
    for (uint32_t i = 0; i < count; i++) {
        ret_shown[i] = weft_policy_shows(policy, decision, paths[i]);
        hidden += ret_shown[i] ? 0 : 1;
    }
    return hidden;
}

/* --- requirements ------------------------------------------------------------------------- */

bool weft_policy_next_unmet(const struct weft_policy *policy,
    const struct weft_policy_request *request, const struct weft_policy_decision *decision,
    uint32_t from, struct weft_policy_requirement *ret_requirement)
{
    while (from < policy->statement_count && !has(&decision->unmet, from)) {
        from++;
    }
    if (from >= policy->statement_count) {
        return false;
    }
    const struct weft_lang_statement *s = &policy->statements[from];
    struct weft_lang_facts facts;
    weft_lang_facts_init(&facts, policy, request);
    *ret_requirement = (struct weft_policy_requirement){.statement = (uint16_t)from,
        .line = s->line,
        .name = s->name,
        .need_count = s->need_count,
        .have_count = weft_lang_approvals(&facts, s),
        .not_proposer = s->not_proposer,
        .distinct_persons = s->distinct_persons,
        .within_s = s->within_s,
        .envelope = s->envelope,
        .has_envelope = s->envelope.size > 0 && weft_lang_names_envelope(request, s->envelope)};
    if (s->need_count > 0) {
        ret_requirement->group = weft_lang_terms(policy, s, WEFT_LANG_CLAUSE_NEED)->source;
    }
    return true;
}
