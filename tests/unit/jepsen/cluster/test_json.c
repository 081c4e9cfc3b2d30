#include <stdio.h>
#include <string.h>

#include "jepsen/cluster/json.h"
#include "tests/lib/test.h"

/* What the product's commands print, read as values. */

static bool parses(struct jep_arena *arena, const char *text, struct jep_edn *ret_value)
{
    struct jep_message message;
    return jep_json_parse(arena, text, strlen(text), ret_value, &message);
}

static const char *as_edn(const char *text)
{
    static char shown[512];
    struct jep_arena *arena = jep_arena_create();
    struct jep_edn value;
    const char *edn = parses(arena, text, &value) ? jep_edn_show(arena, &value, 500) : "REFUSED";
    (void)snprintf(shown, sizeof(shown), "%s", edn);
    jep_arena_destroy(arena);
    return shown;
}

TEST(json, values_become_the_values_they_are)
{
    EXPECT_TEXT("{\"a\" [1 -2 true false nil], \"b\" {}}",
        as_edn(" {\"a\" : [1, -2,true,false , null], \"b\":{}} "));
    EXPECT_TEXT("[]", as_edn("[]"));
    EXPECT_TEXT("1.5", as_edn("1.5"));
    EXPECT_TEXT("\"a\\\"b\\n\"", as_edn("\"a\\\"b\\n\""));
    EXPECT_TEXT(
        "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"", as_edn("\"\\u00e9\\u20ac\\ud83d\\ude00\""));
}

TEST(json, unsigned_numbers_keep_their_bits)
{
    struct jep_arena *arena = jep_arena_create();
    struct jep_edn value;
    EXPECT_TRUE(parses(arena, "{\"id\":12834050043868622014,\"name\":\"n1\"}", &value));
    EXPECT_TRUE((uint64_t)jep_json_int(&value, "id", 0) == 12834050043868622014u);
    EXPECT_EQ(7, jep_json_int(&value, "name", 7));
    EXPECT_EQ(7, jep_json_int(NULL, "id", 7));
    EXPECT_TEXT("n1", jep_json_text(&value, "name"));
    EXPECT_TEXT("", jep_json_text(&value, "id"));
    EXPECT_TRUE(jep_json_get(&value, "no") == NULL);
    jep_arena_destroy(arena);
}

TEST(json, what_is_none_is_refused)
{
    static const char *const bad[] = {"", "{", "[1", "[1,]", "{\"a\"}", "{\"a\":}", "{a:1}", "\"",
        "\"\\x\"", "\"\\u12\"", "\"\\ud800\"", "nul", "1 2", "--1", "1e", "[1}", "\"a"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        EXPECT_TEXT("REFUSED", as_edn(bad[i]));
    }
    char deep[200];
    memset(deep, '[', sizeof(deep));
    deep[sizeof(deep) - 1] = 0;
    EXPECT_TEXT("REFUSED", as_edn(deep));
}

TEST(json, any_bytes_are_survived)
{
    static const char alphabet[] = "{}[]\",:\\u0a1-.enltrfs \x80";
    struct jep_arena *arena = jep_arena_create();
    for (unsigned i = 0; i < 20000; i++) {
        char text[24];
        struct jep_edn value;
        size_t size = test_random(sizeof(text));
        for (size_t k = 0; k < size; k++) {
            text[k] = alphabet[test_random(sizeof(alphabet))];
        }
        struct jep_message message;
        (void)!jep_json_parse(arena, text, size, &value, &message);
    }
    jep_arena_destroy(arena);
}

TEST(json, a_text_that_is_quoted_is_read_back)
{
    struct jep_arena *arena = jep_arena_create();
    const char *all = "a\"b\\c\n\x01\xc3\xa9";
    struct jep_text text = {0};
    struct jep_edn value;
    struct jep_message message;
    jep_json_quote(&text, all);
    EXPECT_TRUE(jep_json_parse(arena, text.bytes, text.size, &value, &message));
    EXPECT_TEXT(all, value.text);
    jep_text_free(&text);
    jep_arena_destroy(arena);
}
