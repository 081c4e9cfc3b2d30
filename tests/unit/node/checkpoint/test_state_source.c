/* The keeper over the real state: take while applies go on, install elsewhere, compare. */
#include "node/checkpoint/state_source.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "node/checkpoint/install.h"
#include "tests/lib/test.h"
#include "tests/unit/node/checkpoint/fixture.h"
#include "tests/unit/node/state_fixture.h"

static struct weft_keeper *keeper_of(const struct fixture *f)
{
    const struct weft_keeper_options options = {
        .directory = fixture_path("checkpoints"), .cluster = f->options.cluster, .kept = 2};
    struct weft_keeper *keeper;
    struct weft_keeper_start start;
    struct weft_msg msg;
    EXPECT_EQ(WEFT_OK, weft_keeper_open(&options, &keeper, &start, &msg));
    return keeper;
}

static struct weft_keeper_result finish(struct weft_keeper *keeper)
{
    struct weft_keeper_result result = {.err = WEFT_OK};
    while (!weft_keeper_drain(keeper, &result)) {
    }
    if (result.err != WEFT_OK) {
        (void)fprintf(stderr, "%s\n", result.msg.text);
    }
    return result;
}

/* Restored from its checkpoint and replayed to the same index, the state has the same digest. */
static void take_while_applies_go_on(bool is_purging)
{
    const volatile bool never = false;
    struct fixture f, copy;
    struct weft_keeper_checkpoint c;
    struct weft_state_position position;
    struct weft_msg msg;
    fixture_init(&f, "state");
    fixture_open(&f);
    fixture_replay(&f, 200, 8, false);
    struct weft_keeper *keeper = keeper_of(&f);
    struct weft_state_source source = {
        .state = f.state, .options = f.options, .is_purging = is_purging, .cancel = &never};
    struct weft_keeper_source keeper_source = weft_state_source(&source);
    EXPECT_EQ(WEFT_OK, weft_keeper_take(keeper, &keeper_source));
    while (f.index < 400) {
        fixture_replay(&f, f.index + 1, 1, false);
    }
    struct weft_keeper_result result = finish(keeper);
    EXPECT_EQ(WEFT_OK, result.err);
    EXPECT_TRUE(result.is_new && result.index >= 200 && result.index <= 400);
    EXPECT_EQ(result.file_bytes, result.hashed_bytes);
    EXPECT_EQ(WEFT_OK, weft_keeper_newest(keeper, &c));
    EXPECT_EQ(WEFT_OK, weft_checkpoint_verify(c.directory, c.manifest, NULL, &msg));
    fixture_init(&copy, "copy");
    EXPECT_EQ(
        WEFT_OK, weft_install_prepare(c.directory, c.manifest, copy.directory, true, NULL, &msg));
    EXPECT_EQ(WEFT_OK, weft_install_commit(copy.directory, &msg));
    fixture_open(&copy);
    weft_state_position(copy.state, &position);
    EXPECT_EQ(result.index, position.index);
    EXPECT_EQ(result.term, position.term);
    EXPECT_EQ(c.manifest->time_ns, position.time_ns);
    EXPECT_EQ(c.manifest->conf_index, position.conf_index);
    EXPECT_EQ(c.manifest->configuration.size, position.configuration.size);
    EXPECT_MEM(
        c.manifest->configuration.data, position.configuration.data, position.configuration.size);
    EXPECT_TRUE(weft_digest_equal(&c.manifest->chain, &position.chain));
    copy.index = position.index;
    fixture_replay(&copy, 400, 8, false);
    struct weft_digest_result a = fixture_digest(&f), b = fixture_digest(&copy);
    EXPECT_MEM(&a.digest, &b.digest, sizeof(a.digest));
    /* Writing to the copy left the checkpoint as it was. */
    fixture_close(&copy);
    EXPECT_EQ(WEFT_OK, weft_checkpoint_verify(c.directory, c.manifest, NULL, &msg));
    fixture_destroy(&copy);
    weft_keeper_close(keeper);
    fixture_close(&f);
    fixture_destroy(&f);
}

TEST(state_source, a_checkpoint_taken_while_applies_go_on_is_the_state_at_its_index)
{
    take_while_applies_go_on(false);
}

TEST(state_source, files_are_written_anew_while_applies_go_on)
{
    take_while_applies_go_on(true);
}

