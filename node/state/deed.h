/* node/state/deed.h: documents of agreements in memory: one version of an agreement, what is pinned
 * of a partner. Immutable and counted, so that terms that somebody judges by keep them.
 *
 * Their rows hold what they are read from, byte for byte; whoever has one of them has decoded it.
 */
#ifndef WEFT_NODE_STATE_DEED_H
#define WEFT_NODE_STATE_DEED_H

#include <stdatomic.h>

#include "federation/contract.h"
#include "policy/org.h"
#include "policy/signer.h"

enum {
    WEFT_PINNED_KEYS_MAX = 64,                /* as of an org document's logs */
    WEFT_PINNED_TEXT_SIZE_MAX = 16 * 1024,    /* of keys, endpoints, names, ca each; chosen */
    WEFT_PINNED_SIZE_MAX = 256 * 1024,        /* of a row */
    WEFT_PINNED_MEMORY_MAX = 2 * 1024 * 1024, /* an org document, read */
};

/* How many hold something that never changes. */
struct weft_holders {
    atomic_uint count;
};
static inline void weft_holders_init(struct weft_holders *holders)
{
    atomic_init(&holders->count, 1);
}
static inline void weft_holders_add(struct weft_holders *holders)
{
    atomic_fetch_add_explicit(&holders->count, 1, memory_order_relaxed);
}
/* True: that was the last one. Any thread. */
static inline bool weft_holders_drop(struct weft_holders *holders)
{
    return atomic_fetch_sub_explicit(&holders->count, 1, memory_order_acq_rel) == 1;
}

/* A version of an agreement. */
struct weft_deed {
    struct weft_holders holders;
    struct weft_arena arena;
    struct weft_buffer note; /* As it was signed. */
    struct weft_contract contract;
};

/* Of a note whose text decodes; nothing is said of its signatures. As weft_note_parse and
 * weft_contract_decode; WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_deed_read(
    struct weft_text note, struct weft_deed **ret_deed, struct weft_msg *msg);
struct weft_deed *weft_deed_retain(struct weft_deed *deed); /* Accepts NULL, gives what it got. */
void weft_deed_release(struct weft_deed *deed);             /* Accepts NULL. Any thread. */

/* What is said of a site, as the record said it. Empty: nothing. */
struct weft_pinned_texts {
    struct weft_text org; /* A note. */
    struct weft_text keys;
    struct weft_text endpoints;
    struct weft_text ca;
    struct weft_text names; /* Assets by which it is shipped to, one to a line. */
};

struct weft_pinned {
    struct weft_holders holders;
    struct weft_arena arena;
    struct weft_text site;
    struct weft_pinned_texts texts; /* In the arena. */
    bool has_org;
    struct weft_org org;
    struct weft_verifier *keys;
    struct weft_text *ends; /* Of each key, what stands behind its vkey: weft_pinned_end. */
    uint32_t key_count;
    uint64_t index; /* Of the entry that made it so. */
};

/* Nothing is said of the org document's signatures, nor of its place. WEFT_EINVAL, WEFT_EMALFORMED,
 * WEFT_ETOOBIG, and what weft_org_decode says: which text is wrong. WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_pinned_read(struct weft_text site,
    const struct weft_pinned_texts *texts, uint64_t index, struct weft_pinned **ret_pinned,
    struct weft_msg *msg);
struct weft_pinned *weft_pinned_retain(struct weft_pinned *pinned);
void weft_pinned_release(struct weft_pinned *pinned);

/* To how many leaves the key counts: in heads of what its site sends under that agreement, or in
 * receipts for what it receives. UINT64_MAX: it has not ended. A former key is a line
 * "VKEY until NAME SENT RECEIVED [NAME SENT RECEIVED ...]"; of other agreements it is 0. */
uint64_t weft_pinned_end(
    const struct weft_pinned *pinned, uint32_t key, struct weft_text agreement, bool is_receipt);

/* Takes the first line off `rest`, without its newline. False: there is none left. */
bool weft_pinned_line(struct weft_text *rest, struct weft_text *ret_line);

/* The value of its row. WEFT_ENOMEM, WEFT_ETOOBIG. */
WEFT_MUST_USE enum weft_err weft_pinned_encode(
    const struct weft_pinned *pinned, struct weft_buffer *out);
/* WEFT_ECORRUPT, WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_pinned_decode(struct weft_text site, struct weft_bytes value,
    struct weft_pinned **ret_pinned, struct weft_msg *msg);

#endif
