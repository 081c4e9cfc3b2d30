/* What a gateway says of a command. */
#include "policy/command/command_step.h"
#include "proto/check.h"

/* Ends by a receipt's own code. */
static enum weft_err end_by(struct weft_command_step *s, enum weft_command_state state)
{
    char code[WEFT_COMMAND_CODE_SIZE];
    struct weft_text word = s->event->receipt->code;
    weft_assert(word.size < sizeof(code)); /* ACT-1: a word */
    memcpy(code, word.data, word.size);
    code[word.size] = '\0';
    s->act->is_alarm = true;
    return weft_command_end(s, state, code);
}

static void take_readings(struct weft_command_step *s)
{
    const struct weft_command_note *command = s->event->command;
    const struct weft_receipt_note *r = s->event->receipt;
    for (uint32_t i = 0; i < command->post_count; i++) {
        for (uint32_t k = 0; k < r->reading_count; k++) {
            if (weft_outcome_is_shown(&command->posts[i], &r->readings[k], s->m->done_at_ns)) {
                s->m->shown |= UINT32_C(1) << i;
            }
        }
    }
}

static enum weft_err out_of_order(struct weft_command_step *s)
{
    return weft_command_refuse(s, WEFT_ESTATE, "order", "a receipt that is not due in this state");
}

static enum weft_err take_state(struct weft_command_step *s)
{
    const struct weft_receipt_note *r = s->event->receipt;
    if (s->m->state != WEFT_COMMAND_INTENT || s->m->is_unseen) {
        return weft_command_repeat(s); /* The answer is there by other receipts. */
    }
    if (weft_fence_compare(&r->fence, &s->m->asked) != 0) {
        return weft_command_refuse(s, WEFT_ESTATE, "token", "the answer to another query");
    }
    if (r->state != WEFT_RECEIPT_STATE_NONE) {
        return weft_command_repeat(s); /* Its receipts of that come besides. */
    }
    /* ACT-10: it never began, and the query's token keeps it from ever beginning. */
    s->m->is_unseen = true;
    return s->event->command->class == WEFT_COMMAND_CLASS_C &&
                   !weft_command_mutant(WEFT_COMMAND_MUTANT_CLASS_C_AGAIN)
               ? weft_command_end(s, WEFT_COMMAND_FAILED, "not-sent")
               : WEFT_OK;
}

/* Of the shadow device: nothing moves. */
static enum weft_err take_shadow(struct weft_command_step *s)
{
    switch (s->event->receipt->outcome) {
    case WEFT_RECEIPT_ACCEPTED:
    case WEFT_RECEIPT_MEASURED:
    case WEFT_RECEIPT_STATE:
        return weft_command_repeat(s);
    case WEFT_RECEIPT_DONE:
        if (s->m->is_shadow_done) {
            return weft_command_repeat(s);
        }
        s->m->is_shadow_done = true;
        return WEFT_OK;
    case WEFT_RECEIPT_FAILED:
    case WEFT_RECEIPT_REFUSED:
    case WEFT_RECEIPT_UNKNOWN:
        return end_by(s, WEFT_COMMAND_FAILED);
    case WEFT_RECEIPT_OUTCOMES:
        break;
    }
    weft_unreachable("a receipt's outcome");
}

static enum weft_err take_at_intent(struct weft_command_step *s)
{
    switch (s->event->receipt->outcome) {
    case WEFT_RECEIPT_ACCEPTED:
        s->m->accepted_ns = s->event->now_ns;
        return weft_command_enter(s, WEFT_COMMAND_DISPATCHED);
    case WEFT_RECEIPT_REFUSED:
        return end_by(s, WEFT_COMMAND_FAILED);
    case WEFT_RECEIPT_UNKNOWN:
        return end_by(s, WEFT_COMMAND_UNKNOWN);
    case WEFT_RECEIPT_DONE:
    case WEFT_RECEIPT_MEASURED:
    case WEFT_RECEIPT_FAILED:
    case WEFT_RECEIPT_STATE:
    case WEFT_RECEIPT_OUTCOMES:
        break;
    }
    return out_of_order(s);
}

