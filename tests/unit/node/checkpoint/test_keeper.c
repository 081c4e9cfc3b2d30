#include "node/checkpoint/keeper.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "node/checkpoint/tree.h"
#include "proto/crc32c.h"
#include "proto/limits.h"
#include "tests/lib/test.h"
#include "tests/unit/node/checkpoint/fixture.h"

static uint64_t now_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* Valid until 16 more were made. */
static const char *join(const char *directory, const char *name)
{
    static char paths[16][900];
    static int next;
    char path[900];
    (void)snprintf(path, sizeof(path), "%s/%s", directory, name);
    return memcpy(paths[next++ % 16], path, sizeof(path));
}

TEST(keeper, a_checkpoint_has_every_file_with_its_digest_and_no_litter)
{
    struct fixture_store store;
    struct weft_keeper_checkpoint newest;
    struct weft_msg msg;
    const char *directory = fixture_path("checkpoints");
    struct weft_keeper *keeper = fixture_keeper(directory, 2, NULL);
    EXPECT_EQ(WEFT_ENOTFOUND, weft_keeper_newest(keeper, &newest));
    fixture_store_init(&store, "store");
    fixture_store_grow(&store, 100000);
    fixture_store_grow(&store, 0);
    struct weft_keeper_result result = fixture_take(keeper, &store);
    EXPECT_EQ(WEFT_OK, result.err);
    EXPECT_EQ(2, result.index);
    EXPECT_EQ(3, result.term);
    EXPECT_TRUE(result.is_new);
    EXPECT_EQ(100001, result.file_bytes);
    EXPECT_EQ(100001, result.hashed_bytes);
    EXPECT_EQ(WEFT_OK, weft_keeper_newest(keeper, &newest));
    EXPECT_EQ(3, newest.manifest->file_count);
    EXPECT_TRUE(weft_text_is(newest.manifest->name, "2-3"));
    EXPECT_TRUE(weft_text_is(newest.manifest->files[2].name, "CURRENT"));
    EXPECT_EQ(3, fixture_count(newest.directory));
    EXPECT_EQ(1, fixture_count(directory));
    EXPECT_EQ(WEFT_OK, weft_checkpoint_verify(newest.directory, newest.manifest, NULL, &msg));
    EXPECT_EQ(WEFT_OK, weft_keeper_find(keeper, WEFT_TEXT("2-3"), &newest));
    EXPECT_EQ(WEFT_ENOTFOUND, weft_keeper_find(keeper, WEFT_TEXT("2-4"), &newest));
    weft_keeper_close(keeper);
}

TEST(keeper, files_that_never_change_are_hashed_once_also_after_a_restart)
{
    struct fixture_store store;
    const char *directory = fixture_path("checkpoints");
    struct weft_keeper *keeper = fixture_keeper(directory, 2, NULL);
    fixture_store_init(&store, "store");
    fixture_store_grow(&store, 100000);
    EXPECT_EQ(100001, fixture_take(keeper, &store).hashed_bytes);
    fixture_store_grow(&store, 5000);
    EXPECT_EQ(5001, fixture_take(keeper, &store).hashed_bytes);
    weft_keeper_close(keeper);
    keeper = fixture_keeper(directory, 2, NULL);
    fixture_store_grow(&store, 200);
    EXPECT_EQ(201, fixture_take(keeper, &store).hashed_bytes);
    weft_keeper_close(keeper);
}

/* Same name and size, another file: a rebuilt store numbers its files from the start again. */
TEST(keeper, another_file_of_the_same_name_and_size_is_hashed)
{
    struct fixture_store store, other;
    struct weft_keeper_checkpoint newest;
    struct weft_msg msg;
    struct weft_keeper *keeper = fixture_keeper(fixture_path("checkpoints"), 2, NULL);
    fixture_store_init(&store, "store");
    fixture_store_grow(&store, 1000);
    EXPECT_EQ(WEFT_OK, fixture_take(keeper, &store).err);
    fixture_store_init(&other, "other");
    fixture_store_grow(&other, 1000);
    other.index = 9;
    struct weft_keeper_result result = fixture_take(keeper, &other);
    EXPECT_EQ(1001, result.hashed_bytes);
    EXPECT_EQ(WEFT_OK, weft_keeper_newest(keeper, &newest));
    EXPECT_EQ(9, newest.manifest->index);
    EXPECT_EQ(WEFT_OK, weft_checkpoint_verify(newest.directory, newest.manifest, NULL, &msg));
    weft_keeper_close(keeper);
}

