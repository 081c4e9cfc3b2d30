#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "node/datadir.h"
#include "tests/lib/test.h"

static struct weft_msg message;

static const char *place(const char *name)
{
    static char path[1024];
    (void)snprintf(path, sizeof(path), "%s/a/b/%s", test_directory(), name);
    return path;
}

static enum weft_err open_as(
    const char *org, const char *site, const char *node, struct weft_datadir *ret_datadir)
{
    return weft_datadir_open(place("d"), org, site, node, true, ret_datadir, &message);
}

static void make(uint64_t cluster)
{
    struct weft_datadir d;
    EXPECT_EQ(WEFT_OK, open_as("oem.example", "plant1", "n1", &d));
    if (cluster != 0) {
        EXPECT_EQ(WEFT_OK, weft_datadir_set_cluster(&d, cluster, &message));
    }
    weft_datadir_close(&d);
}

static size_t read_identity(char *text, size_t size)
{
    FILE *file = fopen(place("d/identity"), "rb");
    EXPECT_TRUE(file != NULL);
    size_t used = fread(text, 1, size, file);
    (void)fclose(file);
    return used;
}

static void write_identity(const char *text, size_t size)
{
    FILE *file = fopen(place("d/identity"), "wb");
    EXPECT_EQ(size, fwrite(text, 1, size, file));
    (void)fclose(file);
}

TEST(datadir, first_open_makes_it_and_the_next_finds_the_same_identity)
{
    struct weft_datadir first, second;
    struct stat st;
    EXPECT_EQ(WEFT_OK, open_as("oem.example", "plant1", "n1", &first));
    EXPECT_TRUE(first.is_new);
    EXPECT_TRUE(first.identity.member_id != 0);
    EXPECT_EQ(0, first.identity.cluster);
    EXPECT_EQ(0, stat(first.raft, &st));
    EXPECT_EQ(0, stat(first.state, &st));
    EXPECT_EQ(0, stat(first.checkpoints, &st));
    EXPECT_EQ(0, stat(first.audit, &st));
    EXPECT_EQ(0, stat(first.telemetry, &st));
    EXPECT_EQ(WEFT_OK, weft_datadir_set_cluster(&first, 42, &message));
    weft_datadir_close(&first);

    EXPECT_EQ(WEFT_OK, open_as("oem.example", "plant1", "n1", &second));
    EXPECT_TRUE(!second.is_new);
    EXPECT_EQ(first.identity.member_id, second.identity.member_id);
    EXPECT_EQ(42, second.identity.cluster);
    weft_datadir_close(&second);
}

TEST(datadir, second_process_is_refused_and_told_whose_pid_holds_it)
{
    struct weft_datadir first, second;
    char pid[32];
    EXPECT_EQ(WEFT_OK, open_as("oem.example", "plant1", "n1", &first));
    /* flock belongs to the open file: a second open of ours conflicts as another process's. */
    EXPECT_EQ(WEFT_EBUSY, open_as("oem.example", "plant1", "n1", &second));
    (void)snprintf(pid, sizeof(pid), "process %ld", (long)getpid());
    EXPECT_TRUE(strstr(message.text, pid) != NULL);
    weft_datadir_close(&first);
    EXPECT_EQ(WEFT_OK, open_as("oem.example", "plant1", "n1", &second));
    weft_datadir_close(&second);
}

TEST(datadir, directory_of_another_org_site_or_node_is_refused)
{
    struct weft_datadir d;
    make(0);
    EXPECT_EQ(WEFT_EPEER, open_as("oem.example", "plant1", "n2", &d));
    EXPECT_TRUE(strstr(message.text, "oem.example/plant1/node/n1") != NULL);
    EXPECT_EQ(WEFT_EPEER, open_as("oem.example", "plant2", "n1", &d));
    EXPECT_EQ(WEFT_EPEER, open_as("other.example", "plant1", "n1", &d));
    EXPECT_EQ(WEFT_OK, open_as("oem.example", "plant1", "n1", &d)); /* Nothing stayed locked. */
    weft_datadir_close(&d);
}

TEST(datadir, another_format_is_refused_before_anything_else_is_read)
{
    struct weft_datadir d;
    make(0);
    static const char newer[] = "weft-data-directory 2\nshape unknown\n";
    write_identity(newer, sizeof(newer) - 1);
    EXPECT_EQ(WEFT_EVERSION, open_as("oem.example", "plant1", "n1", &d));
}

