#include "node/state/audit_read.h"

#include <inttypes.h>

void weft_audit_reader_init(struct weft_audit_reader *r, struct weft_store *store,
    const struct weft_store_snapshot *snapshot)
{
    *r = (struct weft_audit_reader){.store = store, .snapshot = snapshot};
    r->bundle.size_max = WEFT_BUNDLE_SIZE_MAX;
}

void weft_audit_reader_close(struct weft_audit_reader *r)
{
    weft_store_walk_destroy(r->walk);
    weft_buffer_destroy(&r->bundle);
}

enum weft_err weft_audit_read_head(
    struct weft_audit_reader *r, struct weft_audit_head *ret_head, struct weft_msg *msg)
{
    struct weft_store_value value = {.handle = NULL};
    struct weft_key key = weft_key_single(WEFT_KEY_AUDIT);
    enum weft_err rv = weft_store_get(r->store, r->snapshot, &key, &value, msg);
    if (rv == WEFT_OK && weft_audit_head_decode(value.bytes, ret_head) != WEFT_OK) {
        rv = weft_fail(msg, WEFT_ECORRUPT, "the audit log's head is damaged");
    }
    weft_store_release(&value);
    return rv;
}

static enum weft_err no_leaf(uint64_t number, struct weft_msg *msg)
{
    return weft_fail(
        msg, WEFT_ECORRUPT, "leaf %" PRIu64 " of the audit log is missing or damaged", number);
}

/* Leaves of the value at the walk: those from *next on, up to `end`. */
static enum weft_err take_leaves(struct weft_audit_reader *r, uint64_t *next, uint64_t end,
    struct weft_buffer *out, struct weft_msg *msg)
{
    struct weft_bytes key = weft_store_walk_key(r->walk), leaf;
    struct weft_bytes rest = weft_store_walk_value(r->walk);
    if (key.size != WEFT_KEY_AUDIT_LEAVES_SIZE || weft_get_be64(key.data + 1) > *next) {
        return no_leaf(*next, msg);
    }
    uint64_t number = weft_get_be64(key.data + 1);
    for (; rest.size > 0 && number < end; number++) {
        if (weft_bundle_next(&rest, &leaf) != WEFT_OK) {
            return no_leaf(number, msg);
        }
        enum weft_err rv = number >= *next ? weft_bundle_append(out, leaf) : WEFT_OK;
        if (rv != WEFT_OK) {
            return weft_fail(msg, rv, "leaf %" PRIu64 " of the audit log", number);
        }
    }
    if (number <= *next) {
        return no_leaf(*next, msg);
    }
    *next = number;
    return WEFT_OK;
}

enum weft_err weft_audit_read_leaves(struct weft_audit_reader *r, uint64_t first, uint64_t count,
    struct weft_buffer *out, struct weft_msg *msg)
{
    const uint8_t prefix[1] = {WEFT_KEY_AUDIT_LEAVES};
    struct weft_key key = weft_key_audit_leaves(first);
    uint64_t next = first;
    if (r->walk == NULL) {
        r->walk = weft_store_walk_create(r->store, r->snapshot, false);
    }
    if (r->walk == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "read the audit log");
    }
    weft_store_walk_back_to(r->walk, &key);
    while (next < first + count) {
        if (!weft_store_walk_is_below(r->walk, (struct weft_bytes){prefix, 1})) {
            enum weft_err rv = weft_store_walk_err(r->walk, msg);
            return rv == WEFT_OK ? no_leaf(next, msg) : rv;
        }
        enum weft_err rv = take_leaves(r, &next, first + count, out, msg);
        if (rv != WEFT_OK) {
            return rv;
        }
        weft_store_walk_next(r->walk);
    }
    return WEFT_OK;
}

/* A full tile as it is stored. WEFT_ENOTFOUND. */
static enum weft_err read_full(struct weft_audit_reader *r, unsigned level, uint64_t index,
    unsigned width, struct weft_digest *ret_hashes, struct weft_msg *msg)
{
    struct weft_store_value value = {.handle = NULL};
    struct weft_key key = weft_key_audit_tile(level, index);
    enum weft_err rv = weft_store_get(r->store, r->snapshot, &key, &value, msg);
    if (rv == WEFT_OK && value.bytes.size != WEFT_TILE_SIZE) {
        rv = weft_fail(
            msg, WEFT_ECORRUPT, "tile %u/%" PRIu64 " of the audit log is damaged", level, index);
    } else if (rv == WEFT_OK) {
        memcpy(ret_hashes, value.bytes.data, (size_t)width * WEFT_DIGEST_SIZE);
    }
    weft_store_release(&value);
    return rv;
}

enum weft_err weft_audit_read_tile(void *ctx, const struct weft_tile *tile,
    struct weft_digest ret_hashes[WEFT_TILE_WIDTH], struct weft_msg *msg)
{
    struct weft_audit_reader *r = ctx;
    enum weft_err rv = read_full(r, tile->level, tile->index, tile->width, ret_hashes, msg);
    if (rv != WEFT_ENOTFOUND) {
        return rv;
    }
    uint64_t first = tile->index * WEFT_TILE_WIDTH;
    unsigned known = r->roots != NULL ? weft_audit_roots_get(r->roots, tile, ret_hashes) : 0;
    if (tile->level == 0 && known < tile->width) {
        unsigned more = tile->width - known;
        weft_buffer_clear(&r->bundle);
        rv = weft_audit_read_leaves(r, first + known, more, &r->bundle, msg);
        struct weft_bytes bundle = {r->bundle.data, r->bundle.size};
        if (rv == WEFT_OK) {
            rv = weft_bundle_hashes(bundle, more, ret_hashes + known, msg);
        }
        if (rv != WEFT_OK) {
            return rv;
        }
    }
    for (unsigned i = known; tile->level > 0 && i < tile->width; i++) {
        struct weft_digest below[WEFT_TILE_WIDTH];
        rv = read_full(r, tile->level - 1, first + i, WEFT_TILE_WIDTH, below, msg);
        if (rv == WEFT_ENOTFOUND) {
            rv = weft_fail(msg, WEFT_ECORRUPT, "tile %u/%" PRIu64 " of the audit log is missing",
                tile->level - 1, first + i);
        }
        if (rv != WEFT_OK) {
            return rv;
        }
        ret_hashes[i] = weft_merkle_fold(below, WEFT_TILE_WIDTH);
    }
    if (r->roots != NULL) {
        weft_audit_roots_keep(r->roots, tile, ret_hashes);
    }
    return WEFT_OK;
}

enum weft_err weft_audit_open_evidence(
    struct weft_bytes value, uint64_t *ret_index, struct weft_bytes *ret_file, struct weft_msg *msg)
{
    if (value.size < 8 || weft_get_be64(value.data) > WEFT_STATE_INDEX_MAX) {
        return weft_fail(msg, WEFT_ECORRUPT, "evidence of the audit log is damaged");
    }
    *ret_index = weft_get_be64(value.data);
    *ret_file = (struct weft_bytes){value.data + 8, value.size - 8};
    return WEFT_OK;
}

enum weft_err weft_audit_put_tile(
    void *ctx, const struct weft_tile *tile, const struct weft_digest *hashes, struct weft_msg *msg)
{
    struct weft_key key = weft_key_audit_tile(tile->level, tile->index);
    (void)msg;
    weft_store_batch_put(ctx, &key, hashes, WEFT_TILE_SIZE);
    return WEFT_OK;
}
