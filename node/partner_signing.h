/* node/partner_signing.h: a text that is being signed by this node and others, for a partner.
 *
 * Private to node/partner*.c; receive_line of partners.h is of this file too. */
#ifndef WEFT_NODE_PARTNER_SIGNING_H
#define WEFT_NODE_PARTNER_SIGNING_H

#include "node/partner_lines.h"
#include "node/partner_sign.h"
#include "node/partners.h"

struct weft_partner_signing {
    bool is_under_way;
    struct weft_partner_asked asked;
    struct weft_partner_lines lines;
    uint64_t next; /* Of a refusal: what it has no room for begins there. */
    uint64_t again_ms;
};

/* Begin to sign; note that it may be complete at once. */
void weft_partners_sign(struct weft_partners *p, const struct weft_agreement *a,
    struct weft_partner_signing *signing, const struct weft_partner_asked *asked);
/* Ask again if it is time; is it complete? */
bool weft_partners_is_signed(struct weft_partners *p, struct weft_partner_signing *signing);

#endif
