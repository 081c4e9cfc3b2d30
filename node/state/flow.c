#include "node/state/flow.h"

#include <inttypes.h>
#include <stdlib.h>

#include "node/state/coder.h"
#include "node/state/stream_keys.h"
#include "proto/check.h"

/* --- rows of leaves -------------------------------------------------------------------------- */

enum {
    IS_AGAIN = 64, /* With the kind: the statement was told before. */
};

static void code_leaf(struct weft_coder *c, struct weft_flow_leaf *l)
{
    uint32_t kind = (uint32_t)l->leaf.kind | (l->earlier > 0 ? IS_AGAIN : 0);
    uint32_t fault = (uint32_t)l->fault;
    weft_code_u32(c, &kind, IS_AGAIN + WEFT_STREAM_LEAF_KINDS);
    if ((kind & IS_AGAIN) != 0) {
        kind &= ~(uint32_t)IS_AGAIN;
        weft_code_u64(c, &l->earlier);
        weft_code_u32(c, &l->told, WEFT_FLOW_TOLD_MAX);
        c->err = c->err == WEFT_OK && l->earlier == 0 ? WEFT_ECORRUPT : c->err;
    }
    c->err = c->err == WEFT_OK && kind >= WEFT_STREAM_LEAF_KINDS ? WEFT_ECORRUPT : c->err;
    weft_code_u64(c, &l->leaf.version);
    weft_code_bytes(c, l->leaf.digest.bytes, WEFT_DIGEST_SIZE);
    weft_code_u32(c, &fault, WEFT_STREAM_FAULTS);
    weft_code_bool(c, &l->is_claim);
    weft_code_bool(c, &l->is_forwarded);
    weft_code_time(c, &l->time_ns);
    weft_code_slice(c, &l->reason);
    l->leaf.kind = (enum weft_stream_leaf_kind)kind;
    l->fault = (enum weft_stream_fault)fault;
}

enum weft_err weft_flow_leaf_encode(const struct weft_flow_leaf *leaf, struct weft_buffer *out)
{
    struct weft_flow_leaf copy = *leaf;
    struct weft_coder c = {.out = out};
    code_leaf(&c, &copy);
    return c.err == WEFT_OK ? weft_buffer_append(out, leaf->content.data, leaf->content.size)
                            : c.err;
}

enum weft_err weft_flow_leaf_decode(struct weft_bytes value, struct weft_flow_leaf *ret_leaf)
{
    struct weft_flow_leaf leaf = {.fault = WEFT_STREAM_SOUND};
    struct weft_coder c = {.rest = value};
    code_leaf(&c, &leaf);
    if (c.err != WEFT_OK || leaf.leaf.kind == 0) {
        return WEFT_ECORRUPT;
    }
    leaf.content = c.rest; /* NOD-196: what is left is what it is of. */
    *ret_leaf = leaf;
    return WEFT_OK;
}

enum weft_err weft_flow_get(struct weft_store *store, const struct weft_store_snapshot *snapshot,
    uint32_t number, unsigned direction, uint64_t sequence, struct weft_store_value *ret_value,
    struct weft_flow_leaf *ret_leaf, struct weft_msg *msg)
{
    const struct weft_key key = weft_key_of_leaf(number, direction, sequence);
    enum weft_err err = weft_store_get(store, snapshot, &key, ret_value, msg);
    if (err == WEFT_OK && weft_flow_leaf_decode(ret_value->bytes, ret_leaf) != WEFT_OK) {
        weft_store_release(ret_value);
        err = weft_fail(msg, WEFT_ECORRUPT, "leaf %" PRIu64 " of stream %u/%u is damaged", sequence,
            number, direction);
    }
    return err;
}

/* --- tiles ----------------------------------------------------------------------------------- */

static enum weft_err read_full(struct weft_store *store, const struct weft_store_snapshot *snapshot,
    const struct weft_key *key, unsigned width, struct weft_digest *ret_hashes,
    struct weft_msg *msg)
{
    struct weft_store_value value = {.handle = NULL};
    enum weft_err err = weft_store_get(store, snapshot, key, &value, msg);
    if (err == WEFT_OK && value.bytes.size != WEFT_TILE_SIZE) {
        err = weft_fail(msg, WEFT_ECORRUPT, "a tile of a stream is damaged");
    } else if (err == WEFT_OK) {
        memcpy(ret_hashes, value.bytes.data, (size_t)width * WEFT_DIGEST_SIZE);
    }
    weft_store_release(&value);
    return err;
}

