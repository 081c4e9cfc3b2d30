#include "node/question_gate.h"

#include "tests/lib/test.h"

static struct weft_tiers_question question(uint8_t query, uint8_t subject)
{
    return (struct weft_tiers_question){.query = {{query}}, .subject = {{subject}}};
}

/* NOD-277: so many at once, then one each 10 ms; another partner's are his own. */
TEST(question_gate, a_flood_is_refused_and_takes_nothing_from_others)
{
    struct weft_question_gate gate = {.count = 0};
    uint32_t taken = 0;
    for (int i = 0; i < 100000; i++) {
        taken += weft_question_gate_take(&gate, 3, 1000);
    }
    EXPECT_EQ(WEFT_QUESTIONS_BURST, taken);
    EXPECT_TRUE(weft_question_gate_take(&gate, 4, 1000));
    for (uint64_t ms = 1000; ms < 2000; ms++) {
        taken += weft_question_gate_take(&gate, 3, ms);
    }
    EXPECT_EQ(WEFT_QUESTIONS_BURST + 99, taken);
    EXPECT_TRUE(weft_question_gate_take(&gate, 4, 500)); /* Of before: nothing is given for it. */
    EXPECT_TRUE(weft_question_gate_take(&gate, 3, 3600 * 1000));
    weft_question_gate_close(&gate);
}

/* NOD-277: sixty-four of one do not go before another's first. */
TEST(question_gate, partners_are_looked_at_in_turn)
{
    struct weft_question_gate gate = {.count = 0};
    EXPECT_TRUE(!weft_question_gate_is_before(&gate, 3, 40)); /* As they came. */
    EXPECT_TRUE(!weft_question_gate_is_before(&gate, 40, 3));
    weft_question_gate_look(&gate, 3, 1);
    EXPECT_TRUE(weft_question_gate_is_before(&gate, 40, 3));
    EXPECT_TRUE(!weft_question_gate_is_before(&gate, 3, 40));
    EXPECT_TRUE(!weft_question_gate_is_before(&gate, 3, 3));
    weft_question_gate_look(&gate, 40, 2);
    EXPECT_TRUE(weft_question_gate_is_before(&gate, 3, 40));
    weft_question_gate_close(&gate);
}

/* NOD-277: whoever has most gives way, until all have alike. */
TEST(question_gate, places_come_to_be_shared_alike)
{
    struct weft_question_gate gate = {.count = 0};
    EXPECT_EQ(UINT32_MAX, weft_question_gate_yields(&gate, 9));
    for (int i = 0; i < 3; i++) {
        weft_question_gate_open(&gate, 3, 1);
        weft_question_gate_open(&gate, 40, 1);
    }
    weft_question_gate_open(&gate, 40, 1);
    EXPECT_EQ(40, weft_question_gate_yields(&gate, 9));
    EXPECT_EQ(UINT32_MAX, weft_question_gate_yields(&gate, 3)); /* He would have no fewer. */
    EXPECT_EQ(UINT32_MAX, weft_question_gate_yields(&gate, 40));
    weft_question_gate_end(&gate, 3);
    EXPECT_EQ(40, weft_question_gate_yields(&gate, 3));
    weft_question_gate_end(&gate, 9);
    weft_question_gate_end(&gate, 9000);
    EXPECT_EQ(40, weft_question_gate_yields(&gate, 9000));
    weft_question_gate_close(&gate);
    weft_question_gate_end(&gate, 40);
}

TEST(question_gate, a_question_about_a_thing_is_answered_once)
{
    struct weft_question_gate gate = {.count = 0};
    struct weft_tiers_question q = question(1, 1);
    EXPECT_TRUE(weft_question_gate_visit(&gate, 1, &q));
    EXPECT_TRUE(!weft_question_gate_visit(&gate, 1, &q));
    EXPECT_TRUE(weft_question_gate_visit(&gate, 2, &q));
    q = question(1, 2);
    EXPECT_TRUE(weft_question_gate_visit(&gate, 1, &q));
    q = question(2, 1);
    EXPECT_TRUE(weft_question_gate_visit(&gate, 1, &q));
    /* Of the last so many. */
    for (uint32_t i = 0; i < WEFT_QUESTIONS_VISITED_MAX; i++) {
        q.query.bytes[1] = (uint8_t)(i >> 8);
        q.query.bytes[2] = (uint8_t)i;
        q.query.bytes[3] = 1;
        EXPECT_TRUE(weft_question_gate_visit(&gate, 1, &q));
    }
    q = question(1, 1);
    EXPECT_TRUE(weft_question_gate_visit(&gate, 1, &q));
    weft_question_gate_close(&gate);
}

TEST(question_gate, what_was_refused_is_counted_by_partner)
{
    struct weft_question_gate gate = {.count = 0};
    EXPECT_EQ(0, weft_question_gate_figures(&gate, 7).answers_refused);
    weft_question_gate_at(&gate, 7, 0)->answers_refused = 2;
    weft_question_gate_at(&gate, 70, 0)->questions_refused = 3;
    EXPECT_EQ(2, weft_question_gate_figures(&gate, 7).answers_refused);
    EXPECT_EQ(0, weft_question_gate_figures(&gate, 7).questions_refused);
    EXPECT_EQ(3, weft_question_gate_figures(&gate, 70).questions_refused);
    EXPECT_EQ(0, weft_question_gate_figures(&gate, 7000).questions_refused);
    weft_question_gate_close(&gate);
}
