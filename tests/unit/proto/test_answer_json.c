#include <stdio.h>
#include <string.h>

#include "proto/answer_json.h"
#include "proto/json.h"
#include "tests/lib/test.h"

static struct weft_msg message;
static struct weft_arena arena = {.size_max = 1024 * 1024};

/* The document as text; it is also JSON. Valid until the writer is used again. */
static const char *text_of(struct weft_writer *w)
{
    struct weft_json *tree;
    EXPECT_TRUE(!w->is_broken);
    EXPECT_EQ(WEFT_OK, weft_json_parse((struct weft_text){(char *)w->out.data, w->out.size}, 1,
                           &arena, &tree, &message));
    EXPECT_EQ(WEFT_OK, weft_buffer_append(&w->out, "", 1));
    return (const char *)w->out.data;
}

TEST(writer, puts_commas_and_escapes)
{
    struct weft_writer w = {0};
    weft_writer_open(&w, NULL, '{');
    weft_writer_text(&w, "a\"b", WEFT_TEXT("x\n\"\\"));
    weft_writer_open(&w, "list", '[');
    weft_writer_unsigned(&w, NULL, UINT64_MAX);
    weft_writer_bool(&w, NULL, true);
    weft_writer_real(&w, NULL, 1.5, 2);
    weft_writer_open(&w, NULL, '{');
    weft_writer_close(&w, '}');
    weft_writer_close(&w, ']');
    weft_writer_raw(&w, "raw", WEFT_TEXT("[1]"));
    weft_writer_close(&w, '}');
    weft_writer_end_line(&w);
    weft_writer_bool(&w, NULL, false); /* A second document starts without a comma. */
    EXPECT_EQ(WEFT_OK, weft_buffer_append(&w.out, "", 1));
    EXPECT_TEXT("{\"a\\\"b\":\"x\\n\\\"\\\\\",\"list\":[18446744073709551615,true,1.50,{}],"
                "\"raw\":[1]}\nfalse",
        (const char *)w.out.data);
    weft_writer_destroy(&w);
}

TEST(writer, is_broken_past_its_limit_until_it_is_reset)
{
    struct weft_writer w = {.out = {.size_max = 4}};
    weft_writer_text(&w, NULL, WEFT_TEXT("12"));
    EXPECT_TRUE(!w.is_broken);
    weft_writer_text(&w, NULL, WEFT_TEXT("3"));
    EXPECT_TRUE(w.is_broken);
    weft_writer_reset(&w);
    EXPECT_TRUE(!w.is_broken && w.out.size == 0);
    weft_writer_unsigned(&w, NULL, 123);
    EXPECT_TRUE(!w.is_broken);
    weft_writer_destroy(&w);
}

TEST(answer_json, commit_names_index_time_and_receipts)
{
    struct weft_writer w = {0};
    struct weft_receipt receipts[2] = {
        {WEFT_TEXT("serial:box/7"), 12, {{0}}}, {WEFT_TEXT("lot:a"), 12, {{0xff}}}};
    struct weft_commit_result result = {.request_id = {{0x12, 0x34}},
        .index = 12,
        .time_ns = 1500000000,
        .receipts = receipts,
        .receipt_count = 2};
    weft_answer_write_commit(&w, &result);
    const char *text = text_of(&w);
    EXPECT_TRUE(
        strstr(text, "{\"index\":12,\"time\":\"1970-01-01T00:00:01.500Z\",\"records\":[{"
                     "\"asset\":\"serial:box/7\",\"rev\":12,\"digest\":\"sha256:00") == text);
    EXPECT_TRUE(strstr(text, "\"request_id\":\"12340000-0000-0000-0000-000000000000\"}") != NULL);
    EXPECT_TRUE(strstr(text, "repeated") == NULL);
    weft_writer_reset(&w);
    result.repeated = true;
    weft_answer_write_commit(&w, &result);
    EXPECT_TRUE(strstr(text_of(&w), ",\"repeated\":true}") != NULL);
    weft_writer_destroy(&w);
}

