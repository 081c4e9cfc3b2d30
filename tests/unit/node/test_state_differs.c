/* FIND with differs_path: which assets differ, by whom, when, and page by page. */
#include <stdio.h>
#include <stdlib.h>

#include "proto/limits.h"
#include "tests/lib/test.h"
#include "tests/unit/node/state_fixture.h"

enum {
    ASSETS = 30,
    STATEMENTS = 600,
    ANSWER_MAX = 256,
};

/* What was stated: the plain model. */
struct statement {
    uint32_t asset, kind, group, author;
    int verdict; /* -1: the record does not say it. */
    int64_t at_ns;
    uint64_t index;
};

static struct fixture f;
static struct statement said[STATEMENTS];
static uint32_t said_count;

static const char *const kinds[] = {"inspection", "test"};
static const char *const groups[] = {"a", "b", "c", "d"};
static const char *const authors[] = {"person/17", "service/mes"};
static const char *const verdicts[] = {"1.50", "15e-1", "FAIL", "2"};

static void state(const struct statement *s)
{
    char asset[32], source[32];
    struct weft_field fields[2] = {
        {WEFT_TEXT("org"), weft_text_of(groups[s->group]), WEFT_VALUE_TEXT}};
    (void)snprintf(asset, sizeof(asset), "serial:box/%u", s->asset);
    (void)snprintf(source, sizeof(source), "qif:%s#%u", groups[s->group], s->asset);
    if (s->verdict >= 0) {
        fields[1] =
            (struct weft_field){WEFT_TEXT("verdict/value"), weft_text_of(verdicts[s->verdict]),
                s->verdict == 2   ? WEFT_VALUE_TEXT
                : s->verdict == 3 ? WEFT_VALUE_INT
                                  : WEFT_VALUE_REAL};
    }
    struct weft_record record = {.kind = weft_text_of(kinds[s->kind]),
        .asset = weft_text_of(asset),
        .source = weft_text_of(source),
        .has_at = true,
        .at_ns = s->at_ns,
        .fields = fields,
        .field_count = s->verdict >= 0 ? 2 : 1};
    struct weft_commit commit = {.records = &record, .record_count = 1};
    commit.request_id.bytes[0] = (uint8_t)(said_count + 1);
    commit.request_id.bytes[1] = (uint8_t)((said_count + 1) >> 8);
    test_entry_begin(&f.entry);
    EXPECT_TRUE(test_entry_commit(&f.entry, authors[s->author], &commit));
    fixture_apply(&f);
    EXPECT_EQ(WEFT_OK, f.items[0].err);
    said[said_count] = *s;
    said[said_count++].index = f.index;
}

/* --- the model's answer ---------------------------------------------------------------------- */

enum by {
    BY_ORG,
    BY_AUTHOR,
    BY_SOURCE
};

static uint32_t group_of(const struct statement *s, enum by by)
{
    return by == BY_AUTHOR ? s->author : s->group;
}

static bool is_newer(const struct statement *a, const struct statement *b)
{
    return a->at_ns != b->at_ns ? a->at_ns > b->at_ns : a->index > b->index;
}

/* 1.50 and 15e-1 are one number. */
static int value_of(const struct statement *s)
{
    return s->verdict == 1 ? 0 : s->verdict;
}

