/* What whoever asks may see: random policies over random histories, against the unfiltered answer
 * filtered by plain rules; and that no way out gives a byte of what is hidden. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/test.h"
#include "tests/unit/node/authority_rig.h"

enum {
    ASSETS = 10,
    KINDS = 4,
    FIELDS = 3,
    RECORDS = 90,
    MARK_SIZE = 16,
    POLICIES = 24,
};

#define NODE_URI "spiffe://oem.example/plant1/node/n1"
#define ROBOT_URI "spiffe://" RIG_ROBOT

static const char *const kinds[KINDS] = {"as_built", "inspection", "cost", "note"};
static const char *const paths[FIELDS] = {"price", "detail/deep", "verdict"};
static const char *const hides[FIELDS] = {"price", "detail", "verdict"};
static const char *const by_ann[] = {RIG_ANN, NULL};

/* A record of the history, and what only those see who may. */
struct written {
    uint32_t asset;
    uint32_t kind;
    uint64_t index;
    uint32_t lot; /* That it consumes, an asset before it; ASSETS: none. */
    char marks[FIELDS][MARK_SIZE + 1];
    char source[MARK_SIZE + 1];
    char quality[MARK_SIZE + 1];  /* A field of its link. */
    char supplier[MARK_SIZE + 1]; /* What a link by supplied_by leads to. */
};

/* What the robot may read, by plain rules. */
struct plan {
    bool kinds[KINDS];  /* Permitted... */
    bool is_line1;      /* ...on line1/... alone... */
    bool forbids_asset; /* ...and not on unit(3). */
    bool fields[FIELDS];
    bool source, consumes, quality, supplier;
};

static struct written history[RECORDS];

static void unit(uint32_t asset, char name[32])
{
    (void)snprintf(name, 32, "line%u/u%u", asset % 2 + 1, asset);
}

static void mark(char text[MARK_SIZE + 1])
{
    for (int i = 0; i < MARK_SIZE; i++) {
        text[i] = (char)('A' + (int)test_random(26));
    }
    text[MARK_SIZE] = '\0';
}

static void write_one(struct fixture *f, struct written *w, uint32_t number)
{
    char name[32], lot[32];
    struct weft_field fields[FIELDS];
    *w = (struct written){.asset = number < ASSETS ? number : (uint32_t)test_random(ASSETS),
        .kind = (uint32_t)test_random(KINDS)};
    w->lot = w->asset > 0 && test_random(2) == 0 ? (uint32_t)test_random(w->asset) : ASSETS;
    for (uint32_t i = 0; i < FIELDS; i++) {
        mark(w->marks[i]);
        fields[i] =
            (struct weft_field){weft_text_of(paths[i]), weft_text_of(w->marks[i]), WEFT_VALUE_TEXT};
    }
    mark(w->source);
    mark(w->quality);
    mark(w->supplier);
    unit(w->asset, name);
    unit(w->lot, lot);
    const struct weft_field quality = {
        WEFT_TEXT("quality"), weft_text_of(w->quality), WEFT_VALUE_TEXT};
    const struct weft_link links[] = {
        {.rel = WEFT_TEXT("supplied_by"), .to = weft_text_of(w->supplier)},
        {.rel = WEFT_TEXT("consumes"),
            .to = weft_text_of(lot),
            .fields = &quality,
            .field_count = 1}};
    const struct weft_record record = {.kind = weft_text_of(kinds[w->kind]),
        .asset = weft_text_of(name),
        .source = weft_text_of(w->source),
        .fields = fields,
        .field_count = FIELDS,
        .links = links,
        .link_count = w->lot < ASSETS ? 2 : 1};
    const struct weft_applied_item *item = rig_commit(f, RIG_CY, &record, 1);
    EXPECT_TEXT("", item->err == WEFT_OK ? "" : item->error.detail.data);
    w->index = item->result.index;
}

/* --- policies -------------------------------------------------------------------------------- */

