#include <string.h>

#include "node/api/http/header.h"
#include "tests/lib/test.h"

static struct weft_msg message;

TEST(header, condition_is_one_tag_of_ours_or_a_star)
{
    struct weft_http_condition c;
    EXPECT_EQ(WEFT_OK, weft_http_condition_parse(NULL, NULL, &c, &message));
    EXPECT_TRUE(!c.is_given);
    EXPECT_EQ(WEFT_OK, weft_http_condition_parse(" \"rev-12\" ", NULL, &c, &message));
    EXPECT_TRUE(c.is_given && c.rev == 12);
    EXPECT_EQ(WEFT_OK, weft_http_condition_parse(NULL, "*", &c, &message));
    EXPECT_TRUE(c.is_given && c.rev == 0);
    static const char *const bad[] = {"*", "rev-1", "\"rev-\"", "\"rev-0\"", "\"rev-x\"",
        "W/\"rev-1\"", "\"rev-1\", \"rev-2\"", "\"rev-18446744073709551616\"", "\"rev-1", ""};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        EXPECT_EQ(WEFT_EINVAL, weft_http_condition_parse(bad[i], NULL, &c, &message));
    }
    EXPECT_EQ(WEFT_EINVAL, weft_http_condition_parse(NULL, "\"rev-1\"", &c, &message));
    EXPECT_EQ(WEFT_EINVAL, weft_http_condition_parse("\"rev-1\"", "*", &c, &message));
}

TEST(header, unmodified_if_any_tag_of_the_list_names_the_revision)
{
    char etag[WEFT_HTTP_ETAG_SIZE];
    weft_http_etag_format(UINT64_MAX, etag);
    EXPECT_TEXT("\"rev-18446744073709551615\"", etag);
    EXPECT_TRUE(weft_http_is_unmodified(etag, UINT64_MAX));
    EXPECT_TRUE(weft_http_is_unmodified("*", 3));
    EXPECT_TRUE(weft_http_is_unmodified("\"rev-3\"", 3));
    EXPECT_TRUE(weft_http_is_unmodified("W/\"rev-3\"", 3));
    EXPECT_TRUE(weft_http_is_unmodified("\"x\" , \"rev-2\",\"rev-3\"", 3));
    EXPECT_TRUE(!weft_http_is_unmodified("\"rev-2\"", 3));
    EXPECT_TRUE(!weft_http_is_unmodified("rev-3", 3));
    EXPECT_TRUE(!weft_http_is_unmodified("", 3));
    EXPECT_TRUE(!weft_http_is_unmodified(",,", 3));
}

TEST(header, consistency_is_linearizable_unless_something_is_said)
{
    struct weft_query q = {0};
    EXPECT_EQ(WEFT_OK, weft_http_consistency_parse(NULL, NULL, &q, &message));
    EXPECT_EQ(WEFT_LINEARIZABLE, q.consistency);
    EXPECT_EQ(WEFT_OK, weft_http_consistency_parse(" Stale", NULL, &q, &message));
    EXPECT_EQ(WEFT_STALE, q.consistency);
    EXPECT_EQ(WEFT_OK, weft_http_consistency_parse("stale", "12", &q, &message));
    EXPECT_EQ(WEFT_MIN_INDEX, q.consistency);
    EXPECT_EQ(12, q.min_index);
    EXPECT_EQ(WEFT_OK, weft_http_consistency_parse(NULL, "13", &q, &message));
    EXPECT_EQ(WEFT_MIN_INDEX, q.consistency);
    EXPECT_EQ(WEFT_OK, weft_http_consistency_parse("linearizable", "13", &q, &message));
    EXPECT_EQ(WEFT_LINEARIZABLE, q.consistency);
    EXPECT_EQ(WEFT_EINVAL, weft_http_consistency_parse("eventual", NULL, &q, &message));
    EXPECT_EQ(WEFT_EINVAL, weft_http_consistency_parse("", NULL, &q, &message));
    EXPECT_EQ(WEFT_EINVAL, weft_http_consistency_parse(NULL, "x", &q, &message));
}

TEST(header, media_types_with_their_parameters)
{
    EXPECT_EQ(WEFT_HTTP_MEDIA_JSON, weft_http_media_parse(NULL));
    EXPECT_EQ(WEFT_HTTP_MEDIA_JSON, weft_http_media_parse("application/json"));
    EXPECT_EQ(
        WEFT_HTTP_MEDIA_JSON, weft_http_media_parse("Application/LD+json; charset=\"UTF-8\""));
    EXPECT_EQ(WEFT_HTTP_MEDIA_NDJSON, weft_http_media_parse("application/x-ndjson;charset=utf-8"));
    EXPECT_EQ(WEFT_HTTP_MEDIA_NDJSON, weft_http_media_parse("application/jsonl ; x=y"));
    EXPECT_EQ(WEFT_HTTP_MEDIA_OTHER, weft_http_media_parse("application/json; charset=latin1"));
    EXPECT_EQ(WEFT_HTTP_MEDIA_OTHER, weft_http_media_parse("text/json"));
    EXPECT_EQ(WEFT_HTTP_MEDIA_OTHER, weft_http_media_parse(";"));
    EXPECT_TRUE(weft_http_wants_stream("text/event-stream"));
    EXPECT_TRUE(weft_http_wants_stream("text/html, Text/Event-Stream;q=0.9, */*"));
    EXPECT_TRUE(!weft_http_wants_stream("application/json, text/event-stream"));
    EXPECT_TRUE(!weft_http_wants_stream(", ,;"));
    EXPECT_TRUE(!weft_http_wants_stream("*/*"));
    EXPECT_TRUE(!weft_http_wants_stream(NULL));
}

TEST(header, bearer_tokens)
{
    struct weft_text token;
    EXPECT_TRUE(weft_http_bearer("Bearer abc", &token) && weft_text_is(token, "abc"));
    EXPECT_TRUE(weft_http_bearer("bearer  abc ", &token) && weft_text_is(token, "abc"));
    static const char *const bad[] = {"", "Bearer", "Bearer ", "Basic abc", "Bearerabc", "abc"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        EXPECT_TRUE(!weft_http_bearer(bad[i], &token));
    }
}

TEST(header, id_of_an_event_comes_back)
{
    char text[WEFT_HTTP_EVENT_ID_SIZE];
    uint64_t index = 0;
    uint32_t ordinal = 0;
    weft_http_event_id_format(UINT64_MAX, UINT32_MAX, text);
    EXPECT_TEXT("18446744073709551615-4294967295", text);
    EXPECT_TRUE(weft_http_event_id_parse(weft_text_of(text), &index, &ordinal));
    EXPECT_TRUE(index == UINT64_MAX && ordinal == UINT32_MAX);
    static const char *const bad[] = {
        "", "1", "1-", "-1", "0-0", "1-2-3", "a-1", "1-4294967296", " 1-2"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        EXPECT_TRUE(!weft_http_event_id_parse(weft_text_of(bad[i]), &index, &ordinal));
    }
}
