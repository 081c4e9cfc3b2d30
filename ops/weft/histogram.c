#include "ops/weft/histogram.h"

enum {
    HALF = 1 << (WEFT_HISTOGRAM_BITS - 1)
};

static uint32_t class_of(uint64_t value)
{
    int top = 63 - __builtin_clzll(value | 1);
    int shift = top - (WEFT_HISTOGRAM_BITS - 1);
    return shift <= 0 ? (uint32_t)value : (uint32_t)(shift * HALF) + (uint32_t)(value >> shift);
}

/* The largest value of a class. */
static uint64_t top_of(uint32_t class)
{
    if (class < 2 * HALF) {
        return class;
    }
    uint32_t shift = class / HALF - 1;
    return ((uint64_t)(class - shift * HALF + 1) << shift) - 1;
}

void weft_histogram_add(struct weft_histogram *h, uint64_t value)
{
    h->counts[class_of(value)]++;
    h->count++;
    h->sum += value;
    h->max = value > h->max ? value : h->max;
}

uint64_t weft_histogram_quantile(const struct weft_histogram *h, double share)
{
    double wanted = share * (double)h->count;
    uint64_t seen = 0;
    for (uint32_t c = 0; c < WEFT_HISTOGRAM_CLASSES && h->count > 0; c++) {
        seen += h->counts[c];
        if (h->counts[c] > 0 && (double)seen >= wanted) {
            return top_of(c) < h->max ? top_of(c) : h->max;
        }
    }
    return h->max;
}

double weft_histogram_mean(const struct weft_histogram *h)
{
    return h->count > 0 ? (double)h->sum / (double)h->count : 0;
}
