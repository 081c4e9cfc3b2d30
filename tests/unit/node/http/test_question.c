#include <stdio.h>
#include <string.h>

#include "node/api/http/question.h"
#include "proto/limits.h"
#include "tests/lib/test.h"

static struct weft_msg message;
static struct weft_arena arena = {.size_max = 1024 * 1024};
static struct weft_query query;

static enum weft_err ask(const char *text)
{
    struct weft_http_target target;
    weft_arena_reset(&arena);
    query = (struct weft_query){.limit = 77};
    enum weft_err err = weft_http_target_parse(weft_text_of(text), &arena, &target, &message);
    if (err == WEFT_OK) {
        err = weft_http_target_check_params(&target, WEFT_HTTP_GET, &message);
    }
    return err == WEFT_OK ? weft_http_question_parse(&target, &arena, &query, &message) : err;
}

static void expect_refused(const char *text, const char *detail)
{
    EXPECT_EQ(WEFT_EINVAL, ask(text));
    EXPECT_TRUE(strstr(message.text, detail) != NULL);
    EXPECT_EQ(77, query.limit); /* Untouched. */
}

TEST(question, each_resource_asks_its_own)
{
    static const struct {
        const char *target;
        enum weft_query_type type;
    } cases[] = {{"/v1/assets/a", WEFT_QUERY_TWIN}, {"/v1/assets/a/records", WEFT_QUERY_ASSET},
        {"/v1/assets/a/story", WEFT_QUERY_STORY}, {"/v1/records", WEFT_QUERY_FIND},
        {"/v1/commits", WEFT_QUERY_COMMITS}, {"/v1/trace/forward/a", WEFT_QUERY_TRACE_FORWARD},
        {"/v1/trace/back/a", WEFT_QUERY_TRACE_BACK}, {"/v1/recall?lot=a", WEFT_QUERY_RECALL},
        {"/v1/audit/across/a", WEFT_QUERY_AUDIT}, {"/v1/audit/cells/*/asset/a", WEFT_QUERY_AUDIT}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        EXPECT_EQ(WEFT_OK, ask(cases[i].target));
        EXPECT_EQ(cases[i].type, query.type);
        EXPECT_EQ(WEFT_PAGE_RECORDS_DEFAULT, query.limit);
        EXPECT_TRUE(!query.has_at && query.as_of == 0 && !query.has_as_of_ns);
    }
    expect_refused("/v1/status", "not a resource");
    EXPECT_EQ(WEFT_ENOTFOUND, ask("/v1/audit/cells/box/disputes"));
}

TEST(question, of_audit_the_files_of_the_log_and_what_is_about_one_asset)
{
    static const char *const others[] = {
        "cells/box/sum", "cells/*", "recalls", "partner/box", "checkpoint/", "tile/0"};
    EXPECT_EQ(WEFT_OK, ask("/v1/audit/checkpoint"));
    EXPECT_EQ(WEFT_OK, ask("/v1/audit/tile/0/000"));
    EXPECT_EQ(WEFT_QUERY_AUDIT, query.type);
    EXPECT_EQ(WEFT_OK, ask("/v1/audit/ask/serial:box/1")); /* NOD-300: nobody says what was told. */
    EXPECT_EQ(0, query.where_value.size);
    EXPECT_EQ(WEFT_EINVAL, ask("/v1/audit/across/a?where_value=x"));
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        char target[128];
        (void)snprintf(target, sizeof(target), "/v1/audit/%s", others[i]);
        EXPECT_EQ(WEFT_ENOTFOUND, ask(target));
    }
}

TEST(question, both_times_limit_and_cursor)
{
    EXPECT_EQ(
        WEFT_OK, ask("/v1/trace/back/a?at=1970-01-01T00:00:02Z&as_of=12&limit=1000&cursor=0aff"));
    EXPECT_TRUE(query.has_at && query.at_ns == 2000000000 && query.as_of == 12);
    EXPECT_EQ(1000, query.limit);
    EXPECT_EQ(2, query.cursor.size);
    EXPECT_EQ(WEFT_OK, ask("/v1/assets/a?as_of=1970-01-01T01:00:02%2B01:00"));
    EXPECT_TRUE(query.has_as_of_ns && query.as_of_ns == 2000000000 && query.as_of == 0);
    expect_refused("/v1/records?at=12", "parameter at: ");
    expect_refused("/v1/records?as_of=0", "parameter as_of: an index is above 0");
    expect_refused("/v1/records?as_of=then", "parameter as_of: neither an index nor a time");
    expect_refused("/v1/records?limit=0", "parameter limit: a number from 1 to 1000");
    expect_refused("/v1/records?limit=1001", "parameter limit: ");
    expect_refused("/v1/records?cursor=0", "cursor: ");
}

