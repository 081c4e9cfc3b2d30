#include <string.h>

#include "proto/limits.h"
#include "proto/query_text.h"
#include "proto/request_id.h"
#include "tests/lib/test.h"

/* What people and programs write into requests: conditions, cursors, request ids. */

static struct weft_msg message;

TEST(where, condition_is_split_at_its_operator)
{
    static const struct {
        const char *text, *path, *value;
        enum weft_operator op;
    } cases[] = {
        {"verdict = FAIL", "verdict", "FAIL", WEFT_OP_EQ},
        {"verdict==FAIL", "verdict", "FAIL", WEFT_OP_EQ},
        {"flatness/value <= 0.014", "flatness/value", "0.014", WEFT_OP_LE},
        {"a<b", "a", "b", WEFT_OP_LT},
        {"a >b", "a", "b", WEFT_OP_GT},
        {"a>= b c ", "a", "b c", WEFT_OP_GE},
        {"a != =", "a", "=", WEFT_OP_NE},
        {"a ~ x*y", "a", "x*y", WEFT_OP_GLOB},
        {"a~1b = 5", "a~1b", "5", WEFT_OP_EQ},
        {"a~1b ~ 5", "a~1b", "5", WEFT_OP_GLOB},
        {"a =", "a", "", WEFT_OP_EQ},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct weft_query query = {0};
        EXPECT_EQ(WEFT_OK, weft_query_parse_where(weft_text_of(cases[i].text), &query, &message));
        EXPECT_TRUE(weft_text_is(query.where_path, cases[i].path));
        EXPECT_TRUE(weft_text_is(query.where_value, cases[i].value));
        EXPECT_EQ(cases[i].op, query.where_op);
    }
    static const char *const bad[] = {"", "verdict", "= FAIL", "a ! b", "a~b"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct weft_query query = {0};
        EXPECT_EQ(WEFT_EINVAL, weft_query_parse_where(weft_text_of(bad[i]), &query, &message));
    }
}

TEST(request_id, both_forms_are_the_same_id)
{
    struct weft_request_id a, b;
    char text[WEFT_REQUEST_ID_TEXT_SIZE];
    EXPECT_EQ(WEFT_OK, weft_request_id_parse("00112233445566778899AABBccddeeff", &a, &message));
    EXPECT_EQ(WEFT_OK, weft_request_id_parse("00112233-4455-6677-8899-aabbccddeeff", &b, &message));
    EXPECT_MEM(a.bytes, b.bytes, sizeof(a.bytes));
    weft_request_id_format(&a, text);
    EXPECT_TEXT("00112233-4455-6677-8899-aabbccddeeff", text);
}

TEST(request_id, anything_else_is_refused)
{
    static const char *const bad[] = {"", "1", "00112233445566778899aabbccddeef",
        "00112233445566778899aabbccddeefff", "00112233445566778899aabbccddeefg",
        "0011223-34455-6677-8899-aabbccddeeff", "00112233-4455-6677-8899-aabbccddeef-",
        "00112233-4455-6677-8899-aabbccddeeff0"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct weft_request_id id;
        EXPECT_EQ(WEFT_EINVAL, weft_request_id_parse(bad[i], &id, &message));
    }
}

TEST(where, text_need_not_end_with_a_zero)
{
    static const char text[] = {'a', '=', '1', '2', '3'};
    struct weft_query query = {0};
    EXPECT_EQ(WEFT_OK, weft_query_parse_where((struct weft_text){text, 4}, &query, &message));
    EXPECT_TRUE(weft_text_is(query.where_value, "12"));
    EXPECT_EQ(WEFT_EINVAL, weft_query_parse_where((struct weft_text){text, 1}, &query, &message));
}

TEST(cursor, comes_back_as_it_was)
{
    struct weft_arena arena = {.size_max = 64 * 1024};
    struct weft_buffer text = {0};
    uint8_t bytes[256];
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (uint8_t)i;
    }
    struct weft_bytes back, cursor = {bytes, sizeof(bytes)};
    EXPECT_EQ(WEFT_OK, weft_query_format_cursor(cursor, &text));
    EXPECT_EQ(2 * sizeof(bytes), text.size);
    struct weft_text digits = {(char *)text.data, text.size};
    EXPECT_EQ(WEFT_OK, weft_query_parse_cursor(digits, &arena, &back, &message));
    EXPECT_EQ(sizeof(bytes), back.size);
    EXPECT_MEM(bytes, back.data, sizeof(bytes));
    EXPECT_EQ(WEFT_OK, weft_query_parse_cursor(WEFT_TEXT(""), &arena, &back, &message));
    EXPECT_EQ(0, back.size);
    weft_buffer_destroy(&text);
    weft_arena_destroy(&arena);
}

