#include "policy/merkle_proof.h"

#include <inttypes.h>

#include "proto/check.h"

/* --- verified -------------------------------------------------------------------------------- */

static unsigned bits_of(uint64_t number)
{
    return number == 0 ? 0 : 64 - (unsigned)__builtin_clzll(number);
}

/* Below the height where the ways from the leaf and from the last leaf meet, each level has a
 * sibling; above it only those levels where the way turns left. */
unsigned weft_merkle_inclusion_count(uint64_t index, uint64_t size)
{
    weft_assert(index < size); /* POL-42 */
    unsigned inner = bits_of(index ^ (size - 1));
    uint64_t border = inner < 64 ? index >> inner : 0;
    return inner + (unsigned)__builtin_popcountll(border);
}

unsigned weft_merkle_consistency_count(uint64_t old_size, uint64_t size)
{
    weft_assert(old_size > 0 && old_size <= size); /* POL-42 */
    if (old_size == size) {
        return 0;
    }
    /* As an inclusion proof of the old tree's last leaf, from the height of the full subtree that
     * the old tree ends with; that subtree's root comes first unless it is the old root. */
    unsigned skipped = (unsigned)__builtin_ctzll(old_size);
    unsigned seed = (old_size & (old_size - 1)) != 0 ? 1 : 0;
    return weft_merkle_inclusion_count(old_size - 1, size) - skipped + seed;
}

static enum weft_err expect_count(
    const struct weft_merkle_proof *proof, unsigned expected, struct weft_msg *msg)
{
    if (proof->count != expected) {
        return weft_fail(
            msg, WEFT_EMALFORMED, "%u hashes, a proof of this has %u", proof->count, expected);
    }
    return WEFT_OK;
}

/* POL-42: RFC 9162, 2.1.3.2, step by step. */
struct weft_digest weft_merkle_inclusion_root(uint64_t index, uint64_t size,
    const struct weft_digest *leaf, const struct weft_merkle_proof *proof)
{
    uint64_t fn = index, sn = size - 1;
    struct weft_digest r = *leaf;
    for (unsigned i = 0; i < proof->count; i++) {
        weft_assert(sn != 0); /* POL-42: the count was right */
        if ((fn & 1) != 0 || fn == sn) {
            r = weft_merkle_node(&proof->hashes[i], &r);
            while ((fn & 1) == 0 && fn != 0) {
                fn >>= 1;
                sn >>= 1;
            }
        } else {
            r = weft_merkle_node(&r, &proof->hashes[i]);
        }
        fn >>= 1;
        sn >>= 1;
    }
    weft_assert(sn == 0); /* POL-42 */
    return r;
}

enum weft_err weft_merkle_verify_inclusion(uint64_t index, uint64_t size,
    const struct weft_digest *leaf, const struct weft_merkle_proof *proof,
    const struct weft_digest *root, struct weft_msg *msg)
{
    if (index >= size || size > WEFT_MERKLE_SIZE_MAX) {
        return weft_fail(
            msg, WEFT_EINVAL, "no leaf %" PRIu64 " in a tree of %" PRIu64 " leaves", index, size);
    }
    enum weft_err err = expect_count(proof, weft_merkle_inclusion_count(index, size), msg);
    if (err != WEFT_OK) {
        return err;
    }
    struct weft_digest r = weft_merkle_inclusion_root(index, size, leaf, proof);
    if (!weft_digest_equal(&r, root)) {
        return weft_fail(msg, WEFT_EBADSIG,
            "leaf %" PRIu64 ": the proof leads to another root of %" PRIu64 " leaves", index, size);
    }
    return WEFT_OK;
}

static enum weft_err check_sizes(uint64_t old_size, uint64_t size, struct weft_msg *msg)
{
    /* POL-43 */
    if (old_size == 0) {
        return weft_fail(
            msg, WEFT_EINVAL, "consistency with an empty tree: it needs no proof and has none");
    }
    if (old_size > size || size > WEFT_MERKLE_SIZE_MAX) {
        return weft_fail(msg, WEFT_EINVAL,
            "a tree of %" PRIu64 " leaves did not grow out of one of %" PRIu64, size, old_size);
    }
    return WEFT_OK;
}

