/* node/warrants.h: notes that say for whom a request is, verified on threads of their own.
 *
 * A signature takes some 60 us, and 64 of them a turn: so they are queued, and verified a few at
 * a time. The queue is fair: whoever asks has a share of it, and shares take turns, so that a flood
 * waits for itself. Who brings many notes that do not count is not listened to for a while. Tokens
 * that were verified are kept until they are over or what governs the site changes. The loop's, but
 * for the threads, which touch only what they took. Rules: node/README.md, "For whom a request
 * is". */
#ifndef WEFT_NODE_WARRANTS_H
#define WEFT_NODE_WARRANTS_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "node/proposer.h"
#include "node/state/authority.h"
#include "policy/warrant.h"
#include "proto/bytes.h"
#include "proto/err.h"

enum {
    WEFT_WARRANTS_THREADS_MAX = 4,
    WEFT_WARRANTS_WAITING_MAX = 16384, /* chosen: a second of one thread */
    WEFT_WARRANTS_SHARE_MAX = 4096,    /* of them one bringer's: limits.requests by default */
    WEFT_WARRANTS_BYTES_MAX = 64 * 1024 * 1024,
    WEFT_WARRANTS_SHARE_BYTES_MAX = 16 * 1024 * 1024,
    WEFT_WARRANTS_SHARES_MAX = 1024, /* bringers at a time, those in disgrace included */
    WEFT_WARRANTS_FAULTS_MAX = 64,   /* notes that did not count, at once... */
    WEFT_WARRANTS_FAULT_MS = 250,    /* ...and one more each */
    WEFT_WARRANTS_PENALTY_MS = 1000, /* so long nothing is read from who has had them */
    WEFT_WARRANTS_TOKENS_MAX = 4096, /* that are kept */
    WEFT_WARRANTS_IDS_MAX = 16384,   /* of signed requests; 15 min of 18/s */
};

/* A request with a note. */
struct weft_warrants_question {
    struct weft_waiter waiter;
    uint64_t share; /* One number for all that come from one: weft_warrants_share. */
    struct weft_text note;
    uint32_t kind;             /* Of the request; 0: tokens alone count. */
    struct weft_bytes request; /* Its table. */
    struct weft_authority *authority;
    uint64_t index;  /* The next entry's. */
    int64_t time_ns; /* Wall clock. */
    uint64_t now_ms; /* Monotonic. */
};

struct weft_warrants_verdict {
    struct weft_waiter waiter;
    enum weft_err err; /* WEFT_OK: `warranted` counts. WEFT_EBUSY: not looked at. */
    struct weft_warranted warranted;
    uint32_t kind;
    struct weft_bytes request; /* Borrowed; at a multiple of 8. */
    struct weft_msg msg;       /* Why not: for the log, not for who asked. */
};

struct weft_warrants_options {
    uv_loop_t *loop;
    const char *org; /* Ours. */
    const char *site;
    uint32_t threads; /* 0: none; somebody calls weft_warrants_work. */
    void *ctx;
    /* Once for each question that was taken, never before weft_warrants_ask returns. */
    void (*on_verdict)(void *ctx, const struct weft_warrants_verdict *verdict);
    /* The penalty of one that was given to weft_warrants_penalize is over. */
    void (*on_calm)(void *ctx, const struct weft_waiter *waiter);
};

struct weft_warrants_figures {
    uint64_t verified; /* Notes that counted... */
    uint64_t refused;  /* ...and did not. */
    uint64_t recalled; /* Tokens that were known. */
    uint64_t dropped;  /* Not looked at: of a full share, or in disgrace. */
    uint32_t waiting;
};

struct weft_warrants;

/* WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_warrants_open(const struct weft_warrants_options *options,
    struct weft_warrants **ret_warrants, struct weft_msg *msg);
/* No verdict follows. Asynchronous. */
void weft_warrants_close(struct weft_warrants *w, void (*on_closed)(void *ctx), void *ctx);

uint64_t weft_warrants_share(const char *bringer);

struct weft_warrants_answer {
    bool is_known; /* A token that was verified before: `warranted` counts. No verdict follows. */
    bool is_disgraced; /* With WEFT_EBUSY: too many notes of the share did not count. */
    struct weft_warranted warranted;
};

/* Copies what it needs. WEFT_EBUSY: the queue or the share is full, or in disgrace; WEFT_ENOMEM: no
 * verdict follows. */
WEFT_MUST_USE enum weft_err weft_warrants_ask(struct weft_warrants *w,
    const struct weft_warrants_question *question, struct weft_warrants_answer *ret_answer);
/* What a thread does: takes some questions, so many, and verifies them. Any thread. */
uint32_t weft_warrants_work(struct weft_warrants *w);

/* Calls on_calm for the waiter WEFT_WARRANTS_PENALTY_MS from now. False: no room. */
bool weft_warrants_penalize(
    struct weft_warrants *w, const struct weft_waiter *waiter, uint64_t now_ms);

/* A signed request that is no commit happens once on a node. WEFT_ECONFLICT: the id was there
 * before. WEFT_EBUSY: no room to remember it. */
WEFT_MUST_USE enum weft_err weft_warrants_note_id(
    struct weft_warrants *w, const struct weft_request_id *id, int64_t until_ns, int64_t now_ns);

void weft_warrants_figures(const struct weft_warrants *w, struct weft_warrants_figures *ret);

/* What is told of a note that does not count: nothing but a number, under which the log says why.
 * Returns the code that is told. */
enum weft_err weft_warrants_tell(const char *door, const char *bringer, enum weft_err err,
    const struct weft_msg *why, struct weft_msg *ret_detail);

#endif
