#include "policy/merkle_right.h"

#include <inttypes.h>

#include "proto/check.h"

/* The way up from the last leaf on the left: where it turns. `sn` is that from the last leaf of
 * all, so that a node has a sibling on its right if it is left of `sn`. */
struct way {
    uint64_t fn, sn;
};

static bool has_right(const struct way *w)
{
    return (w->fn & 1) == 0 && w->fn < w->sn;
}

static void rise(struct way *w)
{
    w->fn >>= 1;
    w->sn >>= 1;
}

/* From the height of the full subtree that the left side ends with. */
static struct way begin(uint64_t first, uint64_t size)
{
    unsigned height = (unsigned)__builtin_ctzll(first);
    return (struct way){(first - 1) >> height, (size - 1) >> height};
}

unsigned weft_merkle_right_count(uint64_t first, uint64_t size)
{
    unsigned count = 0;
    weft_assert(first > 0 && first <= size); /* POL-42 */
    for (struct way w = begin(first, size); w.sn > 0; rise(&w)) {
        count += has_right(&w) ? 1 : 0;
    }
    return count;
}

void weft_merkle_right_init(struct weft_merkle_right *right, uint64_t size)
{
    weft_assert(size > 0); /* POL-42 */
    right->first = right->size = size;
    right->count = 0;
}

enum weft_err weft_merkle_right_load(struct weft_merkle_right *right, uint64_t first, uint64_t size,
    const struct weft_merkle_proof *hashes, struct weft_msg *msg)
{
    if (first == 0 || first > size || size > WEFT_MERKLE_SIZE_MAX) {
        return weft_fail(
            msg, WEFT_EINVAL, "nothing leads from %" PRIu64 " leaves to %" PRIu64, first, size);
    }
    unsigned count = weft_merkle_right_count(first, size);
    if (hashes->count != count) {
        return weft_fail(
            msg, WEFT_EMALFORMED, "%u hashes, and %u lead there", hashes->count, count);
    }
    right->first = first;
    right->size = size;
    right->count = count;
    for (unsigned i = 0; i < count; i++) {
        right->hashes[count - 1 - i] = hashes->hashes[i];
    }
    return WEFT_OK;
}

unsigned weft_merkle_right_shared(uint64_t known, uint64_t first, uint64_t size)
{
    unsigned count = 0, height = 0;
    weft_assert(first > 0 && first <= size && known <= first); /* POL-42 */
    if (known == 0) {
        return 0;
    }
    height = (unsigned)__builtin_ctzll(known);
    for (struct way w = begin(known, size); w.sn > 0; rise(&w), height++) {
        count += has_right(&w) && (w.fn + 1) << height >= first ? 1 : 0;
    }
    return count;
}

enum weft_err weft_merkle_right_move(struct weft_merkle_right *right, uint64_t first,
    const struct weft_merkle_proof *hashes, struct weft_msg *msg)
{
    if (first == 0 || first < right->first || first > right->size ||
        right->size > WEFT_MERKLE_SIZE_MAX) {
        return weft_fail(msg, WEFT_EINVAL, "nothing leads from %" PRIu64 " leaves to %" PRIu64,
            first, right->size);
    }
    const unsigned kept = weft_merkle_right_shared(right->first, first, right->size);
    const unsigned count = weft_merkle_right_count(first, right->size);
    weft_assert(kept <= count); /* POL-42 */
    if (hashes->count != count - kept) {
        return weft_fail(msg, WEFT_EMALFORMED, "%u hashes, and %u are not known yet", hashes->count,
            count - kept);
    }
    right->first = first;
    right->count = count;
    for (unsigned i = 0; i < hashes->count; i++) {
        right->hashes[count - 1 - i] = hashes->hashes[i];
    }
    return WEFT_OK;
}

void weft_merkle_right_pick(uint64_t first, uint64_t size, const struct weft_merkle_proof *proof,
    struct weft_merkle_proof *ret_hashes)
{
    weft_assert(first > 0 && first <= size);                                 /* POL-42 */
    weft_assert(proof->count == weft_merkle_consistency_count(first, size)); /* POL-42 */
    /* The first is the own subtree's, unless that is all there was. */
    unsigned next = (first & (first - 1)) != 0 && first < size ? 1 : 0;
    ret_hashes->count = 0;
    for (struct way w = begin(first, size); next < proof->count; rise(&w)) {
        if (has_right(&w)) {
            ret_hashes->hashes[ret_hashes->count++] = proof->hashes[next++];
        } else if ((w.fn & 1) != 0) {
            next++;
        }
    }
}

void weft_merkle_right_prepend(struct weft_merkle_right *right, const struct weft_digest *leaf)
{
    struct way w = {right->first - 1, right->size - 1};
    struct weft_digest hash = *leaf;
    weft_assert(right->first > 1); /* POL-42 */
    for (; (w.fn & 1) == 0; rise(&w)) {
        if (has_right(&w)) {
            weft_assert(right->count > 0); /* POL-42 */
            hash = weft_merkle_node(&hash, &right->hashes[--right->count]);
        }
    }
    weft_assert(right->count < WEFT_MERKLE_PROOF_MAX); /* POL-42 */
    right->hashes[right->count++] = hash;
    right->first--;
}

/* Each hash of the way, from the height at which it begins: of the left side where it turns left,
 * else of the right. */
static struct weft_digest go(const struct weft_merkle_right *right,
    const struct weft_merkle_range *range, struct weft_merkle_proof *ret_proof)
{
    unsigned height = (unsigned)__builtin_ctzll(range->size);
    unsigned left = right->count;
    struct weft_digest root = range->roots[height];
    weft_assert(range->size == right->first); /* POL-42 */
    for (struct way w = begin(right->first, right->size); w.sn > 0; rise(&w), height++) {
        const struct weft_digest *hash = NULL;
        if ((w.fn & 1) != 0) {
            hash = &range->roots[height];
            root = weft_merkle_node(hash, &root);
        } else if (has_right(&w)) {
            weft_assert(left > 0); /* POL-42: as many as count says */
            hash = &right->hashes[--left];
            root = weft_merkle_node(&root, hash);
        }
        if (hash != NULL && ret_proof != NULL) {
            ret_proof->hashes[ret_proof->count++] = *hash;
        }
    }
    return root;
}

struct weft_digest weft_merkle_right_root(
    const struct weft_merkle_right *right, const struct weft_merkle_range *range)
{
    return go(right, range, NULL);
}

void weft_merkle_right_prove(const struct weft_merkle_right *right,
    const struct weft_merkle_range *range, struct weft_merkle_proof *ret_proof)
{
    ret_proof->count = 0;
    if (right->first == right->size) {
        return;
    }
    if ((right->first & (right->first - 1)) != 0) {
        ret_proof->hashes[ret_proof->count++] =
            range->roots[(unsigned)__builtin_ctzll(right->first)];
    }
    (void)go(right, range, ret_proof);
}
