/* tests/unit/federation/cells/shelf.h: nodes of the shared digest, kept in a list as bytes. */
#ifndef WEFT_TESTS_UNIT_FEDERATION_CELLS_SHELF_H
#define WEFT_TESTS_UNIT_FEDERATION_CELLS_SHELF_H

#include "federation/cells/shared.h"

enum {
    SHELF_NODES_MAX = 4096
};

struct shelf_node {
    struct weft_shared_path path;
    uint8_t bytes[WEFT_SHARED_NODE_SIZE_MAX];
    size_t size; /* 0: erased */
};

struct shelf {
    struct shelf_node nodes[SHELF_NODES_MAX];
    uint32_t count;
    uint64_t reads;
};

/* Its ctx is the shelf. */
struct weft_shared_store shelf_store(struct shelf *shelf);
/* NULL: there is none. */
struct shelf_node *shelf_find(struct shelf *shelf, const struct weft_shared_path *path);
enum weft_err shelf_read(
    void *ctx, const struct weft_shared_path *path, struct weft_shared_node *ret_node);
uint32_t shelf_count(const struct shelf *shelf);

#endif
