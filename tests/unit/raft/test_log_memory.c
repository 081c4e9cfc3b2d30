#include "raft/log_memory.h"

#include <string.h>

#include "tests/lib/test.h"
#include "tests/unit/raft/log_model.h"

static struct weft_log *create(bool sync_at_once)
{
    struct weft_log *log;
    const struct weft_log_memory_options options = {.sync_at_once = sync_at_once};
    EXPECT_EQ(WEFT_OK, weft_log_memory_create(&options, &log));
    return log;
}

static enum weft_err append(struct weft_log *log, uint64_t index, uint64_t term, const char *text)
{
    struct weft_msg msg;
    const struct weft_peer_entry e = {
        term, WEFT_ENTRY_COMMAND, {(const uint8_t *)text, strlen(text)}};
    return log->engine->append(log, index, &e, 1, &msg);
}

static uint64_t durable(struct weft_log *log)
{
    enum weft_err err;
    uint64_t index = log->engine->durable_index(log, &err, NULL);
    EXPECT_EQ(WEFT_OK, err);
    return index;
}

TEST(log_memory, nothing_is_durable_until_the_simulation_says_so)
{
    struct weft_log *log = create(false);
    EXPECT_EQ(WEFT_OK, append(log, 1, 1, "a"));
    EXPECT_EQ(WEFT_OK, append(log, 2, 1, "b"));
    EXPECT_EQ(0, durable(log));
    EXPECT_EQ(2, weft_log_memory_pending(log));
    weft_log_memory_sync(log, 1);
    EXPECT_EQ(1, durable(log));
    weft_log_memory_sync(log, UINT64_MAX);
    EXPECT_EQ(2, durable(log));
    log->engine->close(log);
}

/* The same (index, term) written again is another entry, and not durable because the first was. */
TEST(log_memory, an_entry_written_again_is_not_durable_by_its_predecessor)
{
    struct weft_log *log = create(false);
    EXPECT_EQ(WEFT_OK, append(log, 1, 1, "a"));
    EXPECT_EQ(WEFT_OK, append(log, 2, 1, "b"));
    weft_log_memory_sync(log, UINT64_MAX);
    EXPECT_EQ(WEFT_OK, log->engine->truncate(log, 2, NULL));
    EXPECT_EQ(WEFT_OK, append(log, 2, 1, "b"));
    EXPECT_EQ(1, durable(log));
    weft_log_memory_sync(log, 1);
    EXPECT_EQ(1, durable(log));
    weft_log_memory_sync(log, 1);
    EXPECT_EQ(2, durable(log));
    log->engine->close(log);
}

TEST(log_memory, a_planted_fault_strikes_on_the_nth_call_and_the_log_stays_dead)
{
    struct weft_log *log = create(false);
    struct weft_log_start start;
    enum weft_err err;
    weft_log_memory_fail(log, WEFT_LOG_MEMORY_APPEND, 2, WEFT_EIO);
    EXPECT_EQ(WEFT_OK, append(log, 1, 1, "a"));
    EXPECT_EQ(WEFT_EIO, append(log, 2, 1, "b"));
    EXPECT_EQ(WEFT_EIO, append(log, 2, 1, "b"));
    EXPECT_EQ(WEFT_EIO, log->engine->truncate(log, 1, NULL));
    (void)log->engine->durable_index(log, &err, NULL);
    EXPECT_EQ(WEFT_EIO, err);
    weft_log_memory_restart(log, &start);
    EXPECT_EQ(1, start.last_index);
    EXPECT_EQ(WEFT_OK, append(log, 2, 1, "b"));
    weft_log_memory_fail(log, WEFT_LOG_MEMORY_SYNC, 1, WEFT_ENOSPC);
    weft_log_memory_sync(log, UINT64_MAX);
    EXPECT_EQ(1, log->engine->durable_index(log, &err, NULL));
    EXPECT_EQ(WEFT_ENOSPC, err);
    log->engine->close(log);
}

