/* What people and programs say of a command: proposals, approvals, cancellations, resolutions. */
#include <stdio.h>

#include "policy/command/command_step.h"
#include "proto/check.h"

static const uint64_t future_max_ms = 15 * 60 * 1000; /* chosen: by which clocks may differ */

static void keep_person(char to[WEFT_PRINCIPAL_PART_SIZE_MAX + 1], struct weft_text person)
{
    weft_assert(person.size <= WEFT_PRINCIPAL_PART_SIZE_MAX); /* ACT-4: as attributes are */
    memset(to, 0, WEFT_PRINCIPAL_PART_SIZE_MAX + 1);
    if (person.size > 0) {
        memcpy(to, person.data, person.size);
    }
}

/* ACT-4: the same principal, or two of one person. */
static bool is_same_person(const struct weft_principal *a, const char *person_a,
    const struct weft_principal *b, struct weft_text person_b)
{
    return weft_principal_equal(a, b) || (person_b.size > 0 && weft_text_is(person_b, person_a));
}

/* --- what people say ------------------------------------------------------------------------- */

/* What does not hold of a judgement; NULL: all does. A policy of later may have taken over from
 * the one that was named; envelopes may not. ACT-9. */
const char *weft_command_find_flaw(const struct weft_command_judgement *j)
{
    if (!j->is_known) {
        return "key";
    }
    if (!j->is_of_envelopes) {
        return "envelope-version";
    }
    if (!j->is_of_rank) {
        return "rank";
    }
    if (!j->is_of_rev) {
        return "revision";
    }
    return j->fault != WEFT_ENVELOPE_PASSED ? weft_envelope_fault_name(j->fault) : NULL;
}

/* Would it pass in a while? */
bool weft_command_is_too_soon(enum weft_envelope_fault fault)
{
    return fault == WEFT_ENVELOPE_MOVES || fault == WEFT_ENVELOPE_DWELL;
}

enum weft_err weft_command_take_propose(struct weft_command_step *s)
{
    const struct weft_command_event *e = s->event;
    struct weft_command_judgement j = *e->judgement;
    if (weft_command_is_over(s)) {
        return weft_command_refuse(s, WEFT_EREFUSED, "expired", "its time is over");
    }
    if (e->command->signed_ns > e->now_ns &&
        weft_command_elapsed_ms(e->command->signed_ns, e->now_ns) > future_max_ms) {
        return weft_command_refuse(s, WEFT_EREFUSED, "time", "signed in the future");
    }
    if (!j.is_next) { /* ACT-8 */
        return weft_command_refuse(
            s, WEFT_ECONFLICT, "seq", "not above the last of this key on the channel");
    }
    if (!j.is_of_policy) {
        return weft_command_refuse(
            s, WEFT_ECONFLICT, "policy-version", "another policy is in force");
    }
    if (weft_command_is_too_soon(j.fault)) {
        j.fault = WEFT_ENVELOPE_PASSED; /* It may wait for that. */
    }
    const char *flaw = weft_command_find_flaw(&j);
    if (flaw != NULL) {
        return weft_command_refuse(s, WEFT_EREFUSED, flaw, "the command is not as it has to be");
    }
    if (j.effect == WEFT_EFFECT_DENY) {
        return weft_command_refuse(s, WEFT_EREFUSED, "policy", "not permitted");
    }
    s->m->digest = e->command->digest;
    keep_person(s->m->person, e->person);
    s->m->key_id = e->key_id;
    s->act->is_alarm = e->command->is_break_glass;
    return weft_command_enter(
        s, j.effect == WEFT_EFFECT_ALLOW ? WEFT_COMMAND_APPROVED : WEFT_COMMAND_PROPOSED);
}

/* ACT-8: of an id there is one command, whatever state it is in. */
enum weft_err weft_command_take_propose_again(struct weft_command_step *s)
{
    if (weft_digest_equal(&s->m->digest, &s->event->command->digest)) {
        return weft_command_repeat(s);
    }
    s->act->is_alarm = true;
    return weft_command_refuse(s, WEFT_ECONFLICT, "id-conflict", "another command has this id");
}

/* Of this command, and still good. */
static enum weft_err check_approval(struct weft_command_step *s)
{
    const struct weft_approval_note *a = s->event->approval;
    if (!weft_digest_equal(&a->command, &s->m->digest) ||
        memcmp(a->id, s->event->command->id, sizeof(a->id)) != 0) {
        return weft_command_refuse(
            s, WEFT_ECONFLICT, "other-command", "it names another text than the command's");
    }
    if (s->event->now_ns > a->expires_ns) {
        return weft_command_refuse(s, WEFT_EREFUSED, "expired", "its time is over");
    }
    if (a->signed_ns > s->event->now_ns &&
        weft_command_elapsed_ms(a->signed_ns, s->event->now_ns) > future_max_ms) {
        return weft_command_refuse(s, WEFT_EREFUSED, "time", "signed in the future");
    }
    return WEFT_OK;
}

