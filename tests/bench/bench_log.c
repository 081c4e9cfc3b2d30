/* tests/bench/bench_log.c: appends and syncs of the Raft log beside a bare fdatasync loop.
 *
 *     bench_log [DIRECTORY] [SECONDS]
 *
 * The peer in the same run: pwrite and fdatasync of the same bytes into a pre-zeroed file on
 * the same disk, which is what any log on this disk costs at least. Printed as a table. */
#include "raft/log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    SEGMENT = 16 * 1024 * 1024,
    SAMPLES_MAX = 1 << 20,
    WINDOW_MAX = 1024
};

static uint64_t samples[SAMPLES_MAX];
static size_t sample_count;
static uint8_t payload[1024 * 1024];

static uint64_t now_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void fail(const char *what, const char *text)
{
    (void)fprintf(stderr, "bench_log: %s: %s\n", what, text);
    exit(1);
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void sample(uint64_t ns)
{
    if (sample_count < SAMPLES_MAX) {
        samples[sample_count++] = ns;
    }
}

static double quantile_us(double q)
{
    return sample_count == 0 ? 0
                             : (double)samples[(size_t)(q * (double)(sample_count - 1))] / 1000.0;
}

static void report(
    const char *name, uint64_t appends, uint64_t bytes, uint64_t syncs, uint64_t spent_ns)
{
    double seconds = (double)spent_ns / 1e9;
    qsort(samples, sample_count, sizeof(samples[0]), by_value);
    (void)printf("%-34s %10.0f %9.1f %10.0f %9.1f %9.1f %9.1f\n", name, (double)appends / seconds,
        (double)bytes / seconds / 1e6, (double)syncs / seconds, quantile_us(0.5), quantile_us(0.99),
        quantile_us(0.999));
}

static void run_raw(const char *directory, size_t size, uint64_t span_ns)
{
    char path[1024], name[64];
    (void)snprintf(path, sizeof(path), "%s/bench_raw", directory);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) {
        fail(path, strerror(errno));
    }
    static const uint8_t zeros[1024 * 1024];
    for (off_t at = 0; at < SEGMENT; at += (off_t)sizeof(zeros)) {
        if (pwrite(fd, zeros, sizeof(zeros), at) != (ssize_t)sizeof(zeros)) {
            fail(path, strerror(errno));
        }
    }
    if (fsync(fd) != 0) {
        fail(path, strerror(errno));
    }
    uint64_t start = now_ns(), count = 0;
    off_t at = 0;
    sample_count = 0;
    while (now_ns() - start < span_ns) {
        uint64_t begin = now_ns();
        if (pwrite(fd, payload, size, at) != (ssize_t)size || fdatasync(fd) != 0) {
            fail(path, strerror(errno));
        }
        sample(now_ns() - begin);
        count++;
        at = at + 2 * (off_t)size > SEGMENT ? 0 : at + (off_t)size;
    }
    (void)snprintf(name, sizeof(name), "pwrite+fdatasync, %zu B", size);
    report(name, count, count * size, count, now_ns() - start);
    (void)close(fd);
    (void)unlink(path);
}

struct bell {
    pthread_mutex_t mutex;
    pthread_cond_t rung;
    uint64_t count;
};

static void ring(void *ctx)
{
    struct bell *b = ctx;
    (void)pthread_mutex_lock(&b->mutex);
    b->count++;
    (void)pthread_cond_signal(&b->rung);
    (void)pthread_mutex_unlock(&b->mutex);
}

static void wait_ring(struct bell *b, uint64_t *seen)
{
    (void)pthread_mutex_lock(&b->mutex);
    while (b->count == *seen) {
        (void)pthread_cond_wait(&b->rung, &b->mutex);
    }
    *seen = b->count;
    (void)pthread_mutex_unlock(&b->mutex);
}

static void remove_files(const char *directory)
{
    char command[1200];
    (void)snprintf(command, sizeof(command), "rm -rf '%s'", directory);
    if (system(command) != 0) {
        fail(directory, "cannot be removed");
    }
}

