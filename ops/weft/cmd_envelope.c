#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "ops/weft/command_source.h"
#include "ops/weft/consent.h"
#include "ops/weft/files.h"
#include "ops/weft/keys.h"
#include "ops/weft/output.h"
#include "policy/note.h"

/* envelope check, apply, show: within what machines may be commanded. */

static const int64_t second_ns = 1000 * 1000 * 1000;
static const int64_t year_s = 365 * 24 * 3600; /* chosen: looked at again each year */

/* The text, or that of the note in the file. */
static enum weft_err read_text(const char *path, struct weft_buffer *bytes,
    struct weft_text *ret_text, struct weft_envelope_note *ret_envelope, struct weft_msg *msg)
{
    struct weft_note note;
    bytes->size_max = WEFT_NOTE_SIZE_MAX + 1;
    enum weft_err err = weft_files_read(path, bytes, msg);
    if (err != WEFT_OK) {
        return err;
    }
    *ret_text = weft_buffer_as_text(bytes);
    if (weft_note_parse(*ret_text, &note, NULL) == WEFT_OK) {
        *ret_text = note.text;
    }
    err = weft_envelope_note_decode(*ret_text, ret_envelope, msg);
    return err == WEFT_OK ? err : weft_wrap(msg, err, "%s", path);
}

enum weft_exit weft_cmd_envelope_check(const struct weft_args *args)
{
    struct weft_buffer bytes = {0};
    struct weft_text text;
    struct weft_envelope_note envelope;
    struct weft_msg msg = {""};
    char digest[WEFT_DIGEST_TEXT_SIZE];
    enum weft_err err = read_text(args->operands[0], &bytes, &text, &envelope, &msg);
    if (err == WEFT_OK) {
        weft_digest_format(&envelope.link.digest, digest);
        (void)printf("envelope %.*s version %" PRIu64 " %s: about %.*s\n", (int)envelope.name.size,
            envelope.name.data, envelope.link.version, digest, (int)envelope.target.size,
            envelope.target.data);
    }
    weft_buffer_destroy(&bytes);
    return weft_complain(err, &msg);
}

/* --- apply ----------------------------------------------------------------------------------- */

/* Signed by each --key, in their order. */
static enum weft_err sign(
    const struct weft_args *args, struct weft_authority_note *note, struct weft_msg *msg)
{
    const char *path;
    enum weft_err err = WEFT_OK;
    int count = 0;
    while (err == WEFT_OK && (path = weft_args_nth(args, "key", count)) != NULL) {
        struct weft_signer signer;
        err = weft_keys_open(args, path, &signer, msg);
        if (err == WEFT_OK) {
            err = weft_authority_note_sign(note, &signer, msg);
            weft_signer_wipe(&signer);
        }
        count++;
    }
    return err == WEFT_OK && count == 0
               ? weft_fail(msg, WEFT_EINVAL, "--key FILE says which admins sign")
               : err;
}

static enum weft_err apply(
    const struct weft_args *args, struct weft_client *client, struct weft_msg *msg)
{
    struct weft_buffer bytes = {0};
    struct weft_authority_note note = {.text = {0}};
    struct weft_text text;
    struct weft_envelope_note envelope;
    struct weft_note parsed;
    char asset[WEFT_ASSET_SIZE_MAX + 1];
    uint64_t index = 0;
    enum weft_err err = read_text(args->operands[0], &bytes, &text, &envelope, msg);
    if (err == WEFT_OK) {
        err = weft_buffer_text(&note.text, text);
    }
    if (err == WEFT_OK) {
        err = weft_consent_ask(args, "the envelope", text, msg);
    }
    if (err == WEFT_OK) {
        err = sign(args, &note, msg);
    }
    if (err == WEFT_OK) {
        err = weft_authority_note_join(&note, &parsed, msg);
    }
    if (err == WEFT_OK) {
        (void)snprintf(
            asset, sizeof(asset), "envelope:%.*s", (int)envelope.name.size, envelope.name.data);
        err = weft_authority_note_commit_as(
            client, "envelope", asset, weft_buffer_as_text(&note.joined), NULL, &index, msg);
    }
    if (err == WEFT_OK) {
        (void)printf("envelope %.*s version %" PRIu64 " is in force from index %" PRIu64 " on\n",
            (int)envelope.name.size, envelope.name.data, envelope.link.version, index);
    }
    weft_authority_note_destroy(&note);
    weft_buffer_destroy(&bytes);
    return err;
}

enum weft_exit weft_cmd_envelope_apply(const struct weft_args *args)
{
    return weft_with_client(args, apply);
}

/* --- show ------------------------------------------------------------------------------------ */

static enum weft_err print_next(const struct weft_envelope_note *envelope, struct weft_msg *msg)
{
    struct weft_envelope_note next = *envelope;
    struct weft_buffer text = {0};
    next.link.prev = envelope->link.digest;
    next.link.version++;
    next.link.issued_ns = (int64_t)time(NULL) * second_ns;
    next.link.expires_ns = next.link.issued_ns + year_s * second_ns;
    enum weft_err err = weft_envelope_note_encode(&next, &text, msg);
    if (err == WEFT_OK) {
        (void)fwrite(text.data, 1, text.size, stdout);
    }
    weft_buffer_destroy(&text);
    return err;
}

static void print_row(struct weft_table *t, const struct weft_envelope_note *e)
{
    weft_table_cell(t, e->name);
    weft_table_format(t, "%" PRIu64, e->link.version);
    weft_table_cell(t, weft_text_of(weft_envelope_party_name(e->party)));
    weft_table_cell(t, e->target);
}

static enum weft_err show(
    const struct weft_args *args, struct weft_client *client, struct weft_msg *msg)
{
    struct weft_envelope_source source = {.count = 0};
    struct weft_table t;
    bool is_found = false;
    enum weft_err err = weft_envelope_source_read(
        client, (struct weft_text){NULL, 0}, (struct weft_text){NULL, 0}, &source, msg);
    weft_table_init(&t, "NAME|>VERSION|PARTY|TARGET");
    for (uint32_t i = 0; err == WEFT_OK && i < source.count; i++) {
        const struct weft_envelope_note *e = &source.envelopes[i];
        if (args->operand_count == 0) {
            print_row(&t, e);
        } else if (weft_text_is(e->name, args->operands[0])) {
            is_found = true;
            if (weft_args_has(args, "next")) {
                err = print_next(e, msg);
            } else {
                (void)fwrite(source.notes[i].data, 1, source.notes[i].size, stdout);
            }
        }
    }
    if (err == WEFT_OK && args->operand_count == 0) {
        weft_table_print(&t, stdout);
    } else {
        weft_buffer_destroy(&t.cells);
    }
    if (err == WEFT_OK && args->operand_count > 0 && !is_found) {
        err = weft_fail(msg, WEFT_ENOTFOUND, "no envelope %s", args->operands[0]);
    }
    weft_envelope_source_destroy(&source);
    return err;
}

enum weft_exit weft_cmd_envelope_show(const struct weft_args *args)
{
    return weft_with_client(args, show);
}