TEST(question, trace_takes_depth_rels_kind_and_form)
{
    EXPECT_EQ(WEFT_OK, ask("/v1/trace/forward/lot:a?depth=3&via=uses_lot,consumes&to=shipment"));
    EXPECT_TRUE(weft_text_is(query.asset, "lot:a") && query.depth_max == 3);
    EXPECT_TRUE(weft_text_is(query.rels, "uses_lot,consumes"));
    EXPECT_TRUE(weft_text_is(query.to_kind, "shipment"));
    EXPECT_TRUE(!query.ids_only && !query.with_records);
    EXPECT_EQ(WEFT_OK, ask("/v1/trace/back/a?ids=true&records=false"));
    EXPECT_TRUE(query.ids_only && !query.with_records);
    EXPECT_EQ(WEFT_OK, ask("/v1/trace/back/a?records=true&depth=4294967295"));
    EXPECT_TRUE(query.with_records && query.depth_max == UINT32_MAX);
    expect_refused("/v1/trace/back/a?ids=yes", "parameter ids: true or false");
    expect_refused("/v1/trace/back/a?records", "parameter records: true or false");
    expect_refused("/v1/trace/back/a?ids=true&records=true", "ids and records");
    expect_refused("/v1/trace/back/a?depth=0", "parameter depth: ");
    expect_refused("/v1/trace/back/a?depth=4294967296", "parameter depth: ");
    expect_refused("/v1/trace/back/a?lot=a", "unknown parameter");
    char text[2 * WEFT_RELS_SIZE_MAX + 100] = "/v1/trace/back/a?via=";
    memset(text + strlen(text), 'x', WEFT_RELS_SIZE_MAX);
    EXPECT_EQ(WEFT_OK, ask(text));
    strcat(text, "x");
    expect_refused(text, "parameter via: at most");
}

TEST(question, recall_takes_a_lot_a_machine_in_a_window_and_a_part)
{
    EXPECT_EQ(WEFT_OK, ask("/v1/recall?lot=lot:a&machine=m/1&from=1970-01-01T00:00:01Z&part=p&rev=B"
                           "&ids=true"));
    EXPECT_TRUE(weft_text_is(query.asset, "lot:a") && weft_text_is(query.machine, "m/1"));
    EXPECT_TRUE(weft_text_is(query.part, "p/rev/B") && query.ids_only);
    EXPECT_TRUE(query.has_window && query.window_from_ns == 1000000000);
    EXPECT_TRUE(query.window_to_ns == INT64_MAX);
    EXPECT_EQ(WEFT_OK, ask("/v1/recall?part=p&depth=2"));
    EXPECT_TRUE(!query.has_window && query.depth_max == 2);
    expect_refused("/v1/recall", "what is to be recalled");
    expect_refused("/v1/recall?lot=&machine=", "what is to be recalled");
    expect_refused("/v1/recall?rev=B", "parameters part and rev: ");
    expect_refused("/v1/recall?lot=a&to=1970-01-01T00:00:01Z", "belong to machine");
    expect_refused("/v1/recall?machine=m&from=1", "parameter from: ");
    expect_refused("/v1/recall?machine=m&to=noon", "parameter to: ");
}

TEST(question, twin_has_sections_and_no_pages)
{
    EXPECT_EQ(WEFT_OK, ask("/v1/assets/a?sections=values,issues"));
    EXPECT_EQ(WEFT_TWIN_VALUES | WEFT_TWIN_ISSUES, query.sections);
    EXPECT_EQ(WEFT_OK, ask("/v1/assets/a"));
    EXPECT_EQ(0, query.sections);
    expect_refused("/v1/assets/a?sections=", "parameter sections: ");
    expect_refused("/v1/assets/a?sections=value", "parameter sections: 'value'");
    expect_refused("/v1/assets/a?limit=5", "unknown parameter");
}

TEST(question, records_are_narrowed_by_condition_glob_and_kind)
{
    EXPECT_EQ(WEFT_OK, ask("/v1/records?kind=test&asset=box*&where=n+%3E+3"));
    EXPECT_TRUE(weft_text_is(query.kind, "test") && weft_text_is(query.asset_glob, "box*"));
    EXPECT_TRUE(query.where_op == WEFT_OP_GT && weft_text_is(query.where_value, "3"));
    EXPECT_EQ(WEFT_OK, ask("/v1/commits?asset=b&from=9"));
    EXPECT_TRUE(query.from_index == 9 && weft_text_is(query.asset_glob, "b"));
    EXPECT_EQ(WEFT_OK, ask("/v1/assets/a/story?inside=false"));
    EXPECT_TRUE(query.no_inside);
    expect_refused("/v1/records?where=n", "parameter where: ");
    expect_refused("/v1/commits?from=0", "parameter from: ");
    expect_refused("/v1/assets/a/story?inside=1", "parameter inside: true or false");
}

TEST(question, without_memory_there_is_no_query)
{
    struct weft_http_target target;
    struct weft_arena small = {.size_max = 8};
    weft_arena_reset(&arena);
    EXPECT_EQ(
        WEFT_OK, weft_http_target_parse(WEFT_TEXT("/v1/recall?lot=a"), &arena, &target, &message));
    EXPECT_EQ(WEFT_ENOMEM, weft_http_question_parse(&target, &small, &query, &message));
    weft_arena_destroy(&small);
}