/* Keep `window` entries of `size` bytes between append and durable. */
static void run_log(const char *base, size_t size, uint32_t window, uint64_t span_ns)
{
    struct bell bell = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0};
    char directory[1024], name[64];
    (void)snprintf(directory, sizeof(directory), "%s/bench_log.d", base);
    (void)snprintf(name, sizeof(name), "mkdir");
    char command[1200];
    (void)snprintf(command, sizeof(command), "mkdir -p '%s'", directory);
    if (system(command) != 0) {
        fail(directory, "cannot be made");
    }
    const struct weft_log_options options = {.directory = directory,
        .cluster = 1,
        .segment_size_bytes = SEGMENT,
        .cache_size_max = 64 * 1024 * 1024,
        .on_sync = ring,
        .on_sync_ctx = &bell};
    struct weft_log *log;
    struct weft_log_start start;
    struct weft_msg msg;
    enum weft_err err = weft_log_disk_open(&options, &log, &start, &msg);
    if (err != WEFT_OK) {
        fail("open", msg.text);
    }
    const struct weft_peer_entry entry = {1, WEFT_ENTRY_COMMAND, {payload, size}};
    uint64_t sent_ns[WINDOW_MAX], appended = 0, durable = 0, trimmed = 0, seen = 0;
    uint64_t begin = now_ns();
    sample_count = 0;
    while (now_ns() - begin < span_ns) {
        while (appended - durable < window) {
            err = log->engine->append(log, appended + 1, &entry, 1, &msg);
            if (err != WEFT_OK) {
                fail("append", msg.text);
            }
            sent_ns[appended++ % WINDOW_MAX] = now_ns();
        }
        wait_ring(&bell, &seen);
        uint64_t now_durable = log->engine->durable_index(log, &err, &msg);
        if (err != WEFT_OK) {
            fail("sync", msg.text);
        }
        for (uint64_t now = now_ns(); durable < now_durable; durable++) {
            sample(now - sent_ns[durable % WINDOW_MAX]);
        }
        /* As checkpoints do: segments are used again. */
        if ((durable - trimmed) * size > 64 * 1024 * 1024) {
            trimmed = durable;
            if (log->engine->trim(log, trimmed, &msg) != WEFT_OK) {
                fail("trim", msg.text);
            }
        }
    }
    uint64_t spent = now_ns() - begin;
    struct weft_log_stats stats;
    log->engine->stats(log, &stats);
    (void)snprintf(name, sizeof(name), "log, %zu B, %" PRIu32 " outstanding", size, window);
    report(name, durable, durable * size, stats.syncs, spent);
    log->engine->close(log);
    remove_files(directory);
}

int main(int argc, char **argv)
{
    const char *directory = argc > 1 ? argv[1] : ".";
    uint64_t span_ns = (uint64_t)((argc > 2 ? atof(argv[2]) : 2.0) * 1e9);
    for (size_t i = 0; i < sizeof(payload); i++) {
        payload[i] = (uint8_t)(i * 2654435761u >> 11);
    }
    (void)printf("%-34s %10s %9s %10s %9s %9s %9s\n", "", "appends/s", "MB/s", "syncs/s", "p50 us",
        "p99 us", "p99.9 us");
    run_raw(directory, 4096, span_ns);
    run_log(directory, 4096, 1, span_ns);
    run_raw(directory, 4096, span_ns);
    run_log(directory, 4096, 4, span_ns);
    run_log(directory, 4096, 64, span_ns);
    run_log(directory, 300, 1, span_ns);
    run_log(directory, 300, 256, span_ns);
    run_raw(directory, 65536, span_ns);
    run_log(directory, 65536, 1, span_ns);
    run_log(directory, 65536, 4, span_ns);
    run_raw(directory, 1024 * 1024, span_ns);
    run_log(directory, 1024 * 1024, 2, span_ns);
    return 0;
}
