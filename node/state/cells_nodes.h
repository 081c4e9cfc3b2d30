/* node/state/cells_nodes.h: nodes of shared digests that apply has read or written of late.
 *
 * What is in the rows, without reading, decoding and hashing it again: of each node its digest is
 * kept too. A table in which each node has two places, those near the root in a part of their own;
 * what comes takes the place of what was there. One thread, apply's; of an apply that failed
 * nothing is used any more. */
#ifndef WEFT_NODE_STATE_CELLS_NODES_H
#define WEFT_NODE_STATE_CELLS_NODES_H

#include "federation/cells/shared.h"

enum {
    WEFT_CELLS_NODES_NEAR = 1024, /* places of depths 0 to 2, which have 273 in an agreement */
    WEFT_CELLS_NODES_FAR = 65536, /* chosen: as many as there are at depth 4; 5 MB */
    WEFT_CELLS_NODES_DEPTH = 3,   /* the first that is far */
    WEFT_CELLS_NODES_BYTES_MAX =
        24 * 1024 * 1024, /* of nodes, encoded; past it none more is kept */
};

/* As it is encoded: most nodes have two or three cells, and are a tenth of a struct of one. */
struct weft_cells_node {
    uint64_t agreement; /* First bytes of its id, */
    uint64_t rest;      /* and the others. */
    uint64_t prefix;    /* All of it: what is deeper than 16 is not kept. */
    uint32_t depth;
    uint16_t size, capacity; /* Of its bytes. No size: nothing is known. */
    uint8_t *bytes;
    struct weft_digest digest;
};

/* Zero-initialized is empty. Owns its memory, which the first put takes. */
struct weft_cells_nodes {
    struct weft_cells_node *places;
    size_t bytes;
};

/* False: it is not known here. */
bool weft_cells_nodes_find(const struct weft_cells_nodes *nodes, const uint8_t agreement[16],
    const struct weft_shared_path *path, struct weft_shared_node *ret_node,
    struct weft_digest *ret_digest);
/* `bytes`: the node's, encoded. Without memory nothing is kept. */
void weft_cells_nodes_put(struct weft_cells_nodes *nodes, const uint8_t agreement[16],
    const struct weft_shared_path *path, struct weft_bytes bytes, const struct weft_digest *digest);
void weft_cells_nodes_forget(struct weft_cells_nodes *nodes, const uint8_t agreement[16],
    const struct weft_shared_path *path);
void weft_cells_nodes_destroy(struct weft_cells_nodes *nodes);

#endif
