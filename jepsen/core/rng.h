/* jepsen/core/rng.h: chance that can be had again. One seed gives every stream its own numbers by
 * name ("plan", "nemesis", "link n1 n2"), so that a stream which draws more than before does not
 * change what the others draw. splitmix64 (Steele, Lea, Flood 2014). */
#ifndef WEFT_JEPSEN_CORE_RNG_H
#define WEFT_JEPSEN_CORE_RNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct jep_rng {
    uint64_t state;
};

struct jep_rng jep_rng_stream(uint64_t seed, const char *name);
/* As above, for the n-th of many (one per worker, per seed of a series). */
struct jep_rng jep_rng_stream_at(uint64_t seed, const char *name, uint64_t number);
uint64_t jep_rng_next(struct jep_rng *rng);
/* Uniform in [0, bound); bound 0 gives 0. Without bias. */
uint64_t jep_rng_below(struct jep_rng *rng, uint64_t bound);
/* Uniform in [low, high], low <= high. */
int64_t jep_rng_between(struct jep_rng *rng, int64_t low, int64_t high);
/* True in `of` of `in` cases. */
bool jep_rng_chance(struct jep_rng *rng, uint64_t of, uint64_t in);
/* A waiting time of that mean, exponentially distributed, at most 20 times the mean. */
int64_t jep_rng_wait_ns(struct jep_rng *rng, int64_t mean_ns);
/* In place (Fisher and Yates). */
void jep_rng_shuffle(struct jep_rng *rng, void *items, size_t count, size_t size_bytes);

#endif