TEST(log_memory, a_failed_read_leaves_the_log_alive)
{
    struct weft_log *log = create(true);
    struct weft_log_entry e;
    uint32_t count;
    EXPECT_EQ(WEFT_OK, append(log, 1, 1, "a"));
    weft_log_memory_fail(log, WEFT_LOG_MEMORY_READ, 1, WEFT_ECORRUPT);
    EXPECT_EQ(WEFT_ECORRUPT, log->engine->read(log, 1, 9, 1, &e, &count, NULL));
    EXPECT_EQ(WEFT_OK, log->engine->read(log, 1, 9, 1, &e, &count, NULL));
    EXPECT_EQ(WEFT_OK, append(log, 2, 1, "b"));
    log->engine->close(log);
}

TEST(log_memory, a_full_disk_is_reported_and_room_after_restart_is_used)
{
    struct weft_log *log = create(true);
    struct weft_log_start start;
    uint64_t index = 1;
    weft_log_memory_set_capacity(log, 1000);
    while (append(log, index, 1, "0123456789") == WEFT_OK) {
        index++;
    }
    EXPECT_EQ(WEFT_ENOSPC, append(log, index, 1, "x"));
    weft_log_memory_set_capacity(log, 0);
    weft_log_memory_crash(log, 1, &start);
    EXPECT_TRUE(start.last_index >= index - 1);
    EXPECT_EQ(WEFT_OK, append(log, start.last_index + 1, 1, "x"));
    log->engine->close(log);
}

/* A failed set_term leaves either the old or the new one, and both happen. */
TEST(log_memory, a_failed_write_of_the_term_may_have_reached_the_disk)
{
    unsigned seen[3] = {0};
    for (uint64_t seed = 0; seed < 50; seed++) {
        struct weft_log *log = create(false);
        struct weft_log_start start;
        EXPECT_EQ(WEFT_OK, log->engine->set_term(log, 1, 1, NULL));
        weft_log_memory_fail(log, WEFT_LOG_MEMORY_SET_TERM, 1, WEFT_EIO);
        EXPECT_EQ(WEFT_EIO, log->engine->set_term(log, 2, 2, NULL));
        weft_log_memory_crash(log, seed, &start);
        EXPECT_TRUE(start.term == start.voted_for && start.term >= 1 && start.term <= 2);
        seen[start.term]++;
        log->engine->close(log);
    }
    EXPECT_TRUE(seen[1] > 5 && seen[2] > 5);
}

/* The shared model (log_model.h) against the virtual disk. */
TEST(log_memory, random_lives_with_crashes_keep_what_was_durable)
{
    static struct model m;
    uint32_t lost = 0, survived = 0, torn = 0, truncations = 0, trims = 0, resets = 0;
    for (int life = 0; life < 60; life++) {
        struct weft_log *log = create(false);
        model_init(&m, 3000);
        for (int i = 0; i < 300; i++) {
            enum weft_err err;
            EXPECT_TRUE(model_step(&m, log, &err));
            if (test_random(4) == 0) {
                weft_log_memory_sync(log, test_random(2) ? UINT64_MAX : test_random(6));
                model_sync(&m, log);
            }
            if (test_random(40) == 0) {
                struct weft_log_start start;
                weft_log_memory_crash(log, test_random(0), &start);
                torn += start.dropped_bytes > 0;
                model_reopen(&m, log, &start);
            }
            if (test_random(20) == 0) {
                model_compare(&m, log);
            }
        }
        lost += m.lost_count, survived += m.survived_undurable_count;
        truncations += m.truncation_count, trims += m.trim_count, resets += m.reset_count;
        log->engine->close(log);
    }
    EXPECT_TRUE(lost > 50 && survived > 50 && torn > 10);
    EXPECT_TRUE(truncations > 100 && trims > 100 && resets > 10);
}
