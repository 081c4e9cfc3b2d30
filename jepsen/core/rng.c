#include "jepsen/core/rng.h"

#include <string.h>

static uint64_t mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

struct jep_rng jep_rng_stream_at(uint64_t seed, const char *name, uint64_t number)
{
    uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a */
    for (const char *at = name; *at != '\0'; at++) {
        hash = (hash ^ (unsigned char)*at) * 0x100000001b3u;
    }
    return (struct jep_rng){mix(mix(seed + 0x9e3779b97f4a7c15u) ^ hash) + mix(number)};
}

struct jep_rng jep_rng_stream(uint64_t seed, const char *name)
{
    return jep_rng_stream_at(seed, name, 0);
}

uint64_t jep_rng_next(struct jep_rng *rng)
{
    return mix(rng->state += 0x9e3779b97f4a7c15u);
}

uint64_t jep_rng_below(struct jep_rng *rng, uint64_t bound)
{
    if (bound == 0) {
        return 0;
    }
    uint64_t skip = (0 - bound) % bound; /* 2^64 mod bound: the numbers that would tip the scale */
    uint64_t drawn = 0;
    do {
        drawn = jep_rng_next(rng);
    } while (drawn < skip);
    return drawn % bound;
}

int64_t jep_rng_between(struct jep_rng *rng, int64_t low, int64_t high)
{
    return low + (int64_t)jep_rng_below(rng, (uint64_t)(high - low) + 1);
}

bool jep_rng_chance(struct jep_rng *rng, uint64_t of, uint64_t in)
{
    return jep_rng_below(rng, in) < of;
}

/* By von Neumann's comparison of uniform numbers: no logarithm, so the same on every machine.
 * (Various techniques used in connection with random digits, 1951.) */
int64_t jep_rng_wait_ns(struct jep_rng *rng, int64_t mean_ns)
{
    uint64_t whole = 0;
    while (whole < 20) {
        uint64_t first = jep_rng_next(rng), last = first, next = jep_rng_next(rng);
        bool is_odd = true; /* length of the falling run */
        while (next < last) {
            last = next;
            next = jep_rng_next(rng);
            is_odd = !is_odd;
        }
        if (is_odd) {
            uint64_t thousandths = (first >> 32) * 1000 >> 32;
            return (int64_t)((whole * 1000 + thousandths) * ((uint64_t)mean_ns / 1000));
        }
        whole++;
    }
    return 20 * mean_ns;
}

void jep_rng_shuffle(struct jep_rng *rng, void *items, size_t count, size_t size_bytes)
{
    unsigned char *bytes = items;
    for (size_t i = count; i > 1; i--) {
        size_t j = (size_t)jep_rng_below(rng, i);
        for (size_t b = 0; b < size_bytes; b++) {
            unsigned char kept = bytes[(i - 1) * size_bytes + b];
            bytes[(i - 1) * size_bytes + b] = bytes[j * size_bytes + b];
            bytes[j * size_bytes + b] = kept;
        }
    }
}
