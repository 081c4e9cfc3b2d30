/* Questions about the thread at any two times against a replay of the log: random histories,
 * random questions for story, get, find, traces and recalls, true at a time and known at an
 * index. Each history stands twice: with the index of lineage and without, and both must give
 * what brute force gives. */
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
    HISTORIES = 4
};
#else
enum {
    HISTORIES = 20
};
#endif

enum {
    ENTRIES = 90,
    QUESTIONS = 520, /* per history */
    STATES = 2,
    RECORDS_MAX = ENTRIES * 3 * MODEL_COMMIT_MAX,
};

#define TIME_FIRST INT64_C(1700000000000000000)

/* A random test must reach what it guards. */
struct seen {
    int questions, empty, missing, pages, as_of, by_time, at, both, reopened, steps, packed;
    int cycles, ended, dangling, leaves, narrowed, located, by_kind, by_rel, names, records,
        no_events;
};

struct world {
    struct weft_state_options options[STATES];
    char directories[STATES][600];
    struct weft_state *states[STATES];
    struct model model;
    struct test_entry entry;
    struct weft_arena arena;
    uint64_t index;
    int64_t time_ns;
    int density; /* Links: from few to many; odd: no record is an event with a parent. */
};

static struct seen seen;

static void must(enum weft_err err, const struct weft_msg *msg)
{
    if (err != WEFT_OK) {
        (void)fprintf(stderr, "%s: %s\n", weft_err_name(err), msg->text);
    }
    EXPECT_EQ(WEFT_OK, err);
}

/* --- histories ------------------------------------------------------------------------------- */

static struct model_spec random_spec(struct world *w)
{
    struct model_spec spec = {.asset = (int)test_random(MODEL_ASSETS - 2),
        .kind = (int)test_random(MODEL_KINDS),
        .value = (int)test_random(120) - 40};
    if (test_random(3) == 0) {
        spec.asset = (int)test_random(6); /* some are busy */
    }
    if (test_random(3) > 0) {
        spec.has_at = true; /* few times, so that ties happen */
        spec.at_ns = TIME_FIRST + (int64_t)test_random(40) * 1000;
    }
    if ((int)test_random(10) < w->density) {
        model_random_links(&spec, w->density % 2 == 0);
    }
    return spec;
}

static void apply(struct world *w, const struct weft_log_entry *entry)
{
    for (int i = 0; i < STATES; i++) {
        struct weft_applied_item *items;
        uint32_t count;
        struct weft_msg msg;
        must(
            weft_state_apply(w->states[i], entry, 1, false, &w->arena, &items, &count, &msg), &msg);
        weft_arena_reset(&w->arena);
    }
}

static void one_entry(struct world *w)
{
    uint8_t seed[WEFT_SALT_SEED_SIZE] = {0x5e, 0xed};
    w->index++;
    w->time_ns += 1 + (int64_t)test_random(2000);
    weft_put_be64(seed + 8, w->index);
    model_begin_entry(&w->model, w->index, w->time_ns, seed);
    test_entry_begin(&w->entry);
    for (uint64_t i = 1 + test_random(3); i > 0; i--) {
        struct weft_arena arena = {.size_max = 1 << 20};
        struct weft_record records[MODEL_COMMIT_MAX];
        struct model_commit commit = {.count = 1 + (int)test_random(MODEL_COMMIT_MAX)};
        for (int j = 0; j < commit.count; j++) {
            commit.specs[j] = random_spec(w);
            records[j] = model_build(&commit.specs[j], &arena);
        }
        const struct weft_commit encoded = {
            .records = records, .record_count = (uint32_t)commit.count};
        EXPECT_TRUE(test_entry_commit(&w->entry, model_principal(0), &encoded));
        EXPECT_TRUE(model_commit(&w->model, &commit).commit != NULL);
        weft_arena_destroy(&arena);
    }
    struct weft_log_entry entry = test_entry_end(&w->entry, w->index, 1, w->time_ns);
    apply(w, &entry);
}

