#include "ops/import/map.h"

#include <stdio.h>

#include "ops/import/decimal.h"
#include "proto/time.h"
#include "tests/lib/test.h"

/* Patterns, templates, decimals, and the maps that are made of them. */

static bool fits(const char *pattern, const char *text, struct weft_captures *captures)
{
    EXPECT_EQ(WEFT_OK, weft_pattern_check(weft_text_of(pattern), NULL));
    captures->count = 0;
    return weft_pattern_fits(weft_text_of(pattern), weft_text_of(text), captures);
}

static void expect_captured(
    const struct weft_captures *captures, const char *name, const char *value)
{
    struct weft_text found = weft_captured(captures, name);
    EXPECT_EQ(strlen(value), found.size);
    EXPECT_MEM(value, found.data, found.size);
}

TEST(pattern, takes_names_apart)
{
    struct weft_captures c;
    EXPECT_TRUE(fits("*_A{number#}_*", "BOXRESULTS_A07_NIST_MTC", &c));
    expect_captured(&c, "number", "7");
    EXPECT_TRUE(fits("{part}-{machine}-{number#}of*", "Box-Hurco02-20of20.txt", &c));
    expect_captured(&c, "part", "Box");
    expect_captured(&c, "machine", "Hurco02");
    expect_captured(&c, "number", "20");
    EXPECT_TRUE(fits("{number#}", "000", &c));
    expect_captured(&c, "number", "0");
    EXPECT_TRUE(fits("a?c*", "abc", &c));
    EXPECT_EQ(0, weft_captured(&c, "none").size);
}

TEST(pattern, fits_the_whole_text_or_not_at_all)
{
    struct weft_captures c;
    EXPECT_TRUE(!fits("abc", "abcd", &c));
    EXPECT_TRUE(!fits("abcd", "abc", &c));
    EXPECT_TRUE(!fits("{number#}", "7a", &c));
    EXPECT_TRUE(!fits("{number#}", "", &c));
    EXPECT_TRUE(!fits("x{word}", "x", &c));
    EXPECT_TRUE(!fits("{number#}0", "70", &c)); /* Digits are taken as long as they are. */
    EXPECT_EQ(0, c.count);
    EXPECT_TRUE(fits("*", "", &c));
}

TEST(pattern, gives_up_on_what_would_take_too_long)
{
    struct weft_captures c;
    char text[300];
    memset(text, 'a', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    EXPECT_TRUE(!fits("*a*a*a*a*a*a*a*a*b", text, &c));
}

TEST(pattern, is_checked_before_it_is_used)
{
    static const char *const bad[] = {"", "{", "}", "{}", "{#}", "{a", "{A}", "{a b}", "a}b",
        "{abcdefghijklmnopqrstuvwxyz}", "{a}{a}{a}{a}{a}{a}{a}{a}{a}{a}{a}{a}{a}{a}{a}{a}{a}"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        EXPECT_EQ(WEFT_EINVAL, weft_pattern_check(weft_text_of(bad[i]), NULL));
    }
    char long_one[WEFT_PATTERN_SIZE_MAX + 2];
    memset(long_one, 'x', sizeof(long_one) - 1);
    long_one[sizeof(long_one) - 1] = '\0';
    EXPECT_EQ(WEFT_EINVAL, weft_pattern_check(weft_text_of(long_one), NULL));
    EXPECT_EQ(WEFT_OK, weft_pattern_check(weft_text_of(long_one + 1), NULL));
}

TEST(pattern, fills_templates)
{
    struct weft_arena arena = {.size_max = 65536};
    struct weft_captures c = {
        .list = {{WEFT_TEXT("part"), WEFT_TEXT("box")}, {WEFT_TEXT("number"), WEFT_TEXT("7")}},
        .count = 2};
    struct weft_text text;
    struct weft_msg msg;
    EXPECT_EQ(
        WEFT_OK, weft_pattern_fill(WEFT_TEXT("serial:{part}/{number#}"), &c, &arena, &text, &msg));
    EXPECT_TRUE(weft_text_is(text, "serial:box/7"));
    EXPECT_EQ(WEFT_EINVAL, weft_pattern_fill(WEFT_TEXT("{lot}"), &c, &arena, &text, &msg));
    EXPECT_TEXT("{lot} is not known here", msg.text);
    weft_arena_destroy(&arena);
}

TEST(decimal, tells_numbers_from_texts)
{
    static const struct {
        const char *literal;
        enum weft_value_type type;
    } cases[] = {{"0", WEFT_VALUE_INT}, {"-7", WEFT_VALUE_INT}, {"1.50", WEFT_VALUE_REAL},
        {"1e5", WEFT_VALUE_REAL}, {"17.498999999999999", WEFT_VALUE_REAL},
        {"999999999999999999", WEFT_VALUE_INT}, {"9999999999999999999", WEFT_VALUE_TEXT},
        {"1e999", WEFT_VALUE_TEXT}, {"", WEFT_VALUE_TEXT}, {"+1", WEFT_VALUE_TEXT},
        {".5", WEFT_VALUE_TEXT}, {"1.", WEFT_VALUE_TEXT}, {"01", WEFT_VALUE_TEXT},
        {"INF", WEFT_VALUE_TEXT}, {"0x10", WEFT_VALUE_TEXT}, {"1 ", WEFT_VALUE_TEXT}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        EXPECT_EQ(cases[i].type, weft_decimal_type(weft_text_of(cases[i].literal)));
    }
}

TEST(decimal, adds_as_people_do)
{
    static const struct {
        const char *a, *b, *sum;
    } cases[] = {{"3.3", "-0.2", "3.1"}, {"3.3", "0.2", "3.5"}, {"5", "-0.254", "4.746"},
        {"144.40057071850501", "0.5", "144.90057071850501"}, {"0.1", "-0.1", "0"},
        {"-1", "-0.5", "-1.5"}, {"0.05", "0", "0.05"}, {"+1.5", "0.50", "2"},
        {"-0.3", "0.1", "-0.2"}};
    char sum[WEFT_DECIMAL_SIZE];
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        EXPECT_EQ(
            WEFT_OK, weft_decimal_add(weft_text_of(cases[i].a), weft_text_of(cases[i].b), sum));
        EXPECT_TEXT(cases[i].sum, sum);
    }
    EXPECT_EQ(WEFT_EINVAL, weft_decimal_add(WEFT_TEXT("1e5"), WEFT_TEXT("1"), sum));
    EXPECT_EQ(WEFT_EINVAL, weft_decimal_add(WEFT_TEXT("1"), WEFT_TEXT(""), sum));
    EXPECT_EQ(WEFT_EINVAL, weft_decimal_add(WEFT_TEXT("."), WEFT_TEXT("1"), sum));
    EXPECT_EQ(
        WEFT_ETOOBIG, weft_decimal_add(WEFT_TEXT("1234567890123456789"), WEFT_TEXT("1"), sum));
    EXPECT_EQ(
        WEFT_ETOOBIG, weft_decimal_add(WEFT_TEXT("999999999999999999"), WEFT_TEXT("0.001"), sum));
}

