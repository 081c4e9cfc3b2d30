#include "policy/command/command_step.h"

#include <stdio.h>

#include "proto/check.h"

static const char *const state_names[WEFT_COMMAND_STATES] = {
    [WEFT_COMMAND_NONE] = "NONE",
    [WEFT_COMMAND_PROPOSED] = "PROPOSED",
    [WEFT_COMMAND_APPROVED] = "APPROVED",
    [WEFT_COMMAND_SELECTED] = "SELECTED",
    [WEFT_COMMAND_SHADOW] = WEFT_PROOF_STATE_SHADOW,
    [WEFT_COMMAND_CANARY] = "CANARY",
    [WEFT_COMMAND_INTENT] = WEFT_PROOF_STATE_INTENT,
    [WEFT_COMMAND_DISPATCHED] = "DISPATCHED",
    [WEFT_COMMAND_ACKED] = "ACKED",
    [WEFT_COMMAND_REJECTED] = "REJECTED",
    [WEFT_COMMAND_CANCELLED] = "CANCELLED",
    [WEFT_COMMAND_EXPIRED] = "EXPIRED",
    [WEFT_COMMAND_VERIFIED] = "VERIFIED",
    [WEFT_COMMAND_FAILED] = "FAILED",
    [WEFT_COMMAND_UNKNOWN] = "UNKNOWN",
};

static const struct {
    const char *name;
    const char *act;
} events[WEFT_COMMAND_EVENTS] = {
    [WEFT_COMMAND_PROPOSE] = {"propose", "command.propose"},
    [WEFT_COMMAND_APPROVE] = {"approve", "command.approve"},
    [WEFT_COMMAND_REJECT] = {"reject", "command.reject"},
    [WEFT_COMMAND_CANCEL] = {"cancel", "command.cancel"},
    [WEFT_COMMAND_RECEIPT] = {"receipt", "command.receipt"},
    [WEFT_COMMAND_RESOLVE] = {"resolve", "command.resolve"},
    [WEFT_COMMAND_SELECT] = {"select", "command.select"},
    [WEFT_COMMAND_DISPATCH] = {"dispatch", "command.refuse"},
    [WEFT_COMMAND_ASK] = {"ask", "command.ask"},
    [WEFT_COMMAND_VERIFY] = {"verify", "command.verify"},
    [WEFT_COMMAND_OVERDUE] = {"overdue", "command.overdue"},
    [WEFT_COMMAND_EXPIRE] = {"expire", "command.expire"},
};

const char *weft_command_state_name(enum weft_command_state state)
{
    weft_assert((unsigned)state < WEFT_COMMAND_STATES); /* ACT-6 */
    return state_names[state];
}

const char *weft_command_event_name(enum weft_command_event_kind kind)
{
    weft_assert((unsigned)kind < WEFT_COMMAND_EVENTS); /* ACT-6 */
    return events[kind].name;
}

const char *weft_command_act_name(const struct weft_command_act *act)
{
    if (act->kind == WEFT_COMMAND_DISPATCH && act->to == WEFT_COMMAND_INTENT) {
        return WEFT_PROOF_ACT_INTENT;
    }
    if (act->kind == WEFT_COMMAND_DISPATCH && act->to == WEFT_COMMAND_SHADOW) {
        return WEFT_PROOF_ACT_SHADOW;
    }
    if (act->kind == WEFT_COMMAND_DISPATCH && act->to == WEFT_COMMAND_CANARY) {
        return "command.canary";
    }
    weft_assert((unsigned)act->kind < WEFT_COMMAND_EVENTS); /* ACT-6 */
    return events[act->kind].act;
}

const char *weft_command_alarm_name(const struct weft_command_act *act)
{
    if (!act->is_alarm || act->is_repeat) {
        return NULL;
    }
    if (act->kind == WEFT_COMMAND_PROPOSE) {
        return "break-glass";
    }
    if (act->kind == WEFT_COMMAND_ASK) {
        return "gateway-lost";
    }
    if (act->to == WEFT_COMMAND_UNKNOWN) {
        return "unknown";
    }
    if (act->kind == WEFT_COMMAND_OVERDUE) {
        return "deviation";
    }
    return strcmp(act->code, weft_envelope_fault_name(WEFT_ENVELOPE_INTERLOCK)) == 0 ? "interlock"
                                                                                     : "failed";
}

