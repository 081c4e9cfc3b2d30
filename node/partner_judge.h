/* node/partner_judge.h: heads and batches of partners, judged on threads of their own.
 *
 * A batch of a thousand statements takes milliseconds and a head's signatures some 60 us each, so
 * neither is judged on the loop. A job has all that it needs: a copy of the connection's state, the
 * terms, the message. Of each stream one is on its way, so whoever sends much waits for himself
 * alone. What comes out is looked at on the loop. */
#ifndef WEFT_NODE_PARTNER_JUDGE_H
#define WEFT_NODE_PARTNER_JUDGE_H

#include <uv.h>

#include "federation/receiver.h"
#include "node/state/streams.h"

enum {
    WEFT_PARTNER_JUDGE_THREADS_MAX = 4,
    WEFT_JOB_RUNS_MAX = 64, /* Messages of one window. */
};

/* Of one message. */
struct weft_partner_job {
    struct weft_partner_job *next;
    /* What is asked; the job owns them. */
    uint32_t number;     /* Of the agreement. */
    uint64_t session;    /* Of the receiver when it was asked, ... */
    uint32_t generation; /* ...and of whoever asks. */
    struct weft_receiver receiver;
    const struct weft_terms *terms; /* Retained. */
    struct weft_buffer message;
    int64_t now_ns;
    struct weft_window_run runs[WEFT_JOB_RUNS_MAX]; /* PROOF, LEAVES: of which. */
    uint32_t run_count;
    /* The answer. */
    enum weft_receiver_act act;
    enum weft_stream_fault fault;
    struct weft_receiver_entry entry;
    bool is_window;                 /* Of a window; PROPOSES: all of it is proven. */
    struct weft_bytes items;        /* MORE, LEAVES: in the message. */
    struct weft_window_run run;     /* MORE, LEAVES: what was judged. */
    struct weft_merkle_right right; /* PROOF, LEAVES. */
    struct weft_msg msg;
    struct weft_arena arena; /* Of the entry. */
};

struct weft_partner_judge;

struct weft_partner_judge_options {
    uv_loop_t *loop;
    uint32_t threads; /* 0: none; somebody calls weft_partner_judge_work. */
    void *ctx;
    /* Once for each job, on the loop, never before ask returns. It is freed afterwards. */
    void (*on_judged)(void *ctx, struct weft_partner_job *job);
};

/* WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_partner_judge_open(
    const struct weft_partner_judge_options *options, struct weft_partner_judge **ret_judge,
    struct weft_msg *msg);
/* Nothing follows. Asynchronous. */
void weft_partner_judge_close(
    struct weft_partner_judge *judge, void (*on_closed)(void *ctx), void *ctx);

/* A job that takes the message, to be filled in; NULL: no memory. */
struct weft_partner_job *weft_partner_job_make(struct weft_buffer *message);
void weft_partner_job_free(struct weft_partner_job *job);
/* Takes the job. */
void weft_partner_judge_ask(struct weft_partner_judge *judge, struct weft_partner_job *job);
/* What a thread does: judges one. Any thread. False: there is none. */
bool weft_partner_judge_work(struct weft_partner_judge *judge);
/* Without threads: what was judged goes to on_judged. */
void weft_partner_judge_settle(struct weft_partner_judge *judge);

#endif
