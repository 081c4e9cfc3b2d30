/* node/partnership.h: how a node comes to speak with partners: the door, the driver, the records.
 *
 * Opens both by the configuration, tells the door whom operators pinned, and carries between door,
 * driver, log and members. */
#ifndef WEFT_NODE_PARTNERSHIP_H
#define WEFT_NODE_PARTNERSHIP_H

#include "node/partner_door.h"
#include "node/partners.h"

struct weft_node;

/* Of every node: node->partners. Of one with partner.cert: node->partner_door. WEFT_EINVAL,
 * WEFT_EIO, WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_partnership_open(struct weft_node *node, struct weft_msg *msg);
/* How many parts there are, each of which calls on_closed. */
uint32_t weft_partnership_parts(const struct weft_node *node);
void weft_partnership_close(struct weft_node *node, void (*on_closed)(void *ctx), void *ctx);
WEFT_MUST_USE enum weft_err weft_partnership_reload(struct weft_node *node, struct weft_msg *msg);
/* In a turn, behind what was applied. */
void weft_partnership_turn(struct weft_node *node, uint64_t now_ms, int64_t now_ns);
uint64_t weft_partnership_deadline(const struct weft_node *node);

/* What a question for a path of partners (node/state/state.h) lacks, and the leader has: the note
 * of a head or receipt, how it stands with questions and sets; borrowed until the next call. One
 * for partner/<name>/audit begins a comparison, if its principal may share the agreement, and the
 * note says what became of that. WEFT_ENOTLEADER: it is asked of another. WEFT_OK, and an empty
 * note: there is none yet, or none is wanted. */
WEFT_MUST_USE enum weft_err weft_partnership_note(
    struct weft_node *node, const struct weft_query *query, struct weft_text *ret_note);

/* A message of a partner that somebody brings (CARRY): judged now, proposed for his waiter. As
 * weft_partners_take; WEFT_EREFUSED: he may not share the agreement, too. */
WEFT_MUST_USE enum weft_err weft_partnership_carry(struct weft_node *node,
    struct weft_text principal, const struct weft_carry *carried, const struct weft_waiter *waiter,
    struct weft_msg *msg);

#endif