static void open_states(struct world *w)
{
    for (int i = 0; i < STATES; i++) {
        struct weft_msg msg;
        must(weft_state_open(&w->options[i], &w->states[i], &msg), &msg);
    }
}

static void close_states(struct world *w)
{
    for (int i = 0; i < STATES; i++) {
        weft_state_close(w->states[i]);
    }
}

static void make_world(struct world *w, int number)
{
    memset(w, 0, sizeof(*w));
    w->density = 2 + number % 6;
    w->arena.size_max = 64 << 20;
    w->time_ns = TIME_FIRST;
    for (int i = 0; i < STATES; i++) {
        (void)snprintf(w->directories[i], sizeof(w->directories[i]), "%s/state-%d-%d",
            test_directory(), number, i);
        w->options[i] = (struct weft_state_options){.directory = w->directories[i],
            .site = "plant1",
            .org = "acme.example",
            .cluster = 7,
            .cache_bytes = 1 << 20,
            .memtable_bytes = 256 * 1024,
            .lineage_bytes = i == 0 ? 64 << 20 : 0};
    }
    open_states(w);
    for (int i = 0; i < ENTRIES; i++) {
        one_entry(w);
    }
}

static void end_world(struct world *w)
{
    close_states(w);
    weft_arena_destroy(&w->arena);
    test_entry_destroy(&w->entry);
    model_destroy(&w->model);
}

/* --- answers --------------------------------------------------------------------------------- */

/* The whole of an answer, page by page; between two pages the states may go on. */
struct answer {
    enum weft_err err;
    struct weft_arena arena;
    struct weft_trace_step steps[MODEL_ASSETS + 1];
    uint32_t step_count;
    struct weft_stored_record records[RECORDS_MAX + 64];
    uint32_t record_count;
    char names[8192];
    struct weft_trace_result last;
};

static void take_page(struct answer *a, struct weft_client_message *m)
{
    if (m->kind == WEFT_KIND_PAGE) {
        seen.packed += model_open_page(&m->page, &a->arena);
        for (uint32_t i = 0; i < m->page.record_count; i++) {
            a->records[a->record_count++] = m->page.records[i];
        }
        return;
    }
    EXPECT_EQ(WEFT_KIND_TRACE_RESULT, m->kind);
    a->last = m->trace;
    EXPECT_TRUE(m->trace.steps.count == 0 || a->step_count == m->trace.first_step);
    model_unpack(&m->trace, &a->arena, &a->steps[a->step_count], &a->records[a->record_count]);
    a->step_count += m->trace.steps.count;
    a->record_count += m->trace.records.count;
    size_t used = strlen(a->names);
    (void)snprintf(a->names + used, sizeof(a->names) - used, "%.*s", (int)m->trace.assets.size,
        m->trace.assets.data);
}

/* Sometimes the index is asked for by a time at which it was the last one. */
static void say_by_time(const struct world *w, struct weft_query *query)
{
    int64_t from_ns, until_ns = w->time_ns + 5000;
    if (query->as_of != 0 && test_random(2) == 0 &&
        model_times_of(&w->model, query->as_of, &from_ns, &until_ns)) {
        query->has_as_of_ns = true;
        query->as_of_ns = from_ns + (int64_t)test_random((uint64_t)(until_ns - from_ns));
        query->as_of = 0;
        seen.by_time++;
    }
}

static void ask(struct world *w, int state, struct weft_query query, struct answer *a)
{
    uint64_t as_of = query.as_of != 0 ? query.as_of : w->index;
    struct weft_client_message m;
    struct weft_msg msg;
    say_by_time(w, &query);
    for (;;) {
        struct weft_view *view;
        must(weft_view_open(w->states[state], &view, &msg), &msg);
        query.packed = test_random(2) == 0;
        a->err = weft_view_query(view, &query, &a->arena, &m, &msg);
        if (a->err == WEFT_OK) {
            take_page(a, &m); /* What is packed lives as long as the view. */
        }
        weft_view_close(view);
        if (a->err == WEFT_ENOTFOUND) {
            return;
        }
        must(a->err, &msg);
        EXPECT_EQ(as_of, m.kind == WEFT_KIND_PAGE ? m.page.index : m.trace.index);
        query.cursor = m.kind == WEFT_KIND_PAGE ? m.page.cursor : m.trace.cursor;
        seen.pages += query.cursor.size > 0;
        if (query.cursor.size == 0) {
            return;
        }
    }
}

