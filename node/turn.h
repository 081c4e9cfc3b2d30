/* node/turn.h: one turn of the loop: what a node does with what has arrived.
 *
 * The callbacks of a turn have stepped the replica with each message; the turn then persists,
 * proposes what waits, applies what was agreed, answers, and arms the timer (style 19). */
#ifndef WEFT_NODE_TURN_H
#define WEFT_NODE_TURN_H

#include <stdint.h>

struct weft_node;

void weft_turn(struct weft_node *node);
/* Wake up no later than the earliest deadline of any part. */
void weft_turn_arm(struct weft_node *node, uint64_t now_ms);
/* This node no longer leads, or stops: tell whoever waits for an outcome. */
void weft_turn_lose_proposals(struct weft_node *node);

#endif
