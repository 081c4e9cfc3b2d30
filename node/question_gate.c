#include "node/question_gate.h"

#include <stdlib.h>

struct weft_question_partner *weft_question_gate_at(
    struct weft_question_gate *gate, uint32_t agreement, uint64_t now_ms)
{
    if (agreement >= gate->count) {
        const uint32_t count = agreement + 16;
        struct weft_question_partner *more = realloc(gate->partners, count * sizeof(*more));
        if (more == NULL) {
            return NULL;
        }
        for (uint32_t i = gate->count; i < count; i++) {
            more[i] = (struct weft_question_partner){.bucket = {WEFT_QUESTIONS_BURST, now_ms}};
        }
        gate->partners = more;
        gate->count = count;
    }
    return &gate->partners[agreement];
}

bool weft_question_gate_take(struct weft_question_gate *gate, uint32_t agreement, uint64_t now_ms)
{
    struct weft_question_partner *p = weft_question_gate_at(gate, agreement, now_ms);
    if (p == NULL) {
        return false;
    }
    weft_bucket_refill(&p->bucket, WEFT_QUESTIONS_BURST, WEFT_QUESTIONS_TOKEN_MS, now_ms);
    const bool may = p->bucket.left > 0;
    weft_bucket_take(&p->bucket, 0);
    return may;
}

void weft_question_gate_look(struct weft_question_gate *gate, uint32_t agreement, uint64_t now_ms)
{
    struct weft_question_partner *p = weft_question_gate_at(gate, agreement, now_ms);
    if (p != NULL) {
        p->looked = ++gate->looks;
    }
}

bool weft_question_gate_is_before(
    const struct weft_question_gate *gate, uint32_t agreement, uint32_t other)
{
    return weft_question_gate_figures(gate, agreement).looked <
           weft_question_gate_figures(gate, other).looked;
}

void weft_question_gate_open(struct weft_question_gate *gate, uint32_t agreement, uint64_t now_ms)
{
    struct weft_question_partner *p = weft_question_gate_at(gate, agreement, now_ms);
    if (p != NULL) {
        p->open++;
    }
}

void weft_question_gate_end(struct weft_question_gate *gate, uint32_t agreement)
{
    if (agreement < gate->count && gate->partners[agreement].open > 0) {
        gate->partners[agreement].open--;
    }
}

uint32_t weft_question_gate_yields(const struct weft_question_gate *gate, uint32_t agreement)
{
    uint32_t most = weft_question_gate_figures(gate, agreement).open + 1, whose = UINT32_MAX;
    for (uint32_t i = 0; i < gate->count; i++) {
        if (gate->partners[i].open > most) {
            most = gate->partners[i].open;
            whose = i;
        }
    }
    return whose;
}

bool weft_question_gate_visit(
    struct weft_question_gate *gate, uint32_t agreement, const struct weft_tiers_question *question)
{
    struct weft_digest key = weft_tiers_visit(&question->query, &question->subject);
    for (uint32_t i = 0; i < sizeof(agreement); i++) {
        key.bytes[i] ^= (uint8_t)(agreement >> (8 * i));
    }
    if (gate->visited == NULL) {
        gate->visited = calloc(WEFT_QUESTIONS_VISITED_MAX, sizeof(*gate->visited));
    }
    for (uint32_t i = 0; gate->visited != NULL && i < WEFT_QUESTIONS_VISITED_MAX; i++) {
        if (weft_digest_equal(&gate->visited[i], &key)) {
            return false;
        }
    }
    if (gate->visited != NULL) {
        gate->visited[gate->visited_next++ % WEFT_QUESTIONS_VISITED_MAX] = key;
    }
    return gate->visited != NULL;
}

struct weft_question_partner weft_question_gate_figures(
    const struct weft_question_gate *gate, uint32_t agreement)
{
    return agreement < gate->count ? gate->partners[agreement]
                                   : (struct weft_question_partner){.looked = 0};
}

void weft_question_gate_close(struct weft_question_gate *gate)
{
    free(gate->visited);
    free(gate->partners);
    *gate = (struct weft_question_gate){.count = 0};
}
