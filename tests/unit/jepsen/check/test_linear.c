#include "jepsen/check/linear.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/test.h"

enum {
    OPS_MAX = 8,
    VALUES = 12,
#ifdef WEFT_SANITIZED
    ROUNDS = 20000 /* a sanitizer makes them forty times slower */
#else
    ROUNDS = 200000
#endif
};

/* --- The oracle: every order that respects time, by trying them all. --- */

struct oracle {
    const struct jep_linear_op *ops;
    size_t count;
    bool used[OPS_MAX];
};

static bool may_be_next(const struct oracle *oracle, size_t next)
{
    for (size_t i = 0; i < oracle->count; i++) {
        if (!oracle->used[i] && oracle->ops[i].end < oracle->ops[next].invoke) {
            return false;
        }
    }
    return true;
}

static bool explain(struct oracle *oracle, uint32_t value)
{
    bool is_done = true;
    for (size_t i = 0; i < oracle->count; i++) {
        is_done = is_done && (oracle->used[i] || oracle->ops[i].end == JEP_LINEAR_OPEN);
    }
    if (is_done) {
        return true;
    }
    for (size_t i = 0; i < oracle->count; i++) {
        const struct jep_linear_op *op = &oracle->ops[i];
        if (oracle->used[i] || !may_be_next(oracle, i) ||
            (op->kind == JEP_LINEAR_READ && op->value != value) ||
            (op->kind == JEP_LINEAR_CAS && op->expected != value)) {
            continue;
        }
        oracle->used[i] = true;
        if (explain(oracle, op->value)) {
            return true;
        }
        oracle->used[i] = false;
    }
    return false;
}

static int by_invoke(const void *a, const void *b)
{
    const struct jep_linear_op *one = a, *other = b;
    return (one->invoke > other->invoke) - (one->invoke < other->invoke);
}

/* Operations of some processes, one at a time each; `domain` values, or every write its own. */
static size_t make(struct jep_linear_op *ops, bool is_unique)
{
    size_t count = 1 + test_random(OPS_MAX), processes = 1 + test_random(4);
    uint32_t domain = 2 + (uint32_t)test_random(3), fresh = 1, at = 0;
    uint32_t free_at[4] = {0};
    for (size_t i = 0; i < count; i++) {
        size_t process = test_random(processes);
        struct jep_linear_op *op = &ops[i];
        op->kind = (enum jep_linear_kind)test_random(3);
        uint32_t drawn = (uint32_t)test_random(is_unique ? fresh : domain);
        op->expected = drawn;
        op->value = op->kind == JEP_LINEAR_READ ? drawn
                    : is_unique                 ? fresh++
                                                : (uint32_t)test_random(domain);
        /* Positions are all different: 16 apart for each operation, the rest by process. */
        at = free_at[process] + 1 + (uint32_t)test_random(4);
        op->invoke = at * 64 + (uint32_t)i;
        free_at[process] = at + 1 + (uint32_t)test_random(6);
        op->end = free_at[process] * 64 + 32 + (uint32_t)i;
        if (op->kind != JEP_LINEAR_READ && test_random(5) == 0) {
            op->end = JEP_LINEAR_OPEN;
        }
    }
    qsort(ops, count, sizeof(*ops), by_invoke);
    return count;
}

static void print(const struct jep_linear_op *ops, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        (void)fprintf(stderr, "  %d value %u expected %u: %u .. %d\n", ops[i].kind, ops[i].value,
            ops[i].expected, ops[i].invoke, (int)ops[i].end);
    }
}

static enum jep_verdict judge(
    const struct jep_linear_op *ops, size_t count, struct jep_linear_answer *answer)
{
    struct jep_linear_history history = {.ops = ops, .count = count, .values_count = VALUES};
    struct jep_limits limits = jep_limits_from_now(0, 1u << 30, UINT64_MAX);
    jep_linear_check(&history, &limits, answer);
    return answer->verdict;
}

/* What had happened at a position. */
static size_t stand(
    const struct jep_linear_op *ops, size_t count, uint32_t position, struct jep_linear_op *before)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (ops[i].invoke <= position &&
            (ops[i].end <= position || ops[i].kind != JEP_LINEAR_READ)) {
            before[kept] = ops[i];
            before[kept].end = ops[i].end <= position ? ops[i].end : JEP_LINEAR_OPEN;
            kept++;
        }
    }
    return kept;
}