/* POL-42: RFC 9162, 2.1.4.2, step by step: the roots that the proof leads to. */
static void lead(uint64_t old_size, uint64_t size, const struct weft_digest *old_root,
    const struct weft_merkle_proof *proof, struct weft_digest *ret_old, struct weft_digest *ret_new)
{
    /* The old tree is one full subtree: its root is where the way starts. */
    bool is_full = (old_size & (old_size - 1)) == 0;
    struct weft_digest fr = is_full ? *old_root : proof->hashes[0], sr = fr;
    uint64_t fn = old_size - 1, sn = size - 1;
    while ((fn & 1) != 0) {
        fn >>= 1;
        sn >>= 1;
    }
    for (unsigned i = is_full ? 0 : 1; i < proof->count; i++) {
        const struct weft_digest *c = &proof->hashes[i];
        weft_assert(sn != 0); /* POL-42: the count was right */
        if ((fn & 1) != 0 || fn == sn) {
            fr = weft_merkle_node(c, &fr);
            sr = weft_merkle_node(c, &sr);
            while ((fn & 1) == 0 && fn != 0) {
                fn >>= 1;
                sn >>= 1;
            }
        } else {
            sr = weft_merkle_node(&sr, c);
        }
        fn >>= 1;
        sn >>= 1;
    }
    *ret_old = fr;
    *ret_new = sr;
}

enum weft_err weft_merkle_verify_consistency(uint64_t old_size, uint64_t size,
    const struct weft_digest *old_root, const struct weft_merkle_proof *proof,
    const struct weft_digest *root, struct weft_msg *msg)
{
    enum weft_err err = check_sizes(old_size, size, msg);
    if (err != WEFT_OK) {
        return err;
    }
    err = expect_count(proof, weft_merkle_consistency_count(old_size, size), msg);
    if (err != WEFT_OK) {
        return err;
    }
    if (old_size == size) {
        return weft_digest_equal(old_root, root)
                   ? WEFT_OK
                   : weft_fail(msg, WEFT_EBADSIG, "two roots of %" PRIu64 " leaves", size);
    }
    struct weft_digest fr, sr;
    lead(old_size, size, old_root, proof, &fr, &sr);
    bool is_old = weft_digest_equal(&fr, old_root);
    if (!is_old || !weft_digest_equal(&sr, root)) {
        return weft_fail(msg, WEFT_EBADSIG,
            "the proof leads to another root of the %s tree, of %" PRIu64 " leaves",
            is_old ? "new" : "old", is_old ? size : old_size);
    }
    return WEFT_OK;
}

enum weft_err weft_merkle_verify_inconsistency(uint64_t old_size, uint64_t size,
    const struct weft_digest *old_root, const struct weft_merkle_proof *proof,
    const struct weft_digest *root, struct weft_msg *msg)
{
    struct weft_digest fr, sr;
    enum weft_err err = check_sizes(old_size, size, msg);
    if (err == WEFT_OK && (old_size == size || (old_size & (old_size - 1)) == 0)) {
        err = weft_fail(
            msg, WEFT_EINVAL, "a proof from %" PRIu64 " leaves does not hold their root", old_size);
    }
    if (err == WEFT_OK) {
        err = expect_count(proof, weft_merkle_consistency_count(old_size, size), msg);
    }
    if (err != WEFT_OK) {
        return err;
    }
    lead(old_size, size, old_root, proof, &fr, &sr);
    if (!weft_digest_equal(&sr, root)) {
        return weft_fail(msg, WEFT_EBADSIG,
            "the proof leads to another root of the new tree, of %" PRIu64 " leaves", size);
    }
    return weft_digest_equal(&fr, old_root)
               ? weft_fail(msg, WEFT_EREFUSED, "one tree is the beginning of the other")
               : WEFT_OK;
}

/* --- made ------------------------------------------------------------------------------------ */

