#include "jepsen/core/rng.h"

#include <string.h>

#include "tests/lib/test.h"

TEST(rng, one_seed_gives_each_name_its_own_numbers_again) /* JEP-4 */
{
    struct jep_rng a = jep_rng_stream(7, "plan"), again = jep_rng_stream(7, "plan");
    struct jep_rng b = jep_rng_stream(7, "nemesis"), c = jep_rng_stream(8, "plan");
    struct jep_rng d = jep_rng_stream_at(7, "plan", 1);
    for (size_t i = 0; i < 100; i++) {
        uint64_t drawn = jep_rng_next(&a);
        EXPECT_TRUE(drawn == jep_rng_next(&again));
        EXPECT_TRUE(drawn != jep_rng_next(&b) && drawn != jep_rng_next(&c));
        EXPECT_TRUE(drawn != jep_rng_next(&d));
    }
}

TEST(rng, the_numbers_are_those_that_every_machine_gets) /* JEP-4 */
{
    struct jep_rng rng = {0}; /* splitmix64 of 0, as published with the generator */
    EXPECT_TRUE(jep_rng_next(&rng) == 0xe220a8397b1dcdafu);
    EXPECT_TRUE(jep_rng_next(&rng) == 0x6e789e6aa1b965f4u);
    EXPECT_TRUE(jep_rng_next(&rng) == 0x06c45d188009454fu);
}

TEST(rng, draws_stay_within_their_bounds_and_reach_them)
{
    struct jep_rng rng = jep_rng_stream(test_seed(), "bounds");
    bool seen[7] = {false};
    int64_t waited_ns = 0;
    for (size_t i = 0; i < 10000; i++) {
        int64_t drawn = jep_rng_between(&rng, -3, 3);
        EXPECT_TRUE(drawn >= -3 && drawn <= 3);
        seen[drawn + 3] = true;
        int64_t wait_ns = jep_rng_wait_ns(&rng, 1000000);
        EXPECT_TRUE(wait_ns >= 0 && wait_ns <= 20000000);
        waited_ns += wait_ns;
    }
    for (size_t i = 0; i < 7; i++) {
        EXPECT_TRUE(seen[i]);
    }
    EXPECT_TRUE(waited_ns / 10000 > 950000 && waited_ns / 10000 < 1050000);
    EXPECT_EQ(0, jep_rng_below(&rng, 0));
    EXPECT_TRUE(jep_rng_chance(&rng, 1, 1) && !jep_rng_chance(&rng, 0, 5));
}

TEST(rng, a_shuffle_keeps_what_it_moves)
{
    struct jep_rng rng = jep_rng_stream(test_seed(), "shuffle");
    uint32_t items[50], seen = 0, moved = 0;
    for (uint32_t i = 0; i < 50; i++) {
        items[i] = i;
    }
    jep_rng_shuffle(&rng, items, 50, sizeof(items[0]));
    for (uint32_t i = 0; i < 50; i++) {
        seen += items[i];
        moved += items[i] != i ? 1 : 0;
    }
    EXPECT_EQ(49 * 50 / 2, seen);
    EXPECT_TRUE(moved > 25);
}