static enum weft_err take_at_dispatched(struct weft_command_step *s)
{
    const struct weft_receipt_note *r = s->event->receipt;
    switch (r->outcome) {
    case WEFT_RECEIPT_ACCEPTED:
        return weft_command_repeat(s);
    case WEFT_RECEIPT_DONE:
        s->m->done_ns = s->event->now_ns;
        s->m->done_at_ns = r->signed_ns;
        take_readings(s);
        return weft_command_enter(s, WEFT_COMMAND_ACKED);
    case WEFT_RECEIPT_FAILED:
        return end_by(s, WEFT_COMMAND_FAILED);
    case WEFT_RECEIPT_UNKNOWN:
        return end_by(s, WEFT_COMMAND_UNKNOWN);
    case WEFT_RECEIPT_MEASURED:
    case WEFT_RECEIPT_REFUSED:
    case WEFT_RECEIPT_STATE:
    case WEFT_RECEIPT_OUTCOMES:
        break;
    }
    return out_of_order(s);
}

static enum weft_err take_at_acked(struct weft_command_step *s)
{
    uint32_t before = s->m->shown;
    switch (s->event->receipt->outcome) {
    case WEFT_RECEIPT_ACCEPTED:
    case WEFT_RECEIPT_DONE:
        return weft_command_repeat(s);
    case WEFT_RECEIPT_MEASURED:
        take_readings(s);
        return s->m->shown == before ? weft_command_repeat(s) : WEFT_OK;
    case WEFT_RECEIPT_FAILED:
        return end_by(s, WEFT_COMMAND_FAILED);
    case WEFT_RECEIPT_REFUSED:
    case WEFT_RECEIPT_UNKNOWN:
    case WEFT_RECEIPT_STATE:
    case WEFT_RECEIPT_OUTCOMES:
        break;
    }
    return out_of_order(s);
}

enum weft_err weft_command_take_receipt(struct weft_command_step *s)
{
    const struct weft_receipt_note *r = s->event->receipt;
    struct weft_command_machine *m = s->m;
    if (!weft_digest_equal(&r->command, &m->digest) ||
        !weft_text_equal(r->channel, s->event->command->channel)) {
        return weft_command_refuse(
            s, WEFT_ECONFLICT, "other-command", "it names another text than the command's");
    }
    if (r->outcome == WEFT_RECEIPT_STATE) {
        return take_state(s);
    }
    if (weft_fence_compare(&r->fence, &m->fence) != 0) {
        return weft_command_refuse(s, WEFT_ESTATE, "token", "of another intent than the last");
    }
    switch (m->state) {
    case WEFT_COMMAND_SHADOW:
        return take_shadow(s);
    case WEFT_COMMAND_INTENT:
        return take_at_intent(s);
    case WEFT_COMMAND_DISPATCHED:
        return take_at_dispatched(s);
    case WEFT_COMMAND_ACKED:
        return take_at_acked(s);
    case WEFT_COMMAND_REJECTED:
    case WEFT_COMMAND_CANCELLED:
    case WEFT_COMMAND_EXPIRED:
    case WEFT_COMMAND_VERIFIED:
    case WEFT_COMMAND_FAILED:
    case WEFT_COMMAND_UNKNOWN:
    case WEFT_COMMAND_CANARY:
        return weft_command_repeat(s); /* What came late changes no end: it is kept as a record. */
    case WEFT_COMMAND_NONE:
    case WEFT_COMMAND_PROPOSED:
    case WEFT_COMMAND_APPROVED:
    case WEFT_COMMAND_SELECTED:
    case WEFT_COMMAND_STATES:
        break;
    }
    return out_of_order(s);
}
