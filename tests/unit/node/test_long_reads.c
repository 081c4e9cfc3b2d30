#include "node/long_reads.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/test.h"

/* Fakes of views: a query goes on, step by step, until the test lets it end. */
struct weft_view {
    struct weft_yield *yield;
};

static struct {
    atomic_bool may_end;
    atomic_uint begun;
    uint32_t views_open;
    uint32_t gone; /* Client of whom nobody waits any more. */
    bool has_no_view;
    size_t names_size; /* Of an answer. */
} fake;

enum weft_err weft_view_open(
    struct weft_state *state, struct weft_view **ret_view, struct weft_msg *msg)
{
    (void)state;
    if (fake.has_no_view) {
        return weft_fail(msg, WEFT_ENOMEM, "open a view");
    }
    *ret_view = calloc(1, sizeof(**ret_view));
    fake.views_open++;
    return WEFT_OK;
}

bool weft_view_is_damaged(const struct weft_view *view)
{
    (void)view;
    return false;
}

void weft_view_close(struct weft_view *view)
{
    fake.views_open--;
    free(view);
}

uint64_t weft_view_index(const struct weft_view *view)
{
    (void)view;
    return 7;
}

void weft_view_yield_with(struct weft_view *view, struct weft_yield *yield)
{
    view->yield = yield;
}

void weft_view_report(const struct weft_view *view, const struct weft_query *query,
    struct weft_read_report *ret_report)
{
    (void)view, (void)query;
    ret_report->act = WEFT_READ_ACT_READ;
    ret_report->count = 0;
}

enum weft_err weft_view_query(struct weft_view *view, const struct weft_query *query,
    struct weft_arena *arena, struct weft_client_message *ret_answer, struct weft_msg *msg)
{
    fake.begun++;
    while (!fake.may_end) {
        if (weft_yield_step(view->yield, 1) != WEFT_OK) {
            return weft_fail(msg, view->yield->err, "%s", view->yield->msg.text);
        }
    }
    if (weft_text_is(query->asset, "missing")) {
        return weft_fail(msg, WEFT_ENOTFOUND, "no such asset");
    }
    char *names = weft_arena_alloc(arena, fake.names_size + 1);
    for (size_t i = 0; i < fake.names_size; i++) {
        names[i] = i % 5 == 4 ? '\n' : 'n';
    }
    *ret_answer = (struct weft_client_message){
        .kind = query->type == WEFT_QUERY_TWIN ? WEFT_KIND_DOCUMENT : WEFT_KIND_TRACE_RESULT};
    if (query->type != WEFT_QUERY_TWIN) {
        ret_answer->trace =
            (struct weft_trace_result){.index = 7, .assets = {names, fake.names_size}};
    }
    return WEFT_OK;
}

struct answers {
    uint32_t count;
    uint32_t errors;
    enum weft_err last_err;
    uint64_t order[64]; /* Request ids. */
    size_t last_size;
    uint32_t json_count;
    char json[160]; /* How the last one began. */
    bool is_closed;
};

static void on_answer(void *ctx, const struct weft_waiter *waiter, struct weft_bytes message)
{
    struct answers *a = ctx;
    struct weft_arena arena = {.size_max = 1 << 24};
    struct weft_client_message decoded;
    EXPECT_EQ(WEFT_OK, weft_client_decode(message, &arena, &decoded, NULL, NULL));
    EXPECT_EQ(waiter->request_id, decoded.request_id);
    a->order[a->count++ % 64] = waiter->request_id;
    a->last_size = message.size;
    if (decoded.kind == WEFT_KIND_ERROR) {
        a->errors++;
        a->last_err = decoded.error.err;
    }
    weft_arena_destroy(&arena);
}

static void on_give(void *ctx, const struct weft_waiter *waiter, struct weft_buffer *message)
{
    on_answer(ctx, waiter, (struct weft_bytes){message->data, message->size});
}

static void on_give_json(
    void *ctx, const struct weft_waiter *waiter, uint64_t index, struct weft_buffer *json)
{
    struct answers *a = ctx;
    EXPECT_EQ(WEFT_DOOR_HTTP, waiter->door);
    EXPECT_EQ(7, index);
    a->order[a->count++ % 64] = waiter->request_id;
    a->json_count++;
    a->last_size = json->size;
    (void)snprintf(a->json, sizeof(a->json), "%.*s", (int)json->size, (const char *)json->data);
}

static bool is_awaited(void *ctx, const struct weft_waiter *waiter)
{
    (void)ctx;
    return waiter->client != fake.gone;
}

static void on_closed(void *ctx)
{
    ((struct answers *)ctx)->is_closed = true;
}

struct fixture {
    uv_loop_t loop;
    struct weft_long_reads *long_reads;
    struct answers answers;
};

