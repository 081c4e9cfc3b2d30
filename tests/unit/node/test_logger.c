#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "node/logger.h"
#include "tests/lib/test.h"

static char path[1024];

static void open_log(enum weft_log_level level)
{
    struct weft_msg msg;
    (void)snprintf(path, sizeof(path), "%s/log", test_directory());
    EXPECT_EQ(WEFT_OK, weft_log_to(level, path, "n1", &msg));
}

/* The whole log, the time at the start of each line checked and cut off. */
static const char *read_log(void)
{
    static char text[1 << 20];
    char line[8192];
    size_t size = 0;
    FILE *file = fopen(path, "r");
    EXPECT_TRUE(file != NULL);
    while (fgets(line, sizeof(line), file) != NULL) {
        const char *space = strchr(line, ' ');
        EXPECT_TRUE(space != NULL && space > line + 10 && space[-1] == 'Z' && line[10] == 'T');
        size += (size_t)snprintf(text + size, sizeof(text) - size, "%s", space + 1);
    }
    text[size] = '\0';
    (void)fclose(file);
    return text;
}

static size_t count_lines(const char *text, const char *part)
{
    size_t count = 0;
    for (const char *at = strstr(text, part); at != NULL; at = strstr(at + 1, part)) {
        count++;
    }
    return count;
}

TEST(logger, line_has_level_event_node_and_fields)
{
    open_log(WEFT_LOG_INFO);
    uint64_t term = 7;
    weft_log(WEFT_LOG_INFO, "plain_event");
    weft_log(WEFT_LOG_WARN, "leader_elected", weft_kv("term", term), weft_kv("by", "n2"),
        weft_kv("delta", -3), weft_kv("none", (const char *)NULL));
    weft_log(WEFT_LOG_DEBUG, "too_low", weft_kv("x", 1));
    weft_log_close();
    EXPECT_TEXT("info event=plain_event node=n1\n"
                "warn event=leader_elected node=n1 term=7 by=n2 delta=-3 none=\"\"\n",
        read_log());
}

TEST(logger, value_cannot_break_out_of_its_quotes_or_line)
{
    open_log(WEFT_LOG_INFO);
    weft_log(WEFT_LOG_INFO, "quoting", weft_kv("a", "x\" level=error\nevent=forged \\ \x01\x7f"),
        weft_kv("b", "gr\xc3\xbc\xc3\x9f"));
    weft_log_close();
    EXPECT_TEXT("info event=quoting node=n1 "
                "a=\"x\\\" level=error\\nevent=forged \\\\ \\x01\\x7f\" b=\"gr\xc3\xbc\xc3\x9f\"\n",
        read_log());
}

TEST(logger, overlong_line_is_cut_and_stays_one_line)
{
    static char huge[10000];
    open_log(WEFT_LOG_INFO);
    memset(huge, 'a', sizeof(huge) - 1);
    weft_log(WEFT_LOG_INFO, "cut_plain", weft_kv("v", huge), weft_kv("w", 1));
    memset(huge, '"', sizeof(huge) - 1);
    weft_log(WEFT_LOG_INFO, "cut_quoted", weft_kv("v", huge), weft_kv("w", 1));
    weft_log_close();
    const char *text = read_log();
    EXPECT_EQ(2, count_lines(text, "\n"));
    EXPECT_EQ(2, count_lines(text, " ...\n"));
    EXPECT_EQ(0, count_lines(text, "w=1"));
}

static uint64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* More of an event than passes at once. False: it took so long that more of them might. */
static bool flood(const char *event)
{
    uint64_t begin_ms = now_ms();
    for (int i = 0; i < 3 * WEFT_LOG_BURST; i++) {
        weft_log(WEFT_LOG_WARN, event, weft_kv("i", i));
        weft_log(WEFT_LOG_ERROR, "never_limited", weft_kv("i", i));
    }
    return now_ms() - begin_ms < WEFT_LOG_REFILL_MS;
}

TEST(logger, repeated_event_is_limited_and_owned_up_to)
{
    char event[32], line[128];
    size_t floods = 0;
    uint64_t before;
    open_log(WEFT_LOG_INFO);
    do {
        before = weft_log_suppressed();
        (void)snprintf(event, sizeof(event), "stranger_%zu_refused", floods++);
    } while (!flood(event));
    EXPECT_EQ(2 * WEFT_LOG_BURST, weft_log_suppressed() - before);
    EXPECT_EQ(0, usleep(1100 * 1000)); /* The one wait: the limit is in real time. */
    weft_log(WEFT_LOG_WARN, event, weft_kv("i", -1));
    weft_log_close();
    const char *text = read_log();
    (void)snprintf(line, sizeof(line), "event=%s ", event);
    EXPECT_EQ(WEFT_LOG_BURST + 1, count_lines(text, line));
    EXPECT_EQ(floods * 3 * WEFT_LOG_BURST, count_lines(text, "event=never_limited"));
    (void)snprintf(line, sizeof(line), "event=log_suppressed node=n1 of=%s lines=40\n", event);
    EXPECT_EQ(1, count_lines(text, line));
}

TEST(logger, reopen_follows_a_rotated_file)
{
    struct weft_msg msg;
    char rotated[1100];
    open_log(WEFT_LOG_INFO);
    weft_log(WEFT_LOG_INFO, "before_rotation");
    (void)snprintf(rotated, sizeof(rotated), "%s.1", path);
    EXPECT_EQ(0, rename(path, rotated));
    EXPECT_EQ(WEFT_OK, weft_log_reopen(&msg));
    weft_log(WEFT_LOG_INFO, "after_rotation");
    weft_log_close();
    EXPECT_TEXT("info event=after_rotation node=n1\n", read_log());
}

TEST(logger, file_that_cannot_be_opened_leaves_the_old_one_in_force)
{
    struct weft_msg msg;
    open_log(WEFT_LOG_INFO);
    EXPECT_EQ(WEFT_EIO, weft_log_to(WEFT_LOG_INFO, "/nonexistent/log", "n1", &msg));
    weft_log(WEFT_LOG_INFO, "still_here");
    weft_log_close();
    EXPECT_EQ(1, count_lines(read_log(), "still_here"));
}

static void *write_some(void *ctx)
{
    (void)ctx;
    for (int i = 0; i < 500; i++) {
        weft_log(WEFT_LOG_ERROR, "from_a_thread", weft_kv("text", "with spaces inside"));
    }
    return NULL;
}

TEST(logger, lines_of_several_threads_do_not_mix)
{
    pthread_t threads[4];
    open_log(WEFT_LOG_INFO);
    for (int i = 0; i < 4; i++) {
        EXPECT_EQ(0, pthread_create(&threads[i], NULL, write_some, NULL));
    }
    for (int i = 0; i < 4; i++) {
        EXPECT_EQ(0, pthread_join(threads[i], NULL));
    }
    weft_log_close();
    EXPECT_EQ(2000,
        count_lines(read_log(), "error event=from_a_thread node=n1 text=\"with spaces inside\"\n"));
}

TEST(logger, level_names_parse_back)
{
    enum weft_log_level level;
    for (int i = 0; i < WEFT_LOG_LEVELS; i++) {
        EXPECT_EQ(
            WEFT_OK, weft_log_level_parse(weft_log_level_name((enum weft_log_level)i), &level));
        EXPECT_EQ(i, level);
    }
    EXPECT_EQ(WEFT_EINVAL, weft_log_level_parse("Info", &level));
}
