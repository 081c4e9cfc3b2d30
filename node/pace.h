/* node/pace.h: how much of the time a thread of long reads may work while commits are under way.
 *
 * Work is paid for with rest: so many ns of rest for each ns of work, that the thread works
 * `share_percent` of the time. Nothing is owed while no commit is under way. What is owed has a
 * limit and rests shrink it, so the thread always goes on (NOD-12). A pure machine: time and work
 * come with the event, and who steps it rests. */
#ifndef WEFT_NODE_PACE_H
#define WEFT_NODE_PACE_H

#include <stdbool.h>
#include <stdint.h>

enum {
    /* Rest is asked for once so much is owed: a slice of work is this times share / (1 - share),
     * 0.4 ms at a tenth. Chosen: less and threads switch for nothing, more and a commit notices. */
    WEFT_PACE_OWED_NS = 4 * 1000 * 1000,
    /* The most that is ever owed. Chosen: work that could not be interrupted is forgiven, rather
     * than that a read does nothing for a second. */
    WEFT_PACE_OWED_MAX_NS = 200 * 1000 * 1000,
    /* A rest at a time: then it is asked again whether commits are under way. */
    WEFT_PACE_REST_NS = 5 * 1000 * 1000,
};

struct weft_pace {
    uint32_t share_percent; /* 1 to 100; 100: no pacing. */
    bool is_resting;
    uint64_t now_ns; /* Of the step before. */
    uint64_t owed_ns;
};

void weft_pace_init(struct weft_pace *pace, uint32_t share_percent, uint64_t now_ns);
/* `work_ns` was worked since the step before; the rest of the time since then was rest. Returns
 * for how many ns to rest before the next step; 0: work on. */
uint64_t weft_pace_step(struct weft_pace *pace, uint64_t now_ns, uint64_t work_ns, bool is_busy);

#endif