static void start(struct fixture *f, uint32_t threads, uint32_t waiting_max, uint32_t answer_ms)
{
    struct weft_msg msg;
    memset(f, 0, sizeof(*f));
    fake.may_end = false;
    fake.begun = 0;
    fake.views_open = 0;
    fake.gone = UINT32_MAX;
    fake.has_no_view = false;
    fake.names_size = 10;
    EXPECT_EQ(0, uv_loop_init(&f->loop));
    const struct weft_long_reads_options options = {.loop = &f->loop,
        .door = {.ctx = &f->answers,
            .answer = on_answer,
            .give = on_give,
            .is_awaited = is_awaited,
            .give_json = on_give_json},
        .threads = threads,
        .waiting_max = waiting_max,
        .share_percent = 10,
        .answer_ms = answer_ms};
    EXPECT_EQ(WEFT_OK, weft_long_reads_open(&options, &f->long_reads, &msg));
}

static void stop(struct fixture *f)
{
    weft_long_reads_close(f->long_reads, on_closed, &f->answers);
    (void)uv_run(&f->loop, UV_RUN_DEFAULT);
    EXPECT_TRUE(f->answers.is_closed);
    EXPECT_EQ(0, fake.views_open);
    EXPECT_EQ(0, uv_loop_close(&f->loop));
}

static enum weft_err add(struct fixture *f, uint32_t client, uint64_t request_id, uint64_t now_ms)
{
    const struct weft_waiter waiter = {.client = client, .request_id = request_id};
    const struct weft_query query = {.type = WEFT_QUERY_TRACE_FORWARD, .asset = WEFT_TEXT("lot:1")};
    return weft_long_reads_add(f->long_reads, &query, &waiter, now_ms);
}

static void turn(struct fixture *f, uint64_t now_ms)
{
    weft_long_reads_turn(f->long_reads, (struct weft_state *)f, now_ms);
}

static struct weft_long_reads_figures figures_of(const struct fixture *f)
{
    struct weft_long_reads_figures figures;
    weft_long_reads_figures(f->long_reads, &figures);
    return figures;
}

static void wait_until_begun(uint32_t count)
{
    while (fake.begun < count) {
        (void)sched_yield();
    }
}

/* Turns until as many answers are there. */
static void run_until(struct fixture *f, uint32_t answers)
{
    while (f->answers.count < answers) {
        turn(f, 100);
        (void)uv_run(&f->loop, UV_RUN_ONCE);
    }
}

TEST(long_reads, run_one_to_a_thread)
{
    struct fixture f;
    start(&f, 2, 64, 1000000);
    for (uint32_t i = 0; i < 7; i++) {
        EXPECT_EQ(WEFT_OK, add(&f, i, i, 100));
    }
    turn(&f, 100);
    EXPECT_EQ(2, figures_of(&f).running);
    EXPECT_EQ(5, figures_of(&f).waiting);
    EXPECT_EQ(2, fake.views_open); /* What waits for a thread holds no view. */
    wait_until_begun(2);
    turn(&f, 100);
    EXPECT_EQ(2, figures_of(&f).running);
    fake.may_end = true;
    run_until(&f, 7);
    EXPECT_EQ(0, f.answers.errors);
    EXPECT_EQ(7, figures_of(&f).answered);
    EXPECT_EQ(0, figures_of(&f).running);
    EXPECT_EQ(7, fake.begun);
    stop(&f);
}

TEST(long_reads, of_several_clients_run_in_the_order_in_which_they_came)
{
    struct fixture f;
    start(&f, 1, 64, 1000000);
    fake.may_end = true;
    for (uint32_t i = 0; i < 20; i++) {
        EXPECT_EQ(WEFT_OK, add(&f, i % 3, i, 100));
    }
    run_until(&f, 20);
    for (uint32_t i = 0; i < 20; i++) {
        EXPECT_EQ(i, f.answers.order[i]);
    }
    stop(&f);
}

TEST(long_reads, over_what_may_wait_are_refused)
{
    struct fixture f;
    start(&f, 1, 8, 1000000);
    for (uint32_t i = 0; i < 8; i++) {
        EXPECT_EQ(WEFT_OK, add(&f, i, i, 100));
    }
    EXPECT_EQ(WEFT_EBUSY, add(&f, 9, 9, 100));
    EXPECT_EQ(1, figures_of(&f).refused);
    turn(&f, 100); /* One runs: there is room. */
    EXPECT_EQ(WEFT_OK, add(&f, 9, 9, 100));
    EXPECT_EQ(WEFT_EBUSY, add(&f, 10, 10, 100));
    stop(&f);
    EXPECT_EQ(9, f.answers.count); /* NOD-8: refused by close, all that were taken. */
    EXPECT_EQ(WEFT_ECLOSED, f.answers.last_err);
}

