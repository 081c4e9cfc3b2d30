/* policy/lang_trie.h: a trie of paths by their segments. Private to the language.
 *
 * Of assets it gives the statements that may concern one, of fields the patterns that may name one,
 * in a binary search for each segment. Each path has values: a statement, and a key by which they
 * lie in order. */
#ifndef WEFT_POLICY_LANG_TRIE_H
#define WEFT_POLICY_LANG_TRIE_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/bytes.h"

struct weft_lang_value {
    uint16_t statement;
    uint8_t key; /* Of assets: the action; of fields: whether it is hidden. */
};

struct weft_lang_node {
    struct weft_text segment;
    uint32_t first_child;   /* In the order of their bytes... */
    uint32_t literal_count; /* ...those without a star... */
    uint32_t star_count;    /* ...and behind them, those with one. */
    uint32_t first_value;   /* By key, then by statement. */
    uint32_t value_count;
};

struct weft_lang_trie {
    const struct weft_lang_node *nodes; /* The first is the root, the empty path. */
    const struct weft_lang_value *values;
    uint32_t node_count;
    uint32_t depth; /* Segments of the longest path. */
};

struct weft_lang_item {
    struct weft_text path;
    struct weft_lang_value value;
};

/* `items` are put in order. No item twice. Nodes and values lie in `arena`, texts are borrowed;
 * `scratch` is used. WEFT_ETOOBIG, WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_lang_trie_build(struct weft_lang_item *items, uint32_t count,
    struct weft_arena *arena, struct weft_arena *scratch, struct weft_lang_trie *ret_trie);
/* The child of exactly that segment, or NULL. */
const struct weft_lang_node *weft_lang_trie_child(
    const struct weft_lang_trie *trie, const struct weft_lang_node *node, struct weft_text segment);
/* Take the first segment off *path; false: there is none left (*path has no data). */
bool weft_lang_trie_segment(struct weft_text *path, struct weft_text *ret_segment);

#endif
