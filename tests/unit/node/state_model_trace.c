/* Traces and recalls by brute force: every record is read again for every question, and nothing
 * is shared with node/state. */
#include <stdlib.h>
#include <string.h>

#include "proto/packed.h"
#include "tests/lib/test.h"
#include "tests/unit/node/state_model.h"

/* Numbers of the rels in model_rels. */
enum {
    CONSUMES,
    USES_LOT,
    PART_OF,
    ABOUT,
    MADE_ON,
    CONTAINS,
    INPUT,
    PARENT,
    OUTPUT,
    INSTALLS,
    INSTALLED_IN,
    RELEASES,
    REMOVES,
    REMOVED_FROM,
    INSTANCE_OF,
    REVISION_OF,
    LOCATION,
    BIZ_LOCATION,
    SHIPPED_TO,
    EMPTIES,
};

/* The order in which the links of one record count; those without material behind it. */
static const int ranks[MODEL_RELS] = {[CONSUMES] = 0,
    [USES_LOT] = 1,
    [INPUT] = 2,
    [CONTAINS] = 3,
    [INSTALLS] = 4,
    [OUTPUT] = 5,
    [PART_OF] = 6,
    [INSTALLED_IN] = 7,
    [ABOUT] = 8,
    [MADE_ON] = 9,
    [PARENT] = 10,
    [RELEASES] = 11,
    [REMOVES] = 12,
    [REMOVED_FROM] = 13,
    [INSTANCE_OF] = 14,
    [REVISION_OF] = 15,
    [LOCATION] = 16,
    [BIZ_LOCATION] = 17,
    [SHIPPED_TO] = 18,
    [EMPTIES] = 19};

enum {
    MATERIAL = 8
};

static bool is_permanent(int rel)
{
    return rel == CONSUMES || rel == USES_LOT || rel == INPUT || rel == OUTPUT;
}

static bool is_end(int rel)
{
    return rel == RELEASES || rel == REMOVES || rel == REMOVED_FROM || rel == EMPTIES;
}

static bool sees(const struct model *m, const struct weft_query *q, int record)
{
    const struct model_record *r = &m->records[record];
    uint64_t as_of = q->as_of != 0 ? q->as_of : m->index;
    return r->index <= as_of && (!q->has_at || r->spec.at_ns <= q->at_ns);
}

/* Who is the parent and who the child of a link of a record. */
static void ends_of(const struct model_spec *spec, int link, int *ret_parent, int *ret_child)
{
    int rel = spec->links[link][0], parent = -1;
    *ret_parent = spec->asset;
    *ret_child = spec->links[link][1];
    if (rel == OUTPUT || rel == PART_OF || rel == INSTALLED_IN || rel == REMOVED_FROM ||
        rel == PARENT) {
        *ret_parent = spec->links[link][1];
        *ret_child = spec->asset;
    }
    if (rel == CONTAINS || rel == RELEASES) {
        for (int i = 0; i < spec->link_count; i++) {
            if (spec->links[i][0] == PARENT) {
                if (parent != -1 && parent != spec->links[i][1]) {
                    return; /* Two of them: no one's. */
                }
                parent = spec->links[i][1];
            }
        }
        *ret_parent = parent != -1 ? parent : spec->asset;
    }
}

/* Below 0: x comes first in the order that decides what ends what. */
static int compare(const struct model_record *x, const struct model_record *y)
{
    if (x->spec.at_ns != y->spec.at_ns) {
        return x->spec.at_ns < y->spec.at_ns ? -1 : 1;
    }
    if (x->index != y->index) {
        return x->index < y->index ? -1 : 1;
    }
    return x->ordinal < y->ordinal ? -1 : x->ordinal > y->ordinal;
}