static struct answer *answer_create(void)
{
    struct answer *a = calloc(1, sizeof(*a));
    a->arena.size_max = 256 << 20;
    return a;
}

static void answer_destroy(struct answer *a)
{
    weft_arena_destroy(&a->arena);
    free(a);
}

static const struct model_record *record_of(const struct world *w, uint64_t index, uint32_t ordinal)
{
    for (int i = 0; i < w->model.record_count; i++) {
        const struct model_record *r = &w->model.records[i];
        if (r->index == index && r->ordinal == ordinal) {
            return r;
        }
    }
    return NULL;
}

static void expect_name(int asset, struct weft_text name)
{
    char text[300];
    (void)snprintf(text, sizeof(text), "%.*s", (int)name.size, name.data);
    EXPECT_TEXT(model_asset_name(asset), text);
}

/* --- questions ------------------------------------------------------------------------------- */

struct question {
    struct weft_query query;
    struct model_trace trace;
    int asset;
    int kind;
    const char *glob;
    char rels[200];
};

static void random_times(const struct world *w, struct question *q)
{
    q->query.as_of = test_random(2) == 0 ? 1 + test_random(w->index) : 0;
    q->query.has_at = test_random(2) == 0;
    q->query.at_ns = q->query.has_at ? TIME_FIRST + ((int64_t)test_random(44) - 2) * 1000 : 0;
    seen.as_of += q->query.as_of != 0;
    seen.at += q->query.has_at;
    seen.both += q->query.as_of != 0 && q->query.has_at;
}

static void random_rels(struct question *q)
{
    static const char material[] =
        "consumes uses_lot input contains installs output part_of installed_in";
    static const char ends[] = "releases removes removed_from empties";
    bool is_default = test_random(3) != 0;
    for (int rel = 0; rel < MODEL_RELS; rel++) {
        bool is_material = strstr(material, model_rels[rel]) != NULL;
        bool is_asked =
            is_default ? is_material : test_random(3) == 0 && strstr(ends, model_rels[rel]) == NULL;
        if (!is_asked) {
            continue;
        }
        q->trace.rels |= UINT32_C(1) << rel;
        if (!is_default) {
            size_t used = strlen(q->rels);
            (void)snprintf(q->rels + used, sizeof(q->rels) - used, "%s%s", used > 0 ? "," : "",
                model_rels[rel]);
        }
    }
    if (q->trace.rels == 0) {
        random_rels(q);
        return;
    }
    q->query.rels = weft_text_of(q->rels);
    seen.by_rel += !is_default;
}

static void random_trace(struct question *q)
{
    q->query.type = test_random(2) == 0 ? WEFT_QUERY_TRACE_FORWARD : WEFT_QUERY_TRACE_BACK;
    q->trace.is_forward = q->query.type == WEFT_QUERY_TRACE_FORWARD;
    q->trace.depth_max = test_random(3) == 0 ? 1 + (int)test_random(4) : 0;
    q->query.depth_max = (uint32_t)q->trace.depth_max;
    q->trace.to_kind = test_random(4) == 0 ? (int)test_random(MODEL_KINDS) : -1;
    if (q->trace.to_kind >= 0) {
        q->query.to_kind = weft_text_of(model_kinds[q->trace.to_kind]);
        seen.by_kind++;
    }
    random_rels(q);
}

