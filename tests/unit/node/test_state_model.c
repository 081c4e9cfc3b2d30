/* The replicated state against a plain model of it, by random histories and questions. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/state/state.h"
#include "proto/arith.h"
#include "tests/lib/entries.h"
#include "tests/lib/test.h"
#include "tests/unit/node/state_model.h"

#ifdef WEFT_SANITIZED
enum {
    ENTRIES = 800
};
#else
enum {
    ENTRIES = 4000
};
#endif

enum {
    COMMITS_PER_ENTRY_MAX = 8,
    QUESTION_PER_MILLE = 350,
    ITEMS_MAX = COMMITS_PER_ENTRY_MAX + 2,
    PAGES_MAX = 6,
};

#define TIME_FIRST INT64_C(1700000000000000000)

/* What a run has been through: a random test must reach what it guards. */
struct seen {
    int accepted, conflicts, repeats, others, malformed, reopened, changes;
    int pages, empty_answers, none_answers, as_of, at, cursors, late;
    int memory_answers, memory_misses, packed;
};

struct expected {
    bool is_malformed;
    struct model_outcome outcome;
    struct model_commit commit; /* Copies: the model's array moves as it grows. */
    struct model_commit answered;
};

struct world {
    struct weft_state_options options;
    struct weft_state *state;
    struct model model;
    struct test_entry entry;
    struct weft_arena arena;
    struct seen seen;
    uint64_t index;
    uint64_t term;
    int64_t time_ns;
    uint64_t next_id;
    int *places;
};

static void must(enum weft_err err, const struct weft_msg *msg)
{
    if (err != WEFT_OK) {
        (void)fprintf(stderr, "%s: %s\n", weft_err_name(err), msg->text);
    }
    EXPECT_EQ(WEFT_OK, err);
}

static void open_state(struct world *w)
{
    struct weft_msg msg;
    must(weft_state_open(&w->options, &w->state, &msg), &msg);
}

/* --- random commits -------------------------------------------------------------------------- */

static struct model_spec random_spec(struct world *w)
{
    struct model_spec spec = {
        .asset = (int)test_random(MODEL_ASSETS - 2), /* one is a target alone, one nowhere */
        .kind = (int)test_random(MODEL_KINDS),
        .value = (int)test_random(120) - 40,
        .author = test_random(4) == 0 ? 1 + (int)test_random(3) : 0};
    if (test_random(3) == 0) {
        spec.asset = (int)test_random(3); /* some are busy */
    }
    if (test_random(2) == 0) {
        /* Few different times, so that ties happen; some far ahead, some long ago. */
        spec.has_at = true;
        spec.at_ns = TIME_FIRST + ((int64_t)test_random(5000) - 500) * 1000;
    }
    if (test_random(8) == 0) {
        spec.has_expect = true;
        spec.expect_rev =
            test_random(3) == 0 ? test_random(w->index + 1) : w->model.revs[spec.asset];
    }
    if (test_random(4) == 0) {
        spec.link_count = 1 + (int)test_random(MODEL_LINKS_MAX);
        for (int i = 0; i < spec.link_count; i++) {
            spec.links[i][0] = (int)test_random(MODEL_RELS);
            /* Mostly to later numbers, so that what is inside is not always everything. */
            spec.links[i][1] =
                test_random(40) == 0
                    ? (int)test_random(MODEL_ASSETS - 1)
                    : spec.asset + (int)test_random((uint64_t)(MODEL_ASSETS - 1 - spec.asset));
        }
    }
    return spec;
}

