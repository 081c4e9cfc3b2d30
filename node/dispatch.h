/* node/dispatch.h: the leader's part in commands: it proposes what is due.
 *
 * Nobody's clock decides: a step that is proposed too soon is refused when it is applied, by the
 * entry's own time (policy/command/README.md). What a gateway needs comes to it when it asks; while
 * a machine waits for the proof of its intent, trees are signed sooner (node/audit_sign.h). */
#ifndef WEFT_NODE_DISPATCH_H
#define WEFT_NODE_DISPATCH_H

#include <stdint.h>

struct weft_node;

/* What the leader has looked at. Zero-initialized is ready. */
struct weft_dispatch {
    uint64_t index; /* Of the state. */
    uint64_t term;
    int64_t when_ns; /* Wall clock: when to look again, if nothing is applied before. */
    uint64_t steps;  /* Proposed, for status. */
};

/* Of the leader: propose the steps that are due. now_ns is the wall clock. */
void weft_dispatch_turn(struct weft_node *node, int64_t now_ns);
/* Monotonic ms at which turn must run again at the latest; UINT64_MAX: never. */
uint64_t weft_dispatch_deadline(const struct weft_node *node, int64_t now_ns, uint64_t now_ms);

#endif
