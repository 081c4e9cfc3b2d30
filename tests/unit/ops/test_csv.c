#include "ops/import/csv.h"

#include <stdio.h>
#include <stdlib.h>

#include "ops/import/csv_map.h"
#include "tests/unit/ops/import_rig.h"

#define MAP                                                                                        \
    "{\"kind\":\"k\",\"asset\":\"s:{S}\",\"attrs\":{\"n\":{\"column\":\"N\",\"type\":\"number\"}," \
    "\"t\":\"T\"},\"nothing\":[\"-\"]}"

static void expect(const char *map, const char *text, const char *expected)
{
    expect_imported(&weft_csv_importer, text, map, expected);
}

/* --- the grammar ----------------------------------------------------------------------------- */

TEST(csv, rows_become_records_with_values_as_they_are_given)
{
    expect(MAP, "S,N,T\n1,010,x\n2,1.50,y\n3,1e3,\"z\"\n",
        "! line 2, column 3 (N): '010' is not a number\n"
        "{\"kind\":\"k\",\"asset\":\"s:2\",\"attrs\":{\"n\":1.50,\"t\":\"y\"}}\n"
        "{\"kind\":\"k\",\"asset\":\"s:3\",\"attrs\":{\"n\":1e3,\"t\":\"z\"}}\n");
}

TEST(csv, quotes_hold_delimiters_quotes_and_line_ends)
{
    expect(MAP, "\"S\",\"N\",T\r\n\"1\",\"2\",\"a,\"\"b\"\"\r\nc\"\r\n2,3,d",
        "{\"kind\":\"k\",\"asset\":\"s:1\",\"attrs\":{\"n\":2,\"t\":\"a,\\\"b\\\"\\r\\nc\"}}\n"
        "{\"kind\":\"k\",\"asset\":\"s:2\",\"attrs\":{\"n\":3,\"t\":\"d\"}}\n");
}

TEST(csv, a_mark_of_utf8_blank_lines_and_a_missing_last_line_end_are_tolerated)
{
    expect(MAP, "\xef\xbb\xbfS,N,T\n\n1,2,x\r\n\r\n2,,\xc3\xa4",
        "{\"kind\":\"k\",\"asset\":\"s:1\",\"attrs\":{\"n\":2,\"t\":\"x\"}}\n"
        "{\"kind\":\"k\",\"asset\":\"s:2\",\"attrs\":{\"t\":\"\xc3\xa4\"}}\n");
    expect("{\"kind\":\"k\",\"asset\":\"{\xef\xbc\x8c}\"}", "\xef\xbc\x8c\nx\n",
        "{\"kind\":\"k\",\"asset\":\"x\"}\n");
    expect(MAP, "S,N,T\n", "");
}

TEST(csv, a_bad_row_is_refused_with_its_place_and_does_not_hide_the_next)
{
    static const struct {
        const char *row, *reason;
    } bad[] = {{"1,2", "line 2, column 3: the row has 2 cells, the header 3"},
        {"1,2,x,y", "line 2, column 7: the row has 4 cells, the header 3"},
        {"1,2,\"x\"y", "line 2, column 8: text behind a closing quote"},
        {"1,2,x\"y", "line 2, column 6: a quote within a cell that does not begin with one"},
        {"1,2,\rx", "line 2, column 6: a carriage return without a line feed behind it"},
        {"1,2,\xe4",
            "line 2, column 5: not UTF-8 (perhaps Latin-1 or Windows-1252: convert it first)"},
        {"-,2,x", "line 2, column 1 (S): is empty: the row has no asset"},
        {"1,two,x", "line 2, column 3 (N): 'two' is not a number"},
        {"1,\"t\no\",x", "line 2, column 3 (N): 't?o' is not a number"},
        {" 1 ,1,x\n\t ,1,x", NULL}};
    for (size_t i = 0; i + 1 < sizeof(bad) / sizeof(*bad); i++) {
        char text[256], expected[512];
        (void)snprintf(text, sizeof(text), "S,N,T\n%s\n9,9,z\n", bad[i].row);
        (void)snprintf(expected, sizeof(expected),
            "! %s\n{\"kind\":\"k\",\"asset\":\"s:9\",\"attrs\":{\"n\":9,\"t\":\"z\"}}\n",
            bad[i].reason);
        expect(MAP, text, expected);
    }
}

