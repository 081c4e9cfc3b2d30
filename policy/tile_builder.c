#include "policy/tile_builder.h"

#include "proto/check.h"

/* POL-44: each level has as many open hashes as the size says. */
static void check(const struct weft_tile_builder *b)
{
    for (unsigned level = 0; level < WEFT_TILE_LEVELS; level++) {
        uint64_t hashes = b->size >> (level * WEFT_TILE_HEIGHT);
        weft_assert(b->levels[level].count == hashes % WEFT_TILE_WIDTH); /* POL-44 */
    }
}

enum weft_err weft_tile_builder_load(struct weft_tile_builder *b, uint64_t size,
    weft_merkle_get_tile *get, void *ctx, struct weft_msg *msg)
{
    if (size > WEFT_MERKLE_SIZE_MAX) {
        return weft_fail(msg, WEFT_ETOOBIG, "a tree of over 2^63 leaves");
    }
    b->size = size;
    for (unsigned level = 0; level < WEFT_TILE_LEVELS; level++) {
        uint64_t hashes = size >> (level * WEFT_TILE_HEIGHT);
        struct weft_tile tile = {.level = level,
            .index = hashes / WEFT_TILE_WIDTH,
            .width = (unsigned)(hashes % WEFT_TILE_WIDTH)};
        b->levels[level].count = tile.width;
        enum weft_err err =
            tile.width > 0 ? get(ctx, &tile, b->levels[level].hashes, msg) : WEFT_OK;
        if (err != WEFT_OK) {
            return err;
        }
    }
    check(b);
    return WEFT_OK;
}

/* From the lowest level up, as long as what comes fills a tile. */
static enum weft_err carry(
    struct weft_tile_builder *b, weft_tile_on_tile *on_tile, void *ctx, struct weft_msg *msg)
{
    for (unsigned level = 0; b->levels[level].count == WEFT_TILE_WIDTH; level++) {
        struct weft_tile_open *open = &b->levels[level];
        struct weft_tile tile = {.level = level,
            .index = (b->size >> (level * WEFT_TILE_HEIGHT)) / WEFT_TILE_WIDTH - 1,
            .width = WEFT_TILE_WIDTH};
        weft_assert(level + 1 < WEFT_TILE_LEVELS); /* POL-44: 256^8 leaves there are not */
        enum weft_err err = on_tile(ctx, &tile, open->hashes, msg);
        if (err != WEFT_OK) {
            return err;
        }
        struct weft_tile_open *above = &b->levels[level + 1];
        above->hashes[above->count++] = weft_merkle_fold(open->hashes, WEFT_TILE_WIDTH);
        open->count = 0;
    }
    return WEFT_OK;
}

enum weft_err weft_tile_builder_append(struct weft_tile_builder *b, const struct weft_digest *leaf,
    weft_tile_on_tile *on_tile, void *ctx, struct weft_msg *msg)
{
    if (b->size >= WEFT_MERKLE_SIZE_MAX) {
        return weft_fail(msg, WEFT_ETOOBIG, "a tree of over 2^63 leaves");
    }
    b->levels[0].hashes[b->levels[0].count++] = *leaf;
    b->size++;
    return carry(b, on_tile, ctx, msg);
}

enum weft_err weft_tile_builder_partials(
    const struct weft_tile_builder *b, weft_tile_on_tile *on_tile, void *ctx, struct weft_msg *msg)
{
    check(b);
    for (unsigned level = 0; level < WEFT_TILE_LEVELS; level++) {
        const struct weft_tile_open *open = &b->levels[level];
        struct weft_tile tile = {.level = level,
            .index = (b->size >> (level * WEFT_TILE_HEIGHT)) / WEFT_TILE_WIDTH,
            .width = open->count};
        enum weft_err err = open->count > 0 ? on_tile(ctx, &tile, open->hashes, msg) : WEFT_OK;
        if (err != WEFT_OK) {
            return err;
        }
    }
    return WEFT_OK;
}

struct weft_digest weft_tile_builder_root(const struct weft_tile_builder *b)
{
    struct weft_merkle_range range = {0};
    check(b);
    for (unsigned level = WEFT_TILE_LEVELS; level > 0; level--) {
        const struct weft_tile_open *open = &b->levels[level - 1];
        for (unsigned i = 0; i < open->count; i++) {
            enum weft_err err = weft_merkle_append_subtree(
                &range, (level - 1) * WEFT_TILE_HEIGHT, &open->hashes[i]);
            weft_assert(err == WEFT_OK); /* POL-44 */
        }
    }
    weft_assert(range.size == b->size); /* POL-44 */
    return weft_merkle_root(&range);
}
