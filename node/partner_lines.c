#include "node/partner_lines.h"

#include <string.h>

#include "proto/check.h"

void weft_partner_lines_destroy(struct weft_partner_lines *lines)
{
    weft_buffer_destroy(&lines->text);
    weft_buffer_destroy(&lines->note);
    lines->count = 0;
}

enum weft_err weft_partner_lines_begin(struct weft_partner_lines *lines, struct weft_text text)
{
    lines->count = 0;
    weft_buffer_clear(&lines->text);
    weft_buffer_clear(&lines->note);
    lines->text.size_max = lines->note.size_max = WEFT_NOTE_SIZE_MAX;
    enum weft_err err = weft_buffer_text(&lines->text, text);
    if (err == WEFT_OK) {
        lines->digest = weft_sha256(lines->text.data, lines->text.size);
    } else {
        weft_buffer_clear(&lines->text);
    }
    return err;
}

/* Which of the signers' keys the line is by. */
static enum weft_err find_key(const struct weft_stream_signers *signers,
    const struct weft_note *note, uint32_t *ret_key, struct weft_msg *msg)
{
    const struct weft_note_signature *signature = &note->signatures[0];
    for (uint32_t i = 0; i < signers->verifier_count; i++) {
        const struct weft_verifier *v = &signers->verifiers[i];
        bool has_ended = signers->ends != NULL && signers->ends[i] != UINT64_MAX;
        if (!has_ended && v->key_id == signature->key_id &&
            weft_text_is(signature->name, v->name)) {
            *ret_key = i;
            return WEFT_OK;
        }
    }
    return weft_fail(msg, WEFT_EPEER, "a key that is not in this site's record of itself");
}

static enum weft_err verify(const struct weft_partner_lines *lines,
    const struct weft_stream_signers *signers, struct weft_text line, uint32_t *ret_key,
    struct weft_msg *msg)
{
    struct weft_buffer joined = {.size_max = WEFT_NOTE_SIZE_MAX};
    struct weft_note_mark mark;
    struct weft_note note;
    enum weft_err err = weft_note_join(weft_buffer_as_text(&lines->text), line, &joined, msg);
    if (err == WEFT_OK) {
        err = weft_note_parse(weft_buffer_as_text(&joined), &note, msg);
    }
    if (err == WEFT_OK && note.signature_count != 1) {
        err = weft_fail(msg, WEFT_EMALFORMED, "not one line");
    }
    if (err == WEFT_OK) {
        err = find_key(signers, &note, ret_key, msg);
    }
    if (err == WEFT_OK) {
        err = weft_note_verify(&note, &signers->verifiers[*ret_key], 1, &mark, msg);
    }
    weft_buffer_destroy(&joined);
    return err;
}

static enum weft_err join(struct weft_partner_lines *lines, struct weft_msg *msg)
{
    struct weft_buffer all = {.size_max = WEFT_NOTE_SIZE_MAX};
    enum weft_err err = WEFT_OK;
    for (uint32_t i = 0; err == WEFT_OK && i < lines->count; i++) {
        err = weft_buffer_text(&all, weft_text_of(lines->lines[i].text));
    }
    if (err == WEFT_OK) {
        err = weft_note_join(
            weft_buffer_as_text(&lines->text), weft_buffer_as_text(&all), &lines->note, msg);
    }
    weft_buffer_destroy(&all);
    return err;
}

enum weft_err weft_partner_lines_add(struct weft_partner_lines *lines,
    const struct weft_stream_signers *signers, struct weft_text line, struct weft_msg *msg)
{
    uint32_t key = 0, at = 0;
    if (lines->text.size == 0 || lines->note.size > 0) {
        return weft_fail(msg, WEFT_ESTATE, "nothing is to be signed");
    }
    if (line.size > WEFT_AUDIT_LINE_SIZE_MAX) {
        return weft_fail(msg, WEFT_ETOOBIG, "the line is too long");
    }
    enum weft_err err = verify(lines, signers, line, &key, msg);
    if (err != WEFT_OK) {
        return err;
    }
    while (at < lines->count && lines->lines[at].key != key) {
        at++;
    }
    if (at == WEFT_MEMBERS_MAX) {
        return weft_fail(msg, WEFT_ESTATE, "more signatures than members");
    }
    lines->count += at == lines->count ? 1 : 0;
    lines->lines[at].key = key;
    memcpy(lines->lines[at].text, line.data, line.size);
    lines->lines[at].text[line.size] = '\0';
    weft_assert(lines->count <= WEFT_MEMBERS_MAX); /* NOD-243 */
    return signers->threshold > 0 && lines->count >= signers->threshold ? join(lines, msg)
                                                                        : WEFT_OK;
}