/* Is there an end for these two that comes after what the record began? */
static bool has_ended(const struct model *m, const struct weft_query *q, int record, int parent,
    int child, bool can_end)
{
    for (int i = 0; i < m->record_count; i++) {
        const struct model_spec *spec = &m->records[i].spec;
        for (int j = 0; sees(m, q, i) && j < spec->link_count; j++) {
            int p, c;
            ends_of(spec, j, &p, &c);
            bool concerns = spec->links[j][0] == EMPTIES
                                ? can_end && spec->links[j][1] == parent
                                : is_end(spec->links[j][0]) && p == parent && c == child;
            if (concerns && compare(&m->records[record], &m->records[i]) < 0) {
                return true;
            }
        }
    }
    return false;
}

/* As the question sees it, is the link's child inside its parent? */
static bool states(
    const struct model *m, const struct weft_query *q, int record, int link, int parent, int child)
{
    int rel = m->records[record].spec.links[link][0];
    return sees(m, q, record) && !is_end(rel) &&
           (is_permanent(rel) || ranks[rel] >= MATERIAL ||
               !has_ended(m, q, record, parent, child, true));
}

bool model_is_inside(
    const struct model *m, const struct weft_query *q, int record, int rel, int parent, int child)
{
    for (int i = 0; i < m->records[record].spec.link_count; i++) {
        int p, c;
        ends_of(&m->records[record].spec, i, &p, &c);
        if (m->records[record].spec.links[i][0] == rel && p == parent && c == child &&
            states(m, q, record, i, p, c)) {
            return true;
        }
    }
    return false;
}

/* --- the search ------------------------------------------------------------------------------ */

struct search {
    const struct model *m;
    const struct weft_query *q;
    const struct model_trace *t;
    struct model_step *steps;
    int count;
    bool edges[MODEL_ASSETS][MODEL_ASSETS]; /* Followed. */
};

static bool has_record(const struct search *s, int asset)
{
    return model_rev(s->m, asset, s->q->as_of != 0 ? s->q->as_of : s->m->index) != 0;
}

static int find_step(const struct search *s, int asset)
{
    for (int i = 0; i < s->count; i++) {
        if (s->steps[i].asset == asset) {
            return i;
        }
    }
    return -1;
}

static void enter(struct search *s, struct model_step step)
{
    step.is_answer = true;
    step.is_dangling = !has_record(s, step.asset);
    s->steps[s->count++] = step;
}

/* One link, if it leads on from the step. */
static void follow(struct search *s, int from, int record, int link, bool goes_on)
{
    const struct model_spec *spec = &s->m->records[record].spec;
    int rel = spec->links[link][0], parent, child;
    ends_of(spec, link, &parent, &child);
    int here = s->t->is_forward ? child : parent, there = s->t->is_forward ? parent : child;
    if ((s->t->rels >> rel & 1) == 0 || here != s->steps[from].asset ||
        !states(s->m, s->q, record, link, parent, child)) {
        return;
    }
    s->steps[from].is_leaf = false;
    if (!goes_on) {
        return;
    }
    s->edges[here][there] = true;
    if (find_step(s, there) < 0) {
        enter(s, (struct model_step){.asset = there,
                     .from = from,
                     .depth = s->steps[from].depth + 1,
                     .record = record,
                     .rel = rel,
                     .has_ended = ranks[rel] < MATERIAL && has_ended(s->m, s->q, record, parent,
                                                               child, !is_permanent(rel))});
    }
}

/* All that leads on from a step: by record, then by rel, then by link. */
static void expand(struct search *s, int step)
{
    bool goes_on = s->t->depth_max == 0 || s->steps[step].depth < s->t->depth_max;
    s->steps[step].is_leaf = true;
    for (int i = 0; i < s->m->record_count; i++) {
        const struct model_spec *spec = &s->m->records[i].spec;
        for (int rank = 0; spec->link_count > 0 && rank < MODEL_RELS; rank++) {
            for (int j = 0; j < spec->link_count; j++) {
                if (ranks[spec->links[j][0]] == rank) {
                    follow(s, step, i, j, goes_on);
                }
            }
        }
    }
}

