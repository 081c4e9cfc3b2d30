#include "proto/record.h"

#include <stdio.h>
#include <stdlib.h>

#include "proto/order.h"
#include "tests/lib/test.h"

static struct weft_field field(const char *path, enum weft_value_type type, const char *value)
{
    return (struct weft_field){weft_text_of(path), weft_text_of(value), type};
}

static struct weft_record record_of(const struct weft_field *fields, uint32_t count)
{
    return (struct weft_record){
        .kind = WEFT_TEXT("inspection"),
        .asset = WEFT_TEXT("serial:box/7"),
        .fields = fields,
        .field_count = count,
    };
}

static void expect_good(const struct weft_record *record)
{
    char pointer[256] = "";
    struct weft_msg msg = {""};
    enum weft_err err = weft_record_check(record, pointer, &msg);
    EXPECT_TEXT("", msg.text);
    EXPECT_EQ(WEFT_OK, err);
    EXPECT_EQ(WEFT_OK, weft_record_check(record, NULL, NULL));
}

static void expect_bad(
    const struct weft_record *record, enum weft_err err, const char *pointer, const char *reason)
{
    char ret_pointer[256];
    struct weft_msg msg = {""};
    enum weft_err got = weft_record_check(record, ret_pointer, &msg);
    EXPECT_TEXT(reason, msg.text);
    EXPECT_EQ(err, got);
    EXPECT_TEXT(pointer, ret_pointer);
    EXPECT_EQ(err, weft_record_check(record, NULL, NULL));
}

static void expect_bad_field(
    struct weft_field bad, enum weft_err err, const char *pointer, const char *reason)
{
    struct weft_record record = record_of(&bad, 1);
    expect_bad(&record, err, pointer, reason);
}

static void expect_typed(enum weft_value_type type, const char *value, const char *reason)
{
    struct weft_field f = field("a", type, value);
    struct weft_record record = record_of(&f, 1);
    if (reason == NULL) {
        expect_good(&record);
    } else {
        expect_bad(&record, WEFT_EINVAL, "/attrs/a", reason);
    }
}

static char *repeat(char c, size_t size)
{
    static char text[WEFT_VALUE_SIZE_MAX + 2];
    memset(text, c, size);
    text[size] = '\0';
    return text;
}

TEST(asset, is_a_line_of_utf8_up_to_255_bytes)
{
    EXPECT_TRUE(weft_asset_is_valid(WEFT_TEXT("a")));
    EXPECT_TRUE(weft_asset_is_valid(WEFT_TEXT("urn:epc:id:sgtin:0614141.107346.2017")));
    EXPECT_TRUE(weft_asset_is_valid(WEFT_TEXT("plant1/line 2/Pr\xc3\xbc"
                                              "fstand")));
    EXPECT_TRUE(weft_asset_is_valid(weft_text_of(repeat('a', WEFT_ASSET_SIZE_MAX))));
    EXPECT_TRUE(!weft_asset_is_valid(weft_text_of(repeat('a', WEFT_ASSET_SIZE_MAX + 1))));
    EXPECT_TRUE(!weft_asset_is_valid(WEFT_TEXT("")));
    EXPECT_TRUE(!weft_asset_is_valid(WEFT_TEXT(" a")));
    EXPECT_TRUE(!weft_asset_is_valid(WEFT_TEXT("a ")));
    EXPECT_TRUE(!weft_asset_is_valid(WEFT_TEXT("a\nb")));
    EXPECT_TRUE(!weft_asset_is_valid(WEFT_TEXT("a\x7f")));
    EXPECT_TRUE(!weft_asset_is_valid(WEFT_TEXT("a\xc2\x85")));
    EXPECT_TRUE(weft_asset_is_valid(WEFT_TEXT("a\xc2\xa0")));
    EXPECT_TRUE(!weft_asset_is_valid(WEFT_TEXT("a\xff")));
}

TEST(name, is_lower_case_with_dots_and_dashes_up_to_63_bytes)
{
    EXPECT_TRUE(weft_name_is_valid(WEFT_TEXT("epcis.object")));
    EXPECT_TRUE(weft_name_is_valid(WEFT_TEXT("9-a_b")));
    EXPECT_TRUE(weft_name_is_valid(weft_text_of(repeat('k', WEFT_KIND_SIZE_MAX))));
    EXPECT_TRUE(!weft_name_is_valid(weft_text_of(repeat('k', WEFT_KIND_SIZE_MAX + 1))));
    EXPECT_TRUE(!weft_name_is_valid(WEFT_TEXT("")));
    EXPECT_TRUE(!weft_name_is_valid(WEFT_TEXT("Inspection")));
    EXPECT_TRUE(!weft_name_is_valid(WEFT_TEXT(".a")));
    EXPECT_TRUE(!weft_name_is_valid(WEFT_TEXT("a b")));
    EXPECT_TRUE(!weft_name_is_valid(WEFT_TEXT("a\xc3\xa4")));
}

