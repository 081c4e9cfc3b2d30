#include "node/pace.h"

#include "tests/lib/test.h"

enum {
    MS = 1000 * 1000,
    SLICE = 50 * 1000 /* ns of work between two steps */
};

/* A clock that only this test moves. */
struct fixture {
    struct weft_pace pace;
    uint64_t now_ns;
    uint64_t worked_ns;
    uint64_t rested_ns;
    uint64_t longest_rest_ns; /* From work to work. */
};

static void start(struct fixture *f, uint32_t share_percent)
{
    *f = (struct fixture){.now_ns = 77};
    weft_pace_init(&f->pace, share_percent, f->now_ns);
}

/* Works a slice, then rests as long as it is told to. */
static void work(struct fixture *f, uint64_t slice_ns, bool is_busy)
{
    uint64_t since_ns = 0, rest_ns, work_ns = slice_ns;
    f->now_ns += slice_ns;
    f->worked_ns += slice_ns;
    while ((rest_ns = weft_pace_step(&f->pace, f->now_ns, work_ns, is_busy)) > 0) {
        EXPECT_TRUE(rest_ns <= WEFT_PACE_REST_NS);
        f->now_ns += rest_ns;
        since_ns += rest_ns;
        work_ns = 0;
    }
    f->rested_ns += since_ns;
    f->longest_rest_ns = since_ns > f->longest_rest_ns ? since_ns : f->longest_rest_ns;
}

TEST(pace, lets_work_go_on_while_no_commit_is_under_way)
{
    struct fixture f;
    start(&f, 10);
    for (int i = 0; i < 100000; i++) {
        work(&f, SLICE, false);
    }
    EXPECT_EQ(0, f.rested_ns);
}

TEST(pace, gives_work_its_share_while_commits_are_under_way)
{
    static const uint32_t shares[] = {1, 3, 10, 25, 50, 99, 100};
    for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++) {
        struct fixture f;
        start(&f, shares[i]);
        for (int k = 0; k < 20000; k++) {
            work(&f, SLICE, true);
        }
        uint64_t percent_max = shares[i] + 1;
        EXPECT_TRUE(f.worked_ns * 100 <= (f.worked_ns + f.rested_ns) * percent_max);
        /* And not less: it is a share, not what others leave. */
        EXPECT_TRUE(
            f.worked_ns * 100 + 100 * (uint64_t)MS >= (f.worked_ns + f.rested_ns) * shares[i]);
    }
}

TEST(pace, never_rests_longer_than_its_limit_between_two_slices) /* NOD-12 */
{
    struct fixture f;
    start(&f, 1);
    for (int i = 0; i < 1000; i++) {
        work(&f, (uint64_t)(i + 1) * MS, true); /* Far more than is owed for. */
        EXPECT_TRUE(f.longest_rest_ns <= WEFT_PACE_OWED_MAX_NS);
    }
    EXPECT_EQ(WEFT_PACE_OWED_MAX_NS, f.longest_rest_ns);
}

TEST(pace, a_read_of_known_work_ends_within_its_bound) /* NOD-12 */
{
    struct fixture f;
    start(&f, 10);
    uint64_t begun_ns = f.now_ns, work_ns = 30 * MS;
    while (f.worked_ns < work_ns) {
        work(&f, SLICE, true);
    }
    EXPECT_TRUE(f.now_ns - begun_ns <= work_ns * 10);
    EXPECT_TRUE(f.now_ns - begun_ns >= work_ns * 9 - WEFT_PACE_OWED_NS);
}

TEST(pace, forgives_what_is_owed_once_commits_end)
{
    struct fixture f;
    start(&f, 10);
    f.now_ns += 10 * MS;
    EXPECT_EQ(WEFT_PACE_REST_NS, weft_pace_step(&f.pace, f.now_ns, 10 * MS, true));
    f.now_ns += WEFT_PACE_REST_NS;
    EXPECT_TRUE(weft_pace_step(&f.pace, f.now_ns, 0, true) > 0);
    EXPECT_EQ(0, weft_pace_step(&f.pace, f.now_ns, 0, false));
    EXPECT_EQ(0, weft_pace_step(&f.pace, f.now_ns, 0, true));
}

TEST(pace, counts_time_without_work_as_rest)
{
    struct fixture f;
    start(&f, 10);
    f.now_ns += MS;
    EXPECT_TRUE(weft_pace_step(&f.pace, f.now_ns, MS, true) > 0); /* 9 ms are owed. */
    f.now_ns += 9 * MS;                                           /* Nobody asked anything. */
    EXPECT_EQ(0, weft_pace_step(&f.pace, f.now_ns, 0, true));
}

TEST(pace, lets_a_short_burst_pass)
{
    struct fixture f;
    start(&f, 10);
    f.now_ns += MS / 4;
    EXPECT_EQ(0, weft_pace_step(&f.pace, f.now_ns, MS / 4, true));
    f.now_ns += MS / 4;
    EXPECT_TRUE(weft_pace_step(&f.pace, f.now_ns, MS / 4, true) > 0);
}

TEST(pace, bears_clocks_that_stand_still_and_work_past_all_measure)
{
    struct fixture f;
    start(&f, 1);
    EXPECT_TRUE(weft_pace_step(&f.pace, f.now_ns, UINT64_MAX, true) > 0);
    EXPECT_TRUE(weft_pace_step(&f.pace, f.now_ns - 50, 0, true) > 0);
    EXPECT_EQ(0, weft_pace_step(&f.pace, UINT64_MAX, 0, true));
}
