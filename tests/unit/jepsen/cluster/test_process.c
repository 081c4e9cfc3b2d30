#include <string.h>
#include <unistd.h>

#include "jepsen/cluster/process.h"
#include "tests/lib/test.h"

/* Programs that are started, fed and read. */

enum {
    LONG_MS = 20000, /* only ends what hangs */
    SHORT_MS = 50
};

static int64_t in_ms(int64_t ms)
{
    return jep_now_ns() + ms * 1000000;
}

TEST(process, what_is_fed_line_by_line_is_answered_line_by_line)
{
    static const char *const argv[] = {"/bin/cat", NULL};
    struct jep_capture capture;
    struct jep_message message;
    int feed = -1;
    EXPECT_TRUE(jep_capture_open(&capture, argv, NULL, &feed, &message));
    EXPECT_TRUE(!jep_capture_lines(&capture, 1, in_ms(SHORT_MS)));
    EXPECT_EQ(4, write(feed, "one\n", 4));
    EXPECT_TRUE(jep_capture_lines(&capture, 1, in_ms(LONG_MS)));
    EXPECT_EQ(4, write(feed, "two\n", 4));
    EXPECT_TRUE(jep_capture_lines(&capture, 2, in_ms(LONG_MS)));
    EXPECT_TRUE(jep_capture_lines(&capture, 1, in_ms(SHORT_MS))); /* they are there already */
    (void)close(feed);
    EXPECT_TRUE(!jep_capture_lines(&capture, 3, in_ms(LONG_MS))); /* its end */
    EXPECT_EQ(0, jep_capture_finish(&capture, in_ms(LONG_MS)));
    EXPECT_EQ(8, capture.stdout_text.size);
    EXPECT_EQ(0, memcmp(capture.stdout_text.bytes, "one\ntwo\n", 8));
    jep_capture_free(&capture);
}

TEST(process, one_that_goes_on_reading_is_killed_at_the_deadline)
{
    static const char *const argv[] = {"/bin/cat", NULL};
    struct jep_capture capture;
    struct jep_message message;
    int feed = -1;
    EXPECT_TRUE(jep_capture_open(&capture, argv, NULL, &feed, &message));
    EXPECT_EQ(-1, jep_capture_finish(&capture, in_ms(SHORT_MS)));
    (void)close(feed);
    jep_capture_free(&capture);
}

TEST(process, input_that_is_given_is_all_of_it)
{
    static const char *const argv[] = {"/bin/cat", NULL};
    struct jep_capture capture;
    struct jep_message message;
    EXPECT_TRUE(jep_capture_start(&capture, argv, NULL, "one\n", &message));
    EXPECT_EQ(0, jep_capture_finish(&capture, in_ms(LONG_MS)));
    EXPECT_EQ(4, capture.stdout_text.size);
    jep_capture_free(&capture);
}
