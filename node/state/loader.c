#include "node/state/loader.h"

#include <stdlib.h>

#include "proto/check.h"

void weft_loader_init(struct weft_loader *loader, struct weft_store *store,
    const struct weft_store_snapshot *snapshot)
{
    /* The packs are written before they are read, and are many bytes. */
    loader->store = store;
    loader->packs = NULL;
    loader->is_on_loop = false;
    loader->snapshot = snapshot;
    loader->walk = NULL;
    loader->count = loader->current = 0;
    loader->expected = NULL;
    loader->expected_count = 0;
    loader->loaded_bytes = 0;
}

static void let_go(struct weft_loader *loader)
{
    for (uint32_t i = 0; i < loader->count; i++) {
        struct weft_loaded *pack = &loader->in_hand[i];
        if (pack->kept != NULL) {
            weft_packs_release(pack->kept);
        }
        weft_store_release(&pack->value);
    }
    loader->count = loader->current = 0;
}

void weft_loader_close(struct weft_loader *loader)
{
    let_go(loader);
    weft_store_walk_destroy(loader->walk);
    weft_loader_init(loader, NULL, NULL);
}

static enum weft_err damaged(uint64_t index, uint32_t ordinal, struct weft_msg *msg)
{
    return weft_fail(msg, WEFT_ECORRUPT, "the pack of record %llu/%u is damaged or missing",
        (unsigned long long)index, ordinal);
}

/* --- packs in hand --------------------------------------------------------------------------- */

static bool holds(const struct weft_loaded *pack, uint64_t index, uint32_t ordinal)
{
    return pack->index == index && ordinal >= pack->first &&
           ordinal - pack->first < pack->pack.count;
}

static int compare_packs(const void *a, const void *b)
{
    const struct weft_loaded *x = a, *y = b;
    if (x->index != y->index) {
        return x->index < y->index ? -1 : 1;
    }
    return x->first < y->first ? -1 : x->first > y->first;
}

/* Makes the pack of the record the current one. False: it is not in hand. */
static bool is_in_hand(struct weft_loader *loader, uint64_t index, uint32_t ordinal)
{
    if (loader->count == 0 || holds(&loader->in_hand[loader->current], index, ordinal)) {
        return loader->count > 0;
    }
    const struct weft_loaded key = {.index = index, .first = ordinal};
    uint32_t low = 0, high = loader->count; /* The first that begins behind it. */
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (compare_packs(&loader->in_hand[middle], &key) <= 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == 0 || !holds(&loader->in_hand[low - 1], index, ordinal)) {
        return false;
    }
    loader->current = low - 1;
    return true;
}

/* --- reading --------------------------------------------------------------------------------- */

void weft_loader_expect(struct weft_loader *loader, const struct weft_ref *refs, uint32_t ref_count)
{
    loader->expected = refs;
    loader->expected_count = ref_count;
}

/* The packs of what is expected from `ref` on, as many as there is room for, or its own alone if it
 * is not expected: their places, in order, each once. */
static void choose(struct weft_loader *loader, const struct weft_ref *ref)
{
    struct weft_loaded *packs = loader->in_hand;
    uint32_t next = 0, chosen = 1, count = 0;
    while (next < loader->expected_count && (loader->expected[next].index != ref->index ||
                                                loader->expected[next].ordinal != ref->ordinal)) {
        next++;
    }
    packs[0] = (struct weft_loaded){.index = ref->index, .first = ref->first};
    for (; next < loader->expected_count; next++) {
        const struct weft_loaded pack = {
            .index = loader->expected[next].index, .first = loader->expected[next].first};
        if (compare_packs(&pack, &packs[chosen - 1]) == 0) {
            continue;
        }
        if (chosen == WEFT_LOADER_PACKS_MAX) {
            break;
        }
        packs[chosen++] = pack;
    }
    loader->expected = next < loader->expected_count ? loader->expected + next : NULL;
    loader->expected_count -= next;
    qsort(packs, chosen, sizeof(*packs), compare_packs);
    for (uint32_t i = 0; i < chosen; i++) {
        if (count == 0 || compare_packs(&packs[i], &packs[count - 1]) != 0) {
            packs[count++] = packs[i];
        }
    }
    loader->count = count;
}