bool weft_command_step_parse(struct weft_text word, enum weft_command_event_kind *ret_kind)
{
    for (int i = WEFT_COMMAND_SELECT; i < WEFT_COMMAND_EVENTS; i++) {
        if (weft_text_is(word, events[i].name)) {
            *ret_kind = (enum weft_command_event_kind)i;
            return true;
        }
    }
    return false;
}

bool weft_command_machine_holds(const struct weft_command_machine *m)
{
    return (m->state >= WEFT_COMMAND_SELECTED && m->state <= WEFT_COMMAND_ACKED) ||
           (m->state == WEFT_COMMAND_UNKNOWN && !m->is_resolved); /* ACT-7 */
}

/* --- one step -------------------------------------------------------------------------------- */

enum weft_err weft_command_refuse(
    struct weft_command_step *s, enum weft_err err, const char *word, const char *why)
{
    return weft_fail(s->msg, err, "%s: %s", word, why);
}

enum weft_err weft_command_repeat(struct weft_command_step *s)
{
    s->act->is_repeat = true;
    return WEFT_OK;
}

/* State is written here alone. */
enum weft_err weft_command_enter(struct weft_command_step *s, enum weft_command_state state)
{
    s->m->state = state;
    return WEFT_OK;
}

enum weft_err weft_command_end(
    struct weft_command_step *s, enum weft_command_state state, const char *code)
{
    (void)snprintf(s->m->code, sizeof(s->m->code), "%s", code);
    s->act->is_alarm = s->act->is_alarm || state == WEFT_COMMAND_UNKNOWN;
    return weft_command_enter(s, state);
}

uint64_t weft_command_elapsed_ms(int64_t now_ns, int64_t then_ns)
{
    return now_ns > then_ns ? ((uint64_t)now_ns - (uint64_t)then_ns) / (1000 * 1000) : 0;
}

bool weft_command_is_over(const struct weft_command_step *s)
{
    return s->event->now_ns > s->event->command->not_after_ns;
}

/* --- the table ------------------------------------------------------------------------------- */

#define BIT(state) (UINT32_C(1) << WEFT_COMMAND_##state)
#define ENDS                                                                                       \
    (BIT(REJECTED) | BIT(CANCELLED) | BIT(EXPIRED) | BIT(VERIFIED) | BIT(FAILED) | BIT(UNKNOWN))

/* In which states an event is looked at, and by whom. */
static const struct {
    uint32_t states;
    weft_command_take *take;
} table[WEFT_COMMAND_EVENTS] = {
    [WEFT_COMMAND_PROPOSE] = {BIT(NONE), weft_command_take_propose},
    [WEFT_COMMAND_APPROVE] = {BIT(PROPOSED) | BIT(APPROVED), weft_command_take_approve},
    [WEFT_COMMAND_REJECT] = {BIT(PROPOSED), weft_command_take_reject},
    [WEFT_COMMAND_CANCEL] = {BIT(PROPOSED) | BIT(APPROVED) | BIT(SELECTED) | BIT(SHADOW) |
                                 BIT(CANARY),
        weft_command_take_cancel},
    [WEFT_COMMAND_RECEIPT] = {BIT(SHADOW) | BIT(CANARY) | BIT(INTENT) | BIT(DISPATCHED) |
                                  BIT(ACKED) | ENDS,
        weft_command_take_receipt},
    [WEFT_COMMAND_RESOLVE] = {BIT(UNKNOWN), weft_command_take_resolve},
    [WEFT_COMMAND_SELECT] = {BIT(APPROVED), weft_command_take_select},
    [WEFT_COMMAND_DISPATCH] = {BIT(SELECTED) | BIT(SHADOW) | BIT(CANARY) | BIT(INTENT),
        weft_command_take_dispatch},
    [WEFT_COMMAND_ASK] = {BIT(INTENT), weft_command_take_ask},
    [WEFT_COMMAND_VERIFY] = {BIT(ACKED), weft_command_take_verify},
    [WEFT_COMMAND_OVERDUE] = {BIT(SHADOW) | BIT(CANARY) | BIT(INTENT) | BIT(DISPATCHED) |
                                  BIT(ACKED),
        weft_command_take_overdue},
    [WEFT_COMMAND_EXPIRE] = {BIT(PROPOSED) | BIT(APPROVED) | BIT(SELECTED),
        weft_command_take_expire},
};

