#include "tests/lib/test.h"
#include "tests/unit/raft/group.h"

TEST(replica, alone_leads_at_once_and_commits)
{
    struct group *g = group_create(1);
    uint64_t index = 0;
    group_start(g, 1);
    group_pump(g);
    EXPECT_EQ(1, group_leader(g));
    EXPECT_EQ(WEFT_OK, group_propose(g, 1, 11, &index));
    group_pump(g);
    EXPECT_EQ(11, group_value(g, 1, index));
    group_destroy(g);
}

TEST(replica, three_elect_commit_and_restart)
{
    struct group *g = group_of_voters(3);
    uint64_t index = 0;
    EXPECT_EQ(WEFT_OK, group_propose(g, 1, 42, &index));
    group_pump(g);
    group_advance(g, 60);
    for (uint64_t id = 1; id <= 3; id++) {
        EXPECT_EQ(42, group_value(g, id, index));
    }
    group_crash(g, 1, false);
    uint64_t leader = group_await_leader(g, 3000);
    EXPECT_TRUE(leader == 2 || leader == 3);
    EXPECT_EQ(WEFT_OK, group_propose(g, leader, 43, &index));
    group_pump(g);
    group_start(g, 1);
    group_advance(g, 200);
    EXPECT_EQ(43, group_value(g, 1, index));
    group_destroy(g);
}
