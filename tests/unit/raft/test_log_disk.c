#include "raft/log_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/lib/test.h"
#include "tests/unit/raft/faulty_disk.h"
#include "tests/unit/raft/log_fixture.h"
#include "tests/unit/raft/log_model.h"

struct tally {
    uint32_t lost, survived, torn, trims, truncations, resets, reopened;
};

static void add_up(struct tally *t, const struct model *m)
{
    t->lost += m->lost_count, t->survived += m->survived_undurable_count;
    t->trims += m->trim_count, t->truncations += m->truncation_count;
    t->resets += m->reset_count;
}

/* The process is dead, or the power; then it starts again. */
static struct weft_log *crash(struct model *m, struct faulty_disk *disk, const char *directory,
    struct weft_log *log, struct tally *t)
{
    struct weft_log_start start;
    model_sync(m, log); /* What was told before the end counts. */
    log->engine->close(log);
    if (test_random(2) == 0) {
        faulty_disk_cut(disk, test_random(0));
    } else {
        faulty_disk_thaw(disk);
    }
    log = fixture_open(disk, directory, &start);
    model_reopen(m, log, &start);
    t->torn += start.dropped_bytes > 0;
    t->reopened++;
    return log;
}

static void live(struct model *m, struct faulty_disk *disk, const char *directory,
    bool at_operation, struct tally *t)
{
    struct weft_log_start start;
    struct weft_log *log = fixture_open(disk, directory, &start);
    model_init(m, 6000);
    for (int i = 0; i < 400; i++) {
        enum weft_err err = WEFT_OK;
        if (at_operation && i % 20 == 0) {
            faulty_disk_freeze_after(disk, 1 + test_random(40));
        }
        bool is_alive = model_step(m, log, &err);
        if (is_alive && test_random(5) == 0) {
            is_alive = fixture_settle(log) == WEFT_OK;
            model_sync(m, log);
        }
        if (!at_operation && test_random(30) == 0) {
            faulty_disk_freeze(disk);
            is_alive = false;
        }
        if (!is_alive) {
            log = crash(m, disk, directory, log, t);
        } else if (!at_operation && test_random(25) == 0) {
            model_compare(m, log);
        }
    }
    faulty_disk_freeze_after(disk, 0);
    log = crash(m, disk, directory, log, t);
    log->engine->close(log);
    add_up(t, m);
}

/* The disk thread is wherever it happens to be. */
TEST(log_disk, random_lives_with_kills_and_power_cuts_keep_what_was_durable)
{
    static struct model m;
    struct tally t = {0};
    for (int i = 0; i < 60; i++) {
        const char *directory = fixture_directory(i);
        struct faulty_disk *disk = faulty_disk_create(directory);
        live(&m, disk, directory, false, &t);
        faulty_disk_destroy(disk);
    }
    EXPECT_TRUE(t.lost > 10 && t.survived > 10);
    EXPECT_TRUE(t.truncations > 100 && t.trims > 100 && t.resets > 3);
}

/* The end comes right after a chosen write, sync, rename or removal, of any thread. */
TEST(log_disk, random_lives_that_end_after_any_operation_keep_what_was_durable)
{
    static struct model m;
    struct tally t = {0};
    for (int i = 0; i < 60; i++) {
        const char *directory = fixture_directory(i);
        struct faulty_disk *disk = faulty_disk_create(directory);
        live(&m, disk, directory, true, &t);
        faulty_disk_destroy(disk);
    }
    EXPECT_TRUE(t.reopened > 500);
    EXPECT_TRUE(t.lost > 10 && t.survived > 10 && t.torn > 20);
    EXPECT_TRUE(t.truncations > 100 && t.trims > 100 && t.resets > 3);
}

