#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/test.h"
#include "tests/unit/node/reads_rig.h"

TEST(reads, of_one_turn_share_a_round_and_a_view)
{
    struct fixture f;
    reads_start(&f);
    for (uint64_t i = 0; i < 50; i++) {
        reads_ask(&f, WEFT_LINEARIZABLE, "serial:box/7", i);
    }
    reads_turn(&f, 100);
    EXPECT_EQ(1, reads_fake.round_count);
    EXPECT_EQ(0, f.answers.pages);
    weft_reads_on_read(&f.reads, reads_fake.rounds[0], WEFT_OK, 8);
    reads_turn(&f, 100);
    EXPECT_EQ(50, f.answers.pages);
    EXPECT_EQ(1, reads_fake.views_taken);
    reads_stop(&f);
}

TEST(reads, wait_until_the_index_of_the_round_is_applied)
{
    struct fixture f;
    reads_start(&f);
    reads_ask(&f, WEFT_LINEARIZABLE, "a", 1);
    reads_turn(&f, 100);
    weft_reads_on_read(&f.reads, reads_fake.rounds[0], WEFT_OK, 12);
    reads_turn(&f, 110);
    EXPECT_EQ(0, f.answers.pages);
    reads_fake.applied = 12;
    reads_turn(&f, 120);
    EXPECT_EQ(1, f.answers.pages);
    EXPECT_EQ(12, f.answers.last_index);
    reads_stop(&f);
}

TEST(reads, of_a_stale_state_need_no_round)
{
    struct fixture f;
    reads_start(&f);
    reads_ask(&f, WEFT_STALE, "a", 1);
    reads_turn(&f, 100);
    EXPECT_EQ(0, reads_fake.round_count);
    EXPECT_EQ(1, f.answers.pages);
    reads_stop(&f);
}

TEST(reads, of_damage_that_the_node_mends_are_to_be_asked_again_elsewhere)
{
    for (int is_damaged = 0; is_damaged < 2; is_damaged++) {
        struct fixture f;
        reads_start(&f);
        reads_fake.is_damaged = is_damaged;
        reads_ask_story(&f, "damaged", 1);
        reads_turn(&f, 100);
        EXPECT_EQ(1, f.answers.errors);
        EXPECT_EQ(is_damaged ? WEFT_EUNAVAILABLE : WEFT_ECORRUPT, f.answers.last_err);
        EXPECT_EQ(is_damaged, strstr(f.answers.last_detail, "ask another node") != NULL);
        reads_ask_story(&f, "missing", 2);
        reads_turn(&f, 100);
        EXPECT_EQ(WEFT_ENOTFOUND, f.answers.last_err);
        reads_stop(&f);
    }
}

TEST(reads, at_a_minimum_index_wait_for_it_and_time_out)
{
    struct fixture f;
    reads_start(&f);
    reads_ask(&f, WEFT_MIN_INDEX, "a", 1);
    reads_turn(&f, 100);
    EXPECT_EQ(0, f.answers.pages);
    EXPECT_TRUE(weft_reads_deadline(&f.reads) < UINT64_MAX);
    reads_turn(&f, weft_reads_deadline(&f.reads) - 1);
    EXPECT_EQ(0, f.answers.errors);
    reads_turn(&f, weft_reads_deadline(&f.reads));
    EXPECT_EQ(1, f.answers.errors);
    EXPECT_EQ(WEFT_ETIMEDOUT, f.answers.last_err);
    EXPECT_EQ(UINT64_MAX, weft_reads_deadline(&f.reads));
    reads_stop(&f);
}

TEST(reads, at_a_minimum_index_that_is_applied_share_a_view_and_a_worker)
{
    struct fixture f;
    reads_start(&f);
    reads_fake.applied = 20;
    reads_turn(&f, 100);
    for (uint64_t i = 0; i < 50; i++) {
        reads_ask(&f, WEFT_MIN_INDEX, "on disk", i);
    }
    reads_turn(&f, 110);
    EXPECT_EQ(0, reads_fake.round_count);
    EXPECT_EQ(50, f.answers.pages);
    EXPECT_EQ(1, reads_fake.views_taken);
    EXPECT_EQ(20, f.answers.last_index);
    reads_stop(&f);
}

