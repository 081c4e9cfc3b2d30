#include "tests/unit/policy/naive_tree.h"

#include <openssl/sha.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static struct naive_hash hash_of(uint8_t mark, const void *a, size_t a_size, const void *b)
{
    struct naive_hash hash;
    size_t size = 1 + a_size + (b != NULL ? 32 : 0);
    uint8_t *all = malloc(size);
    if (all == NULL) {
        abort();
    }
    all[0] = mark;
    if (a_size > 0) {
        memcpy(all + 1, a, a_size);
    }
    if (b != NULL) {
        memcpy(all + 1 + a_size, b, 32);
    }
    (void)SHA256(all, size, hash.bytes);
    free(all);
    return hash;
}

struct naive_hash naive_leaf(const void *data, size_t size)
{
    return hash_of(0, data, size, NULL);
}

/* "let k be the largest power of two smaller than n" */
static size_t largest_below(size_t n)
{
    size_t k = 1;
    while (2 * k < n) {
        k *= 2;
    }
    return k;
}

struct naive_hash naive_root(const struct naive_hash *leaves, size_t n)
{
    if (n == 0) {
        struct naive_hash empty;
        (void)SHA256((const uint8_t *)"", 0, empty.bytes);
        return empty;
    }
    if (n == 1) {
        return leaves[0];
    }
    size_t k = largest_below(n);
    struct naive_hash left = naive_root(leaves, k), right = naive_root(leaves + k, n - k);
    return hash_of(1, left.bytes, 32, right.bytes);
}

size_t naive_path(size_t m, const struct naive_hash *d, size_t n, struct naive_hash *ret_hashes)
{
    if (n == 1) {
        return 0;
    }
    size_t k = largest_below(n), count;
    if (m < k) {
        count = naive_path(m, d, k, ret_hashes);
        ret_hashes[count] = naive_root(d + k, n - k);
    } else {
        count = naive_path(m - k, d + k, n - k, ret_hashes);
        ret_hashes[count] = naive_root(d, k);
    }
    return count + 1;
}

static size_t subproof(
    size_t m, const struct naive_hash *d, size_t n, bool is_known, struct naive_hash *ret_hashes)
{
    if (m == n) {
        if (is_known) {
            return 0;
        }
        ret_hashes[0] = naive_root(d, n);
        return 1;
    }
    size_t k = largest_below(n), count;
    if (m <= k) {
        count = subproof(m, d, k, is_known, ret_hashes);
        ret_hashes[count] = naive_root(d + k, n - k);
    } else {
        count = subproof(m - k, d + k, n - k, false, ret_hashes);
        ret_hashes[count] = naive_root(d, k);
    }
    return count + 1;
}

size_t naive_proof(size_t m, const struct naive_hash *d, size_t n, struct naive_hash *ret_hashes)
{
    return subproof(m, d, n, true, ret_hashes);
}