TEST(csv, a_zero_byte_is_refused_with_its_place)
{
    static const char text[] = "S,N,T\n1,2,a\0b\n2,2,\"a\0b\"\n3,3,c\n";
    struct imported im =
        import_text(&weft_csv_importer, (struct weft_text){text, sizeof(text) - 1}, "", MAP, 3);
    EXPECT_TEXT("! line 2, column 6: zero byte\n! line 3, column 7: zero byte\n"
                "{\"kind\":\"k\",\"asset\":\"s:3\",\"attrs\":{\"n\":3,\"t\":\"c\"}}\n",
        (const char *)im.lines.data);
    free_imported(&im);
}

TEST(csv, a_file_that_is_no_table_is_refused_whole)
{
    expect(MAP, "", "! line 1, column 1: the file has no header\n");
    expect(MAP, "\n\r\n", "! line 1, column 1: the file has no header\n");
    expect(MAP, "\xff\xfeS\n", "! line 1, column 1: this is UTF-16: convert it to UTF-8 first\n");
    expect(MAP, "S,N,S,T\n1,1,1,1\n", "! line 1, column 5: the header has 'S' twice\n");
    expect(MAP, "S,T\n1,1\n",
        "! line 1, column 1: the header has no 'N', which the mapping names at /attrs/n/column\n");
    expect(MAP, "S,N\"T\n1,2\n",
        "! line 1, column 4: a quote within a cell that does not begin with one\n");
    expect(MAP, "S,N,T\n1,2,\"x\n3,4,y\n", "! line 2, column 5: this quote is never closed\n");
}

TEST(csv, a_quote_that_is_never_closed_ends_at_the_limit)
{
    enum {
        SIZE = 3 * 1024 * 1024
    };
    char *text = malloc(SIZE);
    EXPECT_TRUE(text != NULL);
    memset(text, 'x', SIZE);
    static const char head[] = {'S', ',', 'N', ',', 'T', '\n', '1', ',', '2', ',', '"'};
    memcpy(text, head, sizeof(head));
    struct imported im =
        import_text(&weft_csv_importer, (struct weft_text){text, SIZE}, "", MAP, 100000);
    EXPECT_TEXT(
        "! line 2, column 5: a row of more than 1 MiB; this quote is perhaps never closed\n",
        (const char *)im.lines.data);
    free_imported(&im);
    free(text);
}

TEST(csv, random_tables_are_read_as_they_were_written)
{
    for (int round = 0; round < 300; round++) {
        static const char alphabet[] = "a,\"\n\r ;x";
        char text[4096] = "A,B\r\n";
        char cells[20][2][12];
        size_t used = strlen(text);
        int rows = 1 + (int)test_random(20);
        for (int i = 0; i < rows; i++) {
            for (int j = 0; j < 2; j++) {
                size_t size = (size_t)test_random(10) + 1;
                text[used++] = '"';
                for (size_t n = 0; n < size; n++) {
                    char c = alphabet[test_random(sizeof(alphabet) - 1)];
                    cells[i][j][n] = c;
                    text[used++] = c;
                    if (c == '"') {
                        text[used++] = c;
                    }
                }
                cells[i][j][size] = '\0';
                text[used++] = '"';
                text[used++] = j == 0 ? ',' : '\n';
            }
        }
        struct weft_csv_reader r;
        weft_csv_reader_init(&r, ',');
        int row = -1;
        for (size_t at = 0; !r.is_over;) {
            size_t size = 1 + (size_t)test_random(30);
            size = size < used - at ? size : used - at;
            weft_csv_reader_feed(&r, (struct weft_text){text + at, size}, at + size == used);
            at += size;
            enum weft_err err;
            while ((err = weft_csv_reader_next(&r, NULL)) == WEFT_OK) {
                EXPECT_EQ(2, r.cell_count);
                for (uint32_t j = 0; j < 2 && row >= 0; j++) {
                    EXPECT_TRUE(weft_text_is(r.cells[j].text, cells[row][j]));
                }
                row++;
            }
            EXPECT_EQ(WEFT_ENOTFOUND, err);
        }
        EXPECT_EQ(rows, row);
        weft_csv_reader_close(&r);
    }
}

/* --- the mapping ----------------------------------------------------------------------------- */

