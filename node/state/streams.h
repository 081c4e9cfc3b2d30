/* node/state/streams.h: agreements with partners and what flows under them, as the site has agreed
 * on it: what drivers and commands ask, and what they propose.
 *
 * Part of the replicated state. Records make agreements and partners (agreements.h); apply appends
 * to the streams that are sent (exports.h) and takes those that are received (imports.h). What a
 * driver proposes is an item WEFT_ITEM_STREAM (proto/stream_entry.h) in the name of its node; what
 * became of it is in struct weft_applied_item. Rules: node/state/README.md, "Streams". */
#ifndef WEFT_NODE_STATE_STREAMS_H
#define WEFT_NODE_STATE_STREAMS_H

#include "federation/consumer.h"
#include "federation/provider.h"
#include "policy/org.h"
#include "policy/tile.h"
#include "proto/stream_entry.h"

enum {
    WEFT_AGREEMENTS_MAX = 1024, /* chosen: 2 contracts of a few KiB in memory for each */
    WEFT_PARTNERS_MAX = 1024,   /* chosen */
};

struct weft_state;
struct weft_view;
struct weft_streams; /* Of weft_state_streams; the loop's. */

enum weft_direction {
    WEFT_SENT,     /* This site provides. */
    WEFT_RECEIVED, /* The partner does. */
    WEFT_DIRECTIONS
};

/* --- who, and under which terms --------------------------------------------------------------- */

/* What operators pinned of a site: a partner, or this one (whose nodes' keys partners are told). */
struct weft_partner {
    struct weft_text site;            /* "<org>/<site>" */
    const struct weft_org *org;       /* Pinned, or its successor. */
    const struct weft_verifier *keys; /* Heads and receipts are signed by. */
    uint32_t key_count;
    struct weft_text endpoints; /* One to a line. */
    struct weft_text ca;        /* PEM of the root of its partner certificates. */
    uint64_t index;             /* Of the entry that made it so. */
};

/* An immutable, counted snapshot of one agreement, so that whoever judges on another thread keeps
 * his while apply goes on. Borrowed until the next apply unless it is retained. */
struct weft_terms {
    uint32_t number; /* Of the agreement at this site: from 0, in the order of acceptance. */
    uint32_t party;  /* Which of the two is this site. */
    struct weft_text name;
    struct weft_text site;    /* This one. */
    struct weft_text partner; /* The other. */
    /* Versions; NULL: none. Most of the time all are the same one. */
    const struct weft_contract *newest;   /* Both have signed it. */
    const struct weft_contract *sent;     /* In force at the end of the stream that is sent. */
    const struct weft_contract *received; /* At the cursor of the one that is received. */
    const struct weft_contract *next;     /* Accepted here, right behind `received`. */
    const struct weft_digest *withdrawn;  /* Offers of this site that it took back, */
    uint32_t withdrawn_count;             /* ...so many. */
    /* Of the parties, in their order; that of a party whose document is gone has no roots. */
    struct weft_org orgs[WEFT_CONTRACT_PARTIES];
    /* By whose keys, as the newest version in force in that stream has it: heads that are sent;
     * heads that are received; receipts for what is sent. Without keys or version nobody's
     * signature counts. */
    struct weft_stream_signers own_heads;
    struct weft_stream_signers their_heads;
    struct weft_stream_signers their_receipts;
};
/* Any thread. Accept NULL; retain gives what it got. */
const struct weft_terms *weft_terms_retain(const struct weft_terms *terms);
void weft_terms_release(const struct weft_terms *terms);
/* By what a batch that was received is judged at that time. Borrows the terms. */
struct weft_consumer_terms weft_terms_of_consumer(const struct weft_terms *terms, int64_t now_ns);

/* --- what stands, for the loop ---------------------------------------------------------------- */

enum weft_agreement_state {
    WEFT_AGREEMENT_OFFERED, /* One side's signatures; nothing flows. */
    WEFT_AGREEMENT_IN_FORCE,
    WEFT_AGREEMENT_SUSPENDED, /* By an operator of this site: nothing is stated. */
    WEFT_AGREEMENT_ENDED,     /* What is sent ended; what is received may still come. */
    WEFT_AGREEMENT_STATES
};

