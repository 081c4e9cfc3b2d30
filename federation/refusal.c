#include "federation/refusal.h"

#include <inttypes.h>
#include <stdio.h>

#include "policy/audit_verify.h"
#include "proto/check.h"

/* --- collecting ------------------------------------------------------------------------------ */

/* "<fault>: <reason>" without its front. */
static struct weft_text strip(const struct weft_batch_entry *entry)
{
    struct weft_text reason = entry->reason;
    const char *name = weft_stream_fault_name(entry->fault);
    size_t size = strlen(name);
    if (weft_text_starts(reason, name) && reason.size > size + 2 && reason.data[size] == ':') {
        reason.data += size + 2;
        reason.size -= size + 2;
    }
    return reason;
}

uint32_t weft_refusal_collect(const struct weft_batch *batch, uint32_t *from,
    struct weft_refusal_line ret_lines[WEFT_REFUSAL_LINES_MAX])
{
    uint32_t count = 0;
    for (; *from < batch->count && count < WEFT_REFUSAL_LINES_MAX; (*from)++) {
        const struct weft_batch_entry *entry = &batch->entries[*from];
        if (entry->fault != WEFT_STREAM_SOUND) {
            ret_lines[count++] = (struct weft_refusal_line){.sequence = batch->before.size + *from,
                .statement = entry->leaf.digest,
                .fault = entry->fault,
                .reason = strip(entry)};
        }
    }
    return count;
}

/* --- reading --------------------------------------------------------------------------------- */

static enum weft_err read_line(struct weft_document_reader *reader, const uint64_t *above,
    struct weft_refusal_line *line, struct weft_msg *msg)
{
    struct weft_text rest = {"", 0}, word;
    enum weft_err err = weft_document_read(reader, "refused", &rest, msg);
    if (err != WEFT_OK) {
        return err;
    }
    if (!weft_text_cut(&rest, ' ', &word) || !weft_text_exact_number(word, &line->sequence) ||
        !weft_text_cut(&rest, ' ', &word) || weft_digest_parse(word, &line->statement) != WEFT_OK) {
        return weft_document_fail(
            reader, msg, WEFT_EMALFORMED, "\"refused\" is a sequence, a digest and a reason");
    }
    if (above != NULL && line->sequence <= *above) {
        return weft_document_fail(reader, msg, WEFT_EMALFORMED, "not in the stream's order");
    }
    bool has_reason = weft_text_cut(&rest, ':', &word);
    if (!weft_stream_fault_parse(word, &line->fault) ||
        !weft_stream_fault_is_of_statement(line->fault)) {
        return weft_document_fail(reader, msg, WEFT_EINVAL, "no fault of a statement");
    }
    line->reason = (struct weft_text){"", 0};
    if (has_reason) {
        if (rest.size < 2 || rest.data[0] != ' ') {
            return weft_document_fail(reader, msg, WEFT_EMALFORMED, "no reason behind the colon");
        }
        line->reason = (struct weft_text){rest.data + 1, rest.size - 1};
    }
    return WEFT_OK;
}

static enum weft_err read_lines(struct weft_document_reader *reader, struct weft_arena *arena,
    struct weft_refusal *refusal, struct weft_msg *msg)
{
    uint32_t count = weft_document_count(reader, "refused");
    if (count == 0 || count > WEFT_REFUSAL_LINES_MAX) {
        return weft_document_fail(reader, msg, count == 0 ? WEFT_EMALFORMED : WEFT_ETOOBIG,
            "%u lines \"refused\": 1 to %d", count, WEFT_REFUSAL_LINES_MAX);
    }
    struct weft_refusal_line *lines = weft_arena_array(arena, count, sizeof(*lines));
    if (lines == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "no memory for a refusal");
    }
    for (uint32_t i = 0; i < count; i++) {
        enum weft_err err =
            read_line(reader, i > 0 ? &lines[i - 1].sequence : NULL, &lines[i], msg);
        if (err != WEFT_OK) {
            return err;
        }
    }
    refusal->lines = lines;
    refusal->line_count = count;
    return WEFT_OK;
}

