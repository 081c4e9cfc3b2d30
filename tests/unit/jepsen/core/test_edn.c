#include "jepsen/core/edn.h"

#include <string.h>

#include "jepsen/core/table.h"
#include "tests/lib/test.h"

static bool parse(struct jep_arena *arena, const char *text, struct jep_edn *ret_value,
    struct jep_message *message)
{
    return jep_edn_parse(arena, text, strlen(text), ret_value, message);
}

static void expect_same(const char *text)
{
    struct jep_arena *arena = jep_arena_create();
    struct jep_message message = {0};
    struct jep_edn value;
    struct jep_text out = {0};
    if (!parse(arena, text, &value, &message)) {
        EXPECT_TEXT(text, message.text);
    }
    jep_edn_write(&out, &value);
    EXPECT_TEXT(text, out.bytes);
    jep_text_free(&out);
    jep_arena_destroy(arena);
}

TEST(edn, what_is_read_is_printed_the_same) /* JEP-3 */
{
    static const char *const texts[] = {"nil", "true", "false", "0", "-17", "9223372036854775807",
        "-9223372036854775808", "1.0", "0.5", "-2.25", "0.001", "1.0E-4", "1.0E7", "9999999.5",
        "1.7976931348623157E308", "2.5E-310", "##NaN", "##Inf", "##-Inf", ":a", ":valid?",
        ":jepsen.check/x", "sym", "\"\"", "\"n2\"", "\"a\\\"b\\\\c\\nd\\te\\rf\\fg\\bh\"",
        "\"\303\251\"", "[]", "[1 2 3]", "(1 2)", "#{}", "#{1 :b}", "{}", "{:a 1, :b [nil {}]}",
        "{[1 2] #{3}}", "#inst \"2024-01-01\"", "[[:append 3 2] [:r 3 nil]]", "{\"n1\" [5 \"ab\"]}",
        "[:- - + a/b <= ->x]"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        expect_same(texts[i]);
    }
}

TEST(edn, forms_that_print_otherwise_are_read)
{
    static const char *const pairs[][2] = {{" [1,2,,3] ", "[1 2 3]"}, {"+5", "5"}, {"12N", "12"},
        {"1e2", "100.0"}, {"; note\n[1 ; one\n 2]", "[1 2]"}, {"[1 #_ [2 3] 4]", "[1 4]"},
        {"\"\\u00e9\\u20ac\\u0041\"", "\"\303\251\342\202\254A\""}, {"#_ 1 #_ 2 3", "3"}};
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        struct jep_arena *arena = jep_arena_create();
        struct jep_edn value;
        EXPECT_TRUE(parse(arena, pairs[i][0], &value, NULL));
        EXPECT_TEXT(pairs[i][1], jep_edn_show(arena, &value, 100));
        jep_arena_destroy(arena);
    }
}

TEST(edn, what_is_wrong_is_refused_with_line_and_column)
{
    static const char *const pairs[][2] = {{"", "line 1, column 1: the text ends within a value"},
        {"[1 2", "line 1, column 5: the text ends within a value"},
        {"[1 2)", "line 1, column 5: closes what is not open"},
        {"{:a}", "line 1, column 1: map with a key and no value"},
        {"{:a 1 :a 2}", "line 1, column 1: the same key or element twice"},
        {"\n #{1 2\n 1}", "line 2, column 3: the same key or element twice"},
        {"#{1 2 3 4 5 6 7 8 9 10 5}", "line 1, column 2: the same key or element twice"},
        {"\"abc", "line 1, column 5: string without an end"},
        {"\"a\\q\"", "line 1, column 4: unknown escape in a string"},
        {"\"\\u12g4\"", "line 1, column 3: \\u needs four hexadecimal digits"},
        {"\"\\ud800\"", "line 1, column 3: \\u with zero or half of a pair"},
        {"9223372036854775808", "line 1, column 1: integer outside of 64 bits"},
        {"012", "line 1, column 1: number with a leading zero (octal is not read)"},
        {"1x", "line 1, column 1: not a number"}, {"1/2", "line 1, column 1: not a number"},
        {"1e999", "line 1, column 1: not a number"}, {":", "line 1, column 1: not a value"},
        {"::a", "line 1, column 1: not a value"}, {"@a", "line 1, column 1: not a value"},
        {"1 2", "line 1, column 3: more than one value"},
        {"# {}", "line 1, column 2: # without a set or tag"},
        {"#1 2", "line 1, column 2: # without a set or tag"}};
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        struct jep_arena *arena = jep_arena_create();
        struct jep_message message = {0};
        struct jep_edn value;
        EXPECT_TRUE(!parse(arena, pairs[i][0], &value, &message));
        EXPECT_TEXT(pairs[i][1], message.text);
        jep_arena_destroy(arena);
    }
}

TEST(edn, nesting_has_an_end)
{
    static const char *const openings[] = {"[", "#{", "{:a ", "#_", "#a "};
    for (size_t i = 0; i < sizeof(openings) / sizeof(openings[0]); i++) {
        struct jep_arena *arena = jep_arena_create();
        struct jep_text text = {0};
        struct jep_message message = {0};
        struct jep_edn value;
        for (size_t depth = 0; depth < 100000; depth++) {
            jep_text_puts(&text, openings[i]);
        }
        EXPECT_TRUE(!jep_edn_parse(arena, text.bytes, text.size, &value, &message));
        EXPECT_TRUE(strstr(message.text, "nested too deeply") != NULL);
        jep_text_free(&text);
        jep_arena_destroy(arena);
    }
}

