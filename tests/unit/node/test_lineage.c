/* The index of lineage: what records say of parent and child, its limit, its readers. */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "node/state/lineage/relation.h"
#include "node/state/machine.h"
#include "proto/packed.h"
#include "tests/lib/test.h"
#include "tests/unit/node/state_fixture.h"

/* --- relations ------------------------------------------------------------------------------- */

enum {
    SELF = 100
};

static uint32_t relate(
    const struct weft_relation_link *links, uint32_t count, struct weft_relation *ret)
{
    return weft_relations_of(SELF, links, count, ret);
}

TEST(lineage, knows_which_way_each_rel_points)
{
    for (unsigned rel = WEFT_REL_OTHER; rel < WEFT_RELS; rel++) {
        const struct weft_relation_link link = {7, (enum weft_rel)rel};
        struct weft_relation r;
        bool is_lineage = rel != WEFT_REL_OTHER && rel <= WEFT_REL_LINEAGE_LAST;
        bool is_inside = rel == WEFT_REL_OUTPUT || rel == WEFT_REL_PART_OF ||
                         rel == WEFT_REL_INSTALLED_IN || rel == WEFT_REL_REMOVED_FROM;
        EXPECT_EQ(is_lineage, relate(&link, 1, &r));
        if (rel == WEFT_REL_EMPTIES) { /* The target alone, as both. */
            EXPECT_TRUE(r.parent == 7 && r.child == 7);
            EXPECT_TRUE(r.parent_link == 0 && r.child_link == 0);
        } else if (is_lineage) {
            EXPECT_EQ(is_inside ? 7 : SELF, r.parent);
            EXPECT_EQ(is_inside ? SELF : 7, r.child);
            EXPECT_EQ(is_inside ? 0 : WEFT_RELATION_OF_ASSET, r.parent_link);
            EXPECT_EQ(is_inside ? WEFT_RELATION_OF_ASSET : 0, r.child_link);
            EXPECT_EQ(rel, r.rel);
        }
    }
}

TEST(lineage, lets_an_only_parent_stand_in_for_the_event)
{
    const struct weft_relation_link links[] = {{1, WEFT_REL_CONTAINS}, {9, WEFT_REL_PARENT},
        {2, WEFT_REL_RELEASES}, {3, WEFT_REL_CONSUMES}, {9, WEFT_REL_PARENT}};
    struct weft_relation r[5];
    EXPECT_EQ(3, relate(links, 5, r));
    EXPECT_EQ(WEFT_REL_CONSUMES, r[0].rel); /* Ordered by rel. */
    EXPECT_EQ(SELF, r[0].parent);
    EXPECT_EQ(WEFT_REL_CONTAINS, r[1].rel);
    EXPECT_EQ(9, r[1].parent);
    EXPECT_EQ(1, r[1].parent_link);
    EXPECT_EQ(WEFT_REL_RELEASES, r[2].rel);
    EXPECT_EQ(9, r[2].parent);
    const struct weft_relation_link two[] = {
        {1, WEFT_REL_CONTAINS}, {9, WEFT_REL_PARENT}, {8, WEFT_REL_PARENT}};
    EXPECT_EQ(1, relate(two, 3, r));
    EXPECT_EQ(SELF, r[0].parent);
}

/* --- the index in a state -------------------------------------------------------------------- */

static void commit(struct fixture *f, const char *asset, const char *rel, const char *to)
{
    struct weft_link link = {.rel = weft_text_of(rel), .to = weft_text_of(to)};
    struct weft_record record = fixture_record(asset);
    record.links = &link;
    record.link_count = 1;
    EXPECT_EQ(WEFT_OK, fixture_commit(f, 0, &record, 1)->err);
}

/* A lot that goes into `count` parts from `first` on, each of which goes into a box of ten. */
static void grow(struct fixture *f, int first, int count)
{
    for (int i = first; i < first + count; i++) {
        char part[64], box[64];
        (void)snprintf(part, sizeof(part), "serial:a-part-with-a-long-name/%08d", i);
        (void)snprintf(box, sizeof(box), "serial:box/%d", i / 10);
        commit(f, part, "uses_lot", "lot:1");
        commit(f, box, "contains", part);
    }
}

