/* node/state/audit_roots.h: hashes of tiles as readers worked them out.
 *
 * A partial tile is not stored: each of its hashes is that of a leaf, which is to be read, or the
 * root of a full tile below, 8 KiB to read and 255 hashes to make, up to 9 ms for the whole tile.
 * They never change, so one tile of each level is remembered: the newest, which every proof needs.
 * Any thread. */
#ifndef WEFT_NODE_STATE_AUDIT_ROOTS_H
#define WEFT_NODE_STATE_AUDIT_ROOTS_H

#include <pthread.h>

#include "policy/tile_builder.h"

struct weft_audit_roots {
    pthread_mutex_t lock;
    uint64_t indexes[WEFT_TILE_LEVELS]; /* Of the tile that is remembered. */
    struct weft_tile_open tiles[WEFT_TILE_LEVELS];
};

void weft_audit_roots_init(struct weft_audit_roots *roots);
void weft_audit_roots_close(struct weft_audit_roots *roots);
/* How many hashes at the beginning of the tile are known, and those. */
unsigned weft_audit_roots_get(struct weft_audit_roots *roots, const struct weft_tile *tile,
    struct weft_digest ret_hashes[WEFT_TILE_WIDTH]);
void weft_audit_roots_keep(
    struct weft_audit_roots *roots, const struct weft_tile *tile, const struct weft_digest *hashes);

#endif
