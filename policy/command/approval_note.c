#include "policy/command/approval_note.h"

#include "proto/check.h"

static const int64_t second_ns = 1000 * 1000 * 1000;

static const char *const meanings[WEFT_APPROVAL_MEANINGS] = {
    [WEFT_APPROVAL_APPROVE] = "approve",
    [WEFT_APPROVAL_REJECT] = "reject",
    [WEFT_APPROVAL_CANCEL] = "cancel",
};

const char *weft_approval_meaning_name(enum weft_approval_meaning meaning)
{
    weft_assert((unsigned)meaning < WEFT_APPROVAL_MEANINGS); /* ACT-1 */
    return meanings[meaning];
}

static enum weft_err read_meaning(
    struct weft_document_reader *reader, struct weft_approval_note *approval, struct weft_msg *msg)
{
    struct weft_text value = {"", 0};
    enum weft_err err = weft_document_read(reader, "meaning", &value, msg);
    if (err != WEFT_OK) {
        return err;
    }
    for (int i = 0; i < WEFT_APPROVAL_MEANINGS; i++) {
        if (weft_text_is(value, meanings[i])) {
            approval->meaning = (enum weft_approval_meaning)i;
            return WEFT_OK;
        }
    }
    return weft_document_fail(
        reader, msg, WEFT_EMALFORMED, "\"meaning\" is approve, reject or cancel");
}

static enum weft_err read_life(
    struct weft_document_reader *reader, struct weft_approval_note *approval, struct weft_msg *msg)
{
    enum weft_err err = weft_document_read_time(reader, "signed-at", &approval->signed_ns, msg);
    if (err == WEFT_OK) {
        err = weft_document_read_time(reader, "expires", &approval->expires_ns, msg);
    }
    if (err == WEFT_OK &&
        (approval->expires_ns <= approval->signed_ns ||
            approval->expires_ns - approval->signed_ns > WEFT_APPROVAL_LIFE_MAX_S * second_ns)) {
        err = weft_document_fail(reader, msg, WEFT_EINVAL,
            "\"expires\" is after \"signed-at\", by %d s at most", WEFT_APPROVAL_LIFE_MAX_S);
    }
    return err;
}

static enum weft_err read_approver(
    struct weft_document_reader *reader, struct weft_approval_note *approval, struct weft_msg *msg)
{
    enum weft_err err = weft_document_read_principal(reader, "approver", &approval->approver, msg);
    if (err == WEFT_OK && approval->approver.class != WEFT_PRINCIPAL_OP) {
        err = weft_document_fail(reader, msg, WEFT_EINVAL, "a person approves, and nobody else");
    }
    if (err == WEFT_OK) {
        err = weft_command_note_read_printed(reader, &approval->printed_name, msg);
    }
    if (err == WEFT_OK) {
        err = read_meaning(reader, approval, msg);
    }
    return err == WEFT_OK ? weft_document_read(reader, "reason", &approval->reason, msg) : err;
}

enum weft_err weft_approval_note_decode(
    struct weft_text text, struct weft_approval_note *ret_approval, struct weft_msg *msg)
{
    struct weft_approval_note approval = {.signed_ns = 0};
    struct weft_document_reader reader;
    enum weft_err err = weft_document_open(text, WEFT_DOCUMENT_APPROVAL, &reader, msg);
    if (err == WEFT_OK) {
        err = weft_document_read_digest(&reader, "command", &approval.command, msg);
    }
    if (err == WEFT_OK) {
        err = weft_document_read_nonce(&reader, "id", approval.id, msg);
    }
    if (err == WEFT_OK) {
        err = read_approver(&reader, &approval, msg);
    }
    if (err == WEFT_OK) {
        err = read_life(&reader, &approval, msg);
    }
    if (err == WEFT_OK) {
        err = weft_document_close(&reader, msg);
    }
    if (err == WEFT_OK) {
        approval.digest = weft_sha256(text.data, text.size);
        *ret_approval = approval;
    }
    return err;
}

static enum weft_err write_all(const struct weft_approval_note *approval, struct weft_buffer *out)
{
    if ((unsigned)approval->meaning >= WEFT_APPROVAL_MEANINGS) {
        return WEFT_EINVAL;
    }
    enum weft_err err = weft_document_begin(out, WEFT_DOCUMENT_APPROVAL);
    if (err == WEFT_OK) {
        err = weft_document_write_digest(out, "command", &approval->command);
    }
    if (err == WEFT_OK) {
        err = weft_document_write_nonce(out, "id", approval->id);
    }
    if (err == WEFT_OK) {
        err = weft_document_write_principal(out, "approver", &approval->approver);
    }
    if (err == WEFT_OK) {
        err = weft_document_write(out, "printed-name", approval->printed_name);
    }
    if (err == WEFT_OK) {
        err = weft_document_write(out, "meaning", weft_text_of(meanings[approval->meaning]));
    }
    if (err == WEFT_OK) {
        err = weft_document_write(out, "reason", approval->reason);
    }
    if (err == WEFT_OK) {
        err = weft_document_write_time(out, "signed-at", approval->signed_ns);
    }
    return err == WEFT_OK ? weft_document_write_time(out, "expires", approval->expires_ns) : err;
}

enum weft_err weft_approval_note_encode(
    const struct weft_approval_note *approval, struct weft_buffer *out, struct weft_msg *msg)
{
    size_t before = out->size;
    struct weft_approval_note again;
    enum weft_err err = write_all(approval, out), decoded = WEFT_OK;
    if (err == WEFT_OK) {
        decoded = weft_approval_note_decode(
            (struct weft_text){(const char *)out->data + before, out->size - before}, &again, msg);
    }
    return weft_document_end(out, before, err, decoded, msg);
}
