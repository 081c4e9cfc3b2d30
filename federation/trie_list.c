#include "federation/trie_list.h"

#include <stdlib.h>
#include <string.h>

#include "proto/check.h"

/* Members [first, end). */
struct range {
    uint32_t first, end;
};

enum weft_err weft_trie_list_add(struct weft_trie_list *list, const struct weft_digest *member)
{
    if (list->count > 0 &&
        memcmp(list->members[list->count - 1].bytes, member->bytes, WEFT_DIGEST_SIZE) >= 0) {
        return WEFT_EINVAL;
    }
    if (list->count == WEFT_TRIE_LIST_MEMBERS_MAX) {
        return WEFT_ETOOBIG;
    }
    if (list->count == list->capacity) {
        const uint32_t capacity = list->capacity == 0 ? 1024 : 2 * list->capacity;
        struct weft_digest *grown = realloc(list->members, capacity * sizeof(*grown));
        if (grown == NULL) {
            return WEFT_ENOMEM;
        }
        list->members = grown;
        list->capacity = capacity;
    }
    list->members[list->count++] = *member;
    return WEFT_OK;
}

/* What of a range has that digit at a place, behind what was given out before. */
static struct range next_of(
    const struct weft_trie_list *list, struct range *left, unsigned place, unsigned digit)
{
    struct range of = {left->first, left->first};
    uint32_t low = left->first, high = left->end;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (weft_trie_digit(&list->members[middle], place) <= digit) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    of.end = left->first = low;
    return of;
}

/* The node over a range, whose members have `depth` digits in common. */
static struct weft_digest hash_of(/* NOLINT(misc-no-recursion): as deep as digits can agree */
    struct weft_trie_list *list, struct range range, unsigned depth)
{
    struct weft_digest hashes[WEFT_TRIE_WIDTH] = {{{0}}};
    const uint32_t count = range.end - range.first;
    if (count <= 1) {
        list->work -= list->work > 0 ? count : 0;
        return count == 0 ? hashes[0] : weft_trie_leaf_hash(&list->members[range.first]);
    }
    weft_assert(depth < WEFT_TRIE_DEPTH_MAX); /* FED-23: each is there once. */
    for (unsigned i = 0; i < WEFT_TRIE_WIDTH; i++) {
        const struct range below = next_of(list, &range, depth, i);
        hashes[i] = hash_of(list, below, depth + 1);
    }
    list->work -= list->work > 0 ? 1 : 0;
    return weft_trie_node_hash(hashes);
}

/* Where the nodes of a level begin: those of 1 digit first. */
static uint32_t start_of(unsigned level)
{
    uint32_t start = 0;
    for (unsigned i = 1; i < level; i++) {
        start += UINT32_C(1) << 4 * i;
    }
    return start;
}

static uint32_t place_of(const struct weft_digest *digits, unsigned level)
{
    uint32_t place = 0;
    for (unsigned i = 0; i < level; i++) {
        place = place << 4 | weft_trie_digit(digits, i);
    }
    return start_of(level) + place;
}

enum weft_err weft_trie_list_seal(struct weft_trie_list *list)
{
    list->nodes = calloc(start_of(WEFT_TRIE_LIST_LEVELS + 1), sizeof(*list->nodes));
    if (list->nodes == NULL) {
        return WEFT_ENOMEM;
    }
    list->work = UINT64_MAX;
    for (struct range at = {0, 0}; at.first < list->count; at.first = at.end) {
        const uint32_t place = place_of(&list->members[at.first], WEFT_TRIE_LIST_LEVELS);
        while (at.end < list->count &&
               place_of(&list->members[at.end], WEFT_TRIE_LIST_LEVELS) == place) {
            at.end++;
        }
        list->nodes[place] = (struct weft_trie_list_node){
            hash_of(list, at, WEFT_TRIE_LIST_LEVELS), at.end - at.first};
    }
    for (unsigned level = WEFT_TRIE_LIST_LEVELS - 1; level > 0; level--) {
        for (uint32_t i = 0; i < UINT32_C(1) << 4 * level; i++) {
            const struct weft_trie_list_node *below =
                &list->nodes[start_of(level + 1) + i * WEFT_TRIE_WIDTH];
            struct weft_trie_list_node *node = &list->nodes[start_of(level) + i];
            struct weft_digest hashes[WEFT_TRIE_WIDTH];
            for (unsigned k = 0; k < WEFT_TRIE_WIDTH; k++) {
                hashes[k] = below[k].hash;
                node->count += below[k].count;
                node->hash = below[k].count > 0 ? below[k].hash : node->hash; /* If it is alone. */
            }
            node->hash = node->count > 1 ? weft_trie_node_hash(hashes) : node->hash;
        }
    }
    list->work = WEFT_TRIE_LIST_WORK_MAX;
    return WEFT_OK;
}

/* --- the view -------------------------------------------------------------------------------- */

/* The members below a prefix. */
static struct range below(const struct weft_trie_list *list, const struct weft_trie_prefix *prefix)
{
    struct range range = {0, list->count};
    for (unsigned i = 0; i < prefix->depth && range.first < range.end; i++) {
        const unsigned digit = weft_trie_digit(&prefix->digits, i);
        if (digit > 0) {
            (void)next_of(list, &range, i, digit - 1);
        }
        range = next_of(list, &range, i, digit);
    }
    return range;
}

static enum weft_err children(void *ctx, const struct weft_trie_prefix *prefix,
    struct weft_trie_children *ret_children, struct weft_msg *msg)
{
    struct weft_trie_list *list = ctx;
    struct range left = below(list, prefix);
    *ret_children = (struct weft_trie_children){.count = left.end - left.first};
    if (prefix->depth == WEFT_TRIE_DEPTH_MAX) { /* A member itself, or nothing. */
        ret_children->counts[0] = left.end - left.first;
        ret_children->hashes[0] = hash_of(list, left, prefix->depth);
        return WEFT_OK;
    }
    for (unsigned i = 0; i < WEFT_TRIE_WIDTH && left.first < left.end; i++) {
        const struct range of = next_of(list, &left, prefix->depth, i);
        ret_children->counts[i] = of.end - of.first;
        if (of.end > of.first && prefix->depth < WEFT_TRIE_LIST_LEVELS) {
            ret_children->hashes[i] =
                list->nodes[place_of(&list->members[of.first], prefix->depth + 1)].hash;
        } else if (of.end - of.first >= list->work) {
            return weft_fail(msg, WEFT_ETOOBIG, "more than a comparison may work out");
        } else {
            ret_children->hashes[i] = hash_of(list, of, prefix->depth + 1);
        }
    }
    return WEFT_OK;
}

static enum weft_err members(void *ctx, const struct weft_trie_prefix *prefix, uint32_t max,
    struct weft_digest *ret_members, uint32_t *ret_count, struct weft_msg *msg)
{
    const struct weft_trie_list *list = ctx;
    const struct range range = below(list, prefix);
    const uint32_t count = range.end - range.first;
    (void)msg;
    *ret_count = count < max ? count : max;
    for (uint32_t i = 0; i < *ret_count; i++) {
        ret_members[i] = list->members[range.first + i];
    }
    return WEFT_OK;
}

struct weft_trie_view weft_trie_list_view(struct weft_trie_list *list)
{
    weft_assert(list->nodes != NULL); /* FED-23: it is sealed. */
    return (struct weft_trie_view){list, children, members};
}

void weft_trie_list_destroy(struct weft_trie_list *list)
{
    free(list->members);
    free(list->nodes);
    *list = (struct weft_trie_list){.members = NULL};
}
