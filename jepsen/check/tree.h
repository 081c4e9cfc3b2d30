/* jepsen/check/tree.h: RFC 6962's tree over leaves, grown leaf by leaf: its root at each size. By
 * libcrypto's SHA-256; nothing of it is the product's. */
#ifndef WEFT_JEPSEN_CHECK_TREE_H
#define WEFT_JEPSEN_CHECK_TREE_H

#include <stddef.h>
#include <stdint.h>

enum {
    JEP_TREE_HASH_SIZE = 32,
    JEP_TREE_ROOT_BYTES = 72 /* "sha256:", 64 digits, NUL */
};

/* All zero: no leaf yet. */
struct jep_tree {
    uint64_t size;
    uint8_t full[64]
                [JEP_TREE_HASH_SIZE]; /* by height: of the full subtrees that size has bits of */
};

void jep_tree_add(struct jep_tree *tree, const char *leaf, size_t size);
/* tree->size > 0. */
void jep_tree_root(const struct jep_tree *tree, char ret_text[JEP_TREE_ROOT_BYTES]);

#endif