static struct model_commit random_commit(struct world *w)
{
    struct model_commit commit = {.principal = (int)test_random(3),
        .count = test_random(3) == 0 ? 1 + (int)test_random(MODEL_COMMIT_MAX) : 1};
    if (w->model.commit_count > 0 && test_random(12) == 0) {
        commit = w->model.commits[test_random((uint64_t)w->model.commit_count)];
        if (test_random(3) == 0) {
            commit.specs[test_random((uint64_t)commit.count)].value += 1;
        }
        return commit;
    }
    if (test_random(10) != 0) {
        weft_put_le64(commit.id.bytes, ++w->next_id);
        weft_put_le64(commit.id.bytes + 8, test_random(0));
    }
    for (int i = 0; i < commit.count; i++) {
        commit.specs[i] = random_spec(w);
    }
    return commit;
}

static void encode_commit(struct world *w, const struct model_commit *commit)
{
    struct weft_arena arena = {.size_max = 1 << 20};
    struct weft_record records[MODEL_COMMIT_MAX];
    for (int i = 0; i < commit->count; i++) {
        records[i] = model_build(&commit->specs[i], &arena);
    }
    const struct weft_commit encoded = {
        .request_id = commit->id, .records = records, .record_count = (uint32_t)commit->count};
    EXPECT_TRUE(test_entry_commit(&w->entry, model_principal(commit->principal), &encoded));
    weft_arena_destroy(&arena);
}

static void check_result(struct world *w, const struct expected *e,
    const struct weft_applied_item *item, bool with_results)
{
    const struct model_outcome *o = &e->outcome;
    if (e->is_malformed) {
        EXPECT_EQ(WEFT_EMALFORMED, item->err);
        w->seen.malformed++;
        return;
    }
    if (o->is_conflict || o->is_other) {
        char pointer[64];
        (void)snprintf(pointer, sizeof(pointer), "/records/%d/expect/rev", o->culprit);
        EXPECT_EQ(WEFT_ECONFLICT, item->err);
        if (with_results) {
            EXPECT_TEXT(o->is_other ? "/request_id" : pointer, item->error.pointer.data);
            EXPECT_EQ(o->present_rev, item->error.present_rev);
        }
        w->seen.conflicts += o->is_conflict;
        w->seen.others += o->is_other;
        return;
    }
    const struct model_commit *answered = &e->answered;
    EXPECT_EQ(WEFT_OK, item->err);
    EXPECT_EQ(o->is_repeated, item->result.repeated);
    EXPECT_EQ(answered->index, item->result.index);
    EXPECT_EQ(answered->count, item->result.receipt_count);
    EXPECT_MEM(e->commit.id.bytes, item->result.request_id.bytes, 16);
    w->seen.repeats += o->is_repeated;
    w->seen.accepted += !o->is_repeated;
    for (int i = 0; with_results && i < answered->count; i++) {
        const struct weft_receipt *receipt = &item->result.receipts[i];
        EXPECT_EQ(answered->index, receipt->rev);
        EXPECT_TEXT(model_asset_name(answered->specs[i].asset), receipt->asset.data);
        for (int j = 0; j < w->model.record_count; j++) {
            const struct model_record *r = &w->model.records[w->model.record_count - 1 - j];
            if (r->index == answered->index &&
                r->ordinal == answered->first_ordinal + (uint32_t)i) {
                EXPECT_MEM(r->digest.bytes, receipt->digest.bytes, WEFT_DIGEST_SIZE);
                EXPECT_EQ(r->time_ns, item->result.time_ns);
                break;
            }
        }
    }
}

