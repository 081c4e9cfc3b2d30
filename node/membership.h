/* node/membership.h: changes of the group: join, add, promote, demote, remove, hand over.
 *
 * One step at a time, on the leader. A request is answered when the configuration that it
 * asked for is committed; a node that joins asks again until it is a member (the replica
 * promotes a standby that wants a vote once it has caught up). A node whose disk was lost joins
 * with a new member id and takes the place of the old member of its name: the old one's votes and
 * acknowledgements must not be repeated by an empty disk (NOD-6). The loop's. */
#ifndef WEFT_NODE_MEMBERSHIP_H
#define WEFT_NODE_MEMBERSHIP_H

#include <stdbool.h>
#include <stdint.h>

#include "node/link/link.h"
#include "node/proposer.h"
#include "proto/client.h"

struct weft_node;

struct weft_membership {
    struct weft_node *node;
    bool is_pending; /* A request waits for its configuration, or for the hand-over. */
    bool is_transfer;
    struct weft_waiter waiter;
    uint64_t index; /* Of the configuration entry. */
    uint64_t deadline_ms;
};

void weft_membership_init(struct weft_membership *m, struct weft_node *node);
/* Answers now or later, exactly once. */
void weft_membership_request(struct weft_membership *m, const struct weft_member_request *request,
    const struct weft_identity *identity, const struct weft_waiter *waiter, uint64_t now_ms);
/* Each turn: answer what is committed or lost. */
void weft_membership_turn(struct weft_membership *m, uint64_t now_ms);
uint64_t weft_membership_deadline(const struct weft_membership *m);

/* The members as a list in the arena; NULL without memory. */
struct weft_member *weft_membership_list(
    struct weft_node *node, struct weft_arena *arena, uint32_t *ret_count);

#endif