TEST(reads, that_no_leader_confirms_are_refused)
{
    struct fixture f;
    reads_start(&f);
    reads_ask(&f, WEFT_LINEARIZABLE, "a", 1);
    reads_ask(&f, WEFT_LINEARIZABLE, "b", 2);
    reads_turn(&f, 100);
    weft_reads_on_read(&f.reads, reads_fake.rounds[0], WEFT_EUNAVAILABLE, 0);
    EXPECT_EQ(2, f.answers.errors);
    EXPECT_EQ(WEFT_EUNAVAILABLE, f.answers.last_err);
    reads_ask(&f, WEFT_LINEARIZABLE, "c", 3); /* And one whose round never ends. */
    reads_turn(&f, 200);
    reads_turn(&f, weft_reads_deadline(&f.reads));
    EXPECT_EQ(3, f.answers.errors);
    EXPECT_EQ(WEFT_ETIMEDOUT, f.answers.last_err);
    reads_stop(&f);
}

TEST(reads, answer_what_is_not_there_with_an_error)
{
    struct fixture f;
    reads_start(&f);
    reads_ask(&f, WEFT_STALE, "missing", 1);
    reads_ask(&f, WEFT_STALE, "a", 2);
    reads_turn(&f, 100);
    EXPECT_EQ(1, f.answers.pages);
    EXPECT_EQ(1, f.answers.errors);
    EXPECT_EQ(WEFT_ENOTFOUND, f.answers.last_err);
    reads_stop(&f);
}

TEST(reads, that_memory_answers_need_no_worker)
{
    struct fixture f;
    reads_start(&f);
    reads_ask(&f, WEFT_STALE, "a", 1);
    reads_ask(&f, WEFT_STALE, "missing", 2);
    weft_reads_turn(&f.reads, reads_fake.applied, 100);
    EXPECT_EQ(1, f.answers.pages);
    EXPECT_EQ(1, f.answers.errors);
    EXPECT_EQ(WEFT_ENOTFOUND, f.answers.last_err);
    EXPECT_EQ(0, f.reads.count);
    EXPECT_EQ(0, reads_fake.views_open);
    EXPECT_TRUE(weft_reads_is_idle(&f.reads));
    EXPECT_EQ(0, reads_fake.worked);
    reads_stop(&f);
}

TEST(reads, that_memory_does_not_answer_get_a_worker_in_the_same_view)
{
    struct fixture f;
    reads_start(&f);
    reads_ask(&f, WEFT_STALE, "on disk", 1);
    reads_ask(&f, WEFT_STALE, "a", 2);
    reads_ask(&f, WEFT_STALE, "on disk", 3);
    weft_reads_turn(&f.reads, reads_fake.applied, 100);
    EXPECT_EQ(1, f.answers.pages);
    EXPECT_EQ(2, f.reads.count);
    reads_turn(&f, 100);
    EXPECT_EQ(3, f.answers.pages);
    EXPECT_EQ(2, reads_fake.worked);
    EXPECT_EQ(1, reads_fake.views_taken);
    EXPECT_EQ(0, f.reads.count);
    reads_stop(&f);
}

TEST(reads, over_the_share_of_a_turn_are_left_to_a_worker) /* NOD-10 */
{
    struct fixture f;
    reads_start(&f);
    for (uint64_t i = 0; i < WEFT_READS_ON_LOOP + 5; i++) {
        /* What was tried in vain has used its share too. */
        reads_ask(&f, WEFT_STALE, i == 0 ? "on disk" : "a", i);
    }
    weft_reads_turn(&f.reads, reads_fake.applied, 100);
    EXPECT_EQ(WEFT_READS_ON_LOOP - 1, f.answers.pages);
    reads_turn(&f, 100);
    EXPECT_EQ(WEFT_READS_ON_LOOP + 5, f.answers.pages);
    EXPECT_EQ(6, reads_fake.worked);
    reads_ask(&f, WEFT_STALE, "a", 1); /* The next turn has a share of its own. */
    weft_reads_turn(&f.reads, reads_fake.applied, 200);
    EXPECT_EQ(WEFT_READS_ON_LOOP + 6, f.answers.pages);
    reads_stop(&f);
}

