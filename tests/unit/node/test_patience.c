/* Who is refused too often waits, for a time that follows from the refusals alone. */
#include "node/patience.h"

#include <string.h>

#include "tests/lib/test.h"

enum {
    T0 = 1000 * 1000, /* ms; any */
    ANN = 5,
    BO = 7
};

/* So many refusals at once; the wait after the last one. */
static uint64_t refuse(struct weft_patience *p, uint64_t key, uint32_t count, uint64_t now_ms)
{
    uint64_t wait_ms = 0;
    for (uint32_t i = 0; i < count; i++) {
        wait_ms = weft_patience_charge(p, key, now_ms).wait_ms;
    }
    return wait_ms;
}

TEST(bucket, tokens_come_back_one_by_one_and_no_more_than_fit)
{
    struct weft_bucket b = {.left = 4, .refilled_ms = T0};
    weft_bucket_take(&b, 0);
    weft_bucket_take(&b, 0);
    EXPECT_EQ(2, b.left);
    weft_bucket_refill(&b, 4, 10, T0 + 9);
    EXPECT_EQ(2, b.left);
    weft_bucket_refill(&b, 4, 10, T0 + 11); /* What is over of it counts next time. */
    EXPECT_EQ(3, b.left);
    weft_bucket_refill(&b, 4, 10, T0 + 20);
    EXPECT_EQ(4, b.left);
    weft_bucket_refill(&b, 4, 10, UINT64_MAX);
    EXPECT_EQ(4, b.left);
    weft_bucket_refill(&b, 4, 10, T0); /* A clock that goes back gives nothing, takes nothing. */
    EXPECT_EQ(4, b.left);
}

TEST(bucket, what_is_owed_has_a_bound_and_a_time)
{
    struct weft_bucket b = {.left = 0, .refilled_ms = T0};
    EXPECT_EQ(0, weft_bucket_wait_ms(&b, 10, T0));
    for (int i = 0; i < 5; i++) {
        weft_bucket_take(&b, -3);
    }
    EXPECT_EQ(-3, b.left);
    EXPECT_EQ(30, weft_bucket_wait_ms(&b, 10, T0));
    EXPECT_EQ(26, weft_bucket_wait_ms(&b, 10, T0 + 4));
    EXPECT_EQ(0, weft_bucket_wait_ms(&b, 10, T0 + 31));
    weft_bucket_refill(&b, 4, 10, T0 + 30);
    EXPECT_EQ(0, b.left);
}

TEST(patience, a_burst_is_free_and_what_is_above_it_waits)
{
    static struct weft_patience p;
    EXPECT_EQ(0, refuse(&p, ANN, WEFT_PATIENCE_BURST, T0));
    EXPECT_EQ(0, p.paced);
    EXPECT_EQ(WEFT_PATIENCE_TOKEN_MS, refuse(&p, ANN, 1, T0));
    EXPECT_EQ(2 * WEFT_PATIENCE_TOKEN_MS, refuse(&p, ANN, 1, T0));
    EXPECT_EQ(2, p.paced);
    EXPECT_EQ(2 * WEFT_PATIENCE_TOKEN_MS, weft_patience_wait_ms(&p, ANN, T0));
    EXPECT_EQ(0, weft_patience_wait_ms(&p, ANN, T0 + 2 * WEFT_PATIENCE_TOKEN_MS));
    EXPECT_EQ(0, refuse(&p, BO, WEFT_PATIENCE_BURST, T0)); /* Nobody else waits. */
    EXPECT_EQ(UINT32_MAX, weft_patience_ahead(&p, 9, T0));
}

/* Whoever asks again as soon as he may, and is refused at once, for a minute. */
TEST(patience, nobody_is_refused_faster_than_the_pace_for_long)
{
    static struct weft_patience p;
    uint64_t now_ms = T0, end_ms = T0 + 60 * 1000;
    uint32_t refused = 0;
    while (now_ms < end_ms) {
        uint32_t ahead = weft_patience_ahead(&p, ANN, now_ms);
        ahead = ahead < 64 ? ahead : 64;
        now_ms += refuse(&p, ANN, ahead, now_ms);
        refused += ahead;
    }
    uint32_t fair = WEFT_PATIENCE_BURST + 60 * 1000 / WEFT_PATIENCE_TOKEN_MS;
    EXPECT_TRUE(refused >= fair && refused <= fair + 2);
}

