/* node/partner_ask.h: questions and answers among what a partner says. Private to partners.c. */
#ifndef WEFT_NODE_PARTNER_ASK_H
#define WEFT_NODE_PARTNER_ASK_H

#include "node/partner_parts.h"

/* A question or an answer; false: it is neither. */
bool weft_partner_ask_hear(struct weft_partners *p, const struct weft_agreement *a, void *conn,
    const struct weft_partner_message *m);

#endif
