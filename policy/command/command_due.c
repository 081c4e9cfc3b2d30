/* What is due, as the leader proposes it and every replica judges it. */
#include "policy/command/command_step.h"

static const uint64_t ms_ns = 1000 * 1000;

/* --- what is due ----------------------------------------------------------------------------- */

static enum weft_err not_due(struct weft_command_step *s, const char *why)
{
    return weft_command_refuse(s, WEFT_ESTATE, "not-due", why);
}

enum weft_err weft_command_take_select(struct weft_command_step *s)
{
    if (s->event->now_ns < s->event->command->not_before_ns || weft_command_is_over(s)) {
        return not_due(s, "it is not the command's time");
    }
    /* ACT-7 */
    return s->event->is_channel_free
               ? weft_command_enter(s, WEFT_COMMAND_SELECTED)
               : weft_command_refuse(s, WEFT_ESTATE, "channel", "another command is in flight");
}

enum weft_err weft_command_take_expire(struct weft_command_step *s)
{
    return weft_command_is_over(s) ? weft_command_end(s, WEFT_COMMAND_EXPIRED, "expired")
                                   : not_due(s, "it has time");
}

/* May a dispatch leave this state at all? */
static enum weft_err check_dispatch(struct weft_command_step *s)
{
    const struct weft_command_machine *m = s->m;
    if (m->state == WEFT_COMMAND_SHADOW && !m->is_shadow_done) {
        return not_due(s, "the shadow device has not done it");
    }
    if (m->state == WEFT_COMMAND_INTENT &&
        (!m->is_unseen || (s->event->command->class == WEFT_COMMAND_CLASS_C &&
                              !weft_command_mutant(WEFT_COMMAND_MUTANT_CLASS_C_AGAIN)))) {
        return not_due(s, "it was sent, and may have been seen"); /* ACT-10 */
    }
    if (s->event->now_ns < s->event->command->not_before_ns || weft_command_is_over(s)) {
        return not_due(s, "it is not the command's time");
    }
    return weft_command_is_too_soon(s->event->judgement->fault)
               ? not_due(s, "too soon behind other moves")
               : WEFT_OK;
}

static enum weft_err intend(struct weft_command_step *s)
{
    struct weft_command_machine *m = s->m;
    m->fence = s->event->place;
    m->fence_ns = s->event->now_ns;
    m->asked = (struct weft_fence){0, 0};
    m->asked_ns = 0;
    m->is_unseen = false;
    m->sends++;
    m->finish_ms = s->event->judgement->finish_ms;
    s->act->is_move = !s->event->command->is_shadow;
    return weft_command_enter(s, WEFT_COMMAND_INTENT);
}

/* ACT-9: all is judged once more, by what governs at this very index. */
enum weft_err weft_command_take_dispatch(struct weft_command_step *s)
{
    struct weft_command_machine *m = s->m;
    const struct weft_command_judgement *j = s->event->judgement;
    enum weft_err err = check_dispatch(s);
    if (err != WEFT_OK) {
        return err;
    }
    const char *flaw = weft_command_find_flaw(j);
    if (flaw == NULL && j->effect != WEFT_EFFECT_ALLOW) {
        flaw = j->effect == WEFT_EFFECT_NEEDS ? "approvals" : "policy";
    }
    if (flaw != NULL) {
        return weft_command_end(s,
            m->state == WEFT_COMMAND_SELECTED ? WEFT_COMMAND_CANCELLED : WEFT_COMMAND_FAILED, flaw);
    }
    bool wants_canary = j->wants_canary && m->state != WEFT_COMMAND_INTENT && !j->has_canary;
    if (wants_canary && m->state == WEFT_COMMAND_CANARY) {
        return not_due(s, "the canaries are not through");
    }
    m->counted = j->counted;
    if (m->state == WEFT_COMMAND_SELECTED && j->wants_shadow) {
        m->fence = s->event->place;
        m->fence_ns = s->event->now_ns;
        m->finish_ms = j->finish_ms;
        return weft_command_enter(s, WEFT_COMMAND_SHADOW);
    }
    return wants_canary ? weft_command_enter(s, WEFT_COMMAND_CANARY) : intend(s);
}

/* Is a query due, by the intent's age or a new leader's; and not asked a moment ago? */
static bool is_ask_due(const struct weft_command_machine *m, uint64_t term, int64_t now_ns)
{
    bool is_asked = !weft_fence_is_none(&m->asked);
    uint64_t last_term = is_asked ? m->asked.term : m->fence.term;
    int64_t last_ns = is_asked ? m->asked_ns : m->fence_ns;
    return !m->is_unseen &&
           (term > last_term || weft_command_elapsed_ms(now_ns, last_ns) >= WEFT_COMMAND_ASK_MS);
}