/* FED-25: one text of each refusal. */
enum weft_err weft_refusal_decode(struct weft_text text, struct weft_arena *arena,
    struct weft_refusal *ret_refusal, struct weft_msg *msg)
{
    struct weft_refusal refusal = {.line_count = 0};
    struct weft_document_reader reader;
    enum weft_err err = weft_document_open(text, WEFT_DOCUMENT_REFUSAL, &reader, msg);
    if (err == WEFT_OK) {
        err = weft_document_read(&reader, "agreement", &refusal.agreement, msg);
    }
    if (err == WEFT_OK) {
        err = weft_document_read(&reader, "provider", &refusal.provider, msg);
    }
    if (err == WEFT_OK) {
        err = weft_document_read(&reader, "receiver", &refusal.receiver, msg);
    }
    if (err == WEFT_OK) {
        err = read_lines(&reader, arena, &refusal, msg);
    }
    if (err == WEFT_OK) {
        err = weft_document_close(&reader, msg);
    }
    if (err == WEFT_OK) {
        *ret_refusal = refusal;
    }
    return err;
}

/* --- writing --------------------------------------------------------------------------------- */

/* What a document's line can hold: cut at a character's end, without control characters, and
 * without space at its end. What partners send may be in it. */
static size_t clean(struct weft_text reason, char ret_text[WEFT_REFUSAL_REASON_SIZE])
{
    struct weft_text head = reason;
    head.size = head.size < WEFT_REFUSAL_REASON_SIZE ? head.size : WEFT_REFUSAL_REASON_SIZE;
    size_t size = weft_text_utf8_prefix(head);
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)reason.data[i];
        ret_text[i] = c < 0x20 || c == 0x7f ? '?' : (char)c;
    }
    while (size > 0 && ret_text[size - 1] == ' ') {
        size--;
    }
    return size;
}

static enum weft_err write_line(const struct weft_refusal_line *line, struct weft_buffer *out)
{
    char digest[WEFT_DIGEST_TEXT_SIZE], reason[WEFT_REFUSAL_REASON_SIZE];
    weft_digest_format(&line->statement, digest);
    int size = (int)clean(line->reason, reason);
    return weft_buffer_format(out, "refused %" PRIu64 " %s %s%s%.*s\n", line->sequence, digest,
        weft_stream_fault_name(line->fault), size > 0 ? ": " : "", size, reason);
}

enum weft_err weft_refusal_encode(const struct weft_refusal *refusal, struct weft_arena *arena,
    struct weft_buffer *out, struct weft_msg *msg)
{
    const size_t before = out->size;
    enum weft_err err = weft_document_begin(out, WEFT_DOCUMENT_REFUSAL), decoded = WEFT_OK;
    if (err == WEFT_OK) {
        err = weft_document_write(out, "agreement", refusal->agreement);
    }
    if (err == WEFT_OK) {
        err = weft_document_write(out, "provider", refusal->provider);
    }
    if (err == WEFT_OK) {
        err = weft_document_write(out, "receiver", refusal->receiver);
    }
    for (uint32_t i = 0; i < refusal->line_count && err == WEFT_OK; i++) {
        err = write_line(&refusal->lines[i], out);
    }
    if (err == WEFT_OK) {
        struct weft_refusal again;
        const struct weft_text text = {(const char *)out->data + before, out->size - before};
        decoded = weft_refusal_decode(text, arena, &again, msg);
    }
    return weft_document_end(out, before, err, decoded, msg);
}

/* --- believing ------------------------------------------------------------------------------- */

enum weft_err weft_refusal_verify(struct weft_text note, const struct weft_stream_signers *signers,
    struct weft_arena *arena, struct weft_refusal *ret_refusal, struct weft_msg *msg)
{
    struct weft_note parsed;
    struct weft_note_mark marks[WEFT_STREAM_VERIFIERS_MAX];
    weft_assert(signers->verifier_count <= WEFT_STREAM_VERIFIERS_MAX); /* FED-25 */
    enum weft_err err = weft_note_parse(note, &parsed, msg);
    if (err == WEFT_OK) {
        err = weft_note_verify(&parsed, signers->verifiers, signers->verifier_count, marks, msg);
    }
    if (err != WEFT_OK) {
        return err;
    }
    weft_stream_end_marks(signers, UINT64_MAX, marks); /* It is of today. */
    uint32_t count = weft_audit_count_keys(signers->verifiers, signers->verifier_count, marks);
    if (count < signers->threshold) {
        return weft_fail(
            msg, WEFT_EPEER, "%u keys signed, of at least %u", count, signers->threshold);
    }
    return weft_refusal_decode(parsed.text, arena, ret_refusal, msg);
}
