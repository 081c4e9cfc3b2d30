#include "proto/json.h"

#include <stdio.h>
#include <stdlib.h>

#include "proto/limits.h"
#include "tests/lib/test.h"

static struct weft_arena arena;

static struct weft_json *parse(const char *text)
{
    struct weft_json *root = NULL;
    struct weft_msg msg = {""};
    weft_arena_reset(&arena);
    arena.size_max = 64 * 1024 * 1024;
    enum weft_err err = weft_json_parse(weft_text_of(text), 1, &arena, &root, &msg);
    EXPECT_TEXT("", msg.text);
    EXPECT_EQ(WEFT_OK, err);
    return root;
}

static void expect_bytes_refused(struct weft_text text, enum weft_err expected, const char *reason)
{
    struct weft_json *root = NULL;
    struct weft_msg msg = {""};
    weft_arena_reset(&arena);
    arena.size_max = 64 * 1024 * 1024;
    enum weft_err err = weft_json_parse(text, 1, &arena, &root, &msg);
    EXPECT_TEXT(reason, msg.text);
    EXPECT_EQ(expected, err);
    EXPECT_TRUE(root == NULL);
    EXPECT_EQ(expected, weft_json_parse(text, 1, &arena, &root, NULL));
}

static void expect_refused(const char *text, const char *reason)
{
    expect_bytes_refused(weft_text_of(text), WEFT_EMALFORMED, reason);
}

static void expect_written(const char *expected, const struct weft_json *value)
{
    struct weft_buffer out = {.size = 0};
    EXPECT_EQ(WEFT_OK, weft_json_write(&out, value));
    EXPECT_EQ(WEFT_OK, weft_buffer_append(&out, "", 1));
    EXPECT_TEXT(expected, (const char *)out.data);
    weft_buffer_destroy(&out);
}

TEST(json, what_went_in_comes_out)
{
    static const char *const texts[] = {"1", "-0", "1.50", "2E+7", "123456789012345678901234567890",
        "null", "true", "false", "\"\"", "\"a\"", "{}", "[]", "[[],{},[{}]]",
        "{\"b\":1,\"a\":{\"c\":[1,2.0,\"x\",null]}}", "\"\\\"\\\\\\b\\f\\n\\r\\t\\u0001\\u001f/\"",
        "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\""};
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        expect_written(texts[i], parse(texts[i]));
    }
    expect_written("{\"a\":[1,2]}", parse(" {\r\n\t\"a\" : [ 1 , 2 ] } \n"));
    expect_written("{}", parse("\xef\xbb\xbf{}"));
    weft_arena_destroy(&arena);
}

TEST(json, escapes_are_undone)
{
    const struct weft_json *v = parse("\"\\u0041\\u00e4\\u20ac\\ud83d\\ude00\\/\\\"\\\\\\n\"");
    EXPECT_TEXT("A\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80/\"\\\n", v->text.data);
    v = parse("{\"\\u0061b\":1}");
    EXPECT_TRUE(weft_text_is(v->first->key, "ab"));
    weft_arena_destroy(&arena);
}

TEST(json, every_value_knows_its_place)
{
    const struct weft_json *root =
        parse("{\n  \"a\": 1, \"b\\\"}\": [\n true,\n\n  {\"c\": \"x\"}, "
              "null]\n}");
    EXPECT_EQ(1, root->line);
    EXPECT_EQ(1, root->column);
    EXPECT_EQ(2, root->count);
    EXPECT_EQ(0, root->first->index);
    EXPECT_EQ(1, root->first->next->index);
    const struct weft_json *a = weft_json_get(root, "a");
    EXPECT_EQ(2, a->line);
    EXPECT_EQ(8, a->column);
    const struct weft_json *b = weft_json_get(root, "b\"}");
    EXPECT_EQ(2, b->line);
    EXPECT_EQ(19, b->column);
    EXPECT_EQ(3, b->count);
    EXPECT_EQ(3, b->first->line);
    EXPECT_EQ(2, b->first->column);
    const struct weft_json *object = b->first->next;
    EXPECT_EQ(5, object->line);
    EXPECT_EQ(3, object->column);
    EXPECT_EQ(5, object->first->line);
    EXPECT_EQ(9, object->first->column);
    EXPECT_EQ(15, object->next->column);
    EXPECT_TRUE(object->next->next == NULL);
    EXPECT_TRUE(object->parent == b && b->parent == root && root->parent == NULL);
    weft_arena_destroy(&arena);
}

