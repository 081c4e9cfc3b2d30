#include "tests/unit/node/reads_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/test.h"

struct reads_fake reads_fake;

enum weft_err weft_view_open(
    struct weft_state *state, struct weft_view **ret_view, struct weft_msg *msg)
{
    (void)state, (void)msg;
    *ret_view = calloc(1, sizeof(**ret_view));
    (*ret_view)->index = reads_fake.applied;
    reads_fake.views_open++;
    reads_fake.views_taken++;
    return WEFT_OK;
}

uint64_t weft_view_index(const struct weft_view *view)
{
    return view->index;
}

void weft_view_yield_with(struct weft_view *view, struct weft_yield *yield)
{
    view->yield = yield;
}

bool weft_view_is_damaged(const struct weft_view *view)
{
    (void)view;
    return reads_fake.is_damaged;
}

void weft_view_close(struct weft_view *view)
{
    reads_fake.views_open--;
    free(view);
}

static enum weft_err answer(struct weft_view *view, const struct weft_query *query,
    struct weft_client_message *ret_answer, struct weft_msg *msg)
{
    struct weft_page *page = &ret_answer->page;
    *ret_answer = (struct weft_client_message){.kind = WEFT_KIND_PAGE};
    page->index = view->index;
    view->is_labelled = weft_text_is(query->where_value, "labelled");
    if (weft_text_is(query->asset, "missing")) {
        return weft_fail(msg, WEFT_ENOTFOUND, "no such asset");
    }
    if (weft_text_is(query->asset, "damaged")) {
        return weft_fail(msg, WEFT_ECORRUPT, "block checksum mismatch in 000012.sst");
    }
    if (query->type == WEFT_QUERY_COMMITS) {
        page->next_index = view->index + 1;
        if (query->cursor.size > 0) { /* The rest of a page that spoke for index 8: nothing. */
            page->next_index = 9;
        } else if (query->from_index < reads_fake.feed_end) {
            static struct weft_stored_record record = {
                .index = 9, .record = {.kind = {"k", 1}, .asset = {"a", 1}, .author = {"p", 1}}};
            page->records = &record;
            page->record_count = 1;
        }
    }
    return WEFT_OK;
}

void weft_view_report(const struct weft_view *view, const struct weft_query *query,
    struct weft_read_report *ret_report)
{
    (void)query;
    ret_report->act = WEFT_READ_ACT_READ;
    ret_report->count = 0;
    if (view->is_labelled) {
        EXPECT_TRUE(weft_read_report_add(ret_report, WEFT_TEXT("itar"), 3));
    }
}

enum weft_err weft_view_query(struct weft_view *view, const struct weft_query *query,
    struct weft_arena *arena, struct weft_client_message *ret_answer, struct weft_msg *msg)
{
    (void)arena;
    reads_fake.worked++;
    reads_fake.unbounded += view->yield == NULL;
    uint32_t steps = weft_text_is(query->asset, "long")      ? 3 * WEFT_READS_SHORT_STEPS
                     : weft_text_is(query->asset, "endless") ? UINT32_MAX
                                                             : WEFT_READS_SHORT_STEPS - 1;
    for (uint32_t i = 0; i < steps; i++) {
        if (weft_yield_step(view->yield, 1) != WEFT_OK) {
            return weft_fail(msg, view->yield->err, "%s", view->yield->msg.text);
        }
    }
    return answer(view, query, ret_answer, msg);
}

enum weft_err weft_view_query_memory(struct weft_view *view, const struct weft_query *query,
    struct weft_arena *arena, struct weft_client_message *ret_answer, struct weft_msg *msg)
{
    (void)arena;
    EXPECT_EQ(WEFT_QUERY_ASSET, query->type);
    return weft_text_is(query->asset, "on disk") ? WEFT_EBUSY
                                                 : answer(view, query, ret_answer, msg);
}

void weft_replica_read(struct weft_replica *r, uint64_t read_id, uint64_t now_ms)
{
    (void)r, (void)now_ms;
    reads_fake.rounds[reads_fake.round_count++ % 64] = read_id;
}

static void on_answer(void *ctx, const struct weft_waiter *waiter, struct weft_bytes message)
{
    struct answers *a = ctx;
    struct weft_arena arena = {.size_max = 1 << 20};
    struct weft_client_message decoded;
    struct weft_msg msg;
    EXPECT_EQ(WEFT_OK, weft_client_decode(message, &arena, &decoded, NULL, &msg));
    EXPECT_EQ(waiter->request_id, decoded.request_id);
    if (decoded.kind == WEFT_KIND_PAGE) {
        a->pages++;
        a->last_index = decoded.page.index;
        a->last_records = decoded.page.record_count;
    } else {
        a->errors++;
        a->last_err = decoded.error.err;
        (void)snprintf(a->last_detail, sizeof(a->last_detail), "%.*s",
            (int)decoded.error.detail.size, decoded.error.detail.data);
    }
    weft_arena_destroy(&arena);
}

