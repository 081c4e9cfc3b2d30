/* jepsen/check/limits.h: how much a check may take. A check that reaches a limit says :unknown and
 * names it; it never runs on, and never calls a history valid that it has not looked at whole. */
#ifndef WEFT_JEPSEN_CHECK_LIMITS_H
#define WEFT_JEPSEN_CHECK_LIMITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct jep_limits {
    int64_t deadline_ns;  /* on the monotonic clock; 0: none */
    size_t memory_bytes;  /* for the search itself, beside the history */
    uint64_t steps_left;  /* configurations or edges that may still be looked at */
    uint32_t until_clock; /* steps until the clock is looked at again */
    bool is_late;         /* the deadline has passed */
};

/* time_ms from now; 0 gives no deadline. */
struct jep_limits jep_limits_from_now(int64_t time_ms, size_t memory_bytes, uint64_t steps_max);
/* Takes count steps. False: a limit is reached. */
bool jep_limits_step(struct jep_limits *limits, uint64_t count);
/* Which one, for :why. */
const char *jep_limits_reached(const struct jep_limits *limits);

#endif
