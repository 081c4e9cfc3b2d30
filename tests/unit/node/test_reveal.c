/* What whoever asks may see: random policies over random histories, against the unfiltered answer
 * filtered by plain rules; and that no way out gives a byte of what is hidden. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/api/http/reply.h"
#include "proto/arith.h"
#include "proto/time.h"
#include "tests/lib/test.h"
#include "tests/unit/node/authority_rig.h"

enum {
    ASSETS = 10,
    KINDS = 4,
    FIELDS = 3,
    RECORDS = 90,
    MARK_SIZE = 16,
    POLICIES = 16,
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
    char quantity[MARK_SIZE + 1]; /* Of its link, digits; and its unit. */
    char unit[MARK_SIZE + 1];
    char place[MARK_SIZE + 1]; /* Where it is. */
    int64_t at_ns;
    char supplier[MARK_SIZE + 1]; /* What a link by supplied_by leads to. */
};

/* What the robot may read, by plain rules. */
struct plan {
    bool kinds[KINDS];  /* Permitted... */
    bool is_line1;      /* ...on line1/... alone... */
    bool forbids_asset; /* ...and not on unit(3). */
    bool fields[FIELDS];
    bool at, source, consumes, quantity, supplier, place;
    bool is_only;    /* Said by what is shown. */
    bool names_time; /* Of a question: times that it names may be told again. */
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

static void number(char text[MARK_SIZE + 1])
{
    for (int i = 0; i < MARK_SIZE; i++) {
        text[i] = (char)('1' + (int)test_random(9));
    }
    text[MARK_SIZE] = '\0';
}

static void write_one(struct fixture *f, struct written *w, uint32_t n)
{
    char name[32], lot[32];
    struct weft_field fields[FIELDS];
    *w = (struct written){.asset = n < ASSETS ? n : (uint32_t)test_random(ASSETS),
        .kind = (uint32_t)test_random(KINDS),
        .at_ns = SIGNERS_NOW_NS - (int64_t)test_random((uint64_t)1 << 50)};
    w->lot = w->asset > 0 && test_random(2) == 0 ? (uint32_t)test_random(w->asset) : ASSETS;
    for (uint32_t i = 0; i < FIELDS; i++) {
        mark(w->marks[i]);
        fields[i] =
            (struct weft_field){weft_text_of(paths[i]), weft_text_of(w->marks[i]), WEFT_VALUE_TEXT};
    }
    mark(w->source);
    number(w->quantity);
    mark(w->unit);
    mark(w->place);
    mark(w->supplier);
    unit(w->asset, name);
    unit(w->lot, lot);
    const struct weft_field quantity[] = {
        {WEFT_TEXT("quantity/unit"), weft_text_of(w->unit), WEFT_VALUE_TEXT},
        {WEFT_TEXT("quantity/value"), weft_text_of(w->quantity), WEFT_VALUE_INT}};
    const struct weft_link links[] = {
        {.rel = WEFT_TEXT("supplied_by"), .to = weft_text_of(w->supplier)},
        {.rel = WEFT_TEXT("location"), .to = weft_text_of(w->place)},
        {.rel = WEFT_TEXT("consumes"),
            .to = weft_text_of(lot),
            .fields = quantity,
            .field_count = 2}};
    const struct weft_record record = {.kind = weft_text_of(kinds[w->kind]),
        .asset = weft_text_of(name),
        .source = weft_text_of(w->source),
        .fields = fields,
        .field_count = FIELDS,
        .links = links,
        .link_count = w->lot < ASSETS ? 3 : 2,
        .has_at = true,
        .at_ns = w->at_ns};
    const struct weft_applied_item *item = rig_commit(f, RIG_CY, &record, 1);
    EXPECT_TEXT("", item->err == WEFT_OK ? "" : item->error.detail.data);
    w->index = item->result.index;
}

/* --- policies -------------------------------------------------------------------------------- */

static struct plan make_plan(void)
{
    struct plan p = {.is_line1 = test_random(2) == 0,
        .forbids_asset = test_random(3) == 0,
        .at = test_random(3) != 0,
        .source = test_random(2) == 0,
        .consumes = test_random(3) != 0,
        .quantity = test_random(2) == 0,
        .supplier = test_random(2) == 0,
        .place = test_random(2) == 0,
        .is_only = test_random(3) == 0};
    for (int i = 0; i < KINDS; i++) {
        p.kinds[i] = test_random(3) != 0;
    }
    for (int i = 0; i < FIELDS; i++) {
        p.fields[i] = test_random(2) == 0;
    }
    return p;
}

/* " PATTERN" of each that is shown, or of each that is hidden. */
static void list_paths(const struct plan *p, bool is_shown, char *list, size_t size)
{
    const struct {
        const char *path;
        bool is_shown;
    } all[] = {{hides[0], p->fields[0]}, {hides[1], p->fields[1]}, {hides[2], p->fields[2]},
        {"@at", p->at}, {"@author", true}, {"@source", p->source}, {"@link/consumes", p->consumes},
        {"@link/supplied_by", p->supplier}, {"@link/location", p->place}};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        size_t used = strlen(list);
        (void)snprintf(list + used, size - used, "%s%s", all[i].is_shown == is_shown ? " " : "",
            all[i].is_shown == is_shown ? all[i].path : "");
    }
}