TEST(linear, agrees_with_every_permutation_of_small_histories) /* JEP-11 JEP-12 JEP-13 JEP-14 */
{
    size_t counts[2][2] = {{0}};
    for (size_t round = 0; round < ROUNDS; round++) {
        struct jep_linear_op ops[OPS_MAX];
        bool is_unique = round % 2 == 0;
        size_t count = make(ops, is_unique);
        struct oracle oracle = {.ops = ops, .count = count};
        struct jep_linear_answer answer;
        bool is_good = explain(&oracle, 0);
        counts[is_unique][is_good]++;
        if (judge(ops, count, &answer) != (is_good ? JEP_VALID : JEP_INVALID)) {
            print(ops, count);
            EXPECT_EQ(is_good ? JEP_VALID : JEP_INVALID, answer.verdict);
        }
        if (!is_good) { /* until the failing operation ended it was good, and not any longer then */
            struct jep_linear_op before[OPS_MAX];
            uint32_t failing = answer.failing;
            size_t kept = stand(ops, count, ops[failing].end - 1, before);
            EXPECT_EQ(JEP_VALID, judge(before, kept, &answer));
            kept = stand(ops, count, ops[failing].end, before);
            EXPECT_EQ(JEP_INVALID, judge(before, kept, &answer));
        }
    }
    for (size_t i = 0; i < 4; i++) {
        EXPECT_TRUE(counts[i / 2][i % 2] > ROUNDS / 40); /* reached what it guards */
    }
}

TEST(linear, many_concurrent_writes_do_not_explode)
{
    enum {
        WRITES = 900
    };
    static struct jep_linear_op ops[WRITES + 2];
    for (uint32_t i = 0; i < WRITES; i++) {
        ops[i] = (struct jep_linear_op){
            .kind = JEP_LINEAR_WRITE, .value = i + 1, .invoke = i, .end = 2 * WRITES + i};
    }
    ops[WRITES] = (struct jep_linear_op){
        .kind = JEP_LINEAR_READ, .value = 17, .invoke = WRITES, .end = WRITES + 1};
    ops[WRITES + 1] = (struct jep_linear_op){
        .kind = JEP_LINEAR_READ, .value = 5, .invoke = WRITES + 2, .end = WRITES + 3};
    struct jep_linear_history history = {
        .ops = ops, .count = WRITES + 2, .values_count = WRITES + 1};
    struct jep_limits limits = jep_limits_from_now(0, 1u << 28, 10000000);
    struct jep_linear_answer answer;
    jep_linear_check(&history, &limits, &answer);
    EXPECT_EQ(JEP_VALID, answer.verdict);
    EXPECT_TRUE(answer.width < 10);
    ops[WRITES + 1].value = 17;
    ops[WRITES].value = 0; /* the initial value, seen before 17: fine */
    jep_linear_check(&history, &limits, &answer);
    EXPECT_EQ(JEP_VALID, answer.verdict);
    ops[WRITES].value = 17;
    ops[WRITES + 1].value = 0; /* and after it: not */
    jep_linear_check(&history, &limits, &answer);
    EXPECT_EQ(JEP_INVALID, answer.verdict);
    EXPECT_EQ(WRITES + 1, answer.failing);
}

/* Many compare-and-sets at once over few values, with reads beside them: nothing can be pruned. */
static size_t make_hard(struct jep_linear_op *ops, size_t writers)
{
    for (uint32_t i = 0; i < writers; i++) {
        ops[i] = (struct jep_linear_op){.kind = JEP_LINEAR_CAS,
            .expected = i % 7,
            .value = (i / 7 + i + 1) % 7,
            .invoke = i,
            .end = 100000 + i};
    }
    for (uint32_t i = 0; i < 40; i++) {
        uint32_t at = (uint32_t)writers + 2 * i;
        ops[writers + i] = (struct jep_linear_op){
            .kind = JEP_LINEAR_READ, .value = i * 3 % 7, .invoke = at, .end = at + 1};
    }
    return writers + 40;
}

TEST(linear, at_a_limit_it_says_unknown_and_which) /* JEP-15 */
{
    static struct jep_linear_op ops[2000];
    size_t count = make_hard(ops, 60);
    struct jep_linear_history history = {.ops = ops, .count = count, .values_count = VALUES};
    struct jep_linear_answer answer;
    struct jep_limits limits = jep_limits_from_now(0, 1u << 28, 1000);
    jep_linear_check(&history, &limits, &answer);
    EXPECT_EQ(JEP_UNKNOWN, answer.verdict);
    EXPECT_TEXT("steps", answer.limit);
    limits = jep_limits_from_now(0, 100000, UINT64_MAX);
    jep_linear_check(&history, &limits, &answer);
    EXPECT_EQ(JEP_UNKNOWN, answer.verdict);
    EXPECT_TEXT("memory", answer.limit);
    limits = jep_limits_from_now(1, 1u << 28, UINT64_MAX);
    jep_linear_check(&history, &limits, &answer);
    EXPECT_EQ(JEP_UNKNOWN, answer.verdict);
    EXPECT_TEXT("time", answer.limit);
    history.count = make_hard(ops, JEP_LINEAR_PENDING_MAX + 1);
    limits = jep_limits_from_now(0, 1u << 28, UINT64_MAX);
    jep_linear_check(&history, &limits, &answer);
    EXPECT_EQ(JEP_UNKNOWN, answer.verdict);
    EXPECT_TEXT("pending operations", answer.limit);
}
