#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "jepsen/cluster/aim.h"
#include "jepsen/cluster/nemesis.h"
#include "jepsen/cluster/shim/page.h"
#include "raft/failpoint.h"
#include "tests/lib/test.h"

/* Places at which a test build ends, from both sides: harness and product share no code, and must
 * mean the same. */

TEST(failpoint, both_sides_lay_the_page_out_alike)
{
    EXPECT_TEXT(JEP_FAIL_ENV, WEFT_FAILPOINT_ENV);
    EXPECT_EQ(JEP_FAIL_NAME_BYTES, WEFT_FAILPOINT_NAME_SIZE);
    EXPECT_EQ(sizeof(struct jep_fail_page), sizeof(struct weft_failpoint_page));
    EXPECT_EQ(offsetof(struct jep_fail_page, armed), offsetof(struct weft_failpoint_page, armed));
    EXPECT_EQ(offsetof(struct jep_fail_page, left), offsetof(struct weft_failpoint_page, left));
    EXPECT_EQ(
        offsetof(struct jep_fail_page, present), offsetof(struct weft_failpoint_page, present));
    EXPECT_EQ(
        offsetof(struct jep_fail_page, ended_at), offsetof(struct weft_failpoint_page, ended_at));
    EXPECT_TRUE(sizeof(struct jep_fail_page) <= JEP_PAGE_BYTES);
}

static int point_of(const char *keyword)
{
    char name[JEP_FAIL_NAME_BYTES];
    (void)snprintf(name, sizeof(name), "fp-%s", keyword);
    for (int point = 0; point < WEFT_FAILPOINTS; point++) {
        if (strcmp(name, weft_failpoint_name((enum weft_failpoint)point)) == 0) {
            return point;
        }
    }
    return -1;
}

TEST(failpoint, plans_name_places_that_are_there_and_each_of_them_is_named)
{
    static const struct jep_shape shape = {1, 3, 1, 0};
    bool is_named[WEFT_FAILPOINTS] = {false};
    size_t count, looked_at = 0;
    const struct jep_nemesis *const *all = jep_nemesis_all(&count);
    struct jep_arena *arena = jep_arena_create();
    for (size_t i = 0; i < count; i++) {
        if ((all[i]->flags & JEP_NEMESIS_TEST_BUILD) == 0) {
            continue;
        }
        for (uint64_t number = 0; number < 60; number++) {
            struct jep_rng rng = jep_rng_stream_at(test_seed(), all[i]->name, number);
            struct jep_edn plan = all[i]->plan(&rng, &shape, arena);
            int point = point_of(jep_aim_keyword(&plan, "point"));
            EXPECT_TRUE(point >= 0);
            EXPECT_TRUE(jep_aim_int(&plan, "times") >= 1);
            is_named[point] = true;
            looked_at++;
        }
    }
    EXPECT_TRUE(looked_at >= 300);
    for (int point = 0; point < WEFT_FAILPOINTS; point++) {
        EXPECT_TRUE(is_named[point]);
    }
    jep_arena_destroy(arena);
}

TEST(failpoint, one_that_is_asked_for_wants_a_test_build_and_all_of_them_do_not)
{
    EXPECT_TRUE(jep_nemesis_wants_test_build("failpoint"));
    EXPECT_TRUE(jep_nemesis_wants_test_build("kill,failpoint-meta-copy"));
    EXPECT_TRUE(!jep_nemesis_wants_test_build("kill,pause"));
    EXPECT_TRUE(!jep_nemesis_wants_test_build("all"));
    EXPECT_TRUE(!jep_nemesis_wants_test_build(""));
    EXPECT_TRUE(!jep_nemesis_wants_test_build("failpoints"));
}

TEST(failpoint, a_place_is_due_at_its_nth_time_alone)
{
    struct weft_failpoint_page page = {.armed = "fp-apply", .left = 3};
    EXPECT_TRUE(!weft_failpoint_is_due(&page, WEFT_FAILPOINT_APPLY));
    EXPECT_TRUE(!weft_failpoint_is_due(&page, WEFT_FAILPOINT_APPLIED)); /* its name begins alike */
    EXPECT_TRUE(!weft_failpoint_is_due(&page, WEFT_FAILPOINT_APPLY));
    EXPECT_EQ(1, page.left);
    EXPECT_TRUE(weft_failpoint_is_due(&page, WEFT_FAILPOINT_APPLY));
    EXPECT_EQ(0, page.left);
    EXPECT_TRUE(!weft_failpoint_is_due(&page, WEFT_FAILPOINT_APPLY));
    EXPECT_EQ(0, page.left);
}

TEST(failpoint, without_a_page_every_place_is_passed)
{
    EXPECT_TRUE(weft_failpoint_open(NULL));
    EXPECT_TRUE(!weft_failpoint_open("/nonexistent/page"));
    for (int point = 0; point < WEFT_FAILPOINTS; point++) {
        weft_failpoint_reached((enum weft_failpoint)point);
    }
}
