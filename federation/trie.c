#include "federation/trie.h"

#include <stdlib.h>

#include "proto/check.h"

enum {
    PREFIX_LEAF = 0x05, /* Beside the prefixes of statements (0 to 4). */
    PREFIX_NODE = 0x06,
    CAPACITY_FIRST = 64,
    NODES_MAX = 1 << 28, /* Four for each member; random ones make a third of one. */
};

/* A child is 0, a member (its number + 1, with this bit), or a node (its number + 1). */
#define MEMBER_BIT (UINT32_C(1) << 31)

struct weft_trie_node {
    struct weft_digest hash;
    uint32_t children[WEFT_TRIE_WIDTH];
    uint32_t count; /* Members below. */
    bool is_hashed;
};

_Static_assert(sizeof(struct weft_trie_node) == 104, "about 100 bytes for a member, trie.h says");

static const struct weft_digest zero;

/* --- prefixes -------------------------------------------------------------------------------- */

struct weft_trie_prefix weft_trie_below(const struct weft_trie_prefix *prefix, unsigned digit)
{
    struct weft_trie_prefix below = *prefix;
    weft_assert(prefix->depth < WEFT_TRIE_DEPTH_MAX); /* FED-23 */
    below.digits.bytes[prefix->depth / 2] |= (uint8_t)(prefix->depth % 2 == 0 ? digit << 4 : digit);
    below.depth++;
    return below;
}

bool weft_trie_is_below(const struct weft_trie_prefix *prefix, const struct weft_digest *member)
{
    size_t bytes = prefix->depth / 2;
    return memcmp(prefix->digits.bytes, member->bytes, bytes) == 0 &&
           (prefix->depth % 2 == 0 ||
               prefix->digits.bytes[bytes] >> 4 == member->bytes[bytes] >> 4);
}

/* --- hashes ---------------------------------------------------------------------------------- */

struct weft_digest weft_trie_leaf_hash(const struct weft_digest *member)
{
    uint8_t bytes[1 + WEFT_DIGEST_SIZE];
    bytes[0] = PREFIX_LEAF;
    memcpy(bytes + 1, member->bytes, WEFT_DIGEST_SIZE);
    return weft_sha256(bytes, sizeof(bytes));
}

struct weft_digest weft_trie_node_hash(const struct weft_digest hashes[WEFT_TRIE_WIDTH])
{
    uint8_t bytes[3 + WEFT_TRIE_WIDTH * WEFT_DIGEST_SIZE];
    size_t size = 3;
    unsigned bits = 0;
    for (unsigned i = 0; i < WEFT_TRIE_WIDTH; i++) {
        if (!weft_digest_equal(&hashes[i], &zero)) {
            bits |= 1u << i;
            memcpy(bytes + size, hashes[i].bytes, WEFT_DIGEST_SIZE);
            size += WEFT_DIGEST_SIZE;
        }
    }
    bytes[0] = PREFIX_NODE;
    bytes[1] = (uint8_t)(bits >> 8);
    bytes[2] = (uint8_t)bits;
    return weft_sha256(bytes, size);
}

static struct weft_digest hash_child(struct weft_trie *trie, uint32_t child);

static void hash_children(
    struct weft_trie *trie, uint32_t node, struct weft_digest ret_hashes[WEFT_TRIE_WIDTH])
{
    for (unsigned i = 0; i < WEFT_TRIE_WIDTH; i++) {
        ret_hashes[i] = hash_child(trie, trie->nodes[node].children[i]);
    }
}

/* As deep as digits can agree: 64. */
static struct weft_digest hash_child(/* NOLINT(misc-no-recursion) */
    struct weft_trie *trie, uint32_t child)
{
    struct weft_digest hashes[WEFT_TRIE_WIDTH];
    if (child == 0) {
        return zero;
    }
    if ((child & MEMBER_BIT) != 0) {
        return weft_trie_leaf_hash(&trie->members[(child & ~MEMBER_BIT) - 1]);
    }
    struct weft_trie_node *node = &trie->nodes[child - 1];
    if (!node->is_hashed) {
        hash_children(trie, child - 1, hashes);
        node->hash = weft_trie_node_hash(hashes);
        node->is_hashed = true;
    }
    return node->hash;
}