TEST(json, lines_are_counted_from_the_given_one)
{
    struct weft_json *root;
    struct weft_msg msg;
    struct weft_arena a = {.size_max = 1024 * 1024};
    EXPECT_EQ(WEFT_EMALFORMED, weft_json_parse(WEFT_TEXT("{\n\n?}"), 40, &a, &root, &msg));
    EXPECT_TEXT("line 42, column 1: invalid char in json text", msg.text);
    weft_arena_destroy(&a);
}

TEST(json, malformed_text_is_refused_with_its_place)
{
    expect_refused("", "line 1, column 1: the text ends too early");
    expect_refused(" \n ", "line 2, column 2: the text ends too early");
    expect_refused("[1,2", "line 1, column 5: the text ends too early");
    expect_refused("\"abc", "line 1, column 5: the text ends too early");
    expect_refused("{\"a\":NaN}", "line 1, column 6: NaN is not a JSON number");
    expect_refused("{\"a\": -Infinity}", "line 1, column 7: -Infinity is not a JSON number");
    expect_refused("[Infinity]", "line 1, column 2: Infinity is not a JSON number");
    expect_refused("[1,]", "line 1, column 4: unallowed token at this point in JSON text");
    expect_refused("{\"a\":1,}", "line 1, column 8: invalid object key (must be a string)");
    expect_refused("{'a':1}", "line 1, column 2: invalid char in json text");
    expect_refused(
        "{\"a\" 1}", "line 1, column 6: object key and value must be separated by a colon (':')");
    expect_refused("{1:2}", "line 1, column 2: invalid object key (must be a string)");
    expect_refused("[1 2]", "line 1, column 4: after array element, I expect ',' or ']'");
    expect_refused("[01]", "line 1, column 3: after array element, I expect ',' or ']'");
    expect_refused(
        "[1.]", "line 1, column 2: malformed number, a digit is required after the decimal point");
    expect_refused("tru", "line 1, column 1: invalid string in json text");
    expect_refused("{\"a\":1} x", "line 1, column 9: trailing garbage");
    expect_refused("{\"a\":1}{\"b\":2}", "line 1, column 8: trailing garbage");
    expect_refused("/* c */ 1", "line 1, column 1: probable comment found in input text, comments "
                                "are not enabled");
    expect_refused("\"ab\\qcd\"", "line 1, column 5: inside a string, '\\' occurs before a "
                                  "character which it may not");
    expect_refused("[\"a\nb\"]", "line 1, column 4: invalid character inside string");
    expect_refused("[1,\n\v2]", "line 2, column 1: invalid char in json text");
    expect_refused("[1]\f", "line 1, column 4: invalid char in json text");
    expect_refused("}", "line 1, column 1: unallowed token at this point in JSON text");
    weft_arena_destroy(&arena);
}

TEST(json, what_is_not_utf8_text_is_refused_with_its_place)
{
    expect_refused("{\"a\":\n\"x\xc3\"}", "line 2, column 3: not UTF-8");
    expect_refused("\"\xed\xa0\x80\"", "line 1, column 2: not UTF-8");
    expect_refused("\xff\xfe{", "line 1, column 1: not UTF-8");
    expect_bytes_refused(
        (struct weft_text){"[\n\0]", 4}, WEFT_EMALFORMED, "line 2, column 1: zero byte");
    expect_refused("[\"\\u0000\"]", "line 1, column 3: zero byte in a string");
    expect_refused("\"a\\ud800\"", "line 1, column 3: half a surrogate pair in a string");
    expect_refused("\"\\ud800\\u0041\"", "line 1, column 2: half a surrogate pair in a string");
    expect_refused("\"\\ude00\"", "line 1, column 2: half a surrogate pair in a string");
    expect_refused("{\"\\ude00\":1}", "line 1, column 3: half a surrogate pair in a string");
    weft_arena_destroy(&arena);
}

TEST(json, a_key_that_is_there_twice_is_refused)
{
    expect_refused(
        "{\"a\":1,\n \"b\":2, \"a\":3}", "line 2, column 13: member \"a\" is there twice");
    expect_refused("{\"a\":1,\"\\u0061\":3}", "line 1, column 17: member \"a\" is there twice");
    expect_refused(
        "[{\"x\":{\"a\\n\":{},\"a\\n\":{}}}]", "line 1, column 23: member \"a?\" is there twice");
    (void)parse("{\"a\":{\"a\":1},\"b\":{\"a\":1}}");
    weft_arena_destroy(&arena);
}

