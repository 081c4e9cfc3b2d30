/* policy/tile.h: how a Merkle tree is kept in files: C2SP tlog-tiles.
 *
 * A tile is up to 256 hashes of one level in a row; level L holds the roots of subtrees of 256^L
 * leaves. An entry bundle holds the leaves themselves, beside the tile of level 0 with its index.
 * Pure: names, widths and bytes; who reads and writes them is the caller. */
#ifndef WEFT_POLICY_TILE_H
#define WEFT_POLICY_TILE_H

#include <stdbool.h>

#include "policy/merkle.h"

enum {
    WEFT_TILE_HEIGHT = 8, /* specified: tlog-tiles */
    WEFT_TILE_WIDTH = 1 << WEFT_TILE_HEIGHT,
    WEFT_TILE_SIZE = WEFT_TILE_WIDTH * WEFT_DIGEST_SIZE, /* bytes of a full one */
    /* tlog-tiles allows 63; a tree of at most 2^63 leaves has nothing above 7. */
    WEFT_TILE_LEVELS = 8,
    WEFT_TILE_PATH_SIZE = 64,   /* "tile/entries/" + 19 digits as x000/... + ".p/255" + zero */
    WEFT_LEAF_SIZE_MAX = 65535, /* bytes; specified: a bundle's entry has a uint16 in front */
    WEFT_BUNDLE_SIZE_MAX = WEFT_TILE_WIDTH * (2 + WEFT_LEAF_SIZE_MAX),
};

struct weft_tile {
    bool is_bundle;
    unsigned level; /* 0 of a bundle. */
    uint64_t index; /* Within the level, from 0. */
    unsigned width; /* Hashes or entries: 1 to 256. 256 is a full one. */
};

/* What a tree of `size` leaves has at that place: 256, fewer in the last tile of its level, 0 if
 * there is none. */
unsigned weft_tile_width(uint64_t size, unsigned level, uint64_t index);
/* Tiles of a level, the partial one with them. */
uint64_t weft_tile_count(uint64_t size, unsigned level);

/* "tile/0/x001/x234/067.p/9", "tile/entries/000". Terminated. */
void weft_tile_format(const struct weft_tile *tile, char ret_path[WEFT_TILE_PATH_SIZE]);
/* Exactly what format gives. WEFT_EMALFORMED. */
WEFT_MUST_USE enum weft_err weft_tile_parse(struct weft_text path, struct weft_tile *ret_tile);

/* `width` hashes. WEFT_EMALFORMED unless there are as many. */
WEFT_MUST_USE enum weft_err weft_tile_hashes(struct weft_bytes data, unsigned width,
    struct weft_digest ret_hashes[WEFT_TILE_WIDTH], struct weft_msg *msg);

/* One entry more at the end of a bundle. WEFT_ETOOBIG: over WEFT_LEAF_SIZE_MAX, or the buffer's
 * own limit. WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_bundle_append(struct weft_buffer *bundle, struct weft_bytes leaf);
/* Takes the first entry off `rest`, from which it borrows. WEFT_EMALFORMED: cut short, or there
 * is none left; *rest is then unchanged. */
WEFT_MUST_USE enum weft_err weft_bundle_next(struct weft_bytes *rest, struct weft_bytes *ret_leaf);
/* Leaf hashes of exactly `width` entries with nothing behind them. WEFT_EMALFORMED: `msg` names
 * the entry within the bundle. */
WEFT_MUST_USE enum weft_err weft_bundle_hashes(struct weft_bytes data, unsigned width,
    struct weft_digest ret_hashes[WEFT_TILE_WIDTH], struct weft_msg *msg);

#endif
