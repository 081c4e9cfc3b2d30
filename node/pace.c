#include "node/pace.h"

#include "proto/check.h"

enum {
    WORK_MAX_NS = 1000 * 1000 * 1000, /* Of one step; far past what is ever owed for. */
};

static void check(const struct weft_pace *pace)
{
    weft_assert(pace->share_percent >= 1 && pace->share_percent <= 100);
    weft_assert(pace->owed_ns <= WEFT_PACE_OWED_MAX_NS); /* NOD-12 */
}

void weft_pace_init(struct weft_pace *pace, uint32_t share_percent, uint64_t now_ns)
{
    *pace = (struct weft_pace){.share_percent = share_percent, .now_ns = now_ns};
    check(pace);
}

static uint64_t owed_for(const struct weft_pace *pace, uint64_t work_ns)
{
    uint64_t work = work_ns < WORK_MAX_NS ? work_ns : WORK_MAX_NS;
    return work * (100 - pace->share_percent) / pace->share_percent;
}

uint64_t weft_pace_step(struct weft_pace *pace, uint64_t now_ns, uint64_t work_ns, bool is_busy)
{
    uint64_t passed_ns = now_ns > pace->now_ns ? now_ns - pace->now_ns : 0;
    uint64_t rested_ns = passed_ns > work_ns ? passed_ns - work_ns : 0;
    check(pace);
    pace->now_ns = now_ns;
    pace->owed_ns = pace->owed_ns > rested_ns ? pace->owed_ns - rested_ns : 0;
    pace->owed_ns += owed_for(pace, work_ns);
    if (pace->owed_ns > WEFT_PACE_OWED_MAX_NS) {
        pace->owed_ns = WEFT_PACE_OWED_MAX_NS;
    }
    if (!is_busy) {
        pace->owed_ns = 0;
    }
    /* Once it rests, until nothing is owed: fewer and longer rests cost fewer switches. */
    pace->is_resting = pace->owed_ns >= (pace->is_resting ? 1 : WEFT_PACE_OWED_NS);
    check(pace);
    if (!pace->is_resting) {
        return 0;
    }
    return pace->owed_ns < WEFT_PACE_REST_NS ? pace->owed_ns : WEFT_PACE_REST_NS;
}
