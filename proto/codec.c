#include "proto/codec.h"

#include <stdarg.h>
#include <stdio.h>

#include "proto/check.h"

/* --- reading --------------------------------------------------------------------------------- */

void weft_codec_fail(
    struct weft_codec_in *in, enum weft_err err, const char *name, const char *format, ...)
{
    if (in->err != WEFT_OK) {
        return;
    }
    in->err = err;
    char why[256];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(why, sizeof(why), format, args);
    va_end(args);
    (void)weft_fail(in->msg, err, "%s: %s", name, why);
}

struct weft_bytes weft_codec_aligned(struct weft_codec_in *in, struct weft_bytes bytes)
{
    if (((uintptr_t)bytes.data & 7) == 0 || bytes.size == 0) {
        return bytes;
    }
    uint8_t *copy = weft_arena_alloc(in->arena, bytes.size);
    if (copy == NULL) {
        weft_codec_fail(in, WEFT_ENOMEM, "message", "no memory");
        return (struct weft_bytes){NULL, 0};
    }
    memcpy(copy, bytes.data, bytes.size);
    return (struct weft_bytes){copy, bytes.size};
}

enum weft_err weft_codec_envelope(struct weft_codec_in *in, struct weft_bytes message,
    size_t size_max, struct weft_envelope *ret_envelope)
{
    struct weft_envelope envelope;
    enum weft_err err = weft_envelope_decode(message, size_max, &envelope);
    if (err != WEFT_OK) {
        weft_codec_fail(in, err, "envelope", "%s", weft_err_name(err));
    } else if (envelope.size_bytes != message.size) {
        weft_codec_fail(in, WEFT_EMALFORMED, "envelope", "says %u bytes, the message has %zu",
            envelope.size_bytes, message.size);
    }
    if (in->err == WEFT_OK) {
        *ret_envelope = envelope;
    }
    return in->err;
}

static bool charge(struct weft_codec_in *in, size_t size, const char *name)
{
    if (in->err != WEFT_OK) {
        return false;
    }
    if (size > in->budget_bytes) {
        weft_codec_fail(in, WEFT_ETOOBIG, name, "message is over its limit when unfolded");
        return false;
    }
    in->budget_bytes -= size;
    return true;
}

struct weft_bytes weft_codec_bytes(
    struct weft_codec_in *in, struct weft_bytes bytes, size_t size_max, const char *name)
{
    if (bytes.size > size_max) {
        weft_codec_fail(in, WEFT_ETOOBIG, name, "%zu bytes, at most %zu", bytes.size, size_max);
    }
    return charge(in, bytes.size, name) ? bytes : (struct weft_bytes){NULL, 0};
}

struct weft_text weft_codec_text(
    struct weft_codec_in *in, struct weft_text text, size_t size_max, const char *name)
{
    if (text.size > size_max) {
        weft_codec_fail(in, WEFT_ETOOBIG, name, "%zu bytes, at most %zu", text.size, size_max);
    }
    if (!charge(in, text.size, name)) {
        return (struct weft_text){NULL, 0};
    }
    if (!in->is_checked_later && !weft_text_is_utf8(text)) {
        weft_codec_fail(in, WEFT_EMALFORMED, name, "not UTF-8 without a zero byte");
        return (struct weft_text){NULL, 0};
    }
    return text;
}

static bool is_file_name(struct weft_text name)
{
    return name.size > 0 && memchr(name.data, '/', name.size) == NULL && !weft_text_is(name, ".") &&
           !weft_text_is(name, "..");
}

struct weft_text weft_codec_file_name(
    struct weft_codec_in *in, struct weft_text name, const char *what)
{
    struct weft_text text = weft_codec_text(in, name, WEFT_FILE_NAME_SIZE_MAX, what);
    if (in->err == WEFT_OK && !is_file_name(text)) {
        weft_codec_fail(in, in->bad_value, what, "not a plain file name");
    }
    return text;
}

struct weft_digest weft_codec_digest(
    struct weft_codec_in *in, struct weft_bytes bytes, const char *name)
{
    struct weft_digest digest = {{0}};
    if (bytes.size == 0) {
        return digest;
    }
    if (bytes.size != WEFT_DIGEST_SIZE) {
        weft_codec_fail(
            in, WEFT_EMALFORMED, name, "%zu bytes, must be %d", bytes.size, WEFT_DIGEST_SIZE);
    } else if (charge(in, bytes.size, name)) {
        memcpy(digest.bytes, bytes.data, WEFT_DIGEST_SIZE);
    }
    return digest;
}

struct weft_request_id weft_codec_request_id(struct weft_codec_in *in, struct weft_bytes bytes)
{
    struct weft_request_id id = {{0}};
    if (bytes.size != sizeof(id.bytes)) {
        weft_codec_fail(in, WEFT_EMALFORMED, "request_id", "%zu bytes, must be %zu", bytes.size,
            sizeof(id.bytes));
    } else {
        memcpy(id.bytes, bytes.data, sizeof(id.bytes));
    }
    return id;
}

unsigned weft_codec_enum(
    struct weft_codec_in *in, unsigned value, unsigned first, unsigned last, const char *name)
{
    if (value < first || value > last) {
        weft_codec_fail(in, in->bad_value, name, "%u is not one of %u to %u", value, first, last);
        return first;
    }
    return value;
}