static void random_recall(struct question *q)
{
    q->query.type = WEFT_QUERY_RECALL;
    q->query.asset = (struct weft_text){NULL, 0};
    q->trace.is_recall = q->trace.is_forward = true;
    q->trace.lot = q->trace.machine = q->trace.part = -1;
    while (q->trace.lot < 0 && q->trace.machine < 0 && q->trace.part < 0) {
        q->trace.lot = test_random(2) == 0 ? (int)test_random(MODEL_ASSETS) : -1;
        q->trace.machine = test_random(2) == 0 ? (int)test_random(5) : -1;
        q->trace.part = test_random(3) == 0 ? (int)test_random(5) : -1;
    }
    q->query.asset = q->trace.lot >= 0 ? weft_text_of(model_asset_name(q->trace.lot))
                                       : (struct weft_text){NULL, 0};
    if (q->trace.machine >= 0) {
        q->query.machine = weft_text_of(model_asset_name(q->trace.machine));
        q->query.has_window = test_random(2) == 0;
        q->query.window_from_ns = TIME_FIRST + (int64_t)test_random(30) * 1000;
        q->query.window_to_ns = q->query.window_from_ns + 1 + (int64_t)test_random(30) * 1000;
    }
    if (q->trace.part >= 0) {
        q->query.part = weft_text_of(model_asset_name(q->trace.part));
    }
    random_rels(q);
}

static void random_question(const struct world *w, struct question *q)
{
    static const char *const globs[] = {"", "*", "serial:*", "lot:AL6061/?", "*line2*", "*/*1"};
    *q = (struct question){.kind = -1, .asset = (int)test_random(MODEL_ASSETS), .glob = ""};
    random_times(w, q);
    q->query.asset = weft_text_of(model_asset_name(q->asset));
    q->query.limit = test_random(2) == 0 ? 1 + (uint32_t)test_random(12) : 0;
    q->query.ids_only = test_random(5) == 0;
    q->query.with_records = test_random(3) == 0;
    switch (test_random(8)) {
    case 0:
        q->query.type = WEFT_QUERY_ASSET;
        break;
    case 1:
        q->query.type = WEFT_QUERY_STORY;
        q->query.no_inside = test_random(3) == 0;
        break;
    case 2:
        q->query.type = WEFT_QUERY_FIND;
        q->query.asset = (struct weft_text){NULL, 0};
        q->glob = globs[test_random(6)];
        q->query.asset_glob = weft_text_of(q->glob);
        q->kind = test_random(2) == 0 ? (int)test_random(MODEL_KINDS) : -1;
        q->query.kind = weft_text_of(q->kind >= 0 ? model_kinds[q->kind] : "");
        break;
    case 3:
        random_recall(q);
        break;
    default:
        random_trace(q);
        break;
    }
}

/* --- judging --------------------------------------------------------------------------------- */

static void judge_records(struct world *w, const struct question *q, const struct answer *a)
{
    int *places = calloc((size_t)w->model.record_count + 1, sizeof(*places));
    int count =
        model_query(&w->model, &q->query, q->asset, q->kind, q->glob, MODEL_WHERE_NONE, places);
    if (count < 0) {
        EXPECT_EQ(WEFT_ENOTFOUND, a->err);
        seen.missing++;
    } else {
        EXPECT_EQ(WEFT_OK, a->err);
        EXPECT_EQ(count, a->record_count);
        for (int i = 0; i < count; i++) {
            const struct model_record *r = &w->model.records[places[i]];
            EXPECT_EQ(r->index, a->records[i].index);
            EXPECT_EQ(r->ordinal, a->records[i].ordinal);
            EXPECT_MEM(r->digest.bytes, a->records[i].digest.bytes, WEFT_DIGEST_SIZE);
        }
        seen.empty += count == 0;
    }
    free(places);
}

static void judge_names(const struct model_step *steps, int count, const struct answer *a)
{
    char names[8192] = "";
    for (int i = 0; i < count; i++) {
        size_t used = strlen(names);
        if (steps[i].is_answer) {
            (void)snprintf(
                names + used, sizeof(names) - used, "%s\n", model_asset_name(steps[i].asset));
        }
    }
    EXPECT_TEXT(names, a->names);
    seen.names++;
}

