#include "node/state/audit_roots.h"

#include "proto/check.h"

void weft_audit_roots_init(struct weft_audit_roots *roots)
{
    memset(roots, 0, sizeof(*roots));
    int failed = pthread_mutex_init(&roots->lock, NULL);
    weft_assert(failed == 0); /* Without attributes it cannot fail. */
}

void weft_audit_roots_close(struct weft_audit_roots *roots)
{
    (void)pthread_mutex_destroy(&roots->lock);
}

unsigned weft_audit_roots_get(struct weft_audit_roots *roots, const struct weft_tile *tile,
    struct weft_digest ret_hashes[WEFT_TILE_WIDTH])
{
    unsigned count = 0;
    (void)pthread_mutex_lock(&roots->lock);
    const struct weft_tile_open *known = &roots->tiles[tile->level];
    if (roots->indexes[tile->level] == tile->index) {
        count = known->count < tile->width ? known->count : tile->width;
        memcpy(ret_hashes, known->hashes, count * sizeof(ret_hashes[0]));
    }
    (void)pthread_mutex_unlock(&roots->lock);
    return count;
}

void weft_audit_roots_keep(
    struct weft_audit_roots *roots, const struct weft_tile *tile, const struct weft_digest *hashes)
{
    (void)pthread_mutex_lock(&roots->lock);
    struct weft_tile_open *known = &roots->tiles[tile->level];
    uint64_t *index = &roots->indexes[tile->level];
    if (tile->index > *index || (tile->index == *index && tile->width > known->count)) {
        *index = tile->index;
        known->count = tile->width;
        memcpy(known->hashes, hashes, tile->width * sizeof(hashes[0]));
    }
    (void)pthread_mutex_unlock(&roots->lock);
}
