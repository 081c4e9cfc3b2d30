/* node/bundles.h: gateways that wait for the proof of an intent.
 *
 * A bundle needs a checkpoint that covers its leaf and that a majority of the nodes has signed
 * (node/state/query_command.c). Whoever asks for one with `wait_ms` before there is, is answered
 * when there is, or when its time is up; else he would have to ask again and again, and a machine
 * would move so much later. The loop's. */
#ifndef WEFT_NODE_BUNDLES_H
#define WEFT_NODE_BUNDLES_H

#include <sys/queue.h>

#include "node/proposer.h"
#include "proto/client.h"

struct weft_node;

enum {
    WEFT_BUNDLES_MAX = 4096,         /* Waiting; beyond it answers are at once. Chosen: 4 MiB. */
    WEFT_BUNDLES_WAIT_MS_MAX = 5000, /* A leaf is good for so long. */
};

struct weft_bundles {
    TAILQ_HEAD(weft_bundle_waits, weft_bundle_wait) waits; /* As they came. */
    uint32_t count;
};

void weft_bundles_init(struct weft_bundles *bundles);
/* Is it one that waits? Then it is answered later (NOD-8). False: it is to be answered now. */
bool weft_bundles_hold(struct weft_node *node, const struct weft_query *query,
    const struct weft_waiter *waiter, uint64_t now_ms);
/* Asks for those that waited for what is signed now, or whose time is up. */
void weft_bundles_turn(struct weft_node *node, uint64_t now_ms);
/* Monotonic ms at which turn must run again at the latest; UINT64_MAX: never. */
uint64_t weft_bundles_deadline(const struct weft_bundles *bundles);
/* Refuses all: the node stops. */
void weft_bundles_close(struct weft_node *node);

/* A question about commands, with the checkpoint that this node holds; what does not work out is
 * answered. */
void weft_bundles_ask(struct weft_node *node, const struct weft_query *query,
    const struct weft_waiter *waiter, uint64_t now_ms);

#endif
