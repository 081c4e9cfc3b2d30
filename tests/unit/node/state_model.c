#include "tests/unit/node/state_model.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/packed.h"
#include "tests/lib/test.h"

const char *const model_kinds[MODEL_KINDS] = {
    "inspection", "as-built", "process-run", "epcis.object", "test", "maintenance"};
const char *const model_rels[MODEL_RELS] = {"consumes", "uses_lot", "part_of", "about", "made_on",
    "contains", "input", "parent", "output", "installs", "installed_in", "releases", "removes",
    "removed_from", "instance_of", "revision_of", "location", "biz_location", "shipped_to",
    "empties"};

const char *model_asset_name(int asset)
{
    static char names[MODEL_ASSETS][64];
    static const char *const starts[] = {
        "serial:box/", "lot:AL6061/", "plant1/line2/press", "urn:epc:id:sgtin:4012345.011122."};
    if (names[asset][0] == '\0') {
        (void)snprintf(names[asset], sizeof(names[asset]), "%s%d", starts[asset % 4], asset);
    }
    return names[asset];
}

const char *model_principal(int principal)
{
    static const char *const names[] = {
        "person/17", "service/mes", "spiffe://plant1.example/gateway/4"};
    return names[principal % 3];
}

static const char *author_name(const struct model_record *r)
{
    return r->spec.author == 0 ? model_principal(r->principal)
                               : model_principal(r->spec.author - 1);
}

void model_destroy(struct model *m)
{
    free(m->records);
    free(m->commits);
    memset(m, 0, sizeof(*m));
}

