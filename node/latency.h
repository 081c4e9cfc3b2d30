/* node/latency.h: how long something took, as a histogram with fixed classes.
 *
 * Few classes, since each is a series in a monitoring system; the upper bounds are in ns and those
 * of Prometheus' default buckets with three below them. Pure, header only. */
#ifndef WEFT_NODE_LATENCY_H
#define WEFT_NODE_LATENCY_H

#include <stdint.h>

enum {
    WEFT_LATENCY_CLASSES = 15
};

/* Upper bounds, inclusive, in ns: 100 us to 10 s. What is above the last has a class of its own. */
static const uint64_t weft_latency_bounds_ns[WEFT_LATENCY_CLASSES] = {100000, 250000, 500000,
    1000000, 2500000, 5000000, 10000000, 25000000, 50000000, 100000000, 250000000, 500000000,
    1000000000, 2500000000, 10000000000};

struct weft_latency {
    uint64_t counts[WEFT_LATENCY_CLASSES + 1]; /* Not cumulated. */
    uint64_t sum_ns;
    uint64_t count;
};

static inline void weft_latency_add(struct weft_latency *l, uint64_t ns)
{
    int class = 0;
    while (class < WEFT_LATENCY_CLASSES && ns > weft_latency_bounds_ns[class]) {
        class ++;
    }
    l->counts[class]++;
    l->sum_ns += ns;
    l->count++;
}

#endif
