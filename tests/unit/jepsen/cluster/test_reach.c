#include <string.h>

#include "jepsen/cluster/reach.h"
#include "tests/lib/test.h"

/* Who reaches whom, and whether that is enough. */

static struct jep_reach all_up(unsigned count)
{
    struct jep_reach reach = {.count = count};
    for (unsigned i = 0; i < count; i++) {
        reach.is_member[i] = reach.is_up[i] = true;
    }
    return reach;
}

static unsigned reached_by(const struct jep_reach *reach, unsigned i)
{
    unsigned count = 0;
    for (unsigned k = 0; k < reach->count; k++) {
        count += i == k || (!reach->is_cut[i][k] && !reach->is_cut[k][i]);
    }
    return count;
}

TEST(reach, a_majority_that_is_up_is_a_quorum_and_one_less_is_none)
{
    for (unsigned count = 1; count <= 7; count += 2) {
        struct jep_reach reach = all_up(count);
        for (unsigned down = 0; down < count; down++) {
            EXPECT_EQ(count - down >= count / 2 + 1, jep_reach_has_quorum(&reach));
            reach.is_up[down] = false;
        }
        EXPECT_TRUE(!jep_reach_has_quorum(&reach));
    }
}

TEST(reach, a_node_that_is_no_member_neither_leads_nor_counts)
{
    struct jep_reach reach = all_up(4);
    reach.is_member[3] = false;
    reach.is_up[0] = reach.is_up[1] = false;
    EXPECT_TRUE(!jep_reach_has_quorum(&reach));
    reach.is_up[1] = true;
    EXPECT_TRUE(jep_reach_has_quorum(&reach));
}

TEST(reach, a_cut_in_one_direction_is_no_connection)
{
    struct jep_reach reach = all_up(3);
    reach.is_up[2] = false;
    reach.is_cut[0][1] = true;
    EXPECT_TRUE(!jep_reach_has_quorum(&reach));
    reach.is_cut[0][1] = false;
    EXPECT_TRUE(jep_reach_has_quorum(&reach));
}

TEST(reach, a_group_that_is_cut_off_reaches_itself_alone)
{
    struct jep_reach reach = all_up(5);
    const bool group[5] = {true, false, true, false, false};
    jep_reach_cut_group(&reach, group);
    EXPECT_EQ(2, reached_by(&reach, 0));
    EXPECT_EQ(3, reached_by(&reach, 1));
    EXPECT_TRUE(!reach.is_cut[0][2] && reach.is_cut[0][1] && reach.is_cut[1][0]);
    EXPECT_TRUE(jep_reach_has_quorum(&reach));
}

TEST(reach, around_a_ring_everybody_sees_a_majority_and_no_two_the_same)
{
    for (unsigned count = 5; count <= 7; count += 2) {
        struct jep_reach reach = all_up(count);
        unsigned order[7] = {4, 2, 0, 3, 1, 6, 5};
        jep_reach_cut_ring(&reach, order);
        for (unsigned i = 0; i < count; i++) {
            EXPECT_TRUE(reached_by(&reach, i) >= count / 2 + 1 && reached_by(&reach, i) < count);
            for (unsigned k = 0; k < i; k++) {
                EXPECT_TRUE(memcmp(reach.is_cut[i], reach.is_cut[k], sizeof(reach.is_cut[i])) != 0);
            }
        }
        EXPECT_TRUE(jep_reach_has_quorum(&reach));
    }
}

TEST(reach, a_ring_of_three_cuts_each_pair_in_one_direction)
{
    struct jep_reach reach = all_up(3);
    const unsigned order[3] = {2, 0, 1};
    jep_reach_cut_ring(&reach, order);
    EXPECT_TRUE(reach.is_cut[2][0] && reach.is_cut[0][1] && reach.is_cut[1][2]);
    EXPECT_TRUE(!reach.is_cut[0][2] && !reach.is_cut[1][0] && !reach.is_cut[2][1]);
    EXPECT_TRUE(!jep_reach_has_quorum(&reach));
}

TEST(reach, a_bridge_reaches_both_sides_which_do_not_reach_each_other)
{
    struct jep_reach reach = all_up(5);
    const bool group[5] = {true, true, false, false, false};
    jep_reach_cut_bridge(&reach, group, 2);
    EXPECT_EQ(5, reached_by(&reach, 2));
    EXPECT_EQ(3, reached_by(&reach, 0));
    EXPECT_EQ(3, reached_by(&reach, 4));
    EXPECT_TRUE(reach.is_cut[0][3] && reach.is_cut[3][0] && !reach.is_cut[3][4]);
}