static enum weft_err missing(
    enum weft_err err, const char *what, uint64_t number, struct weft_msg *msg)
{
    return err == WEFT_ENOTFOUND ? weft_fail(msg, WEFT_ECORRUPT,
                                       "%s %" PRIu64 " of a stream is missing", what, number)
                                 : err;
}

enum weft_err weft_flow_read_tile(struct weft_store *store,
    const struct weft_store_snapshot *snapshot, uint32_t number, unsigned direction,
    const struct weft_tile *tile, struct weft_digest ret_hashes[WEFT_TILE_WIDTH],
    struct weft_msg *msg)
{
    struct weft_key key = weft_key_of_tile(number, direction, tile->level, tile->index);
    enum weft_err err = read_full(store, snapshot, &key, tile->width, ret_hashes, msg);
    const uint64_t first = tile->index * WEFT_TILE_WIDTH;
    if (err != WEFT_ENOTFOUND) {
        return err;
    }
    err = WEFT_OK;
    for (unsigned i = 0; err == WEFT_OK && i < tile->width; i++) {
        if (tile->level > 0) {
            struct weft_digest below[WEFT_TILE_WIDTH];
            key = weft_key_of_tile(number, direction, tile->level - 1, first + i);
            err = missing(read_full(store, snapshot, &key, WEFT_TILE_WIDTH, below, msg), "tile",
                first + i, msg);
            if (err == WEFT_OK) {
                ret_hashes[i] = weft_merkle_fold(below, WEFT_TILE_WIDTH);
            }
            continue;
        }
        struct weft_store_value value = {.handle = NULL};
        struct weft_flow_leaf leaf;
        err = missing(
            weft_flow_get(store, snapshot, number, direction, first + i, &value, &leaf, msg),
            "leaf", first + i, msg);
        if (err == WEFT_OK) {
            ret_hashes[i] = weft_stream_leaf_hash(&leaf.leaf);
        }
        weft_store_release(&value);
    }
    return err;
}

/* A full one of the batch. */
static const struct weft_flow_tile *find_fresh(
    const struct weft_flow *flow, unsigned level, uint64_t index)
{
    for (uint32_t i = flow->fresh_count; i > 0; i--) {
        const struct weft_flow_tile *fresh = &flow->fresh[i - 1];
        if (fresh->tile.level == level && fresh->tile.index == index) {
            return fresh;
        }
    }
    return NULL;
}

/* NOD-193: a partial tile is the beginning of the one that it became, full or still open. */
enum weft_err weft_flow_tile(void *ctx, const struct weft_tile *tile,
    struct weft_digest ret_hashes[WEFT_TILE_WIDTH], struct weft_msg *msg)
{
    const struct weft_flow *flow = ctx;
    const struct weft_tile_builder *tree = flow->tree;
    const struct weft_flow_tile *fresh = find_fresh(flow, tile->level, tile->index);
    const struct weft_digest *hashes = fresh != NULL ? fresh->hashes : NULL;
    const size_t size = tile->width * sizeof(ret_hashes[0]);
    if (hashes == NULL && tree != NULL &&
        (tree->size >> (tile->level * WEFT_TILE_HEIGHT)) / WEFT_TILE_WIDTH == tile->index) {
        if (tile->width > tree->levels[tile->level].count) {
            return weft_fail(msg, WEFT_EINVAL, "a tile that the stream has not");
        }
        hashes = tree->levels[tile->level].hashes;
    }
    if (hashes != NULL) {
        memcpy(ret_hashes, hashes, size);
        return WEFT_OK;
    }
    const struct weft_key key =
        weft_key_of_tile(flow->number, flow->direction, tile->level, tile->index);
    return missing(
        read_full(flow->store, NULL, &key, tile->width, ret_hashes, msg), "tile", tile->index, msg);
}

