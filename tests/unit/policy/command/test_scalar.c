#include <stdio.h>
#include <string.h>

#include "policy/command/scalar.h"
#include "tests/lib/test.h"

static bool reads(const char *text, int64_t expected)
{
    int64_t number = -1;
    char again[WEFT_SCALAR_NUMBER_TEXT_SIZE];
    if (!weft_scalar_parse_number(weft_text_of(text), &number)) {
        return false;
    }
    EXPECT_EQ(expected, number);
    weft_scalar_format_number(number, again);
    EXPECT_TEXT(text, again);
    return true;
}

TEST(scalar, number_has_one_text)
{
    static const char *const others[] = {"", "-", "+1", "-0", "00", "01", "1.", ".5", "1.0", "1.50",
        "1e3", " 1", "1 ", "1,5", "0x1", "1..2", "1.-2", "--1", "1.0000000001",
        "9223372036.854775808", "-9223372036.854775808", "9223372037", "99999999999999999999",
        "NaN", "inf"};
    int64_t number = 7;
    EXPECT_TRUE(reads("0", 0)); /* ACT-1 */
    EXPECT_TRUE(reads("42.5", 42 * WEFT_SCALAR_ONE + WEFT_SCALAR_ONE / 2));
    EXPECT_TRUE(reads("-0.000000001", -1));
    EXPECT_TRUE(reads("0.05", WEFT_SCALAR_ONE / 20));
    EXPECT_TRUE(reads("1000000", 1000000 * WEFT_SCALAR_ONE));
    EXPECT_TRUE(reads("9223372036.854775807", INT64_MAX));
    EXPECT_TRUE(reads("-9223372036.854775807", -INT64_MAX));
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        if (weft_scalar_parse_number(weft_text_of(others[i]), &number)) {
            EXPECT_TEXT("refused", others[i]);
        }
    }
    EXPECT_EQ(7, number);
}

TEST(scalar, number_that_is_written_reads_as_itself)
{
    for (int i = 0; i < 20000; i++) {
        char text[WEFT_SCALAR_NUMBER_TEXT_SIZE];
        uint64_t shift = test_random(63);
        int64_t read = 0, number = (int64_t)(test_random(0) >> 1 >> shift);
        number = test_random(2) == 0 ? number : -number;
        weft_scalar_format_number(number, text);
        EXPECT_TRUE(weft_scalar_parse_number(weft_text_of(text), &read));
        EXPECT_EQ(number, read);
    }
}

TEST(scalar, duration_is_in_the_largest_unit_that_divides_it)
{
    static const char *const ones[] = {
        "1ms", "250ms", "1500ms", "20s", "90s", "10m", "90m", "2h", "25h", "7d", "366d"};
    static const uint64_t spans_ms[] = {1, 250, 1500, 20000, 90000, 600000, 5400000, 7200000,
        90000000, 604800000, WEFT_SCALAR_DURATION_MAX_MS};
    static const char *const others[] = {"", "0s", "1000ms", "60s", "60m", "24h", "367d", "1 s",
        "01s", "1", "s", "-1s", "1.5s", "1w", "99999999999999999999d"};
    for (size_t i = 0; i < sizeof(ones) / sizeof(ones[0]); i++) {
        char again[WEFT_SCALAR_DURATION_TEXT_SIZE];
        uint64_t ms = 0;
        EXPECT_TRUE(weft_scalar_parse_duration(weft_text_of(ones[i]), &ms));
        EXPECT_EQ(spans_ms[i], ms);
        weft_scalar_format_duration(ms, again);
        EXPECT_TEXT(ones[i], again);
    }
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        uint64_t ms;
        if (weft_scalar_parse_duration(weft_text_of(others[i]), &ms)) {
            EXPECT_TEXT("refused", others[i]);
        }
    }
}

