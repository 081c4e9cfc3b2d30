/* policy/command/command_machine.h: one command, from its proposal to exactly one end.
 *
 * A pure state machine that every replica steps alike: state and event give the next state and what
 * the audit log says of the arrow. The table is policy/command/README.md's. What needs keys,
 * policy, envelopes or other commands is judged before (command_judge.h) and comes as data in the
 * event; time and place are the entry's. Nothing here allocates. After a refusal the machine is as
 * before. */
#ifndef WEFT_POLICY_COMMAND_COMMAND_MACHINE_H
#define WEFT_POLICY_COMMAND_COMMAND_MACHINE_H

#include "policy/command/envelope_check.h"
#include "policy/command/handover_note.h"
#include "policy/command/proof_bundle.h"
#include "policy/command/receipt_note.h"
#include "policy/command/resolution_note.h"
#include "policy/decide.h"

enum {
    WEFT_COMMAND_ASK_MS = 5000,    /* a leaf's life: behind it the gateway is asked */
    WEFT_COMMAND_SLACK_MS = 30000, /* chosen: by which receipts may come late */
    WEFT_COMMAND_CODE_SIZE = WEFT_SCALAR_WORD_SIZE_MAX + 1,
};

/* The words are in leaves, answers and records and never change; nor do the numbers (they are in
 * the state). */
enum weft_command_state {
    WEFT_COMMAND_NONE, /* There is no such command. */
    WEFT_COMMAND_PROPOSED,
    WEFT_COMMAND_APPROVED,
    WEFT_COMMAND_SELECTED,
    WEFT_COMMAND_SHADOW,
    WEFT_COMMAND_CANARY,
    WEFT_COMMAND_INTENT,
    WEFT_COMMAND_DISPATCHED,
    WEFT_COMMAND_ACKED,
    WEFT_COMMAND_REJECTED, /* From here on: ends. */
    WEFT_COMMAND_CANCELLED,
    WEFT_COMMAND_EXPIRED,
    WEFT_COMMAND_VERIFIED,
    WEFT_COMMAND_FAILED,
    WEFT_COMMAND_UNKNOWN,
    WEFT_COMMAND_STATES
};

/* The words are acts of leaves ("command.propose") and steps of records, and never change. */
enum weft_command_event_kind {
    WEFT_COMMAND_PROPOSE,
    WEFT_COMMAND_APPROVE,
    WEFT_COMMAND_REJECT,
    WEFT_COMMAND_CANCEL,
    WEFT_COMMAND_RECEIPT,
    WEFT_COMMAND_RESOLVE,
    WEFT_COMMAND_SELECT,   /* From here on: steps, which the leader proposes. */
    WEFT_COMMAND_DISPATCH, /* To a stage, or to the intent. */
    WEFT_COMMAND_ASK,
    WEFT_COMMAND_VERIFY,
    WEFT_COMMAND_OVERDUE,
    WEFT_COMMAND_EXPIRE,
    WEFT_COMMAND_EVENTS
};

/* An approval that was taken. */
struct weft_command_approval {
    struct weft_principal who;
    char person[WEFT_PRINCIPAL_PART_SIZE_MAX + 1]; /* Empty: himself. */
    uint32_t key_id;                               /* By which he signed. */
    int64_t signed_ns;
    int64_t expires_ns;
    struct weft_digest digest;
};

/* Zeros: no such command. All of it is replicated. */
struct weft_command_machine {
    enum weft_command_state state;
    struct weft_digest digest;                     /* Of the command's text. */
    char person[WEFT_PRINCIPAL_PART_SIZE_MAX + 1]; /* Of the proposer. */
    uint32_t key_id;                               /* By which he signed. */
    uint32_t approval_count;
    struct weft_command_approval approvals[WEFT_COMMAND_APPROVALS_MAX];
    uint32_t counted; /* Bits of the approvals that the last stage or intent was judged by. */
    struct weft_fence fence; /* Of the last stage or intent. */
    int64_t fence_ns;        /* When that was. */
    struct weft_fence asked; /* The last query; zeros: none since the intent. */
    int64_t asked_ns;
    bool is_lost;   /* It was told once that the gateway does not answer. */
    bool is_unseen; /* The gateway has said that it never saw this intent, and never will. */
    uint32_t sends; /* Intents. */
    bool is_shadow_done;
    uint64_t finish_ms;  /* Of the envelopes, at the intent. */
    int64_t accepted_ns; /* Of the receipt's entry. */
    int64_t done_ns;     /* The same. */
    int64_t done_at_ns;  /* By the gateway's clock, as the times of its readings. */
    uint32_t shown;      /* Bits of the outcomes that were read. */
    char
        code[WEFT_COMMAND_CODE_SIZE]; /* Why it ended: of a receipt, or one of ours; empty: none. */
    bool is_resolved;
    enum weft_resolution_finding finding;
};

