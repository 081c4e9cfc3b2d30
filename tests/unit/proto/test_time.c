#include "proto/time.h"

#include <stdio.h>
#include <time.h>

#include "tests/lib/test.h"

static int64_t parse(const char *text)
{
    struct weft_msg msg = {""};
    int64_t ns = -1;
    enum weft_err err = weft_time_parse(weft_text_of(text), &ns, &msg);
    EXPECT_TEXT("", msg.text);
    EXPECT_EQ(WEFT_OK, err);
    return ns;
}

static void expect_refused(const char *text, const char *reason)
{
    struct weft_msg msg = {""};
    int64_t ns = 42;
    EXPECT_EQ(WEFT_EINVAL, weft_time_parse(weft_text_of(text), &ns, &msg));
    EXPECT_TEXT(reason, msg.text);
    EXPECT_EQ(42, ns);
}

TEST(time, reads_the_forms_of_rfc_3339)
{
    EXPECT_EQ(0, parse("1970-01-01T00:00:00Z"));
    EXPECT_EQ(1501229802000000000, parse("2017-07-28T08:16:42Z"));
    EXPECT_EQ(1501229802000000000, parse("2017-07-28t08:16:42z"));
    EXPECT_EQ(1501229802000000000, parse("2017-07-28 08:16:42Z"));
    EXPECT_EQ(1501229802000000000, parse("2017-07-28T10:16:42+02:00"));
    EXPECT_EQ(1501229802000000000, parse("2017-07-28T02:46:42-05:30"));
    EXPECT_EQ(1501229802000000000, parse("2017-07-28T08:16:42-00:00"));
    EXPECT_EQ(1501229802100000000, parse("2017-07-28T08:16:42.1Z"));
    EXPECT_EQ(1501229802123456789, parse("2017-07-28T08:16:42.123456789Z"));
    EXPECT_EQ(-1, parse("1969-12-31T23:59:59.999999999Z"));
    EXPECT_EQ(-62, parse("1969-12-31T23:59:59.999999938Z"));
}

TEST(time, reads_a_leap_second_as_the_last_nanosecond_of_its_minute)
{
    EXPECT_EQ(parse("2016-12-31T23:59:59.999999999Z"), parse("2016-12-31T23:59:60Z"));
    EXPECT_EQ(parse("2016-12-31T23:59:59.999999999Z"), parse("2016-12-31T23:59:60.5Z"));
}

TEST(time, ends_where_int64_ends)
{
    EXPECT_EQ(INT64_MAX, parse("2262-04-11T23:47:16.854775807Z"));
    EXPECT_EQ(INT64_MIN, parse("1677-09-21T00:12:43.145224192Z"));
    expect_refused("2262-04-11T23:47:16.854775808Z", "time is outside the years 1677 to 2262");
    expect_refused("1677-09-21T00:12:43.145224191Z", "time is outside the years 1677 to 2262");
    expect_refused("0000-01-01T00:00:00Z", "time is outside the years 1677 to 2262");
    expect_refused("9999-12-31T23:59:59Z", "time is outside the years 1677 to 2262");
}

TEST(time, refuses_with_a_reason)
{
    const char *form = "not an RFC 3339 time: it must look like 2017-07-28T08:16:42Z";
    expect_refused("", "time is empty");
    expect_refused("yesterday", form);
    expect_refused("2017-07-28", form);
    expect_refused("2017-7-28T08:16:42Z", form);
    expect_refused("2017-07-28T08:16Z", form);
    expect_refused("2017-07-28_08:16:42Z", form);
    expect_refused("+2017-07-28T08:16:42Z", form);
    expect_refused("2017-07-28T08:16:42", "time has no zone: it must end with Z or +hh:mm");
    expect_refused("2017-07-28T08:16:42.5", "time has no zone: it must end with Z or +hh:mm");
    expect_refused("2017-07-28T08:16:42 Z", "time zone must be Z or +hh:mm");
    expect_refused("2017-07-28T08:16:42+0200", "time zone must be Z or +hh:mm");
    expect_refused("2017-07-28T08:16:42+02", "time zone must be Z or +hh:mm");
    expect_refused("2017-07-28T08:16:42+24:00", "time zone is out of range");
    expect_refused("2017-07-28T08:16:42+02:60", "time zone is out of range");
    expect_refused("2017-07-28T08:16:42.Z", "fraction of a second must have 1 to 9 digits");
    expect_refused(
        "2017-07-28T08:16:42.1234567890Z", "fraction of a second must have 1 to 9 digits");
    expect_refused("2017-07-28T08:16:42Zx", "more behind the time");
    expect_refused("2017-02-29T08:16:42Z", "no such day");
    expect_refused("1900-02-29T08:16:42Z", "no such day");
    expect_refused("2017-13-01T08:16:42Z", "no such day");
    expect_refused("2017-00-01T08:16:42Z", "no such day");
    expect_refused("2017-04-31T08:16:42Z", "no such day");
    expect_refused("2017-04-00T08:16:42Z", "no such day");
    expect_refused("2017-04-30T24:00:00Z", "no such time of day");
    expect_refused("2017-04-30T23:60:00Z", "no such time of day");
    expect_refused("2017-04-30T23:59:61Z", "no such time of day");
    EXPECT_EQ(1456704000000000000, parse("2016-02-29T00:00:00Z"));
    EXPECT_EQ(951782400000000000, parse("2000-02-29T00:00:00Z"));
}

static void expect_format(const char *expected, int64_t ns)
{
    char text[WEFT_TIME_TEXT_SIZE];
    weft_time_format(ns, text);
    EXPECT_TEXT(expected, text);
}

TEST(time, writes_as_few_groups_of_digits_as_it_needs)
{
    expect_format("1970-01-01T00:00:00Z", 0);
    expect_format("1970-01-01T00:00:00.001Z", 1000000);
    expect_format("1970-01-01T00:00:00.000001Z", 1000);
    expect_format("1970-01-01T00:00:00.000000001Z", 1);
    expect_format("1969-12-31T23:59:59.999999999Z", -1);
    expect_format("2262-04-11T23:47:16.854775807Z", INT64_MAX);
    expect_format("1677-09-21T00:12:43.145224192Z", INT64_MIN);
}

/* The C library's calendar is the other opinion. */
TEST(time, agrees_with_the_c_library_and_comes_back_the_same)
{
    for (int i = 0; i < 20000; i++) {
        int64_t ns = (int64_t)test_random(0);
        ns = i % 2 == 0 ? ns : ns / 1000000 * 1000000;
        char text[WEFT_TIME_TEXT_SIZE], expected[WEFT_TIME_TEXT_SIZE];
        weft_time_format(ns, text);
        EXPECT_EQ(ns, parse(text));
        int64_t seconds = ns / 1000000000 - (ns % 1000000000 < 0);
        time_t t = (time_t)seconds;
        struct tm tm;
        EXPECT_TRUE(gmtime_r(&t, &tm) != NULL);
        EXPECT_EQ(19, strftime(expected, sizeof(expected), "%Y-%m-%dT%H:%M:%S", &tm));
        text[19] = '\0';
        EXPECT_TEXT(expected, text);
    }
}