TEST(long_reads, of_one_client_take_a_quarter_of_the_queue)
{
    struct fixture f;
    start(&f, 1, 8, 1000000);
    EXPECT_EQ(WEFT_OK, add(&f, 1, 1, 100));
    EXPECT_EQ(WEFT_OK, add(&f, 1, 2, 100));
    EXPECT_EQ(WEFT_EBUSY, add(&f, 1, 3, 100));
    EXPECT_EQ(WEFT_OK, add(&f, 2, 4, 100));
    stop(&f);
}

/* A tree with what partners told is as long as that is. */
TEST(long_reads, take_all_that_partners_told_and_of_others_a_message)
{
    struct fixture f;
    static char told[3 * 1024 * 1024];
    memset(told, 't', sizeof(told));
    const struct weft_waiter waiter = {.client = 1, .request_id = 1};
    struct weft_query query = {.type = WEFT_QUERY_AUDIT,
        .asset = WEFT_TEXT("across/lot:1"),
        .where_value = {told, sizeof(told)}};
    start(&f, 1, 64, 1000000);
    EXPECT_EQ(WEFT_OK, weft_long_reads_add(f.long_reads, &query, &waiter, 100));
    query.asset = WEFT_TEXT("cells/lot:1");
    EXPECT_EQ(WEFT_ENOMEM, weft_long_reads_add(f.long_reads, &query, &waiter, 100));
    fake.may_end = true;
    run_until(&f, 1);
    stop(&f);
}

TEST(long_reads, that_nobody_waits_for_end_soon) /* NOD-15 */
{
    struct fixture f;
    start(&f, 1, 8, 1000000);
    EXPECT_EQ(WEFT_OK, add(&f, 1, 1, 100));
    EXPECT_EQ(WEFT_OK, add(&f, 2, 2, 100));
    EXPECT_EQ(WEFT_OK, add(&f, 1, 3, 100));
    turn(&f, 100);
    wait_until_begun(1);
    fake.gone = 1; /* It runs, and one waits. */
    turn(&f, 100);
    EXPECT_EQ(1, figures_of(&f).cancelled);
    EXPECT_EQ(1, figures_of(&f).waiting);
    while (figures_of(&f).running > 0) {
        (void)uv_run(&f.loop, UV_RUN_ONCE);
    }
    EXPECT_EQ(2, figures_of(&f).cancelled);
    fake.may_end = true;
    run_until(&f, 3); /* Its door knows that nobody is there. */
    EXPECT_EQ(2, f.answers.order[2]);
    EXPECT_EQ(2, figures_of(&f).cancelled);
    EXPECT_EQ(2, f.answers.errors);
    stop(&f);
}

TEST(long_reads, whose_time_is_up_end_with_timed_out) /* NOD-15 */
{
    struct fixture f;
    start(&f, 1, 8, 20); /* ms, of this machine's clock: the query would never end. */
    EXPECT_EQ(WEFT_OK, add(&f, 1, 1, 100));
    EXPECT_EQ(WEFT_OK, add(&f, 2, 2, 110));
    EXPECT_EQ(120, weft_long_reads_deadline(f.long_reads));
    turn(&f, 100);
    EXPECT_EQ(130, weft_long_reads_deadline(f.long_reads));
    turn(&f, 129);
    EXPECT_EQ(0, f.answers.errors);
    weft_long_reads_turn(f.long_reads, NULL, 130); /* The one that waits. */
    EXPECT_TRUE(f.answers.errors >= 1);
    EXPECT_EQ(UINT64_MAX, weft_long_reads_deadline(f.long_reads));
    while (f.answers.count < 2) {
        (void)uv_run(&f.loop, UV_RUN_ONCE); /* The one that runs. */
    }
    EXPECT_EQ(2, f.answers.errors);
    EXPECT_EQ(WEFT_ETIMEDOUT, f.answers.last_err);
    EXPECT_EQ(2, figures_of(&f).cancelled);
    stop(&f);
}

TEST(long_reads, give_way_while_commits_are_under_way_and_end_all_the_same) /* NOD-12 */
{
    struct fixture f;
    start(&f, 1, 8, 1000000);
    EXPECT_TRUE(weft_long_reads_is_free(f.long_reads));
    weft_long_reads_note_commits(f.long_reads, true);
    EXPECT_TRUE(!weft_long_reads_is_free(f.long_reads));
    EXPECT_EQ(WEFT_OK, add(&f, 1, 1, 100));
    turn(&f, 100);
    while (figures_of(&f).rested_ns < 20000000) {
        (void)sched_yield();
    }
    EXPECT_EQ(1, figures_of(&f).running);
    fake.may_end = true;
    run_until(&f, 1);
    EXPECT_EQ(0, f.answers.errors);
    EXPECT_TRUE(!weft_long_reads_is_free(f.long_reads)); /* Commits still are. */
    stop(&f);
}