TEST(csv, types_units_links_and_times_are_mapped)
{
    static const char map[] =
        "{\"kind\":\"{K}\",\"asset\":\"s:{S}\",\"at\":{\"column\":\"D\",\"format\":"
        "\"DD.MM.YYYY hh:mm:ss,fff\",\"zone\":\"+02:00\"},\"delimiter\":\";\",\"attrs\":{"
        "\"i\":{\"column\":\"I\",\"type\":\"int\"},"
        "\"r\":{\"column\":\"R\",\"type\":\"real\",\"decimal\":\",\",\"unit\":\"mm\"},"
        "\"b\":{\"column\":\"B\",\"type\":\"bool\"},"
        "\"w\":{\"template\":\"{{{S}}-{I}\"},"
        "\"z\":{\"column\":\"Z\",\"type\":\"time\",\"zone\":\"Z\"}},"
        "\"links\":[{\"rel\":\"made_on\",\"to\":\"m/{M}\",\"attrs\":{\"q\":{\"column\":\"I\","
        "\"type\":\"number\"}}},{\"rel\":\"x\",\"to\":\"x/{M}\"}]}";
    expect(map,
        "K;S;D;I;R;B;Z;M\n"
        "k1;1;31.12.2026 23:59:59,500;+7;-0,25;yes;2026-01-01T00:00:00;mill\n"
        "k2;2;;0;3;0;2026-01-01T00:00:00+01:00;\n",
        "{\"kind\":\"k1\",\"asset\":\"s:1\",\"at\":\"2026-12-31T21:59:59.500Z\",\"attrs\":{\"i\":7,"
        "\"r\":{\"value\":-0.25,\"unit\":\"mm\"},\"b\":true,\"w\":\"{1}-+7\",\"z\":"
        "\"2026-01-01T00:00:00Z\"},\"links\":[{\"rel\":\"made_on\",\"to\":\"m/"
        "mill\",\"attrs\":{\"q\":7}}"
        ",{\"rel\":\"x\",\"to\":\"x/mill\"}]}\n"
        "{\"kind\":\"k2\",\"asset\":\"s:2\",\"attrs\":{\"i\":0,\"r\":{\"value\":3.0,\"unit\":"
        "\"mm\"},\"b\":"
        "false,\"w\":\"{2}-0\",\"z\":\"2025-12-31T23:00:00Z\"}}\n");
}

static void expect_cell_refused(const char *value, const char *cell, const char *reason)
{
    char map[512], text[256], expected[512];
    (void)snprintf(map, sizeof(map),
        "{\"kind\":\"k\",\"asset\":\"s\",\"attrs\":{\"v\":{\"column\":\"V\",%s}}}", value);
    (void)snprintf(text, sizeof(text), "V,W\n\"%s\",\n", cell);
    (void)snprintf(expected, sizeof(expected), "! line 2, column 1 (V): %s\n", reason);
    expect(map, text, expected);
}

TEST(csv, cells_that_are_not_of_their_type_are_refused)
{
    expect_cell_refused("\"type\":\"int\"", "1.5", "'1.5' is not a whole number");
    expect_cell_refused("\"type\":\"int\"", "1e5", "'1e5' is not a whole number");
    expect_cell_refused("\"type\":\"real\"", "1,5", "'1,5' is not a number");
    expect_cell_refused("\"type\":\"real\",\"decimal\":\",\"", "1.5", "'1.5' is not a number");
    expect_cell_refused("\"type\":\"real\",\"decimal\":\",\"", "1,5,0", "'1,5,0' is not a number");
    expect_cell_refused(
        "\"type\":\"bool\"", "maybe", "'maybe' is not true or false, yes or no, 1 or 0");
    expect_cell_refused("\"type\":\"time\"", "2026-01-01T00:00:00",
        "'2026-01-01T00:00:00': time has no zone: it must end with Z or +hh:mm");
    expect_cell_refused("\"type\":\"time\",\"format\":\"YYYY/MM/DD\",\"zone\":\"Z\"", "2026-01-01",
        "'2026-01-01' is not like 'YYYY/MM/DD'");
    expect_cell_refused("\"type\":\"time\",\"format\":\"YYYY/MM/DD\",\"zone\":\"Z\"", "2026/13/01",
        "'2026/13/01': no such day");
    expect_cell_refused("\"required\":true", "", "is empty, but required");
}

TEST(csv, links_and_times_that_are_required_are)
{
    static const char link[] = "{\"kind\":\"k\",\"asset\":\"s\",\"links\":[{\"rel\":\"r\",\"to\":"
                               "\"x:{V}\",\"required\":true}]}";
    expect(link, "V,W\n,1\n", "! line 2, column 1 (V): is empty, but required\n");
    expect(link, "V,W\n\"a\nb\",1\n",
        "! line 2, column 1 (V): 'x:a?b' cannot be the id of an asset\n");
    expect("{\"kind\":\"k\",\"asset\":\"s\",\"at\":{\"column\":\"V\",\"required\":true}}",
        "V,W\n,1\n", "! line 2, column 1 (V): is empty, but required\n");
    expect("{\"kind\":\"K k\",\"asset\":\"s\"}", "V\n1\n",
        "! line 2, column 1: /kind of its record: kind must be 1 to 63 of a-z 0-9 _ . - and start "
        "with a letter or digit\n");
}

