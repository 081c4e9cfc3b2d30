/* proto/stream_entry.h: what an item of type WEFT_ITEM_STREAM says: something came from a partner,
 * or is to be done with a stream (node/state/README.md, "Streams").
 *
 *     0    4   what (enum weft_stream_act)            little-endian
 *     4    4   size of the agreement's name
 *     8    8   number: a count of leaves, see below
 *    16   32   root, or zeros
 *    48        name, zeros to a multiple of 8, then the message as it came (proto/partner.h), or
 *              nothing
 *
 * Nothing of it is believed for being in the log: apply judges it by the state, on each replica. */
#ifndef WEFT_PROTO_STREAM_ENTRY_H
#define WEFT_PROTO_STREAM_ENTRY_H

#include "proto/bytes.h"
#include "proto/digest.h"
#include "proto/err.h"

/* The numbers are in the log. */
enum weft_stream_act {
    /* What a partner sent, whole: */
    WEFT_STREAM_ACT_HEAD = 1,     /* STREAM_HEAD of a stream that is received. */
    WEFT_STREAM_ACT_BATCH = 2,    /* STREAM_BATCH of one; number: leaves when it is taken. */
    WEFT_STREAM_ACT_RECEIPT = 3,  /* STREAM_RECEIPT with a note, of one that is sent. */
    WEFT_STREAM_ACT_SURE = 4,     /* STREAM_HELLO for one that is sent, and fenced by a restore. */
    WEFT_STREAM_ACT_FENCE = 5,    /* STREAM_HEAD: one's own, shown by the partner. */
    WEFT_STREAM_ACT_RECOVER = 6,  /* STREAM_BATCH: one's own leaves; number as of BATCH. */
    WEFT_STREAM_ACT_REFUSAL = 7,  /* STREAM_REFUSAL of a stream that is sent: kept. */
    WEFT_STREAM_ACT_EVIDENCE = 8, /* STREAM_EVIDENCE: of equivocation; kept, and freezes. */
    /* What is to be done, without a message: */
    WEFT_STREAM_ACT_SIGN = 9,    /* number, root: the tree whose head is to be signed. */
    WEFT_STREAM_ACT_REWIND = 10, /* number: leaves that both trees have. */
    WEFT_STREAM_ACT_STEP = 11,   /* Append what is owed to a stream, a bounded piece of it. */
    /* number, root: the statement that stands there; file it once more. STREAM_BATCH: of one item,
     * which is it, from whoever has it. */
    WEFT_STREAM_ACT_FILE = 12,
    /* What a partner sent, whole, of an agreement that need not be in force: */
    WEFT_STREAM_ACT_OFFER = 13,     /* STREAM_OFFER: one or both have signed it. */
    WEFT_STREAM_ACT_OFFER_END = 14, /* STREAM_NOTICE: an offer is withdrawn or declined. */
    WEFT_STREAM_ACTS = 15
};

enum {
    WEFT_STREAM_ENTRY_HEAD_SIZE = 48
};

struct weft_stream_entry {
    enum weft_stream_act act;
    uint64_t number;
    struct weft_digest root;
    struct weft_text agreement;
    struct weft_bytes message; /* Aligned to 8 if the entry is. */
};

/* Append it. WEFT_EINVAL: a name that is too long; WEFT_ETOOBIG, WEFT_ENOMEM. `out` is then as
 * before. */
WEFT_MUST_USE enum weft_err weft_stream_entry_encode(
    const struct weft_stream_entry *entry, struct weft_buffer *out);
/* Exactly what encode gives; borrows. WEFT_EMALFORMED. */
WEFT_MUST_USE enum weft_err weft_stream_entry_decode(
    struct weft_bytes bytes, struct weft_stream_entry *ret_entry);

#endif