/* An asset is on a cycle if what was followed leads from it back to it (Warshall 1962). */
static void mark_cycles(struct search *s)
{
    for (int k = 0; k < MODEL_ASSETS; k++) {
        for (int i = 0; i < MODEL_ASSETS; i++) {
            for (int j = 0; j < MODEL_ASSETS; j++) {
                s->edges[i][j] = s->edges[i][j] || (s->edges[i][k] && s->edges[k][j]);
            }
        }
    }
    for (int i = 0; i < s->count; i++) {
        s->steps[i].is_cycle = s->edges[s->steps[i].asset][s->steps[i].asset];
    }
}

static void run(struct search *s)
{
    for (int i = 0; i < s->count; i++) {
        expand(s, i);
    }
    mark_cycles(s);
}

static bool has_kind(const struct search *s, int asset, int kind)
{
    for (int i = 0; i < s->m->record_count; i++) {
        if (sees(s->m, s->q, i) && s->m->records[i].spec.asset == asset &&
            s->m->records[i].spec.kind == kind) {
            return true;
        }
    }
    return false;
}

/* Leave the answers and the paths to them. */
static int keep_paths(struct search *s)
{
    bool kept[MODEL_ASSETS] = {true};
    int place[MODEL_ASSETS], count = 0;
    for (int i = s->count - 1; i >= 0; i--) {
        kept[i] = kept[i] || s->steps[i].is_answer;
        kept[s->steps[i].from] = kept[s->steps[i].from] || kept[i];
    }
    for (int i = 0; i < s->count; i++) {
        place[i] = count;
        if (kept[i]) {
            s->steps[count] = s->steps[i];
            s->steps[count].from = place[s->steps[i].from];
            count++;
        }
    }
    return count;
}

/* --- recalls --------------------------------------------------------------------------------- */

/* Assets that were made on the machine in the window, or have this link to the part. */
static bool is_linked(const struct search *s, int asset, int rel, int to, bool in_window)
{
    for (int i = 0; i < s->m->record_count; i++) {
        const struct model_spec *spec = &s->m->records[i].spec;
        bool counts =
            sees(s->m, s->q, i) && spec->asset == asset &&
            (!in_window || !s->q->has_window ||
                (spec->at_ns >= s->q->window_from_ns && spec->at_ns < s->q->window_to_ns));
        for (int j = 0; counts && j < spec->link_count; j++) {
            if (spec->links[j][0] == rel && spec->links[j][1] == to) {
                return true;
            }
        }
    }
    return false;
}

/* Of the part itself or of one of its revisions. */
static bool is_instance(const struct search *s, int asset, int part)
{
    bool is = is_linked(s, asset, INSTANCE_OF, part, false);
    for (int revision = 0; !is && revision < MODEL_ASSETS; revision++) {
        is = is_linked(s, revision, REVISION_OF, part, false) &&
             is_linked(s, asset, INSTANCE_OF, revision, false);
    }
    return is;
}

static bool is_meant(const struct search *s, int asset)
{
    return (s->t->machine < 0 || is_linked(s, asset, MADE_ON, s->t->machine, true)) &&
           (s->t->part < 0 || is_instance(s, asset, s->t->part));
}

bool model_is_meant(
    const struct model *m, const struct weft_query *q, const struct model_trace *t, int asset)
{
    const struct search s = {.m = m, .q = q, .t = t};
    return is_meant(&s, asset);
}

static int recall(struct search *s)
{
    bool from_lot[MODEL_ASSETS] = {false};
    int count = 0;
    if (s->t->lot >= 0) {
        enter(s, (struct model_step){.asset = s->t->lot});
        run(s);
        for (int i = 0; i < s->count; i++) {
            from_lot[s->steps[i].asset] = true;
        }
        s->count = 0;
    }
    for (int asset = 0; asset < MODEL_ASSETS; asset++) {
        if ((s->t->lot < 0 || from_lot[asset]) && is_meant(s, asset)) {
            enter(s, (struct model_step){.asset = asset, .from = s->count});
        }
    }
    run(s);
    for (int asset = 0; asset < MODEL_ASSETS; asset++) {
        int step = find_step(s, asset);
        if (step >= 0 && s->steps[step].is_leaf && asset != s->t->lot) {
            /* In order of assets: what is kept so far stands below, so a copy is safe. */
            struct model_step kept = s->steps[step];
            s->steps[step] = s->steps[count];
            s->steps[count++] = kept;
        }
    }
    return count;
}

