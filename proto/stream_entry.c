#include "proto/stream_entry.h"

#include "proto/arith.h"
#include "proto/limits.h"

enum {
    OFFSET_NAME_SIZE = 4,
    OFFSET_NUMBER = 8,
    OFFSET_ROOT = 16,
    ALIGNMENT = 8,
};

static size_t padded(size_t size)
{
    return (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
}

enum weft_err weft_stream_entry_encode(
    const struct weft_stream_entry *entry, struct weft_buffer *out)
{
    uint8_t head[WEFT_STREAM_ENTRY_HEAD_SIZE];
    static const uint8_t zeros[ALIGNMENT];
    const size_t before = out->size;
    if (entry->agreement.size > WEFT_STREAM_NAME_SIZE_MAX) {
        return WEFT_EINVAL;
    }
    weft_put_le32(head, (uint32_t)entry->act);
    weft_put_le32(head + OFFSET_NAME_SIZE, (uint32_t)entry->agreement.size);
    weft_put_le64(head + OFFSET_NUMBER, entry->number);
    memcpy(head + OFFSET_ROOT, entry->root.bytes, WEFT_DIGEST_SIZE);
    enum weft_err err = weft_buffer_append(out, head, sizeof(head));
    if (err == WEFT_OK) {
        err = weft_buffer_append(out, entry->agreement.data, entry->agreement.size);
    }
    if (err == WEFT_OK) {
        err = weft_buffer_append(out, zeros, padded(entry->agreement.size) - entry->agreement.size);
    }
    if (err == WEFT_OK) {
        err = weft_buffer_append(out, entry->message.data, entry->message.size);
    }
    if (err != WEFT_OK) {
        out->size = before;
    }
    return err;
}

enum weft_err weft_stream_entry_decode(struct weft_bytes bytes, struct weft_stream_entry *ret_entry)
{
    if (bytes.size < WEFT_STREAM_ENTRY_HEAD_SIZE) {
        return WEFT_EMALFORMED;
    }
    const uint32_t act = weft_get_le32(bytes.data);
    const uint32_t name_size = weft_get_le32(bytes.data + OFFSET_NAME_SIZE);
    const size_t left = bytes.size - WEFT_STREAM_ENTRY_HEAD_SIZE;
    if (act == 0 || act >= WEFT_STREAM_ACTS || name_size > WEFT_STREAM_NAME_SIZE_MAX ||
        padded(name_size) > left) {
        return WEFT_EMALFORMED;
    }
    const uint8_t *name = bytes.data + WEFT_STREAM_ENTRY_HEAD_SIZE;
    for (size_t i = name_size; i < padded(name_size); i++) {
        if (name[i] != 0) { /* PRO-161: one form. */
            return WEFT_EMALFORMED;
        }
    }
    *ret_entry = (struct weft_stream_entry){.act = (enum weft_stream_act)act,
        .number = weft_get_le64(bytes.data + OFFSET_NUMBER),
        .agreement = {(const char *)name, name_size},
        .message = {name + padded(name_size), left - padded(name_size)}};
    memcpy(ret_entry->root.bytes, bytes.data + OFFSET_ROOT, WEFT_DIGEST_SIZE);
    return weft_text_is_utf8(ret_entry->agreement) ? WEFT_OK : WEFT_EMALFORMED;
}