TEST(csv, two_rows_that_say_the_same_are_one_statement)
{
    struct imported a =
        import_text(&weft_csv_importer, WEFT_TEXT("S,N,T\n1,2,x\n1,2,x\n1,2,y\n"), "a", MAP, 9);
    EXPECT_EQ(3, a.items);
    free_imported(&a);
    struct weft_importer *importer = NULL;
    struct weft_import_item items[3];
    struct weft_msg msg;
    const struct weft_import_options options = {.name = WEFT_TEXT("x"), .option = WEFT_TEXT(MAP)};
    EXPECT_EQ(WEFT_OK, weft_importer_create(&weft_csv_importer, &options, &importer, &msg));
    static const char text[] = "S,N,T\n1,2,x\n1,2,x\n1,2,y\n";
    weft_importer_feed(
        importer, (struct weft_bytes){(const uint8_t *)text, sizeof(text) - 1}, true);
    for (int i = 0; i < 3; i++) {
        EXPECT_EQ(WEFT_OK, weft_importer_next(importer, &items[i], &msg));
        EXPECT_EQ(WEFT_ONCE_BY_MARKER, items[i].once);
    }
    EXPECT_MEM(&items[0].id, &items[1].id, sizeof(items[0].id));
    EXPECT_TRUE(memcmp(&items[0].id, &items[2].id, sizeof(items[0].id)) != 0);
    weft_importer_destroy(importer);
}

TEST(csv, a_bad_mapping_is_refused_with_its_place)
{
    static const struct {
        const char *map, *reason;
    } bad[] = {
        {"", "a table needs a mapping: --map FILE says which column is what (weft import csv "
             "--help)"},
        {"{", "mapping: line 1, column 2: the text ends too early"},
        {"[]", "mapping: line 1, column 1 (): must be an object, is an array"},
        {"{\"asset\":\"a\"}", "mapping: line 1, column 1 (): must have \"kind\""},
        {"{\"kind\":\"a\"}", "mapping: line 1, column 1 (): must have \"asset\""},
        {"{\"kind\":\"a\",\n\"asset\":\"{b\"}",
            "mapping: line 2, column 9 (/asset): '{' without '}'"},
        {"{\"kind\":\"a\",\n\"asset\":\"{}\"}",
            "mapping: line 2, column 9 (/asset): names no column"},
        {"{\"kind\":\"a\",\"asset\":\"b\",\n\"colour\":1}",
            "mapping: line 2, column 10 (/colour): unknown member of a mapping"},
        {"{\"kind\":\"a\",\"asset\":\"b\",\n\"delimiter\":\"\\\"\"}",
            "mapping: line 2, column 13 (/delimiter): must be one character, such as \";\" or "
            "\"\\t\""},
        {"{\"kind\":\"a\",\"asset\":\"b\",\n\"attrs\":{\"x\":{}}}",
            "mapping: line 2, column 14 (/attrs/x): must have either \"column\" or \"template\""},
        {"{\"kind\":\"a\",\"asset\":\"b\",\n\"attrs\":{\"x\":{\"column\":\"c\",\"type\":\"float\"}}"
         "}",
            "mapping: line 2, column 35 (/attrs/x/type): must be text, int, real, number, bool or "
            "time"},
        {"{\"kind\":\"a\",\"asset\":\"b\",\n\"attrs\":{\"x\":{\"column\":\"c\",\"decimal\":\"x\"}}"
         "}",
            "mapping: line 2, column 38 (/attrs/x/decimal): must be \".\" or \",\""},
        {"{\"kind\":\"a\",\"asset\":\"b\",\n\"at\":{\"column\":\"c\",\"zone\":\"CET\"}}",
            "mapping: line 2, column 27 (/at/zone): must be Z or an offset like +01:00"},
        {"{\"kind\":\"a\",\"asset\":\"b\",\n\"at\":{\"column\":\"c\",\"format\":\"DD.MM.YY\"}}",
            "mapping: line 2, column 29 (/at/format): must have YYYY, MM and DD, as in "
            "\"DD.MM.YYYY hh:mm:ss\""},
        {"{\"kind\":\"a\",\"asset\":\"b\",\n\"links\":[{\"rel\":\"R\",\"to\":\"x\"}]}",
            "mapping: line 2, column 10 (/links/0): must have a \"rel\" of a-z 0-9 _ . -"},
        {"{\"kind\":\"a\",\"asset\":\"b\",\n\"links\":[{\"rel\":\"r\"}]}",
            "mapping: line 2, column 10 (/links/0): must have a \"to\""}};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        expect_map_refused(&weft_csv_importer, bad[i].map, bad[i].reason);
    }
}