/* Names that are reached from the lot, all pages. */
static int count_names(struct weft_view *view, uint64_t as_of)
{
    struct weft_arena arena = {.size_max = 64 << 20};
    struct weft_query query = {.type = WEFT_QUERY_TRACE_FORWARD,
        .asset = WEFT_TEXT("lot:1"),
        .as_of = as_of,
        .ids_only = true};
    struct weft_client_message m;
    struct weft_msg msg = {""};
    int count = -1;
    if (weft_view_query(view, &query, &arena, &m, &msg) == WEFT_OK) {
        count = 0;
        for (size_t i = 0; i < m.trace.assets.size; i++) {
            count += m.trace.assets.data[i] == '\n';
        }
    }
    weft_arena_destroy(&arena);
    return count;
}

static int names_now(struct fixture *f)
{
    struct weft_view *view;
    EXPECT_EQ(WEFT_OK, weft_view_open(f->state, &view, &f->msg));
    int count = count_names(view, 0);
    weft_view_close(view);
    return count;
}

TEST(lineage, is_given_up_at_its_limit_and_answers_go_on)
{
    struct fixture f;
    struct weft_lineage_stats stats;
    struct weft_view *view;
    fixture_init(&f, "state");
    f.options.lineage_bytes = 1200 * 1024; /* first chunks, and names for some 4,000 parts */
    fixture_open(&f);
    grow(&f, 0, 50);
    weft_state_lineage(f.state, &stats);
    EXPECT_TRUE(!stats.is_given_up);
    EXPECT_EQ(1 + 50 + 5, stats.nodes);
    EXPECT_EQ(100, stats.edges);
    EXPECT_EQ(WEFT_OK, weft_view_open(f.state, &view, &f.msg));
    int parts = 50;
    for (; !stats.is_given_up; parts += 50) {
        EXPECT_TRUE(stats.used_bytes <= f.options.lineage_bytes);
        EXPECT_TRUE(parts < 20000);
        grow(&f, parts, 50);
        weft_state_lineage(f.state, &stats);
    }
    EXPECT_EQ(55, count_names(view, 0)); /* Who has it keeps it. */
    weft_view_close(view);
    EXPECT_EQ(parts + parts / 10, names_now(&f));
    grow(&f, parts, 50);
    EXPECT_EQ(parts + 50 + (parts + 50) / 10, names_now(&f));
    weft_state_lineage(f.state, &stats);
    EXPECT_TRUE(stats.is_given_up && stats.nodes > 1000);

    fixture_close(&f); /* It does not fit at the next start either. */
    fixture_open(&f);
    weft_state_lineage(f.state, &stats);
    EXPECT_TRUE(stats.is_given_up);
    EXPECT_EQ(parts + 50 + (parts + 50) / 10, names_now(&f));
    fixture_close(&f);
    f.options.lineage_bytes = 64 << 20; /* With room it is back. */
    fixture_open(&f);
    weft_state_lineage(f.state, &stats);
    EXPECT_TRUE(!stats.is_given_up);
    EXPECT_EQ(2 * (parts + 50), stats.edges);
    EXPECT_EQ(parts + 50 + (parts + 50) / 10, names_now(&f));
    fixture_destroy(&f);
}

struct reader {
    pthread_t thread;
    struct weft_view *view;
    int parts;
    uint64_t half_index;
    int half_parts;
    bool is_right;
};

static void *read_names(void *ctx)
{
    struct reader *r = ctx;
    r->is_right = true;
    for (int i = 0; i < 20 && r->is_right; i++) {
        r->is_right = count_names(r->view, 0) == r->parts + r->parts / 10 &&
                      count_names(r->view, r->half_index) == r->half_parts + r->half_parts / 10;
    }
    weft_view_close(r->view);
    return NULL;
}

/* NOD-110: each view sees what was there when it was taken, and any earlier index, whatever is
 * added meanwhile. */
