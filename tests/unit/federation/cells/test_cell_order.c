/* Order independence: whatever the order in which statements and handoffs come, and however often,
 * a set of them has one state. CELL_ORDERS arrival orders, 1,000,000 unless a sanitizer watches. */
#include <string.h>

#include "tests/lib/test.h"
#include "tests/unit/federation/cells/cell_rig.h"
#include "tests/unit/federation/cells/naive_cell.h"

#ifndef CELL_ORDERS
#ifdef WEFT_SANITIZED
#define CELL_ORDERS 50000
#else
#define CELL_ORDERS 1000000
#endif
#endif

enum {
    ORDERS_OF_ONE = 250, /* of one set: of 6 statements there are 720 */
    COUNT_MAX = 8,
};

static struct rig_side side;
static struct rig_world world;

/* A random order of the world's statements and handoffs, in which some come again. */
static void deliver(struct rig_side *to)
{
    uint8_t order[RIG_STATEMENTS_MAX + RIG_HANDOFFS_MAX];
    uint32_t count = world.count + world.handoff_count;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t k = (uint32_t)test_random(i + 1);
        order[i] = order[k];
        order[k] = (uint8_t)i;
    }
    rig_empty(to);
    for (uint32_t i = 0; i < count; i++) {
        if (order[i] >= world.count) {
            rig_hand(to, &world.handoffs[order[i] - world.count]);
            continue;
        }
        rig_add(to, &world.statements[order[i]]);
        if (i > 0 && order[i - 1] < world.count && (order[i] & 3u) == 0) {
            rig_add(to, &world.statements[order[i - 1]]);
        }
    }
}

TEST(cell_order, a_million_arrival_orders_of_small_sets_give_each_set_one_state)
{
    uint32_t sets = 0, disputed = 0, valued = 0;
    for (uint32_t done = 0; done < CELL_ORDERS; done += ORDERS_OF_ONE) {
        struct weft_digest expected = {{0}};
        rig_draw(&world, (enum weft_cell_rule)(sets % WEFT_CELL_RULES), COUNT_MAX);
        for (uint32_t i = 0; i < ORDERS_OF_ONE; i++) {
            deliver(&side);
            const struct weft_cell_answer *answer = rig_judge(&side, world.rule);
            struct weft_digest state = rig_state(&side);
            if (i == 0) {
                expected = state;
                disputed += answer->is_disputed;
                valued += answer->has_value;
            }
            if (!weft_digest_equal(&expected, &state)) {
                EXPECT_MEM(&expected, &state, sizeof(state));
            }
        }
        sets++;
    }
    rig_end(&side);
    EXPECT_TRUE(disputed > sets / 10 && valued > sets / 4 && disputed < sets);
}

static void expect_as_naive(const struct weft_cell_answer *answer)
{
    struct naive_answer naive = naive_judge(world.rule, rig_parties, rig_holder, side.handoffs,
        side.handoff_count, side.set.statements, side.set.count);
    EXPECT_EQ(naive.has_value, answer->has_value);
    EXPECT_EQ(naive.is_disputed, answer->is_disputed);
    EXPECT_EQ(naive.is_awaited, answer->is_awaited);
    EXPECT_EQ(naive.has_unknown_word, answer->has_unknown_word);
    if (naive.has_value) {
        EXPECT_TRUE(weft_text_is(answer->value, naive.value));
    }
    for (uint32_t i = 0; i < answer->count; i++) {
        EXPECT_EQ(naive.is_open[i], (answer->claims[i] & WEFT_CLAIM_OPEN) != 0);
        EXPECT_EQ(naive.is_effective[i], (answer->claims[i] & WEFT_CLAIM_EFFECTIVE) != 0);
    }
}

TEST(cell_order, rules_and_their_naive_reading_agree_on_random_sets)
{
    uint32_t flags = 0, awaited = 0, crossed = 0;
    for (uint32_t n = 0; n < 20000; n++) {
        rig_draw(&world, (enum weft_cell_rule)(n % WEFT_CELL_RULES), 4 + n % 12);
        deliver(&side);
        const struct weft_cell_answer *answer = rig_judge(&side, world.rule);
        expect_as_naive(answer);
        awaited += answer->is_awaited;
        crossed += world.rule == WEFT_CELL_DUAL && answer->is_disputed;
        for (uint32_t i = 0; i < answer->count; i++) {
            flags |= answer->claims[i];
        }
    }
    rig_end(&side);
    EXPECT_EQ((1 << 10) - 1, flags); /* Each way to stand was there. */
    EXPECT_TRUE(awaited > 100 && crossed > 100);
}
