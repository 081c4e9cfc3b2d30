/* What is right of a tree's first leaves: against the reference, for every place in every small
 * tree. */
#include "policy/merkle_right.h"

#include <string.h>

#include "tests/lib/test.h"
#include "tests/unit/policy/naive_tree.h"

enum {
    LEAVES = 70
};

static struct weft_digest leaves[LEAVES];

static void make_leaves(void)
{
    for (size_t i = 0; i < LEAVES; i++) {
        leaves[i] = weft_merkle_leaf(&i, sizeof(i));
    }
}

static struct weft_merkle_range range_of(uint64_t size)
{
    struct weft_merkle_range range = {0};
    for (uint64_t i = 0; i < size; i++) {
        EXPECT_EQ(WEFT_OK, weft_merkle_append(&range, &leaves[i]));
    }
    return range;
}

static struct weft_merkle_proof reference(uint64_t first, uint64_t size)
{
    struct weft_merkle_proof proof;
    proof.count = (unsigned)naive_proof((size_t)first, (const struct naive_hash *)leaves,
        (size_t)size, (struct naive_hash *)proof.hashes);
    return proof;
}

static void expect_proof(const struct weft_merkle_proof *expected, struct weft_merkle_right *right)
{
    const struct weft_merkle_range range = range_of(right->first);
    const struct weft_merkle_range all = range_of(right->size);
    struct weft_merkle_proof proof;
    weft_merkle_right_prove(right, &range, &proof);
    EXPECT_EQ(expected->count, proof.count);
    EXPECT_MEM(expected->hashes, proof.hashes, proof.count * sizeof(proof.hashes[0]));
    const struct weft_digest root = weft_merkle_right_root(right, &range);
    const struct weft_digest whole = weft_merkle_root(&all);
    EXPECT_MEM(whole.bytes, root.bytes, WEFT_DIGEST_SIZE);
}

TEST(merkle_right, grows_to_the_left_and_gives_the_reference_s_proof_at_each_place)
{
    make_leaves();
    for (uint64_t size = 1; size <= LEAVES; size++) {
        struct weft_merkle_right right;
        weft_merkle_right_init(&right, size);
        for (uint64_t first = size; first > 0; first--) {
            const struct weft_merkle_proof expected = reference(first, size);
            EXPECT_EQ(first, right.first);
            EXPECT_EQ(weft_merkle_right_count(first, size), right.count);
            expect_proof(&expected, &right);
            if (first > 1) {
                weft_merkle_right_prepend(&right, &leaves[first - 1]);
            }
        }
    }
}

TEST(merkle_right, is_picked_from_a_proof_and_comes_back_as_it_travels)
{
    struct weft_msg msg = {""};
    make_leaves();
    for (uint64_t size = 1; size <= LEAVES; size++) {
        for (uint64_t first = 1; first <= size; first++) {
            const struct weft_merkle_proof proof = reference(first, size);
            struct weft_merkle_proof hashes;
            struct weft_merkle_right right;
            weft_merkle_right_pick(first, size, &proof, &hashes);
            EXPECT_EQ(WEFT_OK, weft_merkle_right_load(&right, first, size, &hashes, &msg));
            expect_proof(&proof, &right);
            hashes.count++;
            EXPECT_EQ(WEFT_EMALFORMED, weft_merkle_right_load(&right, first, size, &hashes, &msg));
        }
    }
}

/* From each place to each later one, with what that lacks and no more. */
TEST(merkle_right, moves_to_a_later_place_by_what_is_not_known_of_it)
{
    struct weft_msg msg = {""};
    make_leaves();
    for (uint64_t size = 1; size <= LEAVES; size++) {
        for (uint64_t known = 0; known <= size; known++) {
            for (uint64_t first = known > 0 ? known : 1; first <= size; first++) {
                struct weft_merkle_right right = {.size = size};
                struct weft_merkle_proof proof, hashes;
                if (known > 0) {
                    proof = reference(known, size);
                    weft_merkle_right_pick(known, size, &proof, &hashes);
                    EXPECT_EQ(WEFT_OK, weft_merkle_right_load(&right, known, size, &hashes, &msg));
                }
                proof = reference(first, size);
                weft_merkle_right_pick(first, size, &proof, &hashes);
                const unsigned shared = weft_merkle_right_shared(known, first, size);
                EXPECT_TRUE(shared <= hashes.count && (known > 0 || shared == 0));
                EXPECT_TRUE(known != first || shared == hashes.count);
                hashes.count = hashes.count - shared + 1;
                EXPECT_EQ(WEFT_EMALFORMED, weft_merkle_right_move(&right, first, &hashes, &msg));
                hashes.count--;
                EXPECT_EQ(WEFT_OK, weft_merkle_right_move(&right, first, &hashes, &msg));
                expect_proof(&proof, &right);
                hashes.count = 0;
                EXPECT_EQ(WEFT_EINVAL, weft_merkle_right_move(&right, first - 1, &hashes, &msg));
                EXPECT_EQ(WEFT_EINVAL, weft_merkle_right_move(&right, size + 1, &hashes, &msg));
            }
        }
    }
}

TEST(merkle_right, of_no_place_is_refused_and_another_hash_leads_elsewhere)
{
    const struct weft_merkle_proof none = {.count = 0};
    struct weft_merkle_right right;
    struct weft_msg msg = {""};
    make_leaves();
    EXPECT_EQ(WEFT_EINVAL, weft_merkle_right_load(&right, 0, 4, &none, &msg));
    EXPECT_EQ(WEFT_EINVAL, weft_merkle_right_load(&right, 5, 4, &none, &msg));
    EXPECT_EQ(
        WEFT_EINVAL, weft_merkle_right_load(&right, 1, WEFT_MERKLE_SIZE_MAX + 1, &none, &msg));
    const struct weft_merkle_proof proof = reference(37, LEAVES);
    const struct weft_merkle_range range = range_of(37), all = range_of(LEAVES);
    const struct weft_digest whole = weft_merkle_root(&all);
    struct weft_merkle_proof hashes;
    weft_merkle_right_pick(37, LEAVES, &proof, &hashes);
    EXPECT_TRUE(hashes.count > 0 && hashes.count < proof.count);
    for (unsigned i = 0; i < hashes.count; i++) {
        struct weft_merkle_proof changed = hashes;
        changed.hashes[i].bytes[0] ^= 1;
        EXPECT_EQ(WEFT_OK, weft_merkle_right_load(&right, 37, LEAVES, &changed, &msg));
        const struct weft_digest root = weft_merkle_right_root(&right, &range);
        EXPECT_TRUE(!weft_digest_equal(&whole, &root));
    }
}
