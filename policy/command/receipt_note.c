#include "policy/command/receipt_note.h"

#include <inttypes.h>

#include "policy/note.h"
#include "proto/check.h"

static const char *const outcomes[WEFT_RECEIPT_OUTCOMES] = {
    [WEFT_RECEIPT_ACCEPTED] = "accepted",
    [WEFT_RECEIPT_DONE] = "done",
    [WEFT_RECEIPT_MEASURED] = "measured",
    [WEFT_RECEIPT_FAILED] = "failed",
    [WEFT_RECEIPT_REFUSED] = "refused",
    [WEFT_RECEIPT_UNKNOWN] = "unknown",
    [WEFT_RECEIPT_STATE] = "state",
};

static const char *const states[WEFT_RECEIPT_STATES] = {
    [WEFT_RECEIPT_STATE_NONE] = "none",
    [WEFT_RECEIPT_STATE_BEGUN] = "begun",
    [WEFT_RECEIPT_STATE_DONE] = "done",
    [WEFT_RECEIPT_STATE_FAILED] = "failed",
    [WEFT_RECEIPT_STATE_REFUSED] = "refused",
    [WEFT_RECEIPT_STATE_UNKNOWN] = "unknown",
};

const char *weft_receipt_outcome_name(enum weft_receipt_outcome outcome)
{
    weft_assert((unsigned)outcome < WEFT_RECEIPT_OUTCOMES); /* ACT-1 */
    return outcomes[outcome];
}

const char *weft_receipt_state_name(enum weft_receipt_state state)
{
    weft_assert((unsigned)state < WEFT_RECEIPT_STATES); /* ACT-1 */
    return states[state];
}

bool weft_receipt_outcome_has_code(enum weft_receipt_outcome outcome)
{
    return outcome == WEFT_RECEIPT_FAILED || outcome == WEFT_RECEIPT_REFUSED ||
           outcome == WEFT_RECEIPT_UNKNOWN;
}

/* --- reading --------------------------------------------------------------------------------- */

/* A line whose value is one of `names`. */
static enum weft_err read_one_of(struct weft_document_reader *reader, const char *key,
    const char *const *names, int count, int *ret_which, struct weft_msg *msg)
{
    struct weft_text value = {"", 0};
    enum weft_err err = weft_document_read(reader, key, &value, msg);
    if (err != WEFT_OK) {
        return err;
    }
    for (int i = 0; i < count; i++) {
        if (weft_text_is(value, names[i])) {
            *ret_which = i;
            return WEFT_OK;
        }
    }
    return weft_document_fail(reader, msg, WEFT_EMALFORMED, "not a word that \"%s\" can have", key);
}

enum weft_err weft_receipt_note_read_token(
    struct weft_document_reader *reader, struct weft_fence *ret_fence, struct weft_msg *msg)
{
    struct weft_text index = {"", 0}, term;
    struct weft_fence fence;
    enum weft_err err = weft_document_read(reader, "token", &index, msg);
    if (err != WEFT_OK) {
        return err;
    }
    if (!weft_text_cut(&index, ' ', &term) || !weft_text_exact_number(term, &fence.term) ||
        !weft_text_exact_number(index, &fence.index) || fence.term == 0 || fence.index == 0) {
        return weft_document_fail(
            reader, msg, WEFT_EMALFORMED, "\"token\" is <term> <index>, both above 0");
    }
    *ret_fence = fence;
    return WEFT_OK;
}

static enum weft_err read_outcome(
    struct weft_document_reader *reader, struct weft_receipt_note *receipt, struct weft_msg *msg)
{
    int which = 0;
    enum weft_err err =
        read_one_of(reader, "outcome", outcomes, WEFT_RECEIPT_OUTCOMES, &which, msg);
    receipt->outcome = (enum weft_receipt_outcome)which;
    if (err == WEFT_OK && receipt->outcome == WEFT_RECEIPT_STATE) {
        err = read_one_of(reader, "state", states, WEFT_RECEIPT_STATES, &which, msg);
        receipt->state = (enum weft_receipt_state)which;
    }
    if (err != WEFT_OK || !weft_receipt_outcome_has_code(receipt->outcome)) {
        return err;
    }
    err = weft_document_read(reader, "code", &receipt->code, msg);
    if (err == WEFT_OK && !weft_scalar_is_word(receipt->code)) {
        err = weft_document_fail(reader, msg, WEFT_EMALFORMED, "\"code\" is a word");
    }
    return err == WEFT_OK ? weft_document_read(reader, "detail", &receipt->detail, msg) : err;
}

