#include "policy/lang_lexer.h"

#include <string.h>

#include "proto/check.h"

struct lexer {
    struct weft_text text;
    struct weft_arena *arena;
    struct weft_arena *scratch;
    size_t at;
    size_t line_start;
    uint32_t line;
    struct weft_lang_token *tokens; /* NULL: only counted. */
    uint32_t count;
    const char *expected;
};

static struct weft_policy_place place_of(const struct lexer *l)
{
    return (struct weft_policy_place){l->line, (uint32_t)(l->at - l->line_start) + 1};
}

static void add(struct lexer *l, enum weft_lang_token_type type, struct weft_text text,
    struct weft_text source, struct weft_policy_place place)
{
    if (l->tokens != NULL) {
        l->tokens[l->count] =
            (struct weft_lang_token){type, place.column == 1, place, text, source};
    }
    l->count++;
}

static bool is_end_of_word(char c)
{
    return c == ' ' || c == '\n' || c == ',' || c == '"';
}

static enum weft_err fail(struct lexer *l, const char *expected)
{
    l->expected = expected;
    return WEFT_EINVAL;
}

/* The text that a quoted word stands for; `inside` is between the quotes, its escapes checked. */
static enum weft_err unescape(struct lexer *l, struct weft_text inside, struct weft_text *ret_text)
{
    *ret_text = inside;
    if (l->tokens == NULL || inside.size == 0 || memchr(inside.data, '\\', inside.size) == NULL) {
        return WEFT_OK;
    }
    char *copy = weft_arena_alloc(l->arena, inside.size);
    if (copy == NULL) {
        return l->arena->is_starved ? WEFT_ENOMEM : WEFT_ETOOBIG;
    }
    size_t size = 0;
    for (size_t i = 0; i < inside.size; i++) {
        i += inside.data[i] == '\\' ? 1 : 0;
        copy[size++] = inside.data[i];
    }
    *ret_text = (struct weft_text){copy, size};
    return WEFT_OK;
}

static enum weft_err lex_quoted(struct lexer *l)
{
    struct weft_policy_place place = place_of(l);
    size_t start = l->at++;
    while (l->at < l->text.size && l->text.data[l->at] != '"') {
        char c = l->text.data[l->at];
        if (c == '\n') {
            return fail(l, "'\"' before the end of the line");
        }
        l->at++;
        if (c == '\\') {
            if (l->at == l->text.size ||
                (l->text.data[l->at] != '"' && l->text.data[l->at] != '\\')) {
                return fail(l, "'\"' or '\\' after '\\'");
            }
            l->at++;
        }
    }
    if (l->at == l->text.size) {
        return fail(l, "'\"' before the end of the text");
    }
    struct weft_text inside = {l->text.data + start + 1, l->at - start - 1};
    struct weft_text text;
    enum weft_err err = unescape(l, inside, &text);
    if (err != WEFT_OK) {
        return err;
    }
    l->at++;
    if (l->at < l->text.size &&
        (!is_end_of_word(l->text.data[l->at]) || l->text.data[l->at] == '"')) {
        return fail(l, "a blank, ',' or the end of the line behind '\"'");
    }
    add(l, WEFT_LANG_QUOTED, text, (struct weft_text){l->text.data + start, l->at - start}, place);
    return WEFT_OK;
}

static enum weft_err lex_word(struct lexer *l)
{
    struct weft_policy_place place = place_of(l);
    size_t start = l->at;
    while (l->at < l->text.size && !is_end_of_word(l->text.data[l->at])) {
        l->at++;
    }
    if (l->at < l->text.size && l->text.data[l->at] == '"') {
        return fail(l, "a blank before '\"'");
    }
    struct weft_text word = {l->text.data + start, l->at - start};
    add(l, WEFT_LANG_WORD, word, word, place);
    return WEFT_OK;
}

/* One line, and the newline behind it. */
static enum weft_err lex_line(struct lexer *l)
{
    uint32_t before = l->count;
    while (l->at < l->text.size && l->text.data[l->at] != '\n') {
        char c = l->text.data[l->at];
        enum weft_err err = WEFT_OK;
        if (c == ' ') {
            l->at++;
        } else if (c == '#') {
            const char *end = memchr(l->text.data + l->at, '\n', l->text.size - l->at);
            l->at = end != NULL ? (size_t)(end - l->text.data) : l->text.size;
        } else if (c == ',') {
            struct weft_text comma = {l->text.data + l->at, 1};
            add(l, WEFT_LANG_COMMA, comma, comma, place_of(l));
            l->at++;
        } else {
            err = c == '"' ? lex_quoted(l) : lex_word(l);
        }
        if (err != WEFT_OK) {
            return err;
        }
    }
    if (l->at == l->text.size) {
        return fail(l, "a newline at the end of the text");
    }
    if (l->count > before) {
        add(l, WEFT_LANG_LINE_END, (struct weft_text){NULL, 0},
            (struct weft_text){l->text.data + l->at, 1}, place_of(l));
    }
    l->at++;
    l->line++;
    l->line_start = l->at;
    return WEFT_OK;
}

static enum weft_err lex_all(struct lexer *l)
{
    l->at = 0;
    l->line_start = 0;
    l->line = 1;
    l->count = 0;
    while (l->at < l->text.size) {
        enum weft_err err = lex_line(l);
        if (err != WEFT_OK) {
            return err;
        }
    }
    add(l, WEFT_LANG_TEXT_END, (struct weft_text){NULL, 0}, (struct weft_text){NULL, 0},
        place_of(l));
    return WEFT_OK;
}

/* Well-formed UTF-8 without control characters but newlines: what one reads is what is signed. */
static enum weft_err check_bytes(struct lexer *l)
{
    size_t good = weft_text_utf8_prefix(l->text);
    for (l->at = 0; l->at < good; l->at++) {
        unsigned char c = (unsigned char)l->text.data[l->at];
        bool is_c1 = c == 0xc2 && l->at + 1 < good && (unsigned char)l->text.data[l->at + 1] < 0xa0;
        if (c == '\n') {
            l->line++;
            l->line_start = l->at + 1;
        } else if (c < 0x20 || c == 0x7f || is_c1) {
            l->expected = c == '\t'   ? "blanks instead of a tab"
                          : c == '\r' ? "a newline alone, without a carriage return"
                                      : "no control characters";
            return WEFT_EMALFORMED;
        }
    }
    if (good < l->text.size) {
        l->expected = "UTF-8";
        return WEFT_EMALFORMED;
    }
    return WEFT_OK;
}

enum weft_err weft_lang_lex(struct weft_text text, struct weft_arena *arena,
    struct weft_arena *scratch, const struct weft_lang_token **ret_tokens,
    struct weft_policy_place *ret_place, const char **ret_expected)
{
    struct lexer l = {.text = text, .arena = arena, .scratch = scratch, .line = 1};
    enum weft_err err = check_bytes(&l);
    if (err == WEFT_OK) {
        err = lex_all(&l);
    }
    if (err == WEFT_OK) {
        l.tokens = weft_arena_array(scratch, l.count, sizeof(l.tokens[0]));
        if (l.tokens == NULL) {
            return scratch->is_starved ? WEFT_ENOMEM : WEFT_ETOOBIG;
        }
        uint32_t counted = l.count;
        err = lex_all(&l);
        weft_assert(err != WEFT_OK || l.count == counted); /* POL-61 */
    }
    *ret_place = place_of(&l);
    *ret_expected = l.expected;
    if (err == WEFT_OK) {
        *ret_tokens = l.tokens;
    }
    return err;
}
