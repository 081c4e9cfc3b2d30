#include "proto/record_json.h"

#include <stdio.h>
#include <stdlib.h>

#include "proto/limits.h"
#include "tests/lib/test.h"

enum {
    ARENA_SIZE_MAX = 256 * 1024 * 1024
};

static struct weft_arena arena;

static enum weft_err read_record(
    struct weft_text text, struct weft_record *ret_record, struct weft_msg *msg)
{
    struct weft_json *tree;
    weft_arena_reset(&arena);
    arena.size_max = ARENA_SIZE_MAX;
    enum weft_err err = weft_json_parse(text, 1, &arena, &tree, msg);
    return err == WEFT_OK ? weft_record_from_json(tree, &arena, ret_record, msg) : err;
}

static void expect_round_trip(const char *text)
{
    struct weft_record record;
    struct weft_msg msg = {""};
    enum weft_err err = read_record(weft_text_of(text), &record, &msg);
    EXPECT_TEXT("", msg.text);
    EXPECT_EQ(WEFT_OK, err);
    struct weft_buffer out = {.size = 0};
    EXPECT_EQ(WEFT_OK, weft_record_to_json(&record, NULL, &arena, &out));
    EXPECT_EQ(WEFT_OK, weft_buffer_append(&out, "", 1));
    EXPECT_TEXT(text, (const char *)out.data);
    weft_buffer_destroy(&out);
    weft_arena_destroy(&arena);
}

static void expect_text_refused(struct weft_text text, enum weft_err expected, const char *reason)
{
    struct weft_record record = {.kind = WEFT_TEXT("untouched")};
    struct weft_msg msg = {""};
    enum weft_err err = read_record(text, &record, &msg);
    EXPECT_TEXT(reason, msg.text);
    EXPECT_EQ(expected, err);
    EXPECT_TRUE(weft_text_is(record.kind, "untouched"));
    EXPECT_EQ(expected, read_record(text, &record, NULL));
    weft_arena_destroy(&arena);
}

static void expect_refused(const char *text, const char *reason)
{
    expect_text_refused(weft_text_of(text), WEFT_EINVAL, reason);
}

/* A record with these members on its second line. */
static void expect_member_refused(const char *member, const char *reason)
{
    char text[1024];
    (void)snprintf(text, sizeof(text), "{\"kind\":\"k\",\"asset\":\"a\",\n%s}", member);
    expect_refused(text, reason);
}

TEST(record_json, what_went_in_comes_out)
{
    expect_round_trip("{\"kind\":\"note\",\"asset\":\"a\"}");
    expect_round_trip(
        "{\"kind\":\"inspection\",\"asset\":\"serial:box/7\",\"at\":\"2017-07-28T08:16:42Z\","
        "\"source\":\"qif:Box_Results.qif#7\",\"attrs\":{\"verdict\":\"FAIL\",\"flatness\":"
        "{\"value\":0.014,\"unit\":\"mm\",\"max\":0.010},\"operator\":\"op/17\"},\"links\":"
        "[{\"rel\":\"made_on\",\"to\":\"plant1/line2/mill-2\"},{\"rel\":\"uses_lot\",\"to\":"
        "\"lot:AL6061/22\",\"attrs\":{\"quantity\":2.50}}],\"expect\":{\"rev\":12}}");
    expect_round_trip("{\"kind\":\"k\",\"asset\":\"a\",\"attrs\":{\"z\":1,\"a\":-0,\"m\":1E+30}}");
    expect_round_trip("{\"kind\":\"k\",\"asset\":\"a\",\"attrs\":{\"a\":[[],{},[1,[2,[null]]],{"
                      "\"b\":[true,false]}],\"e\":{},\"f\":[],\"s\":\"\"}}");
    expect_round_trip("{\"kind\":\"k\",\"asset\":\"a\",\"attrs\":{\"a/b~c\":{\"[0]\":1,\"~1\":2,"
                      "\"[\":3},\"x\\ny\":\"\\u0001\",\"\xc3\xa4\":\"\xe2\x82\xac\"}}");
    expect_round_trip("{\"kind\":\"k\",\"asset\":\"a\",\"expect\":{\"rev\":18446744073709551615}}");
    expect_round_trip("{\"kind\":\"k\",\"asset\":\"a\",\"attrs\":{\"l\":[0,1,2,3,4,5,6,7,8,9,10,11,"
                      "12]}}");
}

