/* node/state/offers.h: agreements and amendments that wait for the other side's signatures, and
 * those that came by a link.
 *
 * An offer is a note that the roots of one side have signed. Whoever brings it, a record or a
 * partner's message, it is judged by the same function (agreements.h), and changes nothing but
 * itself. One thread, apply's. Rules: README.md, "Offers". */
#ifndef WEFT_NODE_STATE_OFFERS_H
#define WEFT_NODE_STATE_OFFERS_H

#include "node/state/streams.h"
#include "proto/partner.h"

enum {
    /* Of a partner, of agreements that were never in force: such as he may have waiting here, and
     * all that are kept, with those that came to nothing. Chosen: more than people read, and with
     * 64 KiB each nothing that a state notices. */
    WEFT_OFFERS_STANDING_MAX = 8,
    WEFT_OFFERS_MAX = 16,
    WEFT_OFFERS_REASON_SIZE_MAX = 200, /* Bytes; what is over it is cut off. */
};

struct weft_accord;
struct weft_accord_row;
struct weft_agreements_place;
struct weft_refusal; /* node/state/govern.h */
struct weft_store_batch;

/* --- for the loop ----------------------------------------------------------------------------- */

/* "<org>/<site>": this one. */
struct weft_text weft_offers_site(const struct weft_streams *streams);

/* What is to become of a note that the site `stream.provider` brings (STREAM_OFFER). */
struct weft_offer_verdict {
    enum weft_stream_fault fault; /* SOUND: an item for the log; else `reason` says why. */
    bool is_known;                /* It waits here or is in force: there is nothing to do. */
    struct weft_digest digest;    /* Of its text; zeros if it is no note. */
    struct weft_msg reason;
};

/* Cheap: digest and is_known alone. */
struct weft_offer_verdict weft_offers_look(
    const struct weft_streams *streams, const struct weft_partner_message *m);
/* All of it, with signatures: about 60 us each. WEFT_ENOMEM, WEFT_ECORRUPT, WEFT_EIO: nothing is
 * decided. */
WEFT_MUST_USE enum weft_err weft_offers_judge(struct weft_state *state,
    const struct weft_partner_message *m, int64_t now_ns, struct weft_offer_verdict *ret_verdict);
/* Does that notice, of the site `stream.provider`, end an offer that stands here? */
bool weft_offers_is_ended_by(
    const struct weft_streams *streams, const struct weft_partner_message *m);

/* --- for apply -------------------------------------------------------------------------------- */

/* What an item did: for the audit log. */
struct weft_offers_deed {
    const char *act; /* "partner.offered", ... */
    struct weft_text agreement;
    uint64_t version;
    struct weft_digest digest;
};

bool weft_offers_is_act(enum weft_stream_act act);
/* OFFER and OFFER_END of a message that was decoded. WEFT_OK and ret_refusal->err: it is not taken.
 * WEFT_ENOMEM, WEFT_ECORRUPT, WEFT_EIO: the apply has failed. */
WEFT_MUST_USE enum weft_err weft_offers_take(struct weft_streams *streams,
    const struct weft_stream_entry *entry, const struct weft_partner_message *message,
    const struct weft_agreements_place *place, struct weft_store_batch *batch,
    struct weft_offers_deed *ret_deed, struct weft_refusal *ret_refusal, struct weft_msg *msg);

/* For agreements.c. Where what was checked last, of a name that is new, is to stand.
 * WEFT_ETOOBIG: nowhere. */
WEFT_MUST_USE enum weft_err weft_offers_find_place(
    struct weft_streams *streams, int64_t time_ns, struct weft_msg *detail);
/* An own one of that digest was withdrawn, and could be signed yet. */
bool weft_offers_was_taken_back(
    const struct weft_accord_row *row, const struct weft_digest *digest);
/* What was checked last is the offer from now on; what became of it, at that time. WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_offers_keep(struct weft_streams *streams,
    struct weft_accord *accord, const struct weft_agreements_place *place, struct weft_msg *msg);
WEFT_MUST_USE enum weft_err weft_offers_end(struct weft_streams *streams,
    struct weft_accord *accord, enum weft_offer_end end, struct weft_text reason, int64_t time_ns,
    struct weft_msg *msg);

#endif
