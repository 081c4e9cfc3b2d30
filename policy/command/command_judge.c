#include "policy/command/command_judge.h"

#include "policy/policy_file.h"
#include "policy/command/mutant.h"

/* --- who ------------------------------------------------------------------------------------- */

bool weft_command_signer_key(const struct weft_keyring *ring, const struct weft_note *note,
    const struct weft_principal *signer, uint64_t index, uint32_t *ret_key_id)
{
    for (uint32_t i = 0; i < note->signature_count; i++) {
        const struct weft_note_signature *line = &note->signatures[i];
        const struct weft_keyring_key *key = weft_keyring_find(ring, line->name, line->key_id);
        if (key != NULL && weft_principal_equal(&key->principal, signer) &&
            weft_keyring_is_valid(key, index)) {
            *ret_key_id = line->key_id;
            return true;
        }
    }
    return false;
}

static bool is_key_valid(
    const struct weft_command_law *law, const struct weft_principal *who, uint32_t key_id)
{
    char name[WEFT_PRINCIPAL_TEXT_SIZE];
    weft_principal_format(who, name);
    const struct weft_keyring_key *key = weft_keyring_find(law->ring, weft_text_of(name), key_id);
    return key != NULL && weft_keyring_is_valid(key, law->index);
}

enum weft_command_rank weft_command_rank_of(
    const struct weft_command_law *law, const struct weft_principal *principal)
{
    struct weft_policy_subject subject;
    if (!weft_text_is(law->org, principal->org)) {
        return WEFT_COMMAND_PARTNER;
    }
    if (principal->class == WEFT_PRINCIPAL_OP) {
        return WEFT_COMMAND_OPERATOR;
    }
    weft_subjects_find(law->subjects, principal, &subject);
    for (uint32_t i = 0; i < subject.role_count; i++) {
        if (weft_text_is(subject.roles[i].name, WEFT_COMMAND_OPTIMIZER_ROLE)) {
            return WEFT_COMMAND_OPTIMIZER;
        }
    }
    return WEFT_COMMAND_AUTOMATION;
}

/* --- the policy ------------------------------------------------------------------------------ */

static struct weft_policy_request request_of(const struct weft_command_law *law,
    const struct weft_policy_subject *subject, enum weft_policy_action action)
{
    return (struct weft_policy_request){.subject = subject,
        .org = law->org,
        .site = law->site,
        .action = action,
        .asset = {WEFT_FACT_NONE, {NULL, 0}},
        .kind = {WEFT_FACT_NONE, {NULL, 0}},
        .verb = {WEFT_FACT_NONE, {NULL, 0}},
        .tier_presence = WEFT_FACT_NONE,
        .labels_presence = WEFT_FACT_GIVEN,
        .labels = law->labels,
        .label_count = law->label_count,
        .time_ns = law->now_ns};
}

/* Of the command: its target, verb, tier and envelopes. `names` has room for all of them. */
static struct weft_policy_request request_about(const struct weft_command_law *law,
    const struct weft_policy_subject *subject, enum weft_policy_action action,
    const struct weft_command_note *command, struct weft_text names[WEFT_COMMAND_ENVELOPES_MAX])
{
    struct weft_policy_request request = request_of(law, subject, action);
    for (uint32_t i = 0; i < command->envelope_count; i++) {
        names[i] = command->envelopes[i].name;
    }
    request.asset = (struct weft_policy_fact){WEFT_FACT_GIVEN, weft_command_note_asset(command)};
    request.verb = (struct weft_policy_fact){WEFT_FACT_GIVEN, command->verb};
    request.tier_presence = WEFT_FACT_GIVEN;
    request.tier = command->tier;
    request.further_envelopes = names;
    request.further_envelope_count = command->envelope_count;
    return request;
}