TEST(edn, order_of_sets_and_maps_does_not_matter_and_equal_values_hash_alike) /* JEP-3 */
{
    static const char *const equal[][2] = {{"#{1 2 3}", "#{3 1 2}"},
        {"{:a 1, :b 2}", "{:b 2, :a 1}"}, {"[1 2]", "(1 2)"}, {"#{[1] (2)}", "#{[2] (1)}"},
        {"0.0", "-0.0"}};
    static const char *const different[][2] = {{"1", "1.0"}, {"[1 2]", "[2 1]"}, {"#{1}", "[1]"},
        {"nil", "false"}, {":a", "\"a\""}, {"a", ":a"}, {"{:a 1}", "{:a 2}"}, {"[1]", "[1 1]"},
        {"\"a\"", "\"ab\""}, {"#{1}", "#{1 2}"}};
    struct jep_arena *arena = jep_arena_create();
    struct jep_edn a, b;
    for (size_t i = 0; i < sizeof(equal) / sizeof(equal[0]); i++) {
        EXPECT_TRUE(parse(arena, equal[i][0], &a, NULL) && parse(arena, equal[i][1], &b, NULL));
        EXPECT_TRUE(jep_edn_equal(&a, &b) && jep_edn_hash(&a) == jep_edn_hash(&b));
    }
    for (size_t i = 0; i < sizeof(different) / sizeof(different[0]); i++) {
        EXPECT_TRUE(
            parse(arena, different[i][0], &a, NULL) && parse(arena, different[i][1], &b, NULL));
        EXPECT_TRUE(jep_edn_compare(&a, &b) == -jep_edn_compare(&b, &a));
        EXPECT_TRUE(!jep_edn_equal(&a, &b) && jep_edn_hash(&a) != jep_edn_hash(&b));
    }
    jep_arena_destroy(arena);
}

TEST(edn, results_are_printed_for_people_and_read_back)
{
    static const char text[] = "{:valid? false, :linear {:valid? false, :keys [{:key 1} {:key 2}]},"
                               " :empty {}, :plain [1 2]}";
    struct jep_arena *arena = jep_arena_create();
    struct jep_edn value, again;
    struct jep_text out = {0};
    EXPECT_TRUE(parse(arena, text, &value, NULL));
    jep_edn_write_pretty(&out, &value);
    EXPECT_TEXT("{:valid? false,\n :linear\n  {:valid? false,\n   :keys\n    [{:key 1}\n"
                "     {:key 2}]},\n :empty {},\n :plain [1 2]}",
        out.bytes);
    EXPECT_TRUE(parse(arena, out.bytes, &again, NULL) && jep_edn_equal(&value, &again));
    EXPECT_TEXT("{:valid? f ...", jep_edn_show(arena, &value, 10));
    jep_text_free(&out);
    jep_arena_destroy(arena);
}

TEST(edn, values_are_built_copied_and_looked_up)
{
    struct jep_arena *arena = jep_arena_create(), *other = jep_arena_create();
    struct jep_edn_list list = {0};
    jep_edn_put(&list, "a", jep_edn_pair(other, jep_edn_int(1), jep_edn_string_copy(other, "x")));
    jep_edn_put(&list, "b", jep_edn_set(other, &list.items[0], 1));
    struct jep_edn map = jep_edn_take_map(&list, other);
    struct jep_edn copy = jep_edn_copy(arena, &map);
    jep_arena_destroy(other);
    EXPECT_TEXT("{:a [1 \"x\"], :b #{:a}}", jep_edn_show(arena, &copy, 100));
    EXPECT_TRUE(jep_edn_is_vector(jep_edn_get(&copy, "a"), 2));
    EXPECT_TRUE(jep_edn_get(&copy, "c") == NULL);
    struct jep_edn key = jep_edn_keyword("b");
    EXPECT_TRUE(jep_edn_find(&copy, &key) == &copy.items[3]);
    jep_arena_destroy(arena);
}

TEST(edn, what_is_there_twice_is_no_set)
{
    struct jep_arena *arena = jep_arena_create();
    static const int64_t items[][4] = {{3, 1, 2, 4}, {3, 1, 2, 3}};
    for (size_t i = 0; i < 2; i++) {
        struct jep_edn_list list = {0};
        for (size_t j = 0; j < 4; j++) {
            jep_edn_push(&list, jep_edn_int(items[i][j]));
        }
        struct jep_edn value = jep_edn_take_set(&list, arena);
        EXPECT_TEXT(i == 0 ? "#{3 1 2 4}" : "[3 1 2 3]", jep_edn_show(arena, &value, 100));
    }
    struct jep_edn_list none = {0};
    struct jep_edn value = jep_edn_take_set(&none, arena);
    EXPECT_TEXT("#{}", jep_edn_show(arena, &value, 100));
    jep_arena_destroy(arena);
}

TEST(table, numbers_values_in_the_order_they_are_first_seen)
{
    struct jep_table table = {0};
    for (int64_t round = 0; round < 2; round++) {
        for (int64_t i = 0; i < 5000; i++) {
            struct jep_edn value = jep_edn_int(i * 7919);
            EXPECT_EQ(i, jep_table_put(&table, &value));
        }
    }
    struct jep_edn absent = jep_edn_keyword("absent");
    EXPECT_EQ(JEP_NUMBER_NONE, jep_table_find(&table, &absent));
    EXPECT_EQ(5000, table.count);
    jep_table_free(&table);
}
