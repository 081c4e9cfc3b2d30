#include "tests/unit/node/reveal_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/api/http/reply.h"
#include "proto/arith.h"
#include "proto/packed.h"
#include "proto/time.h"
#include "tests/lib/test.h"

const char *const reveal_kinds[REVEAL_KINDS] = {"as_built", "inspection", "cost", "note"};
const char *const reveal_paths[REVEAL_FIELDS] = {"price", "detail/deep", "verdict"};
static const char *const hides[REVEAL_FIELDS] = {"price", "detail", "verdict"};
static const char *const by_ann[] = {RIG_ANN, NULL};

struct reveal_written reveal_history[REVEAL_RECORDS + REVEAL_EVENTS];
uint32_t reveal_written_count;
bool reveal_labelled[REVEAL_NAMES];

void reveal_unit(uint32_t asset, char name[32])
{
    (void)snprintf(
        name, 32, "line%u/%c%u", asset % 2 + 1, asset < REVEAL_ASSETS ? 'u' : 'e', asset);
}

void reveal_relabel(struct fixture *f, uint32_t asset)
{
    const char *const labels[] = {"public", reveal_labelled[asset] ? NULL : "secret", NULL};
    char name[32];
    reveal_unit(asset, name);
    struct weft_record record = rig_labels(name, labels);
    const struct weft_applied_item *item = rig_commit(f, RIG_BO, &record, 1);
    EXPECT_TEXT("", item->err == WEFT_OK ? "" : item->error.detail.data);
    reveal_labelled[asset] = !reveal_labelled[asset];
}

static void mark(char text[REVEAL_MARK_SIZE + 1])
{
    for (int i = 0; i < REVEAL_MARK_SIZE; i++) {
        text[i] = (char)('A' + (int)test_random(26));
    }
    text[REVEAL_MARK_SIZE] = '\0';
}

static void number(char text[REVEAL_MARK_SIZE + 1])
{
    for (int i = 0; i < REVEAL_MARK_SIZE; i++) {
        text[i] = (char)('1' + (int)test_random(9));
    }
    text[REVEAL_MARK_SIZE] = '\0';
}

static void write_one(struct fixture *f, struct reveal_written *w, uint32_t n)
{
    char name[32], lot[32], parent[32], child[32];
    struct weft_field fields[REVEAL_FIELDS];
    bool is_event = n >= REVEAL_RECORDS;
    *w =
        (struct reveal_written){.asset = is_event            ? n - REVEAL_RECORDS + REVEAL_ASSETS
                                         : n < REVEAL_ASSETS ? n
                                                             : (uint32_t)test_random(REVEAL_ASSETS),
            .kind = (uint32_t)test_random(REVEAL_KINDS),
            .at_ns = SIGNERS_NOW_NS - (int64_t)test_random((uint64_t)1 << 50)};
    w->lot = w->asset > 0 && test_random(2) == 0
                 ? (uint32_t)test_random(is_event ? REVEAL_ASSETS : w->asset)
                 : REVEAL_ASSETS;
    for (uint32_t i = 0; i < REVEAL_FIELDS; i++) {
        mark(w->marks[i]);
        fields[i] = (struct weft_field){
            weft_text_of(reveal_paths[i]), weft_text_of(w->marks[i]), WEFT_VALUE_TEXT};
    }
    mark(w->source);
    number(w->quantity);
    mark(w->unit);
    mark(w->place);
    mark(w->supplier);
    reveal_unit(w->asset, name);
    reveal_unit(w->lot, lot);
    reveal_unit((uint32_t)test_random(REVEAL_ASSETS), parent);
    reveal_unit((uint32_t)test_random(REVEAL_ASSETS), child);
    const struct weft_field quantity[] = {
        {WEFT_TEXT("quantity/unit"), weft_text_of(w->unit), WEFT_VALUE_TEXT},
        {WEFT_TEXT("quantity/value"), weft_text_of(w->quantity), WEFT_VALUE_INT}};
    const struct weft_link links[] = {
        {.rel = WEFT_TEXT("supplied_by"), .to = weft_text_of(w->supplier)},
        {.rel = WEFT_TEXT("location"), .to = weft_text_of(w->place)},
        {.rel = WEFT_TEXT("parent"), .to = weft_text_of(parent)},
        {.rel = test_random(2) == 0 ? WEFT_TEXT("contains") : WEFT_TEXT("output"),
            .to = weft_text_of(child)},
        {.rel = WEFT_TEXT("consumes"),
            .to = weft_text_of(lot),
            .fields = quantity,
            .field_count = 2}};
    struct weft_link used[5] = {links[0], links[1], links[4]};
    uint32_t used_count = w->lot < REVEAL_ASSETS ? 3 : 2;
    if (is_event) {
        used[used_count++] = links[2];
        used[used_count++] = links[3];
    }
    const struct weft_record record = {.kind = weft_text_of(reveal_kinds[w->kind]),
        .asset = weft_text_of(name),
        .source = weft_text_of(w->source),
        .fields = fields,
        .field_count = REVEAL_FIELDS,
        .links = used,
        .link_count = used_count,
        .has_at = true,
        .at_ns = w->at_ns};
    const struct weft_applied_item *item = rig_commit(f, RIG_CY, &record, 1);
    EXPECT_TEXT("", item->err == WEFT_OK ? "" : item->error.detail.data);
    w->index = item->result.index;
}

