#include "tests/unit/policy/command/naive_command.h"

#include <stdio.h>
#include <string.h>

static bool in(const struct naive_command *n, const char *states)
{
    char padded[20];
    (void)snprintf(padded, sizeof(padded), " %s ", n->state);
    return strstr(states, padded) != NULL;
}

static enum naive_answer go(struct naive_command *n, const char *state, int64_t now_ns)
{
    if (strcmp(n->state, state) != 0) {
        n->since_ns = now_ns;
    }
    (void)snprintf(n->state, sizeof(n->state), "%s", state);
    return NAIVE_TAKEN;
}

static bool has_passed(int64_t now_ns, int64_t since_ns, uint64_t ms)
{
    return now_ns - since_ns >= (int64_t)ms * 1000000;
}

static void name_of(const struct weft_principal *who, char name[256])
{
    (void)snprintf(name, 256, "%s/%s/%d/%s", who->org, who->site, (int)who->class, who->name);
}

static bool is_own(const struct weft_command_event *e)
{
    char name[256], own[256];
    name_of(&e->approval->approver, name);
    name_of(&e->command->proposer, own);
    return strcmp(name, own) == 0;
}

static bool is_sound(const struct weft_command_judgement *j)
{
    return j->is_known && j->is_of_envelopes && j->is_of_rank && j->is_of_rev &&
           j->fault == WEFT_ENVELOPE_PASSED;
}

static bool is_early(const struct weft_command_judgement *j)
{
    return j->fault == WEFT_ENVELOPE_MOVES || j->fault == WEFT_ENVELOPE_DWELL;
}

static enum naive_answer propose(struct naive_command *n, const struct weft_command_event *e)
{
    struct weft_command_judgement j = *e->judgement;
    if (n->state[0] != '\0') {
        return memcmp(&n->digest, &e->command->digest, sizeof(n->digest)) == 0 ? NAIVE_SAME
                                                                               : NAIVE_NO;
    }
    if (is_early(&j)) {
        j.fault = WEFT_ENVELOPE_PASSED;
    }
    if (e->now_ns > e->command->not_after_ns || !is_sound(&j) || !j.is_next || !j.is_of_policy ||
        j.effect == WEFT_EFFECT_DENY ||
        e->command->signed_ns - e->now_ns > INT64_C(15) * 60 * 1000000000) {
        return NAIVE_NO;
    }
    n->digest = e->command->digest;
    return go(n, j.effect == WEFT_EFFECT_ALLOW ? "APPROVED" : "PROPOSED", e->now_ns);
}

static bool is_good_approval(const struct naive_command *n, const struct weft_command_event *e)
{
    return memcmp(&e->approval->command, &n->digest, sizeof(n->digest)) == 0 &&
           memcmp(e->approval->id, e->command->id, sizeof(e->command->id)) == 0 &&
           e->now_ns <= e->approval->expires_ns &&
           e->approval->signed_ns - e->now_ns <= INT64_C(15) * 60 * 1000000000;
}

static enum naive_answer approve(struct naive_command *n, const struct weft_command_event *e)
{
    char name[256], person[64] = "";
    name_of(&e->approval->approver, name);
    if (e->person.size > 0) {
        (void)snprintf(person, sizeof(person), "%.*s", (int)e->person.size, e->person.data);
    }
    if (!in(n, " PROPOSED APPROVED ") || !is_good_approval(n, e) ||
        e->now_ns > e->command->not_after_ns || is_own(e)) {
        return NAIVE_NO;
    }
    for (int i = 0; i < n->approved; i++) {
        if (memcmp(&n->approvals[i], &e->approval->digest, sizeof(n->digest)) == 0) {
            return NAIVE_SAME;
        }
        if (strcmp(n->names[i], name) == 0 ||
            (person[0] != '\0' && strcmp(n->persons[i], person) == 0)) {
            return NAIVE_NO;
        }
    }
    if (!e->is_permitted || n->approved == 12) {
        return NAIVE_NO;
    }
    n->approvals[n->approved] = e->approval->digest;
    (void)snprintf(n->persons[n->approved], sizeof(n->persons[0]), "%s", person);
    (void)snprintf(n->names[n->approved++], sizeof(n->names[0]), "%s", name);
    return go(n,
        in(n, " PROPOSED ") && e->judgement->effect != WEFT_EFFECT_ALLOW ? "PROPOSED" : "APPROVED",
        e->now_ns);
}