/* What keys, policy, envelopes and channel say at the entry's index (command_judge.h). */
struct weft_command_judgement {
    enum weft_policy_effect effect; /* Of proposing it, with the approvals of `counted`. */
    struct weft_text statement;     /* Which decided; empty: none. Of `version`, and `line`. */
    uint64_t version;
    uint32_t line;
    uint32_t counted;     /* Bits of the machine's approvals that count; of a new one: its. */
    bool is_known;        /* The proposer's key is valid. */
    bool is_of_policy;    /* It names the policy in force. */
    bool is_of_envelopes; /* It names each envelope in force that is about it, as it is. */
    bool is_of_rank;      /* Its proposer's rank has the channel; or the glass is broken. */
    bool is_of_rev;       /* The asset's revision is what it demands. */
    bool is_next;         /* PROPOSE: its seq is above the last of this key on the channel. */
    enum weft_envelope_fault fault; /* Without live values. */
    bool wants_shadow;              /* Stages that an envelope demands. */
    bool wants_canary;
    bool has_canary; /* As many machines of the group were verified, and have soaked. */
    uint64_t finish_ms;
};

struct weft_command_event {
    enum weft_command_event_kind kind;
    struct weft_fence place; /* Of the entry. */
    int64_t now_ns;
    const struct weft_command_note *command;        /* Always: the one that it is about. */
    const struct weft_command_judgement *judgement; /* PROPOSE, APPROVE, DISPATCH. */
    const struct weft_approval_note *approval;      /* APPROVE, REJECT, CANCEL. */
    const struct weft_receipt_note *receipt;        /* RECEIPT. */
    const struct weft_resolution_note *resolution;  /* RESOLVE. */
    struct weft_text person; /* Of who signed; empty: himself. Up to 63 bytes. */
    uint32_t key_id;         /* By which. */
    bool is_permitted;       /* By the policy, of who signed a note that is no command. */
    bool is_channel_free;    /* SELECT. */
};

/* What the audit log says of an arrow. */
struct weft_command_act {
    enum weft_command_event_kind kind;
    enum weft_command_state from;
    enum weft_command_state to;
    bool is_repeat; /* It was so before: nothing changed, and there is no leaf. */
    bool is_alarm;
    bool is_move;     /* An intent: the machine may move from now on. */
    const char *code; /* Of the machine; "": none. */
};

const char *weft_command_state_name(enum weft_command_state state);
const char *weft_command_event_name(enum weft_command_event_kind kind);
/* Of its leaf: "command.propose"; of a dispatch "command.shadow", ".canary", ".intent", or
 * ".refuse", if what was judged did not hold. */
const char *weft_command_act_name(const struct weft_command_act *act);
/* What people are called for: "unknown", "deviation", "interlock", "failed", "break-glass",
 * "gateway-lost" (policy/command/README.md, Alarms). The words stand in records and never change.
 * NULL: for nothing. */
const char *weft_command_alarm_name(const struct weft_command_act *act);
/* Which step the word names. False: none. */
bool weft_command_step_parse(struct weft_text word, enum weft_command_event_kind *ret_kind);
static inline bool weft_command_state_is_end(enum weft_command_state state)
{
    return state >= WEFT_COMMAND_REJECTED;
}
/* Does it keep others from its channel? */
bool weft_command_machine_holds(const struct weft_command_machine *m);

/* ACT-6. On a refusal ret_act says whether it is an alarm, and nothing else. WEFT_ESTATE: not in
 * this state, or not due yet. WEFT_EREFUSED: somebody may not, or it is outside what is allowed.
 * WEFT_ECONFLICT: with what is there (an id that another command has, a person who counts already,
 * an older version of what is in force). The text begins with a word. */
WEFT_MUST_USE enum weft_err weft_command_machine_step(struct weft_command_machine *m,
    const struct weft_command_event *event, struct weft_command_act *ret_act, struct weft_msg *msg);

/* What the leader sees besides. */
struct weft_command_hints {
    uint64_t term;
    bool is_channel_free;
    bool has_canary;
    bool is_too_soon; /* An envelope's moves or dwell do not allow it yet. */
};

/* The step that the leader should propose at now_ns. False: none; *ret_when_ns is when to look
 * again (INT64_MAX: not before something happens). */
bool weft_command_machine_due(const struct weft_command_machine *m,
    const struct weft_command_note *command, const struct weft_command_hints *hints, int64_t now_ns,
    enum weft_command_event_kind *ret_kind, int64_t *ret_when_ns);

/* Aborts unless ACT-6 to ACT-10 hold of the machine by itself. */
void weft_command_machine_check(
    const struct weft_command_machine *m, const struct weft_command_note *command);

#endif