static struct plan make_plan(void)
{
    struct plan p = {.is_line1 = test_random(2) == 0,
        .forbids_asset = test_random(3) == 0,
        .source = test_random(2) == 0,
        .consumes = test_random(3) != 0,
        .quality = test_random(2) == 0,
        .supplier = test_random(2) == 0};
    for (int i = 0; i < KINDS; i++) {
        p.kinds[i] = test_random(3) != 0;
    }
    for (int i = 0; i < FIELDS; i++) {
        p.fields[i] = test_random(2) == 0;
    }
    return p;
}

static struct weft_record policy_of(
    const struct plan *p, uint64_t version, struct weft_digest *digest)
{
    char rest[1600], hide[200] = "";
    for (int i = 0; i < FIELDS; i++) {
        (void)snprintf(hide + strlen(hide), sizeof(hide) - strlen(hide), "%s%s",
            p->fields[i] ? "" : " ", p->fields[i] ? "" : hides[i]);
    }
    (void)snprintf(hide + strlen(hide), sizeof(hide) - strlen(hide), "%s%s%s%s",
        p->source ? "" : " @source", p->consumes ? "" : " @link/consumes",
        p->quality ? "" : " @link/consumes/quality", p->supplier ? "" : " @link/supplied_by");
    int size = snprintf(rest, sizeof(rest),
        "permit admin\n  who op ann op bo\n  do admin-policy admin-keys\n"
        "permit write\n  who op cy\n  do write create\n");
    for (int k = 0; k < KINDS; k++) {
        if (p->kinds[k]) {
            size += snprintf(rest + size, sizeof(rest) - (size_t)size,
                "permit k%d\n  who svc robot\n  do read subscribe\n  on kind %s%s\n%s%s%s", k,
                kinds[k], p->is_line1 ? " asset line1/..." : "", hide[0] != '\0' ? "  hide" : "",
                hide, hide[0] != '\0' ? "\n" : "");
        }
    }
    if (p->forbids_asset) {
        (void)snprintf(rest + size, sizeof(rest) - (size_t)size,
            "forbid three\n  who svc robot\n  do any\n  on asset line2/u3\n");
    }
    return rig_policy(version, digest, rest, by_ann, digest);
}

static bool may_see_asset(const struct plan *p, uint32_t asset)
{
    return (!p->is_line1 || asset % 2 == 0) && !(p->forbids_asset && asset == 3);
}

static bool may_see(const struct plan *p, const struct written *w)
{
    return p->kinds[w->kind] && may_see_asset(p, w->asset);
}

/* --- asking ---------------------------------------------------------------------------------- */

struct answer {
    enum weft_err err;
    struct weft_client_message message;
    struct weft_buffer bytes; /* Encoded, of all pages; of an error its text. */
    uint64_t *indexes;
    uint32_t count;
    uint64_t index_room[4 * RECORDS];
};

static struct weft_arena arena;

static void take_page(struct answer *a)
{
    size_t before = a->bytes.size;
    EXPECT_EQ(WEFT_OK, weft_buffer_pad(&a->bytes, 8));
    EXPECT_EQ(WEFT_OK, weft_client_encode(&a->message, &a->bytes));
    EXPECT_TRUE(a->bytes.size > before);
    if (a->message.kind == WEFT_KIND_PAGE) {
        for (uint32_t i = 0; i < a->message.page.record_count; i++) {
            EXPECT_TRUE(a->count < 4 * RECORDS);
            a->index_room[a->count++] = a->message.page.records[i].index;
        }
    }
}

