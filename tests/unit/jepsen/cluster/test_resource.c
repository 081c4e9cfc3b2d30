#include <string.h>
#include <unistd.h>

#include "jepsen/cluster/group.h"
#include "jepsen/cluster/limits.h"
#include "tests/lib/test.h"

/* Control groups and limits: what is read out of the kernel's texts, and what is asked of it. */

TEST(group, is_found_by_its_controller_among_others)
{
    static const char text[] =
        "9:name=systemd:/\n4:memory:/a/b\n2:cpu,cpuacct:/c\n1:cpuset:/\n0::/\n";
    char path[16];
    EXPECT_TRUE(jep_group_find(text, "cpu", path, sizeof(path)));
    EXPECT_TEXT("/c", path);
    EXPECT_TRUE(jep_group_find(text, "cpuacct", path, sizeof(path)));
    EXPECT_TEXT("/c", path);
    EXPECT_TRUE(jep_group_find(text, "cpuset", path, sizeof(path)));
    EXPECT_TEXT("/", path);
    EXPECT_TRUE(jep_group_find(text, "memory", path, sizeof(path)));
    EXPECT_TEXT("/a/b", path);
}

TEST(group, is_not_found_where_it_is_not_or_where_its_path_is_too_long)
{
    char path[4];
    EXPECT_TRUE(!jep_group_find("", "cpu", path, sizeof(path)));
    EXPECT_TRUE(!jep_group_find("0::/cpu\n", "cpu", path, sizeof(path)));
    EXPECT_TRUE(!jep_group_find("1:cpus:/\n2:cp:/\n", "cpu", path, sizeof(path)));
    EXPECT_TRUE(!jep_group_find("cpu\n1:cpu\n:\n", "cpu", path, sizeof(path)));
    EXPECT_TRUE(!jep_group_find("1:cpu:/abc\n", "cpu", path, sizeof(path)));
    EXPECT_TRUE(jep_group_find("1:cpu:/ab", "cpu", path, sizeof(path)));
    EXPECT_TEXT("/ab", path);
}

TEST(group, counts_of_throttling_are_read_and_missing_ones_are_none)
{
    struct jep_group_stat stat =
        jep_group_parse("nr_periods 12\nnr_throttled 7\nthrottled_time 1500999999\nnr_bursts 3\n");
    EXPECT_EQ(12, stat.periods);
    EXPECT_EQ(7, stat.throttled);
    EXPECT_EQ(1500, stat.throttled_ms);
    stat = jep_group_parse("");
    EXPECT_EQ(0, stat.periods + stat.throttled + stat.throttled_ms);
}

TEST(group, without_an_enclosure_none_is_made)
{
    struct jep_message message = {{0}};
    EXPECT_TRUE(!jep_group_can(&message));
    EXPECT_TRUE(message.text[0] != 0);
    EXPECT_TRUE(!jep_group_limit("none", getpid(), 5, &message));
    EXPECT_EQ(0, jep_group_stat("none").periods);
    jep_group_release("none");
}

TEST(limits, the_limit_of_files_is_below_those_open_and_above_the_standard_ones)
{
    EXPECT_EQ(35, jep_limits_files_below(40, 5));
    EXPECT_EQ(3, jep_limits_files_below(5, 5));
    EXPECT_EQ(3, jep_limits_files_below(0, 1));
    EXPECT_EQ(3, jep_limits_files_below(8, 5));
    EXPECT_EQ(4, jep_limits_files_below(9, 5));
}

TEST(limits, a_limit_is_lowered_below_what_is_open_and_put_back)
{
    struct jep_message message = {{0}};
    uint64_t before = 0, lowered = 0;
    int one = dup(0);
    EXPECT_TRUE(one >= 0);
    EXPECT_TRUE(jep_limits_next_file(getpid()) > (unsigned)one);
    EXPECT_TRUE(jep_limits_set_files(getpid(), (uint64_t)one, &before, &message));
    EXPECT_TRUE(before > (uint64_t)one);
    EXPECT_TRUE(dup(0) < 0);
    EXPECT_TRUE(jep_limits_set_files(getpid(), before, &lowered, &message));
    EXPECT_EQ(one, (int)lowered);
    int two = dup(0);
    EXPECT_TRUE(two > one);
    (void)close(one);
    (void)close(two);
    EXPECT_TRUE(!jep_limits_set_files(-1, 3, NULL, &message));
}
