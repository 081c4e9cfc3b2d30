/* node/notices.h: what this node has to tell the audit log: that it started, with which version of
 * the program, and that its wall clock jumped.
 *
 * Each is a commit of node/state/notice.h, proposed here or handed to the leader, and sent again
 * until it is answered: so it stands in the log at least once. The loop's. */
#ifndef WEFT_NODE_NOTICES_H
#define WEFT_NODE_NOTICES_H

#include <stdbool.h>
#include <stdint.h>

#include "node/proposer.h"
#include "proto/client.h"

struct weft_node;

enum {
    WEFT_NOTICES_AGAIN_MS = 1000,      /* Until what was not taken is sent again. */
    WEFT_NOTICES_CLOCK_STEP_MS = 1000, /* Less is no jump: chosen, NTP slews what is less. */
};

struct weft_notices {
    bool is_started; /* The start has been told. */
    bool is_waiting; /* For an answer, of the `sent`. */
    bool is_clock;   /* It tells of the clock. */
    uint32_t sent;   /* Which makes older answers nobody's. */
    uint64_t again_ms;
    /* Wall clock less monotonic clock, ms, as it was last looked at. */
    int64_t offset_ms;
    bool has_offset;
    int64_t step_ms;    /* Jumps that have not been told. */
    int64_t telling_ms; /* Of them, what is being told. */
};

/* Is there something that the log does not have yet? */
bool weft_notices_is_telling(const struct weft_notices *n);
/* Each turn. */
void weft_notices_turn(struct weft_node *node, int64_t wall_ns, uint64_t now_ms);
/* What was sent is answered (node/replies.h). */
void weft_notices_answer(struct weft_node *node, const struct weft_waiter *waiter,
    const struct weft_client_message *message);

#endif
