/* node/recaller.h: the leader tells recalls on: to partners what was shipped to them and has
 * something recalled inside, and to whoever told of it how far it is.
 *
 * What is due follows from the state alone (node/state/recalls.h); it is worked out on a thread, in
 * a view, and proposed as commits of records whose request ids follow from what they say: proposed
 * again, by this leader or the next, they are the same commits. The loop's. */
#ifndef WEFT_NODE_RECALLER_H
#define WEFT_NODE_RECALLER_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/err.h"

struct weft_node;
struct weft_recaller_job;

enum {
    WEFT_RECALLER_EVERY_MS = 250,  /* between two looks at the least; chosen: below a second */
    WEFT_RECALLER_REST = 50,       /* times as long as the last look took it rests; chosen: 2 % */
    WEFT_RECALLER_WAIT_MS = 60000, /* at the most, while what is proposed is refused */
};

/* Zero-initialized is ready. */
struct weft_recaller {
    struct weft_recaller_job *job; /* Under way; NULL: none. */
    volatile bool cancel;          /* It is to end. */
    bool is_closed;
    uint64_t index; /* Of the state that was looked at last. */
    uint64_t term;
    uint64_t next_ms;     /* Not before. */
    uint8_t proposed[32]; /* Digest of what was proposed last. */
    uint32_t repeats;     /* How often in a row that was the same: it is refused. */
    /* For status. */
    uint64_t recalls;
    uint64_t commits; /* Proposed. */
    void (*on_closed)(void *ctx);
    void *ctx;
};

/* In a turn, behind what was applied. */
void weft_recaller_turn(struct weft_node *node, uint64_t now_ms);
uint64_t weft_recaller_deadline(const struct weft_node *node);
/* No view is open, and none is opened any more until the next turn. */
bool weft_recaller_is_idle(struct weft_node *node);
void weft_recaller_close(struct weft_node *node, void (*on_closed)(void *ctx), void *ctx);

#endif
