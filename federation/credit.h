/* federation/credit.h: how much of a stream may be sent before its consumer has said more.
 *
 * Both sides keep one: the provider to stay within it, the consumer to know a flood. Grants are
 * totals since the hello, so that one that is lost, late or repeated changes nothing. */
#ifndef WEFT_FEDERATION_CREDIT_H
#define WEFT_FEDERATION_CREDIT_H

#include "federation/contract.h"
#include "federation/fault.h"
#include "proto/partner.h"

/* Embed by value; open initializes it. */
struct weft_credit {
    uint64_t next;             /* Sequence of the next leaf. */
    uint64_t statements_until; /* Leaves below this may be sent. */
    uint64_t bytes;            /* Of items, since the hello. */
    uint64_t bytes_until;
};

/* A hello: from its `next` on. */
void weft_credit_open(struct weft_credit *credit, const struct weft_stream_hello *hello);
/* FED-27: a grant never takes back. */
void weft_credit_grant(struct weft_credit *credit, uint64_t statements_until, uint64_t bytes_until);
/* What may be sent now: leaves and bytes, each 0 if there is none. One leaf may be larger than the
 * bytes that are left: it is sent when nothing else is under way, or it would never be. */
uint64_t weft_credit_leaves(const struct weft_credit *credit);
uint64_t weft_credit_bytes(const struct weft_credit *credit);
/* A batch was sent, or came. FLOOD: it is not within the credit, and nothing changed; SEQUENCE: it
 * is not the next one. */
enum weft_stream_fault weft_credit_take(
    struct weft_credit *credit, const struct weft_stream_batch *batch, struct weft_msg *msg);

/* What a consumer grants that has taken `taken` leaves and received `bytes` since the hello, while
 * its queue has room for `room` more: no more than the contract's queue, and bytes for a second. */
void weft_credit_window(const struct weft_contract_side *side, uint64_t taken, uint64_t bytes,
    uint64_t room, uint64_t *ret_statements_until, uint64_t *ret_bytes_until);

#endif
