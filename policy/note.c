#include "policy/note.h"

#include <stdio.h>

#include "policy/base64.h"
#include "policy/together.h"
#include "proto/arith.h"
#include "proto/check.h"

enum {
    KEY_ID_SIZE = 4,
    TIME_SIZE = 8,
    /* The largest that we make here: key id, time, Ed25519. */
    SIGNATURE_SIZE_MAX = KEY_ID_SIZE + TIME_SIZE + WEFT_ED25519_SIGNATURE_SIZE,
    RAW_SIZE_MAX = KEY_ID_SIZE + WEFT_TOGETHER_SIZE_MAX,
    COSIGNATURE_HEAD_SIZE = 48, /* "cosignature/v1\ntime 9223372036854775807\n", terminated */
};

static const char dash[] = "\xe2\x80\x94 "; /* em dash (U+2014), space (U+0020) */

/* --- parse ----------------------------------------------------------------------------------- */

static uint32_t count_lines(struct weft_text text)
{
    uint32_t lines = 0;
    for (size_t i = 0; i < text.size; i++) {
        lines += text.data[i] == '\n';
    }
    return lines;
}

/* "Signed notes MUST be valid UTF-8 and MUST NOT contain any ASCII control characters (those below
 * U+0020) other than newline." */
static enum weft_err check_characters(struct weft_text text, struct weft_msg *msg)
{
    size_t good = weft_text_utf8_prefix(text);
    for (size_t i = 0; i < good; i++) {
        if ((uint8_t)text.data[i] < ' ' && text.data[i] != '\n') {
            return weft_fail(msg, WEFT_EMALFORMED, "line %u: control character 0x%02x",
                count_lines((struct weft_text){text.data, i}) + 1, (uint8_t)text.data[i]);
        }
    }
    if (good < text.size) {
        return weft_fail(msg, WEFT_EMALFORMED, "line %u: not UTF-8",
            count_lines((struct weft_text){text.data, good}) + 1);
    }
    return WEFT_OK;
}

/* The line without its newline; false at the end. The last line must have one: checked before. */
static bool next_line(struct weft_text *rest, struct weft_text *ret_line)
{
    if (rest->size == 0) {
        return false;
    }
    bool has_end = weft_text_cut(rest, '\n', ret_line);
    weft_assert(has_end); /* POL-23: the caller saw the last newline */
    return true;
}

/* "em dash, space, key name, space, base64-encoded signature": "base64 encoding of 4+n bytes". */
static enum weft_err parse_line(struct weft_text line, uint32_t number,
    struct weft_note_signature *ret_signature, struct weft_msg *msg)
{
    size_t skip = sizeof(dash) - 1;
    if (line.size <= skip || memcmp(line.data, dash, skip) != 0) {
        return weft_fail(
            msg, WEFT_EMALFORMED, "line %u: a signature line starts with an em dash", number);
    }
    struct weft_text encoded = {line.data + skip, line.size - skip}, name;
    if (!weft_text_cut(&encoded, ' ', &name) || !weft_signer_is_name(name)) {
        return weft_fail(msg, WEFT_EMALFORMED, "line %u: not a key name and a signature", number);
    }
    uint8_t head[6];
    size_t size = 0;
    if (weft_base64_parse(encoded, NULL, 0, &size) != WEFT_OK || size <= KEY_ID_SIZE) {
        return weft_fail(msg, WEFT_EMALFORMED,
            "line %u: a signature is base64 of a key id and at least a byte", number);
    }
    /* The key id is in the first 8 characters, of which the last may be padding. */
    enum weft_err err =
        weft_base64_parse((struct weft_text){encoded.data, 8}, head, sizeof(head), &size);
    weft_assert(err == WEFT_OK && size > KEY_ID_SIZE); /* POL-23: the whole was base64 */
    *ret_signature = (struct weft_note_signature){
        .name = name, .encoded = encoded, .key_id = weft_get_be32(head), .line = number};
    return WEFT_OK;
}

static enum weft_err parse_signatures(
    struct weft_text lines, uint32_t first_line, struct weft_note *ret_note, struct weft_msg *msg)
{
    struct weft_text line;
    ret_note->signature_count = 0;
    ret_note->together = NULL;
    for (uint32_t number = first_line; next_line(&lines, &line); number++) {
        if (ret_note->signature_count == WEFT_NOTE_SIGNATURES_MAX) {
            return weft_fail(msg, WEFT_ETOOBIG, "line %u: more than %d signatures", number,
                WEFT_NOTE_SIGNATURES_MAX);
        }
        enum weft_err err =
            parse_line(line, number, &ret_note->signatures[ret_note->signature_count], msg);
        if (err != WEFT_OK) {
            return err;
        }
        ret_note->signature_count++;
    }
    return ret_note->signature_count > 0
               ? WEFT_OK
               : weft_fail(msg, WEFT_EMALFORMED, "line %u: no signature", first_line);
}

