#include <stdio.h>
#include <string.h>

#include "proto/answer_json.h"
#include "proto/json.h"
#include "proto/packed.h"
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

static const struct weft_trace_step steps[3] = {
    {.asset = WEFT_TEXT("lot:a"), .flags = WEFT_STEP_DANGLING},
    {.asset = WEFT_TEXT("serial:b"),
        .depth = 1,
        .flags = WEFT_STEP_ANSWER | WEFT_STEP_LEAF,
        .rel = WEFT_TEXT("uses_lot"),
        .quantity = WEFT_TEXT("0.40"),
        .unit = WEFT_TEXT("kg"),
        .kind = WEFT_TEXT("as_built"),
        .index = 7,
        .ordinal = 1,
        .location = WEFT_TEXT("customer:north"),
        .location_rel = WEFT_TEXT("shipped_to"),
        .location_index = 9},
    {.asset = WEFT_TEXT("serial:c"),
        .from_step = 1,
        .depth = 2,
        .flags = WEFT_STEP_CYCLE | WEFT_STEP_ENDED,
        .rel = WEFT_TEXT("contains"),
        .kind = WEFT_TEXT("as_built"),
        .index = 8},
};

static void pack_steps(struct weft_buffer *packed, uint32_t first)
{
    struct weft_packed_steps writing = {.number = first};
    for (int i = 0; i < 3; i++) {
        EXPECT_EQ(WEFT_OK, weft_packed_add_step(packed, &writing, &steps[i]));
    }
}

TEST(answer_json, trace_has_its_steps_with_what_there_is_to_say)
{
    static const uint8_t cursor[] = {0x01, 0x0f};
    struct weft_stored_record record = {
        .index = 7, .record = {.kind = WEFT_TEXT("as_built"), .asset = WEFT_TEXT("serial:b")}};
    struct weft_buffer packed = {0}, records = {0};
    pack_steps(&packed, 40);
    record.record.has_at = true;
    EXPECT_EQ(WEFT_OK, weft_packed_add_stored(&records, &record));
    struct weft_trace_result trace = {.index = 12,
        .first_step = 40,
        .steps_total = 43,
        .answers_total = 42,
        .depth_reached = 2,
        .has_cycles = true,
        .steps = {{packed.data, packed.size}, 3}};
    struct weft_writer w = {0};
    EXPECT_EQ(WEFT_OK, weft_answer_write_trace(&w, NULL, &trace, false, &arena, NULL));
    EXPECT_TEXT("{\"index\":12,\"steps_total\":43,\"answers_total\":42,\"depth_reached\":2,"
                "\"has_cycles\":true,\"steps\":["
                "{\"step\":40,\"asset\":\"lot:a\",\"depth\":0,\"dangling\":true},"
                "{\"step\":41,\"asset\":\"serial:b\",\"depth\":1,\"from\":0,\"rel\":\"uses_lot\","
                "\"quantity\":0.40,\"unit\":\"kg\",\"at\":\"1970-01-01T00:00:00Z\","
                "\"kind\":\"as_built\",\"index\":7,\"ordinal\":1,\"answer\":true,\"leaf\":true,"
                "\"location\":{\"asset\":\"customer:north\",\"rel\":\"shipped_to\","
                "\"at\":\"1970-01-01T00:00:00Z\",\"index\":9,\"ordinal\":0}},"
                "{\"step\":42,\"asset\":\"serial:c\",\"depth\":2,\"from\":1,\"rel\":\"contains\","
                "\"at\":\"1970-01-01T00:00:00Z\",\"kind\":\"as_built\",\"index\":8,\"ordinal\":0,"
                "\"ended\":true,\"cycle\":true}]}",
        text_of(&w));
    weft_writer_reset(&w);
    trace.records = (struct weft_packed){{records.data, records.size}, 1};
    trace.cursor = (struct weft_bytes){cursor, sizeof(cursor)};
    EXPECT_EQ(WEFT_OK, weft_answer_write_trace(&w, NULL, &trace, false, &arena, NULL));
    const char *text = text_of(&w);
    EXPECT_TRUE(strstr(text, "}],\"records\":[{\"kind\":\"as_built\",") != NULL);
    EXPECT_TRUE(strstr(text, "}],\"cursor\":\"010f\"}") != NULL);
    weft_writer_destroy(&w);
    weft_buffer_destroy(&packed);
    weft_buffer_destroy(&records);
}

TEST(answer_json, names_of_a_trace_are_its_assets)
{
    struct weft_trace_result trace = {.index = 3, .assets = WEFT_TEXT("a\nb \"c\nd")};
    struct weft_text names = trace.assets, name;
    struct weft_writer w = {0};
    EXPECT_EQ(WEFT_OK, weft_answer_write_trace(&w, NULL, &trace, true, &arena, NULL));
    EXPECT_TEXT("{\"index\":3,\"steps_total\":0,\"answers_total\":0,\"depth_reached\":0,"
                "\"assets\":[\"a\",\"b \\\"c\"]}",
        text_of(&w));
    EXPECT_TRUE(weft_answer_next_name(&names, &name) && weft_text_is(name, "a"));
    EXPECT_TRUE(weft_answer_next_name(&names, &name) && weft_text_is(name, "b \"c"));
    EXPECT_TRUE(!weft_answer_next_name(&names, &name)); /* What is not ended is no name. */
    weft_writer_destroy(&w);
}

static enum weft_err take(void *ctx, struct weft_writer *w)
{
    int *left = ctx;
    w->out.size = 0;
    return --*left == 0 ? WEFT_EIO : WEFT_OK;
}

TEST(answer_json, who_takes_a_trace_away_can_end_it)
{
    struct weft_buffer packed = {0};
    pack_steps(&packed, 0);
    struct weft_trace_result trace = {.steps = {{packed.data, packed.size}, 3}};
    int left = 5;
    struct weft_answer_items items = {&left, take};
    struct weft_writer w = {0};
    EXPECT_EQ(WEFT_OK, weft_answer_write_trace(&w, NULL, &trace, false, &arena, &items));
    EXPECT_EQ(2, left);
    weft_writer_reset(&w);
    EXPECT_EQ(WEFT_EIO, weft_answer_write_trace(&w, NULL, &trace, false, &arena, &items));
    weft_writer_destroy(&w);
    weft_buffer_destroy(&packed);
}

TEST(answer_json, document_is_the_object_of_its_fields)
{
    struct weft_field fields[2] = {{WEFT_TEXT("asset"), WEFT_TEXT("a"), WEFT_VALUE_TEXT},
        {WEFT_TEXT("lots/[0]"), WEFT_TEXT("b"), WEFT_VALUE_TEXT}};
    struct weft_document document = {.fields = fields, .field_count = 2};
    struct weft_writer w = {0};
    EXPECT_EQ(WEFT_OK, weft_answer_write_document(&w, &document, &arena));
    EXPECT_TEXT("{\"asset\":\"a\",\"lots\":[\"b\"]}", text_of(&w));
    weft_writer_reset(&w);
    fields[1].path = WEFT_TEXT("asset/x");
    EXPECT_EQ(WEFT_EMALFORMED, weft_answer_write_document(&w, &document, &arena));
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
