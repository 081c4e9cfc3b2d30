/* node/partners.h: the leader speaks for its site to the sites of partners.
 *
 * Of each agreement there are two streams: partner_out.h sends one, partner_in.h takes the other.
 * What is agreed on goes through the log and is judged there (node/state/streams.h); here are
 * connections, what waits, signatures that are being collected. All of it is forgotten with
 * leadership, and made again by the next leader from the state and a hello. Knows no socket and no
 * clock; the loop's. Rules: node/README.md, "Partners". */
#ifndef WEFT_NODE_PARTNERS_H
#define WEFT_NODE_PARTNERS_H

#include <uv.h>

#include "node/proposer.h"
#include "node/state/streams.h"
#include "proto/peer.h"

enum {
    WEFT_PARTNERS_CONNS_MAX = 1024, /* Connections that are up; as the door's. */
    /* Messages of one connection that are looked at on the loop: so many at once, and one more
     * each millisecond; then it is not read from for a while. Chosen: a batch and its receipt
     * are two, and no honest partner sends 1,000 in a second. */
    WEFT_PARTNERS_BURST = 1000,
};

struct weft_partners;

struct weft_partners_io {
    void *ctx;
    /* As it is now: a checkpoint may have taken its place between two turns. NULL: none yet. */
    struct weft_state *(*get_state)(void *ctx);
    /* An item of this node is on its way, and weft_partners_done is called for the waiter, later.
     * Not WEFT_OK: it is not, and nothing is called. */
    enum weft_err (*propose)(
        void *ctx, const struct weft_entry_item *item, const struct weft_waiter *waiter);
    /* On a connection that is up. WEFT_EBUSY: its queue is full; weft_partners_drained follows. */
    enum weft_err (*send)(void *ctx, void *conn, struct weft_bytes message);
    void (*pause)(void *ctx, void *conn, bool is_paused);
    void (*hang_up)(void *ctx, void *conn); /* weft_partners_down follows, perhaps at once. */
    bool (*is_dialled)(void *ctx, void *conn);
    /* To a member of the group, or (0) to every other. */
    void (*tell)(void *ctx, uint64_t to, const struct weft_audit_line *line);
    void (*wake)(void *ctx);
    /* A question or an answer of the partner (node/questions.h). False: none that can be read.
     * NULL: nobody is asked here. */
    bool (*ask)(void *ctx, const struct weft_agreement *agreement, bool is_question,
        struct weft_bytes body);
};

struct weft_partners_options {
    uv_loop_t *loop;
    struct weft_partners_io io;
    const char *principal; /* Of this node, a URI. */
    const char *key_file;  /* log.key */
    const char *site;      /* "<org>/<site>" */
    uint64_t self_id;
    uint32_t threads; /* That judge; 0: weft_partners_work does. */
};

/* What is told of one direction of one agreement. */
struct weft_partner_figures {
    struct weft_text agreement; /* Borrowed until the next apply. */
    struct weft_text partner;
    uint64_t leaves;   /* Of the stream, as it is applied here. */
    bool is_connected; /* Who receives is spoken with; who sends is. */
    uint64_t lag;      /* Leaves that were not acknowledged, or are known of and not taken. */
    uint64_t lag_ms;   /* How long there has been one. */
    uint64_t bytes;    /* Of items, sent or taken, in this node's time as leader. */
    uint64_t beside;   /* Of all else that was said of the stream, in that time. */
    uint64_t evidence; /* Of what is sent: proofs that own keys signed two stories. */
    uint64_t refused;  /* Statements that the partner refused; faults of what came. */
    uint64_t quarantined;
    bool is_fenced;  /* Sent: nothing is stated or signed, ... */
    bool is_split;   /* ...since its keys signed two trees. */
    bool is_offered; /* Received: an offer of the partner's waits to be signed here. */
    enum weft_agreement_state state;
    enum weft_consumer_hold hold;
};

/* WEFT_ENOMEM; of the key file. */
WEFT_MUST_USE enum weft_err weft_partners_open(const struct weft_partners_options *options,
    struct weft_partners **ret_partners, struct weft_msg *msg);
/* Asynchronous. */
void weft_partners_close(struct weft_partners *p, void (*on_closed)(void *ctx), void *ctx);