TEST(answer_json, page_has_what_there_is_to_say)
{
    static const uint8_t cursor[] = {0x0a, 0xff};
    struct weft_field field = {WEFT_TEXT("n"), WEFT_TEXT("0.010"), WEFT_VALUE_REAL};
    struct weft_stored_record records[2] = {{.index = 5,
                                                .record = {.kind = WEFT_TEXT("test"),
                                                    .asset = WEFT_TEXT("a"),
                                                    .fields = &field,
                                                    .field_count = 1}},
        {.index = 6, .record = {.kind = WEFT_TEXT("test"), .asset = WEFT_TEXT("a")}}};
    struct weft_page page = {.index = 9, .records = records, .record_count = 2};
    struct weft_writer w = {0};
    EXPECT_EQ(WEFT_OK, weft_answer_write_page(&w, WEFT_TEXT(""), &page, &arena));
    const char *text = text_of(&w);
    EXPECT_TRUE(strstr(text, "{\"records\":[{\"kind\":\"test\",\"asset\":\"a\",\"attrs\":"
                             "{\"n\":0.010},\"index\":5,") == text);
    EXPECT_TRUE(strstr(text, "},{\"kind\"") != NULL);
    EXPECT_TRUE(strstr(text, "],\"index\":9}") != NULL);
    weft_writer_reset(&w);
    page.asset_rev = 6;
    page.next_index = 10;
    page.cursor = (struct weft_bytes){cursor, sizeof(cursor)};
    page.record_count = 0;
    EXPECT_EQ(WEFT_OK, weft_answer_write_page(&w, WEFT_TEXT("a"), &page, &arena));
    EXPECT_TEXT("{\"asset\":\"a\",\"rev\":6,\"records\":[],\"index\":9,\"cursor\":\"0aff\","
                "\"next_index\":10}",
        text_of(&w));
    weft_writer_destroy(&w);
}

TEST(answer_json, record_whose_fields_contradict_each_other_is_an_error)
{
    struct weft_field fields[2] = {{WEFT_TEXT("a"), WEFT_TEXT("1"), WEFT_VALUE_INT},
        {WEFT_TEXT("a/b"), WEFT_TEXT("1"), WEFT_VALUE_INT}};
    struct weft_stored_record record = {.record = {.kind = WEFT_TEXT("test"),
                                            .asset = WEFT_TEXT("a"),
                                            .fields = fields,
                                            .field_count = 2}};
    struct weft_page page = {.records = &record, .record_count = 1};
    struct weft_writer w = {0};
    EXPECT_EQ(WEFT_EMALFORMED, weft_answer_write_page(&w, WEFT_TEXT("a"), &page, &arena));
    EXPECT_TRUE(w.is_broken);
    weft_writer_destroy(&w);
}

TEST(answer_json, status_lists_members_and_gauges)
{
    struct weft_member member = {.id = 7,
        .name = WEFT_TEXT("n1"),
        .peer_address = WEFT_TEXT("h:1"),
        .client_address = WEFT_TEXT("h:2"),
        .role = WEFT_ROLE_STANDBY,
        .is_connected = true};
    struct weft_gauge gauge = {WEFT_TEXT("records"), 3};
    struct weft_status status = {.site = WEFT_TEXT("plant1"),
        .state = WEFT_TEXT("leader"),
        .members = &member,
        .member_count = 1,
        .gauges = &gauge,
        .gauge_count = 1};
    struct weft_writer w = {0};
    weft_answer_write_status(&w, &status);
    const char *text = text_of(&w);
    EXPECT_TRUE(strstr(text, "\"gauges\":{\"records\":3}") != NULL);
    EXPECT_TRUE(
        strstr(text, "\"members\":[{\"name\":\"n1\",\"id\":7,\"role\":\"standby\",") != NULL);
    EXPECT_TEXT("voter", weft_answer_role_name(WEFT_ROLE_VOTER));
    EXPECT_TEXT("spare", weft_answer_role_name(WEFT_ROLE_SPARE));
    weft_writer_destroy(&w);
}

TEST(answer_json, problem_has_a_type_for_every_code)
{
    struct weft_writer w = {0};
    for (int err = WEFT_EBUSY; err < WEFT_ERRS; err++) {
        char type[100];
        struct weft_error_answer error = {.err = (enum weft_err)err, .detail = WEFT_TEXT("why")};
        weft_writer_reset(&w);
        weft_answer_write_problem(&w, &error, 500);
        (void)snprintf(
            type, sizeof(type), "{\"type\":\"urn:weft:problem:%s\",", weft_err_name(error.err));
        EXPECT_TRUE(strstr(text_of(&w), type) != NULL);
        EXPECT_TRUE(strstr((char *)w.out.data, "\"status\":500,\"detail\":\"why\"") != NULL);
    }
    struct weft_error_answer error = {.err = WEFT_ECONFLICT,
        .detail = WEFT_TEXT("cut\xff here"),
        .pointer = WEFT_TEXT("/records/0/expect/rev"),
        .present_rev = 4,
        .index = 9};
    weft_writer_reset(&w);
    weft_answer_write_problem(&w, &error, 409);
    EXPECT_TRUE(strstr(text_of(&w), "\"detail\":\"cut\",\"pointer\":\"/records/0/expect/rev\","
                                    "\"present_rev\":4,\"index\":9}") != NULL);
    weft_writer_destroy(&w);
}
