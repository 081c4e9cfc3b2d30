#include "policy/explain.h"

#include "policy/lang_truth.h"
#include "proto/check.h"

enum {
    MISSES_MAX = 16, /* that a text names; chosen: a screen */
};

static const char *const clause_names[] = {
    [WEFT_CLAUSE_WHO] = "who", [WEFT_CLAUSE_ON] = "on", [WEFT_CLAUSE_WHEN] = "when"};

/* --- near misses -------------------------------------------------------------------------- */

/* The first term of the clause that does not hold. Of `who` that is its first term, since none of
 * them does; a condition that is false counts before one that is an error. */
static void find_condition(struct weft_lang_facts *f, const struct weft_lang_statement *s,
    enum weft_policy_clause clause, struct weft_policy_miss *miss)
{
    const struct weft_lang_term *terms = weft_lang_terms(f->policy, s, clause);
    uint32_t at = 0;
    if (clause != WEFT_CLAUSE_WHO) {
        while (
            at + 1 < s->counts[clause] && weft_lang_term_truth(f, &terms[at]) == WEFT_LANG_TRUE) {
            at++;
        }
    }
    miss->clause = clause;
    miss->place = terms[at].place;
    miss->is_error = weft_lang_term_truth(f, &terms[at]) == WEFT_LANG_ERROR;
}

/* False: satisfied, or further away than a near miss. */
static bool find_miss(struct weft_lang_facts *f, uint32_t index, struct weft_policy_miss *ret_miss)
{
    const struct weft_lang_statement *s = &f->policy->statements[index];
    enum weft_lang_truth who = weft_lang_clause_truth(f, index, WEFT_CLAUSE_WHO);
    enum weft_lang_truth on = weft_lang_clause_truth(f, index, WEFT_CLAUSE_ON);
    enum weft_lang_truth when = weft_lang_clause_truth(f, index, WEFT_CLAUSE_WHEN);
    ret_miss->statement = (uint16_t)index;
    if (who != WEFT_LANG_TRUE) {
        find_condition(f, s, WEFT_CLAUSE_WHO, ret_miss);
        return on == WEFT_LANG_TRUE;
    }
    if (on != WEFT_LANG_TRUE) {
        find_condition(f, s, WEFT_CLAUSE_ON, ret_miss);
        return true;
    }
    if (when != WEFT_LANG_TRUE) {
        find_condition(f, s, WEFT_CLAUSE_WHEN, ret_miss);
        return true;
    }
    return false;
}

uint32_t weft_policy_misses(const struct weft_policy *policy,
    const struct weft_policy_request *request, struct weft_policy_miss *ret_misses, uint32_t max)
{
    struct weft_lang_facts facts;
    uint32_t count = 0;
    weft_lang_facts_init(&facts, policy, request);
    for (uint32_t i = 0; i < policy->statement_count; i++) {
        const struct weft_lang_statement *s = &policy->statements[i];
        struct weft_policy_miss miss;
        bool is_of_action = (s->actions & 1u << request->action) != 0;
        if (s->kind == WEFT_STATEMENT_PERMIT && is_of_action && find_miss(&facts, i, &miss)) {
            if (count < max) {
                ret_misses[count] = miss;
            }
            count++;
        }
    }
    return count;
}

/* --- text --------------------------------------------------------------------------------- */

static const struct weft_lang_term *term_at(
    const struct weft_policy *policy, const struct weft_policy_miss *miss)
{
    const struct weft_lang_statement *s = &policy->statements[miss->statement];
    const struct weft_lang_term *terms = weft_lang_terms(policy, s, miss->clause);
    for (uint32_t i = 0; i < s->counts[miss->clause]; i++) {
        if (terms[i].place.line == miss->place.line &&
            terms[i].place.column == miss->place.column) {
            return &terms[i];
        }
    }
    weft_unreachable("a miss names a term of its statement");
}

static enum weft_err write_miss(
    const struct weft_policy *policy, const struct weft_policy_miss *miss, struct weft_buffer *out)
{
    const struct weft_lang_statement *s = &policy->statements[miss->statement];
    enum weft_err err = weft_buffer_format(out, "  near: permit %.*s (line %u): %s ",
        (int)s->name.size, s->name.data, miss->place.line, clause_names[miss->clause]);
    if (err == WEFT_OK) {
        err = weft_lang_print_term(policy, term_at(policy, miss), out);
    }
    if (err == WEFT_OK && miss->clause == WEFT_CLAUSE_WHO && s->counts[WEFT_CLAUSE_WHO] > 1) {
        err = weft_buffer_format(out, " (or %u others)", s->counts[WEFT_CLAUSE_WHO] - 1);
    }
    if (err == WEFT_OK) {
        err = weft_buffer_format(
            out, "%s\n", miss->is_error ? ": not known of this request" : ": does not hold");
    }
    return err;
}

