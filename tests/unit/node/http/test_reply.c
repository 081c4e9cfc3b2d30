#include <string.h>

#include "node/api/http/reply.h"
#include "proto/json.h"
#include "tests/lib/test.h"

static struct weft_msg message;
static struct weft_arena arena = {.size_max = 1024 * 1024};
static struct weft_http_reply reply;

static const struct weft_json *body(void)
{
    struct weft_json *tree = NULL;
    EXPECT_EQ(WEFT_OK,
        weft_json_parse((struct weft_text){(char *)reply.body.out.data, reply.body.out.size}, 1,
            &arena, &tree, &message));
    return tree;
}

TEST(reply, every_code_has_a_status_and_is_a_problem)
{
    for (int err = WEFT_OK + 1; err < WEFT_ERRS; err++) {
        struct weft_client_message m = {.kind = WEFT_KIND_ERROR,
            .error = {.err = (enum weft_err)err, .detail = WEFT_TEXT("why"), .index = 9}};
        struct weft_http_asked asked = {.resource = WEFT_HTTP_COMMITS};
        unsigned status = weft_http_status_of(m.error.err);
        EXPECT_TRUE(status >= 400 && status <= 507);
        weft_http_reply_message(&reply, &asked, &m, &arena);
        EXPECT_EQ(status, reply.status);
        EXPECT_EQ(9, reply.index);
        EXPECT_TEXT("application/problem+json", reply.content_type);
        EXPECT_TRUE(weft_text_is(weft_json_get(body(), "detail")->text, "why"));
        EXPECT_EQ(status == 503 || status == 504, reply.retry_after_s > 0);
    }
    EXPECT_EQ(200, weft_http_status_of(WEFT_OK));
    EXPECT_EQ(503, weft_http_status_of(WEFT_ENOTLEADER));
    EXPECT_EQ(413, weft_http_status_of(WEFT_ETOOBIG));
    weft_http_reply_destroy(&reply);
}

TEST(reply, conflict_is_412_where_a_header_asked_for_it)
{
    struct weft_client_message m = {.kind = WEFT_KIND_ERROR,
        .error = {.err = WEFT_ECONFLICT,
            .detail = WEFT_TEXT("no"),
            .pointer = WEFT_TEXT("/records/0/expect/rev"),
            .present_rev = 4}};
    struct weft_http_asked asked = {.resource = WEFT_HTTP_COMMITS};
    weft_http_reply_message(&reply, &asked, &m, &arena);
    EXPECT_EQ(409, reply.status);
    asked.has_condition = true;
    weft_http_reply_message(&reply, &asked, &m, &arena);
    EXPECT_EQ(412, reply.status);
    m.error.pointer = WEFT_TEXT("/request_id");
    weft_http_reply_message(&reply, &asked, &m, &arena);
    EXPECT_EQ(409, reply.status);
    weft_http_reply_destroy(&reply);
}

TEST(reply, asset_has_a_tag_only_as_it_is_now)
{
    struct weft_client_message m = {
        .kind = WEFT_KIND_PAGE, .page = {.index = 20, .asset_rev = 12, .next_index = 21}};
    struct weft_http_asked asked = {
        .resource = WEFT_HTTP_ASSET_RECORDS, .asset = WEFT_TEXT("a"), .is_present = true};
    weft_http_reply_message(&reply, &asked, &m, &arena);
    EXPECT_EQ(200, reply.status);
    EXPECT_TEXT("\"rev-12\"", reply.etag);
    EXPECT_TRUE(reply.is_storable);
    EXPECT_EQ(20, reply.index);
    EXPECT_TRUE(weft_json_get(body(), "next_index") == NULL);
    asked.if_none_match = "\"rev-12\"";
    weft_http_reply_message(&reply, &asked, &m, &arena);
    EXPECT_EQ(304, reply.status);
    EXPECT_EQ(0, reply.body.out.size);
    EXPECT_TEXT("\"rev-12\"", reply.etag);
    asked.is_present = false;
    weft_http_reply_message(&reply, &asked, &m, &arena);
    EXPECT_EQ(200, reply.status);
    EXPECT_TEXT("", reply.etag);
    asked.resource = WEFT_HTTP_COMMITS;
    weft_http_reply_message(&reply, &asked, &m, &arena);
    EXPECT_TRUE(weft_json_get(body(), "next_index") != NULL);
    EXPECT_TRUE(weft_json_get(body(), "asset") == NULL);
    weft_http_reply_destroy(&reply);
}

