#include "node/state/loader.h"

void weft_loader_init(struct weft_loader *loader, struct weft_store *store,
    const struct weft_store_snapshot *snapshot)
{
    *loader = (struct weft_loader){.store = store, .snapshot = snapshot};
}

void weft_loader_close(struct weft_loader *loader)
{
    weft_store_release(&loader->value);
    weft_store_walk_destroy(loader->walk);
    *loader = (struct weft_loader){.store = NULL};
}

static enum weft_err damaged(uint64_t index, uint32_t ordinal, struct weft_msg *msg)
{
    return weft_fail(msg, WEFT_ECORRUPT, "the pack of record %llu/%u is damaged or missing",
        (unsigned long long)index, ordinal);
}

static bool is_in_hand(const struct weft_loader *loader, uint64_t index, uint32_t ordinal)
{
    return loader->index == index && index != 0 && ordinal >= loader->first &&
           ordinal - loader->first < loader->pack.count;
}

static enum weft_err take(
    struct weft_loader *loader, uint64_t index, uint32_t first, struct weft_msg *msg)
{
    weft_store_release(&loader->value);
    loader->index = 0;
    struct weft_key key = weft_key_records(index, first);
    enum weft_err rv = weft_store_get(loader->store, loader->snapshot, &key, &loader->value, msg);
    if (rv == WEFT_ENOTFOUND) {
        return damaged(index, first, msg);
    }
    if (rv != WEFT_OK) {
        return weft_wrap(msg, rv, "record %llu/%u", (unsigned long long)index, first);
    }
    if (weft_pack_open(loader->value.bytes, &loader->pack) != WEFT_OK) {
        return damaged(index, first, msg);
    }
    loader->loaded_bytes += loader->value.bytes.size;
    loader->index = index;
    loader->first = first;
    return WEFT_OK;
}

enum weft_err weft_loader_get(struct weft_loader *loader, const struct weft_ref *ref,
    struct weft_bytes *ret_bytes, int64_t *ret_time_ns, struct weft_msg *msg)
{
    if (!is_in_hand(loader, ref->index, ref->ordinal)) {
        enum weft_err rv = take(loader, ref->index, ref->first, msg);
        if (rv != WEFT_OK) {
            return rv;
        }
    }
    if (ref->ordinal < loader->first ||
        weft_pack_record(&loader->pack, ref->ordinal - loader->first, ret_bytes) != WEFT_OK) {
        return damaged(ref->index, ref->ordinal, msg);
    }
    *ret_time_ns = loader->pack.time_ns;
    return WEFT_OK;
}

enum weft_err weft_loader_find(struct weft_loader *loader, uint64_t index, uint32_t ordinal,
    struct weft_bytes *ret_bytes, int64_t *ret_time_ns, struct weft_msg *msg)
{
    struct weft_ref ref = {.index = index, .ordinal = ordinal, .first = loader->first};
    if (!is_in_hand(loader, index, ordinal)) {
        if (loader->walk == NULL) {
            loader->walk = weft_store_walk_create(loader->store, loader->snapshot, false);
            if (loader->walk == NULL) {
                return weft_fail(msg, WEFT_ENOMEM, "read records");
            }
        }
        struct weft_key key = weft_key_records(index, ordinal);
        weft_store_walk_back_to(loader->walk, &key);
        struct weft_bytes prefix = {key.bytes, 1 + WEFT_INDEX_SIZE};
        if (!weft_store_walk_is_below(loader->walk, prefix)) {
            enum weft_err rv = weft_store_walk_err(loader->walk, msg);
            return rv != WEFT_OK ? rv : damaged(index, ordinal, msg);
        }
        ref.first = weft_get_be24(weft_store_walk_key(loader->walk).data + 7);
    }
    return weft_loader_get(loader, &ref, ret_bytes, ret_time_ns, msg);
}