static void one_entry(struct world *w)
{
    struct expected expected[ITEMS_MAX];
    uint32_t count = 0;
    uint8_t seed[WEFT_SALT_SEED_SIZE] = {0x5e, 0xed};
    struct weft_applied_item *items;
    uint32_t item_count;
    struct weft_msg msg;
    w->index++;
    w->time_ns += 1 + (int64_t)test_random(2000);
    weft_put_be64(seed + 8, w->index);
    model_begin_entry(&w->model, w->index, w->time_ns, seed);
    test_entry_begin(&w->entry);
    for (uint64_t i = 1 + test_random(COMMITS_PER_ENTRY_MAX); i > 0; i--) {
        struct expected *e = &expected[count++];
        *e = (struct expected){.is_malformed = test_random(50) == 0};
        if (e->is_malformed) {
            test_entry_item(&w->entry, WEFT_ITEM_COMMIT, "person/17", "nonsense", 8);
            continue;
        }
        e->commit = random_commit(w);
        encode_commit(w, &e->commit);
        e->outcome = model_commit(&w->model, &e->commit);
        if (e->outcome.commit != NULL) {
            e->answered = *e->outcome.commit;
        }
    }
    struct weft_log_entry entry = test_entry_end(&w->entry, w->index, w->term, w->time_ns);
    bool with_results = test_random(4) != 0;
    must(weft_state_apply(w->state, &entry, 1, with_results, &w->arena, &items, &item_count, &msg),
        &msg);
    EXPECT_EQ(count, item_count);
    for (uint32_t i = 0; i < count; i++) {
        EXPECT_EQ(w->index, items[i].entry_index);
        EXPECT_EQ(i, items[i].item);
        check_result(w, &expected[i], &items[i], with_results);
    }
    weft_arena_reset(&w->arena);
}

/* An entry that is no batch: a barrier or a configuration. */
static void other_entry(struct world *w)
{
    static const char configuration[] = "a configuration of three";
    struct weft_applied_item *items;
    uint32_t item_count;
    struct weft_msg msg;
    struct weft_state_position position;
    bool is_change = test_random(2) == 0;
    w->term += test_random(2);
    struct weft_log_entry entry = {.index = ++w->index,
        .term = w->term,
        .type = is_change ? WEFT_ENTRY_CHANGE : WEFT_ENTRY_BARRIER};
    if (is_change) {
        entry.data = (struct weft_bytes){(const uint8_t *)configuration, sizeof(configuration)};
    }
    must(weft_state_apply(w->state, &entry, 1, true, &w->arena, &items, &item_count, &msg), &msg);
    EXPECT_EQ(0, item_count);
    w->model.index = w->index;
    weft_state_position(w->state, &position);
    EXPECT_EQ(w->index, position.index);
    EXPECT_EQ(w->term, position.term);
    if (is_change) {
        EXPECT_EQ(w->index, position.conf_index);
        EXPECT_EQ(sizeof(configuration), position.configuration.size);
        EXPECT_MEM(configuration, position.configuration.data, sizeof(configuration));
        w->seen.changes++;
    }
}

/* --- random questions ------------------------------------------------------------------------ */

static void check_record(
    const struct world *w, const struct model_record *r, const struct weft_stored_record *stored)
{
    struct weft_arena arena = {.size_max = 1 << 20};
    struct weft_record record = model_build(&r->spec, &arena);
    const char *author =
        r->spec.author == 0 ? model_principal(r->principal) : model_principal(r->spec.author - 1);
    (void)w;
    EXPECT_EQ(r->index, stored->index);
    EXPECT_EQ(r->ordinal, stored->ordinal);
    EXPECT_EQ(r->time_ns, stored->time_ns);
    EXPECT_EQ(r->spec.at_ns, stored->record.at_ns);
    EXPECT_TRUE(stored->record.has_at);
    EXPECT_MEM(r->digest.bytes, stored->digest.bytes, WEFT_DIGEST_SIZE);
    EXPECT_TRUE(weft_text_equal(record.kind, stored->record.kind));
    EXPECT_TRUE(weft_text_equal(record.asset, stored->record.asset));
    EXPECT_TRUE(weft_text_equal(record.source, stored->record.source));
    EXPECT_TRUE(weft_text_is(stored->record.author, author));
    EXPECT_EQ(record.field_count, stored->record.field_count);
    for (uint32_t i = 0; i < record.field_count; i++) {
        EXPECT_TRUE(weft_text_equal(record.fields[i].path, stored->record.fields[i].path));
        EXPECT_TRUE(weft_text_equal(record.fields[i].value, stored->record.fields[i].value));
        EXPECT_EQ(record.fields[i].type, stored->record.fields[i].type);
    }
    EXPECT_EQ(record.link_count, stored->record.link_count);
    for (uint32_t i = 0; i < record.link_count; i++) {
        EXPECT_TRUE(weft_text_equal(record.links[i].rel, stored->record.links[i].rel));
        EXPECT_TRUE(weft_text_equal(record.links[i].to, stored->record.links[i].to));
        EXPECT_EQ(record.links[i].field_count, stored->record.links[i].field_count);
    }
    weft_arena_destroy(&arena);
}

