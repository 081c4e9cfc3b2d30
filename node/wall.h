/* node/wall.h: what time it is to people. It may jump: durations are measured by uv_now. */
#ifndef WEFT_NODE_WALL_H
#define WEFT_NODE_WALL_H

#include <stdint.h>
#include <time.h>

/* Nanoseconds since 1970, UTC. 0: the clock cannot be read. */
static inline int64_t weft_wall_ns(void)
{
    struct timespec now;
    return clock_gettime(CLOCK_REALTIME, &now) == 0 ? (int64_t)now.tv_sec * 1000000000 + now.tv_nsec
                                                    : 0;
}

#endif
