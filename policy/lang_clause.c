/* Clauses of a statement, a line each. */
#include <stdio.h>
#include <string.h>

#include "policy/lang_parser.h"
#include "proto/check.h"

enum clause {
    CLAUSE_WHO,
    CLAUSE_DO,
    CLAUSE_ON,
    CLAUSE_ONLY,
    CLAUSE_HIDE,
    CLAUSE_WHEN,
    CLAUSE_NEED,
    CLAUSE_ENVELOPE,
    CLAUSE_CITE,
    CLAUSES
};

static const char *const names[CLAUSES] = {
    "who", "do", "on", "only", "hide", "when", "need", "envelope", "cite"};

enum {
    EVERY =
        1u << CLAUSE_WHO | 1u << CLAUSE_DO | 1u << CLAUSE_ON | 1u << CLAUSE_WHEN | 1u << CLAUSE_CITE
};

static uint32_t allowed_in(enum weft_policy_statement_kind kind)
{
    switch (kind) {
    case WEFT_STATEMENT_PERMIT:
        return EVERY | 1u << CLAUSE_ONLY | 1u << CLAUSE_HIDE;
    case WEFT_STATEMENT_FORBID:
        return EVERY;
    case WEFT_STATEMENT_REQUIRE:
        return EVERY | 1u << CLAUSE_HIDE | 1u << CLAUSE_NEED | 1u << CLAUSE_ENVELOPE;
    }
    weft_unreachable("a statement is one of three");
}

/* "who, do, on, when or cite in a forbid". */
static enum weft_err unknown_clause(struct weft_lang_parser *p, const struct weft_lang_statement *s)
{
    char list[80] = "";
    uint32_t allowed = allowed_in(s->kind);
    for (uint32_t i = 0; i < CLAUSES; i++) {
        if ((allowed & 1u << i) != 0) {
            const char *before = list[0] == '\0' ? "" : allowed >> (i + 1) != 0 ? ", " : " or ";
            size_t size = strlen(list);
            (void)snprintf(list + size, sizeof(list) - size, "%s%s", before, names[i]);
        }
    }
    return weft_lang_expected(p, "%s in a %s", list, weft_policy_statement_kind_name(s->kind));
}

/* --- terms -------------------------------------------------------------------------------- */

static uint32_t conditions(const struct weft_lang_parser *p, const struct weft_lang_statement *s)
{
    return p->policy->term_count - s->first_term;
}

static enum weft_err take_term(struct weft_lang_parser *p, const struct weft_lang_statement *s,
    uint32_t clause, struct weft_lang_term **ret_term)
{
    *ret_term = &p->policy->terms[p->policy->term_count];
    if (conditions(p, s) == WEFT_POLICY_CONDITIONS_MAX) {
        return weft_lang_fail_at(p, p->token, WEFT_ETOOBIG,
            "at most %d conditions in a statement (a group or scope counts once)",
            WEFT_POLICY_CONDITIONS_MAX);
    }
    weft_assert(p->policy->term_count < p->words); /* POL-62 */
    enum weft_err err = weft_lang_take_term(p, clause, *ret_term);
    p->policy->term_count += err == WEFT_OK ? 1 : 0;
    return err;
}

/* The union of its terms, or one that is negated: "not a b" would be read in two ways. */
static enum weft_err take_who(struct weft_lang_parser *p, struct weft_lang_statement *s)
{
    uint32_t count = 0;
    bool has_not = false;
    enum weft_err err = WEFT_OK;
    while (err == WEFT_OK && (count == 0 || !weft_lang_is_at_end(p))) {
        const struct weft_lang_token *token = p->token;
        struct weft_lang_term *term;
        if (count > 0 && token->type == WEFT_LANG_COMMA) {
            return weft_lang_expected(p, "a blank between selectors of \"who\"");
        }
        err = take_term(p, s, WEFT_CLAUSE_WHO, &term);
        has_not = has_not || (err == WEFT_OK && term->is_not);
        count++;
        if (err == WEFT_OK && has_not && count > 1) {
            return weft_lang_fail_at(p, token, WEFT_EINVAL,
                "nothing beside \"not ...\" in \"who\" (name the others in a group)");
        }
        if (err == WEFT_OK && term->type == WEFT_LANG_ANY && (count > 1 || has_not)) {
            return weft_lang_fail_at(p, token, WEFT_EINVAL, "\"any\" alone in \"who\"");
        }
        if (err == WEFT_OK && count == 1 && term->type == WEFT_LANG_ANY) {
            break;
        }
    }
    return err;
}