/* --- policies -------------------------------------------------------------------------------- */

struct reveal_plan reveal_make_plan(void)
{
    struct reveal_plan p = {.is_line1 = test_random(2) == 0,
        .forbids_asset = test_random(3) == 0,
        .forbids_label = test_random(2) == 0,
        .at = test_random(3) != 0,
        .source = test_random(2) == 0,
        .consumes = test_random(3) != 0,
        .quantity = test_random(2) == 0,
        .supplier = test_random(2) == 0,
        .place = test_random(2) == 0,
        .is_only = test_random(3) == 0};
    for (int i = 0; i < REVEAL_KINDS; i++) {
        p.kinds[i] = test_random(3) != 0;
    }
    for (int i = 0; i < REVEAL_FIELDS; i++) {
        p.fields[i] = test_random(2) == 0;
    }
    return p;
}

/* " PATTERN" of each that is shown, or of each that is hidden. */
static void list_paths(const struct reveal_plan *p, bool is_shown, char *list, size_t size)
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

struct weft_record reveal_policy(
    const struct reveal_plan *p, uint64_t version, struct weft_digest *digest)
{
    char rest[2400], only[300] = "", hide[300] = "";
    list_paths(p, p->is_only, p->is_only ? only : hide, sizeof(hide));
    (void)snprintf(hide + strlen(hide), sizeof(hide) - strlen(hide), "%s",
        p->quantity ? "" : " @link/consumes/quantity");
    int size = snprintf(rest, sizeof(rest),
        "permit admin\n  who op ann op bo\n  do admin-policy admin-keys\n"
        "permit write\n  who op cy\n  do write create\n");
    for (int k = 0; k < REVEAL_KINDS; k++) {
        if (p->kinds[k]) {
            size += snprintf(rest + size, sizeof(rest) - (size_t)size,
                "permit k%d\n  who svc robot\n  do read subscribe\n"
                "  on kind %s%s\n%s%s%s%s%s%s",
                k, reveal_kinds[k], p->is_line1 ? " asset line1/..." : "",
                only[0] != '\0' ? "  only fields" : "", only, only[0] != '\0' ? "\n" : "",
                hide[0] != '\0' ? "  hide" : "", hide, hide[0] != '\0' ? "\n" : "");
        }
    }
    if (p->forbids_asset) {
        size += snprintf(rest + size, sizeof(rest) - (size_t)size,
            "forbid three\n  who svc robot\n  do any\n  on asset line2/u3\n");
    }
    if (p->forbids_label) {
        (void)snprintf(rest + size, sizeof(rest) - (size_t)size,
            "forbid labelled\n  who svc robot\n  do read subscribe\n  on label sec*\n");
    }
    return rig_policy(version, digest, rest, by_ann, digest);
}

