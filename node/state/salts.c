#include "node/state/salts.h"

#include <string.h>

#include "node/state/keys.h"
#include "node/state/pack.h"

static enum weft_err damaged(uint64_t index, struct weft_msg *msg)
{
    return weft_fail(msg, WEFT_ECORRUPT, "the first pack of records of index %llu is damaged",
        (unsigned long long)index);
}

enum weft_err weft_salts_read(struct weft_salts *salts, struct weft_store *store,
    const struct weft_store_snapshot *snapshot, uint64_t index, struct weft_msg *msg)
{
    if (salts->index == index && index != 0) {
        return WEFT_OK;
    }
    struct weft_store_value value = {.handle = NULL};
    struct weft_pack pack = {.seed = NULL};
    const struct weft_key key = weft_key_records(index, 0);
    enum weft_err rv = weft_store_get(store, snapshot, &key, &value, msg);
    if (rv == WEFT_OK && weft_pack_open(value.bytes, &pack) == WEFT_OK) {
        salts->index = index;
        salts->has_seed = pack.seed != NULL;
        if (pack.seed != NULL) {
            memcpy(salts->seed, pack.seed, sizeof(salts->seed));
        }
    } else if (rv == WEFT_OK || rv == WEFT_ENOTFOUND) {
        rv = damaged(index, msg);
    }
    weft_store_release(&value);
    return rv;
}

static enum weft_err get(struct weft_store *store, const struct weft_store_snapshot *snapshot,
    uint64_t index, uint32_t ordinal, struct weft_store_value *value, struct weft_msg *msg)
{
    const struct weft_key key = weft_key_salts(index, ordinal);
    enum weft_err rv = weft_store_get(store, snapshot, &key, value, msg);
    return rv == WEFT_ENOTFOUND ? weft_fail(msg, WEFT_ECORRUPT, "record %llu/%u has no salts",
                                      (unsigned long long)index, ordinal)
                                : rv;
}

enum weft_err weft_salts_get(struct weft_store *store, const struct weft_store_snapshot *snapshot,
    uint64_t index, uint32_t ordinal, const struct weft_record *record, struct weft_arena *arena,
    struct weft_salt **ret_salts, struct weft_msg *msg)
{
    uint32_t count = weft_statement_leaf_count(record);
    struct weft_store_value value = {.handle = NULL};
    struct weft_salt *salts = weft_arena_array(arena, count, sizeof(*salts));
    if (salts == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "salts of a record");
    }
    enum weft_err rv = get(store, snapshot, index, ordinal, &value, msg);
    if (rv == WEFT_OK && value.bytes.size == count * sizeof(*salts)) {
        memcpy(salts, value.bytes.data, value.bytes.size);
        *ret_salts = salts;
    } else if (rv == WEFT_OK) {
        rv = weft_fail(msg, WEFT_ECORRUPT, "record %llu/%u has not as many salts as leaves",
            (unsigned long long)index, ordinal);
    }
    weft_store_release(&value);
    return rv;
}

enum weft_err weft_salts_place(const struct weft_salts *salts, struct weft_store *store,
    const struct weft_store_snapshot *snapshot, const struct weft_record *record, uint32_t ordinal,
    struct weft_arena *arena, struct weft_statement_place *ret_place, struct weft_msg *msg)
{
    struct weft_statement_place place = {.ordinal = ordinal, .salt_seed = salts->seed};
    if (!salts->has_seed) {
        struct weft_salt *each = NULL;
        enum weft_err rv =
            weft_salts_get(store, snapshot, salts->index, ordinal, record, arena, &each, msg);
        if (rv != WEFT_OK) {
            return rv;
        }
        place.salts = each;
    }
    *ret_place = place;
    return WEFT_OK;
}

enum weft_err weft_salts_update(const struct weft_salts *salts, struct weft_store *store,
    const struct weft_store_snapshot *snapshot, uint32_t ordinal, struct weft_sha256 *hash,
    struct weft_msg *msg)
{
    if (salts->has_seed) {
        weft_sha256_update(hash, salts->seed, sizeof(salts->seed));
        return WEFT_OK;
    }
    struct weft_store_value value = {.handle = NULL};
    enum weft_err rv = get(store, snapshot, salts->index, ordinal, &value, msg);
    if (rv == WEFT_OK) {
        weft_sha256_update(hash, value.bytes.data, value.bytes.size);
    }
    weft_store_release(&value);
    return rv;
}