TEST(datadir, every_changed_byte_of_the_identity_is_noticed)
{
    char good[1024], bad[1024];
    struct weft_datadir d;
    make(7);
    size_t size = read_identity(good, sizeof(good));
    EXPECT_TRUE(size > 100 && size < sizeof(good));
    for (size_t i = 0; i < size; i++) {
        memcpy(bad, good, size);
        bad[i] ^= 1;
        write_identity(bad, size);
        enum weft_err err = open_as("oem.example", "plant1", "n1", &d);
        EXPECT_TRUE(err == WEFT_ECORRUPT || err == WEFT_EVERSION);
    }
    for (size_t cut = 0; cut < size; cut++) {
        write_identity(good, cut);
        enum weft_err err = open_as("oem.example", "plant1", "n1", &d);
        EXPECT_TRUE(err == WEFT_ECORRUPT);
    }
    write_identity(good, size);
    EXPECT_EQ(WEFT_OK, open_as("oem.example", "plant1", "n1", &d));
    weft_datadir_close(&d);
}

TEST(datadir, data_without_identity_is_not_taken_over)
{
    struct weft_datadir d;
    make(0);
    EXPECT_EQ(0, unlink(place("d/identity")));
    FILE *file = fopen(place("d/raft/segment"), "w");
    (void)fclose(file);
    EXPECT_EQ(WEFT_ECORRUPT, open_as("oem.example", "plant1", "n1", &d));
    EXPECT_EQ(0, unlink(place("d/raft/segment")));
    EXPECT_EQ(WEFT_OK, open_as("oem.example", "plant1", "n1", &d));
    EXPECT_TRUE(d.is_new);
    weft_datadir_close(&d);
}

TEST(datadir, cluster_is_set_once)
{
    struct weft_datadir d;
    EXPECT_EQ(WEFT_OK, open_as("oem.example", "plant1", "n1", &d));
    EXPECT_EQ(WEFT_OK, weft_datadir_set_cluster(&d, 5, &message));
    EXPECT_EQ(WEFT_OK, weft_datadir_set_cluster(&d, 5, &message));
    EXPECT_EQ(WEFT_ESTATE, weft_datadir_set_cluster(&d, 6, &message));
    EXPECT_EQ(5, d.identity.cluster);
    weft_datadir_close(&d);
}

TEST(datadir, open_without_leave_to_create_finds_nothing)
{
    struct weft_datadir d;
    struct weft_datadir_identity identity;
    EXPECT_EQ(WEFT_ENOTFOUND, weft_datadir_open(place("d"), "o", "s", "n", false, &d, &message));
    EXPECT_EQ(WEFT_ENOTFOUND, weft_datadir_read(place("d"), &identity, &message));
    struct stat st;
    EXPECT_TRUE(stat(place("d"), &st) != 0);
}

TEST(datadir, path_that_is_a_file_or_unusable_is_an_error)
{
    struct weft_datadir d;
    char path[1100];
    (void)snprintf(path, sizeof(path), "%s/file", test_directory());
    FILE *file = fopen(path, "w");
    (void)fclose(file);
    EXPECT_EQ(WEFT_EIO, weft_datadir_open(path, "o", "s", "n", true, &d, &message));
    EXPECT_EQ(WEFT_EINVAL, weft_datadir_open("", "o", "s", "n", true, &d, &message));
}

TEST(datadir, space_counts_what_is_below)
{
    uint64_t free_bytes, before, after;
    make(0);
    EXPECT_EQ(WEFT_OK, weft_datadir_space(place("d"), &free_bytes, &before));
    static char block[100000];
    memset(block, 'x', sizeof(block));
    FILE *file = fopen(place("d/raft/segment"), "w");
    EXPECT_EQ(sizeof(block), fwrite(block, 1, sizeof(block), file));
    EXPECT_EQ(0, fflush(file));
    EXPECT_EQ(0, fsync(fileno(file)));
    (void)fclose(file);
    EXPECT_EQ(WEFT_OK, weft_datadir_space(place("d"), &free_bytes, &after));
    EXPECT_TRUE(free_bytes > 0 && after >= before + sizeof(block));
}
