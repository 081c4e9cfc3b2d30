#include <stdlib.h>
#include <string.h>

#include "policy/lang_trie.h"
#include "proto/check.h"

bool weft_lang_trie_segment(struct weft_text *path, struct weft_text *ret_segment)
{
    if (path->data == NULL) {
        return false;
    }
    if (!weft_text_cut(path, '/', ret_segment)) {
        *path = (struct weft_text){NULL, 0};
    }
    return true;
}

static bool has_star(struct weft_text segment)
{
    return segment.size > 0 && memchr(segment.data, '*', segment.size) != NULL;
}

/* Segment by segment, literals before those with a star; the empty path is first of all. */
static int compare_paths(struct weft_text a, struct weft_text b)
{
    if (a.size == 0 || b.size == 0) {
        return (a.size > 0) - (b.size > 0);
    }
    for (;;) {
        struct weft_text left = {NULL, 0};
        struct weft_text right = {NULL, 0};
        bool has_left = weft_lang_trie_segment(&a, &left);
        bool has_right = weft_lang_trie_segment(&b, &right);
        if (!has_left || !has_right) {
            return has_left - has_right;
        }
        int order = has_star(left) - has_star(right);
        order = order != 0 ? order : weft_text_compare(left, right);
        if (order != 0) {
            return order;
        }
    }
}

/* Total, so that the order does not depend on how the library sorts (POL-61). */
static int compare_items(const void *left, const void *right)
{
    const struct weft_lang_item *a = left;
    const struct weft_lang_item *b = right;
    int order = compare_paths(a->path, b->path);
    if (order == 0) {
        order = (int)a->value.key - (int)b->value.key;
    }
    return order != 0 ? order : (int)a->value.statement - (int)b->value.statement;
}

/* A node while it waits for its children: its items, and where their paths go on. */
struct span {
    uint32_t from;
    uint32_t to;
    uint32_t used; /* Bytes of the path up to here, with the slash; 0: the root. */
};

struct builder {
    const struct weft_lang_item *items;
    struct weft_lang_node *nodes;
    struct span *spans;
    uint32_t node_count;
};

static struct weft_text next_segment(const struct weft_lang_item *item, uint32_t used)
{
    struct weft_text rest = {item->path.data + used, item->path.size - used};
    struct weft_text segment = {NULL, 0};
    (void)weft_lang_trie_segment(&rest, &segment);
    return segment;
}

static void add_children(struct builder *b, uint32_t at)
{
    struct weft_lang_node *node = &b->nodes[at];
    struct span span = b->spans[at];
    uint32_t i = span.from;
    while (i < span.to && (b->items[i].path.size == 0 || b->items[i].path.size + 1 == span.used)) {
        i++;
    }
    node->first_value = span.from;
    node->value_count = i - span.from;
    node->first_child = b->node_count;
    while (i < span.to) {
        struct weft_text segment = next_segment(&b->items[i], span.used);
        uint32_t from = i;
        while (i < span.to && weft_text_equal(next_segment(&b->items[i], span.used), segment)) {
            i++;
        }
        b->spans[b->node_count] = (struct span){from, i, span.used + (uint32_t)segment.size + 1};
        b->nodes[b->node_count++].segment = segment;
        if (has_star(segment)) {
            node->star_count++;
        } else {
            node->literal_count++;
        }
    }
}

static uint32_t count_segments(struct weft_text path)
{
    uint32_t count = 0;
    struct weft_text segment;
    while (path.size > 0 && weft_lang_trie_segment(&path, &segment)) {
        count++;
    }
    return count + (path.data != NULL ? 1 : 0);
}

enum weft_err weft_lang_trie_build(struct weft_lang_item *items, uint32_t count,
    struct weft_arena *arena, struct weft_arena *scratch, struct weft_lang_trie *ret_trie)
{
    uint32_t nodes_max = 1;
    uint32_t depth = 0;
    if (count > 0) {
        qsort(items, count, sizeof(items[0]), compare_items);
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t segments = count_segments(items[i].path);
        depth = segments > depth ? segments : depth;
        nodes_max += segments;
    }
    struct builder b = {.items = items,
        .nodes = weft_arena_array(scratch, nodes_max, sizeof(struct weft_lang_node)),
        .spans = weft_arena_array(scratch, nodes_max, sizeof(struct span)),
        .node_count = 1};
    struct weft_lang_value *values = weft_arena_array(arena, count, sizeof(values[0]));
    if (b.nodes == NULL || b.spans == NULL || values == NULL) {
        return arena->is_starved || scratch->is_starved ? WEFT_ENOMEM : WEFT_ETOOBIG;
    }
    b.spans[0] = (struct span){0, count, 0};
    for (uint32_t i = 0; i < b.node_count; i++) {
        add_children(&b, i);
        weft_assert(b.node_count <= nodes_max); /* POL-62 */
    }
    for (uint32_t i = 0; i < count; i++) {
        values[i] = items[i].value;
    }
    struct weft_lang_node *nodes = weft_arena_array(arena, b.node_count, sizeof(nodes[0]));
    if (nodes == NULL) {
        return arena->is_starved ? WEFT_ENOMEM : WEFT_ETOOBIG;
    }
    memcpy(nodes, b.nodes, b.node_count * sizeof(nodes[0]));
    *ret_trie = (struct weft_lang_trie){nodes, values, b.node_count, depth};
    return WEFT_OK;
}

const struct weft_lang_node *weft_lang_trie_child(
    const struct weft_lang_trie *trie, const struct weft_lang_node *node, struct weft_text segment)
{
    const struct weft_lang_node *children = trie->nodes + node->first_child;
    uint32_t from = 0;
    uint32_t to = node->literal_count;
    while (from < to) {
        uint32_t middle = from + (to - from) / 2;
        int order = weft_text_compare(children[middle].segment, segment);
        if (order == 0) {
            return &children[middle];
        }
        if (order < 0) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    return NULL;
}
