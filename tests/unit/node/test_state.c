/* The replicated state: what a commit does, what is refused, whose state it is. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/arith.h"
#include "tests/lib/test.h"
#include "tests/unit/node/state_fixture.h"

/* --- commits --------------------------------------------------------------------------------- */

TEST(state, gives_receipts_with_revision_and_digest)
{
    struct fixture f;
    fixture_init(&f, "state");
    fixture_open(&f);
    const struct weft_record records[] = {fixture_record("lot:1"), fixture_record("lot:2")};
    const struct weft_applied_item *item = fixture_commit(&f, 1, records, 2);
    EXPECT_EQ(WEFT_OK, item->err);
    EXPECT_EQ(1, item->result.index);
    EXPECT_EQ(f.time_ns, item->result.time_ns);
    EXPECT_TRUE(!item->result.repeated);
    EXPECT_EQ(2, item->result.receipt_count);
    EXPECT_TEXT("lot:2", item->result.receipts[1].asset.data);
    EXPECT_EQ(1, item->result.receipts[1].rev);
    EXPECT_TRUE(
        !weft_digest_equal(&item->result.receipts[0].digest, &item->result.receipts[1].digest));
    fixture_destroy(&f);
}

/* `expect` speaks of the revision before the commit, so two records of one commit may both give
 * it; a mismatch of one refuses both. */
TEST(state, takes_a_commit_whole_or_not_at_all)
{
    struct fixture f;
    fixture_init(&f, "state");
    fixture_open(&f);
    struct weft_record records[] = {fixture_record("lot:1"), fixture_record("lot:1")};
    records[0].has_expect = records[1].has_expect = true;
    EXPECT_EQ(WEFT_OK, fixture_commit(&f, 1, records, 2)->err);

    records[0].expect_rev = 1;
    records[1].expect_rev = 0;
    const struct weft_applied_item *item = fixture_commit(&f, 2, records, 2);
    EXPECT_EQ(WEFT_ECONFLICT, item->err);
    EXPECT_EQ(WEFT_ECONFLICT, item->error.err);
    EXPECT_TEXT("/records/1/expect/rev", item->error.pointer.data);
    EXPECT_EQ(1, item->error.present_rev);
    EXPECT_EQ(2, item->error.index);

    struct weft_state_position position;
    weft_state_position(f.state, &position);
    EXPECT_EQ(2, position.records);
    EXPECT_EQ(1, position.assets);
    fixture_destroy(&f);
}

TEST(state, sees_the_commits_before_it_in_the_same_entry)
{
    struct fixture f;
    fixture_init(&f, "state");
    fixture_open(&f);
    struct weft_record record = fixture_record("lot:1");
    record.has_expect = true;
    struct weft_commit commit = {.records = &record, .record_count = 1};
    test_entry_begin(&f.entry);
    for (uint8_t i = 1; i <= 3; i++) {
        commit.request_id.bytes[0] = i;
        record.expect_rev = i == 3 ? 1 : 0;
        EXPECT_TRUE(test_entry_commit(&f.entry, "person/17", &commit));
    }
    fixture_apply(&f);
    EXPECT_EQ(3, f.item_count);
    EXPECT_EQ(WEFT_OK, f.items[0].err);
    EXPECT_EQ(WEFT_ECONFLICT, f.items[1].err);
    EXPECT_EQ(1, f.items[1].error.present_rev);
    EXPECT_EQ(WEFT_OK, f.items[2].err);
    fixture_destroy(&f);
}

TEST(state, refuses_bytes_that_are_no_commit_and_goes_on)
{
    struct fixture f;
    fixture_init(&f, "state");
    fixture_open(&f);
    struct weft_record record = fixture_record("lot:1");
    const struct weft_commit commit = {.records = &record, .record_count = 1};
    test_entry_begin(&f.entry);
    test_entry_item(&f.entry, WEFT_ITEM_COMMIT, "person/17", "no table at all", 16);
    EXPECT_TRUE(test_entry_commit(&f.entry, "person/17", &commit));
    fixture_apply(&f);
    EXPECT_EQ(WEFT_EMALFORMED, f.items[0].err);
    EXPECT_TRUE(f.items[0].error.detail.size > 0);
    EXPECT_EQ(WEFT_OK, f.items[1].err);
    fixture_destroy(&f);
}