/* --- maps ------------------------------------------------------------------------------------ */

static void expect_bad_map(const char *text, enum weft_err expected, const char *reason)
{
    struct weft_map map = {.part_count = 77};
    struct weft_msg msg = {""};
    EXPECT_EQ(expected, weft_map_read(weft_text_of(text), &map, &msg));
    EXPECT_TEXT(reason, msg.text);
    EXPECT_EQ(77, map.part_count);
}

TEST(map, may_be_empty)
{
    struct weft_map map;
    EXPECT_EQ(WEFT_OK, weft_map_read(WEFT_TEXT(""), &map, NULL));
    EXPECT_TRUE(weft_text_is(map.unit_asset, "serial:{part}/{number}"));
    EXPECT_TRUE(weft_text_is(weft_map_part(&map, WEFT_TEXT("own name")), "own name"));
    weft_map_destroy(&map);
}

TEST(map, names_parts_by_the_first_rule_that_fits)
{
    struct weft_map map;
    EXPECT_EQ(
        WEFT_OK, weft_map_read(WEFT_TEXT("{\"parts\": {\"*_box*\": \"box\", \"*\": \"other\"}}"),
                     &map, NULL));
    EXPECT_TRUE(weft_text_is(weft_map_part(&map, WEFT_TEXT("nist_box_rev")), "box"));
    EXPECT_TRUE(weft_text_is(weft_map_part(&map, WEFT_TEXT("cover")), "other"));
    weft_map_destroy(&map);
}

TEST(map, reads_a_time_from_a_name)
{
    static const char text[] =
        "{\"time\": \"{month#}_{day#}_{year#} {hour#}_{minute#}_{second#} {ampm} *\", "
        "\"zone\": \"-04:00\"}";
    static const struct {
        const char *name, *time;
    } cases[] = {{"7_28_2017 8_16_42 AM Box.qif", "2017-07-28T12:16:42Z"},
        {"7_28_2017 8_16_42 PM Box.qif", "2017-07-29T00:16:42Z"},
        {"7_28_2017 12_00_00 AM x", "2017-07-28T04:00:00Z"},
        {"7_28_2017 12_00_00 PM x", "2017-07-28T16:00:00Z"}, {"7_28_2017 13_00_00 PM x", NULL},
        {"7_28_2017 8_16_42 XM x", NULL}, {"13_28_2017 8_16_42 AM x", NULL},
        {"7_28_99999 8_16_42 AM x", NULL}, {"Box.qif", NULL}};
    struct weft_map map;
    EXPECT_EQ(WEFT_OK, weft_map_read(weft_text_of(text), &map, NULL));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t ns = 0, expected = 0;
        bool is_time = weft_map_time(&map, weft_text_of(cases[i].name), &ns);
        EXPECT_EQ(cases[i].time != NULL, is_time);
        if (cases[i].time != NULL) {
            EXPECT_EQ(WEFT_OK, weft_time_parse(weft_text_of(cases[i].time), &expected, NULL));
            EXPECT_EQ(expected, ns);
        }
    }
    weft_map_destroy(&map);
}

TEST(map, refuses_with_a_place)
{
    expect_bad_map("[]", WEFT_EINVAL, "line 1, column 1 (): must be an object, is an array");
    expect_bad_map("{\n \"orgnization\": \"X\"}", WEFT_EINVAL,
        "line 2, column 17 (/orgnization): unknown member of a map");
    expect_bad_map("{\"serial\": \"*{n\"}", WEFT_EINVAL,
        "line 1, column 12 (/serial): a pattern has a brace that is not {word} or {word#} at "
        "'{n'");
    expect_bad_map("{\"serial\": 7}", WEFT_EINVAL,
        "line 1, column 12 (/serial): must be a string, is a number");
    expect_bad_map("{\"zone\": \"CET\"}", WEFT_EINVAL,
        "line 1, column 10 (/zone): is not a zone: Z or +hh:mm");
    expect_bad_map("{\"parts\": {\"\": \"x\"}}", WEFT_EINVAL,
        "line 1, column 16 (/parts/): a pattern is 0 bytes, 1 to 255 are allowed");
    struct weft_map map;
    EXPECT_EQ(WEFT_EMALFORMED, weft_map_read(WEFT_TEXT("{"), &map, NULL));
}
