/* node/partner_receipt.h: what is said back of what came: credit, receipts, refusals.
 *
 * Private to partner_in.c, whose state it is kept in (partner_parts.h). */
#ifndef WEFT_NODE_PARTNER_RECEIPT_H
#define WEFT_NODE_PARTNER_RECEIPT_H

#include "node/partner_parts.h"

/* The partner's side of the agreement, as what he states is judged; NULL: none counts yet. */
const struct weft_contract_side *weft_partner_in_side(const struct weft_agreement *a);
/* What is said of a stream, and counted. */
WEFT_MUST_USE enum weft_err weft_partner_in_say(
    struct weft_partners *p, struct weft_partner_in *in, const struct weft_partner_message *m);
/* Statements that may come now by the agreement's rate. */
uint64_t weft_partner_in_room(const struct weft_partners *p, struct weft_partner_in *in,
    const struct weft_contract_side *side);

/* A hello was said: the last receipt may be lost. */
void weft_partner_receipt_greeted(
    struct weft_partners *p, struct weft_partner_in *in, const struct weft_agreement *a);
/* The partner's hello says for how many leaves he has one. */
void weft_partner_receipt_told(struct weft_partners *p, struct weft_partner_in *in,
    const struct weft_agreement *a, uint64_t leaves);
/* What is due of receipts, refusals and credit goes out. */
void weft_partner_receipt_turn(
    struct weft_partners *p, struct weft_partner_in *in, const struct weft_agreement *a);
/* Of an entry that is done: *done says from where to where statements are to be refused. */
void weft_partner_receipt_refused(
    struct weft_partners *p, const struct weft_agreement *a, struct weft_partner_entry *done);

#endif