TEST(state_source, files_are_not_written_anew_under_a_view_that_sees_the_old_ones)
{
    struct fixture f;
    struct weft_view *view;
    struct weft_msg msg;
    volatile bool cancel = false;
    fixture_init(&f, "state");
    fixture_open(&f);
    fixture_replay(&f, 100, 8, false);
    EXPECT_EQ(WEFT_OK, weft_view_open(f.state, &view, &msg));
    EXPECT_EQ(WEFT_OK, weft_state_purge(f.state, &cancel, &msg)); /* It sees nothing older. */
    fixture_replay(&f, 101, 1, false);
    cancel = true;
    EXPECT_EQ(WEFT_ECLOSED, weft_state_purge(f.state, &cancel, &msg));
    weft_view_close(view);
    EXPECT_EQ(WEFT_OK, weft_state_purge(f.state, &cancel, &msg));
    fixture_close(&f);
    fixture_destroy(&f);
}

TEST(state_source, tables_of_the_checkpoint_before_are_not_hashed_again)
{
    struct fixture f;
    fixture_init(&f, "state");
    fixture_open(&f);
    fixture_replay(&f, 600, 16, false);
    struct weft_keeper *keeper = keeper_of(&f);
    struct weft_state_source source = {.state = f.state, .options = f.options};
    struct weft_keeper_source keeper_source = weft_state_source(&source);
    EXPECT_EQ(WEFT_OK, weft_keeper_take(keeper, &keeper_source));
    struct weft_keeper_result first = finish(keeper);
    EXPECT_EQ(WEFT_OK, weft_keeper_take(keeper, &keeper_source));
    EXPECT_TRUE(!finish(keeper).is_new);
    fixture_replay(&f, 601, 1, false);
    EXPECT_EQ(WEFT_OK, weft_keeper_take(keeper, &keeper_source));
    struct weft_keeper_result second = finish(keeper);
    EXPECT_TRUE(second.is_new);
    EXPECT_EQ(601, second.index);
    EXPECT_TRUE(second.hashed_bytes < first.hashed_bytes);
    weft_keeper_close(keeper);
    fixture_close(&f);
    fixture_destroy(&f);
}

/* One bit in the middle of each file of the kind. */
static unsigned damage(const char *directory, const char *suffix)
{
    unsigned count = 0;
    DIR *d = opendir(directory);
    EXPECT_TRUE(d != NULL);
    for (const struct dirent *e; (e = readdir(d)) != NULL;) {
        const char *dot = strrchr(e->d_name, '.');
        struct stat st;
        uint8_t byte;
        if (dot == NULL || strcmp(dot, suffix) != 0) {
            continue;
        }
        int fd = openat(dirfd(d), e->d_name, O_RDWR);
        if (fd < 0) {
            continue; /* compacted meanwhile */
        }
        EXPECT_EQ(0, fstat(fd, &st));
        EXPECT_EQ(1, pread(fd, &byte, 1, st.st_size / 3));
        byte ^= 0x10;
        EXPECT_EQ(1, pwrite(fd, &byte, 1, st.st_size / 3));
        (void)close(fd);
        count++;
    }
    (void)closedir(d);
    return count;
}

static void expect_no_checkpoint_of_damaged(const char *suffix)
{
    struct fixture f;
    struct weft_msg msg;
    struct weft_keeper_result result = {.err = WEFT_OK};
    struct weft_keeper_checkpoint c;
    fixture_init(&f, "state");
    fixture_open(&f);
    fixture_replay(&f, 60, 16, false); /* One memtable, one table: nothing to compact. */
    EXPECT_EQ(WEFT_OK, weft_state_flush(f.state, &msg));
    struct weft_keeper *keeper = keeper_of(&f);
    struct weft_state_source source = {.state = f.state, .options = f.options};
    struct weft_keeper_source keeper_source = weft_state_source(&source);
    EXPECT_TRUE(damage(f.directory, suffix) > 0);
    EXPECT_EQ(WEFT_OK, weft_keeper_take(keeper, &keeper_source));
    while (!weft_keeper_drain(keeper, &result)) {
    }
    EXPECT_EQ(WEFT_ECORRUPT, result.err);
    EXPECT_EQ(WEFT_ENOTFOUND, weft_keeper_newest(keeper, &c));
    weft_keeper_close(keeper);
    fixture_close(&f);
    fixture_destroy(&f);
}

/* NOD-205. Else a state rebuilt from it, and every node that fetches it, has the damage too. */
TEST(state_source, a_damaged_table_is_no_content_of_a_checkpoint)
{
    expect_no_checkpoint_of_damaged(".sst");
}

TEST(state_source, a_damaged_blob_file_is_no_content_of_a_checkpoint)
{
    expect_no_checkpoint_of_damaged(".blob");
}
