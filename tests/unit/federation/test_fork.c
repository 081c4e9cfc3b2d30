/* Forks: the first leaf that differs is found, in few rounds, and every answer is held to the head.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "federation/fork.h"
#include "proto/arith.h"
#include "tests/lib/test.h"

enum {
#ifdef WEFT_SANITIZED
    LARGE = 100000,
#else
    LARGE = 1000000,
#endif
};

/* All full subtrees of a tree, by height. */
struct tree {
    uint64_t size;
    struct weft_digest *levels[24];
};

static struct weft_digest leaf_of(uint64_t number, unsigned salt)
{
    uint8_t bytes[12];
    weft_put_be64(bytes, number);
    weft_put_be32(bytes + 8, salt);
    return weft_merkle_leaf(bytes, sizeof(bytes));
}

/* Leaf `differs` and those behind it are others if `salt` is not 0. */
static struct tree make(uint64_t size, uint64_t differs, unsigned salt)
{
    struct tree tree = {.size = size};
    for (unsigned height = 0; size >> height > 0; height++) {
        uint64_t count = size >> height;
        tree.levels[height] = malloc(count * sizeof(struct weft_digest));
        for (uint64_t i = 0; i < count; i++) {
            tree.levels[height][i] = height == 0 ? leaf_of(i, i >= differs ? salt : 0)
                                                 : weft_merkle_node(&tree.levels[height - 1][2 * i],
                                                       &tree.levels[height - 1][2 * i + 1]);
        }
    }
    return tree;
}

static void destroy(struct tree *tree)
{
    for (unsigned i = 0; i < 24; i++) {
        free(tree->levels[i]);
    }
}

static enum weft_err node(
    void *ctx, unsigned height, uint64_t index, struct weft_digest *ret_hash, struct weft_msg *msg)
{
    const struct tree *tree = ctx;
    if (height >= 24 || index >= tree->size >> height) {
        return weft_fail(msg, WEFT_ENOTFOUND, "no such node");
    }
    *ret_hash = tree->levels[height][index];
    return WEFT_OK;
}

static struct weft_merkle_head head_of(const struct tree *tree)
{
    struct weft_merkle_range range = {.size = 0};
    for (uint64_t i = 0; i < tree->size; i++) {
        EXPECT_EQ(WEFT_OK, weft_merkle_append(&range, &tree->levels[0][i]));
    }
    return (struct weft_merkle_head){tree->size, weft_merkle_root(&range)};
}

struct outcome {
    struct weft_fork fork;
    size_t bytes;
};

static struct outcome run(struct tree *ours, struct tree *theirs, bool is_head_known)
{
    struct outcome o = {.bytes = 0};
    struct weft_buffer ask = {0}, answer = {0};
    struct weft_msg msg = {""};
    struct weft_merkle_head head = {.size = 0};
    if (is_head_known) {
        head = head_of(theirs);
    }
    uint64_t size = ours->size < theirs->size ? ours->size : theirs->size;
    EXPECT_EQ(WEFT_OK, weft_fork_begin(&o.fork, size, &head, &ask, &msg));
    while (ask.size > 0) {
        weft_buffer_clear(&answer);
        EXPECT_EQ(WEFT_OK, weft_fork_answer((struct weft_bytes){ask.data, ask.size}, theirs->size,
                               node, theirs, &answer, &msg));
        o.bytes += ask.size + answer.size;
        weft_buffer_clear(&ask);
        EXPECT_EQ(WEFT_OK, weft_fork_step(&o.fork, (struct weft_bytes){answer.data, answer.size},
                               node, ours, &ask, &msg));
        EXPECT_TEXT("", msg.text);
    }
    weft_buffer_destroy(&ask);
    weft_buffer_destroy(&answer);
    return o;
}

