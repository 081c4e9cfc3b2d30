/* node/state/twin/ring.h: does a new edge close a ring? A search from both of its ends at once.
 *
 * The side with less to look at goes first, so that the answer costs what the smaller of the two
 * neighbourhoods costs: a new top of a product has nothing above it, a new screw nothing below.
 * Nodes are numbers; the graph is the caller's. */
#ifndef WEFT_NODE_STATE_TWIN_RING_H
#define WEFT_NODE_STATE_TWIN_RING_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/bytes.h"
#include "proto/err.h"

enum {
    WEFT_RING_NODES_MAX = 8192, /* entered from both ends together; about 50 ms of apply */
};

struct weft_ring;

/* Give each neighbour of `node` to weft_ring_enter: what it contains (`is_down`), or what contains
 * it. Anything but WEFT_OK ends the search with it. */
typedef enum weft_err weft_ring_neighbours(
    void *ctx, struct weft_ring *ring, uint64_t node, bool is_down);

struct weft_ring {
    struct {
        uint64_t *nodes; /* In order of discovery: a queue. */
        uint32_t count;
        uint32_t done;
    } sides[2];       /* Up, down. */
    uint64_t *table;  /* node + 1 of either side; 0: free. */
    uint8_t *side_of; /* Of the node in the same slot. */
    bool is_met;
    bool is_full;
    bool is_down; /* The side under way. */
};

/* 420 KiB in the arena, for any number of searches. WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_ring_init(struct weft_ring *ring, struct weft_arena *arena);
/* Is one of `below` at or above one of `above`? Nodes are below 2^64 - 1.
 * WEFT_ETOOBIG: not decided within WEFT_RING_NODES_MAX; and what `neighbours` gives. */
WEFT_MUST_USE enum weft_err weft_ring_search(struct weft_ring *ring, const uint64_t *above,
    uint32_t above_count, const uint64_t *below, uint32_t below_count,
    weft_ring_neighbours *neighbours, void *ctx, bool *ret_closes);
void weft_ring_enter(struct weft_ring *ring, uint64_t node);

#endif
