/* The canonical form: what a policy says, in one way. */
#include <inttypes.h>
#include <string.h>

#include "policy/lang.h"
#include "proto/check.h"
#include "proto/time.h"

const char *weft_lang_op_name(enum weft_lang_op op)
{
    switch (op) {
    case WEFT_LANG_EQ:
        return "=";
    case WEFT_LANG_GE:
        return ">=";
    case WEFT_LANG_LE:
        return "<=";
    }
    weft_unreachable("an operator is one of three");
}

/* --- words -------------------------------------------------------------------------------- */

static enum weft_err print(struct weft_buffer *out, const char *text)
{
    return weft_buffer_text(out, weft_text_of(text));
}

static enum weft_err print_quoted(struct weft_text word, struct weft_buffer *out)
{
    enum weft_err err = print(out, "\"");
    for (size_t i = 0; i < word.size && err == WEFT_OK; i++) {
        bool is_escaped = word.data[i] == '"' || word.data[i] == '\\';
        if (is_escaped) {
            err = print(out, "\\");
        }
        if (err == WEFT_OK) {
            err = weft_buffer_append(out, word.data + i, 1);
        }
    }
    return err == WEFT_OK ? print(out, "\"") : err;
}

enum weft_err weft_lang_print_word(struct weft_text word, struct weft_buffer *out)
{
    bool is_plain = word.size > 0 && word.data[0] != '#';
    for (size_t i = 0; i < word.size && is_plain; i++) {
        is_plain = word.data[i] != ' ' && word.data[i] != ',' && word.data[i] != '"';
    }
    return is_plain ? weft_buffer_text(out, word) : print_quoted(word, out);
}

enum weft_err weft_lang_print_pattern(
    const struct weft_lang_pattern *pattern, struct weft_buffer *out)
{
    char whole[WEFT_ASSET_SIZE_MAX + 8];
    weft_assert(pattern->text.size <= WEFT_ASSET_SIZE_MAX); /* POL-62 */
    size_t size = pattern->text.size;
    if (size > 0) {
        memcpy(whole, pattern->text.data, size);
    }
    if (pattern->is_subtree) {
        static const struct weft_text below = WEFT_TEXT("/...");
        size_t skip = size > 0 ? 0 : 1; /* The slash. */
        memcpy(whole + size, below.data + skip, below.size - skip);
        size += below.size - skip;
    }
    return weft_lang_print_word((struct weft_text){whole, size}, out);
}

/* --- terms -------------------------------------------------------------------------------- */

static enum weft_err print_name(struct weft_buffer *out, const char *before, struct weft_text name)
{
    enum weft_err err = print(out, before);
    return err == WEFT_OK ? weft_lang_print_word(name, out) : err;
}

/* FIRST NAME, and where there is another, BETWEEN OTHER. */
static enum weft_err print_pair(struct weft_buffer *out, const char *first,
    const struct weft_lang_term *term, const char *between)
{
    enum weft_err err = print_name(out, first, term->name);
    return err == WEFT_OK && term->other.size > 0 ? print_name(out, between, term->other) : err;
}

static enum weft_err print_attr(struct weft_buffer *out, const struct weft_lang_term *term)
{
    enum weft_err err = print_name(out, "attr ", term->name);
    if (err == WEFT_OK) {
        err = weft_buffer_format(out, " %s ", weft_lang_op_name((enum weft_lang_op)term->op));
    }
    if (err != WEFT_OK) {
        return err;
    }
    switch ((enum weft_policy_attr_type)term->attr_type) {
    case WEFT_ATTR_BOOL:
        return print(out, term->number != 0 ? "true" : "false");
    case WEFT_ATTR_INT:
        return weft_buffer_format(out, "%" PRId64, term->number);
    case WEFT_ATTR_TEXT:
        return print_quoted(term->other, out);
    }
    weft_unreachable("an attribute is of one of three types");
}