static enum weft_err write_misses(const struct weft_policy *policy,
    const struct weft_policy_request *request, struct weft_buffer *out)
{
    struct weft_policy_miss misses[MISSES_MAX];
    uint32_t count = weft_policy_misses(policy, request, misses, MISSES_MAX);
    enum weft_err err = WEFT_OK;
    for (uint32_t i = 0; i < count && i < MISSES_MAX && err == WEFT_OK; i++) {
        err = write_miss(policy, &misses[i], out);
    }
    if (err == WEFT_OK && count > MISSES_MAX) {
        err = weft_buffer_format(out, "  near: %u permits more\n", count - MISSES_MAX);
    }
    return err;
}

static enum weft_err write_unmet(const struct weft_policy *policy,
    const struct weft_policy_request *request, const struct weft_policy_decision *decision,
    struct weft_buffer *out)
{
    struct weft_policy_requirement r;
    uint32_t from = 0;
    enum weft_err err = WEFT_OK;
    while (err == WEFT_OK && weft_policy_next_unmet(policy, request, decision, from, &r)) {
        err = weft_buffer_format(
            out, "  unmet: require %.*s (line %u):", (int)r.name.size, r.name.data, r.line);
        if (err == WEFT_OK && r.need_count > r.have_count) {
            err = weft_buffer_format(out, " %u of %u approvals of %.*s", r.have_count, r.need_count,
                (int)r.group.size, r.group.data);
        }
        if (err == WEFT_OK && r.envelope.size > 0 && !r.has_envelope) {
            err = weft_buffer_format(out, " envelope %.*s", (int)r.envelope.size, r.envelope.data);
        }
        if (err == WEFT_OK) {
            err = weft_buffer_format(out, "\n");
        }
        from = r.statement + 1u;
    }
    return err;
}

static const char *because(const struct weft_policy_decision *d)
{
    switch (d->reason) {
    case WEFT_REASON_PERMIT:
        return "allowed";
    case WEFT_REASON_UNMET:
        return "waits for what is required";
    case WEFT_REASON_FORBID:
        return d->is_by_error ? "denied: forbidden, as a fact it asks for is not known"
                              : "denied: forbidden";
    case WEFT_REASON_NO_PERMIT:
        return "denied: nothing permits it";
    case WEFT_REASON_NO_AGREEMENT:
        return "denied: permitted here, but no agreement with that organization allows it";
    case WEFT_REASON_NOT_IN_FORCE:
        return "denied: the policy is not in force at that time";
    case WEFT_REASON_FACTS:
        return "denied: more roles, attributes, labels or agreements than are looked at";
    }
    weft_unreachable("a reason is one of seven");
}

enum weft_err weft_policy_explain(const struct weft_policy *policy,
    const struct weft_policy_request *request, const struct weft_policy_decision *decision,
    struct weft_buffer *out)
{
    size_t before = out->size;
    enum weft_err err = weft_buffer_format(out, "%s", because(decision));
    if (err == WEFT_OK && decision->statement != WEFT_POLICY_NO_STATEMENT) {
        const struct weft_lang_statement *s = &policy->statements[decision->statement];
        err = weft_buffer_format(out, ": %s %.*s (line %u)",
            weft_policy_statement_kind_name(s->kind), (int)s->name.size, s->name.data, s->line);
        if (err == WEFT_OK && s->cite.size > 0) {
            err = weft_buffer_format(out, ", %.*s", (int)s->cite.size, s->cite.data);
        }
    }
    if (err == WEFT_OK) {
        err = weft_buffer_format(out, "\n");
    }
    if (err == WEFT_OK) {
        err = write_unmet(policy, request, decision, out);
    }
    if (err == WEFT_OK && decision->reason == WEFT_REASON_NO_PERMIT) {
        err = write_misses(policy, request, out);
    }
    if (err != WEFT_OK) {
        out->size = before;
    }
    return err;
}