/* All pages of the answer, in one view. */
static void ask(struct fixture *f, struct weft_query q, const char *who, struct answer *a)
{
    struct weft_view *view;
    struct weft_msg msg = {""};
    uint8_t cursor[256];
    weft_buffer_clear(&a->bytes);
    a->count = 0;
    q.principal = weft_text_of(who);
    EXPECT_EQ(WEFT_OK, weft_view_open(f->state, &view, &msg));
    for (int page = 0; page == 0 || q.cursor.size > 0; page++) {
        struct weft_bytes next = {NULL, 0};
        weft_arena_reset(&arena);
        a->err = weft_view_query(view, &q, &arena, &a->message, &msg);
        if (a->err != WEFT_OK) {
            EXPECT_EQ(WEFT_OK, weft_buffer_append(&a->bytes, msg.text, strlen(msg.text)));
            break;
        }
        take_page(a);
        next = a->message.kind == WEFT_KIND_PAGE           ? a->message.page.cursor
               : a->message.kind == WEFT_KIND_TRACE_RESULT ? a->message.trace.cursor
                                                           : next;
        EXPECT_TRUE(next.size <= sizeof(cursor) && page < 1000);
        if (next.size > 0) {
            memcpy(cursor, next.data, next.size);
        }
        q.cursor = (struct weft_bytes){cursor, next.size};
    }
    weft_view_close(view);
}

static bool has_text(const struct answer *a, const char *text)
{
    return a->bytes.size > 0 && memmem(a->bytes.data, a->bytes.size, text, strlen(text)) != NULL;
}

/* Nothing of what is hidden stands in the answer. `is_feed`: the same rules. */
static void expect_hidden(const struct answer *a, const struct plan *p)
{
    for (uint32_t i = 0; i < RECORDS; i++) {
        const struct written *w = &history[i];
        bool sees = may_see(p, w);
        for (uint32_t n = 0; n < FIELDS; n++) {
            EXPECT_TRUE((sees && p->fields[n]) || !has_text(a, w->marks[n])); /* NOD-170 */
        }
        EXPECT_TRUE((sees && p->source) || !has_text(a, w->source));
        EXPECT_TRUE((sees && p->consumes && p->quality) || !has_text(a, w->quality));
        EXPECT_TRUE((sees && p->supplier) || !has_text(a, w->supplier));
    }
}

static const struct written *written_at(uint64_t index)
{
    for (uint32_t i = 0; i < RECORDS; i++) {
        if (history[i].index == index) {
            return &history[i];
        }
    }
    return NULL;
}

/* --- records --------------------------------------------------------------------------------- */

/* What a story tells of: what may be seen to be inside it, and to link to it. */
static bool is_in_story(const struct weft_query *q, const struct plan *p, const struct written *w)
{
    bool inside[ASSETS] = {false}, has_new = !q->no_inside;
    uint32_t asset = (uint32_t)strtoul(q->asset.data + sizeof("line1/u") - 1, NULL, 10);
    inside[asset] = true;
    while (has_new) {
        has_new = false;
        for (uint32_t i = 0; i < RECORDS; i++) {
            const struct written *other = &history[i];
            if (other->lot < ASSETS && may_see(p, other) && p->consumes && inside[other->asset] &&
                !inside[other->lot]) {
                inside[other->lot] = has_new = true;
            }
        }
    }
    return inside[w->asset] || (w->lot == asset && p->consumes);
}

/* The unfiltered answer, filtered by hand. `op` on price, where it is asked. */
static void expect_filtered(struct fixture *f, const struct weft_query *q, const struct plan *p)
{
    static struct answer all, found;
    struct weft_query plain = *q;
    uint32_t count = 0;
    plain.where_op = WEFT_OP_NONE;
    plain.where_path = plain.where_value = (struct weft_text){NULL, 0};
    ask(f, plain, NODE_URI, &all);
    ask(f, *q, ROBOT_URI, &found);
    expect_hidden(&found, p);
    for (uint32_t i = 0; all.err == WEFT_OK && i < all.count; i++) {
        const struct written *w = written_at(all.index_room[i]);
        bool fits = w != NULL && may_see(p, w);
        fits = fits && (q->type != WEFT_QUERY_STORY || is_in_story(q, p, w));
        if (fits && q->where_op != WEFT_OP_NONE) {
            bool is_equal = weft_text_is(q->where_value, w->marks[0]);
            fits = p->fields[0] && is_equal == (q->where_op == WEFT_OP_EQ); /* NOD-171 */
        }
        if (fits) {
            EXPECT_TRUE(count < found.count);
            EXPECT_EQ(all.index_room[i], found.index_room[count]);
            count++;
        }
    }
    bool is_direct = q->type == WEFT_QUERY_ASSET || q->type == WEFT_QUERY_STORY;
    EXPECT_EQ(count, found.count);
    if (is_direct && count == 0) {
        EXPECT_TRUE(found.err == WEFT_EREFUSED || found.err == WEFT_ENOTFOUND);
    } else {
        EXPECT_EQ(WEFT_OK, found.err);
    }
}

