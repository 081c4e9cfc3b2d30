/* node/state/lineage/search.h: breadth first from some assets along their links.
 *
 * Each asset is entered once, by the first link that reaches it: the earliest in the log from
 * the earliest discovered. So the answer is one tree with one path to each asset, and the same
 * from the index and from the store. Cycles are tolerated, and found when asked for. */
#ifndef WEFT_NODE_STATE_LINEAGE_SEARCH_H
#define WEFT_NODE_STATE_LINEAGE_SEARCH_H

#include "node/state/lineage/around.h"

enum {
    WEFT_SEARCH_ASSETS_MAX = 4 * 1000 * 1000,      /* reached; 16 bytes each */
    WEFT_SEARCH_LINKS_MAX = 40 * 1000 * 1000,      /* looked at in the index, about 0.5 s */
    WEFT_SEARCH_STORE_LINKS_MAX = 2 * 1000 * 1000, /* looked at in the store, some seconds */
};

struct weft_reached {
    uint32_t number; /* Of the asset, as weft_around has it. */
    uint32_t from;   /* Place of the one before it; its own for those that the search starts at. */
    uint32_t evidence;
    uint32_t depth : 22; /* As many as there may be assets. */
    uint32_t rel : 5;
    uint32_t is_cycle : 1;
    uint32_t is_leaf : 1; /* No link leads on. */
    uint32_t is_answer : 1;
    uint32_t has_ended : 1;
};

_Static_assert(WEFT_SEARCH_ASSETS_MAX < 1 << 22, "a path may be as long as there are assets");
_Static_assert(WEFT_AROUND_RELS <= 1 << 5, "a rel fits");

struct weft_search_edge {
    uint32_t from; /* Places. */
    uint32_t to;
};

struct weft_search {
    struct weft_around *around;
    bool is_forward;
    bool wants_leaves; /* Look past depth_max whether a link leads on. */
    bool wants_cycles;
    uint32_t depth_max; /* 0: none. */
    struct weft_reached *reached;
    uint32_t count;
    uint32_t capacity;
    uint32_t expanded; /* Those below this place have been looked around. */
    bool has_cycles;
    uint64_t *entered;              /* A bit for each number. */
    uint32_t *places;               /* With wants_cycles, by number: place of who was entered. */
    uint32_t numbers;               /* Room in both. */
    struct weft_search_edge *edges; /* With wants_cycles: all that were followed. */
    uint32_t edge_count;
    uint32_t edge_capacity;
    bool may_have_cycles; /* An edge led to one found no later than its own start. */
    struct weft_edges around_some;
};

void weft_search_init(struct weft_search *search, struct weft_around *around, bool is_forward);
void weft_search_close(struct weft_search *search);
/* Nothing more will be searched: keep what was reached alone. */
void weft_search_settle(struct weft_search *search);
/* Start here, too. WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_search_enter(struct weft_search *search, uint64_t asset);
/* One more behind all others, whatever reached it: for who joins two searches. */
WEFT_MUST_USE enum weft_err weft_search_append(
    struct weft_search *search, const struct weft_reached *reached);
/* All that can be reached. WEFT_ETOOBIG: past a limit above. */
WEFT_MUST_USE enum weft_err weft_search_run(struct weft_search *search);

/* node/state/lineage/cycles.c: mark who is inside itself. WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_search_mark_cycles(struct weft_search *search);

#endif