static enum weft_err check_bytes(struct weft_text bytes, struct weft_msg *msg)
{
    if (bytes.size > WEFT_NOTE_SIZE_MAX) {
        return weft_fail(msg, WEFT_ETOOBIG, "a note of more than %d bytes", WEFT_NOTE_SIZE_MAX);
    }
    enum weft_err err = check_characters(bytes, msg);
    if (err == WEFT_OK && (bytes.size == 0 || bytes.data[bytes.size - 1] != '\n')) {
        err = weft_fail(
            msg, WEFT_EMALFORMED, "line %u: no newline at the end", count_lines(bytes) + 1);
    }
    return err;
}

/* "the text is separated from the signatures by the last empty line in the note" */
enum weft_err weft_note_parse(
    struct weft_text bytes, struct weft_note *ret_note, struct weft_msg *msg)
{
    enum weft_err err = check_bytes(bytes, msg);
    if (err != WEFT_OK) {
        return err;
    }
    size_t at = bytes.size;
    while (at >= 2 && memcmp(bytes.data + at - 2, "\n\n", 2) != 0) {
        at--;
    }
    if (at < 2) {
        return weft_fail(msg, WEFT_EMALFORMED, "no text and blank line before signatures");
    }
    struct weft_text text = {bytes.data, at - 1};
    struct weft_text lines = {bytes.data + at, bytes.size - at};
    err = parse_signatures(lines, count_lines(text) + 2, ret_note, msg);
    ret_note->text = text;
    return err;
}

enum weft_err weft_note_parse_lines(
    struct weft_text lines, struct weft_note *ret_note, struct weft_msg *msg)
{
    enum weft_err err = check_bytes(lines, msg);
    if (err == WEFT_OK) {
        err = parse_signatures(lines, 1, ret_note, msg);
        ret_note->text = (struct weft_text){NULL, 0};
    }
    return err;
}

/* --- verify ---------------------------------------------------------------------------------- */

/* "two newline terminated lines followed by the whole note body": tlog-cosignature. */
static enum weft_err make_cosigned(
    struct weft_text text, uint64_t time_s, struct weft_buffer *out, struct weft_msg *msg)
{
    enum weft_err err = weft_buffer_reserve(out, COSIGNATURE_HEAD_SIZE + text.size);
    if (err == WEFT_OK) {
        err = weft_buffer_format(out, "cosignature/v1\ntime %llu\n", (unsigned long long)time_s);
    }
    if (err == WEFT_OK) {
        err = weft_buffer_text(out, text);
    }
    return err == WEFT_OK ? err : weft_fail(msg, err, "no memory for a cosigned text");
}

static enum weft_err verify_cosignature(struct weft_text text, const struct weft_verifier *verifier,
    struct weft_bytes timed, uint64_t *ret_time_s, struct weft_msg *msg)
{
    if (timed.size != TIME_SIZE + WEFT_ED25519_SIGNATURE_SIZE) {
        return weft_fail(msg, WEFT_EBADSIG, "a cosignature is a time and 64 bytes");
    }
    uint64_t time_s = weft_get_be64(timed.data);
    if (time_s > INT64_MAX) { /* "It MUST NOT exceed 2^63 - 1" */
        return weft_fail(msg, WEFT_EBADSIG, "a cosignature's time is beyond 2^63 - 1");
    }
    struct weft_buffer cosigned = {0};
    enum weft_err err = make_cosigned(text, time_s, &cosigned, msg);
    if (err == WEFT_OK) {
        struct weft_bytes signature = {timed.data + TIME_SIZE, timed.size - TIME_SIZE};
        err = weft_ed25519_verify(
            &verifier->key, (struct weft_bytes){cosigned.data, cosigned.size}, signature, msg);
    }
    weft_buffer_destroy(&cosigned);
    if (err == WEFT_OK) {
        *ret_time_s = time_s;
    }
    return err;
}