static enum weft_err read_readings(
    struct weft_document_reader *reader, struct weft_receipt_note *receipt, struct weft_msg *msg)
{
    bool may_have = receipt->outcome != WEFT_RECEIPT_ACCEPTED;
    while (may_have && weft_document_is_next(reader, "reading")) {
        struct weft_reading reading;
        struct weft_text value = {"", 0};
        uint32_t count = receipt->reading_count;
        enum weft_err err = weft_document_read(reader, "reading", &value, msg);
        if (err != WEFT_OK) {
            return err;
        }
        if (count == WEFT_RECEIPT_READINGS_MAX) {
            return weft_document_fail(
                reader, msg, WEFT_ETOOBIG, "more than %d readings", WEFT_RECEIPT_READINGS_MAX);
        }
        if (!weft_reading_parse(value, &reading)) {
            return weft_document_fail(reader, msg, WEFT_EMALFORMED,
                "\"reading\" is like \"speed = 42.3 rpm at 2026-03-01T08:00:00.000Z\"");
        }
        if (count > 0 && weft_text_compare(receipt->readings[count - 1].path, reading.path) >= 0) {
            return weft_document_fail(
                reader, msg, WEFT_EMALFORMED, "readings are sorted by path, each once");
        }
        receipt->readings[receipt->reading_count++] = reading;
    }
    if (receipt->outcome == WEFT_RECEIPT_MEASURED && receipt->reading_count == 0) {
        return weft_document_fail(reader, msg, WEFT_EMALFORMED, "expected a reading behind this");
    }
    return WEFT_OK;
}

static enum weft_err read_gateway(
    struct weft_document_reader *reader, struct weft_receipt_note *receipt, struct weft_msg *msg)
{
    struct weft_principal gateway;
    enum weft_err err = weft_document_read_principal(reader, "gateway", &receipt->gateway, msg);
    if (err == WEFT_OK &&
        (!weft_channel_gateway(receipt->channel, weft_text_of(receipt->gateway.org), &gateway) ||
            !weft_principal_equal(&gateway, &receipt->gateway))) {
        err = weft_document_fail(reader, msg, WEFT_EINVAL, "not the gateway of the channel");
    }
    if (err == WEFT_OK) {
        err = weft_document_read_number(reader, "counter", INT64_MAX, &receipt->counter, msg);
    }
    return err == WEFT_OK ? weft_document_read_time(reader, "signed-at", &receipt->signed_ns, msg)
                          : err;
}

static enum weft_err read_all(
    struct weft_text text, struct weft_receipt_note *receipt, struct weft_msg *msg)
{
    struct weft_document_reader reader;
    enum weft_err err = weft_document_open(text, WEFT_DOCUMENT_RECEIPT, &reader, msg);
    if (err == WEFT_OK) {
        err = weft_document_read_digest(&reader, "command", &receipt->command, msg);
    }
    if (err == WEFT_OK) {
        err = weft_document_read_nonce(&reader, "id", receipt->id, msg);
    }
    if (err == WEFT_OK) {
        err = weft_document_read(&reader, "channel", &receipt->channel, msg);
    }
    if (err == WEFT_OK) {
        err = weft_receipt_note_read_token(&reader, &receipt->fence, msg);
    }
    if (err == WEFT_OK) {
        err = read_outcome(&reader, receipt, msg);
    }
    if (err == WEFT_OK) {
        err = read_readings(&reader, receipt, msg);
    }
    if (err == WEFT_OK) {
        err = read_gateway(&reader, receipt, msg);
    }
    return err == WEFT_OK ? weft_document_close(&reader, msg) : err;
}

