#include "node/state/collect.h"

#include "node/state/machine.h"
#include "proto/check.h"

enum {
    STEPS_BEFORE_BISECTION = 16,
    AHEAD = 8,       /* Chosen: assets whose histories are on their way to the processor's cache. */
    NEAR_ASSETS = 3, /* Chosen: so many have about as many versions as a walk steps to. */
};

enum weft_err weft_collect_init(
    struct weft_collect *collect, struct weft_run *run, uint32_t capacity, bool by_time)
{
    *collect = (struct weft_collect){.capacity = capacity,
        .by_time = by_time,
        .has_after = run->has_after,
        .after = run->after,
        .refs = weft_arena_array(run->arena, capacity, sizeof(struct weft_ref))};
    return collect->refs != NULL ? WEFT_OK : weft_fail(run->msg, WEFT_ENOMEM, "a page of records");
}

int weft_collect_compare(
    const struct weft_collect *collect, const struct weft_ref *a, const struct weft_ref *b)
{
    if (collect->by_time && a->at_ns != b->at_ns) {
        return a->at_ns < b->at_ns ? -1 : 1;
    }
    if (a->index != b->index) {
        return a->index < b->index ? -1 : 1;
    }
    return a->ordinal < b->ordinal ? -1 : a->ordinal > b->ordinal;
}

static bool is_behind_cursor(const struct weft_collect *collect, const struct weft_ref *ref)
{
    return !collect->has_after || weft_collect_compare(collect, ref, &collect->after) > 0;
}

bool weft_collect_is_past(const struct weft_collect *collect, const struct weft_ref *ref)
{
    return collect->count == collect->capacity &&
           weft_collect_compare(collect, ref, &collect->refs[collect->count - 1]) >= 0;
}

