/* policy/tile_builder.h: a tree that grows, tile by tile: what a log writes and a verifier expects.
 *
 * It holds the open tile of each level, 64 KiB, and says when one is full. Whoever keeps the tiles
 * can begin again where it stopped. Pure: tiles are handed to a callback. */
#ifndef WEFT_POLICY_TILE_BUILDER_H
#define WEFT_POLICY_TILE_BUILDER_H

#include "policy/merkle_proof.h"
#include "policy/tile.h"

/* A tile that is there: full, or the partial one of a level. An error is passed on. Borrows. */
typedef enum weft_err weft_tile_on_tile(void *ctx, const struct weft_tile *tile,
    const struct weft_digest *hashes, struct weft_msg *msg);

/* The open tile of one level. */
struct weft_tile_open {
    unsigned count; /* Below WEFT_TILE_WIDTH between calls. */
    struct weft_digest hashes[WEFT_TILE_WIDTH];
};

/* Zero-initialized is the empty tree. */
struct weft_tile_builder {
    uint64_t size; /* Leaves. */
    struct weft_tile_open levels[WEFT_TILE_LEVELS];
};

/* Go on with a tree of `size` leaves, whose partial tiles `get` gives: they are not verified, the
 * root of what was loaded is (weft_tile_builder_root). Passes the errors of `get` on. */
WEFT_MUST_USE enum weft_err weft_tile_builder_load(struct weft_tile_builder *b, uint64_t size,
    weft_merkle_get_tile *get, void *ctx, struct weft_msg *msg);

/* One leaf more. Each tile that it fills is handed over, lowest level first. WEFT_ETOOBIG at
 * WEFT_MERKLE_SIZE_MAX. After any other error, which is the callback's, the builder is of no use.
 */
WEFT_MUST_USE enum weft_err weft_tile_builder_append(struct weft_tile_builder *b,
    const struct weft_digest *leaf, weft_tile_on_tile *on_tile, void *ctx, struct weft_msg *msg);
/* The partial tiles as they are now, lowest level first: with the full ones, what a checkpoint of
 * this size needs. */
WEFT_MUST_USE enum weft_err weft_tile_builder_partials(
    const struct weft_tile_builder *b, weft_tile_on_tile *on_tile, void *ctx, struct weft_msg *msg);
struct weft_digest weft_tile_builder_root(const struct weft_tile_builder *b);

#endif
