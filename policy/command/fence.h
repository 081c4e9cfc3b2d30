/* policy/command/fence.h: the fencing token of a dispatch: the place of its entry in the log.
 *
 * Terms and indexes never go back, so of two tokens the higher is the later decision. A gateway
 * persists the highest of each channel before it acts, and refuses what is not above it (ACT-12).
 */
#ifndef WEFT_POLICY_COMMAND_FENCE_H
#define WEFT_POLICY_COMMAND_FENCE_H

#include <stdbool.h>
#include <stdint.h>

/* Zeros: before all others. */
struct weft_fence {
    uint64_t term;
    uint64_t index;
};

/* By term, then index: negative, 0, positive. */
static inline int weft_fence_compare(const struct weft_fence *a, const struct weft_fence *b)
{
    if (a->term != b->term) {
        return a->term < b->term ? -1 : 1;
    }
    return a->index < b->index ? -1 : a->index > b->index;
}

static inline bool weft_fence_is_none(const struct weft_fence *fence)
{
    return fence->term == 0 && fence->index == 0;
}

#endif
