#include "node/state/cells_nodes.h"

#include <stdlib.h>
#include <string.h>

#include "proto/arith.h"

/* Cells are digests, so the first bytes of a prefix are spread well enough; agreements are too. */
static uint32_t place_of(uint64_t agreement, const struct weft_shared_path *path)
{
    uint64_t hash = agreement ^ weft_get_be64(path->prefix.bytes) ^ path->depth;
    hash = (hash ^ hash >> 30) * 0xbf58476d1ce4e5b9u; /* splitmix64 */
    hash = (hash ^ hash >> 27) * 0x94d049bb133111ebu;
    hash ^= hash >> 31;
    return path->depth < WEFT_CELLS_NODES_DEPTH
               ? (uint32_t)(hash % WEFT_CELLS_NODES_NEAR)
               : WEFT_CELLS_NODES_NEAR + (uint32_t)(hash % WEFT_CELLS_NODES_FAR);
}

static bool is_it(const struct weft_cells_node *node, const uint8_t agreement[16],
    const struct weft_shared_path *path)
{
    return node->is_there && node->agreement == weft_get_be64(agreement) &&
           node->rest == weft_get_be64(agreement + 8) && node->path.depth == path->depth &&
           weft_digest_equal(&node->path.prefix, &path->prefix);
}

const struct weft_cells_node *weft_cells_nodes_find(const struct weft_cells_nodes *nodes,
    const uint8_t agreement[16], const struct weft_shared_path *path)
{
    if (nodes->places == NULL) {
        return NULL;
    }
    const struct weft_cells_node *node = &nodes->places[place_of(weft_get_be64(agreement), path)];
    return is_it(node, agreement, path) ? node : NULL;
}

void weft_cells_nodes_put(struct weft_cells_nodes *nodes, const uint8_t agreement[16],
    const struct weft_shared_path *path, const struct weft_shared_node *node,
    const struct weft_digest *digest)
{
    if (nodes->places == NULL) {
        nodes->places =
            calloc(WEFT_CELLS_NODES_NEAR + WEFT_CELLS_NODES_FAR, sizeof(*nodes->places));
    }
    if (nodes->places != NULL) {
        const uint64_t id = weft_get_be64(agreement);
        nodes->places[place_of(id, path)] =
            (struct weft_cells_node){id, weft_get_be64(agreement + 8), *path, true, *digest, *node};
    }
}

void weft_cells_nodes_forget(struct weft_cells_nodes *nodes, const uint8_t agreement[16],
    const struct weft_shared_path *path)
{
    if (weft_cells_nodes_find(nodes, agreement, path) != NULL) {
        nodes->places[place_of(weft_get_be64(agreement), path)].is_there = false;
    }
}

void weft_cells_nodes_destroy(struct weft_cells_nodes *nodes)
{
    free(nodes->places);
    nodes->places = NULL;
}
