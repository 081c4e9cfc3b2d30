/* ASSET: of each kind, the asset's newest record: that of the highest revision which the
 * question sees. One walk over the versions of an asset that has few, which is most; a descent
 * per kind, however long the history, else. */
#include "node/state/view.h"

enum {
    /* Chosen: a step is a small part of a descent, and no kind costs more than two descents and
     * this many steps. */
    NEAR_STEPS_MAX = 8,
};

/* The newest version of a kind that the run sees, as far as it was looked for. */
struct newest {
    struct weft_ref ref; /* If `found`. */
    bool found;
    uint64_t rev; /* The newest up to as_of, whenever it was true; 0: there is none. */
};

/* From the kind's newest version back to the first that the run sees. */
static enum weft_err descend(
    struct weft_run *run, uint64_t asset, uint16_t kind, struct newest *newest)
{
    struct weft_key key = weft_key_version(asset, kind, run->as_of, WEFT_STATE_ORDINAL_MAX);
    struct weft_bytes prefix = {key.bytes, WEFT_KEY_VERSION_PREFIX_SIZE};
    *newest = (struct newest){.found = false};
    for (weft_store_walk_back_to(run->walk, &key); weft_store_walk_is_below(run->walk, prefix);
         weft_store_walk_back(run->walk)) {
        bool is_late;
        enum weft_err rv = weft_run_version(run, weft_store_walk_key(run->walk),
            weft_store_walk_value(run->walk), &newest->ref, &kind, &is_late);
        if (rv != WEFT_OK) {
            return rv;
        }
        newest->rev = newest->rev == 0 ? newest->ref.index : newest->rev;
        if (weft_run_sees(run, newest->ref.index, newest->ref.at_ns)) {
            newest->found = true;
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

/* The walk is at the kind's first version. Forward over its versions up to as_of, if they are
 * few: *ret_passed, and the walk is at what comes behind the kind or at a version behind as_of. */
static enum weft_err pass(
    struct weft_run *run, struct weft_bytes prefix, struct newest *newest, bool *ret_passed)
{
    *newest = (struct newest){.found = false};
    *ret_passed = false;
    for (uint32_t i = 0; i < NEAR_STEPS_MAX; i++) {
        struct weft_ref ref;
        uint16_t kind;
        bool is_late;
        if (!weft_store_walk_is_below(run->walk, prefix)) {
            *ret_passed = true;
            return weft_store_walk_err(run->walk, run->msg);
        }
        enum weft_err rv = weft_run_version(run, weft_store_walk_key(run->walk),
            weft_store_walk_value(run->walk), &ref, &kind, &is_late);
        if (rv != WEFT_OK) {
            return rv;
        }
        if (ref.index > run->as_of) {
            *ret_passed = true;
            return WEFT_OK;
        }
        newest->rev = ref.index;
        if (weft_run_sees(run, ref.index, ref.at_ns)) {
            newest->ref = ref;
            newest->found = true;
        }
        (void)weft_run_step(run);
        weft_store_walk_next(run->walk);
    }
    return WEFT_OK;
}

/* The walk is at the first version of *ret_kind. Its newest, and the walk on to the next kind,
 * or behind the asset. */
static enum weft_err take_kind(
    struct weft_run *run, uint64_t asset, uint16_t *ret_kind, struct newest *ret_newest)
{
    struct weft_bytes at = weft_store_walk_key(run->walk);
    if (at.size != WEFT_KEY_VERSION_SIZE) {
        return weft_run_damaged(run, "a version");
    }
    uint16_t kind = weft_get_be16(at.data + 6);
    struct weft_key key = weft_key_version(asset, kind, 0, 0);
    struct weft_bytes prefix = {key.bytes, WEFT_KEY_VERSION_PREFIX_SIZE};
    bool has_passed;
    enum weft_err rv = pass(run, prefix, ret_newest, &has_passed);
    if (rv == WEFT_OK && !has_passed) {
        rv = descend(run, asset, kind, ret_newest);
    }
    if (rv == WEFT_OK && (!has_passed || weft_store_walk_is_below(run->walk, prefix))) {
        key = weft_key_version(asset, kind, WEFT_STATE_INDEX_MAX, WEFT_STATE_ORDINAL_MAX);
        weft_store_walk_to(run->walk, &key);
        if (weft_store_walk_is_below(run->walk, weft_key_bytes(&key))) {
            weft_store_walk_next(run->walk);
        }
    }
    *ret_kind = kind;
    return rv;
}

/* A cursor's ordinal is the kind it stopped behind. */
enum weft_err weft_query_asset(struct weft_run *run)
{
    struct weft_head head;
    bool is_full = false;
    uint32_t last_kind = 0;
    enum weft_err rv = weft_run_head(run, run->query->asset, &head);
    if (rv != WEFT_OK) {
        return rv;
    }
    struct weft_key key = weft_key_version(head.id, 0, 0, 0);
    struct weft_bytes prefix = {key.bytes, 1 + WEFT_ASSET_ID_SIZE};
    weft_store_walk_to(run->walk, &key);
    while (rv == WEFT_OK && weft_store_walk_is_below(run->walk, prefix)) {
        struct newest newest = {.found = false};
        uint16_t kind = 0;
        bool added = true;
        bool may_see = true;
        rv = take_kind(run, head.id, &kind, &newest);
        if (rv == WEFT_OK) {
            rv = weft_run_may_see_kind(run, kind, run->query->asset, &may_see);
        }
        if (!may_see) {
            newest = (struct newest){.found = false};
        }
        if (newest.rev > run->page->asset_rev) {
            run->page->asset_rev = newest.rev;
        }
        if (rv == WEFT_OK && run->is_brief && !weft_run_is_within(run)) {
            return WEFT_EBUSY;
        }
        bool is_behind = !run->has_after || kind > run->after.ordinal;
        if (rv == WEFT_OK && newest.found && is_behind && !is_full) {
            rv = weft_run_add(run, &newest.ref, &added);
            is_full = !added;
            last_kind = added ? kind : last_kind;
        }
    }
    if (rv == WEFT_OK) {
        rv = weft_store_walk_err(run->walk, run->msg);
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