TEST(record, ids_are_checked_and_named)
{
    struct weft_record record = record_of(NULL, 0);
    expect_good(&record);
    record.kind = WEFT_TEXT("No");
    expect_bad(&record, WEFT_EINVAL, "/kind",
        "kind must be 1 to 63 of a-z 0-9 _ . - and start with a letter or digit");
    record.kind = weft_text_of(repeat('k', 64));
    expect_bad(&record, WEFT_ETOOBIG, "/kind", "kind is 64 bytes, at most 63");
    record = record_of(NULL, 0);
    record.asset = WEFT_TEXT("");
    expect_bad(&record, WEFT_EINVAL, "/asset", "asset id is empty");
    record.asset = weft_text_of(repeat('a', 256));
    expect_bad(&record, WEFT_ETOOBIG, "/asset", "asset id is 256 bytes, at most 255");
    record.asset = WEFT_TEXT("a\xff");
    expect_bad(&record, WEFT_EMALFORMED, "/asset", "asset id is not UTF-8");
    record.asset = WEFT_TEXT("a\t");
    expect_bad(
        &record, WEFT_EINVAL, "/asset", "asset id has a control character or a space at an end");
    record = record_of(NULL, 0);
    record.source = weft_text_of(repeat('s', 256));
    expect_bad(&record, WEFT_ETOOBIG, "/source", "source is 256 bytes, at most 255");
    record.source = WEFT_TEXT("a\xff");
    expect_bad(&record, WEFT_EMALFORMED, "/source", "source is not UTF-8");
    record.source = WEFT_TEXT("a\n");
    expect_bad(&record, WEFT_EINVAL, "/source", "source has a control character");
    record.source = weft_text_of(repeat('s', 255));
    expect_good(&record);
    record.author = WEFT_TEXT("a\n");
    expect_bad(&record, WEFT_EINVAL, "/author", "author has a control character");
}

/* At every place, since eight bytes are looked at together. */
TEST(record, assets_have_no_control_character_anywhere)
{
    char asset[20];
    for (size_t size = 1; size <= sizeof(asset); size++) {
        for (size_t at = 0; at < size; at++) {
            for (unsigned byte = 0; byte < 0x80; byte++) {
                memset(asset, 'x', sizeof(asset));
                asset[at] = (char)byte;
                bool is_end = at == 0 || at == size - 1;
                bool is_good = byte >= 0x20 && byte != 0x7f && !(byte == ' ' && is_end);
                EXPECT_EQ(is_good, weft_asset_is_valid((struct weft_text){asset, size}));
            }
            for (unsigned second = 0x80; second < 0xc0 && at + 1 < size; second++) {
                memset(asset, 'x', sizeof(asset));
                asset[at] = '\xc2';
                asset[at + 1] = (char)second;
                EXPECT_EQ(second >= 0xa0, weft_asset_is_valid((struct weft_text){asset, size}));
            }
        }
    }
}

TEST(record, values_are_of_their_type)
{
    expect_typed(WEFT_VALUE_NULL, "", NULL);
    expect_typed(WEFT_VALUE_NULL, "x", "value of a type without content is not empty");
    expect_typed(WEFT_VALUE_EMPTY_OBJECT, "", NULL);
    expect_typed(WEFT_VALUE_EMPTY_ARRAY, "[]", "value of a type without content is not empty");
    expect_typed(WEFT_VALUE_BOOL, "true", NULL);
    expect_typed(WEFT_VALUE_BOOL, "false", NULL);
    expect_typed(WEFT_VALUE_BOOL, "True", "boolean is neither true nor false");
    expect_typed(WEFT_VALUE_TEXT, "", NULL);
    expect_typed(WEFT_VALUE_TEXT, "\xe2\x82\xac\n", NULL);
    expect_typed(WEFT_VALUE_TYPES, "", "value has no known type");
    expect_typed((enum weft_value_type)200, "", "value has no known type");
    expect_bad_field(field("a", WEFT_VALUE_TEXT, "\xff"), WEFT_EMALFORMED, "/attrs/a",
        "value is not UTF-8 without a zero byte");
    expect_typed(WEFT_VALUE_TEXT, repeat('v', WEFT_VALUE_SIZE_MAX), NULL);
    expect_bad_field(field("a", WEFT_VALUE_TEXT, repeat('v', WEFT_VALUE_SIZE_MAX + 1)),
        WEFT_ETOOBIG, "/attrs/a", "value is 65537 bytes, at most 65536");
}

