/* node/question_gate.h: how much of each partner's questions is taken, and what was refused of him.
 *
 * In memory, of this node's time as it runs: agreements by their number. No clock; the loop's.
 * Rules: node/README.md, "Questions to partners". */
#ifndef WEFT_NODE_QUESTION_GATE_H
#define WEFT_NODE_QUESTION_GATE_H

#include "federation/cells/ask.h"
#include "node/bucket.h"

enum {
    WEFT_QUESTIONS_BURST = 256,   /* Questions of one agreement at once, and one more... */
    WEFT_QUESTIONS_TOKEN_MS = 10, /* ...in so long. */
    WEFT_QUESTIONS_VISITED_MAX = 8192,
};

/* Of one agreement. */
struct weft_question_partner {
    struct weft_bucket bucket;
    uint64_t looked;            /* The last look at one of his was that one of all. */
    uint32_t open;              /* Of his that are under way. */
    uint64_t questions_refused; /* Busy, a loop, no such template: of what he asked. */
    uint64_t answers_refused;   /* That did not count, or that nobody waits for. */
};

/* Zero-initialized is ready. */
struct weft_question_gate {
    struct weft_digest *visited; /* A ring of what was answered. */
    uint32_t visited_next;
    struct weft_question_partner *partners; /* By agreement. */
    uint32_t count;
    uint64_t looks;
};

/* NULL: there is no memory. Good until the next call with another number. */
struct weft_question_partner *weft_question_gate_at(
    struct weft_question_gate *gate, uint32_t agreement, uint64_t now_ms);
/* NOD-277: may that partner ask one more now? */
bool weft_question_gate_take(struct weft_question_gate *gate, uint32_t agreement, uint64_t now_ms);
/* Partners' are looked at in turn: whose is looked at now, and has he waited longer than another?
 * Of two that are alike neither has. */
void weft_question_gate_look(struct weft_question_gate *gate, uint32_t agreement, uint64_t now_ms);
bool weft_question_gate_is_before(
    const struct weft_question_gate *gate, uint32_t agreement, uint32_t other);
/* One of his is under way from now on, or is not any more. */
void weft_question_gate_open(struct weft_question_gate *gate, uint32_t agreement, uint64_t now_ms);
void weft_question_gate_end(struct weft_question_gate *gate, uint32_t agreement);
/* NOD-277: where all places are taken, whose one has to give way to one more of that agreement, so
 * that places come to be shared alike: who has most. UINT32_MAX: nobody has two more than he. */
uint32_t weft_question_gate_yields(const struct weft_question_gate *gate, uint32_t agreement);
/* NOD-278: false: it was answered there already; else it is from now on. That another partner has
 * asked it, who may have had it from this one, does not count. */
bool weft_question_gate_visit(struct weft_question_gate *gate, uint32_t agreement,
    const struct weft_tiers_question *question);
/* Of who has asked and answered nothing, zeros. */
struct weft_question_partner weft_question_gate_figures(
    const struct weft_question_gate *gate, uint32_t agreement);
void weft_question_gate_close(struct weft_question_gate *gate);

#endif