static void check_records(struct fixture *f, const struct plan *p)
{
    char name[32];
    for (uint32_t asset = 0; asset < ASSETS; asset++) {
        unit(asset, name);
        struct weft_query q = {.type = WEFT_QUERY_ASSET, .asset = weft_text_of(name)};
        q.limit = (uint32_t)test_random(4);
        expect_filtered(f, &q, p);
        q.type = WEFT_QUERY_STORY;
        expect_filtered(f, &q, p);
        q.no_inside = true;
        expect_filtered(f, &q, p);
    }
    struct weft_query find = {.type = WEFT_QUERY_FIND, .limit = (uint32_t)test_random(9)};
    expect_filtered(f, &find, p);
    find.asset_glob = WEFT_TEXT("line1/*");
    expect_filtered(f, &find, p);
    find.asset_glob = (struct weft_text){NULL, 0};
    find.kind = weft_text_of(kinds[test_random(KINDS)]);
    expect_filtered(f, &find, p);
    for (int i = 0; i < 6; i++) {
        find.kind.size = i < 3 ? find.kind.size : 0;
        find.where_path = WEFT_TEXT("price");
        find.where_op = i % 2 == 0 ? WEFT_OP_EQ : WEFT_OP_NE;
        find.where_value = weft_text_of(history[test_random(RECORDS)].marks[0]);
        expect_filtered(f, &find, p);
    }
    const struct weft_query feed = {.type = WEFT_QUERY_COMMITS, .limit = (uint32_t)test_random(9)};
    expect_filtered(f, &feed, p);
}

/* --- traces ---------------------------------------------------------------------------------- */

static bool is_edge_seen(const struct plan *p, const struct written *w, bool is_forward)
{
    uint32_t step = is_forward ? w->asset : w->lot;
    return w->lot < ASSETS && may_see(p, w) && p->consumes && may_see_asset(p, step);
}

/* Names of what is reached, by going round until nothing is new. */
static void expect_trace(struct fixture *f, const struct plan *p, uint32_t from, bool is_forward)
{
    static struct answer a;
    bool reached[ASSETS] = {false}, has_new = true;
    char name[32], line[40];
    reached[from] = true;
    while (has_new) {
        has_new = false;
        for (uint32_t i = 0; i < RECORDS; i++) {
            const struct written *w = &history[i];
            uint32_t start = is_forward ? w->lot : w->asset, end = is_forward ? w->asset : w->lot;
            if (is_edge_seen(p, w, is_forward) && reached[start] && !reached[end]) {
                reached[end] = has_new = true;
            }
        }
    }
    unit(from, name);
    struct weft_query q = {.type = is_forward ? WEFT_QUERY_TRACE_FORWARD : WEFT_QUERY_TRACE_BACK,
        .asset = weft_text_of(name),
        .limit = 1 + (uint32_t)test_random(3)};
    for (int form = 0; form < 3; form++) {
        q.ids_only = form == 0;
        q.with_records = form == 2;
        ask(f, q, ROBOT_URI, &a);
        expect_hidden(&a, p);
        for (uint32_t i = 0; i < ASSETS && q.ids_only; i++) {
            unit(i, name);
            (void)snprintf(line, sizeof(line), "%s\n", name);
            EXPECT_EQ(i != from && reached[i], has_text(&a, line)); /* NOD-170 */
        }
    }
    unit(from, name); /* The query's own, again. */
}

/* --- everything ------------------------------------------------------------------------------ */

