#include "federation/stream_file.h"

#include "proto/limits.h"

static const char head[] = "weft-stream/v1 \n";

_Static_assert(sizeof(head) - 1 == WEFT_STREAM_FILE_HEAD_SIZE, "messages begin at a multiple of 8");

enum weft_err weft_stream_file_begin(struct weft_buffer *out)
{
    return weft_buffer_append(out, head, WEFT_STREAM_FILE_HEAD_SIZE);
}

enum weft_err weft_stream_file_open(struct weft_bytes bytes, struct weft_msg *msg)
{
    static const char stem[] = "weft-stream/v";
    const size_t stem_size = sizeof(stem) - 1;
    if (bytes.size >= WEFT_STREAM_FILE_HEAD_SIZE &&
        memcmp(bytes.data, head, WEFT_STREAM_FILE_HEAD_SIZE) == 0) {
        return WEFT_OK;
    }
    bool is_other = bytes.size >= stem_size && memcmp(bytes.data, stem, stem_size) == 0;
    return weft_fail(msg, is_other ? WEFT_EVERSION : WEFT_EMALFORMED,
        "a file of a stream begins with \"weft-stream/v1\"");
}

enum weft_err weft_stream_file_size(
    struct weft_bytes envelope, size_t *ret_size, struct weft_msg *msg)
{
    struct weft_envelope e;
    enum weft_err err = weft_envelope_decode(envelope, WEFT_STREAM_MESSAGE_SIZE_MAX, &e);
    if (err != WEFT_OK) {
        return weft_fail(msg, err, "envelope: %s", weft_err_name(err));
    }
    *ret_size = e.size_bytes;
    return WEFT_OK;
}

enum weft_err weft_stream_file_next(struct weft_bytes *rest, struct weft_arena *arena,
    struct weft_partner_message *ret_message, struct weft_msg *msg)
{
    size_t size = 0;
    if (rest->size == 0) {
        return WEFT_ENOTFOUND;
    }
    enum weft_err err = weft_stream_file_size(*rest, &size, msg);
    if (err == WEFT_OK && size > rest->size) {
        err = weft_fail(msg, WEFT_EMALFORMED, "the last message is cut short");
    }
    if (err == WEFT_OK) {
        err = weft_partner_decode((struct weft_bytes){rest->data, size}, arena, ret_message, msg);
    }
    if (err == WEFT_OK) {
        rest->data += size;
        rest->size -= size;
    }
    return err;
}