static void on_give(void *ctx, const struct weft_waiter *waiter, struct weft_buffer *message)
{
    struct weft_buffer taken = *message;
    *message = (struct weft_buffer){.size = 0};
    on_answer(ctx, waiter, (struct weft_bytes){taken.data, taken.size});
    weft_buffer_destroy(&taken);
}

static void on_hold(void *ctx, const struct weft_waiter *waiter, const struct weft_read_note *note,
    struct weft_buffer *message, bool is_json, uint64_t index)
{
    struct weft_read_report report;
    (void)index;
    EXPECT_TRUE(!is_json);
    EXPECT_TRUE(weft_text_is(note->principal, "somebody"));
    EXPECT_EQ(WEFT_OK, weft_read_report_decode(note->report, &report));
    EXPECT_EQ(3, report.labels[0].records);
    ((struct answers *)ctx)->held++;
    on_give(ctx, waiter, message);
}

static bool is_awaited(void *ctx, const struct weft_waiter *waiter)
{
    (void)ctx, (void)waiter;
    return !reads_fake.is_gone;
}

static void on_idle(void *ctx)
{
    ((struct answers *)ctx)->is_idle = true;
}

void reads_start(struct fixture *f)
{
    memset(&reads_fake, 0, sizeof(reads_fake));
    memset(f, 0, sizeof(*f));
    reads_fake.applied = 8;
    EXPECT_EQ(0, uv_loop_init(&f->loop));
    const struct weft_read_door door = {.ctx = &f->answers,
        .answer = on_answer,
        .give = on_give,
        .is_awaited = is_awaited,
        .hold = on_hold};
    const struct weft_long_reads_options options = {.loop = &f->loop,
        .door = door,
        .threads = 1,
        .waiting_max = 8,
        .share_percent = 10,
        .answer_ms = 3600000};
    struct weft_long_reads *long_reads;
    struct weft_msg msg;
    EXPECT_EQ(WEFT_OK, weft_long_reads_open(&options, &long_reads, &msg));
    weft_reads_init(&f->reads, &f->loop, &door, long_reads);
    weft_reads_attach(&f->reads, (struct weft_state *)f, (struct weft_replica *)f);
}

void reads_stop(struct fixture *f)
{
    weft_reads_close(&f->reads, on_idle, &f->answers);
    (void)uv_run(&f->loop, UV_RUN_DEFAULT);
    EXPECT_TRUE(f->answers.is_idle);
    EXPECT_EQ(0, reads_fake.views_open);
    EXPECT_EQ(0, f->reads.count);
    EXPECT_EQ(0, uv_loop_close(&f->loop));
}

void reads_ask(
    struct fixture *f, enum weft_consistency consistency, const char *asset, uint64_t request_id)
{
    const struct weft_waiter waiter = {.client = 3, .generation = 4, .request_id = request_id};
    const struct weft_query query = {.type = WEFT_QUERY_ASSET,
        .consistency = consistency,
        .min_index = 20,
        .asset = weft_text_of(asset)};
    EXPECT_EQ(WEFT_OK, weft_reads_add(&f->reads, &query, &waiter, 100));
}

void reads_turn(struct fixture *f, uint64_t now_ms)
{
    weft_reads_turn(&f->reads, reads_fake.applied, now_ms);
    (void)uv_run(&f->loop, UV_RUN_DEFAULT);
}

struct weft_long_reads_figures reads_figures(const struct fixture *f)
{
    struct weft_long_reads_figures figures;
    weft_long_reads_figures(f->reads.long_reads, &figures);
    return figures;
}

void reads_ask_story_as(
    struct fixture *f, enum weft_consistency consistency, const char *asset, uint64_t request_id)
{
    const struct weft_waiter waiter = {.client = 3, .generation = 4, .request_id = request_id};
    const struct weft_query query = {
        .type = WEFT_QUERY_STORY, .consistency = consistency, .asset = weft_text_of(asset)};
    EXPECT_EQ(WEFT_OK, weft_reads_add(&f->reads, &query, &waiter, 100));
}

void reads_ask_story(struct fixture *f, const char *asset, uint64_t request_id)
{
    reads_ask_story_as(f, WEFT_STALE, asset, request_id);
}