TEST(long_reads, that_are_interrupted_may_be_asked_again)
{
    struct fixture f;
    start(&f, 1, 8, 1000000);
    EXPECT_EQ(WEFT_OK, add(&f, 1, 1, 100));
    turn(&f, 100);
    wait_until_begun(1);
    weft_long_reads_interrupt(f.long_reads);
    while (f.answers.count < 1) {
        (void)uv_run(&f.loop, UV_RUN_ONCE);
    }
    EXPECT_EQ(WEFT_EUNAVAILABLE, f.answers.last_err);
    EXPECT_EQ(WEFT_CLASS_RETRY, weft_err_class(f.answers.last_err));
    fake.may_end = true;
    EXPECT_EQ(WEFT_OK, add(&f, 1, 2, 100));
    run_until(&f, 2);
    EXPECT_EQ(1, f.answers.errors);
    stop(&f);
}

TEST(long_reads, answer_with_what_went_wrong)
{
    static const struct weft_waiter waiter = {.client = 1, .request_id = 5};
    static const struct weft_query query = {
        .type = WEFT_QUERY_STORY, .asset = {.data = "missing", .size = 7}};
    struct fixture f;
    start(&f, 1, 8, 1000000);
    fake.may_end = true;
    EXPECT_EQ(WEFT_OK, weft_long_reads_add(f.long_reads, &query, &waiter, 100));
    run_until(&f, 1);
    EXPECT_EQ(WEFT_ENOTFOUND, f.answers.last_err);
    EXPECT_EQ(0, figures_of(&f).cancelled); /* It was answered. */
    fake.names_size = WEFT_MESSAGE_SIZE_MAX + 1;
    EXPECT_EQ(WEFT_OK, add(&f, 1, 6, 100));
    run_until(&f, 2);
    EXPECT_EQ(WEFT_ETOOBIG, f.answers.last_err);
    fake.has_no_view = true;
    EXPECT_EQ(WEFT_OK, add(&f, 1, 7, 100));
    turn(&f, 100);
    EXPECT_EQ(3, f.answers.errors);
    EXPECT_EQ(WEFT_ENOMEM, f.answers.last_err);
    stop(&f);
}

TEST(long_reads, leave_large_answers_to_the_door_whole)
{
    struct fixture f;
    start(&f, 1, 8, 1000000);
    fake.may_end = true;
    fake.names_size = 3 << 20;
    EXPECT_EQ(WEFT_OK, add(&f, 1, 1, 100));
    run_until(&f, 1);
    EXPECT_EQ(0, f.answers.errors);
    EXPECT_TRUE(f.answers.last_size > 3 << 20);
    stop(&f);
}

static enum weft_err add_http(struct fixture *f, enum weft_query_type type, uint64_t request_id)
{
    const struct weft_waiter waiter = {
        .door = WEFT_DOOR_HTTP, .client = 1, .request_id = request_id};
    const struct weft_query query = {.type = type, .asset = WEFT_TEXT("lot:1"), .ids_only = true};
    return weft_long_reads_add(f->long_reads, &query, &waiter, 100);
}

TEST(long_reads, write_a_trace_for_the_http_door_as_json)
{
    struct fixture f;
    start(&f, 1, 8, 1000000);
    fake.may_end = true;
    EXPECT_EQ(WEFT_OK, add_http(&f, WEFT_QUERY_TRACE_FORWARD, 1));
    run_until(&f, 1);
    EXPECT_EQ(1, f.answers.json_count);
    EXPECT_TEXT("{\"index\":7,\"steps_total\":0,\"answers_total\":0,\"depth_reached\":0,"
                "\"assets\":[\"nnnn\",\"nnnn\"]}",
        f.answers.json);
    /* The other kinds, and the other door, take messages. */
    EXPECT_EQ(WEFT_OK, add_http(&f, WEFT_QUERY_TWIN, 2));
    EXPECT_EQ(WEFT_OK, add(&f, 1, 3, 100));
    run_until(&f, 3);
    EXPECT_EQ(1, f.answers.json_count);
    EXPECT_EQ(0, f.answers.errors);
    stop(&f);
}

TEST(long_reads, end_soon_also_while_they_are_written) /* NOD-15 */
{
    struct fixture f;
    start(&f, 1, 8, 20); /* ms; commits are under way, so that it rests longer than that. */
    fake.may_end = true;
    fake.names_size = 16 << 20;
    weft_long_reads_note_commits(f.long_reads, true);
    EXPECT_EQ(WEFT_OK, add_http(&f, WEFT_QUERY_TRACE_FORWARD, 1));
    run_until(&f, 1);
    EXPECT_EQ(0, f.answers.json_count);
    EXPECT_EQ(1, f.answers.errors);
    EXPECT_EQ(WEFT_ETIMEDOUT, f.answers.last_err);
    stop(&f);
}
