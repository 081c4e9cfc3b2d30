#include "node/state/twin/ring.h"

enum {
    TABLE_SIZE = 4 * WEFT_RING_NODES_MAX /* At most a quarter full. */
};

void weft_ring_enter(struct weft_ring *ring, uint64_t node)
{
    uint8_t side = ring->is_down ? 1 : 0;
    uint32_t slot = (uint32_t)((node + 1) * UINT64_C(0x9e3779b97f4a7c15) >> 32) % TABLE_SIZE;
    while (ring->table[slot] != 0 && ring->table[slot] != node + 1) {
        slot = (slot + 1) % TABLE_SIZE;
    }
    if (ring->table[slot] != 0) {
        ring->is_met = ring->is_met || ring->side_of[slot] != side;
        return;
    }
    if (ring->sides[0].count + ring->sides[1].count == WEFT_RING_NODES_MAX) {
        ring->is_full = true;
        return;
    }
    ring->table[slot] = node + 1;
    ring->side_of[slot] = side;
    ring->sides[side].nodes[ring->sides[side].count++] = node;
}

static uint32_t left(const struct weft_ring *ring, int side)
{
    return ring->sides[side].count - ring->sides[side].done;
}

enum weft_err weft_ring_init(struct weft_ring *ring, struct weft_arena *arena)
{
    *ring = (struct weft_ring){.is_down = false};
    ring->sides[0].nodes = weft_arena_array(arena, WEFT_RING_NODES_MAX, sizeof(uint64_t));
    ring->sides[1].nodes = weft_arena_array(arena, WEFT_RING_NODES_MAX, sizeof(uint64_t));
    ring->table = weft_arena_array(arena, TABLE_SIZE, sizeof(uint64_t));
    ring->side_of = weft_arena_array(arena, TABLE_SIZE, 1);
    return ring->sides[0].nodes != NULL && ring->sides[1].nodes != NULL && ring->table != NULL &&
                   ring->side_of != NULL
               ? WEFT_OK
               : WEFT_ENOMEM;
}

static void enter_all(struct weft_ring *ring, int side, const uint64_t *nodes, uint32_t count)
{
    ring->is_down = side == 1;
    ring->sides[side].count = ring->sides[side].done = 0;
    for (uint32_t i = 0; i < count; i++) {
        weft_ring_enter(ring, nodes[i]);
    }
}

enum weft_err weft_ring_search(struct weft_ring *ring, const uint64_t *above, uint32_t above_count,
    const uint64_t *below, uint32_t below_count, weft_ring_neighbours *neighbours, void *ctx,
    bool *ret_closes)
{
    memset(ring->table, 0, TABLE_SIZE * sizeof(*ring->table));
    ring->is_met = ring->is_full = false;
    ring->sides[1].count = 0;
    enter_all(ring, 0, above, above_count);
    enter_all(ring, 1, below, below_count);
    while (!ring->is_met && !ring->is_full && left(ring, 0) > 0 && left(ring, 1) > 0) {
        int side = left(ring, 1) < left(ring, 0) ? 1 : 0;
        ring->is_down = side == 1;
        uint64_t node = ring->sides[side].nodes[ring->sides[side].done++];
        enum weft_err rv = neighbours(ctx, ring, node, ring->is_down);
        if (rv != WEFT_OK) {
            return rv;
        }
    }
    *ret_closes = ring->is_met;
    return ring->is_met || !ring->is_full ? WEFT_OK : WEFT_ETOOBIG;
}