void weft_collect_add(struct weft_collect *collect, const struct weft_ref *ref)
{
    if (!is_behind_cursor(collect, ref) || weft_collect_is_past(collect, ref)) {
        return;
    }
    uint32_t low = 0, high = collect->count;
    if (high > 0 && weft_collect_compare(collect, &collect->refs[high - 1], ref) < 0) {
        low = high; /* As a rule: histories of assets that came one after another. */
    }
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = weft_collect_compare(collect, &collect->refs[middle], ref);
        if (order == 0) {
            return;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (collect->count == collect->capacity) {
        collect->count--;
    }
    memmove(&collect->refs[low + 1], &collect->refs[low],
        (collect->count - low) * sizeof(*collect->refs));
    collect->refs[low] = *ref;
    collect->count++;
}

/* --- an asset's records ---------------------------------------------------------------------- */

/* The version under the walk, if it is one of this asset and kind. */
struct version {
    struct weft_ref ref;
    uint16_t kind;
    bool is_late;
    bool is_there;
};

static enum weft_err read_version(
    struct weft_run *run, struct weft_bytes prefix, struct version *ret_version)
{
    ret_version->is_there = weft_store_walk_is_below(run->walk, prefix);
    if (!ret_version->is_there) {
        return weft_store_walk_err(run->walk, run->msg);
    }
    return weft_run_version(run, weft_store_walk_key(run->walk), weft_store_walk_value(run->walk),
        &ret_version->ref, &ret_version->kind, &ret_version->is_late);
}

/* Like read_version, but goes on to the next that is not late. */
static enum weft_err read_punctual(
    struct weft_run *run, struct weft_bytes prefix, struct version *ret_version)
{
    enum weft_err rv = read_version(run, prefix, ret_version);
    while (rv == WEFT_OK && ret_version->is_there && ret_version->is_late) {
        weft_store_walk_next(run->walk);
        rv = read_version(run, prefix, ret_version);
    }
    return rv;
}

/* Those that are not late come in order of time by order of revision (NOD-105), so the first
 * behind the cursor is found by halving the span of revisions. The walk stands at the first of the
 * kind; leaves it there. */
static enum weft_err skip_by_time(struct weft_collect *collect, struct weft_run *run,
    uint64_t asset, uint16_t kind, struct weft_bytes prefix)
{
    struct weft_key key;
    struct version v;
    enum weft_err rv = read_punctual(run, prefix, &v);
    for (int i = 0; rv == WEFT_OK && v.is_there && i < STEPS_BEFORE_BISECTION; i++) {
        if (is_behind_cursor(collect, &v.ref)) {
            return WEFT_OK;
        }
        weft_store_walk_next(run->walk);
        rv = read_punctual(run, prefix, &v);
    }
    if (rv != WEFT_OK || !v.is_there) {
        return rv;
    }
    /* The first at or above revision `low` is not behind the cursor; above `high` all are. */
    uint64_t low = v.ref.index, high = run->as_of;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2 + 1;
        key = weft_key_version(asset, kind, middle, 0);
        weft_store_walk_to(run->walk, &key);
        rv = read_punctual(run, prefix, &v);
        if (rv != WEFT_OK) {
            return rv;
        }
        if (v.is_there && !is_behind_cursor(collect, &v.ref)) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    key = weft_key_version(asset, kind, low, 0);
    weft_store_walk_to(run->walk, &key);
    return WEFT_OK;
}

/* In order of time: nothing behind it was true at the time asked for either. */
static bool is_after_time(const struct weft_run *run, int64_t at_ns)
{
    return run->query->has_at && at_ns > run->query->at_ns;
}

/* What a walk over the versions of one kind has seen. */
struct seen {
    bool is_all;  /* It stands behind the last of them. */
    bool is_late; /* One that is late, or it cannot say. */
};

/* The walk stands at the first version of the kind. */
static enum weft_err collect_kind(struct weft_collect *collect, struct weft_run *run,
    uint64_t asset, uint16_t kind, struct seen *ret_seen)
{
    struct weft_key key = weft_key_version(asset, kind, 0, 0);
    struct weft_bytes prefix = {key.bytes, WEFT_KEY_VERSION_PREFIX_SIZE};
    struct version v = {.is_there = true};
    enum weft_err rv = WEFT_OK;
    *ret_seen = (struct seen){.is_late = collect->has_after};
    if (collect->has_after && collect->by_time) {
        rv = skip_by_time(collect, run, asset, kind, prefix);
    } else if (collect->has_after) {
        struct weft_key from = weft_key_version(asset, kind, collect->after.index, 0);
        weft_store_walk_to(run->walk, &from);
    }
    while (rv == WEFT_OK && (rv = read_version(run, prefix, &v)) == WEFT_OK && v.is_there &&
           v.ref.index <= run->as_of) {
        bool is_part = !collect->by_time || !v.is_late;
        ret_seen->is_late = ret_seen->is_late || v.is_late;
        if (collect->by_time && is_part && is_after_time(run, v.ref.at_ns)) {
            break;
        }
        if (is_part && weft_run_sees(run, v.ref.index, v.ref.at_ns)) {
            if (weft_collect_is_past(collect, &v.ref)) {
                break;
            }
            weft_collect_add(collect, &v.ref);
        }
        run->steps++;
        weft_store_walk_next(run->walk);
    }
    ret_seen->is_all = !v.is_there;
    ret_seen->is_late = ret_seen->is_late || v.is_there;
    return rv;
}

/* Those that came late, in order of time. */
static enum weft_err collect_late(
    struct weft_collect *collect, struct weft_run *run, uint64_t asset)
{
    struct weft_key key = weft_key_late(asset, INT64_MIN, 0, 0);
    struct weft_bytes prefix = {key.bytes, 1 + WEFT_ASSET_ID_SIZE};
    struct weft_key from = key;
    if (collect->has_after) {
        from = weft_key_late(
            asset, collect->after.at_ns, collect->after.index, collect->after.ordinal);
    }
    for (weft_store_walk_to(run->walk, &from); weft_store_walk_is_below(run->walk, prefix);
         weft_store_walk_next(run->walk)) {
        struct weft_bytes at = weft_store_walk_key(run->walk);
        struct weft_bytes value = weft_store_walk_value(run->walk);
        uint64_t place;
        if (at.size != WEFT_KEY_LATE_SIZE || value.size <= WEFT_WORD_ID_SIZE ||
            weft_get_varint(value.data + WEFT_WORD_ID_SIZE, value.data + value.size, &place) ==
                NULL) {
            return weft_run_damaged(run, "a late version");
        }
        struct weft_ref ref = {.at_ns = weft_get_time(at.data + 6),
            .index = weft_get_be48(at.data + 14),
            .ordinal = weft_get_be24(at.data + 20)};
        ref.first = ref.ordinal - (uint32_t)place;
        if (weft_collect_is_past(collect, &ref) || is_after_time(run, ref.at_ns)) {
            return WEFT_OK;
        }
        if (weft_run_sees(run, ref.index, ref.at_ns)) {
            weft_collect_add(collect, &ref);
        }
        run->steps++;
    }
    return weft_store_walk_err(run->walk, run->msg);
}

/* The walk stands at the first version of the asset, or behind where it would be. One descent for
 * all kinds was made, and one more is only where a walk ended early or something came late:
 * descents are what a story takes its time for. */
static enum weft_err collect_kinds(
    struct weft_collect *collect, struct weft_run *run, uint64_t asset)
{
    struct weft_key key = weft_key_version(asset, 0, 0, 0);
    struct weft_bytes prefix = {key.bytes, 1 + WEFT_ASSET_ID_SIZE};
    struct version v;
    struct seen seen;
    bool has_late = false;
    enum weft_err rv = read_version(run, prefix, &v);
    while (rv == WEFT_OK && v.is_there) {
        rv = collect_kind(collect, run, asset, v.kind, &seen);
        has_late = has_late || seen.is_late;
        if (rv == WEFT_OK && !seen.is_all) {
            if (v.kind == WEFT_STATE_WORDS_MAX) {
                break;
            }
            key = weft_key_version(asset, (uint16_t)(v.kind + 1), 0, 0);
            weft_store_walk_to(run->walk, &key);
        }
        rv = rv == WEFT_OK ? read_version(run, prefix, &v) : rv;
    }
    return rv == WEFT_OK && collect->by_time && has_late ? collect_late(collect, run, asset) : rv;
}

enum weft_err weft_collect_asset(
    struct weft_collect *collect, struct weft_run *run, uint64_t asset, uint16_t kind)
{
    struct weft_key key = weft_key_version(asset, kind, 0, 0);
    struct seen seen;
    weft_store_walk_to(run->walk, &key);
    return kind != 0 ? collect_kind(collect, run, asset, kind, &seen)
                     : collect_kinds(collect, run, asset);
}

/* --- histories ------------------------------------------------------------------------------- */

/* All records of the asset that the view has, whatever is asked for; no more than one over the
 * limit. The walk stands at the first version of the asset, or behind where it would be. */
static enum weft_err read_history(struct weft_run *run, uint64_t asset,
    struct weft_ref refs[WEFT_HISTORY_REFS_MAX + 1], uint32_t *ret_count)
{
    struct weft_key key = weft_key_version(asset, 0, 0, 0);
    struct weft_bytes prefix = {key.bytes, 1 + WEFT_ASSET_ID_SIZE};
    struct version v;
    uint32_t count = 0;
    enum weft_err rv = read_version(run, prefix, &v);
    while (rv == WEFT_OK && v.is_there && count <= WEFT_HISTORY_REFS_MAX) {
        refs[count++] = v.ref;
        weft_store_walk_next(run->walk);
        rv = read_version(run, prefix, &v);
    }
    *ret_count = count;
    return rv;
}

static void add_history(
    struct weft_collect *collect, struct weft_run *run, const struct weft_ref *refs, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (weft_run_sees(run, refs[i].index, refs[i].at_ns)) {
            weft_collect_add(collect, &refs[i]);
        }
    }
    run->steps += count;
}