/* Indexes of the records of an asset that are the answer, in order; 0: it does not differ. */
static uint32_t expected_of(
    uint32_t asset, enum by by, uint64_t as_of, int64_t at_ns, uint64_t ret_indexes[4])
{
    const struct statement *newest[4] = {NULL};
    uint32_t count = 0;
    bool do_differ = false;
    for (uint32_t i = 0; i < said_count; i++) {
        const struct statement *s = &said[i];
        struct statement const **at = &newest[group_of(s, by)];
        if (s->asset == asset && s->kind == 0 && s->index <= as_of && s->at_ns <= at_ns &&
            (*at == NULL || is_newer(s, *at))) {
            *at = s;
        }
    }
    for (int i = 0; i < 4; i++) {
        for (int k = 0; k < i; k++) {
            do_differ = do_differ ||
                        (newest[i] != NULL && newest[k] != NULL && newest[i]->verdict >= 0 &&
                            newest[k]->verdict >= 0 && value_of(newest[i]) != value_of(newest[k]));
        }
    }
    for (uint32_t s = 0; do_differ && s < said_count; s++) { /* In order of their index. */
        for (int i = 0; i < 4; i++) {
            if (newest[i] == &said[s] && said[s].verdict >= 0) {
                ret_indexes[count++] = said[s].index;
            }
        }
    }
    return count;
}

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* Ask, page by page, and compare with the model. Returns how many records there were. */
static uint32_t ask_and_compare(enum by by, uint64_t as_of, int64_t at_ns, uint32_t limit)
{
    static const char *const names[] = {"org", "author", "source"};
    uint64_t expected[ANSWER_MAX], found[ANSWER_MAX];
    uint32_t expected_count = 0, found_count = 0;
    struct weft_view *view;
    uint8_t cursor[256];
    struct weft_query q = {.type = WEFT_QUERY_FIND,
        .kind = WEFT_TEXT("inspection"),
        .differs_path = WEFT_TEXT("verdict"),
        .differs_by = weft_text_of(names[by]),
        .as_of = as_of,
        .has_at = true,
        .at_ns = at_ns,
        .limit = limit};
    for (uint32_t asset = 0; asset < ASSETS; asset++) {
        expected_count += expected_of(asset, by, as_of, at_ns, expected + expected_count);
    }
    EXPECT_EQ(WEFT_OK, weft_view_open(f.state, &view, &f.msg));
    for (uint32_t page = 0; page == 0 || q.cursor.size > 0; page++) {
        struct weft_client_message answer;
        weft_arena_reset(&f.arena);
        EXPECT_EQ(WEFT_OK, weft_view_query(view, &q, &f.arena, &answer, &f.msg));
        for (uint32_t i = 0; i < answer.page.record_count; i++) {
            EXPECT_TRUE(found_count < ANSWER_MAX);
            found[found_count++] = answer.page.records[i].index;
        }
        EXPECT_TRUE(answer.page.record_count < limit + 4 || limit == 0);
        EXPECT_TRUE(page < 2 * ASSETS);
        EXPECT_TRUE(answer.page.cursor.size <= sizeof(cursor));
        if (answer.page.cursor.size > 0) {
            memcpy(cursor, answer.page.cursor.data, answer.page.cursor.size);
        }
        q.cursor = (struct weft_bytes){cursor, answer.page.cursor.size};
    }
    weft_view_close(view);
    qsort(expected, expected_count, sizeof(*expected), compare);
    qsort(found, found_count, sizeof(*found), compare);
    EXPECT_EQ(expected_count, found_count);
    EXPECT_MEM(expected, found, found_count * sizeof(*found));
    return found_count;
}

TEST(differs, equals_a_plain_model_at_any_index_time_and_page)
{
    uint32_t records = 0, empty = 0;
    fixture_init(&f, "state");
    fixture_open(&f);
    said_count = 0;
    for (uint32_t i = 0; i < STATEMENTS; i++) {
        state(&(struct statement){.asset = (uint32_t)test_random(ASSETS),
            .kind = test_random(4) == 0,
            .group = (uint32_t)test_random(4),
            .author = (uint32_t)test_random(2),
            .verdict = (int)test_random(5) - 1,
            .at_ns = 1000 + (int64_t)test_random(100)});
    }
    for (int i = 0; i < 300; i++) {
        uint32_t count = ask_and_compare((enum by)test_random(3), 1 + test_random(f.index),
            1000 + (int64_t)test_random(110), 1 + (uint32_t)test_random(40));
        records += count;
        empty += count == 0;
    }
    EXPECT_TRUE(records > 5000);           /* It was about something, */
    EXPECT_TRUE(empty > 0 && empty < 100); /* and not always. */
    fixture_destroy(&f);
}