static enum naive_answer turn_down(struct naive_command *n, const struct weft_command_event *e)
{
    if (!is_good_approval(n, e)) {
        return NAIVE_NO;
    }
    if (e->kind == WEFT_COMMAND_REJECT) {
        return in(n, " PROPOSED ") && !is_own(e) && e->is_permitted ? go(n, "REJECTED", e->now_ns)
                                                                    : NAIVE_NO;
    }
    if (!is_own(e) && !e->is_permitted) {
        return NAIVE_NO;
    }
    return in(n, " PROPOSED APPROVED SELECTED ") ? go(n, "CANCELLED", e->now_ns)
           : in(n, " SHADOW CANARY ")            ? go(n, "FAILED", e->now_ns)
                                                 : NAIVE_NO;
}

static enum naive_answer intend(struct naive_command *n, const struct weft_command_event *e)
{
    n->sent++;
    n->is_never_seen = false;
    n->token[0] = e->place.term;
    n->token[1] = e->place.index;
    n->token_ns = e->now_ns;
    n->question[0] = n->question[1] = 0;
    n->finish_ms = e->judgement->finish_ms;
    return go(n, "INTENT", e->now_ns);
}

static enum naive_answer dispatch(struct naive_command *n, const struct weft_command_event *e)
{
    const struct weft_command_judgement *j = e->judgement;
    bool may_again =
        in(n, " INTENT ") && n->is_never_seen && e->command->class != WEFT_COMMAND_CLASS_C;
    bool may =
        in(n, " SELECTED CANARY ") || (in(n, " SHADOW ") && n->is_shadow_through) || may_again;
    if (!may || e->now_ns < e->command->not_before_ns || e->now_ns > e->command->not_after_ns ||
        is_early(j)) {
        return NAIVE_NO;
    }
    if (!is_sound(j) || j->effect != WEFT_EFFECT_ALLOW) {
        return go(n, in(n, " SELECTED ") ? "CANCELLED" : "FAILED", e->now_ns);
    }
    if (may_again) {
        return intend(n, e);
    }
    if (in(n, " SELECTED ") && j->wants_shadow) {
        n->token[0] = e->place.term;
        n->token[1] = e->place.index;
        n->token_ns = e->now_ns;
        n->finish_ms = j->finish_ms;
        return go(n, "SHADOW", e->now_ns);
    }
    if (j->wants_canary && !j->has_canary) {
        return in(n, " CANARY ") ? NAIVE_NO : go(n, "CANARY", e->now_ns);
    }
    return intend(n, e);
}

static enum naive_answer ask(struct naive_command *n, const struct weft_command_event *e)
{
    bool is_asked = n->question[1] != 0;
    uint64_t term = is_asked ? n->question[0] : n->token[0];
    int64_t last_ns = is_asked ? n->question_ns : n->token_ns;
    if (!in(n, " INTENT ") || n->is_never_seen ||
        (e->place.term <= term && !has_passed(e->now_ns, last_ns, 5000))) {
        return NAIVE_NO;
    }
    n->question[0] = e->place.term;
    n->question[1] = e->place.index;
    n->question_ns = e->now_ns;
    return NAIVE_TAKEN;
}

static bool is_all_seen(const struct naive_command *n, const struct weft_command_note *c)
{
    for (uint32_t i = 0; i < c->post_count; i++) {
        if (!n->is_seen[i]) {
            return false;
        }
    }
    return true;
}