/* --- the set --------------------------------------------------------------------------------- */

/* The array with room for `more`, or NULL. */
static void *grow(void *array, uint32_t *capacity, uint32_t count, uint32_t more, size_t size)
{
    if (count + more <= *capacity) {
        return array;
    }
    uint32_t next = *capacity > 0 ? 2 * *capacity : CAPACITY_FIRST;
    next = next > count + more ? next : count + more;
    void *grown = realloc(array, next * size);
    if (grown != NULL) {
        *capacity = next;
    }
    return grown;
}

static enum weft_err make_room(struct weft_trie *trie)
{
    if (trie->member_count >= WEFT_TRIE_MEMBERS_MAX || trie->node_count >= NODES_MAX) {
        return WEFT_ETOOBIG;
    }
    void *members =
        grow(trie->members, &trie->member_capacity, trie->member_count, 1, sizeof(*trie->members));
    if (members == NULL) {
        return WEFT_ENOMEM;
    }
    trie->members = members;
    /* A new member makes a node for each digit that it shares with its neighbour. */
    void *nodes = grow(trie->nodes, &trie->node_capacity, trie->node_count, WEFT_TRIE_DEPTH_MAX + 1,
        sizeof(*trie->nodes));
    if (nodes == NULL) {
        return WEFT_ENOMEM;
    }
    trie->nodes = nodes;
    if (trie->node_count == 0) {
        trie->nodes[0] = (struct weft_trie_node){.count = 0};
        trie->node_count = 1; /* The root. */
    }
    return WEFT_OK;
}

bool weft_trie_has(const struct weft_trie *trie, const struct weft_digest *member)
{
    uint32_t node = 0;
    for (unsigned depth = 0; trie->node_count > 0 && depth < WEFT_TRIE_DEPTH_MAX; depth++) {
        uint32_t child = trie->nodes[node].children[weft_trie_digit(member, depth)];
        if (child == 0) {
            return false;
        }
        if ((child & MEMBER_BIT) != 0) {
            return weft_digest_equal(&trie->members[(child & ~MEMBER_BIT) - 1], member);
        }
        node = child - 1;
    }
    return false;
}

/* A node in the place of a lone member, which is now below it. */
static uint32_t split(struct weft_trie *trie, uint32_t child, unsigned depth)
{
    const struct weft_digest *other = &trie->members[(child & ~MEMBER_BIT) - 1];
    uint32_t number = trie->node_count++;
    trie->nodes[number] = (struct weft_trie_node){.count = 1};
    trie->nodes[number].children[weft_trie_digit(other, depth)] = child;
    return number + 1;
}

enum weft_err weft_trie_add(
    struct weft_trie *trie, const struct weft_digest *member, bool *ret_is_new)
{
    if (weft_trie_has(trie, member)) {
        *ret_is_new = false;
        return WEFT_OK;
    }
    enum weft_err err = make_room(trie);
    if (err != WEFT_OK) {
        return err;
    }
    uint32_t node = 0;
    unsigned depth = 0;
    trie->members[trie->member_count] = *member;
    for (;; depth++) {
        weft_assert(depth < WEFT_TRIE_DEPTH_MAX); /* FED-23: two members differ somewhere */
        uint32_t *child = &trie->nodes[node].children[weft_trie_digit(member, depth)];
        trie->nodes[node].count++;
        trie->nodes[node].is_hashed = false;
        if (*child == 0) {
            *child = ++trie->member_count | MEMBER_BIT;
            *ret_is_new = true;
            return WEFT_OK;
        }
        if ((*child & MEMBER_BIT) != 0) {
            *child = split(trie, *child, depth + 1); /* There is room: nothing moves. */
        }
        node = *child - 1;
    }
}