struct question {
    struct weft_query query;
    int asset;
    int kind;
    int where_field;
    char glob[64];
    char where_value[64];
};

static void random_glob(struct question *q)
{
    static const char *const globs[] = {"", "*", "serial:*", "lot:AL6061/?", "lot:AL6061/1*",
        "*line2*", "urn:epc:id:sgtin:*.011122.?", "serial:box/0", "serial:box/4", "nothing*",
        "*/*1", "s*i*l:*x/?*"};
    (void)snprintf(q->glob, sizeof(q->glob), "%s", globs[test_random(12)]);
    q->query.asset_glob = weft_text_of(q->glob);
}

static void random_where(struct question *q)
{
    static const char *const paths[] = {"", "n", "q", "t"};
    q->where_field = (int)test_random(4);
    q->query.where_path = weft_text_of(paths[q->where_field]);
    q->query.where_op = WEFT_OP_EQ + (enum weft_operator)test_random(6);
    if (q->where_field == MODEL_WHERE_NONE) {
        q->query.where_op = WEFT_OP_NONE;
    } else if (q->where_field == MODEL_WHERE_T) {
        bool is_glob = test_random(2) == 0;
        q->query.where_op = is_glob ? WEFT_OP_GLOB : q->query.where_op;
        (void)snprintf(q->where_value, sizeof(q->where_value),
            is_glob ? "*-%" PRIu64 "-?" : "text-%" PRIu64 "-1", test_random(5));
    } else if (q->where_field == MODEL_WHERE_N) {
        (void)snprintf(q->where_value, sizeof(q->where_value), "%d", (int)test_random(120) - 40);
    } else {
        /* Spelled in another way than the field's values are. */
        (void)snprintf(q->where_value, sizeof(q->where_value), "%de-1", (int)test_random(200) - 60);
    }
    q->query.where_value = weft_text_of(q->where_value);
}

static void random_question(struct world *w, struct question *q)
{
    *q = (struct question){.kind = -1, .asset = (int)test_random(MODEL_ASSETS)};
    q->query.type = WEFT_QUERY_ASSET + (enum weft_query_type)test_random(4);
    q->query.limit = test_random(2) == 0 ? 1 + (uint32_t)test_random(30) : 1000;
    q->query.as_of = test_random(2) == 0 ? 1 + test_random(w->index) : 0;
    q->query.has_at = test_random(3) == 0;
    q->query.at_ns = TIME_FIRST + ((int64_t)test_random(6000) - 600) * 1000;
    switch (q->query.type) {
    case WEFT_QUERY_ASSET:
    case WEFT_QUERY_STORY:
        q->query.asset = weft_text_of(model_asset_name(q->asset));
        q->query.no_inside = test_random(3) == 0;
        break;
    case WEFT_QUERY_FIND:
        random_glob(q);
        random_where(q);
        if (test_random(2) == 0) {
            q->kind = (int)test_random(MODEL_KINDS);
            q->query.kind = weft_text_of(model_kinds[q->kind]);
        }
        break;
    case WEFT_QUERY_COMMITS:
        random_glob(q);
        random_where(q);
        q->query.from_index = test_random(w->index + 2);
        break;
    case WEFT_QUERY_TRACE_FORWARD:
    case WEFT_QUERY_TRACE_BACK:
    case WEFT_QUERY_RECALL:
    case WEFT_QUERY_TWIN:
    case WEFT_QUERY_DIFF:
    case WEFT_QUERY_AUDIT:
        break;
    }
}

