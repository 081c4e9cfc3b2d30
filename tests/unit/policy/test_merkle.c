#include "policy/merkle_proof.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/lib/test.h"
#include "tests/unit/policy/naive_tree.h"

enum {
    LEAVES_MAX = 66000 /* Over 256^2: three levels of tiles. */
};

static struct naive_hash leaves[LEAVES_MAX];

static void make_leaves(size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t data[4] = {i, test_random(0), 7, 7};
        leaves[i] = naive_leaf(data, 8 + (size_t)test_random(sizeof(data) - 8));
    }
}

static struct weft_digest ours(const struct naive_hash *hash)
{
    struct weft_digest digest;
    memcpy(digest.bytes, hash->bytes, sizeof(digest.bytes));
    return digest;
}

static struct weft_digest root_of(size_t size)
{
    struct naive_hash root = naive_root(leaves, size);
    return ours(&root);
}

static void append_leaf(struct weft_merkle_range *range, size_t i)
{
    struct weft_digest leaf = ours(&leaves[i]);
    EXPECT_EQ(WEFT_OK, weft_merkle_append(range, &leaf));
}

/* Tiles made of the naive tree, as tlog-tiles defines them. */
static unsigned tiles_read;

static enum weft_err get_tile(void *ctx, const struct weft_tile *tile,
    struct weft_digest ret_hashes[WEFT_TILE_WIDTH], struct weft_msg *msg)
{
    (void)msg;
    size_t below = (size_t)1 << tile->level * WEFT_TILE_HEIGHT;
    tiles_read++;
    EXPECT_TRUE(!tile->is_bundle);
    EXPECT_EQ(weft_tile_width(*(uint64_t *)ctx, tile->level, tile->index), tile->width);
    for (unsigned i = 0; i < tile->width; i++) {
        struct naive_hash hash =
            naive_root(leaves + (tile->index * WEFT_TILE_WIDTH + i) * below, below);
        ret_hashes[i] = ours(&hash);
    }
    return WEFT_OK;
}

TEST(merkle, an_empty_tree_has_the_hash_of_nothing_as_its_root)
{
    struct weft_merkle_range range = {0};
    struct weft_digest root = weft_merkle_root(&range);
    char text[WEFT_DIGEST_TEXT_SIZE];
    weft_digest_format(&root, text);
    EXPECT_TEXT("sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", text);
}

/* POL-41 */
TEST(merkle, a_leaf_is_not_taken_for_a_node)
{
    struct weft_digest a = weft_merkle_leaf("a", 1), b = weft_merkle_leaf("b", 1);
    uint8_t both[2 * WEFT_DIGEST_SIZE];
    memcpy(both, a.bytes, WEFT_DIGEST_SIZE);
    memcpy(both + WEFT_DIGEST_SIZE, b.bytes, WEFT_DIGEST_SIZE);
    struct weft_digest node = weft_merkle_node(&a, &b), leaf = weft_merkle_leaf(both, sizeof(both));
    EXPECT_TRUE(!weft_digest_equal(&node, &leaf));
}

TEST(merkle, a_growing_tree_has_the_reference_root_at_every_size)
{
    struct weft_merkle_range range = {0};
    make_leaves(700);
    for (size_t i = 0; i < 700; i++) {
        struct weft_digest root = weft_merkle_root(&range), expected = root_of(i);
        EXPECT_MEM(expected.bytes, root.bytes, WEFT_DIGEST_SIZE);
        append_leaf(&range, i);
    }
}

TEST(merkle, whole_subtrees_are_appended_as_their_leaves_would_be)
{
    make_leaves(2048);
    for (int round = 0; round < 200; round++) {
        struct weft_merkle_range range = {0};
        while (range.size < 1024) {
            unsigned height = (unsigned)test_random(9);
            size_t count = (size_t)1 << height;
            struct weft_digest hashes[256];
            for (size_t i = 0; i < count; i++) {
                hashes[i] = ours(&leaves[range.size + i]);
            }
            struct weft_digest root = weft_merkle_fold(hashes, count);
            bool fits = range.size % count == 0;
            uint64_t before = range.size;
            EXPECT_EQ(
                fits ? WEFT_OK : WEFT_EINVAL, weft_merkle_append_subtree(&range, height, &root));
            EXPECT_EQ(before + (fits ? count : 0), range.size);
        }
        struct weft_digest root = weft_merkle_root(&range), expected = root_of(range.size);
        EXPECT_MEM(expected.bytes, root.bytes, WEFT_DIGEST_SIZE);
    }
}