static void judge_evidence(
    const struct world *w, const struct question *q, const struct answer *a, uint32_t step)
{
    const struct weft_trace_step *s = &a->steps[step];
    const struct model_record *r = record_of(w, s->index, s->ordinal);
    EXPECT_TRUE(r != NULL);
    EXPECT_EQ(r->spec.at_ns, s->at_ns);
    EXPECT_TRUE(weft_text_is(s->kind, model_kinds[r->spec.kind]));
    bool is_held = !q->query.with_records;
    for (uint32_t i = 0; i < a->record_count && !is_held; i++) {
        is_held = a->records[i].index == s->index && a->records[i].ordinal == s->ordinal &&
                  memcmp(a->records[i].digest.bytes, r->digest.bytes, WEFT_DIGEST_SIZE) == 0;
        seen.records += is_held;
    }
    EXPECT_TRUE(is_held);
}

/* The quantity stands at the first link of each record of the model. */
static void judge_quantity(const struct model_record *r, const struct weft_trace_step *s, int to)
{
    const struct model_spec *spec = &r->spec;
    bool is_first = false;
    for (int i = 0; i < spec->link_count; i++) {
        if (weft_text_is(s->rel, model_rels[spec->links[i][0]]) && spec->links[i][1] == to) {
            is_first = i == 0;
            break;
        }
    }
    EXPECT_TRUE(weft_text_is(s->quantity, is_first ? "2" : ""));
    EXPECT_EQ(0, s->unit.size);
}

static void judge_step(const struct world *w, const struct question *q, const struct answer *a,
    const struct model_step *expected, uint32_t i)
{
    const struct model_step *e = &expected[i];
    const struct weft_trace_step *s = &a->steps[i];
    expect_name(e->asset, s->asset);
    EXPECT_EQ(e->from, s->from_step);
    EXPECT_EQ(e->depth, s->depth);
    EXPECT_EQ((e->is_dangling ? WEFT_STEP_DANGLING : 0) | (e->is_cycle ? WEFT_STEP_CYCLE : 0) |
                  (e->has_ended ? WEFT_STEP_ENDED : 0) | (e->is_leaf ? WEFT_STEP_LEAF : 0) |
                  (e->is_answer ? WEFT_STEP_ANSWER : 0),
        s->flags);
    if (e->depth > 0) {
        const struct model_record *r = &w->model.records[e->record];
        EXPECT_TRUE(weft_text_is(s->rel, model_rels[e->rel]));
        EXPECT_EQ(r->index, s->index);
        EXPECT_EQ(r->ordinal, s->ordinal);
        judge_evidence(w, q, a, i);
        bool is_reverse = strstr("output part_of installed_in parent", model_rels[e->rel]) != NULL;
        judge_quantity(
            r, s, is_reverse == q->trace.is_forward ? e->asset : expected[e->from].asset);
    }
    seen.cycles += e->is_cycle;
    seen.ended += e->has_ended;
    seen.dangling += e->is_dangling;
    seen.leaves += e->is_leaf;
    seen.steps++;
}

static void judge_trace(const struct world *w, const struct question *q, const struct answer *a)
{
    struct model_step expected[MODEL_ASSETS];
    int count = model_trace(&w->model, &q->query, q->asset, &q->trace, expected);
    if (count < 0) {
        EXPECT_EQ(WEFT_ENOTFOUND, a->err);
        seen.missing++;
        return;
    }
    EXPECT_EQ(WEFT_OK, a->err);
    if (q->query.ids_only) {
        judge_names(expected, count, a);
        return;
    }
    EXPECT_EQ(count, a->step_count);
    EXPECT_EQ(count, a->last.steps_total);
    int answers = 0, depth = 0;
    bool has_cycles = false;
    for (int i = 0; i < count; i++) {
        judge_step(w, q, a, expected, (uint32_t)i);
        answers += expected[i].is_answer;
        depth = expected[i].depth > depth ? expected[i].depth : depth;
        has_cycles = has_cycles || expected[i].is_cycle;
    }
    EXPECT_EQ(answers, a->last.answers_total);
    EXPECT_EQ(depth, a->last.depth_reached);
    EXPECT_TRUE(a->last.has_cycles || !has_cycles);
    seen.empty += count == 1;
}