bool weft_command_may(const struct weft_command_law *law, const struct weft_principal *principal,
    enum weft_policy_action action, const struct weft_command_note *command)
{
    struct weft_policy_subject subject;
    struct weft_policy_decision decision;
    struct weft_text names[WEFT_COMMAND_ENVELOPES_MAX];
    if (law->policy == NULL) {
        return false;
    }
    weft_subjects_find(law->subjects, principal, &subject);
    struct weft_policy_request request = request_about(law, &subject, action, command, names);
    weft_policy_decide(law->policy, &request, &decision);
    return decision.effect == WEFT_EFFECT_ALLOW;
}

bool weft_command_may_take(const struct weft_command_law *law,
    const struct weft_principal *principal, struct weft_text channel_asset)
{
    struct weft_policy_subject subject;
    struct weft_policy_decision decision;
    if (law->policy == NULL) {
        return false;
    }
    weft_subjects_find(law->subjects, principal, &subject);
    struct weft_policy_request request = request_of(law, &subject, WEFT_ACTION_TAKE_AUTHORITY);
    request.asset = (struct weft_policy_fact){WEFT_FACT_GIVEN, channel_asset};
    weft_policy_decide(law->policy, &request, &decision);
    return decision.effect == WEFT_EFFECT_ALLOW;
}

/* ACT-4, ACT-9: by a key that is valid, in time, of somebody who may still approve. */
static bool does_count(const struct weft_command_law *law, const struct weft_command_note *command,
    const struct weft_command_approval *approval)
{
    return law->now_ns <= approval->expires_ns &&
           is_key_valid(law, &approval->who, approval->key_id) &&
           weft_command_may(law, &approval->who, WEFT_ACTION_APPROVE, command);
}

/* A requirement that is looked for. */
struct wanted {
    uint32_t from; /* In the policy. */
    struct weft_policy_requirement requirement;
    bool is_found;
};

/* Proposing it, with the approvals that count. `wanted`: NULL, or what is not met yet. */
static void decide(const struct weft_command_law *law, const struct weft_command_machine *m,
    const struct weft_command_note *command, const struct weft_command_approval *more,
    struct weft_command_judgement *j, struct wanted *wanted)
{
    struct weft_policy_subject proposer, subjects[WEFT_COMMAND_APPROVALS_MAX + 1];
    struct weft_policy_approval approvals[WEFT_COMMAND_APPROVALS_MAX + 1];
    struct weft_policy_decision decision;
    struct weft_text names[WEFT_COMMAND_ENVELOPES_MAX];
    uint32_t count = 0, all = m->approval_count + (more != NULL ? 1 : 0);
    for (uint32_t i = 0; i < all; i++) {
        const struct weft_command_approval *a = i < m->approval_count ? &m->approvals[i] : more;
        if (!does_count(law, command, a)) {
            continue;
        }
        weft_subjects_find(law->subjects, &a->who, &subjects[count]);
        approvals[count] = (struct weft_policy_approval){&subjects[count], a->signed_ns};
        count++;
        j->counted |= UINT32_C(1) << i;
    }
    j->effect = WEFT_EFFECT_DENY;
    if (law->policy == NULL) {
        return;
    }
    weft_subjects_find(law->subjects, &command->proposer, &proposer);
    struct weft_policy_request request = request_about(law, &proposer,
        command->is_break_glass ? WEFT_ACTION_BREAK_GLASS : WEFT_ACTION_PROPOSE, command, names);
    request.approvals = approvals;
    request.approval_count = count;
    weft_policy_decide(law->policy, &request, &decision);
    j->effect = decision.effect == WEFT_EFFECT_NEEDS && count > 1 &&
                        weft_command_mutant(WEFT_COMMAND_MUTANT_PERSON_TWICE)
                    ? WEFT_EFFECT_ALLOW
                    : decision.effect;
    if (decision.statement != WEFT_POLICY_NO_STATEMENT) {
        j->statement = weft_policy_statement(law->policy, decision.statement).name;
        j->version = weft_policy_head(law->policy)->version;
        j->line = decision.line;
    }
    if (wanted != NULL) {
        wanted->is_found = decision.effect == WEFT_EFFECT_NEEDS &&
                           weft_policy_next_unmet(law->policy, &request, &decision, wanted->from,
                               &wanted->requirement);
    }
}