/* FED-21: against every size and place up to 40. */
TEST(fork, first_leaf_that_differs_is_found_in_every_small_tree)
{
    for (uint64_t size = 1; size <= 40; size++) {
        for (uint64_t other = size; other <= size + 9; other += 3) {
            for (uint64_t differs = 0; differs <= size; differs++) {
                struct tree ours = make(size, size, 0), theirs = make(other, differs, 1);
                struct outcome o = run(&ours, &theirs, true);
                EXPECT_EQ(differs < size ? WEFT_FORK_FOUND : WEFT_FORK_SAME, o.fork.state);
                if (differs < size) {
                    struct weft_digest leaf = leaf_of(differs, 1);
                    EXPECT_EQ(differs, o.fork.leaf);
                    EXPECT_MEM(leaf.bytes, o.fork.theirs.bytes, WEFT_DIGEST_SIZE);
                }
                o = run(&theirs, &ours, true);
                EXPECT_EQ(differs < size ? WEFT_FORK_FOUND : WEFT_FORK_SAME, o.fork.state);
                destroy(&ours);
                destroy(&theirs);
            }
        }
    }
}

TEST(fork, in_a_million_leaves_takes_six_rounds_and_two_kilobytes)
{
    static const uint64_t places[] = {0, 65535, LARGE - 1};
    size_t most = 0;
    unsigned rounds = 0;
    struct tree ours = make(LARGE, LARGE, 0);
    for (size_t i = 0; i < 3; i++) {
        struct tree theirs = make(LARGE, places[i], 7);
        struct outcome o = run(&ours, &theirs, true);
        EXPECT_EQ(WEFT_FORK_FOUND, o.fork.state);
        EXPECT_EQ(places[i], o.fork.leaf);
        most = o.bytes > most ? o.bytes : most;
        rounds = o.fork.rounds > rounds ? o.fork.rounds : rounds;
        destroy(&theirs);
    }
    (void)printf("fork in %d leaves: %u rounds, %zu bytes\n", LARGE, rounds, most);
    EXPECT_TRUE(rounds <= 6);
    EXPECT_TRUE(most <= 2048);
    destroy(&ours);
}

/* FED-22: a changed one is refused, or leads to the question for all hashes, and nowhere else. */
TEST(fork, answers_that_do_not_lead_to_the_head_are_refused)
{
    struct tree ours = make(100, 100, 0), theirs = make(100, 37, 1);
    struct weft_merkle_head head = head_of(&theirs);
    struct weft_buffer ask = {0}, answer = {0};
    struct weft_msg msg = {""};
    struct weft_fork fork, kept;
    EXPECT_EQ(WEFT_OK, weft_fork_begin(&fork, 100, &head, &ask, &msg));
    for (int round = 0; ask.size > 0; round++) {
        weft_buffer_clear(&answer);
        EXPECT_EQ(WEFT_OK, weft_fork_answer((struct weft_bytes){ask.data, ask.size}, 100, node,
                               &theirs, &answer, &msg));
        kept = fork;
        for (size_t byte = 0; byte < answer.size; byte++) {
            struct weft_buffer more = {0};
            answer.data[byte] ^= 0x10;
            enum weft_err err = weft_fork_step(
                &fork, (struct weft_bytes){answer.data, answer.size}, node, &ours, &more, &msg);
            if (err == WEFT_OK) {
                EXPECT_TRUE(!kept.is_whole && fork.is_whole && fork.state == WEFT_FORK_NODES);
                EXPECT_EQ(kept.height, fork.height);
                EXPECT_EQ(kept.index, fork.index);
            } else {
                EXPECT_TRUE(err == WEFT_EBADSIG || err == WEFT_EMALFORMED);
                EXPECT_EQ(0, more.size);
            }
            answer.data[byte] ^= 0x10;
            fork = kept;
            weft_buffer_destroy(&more);
        }
        for (size_t size = 0; size < answer.size; size++) {
            EXPECT_EQ(WEFT_EMALFORMED, weft_fork_step(&fork, (struct weft_bytes){answer.data, size},
                                           node, &ours, &ask, &msg));
        }
        weft_buffer_clear(&ask);
        EXPECT_EQ(WEFT_OK, weft_fork_step(&fork, (struct weft_bytes){answer.data, answer.size},
                               node, &ours, &ask, &msg));
    }
    EXPECT_EQ(WEFT_FORK_FOUND, fork.state);
    EXPECT_EQ(37, fork.leaf);
    EXPECT_EQ(WEFT_ESTATE, weft_fork_step(&fork, (struct weft_bytes){answer.data, answer.size},
                               node, &ours, &ask, &msg));
    weft_buffer_destroy(&ask);
    weft_buffer_destroy(&answer);
    destroy(&ours);
    destroy(&theirs);
}

