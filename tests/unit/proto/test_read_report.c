#include "proto/read_report.h"

#include <stdio.h>
#include <string.h>

#include "tests/lib/test.h"

static struct weft_text label_of(uint64_t n, char text[8])
{
    static const char *const stems[] = {"a", "ab", "a-b", "a.b", "z", "0", "itar", "ear"};
    int size = snprintf(text, 8, "%s%s", stems[n % 8], n / 8 == 0 ? "" : n / 8 == 1 ? "x" : "y");
    return (struct weft_text){text, (size_t)size};
}

static bool is_same(const struct weft_read_report *a, const struct weft_read_report *b)
{
    bool same = a->act == b->act && a->count == b->count;
    for (uint32_t i = 0; same && i < a->count; i++) {
        same = a->labels[i].records == b->labels[i].records &&
               a->labels[i].size == b->labels[i].size &&
               memcmp(a->labels[i].label, b->labels[i].label, a->labels[i].size) == 0;
    }
    return same;
}

/* PRO-160 */
TEST(read_report, counts_are_sums_in_one_order_however_they_came)
{
    static struct weft_read_report one, halves[2], read;
    for (int round = 0; round < 200; round++) {
        struct weft_buffer bytes = {.size_max = WEFT_READ_REPORT_SIZE_MAX};
        uint64_t sums[24] = {0};
        char text[8];
        memset(&one, 0, sizeof(one));
        memset(halves, 0, sizeof(halves));
        one.act = halves[0].act = halves[1].act = WEFT_READ_ACT_SUBSCRIBE;
        for (int i = 0; i < 40; i++) {
            uint64_t n = test_random(24), records = 1 + test_random(1000);
            sums[n] += records;
            EXPECT_TRUE(weft_read_report_add(&one, label_of(n, text), records));
            EXPECT_TRUE(weft_read_report_add(&halves[i % 2], label_of(n, text), records));
        }
        EXPECT_TRUE(weft_read_report_merge(&halves[1], &halves[0]));
        EXPECT_TRUE(is_same(&one, &halves[1]));
        uint64_t found = 0, expected = 0;
        for (uint32_t i = 0; i < one.count; i++) {
            found += one.labels[i].records;
        }
        for (int i = 0; i < 24; i++) {
            expected += sums[i];
        }
        EXPECT_EQ(expected, found);
        EXPECT_EQ(WEFT_OK, weft_read_report_encode(&one, &bytes));
        EXPECT_EQ(
            WEFT_OK, weft_read_report_decode((struct weft_bytes){bytes.data, bytes.size}, &read));
        EXPECT_TRUE(is_same(&one, &read));
        for (size_t size = 0; size < bytes.size; size++) {
            EXPECT_EQ(WEFT_EMALFORMED,
                weft_read_report_decode((struct weft_bytes){bytes.data, size}, &read));
        }
        weft_buffer_destroy(&bytes);
    }
}

TEST(read_report, a_number_stays_at_its_largest_and_a_label_more_than_fit_changes_nothing)
{
    static struct weft_read_report report, before, other;
    char text[8];
    memset(&report, 0, sizeof(report));
    EXPECT_TRUE(weft_read_report_add(&report, WEFT_TEXT("m"), UINT64_MAX - 1));
    EXPECT_TRUE(weft_read_report_add(&report, WEFT_TEXT("m"), 5));
    EXPECT_EQ(UINT64_MAX, report.labels[0].records);
    EXPECT_TRUE(weft_read_report_add(&report, WEFT_TEXT("none"), 0));
    EXPECT_EQ(1, report.count);
    for (uint32_t i = 1; i < WEFT_READ_LABELS_MAX; i++) {
        int size = snprintf(text, sizeof(text), "l%u", i);
        EXPECT_TRUE(weft_read_report_add(&report, (struct weft_text){text, (size_t)size}, i));
    }
    before = report;
    EXPECT_TRUE(!weft_read_report_add(&report, WEFT_TEXT("x"), 1));
    memset(&other, 0, sizeof(other));
    EXPECT_TRUE(weft_read_report_add(&other, WEFT_TEXT("l1"), 1));
    EXPECT_TRUE(weft_read_report_add(&other, WEFT_TEXT("x"), 1));
    EXPECT_TRUE(!weft_read_report_merge(&report, &other));
    EXPECT_TRUE(is_same(&before, &report));
}

TEST(read_report, what_is_not_its_encoding_is_refused)
{
    static struct weft_read_report read;
    static const struct {
        const char *bytes;
        size_t size;
    } cases[] = {{"\1\1\1a\0\0\0\0\0\0\0\0", 12}, /* none */
        {"\3\1\1a\0\0\0\0\0\0\0\1", 12},          /* another act */
        {"\0\1\1a\0\0\0\0\0\0\0\1", 12}, {"\1\0", 2}, {"\1\1\1A\0\0\0\0\0\0\0\1", 12},
        {"\1\1\1-\0\0\0\0\0\0\0\1", 12}, {"\1\1\0\0\0\0\0\0\0\0\1", 11},
        {"\1\1\1a\0\0\0\0\0\0\0\1x", 13},
        {"\1\2\1a\0\0\0\0\0\0\0\1\1a\0\0\0\0\0\0\0\1", 22},  /* twice */
        {"\1\2\1b\0\0\0\0\0\0\0\1\1a\0\0\0\0\0\0\0\1", 22}}; /* in another order */
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        EXPECT_EQ(WEFT_EMALFORMED,
            weft_read_report_decode(
                (struct weft_bytes){(const uint8_t *)cases[i].bytes, cases[i].size}, &read));
    }
    static const char good[] = "\1\1\1a\0\0\0\0\0\0\0\1";
    EXPECT_EQ(WEFT_OK, weft_read_report_decode(
                           (struct weft_bytes){(const uint8_t *)good, sizeof(good) - 1}, &read));
    EXPECT_TRUE(weft_read_label_is_valid(WEFT_TEXT("export-de.2")));
    EXPECT_TRUE(!weft_read_label_is_valid(WEFT_TEXT("a_b")));
    EXPECT_TRUE(!weft_read_label_is_valid(WEFT_TEXT(".a")));
    EXPECT_TRUE(
        !weft_read_label_is_valid(WEFT_TEXT("1234567890123456789012345678901234567890123456789")));
}