static struct weft_record policy_of(
    const struct plan *p, uint64_t version, struct weft_digest *digest)
{
    char rest[2400], only[300] = "", hide[300] = "";
    list_paths(p, p->is_only, p->is_only ? only : hide, sizeof(hide));
    (void)snprintf(hide + strlen(hide), sizeof(hide) - strlen(hide), "%s",
        p->quantity ? "" : " @link/consumes/quantity");
    int size = snprintf(rest, sizeof(rest),
        "permit admin\n  who op ann op bo\n  do admin-policy admin-keys\n"
        "permit write\n  who op cy\n  do write create\n");
    for (int k = 0; k < KINDS; k++) {
        if (p->kinds[k]) {
            size += snprintf(rest + size, sizeof(rest) - (size_t)size,
                "permit k%d\n  who svc robot\n  do read subscribe\n"
                "  on kind %s%s\n%s%s%s%s%s%s",
                k, kinds[k], p->is_line1 ? " asset line1/..." : "",
                only[0] != '\0' ? "  only fields" : "", only, only[0] != '\0' ? "\n" : "",
                hide[0] != '\0' ? "  hide" : "", hide, hide[0] != '\0' ? "\n" : "");
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
    struct weft_buffer json;  /* The same as the HTTP door gives it. */
    uint64_t *indexes;
    uint32_t count;
    uint64_t index_room[4 * RECORDS];
};

static struct weft_arena arena;

/* No default: a type of query that is not asked below does not compile (NOD-176). */
static enum weft_http_resource resource_of(enum weft_query_type type)
{
    switch (type) {
    case WEFT_QUERY_ASSET:
    case WEFT_QUERY_TWIN:
    case WEFT_QUERY_DIFF:
        return WEFT_HTTP_ASSET;
    case WEFT_QUERY_STORY:
        return WEFT_HTTP_STORY;
    case WEFT_QUERY_FIND:
        return WEFT_HTTP_RECORDS;
    case WEFT_QUERY_COMMITS:
        return WEFT_HTTP_COMMITS;
    case WEFT_QUERY_TRACE_FORWARD:
        return WEFT_HTTP_TRACE_FORWARD;
    case WEFT_QUERY_TRACE_BACK:
        return WEFT_HTTP_TRACE_BACK;
    case WEFT_QUERY_RECALL:
        return WEFT_HTTP_RECALL;
    case WEFT_QUERY_AUDIT:
        return WEFT_HTTP_AUDIT;
    }
    return WEFT_HTTP_RESOURCES;
}

/* As the HTTP door gives it: another view of an asset's page, too. */
static void take_json(struct answer *a, const struct weft_query *q, const struct weft_msg *msg)
{
    static struct weft_http_reply reply;
    static struct weft_arena scratch = {.size_max = 32 * 1024 * 1024};
    struct weft_http_asked asked = {.resource = resource_of(q->type),
        .asset = q->asset,
        .is_present = true,
        .ids_only = q->ids_only};
    for (int view = 0; view < 2; view++) {
        weft_arena_reset(&scratch);
        weft_http_reply_reset(&reply);
        if (a->err != WEFT_OK) {
            weft_http_reply_problem(&reply, a->err, 0, msg->text, NULL);
        } else {
            weft_http_reply_message(&reply, &asked, &a->message, &scratch);
        }
        EXPECT_TRUE(!reply.body.is_broken);
        EXPECT_EQ(WEFT_OK, weft_buffer_append(&a->json, reply.body.out.data, reply.body.out.size));
        EXPECT_EQ(WEFT_OK, weft_buffer_append(&a->json, reply.etag, strlen(reply.etag)));
        asked.resource = q->type == WEFT_QUERY_ASSET ? WEFT_HTTP_ASSET_RECORDS : asked.resource;
    }
}

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

static struct weft_bytes cursor_of(const struct weft_client_message *m)
{
    return m->kind == WEFT_KIND_PAGE           ? m->page.cursor
           : m->kind == WEFT_KIND_TRACE_RESULT ? m->trace.cursor
                                               : (struct weft_bytes){NULL, 0};
}

/* A cursor is good for whom it was given alone: NOD-175. */
static void expect_own(struct weft_view *view, struct weft_query q)
{
    struct weft_client_message m;
    struct weft_msg msg = {""};
    q.principal = WEFT_TEXT("spiffe://" RIG_CY);
    EXPECT_EQ(WEFT_EINVAL, weft_view_query(view, &q, &arena, &m, &msg));
}

/* All pages of the answer, in one view. */
static void ask(struct fixture *f, struct weft_query q, const char *who, struct answer *a)
{
    struct weft_view *view;
    struct weft_msg msg = {""};
    uint8_t cursor[256];
    weft_buffer_clear(&a->bytes);
    weft_buffer_clear(&a->json);
    a->count = 0;
    q.principal = weft_text_of(who);
    q.now_ns = SIGNERS_NOW_NS;
    EXPECT_EQ(WEFT_OK, weft_view_open(f->state, &view, &msg));
    for (int page = 0; page == 0 || q.cursor.size > 0; page++) {
        weft_arena_reset(&arena);
        a->err = weft_view_query(view, &q, &arena, &a->message, &msg);
        take_json(a, &q, &msg);
        if (a->err != WEFT_OK) {
            EXPECT_EQ(WEFT_OK, weft_buffer_append(&a->bytes, msg.text, strlen(msg.text)));
            break;
        }
        take_page(a);
        struct weft_bytes next = cursor_of(&a->message);
        EXPECT_TRUE(next.size <= sizeof(cursor) && page < 1000);
        if (next.size > 0) {
            memcpy(cursor, next.data, next.size);
        }
        q.cursor = (struct weft_bytes){cursor, next.size};
        if (next.size > 0 && page == 0) {
            expect_own(view, q);
        }
    }
    weft_view_close(view);
}

static bool has_bytes(const struct answer *a, const void *bytes, size_t size)
{
    return (a->bytes.size > 0 && memmem(a->bytes.data, a->bytes.size, bytes, size) != NULL) ||
           (a->json.size > 0 && memmem(a->json.data, a->json.size, bytes, size) != NULL);
}

static bool has_text(const struct answer *a, const char *text)
{
    return has_bytes(a, text, strlen(text));
}

/* As a number in bytes of either order, that of keys and cursors, or as text. */
static bool has_time(const struct answer *a, int64_t at_ns)
{
    uint8_t bytes[8];
    char text[WEFT_TIME_TEXT_SIZE];
    weft_time_format(at_ns, text);
    weft_put_be64(bytes, (uint64_t)at_ns);
    bool has = has_bytes(a, bytes, 8) || has_text(a, text);
    weft_put_le64(bytes, (uint64_t)at_ns);
    has = has || has_bytes(a, bytes, 8);
    weft_put_time(bytes, at_ns);
    return has || has_bytes(a, bytes, 8);
}

/* What may stand in answers, and what did: all of it must have come up. */
static uint32_t shown_count, hidden_count;

static void expect_mark(const struct answer *a, const char *mark_text, bool may_be_there)
{
    bool is_there = has_text(a, mark_text);
    EXPECT_TRUE(may_be_there || !is_there); /* NOD-170 */
    shown_count += is_there;
    hidden_count += !may_be_there;
}

/* Nothing of what is hidden stands in the answer. */
static void expect_hidden(const struct answer *a, const struct plan *p)
{
    for (uint32_t i = 0; i < RECORDS; i++) {
        const struct written *w = &history[i];
        bool sees = may_see(p, w);
        for (uint32_t n = 0; n < FIELDS; n++) {
            expect_mark(a, w->marks[n], sees && p->fields[n]);
        }
        expect_mark(a, w->source, sees && p->source);
        expect_mark(a, w->quantity, sees && p->consumes && p->quantity);
        expect_mark(a, w->unit, sees && p->consumes && p->quantity);
        expect_mark(a, w->supplier, sees && p->supplier);
        expect_mark(a, w->place, sees && p->place);
        EXPECT_TRUE((sees && p->at) || p->names_time || !has_time(a, w->at_ns));
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

/* A question about an asset, of any type and form, as of any time. */
static struct weft_query any_query(struct weft_text asset, enum weft_query_type type)
{
    static const char *const rels[] = {"", "consumes", "supplied_by", "location,consumes"};
    const struct written *some = &history[test_random(RECORDS)];
    struct weft_query q = {.type = type,
        .asset = asset,
        .with_records = test_random(2) == 0,
        .ids_only = test_random(4) == 0,
        .no_inside = test_random(4) == 0,
        .limit = (uint32_t)test_random(5),
        .as_of = test_random(3) == 0 ? some->index : 0,
        .has_at = test_random(3) == 0,
        .at_ns = some->at_ns,
        .other_as_of = type == WEFT_QUERY_DIFF && test_random(2) == 0 ? some->index : 0,
        .other_has_at = type == WEFT_QUERY_DIFF && test_random(3) == 0,
        .other_at_ns = history[test_random(RECORDS)].at_ns};
    if (type == WEFT_QUERY_TRACE_FORWARD || type == WEFT_QUERY_TRACE_BACK) {
        q.rels = weft_text_of(rels[test_random(4)]);
    }
    return q;
}

/* Who names a time knows it. */
static bool names_time(const struct weft_query *q)
{
    return q->has_at || q->other_has_at;
}

/* Every type of query (NOD-170): resource_of has them all. */
static void check_leaks(struct fixture *f, const struct plan *p)
{
    static struct answer a;
    static struct plan with_time;
    char name[32];
    for (uint32_t asset = 0; asset < ASSETS; asset++) {
        unit(asset, name);
        for (int type = WEFT_QUERY_ASSET; type < WEFT_QUERY_AUDIT; type++) {
            const struct weft_query q = any_query(weft_text_of(name), (enum weft_query_type)type);
            ask(f, q, ROBOT_URI, &a);
            with_time = *p;
            with_time.names_time = names_time(&q);
            expect_hidden(&a, &with_time);
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
    const struct weft_query audit = {
        .type = WEFT_QUERY_AUDIT, .asset = WEFT_TEXT("tile/entries/000.p/9")};
    ask(f, audit, ROBOT_URI, &a);
    EXPECT_EQ(WEFT_OK, a.err);
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

static void check_policies(struct fixture *f, struct weft_digest *digest, uint32_t count)
{
    shown_count = hidden_count = 0;
    for (uint32_t n = 0; n < count; n++) {
        struct plan plan = make_plan();
        struct weft_record record = policy_of(&plan, 2 + n, digest);
        const struct weft_applied_item *item = rig_commit(f, RIG_BO, &record, 1);
        EXPECT_TEXT("", item->err == WEFT_OK ? "" : item->error.detail.data);
        check_records(f, &plan);
        check_leaks(f, &plan);
    }
    EXPECT_TRUE(shown_count > 1000 && hidden_count > 1000);
}

TEST(reveal, answers_are_the_unfiltered_ones_filtered_and_hold_no_byte_of_what_is_hidden)
{
    struct fixture f;
    struct weft_digest digest = start(&f, "state");
    fixture_close(&f);
    f.options.lineage_bytes = 64 << 20;
    fixture_open(&f);
    check_policies(&f, &digest, POLICIES);
    weft_arena_destroy(&arena);
    fixture_destroy(&f);
}

/* The same without the index of lineage. */
TEST(reveal, answers_from_the_store_are_filtered_alike)
{
    struct fixture f;
    struct weft_digest digest = start(&f, "state");
    fixture_close(&f);
    f.options.lineage_bytes = 0;
    fixture_open(&f);
    check_policies(&f, &digest, POLICIES / 3);
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
    const struct plan plan = {.kinds = {true, true, true, true}, .is_line1 = true, .at = true};
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
        .at = true,
        .source = true,
        .consumes = true,
        .place = true,
        .quantity = true};
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
