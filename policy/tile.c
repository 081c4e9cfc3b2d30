#include "policy/tile.h"

#include <stdio.h>

#include "proto/check.h"

static const char entries_word[] = "entries/";

/* Leaves below one hash of a level: 256^level, as an exponent of two. */
static unsigned height_of(unsigned level)
{
    return level * WEFT_TILE_HEIGHT;
}

/* POL-44: tlog-tiles: "The partial tile at level l for a tree of size s has floor(s / 256**l)
 * mod 256 entries." */
unsigned weft_tile_width(uint64_t size, unsigned level, uint64_t index)
{
    weft_assert(level < WEFT_TILE_LEVELS); /* POL-44 */
    uint64_t hashes = size >> height_of(level);
    if (index >= UINT64_MAX / WEFT_TILE_WIDTH || index * WEFT_TILE_WIDTH >= hashes) {
        return 0;
    }
    uint64_t left = hashes - index * WEFT_TILE_WIDTH;
    return left < WEFT_TILE_WIDTH ? (unsigned)left : WEFT_TILE_WIDTH;
}

uint64_t weft_tile_count(uint64_t size, unsigned level)
{
    weft_assert(level < WEFT_TILE_LEVELS); /* POL-44 */
    uint64_t hashes = size >> height_of(level);
    return hashes / WEFT_TILE_WIDTH + (hashes % WEFT_TILE_WIDTH != 0 ? 1 : 0);
}

void weft_tile_format(const struct weft_tile *tile, char ret_path[WEFT_TILE_PATH_SIZE])
{
    weft_assert(tile->width > 0 && tile->width <= WEFT_TILE_WIDTH); /* POL-44 */
    weft_assert(tile->level < WEFT_TILE_LEVELS);                    /* POL-44 */
    unsigned groups[7]; /* of three digits; 2^64 has 20 digits */
    unsigned count = 0;
    uint64_t rest = tile->index;
    do {
        groups[count++] = (unsigned)(rest % 1000);
        rest /= 1000;
    } while (rest > 0);
    const size_t size = WEFT_TILE_PATH_SIZE;
    size_t at = (size_t)(tile->is_bundle ? snprintf(ret_path, size, "tile/%s", entries_word)
                                         : snprintf(ret_path, size, "tile/%u/", tile->level));
    while (count > 1) {
        count--;
        at += (size_t)snprintf(ret_path + at, size - at, "x%03u/", groups[count]);
    }
    at += (size_t)snprintf(ret_path + at, size - at, "%03u", groups[0]);
    if (tile->width < WEFT_TILE_WIDTH) {
        at += (size_t)snprintf(ret_path + at, size - at, ".p/%u", tile->width);
    }
    weft_assert(at < size); /* POL-44 */
}

/* Skips `word` at the start. */
static bool skip(struct weft_text *rest, const char *word)
{
    size_t size = strlen(word);
    if (rest->size < size || memcmp(rest->data, word, size) != 0) {
        return false;
    }
    rest->data += size;
    rest->size -= size;
    return true;
}

/* Exactly `count` digits as a number. */
static bool take_digits(struct weft_text *rest, size_t count, uint64_t *ret_number)
{
    if (rest->size < count ||
        !weft_text_number((struct weft_text){rest->data, count}, ret_number)) {
        return false;
    }
    rest->data += count;
    rest->size -= count;
    return true;
}

static bool parse_index(struct weft_text *rest, uint64_t *ret_index)
{
    uint64_t index = 0, group;
    bool is_more;
    do {
        is_more = skip(rest, "x");
        if (!take_digits(rest, 3, &group) || (is_more && !skip(rest, "/")) ||
            __builtin_mul_overflow(index, 1000, &index) ||
            __builtin_add_overflow(index, group, &index)) {
            return false;
        }
    } while (is_more);
    *ret_index = index;
    return true;
}