/* mon..fri, sun: runs of days; nothing for all of them. */
static enum weft_err print_days(struct weft_buffer *out, uint8_t days)
{
    static const char names[7][4] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
    enum weft_err err = WEFT_OK;
    const char *before = " ";
    for (int day = 0; day < 7 && days != 0x7f && err == WEFT_OK; day++) {
        int last = day;
        if ((days >> day & 1) == 0) {
            continue;
        }
        while (last < 6 && (days >> (last + 1) & 1) != 0) {
            last++;
        }
        err = last == day ? weft_buffer_format(out, "%s%s", before, names[day])
                          : weft_buffer_format(out, "%s%s..%s", before, names[day], names[last]);
        before = ", ";
        day = last;
    }
    return err;
}

static enum weft_err print_window(struct weft_buffer *out, const struct weft_lang_window *w)
{
    int offset = w->offset_min < 0 ? -w->offset_min : w->offset_min;
    enum weft_err err = weft_buffer_format(out, "time %02d:%02d..%02d:%02d ", w->start_min / 60,
        w->start_min % 60, w->end_min / 60, w->end_min % 60);
    if (err == WEFT_OK) {
        err = offset == 0 ? print(out, "Z")
                          : weft_buffer_format(out, "%c%02d:%02d", w->offset_min < 0 ? '-' : '+',
                                offset / 60, offset % 60);
    }
    return err == WEFT_OK ? print_days(out, w->days) : err;
}

static enum weft_err print_principal(struct weft_buffer *out, const struct weft_lang_term *term)
{
    const char *class = weft_principal_class_name((enum weft_principal_class)term->class);
    return weft_buffer_format(out, "%s %.*s%s%.*s", class, (int)term->other.size,
        term->other.size > 0 ? term->other.data : "", term->other.size > 0 ? "/" : "",
        (int)term->name.size, term->name.data);
}

static enum weft_err print_matched(
    struct weft_buffer *out, const char *before, const struct weft_lang_term *term)
{
    enum weft_err err = print(out, before);
    return err == WEFT_OK ? weft_lang_print_pattern(&term->pattern, out) : err;
}

enum weft_err weft_lang_print_term(
    const struct weft_policy *policy, const struct weft_lang_term *term, struct weft_buffer *out)
{
    const char *op = weft_lang_op_name((enum weft_lang_op)term->op);
    enum weft_err err = term->is_not ? print(out, "not ") : WEFT_OK;
    if (err != WEFT_OK) {
        return err;
    }
    switch ((enum weft_lang_term_type)term->type) {
    case WEFT_LANG_ANY:
        return print(out, "any");
    case WEFT_LANG_PRINCIPAL:
        return print_principal(out, term);
    case WEFT_LANG_ROLE:
        return print_pair(out, "role ", term, " @ ");
    case WEFT_LANG_PARTNER:
        return print_pair(out, "partner ", term, " role ");
    case WEFT_LANG_ATTR:
        return print_attr(out, term);
    case WEFT_LANG_GROUP:
    case WEFT_LANG_SCOPE:
        return weft_buffer_text(out, policy->definitions[term->definition].name);
    case WEFT_LANG_ASSET:
        return print_matched(out, "asset ", term);
    case WEFT_LANG_KIND:
        return print_matched(out, "kind ", term);
    case WEFT_LANG_VERB:
        return print_matched(out, "verb ", term);
    case WEFT_LANG_LABEL:
        return print_matched(out, "label ", term);
    case WEFT_LANG_TIER:
        return weft_buffer_format(out, "tier %s %" PRId64, op, term->number);
    case WEFT_LANG_TIME:
        return print_window(out, &term->window);
    case WEFT_LANG_AGREEMENT:
        err = print_name(out, "agreement ", term->name);
        return err == WEFT_OK ? weft_buffer_format(out, " %s %" PRId64, op, term->number) : err;
    }
    weft_unreachable("a term is of a known type");
}