enum weft_err weft_command_take_ask(struct weft_command_step *s)
{
    if (!is_ask_due(s->m, s->event->place.term, s->event->now_ns)) {
        return not_due(s, "the intent may still be on its way");
    }
    /* Asked, and for as long once more: nobody answers there. Told once of a command. */
    bool was_asked = !weft_fence_is_none(&s->m->asked);
    if (was_asked && !s->m->is_lost &&
        weft_command_elapsed_ms(s->event->now_ns, s->m->fence_ns) >=
            2 * (uint64_t)WEFT_COMMAND_ASK_MS) {
        s->m->is_lost = true;
        s->act->is_alarm = true;
    }
    s->m->asked = s->event->place;
    s->m->asked_ns = s->event->now_ns;
    return WEFT_OK;
}

uint32_t weft_command_all_outcomes(const struct weft_command_note *command)
{
    return (uint32_t)((UINT64_C(1) << command->post_count) - 1);
}

enum weft_err weft_command_take_verify(struct weft_command_step *s)
{
    return s->m->shown == weft_command_all_outcomes(s->event->command)
               ? weft_command_end(s, WEFT_COMMAND_VERIFIED, "verified")
               : not_due(s, "not all outcomes were read");
}

static uint64_t last_outcome_ms(const struct weft_command_note *command)
{
    uint64_t by_ms = 0;
    for (uint32_t i = 0; i < command->post_count; i++) {
        by_ms = command->posts[i].by_ms > by_ms ? command->posts[i].by_ms : by_ms;
    }
    return by_ms;
}

/* When a state has waited for long enough; false: it waits for nothing. */
static bool find_deadline(const struct weft_command_machine *m,
    const struct weft_command_note *command, int64_t *ret_from_ns, uint64_t *ret_for_ms)
{
    bool is_waiting = m->state == WEFT_COMMAND_SHADOW || m->state == WEFT_COMMAND_INTENT ||
                      m->state == WEFT_COMMAND_DISPATCHED || m->state == WEFT_COMMAND_ACKED;
    bool is_acked = m->state == WEFT_COMMAND_ACKED;
    *ret_from_ns = is_acked                              ? m->done_ns
                   : m->state == WEFT_COMMAND_DISPATCHED ? m->accepted_ns
                                                         : m->fence_ns;
    *ret_for_ms = (is_acked ? last_outcome_ms(command) : m->finish_ms) + WEFT_COMMAND_SLACK_MS;
    return is_waiting && !(m->state == WEFT_COMMAND_INTENT && m->is_unseen);
}

static bool is_overdue(
    const struct weft_command_machine *m, const struct weft_command_note *command, int64_t now_ns)
{
    int64_t from_ns;
    uint64_t for_ms;
    bool is_lasting = find_deadline(m, command, &from_ns, &for_ms);
    bool is_late = now_ns > command->not_after_ns;
    switch (m->state) {
    case WEFT_COMMAND_SHADOW:
    case WEFT_COMMAND_CANARY:
        return is_late || (is_lasting && !m->is_shadow_done &&
                              weft_command_elapsed_ms(now_ns, from_ns) >= for_ms);
    case WEFT_COMMAND_INTENT:
        return m->is_unseen ? is_late : weft_command_elapsed_ms(now_ns, from_ns) >= for_ms;
    case WEFT_COMMAND_DISPATCHED:
    case WEFT_COMMAND_ACKED:
        return weft_command_elapsed_ms(now_ns, from_ns) >= for_ms;
    case WEFT_COMMAND_NONE:
    case WEFT_COMMAND_PROPOSED:
    case WEFT_COMMAND_APPROVED:
    case WEFT_COMMAND_SELECTED:
    case WEFT_COMMAND_REJECTED:
    case WEFT_COMMAND_CANCELLED:
    case WEFT_COMMAND_EXPIRED:
    case WEFT_COMMAND_VERIFIED:
    case WEFT_COMMAND_FAILED:
    case WEFT_COMMAND_UNKNOWN:
    case WEFT_COMMAND_STATES:
        break;
    }
    return false;
}

