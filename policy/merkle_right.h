/* policy/merkle_right.h: what is right of a tree's first leaves: the roots of the subtrees that
 * lead from there to the whole.
 *
 * Who has the leaves themselves, and so a compact range (merkle.h), knows all hashes of a
 * consistency proof that are left of where it ends. These are the others. They grow to the left a
 * leaf at a time, so that who has the leaves up to a place that is proven makes the proof for every
 * place before it. */
#ifndef WEFT_POLICY_MERKLE_RIGHT_H
#define WEFT_POLICY_MERKLE_RIGHT_H

#include "policy/merkle_proof.h"

struct weft_merkle_right {
    uint64_t first; /* Leaves that are left of it; at least one. */
    uint64_t size;  /* Leaves of the whole tree. */
    unsigned count;
    struct weft_digest hashes[WEFT_MERKLE_PROOF_MAX]; /* [count - 1] is the leftmost. */
};

/* How many there are; 0 < first <= size. */
unsigned weft_merkle_right_count(uint64_t first, uint64_t size);
/* Nothing is right of all `size` leaves. */
void weft_merkle_right_init(struct weft_merkle_right *right, uint64_t size);
/* From hashes as they travel: from the leftmost on. WEFT_EINVAL: no such place; WEFT_EMALFORMED:
 * the wrong number of hashes. */
WEFT_MUST_USE enum weft_err weft_merkle_right_load(struct weft_merkle_right *right, uint64_t first,
    uint64_t size, const struct weft_merkle_proof *hashes, struct weft_msg *msg);
/* The same of a later place by what is known of an earlier one, `right`: those hashes of it that
 * are right of `first` too, and then what it lacks, as it travels. `right` holds none of a place
 * before: its `first` is 0, and its size the tree's. WEFT_EINVAL: `first` is before it, or no such
 * place; WEFT_EMALFORMED: the wrong number of hashes. It is then as before. */
WEFT_MUST_USE enum weft_err weft_merkle_right_move(struct weft_merkle_right *right, uint64_t first,
    const struct weft_merkle_proof *hashes, struct weft_msg *msg);
/* How many hashes right of `first` are known to who knows all right of `known`; 0: none are. They
 * are the last ones of those that travel. */
unsigned weft_merkle_right_shared(uint64_t known, uint64_t first, uint64_t size);
/* Those of a consistency proof from `first` to `size` leaves, as they travel. */
void weft_merkle_right_pick(uint64_t first, uint64_t size, const struct weft_merkle_proof *proof,
    struct weft_merkle_proof *ret_hashes);
/* The last leaf left of it goes over to it; one is left of it afterwards. */
void weft_merkle_right_prepend(struct weft_merkle_right *right, const struct weft_digest *leaf);
/* The root of all; range->size == right->first. */
struct weft_digest weft_merkle_right_root(
    const struct weft_merkle_right *right, const struct weft_merkle_range *range);
/* The consistency proof from there to the whole (merkle_proof.h). */
void weft_merkle_right_prove(const struct weft_merkle_right *right,
    const struct weft_merkle_range *range, struct weft_merkle_proof *ret_proof);

#endif