TEST(reads, that_memory_answers_do_not_wait_for_busy_workers)
{
    struct fixture f;
    reads_start(&f);
    for (uint64_t i = 0; i < 3; i++) {
        reads_ask(&f, WEFT_STALE, "on disk", i);
        weft_reads_turn(&f.reads, reads_fake.applied, 100);
    }
    EXPECT_EQ(3, f.reads.working);
    reads_ask(&f, WEFT_STALE, "on disk", 3);
    reads_ask(&f, WEFT_STALE, "a", 4);
    weft_reads_turn(&f.reads, reads_fake.applied, 100);
    EXPECT_EQ(1, f.answers.pages);
    EXPECT_EQ(3, f.reads.working);
    EXPECT_EQ(3, reads_fake.views_open); /* What waits for a worker holds no view. */
    reads_turn(&f, 100);
    reads_turn(&f, 100);
    EXPECT_EQ(5, f.answers.pages);
    EXPECT_EQ(0, f.reads.count);
    reads_stop(&f);
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
    reads_start(&f);
    ask_feed(&f, 9, 1000);
    reads_turn(&f, 100);
    reads_turn(&f, 200);
    EXPECT_EQ(0, f.answers.pages);
    EXPECT_EQ(1, f.reads.count);
    reads_fake.applied = 9;
    reads_fake.feed_end = 10;
    reads_turn(&f, 300);
    EXPECT_EQ(1, f.answers.pages);
    EXPECT_EQ(1, f.answers.last_records);
    EXPECT_EQ(0, f.reads.count);
    reads_stop(&f);
}

/* A page that ended by its budget goes on by its cursor, which speaks for what there was. */
TEST(reads, of_the_feed_with_a_cursor_are_parked_until_something_is_applied)
{
    struct fixture f;
    reads_start(&f);
    const struct weft_waiter waiter = {.client = 3, .generation = 4, .request_id = 77};
    const struct weft_query query = {.type = WEFT_QUERY_COMMITS,
        .consistency = WEFT_STALE,
        .from_index = 3,
        .cursor = {(const uint8_t *)"8", 1},
        .wait_ms = 1000};
    EXPECT_EQ(WEFT_OK, weft_reads_add(&f.reads, &query, &waiter, 100));
    reads_turn(&f, 100);
    reads_turn(&f, 200);
    EXPECT_EQ(0, f.answers.pages);
    reads_fake.applied = 9;
    reads_fake.feed_end = 10;
    reads_turn(&f, 300);
    EXPECT_EQ(1, f.answers.pages);
    EXPECT_EQ(1, f.answers.last_records);
    reads_stop(&f);
}

TEST(reads, of_the_feed_end_empty_when_their_wait_is_over)
{
    struct fixture f;
    reads_start(&f);
    ask_feed(&f, 9, 1000);
    reads_turn(&f, 100);
    EXPECT_EQ(1100, weft_reads_deadline(&f.reads));
    reads_turn(&f, 1100);
    EXPECT_EQ(1, f.answers.pages);
    EXPECT_EQ(0, f.answers.last_records);
    reads_stop(&f);
}

TEST(reads, are_refused_when_the_node_closes)
{
    struct fixture f;
    reads_start(&f);
    reads_ask(&f, WEFT_LINEARIZABLE, "a", 1);
    ask_feed(&f, 9, 1000);
    reads_turn(&f, 100);
    reads_ask(&f, WEFT_LINEARIZABLE, "b", 2);
    reads_stop(&f);
    EXPECT_EQ(3, f.answers.errors);
    EXPECT_EQ(WEFT_ECLOSED, f.answers.last_err);
}