TEST(lineage, is_read_on_other_threads_while_it_grows)
{
    enum {
        ROUNDS = 8,
        READERS = 3,
        STEP = 20
    };
    struct fixture f;
    fixture_init(&f, "state");
    f.options.lineage_bytes = 64 << 20;
    fixture_open(&f);
    grow(&f, 0, STEP);
    int parts = STEP, half_parts = STEP;
    uint64_t half_index = f.index;
    for (int round = 0; round < ROUNDS; round++) {
        struct reader readers[READERS];
        for (int i = 0; i < READERS; i++) {
            readers[i] =
                (struct reader){.parts = parts, .half_index = half_index, .half_parts = half_parts};
            EXPECT_EQ(WEFT_OK, weft_view_open(f.state, &readers[i].view, &f.msg));
            EXPECT_EQ(0, pthread_create(&readers[i].thread, NULL, read_names, &readers[i]));
            half_index = f.index;
            half_parts = parts;
            grow(&f, parts, STEP);
            parts += STEP;
        }
        for (int i = 0; i < READERS; i++) {
            EXPECT_EQ(0, pthread_join(readers[i].thread, NULL));
            EXPECT_TRUE(readers[i].is_right);
        }
    }
    fixture_destroy(&f);
}

/* The steps of the lot's trace as lines, page by page; `is_kept` false: what was searched for a
 * page is lost before the next one. */
static void read_pages(struct fixture *f, uint32_t limit, bool is_kept, struct weft_buffer *out)
{
    uint8_t cursor[64];
    uint32_t next = 0;
    struct weft_query query = {
        .type = WEFT_QUERY_TRACE_FORWARD, .asset = WEFT_TEXT("lot:1"), .limit = limit};
    do {
        struct weft_view *view;
        struct weft_client_message m;
        weft_arena_reset(&f->arena);
        EXPECT_EQ(WEFT_OK, weft_view_open(f->state, &view, &f->msg));
        EXPECT_EQ(WEFT_OK, weft_view_query(view, &query, &f->arena, &m, &f->msg));
        weft_view_close(view);
        EXPECT_EQ(WEFT_KIND_TRACE_RESULT, m.kind);
        struct weft_packed_steps steps = weft_packed_read_steps(&m.trace);
        struct weft_trace_step s;
        for (uint32_t i = 0; weft_packed_next_step(&steps, &s); i++) {
            EXPECT_EQ(WEFT_OK, weft_buffer_format(out, "%u %.*s %u %u\n", m.trace.first_step + i,
                                   (int)s.asset.size, s.asset.data, s.from_step, s.flags));
        }
        EXPECT_TRUE(m.trace.cursor.size <= sizeof(cursor));
        for (size_t i = 0; i < m.trace.cursor.size; i++) {
            cursor[i] = m.trace.cursor.data[i];
        }
        query.cursor = (struct weft_bytes){cursor, m.trace.cursor.size};
        next += m.trace.steps.count;
        query.first_step = is_kept ? 0 : next; /* It says the same, told by its number. */
        if (!is_kept) {
            commit(f, "serial:later/1", "uses_lot", "lot:1");
            fixture_close(f);
            fixture_open(f);
        }
    } while (query.cursor.size > 0);
}

TEST(lineage, goes_on_with_a_page_whether_it_was_kept_or_not)
{
    struct fixture f;
    struct weft_buffer whole = {0}, kept = {0}, lost = {0};
    fixture_init(&f, "state");
    f.options.lineage_bytes = 64 << 20;
    fixture_open(&f);
    grow(&f, 0, 60);
    read_pages(&f, 0, true, &whole);
    read_pages(&f, 7, true, &kept);
    read_pages(&f, 13, false, &lost);
    EXPECT_EQ(whole.size, kept.size);
    EXPECT_EQ(whole.size, lost.size);
    EXPECT_MEM(whole.data, kept.data, whole.size);
    EXPECT_MEM(whole.data, lost.data, whole.size);
    weft_buffer_destroy(&whole);
    weft_buffer_destroy(&kept);
    weft_buffer_destroy(&lost);
    fixture_destroy(&f);
}