/* --- writing --------------------------------------------------------------------------------- */

static enum weft_err write_outcome(const struct weft_receipt_note *receipt, struct weft_buffer *out)
{
    enum weft_err err =
        weft_document_write(out, "outcome", weft_text_of(outcomes[receipt->outcome]));
    if (err == WEFT_OK && receipt->outcome == WEFT_RECEIPT_STATE) {
        err = (unsigned)receipt->state < WEFT_RECEIPT_STATES
                  ? weft_document_write(out, "state", weft_text_of(states[receipt->state]))
                  : WEFT_EINVAL;
    }
    if (err == WEFT_OK && weft_receipt_outcome_has_code(receipt->outcome)) {
        err = weft_document_write(out, "code", receipt->code);
        err = err == WEFT_OK ? weft_document_write(out, "detail", receipt->detail) : err;
    }
    for (uint32_t i = 0; err == WEFT_OK && i < receipt->reading_count; i++) {
        err = weft_buffer_format(out, "reading ");
        err = err == WEFT_OK ? weft_reading_format(&receipt->readings[i], out) : err;
        err = err == WEFT_OK ? weft_buffer_append(out, "\n", 1) : err;
    }
    return err;
}

static enum weft_err write_all(const struct weft_receipt_note *receipt, struct weft_buffer *out)
{
    if ((unsigned)receipt->outcome >= WEFT_RECEIPT_OUTCOMES ||
        receipt->reading_count > WEFT_RECEIPT_READINGS_MAX) {
        return WEFT_EINVAL;
    }
    enum weft_err err = weft_document_begin(out, WEFT_DOCUMENT_RECEIPT);
    if (err == WEFT_OK) {
        err = weft_document_write_digest(out, "command", &receipt->command);
    }
    if (err == WEFT_OK) {
        err = weft_document_write_nonce(out, "id", receipt->id);
    }
    if (err == WEFT_OK) {
        err = weft_document_write(out, "channel", receipt->channel);
    }
    if (err == WEFT_OK) {
        err = weft_buffer_format(
            out, "token %" PRIu64 " %" PRIu64 "\n", receipt->fence.term, receipt->fence.index);
    }
    if (err == WEFT_OK) {
        err = write_outcome(receipt, out);
    }
    if (err == WEFT_OK) {
        err = weft_document_write_principal(out, "gateway", &receipt->gateway);
    }
    if (err == WEFT_OK) {
        err = weft_document_write_number(out, "counter", receipt->counter);
    }
    return err == WEFT_OK ? weft_document_write_time(out, "signed-at", receipt->signed_ns) : err;
}

/* --- both ------------------------------------------------------------------------------------ */

enum weft_err weft_receipt_note_decode(
    struct weft_text text, struct weft_receipt_note *ret_receipt, struct weft_msg *msg)
{
    struct weft_receipt_note receipt = {.reading_count = 0};
    struct weft_buffer again = {.size_max = WEFT_NOTE_SIZE_MAX};
    enum weft_err err = read_all(text, &receipt, msg);
    if (err != WEFT_OK) {
        return err;
    }
    err = weft_document_expect_again(text, write_all(&receipt, &again), &again, msg);
    if (err == WEFT_OK) {
        receipt.digest = weft_sha256(text.data, text.size);
        *ret_receipt = receipt;
    }
    return err;
}

enum weft_err weft_receipt_note_encode(
    const struct weft_receipt_note *receipt, struct weft_buffer *out, struct weft_msg *msg)
{
    size_t before = out->size;
    struct weft_receipt_note again;
    enum weft_err err = write_all(receipt, out), decoded = WEFT_OK;
    if (err == WEFT_OK) {
        decoded = weft_receipt_note_decode(
            (struct weft_text){(const char *)out->data + before, out->size - before}, &again, msg);
    }
    return weft_document_end(out, before, err, decoded, msg);
}
