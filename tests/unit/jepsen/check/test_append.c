#include "jepsen/check/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/test.h"

enum {
    TXNS_MAX = 6,
    MOPS_MAX = 3,
    KEYS = 2,
    LIST_MAX = 24,
#ifdef WEFT_SANITIZED
    ROUNDS = 6000 /* a sanitizer makes them forty times slower */
#else
    ROUNDS = 60000
#endif
};

struct mop {
    bool is_append;
    int key;
    int value; /* appended */
    int list[LIST_MAX];
    int count; /* read */
};

struct txn {
    struct mop mops[MOPS_MAX];
    int count;
    enum jep_op_type type;
    int from, until;
};

struct lists {
    int items[KEYS][LIST_MAX];
    int counts[KEYS];
};

/* --- The oracle: run the transactions one after the other in every order. --- */

static bool play(const struct txn *txn, struct lists *lists)
{
    for (int i = 0; i < txn->count; i++) {
        const struct mop *mop = &txn->mops[i];
        int *count = &lists->counts[mop->key];
        if (mop->is_append) {
            lists->items[mop->key][(*count)++] = mop->value;
        } else if (txn->type == JEP_OK &&
                   (*count != mop->count || memcmp(lists->items[mop->key], mop->list,
                                                sizeof(int) * (size_t)*count) != 0)) {
            return false;
        }
    }
    return true;
}

static bool explain(
    const struct txn *txns, int count, unsigned used, struct lists lists, bool with_time)
{
    bool is_done = true;
    for (int i = 0; i < count; i++) {
        is_done = is_done && ((used >> i & 1u) != 0 || txns[i].type != JEP_OK);
    }
    for (int i = 0; i < count && !is_done; i++) {
        bool may = (used >> i & 1u) == 0 && txns[i].type != JEP_FAIL;
        for (int j = 0; j < count && may && with_time; j++) {
            may = (used >> j & 1u) != 0 || txns[j].type != JEP_OK || txns[j].until >= txns[i].from;
        }
        struct lists after = lists;
        if (may && play(&txns[i], &after) &&
            explain(txns, count, used | 1u << i, after, with_time)) {
            return true;
        }
    }
    return is_done;
}

/* --- Random histories: played in some order, so that most reads make some sense. --- */

static void read_into(struct mop *mop, const struct lists *lists)
{
    mop->count = lists->counts[mop->key];
    memcpy(mop->list, lists->items[mop->key], sizeof(mop->list));
    if (mop->count > 0 && test_random(20) == 0) {
        mop->count--; /* stale */
    }
}

static int make(struct txn *txns)
{
    int count = 2 + (int)test_random(TXNS_MAX - 1), next_value = 1;
    struct lists lists = {0};
    for (int i = 0; i < count; i++) {
        struct txn *txn = &txns[i];
        struct lists before = lists;
        *txn = (struct txn){.count = 1 + (int)test_random(MOPS_MAX)};
        txn->type = test_random(8) == 0 ? JEP_INFO : test_random(8) == 0 ? JEP_FAIL : JEP_OK;
        for (int m = 0; m < txn->count; m++) {
            struct mop *mop = &txn->mops[m];
            mop->key = (int)test_random(KEYS);
            mop->is_append = test_random(2) == 0;
            if (mop->is_append) {
                mop->value = next_value++;
                lists.items[mop->key][lists.counts[mop->key]++] = mop->value;
            } else {
                read_into(mop, test_random(12) == 0 ? &before : &lists);
            }
        }
        bool is_undone = (txn->type == JEP_FAIL && test_random(10) > 0) ||
                         (txn->type == JEP_INFO && test_random(2) == 0);
        if (is_undone || test_random(25) == 0) {
            lists = before; /* not done, or lost */
        }
        int at = i * 3 + (int)test_random(12);
        txn->from = at * 16 + i;
        txn->until = (at + 1 + (int)test_random(8)) * 16 + 8 + i;
    }
    return count;
}