bool reveal_may_see_asset(const struct reveal_plan *p, uint32_t asset)
{
    return (!p->is_line1 || asset % 2 == 0) && !(p->forbids_asset && asset == 3) &&
           !(p->forbids_label && reveal_labelled[asset]);
}

bool reveal_may_see(const struct reveal_plan *p, const struct reveal_written *w)
{
    return p->kinds[w->kind] && reveal_may_see_asset(p, w->asset);
}

/* --- asking ---------------------------------------------------------------------------------- */

struct weft_arena reveal_arena;

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
static void take_json(
    struct reveal_answer *a, const struct weft_query *q, const struct weft_msg *msg)
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

static void take_page(struct reveal_answer *a)
{
    size_t before = a->bytes.size;
    EXPECT_EQ(WEFT_OK, weft_buffer_pad(&a->bytes, 8));
    EXPECT_EQ(WEFT_OK, weft_client_encode(&a->message, &a->bytes));
    EXPECT_TRUE(a->bytes.size > before);
    if (a->message.kind == WEFT_KIND_PAGE) {
        /* Its packed records are the view's, which is closed before they are looked at. */
        struct weft_bytes *packed = &a->message.page.packed.bytes;
        if (packed->size > 0) {
            uint8_t *copy = weft_arena_alloc(&reveal_arena, packed->size);
            EXPECT_TRUE(copy != NULL);
            memcpy(copy, packed->data, packed->size);
            packed->data = copy;
        }
        EXPECT_EQ(WEFT_OK, weft_packed_open_page(&a->message.page, &reveal_arena));
        for (uint32_t i = 0; i < a->message.page.record_count; i++) {
            EXPECT_TRUE(a->count < sizeof(a->index_room) / sizeof(a->index_room[0]));
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
    EXPECT_EQ(WEFT_EINVAL, weft_view_query(view, &q, &reveal_arena, &m, &msg));
}

/* What is said of a page is what is in it: NOD-182. */
static void take_report(struct weft_view *view, const struct weft_query *q, struct reveal_answer *a)
{
    struct weft_read_report report;
    uint64_t secret = 0, labelled = 0;
    weft_view_report(view, q, &report);
    EXPECT_EQ(
        q->type == WEFT_QUERY_COMMITS ? WEFT_READ_ACT_SUBSCRIBE : WEFT_READ_ACT_READ, report.act);
    for (uint32_t i = 0; i < report.count; i++) {
        const struct weft_read_count *count = &report.labels[i];
        bool is_secret = weft_text_is((struct weft_text){count->label, count->size}, "secret");
        secret += is_secret ? count->records : 0;
    }
    for (uint32_t i = 0; a->message.kind == WEFT_KIND_PAGE && i < a->message.page.record_count;
         i++) {
        char name[32];
        for (uint32_t asset = 0; asset < REVEAL_NAMES; asset++) {
            reveal_unit(asset, name);
            labelled += reveal_labelled[asset] &&
                        weft_text_is(a->message.page.records[i].record.asset, name);
        }
    }
    EXPECT_TRUE(a->message.kind != WEFT_KIND_PAGE || labelled == secret);
    a->reported += secret;
}

/* All pages of the answer, in one view. */
void reveal_ask(struct fixture *f, struct weft_query q, const char *who, struct reveal_answer *a)
{
    struct weft_view *view;
    struct weft_msg msg = {""};
    uint8_t cursor[256];
    weft_buffer_clear(&a->bytes);
    weft_buffer_clear(&a->json);
    a->count = 0;
    a->reported = 0;
    q.principal = weft_text_of(who);
    q.now_ns = SIGNERS_NOW_NS;
    EXPECT_EQ(WEFT_OK, weft_view_open(f->state, &view, &msg));
    for (int page = 0; page == 0 || q.cursor.size > 0; page++) {
        weft_arena_reset(&reveal_arena);
        q.packed = test_random(2) == 0;
        a->err = weft_view_query(view, &q, &reveal_arena, &a->message, &msg);
        if (a->err != WEFT_OK) {
            take_json(a, &q, &msg);
            EXPECT_EQ(WEFT_OK, weft_buffer_append(&a->bytes, msg.text, strlen(msg.text)));
            break;
        }
        take_page(a);
        take_json(a, &q, &msg);
        take_report(view, &q, a);
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

static bool has_bytes(const struct reveal_answer *a, const void *bytes, size_t size)
{
    return (a->bytes.size > 0 && memmem(a->bytes.data, a->bytes.size, bytes, size) != NULL) ||
           (a->json.size > 0 && memmem(a->json.data, a->json.size, bytes, size) != NULL);
}

bool reveal_has_text(const struct reveal_answer *a, const char *text)
{
    return has_bytes(a, text, strlen(text));
}

/* As a number in bytes of either order, that of keys and cursors, or as text. */
static bool has_time(const struct reveal_answer *a, int64_t at_ns)
{
    uint8_t bytes[8];
    char text[WEFT_TIME_TEXT_SIZE];
    weft_time_format(at_ns, text);
    weft_put_be64(bytes, (uint64_t)at_ns);
    bool has = has_bytes(a, bytes, 8) || reveal_has_text(a, text);
    weft_put_le64(bytes, (uint64_t)at_ns);
    has = has || has_bytes(a, bytes, 8);
    weft_put_time(bytes, at_ns);
    return has || has_bytes(a, bytes, 8);
}

/* What may stand in answers, and what did: all of it must have come up. */
uint32_t reveal_shown, reveal_hidden, reveal_reported;

static void expect_mark(const struct reveal_answer *a, const struct reveal_written *w,
    const char *mark_text, bool may_be_there)
{
    bool is_there = reveal_has_text(a, mark_text);
    EXPECT_TRUE(may_be_there || !is_there);                                  /* NOD-170 */
    EXPECT_TRUE(!is_there || !reveal_labelled[w->asset] || a->reported > 0); /* NOD-182 */
    reveal_reported += is_there && reveal_labelled[w->asset];
    reveal_shown += is_there;
    reveal_hidden += !may_be_there;
}

/* Nothing of what is hidden stands in the answer. */
void reveal_expect_hidden(const struct reveal_answer *a, const struct reveal_plan *p)
{
    for (uint32_t i = 0; i < reveal_written_count; i++) {
        const struct reveal_written *w = &reveal_history[i];
        bool sees = reveal_may_see(p, w);
        for (uint32_t n = 0; n < REVEAL_FIELDS; n++) {
            expect_mark(a, w, w->marks[n], sees && p->fields[n]);
        }
        expect_mark(a, w, w->source, sees && p->source);
        expect_mark(a, w, w->quantity, sees && p->consumes && p->quantity);
        expect_mark(a, w, w->unit, sees && p->consumes && p->quantity);
        expect_mark(a, w, w->supplier, sees && p->supplier);
        expect_mark(a, w, w->place, sees && p->place);
        EXPECT_TRUE((sees && p->at) || p->names_time || !has_time(a, w->at_ns));
    }
}

/* --- the history ------------------------------------------------------------------------------ */

struct weft_digest reveal_start(struct fixture *f, const char *name)
{
    rig_start(f, name);
    struct weft_digest digest = rig_govern(f);
    fixture_close(f);
    f->options.lineage_bytes = 64 * 1024 * 1024;
    fixture_open(f);
    reveal_arena.size_max = 32 * 1024 * 1024;
    memset(reveal_labelled, 0, sizeof(reveal_labelled));
    for (uint32_t i = 0; i < REVEAL_RECORDS; i++) {
        write_one(f, &reveal_history[i], i);
    }
    reveal_written_count = REVEAL_RECORDS;
    return digest;
}

void reveal_add_events(struct fixture *f)
{
    for (uint32_t i = 0; i < REVEAL_EVENTS; i++) {
        write_one(f, &reveal_history[reveal_written_count++], REVEAL_RECORDS + i);
    }
}
