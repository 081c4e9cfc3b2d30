/* node/state/imports.h: what is received under agreements: heads, batches, evidence, quarantine.
 *
 * A batch is taken as one: cursor, statements and quarantine in one write (NOD-196). Statements of
 * a partner are kept under agreement and sequence; they are no records of this site, so its own
 * numbers do not move (NOD-197). One thread, apply's. */
#ifndef WEFT_NODE_STATE_IMPORTS_H
#define WEFT_NODE_STATE_IMPORTS_H

#include "node/state/exports.h"

/* An item about what is received: HEAD, BATCH, EVIDENCE. *ret_refusal: why nothing changed.
 * WEFT_ENOMEM, WEFT_ECORRUPT, WEFT_EIO: the apply has failed. */
WEFT_MUST_USE enum weft_err weft_imports_take(struct weft_streams *streams,
    struct weft_accord *accord, const struct weft_stream_entry *entry,
    const struct weft_partner_message *message, const struct weft_exports_place *place,
    struct weft_refusal *ret_refusal, struct weft_msg *msg);

/* imports_again.c: what a batch costs that tells statements again. */
struct weft_imports_again {
    uint64_t at;                /* Of the statement under way: its leaf. */
    bool is_first;              /* It is sound, and counted for nothing before. */
    uint64_t bytes;             /* Of rows that were gone through. */
    uint32_t erased;            /* Statements of which something was erased. */
    struct weft_buffer content; /* Of one row. */
};
enum {
    /* Chosen: what an honest batch tells again is as large as itself, each time that it was told.
     */
    WEFT_IMPORTS_AGAIN_BYTES = 32 * 1024 * 1024,
    WEFT_IMPORTS_AGAIN_ROW = 8 * 1024, /* as much as a row counts at least: 4,096 of them */
};
/* A statement that is about to be taken: does the policy let it, and was it told before? Then *row
 * has where, and as content what both show together; what it erases is erased there. It may get a
 * fault: POLICY, BAD_PROJECTION, HUGE, REPEATED. */
WEFT_MUST_USE enum weft_err weft_imports_again(struct weft_streams *streams,
    struct weft_accord *accord, struct weft_batch_entry *entry,
    const struct weft_exports_place *place, struct weft_imports_again *totals,
    struct weft_flow_leaf *row, struct weft_msg *msg);

/* imports_policy.c. Does it say of some field that it is erased? */
bool weft_imports_erases(const struct weft_projection *projection);
/* Does this site's policy refuse the statement (`is_again`: it was
 * told before)? Then *ret_decision says by what. */
bool weft_imports_refuses(const struct weft_streams *streams, const struct weft_accord *accord,
    const struct weft_projection *projection, bool is_again, const struct weft_exports_place *place,
    struct weft_policy_decision *ret_decision);
/* The same of a statement that is about to be taken, which gets the fault POLICY then. */
WEFT_MUST_USE enum weft_err weft_imports_ask(struct weft_streams *streams,
    struct weft_accord *accord, struct weft_batch_entry *entry, bool is_again,
    const struct weft_exports_place *place, struct weft_msg *msg);
/* It leaves quarantine: was the policy what kept it there, and is it no more, then it counts. */
WEFT_MUST_USE enum weft_err weft_imports_reconsider(struct weft_streams *streams,
    struct weft_accord *accord, uint64_t sequence, const struct weft_exports_place *place,
    struct weft_msg *msg);

/* refile.c: a statement stands in a stream, in whichever direction, and what both sides have filed
 * does not have it: FILE. `message` has one item, which is it: of that statement's leaf, read where
 * its row is lost. *ret_refusal: EREFUSED (the fault by its name), ECONFLICT: it is not what stands
 * there. WEFT_ENOMEM, WEFT_ECORRUPT, WEFT_EIO: the apply has failed. */
WEFT_MUST_USE enum weft_err weft_streams_refile(struct weft_streams *streams,
    struct weft_accord *accord, const struct weft_stream_entry *entry,
    const struct weft_partner_message *message, const struct weft_exports_place *place,
    struct weft_refusal *ret_refusal, struct weft_msg *msg);

/* How many of those sequences, both included, are in quarantine. WEFT_ECORRUPT, WEFT_EIO,
 * WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_imports_quarantined(struct weft_streams *streams,
    const struct weft_accord *accord, uint64_t from, uint64_t until, uint64_t *ret_count,
    struct weft_msg *msg);
/* They leave it; at most so many at once, since each may be taken now. */
enum {
    WEFT_IMPORTS_RELEASE_MAX = 1024 /* chosen: as a batch */
};
WEFT_MUST_USE enum weft_err weft_imports_release(struct weft_streams *streams,
    struct weft_accord *accord, uint64_t from, uint64_t until,
    const struct weft_exports_place *place, struct weft_msg *msg);
/* The bound of its quarantine, as the version in force says. */
uint32_t weft_imports_room(const struct weft_accord *accord);

#endif
