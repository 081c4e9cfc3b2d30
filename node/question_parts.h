/* node/question_parts.h: what questions.c and question_answers.c share: one question under way. */
#ifndef WEFT_NODE_QUESTION_PARTS_H
#define WEFT_NODE_QUESTION_PARTS_H

#include "node/node.h"
#include "node/state/ask.h"
#include "node/state/yield.h"
#include "node/wall.h"
#include "policy/principal.h"

enum {
    /* Of what partners told for one; chosen: with holes and heads of parts WEFT_TIERS_SIZE_MAX is
     * enough. */
    WEFT_QUESTION_TOLD_MAX = 2 * 1024 * 1024,
    WEFT_QUESTION_MEMORY_MAX = 16 * 1024 * 1024, /* of one, with what is answered to it; chosen */
};

/* A partner that was asked of one thing. */
struct asked {
    uint64_t id;
    bool is_open;
};

/* One question under way. */
struct weft_ask {
    TAILQ_ENTRY(weft_ask) next;
    struct weft_node *node;
    uv_work_t work;
    bool is_looking, has_looked;
    struct weft_arena arena; /* All texts. */
    uint64_t deadline_ms;
    uint64_t term;
    /* Of a client. */
    bool is_own;
    struct weft_waiter waiter;
    struct weft_query query;
    /* Of a partner. */
    struct weft_text agreement;
    uint32_t number; /* The agreement's. */
    bool is_counted; /* Of those that he has under way (question_gate.h). */
    struct weft_ask_question question;
    struct weft_digest root; /* The question's id on all tiers. */
    char principal[WEFT_PRINCIPAL_URI_SIZE];
    /* The look. */
    struct weft_view *view;
    struct weft_yield yield;
    struct weft_ask_look look;
    struct weft_ask_found found;
    enum weft_err err;
    struct weft_msg msg;
    /* What came. */
    struct asked asked[WEFT_ASK_ONWARD_MAX];
    uint32_t open;
    size_t told_bytes;                /* Of answers that were taken. */
    struct weft_tiers_answer answer;  /* Of each in his own name, ... */
    struct weft_tiers_answer relayed; /* ...and in names of others. */
};

/* "<org>/<site>" of this node. */
struct weft_question_site {
    char text[WEFT_STREAM_NAME_SIZE_MAX + 1];
};

struct weft_question_site weft_question_own_site(const struct weft_node *node);

static inline uint64_t weft_question_wall_ms(void)
{
    return (uint64_t)(weft_wall_ns() / 1000000);
}

WEFT_MUST_USE enum weft_err weft_question_add(
    struct weft_tiers_answer *answer, const struct weft_tiers_part *part);
/* At the end: what others were said to say. */
WEFT_MUST_USE enum weft_err weft_question_add_relayed(struct weft_ask *ask);
/* A partner's that nobody looks at: it is answered `busy`, and gone. */
void weft_question_yield(struct weft_ask *ask);
/* Are its kind's, and all, within their bounds, with so much more of it? Where all is taken,
 * partners' questions give way until it is, but for whoever holds no more than its own. */
bool weft_question_has_room(const struct weft_ask *ask, size_t bytes);
/* What this site says of that thing ends there: by name. */
void weft_question_leave(
    struct weft_ask *ask, const struct weft_ask_onward *on, enum weft_ask_fault fault);
/* What the partner of `a` answered of the thing at that place; it is closed already. */
void weft_question_take(struct weft_ask *ask, uint32_t place, const struct weft_agreement *a,
    const struct weft_ask_answer *answer);
/* For status: of the agreement of that number. */
void weft_question_count_refused(struct weft_node *node, uint32_t agreement, bool is_question);

#endif
