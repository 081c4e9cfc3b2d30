/* What a read of the store says of damage, to whom, and what it does not call so. */
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "node/state/store.h"
#include "tests/lib/test.h"

enum {
    KEYS = 400,
    SMALL_SIZE = 60,
    LARGE_SIZE = 3000, /* Goes to a blob file. */
    THREADS = 4,
};

struct rig {
    char directory[600];
    struct weft_store *store;
    struct weft_msg msg;
    atomic_int told;
    char text[512];
};

static void on_damage(void *ctx, const char *text)
{
    struct rig *r = ctx;
    if (atomic_fetch_add(&r->told, 1) == 0) {
        (void)snprintf(r->text, sizeof(r->text), "%s", text);
    }
}

static void rig_open(struct rig *r, bool is_read_only)
{
    const struct weft_store_options options = {.directory = r->directory,
        .cache_bytes = 1 << 20,
        .memtable_bytes = 8 << 20,
        .read_only = is_read_only};
    const struct weft_store_damage damage = {on_damage, r};
    bool is_created;
    EXPECT_EQ(WEFT_OK, weft_store_open(&options, &r->store, &is_created, &r->msg));
    weft_store_watch(r->store, &damage);
    EXPECT_TRUE(!weft_store_is_damaged(r->store));
}

static struct weft_key key_of(uint64_t i)
{
    return weft_key_records(i + 1, 0);
}

/* A file of tables, one of blobs; open again, so that nothing of them is in memory. */
static void rig_init(struct rig *r, const char *name)
{
    uint8_t value[LARGE_SIZE];
    memset(r, 0, sizeof(*r));
    (void)snprintf(r->directory, sizeof(r->directory), "%s/%s", test_directory(), name);
    rig_open(r, false);
    struct weft_store_batch *batch = weft_store_batch_create();
    for (uint64_t i = 0; i < KEYS; i++) {
        struct weft_key key = key_of(i);
        for (size_t at = 0; at < sizeof(value); at++) {
            value[at] = (uint8_t)test_random(256);
        }
        weft_store_batch_put(batch, &key, value, i % 2 == 0 ? SMALL_SIZE : LARGE_SIZE);
    }
    EXPECT_EQ(WEFT_OK, weft_store_write(r->store, batch, &r->msg));
    weft_store_batch_destroy(batch);
    EXPECT_EQ(WEFT_OK, weft_store_flush(r->store, &r->msg));
    weft_store_close(r->store);
    rig_open(r, false);
}

static void rig_destroy(struct rig *r)
{
    weft_store_close(r->store);
}

static void find_file(const struct rig *r, const char *suffix, char ret_path[1024])
{
    DIR *dir = opendir(r->directory);
    const struct dirent *entry;
    ret_path[0] = '\0';
    EXPECT_TRUE(dir != NULL);
    while ((entry = readdir(dir)) != NULL) {
        const char *dot = strrchr(entry->d_name, '.');
        if (dot != NULL && strcmp(dot, suffix) == 0) {
            (void)snprintf(ret_path, 1024, "%s/%s", r->directory, entry->d_name);
        }
    }
    (void)closedir(dir);
    EXPECT_TRUE(ret_path[0] != '\0');
}

/* Every 100th byte of its first half, where data is. */
static void damage_file(const char *path)
{
    struct stat st;
    int fd = open(path, O_RDWR);
    EXPECT_EQ(0, fstat(fd, &st));
    for (off_t at = 40; at < st.st_size / 2; at += 100) {
        uint8_t byte;
        EXPECT_EQ(1, pread(fd, &byte, 1, at));
        byte ^= 0x10;
        EXPECT_EQ(1, pwrite(fd, &byte, 1, at));
    }
    (void)close(fd);
}

/* --- who reads ------------------------------------------------------------------------------- */