static enum naive_answer give_up(struct naive_command *n, const struct weft_command_event *e)
{
    bool is_late = e->now_ns > e->command->not_after_ns;
    uint64_t ms = n->finish_ms + 30000;
    if (in(n, " SHADOW CANARY ")) {
        bool is_stuck =
            in(n, " SHADOW ") && !n->is_shadow_through && has_passed(e->now_ns, n->token_ns, ms);
        return is_late || is_stuck ? go(n, "FAILED", e->now_ns) : NAIVE_NO;
    }
    if (in(n, " INTENT ") && n->is_never_seen) {
        return is_late ? go(n, "FAILED", e->now_ns) : NAIVE_NO;
    }
    if (in(n, " INTENT ")) {
        return has_passed(e->now_ns, n->token_ns, ms) ? go(n, "UNKNOWN", e->now_ns) : NAIVE_NO;
    }
    if (in(n, " DISPATCHED ")) {
        return has_passed(e->now_ns, n->since_ns, ms) ? go(n, "UNKNOWN", e->now_ns) : NAIVE_NO;
    }
    ms = 30000;
    for (uint32_t i = 0; i < e->command->post_count; i++) {
        ms = 30000 + e->command->posts[i].by_ms > ms ? 30000 + e->command->posts[i].by_ms : ms;
    }
    return in(n, " ACKED ") && !is_all_seen(n, e->command) && has_passed(e->now_ns, n->since_ns, ms)
               ? go(n, "FAILED", e->now_ns)
               : NAIVE_NO;
}

static bool read(struct naive_command *n, const struct weft_command_event *e)
{
    bool is_new = false;
    for (uint32_t i = 0; i < e->command->post_count; i++) {
        const struct weft_outcome *post = &e->command->posts[i];
        for (uint32_t k = 0; k < e->receipt->reading_count; k++) {
            const struct weft_reading *r = &e->receipt->readings[k];
            int64_t apart = r->value.number - post->value.number;
            bool fits = weft_text_equal(r->path, post->path) && r->at_ns >= n->done_ns &&
                        r->at_ns - n->done_ns <= (int64_t)post->by_ms * 1000000 &&
                        (apart < 0 ? -apart : apart) <= post->tolerance;
            is_new = is_new || (fits && !n->is_seen[i]);
            n->is_seen[i] = n->is_seen[i] || fits;
        }
    }
    return is_new;
}

static enum naive_answer answer_question(
    struct naive_command *n, const struct weft_command_event *e)
{
    const struct weft_receipt_note *r = e->receipt;
    if (!in(n, " INTENT ") || n->is_never_seen) {
        return NAIVE_SAME;
    }
    if (r->fence.term != n->question[0] || r->fence.index != n->question[1]) {
        return NAIVE_NO;
    }
    if (r->state != WEFT_RECEIPT_STATE_NONE) {
        return NAIVE_SAME;
    }
    n->is_never_seen = true;
    return e->command->class == WEFT_COMMAND_CLASS_C ? go(n, "FAILED", e->now_ns) : NAIVE_TAKEN;
}

