#include "tests/unit/raft/log_fixture.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/lib/test.h"

/* What the loop would be woken by. */
struct bell {
    pthread_mutex_t mutex;
    pthread_cond_t rung;
    unsigned count;
};

static struct bell bell = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0};

static void ring(void *ctx)
{
    struct bell *b = ctx;
    (void)pthread_mutex_lock(&b->mutex);
    b->count++;
    (void)pthread_cond_broadcast(&b->rung);
    (void)pthread_mutex_unlock(&b->mutex);
}

struct weft_log_options fixture_options(const char *directory)
{
    return (struct weft_log_options){
        .directory = directory,
        .cluster = FIXTURE_CLUSTER,
        .segment_size_bytes = FIXTURE_SEGMENT,
        .cache_size_max = 600 * 1024,
        .reserve_bytes = 4096,
        .on_sync = ring,
        .on_sync_ctx = &bell,
    };
}

struct weft_log *fixture_open(
    struct faulty_disk *disk, const char *directory, struct weft_log_start *ret_start)
{
    struct weft_log_options options = fixture_options(directory);
    struct weft_log *log = NULL;
    struct weft_msg msg = {""};
    enum weft_err rv = weft_log_disk_open_with(&options,
        disk != NULL ? faulty_disk_ops(disk) : &weft_log_file_system, &log, ret_start, &msg);
    if (rv != WEFT_OK) {
        (void)fprintf(stderr, "open: %s: %s\n", weft_err_name(rv), msg.text);
    }
    EXPECT_EQ(WEFT_OK, rv);
    return log;
}

enum weft_err fixture_settle(struct weft_log *log)
{
    enum weft_err err = WEFT_OK;
    struct weft_msg msg;
    (void)pthread_mutex_lock(&bell.mutex);
    while (log->engine->durable_index(log, &err, &msg) < log->engine->last_index(log) &&
           err == WEFT_OK) {
        (void)pthread_cond_wait(&bell.rung, &bell.mutex);
    }
    (void)pthread_mutex_unlock(&bell.mutex);
    return err;
}

const char *fixture_directory(int number)
{
    static char directory[600];
    (void)snprintf(directory, sizeof(directory), "%s/%d", test_directory(), number);
    EXPECT_EQ(0, mkdir(directory, 0700));
    return directory;
}

enum weft_err fixture_append(
    struct weft_log *log, uint64_t index, uint64_t term, const void *data, size_t size)
{
    struct weft_msg msg;
    const struct weft_peer_entry e = {term, WEFT_ENTRY_COMMAND, {data, size}};
    return log->engine->append(log, index, &e, 1, &msg);
}

void fixture_expect(struct weft_log *log, uint64_t index, const char *text)
{
    struct weft_log_entry e;
    struct weft_msg msg;
    uint32_t count;
    EXPECT_EQ(WEFT_OK, log->engine->read(log, index, 1, 1, &e, &count, &msg));
    EXPECT_EQ(strlen(text), e.data.size);
    EXPECT_MEM(text, e.data.data, e.data.size);
}