TEST(keeper, nothing_new_to_take_is_no_error_and_makes_nothing)
{
    struct fixture_store store;
    const char *directory = fixture_path("checkpoints");
    struct weft_keeper *keeper = fixture_keeper(directory, 2, NULL);
    fixture_store_init(&store, "store");
    fixture_store_grow(&store, 10);
    EXPECT_TRUE(fixture_take(keeper, &store).is_new);
    struct weft_keeper_result result = fixture_take(keeper, &store);
    EXPECT_EQ(WEFT_OK, result.err);
    EXPECT_TRUE(!result.is_new);
    EXPECT_EQ(1, result.index);
    EXPECT_EQ(3, result.term);
    EXPECT_EQ(1, fixture_count(directory));
    weft_keeper_close(keeper);
}

TEST(keeper, the_newest_stay_and_a_pinned_one_as_long_as_it_is_pinned)
{
    struct fixture_store store;
    struct weft_keeper_checkpoint c;
    const char *directory = fixture_path("checkpoints");
    struct weft_keeper *keeper = fixture_keeper(directory, 2, NULL);
    fixture_store_init(&store, "store");
    for (int i = 1; i <= 5; i++) {
        fixture_store_grow(&store, 10);
        EXPECT_EQ(WEFT_OK, fixture_take(keeper, &store).err);
        if (i == 2) {
            weft_keeper_pin(keeper, WEFT_TEXT("2-3"), now_ms() + 60000);
            weft_keeper_pin(keeper, WEFT_TEXT("1-3"), 1); /* Long ago. */
        }
    }
    EXPECT_EQ(3, fixture_count(directory));
    EXPECT_EQ(WEFT_OK, weft_keeper_find(keeper, WEFT_TEXT("2-3"), &c));
    EXPECT_EQ(WEFT_OK, weft_keeper_find(keeper, WEFT_TEXT("4-3"), &c));
    EXPECT_EQ(WEFT_OK, weft_keeper_find(keeper, WEFT_TEXT("5-3"), &c));
    EXPECT_EQ(WEFT_ENOTFOUND, weft_keeper_find(keeper, WEFT_TEXT("3-3"), &c));
    weft_keeper_close(keeper);
    /* Pins do not outlive the process. */
    struct weft_keeper_start start;
    keeper = fixture_keeper(directory, 2, &start);
    EXPECT_EQ(3, start.checkpoints);
    fixture_store_grow(&store, 10);
    EXPECT_EQ(WEFT_OK, fixture_take(keeper, &store).err);
    EXPECT_EQ(2, fixture_count(directory));
    weft_keeper_close(keeper);
}

/* NOD-156 */
TEST(keeper, what_is_to_be_forgotten_goes_with_the_next_one_whatever_may_be_kept)
{
    struct fixture_store store;
    struct weft_keeper_checkpoint c;
    const char *directory = fixture_path("checkpoints");
    struct weft_keeper *keeper = fixture_keeper(directory, 4, NULL);
    fixture_store_init(&store, "store");
    for (int i = 1; i <= 3; i++) {
        fixture_store_grow(&store, 10);
        EXPECT_EQ(WEFT_OK, fixture_take(keeper, &store).err);
    }
    weft_keeper_forget_below(keeper, 4);
    EXPECT_EQ(3, fixture_count(directory)); /* There is no other yet. */
    weft_keeper_pin(keeper, WEFT_TEXT("2-3"), now_ms() + 60000);
    fixture_store_grow(&store, 10);
    EXPECT_EQ(WEFT_OK, fixture_take(keeper, &store).err);
    EXPECT_EQ(2, fixture_count(directory));
    EXPECT_EQ(WEFT_OK, weft_keeper_find(keeper, WEFT_TEXT("2-3"), &c)); /* Is being fetched. */
    EXPECT_EQ(WEFT_OK, weft_keeper_find(keeper, WEFT_TEXT("4-3"), &c));
    weft_keeper_close(keeper);
    keeper = fixture_keeper(directory, 4, NULL); /* Without the pin. */
    weft_keeper_forget_below(keeper, 4);
    fixture_store_grow(&store, 10);
    EXPECT_EQ(WEFT_OK, fixture_take(keeper, &store).err);
    EXPECT_EQ(2, fixture_count(directory)); /* 4 and 5. */
    EXPECT_EQ(WEFT_ENOTFOUND, weft_keeper_find(keeper, WEFT_TEXT("2-3"), &c));
    weft_keeper_close(keeper);
}