TEST(record_json, an_empty_list_is_no_list)
{
    struct weft_record record;
    struct weft_msg msg;
    EXPECT_EQ(WEFT_OK,
        read_record(WEFT_TEXT("{\"kind\":\"k\",\"asset\":\"a\",\"attrs\":{},\"links\":[]}"),
            &record, &msg));
    EXPECT_EQ(0, record.field_count);
    EXPECT_EQ(0, record.link_count);
    EXPECT_TRUE(!record.has_at && !record.has_expect);
    weft_arena_destroy(&arena);
}

TEST(record_json, fields_are_paths_and_scalars)
{
    struct weft_record record;
    struct weft_msg msg;
    EXPECT_EQ(WEFT_OK,
        read_record(WEFT_TEXT("{\"kind\":\"k\",\"asset\":\"a\",\"attrs\":{\"a/b\":{\"[0]\":1.0,"
                              "\"c\":[\"x\",{}]},\"t\":true,\"n\":null,\"i\":7}}"),
            &record, &msg));
    static const struct {
        const char *path;
        enum weft_value_type type;
        const char *value;
    } expected[] = {
        {"a~1b/~20]", WEFT_VALUE_REAL, "1.0"},
        {"a~1b/c/[0]", WEFT_VALUE_TEXT, "x"},
        {"a~1b/c/[1]", WEFT_VALUE_EMPTY_OBJECT, ""},
        {"t", WEFT_VALUE_BOOL, "true"},
        {"n", WEFT_VALUE_NULL, ""},
        {"i", WEFT_VALUE_INT, "7"},
    };
    EXPECT_EQ(6, record.field_count);
    for (uint32_t i = 0; i < record.field_count; i++) {
        EXPECT_TRUE(weft_text_is(record.fields[i].path, expected[i].path));
        EXPECT_EQ(expected[i].type, record.fields[i].type);
        EXPECT_TRUE(weft_text_is(record.fields[i].value, expected[i].value));
    }
    weft_arena_destroy(&arena);
}

TEST(record_json, wrong_members_are_refused_with_their_place)
{
    expect_refused("[]", "line 1, column 1 (): must be an object, is an array");
    expect_refused("{\"asset\":\"a\"}", "line 1, column 1 (/kind): is missing");
    expect_refused("{\"kind\":\"k\"}", "line 1, column 1 (/asset): is missing");
    expect_member_refused("\"colour\":1", "line 2, column 10 (/colour): unknown member \"colour\"");
    expect_member_refused("\"x\\ny\":1", "line 2, column 8 (/x?y): unknown member \"x?y\"");
    expect_member_refused("\"author\":\"ann\"",
        "line 2, column 10 (/author): the author is who commits the record: it cannot be given");
    expect_member_refused(
        "\"source\":7", "line 2, column 10 (/source): must be a string, is a number");
    expect_member_refused("\"at\":7", "line 2, column 6 (/at): must be a string, is a number");
    expect_member_refused("\"at\":\"2017-07-28T08:16:42\"",
        "line 2, column 6 (/at): time has no zone: it must end with Z or +hh:mm");
    expect_member_refused("\"attrs\":[1]", "line 2, column 9 (/attrs): must be an object, is an "
                                           "array");
    expect_member_refused(
        "\"attrs\":null", "line 2, column 9 (/attrs): must be an object, is null");
    expect_member_refused("\"links\":{}", "line 2, column 9 (/links): must be an array, is an "
                                          "object");
    expect_member_refused("\"links\":[{\"rel\":\"r\",\"to\":\"t\"},true]",
        "line 2, column 31 (/links/1): must be an object, is a boolean");
    expect_member_refused(
        "\"links\":[{\"to\":\"t\"}]", "line 2, column 10 (/links/0/rel): is missing");
    expect_member_refused(
        "\"links\":[{\"rel\":\"t\"}]", "line 2, column 10 (/links/0/to): is missing");
    expect_member_refused("\"links\":[{\"rel\":\"r\",\"to\":\"t\",\"qty\":1}]",
        "line 2, column 36 (/links/0/qty): unknown member \"qty\"");
    expect_member_refused("\"links\":[{\"rel\":\"r\",\"to\":5}]",
        "line 2, column 26 (/links/0/to): must be a string, is a number");
    expect_member_refused("\"expect\":5", "line 2, column 10 (/expect): must be an object, is a "
                                          "number");
    expect_member_refused("\"expect\":{}", "line 2, column 10 (/expect/rev): is missing");
    expect_member_refused(
        "\"expect\":{\"index\":5}", "line 2, column 19 (/expect/index): unknown member \"index\"");
    static const char *const not_revisions[] = {"-1", "1.5", "1e3", "18446744073709551616"};
    for (size_t i = 0; i < 4; i++) {
        char member[64];
        (void)snprintf(member, sizeof(member), "\"expect\":{\"rev\":%s}", not_revisions[i]);
        expect_member_refused(
            member, "line 2, column 17 (/expect/rev): must be a revision: 0 or more");
    }
}