TEST(reads, of_the_pool_are_answered_while_the_round_is_under_way) /* NOD-20 */
{
    struct fixture f;
    reads_start(&f);
    reads_ask_story_as(&f, WEFT_LINEARIZABLE, "a", 1);
    reads_turn(&f, 100);
    EXPECT_EQ(1, reads_fake.worked);
    EXPECT_EQ(0, reads_fake.views_open); /* A checkpoint may be installed meanwhile. */
    EXPECT_TRUE(weft_reads_is_idle(&f.reads));
    reads_turn(&f, 100);
    EXPECT_EQ(0, f.answers.pages); /* Nothing is told before the round has ended. */
    weft_reads_on_read(&f.reads, reads_fake.rounds[0], WEFT_OK, 8);
    reads_turn(&f, 100);
    EXPECT_EQ(1, f.answers.pages);
    EXPECT_EQ(8, f.answers.last_index);
    EXPECT_EQ(1, reads_fake.worked);
    reads_stop(&f);
}

TEST(reads, whose_round_ends_first_wait_for_their_job)
{
    struct fixture f;
    reads_start(&f);
    reads_ask_story_as(&f, WEFT_LINEARIZABLE, "a", 1);
    weft_reads_turn(&f.reads, reads_fake.applied, 100);
    weft_reads_on_read(&f.reads, reads_fake.rounds[0], WEFT_OK, 8);
    weft_reads_turn(&f.reads, reads_fake.applied, 100);
    EXPECT_EQ(0, f.answers.pages);
    reads_turn(&f, 100); /* The job ends... */
    reads_turn(&f, 100);
    EXPECT_EQ(1, f.answers.pages);
    EXPECT_EQ(1, reads_fake.worked);
    reads_stop(&f);
}

TEST(reads, that_went_ahead_of_what_the_round_asks_for_are_read_again) /* NOD-20 */
{
    struct fixture f;
    reads_start(&f);
    reads_ask_story_as(&f, WEFT_LINEARIZABLE, "a", 1);
    reads_turn(&f, 100);
    EXPECT_EQ(1, reads_fake.worked);
    weft_reads_on_read(&f.reads, reads_fake.rounds[0], WEFT_OK, 9);
    reads_turn(&f, 100);
    EXPECT_EQ(0, f.answers.pages);
    reads_fake.applied = 9;
    reads_turn(&f, 100);
    EXPECT_EQ(1, f.answers.pages);
    EXPECT_EQ(9, f.answers.last_index);
    EXPECT_EQ(2, reads_fake.worked);
    reads_ask_story_as(
        &f, WEFT_LINEARIZABLE, "b", 2); /* It does not go ahead: it may be in vain. */
    reads_turn(&f, 100);
    EXPECT_EQ(2, reads_fake.worked);
    weft_reads_on_read(&f.reads, reads_fake.rounds[1], WEFT_OK, 9);
    reads_turn(&f, 100);
    EXPECT_EQ(2, f.answers.pages);
    reads_stop(&f);
}

TEST(reads, that_went_ahead_are_refused_with_their_round)
{
    struct fixture f;
    reads_start(&f);
    reads_ask_story_as(&f, WEFT_LINEARIZABLE, "a", 1);
    reads_turn(&f, 100);
    weft_reads_on_read(&f.reads, reads_fake.rounds[0], WEFT_EUNAVAILABLE, 0);
    EXPECT_EQ(1, f.answers.errors);
    reads_ask_story_as(&f, WEFT_LINEARIZABLE, "b", 2); /* Its job runs when the round fails... */
    weft_reads_turn(&f.reads, reads_fake.applied, 100);
    weft_reads_on_read(&f.reads, reads_fake.rounds[1], WEFT_EUNAVAILABLE, 0);
    EXPECT_EQ(1, f.answers.errors);
    reads_turn(&f, 100);
    EXPECT_EQ(2, f.answers.errors);
    EXPECT_EQ(WEFT_EUNAVAILABLE, f.answers.last_err);
    reads_ask_story_as(&f, WEFT_LINEARIZABLE, "c", 3); /* ...or when the node closes. */
    weft_reads_turn(&f.reads, reads_fake.applied, 100);
    reads_stop(&f);
    EXPECT_EQ(3, f.answers.errors);
    EXPECT_EQ(WEFT_ECLOSED, f.answers.last_err);
    EXPECT_EQ(0, f.answers.pages);
}