/* --- clauses ------------------------------------------------------------------------------ */

static enum weft_err print_terms(const struct weft_policy *policy,
    const struct weft_lang_term *terms, uint32_t count, const char *between,
    struct weft_buffer *out)
{
    enum weft_err err = WEFT_OK;
    for (uint32_t i = 0; i < count && err == WEFT_OK; i++) {
        err = i > 0 ? print(out, between) : WEFT_OK;
        if (err == WEFT_OK) {
            err = weft_lang_print_term(policy, &terms[i], out);
        }
    }
    return err;
}

/* A line of all terms of a clause; none where there is none. */
static enum weft_err print_line(const struct weft_policy *policy,
    const struct weft_lang_statement *s, uint32_t clause, const char *name, struct weft_buffer *out)
{
    if (s->counts[clause] == 0) {
        return WEFT_OK;
    }
    enum weft_err err = weft_buffer_format(out, "  %s ", name);
    if (err == WEFT_OK) {
        err = print_terms(policy, weft_lang_terms(policy, s, clause), s->counts[clause], " ", out);
    }
    return err == WEFT_OK ? print(out, "\n") : err;
}

static enum weft_err print_do(const struct weft_lang_statement *s, struct weft_buffer *out)
{
    if (s->actions == (1u << WEFT_ACTIONS) - 1) {
        return print(out, "  do any\n");
    }
    enum weft_err err = print(out, "  do");
    for (uint32_t action = 0; action < WEFT_ACTIONS && err == WEFT_OK; action++) {
        if ((s->actions & 1u << action) != 0) {
            err = weft_buffer_format(
                out, " %s", weft_policy_action_name((enum weft_policy_action)action));
        }
    }
    return err == WEFT_OK ? print(out, "\n") : err;
}

static enum weft_err print_fields(const struct weft_policy *policy, const char *name,
    uint32_t first, uint32_t count, struct weft_buffer *out)
{
    if (count == 0) {
        return WEFT_OK;
    }
    enum weft_err err = print(out, name);
    for (uint32_t i = 0; i < count && err == WEFT_OK; i++) {
        err = print_name(out, " ", policy->fields[first + i].text);
    }
    return err == WEFT_OK ? print(out, "\n") : err;
}

static enum weft_err print_when(
    const struct weft_policy *policy, const struct weft_lang_statement *s, struct weft_buffer *out)
{
    const struct weft_lang_term *terms = weft_lang_terms(policy, s, WEFT_CLAUSE_WHEN);
    enum weft_err err = WEFT_OK;
    for (uint32_t i = 0; i < s->counts[WEFT_CLAUSE_WHEN] && err == WEFT_OK; i++) {
        err = print(out, "  when ");
        if (err == WEFT_OK) {
            err = weft_lang_print_term(policy, &terms[i], out);
        }
        if (err == WEFT_OK) {
            err = print(out, "\n");
        }
    }
    return err;
}

static enum weft_err print_within(uint32_t within_s, struct weft_buffer *out)
{
    static const char units[] = "dhms";
    static const uint32_t seconds[] = {86400, 3600, 60, 1};
    int unit = 0;
    while (within_s % seconds[unit] != 0) {
        unit++;
    }
    return weft_buffer_format(out, " within %u%c", within_s / seconds[unit], units[unit]);
}

static enum weft_err print_need(
    const struct weft_policy *policy, const struct weft_lang_statement *s, struct weft_buffer *out)
{
    if (s->need_count == 0) {
        return WEFT_OK;
    }
    enum weft_err err = weft_buffer_format(out, "  need %u of ", s->need_count);
    if (err == WEFT_OK) {
        err = weft_lang_print_term(policy, weft_lang_terms(policy, s, WEFT_LANG_CLAUSE_NEED), out);
    }
    if (err == WEFT_OK) {
        err = weft_buffer_format(out, "%s%s", s->not_proposer ? " not proposer" : "",
            s->distinct_persons ? " distinct-persons" : "");
    }
    if (err == WEFT_OK && s->within_s > 0) {
        err = print_within(s->within_s, out);
    }
    return err == WEFT_OK ? print(out, "\n") : err;
}

