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
        if (weft_run_sees(run, ref.index, ref.at_ns)) {
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

static enum weft_err collect_all(struct weft_collect *collect, struct weft_run *run, uint64_t asset)
{
    enum weft_err rv = collect_about(collect, run, asset);
    if (rv != WEFT_OK || run->query->no_inside) {
        return rv == WEFT_OK ? weft_collect_asset(collect, run, asset, 0) : rv;
    }
    struct weft_inside inside;
    rv = weft_inside_find(run, asset, &inside);
    if (rv != WEFT_OK) {
        return rv;
    }
    qsort(inside.assets, inside.count, sizeof(*inside.assets), compare_assets);
    rv = weft_collect_assets(collect, run, inside.assets, inside.count);
    weft_inside_close(&inside);
    return rv;
}

enum weft_err weft_query_story(struct weft_run *run)
{
    struct weft_head head;
    struct weft_collect collect;
    enum weft_err rv = weft_run_head(run, run->query->asset, &head);
    if (rv == WEFT_OK) {
        /* One more than the page takes: it tells whether there is more. */
        rv = weft_collect_init(&collect, run, run->limit + 1, true);
    }
    if (rv == WEFT_OK) {
        rv = collect_all(&collect, run, head.id);
    }
    if (rv == WEFT_OK) {
        weft_loader_expect(&run->loader, collect.refs, collect.count);
    }
    for (uint32_t i = 0; rv == WEFT_OK && i < collect.count; i++) {
        bool is_added;
        rv = weft_run_add(run, &collect.refs[i], &is_added);
        if (rv == WEFT_OK && !is_added) {
            return weft_run_stop(run, &collect.refs[i - 1]);
        }
    }
    return rv;
}
