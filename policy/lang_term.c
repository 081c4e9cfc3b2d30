/* Terms as they are written: who somebody is, what it is about, when. */
#include <string.h>

#include "policy/lang_parser.h"
#include "proto/check.h"

static enum weft_err take_op(
    struct weft_lang_parser *p, struct weft_lang_term *term, const char *what)
{
    static const char *const names[] = {
        [WEFT_LANG_EQ] = "=", [WEFT_LANG_GE] = ">=", [WEFT_LANG_LE] = "<="};
    for (uint8_t op = 0; op < 3; op++) {
        if (weft_lang_take(p, names[op])) {
            term->op = op;
            return WEFT_OK;
        }
    }
    return weft_lang_expected(p, "=, >= or <= behind %s, with blanks around it", what);
}

/* A word that `is_right` takes. */
static enum weft_err take_checked(struct weft_lang_parser *p, bool (*is_right)(struct weft_text),
    const char *what, struct weft_text *ret_text)
{
    const struct weft_lang_token *token = p->token;
    enum weft_err err = weft_lang_take_text(p, what, ret_text);
    if (err == WEFT_OK && !is_right(*ret_text)) {
        err = weft_lang_fail_at(p, token, WEFT_EINVAL, "%s", what);
    }
    return err;
}

static const char part_rule[] = "a name (1 to 63 of A-Z a-z 0-9 . - _)";
static const char org_rule[] = "an organization (its trust domain: 1 to 63 of a-z 0-9 . - _)";

/* --- who ---------------------------------------------------------------------------------- */

/* NAME of this site, or SITE/NAME. */
static enum weft_err take_principal(struct weft_lang_parser *p, struct weft_lang_term *term)
{
    const struct weft_lang_token *token = p->token;
    enum weft_err err = weft_lang_take_text(p, part_rule, &term->name);
    if (err != WEFT_OK) {
        return err;
    }
    struct weft_text rest = term->name, site;
    bool has_site = weft_text_cut(&rest, '/', &site);
    if (has_site) {
        term->other = site;
        term->name = rest;
    }
    if (!weft_principal_is_part(term->name) || (has_site && !weft_principal_is_part(term->other))) {
        return weft_lang_fail_at(p, token, WEFT_EINVAL, "%s, or SITE/NAME", part_rule);
    }
    return WEFT_OK;
}

static enum weft_err take_role(struct weft_lang_parser *p, struct weft_lang_term *term)
{
    enum weft_err err = take_checked(p, weft_principal_is_part, part_rule, &term->name);
    if (err == WEFT_OK && weft_lang_take(p, "@")) {
        const struct weft_lang_token *token = p->token;
        err = weft_lang_take_text(p, "a place (an asset)", &term->other);
        if (err == WEFT_OK &&
            (term->other.size == 0 || term->other.size > WEFT_ASSET_SIZE_MAX ||
                memchr(term->other.data, '*', term->other.size) != NULL ||
                (term->other.size >= 3 &&
                    memcmp(term->other.data + term->other.size - 3, "...", 3) == 0))) {
            err = weft_lang_fail_at(
                p, token, WEFT_EINVAL, "a place (an asset, without \"*\" and \"...\")");
        }
    }
    return err;
}

static enum weft_err take_partner(struct weft_lang_parser *p, struct weft_lang_term *term)
{
    enum weft_err err = take_checked(p, weft_principal_is_org, org_rule, &term->name);
    if (err == WEFT_OK && weft_lang_take(p, "role")) {
        err = take_checked(p, weft_principal_is_part, part_rule, &term->other);
    }
    return err;
}

/* -?DIGITS in the range of int64 and in its shortest form. */
static bool is_integer(struct weft_text text, int64_t *ret_number)
{
    bool is_negative = text.size > 1 && text.data[0] == '-';
    struct weft_text digits = {text.data + is_negative, text.size - is_negative};
    uint64_t number;
    if (!weft_text_exact_number(digits, &number) || number > (uint64_t)INT64_MAX ||
        (is_negative && number == 0)) {
        return false;
    }
    *ret_number = is_negative ? -(int64_t)number : (int64_t)number;
    return true;
}

static enum weft_err take_attr(struct weft_lang_parser *p, struct weft_lang_term *term)
{
    enum weft_err err = take_checked(p, weft_principal_is_part, part_rule, &term->name);
    if (err == WEFT_OK) {
        err = take_op(p, term, "the attribute");
    }
    const struct weft_lang_token *token = p->token;
    if (err == WEFT_OK) {
        err = weft_lang_take_text(p, "true, false, a whole number or a text", &term->other);
    }
    if (err != WEFT_OK) {
        return err;
    }
    bool is_plain = token->type == WEFT_LANG_WORD;
    term->attr_type = WEFT_ATTR_TEXT;
    if (is_plain && (weft_text_is(term->other, "true") || weft_text_is(term->other, "false"))) {
        term->attr_type = WEFT_ATTR_BOOL;
        term->number = weft_text_is(term->other, "true");
    } else if (is_plain && is_integer(term->other, &term->number)) {
        term->attr_type = WEFT_ATTR_INT;
    }
    if (term->op != WEFT_LANG_EQ && term->attr_type != WEFT_ATTR_INT) {
        return weft_lang_fail_at(p, token, WEFT_EINVAL, "a whole number behind >= and <=");
    }
    return WEFT_OK;
}

