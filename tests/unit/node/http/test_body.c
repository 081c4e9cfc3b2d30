#include <stdio.h>
#include <string.h>

#include "node/api/http/body.h"
#include "tests/lib/test.h"

static struct weft_msg message;
static struct weft_arena arena = {.size_max = 16 * 1024 * 1024};
static struct weft_http_commit commit;
static char pointer[WEFT_HTTP_POINTER_SIZE];
static const struct weft_http_condition none;

static enum weft_err parse(enum weft_http_media media, const char *text)
{
    weft_arena_reset(&arena);
    return weft_http_body_parse(
        weft_text_of(text), media, &none, &arena, &commit, pointer, &message);
}

TEST(body, object_is_a_commit)
{
    EXPECT_EQ(WEFT_OK, parse(WEFT_HTTP_MEDIA_JSON,
                           "{\"request_id\":\"00112233445566778899aabbccddeeff\",\"records\":["
                           "{\"kind\":\"a\",\"asset\":\"x\"},{\"kind\":\"b\",\"asset\":\"y\"}]}"));
    EXPECT_EQ(2, commit.commit.record_count);
    EXPECT_TRUE(commit.has_request_id && commit.commit.request_id.bytes[1] == 0x11);
    EXPECT_TRUE(weft_text_is(commit.commit.records[1].asset, "y"));
    EXPECT_EQ(
        WEFT_OK, parse(WEFT_HTTP_MEDIA_JSON, "{\"records\":[{\"kind\":\"a\",\"asset\":\"x\"}]}"));
    EXPECT_TRUE(!commit.has_request_id);
}

TEST(body, culprit_is_named_by_its_pointer)
{
    static const struct {
        const char *text, *pointer;
        enum weft_err err;
    } cases[] = {
        {"[]", "", WEFT_EINVAL},
        {"{", "", WEFT_EMALFORMED},
        {"{}", "/records", WEFT_EINVAL},
        {"{\"records\":1}", "/records", WEFT_EINVAL},
        {"{\"records\":[]}", "/records", WEFT_EINVAL},
        {"{\"records\":[],\"x\":1}", "/x", WEFT_EINVAL},
        {"{\"records\":[7]}", "/records/0", WEFT_EINVAL},
        {"{\"records\":[{\"kind\":\"a\",\"asset\":\"x\"},{\"kind\":\"a\"}]}", "/records/1/asset",
            WEFT_EINVAL},
        {"{\"records\":[{\"kind\":\"a\",\"asset\":\"x\",\"a/b\":1}]}", "/records/0/a~1b",
            WEFT_EINVAL},
        {"{\"records\":[{\"kind\":\"a\",\"asset\":\"x\"}],\"request_id\":7}", "/request_id",
            WEFT_EINVAL},
        {"{\"records\":[{\"kind\":\"a\",\"asset\":\"x\"}],\"request_id\":\"no\"}", "/request_id",
            WEFT_EINVAL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        EXPECT_EQ(cases[i].err, parse(WEFT_HTTP_MEDIA_JSON, cases[i].text));
        EXPECT_TEXT(cases[i].pointer, pointer);
    }
}

TEST(body, lines_are_one_commit_and_blank_ones_are_passed_over)
{
    EXPECT_EQ(WEFT_OK, parse(WEFT_HTTP_MEDIA_NDJSON, "\n{\"kind\":\"a\",\"asset\":\"x\"}\r\n \t\n"
                                                     "{\"kind\":\"b\",\"asset\":\"y\"}"));
    EXPECT_EQ(2, commit.commit.record_count);
    EXPECT_EQ(WEFT_EINVAL, parse(WEFT_HTTP_MEDIA_NDJSON, "\n\n"));
    EXPECT_TEXT("", pointer);
    EXPECT_EQ(WEFT_EINVAL, parse(WEFT_HTTP_MEDIA_NDJSON,
                               "{\"kind\":\"a\",\"asset\":\"x\"}\n\n{\"kind\":\"a\",\"asset\":7}"));
    EXPECT_TEXT("/records/1/asset", pointer);
    EXPECT_TRUE(strstr(message.text, "line 3") != NULL);
    EXPECT_EQ(
        WEFT_EMALFORMED, parse(WEFT_HTTP_MEDIA_NDJSON, "{\"kind\":\"a\",\"asset\":\"x\"}\n}"));
    EXPECT_TEXT("/records/1", pointer);
}

TEST(body, commit_has_as_many_records_as_there_may_be)
{
    static char text[WEFT_COMMIT_RECORDS_MAX * 32 + 200];
    size_t used = 0;
    for (int i = 0; i < WEFT_COMMIT_RECORDS_MAX; i++) {
        used += (size_t)snprintf(
            text + used, sizeof(text) - used, "{\"kind\":\"a\",\"asset\":\"x\"}\n");
    }
    EXPECT_EQ(WEFT_OK, parse(WEFT_HTTP_MEDIA_NDJSON, text));
    EXPECT_EQ(WEFT_COMMIT_RECORDS_MAX, commit.commit.record_count);
    (void)snprintf(text + used, sizeof(text) - used, "{\"kind\":\"a\",\"asset\":\"x\"}\n");
    EXPECT_EQ(WEFT_ETOOBIG, parse(WEFT_HTTP_MEDIA_NDJSON, text));
}

TEST(body, condition_of_the_header_is_that_of_every_record_of_one_asset)
{
    const struct weft_http_condition condition = {true, 7};
    struct weft_text one =
        WEFT_TEXT("{\"kind\":\"a\",\"asset\":\"x\"}\n{\"kind\":\"b\",\"asset\":\"x\"}");
    EXPECT_EQ(WEFT_OK, weft_http_body_parse(one, WEFT_HTTP_MEDIA_NDJSON, &condition, &arena,
                           &commit, pointer, &message));
    for (int i = 0; i < 2; i++) {
        EXPECT_TRUE(
            commit.commit.records[i].has_expect && commit.commit.records[i].expect_rev == 7);
    }
    struct weft_text two =
        WEFT_TEXT("{\"kind\":\"a\",\"asset\":\"x\"}\n{\"kind\":\"a\",\"asset\":\"y\"}");
    EXPECT_EQ(WEFT_EINVAL, weft_http_body_parse(two, WEFT_HTTP_MEDIA_NDJSON, &condition, &arena,
                               &commit, pointer, &message));
    EXPECT_TEXT("/records/1/asset", pointer);
    struct weft_text own = WEFT_TEXT("{\"kind\":\"a\",\"asset\":\"x\",\"expect\":{\"rev\":7}}");
    EXPECT_EQ(WEFT_EINVAL, weft_http_body_parse(own, WEFT_HTTP_MEDIA_NDJSON, &condition, &arena,
                               &commit, pointer, &message));
    EXPECT_TEXT("/records/0/expect", pointer);
}

TEST(body, without_memory_is_an_error_of_its_class)
{
    struct weft_arena small = {.size_max = 2048};
    EXPECT_TRUE(weft_http_body_parse(WEFT_TEXT("{\"records\":[{\"kind\":\"a\",\"asset\":\"x\"}]}"),
                    WEFT_HTTP_MEDIA_JSON, &none, &small, &commit, pointer, &message) != WEFT_OK);
    weft_arena_destroy(&small);
}