TEST(keeper, what_was_borrowed_survives_the_next_checkpoints)
{
    struct fixture_store store;
    struct weft_keeper_checkpoint first;
    struct weft_keeper *keeper = fixture_keeper(fixture_path("checkpoints"), 1, NULL);
    fixture_store_init(&store, "store");
    fixture_store_grow(&store, 10);
    EXPECT_EQ(WEFT_OK, fixture_take(keeper, &store).err);
    EXPECT_EQ(WEFT_OK, weft_keeper_newest(keeper, &first));
    for (int i = 0; i < WEFT_KEEPER_GONE_MAX; i++) {
        fixture_store_grow(&store, 10);
        EXPECT_EQ(WEFT_OK, fixture_take(keeper, &store).err);
    }
    EXPECT_EQ(1, first.manifest->index); /* Under ASan, this is the test. */
    EXPECT_TRUE(!weft_tree_exists(first.directory));
    weft_keeper_close(keeper);
}

TEST(keeper, one_at_a_time_and_a_cancelled_one_leaves_nothing)
{
    struct fixture_store store;
    struct weft_keeper_checkpoint c;
    const char *directory = fixture_path("checkpoints");
    struct weft_keeper *keeper = fixture_keeper(directory, 2, NULL);
    fixture_store_init(&store, "store");
    fixture_store_grow(&store, 10);
    struct weft_keeper_source source = fixture_source(&store);
    EXPECT_EQ(WEFT_OK, weft_keeper_take(keeper, &source));
    EXPECT_EQ(WEFT_EBUSY, weft_keeper_take(keeper, &source));
    weft_keeper_cancel(keeper);
    EXPECT_TRUE(weft_keeper_is_busy(keeper)); /* Until its result is drained. */
    struct weft_keeper_result result = fixture_wait(keeper);
    EXPECT_TRUE(result.err == WEFT_ECLOSED || result.err == WEFT_OK);
    EXPECT_TRUE(!weft_keeper_is_busy(keeper));
    EXPECT_EQ(result.err == WEFT_OK ? WEFT_OK : WEFT_ENOTFOUND, weft_keeper_newest(keeper, &c));
    EXPECT_EQ(result.err == WEFT_OK, fixture_count(directory));
    fixture_store_grow(&store, 10);
    EXPECT_EQ(WEFT_OK, fixture_take(keeper, &store).err);
    weft_keeper_close(keeper);
}

TEST(keeper, a_source_that_fails_or_is_of_another_cluster_gives_its_reason_and_leaves_nothing)
{
    struct fixture_store store;
    const char *directory = fixture_path("checkpoints");
    struct weft_keeper *keeper = fixture_keeper(directory, 2, NULL);
    fixture_store_init(&store, "store");
    fixture_store_grow(&store, 10);
    store.take_err = WEFT_ENOSPC;
    struct weft_keeper_result result = fixture_take(keeper, &store);
    EXPECT_EQ(WEFT_ENOSPC, result.err);
    EXPECT_TEXT("take a checkpoint: planted", result.msg.text);
    EXPECT_EQ(0, fixture_count(directory));
    store.take_err = WEFT_OK;
    store.cluster++;
    EXPECT_EQ(WEFT_EPEER, fixture_take(keeper, &store).err);
    EXPECT_EQ(0, fixture_count(directory));
    weft_keeper_close(keeper);
}

static enum weft_err read_piece(struct weft_keeper *keeper, const char *checkpoint,
    const char *file, uint64_t offset, uint32_t size, struct weft_chunk *ret_chunk)
{
    static uint8_t buffer[WEFT_CHUNK_SIZE_MAX];
    const struct weft_fetch fetch = {weft_text_of(checkpoint), weft_text_of(file), offset, size};
    weft_keeper_read(keeper, &fetch, now_ms(), buffer, ret_chunk);
    return ret_chunk->err;
}