static enum weft_err verify_one(const struct weft_note *note,
    const struct weft_note_signature *signature, const struct weft_verifier *verifier,
    uint64_t *ret_time_s, struct weft_msg *msg)
{
    uint8_t raw[RAW_SIZE_MAX];
    size_t size;
    if (weft_base64_parse(signature->encoded, raw, sizeof(raw), &size) != WEFT_OK) {
        return weft_fail(msg, WEFT_EBADSIG, "a signature of another size than its key's");
    }
    weft_assert(size > KEY_ID_SIZE); /* POL-23 */
    struct weft_bytes rest = {raw + KEY_ID_SIZE, size - KEY_ID_SIZE};
    switch (verifier->type) {
    case WEFT_SIGNER_ED25519:
        *ret_time_s = 0;
        if (note->together != NULL && rest.size != WEFT_ED25519_SIGNATURE_SIZE) {
            return weft_together_verify(note->together, note->text, verifier, rest, msg);
        }
        return weft_ed25519_verify(&verifier->key,
            (struct weft_bytes){(const uint8_t *)note->text.data, note->text.size}, rest, msg);
    case WEFT_SIGNER_COSIGNATURE:
        return verify_cosignature(note->text, verifier, rest, ret_time_s, msg);
    }
    return weft_fail(msg, WEFT_EINVAL, "verifier of an unknown type");
}

static bool is_by(const struct weft_note_signature *signature, const struct weft_verifier *verifier)
{
    return signature->key_id == verifier->key_id && weft_text_is(signature->name, verifier->name);
}

/* The verifier of a line: none, one, or two different ones (C2SP: "Accidental collisions of both
 * key name and key ID can lead to errors"). One that is in the list twice is found once. */
static enum weft_err find_verifier(const struct weft_note_signature *signature,
    const struct weft_verifier *verifiers, uint32_t count, uint32_t *ret_found,
    struct weft_msg *msg)
{
    uint32_t found = count;
    for (uint32_t i = 0; i < count; i++) {
        if (!is_by(signature, &verifiers[i])) {
            continue;
        }
        if (found < count && !weft_verifier_equal(&verifiers[found], &verifiers[i])) {
            return weft_fail(msg, WEFT_EINVAL, "line %u: two keys are known by its name and id",
                signature->line);
        }
        found = found < count ? found : i;
    }
    *ret_found = found;
    return WEFT_OK;
}

static enum weft_err verify_line(const struct weft_note *note,
    const struct weft_note_signature *signature, const struct weft_verifier *verifiers,
    uint32_t count, struct weft_note_mark *marks, struct weft_msg *msg)
{
    uint32_t found = count;
    enum weft_err err = find_verifier(signature, verifiers, count, &found, msg);
    if (err != WEFT_OK || found == count) {
        return err;
    }
    if (marks[found].is_signed) {
        return weft_fail(msg, WEFT_EBADSIG, "line %u: a second signature of %s", signature->line,
            verifiers[found].name);
    }
    err = verify_one(note, signature, &verifiers[found], &marks[found].time_s, msg);
    if (err != WEFT_OK) {
        return weft_wrap(msg, err, "line %u (%s)", signature->line, verifiers[found].name);
    }
    marks[found].is_signed = true;
    return WEFT_OK;
}

enum weft_err weft_note_verify(const struct weft_note *note, const struct weft_verifier *verifiers,
    uint32_t verifier_count, struct weft_note_mark *ret_marks, struct weft_msg *msg)
{
    size_t marks_size = verifier_count * sizeof(*ret_marks);
    uint32_t signed_count = 0;
    enum weft_err err = WEFT_OK;
    if (verifier_count > 0) {
        memset(ret_marks, 0, marks_size);
    }
    for (uint32_t i = 0; err == WEFT_OK && i < note->signature_count; i++) {
        err = verify_line(note, &note->signatures[i], verifiers, verifier_count, ret_marks, msg);
    }
    for (uint32_t i = 0; err == WEFT_OK && i < verifier_count; i++) {
        signed_count += ret_marks[i].is_signed;
    }
    if (err == WEFT_OK && signed_count > 0) {
        return WEFT_OK;
    }
    if (verifier_count > 0) { /* Nobody acts on half a note. */
        memset(ret_marks, 0, marks_size);
    }
    return err != WEFT_OK ? err : weft_fail(msg, WEFT_EPEER, "no signature of a known key");
}

/* --- sign ------------------------------------------------------------------------------------ */

enum weft_err weft_note_check_text(struct weft_text text, struct weft_msg *msg)
{
    enum weft_err err = check_bytes(text, msg);
    return err == WEFT_OK ? err : weft_wrap(msg, err, "text of a note");
}

static enum weft_err make_signature(struct weft_text text, const struct weft_signer *signer,
    uint64_t time_s, uint8_t *ret_raw, size_t *ret_size, struct weft_msg *msg)
{
    struct weft_buffer cosigned = {0};
    struct weft_bytes message = {(const uint8_t *)text.data, text.size};
    enum weft_err err = WEFT_OK;
    size_t at = KEY_ID_SIZE;
    weft_put_be32(ret_raw, signer->verifier.key_id);
    if (signer->verifier.type == WEFT_SIGNER_COSIGNATURE) {
        err = make_cosigned(text, time_s, &cosigned, msg);
        message = (struct weft_bytes){cosigned.data, cosigned.size};
        weft_put_be64(ret_raw + at, time_s);
        at += TIME_SIZE;
    }
    if (err == WEFT_OK) {
        err = weft_ed25519_sign(&signer->pair, message, ret_raw + at, msg);
    }
    weft_buffer_destroy(&cosigned);
    *ret_size = at + WEFT_ED25519_SIGNATURE_SIZE;
    return err;
}

