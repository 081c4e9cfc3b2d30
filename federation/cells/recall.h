/* federation/cells/recall.h: a recall goes from company to company by itself.
 *
 * A Recall names lots and units. Each organization that gets it, or an Impact of it, asks its own
 * where-used index what is affected and what of that it delivered, and states an Impact to each
 * customer; so it works with tiers offline and without a coordinator. What was told is not told
 * again, which also ends cycles. Acknowledgements roll up as counts. Rules: README.md, "Recalls".
 */
#ifndef WEFT_FEDERATION_CELLS_RECALL_H
#define WEFT_FEDERATION_CELLS_RECALL_H

#include "federation/cells/act.h"

enum {
    WEFT_RECALL_CUSTOMERS_MAX = 1024, /* that one recall reaches from one site; chosen */
    /* Subjects of one Impact; more go into further ones. Specified: as names of an act. */
    WEFT_RECALL_SUBJECTS_MAX = WEFT_CELL_NAMES_MAX,
};

/* What was delivered and has something recalled inside. */
struct weft_recall_delivery {
    struct weft_text customer; /* "<org>": whose contract's stream it goes into. Borrowed. */
    struct weft_digest subject;
};

/* One Impact to state. Borrows the customer's text. */
struct weft_recall_impact {
    struct weft_text customer;
    struct weft_impact impact; /* Its digests are in the arena. */
};

/* Was the customer told of it already, for this recall? By an Impact in its stream. */
typedef bool weft_recall_was_told(void *ctx, const struct weft_digest *recall,
    struct weft_text customer, const struct weft_digest *subject);

/* The Impacts that are due: `deliveries` is what the where-used index says, in any order, perhaps
 * several times. By customer's name, then subjects ascending; the same deliveries give the same
 * impacts, and none once all was told. WEFT_ETOOBIG: too many customers; WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_recall_reach(const struct weft_digest *recall,
    const struct weft_recall_delivery *deliveries, uint32_t count, weft_recall_was_told *was_told,
    void *ctx, struct weft_arena *arena, struct weft_recall_impact **ret_impacts,
    uint32_t *ret_count);

/* What a site of a customer acknowledged. */
struct weft_recall_reply {
    struct weft_text author; /* "<org>/<site>" */
    struct weft_cell_revision revision;
    struct weft_acknowledgement acknowledgement;
};

/* Own counts, and of each customer that was told the newest reply of each of its sites. A customer
 * without a reply is awaited. Replies of others, and of other recalls, do not count. Counts are
 * foreign numbers: they stop at INT64_MAX. A unit that two paths lead to is counted on each. Tiers
 * of `own` are not looked at: it is the first one. */
void weft_recall_roll_up(const struct weft_acknowledgement *own, const struct weft_text *told,
    uint32_t told_count, const struct weft_recall_reply *replies, uint32_t reply_count,
    struct weft_acknowledgement *ret_sum);

#endif