static enum weft_err read_one(struct rig *r, uint64_t i)
{
    struct weft_store_value value = {.handle = NULL};
    struct weft_msg msg;
    struct weft_key key = key_of(i);
    enum weft_err err = weft_store_get(r->store, NULL, &key, &value, &msg);
    weft_store_release(&value);
    return err;
}

static enum weft_err read_durable(struct rig *r, uint64_t i)
{
    struct weft_store_value value = {.handle = NULL};
    struct weft_key key = key_of(i);
    enum weft_err err = weft_store_get_durable(r->store, &key, &value, NULL);
    weft_store_release(&value);
    return err;
}

static enum weft_err read_many(struct rig *r, uint64_t i)
{
    struct weft_store_value values[2] = {{.handle = NULL}, {.handle = NULL}};
    struct weft_msg msg;
    const struct weft_key keys[2] = {key_of(i), key_of(i + 1)};
    enum weft_err err = weft_store_get_many(r->store, NULL, keys, 2, values, &msg);
    weft_store_release(&values[0]);
    weft_store_release(&values[1]);
    return err;
}

static enum weft_err walk(struct rig *r, uint64_t i)
{
    struct weft_msg msg;
    struct weft_key key = key_of(i);
    struct weft_store_walk *w = weft_store_walk_create(r->store, NULL, true);
    weft_store_walk_to(w, &key);
    while (weft_store_walk_is_at_key(w)) {
        weft_store_walk_next(w);
    }
    enum weft_err err = weft_store_walk_err(w, &msg);
    weft_store_walk_destroy(w);
    return err;
}

/* Takes the damage for the end. */
static enum weft_err walk_and_ask_nothing(struct rig *r, uint64_t i)
{
    struct weft_key key = key_of(i);
    struct weft_store_walk *w = weft_store_walk_create(r->store, NULL, true);
    weft_store_walk_to(w, &key);
    while (weft_store_walk_is_at_key(w)) {
        weft_store_walk_next(w);
    }
    weft_store_walk_destroy(w);
    return WEFT_ECORRUPT;
}

typedef enum weft_err reader(struct rig *r, uint64_t i);

TEST(store_damage, is_told_once_whatever_reads_it_and_names_the_file_of_a_table)
{
    static reader *const readers[] = {
        read_one, read_durable, read_many, walk, walk_and_ask_nothing};
    static const char *const suffixes[] = {".sst", ".blob"};
    for (size_t i = 0; i < 2 * sizeof(readers) / sizeof(readers[0]); i++) {
        struct rig r;
        char name[32], path[1024];
        (void)snprintf(name, sizeof(name), "told%zu", i);
        rig_init(&r, name);
        find_file(&r, suffixes[i % 2], path);
        damage_file(path);
        for (uint64_t k = 0; k < 20; k++) { /* Even ones stand in the table, odd ones do not. */
            EXPECT_EQ(WEFT_ECORRUPT, readers[i / 2](&r, 1 + 2 * k));
        }
        EXPECT_EQ(1, atomic_load(&r.told));
        EXPECT_TRUE(weft_store_is_damaged(r.store));
        EXPECT_TRUE(i % 2 == 1 || strstr(r.text, path) != NULL);
        EXPECT_TRUE(strstr(r.text, "Corruption") != NULL);
        rig_destroy(&r);
    }
}

static void *read_on_a_thread(void *ctx)
{
    struct rig *r = ctx;
    for (uint64_t i = 0; i < 50; i++) {
        EXPECT_EQ(WEFT_ECORRUPT, read_one(r, i));
    }
    return NULL;
}

TEST(store_damage, is_told_once_when_many_threads_meet_it)
{
    struct rig r;
    char path[1024];
    pthread_t threads[THREADS];
    rig_init(&r, "threads");
    find_file(&r, ".sst", path);
    damage_file(path);
    for (int i = 0; i < THREADS; i++) {
        EXPECT_EQ(0, pthread_create(&threads[i], NULL, read_on_a_thread, &r));
    }
    for (int i = 0; i < THREADS; i++) {
        EXPECT_EQ(0, pthread_join(threads[i], NULL));
    }
    EXPECT_EQ(1, atomic_load(&r.told));
    rig_destroy(&r);
}

