/* node/api/native.h: the client door: requests of weft, MES adapters and joining nodes over a link.
 *
 * Decodes and bounds each request, gives it to the part that answers it, and finds the way back
 * for the answer: a waiter names a place in the client table and the generation it had, so an
 * answer to a client that is gone falls to the ground. A client that sends more than it
 * collects is paused, then dropped. The loop's. */
#ifndef WEFT_NODE_API_NATIVE_H
#define WEFT_NODE_API_NATIVE_H

#include "node/link/link.h"
#include "node/proposer.h"
#include "node/warrants.h"
#include "proto/client.h"

struct weft_node;
struct weft_native;

/* Opens the door of node->config. */
WEFT_MUST_USE enum weft_err weft_native_open(
    struct weft_node *node, struct weft_native **ret_native, struct weft_msg *msg);
void weft_native_close(struct weft_native *n, void (*on_closed)(void *ctx), void *ctx);
struct weft_link *weft_native_link(struct weft_native *n);

/* For node/replies.c: encode and send the answer; each request gets exactly one. */
void weft_native_answer(struct weft_native *n, const struct weft_waiter *waiter,
    const struct weft_client_message *message);
/* The same for a message that is encoded already. */
void weft_native_answer_bytes(
    struct weft_native *n, const struct weft_waiter *waiter, struct weft_bytes message);

/* The same, and may take the buffer's memory and leave it empty. */
void weft_native_give(
    struct weft_native *n, const struct weft_waiter *waiter, struct weft_buffer *message);
/* Is the connection there that the request came by? */
bool weft_native_is_awaited(struct weft_native *n, const struct weft_waiter *waiter);

/* For node/node.c: what became of the note that came with a request, and whoever has brought too
 * many that did not count is listened to again. */
void weft_native_verdict(struct weft_native *n, const struct weft_warrants_verdict *verdict);
void weft_native_calm(struct weft_native *n, const struct weft_waiter *waiter);

/* For node/replies.c: its request was refused, and the answer follows. */
void weft_native_refused(struct weft_native *n, const struct weft_waiter *waiter);
/* For node/turn.c: whoever was refused too often and has waited is read from again; when the next
 * one is, UINT64_MAX: none waits. */
void weft_native_turn(struct weft_native *n, uint64_t now_ms);
uint64_t weft_native_deadline(const struct weft_native *n);

uint64_t weft_native_requests(const struct weft_native *n);
uint32_t weft_native_clients(const struct weft_native *n);

#endif