TEST(record, integers_are_literals_within_64_bits)
{
    static const char *const good[] = {
        "0", "-0", "7", "9223372036854775807", "-9223372036854775808"};
    static const char *const bad[] = {"", "-", "+1", "01", "-01", " 1", "1 ", "0x1", "1a", "NaN"};
    static const char *const large[] = {"9223372036854775808", "-9223372036854775809",
        "18446744073709551616", "99999999999999999999999999"};
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
        expect_typed(WEFT_VALUE_INT, good[i], NULL);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        expect_typed(WEFT_VALUE_INT, bad[i], "value is not a JSON number");
    }
    for (size_t i = 0; i < sizeof(large) / sizeof(*large); i++) {
        expect_typed(WEFT_VALUE_INT, large[i], "integer is outside 64 bits");
    }
    expect_typed(
        WEFT_VALUE_INT, "1.0", "a number is real if and only if it has a fraction or an exponent");
    expect_typed(
        WEFT_VALUE_REAL, "1", "a number is real if and only if it has a fraction or an exponent");
}

TEST(record, reals_are_literals_that_a_double_can_hold)
{
    static const char *const good[] = {"0.0", "-0.0", "1e0", "1E+5", "1.5e-3", "0e999",
        "0.000e-999", "1.7976931348623157e308", "17976931348623157e292",
        "0.00017976931348623157e312", "1e-400",
        "179769313486231570814527423731704356798070567525844996598917476803157260780028538760589558"
        "632766878171540458953514382464234321326889464182768467546703537516986049910576551282076245"
        "490090389328944075868508455133942304583236903222948165808559332123347747979262041447231687"
        "38177180919299881250404026184124858368.0"};
    static const char *const bad[] = {
        ".5", "1.", "1.e5", "1e", "1e+", "--1.0", "1.0.0", "1,5", "Infinity", "1.0e5x", "00.1"};
    static const char *const large[] = {"1e309", "-1e309", "1.8e308", "1.7976931348623159e308",
        "0.1e310", "1e99999999999999999999", "0.00018e312"};
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
        expect_typed(WEFT_VALUE_REAL, good[i], NULL);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        expect_typed(WEFT_VALUE_REAL, bad[i], "value is not a JSON number");
    }
    for (size_t i = 0; i < sizeof(large) / sizeof(*large); i++) {
        expect_typed(WEFT_VALUE_REAL, large[i], "number is too large for a double");
    }
    /* Leading zeros, however many, are not digits of the value. */
    char zeros[600];
    memset(zeros, '0', sizeof(zeros));
    zeros[1] = '.';
    (void)snprintf(zeros + 500, sizeof(zeros) - 500, "1e700");
    expect_typed(WEFT_VALUE_REAL, zeros, NULL);
    (void)snprintf(zeros + 500, sizeof(zeros) - 500, "1e900");
    expect_typed(WEFT_VALUE_REAL, zeros, "number is too large for a double");
}

TEST(record, a_path_has_one_spelling)
{
    static const char *const good[] = {
        "a", "a/b", "a/[0]", "~0", "~1/~0~1", "~2a", "a b", "a]", "a/x[3]", "\xc3\xa4"};
    static const char *const bad[] = {
        "~", "~3", "a~2", "a/~", "a/[01]", "a/[]", "a/[0", "a/[0]x", "a/[x]", "a/[1234567890]"};
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
        struct weft_field f = field(good[i], WEFT_VALUE_NULL, "");
        struct weft_record record = record_of(&f, 1);
        expect_good(&record);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct weft_field f = field(bad[i], WEFT_VALUE_NULL, "");
        struct weft_record record = record_of(&f, 1);
        struct weft_msg msg;
        EXPECT_EQ(WEFT_EINVAL, weft_record_check(&record, NULL, &msg));
        EXPECT_TEXT("path has a bad segment", msg.text);
    }
    expect_bad_field(field("", WEFT_VALUE_NULL, ""), WEFT_EINVAL, "/attrs/", "a name is empty");
    expect_bad_field(
        field("a//b", WEFT_VALUE_NULL, ""), WEFT_EINVAL, "/attrs/a//b", "a name is empty");
    expect_bad_field(field("a/", WEFT_VALUE_NULL, ""), WEFT_EINVAL, "/attrs/a/", "a name is empty");
    expect_bad_field(field("@at", WEFT_VALUE_NULL, ""), WEFT_EINVAL, "/attrs/@at",
        "names that start with '@' are reserved");
    expect_bad_field(field("[0]", WEFT_VALUE_NULL, ""), WEFT_EINVAL, "/attrs/0",
        "attributes are an object, not an array");
    expect_bad_field(field("a\xff", WEFT_VALUE_NULL, ""), WEFT_EMALFORMED, "/attrs/a",
        "path is not UTF-8 without a zero byte");
    struct weft_field f = field(repeat('p', WEFT_PATH_SIZE_MAX), WEFT_VALUE_NULL, "");
    struct weft_record record = record_of(&f, 1);
    expect_good(&record);
    f = field(repeat('p', WEFT_PATH_SIZE_MAX + 1), WEFT_VALUE_NULL, "");
    struct weft_msg msg;
    EXPECT_EQ(WEFT_ETOOBIG, weft_record_check(&record, NULL, &msg));
    EXPECT_TEXT("path is 256 bytes, at most 255", msg.text);
}