/* What became of an offer that is no agreement. */
enum weft_offer_end {
    WEFT_OFFER_STANDS,
    WEFT_OFFER_WITHDRAWN, /* By who made it. */
    WEFT_OFFER_DECLINED,  /* By who was to sign it. */
    WEFT_OFFER_ENDS
};

/* The newest; of one that has ended what it was. Kept until there is another, or a version. */
struct weft_offer {
    struct weft_text note;     /* Empty: there is none. */
    struct weft_digest digest; /* Of its text. */
    struct weft_text partner;  /* The other site. */
    bool is_ours;              /* Signed by this site's roots; else by the partner's. */
    int64_t until_ns;          /* It may be accepted. */
    enum weft_offer_end end;
    struct weft_text reason; /* Of the end; one line. */
};

/* Borrowed until the next apply. */
struct weft_agreement {
    uint32_t number;
    struct weft_text name;
    const struct weft_terms *terms; /* NULL: it is offered, and was never in force. */
    enum weft_agreement_state state;
    struct weft_offer offer;
    /* Of terms->newest, as both have signed it, if it was the partner's offer; empty. */
    struct weft_text note;
    const struct weft_provider *provider; /* Of what is sent. */
    const struct weft_consumer *consumer; /* Of what is received. */
    /* Sent: records of entries below this one were looked at; UINT64_MAX: it keeps up. */
    uint64_t looked_index;
    bool owes_assets;       /* Assets came into scope, or statements are to be told again. */
    int64_t receipt_ns;     /* Entry time of the newest receipt, and of the newest batch that was */
    int64_t batch_ns;       /* taken; 0: none. */
    int64_t sent_head_ns;   /* Entry time of the newest head that was to be signed, ... */
    int64_t their_head_ns;  /* ...and of the newest one that came. */
    uint64_t refused_count; /* Statements that the partner refused. */
    uint64_t omitted_count; /* Records in scope that have no projection: too large, or too old. */
    uint32_t evidence_count; /* Proofs that own keys have signed two stories. */
    uint64_t claim_count;    /* Statements taken that are claims, each once. */
    /* As they were signed; empty: none. To be shown to whoever signed it (FENCE there). */
    struct weft_text receipt_note; /* The newest one of what is sent. */
    struct weft_text head_note;    /* The newest one of what is received. */
};

struct weft_streams *weft_state_streams(struct weft_state *state);
/* A number that rises with whatever of this changes: who saw it needs not look again. */
uint64_t weft_streams_changed(const struct weft_streams *streams);
uint32_t weft_streams_count(const struct weft_streams *streams);
/* By number, below count. */
struct weft_agreement weft_streams_at(const struct weft_streams *streams, uint32_t number);
/* False: there is none of that name. */
bool weft_streams_find(const struct weft_streams *streams, struct weft_text name,
    struct weft_agreement *ret_agreement);
uint32_t weft_streams_partner_count(const struct weft_streams *streams);
/* In the order of their names. */
struct weft_partner weft_streams_partner_at(const struct weft_streams *streams, uint32_t i);
bool weft_streams_find_partner(
    const struct weft_streams *streams, struct weft_text site, struct weft_partner *ret_partner);
/* The next agreement from *number on to which something is owed: whoever leads proposes a STEP for
 * it, one at a time for each. False: none. */
bool weft_streams_due(const struct weft_streams *streams, uint32_t *number);

/* --- what stands in a stream ------------------------------------------------------------------ */

struct weft_store;
struct weft_store_snapshot;
struct weft_flow;

/* One direction of one agreement, as of a moment. Any thread, one at a time; plain data. */
struct weft_stream_source {
    struct weft_store *store;
    const struct weft_store_snapshot *snapshot; /* NULL: the present. */
    struct weft_flow *flow;                     /* Of the applied state; NULL: of a view. */
    uint32_t agreement;
    enum weft_direction direction;
    uint64_t size; /* Leaves that it has. */
};