/* Pages in any order, asked for with the first page's cursor. */
TEST(lineage, answers_pages_that_are_asked_for_by_their_first_step)
{
    struct fixture f;
    struct weft_client_message m;
    struct weft_view *view;
    uint8_t cursor[64];
    struct weft_query query = {
        .type = WEFT_QUERY_TRACE_FORWARD, .asset = WEFT_TEXT("lot:1"), .limit = 5};
    fixture_init(&f, "state");
    f.options.lineage_bytes = 64 << 20;
    fixture_open(&f);
    grow(&f, 0, 60);
    EXPECT_EQ(WEFT_OK, weft_view_open(f.state, &view, &f.msg));
    EXPECT_EQ(WEFT_OK, weft_view_query(view, &query, &f.arena, &m, &f.msg));
    EXPECT_TRUE(m.trace.cursor.size > 0 && m.trace.cursor.size <= sizeof(cursor));
    memcpy(cursor, m.trace.cursor.data, m.trace.cursor.size);
    query.cursor = (struct weft_bytes){cursor, m.trace.cursor.size};
    uint32_t total = m.trace.steps_total;
    EXPECT_TRUE(total > 20);
    for (int i = 0; i < 50; i++) {
        query.first_step = 1 + (uint32_t)test_random(total - 1);
        weft_arena_reset(&f.arena);
        EXPECT_EQ(WEFT_OK, weft_view_query(view, &query, &f.arena, &m, &f.msg));
        EXPECT_EQ(query.first_step, m.trace.first_step);
        EXPECT_EQ(query.first_step + 5 < total ? 5 : total - query.first_step, m.trace.steps.count);
        EXPECT_EQ(total, m.trace.steps_total);
    }
    query.first_step = total + 1;
    EXPECT_EQ(WEFT_EINVAL, weft_view_query(view, &query, &f.arena, &m, &f.msg));
    weft_view_close(view);
    fixture_destroy(&f);
}

/* The shelf is bounded: answers that nobody reads to their end push each other out. */
TEST(lineage, keeps_few_traces_for_their_next_page)
{
    struct fixture f;
    fixture_init(&f, "state");
    f.options.lineage_bytes = 64 << 20;
    fixture_open(&f);
    grow(&f, 0, 40);
    for (uint32_t i = 0; i < 3 * WEFT_SHELF_TRACES_MAX; i++) {
        struct weft_view *view;
        struct weft_client_message m;
        struct weft_query query = {.type = WEFT_QUERY_TRACE_FORWARD,
            .asset = WEFT_TEXT("lot:1"),
            .as_of = f.index - i,
            .limit = 3};
        EXPECT_EQ(WEFT_OK, weft_view_open(f.state, &view, &f.msg));
        EXPECT_EQ(WEFT_OK, weft_view_query(view, &query, &f.arena, &m, &f.msg));
        EXPECT_TRUE(m.trace.cursor.size > 0);
        weft_view_close(view);
    }
    EXPECT_EQ(WEFT_SHELF_TRACES_MAX, f.state->shelf.count);
    EXPECT_TRUE(f.state->shelf.bytes < WEFT_SHELF_BYTES_MAX);
    fixture_destroy(&f);
}

TEST(lineage, refuses_traces_that_make_no_sense)
{
    static const struct {
        const char *rels;
        const char *reason;
    } wrong[] = {{"releases", "ends what other links began"}, {"a,,b", "is no rel"},
        {"consumes,", "is no rel"}, {"Consumes", "is no rel"},
        {"a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q", "over 16 rels"}};
    struct fixture f;
    struct weft_view *view;
    struct weft_client_message m;
    fixture_init(&f, "state");
    f.options.lineage_bytes = 64 << 20;
    fixture_open(&f);
    grow(&f, 0, 10);
    EXPECT_EQ(WEFT_OK, weft_view_open(f.state, &view, &f.msg));
    struct weft_query query = {.type = WEFT_QUERY_TRACE_BACK, .asset = WEFT_TEXT("serial:box/0")};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        query.rels = weft_text_of(wrong[i].rels);
        EXPECT_EQ(WEFT_EINVAL, weft_view_query(view, &query, &f.arena, &m, &f.msg));
        EXPECT_TRUE(strstr(f.msg.text, wrong[i].reason) != NULL);
    }
    query = (struct weft_query){.type = WEFT_QUERY_TRACE_BACK, .asset = WEFT_TEXT("nobody")};
    EXPECT_EQ(WEFT_ENOTFOUND, weft_view_query(view, &query, &f.arena, &m, &f.msg));
    query = (struct weft_query){.type = WEFT_QUERY_RECALL};
    EXPECT_EQ(WEFT_EINVAL, weft_view_query(view, &query, &f.arena, &m, &f.msg));
    query = (struct weft_query){.type = WEFT_QUERY_RECALL,
        .machine = WEFT_TEXT("lot:1"),
        .has_window = true,
        .window_from_ns = 5,
        .window_to_ns = 5};
    EXPECT_EQ(WEFT_EINVAL, weft_view_query(view, &query, &f.arena, &m, &f.msg));
    weft_view_close(view);
    fixture_destroy(&f);
}