TEST(reply, twin_has_the_tag_of_its_asset_and_is_never_304)
{
    struct weft_field fields[2] = {{WEFT_TEXT("asset"), WEFT_TEXT("a"), WEFT_VALUE_TEXT},
        {WEFT_TEXT("asset/x"), WEFT_TEXT("a"), WEFT_VALUE_TEXT}};
    struct weft_client_message m = {.kind = WEFT_KIND_DOCUMENT,
        .document = {.index = 20, .asset_rev = 12, .fields = fields, .field_count = 1}};
    struct weft_http_asked asked = {.resource = WEFT_HTTP_ASSET,
        .asset = WEFT_TEXT("a"),
        .is_present = true,
        .if_none_match = "\"rev-12\""};
    weft_http_reply_message(&reply, &asked, &m, &arena);
    EXPECT_EQ(200, reply.status);
    EXPECT_TEXT("\"rev-12\"", reply.etag);
    EXPECT_TRUE(!reply.is_storable);
    EXPECT_EQ(20, reply.index);
    EXPECT_TRUE(weft_text_is(weft_json_get(body(), "asset")->text, "a"));
    asked.is_present = false;
    weft_http_reply_message(&reply, &asked, &m, &arena);
    EXPECT_TEXT("", reply.etag);
    m.document.field_count = 2;
    weft_http_reply_message(&reply, &asked, &m, &arena);
    EXPECT_EQ(500, reply.status);
    weft_http_reply_destroy(&reply);
}

TEST(reply, trace_is_of_steps_or_of_names)
{
    static const uint8_t step[] = {0, 0, 0, 1, 'a'}; /* proto/README.md, Packed steps */
    struct weft_client_message m = {.kind = WEFT_KIND_TRACE_RESULT,
        .trace = {.index = 20, .steps_total = 1, .steps = {{step, sizeof(step)}, 1}}};
    struct weft_http_asked asked = {.resource = WEFT_HTTP_TRACE_BACK};
    weft_http_reply_message(&reply, &asked, &m, &arena);
    EXPECT_EQ(200, reply.status);
    EXPECT_EQ(20, reply.index);
    EXPECT_TRUE(weft_json_get(body(), "steps")->first != NULL);
    m.trace = (struct weft_trace_result){.index = 21, .assets = WEFT_TEXT("a\n")};
    asked.ids_only = true;
    weft_http_reply_message(&reply, &asked, &m, &arena);
    EXPECT_TRUE(weft_text_is(weft_json_get(body(), "assets")->first->text, "a"));
    EXPECT_TRUE(weft_json_get(body(), "steps") == NULL);
    weft_http_reply_destroy(&reply);
}

TEST(reply, commit_is_201_and_a_repeated_one_200)
{
    struct weft_receipt receipts[2] = {{WEFT_TEXT("a"), 5, {{0}}}, {WEFT_TEXT("a"), 5, {{0}}}};
    struct weft_client_message m = {.kind = WEFT_KIND_COMMIT_RESULT,
        .commit_result = {.index = 5, .receipts = receipts, .receipt_count = 2}};
    struct weft_http_asked asked = {.resource = WEFT_HTTP_COMMITS};
    weft_http_reply_message(&reply, &asked, &m, &arena);
    EXPECT_EQ(201, reply.status);
    EXPECT_TEXT("\"rev-5\"", reply.etag);
    m.commit_result.repeated = true;
    receipts[1].asset = WEFT_TEXT("b");
    weft_http_reply_message(&reply, &asked, &m, &arena);
    EXPECT_EQ(200, reply.status);
    EXPECT_TEXT("", reply.etag); /* Of two assets. */
    weft_http_reply_destroy(&reply);
}

TEST(reply, answer_that_cannot_be_written_is_a_problem)
{
    struct weft_field fields[2] = {{WEFT_TEXT("a"), WEFT_TEXT("1"), WEFT_VALUE_INT},
        {WEFT_TEXT("a/b"), WEFT_TEXT("1"), WEFT_VALUE_INT}};
    struct weft_stored_record r = {
        .record = {
            .kind = WEFT_TEXT("t"), .asset = WEFT_TEXT("a"), .fields = fields, .field_count = 2}};
    struct weft_client_message m = {
        .kind = WEFT_KIND_PAGE, .page = {.index = 3, .records = &r, .record_count = 1}};
    struct weft_http_asked asked = {.resource = WEFT_HTTP_RECORDS};
    weft_http_reply_message(&reply, &asked, &m, &arena);
    EXPECT_EQ(500, reply.status);
    EXPECT_TRUE(weft_json_get(body(), "detail") != NULL);
    m.kind = WEFT_KIND_CHECKPOINT_RESULT;
    weft_http_reply_message(&reply, &asked, &m, &arena);
    EXPECT_EQ(500, reply.status);
    weft_http_reply_destroy(&reply);
}