static enum weft_err append_line(struct weft_text text, const struct weft_signer *signer,
    uint64_t time_s, struct weft_buffer *out, struct weft_msg *msg)
{
    uint8_t raw[SIGNATURE_SIZE_MAX];
    char encoded[WEFT_BASE64_TEXT_SIZE(SIGNATURE_SIZE_MAX)];
    size_t size;
    enum weft_err err = make_signature(text, signer, time_s, raw, &size, msg);
    if (err != WEFT_OK) {
        return err;
    }
    weft_base64_format(raw, size, encoded);
    err = weft_buffer_format(
        out, "%s%s %.*s\n", dash, signer->verifier.name, (int)WEFT_BASE64_TEXT_SIZE(size), encoded);
    return err == WEFT_OK ? err : weft_fail(msg, err, "no room for a signature line");
}

enum weft_err weft_note_sign_line(struct weft_text text, const struct weft_signer *signer,
    uint64_t time_s, struct weft_buffer *out, struct weft_msg *msg)
{
    enum weft_err err = weft_note_check_text(text, msg);
    if (err != WEFT_OK) {
        return err;
    }
    if (time_s > INT64_MAX) {
        return weft_fail(msg, WEFT_EINVAL, "a cosignature's time is at most 2^63 - 1");
    }
    return append_line(text, signer, time_s, out, msg);
}

static enum weft_err append_note(struct weft_text text, const struct weft_signer *signers,
    uint32_t count, struct weft_buffer *out, struct weft_msg *msg)
{
    enum weft_err err = weft_buffer_text(out, text);
    if (err == WEFT_OK) {
        err = weft_buffer_append(out, "\n", 1);
    }
    if (err != WEFT_OK) {
        return weft_fail(msg, err, "no room for a note");
    }
    for (uint32_t i = 0; err == WEFT_OK && i < count; i++) {
        err = append_line(text, &signers[i], 0, out, msg);
    }
    return err;
}

enum weft_err weft_note_sign(struct weft_text text, const struct weft_signer *signers,
    uint32_t signer_count, struct weft_buffer *out, struct weft_msg *msg)
{
    size_t before = out->size;
    enum weft_err err = weft_note_check_text(text, msg);
    if (err != WEFT_OK) {
        return err;
    }
    if (signer_count == 0 || signer_count > WEFT_NOTE_SIGNATURES_MAX) {
        return weft_fail(
            msg, WEFT_EINVAL, "a note has 1 to %d signatures", WEFT_NOTE_SIGNATURES_MAX);
    }
    for (uint32_t i = 0; i < signer_count; i++) {
        if (signers[i].verifier.type != WEFT_SIGNER_ED25519) {
            return weft_fail(msg, WEFT_EINVAL, "%s is a cosigner's", signers[i].verifier.name);
        }
    }
    err = append_note(text, signers, signer_count, out, msg);
    if (err == WEFT_OK && out->size - before > WEFT_NOTE_SIZE_MAX) {
        err = weft_fail(msg, WEFT_ETOOBIG, "a note of more than %d bytes", WEFT_NOTE_SIZE_MAX);
    }
    if (err != WEFT_OK) {
        out->size = before;
    }
    return err;
}

enum weft_err weft_note_join(
    struct weft_text text, struct weft_text lines, struct weft_buffer *out, struct weft_msg *msg)
{
    size_t before = out->size;
    struct weft_note note;
    enum weft_err err = weft_note_check_text(text, msg);
    if (err == WEFT_OK) {
        err = weft_note_parse_lines(lines, &note, msg);
    }
    if (err != WEFT_OK) {
        return err;
    }
    if (text.size + 1 + lines.size > WEFT_NOTE_SIZE_MAX) {
        return weft_fail(msg, WEFT_ETOOBIG, "a note of more than %d bytes", WEFT_NOTE_SIZE_MAX);
    }
    err = weft_buffer_text(out, text);
    if (err == WEFT_OK) {
        err = weft_buffer_append(out, "\n", 1);
    }
    if (err == WEFT_OK) {
        err = weft_buffer_text(out, lines);
    }
    if (err != WEFT_OK) {
        out->size = before;
        return weft_fail(msg, err, "no room for a note");
    }
    return WEFT_OK;
}
