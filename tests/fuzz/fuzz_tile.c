/* Tiles: what is taken as a path has one spelling; a bundle gives its entries and nothing else.
 *
 * The first line is a path, the rest a bundle. */
#include <stddef.h>
#include <stdint.h>

#include "policy/tile.h"
#include "proto/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_path(struct weft_text path)
{
    struct weft_tile tile;
    char again[WEFT_TILE_PATH_SIZE];
    if (weft_tile_parse(path, &tile) == WEFT_OK) {
        weft_tile_format(&tile, again);
        weft_assert(weft_text_is(path, again)); /* POL-44 */
    }
}

static void check_bundle(struct weft_bytes data)
{
    static struct weft_digest hashes[WEFT_TILE_WIDTH];
    struct weft_bytes rest = data, leaf;
    struct weft_buffer again = {0};
    unsigned width = 0;
    while (width < WEFT_TILE_WIDTH && weft_bundle_next(&rest, &leaf) == WEFT_OK) {
        enum weft_err err = weft_bundle_append(&again, leaf);
        weft_assert(err == WEFT_OK); /* POL-44 */
        width++;
    }
    enum weft_err err = weft_bundle_hashes(data, width, hashes, NULL);
    weft_assert((err == WEFT_OK) == (rest.size == 0)); /* POL-44 */
    size_t taken = data.size - rest.size;
    weft_assert(again.size == taken && (taken == 0 || memcmp(again.data, data.data, taken) == 0));
    weft_buffer_destroy(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = size > 0 ? memchr(data, '\n', size) : NULL;
    size_t path_size = end != NULL ? (size_t)(end - data) : size;
    check_path((struct weft_text){(const char *)data, path_size});
    if (end != NULL) {
        check_bundle((struct weft_bytes){end + 1, size - path_size - 1});
    }
    return 0;
}
