/* node/partner_parts.h: what the files of node/partner*.c share: one agreement's two directions.
 *
 * Private to them. */
#ifndef WEFT_NODE_PARTNER_PARTS_H
#define WEFT_NODE_PARTNER_PARTS_H

#include <stdatomic.h>

#include "federation/receiver.h"
#include "federation/recovery.h"
#include "federation/sender.h"
#include "node/partner_frame.h"
#include "node/partner_offer.h"
#include "node/partner_signing.h"
#include "node/partner_window.h"
#include "node/partners.h"

enum {
    WEFT_PARTNER_PENDING_MAX = 8,    /* Entries of one stream under way; chosen: as in flight. */
    WEFT_PARTNER_WAITING_MAX = 4,    /* Messages that wait to be judged; then it is not read. */
    WEFT_PARTNER_TURN_BATCHES = 4,   /* Of one stream, sent in one turn. */
    WEFT_PARTNER_SIGN_MS = 20,       /* Between two heads, while the partner is connected, ... */
    WEFT_PARTNER_SIGN_IDLE_MS = 500, /* ...and while he is not. */
    WEFT_PARTNER_ALONE_MS = 5000,    /* Of leading, until it signs ungreeted. Chosen. */
    WEFT_PARTNER_LINES_MS = 250,     /* Until lines are asked for again. */
    /* What is read for an answer costs its bytes, as one message for each so many: 16 MB/s. Chosen:
     * some hundredths of a processor. */
    WEFT_PARTNER_ANSWER_BYTES = 16 * 1024,
    WEFT_PARTNER_REFUSED_MS = 1000, /* Until what the state refused is proposed again. */
    /* Refusals and evidence of one partner that are kept, so many at once and one more each second:
     * they are entries, and nothing else bounds how often he says the same. Chosen. */
    WEFT_PARTNER_TEXTS_MAX = 32,
    WEFT_PARTNER_AGAIN_MS = 100,      /* After what failed here: the first pause, doubling... */
    WEFT_PARTNER_AGAIN_MS_MAX = 5000, /* ...to this one. */
    /* Nothing came for so long: a hello, which finds out what was lost. Of what is known of and not
     * taken, and else. Chosen: a link loses nothing but by going down, so this mends what is not
     * thought of. */
    WEFT_PARTNER_STALLED_MS = 5000,
    WEFT_PARTNER_REFRESH_MS = 30000,
    WEFT_PARTNER_ASTRAY_MS = 1000,   /* The same if it came by another connection; chosen. */
    WEFT_PARTNER_ASK_MS = 1000,      /* Until who says no hello is asked for one; chosen. */
    WEFT_PARTNER_CREDIT_MS = 100,    /* Between grants of what the rate gives; chosen. */
    WEFT_PARTNER_STOPPED_MS = 60000, /* After strikes: so long he is left alone. */
};

/* What a waiter waits for: its request id. */
enum weft_partner_act {
    WEFT_PARTNER_SIGNS,
    WEFT_PARTNER_STEPS,
    WEFT_PARTNER_KEEPS,    /* Receipt, sure, fence, refusal, evidence of a partner. */
    WEFT_PARTNER_FENCES,   /* FENCE, then recovery begins. */
    WEFT_PARTNER_RECOVERS, /* RECOVER, REWIND. */
    WEFT_PARTNER_TAKES,    /* HEAD, BATCH. */
    WEFT_PARTNER_FREEZES,  /* EVIDENCE of what was found here. */
    WEFT_PARTNER_FILES,    /* FILE. */
    WEFT_PARTNER_ACTS
};

