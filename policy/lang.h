/* policy/lang.h: the compiled policy. Private to the language's files (policy/README.md, Language).
 *
 * Everything is an array: a statement names its terms and fields by a first index and counts, a
 * term its group or scope by an index that is smaller than that of whoever uses it, so there are
 * no cycles (POL-62). */
#ifndef WEFT_POLICY_LANG_H
#define WEFT_POLICY_LANG_H

#include "policy/decide.h"
#include "policy/explain.h"
#include "policy/lang_trie.h"
#include "policy/policy_file.h"

/* Kleene's three values, in an order in which `and` is the lesser and `or` the greater one. */
enum weft_lang_truth {
    WEFT_LANG_FALSE = 0,
    WEFT_LANG_ERROR = 1,
    WEFT_LANG_TRUE = 2,
};

enum weft_lang_term_type {
    /* who */
    WEFT_LANG_ANY,
    WEFT_LANG_PRINCIPAL, /* class, name, other: site */
    WEFT_LANG_ROLE,      /* name, other: place */
    WEFT_LANG_PARTNER,   /* name: organization, other: role */
    WEFT_LANG_ATTR,      /* name: key; op, attr_type, number or other. Also in `when`. */
    WEFT_LANG_GROUP,
    /* on */
    WEFT_LANG_ASSET, /* pattern */
    WEFT_LANG_KIND,
    WEFT_LANG_VERB,
    WEFT_LANG_LABEL,
    WEFT_LANG_TIER, /* op, number */
    WEFT_LANG_SCOPE,
    /* when */
    WEFT_LANG_TIME,      /* window */
    WEFT_LANG_AGREEMENT, /* name, op, number */
};

enum weft_lang_op {
    WEFT_LANG_EQ,
    WEFT_LANG_GE,
    WEFT_LANG_LE,
};

struct weft_lang_pattern {
    struct weft_text text; /* Without the trailing "/...". */
    bool is_subtree;       /* With empty text: everything. */
    bool has_star;
};

/* [start, end) of local minutes on days, bit 0 monday; over midnight if end <= start. */
struct weft_lang_window {
    int16_t start_min;
    int16_t end_min; /* 1 to 1440 */
    int16_t offset_min;
    uint8_t days;
};

struct weft_lang_term {
    uint8_t type; /* enum weft_lang_term_type */
    uint8_t clause;
    uint8_t op;
    uint8_t class; /* enum weft_principal_class */
    uint8_t attr_type;
    bool is_not;
    uint16_t definition; /* GROUP, SCOPE */
    struct weft_policy_place place;
    struct weft_text source; /* As written. */
    struct weft_text name;
    struct weft_text other;
    int64_t number;
    struct weft_lang_pattern pattern;
    struct weft_lang_window window;
};

/* Besides those of explain.h, in the order in which a statement's terms lie. */
enum {
    WEFT_LANG_CLAUSE_NEED = WEFT_CLAUSE_WHEN + 1,
    WEFT_LANG_CLAUSES
};

struct weft_lang_definition {
    struct weft_text name;
    uint32_t first_term;
    uint32_t term_count;
    uint32_t depth; /* Definitions within each other, from 1. */
    uint32_t steps; /* Of one evaluation in which nothing is remembered. */
    uint32_t line;
    bool is_scope;
};

struct weft_lang_statement {
    enum weft_policy_statement_kind kind;
    struct weft_text name;
    struct weft_text envelope;
    struct weft_text cite;
    uint32_t line;
    uint32_t actions; /* Bits; all of them: `any`. */
    uint32_t first_term;
    uint32_t counts[WEFT_LANG_CLAUSES]; /* Terms by clause, one behind the other. */
    uint32_t first_field;               /* Those of `only`, then those of `hide`. */
    uint32_t only_count;                /* 0: there is no `only`. */
    uint32_t hide_count;
    uint32_t need_count;
    uint32_t within_s;
    bool not_proposer;
    bool distinct_persons;
    uint32_t steps;
};