TEST(scalar, words_units_and_paths_are_what_they_are_said_to_be)
{
    EXPECT_TRUE(weft_scalar_is_word(WEFT_TEXT("set-speed")));
    EXPECT_TRUE(!weft_scalar_is_word(WEFT_TEXT("")));
    EXPECT_TRUE(!weft_scalar_is_word(WEFT_TEXT("true")));
    EXPECT_TRUE(!weft_scalar_is_word(WEFT_TEXT("7up")));
    EXPECT_TRUE(!weft_scalar_is_word(WEFT_TEXT("a b")));
    EXPECT_TRUE(weft_scalar_is_unit(WEFT_TEXT("1")));
    EXPECT_TRUE(weft_scalar_is_unit(WEFT_TEXT("mm2/s")));
    EXPECT_TRUE(!weft_scalar_is_unit(WEFT_TEXT("")));
    EXPECT_TRUE(!weft_scalar_is_unit(WEFT_TEXT("m s")));
    EXPECT_TRUE(!weft_scalar_is_unit(WEFT_TEXT("\xc2\xb5m")));
    EXPECT_TRUE(weft_scalar_is_path(WEFT_TEXT("guard/closed")));
    EXPECT_TRUE(weft_scalar_is_path(WEFT_TEXT("a/[0]/b~1c")));
    EXPECT_TRUE(!weft_scalar_is_path(WEFT_TEXT("")));
    EXPECT_TRUE(!weft_scalar_is_path(WEFT_TEXT("/a")));
    EXPECT_TRUE(!weft_scalar_is_path(WEFT_TEXT("a/")));
    EXPECT_TRUE(!weft_scalar_is_path(WEFT_TEXT("a//b")));
    EXPECT_TRUE(!weft_scalar_is_path(WEFT_TEXT("a b")));
    char long_path[WEFT_SCALAR_PATH_SIZE_MAX + 1];
    memset(long_path, 'a', sizeof(long_path));
    EXPECT_TRUE(weft_scalar_is_path((struct weft_text){long_path, WEFT_SCALAR_PATH_SIZE_MAX}));
    EXPECT_TRUE(!weft_scalar_is_path((struct weft_text){long_path, sizeof(long_path)}));
}

static struct weft_scalar parse(const char *text)
{
    struct weft_scalar scalar = {.type = WEFT_SCALAR_TRUTH};
    struct weft_buffer again = {0};
    EXPECT_TRUE(weft_scalar_parse(weft_text_of(text), &scalar));
    EXPECT_EQ(WEFT_OK, weft_scalar_format(&scalar, &again));
    EXPECT_TRUE(weft_text_is(weft_buffer_as_text(&again), text));
    weft_buffer_destroy(&again);
    return scalar;
}

TEST(scalar, of_another_unit_or_type_is_not_compared)
{
    struct weft_scalar rpm = parse("42.5 rpm"), same = parse("42.5 rpm"),
                       other = parse("42.5 /min"), yes = parse("true"), no = parse("false"),
                       word = parse("auto");
    struct weft_scalar refused;
    EXPECT_TRUE(weft_scalar_equal(&rpm, &same));
    EXPECT_TRUE(!weft_scalar_is_alike(&rpm, &other)); /* ACT-2 */
    EXPECT_TRUE(!weft_scalar_equal(&rpm, &other));
    EXPECT_TRUE(!weft_scalar_is_alike(&yes, &word));
    EXPECT_TRUE(weft_scalar_is_alike(&yes, &no));
    EXPECT_TRUE(!weft_scalar_equal(&yes, &no));
    EXPECT_TRUE(weft_scalar_equal(&word, &word));
    EXPECT_TRUE(!weft_scalar_parse(WEFT_TEXT("42.5"), &refused));
    EXPECT_TRUE(!weft_scalar_parse(WEFT_TEXT("42.50 rpm"), &refused));
    EXPECT_TRUE(!weft_scalar_parse(WEFT_TEXT("42.5  rpm"), &refused));
    EXPECT_TRUE(!weft_scalar_parse(WEFT_TEXT(""), &refused));
}

TEST(scalar, distance_of_any_two_numbers_is_right)
{
    EXPECT_TRUE(weft_scalar_is_within(-INT64_MAX, -INT64_MAX, 0));
    EXPECT_TRUE(!weft_scalar_is_within(-INT64_MAX, INT64_MAX, INT64_MAX));
    EXPECT_TRUE(weft_scalar_is_within(0, INT64_MAX, INT64_MAX));
    EXPECT_TRUE(weft_scalar_is_within(5, -5, 10));
    EXPECT_TRUE(!weft_scalar_is_within(-5, 6, 10));
    EXPECT_TRUE(!weft_scalar_is_within(0, 0, -1));
}