TEST(state, has_room_for_so_many_kinds_and_no_more)
{
    enum {
        PER_COMMIT = 1000,
        KINDS = 65535
    };
    struct fixture f;
    static struct weft_record records[PER_COMMIT];
    static char kinds[PER_COMMIT][16];
    fixture_init(&f, "state");
    f.options.memtable_bytes = 32 << 20;
    fixture_open(&f);
    for (int kind = 0; kind < KINDS; kind += PER_COMMIT) {
        uint32_t count = KINDS - kind < PER_COMMIT ? (uint32_t)(KINDS - kind) : PER_COMMIT;
        for (uint32_t i = 0; i < count; i++) {
            (void)snprintf(kinds[i], sizeof(kinds[i]), "k%u", (unsigned)kind + i);
            records[i] = fixture_record("lot:1");
            records[i].kind = weft_text_of(kinds[i]);
        }
        EXPECT_EQ(WEFT_OK, fixture_commit(&f, (uint64_t)kind + 1, records, count)->err);
    }
    records[0].kind = WEFT_TEXT("one-more");
    EXPECT_EQ(WEFT_ETOOBIG, fixture_commit(&f, KINDS + 1, records, 1)->err);
    records[0].kind = WEFT_TEXT("k65534");
    EXPECT_EQ(WEFT_OK, fixture_commit(&f, KINDS + 2, records, 1)->err);
    fixture_close(&f);
    fixture_open(&f);
    EXPECT_EQ(WEFT_OK, fixture_commit(&f, KINDS + 3, records, 1)->err);
    fixture_destroy(&f);
}

/* --- requests -------------------------------------------------------------------------------- */

TEST(state, answers_a_retry_as_it_did_first)
{
    struct fixture f;
    fixture_init(&f, "state");
    fixture_open(&f);
    struct weft_record record = fixture_record("lot:1");
    struct weft_digest first = fixture_commit(&f, 9, &record, 1)->result.receipts[0].digest;
    (void)fixture_commit(&f, 10, &record, 1);
    struct weft_digest before = fixture_digest(&f).digest;
    for (int restart = 0; restart < 2; restart++) {
        const struct weft_applied_item *item = fixture_commit(&f, 9, &record, 1);
        EXPECT_EQ(WEFT_OK, item->err);
        EXPECT_TRUE(item->result.repeated);
        EXPECT_EQ(1, item->result.index);
        EXPECT_EQ(f.options.cluster, 7);
        EXPECT_TEXT("lot:1", item->result.receipts[0].asset.data);
        EXPECT_MEM(first.bytes, item->result.receipts[0].digest.bytes, WEFT_DIGEST_SIZE);
        fixture_close(&f);
        fixture_open(&f);
    }
    struct weft_state_position position;
    weft_state_position(f.state, &position);
    EXPECT_EQ(2, position.records);
    EXPECT_TRUE(!weft_digest_equal(&before, &position.chain));
    fixture_destroy(&f);
}

TEST(state, takes_a_given_time_and_author_for_what_it_filled_in)
{
    struct fixture f;
    fixture_init(&f, "state");
    fixture_open(&f);
    struct weft_record record = fixture_record("lot:1");
    (void)fixture_commit(&f, 9, &record, 1);
    record.has_at = true;
    record.at_ns = f.time_ns;
    record.author = WEFT_TEXT("person/17");
    EXPECT_TRUE(fixture_commit(&f, 9, &record, 1)->result.repeated);
    record.at_ns++;
    EXPECT_EQ(WEFT_ECONFLICT, fixture_commit(&f, 9, &record, 1)->err);
    fixture_destroy(&f);
}

