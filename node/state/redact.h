/* node/state/redact.h: destroys what a redaction names: the field's value in the stored record, its
 * salt, and the seed that the salts of its entry followed from; or an evidence blob.
 *
 * For apply: a pure function of the store and the record, so that every replica is left with the
 * same bytes. The store holds everything of earlier entries (apply sees to it). What is left of a
 * field is the leaf of its statement, so that statement and proofs stay what they were. Where
 * copies live on, and when they go: node/state/README.md, Redaction. */
#ifndef WEFT_NODE_STATE_REDACT_H
#define WEFT_NODE_STATE_REDACT_H

#include "node/state/govern.h"
#include "node/state/names.h"
#include "node/state/store.h"
#include "policy/audit_leaf.h"

struct weft_redact {
    struct weft_store *store;
    struct weft_names *names;
    struct weft_store_batch *batch;
    uint64_t index; /* Of the entry that redacts. */
    int64_t time_ns;
    bool is_busy;             /* The entry has redacted before, or none can be in it (NOD-155). */
    struct weft_arena *arena; /* Of what is told of statements. */
    struct weft_msg *msg;
};

/* A statement of which fields were destroyed; in the arena, as its paths. */
struct weft_redacted_statement {
    const struct weft_redacted_statement *next;
    struct weft_digest digest;
    const struct weft_text *paths;
    uint32_t path_count;
};

/* What was destroyed, as its leaf says it: commitments, ascending. */
struct weft_redacted {
    uint64_t index; /* Of the record; 0: it was evidence. */
    const struct weft_redacted_statement *statements;
    uint32_t count;
    struct weft_digest commitments[WEFT_AUDIT_EVIDENCE_MAX];
};

/* What the commit redacts, if anything; then it is of one record. `asset`: id of the first record's
 * asset; 0: it is not known. Holds that it makes are looked at too. On a refusal nothing is in the
 * batch: WEFT_EBUSY (another one of this entry came first: this one would not see what it left),
 * WEFT_EINVAL, WEFT_ENOTFOUND, WEFT_ESTATE (it is redacted already), WEFT_EREFUSED (a hold lasts,
 * or its kind is never redacted), WEFT_ETOOBIG. Errors are those of the apply. */
WEFT_MUST_USE enum weft_err weft_redact_run(const struct weft_redact *redact,
    const struct weft_commit *commit, uint64_t asset, struct weft_redacted *ret_redacted,
    struct weft_refusal *ret_refusal);

/* Something was destroyed at that index. */
void weft_redact_note(struct weft_store_batch *batch, uint64_t index);
/* Index of the last redaction in the store; 0: there was none. */
WEFT_MUST_USE enum weft_err weft_redact_last(
    struct weft_store *store, uint64_t *ret_index, struct weft_msg *msg);

#endif
