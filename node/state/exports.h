/* node/state/exports.h: what is sent under agreements: each record that is accepted, and each
 * stream that it belongs to, in one write batch.
 *
 * A stream that keeps up is appended to as records are accepted. One that does not (a new
 * agreement, a wider scope, behind a suspension, a fence) is brought there by steps, each a bounded
 * piece of what there is, until it keeps up again; nothing is appended twice (NOD-195). One thread,
 * apply's. */
#ifndef WEFT_NODE_STATE_EXPORTS_H
#define WEFT_NODE_STATE_EXPORTS_H

#include "node/state/epochs.h"
#include "node/state/govern.h"
#include "node/state/models.h"
#include "node/state/streams_parts.h"

enum {
    WEFT_EXPORTS_STEP_RECORDS = 2048,     /* looked at in one step; chosen: 20 ms */
    WEFT_EXPORTS_STEP_BYTES = 512 * 1024, /* of projections appended in one */
    WEFT_EXPORTS_STEP_ASSETS = 256,       /* of those owed, in one */
    WEFT_EXPORTS_KEPT_MAX = 64,           /* refusals of an agreement; evidence is behind them */
    WEFT_EXPORTS_NAMES_MAX = 16,          /* by which a partner is shipped to */
};

/* Where an act stands, and what it is judged by. */
struct weft_exports_place {
    struct weft_authority *authority; /* In force at the index. */
    uint64_t index;
    int64_t time_ns;
    struct weft_store_batch *batch;
};

/* An accepted record, staged. */
struct weft_exports_record {
    const struct weft_record *record; /* Author and at filled in. */
    struct weft_statement_place place;
    struct weft_digest digest;              /* Of its statement. */
    const struct weft_statement *statement; /* NULL: it is to be made again. */
    uint64_t asset;
};

/* Append a leaf of what is sent. The stream admits it. WEFT_ENOMEM, WEFT_ETOOBIG: the apply has
 * failed. */
WEFT_MUST_USE enum weft_err weft_exports_leaf(struct weft_streams *streams,
    struct weft_accord *accord, const struct weft_stream_leaf *leaf, struct weft_bytes content,
    const struct weft_exports_place *place, struct weft_msg *msg);
/* The same of a statement that the stream has already: it is told again. */
WEFT_MUST_USE enum weft_err weft_exports_again(struct weft_streams *streams,
    struct weft_accord *accord, const struct weft_digest *statement, struct weft_bytes content,
    const struct weft_exports_place *place, struct weft_msg *msg);
/* Versions that both have signed and the stream has not yet said, if it may now. */
WEFT_MUST_USE enum weft_err weft_exports_contracts(struct weft_streams *streams,
    struct weft_accord *accord, const struct weft_exports_place *place, struct weft_msg *msg);
/* Into each stream that keeps up and that it belongs to. Cheap if there is none. */
WEFT_MUST_USE enum weft_err weft_exports_record(struct weft_streams *streams,
    const struct weft_exports_record *record, const struct weft_exports_place *place,
    struct weft_msg *msg);

/* exports.c, for exports_step.c: facts about an asset (known false: in no scope); the record, if it
 * is in scope; an asset may have come into it; what the record's links brought there. */
WEFT_MUST_USE enum weft_err weft_exports_facts(struct weft_streams *streams,
    const struct weft_accord *accord, uint64_t asset, struct weft_text name,
    struct weft_contract_facts *ret_facts, bool *ret_known, struct weft_msg *msg);
WEFT_MUST_USE enum weft_err weft_exports_consider(struct weft_streams *streams,
    struct weft_accord *accord, const struct weft_exports_record *record,
    const struct weft_contract_facts *facts, const struct weft_exports_place *place,
    struct weft_msg *msg);
void weft_exports_owe(struct weft_streams *streams, struct weft_accord *accord, uint64_t asset,
    const struct weft_exports_place *place);
WEFT_MUST_USE enum weft_err weft_exports_moved(struct weft_streams *streams,
    struct weft_accord *accord, const struct weft_exports_record *record, bool is_first,
    const struct weft_exports_place *place, struct weft_msg *msg);