static void check_leaks(struct fixture *f, const struct plan *p)
{
    static struct answer a;
    char name[32];
    for (uint32_t asset = 0; asset < ASSETS; asset++) {
        unit(asset, name);
        struct weft_query q = {.asset = weft_text_of(name), .with_records = true};
        for (int t = 0; t < 3; t++) {
            q.type = t == 0 ? WEFT_QUERY_TWIN : t == 1 ? WEFT_QUERY_DIFF : WEFT_QUERY_RECALL;
            q.as_of = t == 1 ? history[test_random(RECORDS)].index : 0;
            ask(f, q, ROBOT_URI, &a);
            expect_hidden(&a, p);
        }
        expect_trace(f, p, asset, true);
        expect_trace(f, p, asset, false);
    }
    static const char *const by[] = {"author", "source", "detail/deep"};
    for (int i = 0; i < 3; i++) {
        const struct weft_query q = {.type = WEFT_QUERY_FIND,
            .kind = weft_text_of(kinds[i]),
            .differs_path = weft_text_of(paths[i == 2 ? 0 : 2]),
            .differs_by = weft_text_of(by[i])};
        ask(f, q, ROBOT_URI, &a);
        expect_hidden(&a, p);
    }
    const struct weft_query below = {.type = WEFT_QUERY_TWIN, .asset = WEFT_TEXT("line2")};
    ask(f, below, ROBOT_URI, &a);
    expect_hidden(&a, p);
}

static struct weft_digest start(struct fixture *f, const char *name)
{
    rig_start(f, name);
    struct weft_digest digest = rig_govern(f);
    fixture_close(f);
    f->options.lineage_bytes = 64 * 1024 * 1024;
    fixture_open(f);
    arena.size_max = 32 * 1024 * 1024;
    for (uint32_t i = 0; i < RECORDS; i++) {
        write_one(f, &history[i], i);
    }
    return digest;
}

TEST(reveal, answers_are_the_unfiltered_ones_filtered_and_hold_no_byte_of_what_is_hidden)
{
    struct fixture f;
    struct weft_digest digest = start(&f, "state");
    for (uint32_t n = 0; n < POLICIES; n++) {
        struct plan plan = make_plan();
        struct weft_record record = policy_of(&plan, 2 + n, &digest);
        const struct weft_applied_item *item = rig_commit(&f, RIG_BO, &record, 1);
        EXPECT_TEXT("", item->err == WEFT_OK ? "" : item->error.detail.data);
        check_records(&f, &plan);
        check_leaks(&f, &plan);
    }
    weft_arena_destroy(&arena);
    fixture_destroy(&f);
}

/* The same without the index of lineage. */
TEST(reveal, traces_from_the_store_are_filtered_alike)
{
    struct fixture f;
    struct weft_digest digest = start(&f, "state");
    fixture_close(&f);
    f.options.lineage_bytes = 0;
    fixture_open(&f);
    for (uint32_t n = 0; n < 6; n++) {
        struct plan plan = make_plan();
        struct weft_record record = policy_of(&plan, 2 + n, &digest);
        EXPECT_EQ(WEFT_OK, rig_commit(&f, RIG_BO, &record, 1)->err);
        for (uint32_t asset = 0; asset < ASSETS; asset++) {
            expect_trace(&f, &plan, asset, true);
            expect_trace(&f, &plan, asset, false);
        }
    }
    weft_arena_destroy(&arena);
    fixture_destroy(&f);
}