/* A disk that says done and is not: the model must notice, or the log itself. */
TEST(log_disk, a_lying_disk_is_found_out)
{
    static struct model m;
    unsigned refused = 0, unexplained = 0;
    for (int i = 0; i < 40; i++) {
        const char *directory = fixture_directory(i);
        struct faulty_disk *disk = faulty_disk_create(directory);
        struct weft_log_options options = fixture_options(directory);
        struct weft_log_start start;
        struct weft_msg msg;
        enum weft_err err;
        struct weft_log *log = fixture_open(disk, directory, &start);
        model_init(&m, 6000);
        faulty_disk_lie(disk);
        for (int step = 0; step < 30; step++) {
            EXPECT_TRUE(model_step(&m, log, &err));
        }
        EXPECT_EQ(WEFT_OK, fixture_settle(log));
        model_sync(&m, log);
        faulty_disk_freeze(disk);
        log->engine->close(log);
        faulty_disk_cut(disk, test_random(0));
        err = weft_log_disk_open_with(&options, faulty_disk_ops(disk), &log, &start, &msg);
        if (err != WEFT_OK) {
            EXPECT_EQ(WEFT_ECORRUPT, err);
            refused++;
        } else {
            unexplained += !model_explains(&m, log, &start);
            log->engine->close(log);
        }
        faulty_disk_destroy(disk);
    }
    EXPECT_TRUE(refused > 10 && refused + unexplained >= 35);
}

/* The same (index, term), written again with other content after a truncation. */
TEST(log_disk, a_truncated_suffix_never_comes_back_behind_what_replaced_it)
{
    const char *directory = fixture_directory(0);
    struct faulty_disk *disk = faulty_disk_create(directory);
    struct weft_log_start start;
    struct weft_msg msg;
    struct weft_log *log = fixture_open(disk, directory, &start);
    for (uint64_t i = 1; i <= 9; i++) {
        EXPECT_EQ(WEFT_OK, fixture_append(log, i, 1, "old", 3));
    }
    EXPECT_EQ(WEFT_OK, fixture_settle(log));
    EXPECT_EQ(WEFT_OK, log->engine->truncate(log, 5, &msg));
    EXPECT_EQ(WEFT_OK, fixture_append(log, 5, 1, "new", 3));
    EXPECT_EQ(WEFT_OK, fixture_settle(log));
    faulty_disk_freeze(disk);
    log->engine->close(log);
    faulty_disk_cut(disk, 7);
    log = fixture_open(disk, directory, &start);
    EXPECT_EQ(5, start.last_index);
    fixture_expect(log, 4, "old");
    fixture_expect(log, 5, "new");
    log->engine->close(log);
    faulty_disk_destroy(disk);
}

static struct weft_log *filled(struct faulty_disk *disk, const char *directory)
{
    struct weft_log_start start;
    struct weft_log *log = fixture_open(disk, directory, &start);
    EXPECT_EQ(WEFT_OK, fixture_append(log, 1, 1, "a", 1));
    EXPECT_EQ(WEFT_OK, fixture_append(log, 2, 1, "b", 1));
    EXPECT_EQ(WEFT_OK, fixture_settle(log));
    return log;
}

/* Every call after the error gives it again, with its text; what was durable stays so. */
static void expect_dead(struct weft_log *log, enum weft_err expected, const char *text)
{
    static const uint8_t byte;
    struct weft_msg msg = {""};
    enum weft_err err;
    EXPECT_EQ(expected, fixture_settle(log));
    EXPECT_EQ(2, log->engine->durable_index(log, &err, &msg));
    EXPECT_TRUE(strstr(msg.text, text) != NULL);
    const struct weft_peer_entry e = {9, WEFT_ENTRY_COMMAND, {&byte, 1}};
    EXPECT_EQ(expected, log->engine->append(log, log->engine->last_index(log) + 1, &e, 1, &msg));
    EXPECT_TRUE(strstr(msg.text, text) != NULL);
    EXPECT_EQ(expected, log->engine->truncate(log, 1, &msg));
    EXPECT_EQ(expected, log->engine->set_term(log, 9, 9, &msg));
    EXPECT_EQ(expected, log->engine->trim(log, 1, &msg));
    EXPECT_EQ(expected, log->engine->reset(log, 9, 9, &msg));
    fixture_expect(log, 2, "b");
}