bool weft_command_next_unmet(const struct weft_command_law *law,
    const struct weft_command_machine *m, const struct weft_command_note *command, uint32_t from,
    struct weft_policy_requirement *ret_requirement)
{
    struct weft_command_judgement j = {.counted = 0};
    struct wanted wanted = {.from = from};
    decide(law, m, command, NULL, &j, &wanted);
    if (wanted.is_found) {
        *ret_requirement = wanted.requirement;
    }
    return wanted.is_found;
}

/* --- the envelopes --------------------------------------------------------------------------- */

/* ACT-5: each in force that is about it is named as it is, and no other. */
static bool names_all(const struct weft_command_law *law, const struct weft_command_note *command)
{
    bool is_so = law->envelope_count == command->envelope_count && law->envelope_count > 0;
    for (uint32_t i = 0; is_so && i < law->envelope_count; i++) {
        const struct weft_envelope_ref *ref = &command->envelopes[i];
        const struct weft_envelope_note *envelope = law->envelopes[i];
        is_so = weft_text_equal(ref->name, envelope->name) &&
                ref->version == envelope->link.version &&
                weft_digest_equal(&ref->digest, &envelope->link.digest);
    }
    return is_so;
}

static void check_envelopes(const struct weft_command_law *law,
    const struct weft_command_note *command, struct weft_command_judgement *j, struct weft_msg *msg)
{
    const struct weft_envelope_facts facts = {
        .now_ns = law->now_ns, .moves_ns = law->moves_ns, .move_count = law->move_count};
    j->fault = WEFT_ENVELOPE_PASSED;
    j->finish_ms = UINT64_MAX;
    j->has_canary = true;
    for (uint32_t i = 0; i < law->envelope_count; i++) {
        const struct weft_envelope_note *e = law->envelopes[i];
        if (j->fault == WEFT_ENVELOPE_PASSED) {
            j->fault = weft_envelope_check(e, 1, command, &facts, msg);
        }
        j->finish_ms = e->finish_ms < j->finish_ms ? e->finish_ms : j->finish_ms;
        j->wants_shadow = j->wants_shadow || (e->has_shadow && !command->is_shadow);
        if (e->canary_count > 0 && !command->is_shadow) {
            uint32_t count = law->count_canaries != NULL ? law->count_canaries(law, command, e) : 0;
            j->wants_canary = true;
            j->has_canary = j->has_canary && count >= e->canary_count;
        }
    }
    j->finish_ms = law->envelope_count > 0 ? j->finish_ms : 0;
}

/* --- all ------------------------------------------------------------------------------------- */

void weft_command_judge(const struct weft_command_law *law, const struct weft_command_machine *m,
    const struct weft_command_note *command, uint32_t key_id,
    const struct weft_command_approval *more, struct weft_command_judgement *ret_judgement,
    struct weft_msg *msg)
{
    struct weft_command_judgement j = {.counted = 0};
    const struct weft_policy_head *head =
        law->policy != NULL ? weft_policy_head(law->policy) : NULL;
    j.is_known = is_key_valid(law, &command->proposer, key_id);
    j.is_of_policy = head != NULL && head->version == command->policy_version &&
                     weft_digest_equal(&head->digest, &command->policy_digest);
    j.is_of_envelopes = names_all(law, command);
    j.is_of_rank = command->is_break_glass ||
                   weft_command_rank_of(law, &command->proposer) == law->authority.rank;
    j.is_of_rev = !command->has_rev || command->rev == law->rev;
    j.is_next = command->seq > law->last_seq;
    decide(law, m, command, more, &j, NULL);
    check_envelopes(law, command, &j, msg);
    *ret_judgement = j;
}