enum weft_err weft_tile_parse(struct weft_text path, struct weft_tile *ret_tile)
{
    struct weft_text rest = path;
    struct weft_tile tile = {.width = WEFT_TILE_WIDTH};
    uint64_t number;
    if (!skip(&rest, "tile/")) {
        return WEFT_EMALFORMED;
    }
    if (skip(&rest, entries_word)) {
        tile.is_bundle = true;
    } else if (take_digits(&rest, 1, &number) && number < WEFT_TILE_LEVELS && skip(&rest, "/")) {
        tile.level = (unsigned)number;
    } else {
        return WEFT_EMALFORMED;
    }
    if (!parse_index(&rest, &tile.index)) {
        return WEFT_EMALFORMED;
    }
    if (skip(&rest, ".p/")) {
        if (!weft_text_number(rest, &number) || number == 0 || number >= WEFT_TILE_WIDTH) {
            return WEFT_EMALFORMED;
        }
        tile.width = (unsigned)number;
        rest.size = 0;
    }
    /* One name each: no superfluous zeros, neither in the width nor as a group in front. */
    char again[WEFT_TILE_PATH_SIZE];
    weft_tile_format(&tile, again);
    if (rest.size != 0 || !weft_text_is(path, again)) {
        return WEFT_EMALFORMED;
    }
    *ret_tile = tile;
    return WEFT_OK;
}

enum weft_err weft_tile_hashes(struct weft_bytes data, unsigned width,
    struct weft_digest ret_hashes[WEFT_TILE_WIDTH], struct weft_msg *msg)
{
    weft_assert(width <= WEFT_TILE_WIDTH); /* POL-44 */
    if (data.size != (size_t)width * WEFT_DIGEST_SIZE) {
        return weft_fail(msg, WEFT_EMALFORMED, "%zu bytes, not %u hashes of %d", data.size, width,
            WEFT_DIGEST_SIZE);
    }
    if (width > 0) {
        memcpy(ret_hashes, data.data, data.size);
    }
    return WEFT_OK;
}

enum weft_err weft_bundle_append(struct weft_buffer *bundle, struct weft_bytes leaf)
{
    if (leaf.size > WEFT_LEAF_SIZE_MAX) {
        return WEFT_ETOOBIG;
    }
    const uint8_t size[2] = {(uint8_t)(leaf.size >> 8), (uint8_t)leaf.size};
    enum weft_err err = weft_buffer_reserve(bundle, sizeof(size) + leaf.size);
    if (err != WEFT_OK) {
        return err;
    }
    err = weft_buffer_append(bundle, size, sizeof(size));
    return err != WEFT_OK ? err : weft_buffer_append(bundle, leaf.data, leaf.size);
}

enum weft_err weft_bundle_next(struct weft_bytes *rest, struct weft_bytes *ret_leaf)
{
    if (rest->size < 2) {
        return WEFT_EMALFORMED;
    }
    size_t size = (size_t)rest->data[0] << 8 | rest->data[1];
    if (rest->size - 2 < size) {
        return WEFT_EMALFORMED;
    }
    *ret_leaf = (struct weft_bytes){rest->data + 2, size};
    rest->data += 2 + size;
    rest->size -= 2 + size;
    return WEFT_OK;
}

enum weft_err weft_bundle_hashes(struct weft_bytes data, unsigned width,
    struct weft_digest ret_hashes[WEFT_TILE_WIDTH], struct weft_msg *msg)
{
    weft_assert(width <= WEFT_TILE_WIDTH); /* POL-44 */
    for (unsigned i = 0; i < width; i++) {
        struct weft_bytes leaf;
        if (weft_bundle_next(&data, &leaf) != WEFT_OK) {
            return weft_fail(msg, WEFT_EMALFORMED, "entry %u of %u is cut short", i, width);
        }
        ret_hashes[i] = weft_merkle_leaf(leaf.data, leaf.size);
    }
    if (data.size != 0) {
        return weft_fail(
            msg, WEFT_EMALFORMED, "%zu bytes behind the last of %u entries", data.size, width);
    }
    return WEFT_OK;
}
