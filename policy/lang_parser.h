/* policy/lang_parser.h: how the language's parsers share a place in the words. Private to the
 * language: lang_parser.c reads lines, lang_clause.c the terms and clauses within them. */
#ifndef WEFT_POLICY_LANG_PARSER_H
#define WEFT_POLICY_LANG_PARSER_H

#include "policy/lang.h"
#include "policy/lang_lexer.h"

/* Names by their bytes, as indices into an array of the policy's. */
struct weft_lang_names {
    uint16_t *sorted;
    uint32_t count;
};

struct weft_lang_parser {
    const struct weft_lang_parse *parse;
    const struct weft_lang_token *token; /* The next one. */
    struct weft_policy *policy;
    struct weft_lang_names definitions;
    struct weft_lang_names statements;
    uint32_t words; /* Room in the policy's arrays. */
};

/* "FILE:LINE:COLUMN: expected EXPECTED, found TOKEN". Returns `err`. */
enum weft_err weft_lang_fail_at(struct weft_lang_parser *p, const struct weft_lang_token *token,
    enum weft_err err, const char *format, ...) __attribute__((format(printf, 4, 5)));
/* The same of the next token, WEFT_EINVAL. */
enum weft_err weft_lang_expected(struct weft_lang_parser *p, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Whether the next token is that word of the language; if so, it is taken. */
bool weft_lang_take(struct weft_lang_parser *p, const char *word);
static inline bool weft_lang_is_at_end(const struct weft_lang_parser *p)
{
    return p->token->type == WEFT_LANG_LINE_END || p->token->type == WEFT_LANG_TEXT_END;
}
/* A word, quoted or not. `what` is what was expected. */
WEFT_MUST_USE enum weft_err weft_lang_take_text(
    struct weft_lang_parser *p, const char *what, struct weft_text *ret_text);
/* A whole number in its shortest form, at most `max`. */
WEFT_MUST_USE enum weft_err weft_lang_take_number(
    struct weft_lang_parser *p, const char *what, uint64_t max, uint64_t *ret_number);
WEFT_MUST_USE enum weft_err weft_lang_take_end(struct weft_lang_parser *p, const char *or_else);

/* UINT32_MAX: there is none. */
uint32_t weft_lang_find_definition(const struct weft_lang_parser *p, struct weft_text name);
/* Words that begin a term: no group or scope is called so. */
bool weft_lang_is_reserved(struct weft_text word);

/* A term of `who` (also of groups and `need`), `on` (also of scopes), `when`. */
WEFT_MUST_USE enum weft_err weft_lang_take_term(
    struct weft_lang_parser *p, uint32_t clause, struct weft_lang_term *ret_term);
/* One clause of a statement, which begins with the next token, up to the end of its line. Terms go
 * to the policy's array with their clause, in the order of the text. */
WEFT_MUST_USE enum weft_err weft_lang_take_clause(
    struct weft_lang_parser *p, struct weft_lang_statement *s, uint32_t *ret_seen);

#endif