TEST(reveal, whoever_may_see_nothing_is_not_told_whether_there_is_something)
{
    static struct answer there, not_there;
    static const enum weft_query_type types[] = {WEFT_QUERY_ASSET, WEFT_QUERY_STORY,
        WEFT_QUERY_TWIN, WEFT_QUERY_DIFF, WEFT_QUERY_TRACE_FORWARD, WEFT_QUERY_RECALL};
    struct fixture f;
    struct weft_digest digest = start(&f, "state");
    const struct plan plan = {.kinds = {true, true, true, true}, .is_line1 = true};
    struct weft_record record = policy_of(&plan, 2, &digest);
    EXPECT_EQ(WEFT_OK, rig_commit(&f, RIG_BO, &record, 1)->err);
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        struct weft_query q = {.type = types[i], .asset = WEFT_TEXT("line2/u1")};
        ask(&f, q, ROBOT_URI, &there);
        q.asset = WEFT_TEXT("line2/none");
        ask(&f, q, ROBOT_URI, &not_there);
        EXPECT_EQ(WEFT_EREFUSED, there.err); /* NOD-173 */
        EXPECT_EQ(WEFT_EREFUSED, not_there.err);
        EXPECT_EQ(there.bytes.size, not_there.bytes.size);
        EXPECT_TRUE(has_text(&there, "not permitted (correlation "));
        /* Nobody's principal, another site's node, and whoever no permit is of: the same. */
        q.asset = WEFT_TEXT("line1/u2");
        ask(&f, q, "", &there);
        EXPECT_EQ(WEFT_EREFUSED, there.err);
        ask(&f, q, "spiffe://oem.example/plant2/node/n1", &there);
        EXPECT_EQ(WEFT_EREFUSED, there.err);
        ask(&f, q, "spiffe://" RIG_CY, &there);
        EXPECT_EQ(WEFT_EREFUSED, there.err);
        ask(&f, q, NODE_URI, &there);
        EXPECT_EQ(WEFT_OK, there.err);
    }
    weft_arena_destroy(&arena);
    fixture_destroy(&f);
}

TEST(reveal, who_may_not_read_is_not_told_the_revision_that_stood_in_the_way)
{
    struct fixture f;
    struct weft_digest digest = start(&f, "state");
    struct plan plan = {.kinds = {true}};
    struct weft_record record = policy_of(&plan, 2, &digest);
    EXPECT_EQ(WEFT_OK, rig_commit(&f, RIG_BO, &record, 1)->err);
    struct weft_record stale = fixture_record("line2/u1");
    stale.has_expect = true;
    stale.expect_rev = 1;
    const struct weft_applied_item *item = rig_commit(&f, RIG_CY, &stale, 1);
    EXPECT_EQ(WEFT_ECONFLICT, item->err);
    EXPECT_EQ(0, item->error.present_rev); /* NOD-174 */
    EXPECT_TEXT("the asset is not at the revision that was expected", item->error.detail.data);
    weft_arena_destroy(&arena);
    fixture_destroy(&f);
}

/* A hidden field stands in its place, as its leaf. */
TEST(reveal, a_hidden_field_is_replaced_by_its_commitment)
{
    static struct answer a;
    struct fixture f;
    struct weft_digest digest = start(&f, "state");
    struct plan plan = {.kinds = {true, true, true, true},
        .fields = {false, true, true},
        .source = true,
        .consumes = true,
        .quality = true};
    struct weft_record policy = policy_of(&plan, 2, &digest);
    EXPECT_EQ(WEFT_OK, rig_commit(&f, RIG_BO, &policy, 1)->err);
    const struct weft_query q = {.type = WEFT_QUERY_ASSET, .asset = WEFT_TEXT("line1/u0")};
    ask(&f, q, ROBOT_URI, &a);
    EXPECT_EQ(WEFT_OK, a.err);
    const struct weft_record *record = &a.message.page.records[0].record;
    EXPECT_EQ(FIELDS, record->field_count);
    EXPECT_TRUE(weft_text_is(record->fields[0].path, "price/@hidden"));
    EXPECT_EQ(7 + 64, record->fields[0].value.size);
    EXPECT_TRUE(memcmp(record->fields[0].value.data, "sha256:", 7) == 0);
    EXPECT_TRUE(weft_text_is(record->fields[1].path, "detail/deep"));
    EXPECT_TRUE(memcmp(record->links[0].to.data, "@hidden:sha256:", 15) == 0);
    weft_arena_destroy(&arena);
    fixture_destroy(&f);
}
