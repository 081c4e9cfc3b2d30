/* node/partner_set.h: do this site and a partner have filed the same under an agreement, and if
 * not, what?
 *
 * Hellos tell the shared digest with the place in both streams that it belongs to. Where both stand
 * at the same place with another digest, the sets of statements that are filed are compared, off
 * the loop (federation/reconcile.h); what this site lacks it wants of the partner, and files it by
 * an entry that is judged in apply as any other (ACT_FILE). What is left is told by name. Rules and
 * bounds: node/README.md, "Sets". The loop's; private to node/partner*.c but for the last part. */
#ifndef WEFT_NODE_PARTNER_SET_H
#define WEFT_NODE_PARTNER_SET_H

#include "node/partner_parts.h"

enum {
    WEFT_PARTNER_SET_LACKING_MAX = 1024, /* Statements that one comparison mends; chosen. */
    WEFT_PARTNER_SET_NAMED_MAX = 16,     /* Of those that it cannot, told by name; chosen. */
    WEFT_PARTNER_SET_TURNS_MAX = 64,     /* That come in one; specified: depth, twice. */
    WEFT_PARTNER_SET_BYTES_MAX = 4 * 1024 * 1024, /* Of them; chosen: 4,000 differences. */
    WEFT_PARTNER_SET_WAIT_MS = 30000, /* Without a word of the partner it is over, ... */
    WEFT_PARTNER_SET_LONG_MS =
        120000, /* ...and so long after it began, whatever he says; chosen. */
    /* Between two that one side begins, and so many times as long as the last one took: whoever
     * tells digests that are none costs a fiftieth of a processor. Chosen. */
    WEFT_PARTNER_SET_AGAIN_MS = 10000,
    WEFT_PARTNER_SET_REST = 50,
    WEFT_PARTNER_SET_MOVED_MS = 1000,   /* Until an audit looks again whether the streams rest. */
    WEFT_PARTNER_SET_ASKED_MS = 180000, /* An audit that is not done by then is given up. */
};

/* Into a hello that is about to be said: the shared digest, if it can be compared. */
void weft_partner_set_say(
    const struct weft_partners *p, const struct weft_agreement *a, struct weft_stream_hello *hello);
/* The partner's hello, about the stream that is sent. */
void weft_partner_set_greeted(struct weft_partners *p, struct weft_partner_exchange *x,
    const struct weft_agreement *a, const struct weft_stream_hello *hello);
/* STREAM_SET. False: it is another message. */
bool weft_partner_set_hear(struct weft_partners *p, struct weft_partner_exchange *x,
    const struct weft_agreement *a, void *conn, const struct weft_partner_message *m);
void weft_partner_set_turn(
    struct weft_partners *p, struct weft_partner_exchange *x, const struct weft_agreement *a);
/* A connection went: a comparison on it is over in the next turn, and nothing is given on it. */
void weft_partner_set_down(
    struct weft_partners *p, struct weft_partner_exchange *x, const void *conn);
/* A FILE is applied, or not. */
void weft_partner_set_done(struct weft_partners *p, struct weft_partner_exchange *x,
    const struct weft_agreement *a, enum weft_err err);
void weft_partner_set_reset(struct weft_partners *p, struct weft_partner_exchange *x);

#endif