TEST(record_json, wrong_values_are_refused_with_their_place)
{
    expect_refused("{\"kind\":\"K\",\"asset\":\"a\"}",
        "line 1, column 9 (/kind): kind must be 1 to 63 of a-z 0-9 _ . - and start with a letter "
        "or digit");
    expect_refused(
        "{\"kind\":\"k\",\"asset\":\"\"}", "line 1, column 21 (/asset): asset id is empty");
    expect_member_refused("\"attrs\":{\"a\":{\"b/c\":[1,9223372036854775808]}}",
        "line 2, column 24 (/attrs/a/b~1c/1): integer is outside 64 bits");
    expect_member_refused("\"attrs\":{\"x\":1e999}",
        "line 2, column 14 (/attrs/x): number is too large for a double");
    expect_member_refused("\"attrs\":{\"@id\":1}",
        "line 2, column 16 (/attrs/@id): names that start with '@' are reserved");
    expect_member_refused("\"attrs\":{\"\":1}", "line 2, column 13 (/attrs/): a name is empty");
    expect_member_refused(
        "\"attrs\":{\"a\":{\"\":{}}}", "line 2, column 18 (/attrs/a/): a name is empty");
    expect_member_refused("\"links\":[{\"rel\":\"r\",\"to\":\"t\"},{\"rel\":\"r\",\"to\":\" \"}]",
        "line 2, column 47 (/links/1/to): asset id has a control character or a space at an end");
    expect_member_refused(
        "\"links\":[{\"rel\":\"r\",\"to\":\"t\",\"attrs\":{\"q\":99999999999999999"
        "999}}]",
        "line 2, column 43 (/links/0/attrs/q): integer is outside 64 bits");
}

TEST(record_json, a_value_of_10_mb_is_refused_with_its_size)
{
    enum {
        SIZE = 10 * 1000 * 1000
    };
    static const char head[] = "{\"kind\":\"k\",\"asset\":\"a\",\"attrs\":{\"big\":\"";
    char *text = malloc(SIZE + 100);
    EXPECT_TRUE(text != NULL);
    memcpy(text, head, sizeof(head) - 1);
    memset(text + sizeof(head) - 1, 'x', SIZE);
    memcpy(text + sizeof(head) - 1 + SIZE, "\"}}", 4);
    expect_text_refused(weft_text_of(text), WEFT_ETOOBIG,
        "line 1, column 40 (/attrs/big): value is 10000000 bytes, at most 65536");
    free(text);
}

