#include "node/state/cells_nodes.h"

#include <stdlib.h>
#include <string.h>

#include "proto/arith.h"

enum {
    DEPTH_MAX = 16, /* of 64 bits of a prefix: what is deeper is as good as never there */
    ROUND = 64,     /* a cell more in a node takes no other memory */
};

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

static bool is_of(const struct weft_cells_node *node, const uint8_t agreement[16],
    const struct weft_shared_path *path)
{
    return node->size > 0 && node->agreement == weft_get_be64(agreement) &&
           node->rest == weft_get_be64(agreement + 8) && node->depth == path->depth &&
           node->prefix == weft_get_be64(path->prefix.bytes);
}

/* Where it is, or what gives way to it: each node has two places, side by side. */
static struct weft_cells_node *place_for(const struct weft_cells_nodes *nodes,
    const uint8_t agreement[16], const struct weft_shared_path *path)
{
    const uint32_t at = place_of(weft_get_be64(agreement), path);
    struct weft_cells_node *first = &nodes->places[at], *second = &nodes->places[at ^ 1];
    bool is_second = is_of(second, agreement, path) ||
                     (first->size > 0 && second->size == 0 && !is_of(first, agreement, path));
    return is_second ? second : first;
}

static struct weft_cells_node *find(const struct weft_cells_nodes *nodes,
    const uint8_t agreement[16], const struct weft_shared_path *path)
{
    if (nodes->places == NULL || path->depth > DEPTH_MAX) {
        return NULL;
    }
    struct weft_cells_node *node = place_for(nodes, agreement, path);
    return is_of(node, agreement, path) ? node : NULL;
}

bool weft_cells_nodes_find(const struct weft_cells_nodes *nodes, const uint8_t agreement[16],
    const struct weft_shared_path *path, struct weft_shared_node *ret_node,
    struct weft_digest *ret_digest)
{
    const struct weft_cells_node *node = find(nodes, agreement, path);
    struct weft_msg msg;
    if (node == NULL || weft_shared_decode((struct weft_bytes){node->bytes, node->size}, path,
                            ret_node, &msg) != WEFT_OK) {
        return false;
    }
    *ret_digest = node->digest;
    return true;
}

/* False: there is no room for so many bytes. */
static bool reserve(struct weft_cells_nodes *nodes, struct weft_cells_node *node, size_t size)
{
    const size_t capacity = (size + ROUND - 1) / ROUND * ROUND;
    if (size <= node->capacity) {
        return true;
    }
    if (nodes->bytes - node->capacity + capacity > WEFT_CELLS_NODES_BYTES_MAX) {
        return false;
    }
    uint8_t *bytes = realloc(node->bytes, capacity);
    if (bytes != NULL) {
        nodes->bytes = nodes->bytes - node->capacity + capacity;
        node->bytes = bytes;
        node->capacity = (uint16_t)capacity;
    }
    return bytes != NULL;
}

void weft_cells_nodes_put(struct weft_cells_nodes *nodes, const uint8_t agreement[16],
    const struct weft_shared_path *path, struct weft_bytes bytes, const struct weft_digest *digest)
{
    if (nodes->places == NULL) {
        nodes->places =
            calloc(WEFT_CELLS_NODES_NEAR + WEFT_CELLS_NODES_FAR, sizeof(*nodes->places));
    }
    if (nodes->places == NULL || path->depth > DEPTH_MAX) {
        return;
    }
    const uint64_t id = weft_get_be64(agreement);
    struct weft_cells_node *node = place_for(nodes, agreement, path);
    node->size = 0;
    if (reserve(nodes, node, bytes.size)) {
        memcpy(node->bytes, bytes.data, bytes.size);
        node->agreement = id;
        node->rest = weft_get_be64(agreement + 8);
        node->prefix = weft_get_be64(path->prefix.bytes);
        node->depth = path->depth;
        node->size = (uint16_t)bytes.size;
        node->digest = *digest;
    }
}

void weft_cells_nodes_forget(struct weft_cells_nodes *nodes, const uint8_t agreement[16],
    const struct weft_shared_path *path)
{
    struct weft_cells_node *node = find(nodes, agreement, path);
    if (node != NULL) {
        node->size = 0;
    }
}

void weft_cells_nodes_destroy(struct weft_cells_nodes *nodes)
{
    for (uint32_t i = 0; nodes->places != NULL && i < WEFT_CELLS_NODES_NEAR + WEFT_CELLS_NODES_FAR;
         i++) {
        free(nodes->places[i].bytes);
    }
    free(nodes->places);
    *nodes = (struct weft_cells_nodes){.places = NULL};
}
