#include "jepsen/check/tree.h"

#include <openssl/sha.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jepsen/core/arena.h"

static void hash_node(
    const uint8_t *left, const uint8_t *right, uint8_t ret_hash[JEP_TREE_HASH_SIZE])
{
    uint8_t bytes[1 + 2 * JEP_TREE_HASH_SIZE] = {1};
    memcpy(bytes + 1, left, JEP_TREE_HASH_SIZE);
    memcpy(bytes + 1 + JEP_TREE_HASH_SIZE, right, JEP_TREE_HASH_SIZE);
    (void)SHA256(bytes, sizeof(bytes), ret_hash);
}

void jep_tree_add(struct jep_tree *tree, const char *leaf, size_t size)
{
    uint8_t hash[JEP_TREE_HASH_SIZE], *bytes = jep_alloc(size + 1, 1);
    unsigned height = 0;
    bytes[0] = 0;
    memcpy(bytes + 1, leaf, size);
    (void)SHA256(bytes, size + 1, hash);
    free(bytes);
    for (; (tree->size >> height & 1) != 0; height++) {
        hash_node(tree->full[height], hash, hash);
    }
    memcpy(tree->full[height], hash, sizeof(hash));
    tree->size++;
}

void jep_tree_root(const struct jep_tree *tree, char ret_text[JEP_TREE_ROOT_BYTES])
{
    uint8_t hash[JEP_TREE_HASH_SIZE] = {0};
    bool has_any = false;
    for (unsigned height = 0; height < 64; height++) {
        if ((tree->size >> height & 1) != 0) {
            if (has_any) {
                hash_node(tree->full[height], hash, hash);
            } else {
                memcpy(hash, tree->full[height], sizeof(hash));
            }
            has_any = true;
        }
    }
    int at = snprintf(ret_text, JEP_TREE_ROOT_BYTES, "sha256:");
    for (size_t i = 0; i < sizeof(hash); i++) {
        at += snprintf(ret_text + at, JEP_TREE_ROOT_BYTES - (size_t)at, "%02x", hash[i]);
    }
}
