/* federation/cells/shared.h: one digest of all cells that two sides share, and where they differ.
 *
 * A radix-16 Merkle trie from subjects to the states of all their cells (cell.h); below, what a
 * leaf is of is called its cell. Its shape follows from what is in it alone, so two sides that hold
 * the same have the same root whatever came first; a change reads and writes the nodes of one path.
 * Sides whose roots differ descend, a node each a round, to the leaves that do. Nodes are the
 * caller's to keep. Rules: README.md, "The shared digest". */
#ifndef WEFT_FEDERATION_CELLS_SHARED_H
#define WEFT_FEDERATION_CELLS_SHARED_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/bytes.h"
#include "proto/digest.h"
#include "proto/err.h"

enum {
    WEFT_SHARED_WIDTH = 16,
    WEFT_SHARED_DEPTH_MAX = 2 * WEFT_DIGEST_SIZE - 1, /* of a node: one nibble is left */
    WEFT_SHARED_NODE_SIZE_MAX = 4 + WEFT_SHARED_WIDTH * 2 * WEFT_DIGEST_SIZE, /* bytes, encoded */
};

enum weft_shared_slot_type {
    WEFT_SHARED_EMPTY,
    WEFT_SHARED_LEAF, /* One cell below here. */
    WEFT_SHARED_NODE, /* Two or more. */
};

struct weft_shared_slot {
    enum weft_shared_slot_type type;
    struct weft_digest cell;   /* LEAF. */
    struct weft_digest digest; /* LEAF: the cell's state. NODE: the node's digest. */
};

struct weft_shared_node {
    struct weft_shared_slot slots[WEFT_SHARED_WIDTH];
};

/* Where a node is: so many nibbles of a cell's id, high one first; what is behind them is zero. */
struct weft_shared_path {
    uint32_t depth;
    struct weft_digest prefix;
};

/* How the caller keeps nodes. What was written is read again. An error of them is passed on. */
struct weft_shared_store {
    void *ctx;
    /* With its digest, which may be known without hashing: it is held to what is above.
     * WEFT_ENOTFOUND: there is none. */
    enum weft_err (*read)(void *ctx, const struct weft_shared_path *path,
        struct weft_shared_node *ret_node, struct weft_digest *ret_digest);
    enum weft_err (*write)(void *ctx, const struct weft_shared_path *path,
        const struct weft_shared_node *node, const struct weft_digest *digest);
    enum weft_err (*erase)(void *ctx, const struct weft_shared_path *path);
};

/* The cell has that state from now on; NULL: it is no more (its subject got an alias). *ret_root is
 * the root's digest. WEFT_ECORRUPT: a node that should be there is not, or is another. */
WEFT_MUST_USE enum weft_err weft_shared_put(const struct weft_shared_store *store,
    const struct weft_digest *cell, const struct weft_digest *state, struct weft_digest *ret_root);
/* A cell's state from now on, or that it is no more. */
struct weft_shared_change {
    struct weft_digest cell;
    bool is_gone;
    struct weft_digest state;
};
/* The same for many, which rise by their cells, each once: each node on their paths is read, hashed
 * and written once. Where nothing changes nothing is written but the root. */
WEFT_MUST_USE enum weft_err weft_shared_put_all(const struct weft_shared_store *store,
    const struct weft_shared_change *changes, uint32_t count, struct weft_digest *ret_root);
/* WEFT_ENOTFOUND: no such cell. WEFT_ECORRUPT. */
WEFT_MUST_USE enum weft_err weft_shared_get(const struct weft_shared_store *store,
    const struct weft_digest *cell, struct weft_digest *ret_state);

/* The leaf of a subject, which stands for its set of aliases: SHA-256("weft-subject-state/v1" ||
 * newline || subject || states), of the states of its cells, which rise. Of an edge its subject
 * (intake.h) and the state of its cell. */
struct weft_digest weft_shared_leaf(
    const struct weft_digest *subject, const struct weft_digest *states, uint32_t count);

/* SHA-256("weft-shared/v2" || newline || the encoded node); the root of nothing is an empty node's.
 */
struct weft_digest weft_shared_digest(const struct weft_shared_node *node);
/* The slots that differ, a bit each. */
uint16_t weft_shared_differ(const struct weft_shared_node *a, const struct weft_shared_node *b);
/* The path of what is below a slot. */
struct weft_shared_path weft_shared_below(const struct weft_shared_path *path, uint32_t slot);

/* be16 of the slots that are leaves, be16 of those that are nodes (bit 0: slot 0), and in the order
 * of the slots cell and state of a leaf, digest of a node. */
size_t weft_shared_encode(
    const struct weft_shared_node *node, uint8_t ret_bytes[WEFT_SHARED_NODE_SIZE_MAX]);
/* Of the node at `path`. WEFT_EMALFORMED: not what encode gives, or no trie has such a node there.
 */
WEFT_MUST_USE enum weft_err weft_shared_decode(struct weft_bytes bytes,
    const struct weft_shared_path *path, struct weft_shared_node *ret_node, struct weft_msg *msg);

#endif