static enum weft_err load_tile(void *ctx, const struct weft_tile *tile,
    struct weft_digest ret_hashes[WEFT_TILE_WIDTH], struct weft_msg *msg)
{
    const struct weft_flow *flow = ctx;
    return weft_flow_read_tile(
        flow->store, NULL, flow->number, flow->direction, tile, ret_hashes, msg);
}

enum weft_err weft_flow_node(weft_merkle_get_tile *get, void *ctx, unsigned height, uint64_t index,
    struct weft_digest *ret_node, struct weft_msg *msg)
{
    struct weft_digest hashes[WEFT_TILE_WIDTH];
    const unsigned level = height / WEFT_TILE_HEIGHT, within = height % WEFT_TILE_HEIGHT;
    const uint64_t first = index << within;
    const uint64_t count = UINT64_C(1) << within;
    const struct weft_tile tile = {.level = level,
        .index = first / WEFT_TILE_WIDTH,
        .width = (unsigned)(first % WEFT_TILE_WIDTH + count)};
    enum weft_err err = get(ctx, &tile, hashes, msg);
    if (err == WEFT_OK) {
        *ret_node = weft_merkle_fold(&hashes[first % WEFT_TILE_WIDTH], (size_t)count);
    }
    return err;
}

uint64_t weft_flow_size(const struct weft_flow *flow)
{
    return flow->tree != NULL ? flow->tree->size : 0;
}

enum weft_err weft_flow_root(
    void *ctx, uint64_t size, struct weft_digest *ret_root, struct weft_msg *msg)
{
    struct weft_flow *flow = ctx;
    if (size == 0) {
        *ret_root = weft_merkle_empty();
        return WEFT_OK;
    }
    if (flow->tree != NULL && size == flow->tree->size) {
        *ret_root = weft_tile_builder_root(flow->tree);
        return WEFT_OK;
    }
    struct weft_merkle_prover *prover = malloc(sizeof(*prover)); /* 64 KiB */
    if (prover == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "read a stream");
    }
    weft_merkle_prover_init(prover, weft_flow_size(flow), weft_flow_tile, flow);
    enum weft_err err = weft_merkle_prove_root(prover, size, ret_root, msg);
    free(prover);
    return err;
}

/* --- growing --------------------------------------------------------------------------------- */

static enum weft_err open_tree(struct weft_flow *flow, struct weft_msg *msg)
{
    if (flow->tree == NULL) {
        flow->tree = calloc(1, sizeof(*flow->tree));
        flow->value.size_max = SIZE_MAX / 2;
    }
    return flow->tree != NULL ? WEFT_OK : weft_fail(msg, WEFT_ENOMEM, "a stream's tree");
}

enum weft_err weft_flow_load(
    struct weft_flow *flow, const struct weft_merkle_range *tree, struct weft_msg *msg)
{
    if (tree->size == 0) {
        return WEFT_OK;
    }
    enum weft_err err = open_tree(flow, msg);
    if (err == WEFT_OK) {
        err = weft_tile_builder_load(flow->tree, tree->size, load_tile, flow, msg);
    }
    if (err == WEFT_OK) {
        struct weft_digest stored = weft_merkle_root(tree);
        struct weft_digest made = weft_tile_builder_root(flow->tree);
        if (!weft_digest_equal(&stored, &made)) { /* NOD-193 */
            err = weft_fail(msg, WEFT_ECORRUPT, "the tiles of stream %u/%u make another root",
                flow->number, flow->direction);
        }
    }
    return err;
}

void weft_flow_close(struct weft_flow *flow)
{
    free(flow->tree);
    free(flow->fresh);
    free(flow->young);
    free(flow->buckets);
    weft_buffer_destroy(&flow->value);
    weft_buffer_destroy(&flow->rows);
    flow->tree = NULL;
    flow->fresh = NULL;
    flow->young = NULL;
    flow->buckets = NULL;
    flow->fresh_count = flow->fresh_capacity = flow->young_count = flow->young_capacity = 0;
}

