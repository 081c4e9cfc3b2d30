/* policy/command/receipt_note.h: what a gateway answers, signed with its own key.
 *
 *     weft-receipt/v1
 *     command sha256:...
 *     id 6f1d0c9a4be24f0d9b0e8c6a1f3c2e77
 *     channel plant1/gw2/press7
 *     token 3 8812                                   term and index of the entry that it answers
 *     outcome accepted | done | measured | failed | refused | unknown | state
 *     state none | begun | done | failed | refused | unknown       of outcome "state" alone
 *     code interlock                                 of failed, refused, unknown
 *     detail guard/closed was read 4.2 s ago         of the same
 *     reading speed = 42.3 rpm at <time>             0 to 16, sorted by path; measured: 1 at least
 *     gateway oem.example/plant1/gw/gw2
 *     counter 118                                    one more with each receipt of the gateway
 *     signed-at <time>
 *
 * accepted: the bundle is verified, checked and persisted, and what follows is the act. done:
 * acted, and read back. measured: read later. failed: it acted, and the machine did not follow.
 * refused: it did not act. unknown: it cannot tell, and will not act again. state: the answer to a
 * query; the receipts that it has of the command it sends once more besides. Pure text. */
#ifndef WEFT_POLICY_COMMAND_RECEIPT_NOTE_H
#define WEFT_POLICY_COMMAND_RECEIPT_NOTE_H

#include "policy/command/command_note.h"
#include "policy/command/fence.h"

enum {
    WEFT_RECEIPT_READINGS_MAX = 16, /* chosen: as outcomes of a command */
};

/* The words are in texts and never change. */
enum weft_receipt_outcome {
    WEFT_RECEIPT_ACCEPTED,
    WEFT_RECEIPT_DONE,
    WEFT_RECEIPT_MEASURED,
    WEFT_RECEIPT_FAILED,
    WEFT_RECEIPT_REFUSED,
    WEFT_RECEIPT_UNKNOWN,
    WEFT_RECEIPT_STATE,
    WEFT_RECEIPT_OUTCOMES
};

/* What a gateway has of a command. The words are in texts and never change. */
enum weft_receipt_state {
    WEFT_RECEIPT_STATE_NONE, /* Never seen; and nothing below the query's token will be acted on. */
    WEFT_RECEIPT_STATE_BEGUN,
    WEFT_RECEIPT_STATE_DONE,
    WEFT_RECEIPT_STATE_FAILED,
    WEFT_RECEIPT_STATE_REFUSED,
    WEFT_RECEIPT_STATE_UNKNOWN,
    WEFT_RECEIPT_STATES
};

/* Texts borrow. */
struct weft_receipt_note {
    struct weft_digest command;
    uint8_t id[WEFT_COMMAND_ID_SIZE];
    struct weft_text channel;
    struct weft_fence fence;
    enum weft_receipt_outcome outcome;
    enum weft_receipt_state state; /* Of outcome STATE. */
    struct weft_text code;         /* Of FAILED, REFUSED, UNKNOWN: a word. */
    struct weft_text detail;
    uint32_t reading_count;
    struct weft_reading readings[WEFT_RECEIPT_READINGS_MAX];
    struct weft_principal gateway;
    uint64_t counter;
    int64_t signed_ns;
    struct weft_digest digest; /* Of the text; not read by encode. */
};

const char *weft_receipt_outcome_name(enum weft_receipt_outcome outcome);
const char *weft_receipt_state_name(enum weft_receipt_state state);
/* Has a receipt of it the lines "code" and "detail"? */
bool weft_receipt_outcome_has_code(enum weft_receipt_outcome outcome);

/* As weft_command_note_decode and weft_command_note_encode. The gateway is the channel's. */
WEFT_MUST_USE enum weft_err weft_receipt_note_decode(
    struct weft_text text, struct weft_receipt_note *ret_receipt, struct weft_msg *msg);
WEFT_MUST_USE enum weft_err weft_receipt_note_encode(
    const struct weft_receipt_note *receipt, struct weft_buffer *out, struct weft_msg *msg);

/* The line "token <term> <index>", also of bundles. WEFT_EMALFORMED with the line. */
WEFT_MUST_USE enum weft_err weft_receipt_note_read_token(
    struct weft_document_reader *reader, struct weft_fence *ret_fence, struct weft_msg *msg);

#endif