static enum weft_err print_rest(const struct weft_lang_statement *s, struct weft_buffer *out)
{
    enum weft_err err = WEFT_OK;
    if (s->envelope.size > 0) {
        err = weft_buffer_format(out, "  envelope %.*s\n", (int)s->envelope.size, s->envelope.data);
    }
    if (err == WEFT_OK && s->cite.size > 0) {
        err = print(out, "  cite ");
        if (err == WEFT_OK) {
            err = print_quoted(s->cite, out);
        }
        if (err == WEFT_OK) {
            err = print(out, "\n");
        }
    }
    return err;
}

static enum weft_err print_statement(
    const struct weft_policy *policy, const struct weft_lang_statement *s, struct weft_buffer *out)
{
    enum weft_err err = weft_buffer_format(out, "\n%s %.*s\n",
        weft_policy_statement_kind_name(s->kind), (int)s->name.size, s->name.data);
    if (err == WEFT_OK) {
        err = print_line(policy, s, WEFT_CLAUSE_WHO, "who", out);
    }
    if (err == WEFT_OK) {
        err = print_do(s, out);
    }
    if (err == WEFT_OK) {
        err = print_line(policy, s, WEFT_CLAUSE_ON, "on", out);
    }
    if (err == WEFT_OK) {
        err = print_fields(policy, "  only fields", s->first_field, s->only_count, out);
    }
    if (err == WEFT_OK) {
        err = print_fields(policy, "  hide", s->first_field + s->only_count, s->hide_count, out);
    }
    if (err == WEFT_OK) {
        err = print_when(policy, s, out);
    }
    if (err == WEFT_OK) {
        err = print_need(policy, s, out);
    }
    return err == WEFT_OK ? print_rest(s, out) : err;
}

/* --- the whole ---------------------------------------------------------------------------- */

static enum weft_err print_head(const struct weft_policy_head *head, struct weft_buffer *out)
{
    enum weft_err err = weft_buffer_format(
        out, "policy %.*s %" PRIu64 "\n", (int)head->name.size, head->name.data, head->version);
    if (err == WEFT_OK && head->version > 1) {
        char digest[WEFT_DIGEST_TEXT_SIZE];
        weft_digest_format(&head->prev, digest);
        err = weft_buffer_format(out, "prev %s\n", digest);
    }
    if (err == WEFT_OK && head->has_valid) {
        char from[WEFT_TIME_TEXT_SIZE];
        char to[WEFT_TIME_TEXT_SIZE];
        weft_time_format(head->valid_from_ns, from);
        weft_time_format(head->valid_to_ns, to);
        err = weft_buffer_format(out, "valid %s .. %s\n", from, to);
    }
    return err;
}

enum weft_err weft_policy_print(const struct weft_policy *policy, struct weft_buffer *out)
{
    size_t before = out->size;
    enum weft_err err = print_head(&policy->head, out);
    for (uint32_t i = 0; i < policy->definition_count && err == WEFT_OK; i++) {
        const struct weft_lang_definition *d = &policy->definitions[i];
        err = weft_buffer_format(out, "%s%s %.*s = ", i == 0 ? "\n" : "",
            d->is_scope ? "scope" : "group", (int)d->name.size, d->name.data);
        if (err == WEFT_OK) {
            err = print_terms(policy, policy->terms + d->first_term, d->term_count, ", ", out);
        }
        if (err == WEFT_OK) {
            err = print(out, "\n");
        }
    }
    for (uint32_t i = 0; i < policy->statement_count && err == WEFT_OK; i++) {
        err = print_statement(policy, &policy->statements[i], out);
    }
    if (err != WEFT_OK) {
        out->size = before;
    }
    return err;
}
