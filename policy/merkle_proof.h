/* policy/merkle_proof.h: that a leaf is in a tree, and that a tree grew out of another: RFC 6962,
 * 2.1.1 and 2.1.2, verified as RFC 9162, 2.1.3.2 and 2.1.4.2 say.
 *
 * Proofs are made from tiles that the caller reads. Tiles are not verified by that: a proof made
 * of damaged ones does not verify, and who hands a proof out verifies it first. */
#ifndef WEFT_POLICY_MERKLE_PROOF_H
#define WEFT_POLICY_MERKLE_PROOF_H

#include "policy/tile.h"

enum {
    /* RFC 6962, 2.1.2: a consistency proof has at most ceil(log2(n)) + 1 hashes. */
    WEFT_MERKLE_PROOF_MAX = WEFT_MERKLE_HEIGHT_MAX + 1,
};

/* From the leaf up, as RFC 6962 orders them. */
struct weft_merkle_proof {
    unsigned count;
    struct weft_digest hashes[WEFT_MERKLE_PROOF_MAX];
};

/* Hashes that the proof must have. Arguments as the verifying functions take them. */
unsigned weft_merkle_inclusion_count(uint64_t index, uint64_t size);
unsigned weft_merkle_consistency_count(uint64_t old_size, uint64_t size);

/* The leaf with that hash is number `index` in the tree of `size` leaves with that root.
 *
 * WEFT_EINVAL: there is no such leaf (index >= size), or size > WEFT_MERKLE_SIZE_MAX.
 * WEFT_EMALFORMED: the wrong number of hashes. WEFT_EBADSIG: the root is another. */
WEFT_MUST_USE enum weft_err weft_merkle_verify_inclusion(uint64_t index, uint64_t size,
    const struct weft_digest *leaf, const struct weft_merkle_proof *proof,
    const struct weft_digest *root, struct weft_msg *msg);

/* The root to which a proof of the right number of hashes leads; index < size. */
struct weft_digest weft_merkle_inclusion_root(uint64_t index, uint64_t size,
    const struct weft_digest *leaf, const struct weft_merkle_proof *proof);

/* The tree of old_size leaves with root `old_root` is the beginning of the one of `size` leaves
 * with `root`. Between equal sizes the proof is empty and the roots are equal.
 *
 * WEFT_EINVAL: old_size > size, size > WEFT_MERKLE_SIZE_MAX, or old_size is 0: everything has
 * grown out of the empty tree, so there is nothing to prove and nobody who asks can mean it.
 * WEFT_EMALFORMED: the wrong number of hashes. WEFT_EBADSIG: one of the roots is another. */
WEFT_MUST_USE enum weft_err weft_merkle_verify_consistency(uint64_t old_size, uint64_t size,
    const struct weft_digest *old_root, const struct weft_merkle_proof *proof,
    const struct weft_digest *root, struct weft_msg *msg);

/* The tree of `size` leaves with `root` has begun as another than that with `old_root`: what the
 * proof is made of is bound by `root`, and so is the root of the first old_size leaves in it.
 *
 * As verify_consistency; WEFT_EINVAL too: old_size is `size`, or a power of two, of whose tree no
 * proof holds the root. WEFT_EBADSIG: it does not lead to `root`, and says nothing. WEFT_EREFUSED:
 * the one is the other's beginning. */
WEFT_MUST_USE enum weft_err weft_merkle_verify_inconsistency(uint64_t old_size, uint64_t size,
    const struct weft_digest *old_root, const struct weft_merkle_proof *proof,
    const struct weft_digest *root, struct weft_msg *msg);

/* Gives tile->width hashes of a tile that a tree of the prover's size has. An error of it is
 * passed on. */
typedef enum weft_err weft_merkle_get_tile(void *ctx, const struct weft_tile *tile,
    struct weft_digest ret_hashes[WEFT_TILE_WIDTH], struct weft_msg *msg);

/* Remembers the last tile of each level, 64 KiB: proofs of neighbours read nothing twice. */
struct weft_merkle_prover {
    weft_merkle_get_tile *get;
    void *ctx;
    uint64_t size;                           /* Leaves of the tree. */
    struct weft_tile kept[WEFT_TILE_LEVELS]; /* width 0: nothing yet. */
    struct weft_digest hashes[WEFT_TILE_LEVELS][WEFT_TILE_WIDTH];
};

/* `ctx` is kept. */
void weft_merkle_prover_init(
    struct weft_merkle_prover *p, uint64_t size, weft_merkle_get_tile *get, void *ctx);
/* WEFT_EINVAL: index >= size. */
WEFT_MUST_USE enum weft_err weft_merkle_prove_inclusion(struct weft_merkle_prover *p,
    uint64_t index, struct weft_merkle_proof *ret_proof, struct weft_msg *msg);
/* WEFT_EINVAL: old_size is 0 or above size. */
WEFT_MUST_USE enum weft_err weft_merkle_prove_consistency(struct weft_merkle_prover *p,
    uint64_t old_size, struct weft_merkle_proof *ret_proof, struct weft_msg *msg);
/* The root of the first `size` leaves, at most the prover's. WEFT_EINVAL. */
WEFT_MUST_USE enum weft_err weft_merkle_prove_root(struct weft_merkle_prover *p, uint64_t size,
    struct weft_digest *ret_root, struct weft_msg *msg);

/* One hash a line, in base64, as tlog-witness and tlog-proof have them. WEFT_ENOMEM, WEFT_ETOOBIG
 * (the buffer's). */
WEFT_MUST_USE enum weft_err weft_merkle_proof_format(
    struct weft_buffer *out, const struct weft_merkle_proof *proof);
/* Takes such lines off `rest` up to an empty line, which is taken too.
 *
 * WEFT_EMALFORMED: a line that is no hash, or there is no empty one; WEFT_ETOOBIG: over
 * `count_max` hashes, at most WEFT_MERKLE_PROOF_MAX. `msg` numbers the lines from 1. */
WEFT_MUST_USE enum weft_err weft_merkle_proof_parse(struct weft_text *rest, unsigned count_max,
    struct weft_merkle_proof *ret_proof, struct weft_msg *msg);

#endif
