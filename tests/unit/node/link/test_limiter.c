#include <stdio.h>

#include "node/link/limiter.h"
#include "tests/lib/test.h"

TEST(limiter, says_the_first_of_a_kind_and_counts_the_others)
{
    static struct weft_limiter l;
    l = (struct weft_limiter){0};
    uint64_t count = 99;
    EXPECT_TRUE(weft_limiter_hit(&l, 1, "192.0.2.1", 1000, &count));
    EXPECT_EQ(0, count);
    for (uint64_t i = 0; i < 500; i++) {
        EXPECT_TRUE(!weft_limiter_hit(&l, 1, "192.0.2.1", 1000 + i * 19, &count));
    }
    EXPECT_TRUE(!weft_limiter_hit(&l, 1, "192.0.2.1", 1000 + WEFT_LIMITER_WINDOW_MS - 1, &count));
    EXPECT_TRUE(weft_limiter_hit(&l, 1, "192.0.2.1", 1000 + WEFT_LIMITER_WINDOW_MS, &count));
    EXPECT_EQ(501, count);
    EXPECT_TRUE(!weft_limiter_hit(&l, 1, "192.0.2.1", 1000 + WEFT_LIMITER_WINDOW_MS, &count));
}

TEST(limiter, keeps_peers_and_causes_apart)
{
    static struct weft_limiter l;
    l = (struct weft_limiter){0};
    uint64_t count;
    EXPECT_TRUE(weft_limiter_hit(&l, 1, "192.0.2.1", 0, &count));
    EXPECT_TRUE(weft_limiter_hit(&l, 2, "192.0.2.1", 0, &count));
    EXPECT_TRUE(weft_limiter_hit(&l, 1, "192.0.2.2", 0, &count));
    EXPECT_TRUE(!weft_limiter_hit(&l, 2, "192.0.2.1", 0, &count));
}

TEST(limiter, a_flood_from_everywhere_stays_bounded)
{
    static struct weft_limiter l;
    l = (struct weft_limiter){0};
    uint64_t count, said = 0, told = 0;
    char peer[32];
    for (uint64_t i = 0; i < 100000; i++) { /* 100 s, a new address each ms. */
        (void)snprintf(peer, sizeof(peer), "peer-%llu", (unsigned long long)i);
        if (weft_limiter_hit(&l, 1, peer, i + 1, &count)) {
            said++;
            told += count;
        }
    }
    EXPECT_TRUE(said <= 11 * (WEFT_LIMITER_ENTRIES_MAX + 1));
    EXPECT_TRUE(said >= 9 * WEFT_LIMITER_ENTRIES_MAX);
    EXPECT_TRUE(told > 80000); /* The others were counted, not lost. */
}

TEST(limiter, long_names_are_told_apart_by_what_is_kept)
{
    static struct weft_limiter l;
    l = (struct weft_limiter){0};
    uint64_t count;
    char a[300], b[300];
    for (size_t i = 0; i < sizeof(a); i++) {
        a[i] = b[i] = 'x';
    }
    a[299] = b[299] = '\0';
    b[100] = 'y';
    EXPECT_TRUE(weft_limiter_hit(&l, 1, a, 0, &count));
    EXPECT_TRUE(weft_limiter_hit(&l, 1, b, 0, &count));
    EXPECT_TRUE(!weft_limiter_hit(&l, 1, a, 0, &count));
}
