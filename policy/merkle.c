#include "policy/merkle.h"

#include "policy/base64.h"
#include "proto/check.h"

/* POL-41: RFC 6962, 2.1: "MTH({d(0)}) = SHA-256(0x00 || d(0))", "SHA-256(0x01 || ... || ...)". */
static const uint8_t leaf_mark = 0x00;
static const uint8_t node_mark = 0x01;

struct weft_digest weft_merkle_leaf(const void *data, size_t size)
{
    struct weft_sha256 h;
    weft_sha256_init(&h);
    weft_sha256_update(&h, &leaf_mark, 1);
    weft_sha256_update(&h, data, size);
    return weft_sha256_final(&h);
}

struct weft_digest weft_merkle_node(const struct weft_digest *left, const struct weft_digest *right)
{
    /* In one piece: half of a large tree's hashing is nodes, and three updates cost a fifth. */
    uint8_t block[1 + 2 * WEFT_DIGEST_SIZE];
    block[0] = node_mark;
    memcpy(block + 1, left->bytes, WEFT_DIGEST_SIZE);
    memcpy(block + 1 + WEFT_DIGEST_SIZE, right->bytes, WEFT_DIGEST_SIZE);
    return weft_sha256(block, sizeof(block));
}

struct weft_digest weft_merkle_empty(void)
{
    return weft_sha256(NULL, 0);
}

struct weft_digest weft_merkle_fold(struct weft_digest *hashes, size_t count)
{
    weft_assert(count > 0 && (count & (count - 1)) == 0); /* POL-41 */
    for (; count > 1; count /= 2) {
        for (size_t i = 0; i < count / 2; i++) {
            hashes[i] = weft_merkle_node(&hashes[2 * i], &hashes[2 * i + 1]);
        }
    }
    return hashes[0];
}

enum weft_err weft_merkle_append_subtree(
    struct weft_merkle_range *range, unsigned height, const struct weft_digest *root)
{
    if (height > WEFT_MERKLE_HEIGHT_MAX) {
        return WEFT_ETOOBIG;
    }
    const uint64_t more = UINT64_C(1) << height;
    if ((range->size & (more - 1)) != 0) {
        return WEFT_EINVAL;
    }
    if (range->size > WEFT_MERKLE_SIZE_MAX || more > WEFT_MERKLE_SIZE_MAX - range->size) {
        return WEFT_ETOOBIG;
    }
    /* As a binary counter adds: each full subtree to the left that has the same height is joined
     * to the new one. */
    struct weft_digest joined = *root;
    unsigned at = height;
    for (; (range->size >> at & 1) != 0; at++) {
        joined = weft_merkle_node(&range->roots[at], &joined);
    }
    range->roots[at] = joined;
    range->size += more;
    return WEFT_OK;
}

enum weft_err weft_merkle_append(struct weft_merkle_range *range, const struct weft_digest *leaf)
{
    return weft_merkle_append_subtree(range, 0, leaf);
}

struct weft_digest weft_merkle_root(const struct weft_merkle_range *range)
{
    weft_assert(range->size <= WEFT_MERKLE_SIZE_MAX); /* POL-41 */
    if (range->size == 0) {
        return weft_merkle_empty();
    }
    unsigned at = (unsigned)__builtin_ctzll(range->size);
    struct weft_digest root = range->roots[at];
    for (at++; at <= WEFT_MERKLE_HEIGHT_MAX; at++) {
        if ((range->size >> at & 1) != 0) {
            root = weft_merkle_node(&range->roots[at], &root);
        }
    }
    return root;
}

void weft_merkle_format(const struct weft_digest *hash, char ret_text[WEFT_MERKLE_TEXT_SIZE])
{
    weft_base64_format(hash->bytes, WEFT_DIGEST_SIZE, ret_text);
    ret_text[WEFT_MERKLE_TEXT_SIZE - 1] = '\0';
}

enum weft_err weft_merkle_parse(struct weft_text text, struct weft_digest *ret_hash)
{
    struct weft_digest hash;
    size_t size;
    if (text.size != WEFT_MERKLE_TEXT_SIZE - 1 ||
        weft_base64_parse(text, hash.bytes, WEFT_DIGEST_SIZE, &size) != WEFT_OK ||
        size != WEFT_DIGEST_SIZE) {
        return WEFT_EMALFORMED;
    }
    *ret_hash = hash;
    return WEFT_OK;
}
