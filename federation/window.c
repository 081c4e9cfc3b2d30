#include "federation/window.h"

#include "proto/check.h"
#include "proto/limits.h"

enum weft_err weft_window_count(struct weft_bytes items, uint32_t *ret_count)
{
    struct weft_stream_item item;
    uint32_t count = 0;
    for (; items.size > 0; count++) {
        if (count == WEFT_WINDOW_FRAME_LEAVES) {
            return WEFT_ETOOBIG;
        }
        const size_t before = items.size;
        enum weft_err err = weft_stream_item_next(&items, &item);
        if (err != WEFT_OK || before - items.size > WEFT_STREAM_ITEMS_SIZE_MAX) {
            return err != WEFT_OK ? err : WEFT_ETOOBIG; /* No batch holds it. */
        }
    }
    *ret_count = count;
    return count > 0 ? WEFT_OK : WEFT_EMALFORMED;
}

struct weft_bytes weft_window_take_part(struct weft_bytes *rest, uint32_t *ret_count)
{
    struct weft_bytes part = {rest->data, 0}, left = *rest;
    struct weft_stream_item item;
    *ret_count = 0;
    while (left.size > 0 && *ret_count < WEFT_WINDOW_PART_LEAVES) {
        enum weft_err err = weft_stream_item_next(&left, &item);
        weft_assert(err == WEFT_OK); /* FED-34: it was counted */
        if (rest->size - left.size > WEFT_STREAM_ITEMS_SIZE_MAX) {
            break;
        }
        part.size = rest->size - left.size;
        ++*ret_count;
    }
    weft_assert(*ret_count > 0 || rest->size == 0); /* FED-34 */
    rest->data += part.size;
    rest->size -= part.size;
    return part;
}

struct weft_bytes weft_window_cut(struct weft_bytes items, uint32_t count)
{
    struct weft_bytes rest = items;
    struct weft_stream_item item;
    for (uint32_t i = 0; i < count; i++) {
        enum weft_err err = weft_stream_item_next(&rest, &item);
        weft_assert(err == WEFT_OK); /* FED-34: there are as many */
    }
    items.size -= rest.size;
    return items;
}

enum weft_err weft_window_add(
    struct weft_window_run *run, const struct weft_batch *batch, size_t at, size_t size)
{
    const struct weft_window_part part = {.first = batch->before.size,
        .count = batch->count,
        .at = at,
        .size = size,
        .after = batch->after.tree,
        .proof = {.count = 0}};
    enum weft_err err = weft_buffer_append(&run->parts, &part, sizeof(part));
    for (uint32_t i = 0; err == WEFT_OK && i < batch->count; i++) {
        const struct weft_digest hash = weft_stream_leaf_hash(&batch->entries[i].leaf);
        err = weft_buffer_append(&run->hashes, hash.bytes, sizeof(hash.bytes));
    }
    return err;
}

void weft_window_prove(struct weft_window_run *run, struct weft_merkle_right *right)
{
    const struct weft_digest *hashes = (const struct weft_digest *)(void *)run->hashes.data;
    size_t left = run->hashes.size / sizeof(hashes[0]);
    for (uint32_t i = weft_window_part_count(run); i > 0; i--) {
        struct weft_window_part *part = weft_window_part_at(run, i - 1);
        weft_assert(part->after.size == right->first && part->count <= left); /* FED-34 */
        weft_merkle_right_prove(right, &part->after, &part->proof);
        for (uint32_t k = 0; k < part->count; k++) {
            left--;
            if (right->first > 1) {
                weft_merkle_right_prepend(right, &hashes[left]);
            }
        }
    }
}

struct weft_stream_batch weft_window_batch(const struct weft_window_part *part,
    struct weft_bytes items, uint64_t head_size, uint64_t session)
{
    return (struct weft_stream_batch){.first = part->first,
        .count = part->count,
        .items = {items.data + part->at, part->size},
        .head_size = head_size,
        .proof = weft_stream_proof_bytes(&part->proof),
        .session = session};
}

void weft_window_destroy(struct weft_window_run *run)
{
    weft_buffer_destroy(&run->parts);
    weft_buffer_destroy(&run->hashes);
}