/* All of its terms: two assets, kinds or verbs would match nothing, and mean something else. */
static enum weft_err take_on(struct weft_lang_parser *p, struct weft_lang_statement *s)
{
    uint32_t seen = 0;
    enum weft_err err = WEFT_OK;
    bool is_first = true;
    while (err == WEFT_OK && (is_first || !weft_lang_is_at_end(p))) {
        const struct weft_lang_token *token = p->token;
        struct weft_lang_term *term;
        if (!is_first && token->type == WEFT_LANG_COMMA) {
            return weft_lang_expected(p, "a blank between selectors of \"on\"");
        }
        err = take_term(p, s, WEFT_CLAUSE_ON, &term);
        is_first = false;
        if (err != WEFT_OK || term->is_not) {
            continue;
        }
        bool is_single = term->type == WEFT_LANG_ASSET || term->type == WEFT_LANG_KIND ||
                         term->type == WEFT_LANG_VERB;
        if (is_single && (seen & 1u << term->type) != 0) {
            return weft_lang_fail_at(p, token, WEFT_EINVAL,
                "one asset, kind and verb each (\"on\" demands all of its terms; name "
                "alternatives in a scope)");
        }
        seen |= is_single ? 1u << term->type : 0;
    }
    return err;
}

static enum weft_err take_do(struct weft_lang_parser *p, struct weft_lang_statement *s)
{
    if (weft_lang_take(p, "any")) {
        s->actions = (1u << WEFT_ACTIONS) - 1;
        return WEFT_OK;
    }
    while (s->actions == 0 || !weft_lang_is_at_end(p)) {
        enum weft_policy_action action;
        if (p->token->type != WEFT_LANG_WORD ||
            !weft_policy_action_parse(p->token->text, &action) ||
            (s->actions & 1u << action) != 0) {
            return weft_lang_expected(p,
                "any, or actions, each once (read subscribe write create retire share propose "
                "approve cancel take-authority dispatch ack witness redact export admin-policy "
                "admin-keys break-glass)");
        }
        s->actions |= 1u << action;
        p->token++;
    }
    return WEFT_OK;
}

/* --- fields ------------------------------------------------------------------------------- */

static enum weft_err take_fields(
    struct weft_lang_parser *p, const struct weft_lang_statement *s, uint32_t *ret_count)
{
    struct weft_policy *policy = p->policy;
    uint32_t count = 0;
    while (count == 0 || !weft_lang_is_at_end(p)) {
        const struct weft_lang_token *token = p->token;
        struct weft_text text = {NULL, 0};
        enum weft_err err = weft_lang_take_text(p, "a field (a path of names)", &text);
        if (err != WEFT_OK) {
            return err;
        }
        if (policy->field_count - s->first_field == WEFT_POLICY_CONDITIONS_MAX) {
            return weft_lang_fail_at(p, token, WEFT_ETOOBIG, "at most %d fields in a statement",
                WEFT_POLICY_CONDITIONS_MAX);
        }
        weft_assert(policy->field_count < p->words); /* POL-62 */
        struct weft_lang_pattern *pattern = &policy->fields[policy->field_count];
        const char *wrong = weft_lang_pattern_parse(text, true, pattern);
        if (wrong == NULL && pattern->text.size == 0 && pattern->is_subtree) {
            wrong = "a field, not \"...\" alone";
        }
        if (wrong != NULL) {
            return weft_lang_fail_at(p, token, WEFT_EINVAL, "%s", wrong);
        }
        /* A field's pattern is of the value, whatever is in it. */
        pattern->is_subtree = true;
        policy->field_count++;
        count++;
    }
    *ret_count = count;
    return WEFT_OK;
}

static enum weft_err take_only(struct weft_lang_parser *p, struct weft_lang_statement *s)
{
    if (!weft_lang_take(p, "fields")) {
        return weft_lang_expected(p, "\"fields\"");
    }
    if (s->hide_count > 0) {
        return weft_lang_expected(p, "\"only\" above \"hide\"");
    }
    return take_fields(p, s, &s->only_count);
}

/* --- need, envelope, cite ------------------------------------------------------------------ */

/* 10m: a number and s, m, h or d. */
static enum weft_err take_duration(struct weft_lang_parser *p, uint32_t *ret_s)
{
    static const char units[] = "smhd";
    static const uint32_t seconds[] = {1, 60, 3600, 86400};
    struct weft_text text = p->token->text;
    uint64_t number = 0;
    const char *unit = text.size > 1 ? strchr(units, text.data[text.size - 1]) : NULL;
    struct weft_text digits = {text.data, text.size > 0 ? text.size - 1 : 0};
    if (p->token->type != WEFT_LANG_WORD || unit == NULL || !weft_text_number(digits, &number) ||
        digits.data[0] == '0' || number > 365u * 86400u / seconds[unit - units]) {
        return weft_lang_expected(p, "a duration (30s, 10m, 8h, 2d; at most 365d)");
    }
    *ret_s = (uint32_t)number * seconds[unit - units];
    p->token++;
    return WEFT_OK;
}