void weft_merkle_prover_init(
    struct weft_merkle_prover *p, uint64_t size, weft_merkle_get_tile *get, void *ctx)
{
    weft_assert(size <= WEFT_MERKLE_SIZE_MAX); /* POL-41 */
    p->get = get;
    p->ctx = ctx;
    p->size = size;
    for (unsigned i = 0; i < WEFT_TILE_LEVELS; i++) {
        p->kept[i] = (struct weft_tile){.level = i};
    }
}

/* The largest power of two that is not above n, as its exponent. */
static unsigned log2_of(uint64_t n)
{
    weft_assert(n > 0); /* POL-42 */
    return 63 - (unsigned)__builtin_clzll(n);
}

/* The root of the full subtree of 2^height leaves that starts at `start`. */
static enum weft_err subtree(struct weft_merkle_prover *p, uint64_t start, unsigned height,
    struct weft_digest *ret_root, struct weft_msg *msg)
{
    struct weft_tile tile = {.level = height / WEFT_TILE_HEIGHT};
    unsigned below = height % WEFT_TILE_HEIGHT;
    uint64_t at = start >> (tile.level * WEFT_TILE_HEIGHT);
    size_t count = (size_t)1 << below;
    tile.index = at / WEFT_TILE_WIDTH;
    tile.width = weft_tile_width(p->size, tile.level, tile.index);
    weft_assert(at % WEFT_TILE_WIDTH + count <= tile.width); /* POL-44 */

    struct weft_tile *kept = &p->kept[tile.level];
    if (kept->width == 0 || kept->index != tile.index) {
        kept->width = 0; /* Nothing is kept of a tile that was not read whole. */
        enum weft_err err = p->get(p->ctx, &tile, p->hashes[tile.level], msg);
        if (err != WEFT_OK) {
            return err;
        }
        *kept = tile;
    }
    struct weft_digest hashes[WEFT_TILE_WIDTH];
    memcpy(hashes, &p->hashes[tile.level][at % WEFT_TILE_WIDTH], count * sizeof(hashes[0]));
    *ret_root = weft_merkle_fold(hashes, count);
    return WEFT_OK;
}

/* MTH(D[start:end]) of RFC 6962, where `start` is a multiple of the least power of two that is not
 * below end - start: full subtrees, each smaller than the one before. */
static enum weft_err tree_hash(struct weft_merkle_prover *p, uint64_t start, uint64_t end,
    struct weft_digest *ret_root, struct weft_msg *msg)
{
    struct weft_digest roots[64];
    unsigned count = 0;
    while (start < end) {
        unsigned height = log2_of(end - start);
        enum weft_err err = subtree(p, start, height, &roots[count++], msg);
        if (err != WEFT_OK) {
            return err;
        }
        start += UINT64_C(1) << height;
    }
    while (count > 1) {
        count--;
        roots[count - 1] = weft_merkle_node(&roots[count - 1], &roots[count]);
    }
    *ret_root = roots[0];
    return WEFT_OK;
}

/* "the largest power of two less than n" */
static uint64_t split_of(uint64_t n)
{
    return UINT64_C(1) << log2_of(n - 1);
}

static enum weft_err add_hash(struct weft_merkle_prover *p, uint64_t start, uint64_t end,
    struct weft_merkle_proof *proof, struct weft_msg *msg)
{
    weft_assert(proof->count < WEFT_MERKLE_PROOF_MAX); /* POL-42 */
    return tree_hash(p, start, end, &proof->hashes[proof->count++], msg);
}

/* Both ways are walked from the root; a proof goes the other way. */
static void turn(const struct weft_merkle_proof *proof, struct weft_merkle_proof *ret_proof)
{
    for (unsigned i = 0; i < proof->count; i++) {
        ret_proof->hashes[i] = proof->hashes[proof->count - 1 - i];
    }
    ret_proof->count = proof->count;
}

