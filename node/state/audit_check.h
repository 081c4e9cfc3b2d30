/* node/state/audit_check.h: the audit log, made again from its leaves and held against the records.
 *
 * Fed by the offline check (check.c) in the order of the keys: all leaves, then all records. */
#ifndef WEFT_NODE_STATE_AUDIT_CHECK_H
#define WEFT_NODE_STATE_AUDIT_CHECK_H

#include "node/state/store.h"
#include "policy/merkle.h"

struct weft_audit_check;

/* WEFT_ECORRUPT: the head is damaged; WEFT_ENOMEM, WEFT_EIO. Borrows the store. */
WEFT_MUST_USE enum weft_err weft_audit_check_create(
    struct weft_store *store, struct weft_audit_check **ret_check, struct weft_msg *msg);
void weft_audit_check_destroy(struct weft_audit_check *check); /* Accepts NULL. */

/* The next key of leaves; tiles that they make go into the batch.
 * WEFT_ECORRUPT: out of order, or not as leaves are. */
WEFT_MUST_USE enum weft_err weft_audit_check_leaves(struct weft_audit_check *check,
    struct weft_bytes key, struct weft_bytes value, struct weft_store_batch *batch,
    struct weft_msg *msg);
/* Number of the leaf that comes next. */
uint64_t weft_audit_check_next(const struct weft_audit_check *check);
/* The next record: its commit has a leaf that says so. WEFT_ECORRUPT. */
WEFT_MUST_USE enum weft_err weft_audit_check_record(struct weft_audit_check *check, uint64_t index,
    const struct weft_digest *statement, struct weft_msg *msg);
/* The term of the entry whose record came last. False: its log does not go back so far. */
bool weft_audit_check_term(
    const struct weft_audit_check *check, uint64_t index, uint64_t *ret_term);
/* A blob is what its commitment says. WEFT_ECORRUPT. */
WEFT_MUST_USE enum weft_err weft_audit_check_evidence(
    struct weft_bytes key, struct weft_bytes value, struct weft_msg *msg);
/* Nothing is left, and the tree is the stored one; `applied`: the position's index.
 * WEFT_ECORRUPT. */
WEFT_MUST_USE enum weft_err weft_audit_check_end(
    struct weft_audit_check *check, uint64_t applied, struct weft_msg *msg);

#endif
