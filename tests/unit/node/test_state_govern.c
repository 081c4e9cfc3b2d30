/* What apply refuses of designs: change orders that invert, overlap or go back; BOMs that contain
 * themselves; links to what is retired. By hand, and at random against naive models. */
#include <stdio.h>
#include <string.h>

#include "proto/arith.h"
#include "proto/record_json.h"
#include "tests/lib/test.h"
#include "tests/unit/node/twin_rig.h"

#define ORDER(name, status, effectivity, supersedes)                                               \
    "{\"kind\":\"change_order\",\"asset\":\"change:" name "\",\"attrs\":{\"status\":\"" status     \
    "\",\"effectivity\":[" effectivity "]},\"links\":["                                            \
    "{\"rel\":\"about\",\"to\":\"part:box\"}," supersedes                                          \
    "{\"rel\":\"introduces\",\"to\":\"part:box/rev/B\"}]}"
#define SERIALS(from, to) "{\"serial_from\":\"" from "\",\"serial_to\":\"" to "\"}"
#define SUPERSEDES(name) "{\"rel\":\"supersedes\",\"to\":\"change:" name "\"},"

/* --- change orders --------------------------------------------------------------------------- */

/* NOD-302, NOD-304 */
TEST(state_govern, effectivity_that_is_wrong_in_itself_is_refused_at_its_place)
{
    static const struct {
        const char *effectivity;
        const char *pointer;
    } cases[] = {{SERIALS("20", "10"), "/0/serial_to"}, {SERIALS("b", "a"), "/0/serial_to"},
        {SERIALS("1", "9") "," SERIALS("9", "12"), "/1"},
        {"{\"from\":\"2024-01-01T00:00:00Z\",\"to\":\"2024-01-01T00:00:00Z\"}", "/0/to"},
        {"{\"from\":\"yesterday\"}", "/0/from"}, {"{\"to\":\"2024-01-01\"}", "/0/to"},
        {"{\"lot\":\"\"}", "/0/lot"}, {"{\"lot\":7}", "/0/lot"}, {"{\"now\":false}", "/0/now"},
        {"{\"serial_from\":1.5}", "/0/serial_from"}, {"{\"serial_from\":\"x/\"}", "/0/serial_from"},
        {"{\"lot\":\"a\",\"now\":true}", "/0"}, {"{\"site\":\"a\"}", "/0"}, {"{}", ""}, {"7", ""}};
    struct rig r;
    rig_open(&r);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        static const char *const states[] = {"draft", "released"};
        for (int s = 0; s < 2; s++) {
            char text[1024], pointer[128];
            (void)snprintf(text, sizeof(text),
                "{\"kind\":\"note\",\"asset\":\"a\"}\n"
                "{\"kind\":\"change_order\",\"asset\":\"change:1\",\"attrs\":{\"status\":\"%s\","
                "\"effectivity\":[%s]},\"links\":[{\"rel\":\"about\",\"to\":\"part:box\"},"
                "{\"rel\":\"introduces\",\"to\":\"part:box/rev/B\"}]}",
                states[s], cases[i].effectivity);
            (void)snprintf(
                pointer, sizeof(pointer), "/records/1/attrs/effectivity%s", cases[i].pointer);
            rig_refuse(&r, WEFT_EINVAL, pointer, text);
        }
    }
    rig_refuse(
        &r, WEFT_EINVAL, "/records/0/attrs/status", ORDER("1", "done", SERIALS("1", "2"), ""));
    rig_refuse(&r, WEFT_EINVAL, "/records/0/attrs/effectivity", ORDER("1", "released", "", ""));
    rig_refuse(&r, WEFT_EINVAL, "/records/0/links",
        "{\"kind\":\"change_order\",\"asset\":\"change:1\",\"attrs\":{\"status\":\"released\","
        "\"effectivity\":[{\"now\":true}]}}");
    (void)rig_put(&r, "{\"kind\":\"change_order\",\"asset\":\"change:1\"}");
    rig_close(&r);
}

