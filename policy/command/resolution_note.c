#include "policy/command/resolution_note.h"

#include "proto/check.h"

static const char *const findings[WEFT_RESOLUTION_FINDINGS] = {
    [WEFT_RESOLUTION_DONE] = "done",
    [WEFT_RESOLUTION_NOT_DONE] = "not-done",
    [WEFT_RESOLUTION_PARTLY] = "partly",
};

const char *weft_resolution_finding_name(enum weft_resolution_finding finding)
{
    weft_assert((unsigned)finding < WEFT_RESOLUTION_FINDINGS); /* ACT-1 */
    return findings[finding];
}

static enum weft_err read_finding(struct weft_document_reader *reader,
    struct weft_resolution_note *resolution, struct weft_msg *msg)
{
    struct weft_text value = {"", 0};
    enum weft_err err = weft_document_read(reader, "found", &value, msg);
    if (err != WEFT_OK) {
        return err;
    }
    for (int i = 0; i < WEFT_RESOLUTION_FINDINGS; i++) {
        if (weft_text_is(value, findings[i])) {
            resolution->finding = (enum weft_resolution_finding)i;
            return WEFT_OK;
        }
    }
    return weft_document_fail(
        reader, msg, WEFT_EMALFORMED, "\"found\" is done, not-done or partly");
}

static enum weft_err read_resolver(struct weft_document_reader *reader,
    struct weft_resolution_note *resolution, struct weft_msg *msg)
{
    enum weft_err err =
        weft_document_read_principal(reader, "resolver", &resolution->resolver, msg);
    if (err == WEFT_OK && resolution->resolver.class != WEFT_PRINCIPAL_OP) {
        err = weft_document_fail(reader, msg, WEFT_EINVAL, "a person resolves, and nobody else");
    }
    if (err == WEFT_OK) {
        err = weft_command_note_read_printed(reader, &resolution->printed_name, msg);
    }
    if (err == WEFT_OK) {
        err = weft_document_read(reader, "reason", &resolution->reason, msg);
    }
    return err == WEFT_OK
               ? weft_document_read_time(reader, "signed-at", &resolution->signed_ns, msg)
               : err;
}

enum weft_err weft_resolution_note_decode(
    struct weft_text text, struct weft_resolution_note *ret_resolution, struct weft_msg *msg)
{
    struct weft_resolution_note resolution = {.signed_ns = 0};
    struct weft_document_reader reader;
    enum weft_err err = weft_document_open(text, WEFT_DOCUMENT_RESOLUTION, &reader, msg);
    if (err == WEFT_OK) {
        err = weft_document_read_digest(&reader, "command", &resolution.command, msg);
    }
    if (err == WEFT_OK) {
        err = weft_document_read_nonce(&reader, "id", resolution.id, msg);
    }
    if (err == WEFT_OK) {
        err = read_finding(&reader, &resolution, msg);
    }
    if (err == WEFT_OK) {
        err = read_resolver(&reader, &resolution, msg);
    }
    if (err == WEFT_OK) {
        err = weft_document_close(&reader, msg);
    }
    if (err == WEFT_OK) {
        resolution.digest = weft_sha256(text.data, text.size);
        *ret_resolution = resolution;
    }
    return err;
}

static enum weft_err write_all(
    const struct weft_resolution_note *resolution, struct weft_buffer *out)
{
    if ((unsigned)resolution->finding >= WEFT_RESOLUTION_FINDINGS) {
        return WEFT_EINVAL;
    }
    enum weft_err err = weft_document_begin(out, WEFT_DOCUMENT_RESOLUTION);
    if (err == WEFT_OK) {
        err = weft_document_write_digest(out, "command", &resolution->command);
    }
    if (err == WEFT_OK) {
        err = weft_document_write_nonce(out, "id", resolution->id);
    }
    if (err == WEFT_OK) {
        err = weft_document_write(out, "found", weft_text_of(findings[resolution->finding]));
    }
    if (err == WEFT_OK) {
        err = weft_document_write_principal(out, "resolver", &resolution->resolver);
    }
    if (err == WEFT_OK) {
        err = weft_document_write(out, "printed-name", resolution->printed_name);
    }
    if (err == WEFT_OK) {
        err = weft_document_write(out, "reason", resolution->reason);
    }
    return err == WEFT_OK ? weft_document_write_time(out, "signed-at", resolution->signed_ns) : err;
}

enum weft_err weft_resolution_note_encode(
    const struct weft_resolution_note *resolution, struct weft_buffer *out, struct weft_msg *msg)
{
    size_t before = out->size;
    struct weft_resolution_note again;
    enum weft_err err = write_all(resolution, out), decoded = WEFT_OK;
    if (err == WEFT_OK) {
        decoded = weft_resolution_note_decode(
            (struct weft_text){(const char *)out->data + before, out->size - before}, &again, msg);
    }
    return weft_document_end(out, before, err, decoded, msg);
}