/* --- the policy --------------------------------------------------------------------------- */

enum {
    WEFT_LANG_KEY_ANY = WEFT_ACTIONS, /* Of statements that `do any`, in the index of assets. */
    WEFT_LANG_ANCHORS_MAX = 8,        /* Of one statement; with more it is asked of any asset. */
    WEFT_LANG_REMEMBERED_MAX = 16384, /* Distinct terms that a decision remembers, a byte each. */
    WEFT_LANG_NOT_REMEMBERED = 0xffff,
};

/* Of a statement, what a decision looks at first, beside each other. */
struct weft_lang_brief {
    uint32_t first_term;
    uint16_t gate; /* Number of its first term of `on`: most are passed by for that alone. */
    uint8_t kind;  /* enum weft_policy_statement_kind */
    uint8_t who_count;
    uint8_t on_count;
    uint8_t when_count;
};

struct weft_policy {
    struct weft_policy_head head;
    struct weft_policy_bounds bounds;
    struct weft_lang_definition *definitions;
    struct weft_lang_term *terms;
    struct weft_lang_statement *statements;
    struct weft_lang_pattern *fields;
    const struct weft_lang_brief *briefs; /* Of each statement. */
    const uint16_t *same;                 /* Of each term: a number that equal ones share. */
    uint32_t same_count;
    uint32_t definition_count;
    uint32_t term_count;
    uint32_t statement_count;
    uint32_t field_count;
    uint32_t asset_depth;         /* Segments of the longest pattern of assets. */
    struct weft_lang_trie assets; /* Where statements begin to be of interest. */
    struct weft_lang_trie shown;  /* Patterns of `only` and `hide`. */
};

static inline const struct weft_lang_term *weft_lang_terms(
    const struct weft_policy *policy, const struct weft_lang_statement *s, uint32_t clause)
{
    uint32_t first = s->first_term;
    for (uint32_t i = 0; i < clause; i++) {
        first += s->counts[i];
    }
    return policy->terms + first;
}

/* lang_parser.c: arrays filled, nothing indexed; they lie in `scratch`. */
struct weft_lang_parse {
    struct weft_text text; /* Lives as long as the policy. */
    const char *file;
    struct weft_arena *arena;
    struct weft_arena *scratch;
    struct weft_policy_place *ret_place;
    struct weft_msg *msg;
};
WEFT_MUST_USE enum weft_err weft_lang_parse(
    const struct weft_lang_parse *parse, struct weft_policy *ret_policy);

/* lang_compile.c: indexes and bounds of a parsed policy. WEFT_ETOOBIG, WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_lang_compile(
    const struct weft_lang_parse *parse, struct weft_policy *policy);

/* --- patterns (lang_pattern.c) ------------------------------------------------------------ */

bool weft_lang_pattern_matches(const struct weft_lang_pattern *pattern, struct weft_text text);
/* One segment against one that may have a star. */
bool weft_lang_segment_matches(struct weft_text pattern, struct weft_text segment);
/* Whether `text` is `above`, or below it. */
bool weft_lang_is_below(struct weft_text above, struct weft_text text);
/* NULL: fine; else what was expected. Sets *ret_pattern. */
const char *weft_lang_pattern_parse(
    struct weft_text text, bool may_have_below, struct weft_lang_pattern *ret_pattern);

/* --- words (lang_print.c) ----------------------------------------------------------------- */

/* A term in its canonical form. */
WEFT_MUST_USE enum weft_err weft_lang_print_term(
    const struct weft_policy *policy, const struct weft_lang_term *term, struct weft_buffer *out);
/* A word as the lexer reads it, in quotes where it must be. */
WEFT_MUST_USE enum weft_err weft_lang_print_word(struct weft_text word, struct weft_buffer *out);
WEFT_MUST_USE enum weft_err weft_lang_print_pattern(
    const struct weft_lang_pattern *pattern, struct weft_buffer *out);
const char *weft_lang_op_name(enum weft_lang_op op);

#endif
