/* ops/weft/histogram.h: latencies by logarithmic classes: any quantile within 1 %, in constant
 * memory, at the cost of an increment. */
#ifndef WEFT_OPS_HISTOGRAM_H
#define WEFT_OPS_HISTOGRAM_H

#include <stdint.h>

/* Below 2^WEFT_HISTOGRAM_BITS every value has its own class; above, each doubling has
 * 2^(WEFT_HISTOGRAM_BITS - 1) of them. */
enum {
    WEFT_HISTOGRAM_BITS = 8,
    WEFT_HISTOGRAM_CLASSES = (64 - WEFT_HISTOGRAM_BITS + 2) << (WEFT_HISTOGRAM_BITS - 1),
};

struct weft_histogram {
    uint64_t counts[WEFT_HISTOGRAM_CLASSES];
    uint64_t count;
    uint64_t sum;
    uint64_t max;
};

void weft_histogram_add(struct weft_histogram *h, uint64_t value);
/* The value that a share of 0 to 1 of all do not exceed; 0 if there are none. */
uint64_t weft_histogram_quantile(const struct weft_histogram *h, double share);
double weft_histogram_mean(const struct weft_histogram *h);

#endif
