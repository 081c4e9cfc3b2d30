/* node/partner_offer.h: offers of agreements on the link: what waits here is told to the partner
 * whom it concerns, and what he tells of his goes into the log.
 *
 * Private to node/partner*.c. What is said follows from the state, once on each connection, and
 * until it is answered; so a leader that is gone, or a link, loses nothing (node/README.md,
 * "Offers on the link"). */
#ifndef WEFT_NODE_PARTNER_OFFER_H
#define WEFT_NODE_PARTNER_OFFER_H

#include "node/bucket.h"
#include "node/partners.h"
#include "node/state/offers.h"

enum {
    WEFT_PARTNER_OFFER_AGAIN_MS = 5000, /* Until it is said again unanswered; doubling, ... */
    WEFT_PARTNER_OFFER_TRIES = 6,       /* ...so often on one connection. Chosen. */
    WEFT_PARTNER_OFFER_UNHEARD = 2,     /* Then it is said that nobody answers. */
    /* Of one partner are judged: so many at once, and one more each second. Chosen: as refusals.
     * Of those that go into the log and the audit log, for ever: one each minute. People read them.
     */
    WEFT_PARTNER_OFFER_BURST = 32,
    WEFT_PARTNER_OFFER_MS = 1000,
    WEFT_PARTNER_OFFER_ENTRY_MS = 60000,
    WEFT_PARTNER_OFFER_COST = 1024 * 1024, /* As of so many bytes: its signatures, a millisecond. */
};

struct weft_partner_exchange;
struct weft_partner_message;
struct weft_partner_peer;

/* What was said of one note, and on which connection. */
struct weft_partner_said {
    void *conn; /* NULL: nothing. */
    struct weft_digest digest;
    unsigned what;
    uint32_t tries;
    uint64_t again_ms;
    bool is_answered;
};

/* Of one agreement. */
struct weft_partner_offer {
    struct weft_partner_said agreed; /* The newest version, until he states it. */
    struct weft_partner_said offer;  /* What waits, or came to nothing. */
    struct weft_digest answered;     /* Which one: */
    char answer[WEFT_OFFERS_REASON_SIZE_MAX + 64];
};

/* How much each partner said of offers; whoever he is connected by. */
struct weft_partner_guest {
    char site[WEFT_STREAM_NAME_SIZE_MAX + 1];
    struct weft_bucket judged, entries;
};
struct weft_partner_guests {
    struct weft_partner_guest *all;
    uint32_t count;
};

void weft_partner_offer_turn(struct weft_partners *p, struct weft_partner_exchange *x);
/* False: the message is of a stream. `bytes` is all of it. */
bool weft_partner_offer_hear(struct weft_partners *p, const struct weft_partner_peer *peer,
    const struct weft_partner_message *m, struct weft_bytes bytes);
/* The connection is gone. */
void weft_partner_offer_down(struct weft_partner_exchange *x, const void *conn);
void weft_partner_guests_destroy(struct weft_partner_guests *guests);

#endif
