#include "tests/unit/policy/command/machine_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct weft_command_judgement rig_sound(void)
{
    return (struct weft_command_judgement){.effect = WEFT_EFFECT_ALLOW,
        .statement = WEFT_TEXT("setpoint"),
        .version = 42,
        .line = 17,
        .is_known = true,
        .is_of_policy = true,
        .is_of_envelopes = true,
        .is_of_rank = true,
        .is_of_rev = true,
        .is_next = true,
        .has_canary = true,
        .finish_ms = 60 * 1000};
}

void rig_init(struct rig *rig, enum weft_command_class class)
{
    memset(rig, 0, sizeof(*rig));
    rig->command = commands_command();
    rig->command.class = class;
    commands_seal(&rig->command);
    rig->place = (struct weft_fence){3, 100};
    rig->now_ns = SIGNERS_NOW_NS;
    rig->resolution = (struct weft_resolution_note){.command = rig->command.digest,
        .resolver = signers_principal(COMMANDS_BO),
        .signed_ns = SIGNERS_NOW_NS};
}

void rig_approval(struct rig *rig, const char *approver, enum weft_approval_meaning meaning)
{
    rig->approval = commands_approval(&rig->command, approver);
    rig->approval.meaning = meaning;
    rig->event.approval = &rig->approval;
}

void rig_event(struct rig *rig, enum weft_command_event_kind kind)
{
    rig->judgement = rig_sound();
    rig->judgement.counted = (1u << rig->machine.approval_count) - 1;
    rig->event = (struct weft_command_event){.kind = kind,
        .command = &rig->command,
        .judgement = &rig->judgement,
        .receipt = &rig->receipt,
        .resolution = &rig->resolution,
        .approval = &rig->approval,
        .key_id = 7,
        .is_permitted = true,
        .is_channel_free = true};
    if (kind == WEFT_COMMAND_PROPOSE) {
        rig->judgement.effect = WEFT_EFFECT_NEEDS;
    }
    if (kind == WEFT_COMMAND_APPROVE) {
        rig_approval(rig, COMMANDS_BO, WEFT_APPROVAL_APPROVE);
    }
    if (kind == WEFT_COMMAND_REJECT) {
        rig_approval(rig, COMMANDS_BO, WEFT_APPROVAL_REJECT);
    }
    if (kind == WEFT_COMMAND_CANCEL) {
        rig_approval(rig, COMMANDS_ANN, WEFT_APPROVAL_CANCEL);
    }
}

void rig_receipt(struct rig *rig, enum weft_receipt_outcome outcome)
{
    rig_event(rig, WEFT_COMMAND_RECEIPT);
    rig->receipt = commands_receipt(&rig->command,
        outcome == WEFT_RECEIPT_STATE ? &rig->machine.asked : &rig->machine.fence, outcome);
    rig->receipt.signed_ns = rig->now_ns;
    rig->receipt.readings[0].at_ns = rig->now_ns;
}

enum weft_err rig_step(struct rig *rig)
{
    rig->place.index++;
    rig->event.place = rig->place;
    rig->event.now_ns = rig->now_ns;
    return weft_command_machine_step(&rig->machine, &rig->event, &rig->act, &rig->msg);
}

static void must(struct rig *rig)
{
    enum weft_err err = rig_step(rig);
    if (err != WEFT_OK) {
        (void)fprintf(stderr, "%s: %s\n", weft_err_name(err), rig->msg.text);
        abort();
    }
}

static void must_event(struct rig *rig, enum weft_command_event_kind kind)
{
    rig_event(rig, kind);
    must(rig);
}

static void must_receipt(struct rig *rig, enum weft_receipt_outcome outcome)
{
    rig_receipt(rig, outcome);
    must(rig);
}

static void dispatch(struct rig *rig, bool wants_shadow, bool wants_canary)
{
    must_event(rig, WEFT_COMMAND_SELECT);
    rig_event(rig, WEFT_COMMAND_DISPATCH);
    rig->judgement.wants_shadow = wants_shadow;
    rig->judgement.wants_canary = wants_canary;
    rig->judgement.has_canary = false;
    must(rig);
}

/* Behind an approval. */
static void lead_on(struct rig *rig, enum rig_place place)
{
    if (place == RIG_APPROVED) {
        return;
    }
    if (place == RIG_SELECTED) {
        must_event(rig, WEFT_COMMAND_SELECT);
        return;
    }
    if (place == RIG_SHADOW || place == RIG_SHADOW_DONE || place == RIG_CANARY) {
        dispatch(rig, place != RIG_CANARY, place == RIG_CANARY);
        if (place == RIG_SHADOW_DONE) {
            must_receipt(rig, WEFT_RECEIPT_DONE);
        }
        return;
    }
    dispatch(rig, false, false);
    if (place == RIG_INTENT_ASKED || place == RIG_INTENT_UNSEEN) {
        rig->now_ns += WEFT_COMMAND_ASK_MS * INT64_C(1000000);
        must_event(rig, WEFT_COMMAND_ASK);
    }
    if (place == RIG_INTENT_UNSEEN) {
        must_receipt(rig, WEFT_RECEIPT_STATE);
    }
    if (place == RIG_INTENT || place == RIG_INTENT_ASKED || place == RIG_INTENT_UNSEEN) {
        return;
    }
    if (place == RIG_UNKNOWN || place == RIG_RESOLVED) {
        must_receipt(rig, WEFT_RECEIPT_UNKNOWN);
        if (place == RIG_RESOLVED) {
            must_event(rig, WEFT_COMMAND_RESOLVE);
        }
        return;
    }
    must_receipt(rig, WEFT_RECEIPT_ACCEPTED);
    if (place == RIG_DISPATCHED) {
        return;
    }
    if (place == RIG_FAILED) {
        must_receipt(rig, WEFT_RECEIPT_FAILED);
        return;
    }
    rig_receipt(rig, WEFT_RECEIPT_DONE);
    rig->receipt.reading_count = place == RIG_ACKED ? 0 : 1;
    must(rig);
    if (place == RIG_VERIFIED) {
        must_event(rig, WEFT_COMMAND_VERIFY);
    }
}

void rig_lead(struct rig *rig, enum rig_place place, enum weft_command_class class)
{
    rig_init(rig, class);
    if (place == RIG_NONE) {
        return;
    }
    must_event(rig, WEFT_COMMAND_PROPOSE);
    switch (place) {
    case RIG_NONE:
    case RIG_PROPOSED:
        break;
    case RIG_REJECTED:
        must_event(rig, WEFT_COMMAND_REJECT);
        break;
    case RIG_CANCELLED:
        must_event(rig, WEFT_COMMAND_CANCEL);
        break;
    case RIG_EXPIRED:
        rig->now_ns = rig->command.not_after_ns + 1;
        must_event(rig, WEFT_COMMAND_EXPIRE);
        break;
    case RIG_APPROVED:
    case RIG_SELECTED:
    case RIG_SHADOW:
    case RIG_SHADOW_DONE:
    case RIG_CANARY:
    case RIG_INTENT:
    case RIG_INTENT_ASKED:
    case RIG_INTENT_UNSEEN:
    case RIG_DISPATCHED:
    case RIG_ACKED:
    case RIG_ACKED_SHOWN:
    case RIG_VERIFIED:
    case RIG_FAILED:
    case RIG_UNKNOWN:
    case RIG_RESOLVED:
    case RIG_PLACES:
        must_event(rig, WEFT_COMMAND_APPROVE);
        lead_on(rig, place);
        break;
    }
}
