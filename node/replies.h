/* node/replies.h: an answer finds the door that its request came through.
 *
 * Whoever answers a request (turn, reads, membership, checkpoints) knows its waiter and not its
 * door. Here the two meet, and here is counted what the node has answered: how long commits and
 * reads took, and what was refused for which reason. The loop's. */
#ifndef WEFT_NODE_REPLIES_H
#define WEFT_NODE_REPLIES_H

#include <stdbool.h>
#include <stdint.h>

#include "node/latency.h"
#include "node/proposer.h"
#include "proto/client.h"

struct weft_node;

struct weft_replies {
    struct weft_latency commit; /* From the request's arrival to the answer's departure. */
    struct weft_latency read;
    uint64_t refused[WEFT_ERRS]; /* Errors answered, by code. */
};

/* Each request gets exactly one of these (NOD-8). */
void weft_reply(struct weft_node *node, const struct weft_waiter *waiter,
    const struct weft_client_message *message);
/* The same for a message that is encoded already. */
void weft_reply_bytes(
    struct weft_node *node, const struct weft_waiter *waiter, struct weft_bytes message);
/* The same, and may take the buffer's memory and leave it empty. */
void weft_reply_give(
    struct weft_node *node, const struct weft_waiter *waiter, struct weft_buffer *message);
/* The same for a trace of this index that is JSON already; of the HTTP door's waiters alone. */
void weft_reply_give_json(struct weft_node *node, const struct weft_waiter *waiter, uint64_t index,
    struct weft_buffer *json);
/* A request of the principal, by URI, was refused: how long he is not listened to, in ms; 0: go on.
 * For the doors. */
uint64_t weft_reply_pace(struct weft_node *node, const char *principal);
/* Is somebody still there to take the answer? */
bool weft_reply_is_awaited(struct weft_node *node, const struct weft_waiter *waiter);
void weft_reply_refuse(struct weft_node *node, const struct weft_waiter *waiter, enum weft_err err,
    const char *detail);
/* It was not taken, and will not be. With the leader's client address, where it is known. */
void weft_reply_not_leader(struct weft_node *node, const struct weft_waiter *waiter);
/* The newest checkpoint of the audit log that a majority has signed; WEFT_ENOTFOUND: none yet. */
void weft_reply_audit_note(struct weft_node *node, const struct weft_waiter *waiter);

#endif