static char *text(struct weft_arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static char *text(struct weft_arena *arena, const char *format, ...)
{
    va_list args;
    char *p = weft_arena_alloc(arena, 64);
    va_start(args, format);
    (void)vsnprintf(p, 64, format, args);
    va_end(args);
    return p;
}

/* Fields: n, an integer; q/value with q/unit, a decimal of three places; t, a text. */
struct weft_record model_build(const struct model_spec *spec, struct weft_arena *arena)
{
    struct weft_field *fields = weft_arena_array(arena, 4, sizeof(*fields));
    struct weft_link *links = weft_arena_array(arena, (size_t)spec->link_count, sizeof(*links));
    struct weft_field *link_fields = weft_arena_array(arena, 1, sizeof(*link_fields));
    int size = abs(spec->value);
    fields[0] = (struct weft_field){
        WEFT_TEXT("n"), weft_text_of(text(arena, "%d", spec->value)), WEFT_VALUE_INT};
    fields[1] = (struct weft_field){WEFT_TEXT("q/value"),
        weft_text_of(
            text(arena, spec->value < 0 ? "-%d.%03d" : "%d.%03d", size / 7, (size * 37) % 1000)),
        WEFT_VALUE_REAL};
    fields[2] = (struct weft_field){WEFT_TEXT("q/unit"), WEFT_TEXT("mm"), WEFT_VALUE_TEXT};
    fields[3] = (struct weft_field){WEFT_TEXT("t"),
        weft_text_of(text(arena, "text-%d-%d", size % 5, size % 3)), WEFT_VALUE_TEXT};
    link_fields[0] = (struct weft_field){WEFT_TEXT("quantity"), WEFT_TEXT("2"), WEFT_VALUE_INT};
    for (int i = 0; i < spec->link_count; i++) {
        links[i] = (struct weft_link){.rel = weft_text_of(model_rels[spec->links[i][0]]),
            .to = weft_text_of(model_asset_name(spec->links[i][1])),
            .fields = link_fields,
            .field_count = i == 0 ? 1 : 0};
    }
    return (struct weft_record){.kind = weft_text_of(model_kinds[spec->kind]),
        .asset = weft_text_of(model_asset_name(spec->asset)),
        .source = size % 2 == 0 ? WEFT_TEXT("mes:4") : WEFT_TEXT(""),
        .author = spec->author == 0 ? (struct weft_text){NULL, 0}
                                    : weft_text_of(model_principal(spec->author - 1)),
        .at_ns = spec->at_ns,
        .has_at = spec->has_at,
        .has_expect = spec->has_expect,
        .expect_rev = spec->expect_rev,
        .fields = fields,
        .field_count = 4,
        .links = links,
        .link_count = (uint32_t)spec->link_count};
}

/* --- applying -------------------------------------------------------------------------------- */

void model_begin_entry(struct model *m, uint64_t index, int64_t time_ns, const uint8_t *seed)
{
    m->index = index;
    m->time_ns = time_ns;
    m->ordinal = 0;
    memcpy(m->seed, seed, sizeof(m->seed));
}

static bool is_none(const struct weft_request_id *id)
{
    for (size_t i = 0; i < sizeof(id->bytes); i++) {
        if (id->bytes[i] != 0) {
            return false;
        }
    }
    return true;
}

static bool same_spec(const struct model_spec *a, const struct model_spec *b)
{
    bool same = a->asset == b->asset && a->kind == b->kind && a->value == b->value &&
                a->author == b->author && a->has_at == b->has_at &&
                (!a->has_at || a->at_ns == b->at_ns) && a->link_count == b->link_count;
    for (int i = 0; same && i < a->link_count; i++) {
        same = a->links[i][0] == b->links[i][0] && a->links[i][1] == b->links[i][1];
    }
    return same;
}

static bool same_commit(const struct model_commit *a, const struct model_commit *b)
{
    bool same = a->count == b->count;
    for (int i = 0; same && i < a->count; i++) {
        bool by_principal = a->specs[i].author == 0;
        same = same_spec(&a->specs[i], &b->specs[i]) &&
               (!by_principal || a->principal % 3 == b->principal % 3);
    }
    return same;
}

static void mention(struct model *m, int asset)
{
    if (m->mentioned[asset] == 0) {
        m->mentioned[asset] = m->index;
    }
}

static void mention_kind(struct model *m, int kind)
{
    for (int i = 0; i < m->kind_count; i++) {
        if (m->kind_order[i] == kind) {
            return;
        }
    }
    m->kind_order[m->kind_count++] = kind;
}

static void accept(struct model *m, const struct model_commit *commit, int n)
{
    struct weft_arena arena = {.size_max = 1 << 20};
    if (m->record_count == m->record_capacity) {
        m->record_capacity = m->record_capacity == 0 ? 1024 : 2 * m->record_capacity;
        m->records = realloc(m->records, (size_t)m->record_capacity * sizeof(*m->records));
    }
    struct model_record *r = &m->records[m->record_count++];
    *r = (struct model_record){.spec = commit->specs[n],
        .index = m->index,
        .ordinal = m->ordinal + (uint32_t)n,
        .time_ns = m->time_ns,
        .principal = commit->principal};
    if (!r->spec.has_at) {
        r->spec.at_ns = m->time_ns;
    }
    struct weft_record record = model_build(&r->spec, &arena);
    record.has_at = true;
    record.author = weft_text_of(author_name(r));
    const struct weft_statement_place place = {.authority = WEFT_TEXT("acme.example/plant1"),
        .authority_epoch = 1,
        .index = r->index,
        .ordinal = r->ordinal,
        .previous = m->digests[r->spec.asset],
        .time_ns = m->time_ns,
        .salt_seed = m->seed};
    if (weft_statement_digest(&record, &place, &arena, NULL, &r->digest) != WEFT_OK) {
        abort();
    }
    m->digests[r->spec.asset] = r->digest;
    m->revs[r->spec.asset] = m->index;
    mention(m, r->spec.asset);
    mention_kind(m, r->spec.kind);
    for (int i = 0; i < r->spec.link_count; i++) {
        mention(m, r->spec.links[i][1]);
    }
    weft_arena_destroy(&arena);
}

struct model_outcome model_commit(struct model *m, const struct model_commit *commit)
{
    bool has_id = !is_none(&commit->id);
    for (int i = 0; has_id && i < m->commit_count; i++) {
        if (memcmp(&m->commits[i].id, &commit->id, sizeof(commit->id)) == 0) {
            bool same = same_commit(commit, &m->commits[i]);
            return (struct model_outcome){
                .is_repeated = same, .is_other = !same, .commit = &m->commits[i]};
        }
    }
    for (int i = 0; i < commit->count; i++) {
        const struct model_spec *spec = &commit->specs[i];
        if (spec->has_expect && spec->expect_rev != m->revs[spec->asset]) {
            return (struct model_outcome){
                .is_conflict = true, .culprit = i, .present_rev = m->revs[spec->asset]};
        }
    }
    for (int i = 0; i < commit->count; i++) {
        accept(m, commit, i);
    }
    if (m->commit_count == m->commit_capacity) {
        m->commit_capacity = m->commit_capacity == 0 ? 1024 : 2 * m->commit_capacity;
        m->commits = realloc(m->commits, (size_t)m->commit_capacity * sizeof(*m->commits));
    }
    struct model_commit *kept = &m->commits[m->commit_count];
    *kept = *commit;
    kept->index = m->index;
    kept->first_ordinal = m->ordinal;
    m->ordinal += (uint32_t)commit->count;
    m->commit_count += has_id;
    return (struct model_outcome){.commit = kept};
}

/* --- asking ---------------------------------------------------------------------------------- */

bool model_times_of(const struct model *m, uint64_t index, int64_t *ret_from_ns, int64_t *until_ns)
{
    bool is_there = false;
    for (int i = m->record_count; i > 0 && m->records[i - 1].index >= index; i--) {
        const struct model_record *r = &m->records[i - 1];
        is_there = r->index == index;
        *(is_there ? ret_from_ns : until_ns) = r->time_ns;
    }
    return is_there;
}

uint64_t model_rev(const struct model *m, int asset, uint64_t as_of)
{
    uint64_t rev = 0;
    for (int i = 0; i < m->record_count; i++) {
        if (m->records[i].spec.asset == asset && m->records[i].index <= as_of) {
            rev = m->records[i].index;
        }
    }
    return rev;
}

static bool sees(const struct weft_query *q, uint64_t as_of, const struct model_record *r)
{
    return r->index <= as_of && (!q->has_at || r->spec.at_ns <= q->at_ns);
}

/* The textbook definition, by recursion. */
static bool glob_fits(const char *glob, const char *name)
{
    if (*glob == '\0') {
        return *name == '\0';
    }
    if (*glob == '*') {
        return glob_fits(glob + 1, name) || (*name != '\0' && glob_fits(glob, name + 1));
    }
    return *name != '\0' && (*glob == '?' || *glob == *name) && glob_fits(glob + 1, name + 1);
}

static bool holds(enum weft_operator op, long difference)
{
    switch (op) {
    case WEFT_OP_EQ:
        return difference == 0;
    case WEFT_OP_NE:
        return difference != 0;
    case WEFT_OP_LT:
        return difference < 0;
    case WEFT_OP_LE:
        return difference <= 0;
    case WEFT_OP_GT:
        return difference > 0;
    case WEFT_OP_GE:
        return difference >= 0;
    case WEFT_OP_NONE:
    case WEFT_OP_GLOB:
        break;
    }
    return true;
}

static bool where_holds(const struct weft_query *q, int field, const struct model_record *r)
{
    char value[64];
    int size = abs(r->spec.value);
    long thousandths = (size / 7 * 1000L + (size * 37) % 1000) * (r->spec.value < 0 ? -1 : 1);
    switch (field) {
    case MODEL_WHERE_N:
        return holds(q->where_op, r->spec.value - strtol(q->where_value.data, NULL, 10));
    case MODEL_WHERE_Q: {
        double asked = strtod(q->where_value.data, NULL) * 1000;
        return holds(q->where_op, thousandths - (long)(asked < 0 ? asked - 0.5 : asked + 0.5));
    }
    case MODEL_WHERE_T:
        (void)snprintf(value, sizeof(value), "text-%d-%d", size % 5, size % 3);
        if (q->where_op == WEFT_OP_GLOB) {
            return glob_fits(q->where_value.data, value);
        }
        return holds(q->where_op, strcmp(value, q->where_value.data));
    default:
        return true;
    }
}

static int query_asset(
    const struct model *m, const struct weft_query *q, int asset, uint64_t as_of, int *places)
{
    int count = 0;
    if (model_rev(m, asset, as_of) == 0) {
        return -1;
    }
    for (int k = 0; k < m->kind_count; k++) {
        int found = -1;
        for (int i = 0; i < m->record_count; i++) {
            const struct model_record *r = &m->records[i];
            if (r->spec.asset == asset && r->spec.kind == m->kind_order[k] && sees(q, as_of, r)) {
                found = i;
            }
        }
        if (found >= 0) {
            places[count++] = found;
        }
    }
    return count;
}

static bool is_one_of(const char *rel, const char *rels)
{
    const char *at = strstr(rels, rel);
    size_t size = strlen(rel);
    return at != NULL && (at == rels || at[-1] == ' ') && (at[size] == ' ' || at[size] == '\0');
}

/* Mark what is inside, until nothing more is. */
static void mark_inside(
    const struct model *m, const struct weft_query *q, uint64_t as_of, bool *inside)
{
    bool more = true;
    while (more) {
        more = false;
        for (int i = 0; i < m->record_count; i++) {
            const struct model_record *r = &m->records[i];
            for (int j = 0; sees(q, as_of, r) && j < r->spec.link_count; j++) {
                const char *rel = model_rels[r->spec.links[j][0]];
                int from = r->spec.asset, to = r->spec.links[j][1];
                if (is_one_of(rel, "part_of parent output installed_in")) {
                    from = to;
                    to = r->spec.asset;
                } else if (!is_one_of(rel, "consumes uses_lot contains input installs")) {
                    continue; /* A story tells of what was ever inside: ends do not count. */
                }
                if (inside[from] && !inside[to]) {
                    inside[to] = true;
                    more = true;
                }
            }
        }
    }
}

static const struct model *sorted_model;

static int compare_places(const void *a, const void *b)
{
    const struct model_record *x = &sorted_model->records[*(const int *)a];
    const struct model_record *y = &sorted_model->records[*(const int *)b];
    if (x->spec.at_ns != y->spec.at_ns) {
        return x->spec.at_ns < y->spec.at_ns ? -1 : 1;
    }
    return *(const int *)a - *(const int *)b;
}

static int query_story(
    const struct model *m, const struct weft_query *q, int asset, uint64_t as_of, int *places)
{
    bool inside[MODEL_ASSETS] = {false};
    int count = 0;
    if (m->mentioned[asset] == 0 || m->mentioned[asset] > as_of) {
        return -1;
    }
    inside[asset] = true;
    if (!q->no_inside) {
        mark_inside(m, q, as_of, inside);
    }
    for (int i = 0; i < m->record_count; i++) {
        const struct model_record *r = &m->records[i];
        bool is_part = inside[r->spec.asset];
        for (int j = 0; j < r->spec.link_count; j++) {
            is_part = is_part || r->spec.links[j][1] == asset;
        }
        if (is_part && sees(q, as_of, r)) {
            places[count++] = i;
        }
    }
    sorted_model = m;
    qsort(places, (size_t)count, sizeof(*places), compare_places);
    return count;
}

int model_query(const struct model *m, const struct weft_query *q, int asset, int kind,
    const char *glob, int where_field, int *ret_places)
{
    uint64_t as_of = q->as_of != 0 ? q->as_of : m->index;
    int count = 0;
    if (q->type == WEFT_QUERY_ASSET) {
        return query_asset(m, q, asset, as_of, ret_places);
    }
    if (q->type == WEFT_QUERY_STORY) {
        return query_story(m, q, asset, as_of, ret_places);
    }
    for (int i = 0; i < m->record_count; i++) {
        const struct model_record *r = &m->records[i];
        bool is_part = sees(q, as_of, r) && (kind < 0 || r->spec.kind == kind) &&
                       (*glob == '\0' || glob_fits(glob, model_asset_name(r->spec.asset)));
        is_part = is_part && where_holds(q, where_field, r); /* FIND and COMMITS are left. */
        if (is_part && q->type == WEFT_QUERY_COMMITS) {
            is_part = r->index >= q->from_index;
        }
        if (is_part) {
            ret_places[count++] = i;
        }
    }
    return count;
}

bool model_open_page(struct weft_page *page, struct weft_arena *arena)
{
    struct weft_bytes *bytes = &page->packed.bytes;
    bool is_packed = page->packed.count > 0;
    if (is_packed) {
        uint8_t *copy = weft_arena_alloc(arena, bytes->size);
        EXPECT_EQ(WEFT_OK, weft_packed_check_records(&page->packed));
        EXPECT_EQ(0, page->record_count);
        memcpy(copy, bytes->data, bytes->size);
        bytes->data = copy;
    }
    EXPECT_EQ(WEFT_OK, weft_packed_open_page(page, arena));
    return is_packed;
}