static int asset_of(struct weft_text name)
{
    for (int i = 0; i < MODEL_ASSETS; i++) {
        if (weft_text_is(name, model_asset_name(i))) {
            return i;
        }
    }
    return -1;
}

/* Each step's link is stated by its record and holds as the question sees it; what was asked to
 * be on the way is on it. */
static void judge_path(const struct world *w, const struct question *q, const struct answer *a,
    uint32_t step, const bool *meant)
{
    bool is_meant = false;
    for (;; step = a->steps[step].from_step) {
        const struct weft_trace_step *s = &a->steps[step];
        int asset = asset_of(s->asset);
        is_meant = is_meant || meant[asset];
        if (s->depth == 0) {
            EXPECT_EQ(step, s->from_step);
            break;
        }
        EXPECT_TRUE(s->from_step < step);
        EXPECT_EQ(a->steps[s->from_step].depth + 1, s->depth);
        judge_evidence(w, q, a, step);
        int record = (int)(record_of(w, s->index, s->ordinal) - w->model.records);
        int rel = 0;
        while (!weft_text_is(s->rel, model_rels[rel])) {
            rel++;
        }
        EXPECT_TRUE(model_is_inside(
            &w->model, &q->query, record, rel, asset, asset_of(a->steps[s->from_step].asset)));
    }
    EXPECT_TRUE(is_meant);
}

static void judge_location(
    const struct world *w, const struct question *q, const struct weft_trace_step *s)
{
    int record, link;
    if (!model_locate(&w->model, &q->query, asset_of(s->asset), &record, &link)) {
        EXPECT_EQ(0, s->location.size);
        return;
    }
    const struct model_record *r = &w->model.records[record];
    expect_name(r->spec.links[link][1], s->location);
    EXPECT_TRUE(weft_text_is(s->location_rel, model_rels[r->spec.links[link][0]]));
    EXPECT_EQ(r->index, s->location_index);
    EXPECT_EQ(r->ordinal, s->location_ordinal);
    EXPECT_EQ(r->spec.at_ns, s->location_at_ns);
    seen.located++;
}