static bool is_proposer(const struct weft_command_step *s)
{
    return is_same_person(&s->event->command->proposer, s->m->person, &s->event->approval->approver,
        s->event->person);
}

enum weft_err weft_command_take_approve(struct weft_command_step *s)
{
    const struct weft_command_event *e = s->event;
    struct weft_command_machine *m = s->m;
    enum weft_err err = check_approval(s);
    if (err != WEFT_OK) {
        return err;
    }
    if (weft_command_is_over(s)) {
        return weft_command_refuse(s, WEFT_EREFUSED, "expired", "the command's time is over");
    }
    if (is_proposer(s)) {
        return weft_command_refuse(s, WEFT_EREFUSED, "own", "nobody approves what he proposed");
    }
    for (uint32_t i = 0; i < m->approval_count; i++) {
        const struct weft_command_approval *a = &m->approvals[i];
        if (weft_digest_equal(&a->digest, &e->approval->digest)) {
            return weft_command_repeat(s);
        }
        if (is_same_person(&a->who, a->person, &e->approval->approver, e->person) &&
            !weft_command_mutant(WEFT_COMMAND_MUTANT_PERSON_TWICE)) {
            return weft_command_refuse(s, WEFT_ECONFLICT, "twice", "this person has approved it");
        }
    }
    if (!e->is_permitted) {
        return weft_command_refuse(s, WEFT_EREFUSED, "policy", "not permitted");
    }
    if (m->approval_count == WEFT_COMMAND_APPROVALS_MAX) {
        return weft_command_refuse(s, WEFT_ETOOBIG, "approvals", "as many as a command can have");
    }
    struct weft_command_approval *a = &m->approvals[m->approval_count++];
    *a = (struct weft_command_approval){.who = e->approval->approver,
        .key_id = e->key_id,
        .signed_ns = e->approval->signed_ns,
        .expires_ns = e->approval->expires_ns,
        .digest = e->approval->digest};
    keep_person(a->person, e->person);
    return m->state == WEFT_COMMAND_PROPOSED && e->judgement->effect == WEFT_EFFECT_ALLOW
               ? weft_command_enter(s, WEFT_COMMAND_APPROVED)
               : WEFT_OK;
}

enum weft_err weft_command_take_reject(struct weft_command_step *s)
{
    enum weft_err err = check_approval(s);
    if (err != WEFT_OK) {
        return err;
    }
    if (is_proposer(s)) {
        return weft_command_refuse(s, WEFT_EREFUSED, "own", "who proposed it may cancel it");
    }
    return s->event->is_permitted
               ? weft_command_end(s, WEFT_COMMAND_REJECTED, "rejected")
               : weft_command_refuse(s, WEFT_EREFUSED, "policy", "not permitted");
}

enum weft_err weft_command_take_cancel(struct weft_command_step *s)
{
    bool is_staged = s->m->state == WEFT_COMMAND_SHADOW || s->m->state == WEFT_COMMAND_CANARY;
    enum weft_err err = check_approval(s);
    if (err != WEFT_OK) {
        return err;
    }
    if (!s->event->is_permitted && !is_proposer(s)) {
        return weft_command_refuse(s, WEFT_EREFUSED, "policy", "not permitted");
    }
    return weft_command_end(
        s, is_staged ? WEFT_COMMAND_FAILED : WEFT_COMMAND_CANCELLED, "cancelled");
}

enum weft_err weft_command_take_resolve(struct weft_command_step *s)
{
    const struct weft_resolution_note *r = s->event->resolution;
    if (!weft_digest_equal(&r->command, &s->m->digest)) {
        return weft_command_refuse(
            s, WEFT_ECONFLICT, "other-command", "it names another text than the command's");
    }
    if (s->m->is_resolved) {
        return weft_command_refuse(s, WEFT_ESTATE, "resolved", "somebody has resolved it");
    }
    if (!s->event->is_permitted) {
        return weft_command_refuse(s, WEFT_EREFUSED, "policy", "not permitted");
    }
    s->m->is_resolved = true; /* ACT-10: its state stays what it is. */
    s->m->finding = r->finding;
    return WEFT_OK;
}
