#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ops/weft/histogram.h"
#include "ops/weft/output.h"
#include "ops/weft/records.h"
#include "tests/lib/test.h"

static struct weft_msg message;

static char *print_table(struct weft_table *t)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    weft_table_print(t, out);
    (void)fclose(out);
    return text;
}

TEST(output, table_is_aligned_by_its_widest_cells)
{
    struct weft_table t;
    weft_table_init(&t, "NODE|>TERM|STATE");
    weft_table_cell(&t, WEFT_TEXT("n1"));
    weft_table_format(&t, "%d", 7);
    weft_table_cell(&t, WEFT_TEXT("leader"));
    weft_table_cell(&t, WEFT_TEXT("node-2"));
    weft_table_format(&t, "%d", 12345);
    weft_table_cell(&t, WEFT_TEXT("x"));
    char *text = print_table(&t);
    EXPECT_TEXT("NODE     TERM  STATE\n"
                "n1          7  leader\n"
                "node-2  12345  x\n",
        text);
    free(text);
}

TEST(output, cell_cannot_steer_the_terminal)
{
    struct weft_table t;
    weft_table_init(&t, "A|B");
    weft_table_cell(&t, WEFT_TEXT("\x1b[2J\r\n\t\x7f"));
    weft_table_cell(&t, WEFT_TEXT("\xc2\x9b"
                                  "31m\xc3\xa4"));
    char *text = print_table(&t);
    EXPECT_TRUE(strchr(text, '\x1b') == NULL && strchr(text, '\r') == NULL);
    EXPECT_TRUE(strstr(text, "\xc2\x9b") == NULL);
    EXPECT_TRUE(strstr(text, "\xc3\xa4") != NULL);
    free(text);
}

TEST(output, width_counts_columns_and_not_bytes)
{
    EXPECT_EQ(0, weft_output_width(WEFT_TEXT("")));
    EXPECT_EQ(5, weft_output_width(WEFT_TEXT("gr\xc3\xbc\xc3\x9f"
                                             "e")));
    EXPECT_EQ(4, weft_output_width(WEFT_TEXT("\xe5\xb7\xa5\xe5\xa0\xb4")));
    EXPECT_EQ(1, weft_output_width(WEFT_TEXT("e\xcc\x81")));
    EXPECT_EQ(2, weft_output_width(WEFT_TEXT("\xf0\x9f\x94\xa7")));
}

TEST(output, documents_are_printed_one_to_a_line)
{
    struct weft_writer w = {0};
    weft_writer_unsigned(&w, NULL, 1);
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    EXPECT_EQ(WEFT_OK, weft_writer_print(&w, out, &message));
    weft_writer_bool(&w, NULL, false); /* A second document starts without a comma. */
    EXPECT_EQ(WEFT_OK, weft_writer_print(&w, out, &message));
    (void)fclose(out);
    EXPECT_TEXT("1\nfalse\n", text);
    free(text);
    weft_writer_destroy(&w);
}

TEST(output, closed_output_is_an_error)
{
    struct weft_writer w = {0};
    FILE *full = fopen("/dev/full", "w");
    weft_writer_text(&w, NULL, WEFT_TEXT("x"));
    EXPECT_EQ(WEFT_EIO, weft_writer_print(&w, full, &message));
    (void)fclose(full);
    weft_writer_destroy(&w);
}

TEST(output, summary_joins_value_and_unit_and_is_cut_between_characters)
{
    struct weft_field fields[] = {
        {WEFT_TEXT("verdict"), WEFT_TEXT("FAIL"), WEFT_VALUE_TEXT},
        {WEFT_TEXT("flatness/value"), WEFT_TEXT("0.014"), WEFT_VALUE_REAL},
        {WEFT_TEXT("flatness/unit"), WEFT_TEXT("mm"), WEFT_VALUE_TEXT},
        {WEFT_TEXT("text"), WEFT_TEXT("\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"), WEFT_VALUE_TEXT},
    };
    struct weft_link link = {.rel = WEFT_TEXT("made_on"), .to = WEFT_TEXT("mill-2")};
    struct weft_record record = {
        .fields = fields, .field_count = 3, .links = &link, .link_count = 1};
    char text[100];
    weft_records_summary(&record, text, sizeof(text));
    EXPECT_TEXT("verdict=FAIL flatness=0.014 mm made_on>mill-2", text);

    record.fields = &fields[3];
    record.field_count = 1;
    record.link_count = 0;
    for (size_t size = 8; size < 14; size++) {
        weft_records_summary(&record, text, size);
        EXPECT_TRUE(weft_text_is_utf8(weft_text_of(text)));
        EXPECT_TRUE(strlen(text) < size);
    }
}

TEST(histogram, quantiles_are_within_one_percent)
{
    struct weft_histogram *h = calloc(1, sizeof(*h));
    static uint64_t values[20000];
    enum {
        COUNT = 20000
    };
    for (int i = 0; i < COUNT; i++) {
        values[i] = (uint64_t)i * (uint64_t)i * 37 + 11; /* In order already. */
        weft_histogram_add(h, values[i]);
    }
    static const double shares[] = {0.5, 0.9, 0.99, 0.999, 1.0};
    for (size_t s = 0; s < 5; s++) {
        double exact = (double)values[(int)(shares[s] * COUNT) - 1];
        double got = (double)weft_histogram_quantile(h, shares[s]);
        EXPECT_TRUE(got >= exact && got <= exact * 1.01);
    }
    EXPECT_EQ(values[COUNT - 1], weft_histogram_quantile(h, 1.0));
    free(h);
}

TEST(histogram, edges_of_the_range_have_classes)
{
    struct weft_histogram *h = calloc(1, sizeof(*h));
    EXPECT_EQ(0, weft_histogram_quantile(h, 0.5));
    weft_histogram_add(h, 0);
    EXPECT_EQ(0, weft_histogram_quantile(h, 1.0));
    for (int bit = 0; bit < 64; bit++) {
        weft_histogram_add(h, 1ull << bit);
        weft_histogram_add(h, (1ull << bit) - 1);
    }
    weft_histogram_add(h, UINT64_MAX);
    EXPECT_EQ(130, h->count);
    EXPECT_TRUE(weft_histogram_quantile(h, 1.0) == UINT64_MAX);
    free(h);
}

TEST(histogram, small_values_are_exact)
{
    for (uint64_t v = 0; v < 256; v++) {
        struct weft_histogram *h = calloc(1, sizeof(*h));
        weft_histogram_add(h, v);
        weft_histogram_add(h, 1000000);
        EXPECT_EQ(v, weft_histogram_quantile(h, 0.5));
        free(h);
    }
}
