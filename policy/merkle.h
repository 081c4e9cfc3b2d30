/* policy/merkle.h: the Merkle tree of RFC 6962, 2.1: its hashes, and a tree that grows.
 *
 * A leaf hash and a node hash cannot be taken for each other (0x00 and 0x01 in front). A compact
 * range is what is needed of a tree to append to it and to know its root: the roots of its
 * largest full subtrees, at most 63. Proofs: merkle_proof.h; how a tree is kept: tile.h. */
#ifndef WEFT_POLICY_MERKLE_H
#define WEFT_POLICY_MERKLE_H

#include "proto/digest.h"

enum {
    WEFT_MERKLE_HEIGHT_MAX = 63, /* specified: C2SP tlog-witness, a proof has at most 63 hashes */
};

enum {
    WEFT_MERKLE_TEXT_SIZE = 44 + 1, /* base64 of a hash, terminated */
};

/* Leaves in one tree: the largest that a path of 63 hashes covers. */
#define WEFT_MERKLE_SIZE_MAX (UINT64_C(1) << WEFT_MERKLE_HEIGHT_MAX)

/* Visible so that it can be embedded. Zero-initialized is the empty tree. */
struct weft_merkle_range {
    uint64_t size; /* Leaves. */
    /* [h] is the root of a full subtree of 2^h leaves if bit h of size is set; the highest is
     * the leftmost. */
    struct weft_digest roots[WEFT_MERKLE_HEIGHT_MAX + 1];
};

/* What is said of a tree in one line: how large, and which. */
struct weft_merkle_head {
    uint64_t size; /* Leaves. */
    struct weft_digest root;
};

/* SHA-256(0x00 || data). */
struct weft_digest weft_merkle_leaf(const void *data, size_t size);
/* SHA-256(0x01 || left || right). */
struct weft_digest weft_merkle_node(
    const struct weft_digest *left, const struct weft_digest *right);
/* The root of a tree without leaves: SHA-256 of nothing. */
struct weft_digest weft_merkle_empty(void);
/* The root over `count` hashes, a power of two, which are overwritten. */
struct weft_digest weft_merkle_fold(struct weft_digest *hashes, size_t count);

/* One more leaf. WEFT_ETOOBIG at WEFT_MERKLE_SIZE_MAX; the range is then unchanged. */
WEFT_MUST_USE enum weft_err weft_merkle_append(
    struct weft_merkle_range *range, const struct weft_digest *leaf);
/* 2^height more leaves at once, by the root of their subtree. WEFT_EINVAL unless size is a
 * multiple of 2^height. WEFT_ETOOBIG. */
WEFT_MUST_USE enum weft_err weft_merkle_append_subtree(
    struct weft_merkle_range *range, unsigned height, const struct weft_digest *root);
struct weft_digest weft_merkle_root(const struct weft_merkle_range *range);

/* A hash as tlog-checkpoint, tlog-proof and tlog-witness write it: base64 alone. Terminated. */
void weft_merkle_format(const struct weft_digest *hash, char ret_text[WEFT_MERKLE_TEXT_SIZE]);
/* WEFT_EMALFORMED unless it is exactly what format gives. */
WEFT_MUST_USE enum weft_err weft_merkle_parse(struct weft_text text, struct weft_digest *ret_hash);

#endif