TEST(merkle, a_tree_ends_at_its_largest_size)
{
    struct weft_merkle_range range = {0};
    struct weft_digest leaf = weft_merkle_leaf("", 0);
    EXPECT_EQ(WEFT_OK, weft_merkle_append_subtree(&range, 62, &leaf));
    EXPECT_EQ(WEFT_ETOOBIG, weft_merkle_append_subtree(&range, 64, &leaf));
    EXPECT_EQ(WEFT_OK, weft_merkle_append_subtree(&range, 62, &leaf));
    EXPECT_EQ(WEFT_ETOOBIG, weft_merkle_append(&range, &leaf));
    EXPECT_TRUE(range.size == WEFT_MERKLE_SIZE_MAX);
    struct weft_digest root = weft_merkle_root(&range), node = weft_merkle_node(&leaf, &leaf);
    EXPECT_TRUE(weft_digest_equal(&root, &node));
}

/* Each way to spoil a proof that is right. */
static void expect_spoilt_refused(uint64_t index, uint64_t size, const struct weft_digest *leaf,
    const struct weft_merkle_proof *proof, const struct weft_digest *root)
{
    struct weft_merkle_proof bad = *proof;
    struct weft_digest other = *root;
    other.bytes[test_random(32)] ^= (uint8_t)(1u << test_random(8));
    EXPECT_EQ(WEFT_EBADSIG, weft_merkle_verify_inclusion(index, size, leaf, proof, &other, NULL));
    EXPECT_EQ(WEFT_EBADSIG, weft_merkle_verify_inclusion(index, size, &other, proof, root, NULL));
    if (proof->count > 0) {
        bad.hashes[test_random(bad.count)].bytes[test_random(32)] ^=
            (uint8_t)(1u << test_random(8));
        EXPECT_EQ(WEFT_EBADSIG, weft_merkle_verify_inclusion(index, size, leaf, &bad, root, NULL));
        bad = *proof;
        bad.count--;
        EXPECT_EQ(
            WEFT_EMALFORMED, weft_merkle_verify_inclusion(index, size, leaf, &bad, root, NULL));
    }
    bad = *proof;
    bad.hashes[bad.count++] = *root;
    EXPECT_EQ(WEFT_EMALFORMED, weft_merkle_verify_inclusion(index, size, leaf, &bad, root, NULL));
}

static void check_inclusion(struct weft_merkle_prover *p, size_t index)
{
    struct weft_merkle_proof proof;
    struct naive_hash expected[64];
    size_t size = (size_t)p->size;
    struct weft_digest leaf = ours(&leaves[index]), root = root_of(size);
    EXPECT_EQ(WEFT_OK, weft_merkle_prove_inclusion(p, index, &proof, NULL));
    size_t count = naive_path(index, leaves, size, expected);
    EXPECT_EQ(count, proof.count);
    EXPECT_EQ(count, weft_merkle_inclusion_count(index, size));
    EXPECT_MEM(expected, proof.hashes, count * sizeof(expected[0]));
    EXPECT_EQ(WEFT_OK, weft_merkle_verify_inclusion(index, size, &leaf, &proof, &root, NULL));
    expect_spoilt_refused(index, size, &leaf, &proof, &root);
}

static void check_consistency(struct weft_merkle_prover *p, size_t old_size)
{
    struct weft_merkle_proof proof;
    struct naive_hash expected[64];
    size_t size = (size_t)p->size;
    struct weft_digest old_root = root_of(old_size), root = root_of(size), other = root;
    EXPECT_EQ(WEFT_OK, weft_merkle_prove_consistency(p, old_size, &proof, NULL));
    size_t count = naive_proof(old_size, leaves, size, expected);
    EXPECT_EQ(count, proof.count);
    EXPECT_EQ(count, weft_merkle_consistency_count(old_size, size));
    EXPECT_MEM(expected, proof.hashes, count * sizeof(expected[0]));
    EXPECT_EQ(
        WEFT_OK, weft_merkle_verify_consistency(old_size, size, &old_root, &proof, &root, NULL));
    other.bytes[test_random(32)] ^= (uint8_t)(1u << test_random(8));
    EXPECT_EQ(WEFT_EBADSIG,
        weft_merkle_verify_consistency(old_size, size, &old_root, &proof, &other, NULL));
    EXPECT_EQ(
        WEFT_EBADSIG, weft_merkle_verify_consistency(old_size, size, &other, &proof, &root, NULL));
    bool is_told = old_size < size && (old_size & (old_size - 1)) != 0; /* By the proof. */
    EXPECT_EQ(is_told ? WEFT_OK : WEFT_EINVAL,
        weft_merkle_verify_inconsistency(old_size, size, &other, &proof, &root, NULL));
    EXPECT_EQ(is_told ? WEFT_EREFUSED : WEFT_EINVAL,
        weft_merkle_verify_inconsistency(old_size, size, &old_root, &proof, &root, NULL));
    EXPECT_EQ(is_told ? WEFT_EBADSIG : WEFT_EINVAL,
        weft_merkle_verify_inconsistency(old_size, size, &old_root, &proof, &other, NULL));
    if (count > 0) {
        proof.hashes[test_random(count)].bytes[test_random(32)] ^= (uint8_t)(1u << test_random(8));
        EXPECT_EQ(WEFT_EBADSIG,
            weft_merkle_verify_consistency(old_size, size, &old_root, &proof, &root, NULL));
        proof.count--;
        EXPECT_EQ(WEFT_EMALFORMED,
            weft_merkle_verify_consistency(old_size, size, &old_root, &proof, &root, NULL));
    }
}