/* Those of the chosen that were kept; the others' places in `missing`, in order. */
static uint32_t find_kept(struct weft_loader *loader, uint32_t missing[WEFT_LOADER_PACKS_MAX])
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < loader->count; i++) {
        struct weft_loaded *pack = &loader->in_hand[i];
        pack->value = (struct weft_store_value){.handle = NULL};
        pack->kept = loader->packs != NULL ? weft_packs_find(loader->packs, pack->index,
                                                 pack->first, !loader->is_on_loop)
                                           : NULL;
        if (pack->kept != NULL) {
            pack->pack = pack->kept->pack;
        } else {
            missing[count++] = i;
        }
    }
    return count;
}

static enum weft_err open_value(
    struct weft_loader *loader, struct weft_loaded *pack, struct weft_msg *msg)
{
    if (pack->value.handle == NULL || weft_pack_open(pack->value.bytes, &pack->pack) != WEFT_OK) {
        return damaged(pack->index, pack->first, msg);
    }
    if (loader->packs != NULL && !loader->is_on_loop) {
        pack->kept = weft_packs_keep(loader->packs, loader->packs_generation, pack->index,
            pack->first, &pack->value, &pack->pack);
    }
    return WEFT_OK;
}

static enum weft_err read_chosen(struct weft_loader *loader, struct weft_msg *msg)
{
    struct weft_key keys[WEFT_LOADER_PACKS_MAX];
    struct weft_store_value values[WEFT_LOADER_PACKS_MAX] = {{.handle = NULL}};
    uint32_t missing[WEFT_LOADER_PACKS_MAX];
    uint32_t count = find_kept(loader, missing);
    for (uint32_t i = 0; i < count; i++) {
        const struct weft_loaded *pack = &loader->in_hand[missing[i]];
        keys[i] = weft_key_records(pack->index, pack->first);
    }
    enum weft_err rv = WEFT_OK;
    if (count == 1) {
        rv = weft_store_get(loader->store, loader->snapshot, &keys[0], &values[0], msg);
        rv = rv == WEFT_ENOTFOUND ? WEFT_OK : rv;
    } else if (count > 1) {
        rv = weft_store_get_many(loader->store, loader->snapshot, keys, count, values, msg);
    }
    for (uint32_t i = 0; i < count; i++) {
        loader->in_hand[missing[i]].value = values[i];
    }
    for (uint32_t i = 0; rv == WEFT_OK && i < count; i++) {
        rv = open_value(loader, &loader->in_hand[missing[i]], msg);
    }
    if (rv != WEFT_OK) {
        let_go(loader);
    }
    return rv;
}

static size_t size_of(const struct weft_loaded *pack)
{
    return pack->kept != NULL ? pack->kept->value.bytes.size : pack->value.bytes.size;
}

static enum weft_err take(
    struct weft_loader *loader, const struct weft_ref *ref, struct weft_msg *msg)
{
    let_go(loader);
    choose(loader, ref);
    enum weft_err rv = read_chosen(loader, msg);
    if (rv != WEFT_OK) {
        return rv == WEFT_ECORRUPT ? rv
                                   : weft_wrap(msg, rv, "record %llu/%u",
                                         (unsigned long long)ref->index, ref->ordinal);
    }
    for (uint32_t i = 0; i < loader->count; i++) {
        loader->loaded_bytes += size_of(&loader->in_hand[i]);
    }
    return is_in_hand(loader, ref->index, ref->ordinal) ? WEFT_OK
                                                        : damaged(ref->index, ref->ordinal, msg);
}