/* The next token names a group or scope, whichever is wanted. */
static enum weft_err take_reference(
    struct weft_lang_parser *p, bool is_scope, const char *others, struct weft_lang_term *term)
{
    const char *what = is_scope ? "scope" : "group";
    uint32_t found = p->token->type == WEFT_LANG_WORD ? weft_lang_find_definition(p, p->token->text)
                                                      : UINT32_MAX;
    if (found == UINT32_MAX) {
        return weft_lang_expected(p, "%s or a %s that is defined above", others, what);
    }
    const struct weft_lang_definition *d = &p->policy->definitions[found];
    if (d->is_scope != is_scope) {
        return weft_lang_expected(
            p, "a %s (line %u defines a %s)", what, d->line, d->is_scope ? "scope" : "group");
    }
    term->type = is_scope ? WEFT_LANG_SCOPE : WEFT_LANG_GROUP;
    term->definition = (uint16_t)found;
    term->name = d->name;
    p->token++;
    return WEFT_OK;
}

static enum weft_err take_who(struct weft_lang_parser *p, struct weft_lang_term *term)
{
    static const enum weft_principal_class classes[] = {WEFT_PRINCIPAL_OP, WEFT_PRINCIPAL_SVC,
        WEFT_PRINCIPAL_GW, WEFT_PRINCIPAL_NODE, WEFT_PRINCIPAL_WIT};
    for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
        if (weft_lang_take(p, weft_principal_class_name(classes[i]))) {
            term->type = WEFT_LANG_PRINCIPAL;
            term->class = (uint8_t)classes[i];
            return take_principal(p, term);
        }
    }
    if (weft_lang_take(p, "any")) {
        term->type = WEFT_LANG_ANY;
        return WEFT_OK;
    }
    if (weft_lang_take(p, "role")) {
        term->type = WEFT_LANG_ROLE;
        return take_role(p, term);
    }
    if (weft_lang_take(p, "partner")) {
        term->type = WEFT_LANG_PARTNER;
        return take_partner(p, term);
    }
    if (weft_lang_take(p, "attr")) {
        term->type = WEFT_LANG_ATTR;
        return take_attr(p, term);
    }
    return take_reference(p, false, "any, op, svc, gw, node, wit, role, partner, attr", term);
}

/* --- on ----------------------------------------------------------------------------------- */

static enum weft_err take_pattern(
    struct weft_lang_parser *p, enum weft_lang_term_type type, struct weft_lang_term *term)
{
    const struct weft_lang_token *token = p->token;
    struct weft_text text = {NULL, 0};
    enum weft_err err = weft_lang_take_text(p, "a pattern", &text);
    if (err != WEFT_OK) {
        return err;
    }
    term->type = (uint8_t)type;
    const char *wrong = weft_lang_pattern_parse(text, type == WEFT_LANG_ASSET, &term->pattern);
    return wrong != NULL ? weft_lang_fail_at(p, token, WEFT_EINVAL, "%s", wrong) : WEFT_OK;
}

static enum weft_err take_on(struct weft_lang_parser *p, struct weft_lang_term *term)
{
    if (weft_lang_take(p, "asset")) {
        return take_pattern(p, WEFT_LANG_ASSET, term);
    }
    if (weft_lang_take(p, "kind")) {
        return take_pattern(p, WEFT_LANG_KIND, term);
    }
    if (weft_lang_take(p, "verb")) {
        return take_pattern(p, WEFT_LANG_VERB, term);
    }
    if (weft_lang_take(p, "label")) {
        return take_pattern(p, WEFT_LANG_LABEL, term);
    }
    if (weft_lang_take(p, "tier")) {
        term->type = WEFT_LANG_TIER;
        uint64_t tier = 0;
        enum weft_err err = take_op(p, term, "\"tier\"");
        if (err == WEFT_OK) {
            err = weft_lang_take_number(p, "a tier (a whole number)", INT32_MAX, &tier);
        }
        term->number = (int64_t)tier;
        return err;
    }
    return take_reference(p, true, "asset, kind, verb, label, tier", term);
}

/* --- when --------------------------------------------------------------------------------- */

/* "HH:MM" at `text`; 24:00 only where `is_end`. -1: it is none. */
static int minutes(const char *text, bool is_end)
{
    for (int i = 0; i < 5; i++) {
        if (i == 2 ? text[i] != ':' : text[i] < '0' || text[i] > '9') {
            return -1;
        }
    }
    int hour = (text[0] - '0') * 10 + text[1] - '0';
    int minute = (text[3] - '0') * 10 + text[4] - '0';
    bool is_time = minute < 60 && (hour < 24 || (hour == 24 && minute == 0 && is_end));
    return is_time ? hour * 60 + minute : -1;
}