static enum weft_err take_need(struct weft_lang_parser *p, struct weft_lang_statement *s)
{
    uint64_t count = 0;
    struct weft_lang_term *term;
    const struct weft_lang_token *token = p->token;
    enum weft_err err = weft_lang_take_number(
        p, "a number of approvals, 1 to 16", WEFT_POLICY_APPROVALS_MAX, &count);
    if (err == WEFT_OK && count == 0) {
        err = weft_lang_fail_at(p, token, WEFT_EINVAL, "a number of approvals, 1 to 16");
    }
    if (err == WEFT_OK && !weft_lang_take(p, "of")) {
        err = weft_lang_expected(p, "\"of\"");
    }
    token = p->token;
    if (err == WEFT_OK) {
        err = take_term(p, s, WEFT_LANG_CLAUSE_NEED, &term);
    }
    if (err == WEFT_OK && (term->is_not || term->type == WEFT_LANG_ANY)) {
        err = weft_lang_fail_at(p, token, WEFT_EINVAL, "a group or who may approve");
    }
    s->need_count = (uint32_t)count;
    while (err == WEFT_OK && !weft_lang_is_at_end(p)) {
        if (!s->not_proposer && weft_lang_take(p, "not")) {
            s->not_proposer = true;
            err = weft_lang_take(p, "proposer") ? WEFT_OK : weft_lang_expected(p, "\"proposer\"");
        } else if (!s->distinct_persons && weft_lang_take(p, "distinct-persons")) {
            s->distinct_persons = true;
        } else if (s->within_s == 0 && weft_lang_take(p, "within")) {
            err = take_duration(p, &s->within_s);
        } else {
            err = weft_lang_expected(
                p, "\"not proposer\", \"distinct-persons\" or \"within 10m\", each once");
        }
    }
    return err;
}

static enum weft_err take_envelope(struct weft_lang_parser *p, struct weft_lang_statement *s)
{
    static const char what[] = "the name of an envelope (1 to 63 of A-Z a-z 0-9 . - _)";
    const struct weft_lang_token *token = p->token;
    enum weft_err err = weft_lang_take_text(p, what, &s->envelope);
    if (err == WEFT_OK && !weft_principal_is_part(s->envelope)) {
        err = weft_lang_fail_at(p, token, WEFT_EINVAL, "%s", what);
    }
    return err;
}

static enum weft_err take_cite(struct weft_lang_parser *p, struct weft_lang_statement *s)
{
    if (p->token->type != WEFT_LANG_QUOTED || p->token->text.size == 0 ||
        p->token->text.size > WEFT_POLICY_CITE_SIZE_MAX) {
        return weft_lang_expected(p, "a text in quotes, 1 to 255 bytes");
    }
    s->cite = p->token->text;
    p->token++;
    return WEFT_OK;
}

/* --- all ---------------------------------------------------------------------------------- */

static enum weft_err take_content(
    struct weft_lang_parser *p, struct weft_lang_statement *s, uint32_t clause)
{
    struct weft_lang_term *term;
    switch ((enum clause)clause) {
    case CLAUSE_WHO:
        return take_who(p, s);
    case CLAUSE_DO:
        return take_do(p, s);
    case CLAUSE_ON:
        return take_on(p, s);
    case CLAUSE_ONLY:
        return take_only(p, s);
    case CLAUSE_HIDE:
        return take_fields(p, s, &s->hide_count);
    case CLAUSE_WHEN:
        return take_term(p, s, WEFT_CLAUSE_WHEN, &term);
    case CLAUSE_NEED:
        return take_need(p, s);
    case CLAUSE_ENVELOPE:
        return take_envelope(p, s);
    case CLAUSE_CITE:
        return take_cite(p, s);
    case CLAUSES:
        break;
    }
    weft_unreachable("a clause is one of nine");
}

enum weft_err weft_lang_take_clause(
    struct weft_lang_parser *p, struct weft_lang_statement *s, uint32_t *ret_seen)
{
    const struct weft_lang_token *token = p->token;
    uint32_t clause = 0;
    while (clause < CLAUSES &&
           ((allowed_in(s->kind) & 1u << clause) == 0 || !weft_lang_take(p, names[clause]))) {
        clause++;
    }
    if (clause == CLAUSES) {
        return unknown_clause(p, s);
    }
    if (clause != CLAUSE_WHEN && (*ret_seen & 1u << clause) != 0) {
        return weft_lang_fail_at(
            p, token, WEFT_EINVAL, "\"%s\" once in a statement", names[clause]);
    }
    *ret_seen |= 1u << clause;
    enum weft_err err = take_content(p, s, clause);
    return err != WEFT_OK ? err : weft_lang_take_end(p, "");
}
