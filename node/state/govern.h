/* node/state/govern.h: what a commit may not do to designs and to retired assets.
 *
 * Asked by apply before a commit is accepted: a pure function of the state, the commit and what
 * the apply under way has accepted before it. Rules NOD-303, NOD-304, NOD-310, NOD-311 of
 * node/state/twin/README.md. Commits without records of the kinds it looks at cost one look at
 * each kind. */
#ifndef WEFT_NODE_STATE_GOVERN_H
#define WEFT_NODE_STATE_GOVERN_H

#include "node/state/names.h"
#include "node/state/stage.h"
#include "node/state/store.h"
#include "proto/record.h"

enum {
    WEFT_GOVERN_STEPS_MAX = 50 * 1000, /* keys and records for one commit; about 50 ms */
};

struct weft_govern;

/* Why a commit is refused. */
struct weft_refusal {
    enum weft_err err; /* WEFT_OK: it is not. */
    uint32_t record;   /* Of the commit; told by the registry of authority alone. */
    char pointer[256]; /* RFC 6901, within the commit. */
    struct weft_msg detail;
};

/* WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_govern_create(
    struct weft_store *store, struct weft_names *names, struct weft_govern **ret_govern);
void weft_govern_destroy(struct weft_govern *govern);

/* `time_ns`: of the commit. Refusals are WEFT_EINVAL (wrong in itself), WEFT_ECONFLICT (with
 * what is there), WEFT_ETOOBIG (not decided within the limits).
 * Errors are those of the apply: WEFT_ECORRUPT, WEFT_EIO, WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_govern_check(struct weft_govern *govern,
    const struct weft_commit *commit, int64_t time_ns, struct weft_refusal *ret_refusal,
    struct weft_msg *msg);
/* A record of an accepted commit was staged. WEFT_ENOMEM, WEFT_ECORRUPT, WEFT_EIO. */
WEFT_MUST_USE enum weft_err weft_govern_note(struct weft_govern *govern,
    const struct weft_stage *stage, const struct weft_record *record, struct weft_msg *msg);
/* The batch is written: the store holds everything. */
void weft_govern_settle(struct weft_govern *govern);

#endif