TEST(json, a_key_that_is_there_twice_among_many_is_refused_at_its_second_place)
{
    char text[4096];
    for (int twin = 0; twin < 100; twin++) {
        size_t used = 0;
        for (int i = 0; i < 100; i++) {
            used += (size_t)snprintf(
                text + used, sizeof(text) - used, "%s\"k%d\":0", i == 0 ? "{" : ",\n", i);
        }
        (void)snprintf(text + used, sizeof(text) - used, ",\n\"k%d\":0}", twin);
        char reason[128];
        (void)snprintf(reason, sizeof(reason), "line 101, column %d: member \"k%d\" is there twice",
            twin < 10 ? 6 : 7, twin);
        expect_refused(text, reason);
    }
    weft_arena_destroy(&arena);
}

TEST(json, one_key_may_be_repeated_where_that_is_asked_for)
{
    struct weft_arena a = {.size_max = 1024 * 1024};
    struct weft_json *root;
    struct weft_msg msg;
    struct weft_text good = WEFT_TEXT("{\"id\":1,\"a\":{\"id\":2,\"id\":3},\"id\":4}");
    EXPECT_EQ(WEFT_OK, weft_json_parse_foreign(good, 1, "id", &a, &root, &msg));
    expect_written("{\"id\":1,\"a\":{\"id\":2,\"id\":3},\"id\":4}", root);
    EXPECT_EQ(WEFT_EMALFORMED, weft_json_parse_foreign(good, 1, "a", &a, &root, &msg));
    EXPECT_TEXT("line 1, column 26: member \"id\" is there twice", msg.text);
    struct weft_text empty = WEFT_TEXT("{\"\":1,\"\":2}");
    EXPECT_EQ(WEFT_EMALFORMED, weft_json_parse(empty, 1, &a, &root, &msg));
    EXPECT_TEXT("line 1, column 10: member \"\" is there twice", msg.text);
    weft_arena_destroy(&a);
}

static const char *nested(int depth)
{
    static char text[256];
    memset(text, '[', (size_t)depth);
    memset(text + depth, ']', (size_t)depth);
    text[2 * depth] = '\0';
    return text;
}

TEST(json, depth_is_limited)
{
    (void)parse(nested(WEFT_JSON_DEPTH_MAX));
    expect_bytes_refused(weft_text_of(nested(WEFT_JSON_DEPTH_MAX + 1)), WEFT_ETOOBIG,
        "line 1, column 33: nested deeper than 32");
    weft_arena_destroy(&arena);
}

TEST(json, memory_is_limited_by_the_arena)
{
    enum {
        SIZE = 2 * 1000 * 1000
    };
    char *text = malloc(SIZE + 1);
    EXPECT_TRUE(text != NULL);
    for (size_t i = 0; i < SIZE; i += 2) {
        text[i] = i == 0 ? '[' : ',';
        text[i + 1] = '1';
    }
    text[SIZE] = ']';
    struct weft_arena small = {.size_max = 100 * 1024};
    struct weft_json *root = NULL;
    struct weft_msg msg;
    EXPECT_EQ(
        WEFT_ETOOBIG, weft_json_parse((struct weft_text){text, SIZE + 1}, 1, &small, &root, &msg));
    EXPECT_TRUE(strstr(msg.text, ": the text needs more than 102400 bytes of memory") != NULL);
    EXPECT_TRUE(root == NULL);
    weft_arena_destroy(&small);
    free(text);
}

TEST(json, a_string_of_10_mb_is_parsed)
{
    enum {
        SIZE = 10 * 1000 * 1000
    };
    char *text = malloc(SIZE + 3);
    EXPECT_TRUE(text != NULL);
    memset(text, 'x', SIZE + 2);
    text[0] = text[SIZE + 1] = '"';
    text[SIZE + 2] = '\0';
    EXPECT_EQ(SIZE, parse(text)->text.size);
    weft_arena_destroy(&arena);
    free(text);
}

static void expect_pointer(const char *expected, const struct weft_json *value)
{
    char pointer[128];
    weft_json_pointer(value, pointer, sizeof(pointer));
    EXPECT_TEXT(expected, pointer);
}