enum weft_err weft_command_machine_step(struct weft_command_machine *m,
    const struct weft_command_event *event, struct weft_command_act *ret_act, struct weft_msg *msg)
{
    struct weft_command_machine next = *m;
    struct weft_command_act act = {.kind = event->kind, .from = m->state};
    struct weft_command_step s = {.m = &next, .event = event, .act = &act, .msg = msg};
    weft_assert((unsigned)event->kind < WEFT_COMMAND_EVENTS); /* ACT-6 */
    enum weft_err err;
    if (event->kind == WEFT_COMMAND_PROPOSE && m->state != WEFT_COMMAND_NONE) {
        err = weft_command_take_propose_again(&s);
    } else if ((table[event->kind].states >> m->state & 1) == 0) {
        err = weft_fail(msg, WEFT_ESTATE, "state: no %s of a command that is %s",
            events[event->kind].name, state_names[m->state]);
    } else {
        err = table[event->kind].take(&s);
    }
    if (err != WEFT_OK) {
        ret_act->is_alarm = act.is_alarm;
        return err;
    }
    *m = next;
    act.to = m->state;
    act.code = m->code;
    *ret_act = act;
    weft_command_machine_check(m, event->command);
    return WEFT_OK;
}

void weft_command_machine_check(
    const struct weft_command_machine *m, const struct weft_command_note *command)
{
    bool was_sent = m->sends > 0;
    /* Outside the asserts, whose texts are in the product. */
    bool may_be_same = weft_command_mutant(WEFT_COMMAND_MUTANT_PERSON_TWICE);
    bool may_be_again = weft_command_mutant(WEFT_COMMAND_MUTANT_CLASS_C_AGAIN);
    weft_assert((unsigned)m->state < WEFT_COMMAND_STATES);                    /* ACT-6 */
    weft_assert(weft_command_state_is_end(m->state) == (m->code[0] != '\0')); /* ACT-6 */
    weft_assert(m->approval_count <= WEFT_COMMAND_APPROVALS_MAX);             /* ACT-4 */
    for (uint32_t i = 0; i < m->approval_count; i++) {
        weft_assert(!weft_principal_equal(&m->approvals[i].who, &command->proposer)); /* ACT-4 */
        for (uint32_t k = 0; k < i; k++) {
            bool is_same = weft_principal_equal(&m->approvals[i].who, &m->approvals[k].who);
            weft_assert(!is_same || may_be_same); /* ACT-4 */
        }
    }
    weft_assert(m->counted >> m->approval_count == 0); /* ACT-9 */
    weft_assert(
        was_sent || (m->state != WEFT_COMMAND_INTENT && m->state != WEFT_COMMAND_DISPATCHED &&
                        m->state != WEFT_COMMAND_ACKED && m->state != WEFT_COMMAND_VERIFIED &&
                        m->state != WEFT_COMMAND_UNKNOWN)); /* ACT-9 */
    weft_assert(
        command->class != WEFT_COMMAND_CLASS_C || m->sends <= 1 || may_be_again); /* ACT-10 */
    weft_assert(!m->is_resolved || m->state == WEFT_COMMAND_UNKNOWN);             /* ACT-10 */
    weft_assert(m->shown == 0 || m->done_ns != 0);                                /* ACT-6 */
}