enum weft_err weft_loader_get(struct weft_loader *loader, const struct weft_ref *ref,
    struct weft_bytes *ret_bytes, int64_t *ret_time_ns, struct weft_msg *msg)
{
    if (!is_in_hand(loader, ref->index, ref->ordinal)) {
        enum weft_err rv = take(loader, ref, msg);
        if (rv != WEFT_OK) {
            return rv;
        }
    }
    const struct weft_loaded *in_hand = &loader->in_hand[loader->current];
    if (weft_pack_record(&in_hand->pack, ref->ordinal - in_hand->first, ret_bytes) != WEFT_OK) {
        return damaged(ref->index, ref->ordinal, msg);
    }
    *ret_time_ns = in_hand->pack.time_ns;
    return WEFT_OK;
}

enum weft_err weft_loader_find(struct weft_loader *loader, uint64_t index, uint32_t ordinal,
    struct weft_bytes *ret_bytes, int64_t *ret_time_ns, struct weft_msg *msg)
{
    struct weft_ref ref = {.index = index, .ordinal = ordinal};
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

/* --- every record of a kind ------------------------------------------------------------------ */

struct each {
    struct weft_loader loader;
    struct weft_arena *arena;
    enum weft_err (*on_stored)(void *ctx, const struct weft_stored *stored, struct weft_msg *msg);
    void *ctx;
    struct weft_msg *msg;
};

static enum weft_err each_record(struct each *e, uint64_t index, uint32_t ordinal)
{
    struct weft_bytes bytes = {NULL, 0};
    struct weft_stored stored = {.index = index, .ordinal = ordinal};
    enum weft_err rv =
        weft_loader_find(&e->loader, index, ordinal, &bytes, &stored.time_ns, e->msg);
    if (rv != WEFT_OK) {
        return rv;
    }
    weft_arena_reset(e->arena);
    rv = weft_stored_decode(bytes, e->arena, &stored.digest, &stored.record);
    if (rv != WEFT_OK) {
        return weft_fail(e->msg, rv, "decode record %llu/%u", (unsigned long long)index, ordinal);
    }
    return e->on_stored(e->ctx, &stored, e->msg);
}

/* The records of one index and kind. */
static enum weft_err each_index(struct each *e, struct weft_bytes key, struct weft_bytes value)
{
    const uint8_t *p = value.data, *end = value.data + value.size;
    uint64_t index = key.size == WEFT_KEY_KIND_SIZE ? weft_get_be48(key.data + 3) : 0;
    uint64_t ordinal = 0, step;
    enum weft_err rv = WEFT_OK;
    while (p < end && rv == WEFT_OK) {
        p = weft_get_varint(p, end, &step);
        if (index == 0 || p == NULL || !weft_add_u64(ordinal, step, &ordinal) ||
            ordinal > WEFT_STATE_ORDINAL_MAX) {
            return weft_fail(e->msg, WEFT_ECORRUPT, "the index of kinds is damaged");
        }
        rv = each_record(e, index, (uint32_t)ordinal);
    }
    return rv;
}

enum weft_err weft_loader_each(struct weft_store *store, uint16_t kind, struct weft_arena *arena,
    enum weft_err (*on_stored)(void *ctx, const struct weft_stored *stored, struct weft_msg *msg),
    void *ctx, struct weft_msg *msg)
{
    if (kind == 0) {
        return WEFT_OK; /* No record is of that kind. */
    }
    struct each e = {.arena = arena, .on_stored = on_stored, .ctx = ctx, .msg = msg};
    struct weft_store_walk *walk = weft_store_walk_create(store, NULL, false);
    if (walk == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "read the records of a kind");
    }
    weft_loader_init(&e.loader, store, NULL);
    struct weft_key key = weft_key_kind(kind, 0);
    const struct weft_bytes prefix = {key.bytes, 1 + WEFT_WORD_ID_SIZE};
    enum weft_err rv = WEFT_OK;
    for (weft_store_walk_to(walk, &key); rv == WEFT_OK && weft_store_walk_is_below(walk, prefix);
         weft_store_walk_next(walk)) {
        rv = each_index(&e, weft_store_walk_key(walk), weft_store_walk_value(walk));
    }
    if (rv == WEFT_OK) {
        rv = weft_store_walk_err(walk, msg);
    }
    weft_loader_close(&e.loader);
    weft_store_walk_destroy(walk);
    return rv;
}
