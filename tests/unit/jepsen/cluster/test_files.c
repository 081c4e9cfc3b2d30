#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "jepsen/cluster/damage.h"
#include "jepsen/cluster/files.h"
#include "jepsen/cluster/survey.h"
#include "tests/lib/test.h"

/* Directories as a node has them: copied, compared, damaged. */

static const char *below(const char *path)
{
    static char whole[4][1024];
    static unsigned at;
    at = (at + 1) % 4;
    (void)snprintf(whole[at], sizeof(whole[at]), "%s/%s", test_directory(), path);
    return whole[at];
}

static void put(const char *path, char byte, size_t size)
{
    FILE *file = fopen(below(path), "we");
    EXPECT_TRUE(file != NULL);
    for (size_t i = 0; i < size; i++) {
        (void)fputc(byte, file);
    }
    EXPECT_EQ(0, fclose(file));
}

static void make_data(void)
{
    EXPECT_EQ(0, mkdir(below("data"), 0755));
    EXPECT_EQ(0, mkdir(below("data/raft"), 0700));
    EXPECT_EQ(0, mkdir(below("data/state"), 0700));
    put("data/raft/segment-0001", 'a', 10000);
    put("data/raft/segment-0002", 'b', 30000);
    put("data/raft/meta", 'c', 3000);
    put("data/state/000001.sst", 'd', 9000);
    put("data/state/CURRENT", 'e', 20000);
}

static struct jep_survey survey(struct jep_arena *arena, const char *directory)
{
    struct jep_survey taken = {0};
    struct jep_message message;
    EXPECT_TRUE(jep_survey_take(below(directory), arena, &taken, &message));
    return taken;
}

TEST(files, a_copy_is_equal_and_what_is_removed_is_gone)
{
    struct jep_arena *arena = jep_arena_create();
    struct jep_message message;
    make_data();
    EXPECT_TRUE(jep_files_copy(below("data"), below("copy"), &message));
    struct jep_survey one = survey(arena, "data"), other = survey(arena, "copy");
    EXPECT_EQ(5, one.count);
    EXPECT_EQ(0, jep_survey_compare(&one, &other, "raft/").blocks);
    EXPECT_EQ(0, jep_survey_compare(&other, &one, "raft/").blocks);
    EXPECT_TRUE(!jep_files_copy(below("data"), below("copy"), &message)); /* it is there */
    EXPECT_TRUE(jep_files_remove(below("copy"), &message));
    EXPECT_TRUE(jep_files_remove(below("copy"), &message));
    EXPECT_EQ(0, jep_files_list(below("copy"), arena).count);
    EXPECT_EQ(5, jep_files_list(below("data"), arena).count);
    jep_arena_destroy(arena);
}

TEST(survey, counts_what_is_gone_shorter_or_different_and_nothing_else)
{
    struct jep_arena *arena = jep_arena_create();
    struct jep_message message;
    make_data();
    struct jep_survey before = survey(arena, "data");
    put("data/state/new", 'x', 5000); /* more is no loss */
    struct jep_survey more = survey(arena, "data");
    EXPECT_EQ(0, jep_survey_compare(&before, &more, "raft/").blocks);
    EXPECT_EQ(2, jep_survey_compare(&more, &before, "raft/").blocks);
    EXPECT_EQ(0, truncate(below("data/raft/segment-0002"), 8192)); /* 8 blocks, now 2 */
    EXPECT_EQ(0, unlink(below("data/state/000001.sst")));          /* 3 blocks */
    struct jep_survey after = survey(arena, "data");
    struct jep_survey_loss loss = jep_survey_compare(&before, &after, "raft/");
    EXPECT_EQ(2, loss.files);
    EXPECT_EQ(9, loss.blocks);
    EXPECT_EQ(6, loss.marked);
    EXPECT_TRUE(jep_files_remove(below("data"), &message));
    jep_arena_destroy(arena);
}

