/* policy/command/approval_note.h: what a person says of a command that somebody else proposed.
 *
 *     weft-approval/v1
 *     command sha256:...                            of the command's text: of no other text
 *     id 6f1d0c9a4be24f0d9b0e8c6a1f3c2e77           the command's
 *     approver oem.example/plant1/op/bo
 *     printed-name Bo Example
 *     meaning approve | reject | cancel
 *     reason checked the die and the guard
 *     signed-at <time>
 *     expires <time>                                a day later at most
 *
 * "cancel" is the proposer's too. Pure text. Rules: policy/command/README.md. */
#ifndef WEFT_POLICY_COMMAND_APPROVAL_NOTE_H
#define WEFT_POLICY_COMMAND_APPROVAL_NOTE_H

#include "policy/command/command_note.h"

enum {
    WEFT_APPROVAL_LIFE_MAX_S = WEFT_COMMAND_LIFE_MAX_S,
};

/* The words are in texts and never change. */
enum weft_approval_meaning {
    WEFT_APPROVAL_APPROVE,
    WEFT_APPROVAL_REJECT,
    WEFT_APPROVAL_CANCEL,
    WEFT_APPROVAL_MEANINGS
};

/* Texts borrow. */
struct weft_approval_note {
    struct weft_digest command;
    uint8_t id[WEFT_COMMAND_ID_SIZE];
    struct weft_principal approver; /* A person. */
    struct weft_text printed_name;
    enum weft_approval_meaning meaning;
    struct weft_text reason;
    int64_t signed_ns;
    int64_t expires_ns;        /* The last ns at which it counts. */
    struct weft_digest digest; /* Of the text; not read by encode. */
};

const char *weft_approval_meaning_name(enum weft_approval_meaning meaning);

/* As weft_command_note_decode and weft_command_note_encode. */
WEFT_MUST_USE enum weft_err weft_approval_note_decode(
    struct weft_text text, struct weft_approval_note *ret_approval, struct weft_msg *msg);
WEFT_MUST_USE enum weft_err weft_approval_note_encode(
    const struct weft_approval_note *approval, struct weft_buffer *out, struct weft_msg *msg);

#endif