static uint32_t count_of(const struct weft_query *q, enum weft_err expected)
{
    struct weft_client_message answer = {.kind = 0};
    struct weft_view *view;
    EXPECT_EQ(WEFT_OK, weft_view_open(f.state, &view, &f.msg));
    EXPECT_EQ(expected, weft_view_query(view, q, &f.arena, &answer, &f.msg));
    weft_view_close(view);
    return expected == WEFT_OK ? answer.page.record_count : 0;
}

TEST(differs, looks_only_at_what_is_asked_for)
{
    fixture_init(&f, "state");
    fixture_open(&f);
    said_count = 0;
    for (uint32_t asset = 1; asset <= 2; asset++) {
        for (uint32_t group = 0; group < 2; group++) {
            state(&(struct statement){
                .asset = asset, .group = group, .verdict = (int)group * 2, .at_ns = 5});
        }
    }
    struct weft_query q = {.type = WEFT_QUERY_FIND,
        .kind = WEFT_TEXT("inspection"),
        .differs_path = WEFT_TEXT("verdict"),
        .differs_by = WEFT_TEXT("org")};
    EXPECT_EQ(4, count_of(&q, WEFT_OK));
    q.asset_glob = WEFT_TEXT("serial:box/2");
    EXPECT_EQ(2, count_of(&q, WEFT_OK));
    q.asset_glob = WEFT_TEXT("lot:*");
    EXPECT_EQ(0, count_of(&q, WEFT_OK));
    q.asset_glob = (struct weft_text){NULL, 0};
    q.differs_path = WEFT_TEXT("org"); /* A group agrees with itself. */
    EXPECT_EQ(4, count_of(&q, WEFT_OK));
    q.differs_path = WEFT_TEXT("none");
    EXPECT_EQ(0, count_of(&q, WEFT_OK));
    q.differs_path = WEFT_TEXT("verdict");
    q.kind = WEFT_TEXT("certificate");
    EXPECT_EQ(0, count_of(&q, WEFT_OK));
    q.kind = (struct weft_text){NULL, 0};
    (void)count_of(&q, WEFT_EINVAL);
    EXPECT_TEXT("to find what differs, a kind is needed", f.msg.text);
    q.kind = WEFT_TEXT("inspection");
    q.where_path = WEFT_TEXT("org");
    q.where_op = WEFT_OP_EQ;
    (void)count_of(&q, WEFT_EINVAL);
    EXPECT_TEXT("what differs is found without a condition", f.msg.text);
    fixture_destroy(&f);
}

/* A cursor is good for its own question. */
TEST(differs, refuses_the_cursor_of_another_question)
{
    uint8_t cursor[256];
    struct weft_client_message answer;
    struct weft_view *view;
    fixture_init(&f, "state");
    fixture_open(&f);
    said_count = 0;
    for (uint32_t i = 0; i < 8; i++) {
        state(&(struct statement){
            .asset = i / 2, .group = i % 2, .verdict = (int)(i % 2) * 2, .at_ns = 5});
    }
    struct weft_query q = {.type = WEFT_QUERY_FIND,
        .kind = WEFT_TEXT("inspection"),
        .differs_path = WEFT_TEXT("verdict"),
        .differs_by = WEFT_TEXT("org"),
        .limit = 1};
    EXPECT_EQ(WEFT_OK, weft_view_open(f.state, &view, &f.msg));
    EXPECT_EQ(WEFT_OK, weft_view_query(view, &q, &f.arena, &answer, &f.msg));
    weft_view_close(view);
    EXPECT_EQ(2, answer.page.record_count); /* All of an asset, past the limit. */
    memcpy(cursor, answer.page.cursor.data, answer.page.cursor.size);
    q.cursor = (struct weft_bytes){cursor, answer.page.cursor.size};
    q.differs_by = WEFT_TEXT("source");
    (void)count_of(&q, WEFT_EINVAL);
    q.differs_by = WEFT_TEXT("org");
    q.differs_path = WEFT_TEXT("org");
    (void)count_of(&q, WEFT_EINVAL);
    fixture_destroy(&f);
}
