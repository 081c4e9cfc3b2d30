/* node/questions.h: the leader asks partners what is inside of a thing, and answers what they ask.
 *
 * A question of a client ("ask/ASSET"), or of a partner, is looked at on a thread, in a view
 * (node/state/ask.h). Where this site's own records end at a partner who may be asked, he is; what
 * all of them answer, and who did not, is the answer. Nothing of it is kept: a question is lost
 * with leadership, and asked again. Rules: node/README.md, "Questions to partners". The loop's. */
#ifndef WEFT_NODE_QUESTIONS_H
#define WEFT_NODE_QUESTIONS_H

#include <sys/queue.h>

#include "node/proposer.h"
#include "node/question_gate.h"
#include "node/state/streams.h"
#include "proto/client.h"

struct weft_node;

enum {
    WEFT_QUESTIONS_MAX = 256,         /* Questions under way; chosen: some MiB. */
    WEFT_QUESTIONS_PARTNER_MAX = 64,  /* Of them one agreement's. */
    WEFT_QUESTIONS_CLIENTS_MAX = 128, /* Of them of clients. */
    WEFT_QUESTIONS_PARTNERS_MAX = WEFT_QUESTIONS_MAX - WEFT_QUESTIONS_CLIENTS_MAX, /* All. */
    WEFT_QUESTIONS_JOBS = 2, /* Looked at at once: the pool is reads', too. */
    /* Memory of all of them, and of those of one agreement, or of clients, beside what is looked at
     * just now; chosen. */
    WEFT_QUESTIONS_BYTES = 64 * 1024 * 1024,
    WEFT_QUESTIONS_BYTES_OF_ONE = 16 * 1024 * 1024,
    WEFT_QUESTIONS_WAIT_MS = 5000, /* If whoever asks does not say. */
    /* A partner is given less time than there is, so that his answer is in time: an eighth less,
     * and this; with less than the least nobody is asked on. */
    WEFT_QUESTIONS_MARGIN_MS = 10,
    WEFT_QUESTIONS_LEAST_MS = 20,
};

/* Zero-initialized, but for weft_questions_init, is ready. */
struct weft_questions {
    TAILQ_HEAD(weft_asks, weft_ask) asks; /* As they came. */
    uint32_t count, jobs;
    uint64_t next_id;
    struct weft_question_gate gate;
    bool is_closed;
    /* For status and the log. */
    uint64_t asked, answered;
    void (*on_closed)(void *ctx);
    void *ctx;
};

void weft_questions_init(struct weft_questions *questions);
/* Is it a client's question? Then it is answered later (NOD-8). */
bool weft_questions_hold(struct weft_node *node, const struct weft_query *query,
    const struct weft_waiter *waiter, uint64_t now_ms);
/* What a partner asks or answers under that agreement. False: it is not what its kind says. */
bool weft_questions_hear(struct weft_node *node, const struct weft_agreement *agreement,
    bool is_question, struct weft_bytes body);
/* In a turn, behind what was applied. */
void weft_questions_turn(struct weft_node *node, uint64_t now_ms);
uint64_t weft_questions_deadline(const struct weft_node *node);
/* No view is open, and none is opened any more until the next turn. */
bool weft_questions_is_idle(const struct weft_node *node);
void weft_questions_close(struct weft_node *node, void (*on_closed)(void *ctx), void *ctx);

#endif