/* POL-42 */
TEST(merkle, every_proof_of_small_trees_is_the_reference_and_verifies)
{
    static struct weft_merkle_prover p;
    make_leaves(40);
    for (uint64_t size = 1; size <= 40; size++) {
        weft_merkle_prover_init(&p, size, get_tile, &size);
        for (size_t i = 0; i < size; i++) {
            check_inclusion(&p, i);
            check_consistency(&p, i + 1);
        }
    }
}

TEST(merkle, proofs_that_cross_tiles_are_the_reference_and_verify)
{
    static const uint64_t sizes[] = {255, 256, 257, 511, 512, 513, 769, 1000, 4097};
    static struct weft_merkle_prover p;
    make_leaves(4097);
    for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
        uint64_t size = sizes[s];
        weft_merkle_prover_init(&p, size, get_tile, &size);
        for (int round = 0; round < 5; round++) {
            check_inclusion(&p, (size_t)test_random(size));
            check_consistency(&p, 1 + (size_t)test_random(size));
        }
        check_inclusion(&p, 0);
        check_inclusion(&p, (size_t)size - 1);
        check_consistency(&p, (size_t)size);
    }
}

TEST(merkle, proofs_over_three_levels_of_tiles_read_few_of_them)
{
    static struct weft_merkle_prover p;
    uint64_t size = LEAVES_MAX;
    make_leaves(LEAVES_MAX);
    weft_merkle_prover_init(&p, size, get_tile, &size);
    tiles_read = 0;
    check_inclusion(&p, 300);
    EXPECT_TRUE(tiles_read <= 6);
    check_inclusion(&p, 65600);
    check_consistency(&p, 65535);
    check_consistency(&p, 65536);
    check_consistency(&p, 65537);
    struct weft_digest root, expected = root_of(65793);
    EXPECT_EQ(WEFT_OK, weft_merkle_prove_root(&p, 65793, &root, NULL));
    EXPECT_TRUE(weft_digest_equal(&expected, &root));
    EXPECT_EQ(WEFT_OK, weft_merkle_prove_root(&p, 0, &root, NULL));
    expected = weft_merkle_empty();
    EXPECT_TRUE(weft_digest_equal(&expected, &root));
    EXPECT_EQ(WEFT_EINVAL, weft_merkle_prove_root(&p, size + 1, &root, NULL));
}

static enum weft_err no_tile(void *ctx, const struct weft_tile *tile,
    struct weft_digest ret_hashes[WEFT_TILE_WIDTH], struct weft_msg *msg)
{
    (void)tile;
    memset(ret_hashes, 0, sizeof(*ret_hashes));
    bool *is_broken = ctx;
    return *is_broken ? weft_fail(msg, WEFT_EIO, "disk") : WEFT_OK;
}

TEST(merkle, a_tile_that_cannot_be_read_ends_the_proof_and_is_not_remembered)
{
    static struct weft_merkle_prover p;
    struct weft_merkle_proof proof = {.count = 77};
    struct weft_msg msg;
    bool is_broken = true;
    weft_merkle_prover_init(&p, 4, no_tile, &is_broken);
    EXPECT_EQ(WEFT_EIO, weft_merkle_prove_inclusion(&p, 1, &proof, &msg));
    EXPECT_EQ(WEFT_EIO, weft_merkle_prove_consistency(&p, 3, &proof, &msg));
    EXPECT_EQ(77, proof.count);
    EXPECT_TEXT("disk", msg.text);
    is_broken = false;
    EXPECT_EQ(WEFT_OK, weft_merkle_prove_inclusion(&p, 1, &proof, &msg));
    EXPECT_EQ(2, proof.count);
}

