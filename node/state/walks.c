#include "node/state/walks.h"

#include "node/state/machine.h"

enum weft_err weft_walk_versions(
    struct weft_run *run, uint64_t asset, uint16_t kind, weft_on_version *on, void *ctx)
{
    struct weft_key key = weft_key_version(asset, kind, 0, 0);
    struct weft_bytes prefix = {key.bytes, WEFT_KEY_VERSION_PREFIX_SIZE};
    enum weft_err err = WEFT_OK;
    bool ends = false;
    for (weft_store_walk_to(run->walk, &key);
         err == WEFT_OK && !ends && weft_store_walk_is_below(run->walk, prefix);
         weft_store_walk_next(run->walk)) {
        struct weft_ref ref;
        struct weft_bytes stored;
        int64_t time_ns;
        bool is_late;
        err = weft_run_version(run, weft_store_walk_key(run->walk),
            weft_store_walk_value(run->walk), &ref, &kind, &is_late);
        err =
            err == WEFT_OK ? weft_loader_get(&run->loader, &ref, &stored, &time_ns, run->msg) : err;
        err = err == WEFT_OK ? on(ctx, &ref, stored, &ends) : err;
    }
    return err == WEFT_OK ? weft_store_walk_err(run->walk, run->msg) : err;
}

enum weft_err weft_walk_links(struct weft_run *run, uint64_t asset, weft_on_links *on, void *ctx)
{
    struct weft_key key = weft_key_links(asset, 0, 0);
    struct weft_bytes prefix = {key.bytes, 1 + WEFT_ASSET_ID_SIZE};
    enum weft_err err = WEFT_OK;
    bool ends = false;
    for (weft_store_walk_to(run->walk, &key);
         err == WEFT_OK && !ends && weft_store_walk_is_below(run->walk, prefix);
         weft_store_walk_next(run->walk)) {
        struct weft_links links;
        struct weft_ref ref;
        if (!weft_links_read(
                weft_store_walk_key(run->walk), weft_store_walk_value(run->walk), &ref, &links)) {
            return weft_run_damaged(run, "a record's links");
        }
        err = on(ctx, &ref, &links, &ends);
    }
    return err == WEFT_OK ? weft_store_walk_err(run->walk, run->msg) : err;
}

enum weft_err weft_walk_links_of(struct weft_run *run, uint64_t owner,
    const struct weft_ref *record, weft_on_links *on, void *ctx)
{
    struct weft_store_value value = {.handle = NULL};
    struct weft_key key = weft_key_links(owner, record->index, record->ordinal);
    struct weft_links links = {.count = 0};
    bool ends = false;
    enum weft_err err = weft_store_get(run->view->store, run->snapshot, &key, &value, run->msg);
    if (err == WEFT_ENOTFOUND || (err == WEFT_OK && !weft_links_open(value.bytes, &links))) {
        err = weft_run_damaged(run, "a record's links");
    }
    err = err == WEFT_OK ? on(ctx, record, &links, &ends) : err;
    weft_store_release(&value);
    return err;
}

/* The row at which the walk stands. */
static enum weft_err tell_mirror(
    struct weft_run *run, weft_on_mirror *on, void *ctx, bool *ret_ends)
{
    struct weft_ref ref;
    uint64_t owner;
    enum weft_err err = weft_run_mirror(
        run, weft_store_walk_key(run->walk), weft_store_walk_value(run->walk), &ref, &owner);
    return err == WEFT_OK ? on(ctx, &ref, owner, ret_ends) : err;
}

enum weft_err weft_walk_mirror(struct weft_run *run, uint64_t asset, uint16_t rel, int64_t from_ns,
    weft_on_mirror *on, void *ctx)
{
    struct weft_key key = weft_key_mirror(asset, rel, from_ns, 0, 0);
    struct weft_bytes prefix = {key.bytes, WEFT_KEY_MIRROR_PREFIX_SIZE};
    enum weft_err err = WEFT_OK;
    bool ends = false;
    for (weft_store_walk_to(run->walk, &key);
         err == WEFT_OK && !ends && weft_store_walk_is_below(run->walk, prefix);
         weft_store_walk_next(run->walk)) {
        err = tell_mirror(run, on, ctx, &ends);
    }
    return err == WEFT_OK ? weft_store_walk_err(run->walk, run->msg) : err;
}

enum weft_err weft_walk_mirror_back(struct weft_run *run, uint64_t asset, uint16_t rel,
    int64_t from_ns, uint32_t rows_max, weft_on_mirror *on, void *ctx)
{
    struct weft_key key =
        weft_key_mirror(asset, rel, from_ns, WEFT_STATE_INDEX_MAX, WEFT_STATE_ORDINAL_MAX);
    struct weft_bytes prefix = {key.bytes, WEFT_KEY_MIRROR_PREFIX_SIZE};
    enum weft_err err = WEFT_OK;
    uint32_t rows = 0;
    bool ends = false;
    for (weft_store_walk_back_to(run->walk, &key);
         err == WEFT_OK && !ends && rows < rows_max && weft_store_walk_is_below(run->walk, prefix);
         weft_store_walk_back(run->walk), rows++) {
        err = tell_mirror(run, on, ctx, &ends);
    }
    return err == WEFT_OK ? weft_store_walk_err(run->walk, run->msg) : err;
}
