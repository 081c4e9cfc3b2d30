#include "tests/unit/node/checkpoint/fixture.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "node/checkpoint/tree.h"
#include "tests/lib/test.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

const char *fixture_path(const char *name)
{
    static char paths[8][600];
    static int next;
    char *path = paths[next++ % 8];
    (void)snprintf(path, sizeof(paths[0]), "%s/%s", test_directory(), name);
    (void)mkdir(path, 0700);
    return path;
}

void fixture_put(const char *path, const void *data, size_t size)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    EXPECT_TRUE(fd >= 0);
    EXPECT_EQ(size, write(fd, data, size));
    (void)close(fd);
}

size_t fixture_get(const char *path, void *ret_data, size_t size_max)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    EXPECT_TRUE(fd >= 0);
    ssize_t got = read(fd, ret_data, size_max);
    (void)close(fd);
    EXPECT_TRUE(got >= 0);
    return (size_t)got;
}

int fixture_count(const char *directory)
{
    int count = 0;
    DIR *d = opendir(directory);
    if (d == NULL) {
        return -1;
    }
    for (const struct dirent *e; (e = readdir(d)) != NULL;) {
        count += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
    }
    (void)closedir(d);
    return count;
}

static void put_current(const struct fixture_store *s)
{
    char path[700], text[64];
    (void)snprintf(path, sizeof(path), "%s/CURRENT", s->directory);
    (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)s->index);
    fixture_put(path, text, strlen(text));
}

void fixture_store_init(struct fixture_store *s, const char *name)
{
    memset(s, 0, sizeof(*s));
    (void)snprintf(s->directory, sizeof(s->directory), "%s", fixture_path(name));
    s->term = 3;
    s->cluster = FIXTURE_CLUSTER;
    put_current(s);
}

void fixture_store_grow(struct fixture_store *s, size_t size)
{
    char path[700];
    uint8_t *data = malloc(size + 1);
    for (size_t i = 0; i < size; i++) {
        data[i] = (uint8_t)test_random(256);
    }
    (void)snprintf(path, sizeof(path), "%s/%04u.sst", s->directory, ++s->tables);
    fixture_put(path, data, size);
    free(data);
    s->index++;
    put_current(s);
}

static enum weft_err take(void *ctx, const char *directory, struct weft_msg *msg)
{
    const struct fixture_store *s = ctx;
    char from[700], to[1400];
    enum weft_err rv = weft_tree_make(directory, msg);
    (void)pthread_mutex_lock(&mutex);
    while (s->blocks) {
        (void)pthread_cond_wait(&changed, &mutex);
    }
    (void)pthread_mutex_unlock(&mutex);
    if (s->take_err != WEFT_OK) {
        return weft_fail(msg, s->take_err, "planted");
    }
    for (uint32_t i = 1; rv == WEFT_OK && i <= s->tables; i++) {
        (void)snprintf(from, sizeof(from), "%s/%04u.sst", s->directory, i);
        (void)snprintf(to, sizeof(to), "%s/%04u.sst", directory, i);
        rv = weft_tree_link(from, to, msg);
    }
    (void)snprintf(from, sizeof(from), "%s/CURRENT", s->directory);
    (void)snprintf(to, sizeof(to), "%s/CURRENT", directory);
    if (rv == WEFT_OK) {
        rv = weft_tree_copy(from, to, msg);
    }
    /* As RocksDB leaves them when a copy is opened. */
    (void)snprintf(to, sizeof(to), "%s/LOG", directory);
    return rv == WEFT_OK ? weft_tree_write(to, "log\n", 4, msg) : rv;
}

static enum weft_err describe(void *ctx, const char *directory, struct weft_arena *arena,
    struct weft_manifest *ret_manifest, struct weft_msg *msg)
{
    const struct fixture_store *s = ctx;
    (void)directory, (void)arena, (void)msg;
    *ret_manifest = (struct weft_manifest){
        .site = WEFT_TEXT("plant1"),
        .cluster = s->cluster,
        .index = s->index,
        .term = s->term,
        .time_ns = 1234567890,
        .conf_index = 1,
        .configuration = {(const uint8_t *)"conf", 4},
        .format = 1,
    };
    return WEFT_OK;
}

struct weft_keeper_source fixture_source(struct fixture_store *s)
{
    return (struct weft_keeper_source){s, take, describe, NULL};
}

static void on_change(void *ctx)
{
    (void)ctx;
    (void)pthread_mutex_lock(&mutex);
    (void)pthread_cond_broadcast(&changed);
    (void)pthread_mutex_unlock(&mutex);
}

struct weft_keeper *fixture_keeper(
    const char *directory, uint32_t kept, struct weft_keeper_start *ret_start)
{
    const struct weft_keeper_options options = {
        .directory = directory, .cluster = FIXTURE_CLUSTER, .kept = kept, .on_change = on_change};
    struct weft_keeper *keeper = NULL;
    struct weft_keeper_start start;
    struct weft_msg msg = {""};
    enum weft_err rv = weft_keeper_open(&options, &keeper, &start, &msg);
    if (rv != WEFT_OK) {
        (void)fprintf(stderr, "open: %s\n", msg.text);
    }
    EXPECT_EQ(WEFT_OK, rv);
    if (ret_start != NULL) {
        *ret_start = start;
    }
    return keeper;
}

struct weft_keeper_result fixture_wait(struct weft_keeper *keeper)
{
    struct weft_keeper_result result;
    (void)pthread_mutex_lock(&mutex);
    while (!weft_keeper_drain(keeper, &result)) {
        (void)pthread_cond_wait(&changed, &mutex);
    }
    (void)pthread_mutex_unlock(&mutex);
    return result;
}

struct weft_keeper_result fixture_take(struct weft_keeper *keeper, struct fixture_store *s)
{
    struct weft_keeper_source source = fixture_source(s);
    EXPECT_EQ(WEFT_OK, weft_keeper_take(keeper, &source));
    return fixture_wait(keeper);
}
