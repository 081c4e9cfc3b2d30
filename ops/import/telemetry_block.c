#include "ops/import/telemetry_block.h"

#include <zstd.h>
#include <zstd_errors.h>

#include "proto/check.h"

enum {
    LEVEL = 6, /* measured on adapter lines: ops/import/README.md */
};

/* One frame of `raw`. WEFT_ETOOBIG: it fits into no block. */
static enum weft_err pack_all(struct weft_bytes raw, struct weft_buffer *out)
{
    weft_buffer_clear(out);
    enum weft_err err = weft_buffer_reserve(out, WEFT_BLOCK_SIZE_MAX);
    if (err != WEFT_OK) {
        return WEFT_ENOMEM;
    }
    size_t size = ZSTD_compress(out->data, WEFT_BLOCK_SIZE_MAX, raw.data, raw.size, LEVEL);
    if (ZSTD_isError(size)) {
        return ZSTD_getErrorCode(size) == ZSTD_error_dstSize_tooSmall ? WEFT_ETOOBIG : WEFT_ENOMEM;
    }
    out->size = size;
    return WEFT_OK;
}

/* The end of the last line within the first `size` bytes, or `size`. */
static size_t end_of_line(struct weft_bytes raw, size_t size)
{
    for (size_t end = size; end > 0; end--) {
        if (raw.data[end - 1] == '\n') {
            return end;
        }
    }
    return size;
}

enum weft_err weft_block_pack(struct weft_bytes raw, struct weft_buffer *out, size_t *ret_packed)
{
    size_t size = raw.size;
    weft_assert(raw.size > 0 && raw.size <= WEFT_BLOCK_RAW_SIZE_MAX);
    for (;;) {
        enum weft_err err = pack_all((struct weft_bytes){raw.data, size}, out);
        if (err == WEFT_OK) {
            *ret_packed = size;
        }
        if (err != WEFT_ETOOBIG) {
            return err;
        }
        size = end_of_line(raw, size / 2);
    }
}

enum weft_err weft_block_unpack(struct weft_bytes block, struct weft_buffer *out)
{
    unsigned long long size = ZSTD_getFrameContentSize(block.data, block.size);
    if (size == ZSTD_CONTENTSIZE_ERROR || size == ZSTD_CONTENTSIZE_UNKNOWN ||
        ZSTD_findFrameCompressedSize(block.data, block.size) != block.size) {
        return WEFT_EMALFORMED;
    }
    if (size > WEFT_BLOCK_RAW_SIZE_MAX) {
        return WEFT_ETOOBIG;
    }
    enum weft_err err = weft_buffer_reserve(out, (size_t)size + 1);
    if (err != WEFT_OK) {
        return WEFT_ENOMEM;
    }
    size_t unpacked = ZSTD_decompress(out->data + out->size, (size_t)size, block.data, block.size);
    if (ZSTD_isError(unpacked) || unpacked != size) {
        return WEFT_EMALFORMED;
    }
    out->size += unpacked;
    return WEFT_OK;
}