TEST(cursor, what_no_answer_gave_is_refused)
{
    static char longest[2 * WEFT_CURSOR_SIZE_MAX + 2];
    struct weft_arena arena = {.size_max = 64 * 1024};
    struct weft_bytes back;
    static const char *const bad[] = {"0", "0g", "zz", "AB", "0 "};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        EXPECT_EQ(
            WEFT_EINVAL, weft_query_parse_cursor(weft_text_of(bad[i]), &arena, &back, &message));
    }
    memset(longest, '0', sizeof(longest));
    struct weft_text text = {longest, sizeof(longest) - 2};
    EXPECT_EQ(WEFT_OK, weft_query_parse_cursor(text, &arena, &back, &message));
    text.size += 2;
    EXPECT_EQ(WEFT_EINVAL, weft_query_parse_cursor(text, &arena, &back, &message));
    arena.size_max = 0;
    weft_arena_destroy(&arena);
    EXPECT_EQ(WEFT_ENOMEM, weft_query_parse_cursor(WEFT_TEXT("00"), &arena, &back, &message));
}

TEST(as_of, is_an_index_or_a_time)
{
    struct weft_query query = {0};
    EXPECT_EQ(WEFT_OK, weft_query_parse_as_of(WEFT_TEXT("1200"), &query, &message));
    EXPECT_TRUE(query.as_of == 1200 && !query.has_as_of_ns);
    query = (struct weft_query){0};
    EXPECT_EQ(
        WEFT_OK, weft_query_parse_as_of(WEFT_TEXT("1970-01-01T01:00:01+01:00"), &query, &message));
    EXPECT_TRUE(query.as_of == 0 && query.has_as_of_ns && query.as_of_ns == 1000000000);
    static const char *const bad[] = {
        "", "0", "-1", "18446744073709551616", "now", "2024-03-01", "2024-03-01T00:00:00"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        query = (struct weft_query){0};
        EXPECT_EQ(WEFT_EINVAL, weft_query_parse_as_of(weft_text_of(bad[i]), &query, &message));
        EXPECT_TRUE(!query.has_as_of_ns);
    }
    EXPECT_TRUE(strstr(message.text, "neither an index nor a time") != NULL);
}

TEST(sections, are_named_with_commas_between)
{
    struct weft_query query = {0};
    EXPECT_EQ(WEFT_OK, weft_query_parse_sections(WEFT_TEXT("issues"), &query, &message));
    EXPECT_EQ(WEFT_TWIN_ISSUES, query.sections);
    EXPECT_EQ(WEFT_OK, weft_query_parse_sections(
                           WEFT_TEXT("values,properties,configuration,below"), &query, &message));
    EXPECT_EQ(31, query.sections);
    static const char *const bad[] = {"", ",", "values,", ",values", "value", "values,,below", "x"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        EXPECT_EQ(WEFT_EINVAL, weft_query_parse_sections(weft_text_of(bad[i]), &query, &message));
    }
    EXPECT_TRUE(strstr(message.text, "'x': values") != NULL);
}

TEST(part, has_its_revision_in_one_id)
{
    char buffer[WEFT_QUERY_PART_SIZE], longest[WEFT_ASSET_SIZE_MAX];
    struct weft_query query = {0};
    const struct weft_text none = {NULL, 0};
    memset(longest, 'x', sizeof(longest));
    const struct weft_text full = {longest, sizeof(longest)};
    EXPECT_EQ(WEFT_OK, weft_query_parse_part(none, none, buffer, &query, &message));
    EXPECT_EQ(0, query.part.size);
    EXPECT_EQ(
        WEFT_OK, weft_query_parse_part(WEFT_TEXT("part:lid"), none, buffer, &query, &message));
    EXPECT_TRUE(weft_text_is(query.part, "part:lid"));
    EXPECT_EQ(WEFT_OK,
        weft_query_parse_part(WEFT_TEXT("part:lid"), WEFT_TEXT("B"), buffer, &query, &message));
    EXPECT_TRUE(weft_text_is(query.part, "part:lid/rev/B"));
    EXPECT_EQ(WEFT_OK, weft_query_parse_part(full, none, buffer, &query, &message));
    EXPECT_EQ(WEFT_EINVAL, weft_query_parse_part(full, WEFT_TEXT("B"), buffer, &query, &message));
    EXPECT_EQ(WEFT_EINVAL, weft_query_parse_part(none, WEFT_TEXT("B"), buffer, &query, &message));
}