/* NOD-303 */
TEST(state_govern, a_release_that_overlaps_another_supersedes_it_or_is_refused)
{
    struct rig r;
    rig_open(&r);
    (void)rig_put(&r, ORDER("1", "released", SERIALS("10", "20"), ""));
    (void)rig_put(&r, ORDER("2", "released", SERIALS("21", "30"), ""));
    (void)rig_put(&r, ORDER("3", "draft", SERIALS("15", "25"), ""));
    rig_refuse(&r, WEFT_ECONFLICT, "/records/0/attrs/effectivity/0",
        ORDER("3", "released", SERIALS("15", "25"), ""));
    rig_refuse(&r, WEFT_ECONFLICT, "/records/0/attrs/effectivity/1",
        ORDER("3", "released", SERIALS("1", "9") "," SERIALS("15", "25"), SUPERSEDES("1")));
    (void)rig_put(&r, ORDER("3", "released", SERIALS("15", "25"), SUPERSEDES("1") SUPERSEDES("2")));
    /* Through another. */
    (void)rig_put(&r, ORDER("4", "released", SERIALS("20", "20"), SUPERSEDES("3")));
    /* What is cancelled is in nobody's way. */
    (void)rig_put(&r, ORDER("4", "cancelled", SERIALS("20", "20"), ""));
    (void)rig_put(&r, ORDER("5", "released", SERIALS("31", "40"), ""));
    rig_refuse(&r, WEFT_ECONFLICT, "/records/0/attrs/effectivity/0",
        ORDER("6", "released", SERIALS("40", "40"), ""));
    (void)rig_put(&r, ORDER("5", "superseded", SERIALS("31", "40"), ""));
    (void)rig_put(&r, ORDER("6", "released", SERIALS("40", "40"), ""));
    /* Other forms do not meet; times do. */
    (void)rig_put(&r, ORDER("7", "released", "{\"lot\":\"lot:1\"}", ""));
    rig_refuse(&r, WEFT_ECONFLICT, "/records/0/attrs/effectivity/0",
        ORDER("8", "released", "{\"lot\":\"lot:1\"}", ""));
    (void)rig_put(&r, ORDER("8", "released", "{\"to\":\"2020-01-01T00:00:00Z\"}", ""));
    (void)rig_put(&r, ORDER("9", "released", "{\"now\":true}", ""));
    rig_refuse(&r, WEFT_ECONFLICT, "/records/0/attrs/effectivity/0",
        ORDER("10", "released", "{\"from\":\"2020-01-01T00:00:00Z\"}", ""));
    /* Two in one commit. */
    rig_refuse(&r, WEFT_ECONFLICT, "/records/1/attrs/effectivity/0",
        ORDER("11", "released", SERIALS("50", "60"), "") "\n" ORDER(
            "12", "released", SERIALS("60", "70"), ""));
    (void)rig_put(&r, ORDER("12", "released", SERIALS("60", "70"), ""));
    rig_close(&r);
}

/* NOD-304 */
TEST(state_govern, a_change_order_goes_forward_only_and_a_released_one_stands)
{
    struct rig r;
    rig_open(&r);
    static const char *const states[] = {"draft", "released", "superseded", "cancelled"};
    static const char may[4][5] = {"1111", "0111", "0010", "0001"};
    for (int from = 0; from < 4; from++) {
        for (int to = 0; to < 4; to++) {
            char first[512], second[512];
            static const char form[] =
                "{\"kind\":\"change_order\",\"asset\":\"change:%d-%d\",\"attrs\":{\"status\":"
                "\"%s\",\"effectivity\":[{\"lot\":\"lot:%d-%d\"}]},\"links\":[{\"rel\":\"about\","
                "\"to\":\"part:box\"},{\"rel\":\"introduces\",\"to\":\"part:box/rev/B\"}]}";
            (void)snprintf(first, sizeof(first), form, from, to, states[from], from, to);
            (void)snprintf(second, sizeof(second), form, from, to, states[to], from, to);
            (void)rig_put(&r, first);
            if (may[from][to] == '1') {
                (void)rig_put(&r, second);
            } else {
                rig_refuse(&r, WEFT_ECONFLICT, "/records/0/attrs/status", second);
            }
        }
    }
    (void)rig_put(&r, ORDER("1", "released", SERIALS("10", "20"), ""));
    rig_refuse(&r, WEFT_ECONFLICT, "/records/0/attrs/effectivity",
        ORDER("1", "released", SERIALS("10", "21"), ""));
    rig_refuse(&r, WEFT_ECONFLICT, "/records/0/attrs/effectivity",
        ORDER("1", "released", SERIALS("10", "20"), SUPERSEDES("2")));
    (void)rig_put(&r, ORDER("1", "released", SERIALS("10", "20"), ""));
    rig_refuse(&r, WEFT_ECONFLICT, "/records/1/attrs/status",
        ORDER("2", "cancelled", SERIALS("1", "2"), "") "\n" ORDER(
            "2", "released", SERIALS("1", "2"), ""));
    rig_close(&r);
}

/* --- BOMs, retirement ------------------------------------------------------------------------ */

#define BOM(asset, to)                                                                             \
    "{\"kind\":\"bom\",\"asset\":\"" asset "\",\"links\":[{\"rel\":\"bom_line\",\"to\":"           \
    "\"part:screw\"},{\"rel\":\"bom_line\",\"to\":\"" to "\"}]}"
