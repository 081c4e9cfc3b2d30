#include "policy/lang_parser.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "proto/check.h"
#include "proto/record.h"
#include "proto/time.h"

enum {
    FOUND_SIZE_MAX = 60, /* bytes of a word that a message repeats; chosen: a line holds it */
};

/* --- what was expected -------------------------------------------------------------------- */

static void describe(const struct weft_lang_token *token, char ret_text[FOUND_SIZE_MAX + 8])
{
    if (token->type == WEFT_LANG_TEXT_END) {
        (void)snprintf(ret_text, FOUND_SIZE_MAX + 8, "the end of the text");
    } else if (token->type == WEFT_LANG_LINE_END) {
        (void)snprintf(ret_text, FOUND_SIZE_MAX + 8, "the end of the line");
    } else {
        struct weft_text word = token->source;
        bool is_cut = word.size > FOUND_SIZE_MAX;
        if (is_cut) {
            word.size = FOUND_SIZE_MAX;
            word.size = weft_text_utf8_prefix(word);
        }
        const char *quote = token->type == WEFT_LANG_QUOTED ? "" : "\"";
        (void)snprintf(ret_text, FOUND_SIZE_MAX + 8, "%s%.*s%s%s", quote, (int)word.size, word.data,
            is_cut ? "..." : "", quote);
    }
}

__attribute__((format(printf, 4, 0))) static enum weft_err fail_at(struct weft_lang_parser *p,
    const struct weft_lang_token *token, enum weft_err err, const char *format, va_list args)
{
    char expected[320];
    char found[FOUND_SIZE_MAX + 8];
    (void)vsnprintf(expected, sizeof(expected), format, args);
    describe(token, found);
    if (p->parse->ret_place != NULL) {
        *p->parse->ret_place = token->place;
    }
    return weft_fail(p->parse->msg, err, "%s:%u:%u: expected %s, found %s", p->parse->file,
        token->place.line, token->place.column, expected, found);
}

enum weft_err weft_lang_fail_at(struct weft_lang_parser *p, const struct weft_lang_token *token,
    enum weft_err err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    err = fail_at(p, token, err, format, args);
    va_end(args);
    return err;
}

enum weft_err weft_lang_expected(struct weft_lang_parser *p, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    enum weft_err err = fail_at(p, p->token, WEFT_EINVAL, format, args);
    va_end(args);
    return err;
}

/* --- words -------------------------------------------------------------------------------- */

static bool is_word(const struct weft_lang_parser *p, const char *word)
{
    return p->token->type == WEFT_LANG_WORD && weft_text_is(p->token->text, word);
}

bool weft_lang_take(struct weft_lang_parser *p, const char *word)
{
    if (!is_word(p, word)) {
        return false;
    }
    p->token++;
    return true;
}

enum weft_err weft_lang_take_text(
    struct weft_lang_parser *p, const char *what, struct weft_text *ret_text)
{
    if (p->token->type != WEFT_LANG_WORD && p->token->type != WEFT_LANG_QUOTED) {
        return weft_lang_expected(p, "%s", what);
    }
    *ret_text = p->token->text;
    p->token++;
    return WEFT_OK;
}

enum weft_err weft_lang_take_number(
    struct weft_lang_parser *p, const char *what, uint64_t max, uint64_t *ret_number)
{
    struct weft_text text = p->token->text;
    uint64_t number = 0;
    if (p->token->type != WEFT_LANG_WORD || !weft_text_exact_number(text, &number) ||
        number > max) {
        return weft_lang_expected(p, "%s", what);
    }
    *ret_number = number;
    p->token++;
    return WEFT_OK;
}

enum weft_err weft_lang_take_end(struct weft_lang_parser *p, const char *or_else)
{
    if (p->token->type != WEFT_LANG_LINE_END) {
        return weft_lang_expected(
            p, "%s%sthe end of the line", or_else, or_else[0] != '\0' ? " or " : "");
    }
    p->token++;
    return WEFT_OK;
}

/* --- names -------------------------------------------------------------------------------- */

static const char name_rule[] = "a name (1 to 63 of a-z 0-9 . - _, first a letter or digit)";