struct weft_digest weft_trie_root(struct weft_trie *trie)
{
    if (trie->member_count == 0) {
        return zero;
    }
    return trie->member_count == 1 ? weft_trie_leaf_hash(&trie->members[0]) : hash_child(trie, 1);
}

void weft_trie_destroy(struct weft_trie *trie)
{
    free(trie->members);
    free(trie->nodes);
    *trie = (struct weft_trie){.members = NULL};
}

/* --- the view -------------------------------------------------------------------------------- */

/* What stands at a prefix: 0, a member below it, or a node. */
static uint32_t find(const struct weft_trie *trie, const struct weft_trie_prefix *prefix)
{
    uint32_t child = trie->node_count > 0 ? 1 : 0;
    for (unsigned depth = 0; depth < prefix->depth && child != 0; depth++) {
        if ((child & MEMBER_BIT) != 0) {
            const struct weft_digest *member = &trie->members[(child & ~MEMBER_BIT) - 1];
            return weft_trie_is_below(prefix, member) ? child : 0;
        }
        child = trie->nodes[child - 1].children[weft_trie_digit(&prefix->digits, depth)];
    }
    if ((child & MEMBER_BIT) != 0 &&
        !weft_trie_is_below(prefix, &trie->members[(child & ~MEMBER_BIT) - 1])) {
        return 0;
    }
    return child;
}

static uint32_t count_of(const struct weft_trie *trie, uint32_t child)
{
    if (child == 0) {
        return 0;
    }
    return (child & MEMBER_BIT) != 0 ? 1 : trie->nodes[child - 1].count;
}

static enum weft_err view_children(void *ctx, const struct weft_trie_prefix *prefix,
    struct weft_trie_children *ret_children, struct weft_msg *msg)
{
    struct weft_trie *trie = ctx;
    uint32_t at = find(trie, prefix);
    (void)msg;
    *ret_children = (struct weft_trie_children){.count = count_of(trie, at)};
    if ((at & MEMBER_BIT) != 0) {
        const struct weft_digest *member = &trie->members[(at & ~MEMBER_BIT) - 1];
        unsigned digit =
            prefix->depth < WEFT_TRIE_DEPTH_MAX ? weft_trie_digit(member, prefix->depth) : 0;
        ret_children->counts[digit] = 1;
        ret_children->hashes[digit] = weft_trie_leaf_hash(member);
    } else if (at != 0) {
        hash_children(trie, at - 1, ret_children->hashes);
        for (unsigned i = 0; i < WEFT_TRIE_WIDTH; i++) {
            ret_children->counts[i] = count_of(trie, trie->nodes[at - 1].children[i]);
        }
    }
    return WEFT_OK;
}

static void collect(/* NOLINT(misc-no-recursion): as deep as digits can agree */
    const struct weft_trie *trie, uint32_t child, uint32_t max, struct weft_digest *members,
    uint32_t *count)
{
    if (child == 0 || *count == max) {
        return;
    }
    if ((child & MEMBER_BIT) != 0) {
        members[(*count)++] = trie->members[(child & ~MEMBER_BIT) - 1];
        return;
    }
    for (unsigned i = 0; i < WEFT_TRIE_WIDTH; i++) {
        collect(trie, trie->nodes[child - 1].children[i], max, members, count);
    }
}

static enum weft_err view_members(void *ctx, const struct weft_trie_prefix *prefix, uint32_t max,
    struct weft_digest *ret_members, uint32_t *ret_count, struct weft_msg *msg)
{
    const struct weft_trie *trie = ctx;
    (void)msg;
    *ret_count = 0;
    collect(trie, find(trie, prefix), max, ret_members, ret_count);
    return WEFT_OK;
}

struct weft_trie_view weft_trie_view_of(struct weft_trie *trie)
{
    return (struct weft_trie_view){trie, view_children, view_members};
}
