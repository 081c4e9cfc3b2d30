#include "node/state/filter.h"

#include <stddef.h>
#include <stdlib.h>

enum {
    LINE_WORDS = 8, /* 512 bits: one cache line for all probes of a name */
    BITS_PER_NAME = 10,
    PROBES = 6,
    PROBE_BITS = 9,
};

static uint64_t lines_of(int segment)
{
    return ((uint64_t)WEFT_FILTER_NAMES_FIRST << segment) * BITS_PER_NAME / (LINE_WORDS * 64);
}

static uint64_t *line_of(const struct weft_filter *filter, int segment, uint64_t hash)
{
    uint64_t line = (uint64_t)(((unsigned __int128)hash * lines_of(segment)) >> 64);
    return &filter->segments[segment][line * LINE_WORDS];
}

/* Other bits than those that chose the line. */
static uint64_t probes_of(uint64_t hash)
{
    hash *= UINT64_C(0xd6e8feb86659fd93);
    return hash ^ hash >> 32;
}

/* The segment that the next name goes into. */
static int segment_of(uint64_t count)
{
    int segment = 0;
    uint64_t room = WEFT_FILTER_NAMES_FIRST;
    while (count >= room) {
        count -= room;
        room *= 2;
        segment++;
    }
    return segment;
}

void weft_filter_add(struct weft_filter *filter, uint64_t hash)
{
    int segment = segment_of(filter->count);
    if (filter->is_full || segment >= WEFT_FILTER_SEGMENTS) {
        filter->is_full = true;
        return;
    }
    if (filter->segments[segment] == NULL) {
        filter->segments[segment] = aligned_alloc(64, lines_of(segment) * LINE_WORDS * 8);
        if (filter->segments[segment] == NULL) {
            filter->is_full = true;
            return;
        }
        for (uint64_t i = 0; i < lines_of(segment) * LINE_WORDS; i++) {
            filter->segments[segment][i] = 0;
        }
    }
    uint64_t *line = line_of(filter, segment, hash);
    uint64_t probes = probes_of(hash);
    for (int i = 0; i < PROBES; i++, probes >>= PROBE_BITS) {
        line[probes >> 6 & 7] |= UINT64_C(1) << (probes & 63);
    }
    filter->count++;
}

bool weft_filter_may_hold(const struct weft_filter *filter, uint64_t hash)
{
    if (filter->is_full) {
        return true;
    }
    for (int segment = WEFT_FILTER_SEGMENTS - 1; segment >= 0; segment--) {
        if (filter->segments[segment] == NULL) {
            continue;
        }
        const uint64_t *line = line_of(filter, segment, hash);
        uint64_t probes = probes_of(hash);
        bool is_in = true;
        for (int i = 0; i < PROBES && is_in; i++, probes >>= PROBE_BITS) {
            is_in = (line[probes >> 6 & 7] >> (probes & 63) & 1) != 0;
        }
        if (is_in) {
            return true;
        }
    }
    return false;
}

void weft_filter_expect(const struct weft_filter *filter, uint64_t hash)
{
    for (int segment = 0; segment < WEFT_FILTER_SEGMENTS; segment++) {
        if (filter->segments[segment] != NULL) {
            __builtin_prefetch(line_of(filter, segment, hash));
        }
    }
}

void weft_filter_destroy(struct weft_filter *filter)
{
    for (int i = 0; i < WEFT_FILTER_SEGMENTS; i++) {
        free(filter->segments[i]);
        filter->segments[i] = NULL;
    }
}