struct weft_partner_out {
    void *conn; /* On which the last hello came; NULL: none. */
    struct weft_sender sender;
    struct weft_partner_frame frame;
    struct weft_recovery recovery;
    struct weft_partner_signing signing;
    struct weft_buffer note; /* Newest head with enough signatures; empty: none. */
    struct weft_merkle_head head;
    bool was_greeted, is_contradicted; /* By hellos; by the last one: nothing is signed. */
    bool is_signing, is_stepping, is_fencing, is_recovering; /* Such an entry is under way. */
    const struct weft_terms *unheard; /* By which a receipt did not count; NULL: none. */
    uint32_t keeping;                 /* Items under way. */
    uint64_t sign_ms;                 /* The next head at the earliest, ... */
    uint64_t step_ms;                 /* ...and the next step, after one that was refused. */
    uint32_t texts;                   /* Refusals and evidence that went into the log lately. */
    uint64_t texts_ms;
    uint64_t receipt_size; /* Of the largest receipt that was proposed. */
    uint64_t behind_ms;    /* Since when something is not acknowledged; 0: nothing. */
    uint64_t ask_ms;       /* When a hello is asked for; 0: it is not. */
    uint64_t bytes;        /* Of records that were sent, ... */
    uint64_t beside;       /* ...and of all else that was said with them. */
};

struct weft_partner_in {
    void *conn; /* On which the hello went; NULL: none. */
    struct weft_receiver receiver;
    bool is_judging;
    struct weft_buffer waiting[WEFT_PARTNER_WAITING_MAX]; /* Oldest first. */
    uint32_t waiting_count;
    struct weft_partner_entry pending[WEFT_PARTNER_PENDING_MAX];
    uint32_t pending_count;
    struct weft_partner_window window;
    /* A head's message that contradicts the one judged before it; until that one is applied. */
    struct weft_buffer rival;
    bool wants_hello;
    uint64_t hello_ms, pause_ms;      /* At the earliest; the next pause. */
    const struct weft_terms *stopped; /* By which he is left alone; NULL: he is not. */
    /* Statements that the agreement's rate lets come now, a second's at most. */
    uint64_t tokens, tokens_ms;
    uint64_t credit_ms;         /* The next grant without a receipt, at the earliest. */
    uint64_t heard_ms, said_ms; /* When something last came, or was said hello; the latter. */
    bool is_astray;             /* Since then something came by another connection. */
    bool owes_receipt;
    struct weft_partner_repeat repeat;
    struct weft_partner_signing receipt, refusal;
    struct weft_buffer note;          /* Newest receipt. */
    uint64_t receipt_size;            /* Of the one that was asked for last. */
    uint64_t refuse_from, refuse_end; /* Statements that are to be refused. */
    uint64_t behind_ms, bytes, faults;
    uint64_t beside; /* That was said of them: hellos, credit, receipts, refusals. */
};

/* One agreement. */
struct weft_partner_exchange {
    uint32_t number;
    struct weft_partner_out out;
    struct weft_partner_in in;
    struct weft_partner_set *set; /* partner_set.h; NULL: nothing of it yet. */
    struct weft_partner_offer offer;
};

struct weft_partner_peer {
    void *conn; /* NULL: the place is free. */
    char site[WEFT_STREAM_NAME_SIZE_MAX + 1];
    /* Hello: its last one was that one of all. Called: and is up; 0: was not, or was heard. */
    uint64_t tokens, refilled_ms, hello, called_ms;
    bool is_paused, is_full, knows_questions; /* Its queue; until drained; by its last hello. */
};

struct weft_partners {
    struct weft_partners_options options;
    char principal[WEFT_PRINCIPAL_URI_SIZE];
    struct weft_partner_sign sign;
    struct weft_partner_judge *judge;
    struct weft_state *state; /* Of the call under way; NULL: none yet. */
    bool is_leading, is_closing;
    uint32_t generation, step_from; /* Generation: rises with each change of leadership. */
    uint64_t leader_id, now_ms, deadline_ms, led_ms, hellos; /* Led: since when. */
    int64_t now_ns;
    struct weft_partner_peer peers[WEFT_PARTNERS_CONNS_MAX];
    uint32_t peer_end; /* Behind the last that is used. */
    struct weft_partner_exchange **exchanges;
    uint32_t exchange_count;
    struct weft_partner_guests guests;
    struct weft_arena arena; /* Of one message. */
    struct weft_buffer scratch, body;
    uint32_t set_own, set_their, set_jobs; /* Comparisons that are under way. */
    atomic_bool is_set_over;
    bool is_judge_closed;
    void (*on_closed)(void *ctx);
    void *closed_ctx;
};