void weft_flow_settle(struct weft_flow *flow)
{
    flow->fresh_count = 0;
    if (flow->young_count > 0) {
        flow->young_count = 0;
        memset(flow->buckets, 0, WEFT_FLOW_BUCKETS * sizeof(flow->buckets[0]));
        weft_buffer_clear(&flow->rows);
    }
}

/* --- what the batch has, and the store not yet ------------------------------------------------ */

static uint32_t *bucket_of(struct weft_flow *flow, const struct weft_digest *statement)
{
    return &flow->buckets[weft_get_be32(statement->bytes) % WEFT_FLOW_BUCKETS];
}

/* The row that is in flow->value. */
static enum weft_err keep_row(struct weft_flow *flow, uint64_t sequence,
    const struct weft_digest *statement, bool is_changed, struct weft_msg *msg)
{
    if (flow->buckets == NULL) {
        flow->buckets = calloc(WEFT_FLOW_BUCKETS, sizeof(*flow->buckets));
        flow->rows.size_max = SIZE_MAX / 2;
    }
    if (flow->young_count == flow->young_capacity) {
        uint32_t capacity = flow->young_capacity == 0 ? 64 : flow->young_capacity * 2;
        struct weft_flow_row *young = realloc(flow->young, capacity * sizeof(*young));
        if (young != NULL) {
            flow->young = young;
            flow->young_capacity = capacity;
        }
    }
    const size_t at = flow->rows.size;
    if (flow->buckets == NULL || flow->young_count == flow->young_capacity ||
        weft_buffer_append(&flow->rows, flow->value.data, flow->value.size) != WEFT_OK) {
        return weft_fail(msg, WEFT_ENOMEM, "rows of a stream");
    }
    uint32_t *bucket = bucket_of(flow, statement);
    flow->young[flow->young_count++] =
        (struct weft_flow_row){sequence, *statement, at, flow->value.size, is_changed, *bucket};
    *bucket = flow->young_count;
    return WEFT_OK;
}

/* The row of that sequence, as it was changed last. */
static const struct weft_flow_row *find_row(const struct weft_flow *flow, uint64_t sequence)
{
    for (uint32_t i = flow->young_count; i > 0; i--) {
        if (flow->young[i - 1].sequence == sequence) {
            return &flow->young[i - 1];
        }
    }
    return NULL;
}

/* Where the batch tells the statement last; an older one of its rows may have changed since. */
static const struct weft_flow_row *find_told(
    struct weft_flow *flow, const struct weft_digest *statement)
{
    const struct weft_flow_row *best = NULL;
    for (uint32_t i = flow->young_count > 0 ? *bucket_of(flow, statement) : 0; i > 0;
         i = flow->young[i - 1].next) {
        const struct weft_flow_row *row = &flow->young[i - 1];
        if (weft_digest_equal(&row->statement, statement) &&
            (best == NULL || row->sequence > best->sequence)) {
            best = row;
        }
    }
    return best;
}

static enum weft_err last_of_store(struct weft_flow *flow, const struct weft_digest *statement,
    uint64_t *ret_sequence, struct weft_msg *msg)
{
    struct weft_store_value value = {.handle = NULL};
    const struct weft_key key = weft_key_of_statement(flow->number, flow->direction, statement);
    enum weft_err err = weft_store_get(flow->store, NULL, &key, &value, msg);
    if (err == WEFT_OK && value.bytes.size != 8) {
        err = weft_fail(msg, WEFT_ECORRUPT, "where a statement stands is damaged");
    } else if (err == WEFT_OK) {
        *ret_sequence = weft_get_be64(value.bytes.data);
    }
    weft_store_release(&value);
    return err;
}

enum weft_err weft_flow_now(struct weft_flow *flow, uint64_t sequence,
    struct weft_store_value *ret_value, struct weft_flow_leaf *ret_leaf, struct weft_msg *msg)
{
    const struct weft_flow_row *row = find_row(flow, sequence);
    if (row == NULL) {
        return missing(weft_flow_get(flow->store, NULL, flow->number, flow->direction, sequence,
                           ret_value, ret_leaf, msg),
            "leaf", sequence, msg);
    }
    const struct weft_bytes bytes = {flow->rows.data + row->at, row->size};
    return weft_flow_leaf_decode(bytes, ret_leaf);
}

