/* Commands, approvals, receipts, resolutions, hand-overs, envelopes, the texts: what decodes
 * encodes to the same bytes. */
#include "policy/command/approval_note.h"
#include "policy/command/envelope_note.h"
#include "policy/command/handover_note.h"
#include "policy/command/receipt_note.h"
#include "policy/command/resolution_note.h"
#include "tests/fuzz/again.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct weft_text text = {(const char *)data, size};
    struct weft_command_note command;
    struct weft_approval_note approval;
    struct weft_receipt_note receipt;
    struct weft_resolution_note resolution;
    struct weft_handover_note handover;
    struct weft_envelope_note envelope;
    struct weft_msg msg = {""};
    if (weft_command_note_decode(text, &command, &msg) == WEFT_OK) {
        expect_again(weft_command_note_encode(&command, &out, &msg), text); /* ACT-1 */
    }
    if (weft_approval_note_decode(text, &approval, &msg) == WEFT_OK) {
        expect_again(weft_approval_note_encode(&approval, &out, &msg), text);
    }
    if (weft_receipt_note_decode(text, &receipt, &msg) == WEFT_OK) {
        expect_again(weft_receipt_note_encode(&receipt, &out, &msg), text);
    }
    if (weft_resolution_note_decode(text, &resolution, &msg) == WEFT_OK) {
        expect_again(weft_resolution_note_encode(&resolution, &out, &msg), text);
    }
    if (weft_handover_note_decode(text, &handover, &msg) == WEFT_OK) {
        expect_again(weft_handover_note_encode(&handover, &out, &msg), text);
    }
    if (weft_envelope_note_decode(text, &envelope, &msg) == WEFT_OK) {
        expect_again(weft_envelope_note_encode(&envelope, &out, &msg), text);
    }
    return 0;
}