TEST(record, a_pointer_is_in_terms_of_the_json_form)
{
    expect_bad_field(field("a~1b/~2x/[12]/c", WEFT_VALUE_BOOL, ""), WEFT_EINVAL,
        "/attrs/a~1b/[x/12/c", "boolean is neither true nor false");
}

static void expect_conflict(const char *a, const char *b, const char *pointer, const char *reason)
{
    struct weft_field fields[2] = {field(a, WEFT_VALUE_NULL, ""), field(b, WEFT_VALUE_NULL, "")};
    struct weft_record record = record_of(fields, 2);
    if (reason == NULL) {
        expect_good(&record);
    } else {
        expect_bad(&record, WEFT_EINVAL, pointer, reason);
    }
}

TEST(record, fields_together_are_one_json_object)
{
    const char *value_and_members = "attribute is a value and has members";
    const char *gap = "array has a gap before this element";
    expect_conflict("a", "b", "", NULL);
    expect_conflict("a", "a.b", "", NULL);
    expect_conflict("a/b", "a.b", "", NULL);
    expect_conflict("a/b", "ab", "", NULL);
    expect_conflict("a/b", "a/bc", "", NULL);
    expect_conflict("a", "a", "/attrs/a", "attribute is there twice");
    expect_conflict("a/b", "a/b", "/attrs/a/b", "attribute is there twice");
    expect_conflict("a", "a/b", "/attrs/a/b", value_and_members);
    expect_conflict("a/b", "a", "/attrs/a/b", value_and_members);
    expect_conflict("a/[0]", "a/b", "/attrs/a/b", "attribute is an array and an object");
    expect_conflict("a/B", "a/[0]", "/attrs/a/0", "attribute is an array and an object");
    expect_conflict("a/[0]", "a/[1]", "", NULL);
    expect_conflict("a/[1]", "a/[0]", "", NULL);
    expect_conflict("a/[0]/[0]", "a/[1]/[0]", "", NULL);
    expect_conflict("a/[0]/x", "a/[0]/y", "", NULL);
    expect_conflict("a/[0]", "a/[2]", "/attrs/a/2", gap);
    expect_conflict("a/[1]", "b", "/attrs/a/1", gap);
    expect_conflict("a/[0]", "a/[1]/[1]", "/attrs/a/1/1", gap);
    expect_conflict("a/[0]/[1]", "a/[1]", "/attrs/a/0/1", gap);
    expect_conflict("b", "a/[0]/[0]/[1]/x", "/attrs/a/0/0/1/x", gap);
}

TEST(record, long_arrays_are_ordered_by_number)
{
    static char paths[WEFT_RECORD_FIELDS_MAX][16];
    static struct weft_field fields[WEFT_RECORD_FIELDS_MAX];
    for (int i = 0; i < WEFT_RECORD_FIELDS_MAX; i++) {
        (void)snprintf(paths[i], sizeof(paths[i]), "a/[%d]", i);
        fields[i] = field(paths[i], WEFT_VALUE_NULL, "");
    }
    struct weft_record record = record_of(fields, WEFT_RECORD_FIELDS_MAX);
    expect_good(&record);
    /* In any order of the fields. */
    for (int i = WEFT_RECORD_FIELDS_MAX - 1; i > 0; i--) {
        int j = (int)test_random((uint64_t)i + 1);
        struct weft_field moved = fields[i];
        fields[i] = fields[j];
        fields[j] = moved;
    }
    expect_good(&record);
    uint32_t twin = (uint32_t)test_random(WEFT_RECORD_FIELDS_MAX - 1);
    fields[twin + 1].path = fields[twin].path;
    struct weft_msg msg;
    EXPECT_EQ(WEFT_EINVAL, weft_record_check(&record, NULL, &msg));
}