enum weft_err weft_flow_place(struct weft_flow *flow, const struct weft_digest *statement,
    uint64_t *ret_sequence, struct weft_msg *msg)
{
    const struct weft_flow_row *row = find_told(flow, statement);
    uint64_t stored = 0;
    enum weft_err err = row == NULL || row->is_changed
                            ? last_of_store(flow, statement, &stored, msg)
                            : WEFT_ENOTFOUND;
    if (row == NULL || (err != WEFT_OK && err != WEFT_ENOTFOUND)) {
        *ret_sequence = stored;
        return err;
    }
    *ret_sequence = stored > row->sequence ? stored : row->sequence;
    return WEFT_OK;
}

enum weft_err weft_flow_last(struct weft_flow *flow, const struct weft_digest *statement,
    uint64_t *ret_sequence, uint32_t *ret_told, struct weft_msg *msg)
{
    struct weft_store_value value = {.handle = NULL};
    struct weft_flow_leaf leaf = {.told = 0};
    uint64_t sequence = 0;
    enum weft_err err = weft_flow_place(flow, statement, &sequence, msg);
    if (err != WEFT_OK) {
        return err;
    }
    err = weft_flow_now(flow, sequence, &value, &leaf, msg);
    *ret_sequence = sequence;
    *ret_told = leaf.told + 1;
    weft_store_release(&value);
    return err;
}

enum weft_err weft_flow_replace(struct weft_flow *flow, uint64_t sequence,
    const struct weft_flow_leaf *leaf, struct weft_store_batch *batch, struct weft_msg *msg)
{
    weft_buffer_clear(&flow->value);
    enum weft_err err = weft_flow_leaf_encode(leaf, &flow->value);
    if (err != WEFT_OK) {
        return weft_fail(msg, err, "a leaf of a stream");
    }
    const struct weft_key key = weft_key_of_leaf(flow->number, flow->direction, sequence);
    weft_store_batch_put(batch, &key, flow->value.data, flow->value.size);
    return keep_row(flow, sequence, &leaf->leaf.digest, true, msg);
}

/* --- tiles of the batch ----------------------------------------------------------------------- */

struct growing {
    struct weft_flow *flow;
    struct weft_store_batch *batch;
};

static enum weft_err on_tile(
    void *ctx, const struct weft_tile *tile, const struct weft_digest *hashes, struct weft_msg *msg)
{
    const struct growing *growing = ctx;
    struct weft_flow *flow = growing->flow;
    if (flow->fresh_count == flow->fresh_capacity) {
        uint32_t capacity = flow->fresh_capacity == 0 ? 4 : flow->fresh_capacity * 2;
        struct weft_flow_tile *fresh = realloc(flow->fresh, capacity * sizeof(*fresh));
        if (fresh == NULL) {
            return weft_fail(msg, WEFT_ENOMEM, "a tile of a stream");
        }
        flow->fresh = fresh;
        flow->fresh_capacity = capacity;
    }
    struct weft_flow_tile *fresh = &flow->fresh[flow->fresh_count++];
    fresh->tile = *tile;
    memcpy(fresh->hashes, hashes, sizeof(fresh->hashes));
    const struct weft_key key =
        weft_key_of_tile(flow->number, flow->direction, tile->level, tile->index);
    weft_store_batch_put(growing->batch, &key, hashes, WEFT_TILE_SIZE);
    return WEFT_OK;
}

