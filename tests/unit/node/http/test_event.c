#include <stdlib.h>
#include <string.h>

#include "node/api/http/event.h"
#include "tests/lib/test.h"

static struct weft_arena arena = {.size_max = 1024 * 1024};

static struct weft_stored_record record(uint64_t index, uint32_t ordinal)
{
    return (struct weft_stored_record){.index = index,
        .ordinal = ordinal,
        .record = {.kind = WEFT_TEXT("test"), .asset = WEFT_TEXT("a\nb")}};
}

/* Ids of the frames, joined by spaces. */
static void expect_ids(const char *expected, struct weft_buffer *out)
{
    char ids[512] = "";
    EXPECT_EQ(WEFT_OK, weft_buffer_append(out, "", 1));
    for (const char *at = (const char *)out->data; (at = strstr(at, "id: ")) != NULL; at++) {
        size_t size = strcspn(at + 4, "\n");
        strncat(ids, at + 4, size);
        strcat(ids, " ");
    }
    EXPECT_TEXT(expected, ids);
    weft_buffer_clear(out);
}

TEST(event, frame_is_what_an_event_source_reads)
{
    struct weft_http_position p = {.next_index = 1};
    struct weft_stored_record r = record(12, 3);
    struct weft_page page = {.records = &r, .record_count = 1, .next_index = 13};
    struct weft_buffer out = {0};
    EXPECT_EQ(WEFT_OK, weft_http_event_head(&out));
    EXPECT_EQ(WEFT_OK, weft_http_event_take(&p, &page, &arena, &out));
    EXPECT_EQ(WEFT_OK, weft_http_event_beat(&out));
    EXPECT_EQ(WEFT_OK, weft_buffer_append(&out, "", 1));
    const char *text = (const char *)out.data;
    EXPECT_TRUE(
        strstr(text, "retry: 1000\n\nid: 12-3\nevent: record\ndata: {\"kind\":\"test\",") == text);
    EXPECT_TRUE(strstr(text, "\"asset\":\"a\\nb\"") != NULL); /* No line end within the data. */
    EXPECT_TRUE(strstr(text, "}\n\n:\n\n") != NULL);
    EXPECT_EQ(13, p.next_index);
    weft_buffer_destroy(&out);
    weft_buffer_destroy(&p.cursor);
}

/* NOD-405. */
TEST(event, stream_goes_on_behind_any_event_without_gap_and_without_duplicate)
{
    struct weft_stored_record all[6] = {
        record(5, 0), record(5, 1), record(5, 2), record(7, 0), record(7, 1), record(9, 0)};
    static const char *const ids[] = {"5-0 ", "5-1 ", "5-2 ", "7-0 ", "7-1 ", "9-0 "};
    struct weft_buffer out = {0};
    for (int last = 0; last < 6; last++) {
        struct weft_http_position p = {.next_index = 1};
        char expected[64] = "";
        weft_http_position_resume(&p, all[last].index, all[last].ordinal);
        /* The node gives whole indexes from next_index on. */
        int first = 0;
        while (all[first].index < p.next_index) {
            first++;
        }
        struct weft_page page = {
            .records = all + first, .record_count = (uint32_t)(6 - first), .next_index = 10};
        for (int i = last + 1; i < 6; i++) {
            strcat(expected, ids[i]);
        }
        EXPECT_EQ(WEFT_OK, weft_http_event_take(&p, &page, &arena, &out));
        expect_ids(expected, &out);
        EXPECT_EQ(WEFT_OK, weft_http_event_take(&p, &page, &arena, &out)); /* Once more. */
        expect_ids("", &out);
        weft_buffer_destroy(&p.cursor);
    }
    weft_buffer_destroy(&out);
}

TEST(event, cursor_leads_through_an_index_and_a_lost_one_costs_nothing)
{
    struct weft_stored_record all[4] = {record(5, 0), record(5, 1), record(5, 2), record(5, 3)};
    static const uint8_t cursor[] = {1, 2, 3};
    struct weft_http_position p = {.next_index = 5};
    struct weft_buffer out = {0};
    struct weft_page page = {
        .records = all, .record_count = 2, .next_index = 5, .cursor = {cursor, sizeof(cursor)}};
    EXPECT_EQ(WEFT_OK, weft_http_event_take(&p, &page, &arena, &out));
    expect_ids("5-0 5-1 ", &out);
    EXPECT_EQ(3, p.cursor.size);
    EXPECT_MEM(cursor, p.cursor.data, 3);
    weft_http_position_rewind(&p); /* The node does not take the cursor any more. */
    EXPECT_EQ(5, p.next_index);
    EXPECT_EQ(0, p.cursor.size);
    page = (struct weft_page){.records = all, .record_count = 4, .next_index = 6};
    EXPECT_EQ(WEFT_OK, weft_http_event_take(&p, &page, &arena, &out));
    expect_ids("5-2 5-3 ", &out);
    EXPECT_EQ(6, p.next_index);
    weft_http_position_rewind(&p); /* Before the first event there is nothing to go back to. */
    EXPECT_EQ(5, p.next_index);
    struct weft_http_position fresh = {.next_index = 9};
    weft_http_position_rewind(&fresh);
    EXPECT_EQ(9, fresh.next_index);
    weft_buffer_destroy(&p.cursor);
    weft_buffer_destroy(&out);
}

TEST(event, frames_have_the_limit_of_their_buffer)
{
    struct weft_http_position p = {.next_index = 1};
    struct weft_stored_record r = record(12, 3);
    struct weft_page page = {.records = &r, .record_count = 1, .next_index = 13};
    struct weft_buffer out = {.size_max = 40};
    EXPECT_EQ(WEFT_ETOOBIG, weft_http_event_take(&p, &page, &arena, &out));
    weft_buffer_destroy(&out);
    weft_buffer_destroy(&p.cursor);
}