/* Of the applied state, for the loop: until the next apply. WEFT_ENOTFOUND. */
WEFT_MUST_USE enum weft_err weft_stream_source(struct weft_state *state, uint32_t agreement,
    enum weft_direction direction, struct weft_stream_source *ret_source);
/* Of a view, as long as it is open. WEFT_ENOTFOUND, WEFT_ECORRUPT, WEFT_EIO. */
WEFT_MUST_USE enum weft_err weft_view_stream_source(struct weft_view *view, uint32_t agreement,
    enum weft_direction direction, struct weft_stream_source *ret_source, struct weft_msg *msg);

/* Append leaves from `first` on as items, at most count_max and at most bytes_max, but one at
 * least; of those sent, as a batch carries them. `is_explicit`: with their digests. WEFT_EINVAL:
 * first >= size; WEFT_ETOOBIG, WEFT_ENOMEM, WEFT_ECORRUPT, WEFT_EIO. */
WEFT_MUST_USE enum weft_err weft_stream_source_items(const struct weft_stream_source *source,
    uint64_t first, uint32_t count_max, size_t bytes_max, bool is_explicit, struct weft_buffer *out,
    uint32_t *ret_count, struct weft_msg *msg);
/* Of trees of at most `size` leaves. WEFT_EINVAL; WEFT_ECORRUPT, WEFT_EIO, WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_stream_source_consistency(const struct weft_stream_source *source,
    uint64_t old_size, uint64_t size, struct weft_merkle_proof *ret_proof, struct weft_msg *msg);
WEFT_MUST_USE enum weft_err weft_stream_source_inclusion(const struct weft_stream_source *source,
    uint64_t sequence, uint64_t size, struct weft_merkle_proof *ret_proof, struct weft_msg *msg);
/* A weft_provider_root and a weft_fork_node; ctx: a struct weft_stream_source. */
enum weft_err weft_stream_source_root(
    void *ctx, uint64_t size, struct weft_digest *ret_root, struct weft_msg *msg);
enum weft_err weft_stream_source_node(
    void *ctx, unsigned height, uint64_t index, struct weft_digest *ret_hash, struct weft_msg *msg);
/* Where the statement stands. WEFT_ENOTFOUND. */
WEFT_MUST_USE enum weft_err weft_stream_source_find(const struct weft_stream_source *source,
    const struct weft_digest *statement, uint64_t *ret_sequence, struct weft_msg *msg);
/* Append a file in the layout of tlog-tiles, of the first `size` leaves: "tile/...",
 * "tile/entries/...", "statement/<hexadecimal digest>" (a projection), "contract/<version>" (a
 * note). "checkpoint" is whoever signs: it is not here. WEFT_ENOTFOUND: there is none of that path.
 */
WEFT_MUST_USE enum weft_err weft_stream_source_file(const struct weft_stream_source *source,
    uint64_t size, struct weft_text path, struct weft_buffer *out, struct weft_msg *msg);

/* A statement that was received, or one that is in quarantine: fault is not SOUND. */
struct weft_received {
    uint64_t sequence;
    struct weft_digest statement; /* Of its leaf. */
    enum weft_stream_fault fault;
    bool is_claim;
    bool is_forwarded;
    int64_t time_ns;           /* Of the entry that took it. */
    struct weft_text reason;   /* Of a fault. */
    struct weft_bytes content; /* As it came. */
};
/* Borrowed until the call returns. Anything but OK ends the walk, and is passed on. */
typedef enum weft_err weft_stream_on_received(
    void *ctx, const struct weft_received *received, struct weft_msg *msg);
/* What is in quarantine from a sequence on. */
WEFT_MUST_USE enum weft_err weft_stream_source_quarantine(const struct weft_stream_source *source,
    uint64_t from, weft_stream_on_received *on_received, void *ctx, struct weft_msg *msg);

#endif
