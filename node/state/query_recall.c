/* RECALL: the finished units that a lot, a machine in a window of time, or a part type affects.
 *
 * Each criterion narrows the one before: what the lot went into, of that what was made on the
 * machine in the window, of that what is an instance of the part. What is left, and everything
 * that it went into, is affected; a unit is finished if nothing contains it. The paths lead from
 * the lot where one is given, else from what was made or is an instance. */
#include <stdlib.h>

#include "node/state/lineage/trace.h"
#include "node/state/walks.h"
#include "proto/check.h"
#include "proto/thread.h"

enum {
    SEEDS_MAX = WEFT_SEARCH_ASSETS_MAX
};

/* Assets that a criterion names, each perhaps several times. */
struct seeds {
    struct weft_run *run;
    uint64_t *assets;
    uint32_t count;
    uint32_t capacity;
};

static enum weft_err add_seed(struct seeds *s, uint64_t asset)
{
    if (s->count == SEEDS_MAX) {
        return weft_fail(s->run->msg, WEFT_ETOOBIG,
            "over %d assets were made so: ask for a smaller window", SEEDS_MAX);
    }
    if (s->count == s->capacity) {
        uint32_t capacity = s->capacity == 0 ? 256 : 2 * s->capacity;
        uint64_t *assets = realloc(s->assets, capacity * sizeof(*assets));
        if (assets == NULL) {
            return weft_fail(s->run->msg, WEFT_ENOMEM, "the assets of a recall");
        }
        s->assets = assets;
        s->capacity = capacity;
    }
    s->assets[s->count++] = asset;
    return WEFT_OK;
}

