/* node/partner_window.h: what a partner sent without a proof, held until that comes.
 *
 * Private to node/partner*.c. Of each stream a bound is held, and of all (federation/README.md,
 * Windows). */
#ifndef WEFT_NODE_PARTNER_WINDOW_H
#define WEFT_NODE_PARTNER_WINDOW_H

#include "node/partner_judge.h"

enum {
    /* Without a proof are held, of one stream and twice that while the half is proposed, and of
     * all: items and their hashes; chosen: some 35,000 statements of 450 bytes. A message more at
     * most. */
    WEFT_PARTNER_WINDOW_BYTES = 16 * 1024 * 1024,
    WEFT_PARTNER_WINDOWS_BYTES = 64 * 1024 * 1024,
    WEFT_PARTNER_HELD_MAX = WEFT_JOB_RUNS_MAX, /* Messages of one stream. */
    /* Who is far behind says so rarely what he has: nothing waits for that but who looks on. */
    WEFT_PARTNER_RECEIPT_MS = 30000,
    WEFT_PARTNER_FAR_LEAVES = 2048,       /* So many are missing; chosen. */
    WEFT_PARTNER_AGAIN_RECEIPT_MS = 1000, /* Until his hello tells which receipts he has; chosen. */
    WEFT_PARTNER_CALLED_MS = 100,         /* Until something is said to who is called; chosen. */
};

struct weft_partners;
struct weft_partner_exchange;
struct weft_partner_in;
struct weft_partner_message;

/* Of a window: a message whose leaves are judged, and not all proposed. */
struct weft_partner_held {
    struct weft_buffer message;
    struct weft_bytes items; /* In the message. */
    struct weft_window_run run;
    uint64_t cost;
    bool is_proven;
    uint64_t head_size; /* Under which it is proven. */
    uint32_t next;      /* Part that is proposed next. */
};

/* The last receipt, which may be lost. */
struct weft_partner_repeat {
    bool is_asked;         /* For a hello, with which all is said again. */
    uint64_t acknowledged; /* By the partner's last hello on this connection; 0: he said none. */
    uint64_t due_ms;       /* When it is said again; 0: it is not. */
};

/* Proposed, and not looked at yet. */
struct weft_partner_entry {
    bool is_batch;
    uint64_t session;    /* It was judged in. */
    uint64_t first, end; /* Of a batch: its leaves, then what of them went to quarantine. */
    bool is_done;
    enum weft_err err;
};

struct weft_partner_window {
    struct weft_partner_held held[WEFT_PARTNER_HELD_MAX]; /* Oldest first; proven before others. */
    uint32_t held_count;
    uint64_t receipt_ms; /* The next one at the earliest, of who is far behind. */
};

/* What a hello says of windows; its session names the stream. */
uint64_t weft_partner_window_offer(const struct weft_partners *p, struct weft_partner_exchange *x);
void weft_partner_window_drop(struct weft_partner_in *in);
/* The connection is gone, and with it what came by it without a proof. */
void weft_partner_window_down(struct weft_partner_in *in);
/* A message of a session before came on its connection: a slow link still brings what was under way
 * when hello was said, and for so long nothing is lost. */
void weft_partner_window_late(const struct weft_partners *p, struct weft_partner_in *in);
/* Of such a message, by its session: a stream that greeted on that connection. NULL: none.
 */
struct weft_partner_exchange *weft_partner_window_of(
    const struct weft_partners *p, const void *conn, const struct weft_partner_message *m);
/* May the oldest message that waits be judged now? */
bool weft_partner_window_may_judge(const struct weft_partner_in *in);
/* What a job for it needs of what is held. */
void weft_partner_window_ask(struct weft_partner_in *in, struct weft_partner_job *job);
/* It was judged, to be held; LEAVES: with what was held before. False: there is no room, and it
 * begins anew without windows. */
bool weft_partner_window_hold(
    struct weft_partners *p, struct weft_partner_in *in, struct weft_partner_job *job);
/* All that is held is proven. */
void weft_partner_window_proven(struct weft_partner_in *in, struct weft_partner_job *job);
/* Propose what is proven, as far as there is room. False: that failed, and it begins anew. */
bool weft_partner_window_propose(
    struct weft_partners *p, struct weft_partner_exchange *x, const struct weft_agreement *a);

#endif