int model_trace(const struct model *m, const struct weft_query *q, int asset,
    const struct model_trace *t, struct model_step ret_steps[MODEL_ASSETS])
{
    struct search *s = calloc(1, sizeof(*s));
    *s = (struct search){.m = m, .q = q, .t = t, .steps = ret_steps};
    uint64_t as_of = q->as_of != 0 ? q->as_of : m->index;
    const int named[] = {
        t->is_recall ? t->lot : asset, t->is_recall ? t->machine : -1, t->is_recall ? t->part : -1};
    int count = 0;
    for (int i = 0; i < 3; i++) {
        if (named[i] >= 0 && (m->mentioned[named[i]] == 0 || m->mentioned[named[i]] > as_of)) {
            count = -1;
        }
    }
    if (count == 0 && t->is_recall) {
        count = recall(s);
    } else if (count == 0) {
        enter(s, (struct model_step){.asset = asset, .record = -1});
        run(s);
        for (int i = 0; i < s->count; i++) {
            s->steps[i].is_answer =
                i > 0 && (t->to_kind < 0 || has_kind(s, s->steps[i].asset, t->to_kind));
        }
        count = keep_paths(s);
    }
    free(s);
    return count;
}

/* The first of the record's links that says where the asset is; -1: none. */
static int place_link(const struct model_spec *spec, int asset)
{
    bool concerns = false;
    for (int j = 0; spec->asset == asset && j < spec->link_count; j++) {
        int rel = spec->links[j][0];
        if (rel == LOCATION || rel == SHIPPED_TO || rel == INSTALLED_IN || rel == BIZ_LOCATION) {
            return j;
        }
    }
    for (int j = 0; j < spec->link_count; j++) {
        int rel = spec->links[j][0];
        concerns = concerns || (spec->links[j][1] == asset &&
                                   (rel == ABOUT || rel == CONTAINS || rel == OUTPUT));
    }
    for (int j = 0; concerns && j < spec->link_count; j++) {
        if (spec->links[j][0] == BIZ_LOCATION) {
            return j;
        }
    }
    return -1;
}

bool model_locate(
    const struct model *m, const struct weft_query *q, int asset, int *ret_record, int *ret_link)
{
    bool found = false;
    for (int i = 0; i < m->record_count; i++) {
        int link = sees(m, q, i) ? place_link(&m->records[i].spec, asset) : -1;
        if (link >= 0 && (!found || compare(&m->records[*ret_record], &m->records[i]) < 0)) {
            found = true;
            *ret_record = i;
            *ret_link = link;
        }
    }
    return found;
}

void model_unpack(const struct weft_trace_result *trace, struct weft_arena *arena,
    struct weft_trace_step *ret_steps, struct weft_stored_record *ret_records)
{
    struct weft_packed_steps steps = weft_packed_read_steps(trace);
    struct weft_bytes rest = trace->records.bytes;
    struct weft_packed_record packed;
    uint32_t step_count = 0, record_count = 0;
    EXPECT_EQ(WEFT_OK, weft_packed_check_steps(&trace->steps));
    EXPECT_EQ(WEFT_OK, weft_packed_check_records(&trace->records));
    while (
        step_count < trace->steps.count && weft_packed_next_step(&steps, &ret_steps[step_count])) {
        step_count++;
    }
    while (record_count < trace->records.count && weft_packed_next_record(&rest, &packed)) {
        EXPECT_EQ(WEFT_OK, weft_packed_open_record(&packed, arena, &ret_records[record_count++]));
    }
    EXPECT_EQ(trace->steps.count, step_count);
    EXPECT_EQ(trace->records.count, record_count);
}
