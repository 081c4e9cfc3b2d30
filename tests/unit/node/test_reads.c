#include "node/reads.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/test.h"

/* Fakes of the state and the replica: a view knows only its index. */
struct weft_view {
    uint64_t index;
    struct weft_yield *yield;
};

static struct {
    uint64_t applied;
    uint32_t views_open;
    uint32_t views_taken;
    uint64_t rounds[64];
    uint32_t round_count;
    uint64_t feed_end;     /* COMMITS finds records below this index. */
    atomic_uint worked;    /* Queries that a worker answered. */
    atomic_uint unbounded; /* Of those without a budget of steps. */
    bool is_gone;          /* Nobody waits for anything. */
} fake;

enum weft_err weft_view_open(
    struct weft_state *state, struct weft_view **ret_view, struct weft_msg *msg)
{
    (void)state, (void)msg;
    *ret_view = calloc(1, sizeof(**ret_view));
    (*ret_view)->index = fake.applied;
    fake.views_open++;
    fake.views_taken++;
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

void weft_view_close(struct weft_view *view)
{
    fake.views_open--;
    free(view);
}

static enum weft_err answer(struct weft_view *view, const struct weft_query *query,
    struct weft_client_message *ret_answer, struct weft_msg *msg)
{
    struct weft_page *page = &ret_answer->page;
    *ret_answer = (struct weft_client_message){.kind = WEFT_KIND_PAGE};
    page->index = view->index;
    if (weft_text_is(query->asset, "missing")) {
        return weft_fail(msg, WEFT_ENOTFOUND, "no such asset");
    }
    if (query->type == WEFT_QUERY_COMMITS) {
        page->next_index = view->index + 1;
        if (query->from_index < fake.feed_end) {
            static struct weft_stored_record record = {
                .index = 9, .record = {.kind = {"k", 1}, .asset = {"a", 1}, .author = {"p", 1}}};
            page->records = &record;
            page->record_count = 1;
        }
    }
    return WEFT_OK;
}

enum weft_err weft_view_query(struct weft_view *view, const struct weft_query *query,
    struct weft_arena *arena, struct weft_client_message *ret_answer, struct weft_msg *msg)
{
    (void)arena;
    fake.worked++;
    fake.unbounded += view->yield == NULL;
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
    fake.rounds[fake.round_count++ % 64] = read_id;
}

struct answers {
    uint32_t pages;
    uint32_t errors;
    enum weft_err last_err;
    char last_detail[512];
    uint64_t last_index;
    uint32_t last_records;
    bool is_idle;
};

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

static bool is_awaited(void *ctx, const struct weft_waiter *waiter)
{
    (void)ctx, (void)waiter;
    return !fake.is_gone;
}

static void on_idle(void *ctx)
{
    ((struct answers *)ctx)->is_idle = true;
}

struct fixture {
    uv_loop_t loop;
    struct weft_reads reads;
    struct answers answers;
};

static void start(struct fixture *f)
{
    memset(&fake, 0, sizeof(fake));
    memset(f, 0, sizeof(*f));
    fake.applied = 8;
    EXPECT_EQ(0, uv_loop_init(&f->loop));
    const struct weft_read_door door = {
        .ctx = &f->answers, .answer = on_answer, .give = on_give, .is_awaited = is_awaited};
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

static void stop(struct fixture *f)
{
    weft_reads_close(&f->reads, on_idle, &f->answers);
    (void)uv_run(&f->loop, UV_RUN_DEFAULT);
    EXPECT_TRUE(f->answers.is_idle);
    EXPECT_EQ(0, fake.views_open);
    EXPECT_EQ(0, f->reads.count);
    EXPECT_EQ(0, uv_loop_close(&f->loop));
}

static void ask(
    struct fixture *f, enum weft_consistency consistency, const char *asset, uint64_t request_id)
{
    const struct weft_waiter waiter = {.client = 3, .generation = 4, .request_id = request_id};
    const struct weft_query query = {.type = WEFT_QUERY_ASSET,
        .consistency = consistency,
        .min_index = 20,
        .asset = weft_text_of(asset)};
    EXPECT_EQ(WEFT_OK, weft_reads_add(&f->reads, &query, &waiter, 100));
}

static void turn(struct fixture *f, uint64_t now_ms)
{
    weft_reads_turn(&f->reads, fake.applied, now_ms);
    (void)uv_run(&f->loop, UV_RUN_DEFAULT);
}

TEST(reads, of_one_turn_share_a_round_and_a_view)
{
    struct fixture f;
    start(&f);
    for (uint64_t i = 0; i < 50; i++) {
        ask(&f, WEFT_LINEARIZABLE, "serial:box/7", i);
    }
    turn(&f, 100);
    EXPECT_EQ(1, fake.round_count);
    EXPECT_EQ(0, f.answers.pages);
    weft_reads_on_read(&f.reads, fake.rounds[0], WEFT_OK, 8);
    turn(&f, 100);
    EXPECT_EQ(50, f.answers.pages);
    EXPECT_EQ(1, fake.views_taken);
    stop(&f);
}

TEST(reads, wait_until_the_index_of_the_round_is_applied)
{
    struct fixture f;
    start(&f);
    ask(&f, WEFT_LINEARIZABLE, "a", 1);
    turn(&f, 100);
    weft_reads_on_read(&f.reads, fake.rounds[0], WEFT_OK, 12);
    turn(&f, 110);
    EXPECT_EQ(0, f.answers.pages);
    fake.applied = 12;
    turn(&f, 120);
    EXPECT_EQ(1, f.answers.pages);
    EXPECT_EQ(12, f.answers.last_index);
    stop(&f);
}

TEST(reads, of_a_stale_state_need_no_round)
{
    struct fixture f;
    start(&f);
    ask(&f, WEFT_STALE, "a", 1);
    turn(&f, 100);
    EXPECT_EQ(0, fake.round_count);
    EXPECT_EQ(1, f.answers.pages);
    stop(&f);
}

TEST(reads, at_a_minimum_index_wait_for_it_and_time_out)
{
    struct fixture f;
    start(&f);
    ask(&f, WEFT_MIN_INDEX, "a", 1);
    turn(&f, 100);
    EXPECT_EQ(0, f.answers.pages);
    EXPECT_TRUE(weft_reads_deadline(&f.reads) < UINT64_MAX);
    turn(&f, weft_reads_deadline(&f.reads) - 1);
    EXPECT_EQ(0, f.answers.errors);
    turn(&f, weft_reads_deadline(&f.reads));
    EXPECT_EQ(1, f.answers.errors);
    EXPECT_EQ(WEFT_ETIMEDOUT, f.answers.last_err);
    EXPECT_EQ(UINT64_MAX, weft_reads_deadline(&f.reads));
    stop(&f);
}

TEST(reads, that_no_leader_confirms_are_refused)
{
    struct fixture f;
    start(&f);
    ask(&f, WEFT_LINEARIZABLE, "a", 1);
    ask(&f, WEFT_LINEARIZABLE, "b", 2);
    turn(&f, 100);
    weft_reads_on_read(&f.reads, fake.rounds[0], WEFT_EUNAVAILABLE, 0);
    EXPECT_EQ(2, f.answers.errors);
    EXPECT_EQ(WEFT_EUNAVAILABLE, f.answers.last_err);
    ask(&f, WEFT_LINEARIZABLE, "c", 3); /* And one whose round never ends. */
    turn(&f, 200);
    turn(&f, weft_reads_deadline(&f.reads));
    EXPECT_EQ(3, f.answers.errors);
    EXPECT_EQ(WEFT_ETIMEDOUT, f.answers.last_err);
    stop(&f);
}

TEST(reads, answer_what_is_not_there_with_an_error)
{
    struct fixture f;
    start(&f);
    ask(&f, WEFT_STALE, "missing", 1);
    ask(&f, WEFT_STALE, "a", 2);
    turn(&f, 100);
    EXPECT_EQ(1, f.answers.pages);
    EXPECT_EQ(1, f.answers.errors);
    EXPECT_EQ(WEFT_ENOTFOUND, f.answers.last_err);
    stop(&f);
}

TEST(reads, that_memory_answers_need_no_worker)
{
    struct fixture f;
    start(&f);
    ask(&f, WEFT_STALE, "a", 1);
    ask(&f, WEFT_STALE, "missing", 2);
    weft_reads_turn(&f.reads, fake.applied, 100);
    EXPECT_EQ(1, f.answers.pages);
    EXPECT_EQ(1, f.answers.errors);
    EXPECT_EQ(WEFT_ENOTFOUND, f.answers.last_err);
    EXPECT_EQ(0, f.reads.count);
    EXPECT_EQ(0, fake.views_open);
    EXPECT_TRUE(weft_reads_is_idle(&f.reads));
    EXPECT_EQ(0, fake.worked);
    stop(&f);
}

TEST(reads, that_memory_does_not_answer_get_a_worker_in_the_same_view)
{
    struct fixture f;
    start(&f);
    ask(&f, WEFT_STALE, "on disk", 1);
    ask(&f, WEFT_STALE, "a", 2);
    ask(&f, WEFT_STALE, "on disk", 3);
    weft_reads_turn(&f.reads, fake.applied, 100);
    EXPECT_EQ(1, f.answers.pages);
    EXPECT_EQ(2, f.reads.count);
    turn(&f, 100);
    EXPECT_EQ(3, f.answers.pages);
    EXPECT_EQ(2, fake.worked);
    EXPECT_EQ(1, fake.views_taken);
    EXPECT_EQ(0, f.reads.count);
    stop(&f);
}

TEST(reads, over_the_share_of_a_turn_are_left_to_a_worker) /* NOD-10 */
{
    struct fixture f;
    start(&f);
    for (uint64_t i = 0; i < WEFT_READS_ON_LOOP + 5; i++) {
        /* What was tried in vain has used its share too. */
        ask(&f, WEFT_STALE, i == 0 ? "on disk" : "a", i);
    }
    weft_reads_turn(&f.reads, fake.applied, 100);
    EXPECT_EQ(WEFT_READS_ON_LOOP - 1, f.answers.pages);
    turn(&f, 100);
    EXPECT_EQ(WEFT_READS_ON_LOOP + 5, f.answers.pages);
    EXPECT_EQ(6, fake.worked);
    ask(&f, WEFT_STALE, "a", 1); /* The next turn has a share of its own. */
    weft_reads_turn(&f.reads, fake.applied, 200);
    EXPECT_EQ(WEFT_READS_ON_LOOP + 6, f.answers.pages);
    stop(&f);
}

TEST(reads, that_memory_answers_do_not_wait_for_busy_workers)
{
    struct fixture f;
    start(&f);
    for (uint64_t i = 0; i < 3; i++) {
        ask(&f, WEFT_STALE, "on disk", i);
        weft_reads_turn(&f.reads, fake.applied, 100);
    }
    EXPECT_EQ(3, f.reads.working);
    ask(&f, WEFT_STALE, "on disk", 3);
    ask(&f, WEFT_STALE, "a", 4);
    weft_reads_turn(&f.reads, fake.applied, 100);
    EXPECT_EQ(1, f.answers.pages);
    EXPECT_EQ(3, f.reads.working);
    EXPECT_EQ(3, fake.views_open); /* What waits for a worker holds no view. */
    turn(&f, 100);
    turn(&f, 100);
    EXPECT_EQ(5, f.answers.pages);
    EXPECT_EQ(0, f.reads.count);
    stop(&f);
}

static void ask_feed(struct fixture *f, uint64_t from_index, uint32_t wait_ms)
{
    const struct weft_waiter waiter = {.client = 3, .generation = 4, .request_id = 77};
    const struct weft_query query = {.type = WEFT_QUERY_COMMITS,
        .consistency = WEFT_STALE,
        .from_index = from_index,
        .wait_ms = wait_ms};
    EXPECT_EQ(WEFT_OK, weft_reads_add(&f->reads, &query, &waiter, 100));
}

TEST(reads, of_the_feed_are_parked_until_something_is_applied)
{
    struct fixture f;
    start(&f);
    ask_feed(&f, 9, 1000);
    turn(&f, 100);
    turn(&f, 200);
    EXPECT_EQ(0, f.answers.pages);
    EXPECT_EQ(1, f.reads.count);
    fake.applied = 9;
    fake.feed_end = 10;
    turn(&f, 300);
    EXPECT_EQ(1, f.answers.pages);
    EXPECT_EQ(1, f.answers.last_records);
    EXPECT_EQ(0, f.reads.count);
    stop(&f);
}

TEST(reads, of_the_feed_end_empty_when_their_wait_is_over)
{
    struct fixture f;
    start(&f);
    ask_feed(&f, 9, 1000);
    turn(&f, 100);
    EXPECT_EQ(1100, weft_reads_deadline(&f.reads));
    turn(&f, 1100);
    EXPECT_EQ(1, f.answers.pages);
    EXPECT_EQ(0, f.answers.last_records);
    stop(&f);
}

TEST(reads, are_refused_when_the_node_closes)
{
    struct fixture f;
    start(&f);
    ask(&f, WEFT_LINEARIZABLE, "a", 1);
    ask_feed(&f, 9, 1000);
    turn(&f, 100);
    ask(&f, WEFT_LINEARIZABLE, "b", 2);
    stop(&f);
    EXPECT_EQ(3, f.answers.errors);
    EXPECT_EQ(WEFT_ECLOSED, f.answers.last_err);
}

static struct weft_long_reads_figures figures_of(const struct fixture *f)
{
    struct weft_long_reads_figures figures;
    weft_long_reads_figures(f->reads.long_reads, &figures);
    return figures;
}

static void ask_story(struct fixture *f, const char *asset, uint64_t request_id)
{
    const struct weft_waiter waiter = {.client = 3, .generation = 4, .request_id = request_id};
    const struct weft_query query = {
        .type = WEFT_QUERY_STORY, .consistency = WEFT_STALE, .asset = weft_text_of(asset)};
    EXPECT_EQ(WEFT_OK, weft_reads_add(&f->reads, &query, &waiter, 100));
}

TEST(reads, that_take_long_are_handed_on_and_the_others_of_the_batch_are_answered) /* NOD-13 */
{
    struct fixture f;
    start(&f);
    ask_story(&f, "a", 1);
    ask_story(&f, "long", 2);
    ask_story(&f, "b", 3);
    turn(&f, 100);
    EXPECT_EQ(2, f.answers.pages);
    EXPECT_EQ(0, f.reads.count);
    EXPECT_EQ(1, figures_of(&f).waiting);
    turn(&f, 100);
    EXPECT_EQ(3, f.answers.pages);
    EXPECT_EQ(1, figures_of(&f).answered);
    EXPECT_EQ(0, f.answers.errors);
    EXPECT_EQ(0, fake.unbounded);
    stop(&f);
}

TEST(reads, of_the_feed_have_limits_of_their_own)
{
    struct fixture f;
    start(&f);
    fake.feed_end = 10;
    ask_feed(&f, 3, 1000);
    turn(&f, 100);
    EXPECT_EQ(1, f.answers.pages);
    EXPECT_EQ(1, fake.unbounded);
    stop(&f);
}

TEST(reads, of_a_later_page_of_a_trace_go_to_the_long_ones_at_once)
{
    static const uint8_t cursor[4] = {1, 2, 3, 4};
    struct fixture f;
    start(&f);
    const struct weft_waiter waiter = {.request_id = 1};
    const struct weft_query query = {.type = WEFT_QUERY_TRACE_FORWARD,
        .consistency = WEFT_STALE,
        .asset = WEFT_TEXT("a"),
        .cursor = {cursor, sizeof(cursor)}};
    EXPECT_EQ(WEFT_OK, weft_reads_add(&f.reads, &query, &waiter, 100));
    turn(&f, 100);
    EXPECT_EQ(1, f.answers.pages);
    EXPECT_EQ(1, fake.worked); /* Not tried by the pool before. */
    stop(&f);
}

TEST(reads, over_the_share_of_a_client_are_refused_with_the_limit)
{
    struct fixture f;
    start(&f);
    for (uint64_t i = 0; i < 4; i++) {
        ask_story(&f, "endless", i);
    }
    turn(&f, 100); /* The pool hands on two, a quarter of eight, and refuses the others. */
    EXPECT_EQ(2, f.answers.errors);
    EXPECT_EQ(WEFT_EBUSY, f.answers.last_err);
    EXPECT_TRUE(strstr(f.answers.last_detail, "of 8 such") != NULL);
    EXPECT_TRUE(strstr(f.answers.last_detail, "limits.long_reads_waiting") != NULL);
    EXPECT_EQ(2, figures_of(&f).refused);
    EXPECT_EQ(2, figures_of(&f).waiting);
    stop(&f);
    EXPECT_EQ(4, f.answers.errors);
}

TEST(reads, that_are_held_start_no_job_and_end_those_that_run)
{
    struct fixture f;
    start(&f);
    ask_story(&f, "endless", 1);
    turn(&f, 100);
    weft_reads_turn(&f.reads, fake.applied, 100);
    EXPECT_EQ(1, figures_of(&f).running);
    EXPECT_TRUE(!weft_reads_is_idle(&f.reads));
    weft_reads_hold(&f.reads, true);
    (void)uv_run(&f.loop, UV_RUN_DEFAULT); /* Until it has ended. */
    EXPECT_TRUE(weft_reads_is_idle(&f.reads));
    EXPECT_EQ(1, f.answers.errors);
    EXPECT_EQ(WEFT_EUNAVAILABLE, f.answers.last_err);
    ask_story(&f, "a", 2);
    ask(&f, WEFT_STALE, "a", 3); /* On the loop: no job. */
    turn(&f, 100);
    EXPECT_EQ(1, f.answers.pages);
    EXPECT_TRUE(weft_reads_is_idle(&f.reads));
    weft_reads_hold(&f.reads, false);
    turn(&f, 100);
    EXPECT_EQ(2, f.answers.pages);
    stop(&f);
}

TEST(reads, keep_every_text_of_a_query_for_themselves)
{
    struct weft_arena arena = {.size_max = 1 << 20};
    struct weft_query query = {.type = WEFT_QUERY_FIND}, copy;
    struct weft_text *texts[] = {&query.asset, &query.asset_glob, &query.kind, &query.where_path,
        &query.where_value, &query.rels, &query.to_kind, &query.machine, &query.part,
        &query.differs_path, &query.differs_by};
    char bytes[16] = "0123456789abcde";
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        *texts[i] = (struct weft_text){bytes, i + 1};
    }
    query.cursor = (struct weft_bytes){(const uint8_t *)bytes, 3};
    EXPECT_EQ(WEFT_OK, weft_read_copy(&arena, &query, &copy));
    /* No pointer of the copy leads to the message that the query came in. */
    const unsigned char *at = (const unsigned char *)&copy;
    for (size_t i = 0; i + sizeof(void *) <= sizeof(copy); i += sizeof(void *)) {
        const char *pointer;
        memcpy(&pointer, at + i, sizeof(pointer));
        EXPECT_TRUE(pointer < bytes || pointer >= bytes + sizeof(bytes));
    }
    EXPECT_TRUE(weft_text_equal(query.differs_by, copy.differs_by));
    arena.size_max = 1;
    weft_arena_destroy(&arena);
    arena = (struct weft_arena){.size_max = 8};
    EXPECT_EQ(WEFT_EBUSY, weft_read_copy(&arena, &query, &copy));
    weft_arena_destroy(&arena);
}