/* --- partners.c ------------------------------------------------------------------------------ */

/* The state, for the call that begins; false: there is none. */
bool weft_partners_begin(struct weft_partners *p);
/* An agreement that is or was in force: an offer has no streams, and nothing is judged by it. */
bool weft_partners_find_agreed(
    const struct weft_partners *p, struct weft_text name, struct weft_agreement *ret_agreement);
/* NULL: there is none of that number. */
struct weft_partner_exchange *weft_partners_exchange(
    const struct weft_partners *p, uint32_t number);
/* Closing: one of what is closed is; then all may go. */
void weft_partners_closed(struct weft_partners *p);
/* Turn again at that time. */
void weft_partners_due(struct weft_partners *p, uint64_t ms);
/* WEFT_OK: done is called for it. */
WEFT_MUST_USE enum weft_err weft_partners_propose(struct weft_partners *p,
    const struct weft_partner_exchange *x, const struct weft_agreement *a,
    enum weft_partner_act act, const struct weft_stream_entry *entry);
WEFT_MUST_USE enum weft_err weft_partners_send(
    struct weft_partners *p, void *conn, const struct weft_partner_message *message);
/* The same of one that is encoded already. */
WEFT_MUST_USE enum weft_err weft_partners_send_bytes(
    struct weft_partners *p, void *conn, struct weft_bytes bytes);
/* A warning of that event, what was wrong in `msg`, and what happens `next`. */
void weft_partners_log_fault(const struct weft_agreement *a, const char *event,
    enum weft_stream_fault fault, const struct weft_msg *msg, const char *next);
/* The connection for hellos to that site; NULL: none. */
void *weft_partners_conn(const struct weft_partners *p, struct weft_text site);
/* May something large be read for an answer on that connection? */
bool weft_partners_may_answer(const struct weft_partners *p, const void *conn);
/* NOD-242: it was, and so large. */
void weft_partners_charge(struct weft_partners *p, const void *conn, size_t bytes);
/* Is its queue full? */
bool weft_partners_is_full(const struct weft_partners *p, const void *conn);
struct weft_stream_name weft_partners_stream(
    const struct weft_agreement *a, enum weft_direction direction);

/* --- partner_out.c --------------------------------------------------------------------------- */

void weft_partner_out_turn(
    struct weft_partners *p, struct weft_partner_exchange *x, const struct weft_agreement *a);
/* A message about the stream that is sent; `bytes` is all of it. */
void weft_partner_out_hear(struct weft_partners *p, struct weft_partner_exchange *x,
    const struct weft_agreement *a, void *conn, const struct weft_partner_message *m,
    struct weft_bytes bytes);
void weft_partner_out_done(struct weft_partners *p, struct weft_partner_exchange *x,
    const struct weft_agreement *a, enum weft_partner_act act, enum weft_err err);
void weft_partner_out_reset(struct weft_partner_out *out);

/* --- partner_in.c ---------------------------------------------------------------------------- */

void weft_partner_in_turn(
    struct weft_partners *p, struct weft_partner_exchange *x, const struct weft_agreement *a);
void weft_partner_in_hear(struct weft_partners *p, struct weft_partner_exchange *x,
    const struct weft_agreement *a, void *conn, const struct weft_partner_message *m,
    struct weft_bytes bytes);
void weft_partner_in_judged(struct weft_partners *p, struct weft_partner_exchange *x,
    const struct weft_agreement *a, struct weft_partner_job *job);
void weft_partner_in_done(struct weft_partners *p, struct weft_partner_exchange *x,
    const struct weft_agreement *a, enum weft_partner_act act, enum weft_err err);
/* A head came otherwise that contradicts the one that is known: it is looked at in a turn. */
void weft_partner_in_suspect(
    struct weft_partners *p, struct weft_partner_exchange *x, struct weft_bytes head);
/* A hello is said, soon. */
void weft_partner_in_greet_again(struct weft_partners *p, struct weft_partner_in *in);
void weft_partner_in_reset(struct weft_partner_in *in);
bool weft_partner_in_is_full(const struct weft_partner_in *in);

#endif