TEST(state, refuses_a_known_request_id_with_another_content)
{
    struct fixture f;
    fixture_init(&f, "state");
    fixture_open(&f);
    struct weft_record records[] = {fixture_record("lot:1"), fixture_record("lot:2")};
    (void)fixture_commit(&f, 9, records, 1);
    const struct weft_applied_item *item = fixture_commit(&f, 9, &records[1], 1);
    EXPECT_EQ(WEFT_ECONFLICT, item->err);
    EXPECT_TEXT("/request_id", item->error.pointer.data);
    EXPECT_EQ(WEFT_ECONFLICT, fixture_commit(&f, 9, records, 2)->err);
    fixture_destroy(&f);
}

TEST(state, remembers_neither_refused_requests_nor_those_without_id)
{
    struct fixture f;
    fixture_init(&f, "state");
    fixture_open(&f);
    struct weft_record record = fixture_record("lot:1");
    EXPECT_TRUE(!fixture_commit(&f, 0, &record, 1)->result.repeated);
    EXPECT_TRUE(!fixture_commit(&f, 0, &record, 1)->result.repeated);
    record.has_expect = true;
    record.expect_rev = 3;
    EXPECT_EQ(WEFT_ECONFLICT, fixture_commit(&f, 5, &record, 1)->err);
    record.expect_rev = 2;
    EXPECT_EQ(WEFT_OK, fixture_commit(&f, 5, &record, 1)->err);
    fixture_destroy(&f);
}

TEST(state, finds_the_answer_to_a_request_before_it_is_proposed)
{
    struct fixture f;
    struct weft_commit_result result;
    struct weft_request_id id = {{9}};
    fixture_init(&f, "state");
    fixture_open(&f);
    EXPECT_EQ(WEFT_ENOTFOUND, weft_state_find_request(f.state, &id, &f.arena, &result, &f.msg));
    struct weft_record record = fixture_record("lot:1");
    (void)fixture_commit(&f, 9, &record, 1);
    EXPECT_EQ(WEFT_OK, weft_state_find_request(f.state, &id, &f.arena, &result, &f.msg));
    EXPECT_EQ(1, result.index);
    EXPECT_EQ(f.time_ns, result.time_ns);
    EXPECT_EQ(1, result.receipt_count);
    EXPECT_TRUE(result.repeated);
    fixture_destroy(&f);
}

/* --- entries --------------------------------------------------------------------------------- */

static enum weft_err apply_entry(struct fixture *f, const struct weft_log_entry *entry)
{
    return weft_state_apply(
        f->state, entry, 1, true, &f->arena, &f->items, &f->item_count, &f->msg);
}

TEST(state, stops_at_an_entry_that_no_leader_can_have_made)
{
    static const char *const reasons[] = {
        "does not follow", "after term", "not a batch", "damaged item"};
    for (int wrong = 0; wrong < 4; wrong++) {
        struct fixture f;
        char name[16];
        (void)snprintf(name, sizeof(name), "state%d", wrong);
        fixture_init(&f, name);
        fixture_open(&f);
        struct weft_record record = fixture_record("lot:1");
        (void)fixture_commit(&f, 1, &record, 1);
        struct weft_digest before = fixture_digest(&f).digest;

        test_entry_begin(&f.entry);
        const struct weft_commit commit = {.records = &record, .record_count = 1};
        EXPECT_TRUE(test_entry_commit(&f.entry, "person/17", &commit));
        struct weft_log_entry entry =
            test_entry_end(&f.entry, wrong == 0 ? 3 : 2, wrong == 1 ? 0 : 1, f.time_ns + 1);
        if (wrong == 2) {
            f.entry.bytes.data[0] ^= 1;
        } else if (wrong == 3) {
            f.entry.bytes.data[WEFT_ENTRY_HEADER_SIZE] = 77;
        }
        EXPECT_EQ(WEFT_ECORRUPT, apply_entry(&f, &entry));
        EXPECT_TRUE(strstr(f.msg.text, reasons[wrong]) != NULL);
        EXPECT_EQ(WEFT_ESTATE, apply_entry(&f, &entry));
        struct weft_digest after = fixture_digest(&f).digest;
        EXPECT_MEM(before.bytes, after.bytes, WEFT_DIGEST_SIZE);
        fixture_destroy(&f);
    }
}