static struct weft_text name_of(
    const struct weft_lang_parser *p, const struct weft_lang_names *names, uint16_t index)
{
    return names == &p->definitions ? p->policy->definitions[index].name
                                    : p->policy->statements[index].name;
}

/* Where the name is, or would be. */
static uint32_t lower_bound(const struct weft_lang_parser *p, const struct weft_lang_names *names,
    struct weft_text name, bool *ret_is_there)
{
    uint32_t from = 0;
    uint32_t to = names->count;
    *ret_is_there = false;
    while (from < to) {
        uint32_t middle = from + (to - from) / 2;
        int order = weft_text_compare(name_of(p, names, names->sorted[middle]), name);
        *ret_is_there = *ret_is_there || order == 0;
        if (order < 0) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    return from;
}

uint32_t weft_lang_find_definition(const struct weft_lang_parser *p, struct weft_text name)
{
    bool is_there;
    uint32_t at = lower_bound(p, &p->definitions, name, &is_there);
    /* The one that is being defined is not there yet. */
    return is_there && p->definitions.sorted[at] < p->policy->definition_count
               ? p->definitions.sorted[at]
               : UINT32_MAX;
}

bool weft_lang_is_reserved(struct weft_text word)
{
    static const char *const words[] = {"any", "not", "op", "svc", "gw", "node", "wit", "role",
        "partner", "attr", "asset", "kind", "verb", "label", "tier", "time", "agreement"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (weft_text_is(word, words[i])) {
            return true;
        }
    }
    return false;
}

/* A new name, which is put into the order of `names` as `index`. */
static enum weft_err take_new_name(struct weft_lang_parser *p, struct weft_lang_names *names,
    uint32_t index, struct weft_text *ret_name)
{
    const struct weft_lang_token *token = p->token;
    struct weft_text name = {NULL, 0};
    enum weft_err err = weft_lang_take_text(p, name_rule, &name);
    if (err != WEFT_OK) {
        return err;
    }
    if (token->type != WEFT_LANG_WORD || !weft_name_is_valid(name) || weft_lang_is_reserved(name)) {
        return weft_lang_fail_at(
            p, token, WEFT_EINVAL, "%s that is no word of the language", name_rule);
    }
    bool is_there;
    uint32_t at = lower_bound(p, names, name, &is_there);
    if (is_there) {
        const struct weft_policy *policy = p->policy;
        uint16_t other = names->sorted[at];
        return weft_lang_fail_at(p, token, WEFT_EINVAL, "a name that line %u has not taken",
            names == &p->definitions ? policy->definitions[other].line
                                     : policy->statements[other].line);
    }
    memmove(
        names->sorted + at + 1, names->sorted + at, (names->count - at) * sizeof(names->sorted[0]));
    names->sorted[at] = (uint16_t)index;
    names->count++;
    *ret_name = name;
    return WEFT_OK;
}

/* --- head --------------------------------------------------------------------------------- */

static enum weft_err take_time(struct weft_lang_parser *p, int64_t *ret_ns)
{
    const struct weft_lang_token *token = p->token;
    struct weft_text text = {NULL, 0};
    enum weft_err err = weft_lang_take_text(p, "a time (2026-01-01T00:00:00Z)", &text);
    if (err == WEFT_OK && weft_time_parse(text, ret_ns, NULL) != WEFT_OK) {
        err = weft_lang_fail_at(p, token, WEFT_EINVAL, "a time (2026-01-01T00:00:00Z)");
    }
    return err;
}

static enum weft_err take_valid(struct weft_lang_parser *p)
{
    struct weft_policy_head *head = &p->policy->head;
    enum weft_err err = take_time(p, &head->valid_from_ns);
    if (err == WEFT_OK && !weft_lang_take(p, "..")) {
        err = weft_lang_expected(p, "\"..\"");
    }
    const struct weft_lang_token *token = p->token;
    if (err == WEFT_OK) {
        err = take_time(p, &head->valid_to_ns);
    }
    if (err == WEFT_OK && head->valid_to_ns < head->valid_from_ns) {
        err = weft_lang_fail_at(p, token, WEFT_EINVAL, "an end that is not before the beginning");
    }
    head->has_valid = true;
    return err != WEFT_OK ? err : weft_lang_take_end(p, "");
}

static enum weft_err take_prev(struct weft_lang_parser *p)
{
    const struct weft_lang_token *token = p->token;
    struct weft_text text = {NULL, 0};
    enum weft_err err = weft_lang_take_text(p, "\"sha256:\" and 64 hexadecimal digits", &text);
    if (err == WEFT_OK && weft_digest_parse(text, &p->policy->head.prev) != WEFT_OK) {
        err = weft_lang_fail_at(
            p, token, WEFT_EINVAL, "\"sha256:\" and 64 hexadecimal digits, in lower case");
    }
    return err != WEFT_OK ? err : weft_lang_take_end(p, "");
}

static enum weft_err take_head(struct weft_lang_parser *p)
{
    struct weft_policy_head *head = &p->policy->head;
    if (!p->token->is_first || !weft_lang_take(p, "policy")) {
        return weft_lang_expected(p, "\"policy NAME VERSION\" in the first column");
    }
    const struct weft_lang_token *token = p->token;
    enum weft_err err = weft_lang_take_text(p, name_rule, &head->name);
    if (err == WEFT_OK && !weft_name_is_valid(head->name)) {
        err = weft_lang_fail_at(p, token, WEFT_EINVAL, "%s", name_rule);
    }
    token = p->token;
    if (err == WEFT_OK) {
        err = weft_lang_take_number(p, "a version, from 1", UINT64_MAX, &head->version);
    }
    if (err == WEFT_OK && head->version == 0) {
        err = weft_lang_fail_at(p, token, WEFT_EINVAL, "a version, from 1");
    }
    if (err == WEFT_OK) {
        err = weft_lang_take_end(p, "");
    }
    if (err != WEFT_OK) {
        return err;
    }
    bool is_first = head->version == 1;
    if (is_first && is_word(p, "prev")) {
        return weft_lang_expected(p, "no \"prev\" in version 1");
    }
    if (!is_first && !(p->token->is_first && weft_lang_take(p, "prev"))) {
        return weft_lang_expected(p, "\"prev sha256:...\", the digest of the version before");
    }
    err = is_first ? WEFT_OK : take_prev(p);
    if (err == WEFT_OK && p->token->is_first && weft_lang_take(p, "valid")) {
        err = take_valid(p);
    }
    return err;
}

/* --- groups and scopes -------------------------------------------------------------------- */

static void add_steps(uint32_t *steps, uint32_t more)
{
    /* Far from overflow, and never below the limit again. */
    *steps = *steps + more > WEFT_POLICY_STEPS_MAX ? WEFT_POLICY_STEPS_MAX + 1 : *steps + more;
}

static enum weft_err take_member(struct weft_lang_parser *p, struct weft_lang_definition *d)
{
    const struct weft_lang_token *token = p->token;
    struct weft_policy *policy = p->policy;
    struct weft_lang_term *term = &policy->terms[policy->term_count];
    weft_assert(policy->term_count < p->words); /* POL-62 */
    enum weft_err err =
        weft_lang_take_term(p, d->is_scope ? WEFT_CLAUSE_ON : WEFT_CLAUSE_WHO, term);
    if (err != WEFT_OK) {
        return err;
    }
    if (term->is_not || term->type == WEFT_LANG_ANY) {
        return weft_lang_fail_at(
            p, token, WEFT_EINVAL, "a member (\"not\" and \"any\" stand in statements alone)");
    }
    policy->term_count++;
    d->term_count++;
    add_steps(&d->steps, 1);
    if (term->type == WEFT_LANG_GROUP || term->type == WEFT_LANG_SCOPE) {
        const struct weft_lang_definition *other = &policy->definitions[term->definition];
        add_steps(&d->steps, other->steps);
        d->depth = other->depth + 1 > d->depth ? other->depth + 1 : d->depth;
        if (d->depth > WEFT_POLICY_DEPTH_MAX) {
            return weft_lang_fail_at(p, token, WEFT_ETOOBIG,
                "at most %d groups or scopes within each other", WEFT_POLICY_DEPTH_MAX);
        }
    }
    return WEFT_OK;
}

static enum weft_err take_definition(struct weft_lang_parser *p, bool is_scope)
{
    struct weft_policy *policy = p->policy;
    uint32_t index = policy->definition_count;
    if (index == WEFT_POLICY_DEFINITIONS_MAX) {
        return weft_lang_fail_at(
            p, p->token, WEFT_ETOOBIG, "at most %d groups and scopes", WEFT_POLICY_DEFINITIONS_MAX);
    }
    struct weft_lang_definition *d = &policy->definitions[index];
    *d = (struct weft_lang_definition){.first_term = policy->term_count,
        .depth = 1,
        .steps = 1,
        .line = p->token->place.line,
        .is_scope = is_scope};
    enum weft_err err = take_new_name(p, &p->definitions, index, &d->name);
    if (err == WEFT_OK && !weft_lang_take(p, "=")) {
        err = weft_lang_expected(p, "\"=\", with blanks around it");
    }
    bool has_more = err == WEFT_OK;
    while (has_more) {
        err = take_member(p, d);
        has_more = err == WEFT_OK && p->token->type == WEFT_LANG_COMMA;
        p->token += has_more ? 1 : 0;
    }
    if (err == WEFT_OK) {
        err = weft_lang_take_end(p, "\",\"");
    }
    policy->definition_count++;
    return err;
}

/* --- statements --------------------------------------------------------------------------- */

/* Terms that were read in the order of the text, in the order of their clauses. */
static void order_terms(struct weft_policy *policy, struct weft_lang_statement *s)
{
    struct weft_lang_term copy[WEFT_POLICY_CONDITIONS_MAX];
    uint32_t count = policy->term_count - s->first_term;
    weft_assert(count <= WEFT_POLICY_CONDITIONS_MAX); /* POL-62 */
    memcpy(copy, policy->terms + s->first_term, count * sizeof(copy[0]));
    uint32_t at = s->first_term;
    for (uint32_t clause = 0; clause < WEFT_LANG_CLAUSES; clause++) {
        s->counts[clause] = 0;
        for (uint32_t i = 0; i < count; i++) {
            if (copy[i].clause == clause) {
                policy->terms[at++] = copy[i];
                s->counts[clause]++;
            }
        }
    }
}

static enum weft_err check_whole(struct weft_lang_parser *p, const struct weft_lang_statement *s)
{
    if (s->actions == 0) {
        return weft_lang_expected(p, "a line \"do ...\" in %s %.*s",
            weft_policy_statement_kind_name(s->kind), (int)s->name.size, s->name.data);
    }
    if (s->kind == WEFT_STATEMENT_PERMIT && s->counts[WEFT_CLAUSE_WHO] == 0) {
        return weft_lang_expected(p, "a line \"who ...\" in permit %.*s (\"who any\": everybody)",
            (int)s->name.size, s->name.data);
    }
    if (s->kind == WEFT_STATEMENT_REQUIRE && s->need_count == 0 && s->envelope.size == 0 &&
        s->hide_count == 0) {
        return weft_lang_expected(p,
            "a line \"need ...\", \"envelope ...\" or \"hide ...\" in "
            "require %.*s",
            (int)s->name.size, s->name.data);
    }
    return WEFT_OK;
}

static enum weft_err take_statement(
    struct weft_lang_parser *p, enum weft_policy_statement_kind kind)
{
    struct weft_policy *policy = p->policy;
    uint32_t index = policy->statement_count;
    if (index == WEFT_POLICY_STATEMENTS_MAX) {
        return weft_lang_fail_at(
            p, p->token, WEFT_ETOOBIG, "at most %d statements", WEFT_POLICY_STATEMENTS_MAX);
    }
    struct weft_lang_statement *s = &policy->statements[index];
    *s = (struct weft_lang_statement){.kind = kind,
        .line = p->token->place.line,
        .first_term = policy->term_count,
        .first_field = policy->field_count};
    enum weft_err err = take_new_name(p, &p->statements, index, &s->name);
    if (err == WEFT_OK) {
        err = weft_lang_take_end(p, "");
    }
    uint32_t seen = 0;
    while (err == WEFT_OK && p->token->type != WEFT_LANG_TEXT_END && !p->token->is_first) {
        err = weft_lang_take_clause(p, s, &seen);
    }
    if (err == WEFT_OK) {
        order_terms(policy, s);
        policy->statement_count++;
        err = check_whole(p, s);
    }
    return err;
}

static enum weft_err take_lines(struct weft_lang_parser *p)
{
    enum weft_err err = WEFT_OK;
    while (err == WEFT_OK && p->token->type != WEFT_LANG_TEXT_END) {
        if (!p->token->is_first) {
            err = weft_lang_expected(p, "permit, forbid, require, group or scope in column 1");
        } else if (weft_lang_take(p, "permit")) {
            err = take_statement(p, WEFT_STATEMENT_PERMIT);
        } else if (weft_lang_take(p, "forbid")) {
            err = take_statement(p, WEFT_STATEMENT_FORBID);
        } else if (weft_lang_take(p, "require")) {
            err = take_statement(p, WEFT_STATEMENT_REQUIRE);
        } else if (weft_lang_take(p, "group")) {
            err = take_definition(p, false);
        } else if (weft_lang_take(p, "scope")) {
            err = take_definition(p, true);
        } else {
            err = weft_lang_expected(p, "permit, forbid, require, group or scope");
        }
    }
    return err;
}

/* --- the whole ---------------------------------------------------------------------------- */

static enum weft_err take_arrays(struct weft_lang_parser *p, const struct weft_lang_token *tokens)
{
    struct weft_arena *scratch = p->parse->scratch;
    uint32_t words = 1;
    uint32_t lines = 1;
    for (const struct weft_lang_token *t = tokens; t->type != WEFT_LANG_TEXT_END; t++) {
        words += t->type == WEFT_LANG_WORD || t->type == WEFT_LANG_QUOTED;
        lines += t->is_first;
    }
    uint32_t few = lines < WEFT_POLICY_STATEMENTS_MAX ? lines : WEFT_POLICY_STATEMENTS_MAX;
    struct weft_policy *policy = p->policy;
    p->words = words;
    policy->terms = weft_arena_array(scratch, words, sizeof(policy->terms[0]));
    policy->fields = weft_arena_array(scratch, words, sizeof(policy->fields[0]));
    policy->statements = weft_arena_array(scratch, few, sizeof(policy->statements[0]));
    policy->definitions = weft_arena_array(scratch, few, sizeof(policy->definitions[0]));
    p->definitions.sorted = weft_arena_array(scratch, few, sizeof(uint16_t));
    p->statements.sorted = weft_arena_array(scratch, few, sizeof(uint16_t));
    bool is_whole = policy->terms != NULL && policy->fields != NULL && policy->statements != NULL &&
                    policy->definitions != NULL && p->definitions.sorted != NULL &&
                    p->statements.sorted != NULL;
    return is_whole ? WEFT_OK : scratch->is_starved ? WEFT_ENOMEM : WEFT_ETOOBIG;
}

_Static_assert((int)WEFT_POLICY_DEFINITIONS_MAX == (int)WEFT_POLICY_STATEMENTS_MAX,
    "one bound for both arrays");

enum weft_err weft_lang_parse(const struct weft_lang_parse *parse, struct weft_policy *ret_policy)
{
    struct weft_lang_parser p = {.parse = parse, .policy = ret_policy};
    struct weft_policy_place place;
    const char *expected;
    enum weft_err err =
        weft_lang_lex(parse->text, parse->arena, parse->scratch, &p.token, &place, &expected);
    if (err == WEFT_EMALFORMED || err == WEFT_EINVAL) {
        if (parse->ret_place != NULL) {
            *parse->ret_place = place;
        }
        return weft_fail(parse->msg, err, "%s:%u:%u: expected %s", parse->file, place.line,
            place.column, expected);
    }
    if (err == WEFT_OK) {
        err = take_arrays(&p, p.token);
    }
    if (err != WEFT_OK) {
        return weft_fail(
            parse->msg, err, "%s:1:1: expected a policy that fits in memory", parse->file);
    }
    err = take_head(&p);
    return err != WEFT_OK ? err : take_lines(&p);
}