/* From memory there is the same answer or none. */
static void check_brief(struct world *w, bool is_asset, enum weft_err brief_err,
    const struct weft_page *brief, enum weft_err err, const struct weft_page *page)
{
    if (brief_err == WEFT_EBUSY) {
        w->seen.memory_misses += is_asset;
        return;
    }
    w->seen.memory_answers++;
    EXPECT_EQ(err, brief_err);
    if (err != WEFT_OK) {
        return;
    }
    EXPECT_EQ(page->index, brief->index);
    EXPECT_EQ(page->asset_rev, brief->asset_rev);
    EXPECT_EQ(page->record_count, brief->record_count);
    for (uint32_t i = 0; i < page->record_count; i++) {
        EXPECT_EQ(page->records[i].index, brief->records[i].index);
        EXPECT_EQ(page->records[i].ordinal, brief->records[i].ordinal);
    }
    EXPECT_EQ(page->cursor.size, brief->cursor.size);
    EXPECT_TRUE(page->cursor.size == 0 ||
                memcmp(page->cursor.data, brief->cursor.data, page->cursor.size) == 0);
}

/* Ask for all pages; between two of them the state may go on. */
static void ask(struct world *w, struct question *q)
{
    uint64_t as_of = q->query.as_of != 0 ? q->query.as_of : w->index;
    int count =
        model_query(&w->model, &q->query, q->asset, q->kind, q->glob, q->where_field, w->places);
    int got = 0, pages = 0;
    uint8_t cursor[64];
    for (;;) {
        struct weft_arena arena = {.size_max = 64 << 20};
        struct weft_view *view;
        struct weft_client_message answer = {.kind = WEFT_KIND_PAGE};
        struct weft_msg msg;
        must(weft_view_open(w->state, &view, &msg), &msg);
        struct weft_client_message brief = {.kind = WEFT_KIND_PAGE};
        enum weft_err brief_err = weft_view_query_memory(view, &q->query, &arena, &brief, &msg);
        q->query.packed = test_random(2) == 0;
        enum weft_err err = weft_view_query(view, &q->query, &arena, &answer, &msg);
        w->seen.packed += err == WEFT_OK && model_open_page(&answer.page, &arena);
        const struct weft_page page = answer.page;
        check_brief(w, q->query.type == WEFT_QUERY_ASSET, brief_err, &brief.page, err, &page);
        if (count < 0) {
            EXPECT_EQ(WEFT_ENOTFOUND, err);
            w->seen.none_answers++;
        } else {
            must(err, &msg);
            EXPECT_EQ(as_of, page.index);
            EXPECT_TRUE(page.record_count <= q->query.limit);
            EXPECT_TRUE(got + (int)page.record_count <= count);
            if (q->query.type == WEFT_QUERY_ASSET) {
                EXPECT_EQ(model_rev(&w->model, q->asset, as_of), page.asset_rev);
            }
            for (uint32_t i = 0; i < page.record_count; i++, got++) {
                check_record(w, &w->model.records[w->places[got]], &page.records[i]);
            }
            w->seen.pages++;
        }
        bool more = count >= 0 && page.cursor.size > 0;
        if (more) {
            EXPECT_TRUE(page.cursor.size <= sizeof(cursor));
            memcpy(cursor, page.cursor.data, page.cursor.size);
            q->query.cursor = (struct weft_bytes){cursor, page.cursor.size};
            w->seen.cursors++;
        } else if (q->query.type == WEFT_QUERY_COMMITS) {
            EXPECT_EQ(as_of + 1, page.next_index);
        }
        weft_view_close(view);
        weft_arena_destroy(&arena);
        if (!more) {
            EXPECT_EQ(count < 0 ? 0 : count, got);
            break;
        }
        if (++pages == PAGES_MAX) {
            break; /* A prefix of a long answer will do. */
        }
        if (test_random(4) == 0) {
            one_entry(w);
        }
    }
    w->seen.empty_answers += count == 0;
    w->seen.as_of += q->query.as_of != 0;
    w->seen.at += q->query.has_at;
}