/* NOD-2: each new leader writes the time of its own clock. */
TEST(state, lifts_the_time_of_a_leader_whose_clock_is_behind)
{
    static const int64_t behind_ns[] = {0, 1, 3600 * INT64_C(1000000000), INT64_MAX / 2};
    struct fixture f;
    fixture_init(&f, "state");
    fixture_open(&f);
    struct weft_record record = fixture_record("lot:1");
    (void)fixture_commit(&f, 1, &record, 1);
    int64_t last_ns = f.time_ns;
    for (uint32_t i = 0; i < 4; i++) {
        const struct weft_commit commit = {.records = &record, .record_count = 1};
        test_entry_begin(&f.entry);
        EXPECT_TRUE(test_entry_commit(&f.entry, "person/17", &commit));
        struct weft_log_entry entry = test_entry_end(&f.entry, 2 + i, 1, last_ns - behind_ns[i]);
        EXPECT_EQ(WEFT_OK, apply_entry(&f, &entry));
        EXPECT_EQ(WEFT_OK, f.items[0].err);
        EXPECT_EQ(++last_ns, f.items[0].result.time_ns);
    }
    test_entry_begin(&f.entry);
    struct weft_log_entry end = test_entry_end(&f.entry, 6, 1, INT64_MAX);
    EXPECT_EQ(WEFT_OK, apply_entry(&f, &end));
    end = test_entry_end(&f.entry, 7, 1, 1);
    EXPECT_EQ(WEFT_ECORRUPT, apply_entry(&f, &end));
    EXPECT_TRUE(strstr(f.msg.text, "end of time") != NULL);
    fixture_destroy(&f);
}

TEST(state, knows_the_entries_that_ask_for_a_digest)
{
    struct fixture f;
    fixture_init(&f, "state");
    fixture_open(&f);
    struct weft_record record = fixture_record("lot:1");
    const struct weft_commit commit = {.records = &record, .record_count = 1};
    test_entry_begin(&f.entry);
    EXPECT_TRUE(test_entry_commit(&f.entry, "person/17", &commit));
    struct weft_log_entry entry = test_entry_end(&f.entry, 1, 1, 1);
    EXPECT_TRUE(!weft_state_is_marker(&entry));
    test_entry_item(&f.entry, WEFT_ITEM_DIGEST, "person/17", "12345678", 8);
    entry = test_entry_end(&f.entry, 1, 1, 1);
    EXPECT_TRUE(weft_state_is_marker(&entry));
    entry.type = WEFT_ENTRY_BARRIER;
    EXPECT_TRUE(!weft_state_is_marker(&entry));
    fixture_apply(&f);
    EXPECT_EQ(WEFT_ITEM_DIGEST, f.items[1].type);
    EXPECT_EQ(WEFT_OK, f.items[1].err);
    fixture_destroy(&f);
}

/* A refusal is part of the history that replicas compare, not only what was accepted. */
TEST(state, chains_what_was_refused_too)
{
    struct fixture f[2];
    struct weft_state_position positions[2];
    for (int i = 0; i < 2; i++) {
        fixture_init(&f[i], i == 0 ? "state0" : "state1");
        fixture_open(&f[i]);
        struct weft_record record = fixture_record("lot:1");
        record.has_expect = true;
        record.expect_rev = 5;
        test_entry_begin(&f[i].entry);
        const struct weft_commit commit = {.records = &record, .record_count = 1};
        if (i == 1) {
            EXPECT_TRUE(test_entry_commit(&f[i].entry, "person/17", &commit));
        }
        fixture_apply(&f[i]);
        weft_state_position(f[i].state, &positions[i]);
    }
    EXPECT_TRUE(!weft_digest_equal(&positions[0].chain, &positions[1].chain));
    fixture_destroy(&f[0]);
    fixture_destroy(&f[1]);
}