TEST(keeper, pieces_are_served_within_bounds_and_only_of_files_in_the_manifest)
{
    struct fixture_store store;
    struct weft_chunk chunk;
    uint8_t content[1000];
    const char *directory = fixture_path("checkpoints");
    struct weft_keeper *keeper = fixture_keeper(directory, 2, NULL);
    fixture_store_init(&store, "store");
    fixture_store_grow(&store, sizeof(content));
    EXPECT_EQ(WEFT_OK, fixture_take(keeper, &store).err);
    (void)fixture_get(join(store.directory, "0001.sst"), content, sizeof(content));
    EXPECT_EQ(WEFT_OK, read_piece(keeper, "1-3", "0001.sst", 100, 300, &chunk));
    EXPECT_EQ(300, chunk.data.size);
    EXPECT_MEM(content + 100, chunk.data.data, 300);
    EXPECT_EQ(weft_crc32c(0, content + 100, 300), chunk.crc32c);
    EXPECT_EQ(WEFT_OK, read_piece(keeper, "1-3", "0001.sst", 999, 300, &chunk));
    EXPECT_EQ(1, chunk.data.size);
    EXPECT_EQ(WEFT_EINVAL, read_piece(keeper, "1-3", "0001.sst", 1000, 1, &chunk));
    EXPECT_EQ(WEFT_EINVAL, read_piece(keeper, "1-3", "0001.sst", UINT64_MAX, 1, &chunk));
    EXPECT_EQ(WEFT_EINVAL, read_piece(keeper, "1-3", "0001.sst", 0, 0, &chunk));
    EXPECT_EQ(
        WEFT_EINVAL, read_piece(keeper, "1-3", "0001.sst", 0, WEFT_CHUNK_SIZE_MAX + 1, &chunk));
    static const char *const names[] = {"manifest", "../manifest", "LOG", "", ".", "/etc/passwd",
        "0001.ss", "0001.sst/", "files/0001.sst"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        EXPECT_EQ(WEFT_ENOTFOUND, read_piece(keeper, "1-3", names[i], 0, 10, &chunk));
        EXPECT_EQ(0, chunk.data.size);
    }
    EXPECT_EQ(WEFT_ENOTFOUND, read_piece(keeper, "1-4", "0001.sst", 0, 10, &chunk));
    EXPECT_EQ(WEFT_ENOTFOUND, read_piece(keeper, "..", "0001.sst", 0, 10, &chunk));
    /* Shorter than its manifest says, or gone. */
    struct weft_keeper_checkpoint c;
    EXPECT_EQ(WEFT_OK, weft_keeper_newest(keeper, &c));
    EXPECT_EQ(0, truncate(join(c.directory, "0001.sst"), 500));
    EXPECT_EQ(WEFT_ECORRUPT, read_piece(keeper, "1-3", "0001.sst", 400, 300, &chunk));
    EXPECT_EQ(0, unlink(join(c.directory, "0001.sst")));
    EXPECT_EQ(WEFT_ENOTFOUND, read_piece(keeper, "1-3", "0001.sst", 0, 300, &chunk));
    weft_keeper_close(keeper);
}

TEST(keeper, a_reading_pins)
{
    struct fixture_store store;
    struct weft_chunk chunk;
    struct weft_keeper_checkpoint c;
    struct weft_keeper *keeper = fixture_keeper(fixture_path("checkpoints"), 1, NULL);
    fixture_store_init(&store, "store");
    fixture_store_grow(&store, 10);
    EXPECT_EQ(WEFT_OK, fixture_take(keeper, &store).err);
    EXPECT_EQ(WEFT_OK, read_piece(keeper, "1-3", "0001.sst", 0, 10, &chunk));
    fixture_store_grow(&store, 10);
    EXPECT_EQ(WEFT_OK, fixture_take(keeper, &store).err);
    EXPECT_EQ(WEFT_OK, weft_keeper_find(keeper, WEFT_TEXT("1-3"), &c));
    weft_keeper_close(keeper);
}