/* From what was found of late, without the store. *ret_found false: it is not there, or it is too
 * long (*ret_is_long). */
static enum weft_err collect_kept(struct weft_collect *collect, struct weft_run *run,
    uint64_t asset, bool *ret_found, bool *ret_is_long)
{
    struct weft_history *history = weft_histories_find(run->view->state->histories, asset);
    *ret_is_long = history != NULL && history->count > WEFT_HISTORY_REFS_MAX;
    *ret_found = history != NULL && !*ret_is_long;
    enum weft_err rv = WEFT_OK;
    if (*ret_found) {
        add_history(collect, run, history->refs, history->count);
        rv = weft_run_yield(run, 1);
    }
    weft_histories_release(history);
    return rv;
}

/* To the versions of this asset, from those of the last one that the walk was at (0: none). Parts
 * of a unit are often named one after another, and then their versions are neighbours: from one to
 * the next the walk steps. It has gone no further than the first key behind the last asset's
 * versions, or is among those that came late, which are below all versions. */
static void walk_to_asset(struct weft_run *run, uint64_t asset, uint64_t last)
{
    struct weft_key key = weft_key_version(asset, 0, 0, 0);
    if (last != 0 && asset - last <= NEAR_ASSETS) {
        weft_store_walk_on_to(run->walk, &key);
    } else {
        weft_store_walk_to(run->walk, &key);
    }
}

/* The walk stands at the first version of the asset, or behind where it would be. */
static enum weft_err collect_found(
    struct weft_collect *collect, struct weft_run *run, uint64_t asset, bool is_long)
{
    struct weft_ref refs[WEFT_HISTORY_REFS_MAX + 1];
    uint32_t count = 0;
    if (is_long) {
        return collect_kinds(collect, run, asset);
    }
    enum weft_err rv = read_history(run, asset, refs, &count);
    if (rv != WEFT_OK) {
        return rv;
    }
    weft_histories_keep(run->view->state->histories, asset, run->view->index, refs, count);
    if (count > WEFT_HISTORY_REFS_MAX) {
        return weft_collect_asset(collect, run, asset, 0);
    }
    add_history(collect, run, refs, count);
    return WEFT_OK;
}

enum weft_err weft_collect_assets(struct weft_collect *collect, struct weft_run *run,
    const uint64_t *assets, uint32_t asset_count)
{
    uint64_t last = 0;
    enum weft_err rv = WEFT_OK;
    weft_assert(collect->by_time); /* The order of a history is that of kinds. */
    for (uint32_t i = 0; i < asset_count && rv == WEFT_OK; i++) {
        bool is_found, is_long;
        if (i + AHEAD < asset_count) {
            weft_histories_prefetch(run->view->state->histories, assets[i + AHEAD]);
        }
        rv = collect_kept(collect, run, assets[i], &is_found, &is_long);
        if (rv == WEFT_OK && !is_found) {
            walk_to_asset(run, assets[i], last);
            rv = collect_found(collect, run, assets[i], is_long);
            last = assets[i];
        }
    }
    return rv;
}
