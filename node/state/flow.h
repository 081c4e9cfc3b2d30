/* node/state/flow.h: one direction of an agreement as it is kept: its leaves by sequence, the tiles
 * of its tree, statements by digest.
 *
 * Both directions are kept alike, so that either side can answer for what it has. Tiles that the
 * batch has and the store not yet are in memory, so that roots do not depend on the batching.
 * One thread, apply's; reads of others are stream_source.c's. */
#ifndef WEFT_NODE_STATE_FLOW_H
#define WEFT_NODE_STATE_FLOW_H

#include "federation/stream.h"
#include "node/state/store.h"
#include "policy/tile_builder.h"

/* A leaf as its row has it. Read, it borrows. */
struct weft_flow_leaf {
    struct weft_stream_leaf leaf;
    enum weft_stream_fault fault; /* Received: why it is in quarantine, or was. */
    bool is_claim;
    bool is_forwarded;
    int64_t time_ns;         /* Of the entry. */
    uint64_t earlier;        /* A statement that was told before: 1 + its last sequence; else 0. */
    uint32_t told;           /* How often it was told before that. */
    struct weft_text reason; /* Of a fault. */
    struct weft_bytes content; /* As it travels. */
};

/* Append the value of a row. WEFT_ENOMEM, WEFT_ETOOBIG. */
WEFT_MUST_USE enum weft_err weft_flow_leaf_encode(
    const struct weft_flow_leaf *leaf, struct weft_buffer *out);
/* Exactly what encode gives. WEFT_ECORRUPT. */
WEFT_MUST_USE enum weft_err weft_flow_leaf_decode(
    struct weft_bytes value, struct weft_flow_leaf *ret_leaf);

struct weft_flow_tile {
    struct weft_tile tile;
    struct weft_digest hashes[WEFT_TILE_WIDTH];
};

/* A row that the batch has. */
struct weft_flow_row {
    uint64_t sequence;
    struct weft_digest statement;
    size_t at; /* In `rows`. */
    size_t size;
    bool is_changed; /* It was there before: of its statement the store may have later ones. */
    uint32_t next;   /* Of the same bucket, older: 1 + its place; 0: none. */
};

enum {
    WEFT_FLOW_BUCKETS = 1024, /* chosen: some thousand statements are in a batch */
    WEFT_FLOW_TOLD_MAX = 64,  /* how often one statement is told; chosen: each is gone through */
};

/* Zero-initialized is empty, but for what it is of. */
struct weft_flow {
    struct weft_store *store;
    uint32_t number;
    unsigned direction;
    struct weft_tile_builder *tree; /* NULL: no leaf yet; 64 KiB. */
    struct weft_flow_tile *fresh;   /* Of the batch. */
    uint32_t fresh_count;
    uint32_t fresh_capacity;
    struct weft_buffer value; /* Under construction. */
    /* Statements of the batch, which may be told again; rows of them and of what they changed. */
    struct weft_flow_row *young;
    uint32_t young_count;
    uint32_t young_capacity;
    uint32_t *buckets; /* WEFT_FLOW_BUCKETS, by statement: 1 + place of the newest; NULL: none. */
    struct weft_buffer rows;
};

/* Go on with so many leaves, of which the store has the rows. WEFT_ECORRUPT: their tiles make
 * another root than `tree`; WEFT_EIO, WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_flow_load(
    struct weft_flow *flow, const struct weft_merkle_range *tree, struct weft_msg *msg);
void weft_flow_close(struct weft_flow *flow);

/* One leaf more, into the batch: row, tiles, where its statement stands. Of a statement
 * that was told before, `earlier` and `told` are what weft_flow_last says. WEFT_ENOMEM,
 * WEFT_ETOOBIG: the apply has failed. */
WEFT_MUST_USE enum weft_err weft_flow_append(struct weft_flow *flow,
    const struct weft_flow_leaf *leaf, struct weft_store_batch *batch, struct weft_msg *msg);
/* Where a statement was told last, of batch and store, alike however entries are batched.
 * WEFT_ENOTFOUND: it was not. WEFT_ECORRUPT, WEFT_EIO. */
WEFT_MUST_USE enum weft_err weft_flow_place(struct weft_flow *flow,
    const struct weft_digest *statement, uint64_t *ret_sequence, struct weft_msg *msg);
/* The same, and how often it was, of the row that stands there. */
WEFT_MUST_USE enum weft_err weft_flow_last(struct weft_flow *flow,
    const struct weft_digest *statement, uint64_t *ret_sequence, uint32_t *ret_told,
    struct weft_msg *msg);
/* A leaf's row as the batch will leave it; as weft_flow_get. Good until the next change. */
WEFT_MUST_USE enum weft_err weft_flow_now(struct weft_flow *flow, uint64_t sequence,
    struct weft_store_value *ret_value, struct weft_flow_leaf *ret_leaf, struct weft_msg *msg);
/* Put the row anew: of its leaf another content. WEFT_ENOMEM, WEFT_ETOOBIG. */
WEFT_MUST_USE enum weft_err weft_flow_replace(struct weft_flow *flow, uint64_t sequence,
    const struct weft_flow_leaf *leaf, struct weft_store_batch *batch, struct weft_msg *msg);
/* Leaves from `size` on go. The store has all rows, and `tree` is what is left of the tree.
 * WEFT_ECORRUPT, WEFT_EIO, WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_flow_rewind(struct weft_flow *flow,
    const struct weft_merkle_range *tree, struct weft_store_batch *batch, struct weft_msg *msg);
/* The batch is written. */
void weft_flow_settle(struct weft_flow *flow);

/* A weft_merkle_get_tile; ctx: the flow. Of any size that it once had. */
enum weft_err weft_flow_tile(void *ctx, const struct weft_tile *tile,
    struct weft_digest ret_hashes[WEFT_TILE_WIDTH], struct weft_msg *msg);
/* A weft_provider_root; ctx: the flow. */
enum weft_err weft_flow_root(
    void *ctx, uint64_t size, struct weft_digest *ret_root, struct weft_msg *msg);
/* The root over leaves [index << height, (index + 1) << height), of tiles that `get` gives. */
WEFT_MUST_USE enum weft_err weft_flow_node(weft_merkle_get_tile *get, void *ctx, unsigned height,
    uint64_t index, struct weft_digest *ret_node, struct weft_msg *msg);
uint64_t weft_flow_size(const struct weft_flow *flow);

/* A leaf's row, of the store. WEFT_ENOTFOUND; WEFT_ECORRUPT, WEFT_EIO. *ret_value is released by
 * the caller, and the leaf borrows from it. */
WEFT_MUST_USE enum weft_err weft_flow_get(struct weft_store *store,
    const struct weft_store_snapshot *snapshot, uint32_t number, unsigned direction,
    uint64_t sequence, struct weft_store_value *ret_value, struct weft_flow_leaf *ret_leaf,
    struct weft_msg *msg);
/* A tile from rows alone: full ones as stored, others of what lies below them. */
WEFT_MUST_USE enum weft_err weft_flow_read_tile(struct weft_store *store,
    const struct weft_store_snapshot *snapshot, uint32_t number, unsigned direction,
    const struct weft_tile *tile, struct weft_digest ret_hashes[WEFT_TILE_WIDTH],
    struct weft_msg *msg);

#endif