TEST(state, keeps_position_and_configuration_over_a_restart)
{
    struct fixture f;
    struct weft_state_position before, after;
    fixture_init(&f, "state");
    fixture_open(&f);
    fixture_replay(&f, 300, 10, true);
    weft_state_position(f.state, &before);
    char configuration[64];
    EXPECT_TRUE(before.conf_index > 0 && before.configuration.size < sizeof(configuration));
    memcpy(configuration, before.configuration.data, before.configuration.size);
    fixture_close(&f);
    fixture_open(&f);
    weft_state_position(f.state, &after);
    EXPECT_EQ(300, after.index);
    EXPECT_EQ(before.term, after.term);
    EXPECT_EQ(before.time_ns, after.time_ns);
    EXPECT_EQ(before.conf_index, after.conf_index);
    EXPECT_EQ(before.configuration.size, after.configuration.size);
    EXPECT_MEM(configuration, after.configuration.data, after.configuration.size);
    EXPECT_MEM(before.chain.bytes, after.chain.bytes, WEFT_DIGEST_SIZE);
    fixture_destroy(&f);
}

/* --- whose state it is ----------------------------------------------------------------------- */

TEST(state, is_refused_to_another_site_organization_or_cluster)
{
    struct fixture f;
    fixture_init(&f, "state");
    fixture_open(&f);
    fixture_close(&f);
    const struct weft_state_options own = f.options;
    f.options.site = "plant2";
    EXPECT_EQ(WEFT_EPEER, weft_state_open(&f.options, &f.state, &f.msg));
    EXPECT_TRUE(strstr(f.msg.text, "plant1") != NULL && strstr(f.msg.text, "plant2") != NULL);
    f.options = own;
    f.options.org = "other.example";
    EXPECT_EQ(WEFT_EPEER, weft_state_open(&f.options, &f.state, &f.msg));
    f.options = own;
    f.options.cluster = 8;
    EXPECT_EQ(WEFT_EPEER, weft_state_open(&f.options, &f.state, &f.msg));
    f.options = own;
    fixture_open(&f);
    fixture_destroy(&f);
}

TEST(state, opens_once_at_a_time)
{
    struct fixture f;
    struct weft_state *second;
    fixture_init(&f, "state");
    fixture_open(&f);
    EXPECT_EQ(WEFT_EBUSY, weft_state_open(&f.options, &second, &f.msg));
    fixture_destroy(&f);
}

TEST(state, is_not_made_by_reading_and_not_changed_by_a_reader)
{
    struct fixture f;
    fixture_init(&f, "state");
    f.options.read_only = true;
    EXPECT_EQ(WEFT_ENOTFOUND, weft_state_open(&f.options, &f.state, &f.msg));
    f.options.read_only = false;
    fixture_open(&f);
    fixture_replay(&f, 50, 5, true);
    struct weft_digest written = fixture_digest(&f).digest;
    fixture_close(&f);
    f.options.read_only = true;
    fixture_open(&f);
    EXPECT_EQ(50, f.index);
    struct weft_digest read = fixture_digest(&f).digest;
    EXPECT_MEM(written.bytes, read.bytes, WEFT_DIGEST_SIZE);
    struct test_entry e = {.bytes = {.data = NULL}};
    struct weft_log_entry entry = fixture_history(&e, 51);
    EXPECT_EQ(WEFT_ESTATE, apply_entry(&f, &entry));
    test_entry_destroy(&e);
    fixture_destroy(&f);
}

/* --- questions that are refused -------------------------------------------------------------- */

static enum weft_err ask(struct fixture *f, const struct weft_query *query, struct weft_page *page)
{
    struct weft_view *view;
    EXPECT_EQ(WEFT_OK, weft_view_open(f->state, &view, &f->msg));
    struct weft_client_message answer = {.kind = WEFT_KIND_PAGE};
    enum weft_err err = weft_view_query(view, query, &f->arena, &answer, &f->msg);
    EXPECT_EQ(WEFT_KIND_PAGE, answer.kind);
    *page = answer.page;
    weft_view_close(view);
    return err;
}

TEST(state, refuses_types_of_questions_that_there_are_not)
{
    static const int types[] = {0, WEFT_QUERY_AUDIT + 1, 77};
    struct fixture f;
    struct weft_page page;
    fixture_init(&f, "state");
    fixture_open(&f);
    for (int i = 0; i < 3; i++) {
        struct weft_query query = {
            .type = (enum weft_query_type)types[i], .asset = WEFT_TEXT("serial:box/1")};
        EXPECT_EQ(WEFT_EINVAL, ask(&f, &query, &page));
        EXPECT_TRUE(strstr(f.msg.text, "there is no query of type") != NULL);
    }
    fixture_destroy(&f);
}