/* What is not whole is told, kept for the operator, and never taken for good. */
TEST(keeper, damaged_checkpoints_are_set_aside_at_start)
{
    for (int kind = 0; kind < 6; kind++) {
        char name[32];
        struct fixture_store store;
        struct weft_keeper_start start;
        struct weft_keeper_checkpoint c;
        uint8_t manifest[4096];
        (void)snprintf(name, sizeof(name), "checkpoints%d", kind);
        const char *directory = fixture_path(name);
        (void)snprintf(name, sizeof(name), "store%d", kind);
        struct weft_keeper *keeper = fixture_keeper(directory, 2, NULL);
        fixture_store_init(&store, name);
        fixture_store_grow(&store, 100);
        EXPECT_EQ(WEFT_OK, fixture_take(keeper, &store).err);
        fixture_store_grow(&store, 100);
        EXPECT_EQ(WEFT_OK, fixture_take(keeper, &store).err);
        weft_keeper_close(keeper);
        const char *newest = join(directory, "2-3");
        size_t size = fixture_get(join(newest, "manifest"), manifest, sizeof(manifest));
        switch (kind) {
        case 0:
            manifest[test_random(size)] ^= 16;
            fixture_put(join(newest, "manifest"), manifest, size);
            break;
        case 1:
            EXPECT_EQ(0, unlink(join(newest, "manifest")));
            break;
        case 2:
            EXPECT_EQ(0, unlink(join(newest, "files/0001.sst")));
            break;
        case 3:
            /* The link would shorten the store's own file: a copy. */
            EXPECT_EQ(0, unlink(join(newest, "files/0001.sst")));
            fixture_put(join(newest, "files/0001.sst"), manifest, 99);
            break;
        case 4:
            fixture_put(join(newest, "files/0009.sst"), manifest, 1);
            break;
        case 5:
            EXPECT_EQ(0, rename(newest, join(directory, "7-3")));
            break;
        default:
            break;
        }
        keeper = fixture_keeper(directory, 2, &start);
        EXPECT_EQ(1, start.damaged);
        EXPECT_EQ(1, start.checkpoints);
        EXPECT_TRUE(start.first.text[0] != '\0');
        EXPECT_EQ(WEFT_OK, weft_keeper_newest(keeper, &c));
        EXPECT_EQ(1, c.manifest->index);
        EXPECT_TRUE(weft_tree_exists(join(directory, kind == 5 ? "7-3.damaged" : "2-3.damaged")));
        weft_keeper_close(keeper);
        keeper = fixture_keeper(directory, 2, &start);
        EXPECT_EQ(0, start.damaged);
        weft_keeper_close(keeper);
    }
}

TEST(keeper, a_flipped_bit_anywhere_in_the_manifest_is_found)
{
    struct fixture_store store;
    struct weft_keeper_start start;
    uint8_t good[4096], bad[4096];
    char directory[600];
    (void)snprintf(directory, sizeof(directory), "%s", fixture_path("checkpoints"));
    struct weft_keeper *keeper = fixture_keeper(directory, 2, NULL);
    fixture_store_init(&store, "store");
    fixture_store_grow(&store, 100);
    EXPECT_EQ(WEFT_OK, fixture_take(keeper, &store).err);
    weft_keeper_close(keeper);
    char path[900];
    (void)snprintf(path, sizeof(path), "%s/1-3", directory);
    size_t size = fixture_get(join(path, "manifest"), good, sizeof(good));
    for (size_t i = 0; i < size; i++) {
        memcpy(bad, good, size);
        bad[i] ^= (uint8_t)(1u << test_random(8));
        fixture_put(join(path, "manifest"), bad, size);
        keeper = fixture_keeper(directory, 2, &start);
        EXPECT_EQ(1, start.damaged);
        weft_keeper_close(keeper);
        EXPECT_EQ(0, rename(join(directory, "1-3.damaged"), path));
    }
    fixture_put(join(path, "manifest"), good, size);
    keeper = fixture_keeper(directory, 2, &start);
    EXPECT_EQ(1, start.checkpoints);
    weft_keeper_close(keeper);
}

TEST(keeper, verification_names_the_file_that_changed)
{
    struct fixture_store store;
    struct weft_keeper_checkpoint c;
    struct weft_msg msg;
    struct weft_keeper *keeper = fixture_keeper(fixture_path("checkpoints"), 2, NULL);
    fixture_store_init(&store, "store");
    fixture_store_grow(&store, 100);
    EXPECT_EQ(WEFT_OK, fixture_take(keeper, &store).err);
    EXPECT_EQ(WEFT_OK, weft_keeper_newest(keeper, &c));
    const bool yes = true;
    EXPECT_EQ(WEFT_ECLOSED, weft_checkpoint_verify(c.directory, c.manifest, &yes, &msg));
    fixture_put(join(c.directory, "CURRENT"), "9", 1);
    EXPECT_EQ(WEFT_ECORRUPT, weft_checkpoint_verify(c.directory, c.manifest, NULL, &msg));
    EXPECT_TRUE(strstr(msg.text, "CURRENT: is not what the manifest says") != NULL);
    EXPECT_EQ(0, unlink(join(c.directory, "CURRENT")));
    EXPECT_EQ(WEFT_ECORRUPT, weft_checkpoint_verify(c.directory, c.manifest, NULL, &msg));
    EXPECT_TRUE(strstr(msg.text, "CURRENT: is missing") != NULL);
    weft_keeper_close(keeper);
}