/* End of a turn of the loop; now_ns is the wall clock, now_ms monotonic. */
void weft_partners_turn(
    struct weft_partners *p, uint64_t leader_id, uint64_t now_ms, int64_t now_ns);
/* Monotonic ms at which turn must run again at the latest; UINT64_MAX: never. */
uint64_t weft_partners_deadline(const struct weft_partners *p);

/* A connection with a node of that site is up, says something, has room again, is down. */
void weft_partners_up(struct weft_partners *p, void *conn, const char *site);
/* Not WEFT_OK: the connection is to be dropped. */
WEFT_MUST_USE enum weft_err weft_partners_hear(
    struct weft_partners *p, void *conn, struct weft_bytes message);
void weft_partners_drained(struct weft_partners *p, void *conn);
void weft_partners_down(struct weft_partners *p, void *conn);

/* What was proposed for this waiter is applied, or not. */
void weft_partners_done(
    struct weft_partners *p, const struct weft_waiter *waiter, enum weft_err err);
/* A line of a member, or the leader's wish for one. */
void weft_partners_receive_line(
    struct weft_partners *p, uint64_t from, const struct weft_audit_line *line);
/* Without threads: judges what waits. */
void weft_partners_work(struct weft_partners *p);

/* A message of that partner that did not come by a link: judged now, and proposed for `waiter`, who
 * is answered as for a commit once it is applied. WEFT_EREFUSED: the fault, or it is not vouched
 * for; WEFT_ENOTLEADER, WEFT_ENOTFOUND (the agreement), WEFT_EPEER (whose it is), WEFT_EINVAL (its
 * kind), WEFT_EBUSY, and as weft_partner_decode: nothing is proposed, the caller answers. */
WEFT_MUST_USE enum weft_err weft_partners_take(struct weft_partners *p, struct weft_text partner,
    const struct weft_carry *carried, const struct weft_waiter *waiter, struct weft_msg *msg);

/* To the partner of that agreement, a question or an answer. WEFT_EUNAVAILABLE: he is not
 * connected, or has not said hello yet; WEFT_EVERSION: by his hello he knows no questions;
 * WEFT_EBUSY: he reads nothing. */
WEFT_MUST_USE enum weft_err weft_partners_ask(struct weft_partners *p,
    const struct weft_agreement *a, bool is_question, struct weft_bytes body);
/* Append this node's line for the text of an answer. WEFT_ESTATE: it has no key. */
WEFT_MUST_USE enum weft_err weft_partners_sign_answer(
    const struct weft_partners *p, struct weft_text text, struct weft_buffer *out);
bool weft_partners_is_answer_signed(
    const struct weft_agreement *a, struct weft_text text, struct weft_text line);

/* Compare with the partner now what both have filed (partner_set.h): lines tell what it came to.
 * WEFT_ENOTLEADER; WEFT_EUNAVAILABLE: he is not connected, or has not said hello yet;
 * WEFT_EVERSION: by his hello he knows no sets; WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_partners_audit(struct weft_partners *p, uint32_t number);
/* Append how the last one stands, line by line; nothing: there was none. WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_partners_set_lines(
    const struct weft_partners *p, uint32_t number, struct weft_buffer *out);
struct weft_partner_set_figures {
    bool differs; /* At one place, by the last hello or comparison. */
    /* In this node's time as leader: comparisons; statements that were lacking here, that are
     * filed; messages that were none, or came out of turn. */
    uint64_t compared, lacked, filed, faults;
};
struct weft_partner_set_figures weft_partners_set_figures(
    const struct weft_partners *p, uint32_t number);
/* No view of the state is open, and none is opened until the next turn. */
bool weft_partners_is_idle(const struct weft_partners *p);

/* The newest head of what is sent, or receipt for what is received, with enough signatures. Empty:
 * there is none here: it is the leader that has them. Borrowed until the next call of the others.
 */
struct weft_text weft_partners_note(
    const struct weft_partners *p, uint32_t number, enum weft_direction direction);
/* What the partner said of the offer that is newest, or of the newest version: one line, empty:
 * nothing, or another leads. Borrowed until the next call of the others. */
struct weft_text weft_partners_offer_answer(const struct weft_partners *p, uint32_t number);
/* False: there is no such agreement. */
bool weft_partners_figures(const struct weft_partners *p, uint32_t number,
    enum weft_direction direction, struct weft_partner_figures *ret_figures);

#endif