TEST(state, refuses_questions_that_make_no_sense)
{
    struct fixture f;
    struct weft_page page;
    fixture_init(&f, "state");
    fixture_open(&f);
    fixture_replay(&f, 100, 10, false);
    struct weft_query find = {.type = WEFT_QUERY_FIND, .limit = 3};
    EXPECT_EQ(WEFT_OK, ask(&f, &find, &page));
    EXPECT_EQ(3, page.record_count);
    /* A cursor is good for the query it came from, and only whole. */
    struct weft_query wrong = find;
    wrong.cursor = page.cursor;
    EXPECT_EQ(WEFT_OK, ask(&f, &wrong, &page));
    wrong.kind = WEFT_TEXT("inspection");
    EXPECT_EQ(WEFT_EINVAL, ask(&f, &wrong, &page));
    wrong.kind = WEFT_TEXT("");
    wrong.cursor.size--;
    EXPECT_EQ(WEFT_EINVAL, ask(&f, &wrong, &page));
    wrong = find;
    wrong.where_path = WEFT_TEXT("flatness");
    EXPECT_EQ(WEFT_EINVAL, ask(&f, &wrong, &page));
    wrong.where_op = (enum weft_operator)99;
    EXPECT_EQ(WEFT_EINVAL, ask(&f, &wrong, &page));
    wrong = find;
    wrong.asset_glob = WEFT_TEXT("serial:\xff*");
    EXPECT_EQ(WEFT_EINVAL, ask(&f, &wrong, &page));
    wrong = find;
    wrong.as_of = 101;
    EXPECT_EQ(WEFT_EUNAVAILABLE, ask(&f, &wrong, &page));
    wrong.type = (enum weft_query_type)99;
    wrong.as_of = 0;
    EXPECT_EQ(WEFT_EINVAL, ask(&f, &wrong, &page));
    struct weft_query asset = {.type = WEFT_QUERY_ASSET, .asset = WEFT_TEXT("nobody")};
    EXPECT_EQ(WEFT_ENOTFOUND, ask(&f, &asset, &page));
    asset.asset = WEFT_TEXT("");
    EXPECT_EQ(WEFT_ENOTFOUND, ask(&f, &asset, &page));
    fixture_destroy(&f);
}

/* A kind with few versions is walked over, one with many is descended to. */
TEST(state, finds_the_newest_of_each_kind_among_few_and_many_versions)
{
    enum {
        KINDS = 4,
        ROUNDS = 24
    };
    static const char *const kinds[KINDS] = {"a", "b", "c", "d"};
    static const uint64_t every[KINDS] = {1, 2, 3, 5};
    struct fixture f;
    struct weft_page page;
    uint64_t revs[ROUNDS * KINDS + 1][KINDS] = {{0}};
    fixture_init(&f, "state");
    fixture_open(&f);
    for (uint64_t i = 0; i < ROUNDS * KINDS; i++) {
        uint64_t kind = i % KINDS;
        struct weft_record record =
            fixture_record(i / KINDS % every[kind] == 0 ? "lot:1" : "lot:2");
        record.kind = weft_text_of(kinds[kind]);
        EXPECT_EQ(WEFT_OK, fixture_commit(&f, i + 1, &record, 1)->err);
        memcpy(revs[f.index], revs[f.index - 1], sizeof(revs[0]));
        revs[f.index][kind] = i / KINDS % every[kind] == 0 ? f.index : revs[f.index][kind];
    }
    for (uint64_t as_of = KINDS; as_of <= f.index; as_of++) {
        const struct weft_query query = {
            .type = WEFT_QUERY_ASSET, .asset = WEFT_TEXT("lot:1"), .as_of = as_of};
        weft_arena_reset(&f.arena);
        EXPECT_EQ(WEFT_OK, ask(&f, &query, &page));
        EXPECT_EQ(KINDS, page.record_count);
        uint64_t newest = 0;
        for (uint32_t k = 0; k < KINDS; k++) {
            EXPECT_EQ(revs[as_of][k], page.records[k].index);
            newest = revs[as_of][k] > newest ? revs[as_of][k] : newest;
        }
        EXPECT_EQ(newest, page.asset_rev);
    }
    fixture_destroy(&f);
}

