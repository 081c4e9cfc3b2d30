/* node/state/cells_nodes.h: nodes of shared digests that apply has read or written of late.
 *
 * What is in the rows, without reading, decoding and hashing it again: of each node its digest is
 * kept too. A table in which each node has one place, those near the root in a part of their own;
 * what comes takes the place of what was there. One thread, apply's; of an apply that failed
 * nothing is used any more. */
#ifndef WEFT_NODE_STATE_CELLS_NODES_H
#define WEFT_NODE_STATE_CELLS_NODES_H

#include "federation/cells/shared.h"

enum {
    WEFT_CELLS_NODES_NEAR = 1024, /* places of depths 0 to 2, which have 273 in an agreement */
    WEFT_CELLS_NODES_FAR = 4096,  /* measured: with both 6 MB, half of the reads of 300,000 cells */
    WEFT_CELLS_NODES_DEPTH = 3,   /* the first that is far */
};

struct weft_cells_node {
    uint64_t agreement; /* First bytes of its id, */
    uint64_t rest;      /* and the others. */
    struct weft_shared_path path;
    bool is_there;
    struct weft_digest digest;
    struct weft_shared_node node;
};

/* Zero-initialized is empty. Owns its memory, which the first put takes. */
struct weft_cells_nodes {
    struct weft_cells_node *places;
};

/* NULL: it is not known here. Until the next put. */
const struct weft_cells_node *weft_cells_nodes_find(const struct weft_cells_nodes *nodes,
    const uint8_t agreement[16], const struct weft_shared_path *path);
/* Without memory nothing is kept. */
void weft_cells_nodes_put(struct weft_cells_nodes *nodes, const uint8_t agreement[16],
    const struct weft_shared_path *path, const struct weft_shared_node *node,
    const struct weft_digest *digest);
void weft_cells_nodes_forget(struct weft_cells_nodes *nodes, const uint8_t agreement[16],
    const struct weft_shared_path *path);
void weft_cells_nodes_destroy(struct weft_cells_nodes *nodes);

#endif