enum weft_err weft_flow_append(struct weft_flow *flow, const struct weft_flow_leaf *leaf,
    struct weft_store_batch *batch, struct weft_msg *msg)
{
    struct growing growing = {flow, batch};
    enum weft_err err = open_tree(flow, msg);
    if (err != WEFT_OK) {
        return err;
    }
    const uint64_t sequence = flow->tree->size;
    const struct weft_digest hash = weft_stream_leaf_hash(&leaf->leaf);
    err = weft_tile_builder_append(flow->tree, &hash, on_tile, &growing, msg);
    if (err != WEFT_OK) {
        return err;
    }
    weft_buffer_clear(&flow->value);
    err = weft_flow_leaf_encode(leaf, &flow->value);
    if (err != WEFT_OK) {
        return weft_fail(msg, err, "a leaf of a stream");
    }
    struct weft_key key = weft_key_of_leaf(flow->number, flow->direction, sequence);
    weft_store_batch_put(batch, &key, flow->value.data, flow->value.size);
    if (leaf->leaf.kind == WEFT_STREAM_STATEMENT) {
        uint8_t place[8];
        weft_put_be64(place, sequence);
        key = weft_key_of_statement(flow->number, flow->direction, &leaf->leaf.digest);
        weft_store_batch_put(batch, &key, place, sizeof(place));
        err = keep_row(flow, sequence, &leaf->leaf.digest, false, msg);
    }
    return err;
}

/* --- going back ------------------------------------------------------------------------------ */

static void forget(
    struct weft_store_batch *batch, const struct weft_key *from, const struct weft_key *prefix)
{
    struct weft_key to = *prefix;
    for (size_t i = to.size; i > 0; i--) {
        if (++to.bytes[i - 1] != 0) {
            break;
        }
    }
    weft_store_batch_forget(batch, from, &to);
}

/* A statement that was told before `size` too stands there again. */
static void forget_statement(struct weft_flow *flow, uint64_t size,
    const struct weft_flow_leaf *leaf, struct weft_store_batch *batch)
{
    const struct weft_key key =
        weft_key_of_statement(flow->number, flow->direction, &leaf->leaf.digest);
    if (leaf->earlier == 0) {
        weft_store_batch_remove(batch, &key);
    } else if (leaf->earlier <= size) {
        uint8_t place[8];
        weft_put_be64(place, leaf->earlier - 1);
        weft_store_batch_put(batch, &key, place, sizeof(place));
    } /* Else the one before it goes as well, and has said so. */
}

/* Where its statements stood is forgotten one by one. */
static enum weft_err forget_statements(
    struct weft_flow *flow, uint64_t size, struct weft_store_batch *batch, struct weft_msg *msg)
{
    enum weft_err err = WEFT_OK;
    for (uint64_t i = size; err == WEFT_OK && i < flow->tree->size; i++) {
        struct weft_store_value value = {.handle = NULL};
        struct weft_flow_leaf leaf = {.time_ns = 0};
        err = missing(
            weft_flow_get(flow->store, NULL, flow->number, flow->direction, i, &value, &leaf, msg),
            "leaf", i, msg);
        if (err == WEFT_OK && leaf.leaf.kind == WEFT_STREAM_STATEMENT) {
            forget_statement(flow, size, &leaf, batch);
        }
        weft_store_release(&value);
    }
    return err;
}

enum weft_err weft_flow_rewind(struct weft_flow *flow, const struct weft_merkle_range *tree,
    struct weft_store_batch *batch, struct weft_msg *msg)
{
    if (flow->tree == NULL || tree->size >= flow->tree->size) {
        return WEFT_OK;
    }
    enum weft_err err = forget_statements(flow, tree->size, batch, msg);
    if (err != WEFT_OK) {
        return err;
    }
    const struct weft_key leaves = weft_key_of_stream(WEFT_KEY_LEAF, flow->number, flow->direction);
    struct weft_key from = weft_key_of_leaf(flow->number, flow->direction, tree->size);
    forget(batch, &from, &leaves);
    for (unsigned level = 0; level < WEFT_TILE_LEVELS; level++) {
        struct weft_key tiles =
            weft_key_of_stream(WEFT_KEY_STREAM_TILE, flow->number, flow->direction);
        tiles.bytes[tiles.size++] = (uint8_t)level;
        const uint64_t full =
            level + 1 < WEFT_TILE_LEVELS ? tree->size >> ((level + 1) * WEFT_TILE_HEIGHT) : 0;
        from = weft_key_of_tile(flow->number, flow->direction, level, full);
        forget(batch, &from, &tiles);
    }
    /* NOD-193: from rows of the store, all of which are still there. */
    flow->fresh_count = 0;
    memset(flow->tree, 0, sizeof(*flow->tree));
    return weft_flow_load(flow, tree, msg);
}
