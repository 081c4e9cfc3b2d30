/* node/forwarder.h: commits that this node has taken and another must propose.
 *
 * The HTTP door takes writes on any node (node/api/http/README.md). What a follower gets goes to
 * the leader's client door as FORWARD, with the principal that this node has verified, and the
 * answer comes back through node/replies.h. One connection, to whoever leads; nothing is sent
 * twice: a lost connection makes the outcome unknown, and the client asks again with the
 * same request id. The loop's. */
#ifndef WEFT_NODE_FORWARDER_H
#define WEFT_NODE_FORWARDER_H

#include "node/proposer.h"
#include "proto/bytes.h"
#include "proto/err.h"

struct weft_node;
struct weft_forwarder;

WEFT_MUST_USE enum weft_err weft_forwarder_open(
    struct weft_node *node, struct weft_forwarder **ret_forwarder, struct weft_msg *msg);
/* Refuses what is under way; on_closed in a later turn. */
void weft_forwarder_close(struct weft_forwarder *f, void (*on_closed)(void *ctx), void *ctx);
/* Certificates are read again. */
WEFT_MUST_USE enum weft_err weft_forwarder_reload(struct weft_forwarder *f, struct weft_msg *msg);

/* Each turn: dial whoever leads now, give up what waited for too long. */
void weft_forwarder_turn(struct weft_forwarder *f, uint64_t now_ms);

/* Hand over a commit; the waiter is answered later, exactly once.
 * WEFT_EUNAVAILABLE: no leader is connected. WEFT_EBUSY: too many are under way. The waiter is the
 * caller's then. */
WEFT_MUST_USE enum weft_err weft_forwarder_commit(
    struct weft_forwarder *f, const struct weft_entry_item *item, const struct weft_waiter *waiter);

#endif