static int compare_ints(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

static void judge_recall(const struct world *w, const struct question *q, const struct answer *a)
{
    struct model_step expected[MODEL_ASSETS];
    int count = model_trace(&w->model, &q->query, -1, &q->trace, expected);
    int answers[MODEL_ASSETS], found = 0;
    bool meant[MODEL_ASSETS];
    if (count < 0) {
        EXPECT_EQ(WEFT_ENOTFOUND, a->err);
        seen.missing++;
        return;
    }
    EXPECT_EQ(WEFT_OK, a->err);
    EXPECT_EQ(count, a->last.answers_total);
    for (int i = 0; i < MODEL_ASSETS; i++) {
        meant[i] = model_is_meant(&w->model, &q->query, &q->trace, i);
    }
    if (q->query.ids_only) {
        const char *line = a->names;
        for (const char *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
            answers[found++] = asset_of((struct weft_text){line, (size_t)(end - line)});
        }
    }
    for (uint32_t i = 0; i < a->step_count; i++) {
        if ((a->steps[i].flags & WEFT_STEP_ANSWER) != 0) {
            judge_path(w, q, a, i, meant);
            answers[found++] = asset_of(a->steps[i].asset);
            judge_location(w, q, &a->steps[i]);
        } else {
            EXPECT_EQ(0, a->steps[i].location.size);
        }
    }
    EXPECT_EQ(count, found);
    qsort(answers, (size_t)found, sizeof(answers[0]), compare_ints);
    for (int i = 0; i < count; i++) {
        EXPECT_EQ(expected[i].asset, answers[i]);
    }
    seen.narrowed +=
        count > 0 && q->trace.lot >= 0 && (q->trace.machine >= 0 || q->trace.part >= 0);
    seen.empty += count == 0;
}

/* Everything that two answers say. */
static void expect_same(const struct answer *a, const struct answer *b)
{
    EXPECT_EQ(a->err, b->err);
    EXPECT_EQ(a->step_count, b->step_count);
    EXPECT_EQ(a->record_count, b->record_count);
    EXPECT_TEXT(a->names, b->names);
    EXPECT_EQ(a->last.has_cycles, b->last.has_cycles);
    for (uint32_t i = 0; i < a->step_count; i++) {
        const struct weft_trace_step *x = &a->steps[i], *y = &b->steps[i];
        EXPECT_TRUE(weft_text_equal(x->asset, y->asset) && weft_text_equal(x->rel, y->rel));
        EXPECT_TRUE(x->from_step == y->from_step && x->depth == y->depth && x->flags == y->flags);
        EXPECT_TRUE(x->index == y->index && x->ordinal == y->ordinal && x->at_ns == y->at_ns);
        EXPECT_TRUE(
            weft_text_equal(x->quantity, y->quantity) && weft_text_equal(x->location, y->location));
    }
}

static void one_question(struct world *w)
{
    struct question q;
    struct answer *answers[STATES];
    random_question(w, &q);
    for (int i = 0; i < STATES; i++) {
        answers[i] = answer_create();
        ask(w, i, q.query, answers[i]);
    }
    expect_same(answers[0], answers[1]);
    if (q.trace.is_recall) {
        judge_recall(w, &q, answers[0]);
    } else if (q.query.type == WEFT_QUERY_TRACE_FORWARD || q.query.type == WEFT_QUERY_TRACE_BACK) {
        judge_trace(w, &q, answers[0]);
    } else {
        judge_records(w, &q, answers[0]);
    }
    for (int i = 0; i < STATES; i++) {
        answer_destroy(answers[i]);
    }
    seen.questions++;
    seen.no_events += q.query.type == WEFT_QUERY_STORY && w->density % 2 == 1;
}

/* NOD-110, NOD-111, NOD-112. */
TEST(thread_model, agrees_with_a_replay_of_the_log_at_any_two_times)
{
    for (int history = 0; history < HISTORIES; history++) {
        struct world *w = calloc(1, sizeof(*w));
        make_world(w, history);
        for (int i = 0; i < QUESTIONS; i++) {
            one_question(w);
            if (i % 100 == 50) {
                one_entry(w);
            }
            if (i == QUESTIONS / 2) {
                close_states(w); /* The index is made again from the store. */
                open_states(w);
                seen.reopened++;
            }
        }
        end_world(w);
        free(w);
    }
    (void)printf("%d questions, %d of them as of an index (%d answers by its time), %d at a time, "
                 "%d both; %d steps: %d dangling, %d in cycles, %d ended; %d narrow recalls\n",
        seen.questions, seen.as_of, seen.by_time, seen.at, seen.both, seen.steps, seen.dangling,
        seen.cycles, seen.ended, seen.narrowed);
    EXPECT_EQ(HISTORIES * QUESTIONS, seen.questions);
    const int reached[] = {seen.empty, seen.missing, seen.pages, seen.both, seen.by_time,
        seen.packed, seen.reopened, seen.cycles, seen.ended, seen.dangling, seen.leaves,
        seen.narrowed, seen.located, seen.by_kind, seen.by_rel, seen.names, seen.records,
        seen.no_events};
    for (size_t i = 0; i < sizeof(reached) / sizeof(reached[0]); i++) {
        EXPECT_TRUE(reached[i] > HISTORIES / 2);
    }
}
