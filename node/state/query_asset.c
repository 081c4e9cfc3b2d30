/* ASSET: of each kind, the asset's newest record: that of the highest revision which the
 * question sees. One descent per kind, however long the history. */
#include "node/state/view.h"

/* The newest version of `kind` that the run sees. *ret_rev: its newest up to as_of, whenever it
 * was true. */
static enum weft_err newest(struct weft_run *run, uint64_t asset, uint16_t kind,
    struct weft_ref *ret_ref, bool *ret_found, uint64_t *ret_rev)
{
    struct weft_key key = weft_key_version(asset, kind, run->as_of, WEFT_STATE_ORDINAL_MAX);
    struct weft_bytes prefix = {key.bytes, WEFT_KEY_VERSION_PREFIX_SIZE};
    *ret_found = false;
    *ret_rev = 0;
    for (weft_store_walk_back_to(run->walk, &key); weft_store_walk_is_below(run->walk, prefix);
         weft_store_walk_back(run->walk)) {
        bool is_late;
        enum weft_err rv = weft_run_version(run, weft_store_walk_key(run->walk),
            weft_store_walk_value(run->walk), ret_ref, &kind, &is_late);
        if (rv != WEFT_OK) {
            return rv;
        }
        *ret_rev = *ret_rev == 0 ? ret_ref->index : *ret_rev;
        if (weft_run_sees(run, ret_ref->index, ret_ref->at_ns)) {
            *ret_found = true;
            return WEFT_OK;
        }
        if (!weft_run_step(run)) {
            return weft_fail(run->msg, WEFT_ETOOBIG,
                "over %d records of one kind became true later than the time asked for",
                WEFT_RUN_STEPS_MAX);
        }
    }
    return weft_store_walk_err(run->walk, run->msg);
}

/* The first kind at or above *kind that the asset has; 0: none. */
static enum weft_err next_kind(struct weft_run *run, uint64_t asset, uint32_t *kind)
{
    if (*kind > WEFT_STATE_WORDS_MAX) {
        *kind = 0;
        return WEFT_OK;
    }
    struct weft_key key = weft_key_version(asset, (uint16_t)*kind, 0, 0);
    struct weft_bytes prefix = {key.bytes, 1 + WEFT_ASSET_ID_SIZE};
    weft_store_walk_to(run->walk, &key);
    if (!weft_store_walk_is_below(run->walk, prefix)) {
        *kind = 0;
        return weft_store_walk_err(run->walk, run->msg);
    }
    struct weft_bytes at = weft_store_walk_key(run->walk);
    if (at.size != WEFT_KEY_VERSION_SIZE) {
        return weft_run_damaged(run, "a version");
    }
    *kind = weft_get_be16(at.data + 6);
    return WEFT_OK;
}

/* A cursor's ordinal is the kind it stopped behind. */
enum weft_err weft_query_asset(struct weft_run *run)
{
    struct weft_head head;
    enum weft_err rv = weft_run_head(run, run->query->asset, &head);
    bool is_full = false;
    uint32_t kind = 1, last_kind = 0;
    while (rv == WEFT_OK) {
        struct weft_ref ref;
        bool found, added;
        uint64_t rev;
        rv = next_kind(run, head.id, &kind);
        if (rv != WEFT_OK || kind == 0) {
            break;
        }
        rv = newest(run, head.id, (uint16_t)kind, &ref, &found, &rev);
        if (rev > run->page->asset_rev) {
            run->page->asset_rev = rev;
        }
        bool is_behind = !run->has_after || kind > run->after.ordinal;
        if (rv == WEFT_OK && found && is_behind && !is_full) {
            rv = weft_run_add(run, &ref, &added);
            is_full = !added;
            last_kind = added ? kind : last_kind;
        }
        kind++;
    }
    if (rv == WEFT_OK && run->page->asset_rev == 0) {
        return weft_fail(run->msg, WEFT_ENOTFOUND, "nothing is said of asset '%.*s'",
            (int)run->query->asset.size, run->query->asset.data);
    }
    if (rv == WEFT_OK && is_full) {
        const struct weft_ref stop = {.ordinal = last_kind};
        rv = weft_run_stop(run, &stop);
    }
    return rv;
}
