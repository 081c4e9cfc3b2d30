/* policy/lang_lexer.h: a policy's text as words, each with its place. Private to the language.
 *
 * Words are parted by blanks and commas; a quoted one may hold both, and stands for itself, never
 * for a word of the language. A comment goes from a '#' that begins a word to the end of its line;
 * lines without words do not appear. */
#ifndef WEFT_POLICY_LANG_LEXER_H
#define WEFT_POLICY_LANG_LEXER_H

#include "policy/policy_file.h"

enum weft_lang_token_type {
    WEFT_LANG_WORD,
    WEFT_LANG_QUOTED,
    WEFT_LANG_COMMA,
    WEFT_LANG_LINE_END,
    WEFT_LANG_TEXT_END, /* The last one, also after the last LINE_END. */
};

struct weft_lang_token {
    enum weft_lang_token_type type;
    bool is_first; /* Of its line, in the first column: what is not indented opens something. */
    struct weft_policy_place place;
    struct weft_text text;   /* Of a quoted word: what it stands for. */
    struct weft_text source; /* As written. */
};

/* *ret_tokens lie in `scratch`; texts borrow from `text`, or lie in `arena` where a quoted word has
 * escapes. WEFT_EMALFORMED, WEFT_EINVAL with *ret_place and *ret_expected (static storage);
 * WEFT_ETOOBIG, WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_lang_lex(struct weft_text text, struct weft_arena *arena,
    struct weft_arena *scratch, const struct weft_lang_token **ret_tokens,
    struct weft_policy_place *ret_place, const char **ret_expected);

#endif