TEST(keeper, files_are_found_by_content)
{
    struct fixture_store store;
    struct weft_keeper_checkpoint c;
    char path[WEFT_CHECKPOINT_PATH_SIZE];
    struct weft_keeper *keeper = fixture_keeper(fixture_path("checkpoints"), 2, NULL);
    fixture_store_init(&store, "store");
    fixture_store_grow(&store, 100);
    EXPECT_EQ(WEFT_OK, fixture_take(keeper, &store).err);
    EXPECT_EQ(WEFT_OK, weft_keeper_newest(keeper, &c));
    struct weft_digest digest = c.manifest->files[0].digest;
    EXPECT_EQ(WEFT_OK, weft_keeper_locate(keeper, &digest, 100, path));
    EXPECT_TEXT(join(c.directory, "0001.sst"), path);
    EXPECT_EQ(WEFT_ENOTFOUND, weft_keeper_locate(keeper, &digest, 101, path));
    digest.bytes[0] ^= 1;
    EXPECT_EQ(WEFT_ENOTFOUND, weft_keeper_locate(keeper, &digest, 100, path));
    weft_keeper_close(keeper);
}

/* ---- Kill points ---- */

static int changes_left;

static void count_down(const char *operation, const char *path)
{
    (void)operation, (void)path;
    if (--changes_left == 0) {
        _exit(9);
    }
}

/* A child takes the second checkpoint and is killed before its n-th change of the disk. */
TEST(keeper, killed_at_any_point_of_taking_it_has_the_new_one_whole_or_not_at_all)
{
    unsigned without = 0, with = 0;
    bool is_killed = true;
    for (int n = 1; is_killed; n++) {
        char name[32];
        struct fixture_store store;
        struct weft_keeper_start start;
        struct weft_keeper_checkpoint c;
        struct weft_msg msg;
        int status;
        (void)snprintf(name, sizeof(name), "checkpoints%d", n);
        const char *directory = fixture_path(name);
        (void)snprintf(name, sizeof(name), "store%d", n);
        struct weft_keeper *keeper = fixture_keeper(directory, 1, NULL);
        fixture_store_init(&store, name);
        fixture_store_grow(&store, 10);
        EXPECT_EQ(WEFT_OK, fixture_take(keeper, &store).err);
        weft_keeper_close(keeper);
        fixture_store_grow(&store, 10);
        pid_t child = fork();
        if (child == 0) {
            keeper = fixture_keeper(directory, 1, NULL);
            changes_left = n;
            weft_tree_on_change = count_down;
            struct weft_keeper_result result = fixture_take(keeper, &store);
            _exit(result.err == WEFT_OK ? 0 : 1);
        }
        EXPECT_EQ(child, waitpid(child, &status, 0));
        EXPECT_TRUE(WIFEXITED(status) && (WEXITSTATUS(status) == 9 || WEXITSTATUS(status) == 0));
        is_killed = WEXITSTATUS(status) == 9;
        keeper = fixture_keeper(directory, 1, &start);
        EXPECT_EQ(0, start.damaged);
        EXPECT_EQ(WEFT_OK, weft_keeper_newest(keeper, &c));
        EXPECT_TRUE(c.manifest->index == 1 || c.manifest->index == 2);
        EXPECT_EQ(WEFT_OK, weft_checkpoint_verify(c.directory, c.manifest, NULL, &msg));
        EXPECT_EQ(start.checkpoints, fixture_count(directory));
        *(c.manifest->index == 1 ? &without : &with) += 1;
        fixture_store_grow(&store, 10);
        EXPECT_EQ(WEFT_OK, fixture_take(keeper, &store).err);
        EXPECT_EQ(1, fixture_count(directory));
        weft_keeper_close(keeper);
    }
    EXPECT_TRUE(without > 5 && with > 3);
}
