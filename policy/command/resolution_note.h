/* policy/command/resolution_note.h: what a person found of a command whose outcome was unknown.
 *
 *     weft-resolution/v1
 *     command sha256:...
 *     id 6f1d0c9a4be24f0d9b0e8c6a1f3c2e77
 *     found done | not-done | partly
 *     resolver oem.example/plant1/op/bo
 *     printed-name Bo Example
 *     reason went to the machine: it runs at 42.5 rpm
 *     signed-at <time>
 *
 * The command stays unknown, since nobody can prove it otherwise; its channel is free again. Pure
 * text. Rules: policy/command/README.md. */
#ifndef WEFT_POLICY_COMMAND_RESOLUTION_NOTE_H
#define WEFT_POLICY_COMMAND_RESOLUTION_NOTE_H

#include "policy/command/command_note.h"

/* The words are in texts and never change. */
enum weft_resolution_finding {
    WEFT_RESOLUTION_DONE,
    WEFT_RESOLUTION_NOT_DONE,
    WEFT_RESOLUTION_PARTLY,
    WEFT_RESOLUTION_FINDINGS
};

/* Texts borrow. */
struct weft_resolution_note {
    struct weft_digest command;
    uint8_t id[WEFT_COMMAND_ID_SIZE];
    enum weft_resolution_finding finding;
    struct weft_principal resolver; /* A person. */
    struct weft_text printed_name;
    struct weft_text reason;
    int64_t signed_ns;
    struct weft_digest digest; /* Of the text; not read by encode. */
};

const char *weft_resolution_finding_name(enum weft_resolution_finding finding);

/* As weft_command_note_decode and weft_command_note_encode. */
WEFT_MUST_USE enum weft_err weft_resolution_note_decode(
    struct weft_text text, struct weft_resolution_note *ret_resolution, struct weft_msg *msg);
WEFT_MUST_USE enum weft_err weft_resolution_note_encode(
    const struct weft_resolution_note *resolution, struct weft_buffer *out, struct weft_msg *msg);

#endif