static enum naive_answer receive(struct naive_command *n, const struct weft_command_event *e)
{
    const struct weft_receipt_note *r = e->receipt;
    if (in(n, "  PROPOSED APPROVED SELECTED ") || n->state[0] == '\0' ||
        memcmp(&r->command, &n->digest, sizeof(n->digest)) != 0) {
        return NAIVE_NO;
    }
    if (r->outcome == WEFT_RECEIPT_STATE) {
        return answer_question(n, e);
    }
    if (r->fence.term != n->token[0] || r->fence.index != n->token[1]) {
        return NAIVE_NO;
    }
    if (in(n, " INTENT ")) {
        return r->outcome == WEFT_RECEIPT_ACCEPTED  ? go(n, "DISPATCHED", e->now_ns)
               : r->outcome == WEFT_RECEIPT_REFUSED ? go(n, "FAILED", e->now_ns)
               : r->outcome == WEFT_RECEIPT_UNKNOWN ? go(n, "UNKNOWN", e->now_ns)
                                                    : NAIVE_NO;
    }
    if (in(n, " DISPATCHED ") && r->outcome == WEFT_RECEIPT_DONE) {
        n->done_ns = r->signed_ns;
        (void)read(n, e);
        return go(n, "ACKED", e->now_ns);
    }
    if (in(n, " DISPATCHED ")) {
        return r->outcome == WEFT_RECEIPT_ACCEPTED  ? NAIVE_SAME
               : r->outcome == WEFT_RECEIPT_FAILED  ? go(n, "FAILED", e->now_ns)
               : r->outcome == WEFT_RECEIPT_UNKNOWN ? go(n, "UNKNOWN", e->now_ns)
                                                    : NAIVE_NO;
    }
    if (in(n, " ACKED ")) {
        bool is_old = r->outcome == WEFT_RECEIPT_ACCEPTED || r->outcome == WEFT_RECEIPT_DONE;
        return is_old                                ? NAIVE_SAME
               : r->outcome == WEFT_RECEIPT_FAILED   ? go(n, "FAILED", e->now_ns)
               : r->outcome != WEFT_RECEIPT_MEASURED ? NAIVE_NO
               : read(n, e)                          ? NAIVE_TAKEN
                                                     : NAIVE_SAME;
    }
    if (in(n, " SHADOW ")) {
        if (r->outcome == WEFT_RECEIPT_DONE && !n->is_shadow_through) {
            n->is_shadow_through = true;
            return NAIVE_TAKEN;
        }
        return r->outcome == WEFT_RECEIPT_FAILED || r->outcome == WEFT_RECEIPT_REFUSED ||
                       r->outcome == WEFT_RECEIPT_UNKNOWN
                   ? go(n, "FAILED", e->now_ns)
                   : NAIVE_SAME;
    }
    return NAIVE_SAME;
}

enum naive_answer naive_command_step(struct naive_command *n, const struct weft_command_event *e)
{
    bool is_late = e->now_ns > e->command->not_after_ns;
    switch (e->kind) {
    case WEFT_COMMAND_PROPOSE:
        return propose(n, e);
    case WEFT_COMMAND_APPROVE:
        return approve(n, e);
    case WEFT_COMMAND_REJECT:
    case WEFT_COMMAND_CANCEL:
        return turn_down(n, e);
    case WEFT_COMMAND_RECEIPT:
        return receive(n, e);
    case WEFT_COMMAND_RESOLVE:
        if (!in(n, " UNKNOWN ") || n->is_found_out || !e->is_permitted ||
            memcmp(&e->resolution->command, &n->digest, sizeof(n->digest)) != 0) {
            return NAIVE_NO;
        }
        n->is_found_out = true;
        return NAIVE_TAKEN;
    case WEFT_COMMAND_SELECT:
        return in(n, " APPROVED ") && !is_late && e->now_ns >= e->command->not_before_ns &&
                       e->is_channel_free
                   ? go(n, "SELECTED", e->now_ns)
                   : NAIVE_NO;
    case WEFT_COMMAND_DISPATCH:
        return dispatch(n, e);
    case WEFT_COMMAND_ASK:
        return ask(n, e);
    case WEFT_COMMAND_VERIFY:
        return in(n, " ACKED ") && is_all_seen(n, e->command) ? go(n, "VERIFIED", e->now_ns)
                                                              : NAIVE_NO;
    case WEFT_COMMAND_OVERDUE:
        return give_up(n, e);
    case WEFT_COMMAND_EXPIRE:
        return in(n, " PROPOSED APPROVED SELECTED ") && is_late ? go(n, "EXPIRED", e->now_ns)
                                                                : NAIVE_NO;
    case WEFT_COMMAND_EVENTS:
        break;
    }
    return NAIVE_NO;
}
