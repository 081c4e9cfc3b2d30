/* STORY: the records on an asset, those that link to it, and those on what is inside it, in
 * order of the time they speak of, then of their revision. */
#include <stdlib.h>

#include "node/state/collect.h"
#include "node/state/inside.h"

/* All records that link to the asset by this rel, in order of time. */
static enum weft_err collect_mirror(
    struct weft_collect *collect, struct weft_run *run, uint64_t asset, uint16_t rel)
{
    struct weft_key key = weft_key_mirror(asset, rel, INT64_MIN, 0, 0);
    struct weft_bytes prefix = {key.bytes, WEFT_KEY_MIRROR_PREFIX_SIZE};
    struct weft_key from = key;
    if (collect->has_after) {
        const struct weft_ref *after = &collect->after;
        from = weft_key_mirror(asset, rel, after->at_ns, after->index, after->ordinal);
    }
    for (weft_store_walk_to(run->walk, &from); weft_store_walk_is_below(run->walk, prefix);
         weft_store_walk_next(run->walk)) {
        struct weft_ref ref;
        uint64_t owner;
        enum weft_err rv = weft_run_mirror(
            run, weft_store_walk_key(run->walk), weft_store_walk_value(run->walk), &ref, &owner);
        if (rv != WEFT_OK) {
            return rv;
        }
        bool is_over = run->query->has_at && ref.at_ns > run->query->at_ns;
        if (is_over || weft_collect_is_past(collect, &ref)) {
            return WEFT_OK;
        }
        bool may_see = weft_run_sees(run, ref.index, ref.at_ns);
        if (may_see) {
            rv = weft_run_may_see_rel(run, &ref, rel, &may_see);
        }
        if (rv != WEFT_OK) {
            return rv;
        }
        if (may_see) {
            weft_collect_add(collect, &ref);
        }
    }
    return weft_store_walk_err(run->walk, run->msg);
}

static enum weft_err collect_about(
    struct weft_collect *collect, struct weft_run *run, uint64_t asset)
{
    for (uint32_t rel = 1; rel <= WEFT_STATE_WORDS_MAX; rel++) {
        struct weft_key key = weft_key_mirror(asset, (uint16_t)rel, INT64_MIN, 0, 0);
        struct weft_bytes prefix = {key.bytes, 1 + WEFT_ASSET_ID_SIZE};
        weft_store_walk_to(run->walk, &key);
        if (!weft_store_walk_is_below(run->walk, prefix)) {
            break;
        }
        rel = weft_get_be16(weft_store_walk_key(run->walk).data + 6);
        enum weft_err rv = collect_mirror(collect, run, asset, (uint16_t)rel);
        if (rv != WEFT_OK) {
            return rv;
        }
    }
    return weft_store_walk_err(run->walk, run->msg);
}

static int compare_assets(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

static enum weft_err collect_all(struct weft_collect *collect, struct weft_run *run, uint64_t asset,
    const struct weft_inside *inside)
{
    enum weft_err rv = collect_about(collect, run, asset);
    if (rv == WEFT_OK && run->query->no_inside) {
        return weft_collect_asset(collect, run, asset, 0);
    }
    if (rv == WEFT_OK) {
        rv = weft_collect_assets(collect, run, inside->assets, inside->count);
    }
    return rv;
}

/* What may be seen of what was collected. *ret_is_full: the page has its cursor. `last`: that was
 * added, so that a cursor speaks of nothing else. */
static enum weft_err add_all(struct weft_run *run, const struct weft_collect *collect,
    struct weft_ref *last, bool *ret_is_full)
{
    weft_loader_expect(&run->loader, collect->refs, collect->count);
    for (uint32_t i = 0; i < collect->count; i++) {
        struct weft_bytes bytes;
        int64_t time_ns;
        bool may_see = false, is_added = true;
        enum weft_err rv =
            weft_loader_get(&run->loader, &collect->refs[i], &bytes, &time_ns, run->msg);
        if (rv == WEFT_OK) {
            rv = weft_run_may_see_record(run, bytes, &may_see);
        }
        if (rv == WEFT_OK && may_see) {
            rv = weft_run_add_bytes(run, &collect->refs[i], bytes, time_ns, &is_added);
            *last = is_added ? collect->refs[i] : *last;
        }
        if (rv != WEFT_OK) {
            return rv;
        }
        if (!is_added) {
            *ret_is_full = true;
            return weft_run_stop(run, last);
        }
    }
    return WEFT_OK;
}

/* Once, where all may be seen; else until the page is full or nothing is left. */
static enum weft_err fill(struct weft_run *run, struct weft_collect *collect, uint64_t asset,
    const struct weft_inside *inside)
{
    struct weft_ref last = run->after;
    for (;;) {
        bool is_full = false;
        collect->count = 0;
        enum weft_err rv = collect_all(collect, run, asset, inside);
        rv = rv == WEFT_OK ? add_all(run, collect, &last, &is_full) : rv;
        if (rv != WEFT_OK || is_full || collect->count < collect->capacity) {
            return rv;
        }
        collect->has_after = true;
        collect->after = collect->refs[collect->count - 1];
        if (!weft_run_is_within(run)) {
            return weft_run_stop(run, &collect->after);
        }
    }
}

/* Nothing of it is told to whom none of it may be seen: as if it were not there. */
static enum weft_err finish(struct weft_run *run)
{
    bool is_empty = weft_run_count(run) == 0 && !run->has_after && run->page->cursor.size == 0;
    return run->reveal != NULL && is_empty
               ? weft_fail(run->msg, WEFT_ENOTFOUND, "nothing that may be seen")
               : WEFT_OK;
}

enum weft_err weft_query_story(struct weft_run *run)
{
    struct weft_head head;
    struct weft_collect collect;
    struct weft_inside inside = {.count = 0};
    enum weft_err rv = weft_run_head(run, run->query->asset, &head);
    if (rv == WEFT_OK) {
        /* One more than the page takes: it tells whether there is more. */
        rv = weft_collect_init(&collect, run, run->limit + 1, true);
    }
    if (rv == WEFT_OK && !run->query->no_inside) {
        rv = weft_inside_find(run, head.id, &inside);
    }
    if (rv == WEFT_OK && inside.count > 1) {
        qsort(inside.assets, inside.count, sizeof(*inside.assets), compare_assets);
    }
    if (rv != WEFT_OK) {
        return rv;
    }
    rv = fill(run, &collect, head.id, &inside);
    weft_inside_close(&inside);
    return rv == WEFT_OK ? finish(run) : rv;
}
