#include "jepsen/check/limits.h"

#include <time.h>

enum {
    STEPS_PER_CLOCK = 4096 /* chosen: some 100 us of steps between two looks at the clock */
};

static int64_t now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

struct jep_limits jep_limits_from_now(int64_t time_ms, size_t memory_bytes, uint64_t steps_max)
{
    return (struct jep_limits){
        .deadline_ns = time_ms > 0 ? now_ns() + time_ms * 1000000 : 0,
        .memory_bytes = memory_bytes,
        .steps_left = steps_max,
    };
}

/* JEP-15 */
bool jep_limits_step(struct jep_limits *limits, uint64_t count)
{
    if (limits->steps_left < count) {
        limits->steps_left = 0;
        return false;
    }
    limits->steps_left -= count;
    if (limits->until_clock > count) {
        limits->until_clock -= (uint32_t)count;
        return true;
    }
    limits->until_clock = STEPS_PER_CLOCK;
    if (limits->deadline_ns != 0 && now_ns() >= limits->deadline_ns) {
        limits->is_late = true;
        limits->steps_left = 0;
    }
    return !limits->is_late;
}

const char *jep_limits_reached(const struct jep_limits *limits)
{
    return limits->is_late ? "time" : "steps";
}