/* Marks that are the same though hashes are not: once more, with all of them. */
TEST(fork, a_difference_that_marks_hide_is_found_by_all_hashes)
{
    for (unsigned hidden = 0; hidden < 2; hidden++) {
        struct tree ours = make(64, 64, 0), theirs = make(64, 21, 1);
        struct weft_merkle_head head = head_of(&theirs);
        struct weft_buffer ask = {0}, answer = {0};
        struct weft_msg msg = {""};
        struct weft_fork fork;
        unsigned whole = 0;
        EXPECT_EQ(WEFT_OK, weft_fork_begin(&fork, 64, &head, &ask, &msg));
        while (ask.size > 0) {
            /* To whoever answers the marks seem to be his: of the first that differs, of all. */
            const size_t marks = 3, differs = fork.height == 6 ? 21 / 4 : 21 % 4;
            for (size_t i = 0; ask.size > marks && ask.data[0] == 2 && i < 16; i++) {
                const unsigned below = fork.height > 4 ? fork.height - 4 : 0;
                const size_t index = (fork.index << (fork.height - below)) + i;
                if (marks + 4 * i < ask.size && (hidden == 1 || i == differs)) {
                    memcpy(ask.data + marks + 4 * i, theirs.levels[below][index].bytes, 4);
                }
            }
            weft_buffer_clear(&answer);
            EXPECT_EQ(WEFT_OK, weft_fork_answer((struct weft_bytes){ask.data, ask.size}, 64, node,
                                   &theirs, &answer, &msg));
            weft_buffer_clear(&ask);
            EXPECT_EQ(WEFT_OK, weft_fork_step(&fork, (struct weft_bytes){answer.data, answer.size},
                                   node, &ours, &ask, &msg));
            whole += fork.state == WEFT_FORK_NODES && fork.is_whole;
        }
        EXPECT_EQ(WEFT_FORK_FOUND, fork.state);
        EXPECT_EQ(21, fork.leaf);
        /* Where all seem the same, all hashes come at once. */
        EXPECT_EQ(hidden == 1 ? 0 : 2, whole);
        EXPECT_EQ(hidden == 1 ? 3 : 5, fork.rounds);
        weft_buffer_destroy(&ask);
        weft_buffer_destroy(&answer);
        destroy(&ours);
        destroy(&theirs);
    }
}

TEST(fork, questions_about_what_is_not_there_are_refused)
{
    struct tree tree = make(100, 100, 0);
    struct weft_merkle_head none = {.size = 0};
    struct weft_buffer out = {0};
    struct weft_msg msg = {""};
    struct weft_fork fork;
    static const struct {
        uint8_t bytes[8];
        size_t size;
        enum weft_err err;
    } cases[] = {
        {{0}, 0, WEFT_EMALFORMED}, {{9, 1}, 2, WEFT_EMALFORMED}, {{1}, 1, WEFT_EMALFORMED},
        {{1, 100, 0}, 3, WEFT_EMALFORMED},
        {{3, 100}, 2, WEFT_EMALFORMED}, /* an answer is no question */
        {{1, 0}, 2, WEFT_EINVAL}, {{1, 101}, 2, WEFT_EINVAL}, {{1, 100}, 2, WEFT_OK},
        {{2, 0, 5}, 3, WEFT_EINVAL}, {{2, 64, 0}, 3, WEFT_EMALFORMED}, {{2, 63, 0}, 3, WEFT_EINVAL},
        {{2, 5, 2}, 3, WEFT_OK}, {{2, 1, 2, 0, 0, 0, 0}, 7, WEFT_EMALFORMED},
        {{2, 5, 3}, 3, WEFT_EINVAL}, /* leaves 96 to 127, of which 100 are there */
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        weft_buffer_clear(&out);
        EXPECT_EQ(cases[i].err, weft_fork_answer((struct weft_bytes){cases[i].bytes, cases[i].size},
                                    100, node, &tree, &out, &msg));
        EXPECT_EQ(cases[i].err == WEFT_OK, out.size > 0);
    }
    EXPECT_EQ(WEFT_EINVAL, weft_fork_begin(&fork, 0, &none, &out, &msg));
    weft_buffer_destroy(&out);
    destroy(&tree);
}