TEST(record_json, a_million_links_are_refused_by_their_number)
{
    enum {
        LINKS = 1000000
    };
    static const char head[] = "{\"kind\":\"k\",\"asset\":\"a\",\"links\":[";
    char *text = malloc(LINKS * 3 + 100);
    EXPECT_TRUE(text != NULL);
    size_t used = sizeof(head) - 1;
    memcpy(text, head, used);
    for (int i = 0; i < LINKS; i++) {
        memcpy(text + used, i == 0 ? "{}" : ",{}", i == 0 ? 2 : 3);
        used += i == 0 ? 2 : 3;
    }
    memcpy(text + used, "]}", 3);
    expect_text_refused(weft_text_of(text), WEFT_ETOOBIG,
        "line 1, column 33 (/links): 1000000 links, at most 4096");
    free(text);
}

TEST(record_json, too_many_attributes_are_refused_at_the_first_too_many)
{
    static char text[32 * 1024];
    size_t used =
        (size_t)snprintf(text, sizeof(text), "{\"kind\":\"k\",\"asset\":\"a\",\"attrs\":{\"a\":[");
    for (int i = 0; i <= WEFT_RECORD_FIELDS_MAX; i++) {
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s0", i == 0 ? "" : ",");
    }
    (void)snprintf(text + used, sizeof(text) - used, "]}}");
    expect_text_refused(weft_text_of(text), WEFT_ETOOBIG,
        "line 1, column 2087 (/attrs/a/1024): more than 1024 attributes");
}

TEST(record_json, a_path_that_is_too_long_is_refused)
{
    char text[512], key[257];
    memset(key, 'p', sizeof(key));
    key[256] = '\0';
    (void)snprintf(
        text, sizeof(text), "{\"kind\":\"k\",\"asset\":\"a\",\"attrs\":{\"%s\":0}}", key);
    struct weft_record record;
    struct weft_msg msg;
    EXPECT_EQ(WEFT_ETOOBIG, read_record(weft_text_of(text), &record, &msg));
    EXPECT_TRUE(strstr(msg.text, "): path is over 255 bytes") != NULL);
    weft_arena_destroy(&arena);
}

static void expect_fields(const struct weft_field *fields, uint32_t count, enum weft_err expected,
    const char *expected_text)
{
    struct weft_arena scratch = {.size_max = 1024 * 1024};
    struct weft_buffer out = {.size = 0};
    EXPECT_EQ(expected, weft_fields_to_json(fields, count, &scratch, &out));
    if (expected == WEFT_OK) {
        EXPECT_EQ(WEFT_OK, weft_buffer_append(&out, "", 1));
        EXPECT_TEXT(expected_text, (const char *)out.data);
    }
    weft_buffer_destroy(&out);
    weft_arena_destroy(&scratch);
}

static struct weft_field number_field(const char *path)
{
    return (struct weft_field){weft_text_of(path), WEFT_TEXT("1"), WEFT_VALUE_INT};
}

TEST(fields, that_are_scattered_are_gathered)
{
    struct weft_field fields[] = {number_field("a/x"), number_field("b"), number_field("a/y"),
        number_field("c/[2]"), number_field("c/[0]"), number_field("c/[1]")};
    expect_fields(fields, 6, WEFT_OK, "{\"a\":{\"x\":1,\"y\":1},\"b\":1,\"c\":[1,1,1]}");
}

TEST(fields, with_withheld_elements_keep_the_places_of_the_others)
{
    struct weft_field fields[] = {number_field("c/[3]/x"), number_field("c/[1]")};
    expect_fields(fields, 2, WEFT_OK, "{\"c\":[null,1,null,{\"x\":1}]}");
}

TEST(fields, that_contradict_each_other_are_refused)
{
    static const char *const pairs[][2] = {{"a", "a"}, {"a", "a/b"}, {"a/b", "a"}, {"a/[0]", "a/b"},
        {"a/b", "a/[0]"}, {"a/[x]", "b"}, {"a/[99999]", "b"}, {"a//b", "c"}, {"a/[1024]", "b"},
        {"", "b"}};
    for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
        struct weft_field fields[] = {number_field(pairs[i][0]), number_field(pairs[i][1])};
        expect_fields(fields, 2, WEFT_EMALFORMED, NULL);
    }
    struct weft_field gone = {WEFT_TEXT("a"), WEFT_TEXT("sha256:00"), WEFT_VALUE_REDACTED};
    expect_fields(&gone, 1, WEFT_OK, "{\"a\":{\"@redacted\":\"sha256:00\"}}");
    struct weft_field odd = {WEFT_TEXT("a"), WEFT_TEXT(""), (enum weft_value_type)9};
    expect_fields(&odd, 1, WEFT_EMALFORMED, NULL);
    expect_fields(NULL, 0, WEFT_OK, "{}");
}