static uint64_t changed_bytes(const char *path, char byte, size_t *ret_size)
{
    uint64_t changed = 0;
    int c;
    *ret_size = 0;
    FILE *file = fopen(below(path), "re");
    while (file != NULL && (c = fgetc(file)) != EOF) {
        changed += c != byte;
        (*ret_size)++;
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return changed;
}

TEST(damage, changes_the_fullest_file_of_the_part_where_it_is_told_to)
{
    struct jep_damage d;
    struct jep_message message;
    size_t size;
    make_data();
    EXPECT_TRUE(
        jep_damage_do(below("data"), JEP_DAMAGE_LOG, JEP_DAMAGE_FLIP, 500000, &d, &message));
    EXPECT_TEXT("raft/segment-0002", d.file);
    EXPECT_EQ(15000, d.offset);
    EXPECT_EQ(1, d.bytes);
    EXPECT_EQ(1, changed_bytes("data/raft/segment-0002", 'b', &size));
    EXPECT_TRUE(jep_damage_do(below("data"), JEP_DAMAGE_STATE, JEP_DAMAGE_BLOCK, 0, &d, &message));
    EXPECT_TEXT("state/000001.sst", d.file);
    EXPECT_EQ(512, changed_bytes("data/state/000001.sst", 'd', &size));
    EXPECT_TRUE(jep_damage_do(below("data"), JEP_DAMAGE_META, JEP_DAMAGE_FLIP, 7, &d, &message));
    EXPECT_EQ(3000, d.bytes);
    EXPECT_EQ(3000, changed_bytes("data/raft/meta", 'c', &size));
    EXPECT_TRUE(
        jep_damage_do(below("data"), JEP_DAMAGE_LOG, JEP_DAMAGE_TRUNCATE, 100000, &d, &message));
    EXPECT_EQ(27000, d.bytes);
    EXPECT_EQ(0, changed_bytes("data/raft/segment-0002", 'b', &size));
    EXPECT_EQ(3000, size);
}

TEST(damage, looks_at_what_is_used_and_not_at_zeros_ahead)
{
    struct jep_damage d;
    struct jep_message message;
    make_data();
    EXPECT_EQ(0, truncate(below("data/raft/segment-0001"), 1 << 20));
    EXPECT_TRUE(
        jep_damage_do(below("data"), JEP_DAMAGE_LOG, JEP_DAMAGE_FLIP, 900000, &d, &message));
    EXPECT_TEXT("raft/segment-0002", d.file);
    EXPECT_EQ(0, unlink(below("data/raft/segment-0002")));
    EXPECT_TRUE(
        jep_damage_do(below("data"), JEP_DAMAGE_LOG, JEP_DAMAGE_FLIP, 900000, &d, &message));
    EXPECT_TEXT("raft/segment-0001", d.file);
    EXPECT_TRUE(d.offset < 10000);
}

TEST(damage, of_a_file_with_two_names_only_one_is_hit)
{
    struct jep_damage d;
    struct jep_message message;
    size_t size;
    make_data();
    EXPECT_EQ(0, link(below("data/state/000001.sst"), below("data/kept")));
    EXPECT_TRUE(
        jep_damage_do(below("data"), JEP_DAMAGE_STATE, JEP_DAMAGE_FLIP, 500000, &d, &message));
    EXPECT_EQ(1, changed_bytes("data/state/000001.sst", 'd', &size));
    EXPECT_EQ(0, changed_bytes("data/kept", 'd', &size));
    EXPECT_EQ(9000, size);
}

TEST(damage, where_there_is_nothing_nothing_is_damaged)
{
    struct jep_damage d;
    struct jep_message message;
    make_data();
    EXPECT_TRUE(
        jep_damage_do(below("data"), JEP_DAMAGE_CHECKPOINT, JEP_DAMAGE_FLIP, 500000, &d, &message));
    EXPECT_TEXT("", d.file);
    EXPECT_EQ(0, d.bytes);
}
