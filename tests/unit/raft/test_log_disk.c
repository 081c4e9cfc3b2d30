#include "raft/log_file.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/test.h"
#include "tests/unit/raft/faulty_disk.h"
#include "tests/unit/raft/log_model.h"

enum {
    CLUSTER = 0x1122334455667788 & 0x7fffffff,
    SEGMENT = 32 * 1024
};

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

static struct weft_log_options options_of(const char *directory)
{
    return (struct weft_log_options){
        .directory = directory,
        .cluster = CLUSTER,
        .segment_size_bytes = SEGMENT,
        .cache_size_max = 600 * 1024,
        .reserve_bytes = 4096,
        .on_sync = ring,
        .on_sync_ctx = &bell,
    };
}

static struct weft_log *open_log(
    struct faulty_disk *disk, const char *directory, struct weft_log_start *ret_start)
{
    struct weft_log_options options = options_of(directory);
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

/* Until everything is durable, or the log is dead. */
static enum weft_err settle_log(struct weft_log *log)
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

/* Kills and power cuts at random moments, the disk thread wherever it is. */
TEST(log_disk, random_lives_with_kills_and_power_cuts_keep_what_was_durable)
{
    static struct model m;
    uint32_t lost = 0, survived = 0, torn = 0, trims = 0, truncations = 0, resets = 0;
    for (int life = 0; life < 100; life++) {
        char directory[600];
        (void)snprintf(directory, sizeof(directory), "%s/%d", test_directory(), life);
        char command[700];
        (void)snprintf(command, sizeof(command), "mkdir -p %s", directory);
        EXPECT_EQ(0, system(command));
        struct faulty_disk *disk = faulty_disk_create(directory);
        struct weft_log_start start;
        struct weft_log *log = open_log(disk, directory, &start);
        model_init(&m, 6000);
        for (int i = 0; i < 400; i++) {
            enum weft_err err;
            EXPECT_TRUE(model_step(&m, log, &err));
            if (test_random(5) == 0) {
                EXPECT_EQ(WEFT_OK, test_random(2) ? settle_log(log) : WEFT_OK);
                model_sync(&m, log);
            }
            if (test_random(30) == 0) {
                bool is_cut = test_random(2) == 0;
                faulty_disk_freeze(disk);
                model_sync(&m, log); /* What was told before the end counts. */
                log->engine->close(log);
                if (is_cut) {
                    faulty_disk_cut(disk, test_random(0));
                } else {
                    faulty_disk_thaw(disk);
                }
                log = open_log(disk, directory, &start);
                torn += start.dropped_bytes > 0;
                model_reopen(&m, log, &start);
            }
            if (test_random(25) == 0) {
                model_compare(&m, log);
            }
        }
        log->engine->close(log);
        log = open_log(disk, directory, &start);
        EXPECT_EQ(m.last_index, start.last_index);
        model_compare(&m, log);
        log->engine->close(log);
        faulty_disk_destroy(disk);
        lost += m.lost_count, survived += m.survived_undurable_count, trims += m.trim_count;
        truncations += m.truncation_count, resets += m.reset_count;
    }
    (void)fprintf(stderr, "lost %u survived %u torn %u trims %u truncations %u resets %u\n", lost, survived, torn, trims, truncations, resets);
    EXPECT_TRUE(lost > 10 && survived > 10);
    EXPECT_TRUE(truncations > 100 && trims > 100 && resets > 3);
}