TEST(store_damage, is_a_file_that_is_cut_off_or_gone)
{
    for (int is_gone = 0; is_gone < 2; is_gone++) {
        struct rig r;
        char path[1024];
        rig_init(&r, is_gone ? "gone" : "cut");
        find_file(&r, ".blob", path);
        EXPECT_EQ(0, is_gone ? unlink(path) : truncate(path, 5000));
        EXPECT_EQ(WEFT_ECORRUPT, read_one(&r, KEYS - 1));
        EXPECT_EQ(1, atomic_load(&r.told));
        rig_destroy(&r);
    }
}

/* --- what is no damage ----------------------------------------------------------------------- */

static enum weft_err never(void *ctx, struct weft_msg *msg)
{
    (void)ctx;
    return weft_fail(msg, WEFT_ETIMEDOUT, "its time is up");
}

TEST(store_damage, is_not_what_memory_does_not_have_nor_a_deadline)
{
    struct rig r;
    char path[1024];
    struct weft_store_value value = {.handle = NULL};
    struct weft_key key = key_of(1);
    struct weft_yield yield = {.ask = never, .every = 1, .left = 1};
    rig_init(&r, "memory");
    find_file(&r, ".sst", path);
    damage_file(path);
    struct weft_store_snapshot *snapshot = weft_store_snapshot_create(r.store);
    EXPECT_EQ(WEFT_EBUSY,
        weft_store_get(r.store, weft_store_snapshot_in_memory(snapshot), &key, &value, &r.msg));
    struct weft_store_walk *w = weft_store_walk_create(r.store, NULL, false);
    weft_store_walk_yield_with(w, &yield);
    weft_store_walk_to(w, &key);
    EXPECT_EQ(WEFT_ETIMEDOUT, weft_store_walk_err(w, &r.msg));
    weft_store_walk_destroy(w);
    EXPECT_EQ(0, atomic_load(&r.told));
    EXPECT_EQ(WEFT_ECORRUPT, read_one(&r, 1)); /* It is there. */
    EXPECT_EQ(1, atomic_load(&r.told));
    weft_store_snapshot_destroy(r.store, snapshot);
    rig_destroy(&r);
}

TEST(store_damage, is_not_a_file_that_cannot_be_opened_or_read_for_now)
{
    struct rig r;
    struct rlimit before, none;
    char path[1024], away[1040];
    rig_init(&r, "files");
    find_file(&r, ".blob", path);
    EXPECT_EQ(0, getrlimit(RLIMIT_NOFILE, &before));
    none = (struct rlimit){0, before.rlim_max};
    EXPECT_EQ(0, setrlimit(RLIMIT_NOFILE, &none));
    EXPECT_EQ(WEFT_EIO, read_one(&r, 1));
    EXPECT_EQ(WEFT_EIO, walk(&r, 1));
    EXPECT_EQ(0, setrlimit(RLIMIT_NOFILE, &before));
    /* A way in a circle in its place: an error of the disk that is not ENOENT. */
    (void)snprintf(away, sizeof(away), "%s.away", path);
    EXPECT_EQ(0, rename(path, away));
    EXPECT_EQ(0, symlink(path, path));
    EXPECT_EQ(WEFT_EIO, read_one(&r, 1));
    EXPECT_EQ(0, unlink(path));
    EXPECT_EQ(0, rename(away, path));
    EXPECT_EQ(0, atomic_load(&r.told));
    EXPECT_EQ(WEFT_OK, read_one(&r, 1));
    EXPECT_EQ(WEFT_OK, walk(&r, 1));
    EXPECT_TRUE(!weft_store_is_damaged(r.store));
    rig_destroy(&r);
}
