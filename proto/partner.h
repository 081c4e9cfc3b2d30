/* proto/partner.h: the messages between sites that have an agreement, as plain structs.
 *
 * A stream goes from its provider to the other party; both of its directions travel here. What is
 * inside of notes, items and bodies is federation's: nothing of it is looked at by the codec.
 * Schema: proto/schema/partner.fbs. */
#ifndef WEFT_PROTO_PARTNER_H
#define WEFT_PROTO_PARTNER_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/bytes.h"
#include "proto/digest.h"
#include "proto/envelope.h"
#include "proto/err.h"

/* Numbered with those of the other doors (proto/envelope.h). */
enum weft_partner_kind {
    WEFT_KIND_STREAM_HELLO = 128,
    WEFT_KIND_STREAM_HEAD = 129,
    WEFT_KIND_STREAM_BATCH = 130,
    WEFT_KIND_STREAM_RECEIPT = 131,
    WEFT_KIND_STREAM_NOTICE = 132,
    WEFT_KIND_STREAM_REFUSAL = 133,
    WEFT_KIND_STREAM_OFFER = 134,
    WEFT_KIND_STREAM_EVIDENCE = 135,
    WEFT_KIND_STREAM_FORK = 136,
    WEFT_KIND_STREAM_SET = 137,
    /* 138 was never sent, and stays free (README.md, Messages). */
    WEFT_KIND_STREAM_QUESTION = 139,
    WEFT_KIND_STREAM_ANSWER = 140,
    WEFT_KIND_STREAM_MORE = 141,
    WEFT_KIND_STREAM_PROOF = 142,
    WEFT_KIND_STREAM_LEAVES = 144,
};

struct weft_stream_name {
    struct weft_text agreement;
    struct weft_text provider; /* "<org>/<site>". */
};

struct weft_stream_hello {
    uint64_t version;
    struct weft_digest agreement_digest;
    uint64_t next;
    struct weft_digest root;
    uint64_t head_size;
    uint64_t statements_until;
    uint64_t bytes_until;
    bool is_explicit;
    uint64_t session;             /* What answers it says it again. */
    struct weft_digest head_root; /* Of the head; zeros: not told. */
    bool knows_questions;         /* QUESTION and ANSWER may be sent to who says hello. */
    uint64_t window_bytes;
    /* Digest of all that both have filed, where `next` leaves were taken and so many sent. Zeros:
     * none that could be compared. */
    struct weft_digest shared;
    uint64_t shared_sent;
    bool knows_sets; /* SET may be sent to who says hello. */
    uint64_t frame_bytes;
    uint64_t acknowledged; /* Of what it sends under the same agreement. */
};

struct weft_stream_head {
    struct weft_text note;
    uint64_t old_size;
    struct weft_bytes proof; /* A multiple of 32 bytes. */
    uint64_t session;
    struct weft_bytes right; /* The same; not both. */
};

struct weft_stream_batch {
    uint64_t first;
    uint32_t count; /* 1 to WEFT_STREAM_ITEMS_MAX. */
    struct weft_bytes items;
    uint64_t head_size;
    struct weft_bytes proof; /* A multiple of 32 bytes. */
    uint64_t session;
};

/* These three name no stream but by the session of the hello that they answer. */
struct weft_stream_more {
    uint64_t first;
    struct weft_bytes items; /* At most WEFT_STREAM_MORE_SIZE_MAX. */
    uint64_t session;
};

struct weft_stream_proof {
    uint64_t size;
    uint64_t head_size;
    struct weft_bytes hashes; /* A multiple of 32 bytes. */
    uint64_t session;
};

/* Both at once. */
struct weft_stream_leaves {
    uint64_t first;
    bool is_proven;           /* Up to the end of the items. */
    uint64_t head_size;       /* By that: of the head that the hashes lead to; else 0. */
    struct weft_bytes hashes; /* A multiple of 32 bytes; of those that are not known yet. */
    struct weft_bytes items;  /* At most WEFT_STREAM_LEAVES_SIZE_MAX. */
    uint64_t session;
};

struct weft_stream_receipt {
    struct weft_text note; /* Empty: credit alone. */
    uint64_t statements_until;
    uint64_t bytes_until;
    uint64_t session;
};

struct weft_stream_notice {
    uint16_t fault; /* Not yet known to be one of federation's. */
    uint64_t sequence;
    struct weft_text reason;
    struct weft_digest offer; /* Of its text; zeros: of none. */
};

struct weft_partner_message {
    enum weft_partner_kind kind;    /* The tag of the union. */
    struct weft_stream_name stream; /* MORE, PROOF, LEAVES: empty. */
    union {
        struct weft_stream_hello hello;
        struct weft_stream_head head;
        struct weft_stream_batch batch;
        struct weft_stream_more more;
        struct weft_stream_proof proof;
        struct weft_stream_leaves leaves;
        struct weft_stream_receipt receipt;
        struct weft_stream_notice notice;
        struct weft_text text;  /* REFUSAL, OFFER, EVIDENCE. */
        struct weft_bytes body; /* FORK, SET, QUESTION, ANSWER. */
    };
};

/* Does it name its stream by a hello's session alone? */
static inline bool weft_partner_is_of_window(enum weft_partner_kind kind)
{
    return kind == WEFT_KIND_STREAM_MORE || kind == WEFT_KIND_STREAM_PROOF ||
           kind == WEFT_KIND_STREAM_LEAVES;
}
/* That session. */
static inline uint64_t weft_partner_session_of(const struct weft_partner_message *m)
{
    return m->kind == WEFT_KIND_STREAM_MORE    ? m->more.session
           : m->kind == WEFT_KIND_STREAM_PROOF ? m->proof.session
                                               : m->leaves.session;
}

/* Append envelope and table to `out`. WEFT_ETOOBIG, WEFT_ENOMEM: `out` as before. */
WEFT_MUST_USE enum weft_err weft_partner_encode(
    const struct weft_partner_message *message, struct weft_buffer *out);

/* Verify a whole message (envelope first) and decode it. Slices borrow from `message`, or from
 * `arena` if it is not aligned to 8. WEFT_EMALFORMED, WEFT_EVERSION (kind or version),
 * WEFT_ETOOBIG, WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_partner_decode(struct weft_bytes message, struct weft_arena *arena,
    struct weft_partner_message *ret_message, struct weft_msg *msg);

#endif