TEST(json, a_pointer_names_the_value_and_finds_it)
{
    const struct weft_json *root = parse("{\"a/b\":{\"~\":[1,[2,{\"\":3}]]},\"c\":4}");
    const struct weft_json *inner = root->first->first;
    expect_pointer("", root);
    expect_pointer("/a~1b", root->first);
    expect_pointer("/a~1b/~0", inner);
    expect_pointer("/a~1b/~0/0", inner->first);
    expect_pointer("/a~1b/~0/1/1/", inner->first->next->first->next->first);
    expect_pointer("/c", root->first->next);
    EXPECT_TRUE(weft_json_at(root, "") == root);
    EXPECT_TRUE(weft_json_at(root, "/c") == root->first->next);
    EXPECT_TRUE(weft_json_at(root, "/a~1b/~0/1/0") == inner->first->next->first);
    EXPECT_TRUE(weft_json_at(root, "/a~1b/none/1") == root->first);
    EXPECT_TRUE(weft_json_at(root, "/a~1b/~0/9") == inner);
    weft_arena_destroy(&arena);
}

TEST(json, a_pointer_is_cut_between_characters)
{
    const struct weft_json *root = parse("{\"\xc3\xa4\xc3\xa4\":1}");
    char pointer[8];
    weft_json_pointer(root->first, pointer, 6);
    EXPECT_TEXT("/\xc3\xa4\xc3\xa4", pointer);
    weft_json_pointer(root->first, pointer, 5);
    EXPECT_TEXT("/\xc3\xa4", pointer);
    weft_json_pointer(root->first, pointer, 1);
    EXPECT_TEXT("", pointer);
    weft_arena_destroy(&arena);
}

TEST(json, members_are_found_by_name)
{
    const struct weft_json *root = parse("{\"a\":1,\"b\":[2]}");
    EXPECT_TRUE(weft_json_get(root, "a") == root->first);
    EXPECT_TRUE(weft_json_get(root, "c") == NULL);
    EXPECT_TRUE(weft_json_get(weft_json_get(root, "b"), "a") == NULL);
    EXPECT_TRUE(weft_json_get(NULL, "a") == NULL);
    weft_arena_destroy(&arena);
}

TEST(json, writing_stops_at_the_buffers_limit)
{
    const struct weft_json *root = parse("{\"a\":[1,true,null,\"x\\n\\u0001y\"]}");
    int failures = 0;
    for (size_t size_max = 1; size_max < 64; size_max++) {
        struct weft_buffer out = {.size_max = size_max};
        enum weft_err err = weft_json_write(&out, root);
        EXPECT_TRUE(err == WEFT_OK || err == WEFT_ETOOBIG);
        failures += err != WEFT_OK;
        weft_buffer_destroy(&out);
    }
    EXPECT_TRUE(failures > 20 && failures < 60);
    weft_arena_destroy(&arena);
}

/* PRO-5: a text that was accepted is written as one that is accepted and written the same. */
TEST(json, mutated_texts_are_refused_or_stable)
{
    static const char seed_text[] = "{\"a\":[1,-2.5e+3,\"\\u00e4\\ud83d\\ude00\",null,{\"b\":true}]"
                                    ",\"c\\n\":{\"d\":[],\"\":0}}";
    int accepted = 0, refused = 0;
    for (int i = 0; i < 20000; i++) {
        char text[sizeof(seed_text)];
        memcpy(text, seed_text, sizeof(text));
        size_t size = sizeof(text) - 1;
        for (uint64_t n = 1 + test_random(3); n > 0; n--) {
            static const char alphabet[] = "{}[]\",:\\u0123456789eE+-. truefalsn\n\x80\xff";
            text[test_random(size)] = alphabet[test_random(sizeof(alphabet) - 1)];
        }
        struct weft_json *root = NULL;
        weft_arena_reset(&arena);
        if (weft_json_parse((struct weft_text){text, size}, 1, &arena, &root, NULL) != WEFT_OK) {
            refused++;
            continue;
        }
        accepted++;
        struct weft_buffer first = {.size = 0}, second = {.size = 0};
        EXPECT_EQ(WEFT_OK, weft_json_write(&first, root));
        struct weft_text again = {(const char *)first.data, first.size};
        EXPECT_EQ(WEFT_OK, weft_json_parse(again, 1, &arena, &root, NULL));
        EXPECT_EQ(WEFT_OK, weft_json_write(&second, root));
        EXPECT_EQ(first.size, second.size);
        EXPECT_MEM(first.data, second.data, first.size);
        weft_buffer_destroy(&first);
        weft_buffer_destroy(&second);
    }
    EXPECT_TRUE(accepted > 100 && refused > 100);
    weft_arena_destroy(&arena);
}
