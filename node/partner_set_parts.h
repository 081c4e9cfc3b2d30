/* node/partner_set_parts.h: what the files of node/partner_set*.c share. Private to them. */
#ifndef WEFT_NODE_PARTNER_SET_PARTS_H
#define WEFT_NODE_PARTNER_SET_PARTS_H

#include <stdatomic.h>

#include "federation/reconcile.h"
#include "federation/set_message.h"
#include "federation/trie_list.h"
#include "node/partner_set.h"
#include "node/state/cells.h"
#include "node/state/state.h"
#include "node/state/yield.h"

/* What a thread has: the set as it was read, and the comparison. Nobody else's while it is out. */
struct weft_set_work {
    uv_work_t work;
    struct weft_partners *partners;
    uint32_t number, generation; /* Of the exchange, and of leadership. */
    bool is_forgotten;           /* Nobody waits for it any more. */
    struct weft_view *view;      /* To be read; NULL: it was. */
    char agreement[WEFT_CONTRACT_NAME_SIZE_MAX + 1];
    struct weft_trie_list list;
    struct weft_reconcile machine;
    struct weft_buffer in, out; /* A turn that came, empty: this side begins; the answer. */
    struct weft_digest lacking[WEFT_PARTNER_SET_LACKING_MAX];
    uint32_t lacking_count;
    uint64_t spent_ns; /* Of a thread. */
    struct weft_yield yield;
    enum weft_err err;
    struct weft_msg msg;
};

enum weft_set_phase {
    WEFT_SET_IDLE,
    WEFT_SET_COMPARES, /* A job is out, or the partner's turn is waited for. */
    WEFT_SET_MENDS,    /* What is lacking is wanted, and filed. */
};

/* What the last one came to. */
enum weft_set_result {
    WEFT_SET_NEVER,
    WEFT_SET_EQUAL,   /* The same digest, at one place of both streams. */
    WEFT_SET_DIFFERS, /* Another one, and nothing was found lacking that could be filed. */
    WEFT_SET_MENDED,  /* What was lacking here is filed; a hello will tell. */
    WEFT_SET_UNDONE,  /* It did not come to an end: `why`. */
    WEFT_SET_RESULTS
};

struct weft_set_named {
    struct weft_digest statement;
    char why[64];
};

/* Of one agreement. */
struct weft_partner_set {
    enum weft_set_phase phase;
    bool is_first;           /* This side began it. */
    bool is_working;         /* `work` is out. */
    bool wants;              /* One is to be begun, ... */
    uint64_t asked_until_ms; /* ...and an operator waits for it until then; 0: nobody does. */
    uint64_t session, begun_ms, deadline_ms;
    void *conn;
    uint64_t sent, received; /* Where both streams stand here, and the digest there. */
    struct weft_digest shared, their_shared;
    struct weft_set_work *work;
    uint32_t turns;
    uint64_t bytes, spent_ms;
    /* What is lacking here, ascending: wanted up to `wanted`, given up to `given`, and so many of
     * those are in no entry, or in one that is over. */
    struct weft_digest lacking[WEFT_PARTNER_SET_LACKING_MAX];
    uint32_t lacking_count, wanted, given, filing;
    uint32_t filing_of[WEFT_SET_WANT_MAX]; /* Entries under way, oldest first. */
    /* What the partner wants: of the last session that was compared to its end, whichever has begun
     * since; so many statements. */
    uint64_t served_session;
    void *served_conn; /* NULL: of none. */
    uint32_t served;
    /* By the partner's last hello. */
    bool knows, is_told, has_differed;
    struct weft_digest told;
    /* The last one that was compared to its end, not to be compared again. */
    struct weft_digest done_own, done_their;
    uint64_t own_next_ms, their_next_ms; /* When either side may begin one. */
    /* For status. */
    enum weft_set_result result;
    char why[64];
    int64_t at_ns;
    uint32_t statements, found, filed, given_away, named_count;
    struct weft_set_named named[WEFT_PARTNER_SET_NAMED_MAX];
    uint64_t compared_total, lacked_total, filed_total, faults_total;
    bool differs; /* By the last hello, or comparison. */
};

/* --- partner_set_work.c ----------------------------------------------------------------------- */

/* A job over the applied state. WEFT_ENOMEM, and what opening a view says. */
WEFT_MUST_USE enum weft_err weft_set_work_make(struct weft_partners *p, uint32_t number,
    const struct weft_agreement *a, struct weft_set_work **ret_work, struct weft_msg *msg);
/* Read what is to be read, and take the turn that is in `in`; weft_partner_set_worked follows, not
 * before this returns where there are threads. */
void weft_set_work_begin(struct weft_set_work *work);
void weft_set_work_free(struct weft_set_work *work); /* Not while it is out. */

/* --- partner_set.c ---------------------------------------------------------------------------- */

void weft_partner_set_worked(
    struct weft_partners *p, struct weft_partner_exchange *x, const struct weft_agreement *a);
/* The partner has the word, and not for ever. */
void weft_partner_set_wait(struct weft_partners *p, struct weft_partner_set *set);
/* It is over; the partner is told `end` if he may wait. */
void weft_partner_set_finish(struct weft_partners *p, struct weft_partner_exchange *x,
    const struct weft_agreement *a, enum weft_set_result result, const char *why);
WEFT_MUST_USE enum weft_err weft_partner_set_send(struct weft_partners *p,
    const struct weft_agreement *a, void *conn, const struct weft_set_message *m);

/* --- partner_set_mend.c ----------------------------------------------------------------------- */

/* Both have told what they have: what is lacking here is wanted. */
void weft_partner_set_mend(
    struct weft_partners *p, struct weft_partner_exchange *x, const struct weft_agreement *a);
void weft_partner_set_serve(struct weft_partners *p, struct weft_partner_exchange *x,
    const struct weft_agreement *a, void *conn, const struct weft_set_message *m);
void weft_partner_set_take(struct weft_partners *p, struct weft_partner_exchange *x,
    const struct weft_agreement *a, const struct weft_set_message *m);

#endif
