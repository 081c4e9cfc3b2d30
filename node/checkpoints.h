/* node/checkpoints.h: drives checkpoints: when to take one, to whom it is served, how it is got.
 *
 * Taking runs on the keeper's worker while writes go on and ends in the log being trimmed. A
 * follower that is behind the log is offered the newest one by reference and fetches its files
 * over the bulk link; only when all of them are here and verified does Raft learn of it, and
 * the state directory is swapped (node/checkpoint/README.md). The loop's. */
#ifndef WEFT_NODE_CHECKPOINTS_H
#define WEFT_NODE_CHECKPOINTS_H

#include <stdbool.h>
#include <stdint.h>

#include "node/link/link.h"
#include "node/proposer.h"
#include "proto/client.h"
#include "proto/peer.h"
#include "raft/replica.h"

struct weft_node;
struct weft_keeper;
struct weft_checkpoint_work; /* Private: keeper, fetch, offer. */

struct weft_checkpoints {
    struct weft_node *node;
    struct weft_checkpoint_work *work;
    uint64_t newest_index;  /* Of the newest one kept; 0: none. */
    int64_t newest_time_ns; /* Of the last entry in it. */
    uint64_t taken;
    uint64_t fetched;
    uint64_t installed;
};

WEFT_MUST_USE enum weft_err weft_checkpoints_open(
    struct weft_checkpoints *c, struct weft_node *node, struct weft_msg *msg);
/* Cancels what runs; on_closed when the last thread of it has ended. */
void weft_checkpoints_close(struct weft_checkpoints *c, void (*on_closed)(void *ctx), void *ctx);

/* Each turn: take one when the log has grown past its budget, finish what workers have done. */
void weft_checkpoints_turn(struct weft_checkpoints *c, uint64_t now_ms);
uint64_t weft_checkpoints_deadline(const struct weft_checkpoints *c);

/* For the replica's io: newest manifest, an offer from a leader, the swap of the state. */
WEFT_MUST_USE enum weft_err weft_checkpoints_manifest(
    struct weft_checkpoints *c, struct weft_bytes *ret_manifest);
void weft_checkpoints_offer(
    struct weft_checkpoints *c, uint64_t from, const struct weft_install_snapshot *offer);
WEFT_MUST_USE enum weft_err weft_checkpoints_install(
    struct weft_checkpoints *c, const struct weft_install_snapshot *offer, struct weft_msg *msg);

/* For the rebuild at start. */
struct weft_keeper *weft_checkpoints_keeper(struct weft_checkpoints *c);

/* For the doors. */
void weft_checkpoints_on_fetch(
    struct weft_checkpoints *c, struct weft_link_conn *conn, const struct weft_fetch *fetch);
void weft_checkpoints_on_chunk(struct weft_checkpoints *c, const struct weft_chunk *chunk);
void weft_checkpoints_on_bulk(struct weft_checkpoints *c, bool is_up);
void weft_checkpoints_request(struct weft_checkpoints *c,
    const struct weft_checkpoint_request *request, const struct weft_waiter *waiter);
void weft_checkpoints_file(
    struct weft_checkpoints *c, const struct weft_fetch *fetch, const struct weft_waiter *waiter);

#endif