static int compare_assets(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static void sort_seeds(struct seeds *s)
{
    uint32_t count = 0;
    if (s->count > 1) {
        qsort(s->assets, s->count, sizeof(*s->assets), compare_assets);
    }
    for (uint32_t i = 0; i < s->count; i++) {
        if (count == 0 || s->assets[count - 1] != s->assets[i]) {
            s->assets[count++] = s->assets[i];
        }
    }
    s->count = count;
}

static bool has_seed(const struct seeds *s, uint64_t asset)
{
    return s->count > 0 &&
           bsearch(&asset, s->assets, s->count, sizeof(*s->assets), compare_assets) != NULL;
}

/* What links by `rel`, until before `to_ns`. */
struct linked {
    struct seeds *seeds;
    struct weft_text rel;
    int64_t to_ns;
};

static enum weft_err on_linked(
    void *ctx, const struct weft_ref *record, uint64_t owner, bool *ret_ends)
{
    const struct linked *l = ctx;
    struct weft_run *run = l->seeds->run;
    enum weft_err rv = WEFT_OK;
    *ret_ends = record->at_ns >= l->to_ns && l->to_ns != INT64_MAX;
    bool may_see = !*ret_ends && weft_run_sees(run, record->index, record->at_ns);
    if (may_see) {
        rv = weft_run_may_see_link(run, record, l->rel, &may_see);
    }
    return rv == WEFT_OK && may_see ? add_seed(l->seeds, owner) : rv;
}

/* Assets whose records link to `target` by `rel`, with a time from `from_ns` until before
 * `to_ns`. */
static enum weft_err find_linked(
    struct seeds *s, uint64_t target, enum weft_rel rel, int64_t from_ns, int64_t to_ns)
{
    struct linked linked = {s, weft_text_of(weft_thread_rel_traits(rel)->name), to_ns};
    uint16_t word;
    enum weft_err rv = weft_run_word(s->run, 'r', linked.rel, &word);
    return rv == WEFT_OK && word != 0
               ? weft_walk_mirror(s->run, target, word, from_ns, on_linked, &linked)
               : rv;
}

/* NOD-173: of a machine or part that is not there no more is told than of one that made nothing
 * that may be seen. */
static enum weft_err find_head(struct seeds *s, struct weft_text asset, struct weft_head *ret_head)
{
    enum weft_err rv = weft_run_head(s->run, asset, ret_head);
    ret_head->id = rv == WEFT_OK ? ret_head->id : 0;
    return rv == WEFT_ENOTFOUND && s->run->reveal != NULL ? WEFT_OK : rv;
}

static enum weft_err find_made(struct seeds *s)
{
    const struct weft_query *q = s->run->query;
    struct weft_head machine;
    enum weft_err rv = find_head(s, q->machine, &machine);
    if (rv == WEFT_OK && machine.id != 0) {
        rv = find_linked(s, machine.id, WEFT_REL_MADE_ON,
            q->has_window ? q->window_from_ns : INT64_MIN,
            q->has_window ? q->window_to_ns : INT64_MAX);
    }
    sort_seeds(s);
    return rv;
}

/* Instances of the part itself, and, if it is a type, of its revisions. */
static enum weft_err find_instances(struct seeds *s)
{
    struct weft_head part;
    struct seeds types = {.run = s->run};
    enum weft_err rv = find_head(s, s->run->query->part, &part);
    if (rv == WEFT_OK && part.id != 0) {
        rv = add_seed(&types, part.id);
    }
    if (rv == WEFT_OK && part.id != 0) {
        rv = find_linked(&types, part.id, WEFT_REL_REVISION_OF, INT64_MIN, INT64_MAX);
    }
    sort_seeds(&types);
    for (uint32_t i = 0; i < types.count && rv == WEFT_OK; i++) {
        rv = find_linked(s, types.assets[i], WEFT_REL_INSTANCE_OF, INT64_MIN, INT64_MAX);
    }
    free(types.assets);
    sort_seeds(s);
    return rv;
}

/* --- two searches, one answer ---------------------------------------------------------------- */

struct recall {
    struct weft_run *run;
    struct weft_around *around; /* The trace's. */
    struct seeds made;          /* On the machine. */
    struct seeds instances;     /* Of the part. */
    bool has_lot, has_machine, has_part;
};

static bool is_meant(const struct recall *r, uint64_t asset)
{
    return (!r->has_machine || has_seed(&r->made, asset)) &&
           (!r->has_part || has_seed(&r->instances, asset));
}

/* Start at what the criteria leave, in order of ids. */
static enum weft_err enter_seeds(struct recall *r, struct weft_search *search)
{
    const struct seeds *seeds = r->has_machine ? &r->made : &r->instances;
    enum weft_err rv = WEFT_OK;
    for (uint32_t i = 0; i < seeds->count && rv == WEFT_OK; i++) {
        if (is_meant(r, seeds->assets[i])) {
            rv = weft_search_enter(search, seeds->assets[i]);
        }
    }
    return rv;
}

/* Keep of `from_lot` what stands on the paths to those that are meant; *ret_kept: by place, the
 * new place, UINT32_MAX for the others. Nothing of it is an answer by itself. */
static uint32_t keep_paths(const struct recall *r, struct weft_search *from_lot, uint32_t *ret_kept)
{
    uint32_t count = 0;
    for (uint32_t i = from_lot->count; i > 0; i--) {
        const struct weft_reached *reached = &from_lot->reached[i - 1];
        uint64_t asset = weft_around_asset(r->around, reached->number);
        if (ret_kept[i - 1] == 0 || is_meant(r, asset)) {
            ret_kept[i - 1] = ret_kept[reached->from] = 0;
        }
    }
    ret_kept[0] = 0; /* The lot is the first step, even of nothing. */
    for (uint32_t i = 0; i < from_lot->count; i++) {
        if (ret_kept[i] == 0) {
            struct weft_reached kept = from_lot->reached[i];
            kept.from = ret_kept[kept.from];
            kept.is_answer = false;
            kept.from = i == 0 ? 0 : kept.from;
            ret_kept[i] = count;
            from_lot->reached[count++] = kept;
        }
    }
    return count;
}

/* Put what lies behind those that are meant behind the paths to them. `starts`: by place in
 * `behind`, for those that it starts at, their place in `from_lot`. */
static enum weft_err join(
    struct weft_search *from_lot, const struct weft_search *behind, uint32_t *starts)
{
    enum weft_err rv = WEFT_OK;
    weft_assert(starts != NULL);
    for (uint32_t i = 0; i < behind->count && rv == WEFT_OK; i++) {
        struct weft_reached reached = behind->reached[i];
        if (reached.depth == 0) {
            struct weft_reached *start = &from_lot->reached[starts[i]];
            start->is_answer = true;
            start->is_leaf = reached.is_leaf;
            start->is_cycle |= reached.is_cycle;
            continue;
        }
        reached.from = starts[reached.from];
        reached.depth = from_lot->reached[reached.from].depth + 1;
        starts[i] = from_lot->count;
        rv = weft_search_append(from_lot, &reached);
    }
    from_lot->has_cycles = from_lot->has_cycles || behind->has_cycles;
    return rv;
}

/* Start a search behind those that are meant. *ret_count: how many there are. */
static enum weft_err search_behind(struct recall *r, const struct weft_search *from_lot,
    uint32_t kept_count, struct weft_search *behind)
{
    enum weft_err rv = WEFT_OK;
    for (uint32_t i = 0; i < kept_count && rv == WEFT_OK; i++) {
        uint64_t asset = weft_around_asset(r->around, from_lot->reached[i].number);
        rv = is_meant(r, asset) ? weft_search_enter(behind, asset) : WEFT_OK;
    }
    return rv == WEFT_OK ? weft_search_run(behind) : rv;
}

/* Places of those that are meant, in the order in which search_behind entered them; room for
 * `count`. NULL: no memory. */
static uint32_t *find_starts(
    const struct recall *r, const struct weft_search *from_lot, uint32_t count)
{
    uint32_t *starts = calloc((size_t)count + 1, sizeof(*starts));
    for (uint32_t i = 0, start = 0; starts != NULL && i < from_lot->count; i++) {
        if (is_meant(r, weft_around_asset(r->around, from_lot->reached[i].number))) {
            starts[start++] = i;
        }
    }
    return starts;
}

/* Of all that the lot went into, leave what was meant, the paths there, and what lies behind. */
static enum weft_err narrow(struct recall *r, struct weft_search *from_lot)
{
    struct weft_search behind;
    uint32_t *kept = malloc(((size_t)from_lot->count + 1) * sizeof(*kept));
    if (kept == NULL) {
        return weft_fail(r->run->msg, WEFT_ENOMEM, "the paths of a recall");
    }
    memset(kept, 0xff, from_lot->count * sizeof(*kept));
    from_lot->count = keep_paths(r, from_lot, kept);
    free(kept);
    weft_search_init(&behind, r->around, true);
    behind.wants_leaves = true;
    behind.wants_cycles = from_lot->wants_cycles;
    behind.depth_max = from_lot->depth_max;
    enum weft_err rv = search_behind(r, from_lot, from_lot->count, &behind);
    uint32_t *starts = rv == WEFT_OK ? find_starts(r, from_lot, behind.count) : NULL;
    if (rv == WEFT_OK) {
        rv = starts != NULL ? join(from_lot, &behind, starts)
                            : weft_fail(r->run->msg, WEFT_ENOMEM, "the paths of a recall");
    }
    free(starts);
    weft_search_close(&behind);
    return rv;
}

static enum weft_err search_units(struct recall *r, struct weft_search *search)
{
    struct weft_head lot;
    enum weft_err rv;
    search->wants_leaves = true;
    search->wants_cycles = !r->run->query->ids_only;
    search->depth_max = r->run->query->depth_max;
    if (!r->has_lot) {
        rv = enter_seeds(r, search);
        return rv == WEFT_OK ? weft_search_run(search) : rv;
    }
    rv = weft_run_head(r->run, r->run->query->asset, &lot);
    if (rv == WEFT_OK) {
        rv = weft_search_enter(search, lot.id);
    }
    if (rv == WEFT_OK) {
        rv = weft_search_run(search);
    }
    if (rv == WEFT_OK && (r->has_machine || r->has_part)) {
        rv = narrow(r, search);
    }
    return rv;
}

static void keep_units(const struct recall *r, struct weft_search *search)
{
    for (uint32_t i = 0; i < search->count; i++) {
        struct weft_reached *reached = &search->reached[i];
        reached->is_answer =
            reached->is_answer && reached->is_leaf && !(r->has_lot && reached->depth == 0);
    }
}

static enum weft_err search_all(struct weft_trace *trace)
{
    struct weft_run *run = trace->run;
    const struct weft_query *q = run->query;
    struct recall r = {.run = run,
        .around = &trace->around,
        .made = {.run = run},
        .instances = {.run = run},
        .has_lot = q->asset.size > 0,
        .has_machine = q->machine.size > 0,
        .has_part = q->part.size > 0};
    if (!r.has_lot && !r.has_machine && !r.has_part) {
        return weft_fail(run->msg, WEFT_EINVAL, "a recall needs a lot, a machine or a part");
    }
    if (q->has_window && q->window_from_ns >= q->window_to_ns) {
        return weft_fail(run->msg, WEFT_EINVAL, "the window of time ends before it begins");
    }
    trace->wants_locations = true;
    enum weft_err rv = weft_around_open(&trace->around, run, q->rels);
    if (rv == WEFT_OK && r.has_machine) {
        rv = find_made(&r.made);
    }
    if (rv == WEFT_OK && r.has_part) {
        rv = find_instances(&r.instances);
    }
    if (rv == WEFT_OK) {
        rv = search_units(&r, &trace->search);
    }
    if (rv == WEFT_OK && r.has_lot) {
        rv = weft_trace_check_start(trace);
    }
    keep_units(&r, &trace->search);
    free(r.made.assets);
    free(r.instances.assets);
    return rv;
}

enum weft_err weft_query_recall(struct weft_run *run)
{
    return weft_query_paged(run, search_all, true);
}
