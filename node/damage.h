/* node/damage.h: a read has met damage in the state's files: the state is made anew.
 *
 * What is damaged stays so, and whoever asks for it would hear the same again. Who asked is told to
 * ask another node (node/read.h); a moment later the node stops, as when an apply or a digest meets
 * damage, and its next start makes the state anew (node/rebuild.h). */
#ifndef WEFT_NODE_DAMAGE_H
#define WEFT_NODE_DAMAGE_H

#include <stdatomic.h>
#include <stdint.h>

#include "proto/err.h"

struct weft_node;

/* Zero-initialized: none was met. */
struct weft_damage {
    atomic_bool is_met;  /* By the read that was first: its words go into `msg`. */
    atomic_bool is_told; /* They stand there, for the loop. */
    struct weft_msg msg;
    uint64_t stop_ms; /* By the loop's clock; 0: the loop does not know yet. */
};

/* As struct weft_store_damage has it; `node` is a struct weft_node. Any thread. */
void weft_damage_note(void *node, const char *text);

/* In each turn of the loop: ends the process once answers had time to leave. */
void weft_damage_turn(struct weft_node *node, uint64_t now_ms);

#endif
