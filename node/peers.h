/* node/peers.h: the peer door: who of the site is connected, and messages to and from members.
 *
 * Each node dials each other member and sends on that connection; what it accepts it receives
 * on (and answers on, where it has no connection of its own to the sender yet). Checkpoint
 * pieces travel on a second, bulk connection, so that a heartbeat never waits behind them.
 * A sender is bound to its certificate: a node of our organization and site, whose name is the
 * one that the configuration gives to the member id in its envelope (NOD-5). The loop's. */
#ifndef WEFT_NODE_PEERS_H
#define WEFT_NODE_PEERS_H

#include "node/link/link.h"
#include "proto/peer.h"
#include "raft/replica.h"

struct weft_peers;

struct weft_peers_callbacks {
    void *ctx;
    /* A verified message from member `from`: any kind but FETCH and CHUNK. Not WEFT_OK: drop
     * the connection. */
    enum weft_err (*on_message)(void *ctx, uint64_t from, const struct weft_peer_message *message);
    /* A piece of a checkpoint is asked for. Answer with weft_peers_answer on `conn`. */
    void (*on_fetch)(void *ctx, struct weft_link_conn *conn, const struct weft_fetch *fetch);
    void (*on_chunk)(void *ctx, const struct weft_chunk *chunk);
    void (*on_bulk_up)(void *ctx);
    void (*on_bulk_down)(void *ctx);
};

struct weft_peers_options {
    struct weft_link_options link; /* callbacks are filled in by weft_peers_open. */
    const char *org;
    const char *site;
    uint64_t self_id;
    uint64_t cluster;
    uint64_t incarnation;
    struct weft_peers_callbacks callbacks;
};

WEFT_MUST_USE enum weft_err weft_peers_open(
    const struct weft_peers_options *options, struct weft_peers **ret_peers, struct weft_msg *msg);
void weft_peers_close(struct weft_peers *p, void (*on_closed)(void *ctx), void *ctx);
struct weft_link *weft_peers_link(struct weft_peers *p);

/* Dial the members of `configuration` that are new or moved, hang up on those that are gone. */
void weft_peers_update(struct weft_peers *p, const struct weft_configuration *configuration);
/* Drops silently when there is no connection or its queue is full: Raft sends again. */
void weft_peers_send(struct weft_peers *p, uint64_t to, const struct weft_peer_message *message);
/* The same to every other member; the header is filled in. For what Raft does not send. */
void weft_peers_tell(struct weft_peers *p, const struct weft_peer_message *message);
/* To one of them, likewise. */
void weft_peers_tell_one(
    struct weft_peers *p, uint64_t to, const struct weft_peer_message *message);
bool weft_peers_is_connected(const struct weft_peers *p, uint64_t id);
uint64_t weft_peers_dropped(const struct weft_peers *p); /* Messages that found no room. */

/* The one bulk connection: to the source of the checkpoint being fetched. Opening replaces it. */
WEFT_MUST_USE enum weft_err weft_peers_bulk_open(
    struct weft_peers *p, const char *address, struct weft_msg *msg);
void weft_peers_bulk_close(struct weft_peers *p);
WEFT_MUST_USE enum weft_err weft_peers_bulk_fetch(
    struct weft_peers *p, const struct weft_fetch *fetch);
WEFT_MUST_USE enum weft_err weft_peers_answer(
    struct weft_peers *p, struct weft_link_conn *conn, const struct weft_chunk *chunk);

#endif
