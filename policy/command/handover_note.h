/* policy/command/handover_note.h: who may command a channel from now on, until the next one.
 *
 *     weft-handover/v1
 *     channel plant1/gw2/press7
 *     version 4                                     one more than the one in force; the first is 1
 *     from operator                                 who has it now
 *     to automation
 *     signer oem.example/plant1/op/ann
 *     printed-name Ann Example
 *     reason night shift
 *     signed-at <time>
 *
 * Operator over automation over optimizer over partner: who stands as high as who has it, or
 * higher, may hand it to anybody (take-over); who has it may give it back. A channel of which there
 * is none is the operator's. Pure text. Rules: policy/command/README.md. */
#ifndef WEFT_POLICY_COMMAND_HANDOVER_NOTE_H
#define WEFT_POLICY_COMMAND_HANDOVER_NOTE_H

#include "policy/command/command_note.h"

/* Highest first. The words are in texts and never change. */
enum weft_command_rank {
    WEFT_COMMAND_OPERATOR,
    WEFT_COMMAND_AUTOMATION,
    WEFT_COMMAND_OPTIMIZER,
    WEFT_COMMAND_PARTNER,
    WEFT_COMMAND_RANKS
};

enum {
    WEFT_HANDOVER_LAG_MAX_S = 15 * 60, /* chosen: signed as long before its entry at most */
};

/* Texts borrow. */
struct weft_handover_note {
    struct weft_text channel;
    uint64_t version;
    enum weft_command_rank from;
    enum weft_command_rank to;
    struct weft_principal signer; /* A person or a program. */
    struct weft_text printed_name;
    struct weft_text reason;
    int64_t signed_ns;
    struct weft_digest digest; /* Of the text; not read by encode. */
};

/* What is in force on a channel. Zeros: none yet. */
struct weft_command_authority {
    uint64_t version;
    enum weft_command_rank rank;
};

const char *weft_command_rank_name(enum weft_command_rank rank);

/* As weft_command_note_decode and weft_command_note_encode. */
WEFT_MUST_USE enum weft_err weft_handover_note_decode(
    struct weft_text text, struct weft_handover_note *ret_handover, struct weft_msg *msg);
WEFT_MUST_USE enum weft_err weft_handover_note_encode(
    const struct weft_handover_note *handover, struct weft_buffer *out, struct weft_msg *msg);

/* Does it follow what is in force, and may somebody of rank `signer` sign it at now_ns? Not
 * whether the signature and the policy say so. WEFT_ECONFLICT: it does not follow. WEFT_EREFUSED:
 * by a lower rank; or signed too long ago, or in the future. */
WEFT_MUST_USE enum weft_err weft_handover_check(const struct weft_handover_note *handover,
    const struct weft_command_authority *now, enum weft_command_rank signer, int64_t now_ns,
    struct weft_msg *msg);

#endif