TEST(fields, are_appended_below_a_path)
{
    struct weft_arena a = {.size_max = 1024 * 1024};
    struct weft_json *tree;
    struct weft_field *fields = NULL;
    struct weft_text path;
    struct weft_msg msg = {""};
    uint32_t count = 0;
    EXPECT_EQ(WEFT_OK, weft_json_parse(WEFT_TEXT("{\"x\":[1],\"y\":2}"), 1, &a, &tree, &msg));
    EXPECT_EQ(WEFT_OK, weft_field_add(&a, &fields, &count, number_field("first")));
    EXPECT_EQ(WEFT_OK, weft_path_add(&a, (struct weft_text){NULL, 0}, WEFT_TEXT("[a/b"), &path));
    EXPECT_TRUE(weft_text_is(path, "~2a~1b"));
    EXPECT_EQ(WEFT_OK, weft_fields_from_json(tree, path, &a, &fields, &count, &msg));
    EXPECT_EQ(WEFT_OK, weft_path_add(&a, path, WEFT_TEXT("z"), &path));
    EXPECT_EQ(
        WEFT_OK, weft_fields_from_json(weft_json_get(tree, "y"), path, &a, &fields, &count, &msg));
    expect_fields(fields, count, WEFT_OK, "{\"first\":1,\"[a/b\":{\"x\":[1],\"y\":2,\"z\":2}}");
    EXPECT_EQ(WEFT_EINVAL, weft_path_add(&a, path, WEFT_TEXT(""), &path));
    EXPECT_EQ(WEFT_EINVAL, weft_fields_from_json(weft_json_get(tree, "y"),
                               (struct weft_text){NULL, 0}, &a, &fields, &count, &msg));
    EXPECT_TEXT("line 1, column 14 (/y): a value needs a name", msg.text);
    while (count < WEFT_RECORD_FIELDS_MAX) {
        EXPECT_EQ(WEFT_OK, weft_field_add(&a, &fields, &count, number_field("n")));
    }
    EXPECT_EQ(WEFT_ETOOBIG, weft_field_add(&a, &fields, &count, number_field("n")));
    EXPECT_TRUE(weft_text_is(fields[0].path, "first"));
    weft_arena_destroy(&a);
}

TEST(record_json, a_stored_record_tells_when_and_where_it_was_agreed)
{
    struct weft_stored_record stored = {
        .index = 123,
        .time_ns = 1500000000000000000,
        .record = {.kind = WEFT_TEXT("note"),
            .asset = WEFT_TEXT("a\"b"),
            .author = WEFT_TEXT("ann"),
            .has_at = true,
            .at_ns = 1},
    };
    struct weft_arena a = {.size_max = 1024 * 1024};
    struct weft_buffer out = {.size = 0};
    EXPECT_EQ(WEFT_OK, weft_record_to_json(&stored.record, &stored, &a, &out));
    EXPECT_EQ(WEFT_OK, weft_buffer_append(&out, "", 1));
    EXPECT_TEXT("{\"kind\":\"note\",\"asset\":\"a\\\"b\",\"at\":\"1970-01-01T00:00:00.000000001Z\","
                "\"author\":\"ann\",\"index\":123,\"time\":\"2017-07-14T02:40:00Z\",\"digest\":"
                "\"sha256:0000000000000000000000000000000000000000000000000000000000000000\"}",
        (const char *)out.data);
    weft_buffer_destroy(&out);
    weft_arena_destroy(&a);
}