#define REVISION(asset, type, status)                                                              \
    "{\"kind\":\"part_revision\",\"asset\":\"" asset "\",\"attrs\":{\"status\":\"" status          \
    "\"},\"links\":[{\"rel\":\"revision_of\",\"to\":\"" type "\"}]}"

/* NOD-310 */
TEST(state_govern, a_bom_that_contains_itself_is_refused_at_its_line)
{
    struct rig r;
    rig_open(&r);
    rig_refuse(&r, WEFT_ECONFLICT, "/records/0/links/1/to", BOM("r/a", "r/a"));
    (void)rig_put(&r, BOM("r/a", "r/b"));
    (void)rig_put(&r, BOM("r/b", "r/c"));
    rig_refuse(&r, WEFT_ECONFLICT, "/records/0/links/1/to", BOM("r/c", "r/a"));
    /* What is restated counts no more. */
    (void)rig_put(&r, BOM("r/a", "r/x"));
    (void)rig_put(&r, BOM("r/c", "r/a"));
    rig_refuse(&r, WEFT_ECONFLICT, "/records/0/links/1/to", BOM("r/a", "r/b"));
    /* In one commit. */
    rig_refuse(
        &r, WEFT_ECONFLICT, "/records/1/links/1/to", BOM("s/a", "s/b") "\n" BOM("s/b", "s/a"));
    /* Through part types: a type contains what its revisions in use contain. */
    (void)rig_put(&r, REVISION("t/1", "t", "released"));
    rig_refuse(&r, WEFT_ECONFLICT, "/records/0/links/1/to", BOM("t/1", "t"));
    (void)rig_put(&r, BOM("u/1", "t"));
    (void)rig_put(&r, BOM("t/1", "u"));
    rig_refuse(&r, WEFT_ECONFLICT, "/records/0/links", REVISION("u/1", "u", "released"));
    (void)rig_put(&r, REVISION("u/1", "u", "obsolete"));
    rig_refuse(&r, WEFT_ECONFLICT, "/records/0/links", REVISION("u/1", "u", "draft"));
    rig_close(&r);
}

/* NOD-311 */
TEST(state_govern, nothing_is_built_of_what_is_retired)
{
    static const char build[] =
        "{\"kind\":\"%s\",\"asset\":\"serial:1\",\"at\":\"2024-05-0%dT00:00:00Z\",\"links\":["
        "{\"rel\":\"made_on\",\"to\":\"m/1\"},{\"rel\":\"%s\",\"to\":\"serial:2\"}]}";
    struct rig r;
    char text[512];
    rig_open(&r);
    (void)rig_put(&r, "{\"kind\":\"retirement\",\"asset\":\"serial:2\",\"at\":"
                      "\"2024-05-05T00:00:00Z\"}");
    (void)snprintf(text, sizeof(text), build, "as_built", 5, "consumes");
    rig_refuse(&r, WEFT_ECONFLICT, "/records/0/links/1/to", text);
    (void)snprintf(text, sizeof(text), build, "installation", 6, "installs");
    rig_refuse(&r, WEFT_ECONFLICT, "/records/0/links/1/to", text);
    (void)snprintf(text, sizeof(text), build, "replacement", 6, "removes");
    (void)rig_put(&r, text);
    (void)snprintf(text, sizeof(text), build, "as_built", 4, "consumes");
    (void)rig_put(&r, text); /* Before it was retired. */
    (void)snprintf(text, sizeof(text), build, "inspection", 6, "consumes");
    (void)rig_put(&r, text);
    rig_refuse(&r, WEFT_ECONFLICT, "/records/1/links/0/to",
        "{\"kind\":\"retirement\",\"asset\":\"serial:3\"}\n"
        "{\"kind\":\"as_built\",\"asset\":\"serial:4\",\"links\":[{\"rel\":\"consumes\",\"to\":"
        "\"serial:3\"}]}");
    (void)rig_put(&r, "{\"kind\":\"retirement\",\"asset\":\"serial:2\",\"attrs\":{\"revoked\":"
                      "true}}");
    (void)snprintf(text, sizeof(text), build, "as_built", 5, "consumes");
    (void)rig_put(&r, text);
    rig_close(&r);
}

/* --- at random ------------------------------------------------------------------------------- */

enum {
    NODES = 12, /* revisions n/0 to n/11, then as many types */
    LINES_MAX = 3,
    ENTRY_COMMITS = 8,
    BOMS = 1500,
};

/* The model: what contains what, as a matrix made anew for each question. */
struct graph {
    int line_count[NODES];
    int lines[NODES][LINES_MAX];
    int type[NODES]; /* -1: none in use */
};

