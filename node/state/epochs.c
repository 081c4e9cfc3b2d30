#include "node/state/epochs.h"

enum {
    EPOCH_SIZE = 8, /* of a row; big-endian */
};

uint64_t weft_epochs_at(const struct weft_epochs *epochs, uint64_t index)
{
    uint64_t epoch = 1;
    for (uint32_t i = 0; i < epochs->count && epochs->restores[i].index < index; i++) {
        epoch = epochs->restores[i].epoch; /* NOD-199 */
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

static bool read_row(struct weft_epochs *epochs, struct weft_bytes key, struct weft_bytes value)
{
    if (key.size != 1 + WEFT_INDEX_SIZE || value.size != EPOCH_SIZE ||
        epochs->count == WEFT_EPOCHS_MAX) {
        return false;
    }
    const uint64_t last = epochs->count > 0 ? epochs->restores[epochs->count - 1].epoch : 1;
    struct weft_epochs_restore *restore = &epochs->restores[epochs->count++];
    restore->index = weft_get_be48(key.data + 1);
    restore->epoch = weft_get_be64(value.data);
    return restore->epoch > last;
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
        if (!read_row(epochs, weft_store_walk_key(walk), weft_store_walk_value(walk))) {
            err = weft_fail(msg, WEFT_ECORRUPT, "the epochs of statements are damaged");
            break;
        }
        weft_store_walk_next(walk);
    }
    err = err == WEFT_OK ? weft_store_walk_err(walk, msg) : err;
    weft_store_walk_destroy(walk);
    return err;
}

enum weft_err weft_epochs_raise(struct weft_epochs *epochs, uint64_t index, uint64_t now_s,
    struct weft_store_batch *batch, struct weft_msg *msg)
{
    const uint64_t last = weft_epochs_at(epochs, UINT64_MAX);
    const uint64_t epoch = now_s > last ? now_s : last + 1;
    uint8_t value[EPOCH_SIZE];
    /* Nothing was stated since the last restore: its epoch was never used here. */
    bool is_again = epochs->count > 0 && epochs->restores[epochs->count - 1].index == index;
    if (!is_again && epochs->count == WEFT_EPOCHS_MAX) {
        return weft_fail(msg, WEFT_ETOOBIG, "a site is restored at most %d times", WEFT_EPOCHS_MAX);
    }
    epochs->count += is_again ? 0 : 1;
    epochs->restores[epochs->count - 1] = (struct weft_epochs_restore){index, epoch};
    weft_put_be64(value, epoch);
    const struct weft_key key = key_of(index);
    weft_store_batch_put(batch, &key, value, sizeof(value));
    return WEFT_OK;
}