/* The fault on the n-th allocation: an error each time, never a crash or half a record. */
TEST(record_json, without_memory_it_says_so)
{
    static const char text[] =
        "{\"kind\":\"k\",\"asset\":\"a\",\"attrs\":{\"a\":{\"b\":[1,2,3]},\"c\":\"d\"},\"links\":["
        "{\"rel\":\"r\",\"to\":\"t\",\"attrs\":{\"q\":1}}]}";
    int failures = 0;
    for (size_t size_max = 0; size_max < 8192; size_max += 16) {
        struct weft_arena small = {.size_max = size_max};
        struct weft_json *tree;
        struct weft_record record;
        struct weft_msg msg;
        enum weft_err err = weft_json_parse(weft_text_of(text), 1, &small, &tree, &msg);
        if (err == WEFT_OK) {
            err = weft_record_from_json(tree, &small, &record, &msg);
        }
        EXPECT_TRUE(err == WEFT_OK || err == WEFT_ENOMEM || err == WEFT_ETOOBIG);
        failures += err != WEFT_OK;
        weft_arena_destroy(&small);
    }
    EXPECT_TRUE(failures > 10 && failures < 512);
}

/* A record of random fields, some of them valid together, most of them not. */
static uint32_t random_fields(struct weft_field *fields, char (*paths)[32], uint32_t count_max)
{
    static const char *const segments[] = {
        "a", "b", "ab", "a.b", "[0]", "[1]", "[2]", "~2x", "~0", "a~1"};
    uint32_t count = (uint32_t)test_random(count_max + 1);
    for (uint32_t i = 0; i < count; i++) {
        size_t used = 0;
        for (uint64_t n = 1 + test_random(3); n > 0; n--) {
            used += (size_t)snprintf(paths[i] + used, 32 - used, "%s%s", used > 0 ? "/" : "",
                segments[test_random(sizeof(segments) / sizeof(*segments))]);
        }
        fields[i] = number_field(paths[i]);
    }
    return count;
}

/* PRO-6: what passes the check is one JSON object, and reads back as the same fields. */
TEST(fields, that_pass_the_check_come_back_the_same_and_others_do_not_pass)
{
    enum {
        FIELDS = 4
    };
    int passed = 0, refused = 0, longest = 0;
    for (int round = 0; round < 20000; round++) {
        struct weft_field fields[FIELDS], *back = NULL;
        char paths[FIELDS][32];
        struct weft_arena a = {.size_max = 1024 * 1024};
        struct weft_buffer out = {.size = 0};
        struct weft_json *tree;
        struct weft_record record = {
            .kind = WEFT_TEXT("k"), .asset = WEFT_TEXT("a"), .fields = fields};
        uint32_t back_count = 0;
        record.field_count = random_fields(fields, paths, FIELDS);
        bool is_good = weft_record_check(&record, NULL, NULL) == WEFT_OK;
        enum weft_err err = weft_fields_to_json(fields, record.field_count, &a, &out);
        if (!is_good) {
            refused++;
        } else {
            passed++;
            longest = (int)record.field_count > longest ? (int)record.field_count : longest;
            EXPECT_EQ(WEFT_OK, err);
            struct weft_text text = {(const char *)out.data, out.size};
            EXPECT_EQ(WEFT_OK, weft_json_parse(text, 1, &a, &tree, NULL));
            if (record.field_count > 0) {
                EXPECT_EQ(WEFT_OK, weft_fields_from_json(tree, (struct weft_text){NULL, 0}, &a,
                                       &back, &back_count, NULL));
            }
            EXPECT_EQ(record.field_count, back_count);
            for (uint32_t i = 0; i < back_count; i++) {
                uint32_t j = 0;
                while (j < back_count && !weft_text_equal(fields[j].path, back[i].path)) {
                    j++;
                }
                EXPECT_TRUE(j < back_count);
            }
        }
        weft_buffer_destroy(&out);
        weft_arena_destroy(&a);
    }
    EXPECT_TRUE(passed > 1000 && refused > 1000);
    EXPECT_EQ(FIELDS, longest);
}
