/* tests/unit/policy/naive_tree.h: RFC 6962, 2.1, as it is written there: recursive, over a list of
 * leaves, with OpenSSL's hash and nothing of ours. The judge of policy/merkle. */
#ifndef WEFT_TESTS_UNIT_POLICY_NAIVE_TREE_H
#define WEFT_TESTS_UNIT_POLICY_NAIVE_TREE_H

#include <stddef.h>
#include <stdint.h>

struct naive_hash {
    uint8_t bytes[32];
};

/* MTH({d}): of a leaf's bytes. */
struct naive_hash naive_leaf(const void *data, size_t size);
/* MTH(D[n]), of leaf hashes. */
struct naive_hash naive_root(const struct naive_hash *leaves, size_t n);
/* PATH(m, D[n]). Returns the number of hashes. */
size_t naive_path(
    size_t m, const struct naive_hash *leaves, size_t n, struct naive_hash *ret_hashes);
/* PROOF(m, D[n]), 0 < m <= n. */
size_t naive_proof(
    size_t m, const struct naive_hash *leaves, size_t n, struct naive_hash *ret_hashes);

#endif