void *weft_codec_array(struct weft_codec_in *in, struct weft_wire_vector vector, uint32_t count_max,
    size_t item_size, const char *name)
{
    if (vector.count > count_max) {
        weft_codec_fail(in, WEFT_ETOOBIG, name, "%u, at most %u", vector.count, count_max);
    }
    if (!charge(in, (size_t)vector.count * WEFT_CODEC_TABLE_SIZE, name)) {
        return NULL;
    }
    void *array = weft_arena_array(in->arena, vector.count, item_size);
    if (array == NULL) {
        weft_codec_fail(in, WEFT_ENOMEM, name, "no memory for %u", vector.count);
    }
    return array;
}

/* --- outcomes -------------------------------------------------------------------------------- */

/* The numbers on the wire are the schema's, whatever the order of enum weft_err. */
static const uint8_t outcomes[WEFT_ERRS] = {
    [WEFT_OK] = WEFT_WIRE_OUTCOME_FINE,
    [WEFT_EBUSY] = WEFT_WIRE_OUTCOME_BUSY,
    [WEFT_ENOTLEADER] = WEFT_WIRE_OUTCOME_NOT_LEADER,
    [WEFT_EUNAVAILABLE] = WEFT_WIRE_OUTCOME_UNAVAILABLE,
    [WEFT_ETIMEDOUT] = WEFT_WIRE_OUTCOME_TIMED_OUT,
    [WEFT_EREFUSED] = WEFT_WIRE_OUTCOME_REFUSED,
    [WEFT_ECONFLICT] = WEFT_WIRE_OUTCOME_CONFLICT,
    [WEFT_ENOTFOUND] = WEFT_WIRE_OUTCOME_NOT_FOUND,
    [WEFT_ESTATE] = WEFT_WIRE_OUTCOME_WRONG_STATE,
    [WEFT_EMALFORMED] = WEFT_WIRE_OUTCOME_MALFORMED,
    [WEFT_EINVAL] = WEFT_WIRE_OUTCOME_INVALID,
    [WEFT_EVERSION] = WEFT_WIRE_OUTCOME_VERSION_UNKNOWN,
    [WEFT_EPEER] = WEFT_WIRE_OUTCOME_WRONG_PEER,
    [WEFT_EBADSIG] = WEFT_WIRE_OUTCOME_BAD_SIGNATURE,
    [WEFT_ETOOBIG] = WEFT_WIRE_OUTCOME_TOO_BIG,
    [WEFT_ENOMEM] = WEFT_WIRE_OUTCOME_NO_MEMORY,
    [WEFT_ENOSPC] = WEFT_WIRE_OUTCOME_NO_SPACE,
    [WEFT_ECORRUPT] = WEFT_WIRE_OUTCOME_CORRUPT,
    [WEFT_EIO] = WEFT_WIRE_OUTCOME_INPUT_OUTPUT,
    [WEFT_ECLOSED] = WEFT_WIRE_OUTCOME_CLOSED,
};

enum weft_err weft_codec_outcome(struct weft_codec_in *in, uint8_t outcome)
{
    for (unsigned err = 0; err < WEFT_ERRS; err++) {
        if (outcomes[err] == outcome) {
            return (enum weft_err)err;
        }
    }
    weft_codec_fail(in, in->bad_value, "outcome", "%u is unknown", outcome);
    return WEFT_OK;
}

uint8_t weft_codec_put_outcome(enum weft_err err)
{
    weft_assert((unsigned)err < WEFT_ERRS); /* PRO-9 */
    return outcomes[err];
}

/* --- writing --------------------------------------------------------------------------------- */

struct weft_wire_ref weft_codec_put_text(
    struct weft_wire_builder *b, struct weft_text text, size_t size_max)
{
    if (text.size > size_max) {
        weft_wire_fail(b, WEFT_ETOOBIG);
    }
    return weft_wire_text(b, text);
}

struct weft_wire_ref weft_codec_put_bytes(
    struct weft_wire_builder *b, struct weft_bytes bytes, size_t size_max)
{
    if (bytes.size > size_max) {
        weft_wire_fail(b, WEFT_ETOOBIG);
    }
    return weft_wire_bytes(b, bytes);
}

struct weft_wire_ref weft_codec_put_file_name(struct weft_wire_builder *b, struct weft_text name)
{
    weft_assert(is_file_name(name)); /* PRO-9: names are ours or were checked when decoded */
    return weft_codec_put_text(b, name, WEFT_FILE_NAME_SIZE_MAX);
}

struct weft_wire_ref weft_codec_put_digest(
    struct weft_wire_builder *b, const struct weft_digest *digest)
{
    static const struct weft_digest zero;
    if (weft_digest_equal(digest, &zero)) {
        return (struct weft_wire_ref){0};
    }
    return weft_wire_bytes(b, (struct weft_bytes){digest->bytes, WEFT_DIGEST_SIZE});
}

uint32_t weft_codec_put_count(struct weft_wire_builder *b, uint32_t count, uint32_t count_max)
{
    if (count > count_max) {
        weft_wire_fail(b, WEFT_ETOOBIG);
        return 0;
    }
    return count;
}

enum weft_err weft_codec_finish(struct weft_wire_builder *b, struct weft_wire_ref root,
    enum weft_message_kind kind, uint64_t request_id, struct weft_buffer *out)
{
    size_t start = out->size;
    enum weft_err err = weft_wire_finish(b, root, NULL, WEFT_ENVELOPE_SIZE, out);
    if (err != WEFT_OK) {
        return err;
    }
    const struct weft_envelope envelope = {
        .size_bytes = (uint32_t)(out->size - start),
        .kind = (uint16_t)kind,
        .version = WEFT_ENVELOPE_VERSION,
        .request_id = request_id,
    };
    weft_envelope_encode(&envelope, out->data + start);
    return WEFT_OK;
}
