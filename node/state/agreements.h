/* node/state/agreements.h: agreements and partners as records: what a commit does to them.
 *
 * Records of kind `partner`, `agreement` and `stream_act` (README.md, "Streams"); a commit that has
 * one has no other. Each is judged by what governs at its index and by what was there before, so
 * that all replicas agree. One thread, apply's. In an ungoverned site none is taken. */
#ifndef WEFT_NODE_STATE_AGREEMENTS_H
#define WEFT_NODE_STATE_AGREEMENTS_H

#include "node/state/govern.h"
#include "node/state/names.h"
#include "node/state/store.h"
#include "node/state/streams.h"

#define WEFT_PARTNER_KIND "partner"
#define WEFT_PARTNER_ASSET "partner:"
#define WEFT_AGREEMENT_KIND "agreement"
#define WEFT_AGREEMENT_ASSET "agreement:"
#define WEFT_STREAM_ACT_KIND "stream_act"

struct weft_authority;
struct weft_epochs;
struct weft_terms_box;

/* As struct weft_cells_statement has it. */
struct weft_streams_told {
    const struct weft_contract *contract;
    uint32_t party;
    uint64_t sequence;
    const struct weft_digest *digest;
    struct weft_bytes projection;
    bool is_first;
};

/* Whoever keeps what counts of statements (cells.h) is told of each, in apply, behind the leaf.
 * Errors are the apply's. Zero-initialized: nobody. */
struct weft_streams_listener {
    void *ctx;
    /* A leaf `contract` came into one of the streams. */
    enum weft_err (*on_contract)(void *ctx, const struct weft_contract *contract,
        struct weft_text text, struct weft_msg *msg);
    /* A statement did: of `party`, at that sequence; or what is shown of it is less now. */
    enum weft_err (*on_statement)(
        void *ctx, const struct weft_streams_told *told, struct weft_msg *msg);
};

/* `site` is "<org>/<site>"; it, the store, the names and the epochs of the site's statements are
 * borrowed until destroy. WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_streams_create(struct weft_text site, struct weft_store *store,
    struct weft_names *names, const struct weft_epochs *epochs, struct weft_streams **ret_streams,
    struct weft_msg *msg);
void weft_streams_destroy(struct weft_streams *streams); /* Accepts NULL. */
/* What stands, of a state of that authority. WEFT_ECORRUPT, WEFT_EIO, WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_streams_load(
    struct weft_streams *streams, struct weft_authority *authority, struct weft_msg *msg);
void weft_streams_listen(
    struct weft_streams *streams, const struct weft_streams_listener *listener);
/* The state came from a backup and goes on as another group: what is sent is fenced (NOD-199).
 * `index`: of the last entry. Rows: weft_streams_put. */
void weft_streams_restore(struct weft_streams *streams, uint64_t index);

/* Terms are those of that authority from now on: before a commit or item of its index is judged,
 * and behind an apply. WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_streams_refresh(
    struct weft_streams *streams, struct weft_authority *authority, struct weft_msg *msg);

struct weft_agreements_place {
    struct weft_authority *authority; /* In force at the index. */
    uint64_t index;
    int64_t time_ns;
};
/* Is it of kind partner, agreement or stream_act? */
bool weft_agreements_is_kind(struct weft_text kind);
/* Would the commit be taken? Nothing is changed. WEFT_OK, and the refusal's err. WEFT_ECORRUPT,
 * WEFT_EIO, WEFT_ENOMEM: nothing is decided. */
WEFT_MUST_USE enum weft_err weft_agreements_check(struct weft_streams *streams,
    const struct weft_commit *commit, const struct weft_agreements_place *place,
    struct weft_refusal *ret_refusal, struct weft_msg *msg);
/* The same of a note that came by a link (offers.h), and accept takes it as it takes a commit. The
 * refusal's err is returned. */
WEFT_MUST_USE enum weft_err weft_agreements_judge(struct weft_streams *streams,
    struct weft_text name, struct weft_text note, const struct weft_agreements_place *place,
    struct weft_msg *detail);
/* The commit that was checked last is accepted, behind its record. WEFT_ENOMEM, WEFT_ECORRUPT,
 * WEFT_EIO: the apply has failed. */
WEFT_MUST_USE enum weft_err weft_agreements_accept(struct weft_streams *streams,
    const struct weft_agreements_place *place, struct weft_store_batch *batch,
    struct weft_msg *msg);

/* Is there a stream that records are appended to? */
bool weft_streams_are_open(const struct weft_streams *streams);
/* Once for each write of the batch: rows of what has changed. WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_streams_put(
    struct weft_streams *streams, struct weft_store_batch *batch, struct weft_msg *msg);
/* The batch is written. */
void weft_streams_settle(struct weft_streams *streams);

/* What an operator asks of a stream. */
enum weft_stream_order {
    WEFT_STREAM_ORDER_SUSPEND,
    WEFT_STREAM_ORDER_RESUME,
    WEFT_STREAM_ORDER_END,
    WEFT_STREAM_ORDER_HOLD,
    WEFT_STREAM_ORDER_UNHOLD,
    WEFT_STREAM_ORDER_UNFREEZE,
    WEFT_STREAM_ORDER_RELEASE,
    WEFT_STREAM_ORDER_LOSE,      /* A head of what is sent: weft_provider_lose. */
    WEFT_STREAM_ORDER_SUPERSEDE, /* The head of what is received: weft_consumer_lose. */
    WEFT_STREAM_ORDER_DISCLOSE,
    WEFT_STREAM_ORDER_WITHDRAW, /* An offer of this site's. */
    WEFT_STREAM_ORDER_DECLINE,  /* One of the partner's. */
    WEFT_STREAM_ORDERS
};
/* "suspend", ... False: no such word. */
bool weft_stream_order_parse(struct weft_text word, enum weft_stream_order *ret_order);

#endif