TEST(log_disk, any_error_of_the_disk_leaves_the_log_dead_and_says_where)
{
    static const struct {
        enum faulty_op op;
        int error;
        enum weft_err expected;
        const char *text;
    } cases[] = {
        {FAULTY_WRITE, EIO, WEFT_EIO, "/segment-0001: write"},
        {FAULTY_WRITE, ENOSPC, WEFT_ENOSPC, "No space left"},
        {FAULTY_WRITE, EDQUOT, WEFT_ENOSPC, "/segment-0001: write"},
        {FAULTY_SHORT_WRITE, ENOSPC, WEFT_ENOSPC, "No space left"},
        {FAULTY_SYNC, EIO, WEFT_EIO, "/segment-0001: sync: Input/output error"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *directory = fixture_directory((int)i);
        struct faulty_disk *disk = faulty_disk_create(directory);
        struct weft_log_start start;
        struct weft_log *log = filled(disk, directory);
        faulty_disk_aim(disk, "segment-");
        faulty_disk_fail(disk, cases[i].op, 1, cases[i].error, true);
        EXPECT_EQ(WEFT_OK, fixture_append(log, 3, 2, "c", 1));
        expect_dead(log, cases[i].expected, cases[i].text);
        /* The reserve was given up for a full disk, and only then. */
        char path[700];
        (void)snprintf(path, sizeof(path), "%s/reserve", directory);
        EXPECT_EQ(cases[i].expected == WEFT_ENOSPC ? -1 : 0, access(path, F_OK));
        log->engine->close(log);
        faulty_disk_thaw(disk);
        log = fixture_open(disk, directory, &start);
        EXPECT_TRUE(start.last_index >= 2);
        fixture_expect(log, 2, "b");
        EXPECT_EQ(0, access(path, F_OK));
        log->engine->close(log);
        faulty_disk_destroy(disk);
    }
}

TEST(log_disk, a_failed_write_of_term_and_vote_kills_the_log)
{
    for (uint64_t nth = 1; nth <= 2; nth++) {
        const char *directory = fixture_directory((int)nth);
        struct faulty_disk *disk = faulty_disk_create(directory);
        struct weft_log_start start;
        struct weft_msg msg;
        struct weft_log *log = filled(disk, directory);
        EXPECT_EQ(WEFT_OK, log->engine->set_term(log, 5, 1, &msg));
        faulty_disk_fail(disk, FAULTY_SYNC, nth, EIO, true);
        EXPECT_EQ(WEFT_EIO, log->engine->set_term(log, 6, 2, &msg));
        EXPECT_TRUE(strstr(msg.text, "/meta: sync") != NULL);
        expect_dead(log, WEFT_EIO, "/meta: sync");
        log->engine->close(log);
        faulty_disk_cut(disk, nth);
        log = fixture_open(disk, directory, &start);
        EXPECT_TRUE(
            (start.term == 5 && start.voted_for == 1) || (start.term == 6 && start.voted_for == 2));
        log->engine->close(log);
        faulty_disk_destroy(disk);
    }
}

/* RFT-110: after a failed sync the page cache may claim what the platter does not have. */
TEST(log_disk, what_a_failed_sync_left_in_the_page_cache_is_made_durable_before_it_counts)
{
    unsigned kept = 0;
    for (int i = 0; i < 30; i++) {
        const char *directory = fixture_directory(i);
        struct faulty_disk *disk = faulty_disk_create(directory);
        struct weft_log_start start, later;
        struct weft_log *log = filled(disk, directory);
        faulty_disk_aim(disk, "segment-");
        faulty_disk_fail(disk, FAULTY_SYNC, 1, EIO, false);
        EXPECT_EQ(WEFT_OK, fixture_append(log, 3, 2, "c", 1));
        EXPECT_EQ(WEFT_EIO, fixture_settle(log));
        log->engine->close(log);
        faulty_disk_thaw(disk);
        log = fixture_open(disk, directory, &start); /* Another process: it sees all three. */
        EXPECT_EQ(3, start.last_index);
        faulty_disk_freeze(disk);
        log->engine->close(log);
        faulty_disk_cut(disk, (uint64_t)i);
        log = fixture_open(disk, directory, &later);
        EXPECT_EQ(3, later.last_index);
        kept++;
        log->engine->close(log);
        faulty_disk_destroy(disk);
    }
    EXPECT_EQ(30, kept);
}

TEST(log_disk, a_full_disk_stops_the_log_and_a_restart_with_room_loses_nothing)
{
    const char *directory = fixture_directory(0);
    struct faulty_disk *disk = faulty_disk_create(directory);
    static const uint8_t data[3000] = {1};
    struct weft_log_options options = fixture_options(directory);
    struct weft_log_start start;
    struct weft_msg msg;
    enum weft_err err;
    struct weft_log *log = filled(disk, directory);
    faulty_disk_limit(disk, 6 * FIXTURE_SEGMENT);
    uint64_t index = 2;
    while (fixture_append(log, index + 1, 1, data, sizeof(data)) == WEFT_OK) {
        index++;
        if (fixture_settle(log) != WEFT_OK) {
            break;
        }
    }
    uint64_t durable = log->engine->durable_index(log, &err, &msg);
    EXPECT_EQ(WEFT_ENOSPC, err);
    EXPECT_TRUE(strstr(msg.text, "/segment.new: write") != NULL);
    EXPECT_TRUE(durable > 20 && durable >= index - 1);
    log->engine->close(log);
    /* Still no room, not even for the reserve: said at once. */
    EXPECT_EQ(
        WEFT_OK, weft_log_disk_open_with(&options, faulty_disk_ops(disk), &log, &start, &msg));
    log->engine->close(log);
    options.reserve_bytes = 100 * FIXTURE_SEGMENT;
    EXPECT_EQ(
        WEFT_ENOSPC, weft_log_disk_open_with(&options, faulty_disk_ops(disk), &log, &start, &msg));
    EXPECT_TRUE(strstr(msg.text, "/reserve: keep") != NULL);
    faulty_disk_limit(disk, 0);
    log = fixture_open(disk, directory, &start);
    EXPECT_TRUE(start.last_index >= durable);
    fixture_expect(log, 2, "b");
    EXPECT_EQ(WEFT_OK, fixture_append(log, start.last_index + 1, 1, data, sizeof(data)));
    EXPECT_EQ(WEFT_OK, fixture_settle(log));
    log->engine->close(log);
    faulty_disk_destroy(disk);
}

TEST(log_disk, a_checkpoint_frees_room_and_trimmed_segments_are_used_again)
{
    const char *directory = fixture_directory(0);
    static const uint8_t data[3000] = {1};
    struct weft_log_start start;
    struct weft_log_stats stats;
    struct weft_msg msg;
    struct weft_log *log = fixture_open(NULL, directory, &start);
    uint64_t peak_bytes = 0;
    for (uint64_t i = 1; i <= 1000; i++) {
        EXPECT_EQ(WEFT_OK, fixture_append(log, i, 1, data, sizeof(data)));
        if (i % 20 == 0) {
            EXPECT_EQ(WEFT_OK, fixture_settle(log));
            EXPECT_EQ(WEFT_OK, log->engine->trim(log, i - 5, &msg));
            log->engine->stats(log, &stats);
            peak_bytes = stats.disk_bytes > peak_bytes ? stats.disk_bytes : peak_bytes;
        }
    }
    EXPECT_TRUE(peak_bytes <= 10 * FIXTURE_SEGMENT); /* Of the 100 segments that were written. */
    EXPECT_EQ(5 * (48 + 3000), stats.used_bytes);
    log->engine->close(log);
    log = fixture_open(NULL, directory, &start);
    EXPECT_EQ(995, start.base_index);
    EXPECT_EQ(1000, start.last_index);
    log->engine->close(log);
}

/* In how many files of the log these bytes are. */
static unsigned files_with(const char *directory, const char *text)
{
    static uint8_t content[4 * FIXTURE_SEGMENT];
    unsigned count = 0;
    DIR *d = opendir(directory);
    EXPECT_TRUE(d != NULL);
    for (const struct dirent *e; (e = readdir(d)) != NULL;) {
        int fd = openat(dirfd(d), e->d_name, O_RDONLY);
        ssize_t size = fd >= 0 ? read(fd, content, sizeof(content)) : -1;
        count += size > 0 && memmem(content, (size_t)size, text, strlen(text)) != NULL;
        if (fd >= 0) {
            (void)close(fd);
        }
    }
    (void)closedir(d);
    return count;
}

TEST(log_disk, what_is_scrubbed_is_in_no_file_once_it_is_trimmed)
{
    static const char secret[] = "Zwx7Qk4Jv93Tn8RfHb2";
    const char *directory = fixture_directory(0);
    static const uint8_t data[3000] = {1};
    struct weft_log_start start;
    struct weft_msg msg;
    struct weft_log *log = fixture_open(NULL, directory, &start);
    bool is_gone = false;
    EXPECT_EQ(WEFT_OK, fixture_append(log, 1, 1, secret, sizeof(secret)));
    for (uint64_t i = 2; i <= 60; i++) {
        EXPECT_EQ(WEFT_OK, fixture_append(log, i, 1, data, sizeof(data)));
    }
    EXPECT_EQ(WEFT_OK, fixture_settle(log));
    EXPECT_EQ(1, files_with(directory, secret));
    EXPECT_TRUE(!log->engine->scrub(log, 1));
    EXPECT_EQ(1, files_with(directory, secret));
    EXPECT_EQ(WEFT_OK, log->engine->trim(log, 40, &msg));
    for (uint64_t i = 61; i <= 90 && !is_gone; i++) { /* Files are given up by the writer. */
        EXPECT_EQ(WEFT_OK, fixture_append(log, i, 1, data, sizeof(data)));
        EXPECT_EQ(WEFT_OK, fixture_settle(log));
        is_gone = log->engine->scrub(log, 1);
    }
    EXPECT_TRUE(is_gone);
    EXPECT_EQ(0, files_with(directory, secret));
    log->engine->close(log);
    log = fixture_open(NULL, directory, &start);
    EXPECT_EQ(40, start.base_index);
    log->engine->close(log);
}

/* Old entries are read from the disk, new ones from memory, and both at a boundary. */
TEST(log_disk, the_cache_is_bounded_and_what_it_lost_is_read_back)
{
    const char *directory = fixture_directory(0);
    static uint8_t data[20000];
    struct weft_log_options options = fixture_options(directory);
    struct weft_log_start start;
    struct weft_log_stats stats;
    struct weft_log_entry e[8];
    struct weft_log *log;
    struct weft_msg msg;
    uint32_t count;
    options.segment_size_bytes = 1024 * 1024;
    EXPECT_EQ(WEFT_OK, weft_log_disk_open(&options, &log, &start, &msg));
    for (uint64_t i = 1; i <= 500; i++) {
        memset(data, (int)i, sizeof(data));
        EXPECT_EQ(WEFT_OK, fixture_append(log, i, 1, data, sizeof(data)));
        EXPECT_EQ(WEFT_OK, fixture_settle(log));
        log->engine->stats(log, &stats);
        EXPECT_TRUE(stats.cached_bytes <= options.cache_size_max + 2 * 256 * 1024);
    }
    for (uint64_t i = 1; i <= 500; i += count) {
        EXPECT_EQ(WEFT_OK, log->engine->read(log, i, 100000, 8, e, &count, &msg));
        for (uint32_t k = 0; k < count; k++) {
            memset(data, (int)(i + k), sizeof(data));
            EXPECT_EQ(i + k, e[k].index);
            EXPECT_MEM(data, e[k].data.data, sizeof(data));
        }
    }
    log->engine->close(log);
}

/* One sync for all that waited, and one before it for the first, if the thread was quick. */
TEST(log_disk, what_waits_joins_the_next_sync)
{
    const char *directory = fixture_directory(0);
    struct faulty_disk *disk = faulty_disk_create(directory);
    struct weft_log_start start;
    struct weft_log_stats stats;
    struct weft_log *log = fixture_open(disk, directory, &start);
    faulty_disk_hold_syncs(disk, true);
    for (uint64_t i = 1; i <= 5000; i++) {
        EXPECT_EQ(WEFT_OK, fixture_append(log, i, 1, "0123456789", 10));
    }
    faulty_disk_hold_syncs(disk, false);
    EXPECT_EQ(WEFT_OK, fixture_settle(log));
    log->engine->stats(log, &stats);
    EXPECT_TRUE(stats.syncs == 1 || stats.syncs == 2);
    EXPECT_TRUE(stats.sync_ns_total > 0);
    EXPECT_EQ(5000 * 64, stats.appended_bytes);
    log->engine->close(log);
    faulty_disk_destroy(disk);
}

TEST(log_disk, an_entry_that_no_segment_can_hold_is_refused_and_nothing_happens)
{
    const char *directory = fixture_directory(0);
    static const uint8_t data[FIXTURE_SEGMENT];
    struct weft_log_start start;
    struct weft_log *log = fixture_open(NULL, directory, &start);
    size_t largest = FIXTURE_SEGMENT - 4096 - 2 * 48 - 8;
    EXPECT_EQ(WEFT_ETOOBIG, fixture_append(log, 1, 1, data, largest + 1));
    EXPECT_EQ(WEFT_OK, fixture_append(log, 1, 1, data, largest));
    EXPECT_EQ(WEFT_OK, fixture_append(log, 2, 1, data, largest));
    EXPECT_EQ(WEFT_OK, fixture_settle(log));
    log->engine->close(log);
    log = fixture_open(NULL, directory, &start);
    EXPECT_EQ(2, start.last_index);
    log->engine->close(log);
}

TEST(log_disk, only_one_process_may_have_it_and_options_are_checked)
{
    const char *directory = fixture_directory(0);
    struct weft_log_options options = fixture_options(directory);
    struct weft_log_start start;
    struct weft_log *second;
    struct weft_msg msg;
    struct weft_log *log = fixture_open(NULL, directory, &start);
    EXPECT_EQ(WEFT_EBUSY, weft_log_disk_open(&options, &second, &start, &msg));
    log->engine->close(log);
    options.segment_size_bytes = 5000;
    EXPECT_EQ(WEFT_EINVAL, weft_log_disk_open(&options, &second, &start, &msg));
    options.segment_size_bytes = 8192;
    EXPECT_EQ(WEFT_EINVAL, weft_log_disk_open(&options, &second, &start, &msg));
    options.segment_size_bytes = FIXTURE_SEGMENT;
    options.directory = "/nonexistent/directory";
    EXPECT_EQ(WEFT_EIO, weft_log_disk_open(&options, &second, &start, &msg));
}

/* Another size of segment after a restart: old ones are read, new ones have the new size. */
TEST(log_disk, the_size_of_segments_may_change)
{
    const char *directory = fixture_directory(0);
    struct weft_log_options options = fixture_options(directory);
    struct weft_log_start start;
    struct weft_log *log = NULL;
    struct weft_msg msg;
    static const uint8_t data[3000] = {1};
    uint64_t index = 0;
    for (int round = 0; round < 4; round++) {
        options.segment_size_bytes = (uint32_t)(1 + round % 2) * FIXTURE_SEGMENT;
        EXPECT_EQ(WEFT_OK, weft_log_disk_open(&options, &log, &start, &msg));
        EXPECT_EQ(index, start.last_index);
        for (int i = 0; i < 60; i++) {
            EXPECT_EQ(WEFT_OK, fixture_append(log, ++index, 1, data, sizeof(data)));
        }
        EXPECT_EQ(WEFT_OK, fixture_settle(log));
        if (round == 2) {
            EXPECT_EQ(WEFT_OK, log->engine->trim(log, 150, &msg));
        }
        log->engine->close(log);
    }
    EXPECT_EQ(240, index);
}

/* Appends for ever, and tells what is durable. Does not return. */
static void append_until_killed(const char *directory, int out)
{
    struct weft_log_start start;
    struct weft_msg msg;
    enum weft_err err;
    struct weft_log *log = fixture_open(NULL, directory, &start);
    for (uint64_t index = start.last_index + 1;; index++) {
        char text[64];
        (void)snprintf(text, sizeof(text), "entry %llu", (unsigned long long)index);
        if (fixture_append(log, index, 1, text, strlen(text)) != WEFT_OK) {
            _exit(1);
        }
        uint64_t durable = log->engine->durable_index(log, &err, &msg);
        if (err != WEFT_OK || write(out, &durable, sizeof(durable)) != sizeof(durable)) {
            _exit(1);
        }
    }
}

/* A real process and SIGKILL: what it told before the end is there, and every entry is right. */
TEST(log_disk, a_killed_process_leaves_at_least_what_it_reported)
{
    const char *directory = fixture_directory(0);
    uint64_t last = 0;
    for (int round = 0; round < 15; round++) {
        uint64_t reported = 0, told;
        uint64_t enough = last + 1 + test_random(300);
        int ends[2], status;
        struct weft_log_start start;
        EXPECT_EQ(0, pipe(ends));
        pid_t child = fork();
        if (child == 0) {
            append_until_killed(directory, ends[1]);
        }
        (void)close(ends[1]);
        while (reported < enough && read(ends[0], &told, sizeof(told)) == sizeof(told)) {
            reported = told;
        }
        EXPECT_EQ(0, kill(child, SIGKILL));
        while (read(ends[0], &told, sizeof(told)) == sizeof(told)) {
            reported = told;
        }
        (void)close(ends[0]);
        EXPECT_EQ(child, waitpid(child, &status, 0));
        EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        struct weft_log *log = fixture_open(NULL, directory, &start);
        EXPECT_TRUE(reported >= enough && start.last_index >= reported);
        for (uint64_t i = 1; i <= start.last_index; i++) {
            char text[64];
            (void)snprintf(text, sizeof(text), "entry %llu", (unsigned long long)i);
            fixture_expect(log, i, text);
        }
        last = start.last_index;
        log->engine->close(log);
    }
}