enum weft_err weft_command_take_overdue(struct weft_command_step *s)
{
    struct weft_command_machine *m = s->m;
    if (!is_overdue(m, s->event->command, s->event->now_ns)) {
        return not_due(s, "it has time");
    }
    if (m->state == WEFT_COMMAND_SHADOW || m->state == WEFT_COMMAND_CANARY) {
        return weft_command_end(s, WEFT_COMMAND_FAILED, "stage");
    }
    if (m->state == WEFT_COMMAND_INTENT && m->is_unseen) {
        return weft_command_end(s, WEFT_COMMAND_FAILED, "not-sent");
    }
    if (m->state == WEFT_COMMAND_ACKED) {
        if (m->shown == weft_command_all_outcomes(s->event->command)) {
            return not_due(s, "to be verified is");
        }
        s->act->is_alarm = true; /* The machine is not where it was commanded to be. */
        return weft_command_end(s, WEFT_COMMAND_FAILED, "outcome");
    }
    return weft_command_end(s, WEFT_COMMAND_UNKNOWN, "no-receipt");
}

/* --- the leader's part ----------------------------------------------------------------------- */

static void sooner(int64_t *when_ns, int64_t from_ns, uint64_t for_ms)
{
    uint64_t then_ns = (uint64_t)from_ns + for_ms * ms_ns; /* Both below 2^63. */
    int64_t then = then_ns > INT64_MAX ? INT64_MAX : (int64_t)then_ns;
    *when_ns = then < *when_ns ? then : *when_ns;
}

/* Of the states before anything is in flight. */
static bool find_early(const struct weft_command_machine *m,
    const struct weft_command_note *command, const struct weft_command_hints *hints, int64_t now_ns,
    enum weft_command_event_kind *ret_kind, int64_t *ret_when_ns)
{
    if (now_ns > command->not_after_ns) {
        *ret_kind = WEFT_COMMAND_EXPIRE;
        return true;
    }
    sooner(ret_when_ns, command->not_after_ns, 1);
    if (now_ns < command->not_before_ns) {
        sooner(ret_when_ns, command->not_before_ns, 0);
        return false;
    }
    *ret_kind = m->state == WEFT_COMMAND_APPROVED ? WEFT_COMMAND_SELECT : WEFT_COMMAND_DISPATCH;
    bool may_go = m->state == WEFT_COMMAND_APPROVED   ? hints->is_channel_free
                  : m->state == WEFT_COMMAND_SELECTED ? !hints->is_too_soon
                                                      : false;
    if (m->state == WEFT_COMMAND_SELECTED && !may_go) {
        sooner(ret_when_ns, now_ns, 500);
    }
    return may_go;
}

static bool find_late(const struct weft_command_machine *m, const struct weft_command_note *command,
    const struct weft_command_hints *hints, int64_t now_ns, enum weft_command_event_kind *ret_kind,
    int64_t *ret_when_ns)
{
    int64_t from_ns;
    uint64_t for_ms;
    bool is_stage = m->state == WEFT_COMMAND_SHADOW || m->state == WEFT_COMMAND_CANARY;
    bool is_acked = m->state == WEFT_COMMAND_ACKED;
    if (is_acked && m->shown == weft_command_all_outcomes(command)) {
        *ret_kind = WEFT_COMMAND_VERIFY;
        return true;
    }
    if (is_overdue(m, command, now_ns)) {
        *ret_kind = WEFT_COMMAND_OVERDUE;
        return true;
    }
    if (find_deadline(m, command, &from_ns, &for_ms)) {
        sooner(ret_when_ns, from_ns, for_ms);
    }
    if (is_stage || m->is_unseen) {
        sooner(ret_when_ns, command->not_after_ns, 1);
    }
    bool may_go = (m->state == WEFT_COMMAND_SHADOW && m->is_shadow_done) ||
                  (m->state == WEFT_COMMAND_CANARY && hints->has_canary) ||
                  (m->state == WEFT_COMMAND_INTENT && m->is_unseen);
    if (may_go && !hints->is_too_soon && now_ns >= command->not_before_ns) {
        *ret_kind = WEFT_COMMAND_DISPATCH;
        return true;
    }
    if (m->state == WEFT_COMMAND_INTENT && is_ask_due(m, hints->term, now_ns)) {
        *ret_kind = WEFT_COMMAND_ASK;
        return true;
    }
    if (m->state == WEFT_COMMAND_INTENT || is_stage) {
        sooner(ret_when_ns, now_ns, 1000);
    }
    return false;
}

bool weft_command_machine_due(const struct weft_command_machine *m,
    const struct weft_command_note *command, const struct weft_command_hints *hints, int64_t now_ns,
    enum weft_command_event_kind *ret_kind, int64_t *ret_when_ns)
{
    *ret_when_ns = INT64_MAX;
    if (m->state == WEFT_COMMAND_NONE || weft_command_state_is_end(m->state)) {
        return false;
    }
    return m->state <= WEFT_COMMAND_SELECTED
               ? find_early(m, command, hints, now_ns, ret_kind, ret_when_ns)
               : find_late(m, command, hints, now_ns, ret_kind, ret_when_ns);
}