static enum weft_err ask_memory(
    struct fixture *f, const struct weft_query *query, struct weft_page *page)
{
    struct weft_view *view;
    weft_arena_reset(&f->arena);
    EXPECT_EQ(WEFT_OK, weft_view_open(f->state, &view, &f->msg));
    struct weft_client_message answer = {.kind = WEFT_KIND_PAGE};
    enum weft_err err = weft_view_query_memory(view, query, &f->arena, &answer, &f->msg);
    *page = answer.page;
    weft_view_close(view);
    return err;
}

TEST(state, answers_from_memory_what_is_there_and_short)
{
    enum {
        KINDS = 100
    };
    struct fixture f;
    struct weft_page page;
    static char kinds[KINDS][16];
    static struct weft_record records[KINDS + 1];
    fixture_init(&f, "state");
    fixture_open(&f);
    for (uint32_t i = 0; i < KINDS; i++) {
        (void)snprintf(kinds[i], sizeof(kinds[i]), "k%u", i);
        records[i] = fixture_record("lot:many");
        records[i].kind = weft_text_of(kinds[i]);
    }
    records[KINDS] = fixture_record("lot:1");
    EXPECT_EQ(WEFT_OK, fixture_commit(&f, 1, records, KINDS + 1)->err);
    const struct weft_query one = {.type = WEFT_QUERY_ASSET, .asset = WEFT_TEXT("lot:1")};
    const struct weft_query none = {.type = WEFT_QUERY_ASSET, .asset = WEFT_TEXT("lot:2")};
    const struct weft_query many = {.type = WEFT_QUERY_ASSET, .asset = WEFT_TEXT("lot:many")};
    const struct weft_query story = {.type = WEFT_QUERY_STORY, .asset = WEFT_TEXT("lot:1")};
    EXPECT_EQ(WEFT_OK, ask_memory(&f, &one, &page));
    EXPECT_EQ(WEFT_ENOTFOUND, ask_memory(&f, &none, &page));
    EXPECT_EQ(WEFT_EBUSY, ask_memory(&f, &many, &page)); /* It would take long. */
    EXPECT_EQ(WEFT_EBUSY, ask_memory(&f, &story, &page));
    fixture_close(&f);
    fixture_open(&f);
    EXPECT_EQ(WEFT_EBUSY, ask_memory(&f, &one, &page)); /* It would wait for the disk. */
    EXPECT_EQ(WEFT_OK, ask(&f, &one, &page));
    EXPECT_EQ(WEFT_OK, ask_memory(&f, &one, &page));
    EXPECT_EQ(1, page.record_count);
    fixture_destroy(&f);
}

/* Even one record over the size of an answer is given: alone. */
TEST(state, keeps_pages_within_the_size_of_an_answer)
{
    enum {
        RECORDS = 12,
        VALUE = 60000,
        FIELDS = 8
    };
    struct fixture f;
    struct weft_page page;
    static char value[VALUE];
    struct weft_field fields[FIELDS];
    static const char *const paths[FIELDS] = {"a", "b", "c", "d", "e", "f", "g", "h"};
    memset(value, 'x', sizeof(value));
    fixture_init(&f, "state");
    fixture_open(&f);
    for (int i = 0; i < FIELDS; i++) {
        fields[i] = (struct weft_field){weft_text_of(paths[i]), {value, VALUE}, WEFT_VALUE_TEXT};
    }
    struct weft_record record = fixture_record("lot:1");
    record.fields = fields;
    record.field_count = FIELDS;
    for (uint64_t i = 1; i <= RECORDS; i++) {
        EXPECT_EQ(WEFT_OK, fixture_commit(&f, i, &record, 1)->err);
    }
    struct weft_query query = {.type = WEFT_QUERY_STORY, .asset = WEFT_TEXT("lot:1"), .limit = 100};
    uint32_t got = 0;
    int pages = 0;
    do {
        EXPECT_EQ(WEFT_OK, ask(&f, &query, &page));
        EXPECT_TRUE(page.record_count >= 1);
        EXPECT_TRUE((size_t)page.record_count * FIELDS * VALUE <= WEFT_ANSWER_SIZE_MAX / 2);
        got += page.record_count;
        query.cursor = page.cursor;
        pages++;
    } while (page.cursor.size > 0);
    EXPECT_EQ(RECORDS, got);
    EXPECT_TRUE(pages > 2);
    fixture_destroy(&f);
}