TEST(patience, who_has_used_half_of_the_burst_has_no_more_under_way_than_is_left)
{
    static struct weft_patience p;
    (void)refuse(&p, ANN, WEFT_PATIENCE_BURST / 2 - 1, T0);
    EXPECT_EQ(UINT32_MAX, weft_patience_ahead(&p, ANN, T0));
    (void)refuse(&p, ANN, 1, T0);
    EXPECT_EQ(WEFT_PATIENCE_BURST / 2, weft_patience_ahead(&p, ANN, T0));
    (void)refuse(&p, ANN, WEFT_PATIENCE_BURST / 2 - 3, T0);
    EXPECT_EQ(3, weft_patience_ahead(&p, ANN, T0));
    (void)refuse(&p, ANN, 10, T0);
    EXPECT_EQ(1, weft_patience_ahead(&p, ANN, T0)); /* The one that shows that he may again. */
}

TEST(patience, nobody_waits_longer_than_the_bound_and_all_is_forgotten_in_time)
{
    static struct weft_patience p;
    uint64_t most_ms = (uint64_t)WEFT_PATIENCE_DEBT_MAX * WEFT_PATIENCE_TOKEN_MS;
    EXPECT_EQ(most_ms, refuse(&p, ANN, 100 * 1000, T0));
    EXPECT_EQ(0, weft_patience_wait_ms(&p, ANN, T0 + most_ms));
    uint64_t full_ms = most_ms + (uint64_t)WEFT_PATIENCE_BURST * WEFT_PATIENCE_TOKEN_MS;
    EXPECT_EQ(UINT32_MAX, weft_patience_ahead(&p, ANN, T0 + full_ms));
    EXPECT_EQ(0, refuse(&p, ANN, WEFT_PATIENCE_BURST, T0 + full_ms));
    EXPECT_EQ(WEFT_PATIENCE_TOKEN_MS, refuse(&p, ANN, 1, T0 + full_ms));
}

TEST(patience, one_that_waits_is_told_of_once_in_ten_seconds)
{
    static struct weft_patience p;
    (void)refuse(&p, ANN, WEFT_PATIENCE_BURST, T0);
    EXPECT_TRUE(weft_patience_charge(&p, ANN, T0).is_news);
    EXPECT_TRUE(!weft_patience_charge(&p, ANN, T0).is_news);
    (void)refuse(&p, BO, WEFT_PATIENCE_BURST, T0);
    EXPECT_TRUE(weft_patience_charge(&p, BO, T0).is_news);
    (void)refuse(&p, ANN, WEFT_PATIENCE_DEBT_MAX, T0);
    EXPECT_TRUE(!weft_patience_charge(&p, ANN, T0 + WEFT_PATIENCE_TOLD_MS - 1).is_news);
    EXPECT_TRUE(weft_patience_charge(&p, ANN, T0 + WEFT_PATIENCE_TOLD_MS).is_news);
}

/* NOD-232: as many as can have an account at a place, and then more: the ones that owe most stay.
 */
TEST(patience, who_owes_is_not_forgotten_for_others)
{
    static struct weft_patience p;
    for (uint64_t i = 0; i < WEFT_PATIENCE_PROBES; i++) {
        uint32_t more = i == 3 ? 0 : 50;
        (void)refuse(&p, ANN + i * WEFT_PATIENCE_ACCOUNTS, WEFT_PATIENCE_BURST + more, T0);
    }
    for (uint64_t i = 0; i < 1000; i++) {
        (void)refuse(&p, ANN + (100 + i) * WEFT_PATIENCE_ACCOUNTS, 1, T0);
    }
    for (uint64_t i = 0; i < WEFT_PATIENCE_PROBES; i++) {
        uint64_t key = ANN + i * WEFT_PATIENCE_ACCOUNTS;
        uint64_t owed_ms = i == 3 ? 0 : 50 * WEFT_PATIENCE_TOKEN_MS;
        EXPECT_EQ(owed_ms, weft_patience_wait_ms(&p, key, T0));
    }
}