/* --- the tests ------------------------------------------------------------------------------- */

static void check_counts(const struct world *w)
{
    struct weft_state_position position;
    uint64_t assets = 0;
    weft_state_position(w->state, &position);
    for (int i = 0; i < MODEL_ASSETS; i++) {
        assets += w->model.mentioned[i] != 0;
    }
    EXPECT_EQ(w->index, position.index);
    EXPECT_EQ(w->model.record_count, position.records);
    EXPECT_EQ(assets, position.assets);
}

static void make_world(struct world *w)
{
    static char directory[600];
    memset(w, 0, sizeof(*w));
    (void)snprintf(directory, sizeof(directory), "%s/state", test_directory());
    /* Small memtables, so that the answers come from files of several levels as well. */
    w->options = (struct weft_state_options){.directory = directory,
        .site = "plant1",
        .org = "acme.example",
        .cluster = 7,
        .cache_bytes = 1 << 20,
        .memtable_bytes = 256 * 1024};
    w->arena.size_max = 64 << 20;
    w->term = 1;
    w->time_ns = TIME_FIRST;
    w->places =
        calloc((size_t)ENTRIES * COMMITS_PER_ENTRY_MAX * MODEL_COMMIT_MAX * 2, sizeof(*w->places));
    open_state(w);
}

static void end_world(struct world *w)
{
    weft_state_close(w->state);
    weft_arena_destroy(&w->arena);
    test_entry_destroy(&w->entry);
    model_destroy(&w->model);
    free(w->places);
}

TEST(state_model, agrees_with_a_plain_model_over_a_random_history)
{
    struct world w;
    make_world(&w);
    for (int i = 0; i < ENTRIES; i++) {
        if (test_random(20) == 0) {
            other_entry(&w);
        } else {
            one_entry(&w);
        }
        if (test_random(1000) < QUESTION_PER_MILLE) {
            struct question q;
            random_question(&w, &q);
            ask(&w, &q);
        }
        if (test_random(300) == 0) {
            weft_state_close(w.state);
            open_state(&w);
            w.seen.reopened++;
        }
    }
    check_counts(&w);
    EXPECT_TRUE(w.seen.accepted > 10000 * ENTRIES / 4000);
    EXPECT_TRUE(w.seen.conflicts > 200 * ENTRIES / 4000);
    EXPECT_TRUE(w.seen.repeats > 500 * ENTRIES / 4000);
    EXPECT_TRUE(w.seen.others > 200 * ENTRIES / 4000);
    EXPECT_TRUE(w.seen.malformed > 100 * ENTRIES / 4000);
    EXPECT_TRUE(w.seen.reopened > 3 * ENTRIES / 4000);
    EXPECT_TRUE(w.seen.changes > 20 * ENTRIES / 4000);
    EXPECT_TRUE(w.seen.pages > 1500 * ENTRIES / 4000);
    EXPECT_TRUE(w.seen.cursors > 700 * ENTRIES / 4000);
    EXPECT_TRUE(w.seen.as_of > 400 * ENTRIES / 4000);
    EXPECT_TRUE(w.seen.at > 300 * ENTRIES / 4000);
    EXPECT_TRUE(w.seen.empty_answers > 10 * ENTRIES / 4000);
    EXPECT_TRUE(w.seen.none_answers > 10 * ENTRIES / 4000);
    EXPECT_TRUE(w.seen.memory_answers > 50 * ENTRIES / 4000);
    EXPECT_TRUE(w.seen.memory_misses > 3 * ENTRIES / 4000);
    EXPECT_TRUE(w.seen.packed > 100 * ENTRIES / 4000);
    end_world(&w);
}