static bool reaches(const struct graph *g, int from, int to, bool *seen)
{
    if (from == to) {
        return true;
    }
    if (seen[from]) {
        return false;
    }
    seen[from] = true;
    if (from >= NODES) {
        for (int i = 0; i < NODES; i++) {
            if (g->type[i] == from && reaches(g, i, to, seen)) {
                return true;
            }
        }
        return false;
    }
    for (int i = 0; i < g->line_count[from]; i++) {
        if (reaches(g, g->lines[from][i], to, seen)) {
            return true;
        }
    }
    return false;
}

static bool has_ring(const struct graph *g)
{
    for (int i = 0; i < NODES; i++) {
        for (int l = 0; l < g->line_count[i]; l++) {
            bool seen[2 * NODES] = {false};
            if (reaches(g, g->lines[i][l], i, seen)) {
                return true;
            }
        }
        bool seen[2 * NODES] = {false};
        if (g->type[i] >= 0 && reaches(g, i, g->type[i], seen)) {
            return true;
        }
    }
    return false;
}

struct statement {
    struct weft_record record;
    struct weft_link links[LINES_MAX];
    struct weft_field status;
    char names[LINES_MAX + 1][16];
};

/* A random statement, also made in *g. */
static void state_something(struct statement *s, struct graph *g)
{
    int node = (int)test_random(NODES);
    bool is_bom = test_random(4) != 0;
    (void)snprintf(s->names[0], sizeof(s->names[0]), "n/%d", node);
    s->record = (struct weft_record){.kind = is_bom ? WEFT_TEXT("bom") : WEFT_TEXT("part_revision"),
        .asset = weft_text_of(s->names[0]),
        .links = s->links,
        .link_count = is_bom ? (uint32_t)test_random(LINES_MAX + 1) : 1};
    for (uint32_t i = 0; i < s->record.link_count; i++) {
        int to = is_bom ? (int)test_random(2 * NODES) : NODES + (int)test_random(NODES);
        (void)snprintf(s->names[i + 1], sizeof(s->names[0]), to < NODES ? "n/%d" : "t/%d", to);
        s->links[i] =
            (struct weft_link){.rel = is_bom ? WEFT_TEXT("bom_line") : WEFT_TEXT("revision_of"),
                .to = weft_text_of(s->names[i + 1])};
        if (is_bom) {
            g->lines[node][i] = to;
        } else {
            g->type[node] = to;
        }
    }
    if (is_bom) {
        g->line_count[node] = (int)s->record.link_count;
    } else if (test_random(3) == 0) {
        s->status =
            (struct weft_field){WEFT_TEXT("status"), WEFT_TEXT("obsolete"), WEFT_VALUE_TEXT};
        s->record.fields = &s->status;
        s->record.field_count = 1;
        g->type[node] = -1;
    }
}

/* Several commits to an entry, so that some are decided by what the same apply accepted; the
 * second state gets each commit as an entry of its own and has to decide the same. */
TEST(state_govern, rings_are_refused_exactly_whatever_the_batching)
{
    struct fixture batched, single;
    struct graph g;
    uint64_t request = 0;
    int refused = 0, accepted = 0;
    memset(&g, 0, sizeof(g));
    memset(g.type, 0xff, sizeof(g.type));
    fixture_init(&batched, "batched");
    fixture_init(&single, "single");
    fixture_open(&batched);
    fixture_open(&single);
    for (int n = 0; n < BOMS; n += ENTRY_COMMITS) {
        bool expected[ENTRY_COMMITS];
        test_entry_begin(&batched.entry);
        for (int i = 0; i < ENTRY_COMMITS; i++) {
            struct statement s;
            struct graph after = g;
            state_something(&s, &after);
            expected[i] = !has_ring(&after);
            g = expected[i] ? after : g;
            struct weft_commit commit = {.records = &s.record, .record_count = 1};
            weft_put_le64(commit.request_id.bytes, ++request);
            EXPECT_TRUE(test_entry_commit(&batched.entry, "person/17", &commit));
            EXPECT_EQ(expected[i] ? WEFT_OK : WEFT_ECONFLICT,
                fixture_commit(&single, request, &s.record, 1)->err);
        }
        fixture_apply(&batched);
        for (int i = 0; i < ENTRY_COMMITS; i++) {
            EXPECT_EQ(expected[i] ? WEFT_OK : WEFT_ECONFLICT, batched.items[i].err);
            accepted += expected[i];
            refused += !expected[i];
        }
    }
    EXPECT_TRUE(accepted > BOMS / 10);
    EXPECT_TRUE(refused > BOMS / 10);
    fixture_destroy(&batched);
    fixture_destroy(&single);
}