TEST(record, counts_and_the_whole_size_are_limited)
{
    static struct weft_field fields[WEFT_RECORD_FIELDS_MAX + 1];
    static struct weft_link links[WEFT_RECORD_LINKS_MAX + 1];
    static char paths[WEFT_RECORD_FIELDS_MAX + 1][16];
    for (int i = 0; i < WEFT_RECORD_FIELDS_MAX + 1; i++) {
        (void)snprintf(paths[i], sizeof(paths[i]), "f%d", i);
        fields[i] = field(paths[i], WEFT_VALUE_NULL, "");
    }
    for (int i = 0; i < WEFT_RECORD_LINKS_MAX + 1; i++) {
        links[i] = (struct weft_link){.rel = WEFT_TEXT("consumes"), .to = WEFT_TEXT("lot:1")};
    }
    struct weft_record record = record_of(fields, WEFT_RECORD_FIELDS_MAX);
    record.links = links;
    record.link_count = WEFT_RECORD_LINKS_MAX;
    expect_good(&record);
    record.field_count++;
    expect_bad(&record, WEFT_ETOOBIG, "/attrs", "1025 attributes, at most 1024");
    record.field_count = 0;
    record.link_count++;
    expect_bad(&record, WEFT_ETOOBIG, "/links", "4097 links, at most 4096");
    record.link_count = 1000000;
    expect_bad(&record, WEFT_ETOOBIG, "/links", "1000000 links, at most 4096");

    /* 8 fields of 64 KiB are just over the size of a record. */
    record = record_of(fields, 8);
    for (int i = 0; i < 8; i++) {
        fields[i] = field(paths[i], WEFT_VALUE_TEXT, repeat('v', WEFT_VALUE_SIZE_MAX));
    }
    expect_bad(&record, WEFT_ETOOBIG, "", "record is over 524288 bytes");
    record.field_count = 7;
    expect_good(&record);
}

TEST(record, links_are_checked_and_named)
{
    struct weft_field good = field("quantity", WEFT_VALUE_INT, "3");
    struct weft_field bad = field("quantity", WEFT_VALUE_INT, "x");
    struct weft_link links[3] = {
        {.rel = WEFT_TEXT("consumes"), .to = WEFT_TEXT("a")},
        {.rel = WEFT_TEXT("consumes"), .to = WEFT_TEXT("a"), .fields = &good, .field_count = 1},
        {.rel = WEFT_TEXT("consumes"), .to = WEFT_TEXT("b")},
    };
    struct weft_record record = record_of(NULL, 0);
    record.links = links;
    record.link_count = 3;
    expect_good(&record);
    links[1].fields = &bad;
    expect_bad(&record, WEFT_EINVAL, "/links/1/attrs/quantity", "value is not a JSON number");
    links[1].fields = &good;
    links[2].to = WEFT_TEXT("");
    expect_bad(&record, WEFT_EINVAL, "/links/2/to", "asset id is empty");
    links[2].to = WEFT_TEXT("b");
    links[0].rel = WEFT_TEXT("Consumes");
    expect_bad(&record, WEFT_EINVAL, "/links/0/rel",
        "rel must be 1 to 63 of a-z 0-9 _ . - and start with a letter or digit");
}

static int compare_numbers(const void *context, uint16_t a, uint16_t b)
{
    const int *numbers = context;
    return numbers[a] < numbers[b] ? -1 : numbers[a] > numbers[b];
}

TEST(order, is_sorted_and_keeps_equals_in_place)
{
    enum {
        COUNT_MAX = 3000
    };
    static int numbers[COUNT_MAX];
    static uint16_t index[COUNT_MAX], scratch[COUNT_MAX];
    for (uint32_t count = 0; count <= COUNT_MAX; count = count < 100 ? count + 1 : count + 241) {
        for (uint32_t i = 0; i < count; i++) {
            numbers[i] = (int)test_random(count / 2 + 1);
        }
        weft_order_sort(index, scratch, count, compare_numbers, numbers);
        for (uint32_t i = 1; i < count; i++) {
            EXPECT_TRUE(numbers[index[i - 1]] < numbers[index[i]] ||
                        (numbers[index[i - 1]] == numbers[index[i]] && index[i - 1] < index[i]));
        }
    }
}
