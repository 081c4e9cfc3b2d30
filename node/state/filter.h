/* node/state/filter.h: is this name new for certain? A Bloom filter over all asset names, and over
 * the subjects that agreements name.
 *
 * Most records of a plant speak of something new, and asking RocksDB for what it does not have
 * costs a third of an apply. Cache-line blocks, 10 bits a name, 1 % said to be known that are
 * not. It grows by segments up to FILTER_NAMES_MAX; past that it says "perhaps" to all. */
#ifndef WEFT_NODE_STATE_FILTER_H
#define WEFT_NODE_STATE_FILTER_H

#include <stdbool.h>
#include <stdint.h>

enum {
    WEFT_FILTER_SEGMENTS = 4,
    WEFT_FILTER_NAMES_FIRST = 1 << 20, /* Of the first segment; each is twice the one before. */
    WEFT_FILTER_NAMES_MAX = WEFT_FILTER_NAMES_FIRST * ((1 << WEFT_FILTER_SEGMENTS) - 1), /* 20 MB */
};

struct weft_filter { /* Zero-initialized is empty. */
    uint64_t *segments[WEFT_FILTER_SEGMENTS];
    uint64_t count;
    bool is_full; /* It no longer holds every name. */
};

/* By hash of the name. Without memory it becomes full. */
void weft_filter_add(struct weft_filter *filter, uint64_t hash);
/* False: never added. */
bool weft_filter_may_hold(const struct weft_filter *filter, uint64_t hash);
/* Begin to fetch what weft_filter_may_hold will look at. */
void weft_filter_expect(const struct weft_filter *filter, uint64_t hash);
void weft_filter_destroy(struct weft_filter *filter);

#endif