TEST(state, stops_digesting_when_told_to)
{
    struct fixture f;
    struct weft_view *view;
    struct weft_digest_result result;
    const bool cancel = true;
    fixture_init(&f, "state");
    fixture_open(&f);
    fixture_replay(&f, 10, 5, false);
    EXPECT_EQ(WEFT_OK, weft_view_open(f.state, &view, &f.msg));
    EXPECT_EQ(WEFT_ECLOSED, weft_view_digest(view, &cancel, &result, &f.msg));
    weft_view_close(view);
    fixture_destroy(&f);
}

/* --- other threads --------------------------------------------------------------------------- */

struct reader {
    pthread_t thread;
    struct weft_view *view;
    uint64_t records; /* The state's, when the view was taken. */
    uint64_t got;
    enum weft_err err;
};

/* All records of the view, in pages, and a story. */
static void *read_all(void *ctx)
{
    struct reader *r = ctx;
    struct weft_arena arena = {.size_max = 64 << 20};
    struct weft_msg msg;
    struct weft_client_message answer;
    struct weft_query query = {.type = WEFT_QUERY_COMMITS, .limit = 200};
    uint8_t cursor[64];
    do {
        weft_arena_reset(&arena);
        r->err = weft_view_query(r->view, &query, &arena, &answer, &msg);
        if (r->err != WEFT_OK) {
            break;
        }
        r->got += answer.page.record_count;
        if (answer.page.cursor.size > 0) { /* It has no bytes on the last page. */
            memcpy(cursor, answer.page.cursor.data, answer.page.cursor.size);
        }
        query.cursor = (struct weft_bytes){cursor, answer.page.cursor.size};
    } while (query.cursor.size > 0);
    const struct weft_query story = {
        .type = WEFT_QUERY_STORY, .asset = WEFT_TEXT("serial:box/1"), .limit = 100};
    if (r->err == WEFT_OK) {
        r->err = weft_view_query(r->view, &story, &arena, &answer, &msg);
    }
    weft_view_close(r->view);
    weft_arena_destroy(&arena);
    return NULL;
}

/* Each view holds what was applied when it was taken, whatever happens meanwhile (NOD-107). */
TEST(state, answers_on_other_threads_while_entries_are_applied)
{
    enum {
        ROUNDS = 12,
        READERS = 3
    };
    struct fixture f;
    fixture_init(&f, "state");
    fixture_open(&f);
    fixture_replay(&f, 40, 10, false);
    for (int round = 0; round < ROUNDS; round++) {
        struct reader readers[READERS];
        for (int i = 0; i < READERS; i++) {
            struct weft_state_position position;
            weft_state_position(f.state, &position);
            readers[i] = (struct reader){.records = position.records};
            EXPECT_EQ(WEFT_OK, weft_view_open(f.state, &readers[i].view, &f.msg));
            EXPECT_EQ(0, pthread_create(&readers[i].thread, NULL, read_all, &readers[i]));
            fixture_replay(&f, f.index + 5, 2, false);
        }
        for (int i = 0; i < READERS; i++) {
            EXPECT_EQ(0, pthread_join(readers[i].thread, NULL));
            EXPECT_EQ(WEFT_OK, readers[i].err);
            EXPECT_EQ(readers[i].records, readers[i].got);
        }
    }
    fixture_destroy(&f);
}