/* What statements are made again with, by steps. */
struct weft_exports_source {
    struct weft_models *models;
    const struct weft_epochs *epochs;
};
/* A bounded piece of what is owed. The store has everything below place->index. */
WEFT_MUST_USE enum weft_err weft_exports_step(struct weft_streams *streams,
    struct weft_accord *accord, const struct weft_exports_source *source,
    const struct weft_exports_place *place, struct weft_refusal *ret_refusal, struct weft_msg *msg);

/* An item about what is sent: RECEIPT, SURE, FENCE, RECOVER, REFUSAL, SIGN, REWIND. `message` is of
 * the acts that have one. *ret_refusal: why nothing changed. */
WEFT_MUST_USE enum weft_err weft_exports_take(struct weft_streams *streams,
    struct weft_accord *accord, const struct weft_stream_entry *entry,
    const struct weft_partner_message *message, const struct weft_exports_place *place,
    struct weft_refusal *ret_refusal, struct weft_msg *msg);

/* What the policy is asked of a partner's organization under an agreement: `share`, of that kind
 * and asset; the caller may ask for another action. In place: it points into itself. */
struct weft_exports_asked {
    const struct weft_policy *policy;
    struct weft_principal partner;
    struct weft_policy_subject subject;
    struct weft_policy_agreement agreement;
    struct weft_text labels[WEFT_LABELS_MAX];
    struct weft_policy_request request;
};
/* Under that version. False: there is no policy. Borrows `kind` and `asset`. */
bool weft_exports_ask(const struct weft_streams *streams, const struct weft_accord *accord,
    enum weft_accord_version which, struct weft_text kind, struct weft_text asset,
    const struct weft_exports_place *place, struct weft_exports_asked *ret_asked);
/* May the partner have records of that kind about the asset, by this site's own policy? */
bool weft_exports_is_shared(const struct weft_streams *streams, const struct weft_accord *accord,
    struct weft_text kind, struct weft_text asset, const struct weft_exports_place *place);

/* exports_again.c: statements that are told again. Fields of one are redacted: whatever streams
 * hold of their values and salts goes, and partners are told (NOD-198). Once for a statement; the
 * store has its leaves. */
WEFT_MUST_USE enum weft_err weft_exports_erase(struct weft_streams *streams,
    const struct weft_digest *statement, const struct weft_text *paths, uint32_t path_count,
    const struct weft_exports_place *place, struct weft_msg *msg);
/* Is the statement at that sequence of what is sent, and is the field committed there, not shown?
 * May it be shown? WEFT_ENOTFOUND, WEFT_ESTATE, WEFT_EREFUSED: `msg` says why not; WEFT_ECORRUPT,
 * WEFT_EIO, WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_exports_may_disclose(struct weft_streams *streams,
    struct weft_accord *accord, uint64_t sequence, struct weft_text path,
    const struct weft_exports_place *place, struct weft_msg *msg);
/* It is to be shown, by a step. */
WEFT_MUST_USE enum weft_err weft_exports_disclose(struct weft_streams *streams,
    struct weft_accord *accord, uint64_t sequence, struct weft_text path,
    const struct weft_exports_place *place, struct weft_msg *msg);

/* Leaves from `size` on go, all of which the store has: what they told again is owed once more. */
WEFT_MUST_USE enum weft_err weft_exports_owe_again(struct weft_streams *streams,
    struct weft_accord *accord, uint64_t size, const struct weft_exports_place *place,
    struct weft_msg *msg);

/* Refuse an item: the fault's name is in `why` already; the err is its class. */
void weft_streams_refuse(
    struct weft_refusal *refusal, enum weft_stream_fault fault, const struct weft_msg *why);
/* FED-26: does it prove that those keys have signed two stories, and does it rest on no lost head?
 * *ret_refusal says why not. WEFT_ENOMEM. Then it is kept as the newest of that direction. */
WEFT_MUST_USE enum weft_err weft_exports_evidence(struct weft_accord *accord,
    enum weft_direction direction, struct weft_text text, const struct weft_exports_place *place,
    struct weft_refusal *ret_refusal);

#endif