static bool parse_hours(struct weft_text text, struct weft_lang_window *w)
{
    if (text.size != 12 || memcmp(text.data + 5, "..", 2) != 0) {
        return false;
    }
    int start = minutes(text.data, false);
    int end = minutes(text.data + 7, true);
    w->start_min = (int16_t)start;
    w->end_min = (int16_t)end;
    return start >= 0 && end > 0 && start != end;
}

/* Z, or +HH:MM up to 14 hours (the zones there are go from -12:00 to +14:00). */
static bool parse_offset(struct weft_text text, struct weft_lang_window *w)
{
    if (weft_text_is(text, "Z")) {
        w->offset_min = 0;
        return true;
    }
    if (text.size != 6 || (text.data[0] != '+' && text.data[0] != '-')) {
        return false;
    }
    int offset = minutes(text.data + 1, false);
    w->offset_min = (int16_t)(text.data[0] == '-' ? -offset : offset);
    return offset >= 0 && offset <= 14 * 60 && (offset > 0 || text.data[0] == '+');
}

static int parse_day(const char *text)
{
    static const char days[] = "montuewedthufrisatsun";
    for (int day = 0; day < 7; day++) {
        if (memcmp(days + 3 * day, text, 3) == 0) {
            return day;
        }
    }
    return -1;
}

/* "mon" or "sat..mon". 0: it is none. */
static uint8_t parse_days(struct weft_text text)
{
    if (text.size != 3 && (text.size != 8 || memcmp(text.data + 3, "..", 2) != 0)) {
        return 0;
    }
    int first = parse_day(text.data);
    int last = text.size == 3 ? first : parse_day(text.data + 5);
    if (first < 0 || last < 0) {
        return 0;
    }
    uint8_t days = (uint8_t)(1u << first);
    for (int day = first; day != last;) {
        day = (day + 1) % 7;
        days |= (uint8_t)(1u << day);
    }
    return days;
}

static enum weft_err take_days(struct weft_lang_parser *p, struct weft_lang_window *w)
{
    w->days = weft_lang_is_at_end(p) ? 0x7f : 0;
    bool has_more = !weft_lang_is_at_end(p);
    while (has_more) {
        uint8_t days = p->token->type == WEFT_LANG_WORD ? parse_days(p->token->text) : 0;
        if (days == 0 || (w->days & days) != 0) {
            return weft_lang_expected(p, "days (mon..fri or mon, wed; each once)");
        }
        w->days |= days;
        p->token++;
        has_more = p->token->type == WEFT_LANG_COMMA;
        p->token += has_more ? 1 : 0;
    }
    return WEFT_OK;
}

static enum weft_err take_window(struct weft_lang_parser *p, struct weft_lang_window *w)
{
    if (p->token->type != WEFT_LANG_WORD || !parse_hours(p->token->text, w)) {
        return weft_lang_expected(p, "hours (06:00..22:00, at most to 24:00)");
    }
    p->token++;
    if (p->token->type != WEFT_LANG_WORD || !parse_offset(p->token->text, w)) {
        return weft_lang_expected(p, "a fixed offset from UTC (+01:00, or Z)");
    }
    p->token++;
    return take_days(p, w);
}

static enum weft_err take_when(struct weft_lang_parser *p, struct weft_lang_term *term)
{
    if (weft_lang_take(p, "time")) {
        term->type = WEFT_LANG_TIME;
        return take_window(p, &term->window);
    }
    if (weft_lang_take(p, "attr")) {
        term->type = WEFT_LANG_ATTR;
        return take_attr(p, term);
    }
    if (!weft_lang_take(p, "agreement")) {
        return weft_lang_expected(p, "time, agreement or attr");
    }
    term->type = WEFT_LANG_AGREEMENT;
    uint64_t version = 0;
    enum weft_err err = take_checked(p, weft_principal_is_part, part_rule, &term->name);
    if (err == WEFT_OK) {
        err = take_op(p, term, "the agreement");
    }
    if (err == WEFT_OK) {
        err = weft_lang_take_number(p, "a version (a whole number)", INT64_MAX, &version);
    }
    term->number = (int64_t)version;
    return err;
}

/* --- all ---------------------------------------------------------------------------------- */

enum weft_err weft_lang_take_term(
    struct weft_lang_parser *p, uint32_t clause, struct weft_lang_term *ret_term)
{
    const struct weft_lang_token *first = p->token;
    *ret_term = (struct weft_lang_term){.clause = (uint8_t)clause, .place = first->place};
    ret_term->is_not = weft_lang_take(p, "not");
    enum weft_err err = WEFT_OK;
    if (clause == WEFT_CLAUSE_ON) {
        err = take_on(p, ret_term);
    } else if (clause == WEFT_CLAUSE_WHEN) {
        err = take_when(p, ret_term);
    } else {
        err = take_who(p, ret_term);
    }
    if (err == WEFT_OK) {
        const struct weft_lang_token *last = p->token - 1;
        const char *end = last->source.data + last->source.size;
        ret_term->source =
            (struct weft_text){first->source.data, (size_t)(end - first->source.data)};
    }
    return err;
}