TEST(reads, that_went_ahead_time_out_when_no_round_ends)
{
    struct fixture f;
    reads_start(&f);
    reads_ask_story_as(&f, WEFT_LINEARIZABLE, "a", 1);
    reads_turn(&f, 100);
    reads_turn(&f, weft_reads_deadline(&f.reads));
    EXPECT_EQ(1, f.answers.errors);
    EXPECT_EQ(WEFT_ETIMEDOUT, f.answers.last_err);
    reads_stop(&f);
}

TEST(reads, go_ahead_by_so_many_batches_at_once)
{
    struct fixture f;
    reads_start(&f);
    for (uint64_t i = 0; i < 5; i++) { /* No round ends: what is kept meanwhile is bounded. */
        reads_ask_story_as(&f, WEFT_LINEARIZABLE, "a", i);
        reads_turn(&f, 100);
    }
    EXPECT_EQ(3, reads_fake.worked);
    for (uint64_t i = 0; i < 5; i++) {
        weft_reads_on_read(&f.reads, reads_fake.rounds[i], WEFT_OK, 8);
        reads_turn(&f, 100);
    }
    EXPECT_EQ(5, f.answers.pages);
    EXPECT_EQ(5, reads_fake.worked);
    EXPECT_EQ(0, f.reads.ahead);
    reads_stop(&f);
}

TEST(reads, of_a_held_node_do_not_go_ahead)
{
    struct fixture f;
    reads_start(&f);
    weft_reads_hold(&f.reads, true);
    reads_ask_story_as(&f, WEFT_LINEARIZABLE, "a", 1);
    reads_turn(&f, 100);
    EXPECT_EQ(0, reads_fake.worked);
    weft_reads_hold(&f.reads, false);
    weft_reads_on_read(&f.reads, reads_fake.rounds[0], WEFT_OK, 8);
    reads_turn(&f, 100);
    EXPECT_EQ(1, f.answers.pages);
    reads_stop(&f);
}

TEST(reads, that_take_long_are_handed_on_and_the_others_of_the_batch_are_answered) /* NOD-13 */
{
    struct fixture f;
    reads_start(&f);
    reads_ask_story(&f, "a", 1);
    reads_ask_story(&f, "long", 2);
    reads_ask_story(&f, "b", 3);
    reads_turn(&f, 100);
    EXPECT_EQ(2, f.answers.pages);
    EXPECT_EQ(0, f.reads.count);
    EXPECT_EQ(1, reads_figures(&f).waiting);
    reads_turn(&f, 100);
    EXPECT_EQ(3, f.answers.pages);
    EXPECT_EQ(1, reads_figures(&f).answered);
    EXPECT_EQ(0, f.answers.errors);
    EXPECT_EQ(0, reads_fake.unbounded);
    reads_stop(&f);
}

TEST(reads, of_the_feed_have_limits_of_their_own)
{
    struct fixture f;
    reads_start(&f);
    reads_fake.feed_end = 10;
    ask_feed(&f, 3, 1000);
    reads_turn(&f, 100);
    EXPECT_EQ(1, f.answers.pages);
    EXPECT_EQ(1, reads_fake.unbounded);
    reads_stop(&f);
}

TEST(reads, of_a_later_page_of_a_trace_go_to_the_long_ones_at_once)
{
    static const uint8_t cursor[4] = {1, 2, 3, 4};
    struct fixture f;
    reads_start(&f);
    const struct weft_waiter waiter = {.request_id = 1};
    const struct weft_query query = {.type = WEFT_QUERY_TRACE_FORWARD,
        .consistency = WEFT_STALE,
        .asset = WEFT_TEXT("a"),
        .cursor = {cursor, sizeof(cursor)}};
    EXPECT_EQ(WEFT_OK, weft_reads_add(&f.reads, &query, &waiter, 100));
    reads_turn(&f, 100);
    EXPECT_EQ(1, f.answers.pages);
    EXPECT_EQ(1, reads_fake.worked); /* Not tried by the pool before. */
    reads_stop(&f);
}