/* PATH(m, D[n]) of RFC 6962, 2.1.1. */
enum weft_err weft_merkle_prove_inclusion(struct weft_merkle_prover *p, uint64_t index,
    struct weft_merkle_proof *ret_proof, struct weft_msg *msg)
{
    if (index >= p->size) {
        return weft_fail(msg, WEFT_EINVAL, "no leaf %" PRIu64 " in a tree of %" PRIu64 " leaves",
            index, p->size);
    }
    struct weft_merkle_proof proof;
    uint64_t start = 0, end = p->size;
    proof.count = 0;
    while (end - start > 1) {
        uint64_t middle = start + split_of(end - start);
        bool is_left = index < middle;
        enum weft_err err = is_left ? add_hash(p, middle, end, &proof, msg)
                                    : add_hash(p, start, middle, &proof, msg);
        if (err != WEFT_OK) {
            return err;
        }
        *(is_left ? &end : &start) = middle;
    }
    turn(&proof, ret_proof);
    return WEFT_OK;
}

/* PROOF(m, D[n]) of RFC 6962, 2.1.2. */
enum weft_err weft_merkle_prove_consistency(struct weft_merkle_prover *p, uint64_t old_size,
    struct weft_merkle_proof *ret_proof, struct weft_msg *msg)
{
    enum weft_err err = check_sizes(old_size, p->size, msg);
    if (err != WEFT_OK) {
        return err;
    }
    struct weft_merkle_proof proof;
    uint64_t start = 0, end = p->size;
    proof.count = 0;
    while (old_size != end) {
        uint64_t middle = start + split_of(end - start);
        bool is_left = old_size <= middle;
        err = is_left ? add_hash(p, middle, end, &proof, msg)
                      : add_hash(p, start, middle, &proof, msg);
        if (err != WEFT_OK) {
            return err;
        }
        *(is_left ? &end : &start) = middle;
    }
    if (start > 0) { /* Otherwise it is the old root, which the verifier has. */
        err = add_hash(p, start, end, &proof, msg);
        if (err != WEFT_OK) {
            return err;
        }
    }
    turn(&proof, ret_proof);
    return WEFT_OK;
}

enum weft_err weft_merkle_prove_root(
    struct weft_merkle_prover *p, uint64_t size, struct weft_digest *ret_root, struct weft_msg *msg)
{
    if (size > p->size) {
        return weft_fail(msg, WEFT_EINVAL, "only %" PRIu64 " leaves, not %" PRIu64, p->size, size);
    }
    if (size == 0) {
        *ret_root = weft_merkle_empty();
        return WEFT_OK;
    }
    return tree_hash(p, 0, size, ret_root, msg);
}

/* --- as text --------------------------------------------------------------------------------- */

enum weft_err weft_merkle_proof_format(
    struct weft_buffer *out, const struct weft_merkle_proof *proof)
{
    for (unsigned i = 0; i < proof->count; i++) {
        char line[WEFT_MERKLE_TEXT_SIZE];
        weft_merkle_format(&proof->hashes[i], line);
        enum weft_err err = weft_buffer_format(out, "%s\n", line);
        if (err != WEFT_OK) {
            return err;
        }
    }
    return WEFT_OK;
}

enum weft_err weft_merkle_proof_parse(struct weft_text *rest, unsigned count_max,
    struct weft_merkle_proof *ret_proof, struct weft_msg *msg)
{
    weft_assert(count_max <= WEFT_MERKLE_PROOF_MAX); /* POL-42 */
    struct weft_text text = *rest;
    for (unsigned count = 0;; count++) {
        struct weft_text line;
        if (!weft_text_cut(&text, '\n', &line)) {
            return weft_fail(
                msg, WEFT_EMALFORMED, "hash %u: no empty line ends the proof", count + 1);
        }
        if (line.size == 0) {
            ret_proof->count = count;
            *rest = text;
            return WEFT_OK;
        }
        if (count == count_max) {
            return weft_fail(msg, WEFT_ETOOBIG, "a proof has at most %u hashes", count_max);
        }
        if (weft_merkle_parse(line, &ret_proof->hashes[count]) != WEFT_OK) {
            return weft_fail(
                msg, WEFT_EMALFORMED, "hash %u: not the base64 of 32 bytes", count + 1);
        }
    }
}