/* POL-43 */
TEST(merkle, what_no_tree_has_is_refused)
{
    static struct weft_merkle_prover p;
    struct weft_merkle_proof proof = {0};
    struct weft_digest root = weft_merkle_empty();
    uint64_t size = 3;
    make_leaves(3);
    weft_merkle_prover_init(&p, size, get_tile, &size);
    EXPECT_EQ(WEFT_EINVAL, weft_merkle_prove_inclusion(&p, 3, &proof, NULL));
    EXPECT_EQ(WEFT_EINVAL, weft_merkle_prove_consistency(&p, 4, &proof, NULL));
    EXPECT_EQ(WEFT_EINVAL, weft_merkle_prove_consistency(&p, 0, &proof, NULL));
    EXPECT_EQ(WEFT_EINVAL, weft_merkle_verify_inclusion(0, 0, &root, &proof, &root, NULL));
    EXPECT_EQ(WEFT_EINVAL, weft_merkle_verify_inclusion(3, 3, &root, &proof, &root, NULL));
    EXPECT_EQ(WEFT_EINVAL,
        weft_merkle_verify_inclusion(0, WEFT_MERKLE_SIZE_MAX + 1, &root, &proof, &root, NULL));
    EXPECT_EQ(WEFT_EINVAL, weft_merkle_verify_consistency(0, 0, &root, &proof, &root, NULL));
    EXPECT_EQ(WEFT_EINVAL, weft_merkle_verify_consistency(0, 1, &root, &proof, &root, NULL));
    EXPECT_EQ(WEFT_EINVAL, weft_merkle_verify_consistency(2, 1, &root, &proof, &root, NULL));
    EXPECT_EQ(WEFT_EINVAL,
        weft_merkle_verify_consistency(1, WEFT_MERKLE_SIZE_MAX + 1, &root, &proof, &root, NULL));
}

TEST(merkle, the_largest_trees_have_proofs_of_the_largest_size)
{
    EXPECT_EQ(63, weft_merkle_inclusion_count(0, WEFT_MERKLE_SIZE_MAX));
    EXPECT_EQ(63, weft_merkle_inclusion_count(WEFT_MERKLE_SIZE_MAX - 1, WEFT_MERKLE_SIZE_MAX));
    EXPECT_EQ(64, weft_merkle_consistency_count(WEFT_MERKLE_SIZE_MAX - 1, WEFT_MERKLE_SIZE_MAX));
    EXPECT_EQ(63, weft_merkle_consistency_count(1, WEFT_MERKLE_SIZE_MAX));
}

TEST(merkle, a_proof_as_text_comes_back)
{
    struct weft_buffer out = {0};
    struct weft_merkle_proof proof = {.count = 3}, back;
    for (unsigned i = 0; i < proof.count; i++) {
        proof.hashes[i] = weft_merkle_leaf(&i, sizeof(i));
    }
    EXPECT_EQ(WEFT_OK, weft_merkle_proof_format(&out, &proof));
    EXPECT_EQ(WEFT_OK, weft_buffer_text(&out, WEFT_TEXT("\nbehind")));
    struct weft_text all = {(const char *)out.data, out.size}, rest = all;
    EXPECT_EQ(WEFT_OK, weft_merkle_proof_parse(&rest, 3, &back, NULL));
    EXPECT_EQ(3, back.count);
    EXPECT_MEM(proof.hashes, back.hashes, 3 * sizeof(proof.hashes[0]));
    EXPECT_TRUE(weft_text_is(rest, "behind"));
    struct weft_msg msg;
    rest = all;
    EXPECT_EQ(WEFT_ETOOBIG, weft_merkle_proof_parse(&rest, 2, &back, &msg));
    EXPECT_TEXT("a proof has at most 2 hashes", msg.text);
    for (size_t cut = 0; cut < all.size - 6; cut++) {
        rest = (struct weft_text){all.data, cut};
        EXPECT_EQ(WEFT_EMALFORMED, weft_merkle_proof_parse(&rest, 3, &back, &msg));
        EXPECT_EQ(cut, rest.size);
    }
    rest = WEFT_TEXT("AAAA\n\n");
    EXPECT_EQ(WEFT_EMALFORMED, weft_merkle_proof_parse(&rest, 3, &back, &msg));
    EXPECT_TEXT("hash 1: not the base64 of 32 bytes", msg.text);
    weft_buffer_destroy(&out);
}
