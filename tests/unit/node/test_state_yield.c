/* Long queries ask whether they may go on, and end where they are told to. */
#include <stdio.h>
#include <string.h>

#include "node/state/machine.h"
#include "tests/lib/test.h"
#include "tests/unit/node/state_fixture.h"

enum {
    PARTS = 40,
    ASKS_MAX = 100000,
};

/* Says no when it is asked for the n-th time; 0: never. */
struct token {
    struct weft_yield yield;
    uint32_t asked;
    uint32_t no_at;
};

static enum weft_err ask(void *ctx, struct weft_msg *msg)
{
    struct token *t = ctx;
    EXPECT_TRUE(t->no_at == 0 || t->asked < t->no_at); /* Never again after a no. */
    t->asked++;
    return t->asked == t->no_at ? weft_fail(msg, WEFT_ETIMEDOUT, "no more") : WEFT_OK;
}

static void token_init(struct token *t, uint32_t every, uint32_t no_at)
{
    *t = (struct token){
        .yield = {.ctx = t, .ask = ask, .every = every, .left = every}, .no_at = no_at};
}

static void commit(struct fixture *f, const char *asset, const char *rel, const char *to)
{
    struct weft_link links[] = {{.rel = weft_text_of(rel), .to = weft_text_of(to)},
        {.rel = WEFT_TEXT("instance_of"), .to = WEFT_TEXT("part:thing")},
        {.rel = WEFT_TEXT("made_on"), .to = WEFT_TEXT("mill-1")}};
    struct weft_field field = {WEFT_TEXT("verdict"), WEFT_TEXT("PASS"), WEFT_VALUE_TEXT};
    struct weft_record record = fixture_record(asset);
    record.links = links;
    record.link_count = 3;
    record.fields = &field;
    record.field_count = 1;
    EXPECT_EQ(WEFT_OK, fixture_commit(f, 0, &record, 1)->err);
}

/* A lot that goes into parts, each of which goes into a box of ten. */
static void start(struct fixture *f, uint64_t lineage_bytes)
{
    fixture_init(f, "state");
    f->options.lineage_bytes = lineage_bytes;
    fixture_open(f);
    for (int i = 0; i < PARTS; i++) {
        char part[64], box[64];
        (void)snprintf(part, sizeof(part), "serial:part/%08d", i);
        (void)snprintf(box, sizeof(box), "serial:box/%d", i / 10);
        commit(f, part, "uses_lot", "lot:1");
        commit(f, box, "contains", part);
        commit(f, box, "contains", part);
    }
}

static const struct weft_query queries[] = {
    {.type = WEFT_QUERY_TRACE_FORWARD, .asset = WEFT_TEXT("lot:1"), .ids_only = true},
    {.type = WEFT_QUERY_TRACE_FORWARD, .asset = WEFT_TEXT("lot:1"), .to_kind = WEFT_TEXT("test")},
    {.type = WEFT_QUERY_TRACE_FORWARD, .asset = WEFT_TEXT("lot:1"), .with_records = true},
    {.type = WEFT_QUERY_TRACE_FORWARD, .asset = WEFT_TEXT("lot:1"), .limit = 7},
    {.type = WEFT_QUERY_TRACE_BACK, .asset = WEFT_TEXT("serial:box/1")},
    {.type = WEFT_QUERY_TRACE_BACK,
        .asset = WEFT_TEXT("serial:box/1"),
        .rels = WEFT_TEXT("made_on")},
    {.type = WEFT_QUERY_RECALL, .asset = WEFT_TEXT("lot:1"), .machine = WEFT_TEXT("mill-1")},
    {.type = WEFT_QUERY_STORY, .asset = WEFT_TEXT("serial:box/1")},
    {.type = WEFT_QUERY_FIND, .asset_glob = WEFT_TEXT("serial:*"), .limit = 200},
    {.type = WEFT_QUERY_FIND, .kind = WEFT_TEXT("test"), .differs_path = WEFT_TEXT("verdict")},
    {.type = WEFT_QUERY_TWIN, .asset = WEFT_TEXT("serial:box/1")},
    {.type = WEFT_QUERY_DIFF, .asset = WEFT_TEXT("serial:box/1"), .other_as_of = 30},
    {.type = WEFT_QUERY_ASSET, .asset = WEFT_TEXT("serial:box/1"), .limit = 50},
};

