/* federation/trie.h: a set of statement digests as a radix-16 Merkle trie.
 *
 * Its shape and its root follow from the set alone: a node stands where two members or more have
 * the digits in front of it in common, a single member is a leaf wherever it is. Two sets are
 * compared from the root down (reconcile.h). In memory, about 100 bytes for a member; a site with
 * more keeps the nodes itself and gives them out as a weft_trie_view. */
#ifndef WEFT_FEDERATION_TRIE_H
#define WEFT_FEDERATION_TRIE_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/digest.h"
#include "proto/err.h"

enum {
    WEFT_TRIE_WIDTH = 16,
    WEFT_TRIE_DEPTH_MAX = 64,        /* digits of a digest */
    WEFT_TRIE_MEMBERS_MAX = 1 << 26, /* chosen: 6 GiB; a view has no such limit */
};

/* The first `depth` digits of a digest; the others are zero. */
struct weft_trie_prefix {
    struct weft_digest digits;
    unsigned depth;
};

/* What is below a prefix, by the next digit. */
struct weft_trie_children {
    uint64_t count;                             /* Members below all of them. */
    uint32_t counts[WEFT_TRIE_WIDTH];           /* 0: nothing there; saturates. */
    struct weft_digest hashes[WEFT_TRIE_WIDTH]; /* Zero where there is nothing. */
};

/* A set as it is compared: of a trie in memory, or of whoever keeps one. Errors are passed on. */
struct weft_trie_view {
    void *ctx;
    enum weft_err (*children)(void *ctx, const struct weft_trie_prefix *prefix,
        struct weft_trie_children *ret_children, struct weft_msg *msg);
    /* The members below a prefix in their order, at most `max`; *ret_count counts them. */
    enum weft_err (*members)(void *ctx, const struct weft_trie_prefix *prefix, uint32_t max,
        struct weft_digest *ret_members, uint32_t *ret_count, struct weft_msg *msg);
};

struct weft_trie_node;

/* Embed by value; zero-initialized is the empty set. Owns its memory. */
struct weft_trie {
    struct weft_digest *members; /* In the order in which they came. */
    struct weft_trie_node *nodes;
    uint32_t member_count, member_capacity;
    uint32_t node_count, node_capacity;
};

/* FED-23: adding again changes nothing. WEFT_ETOOBIG, WEFT_ENOMEM: the set is as before. */
WEFT_MUST_USE enum weft_err weft_trie_add(
    struct weft_trie *trie, const struct weft_digest *member, bool *ret_is_new);
bool weft_trie_has(const struct weft_trie *trie, const struct weft_digest *member);
/* Zero: the set is empty. Works out what changed. */
struct weft_digest weft_trie_root(struct weft_trie *trie);
/* `trie` is kept as the view's ctx; its hashes are worked out on the way. */
struct weft_trie_view weft_trie_view_of(struct weft_trie *trie);
void weft_trie_destroy(struct weft_trie *trie);

/* Leaf and node, for who keeps a trie otherwise: SHA-256(0x05 || member), and
 * SHA-256(0x06 || be16(bits of the children) || their hashes in order). */
struct weft_digest weft_trie_leaf_hash(const struct weft_digest *member);
struct weft_digest weft_trie_node_hash(const struct weft_digest hashes[WEFT_TRIE_WIDTH]);

static inline unsigned weft_trie_digit(const struct weft_digest *digest, unsigned place)
{
    return place % 2 == 0 ? digest->bytes[place / 2] >> 4 : digest->bytes[place / 2] & 15;
}

/* The prefix one digit longer; prefix->depth is below WEFT_TRIE_DEPTH_MAX. */
struct weft_trie_prefix weft_trie_below(const struct weft_trie_prefix *prefix, unsigned digit);
bool weft_trie_is_below(const struct weft_trie_prefix *prefix, const struct weft_digest *member);

#endif