struct moment {
    int position;
    const struct txn *txn;
    bool is_end;
};

static int by_position(const void *a, const void *b)
{
    const struct moment *one = a, *other = b;
    return one->position - other->position;
}

static struct jep_edn edn_of(struct jep_arena *arena, const struct txn *txn, bool is_filled)
{
    struct jep_edn_list mops = {0};
    for (int m = 0; m < txn->count; m++) {
        const struct mop *mop = &txn->mops[m];
        struct jep_edn list[LIST_MAX];
        for (int i = 0; i < mop->count; i++) {
            list[i] = jep_edn_int(mop->list[i]);
        }
        struct jep_edn items[3] = {jep_edn_keyword(mop->is_append ? "append" : "r"),
            jep_edn_int(mop->key),
            mop->is_append                ? jep_edn_int(mop->value)
            : is_filled && mop->count > 0 ? jep_edn_vector(arena, list, (size_t)mop->count)
                                          : jep_edn_nil()};
        jep_edn_push(&mops, jep_edn_vector(arena, items, 3));
    }
    return jep_edn_take_vector(&mops, arena);
}

static struct jep_history *history_of(const struct txn *txns, int count)
{
    struct jep_history *history = jep_history_create();
    struct moment moments[2 * TXNS_MAX];
    size_t moments_count = 0;
    for (int i = 0; i < count; i++) {
        moments[moments_count++] = (struct moment){txns[i].from, &txns[i], false};
        moments[moments_count++] = (struct moment){txns[i].until, &txns[i], true};
    }
    qsort(moments, moments_count, sizeof(moments[0]), by_position);
    for (size_t i = 0; i < moments_count; i++) {
        const struct txn *txn = moments[i].txn;
        struct jep_op op = {.time_ns = moments[i].position,
            .type = moments[i].is_end ? txn->type : JEP_INVOKE,
            .process = txn - txns,
            .f = "txn",
            .value = edn_of(history->arena, txn, moments[i].is_end && txn->type == JEP_OK)};
        jep_history_add(history, &op);
    }
    return history;
}

static enum jep_verdict judge(struct jep_history *history, bool with_time)
{
    struct jep_check_options options = {.is_serializable_enough = !with_time};
    struct jep_limits limits = jep_limits_from_now(0, 1u << 28, UINT64_MAX);
    struct jep_result result = {0};
    EXPECT_TRUE(jep_history_check(history, NULL));
    jep_check_append(history, &options, &limits, &result);
    enum jep_verdict verdict = result.verdict;
    (void)jep_result_take(&result, history->arena);
    return verdict;
}

TEST(append, agrees_with_every_serial_order_of_small_histories) /* JEP-16 */
{
    size_t counts[2][2] = {{0}};
    for (size_t round = 0; round < ROUNDS; round++) {
        struct txn txns[TXNS_MAX];
        int count = make(txns);
        struct jep_history *history = history_of(txns, count);
        for (int with_time = 0; with_time < 2; with_time++) {
            bool is_good = explain(txns, count, 0, (struct lists){0}, with_time == 1);
            counts[with_time][is_good]++;
            enum jep_verdict verdict = judge(history, with_time == 1);
            if (verdict != (is_good ? JEP_VALID : JEP_INVALID)) {
                struct jep_text text = {0};
                for (size_t i = 0; i < history->count; i++) {
                    jep_op_write(&text, &history->ops[i]);
                }
                (void)fprintf(stderr, "with time %d:\n%s", with_time, text.bytes);
                jep_text_free(&text);
            }
            EXPECT_EQ(is_good ? JEP_VALID : JEP_INVALID, verdict);
        }
        jep_history_destroy(history);
    }
    for (size_t i = 0; i < 4; i++) {
        EXPECT_TRUE(counts[i / 2][i % 2] > ROUNDS / 20); /* reached what it guards */
    }
}