/* The encoded answer, or the error that there was. */
static enum weft_err run(
    struct fixture *f, const struct weft_query *query, struct token *token, struct weft_buffer *out)
{
    struct weft_view *view;
    struct weft_client_message m;
    weft_arena_reset(&f->arena);
    weft_buffer_clear(out);
    EXPECT_EQ(WEFT_OK, weft_view_open(f->state, &view, &f->msg));
    weft_view_yield_with(view, token != NULL ? &token->yield : NULL);
    enum weft_err rv = weft_view_query(view, query, &f->arena, &m, &f->msg);
    if (rv == WEFT_OK) {
        EXPECT_EQ(WEFT_OK, weft_client_encode(&m, out));
    }
    weft_view_yield_with(view, NULL);
    weft_view_close(view);
    return rv;
}

static void stop_everywhere(uint64_t lineage_bytes)
{
    struct fixture f;
    struct weft_buffer whole = {0}, asked = {0};
    start(&f, lineage_bytes);
    for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
        struct token token;
        EXPECT_EQ(WEFT_OK, run(&f, &queries[i], NULL, &whole));
        token_init(&token, 1, 0);
        EXPECT_EQ(WEFT_OK, run(&f, &queries[i], &token, &asked));
        EXPECT_EQ(whole.size, asked.size);
        EXPECT_MEM(whole.data, asked.data, whole.size);
        uint32_t asks = token.asked;
        EXPECT_TRUE(asks >= 10 && asks < ASKS_MAX);
        for (uint32_t no_at = 1; no_at <= asks; no_at++) {
            token_init(&token, 1, no_at);
            EXPECT_EQ(WEFT_ETIMEDOUT, run(&f, &queries[i], &token, &asked));
            EXPECT_TRUE(strstr(f.msg.text, "no more") != NULL);
            EXPECT_EQ(no_at, token.asked);
        }
        EXPECT_EQ(WEFT_OK, run(&f, &queries[i], NULL, &asked)); /* Nothing half done is kept. */
        EXPECT_EQ(whole.size, asked.size);
        EXPECT_MEM(whole.data, asked.data, whole.size);
    }
    weft_buffer_destroy(&whole);
    weft_buffer_destroy(&asked);
    fixture_destroy(&f);
}

TEST(state_yield, ends_every_query_at_every_step_that_says_no) /* NOD-113 */
{
    stop_everywhere(64 << 20);
}

TEST(state_yield, ends_every_query_in_the_store_at_every_step_that_says_no)
{
    stop_everywhere(0);
}

TEST(state_yield, is_asked_once_in_so_many_steps)
{
    struct fixture f;
    struct weft_buffer out = {0};
    start(&f, 64 << 20);
    for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
        struct token often, seldom;
        token_init(&often, 1, 0);
        token_init(&seldom, 16, 0);
        EXPECT_EQ(WEFT_OK, run(&f, &queries[i], &often, &out));
        EXPECT_EQ(WEFT_OK, run(&f, &queries[i], &seldom, &out));
        /* A step may weigh more than one. */
        EXPECT_TRUE(seldom.asked <= often.asked);
        EXPECT_TRUE(seldom.asked >= often.asked / 16);
    }
    weft_buffer_destroy(&out);
    fixture_destroy(&f);
}

TEST(state_yield, of_one_query_does_not_end_the_next_in_the_view)
{
    struct fixture f;
    struct weft_view *view;
    struct weft_client_message m;
    struct token token;
    start(&f, 0);
    EXPECT_EQ(WEFT_OK, weft_view_open(f.state, &view, &f.msg));
    token_init(&token, 1, 5);
    weft_view_yield_with(view, &token.yield);
    EXPECT_EQ(WEFT_ETIMEDOUT, weft_view_query(view, &queries[7], &f.arena, &m, &f.msg));
    weft_view_yield_with(view, NULL);
    EXPECT_EQ(WEFT_OK, weft_view_query(view, &queries[7], &f.arena, &m, &f.msg));
    EXPECT_TRUE(m.page.record_count > 0);
    weft_view_close(view);
    fixture_destroy(&f);
}