TEST(reads, over_the_share_of_a_client_are_refused_with_the_limit)
{
    struct fixture f;
    reads_start(&f);
    for (uint64_t i = 0; i < 4; i++) {
        reads_ask_story(&f, "endless", i);
    }
    reads_turn(&f, 100); /* The pool hands on two, a quarter of eight, and refuses the others. */
    EXPECT_EQ(2, f.answers.errors);
    EXPECT_EQ(WEFT_EBUSY, f.answers.last_err);
    EXPECT_TRUE(strstr(f.answers.last_detail, "of 8 such") != NULL);
    EXPECT_TRUE(strstr(f.answers.last_detail, "limits.long_reads_waiting") != NULL);
    EXPECT_EQ(2, reads_figures(&f).refused);
    EXPECT_EQ(2, reads_figures(&f).waiting);
    reads_stop(&f);
    EXPECT_EQ(4, f.answers.errors);
}

TEST(reads, that_are_held_start_no_job_and_end_those_that_run)
{
    struct fixture f;
    reads_start(&f);
    reads_ask_story(&f, "endless", 1);
    reads_turn(&f, 100);
    weft_reads_turn(&f.reads, reads_fake.applied, 100);
    EXPECT_EQ(1, reads_figures(&f).running);
    EXPECT_TRUE(!weft_reads_is_idle(&f.reads));
    weft_reads_hold(&f.reads, true);
    (void)uv_run(&f.loop, UV_RUN_DEFAULT); /* Until it has ended. */
    EXPECT_TRUE(weft_reads_is_idle(&f.reads));
    EXPECT_EQ(1, f.answers.errors);
    EXPECT_EQ(WEFT_EUNAVAILABLE, f.answers.last_err);
    reads_ask_story(&f, "a", 2);
    reads_ask(&f, WEFT_STALE, "a", 3); /* On the loop: no job. */
    reads_turn(&f, 100);
    EXPECT_EQ(1, f.answers.pages);
    EXPECT_TRUE(weft_reads_is_idle(&f.reads));
    weft_reads_hold(&f.reads, false);
    reads_turn(&f, 100);
    EXPECT_EQ(2, f.answers.pages);
    reads_stop(&f);
}

/* Trees across with what partners told: as large, and two do not fit into one batch. */
TEST(reads, with_much_text_are_not_refused_for_one_another)
{
    struct fixture f;
    static char told[5 * 512 * 1024];
    memset(told, 't', sizeof(told));
    const struct weft_query query = {.type = WEFT_QUERY_STORY,
        .asset = WEFT_TEXT("serial:box/7"),
        .consistency = WEFT_STALE,
        .where_value = {told, sizeof(told)}};
    reads_start(&f);
    for (uint64_t i = 0; i < 3; i++) {
        const struct weft_waiter waiter = {.request_id = i};
        EXPECT_EQ(WEFT_OK, weft_reads_add(&f.reads, &query, &waiter, 100));
    }
    for (int i = 0; i < 10 && f.answers.pages < 3; i++) {
        reads_turn(&f, 100);
    }
    EXPECT_EQ(3, f.answers.pages);
    reads_stop(&f);
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

/* NOD-182: on the loop, in the pool, and as a long read. */
TEST(reads, whose_answer_is_labelled_are_held_with_their_report)
{
    static const char *const assets[] = {"at once", "on disk", "long"};
    struct fixture f;
    reads_start(&f);
    for (uint64_t i = 0; i < 6; i++) {
        const struct weft_waiter waiter = {.client = 1, .request_id = i};
        const struct weft_query query = {.type = WEFT_QUERY_ASSET,
            .consistency = WEFT_STALE,
            .asset = weft_text_of(assets[i / 2]),
            .principal = WEFT_TEXT("somebody"),
            .where_value = i % 2 == 0 ? WEFT_TEXT("labelled") : WEFT_TEXT("plain")};
        EXPECT_EQ(WEFT_OK, weft_reads_add(&f.reads, &query, &waiter, 100));
        for (uint32_t n = 0; f.answers.pages == i && n < 100000; n++) {
            reads_turn(&f, 100);
        }
        EXPECT_EQ(i + 1, f.answers.pages);
        EXPECT_EQ(i / 2 + 1, f.answers.held);
    }
    reads_stop(&f);
}
