/* node/state/stream_code.h: values of agreements and streams in the state. One encoding for one
 * content, so that replicas agree in bytes. */
#ifndef WEFT_NODE_STATE_STREAM_CODE_H
#define WEFT_NODE_STATE_STREAM_CODE_H

#include "federation/cells/cell.h"
#include "federation/consumer.h"
#include "federation/provider.h"

/* An offer of this site that it took back, and until when it could be signed. */
struct weft_taken_back {
    struct weft_digest digest;
    int64_t until_ns;
};

/* Of one name that have not expired. Chosen: more than people propose; 40 bytes each. */
enum {
    WEFT_TAKEN_BACK_MAX = 32
};

/* Key a. */
struct weft_accord_row {
    struct weft_text name;    /* Borrows; in memory: of the accord. */
    uint32_t party;           /* Which this site is. */
    uint64_t version;         /* The newest that both have signed; 0: none. */
    uint64_t shown_version;   /* One that the partner offered: he is shown it, signed by both. */
    uint64_t offer_index;     /* Of the entry that brought the offer. */
    struct weft_buffer offer; /* A note; empty: none, and nothing of what follows. */
    uint32_t offer_by;        /* Whose roots have signed it: the party. */
    uint32_t offer_end;       /* enum weft_offer_end */
    int64_t offer_until_ns;
    struct weft_digest offer_digest;
    struct weft_buffer offer_partner; /* The other site. */
    struct weft_buffer offer_reason;  /* Of its end. */
    /* NOD-340: whatever is offered since; an own offer that stands leaves room for one more. */
    uint32_t taken_back_count;
    struct weft_taken_back taken_back[WEFT_TAKEN_BACK_MAX];
};

/* Key s of what is sent. */
struct weft_sent_row {
    struct weft_provider provider;
    uint64_t looked_index; /* As in struct weft_agreement. */
    bool owes_assets;
    int64_t receipt_ns;
    int64_t head_ns;
    uint64_t refused_count;
    uint64_t omitted_count;
    uint32_t kept;           /* Number of the next refusal that is kept. */
    uint32_t evidence_count; /* Proofs that own keys signed two stories, and the newest. */
    struct weft_digest evidence;
    struct weft_buffer receipt; /* The newest, as it was signed. */
};

/* Key s of what is received. */
struct weft_received_row {
    struct weft_consumer consumer;
    int64_t batch_ns;
    int64_t head_ns;
    uint64_t claim_count;
    /* The largest of what the provider has stated of his own here; epoch UINT64_MAX: nobody knows,
     * since a leaf names a statement that was not shown. */
    struct weft_cell_revision newest;
    struct weft_buffer head; /* The newest, as it was signed. */
};

/* Append. WEFT_ENOMEM, WEFT_ETOOBIG. */
WEFT_MUST_USE enum weft_err weft_accord_row_encode(
    const struct weft_accord_row *row, struct weft_buffer *out);
WEFT_MUST_USE enum weft_err weft_sent_row_encode(
    const struct weft_sent_row *row, struct weft_buffer *out);
WEFT_MUST_USE enum weft_err weft_received_row_encode(
    const struct weft_received_row *row, struct weft_buffer *out);
/* What it owns, but the name. */
void weft_accord_row_destroy(struct weft_accord_row *row);
/* Without an offer; what was taken back stays. */
void weft_accord_row_clear_offer(struct weft_accord_row *row);
/* Exactly what encode gives; buffers are the row's, to be destroyed whatever is returned.
 * WEFT_ECORRUPT, WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_accord_row_decode(
    struct weft_bytes value, struct weft_accord_row *ret_row);
WEFT_MUST_USE enum weft_err weft_sent_row_decode(
    struct weft_bytes value, struct weft_sent_row *ret_row);
WEFT_MUST_USE enum weft_err weft_received_row_decode(
    struct weft_bytes value, struct weft_received_row *ret_row);

#endif
