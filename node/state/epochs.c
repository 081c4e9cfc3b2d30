#include "node/state/epochs.h"

uint64_t weft_epochs_at(const struct weft_epochs *epochs, uint64_t index)
{
    uint64_t epoch = 1;
    for (uint32_t i = 0; i < epochs->count; i++) {
        epoch += epochs->indexes[i] < index ? 1 : 0; /* NOD-199 */
    }
    return epoch;
}

static struct weft_key key_of(uint64_t index)
{
    struct weft_key key;
    key.size = 1 + WEFT_INDEX_SIZE;
    key.bytes[0] = WEFT_KEY_EPOCH;
    weft_put_be48(key.bytes + 1, index);
    return key;
}

enum weft_err weft_epochs_load(
    struct weft_epochs *epochs, struct weft_store *store, struct weft_msg *msg)
{
    const struct weft_key prefix = weft_key_single(WEFT_KEY_EPOCH);
    struct weft_store_walk *walk = weft_store_walk_create(store, NULL, false);
    enum weft_err err = walk != NULL ? WEFT_OK : weft_fail(msg, WEFT_ENOMEM, "load epochs");
    epochs->count = 0;
    if (walk != NULL) {
        weft_store_walk_to(walk, &prefix);
    }
    while (err == WEFT_OK && weft_store_walk_is_below(walk, weft_key_bytes(&prefix))) {
        struct weft_bytes key = weft_store_walk_key(walk);
        if (key.size != 1 + WEFT_INDEX_SIZE || epochs->count == WEFT_EPOCHS_MAX) {
            err = weft_fail(msg, WEFT_ECORRUPT, "the epochs of statements are damaged");
            break;
        }
        epochs->indexes[epochs->count++] = weft_get_be48(key.data + 1);
        weft_store_walk_next(walk);
    }
    err = err == WEFT_OK ? weft_store_walk_err(walk, msg) : err;
    weft_store_walk_destroy(walk);
    return err;
}

enum weft_err weft_epochs_raise(struct weft_epochs *epochs, uint64_t index,
    struct weft_store_batch *batch, struct weft_msg *msg)
{
    if (epochs->count > 0 && epochs->indexes[epochs->count - 1] >= index) {
        return WEFT_OK;
    }
    if (epochs->count == WEFT_EPOCHS_MAX) {
        return weft_fail(msg, WEFT_ETOOBIG, "a site is restored at most %d times", WEFT_EPOCHS_MAX);
    }
    epochs->indexes[epochs->count++] = index;
    const struct weft_key key = key_of(index);
    weft_store_batch_put(batch, &key, "", 0);
    return WEFT_OK;
}
