/* tests/unit/policy/command/machine_rig.h: a command machine led into any state, and events for it.
 *
 * Everything an event points to is in the rig. */
#ifndef WEFT_TESTS_UNIT_MACHINE_RIG_H
#define WEFT_TESTS_UNIT_MACHINE_RIG_H

#include "policy/command/command_machine.h"
#include "tests/lib/commands.h"

/* States, and what is different within them. */
enum rig_place {
    RIG_NONE,
    RIG_PROPOSED,
    RIG_APPROVED,
    RIG_SELECTED,
    RIG_SHADOW,
    RIG_SHADOW_DONE,
    RIG_CANARY,
    RIG_INTENT,
    RIG_INTENT_ASKED,
    RIG_INTENT_UNSEEN, /* Of class C there is none. */
    RIG_DISPATCHED,
    RIG_ACKED,
    RIG_ACKED_SHOWN,
    RIG_REJECTED,
    RIG_CANCELLED,
    RIG_EXPIRED,
    RIG_VERIFIED,
    RIG_FAILED,
    RIG_UNKNOWN,
    RIG_RESOLVED,
    RIG_PLACES
};

struct rig {
    struct weft_command_note command;
    struct weft_command_machine machine;
    struct weft_fence place; /* Of the next entry. */
    int64_t now_ns;
    struct weft_command_judgement judgement;
    struct weft_approval_note approval;
    struct weft_receipt_note receipt;
    struct weft_resolution_note resolution;
    struct weft_command_event event;
    struct weft_command_act act; /* Of the last step. */
    struct weft_msg msg;
};

void rig_init(struct rig *rig, enum weft_command_class class);
/* A judgement by which all holds. */
struct weft_command_judgement rig_sound(void);
/* An event that is good, of its kind; it may be changed before rig_step. */
void rig_event(struct rig *rig, enum weft_command_event_kind kind);
/* The same of a receipt, with the token that is due. */
void rig_receipt(struct rig *rig, enum weft_receipt_outcome outcome);
void rig_approval(struct rig *rig, const char *approver, enum weft_approval_meaning meaning);
/* The entry's place is behind all before. */
enum weft_err rig_step(struct rig *rig);
/* From nothing; ends the process if the way is barred. */
void rig_lead(struct rig *rig, enum rig_place place, enum weft_command_class class);

#endif
