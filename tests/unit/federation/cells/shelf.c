#include "tests/unit/federation/cells/shelf.h"

#include <string.h>

#include "proto/check.h"

struct shelf_node *shelf_find(struct shelf *shelf, const struct weft_shared_path *path)
{
    for (uint32_t i = 0; i < shelf->count; i++) {
        if (memcmp(&shelf->nodes[i].path, path, sizeof(*path)) == 0) {
            return &shelf->nodes[i];
        }
    }
    return NULL;
}

enum weft_err shelf_read(
    void *ctx, const struct weft_shared_path *path, struct weft_shared_node *ret_node)
{
    struct shelf *shelf = ctx;
    struct shelf_node *kept = shelf_find(shelf, path);
    shelf->reads++;
    if (kept == NULL || kept->size == 0) {
        return WEFT_ENOTFOUND;
    }
    return weft_shared_decode((struct weft_bytes){kept->bytes, kept->size}, path, ret_node, NULL);
}

static enum weft_err read_kept(void *ctx, const struct weft_shared_path *path,
    struct weft_shared_node *ret_node, struct weft_digest *ret_digest)
{
    enum weft_err err = shelf_read(ctx, path, ret_node);
    if (err == WEFT_OK) {
        *ret_digest = weft_shared_digest(ret_node);
    }
    return err;
}

static enum weft_err write_kept(void *ctx, const struct weft_shared_path *path,
    const struct weft_shared_node *node, const struct weft_digest *digest)
{
    struct shelf *shelf = ctx;
    const struct weft_digest is = weft_shared_digest(node);
    weft_assert(weft_digest_equal(&is, digest)); /* FED-120 */
    struct shelf_node *kept = shelf_find(shelf, path);
    if (kept == NULL) {
        weft_assert(shelf->count < SHELF_NODES_MAX); /* FED-120 */
        kept = &shelf->nodes[shelf->count++];
        kept->path = *path;
    }
    kept->size = weft_shared_encode(node, kept->bytes);
    return WEFT_OK;
}

static enum weft_err erase_kept(void *ctx, const struct weft_shared_path *path)
{
    struct shelf_node *kept = shelf_find(ctx, path);
    if (kept != NULL) {
        kept->size = 0;
    }
    return WEFT_OK;
}

struct weft_shared_store shelf_store(struct shelf *shelf)
{
    return (struct weft_shared_store){shelf, read_kept, write_kept, erase_kept};
}

uint32_t shelf_count(const struct shelf *shelf)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < shelf->count; i++) {
        count += shelf->nodes[i].size != 0;
    }
    return count;
}
