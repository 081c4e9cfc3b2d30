#include <stdio.h>
#include <string.h>

#include "ops/weft/session_request.h"
#include "tests/lib/test.h"

/* Lines of `weft session` as requests. */

static struct weft_arena arena = {.size_max = 1 << 20};
static struct weft_client_message request;
static struct weft_msg message;

static enum weft_err parse(const char *line)
{
    weft_arena_reset(&arena);
    memset(&request, 0, sizeof(request));
    return weft_session_request_parse(weft_text_of(line), 7, &arena, &request, &message);
}

TEST(session, commit_has_records_and_perhaps_an_id)
{
    EXPECT_EQ(WEFT_OK, parse("{\"op\":\"commit\",\"records\":[{\"kind\":\"a\",\"asset\":\"x/1\","
                             "\"expect\":{\"rev\":3}},{\"kind\":\"b\",\"asset\":\"x/2\"}]}"));
    EXPECT_EQ(WEFT_KIND_COMMIT, request.kind);
    EXPECT_EQ(2, request.commit.record_count);
    EXPECT_EQ(3, request.commit.records[0].expect_rev);
    EXPECT_TRUE(weft_text_is(request.commit.records[1].asset, "x/2"));
    EXPECT_EQ(0, request.commit.request_id.bytes[15]);
    EXPECT_EQ(
        WEFT_OK, parse("{\"request_id\":\"00112233-4455-6677-8899-aabbccddeeff\","
                       "\"records\":[{\"kind\":\"a\",\"asset\":\"x/1\"}],\"op\":\"commit\"}"));
    EXPECT_EQ(0xff, request.commit.request_id.bytes[15]);
    weft_arena_destroy(&arena);
}

TEST(session, questions_take_the_options_of_the_commands)
{
    EXPECT_EQ(WEFT_OK, parse("{\"op\":\"read\",\"asset\":\"x/1\",\"as_of\":12,\"min_index\":12}"));
    EXPECT_EQ(WEFT_QUERY_ASSET, request.query.type);
    EXPECT_TRUE(weft_text_is(request.query.asset, "x/1"));
    EXPECT_EQ(12, request.query.as_of);
    EXPECT_EQ(WEFT_MIN_INDEX, request.query.consistency);
    EXPECT_EQ(WEFT_OK, parse("{\"op\":\"find\",\"asset\":\"x/*\",\"kind\":\"a\",\"where\":"
                             "\"n > 3\",\"limit\":1000,\"stale\":true,\"cursor\":\"0aff\"}"));
    EXPECT_TRUE(weft_text_is(request.query.asset_glob, "x/*"));
    EXPECT_EQ(WEFT_OP_GT, request.query.where_op);
    EXPECT_EQ(WEFT_STALE, request.query.consistency);
    EXPECT_EQ(2, request.query.cursor.size);
    EXPECT_EQ(WEFT_OK, parse("{\"op\":\"trace\",\"asset\":\"x/1\",\"direction\":\"back\","
                             "\"depth\":2,\"via\":\"contains\",\"ids\":false,\"records\":true}"));
    EXPECT_EQ(WEFT_QUERY_TRACE_BACK, request.query.type);
    EXPECT_EQ(2, request.query.depth_max);
    EXPECT_TRUE(request.query.with_records);
    EXPECT_EQ(WEFT_OK, parse("{\"op\":\"watch\",\"from\":18446744073709551615,\"wait_ms\":100}"));
    EXPECT_EQ(WEFT_QUERY_COMMITS, request.query.type);
    EXPECT_EQ(UINT64_MAX, request.query.from_index);
    EXPECT_EQ(WEFT_OK, parse("{\"op\":\"file\",\"path\":\"cells/box\",\"stale\":true}"));
    EXPECT_EQ(WEFT_QUERY_AUDIT, request.query.type);
    EXPECT_TRUE(weft_text_is(request.query.asset, "cells/box"));
    EXPECT_EQ(WEFT_STALE, request.query.consistency);
    EXPECT_EQ(WEFT_OK, parse("{\"op\":\"status\"}"));
    EXPECT_EQ(WEFT_KIND_STATUS, request.kind);
    EXPECT_EQ(WEFT_OK, parse("{\"op\":\"digest\",\"index\":9}"));
    EXPECT_EQ(9, request.digest.index);
    weft_arena_destroy(&arena);
}

static void expect_refused(const char *line, const char *place, const char *reason)
{
    EXPECT_TRUE(parse(line) != WEFT_OK);
    EXPECT_TRUE(strstr(message.text, place) != NULL);
    if (strstr(message.text, reason) == NULL) {
        (void)fprintf(stderr, "%s: %s\n", line, message.text);
    }
    EXPECT_TRUE(strstr(message.text, reason) != NULL);
}

TEST(session, line_that_is_no_request_is_told_with_its_place)
{
    expect_refused("{\"op\":\"read\"", "line 7", "");
    expect_refused("[]", "line 7, column 1", "");
    expect_refused("{}", "line 7, column 1", "names no \"op\"");
    expect_refused("{\"op\":\"reed\"}", "(/op)", "none of commit");
    expect_refused("{\"op\":\"read\"}", "line 7", "wants \"asset\"");
    expect_refused("{\"op\":\"status\",\"asset\":\"x\"}", "(/asset)", "no such member");
    expect_refused("{\"op\":\"read\",\"asset\":3}", "(/asset)", "");
    expect_refused("{\"op\":\"read\",\"asset\":\"x\",\"as_of\":-1}", "(/as_of)", "whole number");
    expect_refused("{\"op\":\"read\",\"asset\":\"x\",\"as_of\":18446744073709551616}", "(/as_of)",
        "whole number");
    expect_refused("{\"op\":\"read\",\"asset\":\"x\",\"stale\":true,\"min_index\":1}",
        "(/min_index)", "exclude");
    expect_refused("{\"op\":\"find\",\"limit\":1001}", "(/limit)", "up to 1000");
    expect_refused("{\"op\":\"find\",\"where\":\"n\"}", "(/where)", "");
    expect_refused("{\"op\":\"find\",\"cursor\":\"xyz\"}", "(/cursor)", "");
    expect_refused("{\"op\":\"read\",\"asset\":\"x\",\"at\":\"now\"}", "(/at)", "");
    expect_refused(
        "{\"op\":\"trace\",\"asset\":\"x\",\"direction\":\"up\"}", "(/direction)", "back");
    expect_refused("{\"op\":\"commit\",\"records\":[]}", "(/records)", "1 to 1024");
    expect_refused("{\"op\":\"commit\",\"records\":[{\"kind\":\"a\"}]}", "/records/0", "");
    expect_refused("{\"op\":\"commit\",\"request_id\":\"1\",\"records\":[{\"kind\":\"a\","
                   "\"asset\":\"x\"}]}",
        "(/request_id)", "");
    weft_arena_destroy(&arena);
}
