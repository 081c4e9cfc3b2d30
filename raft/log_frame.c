#include "raft/log_frame.h"

#include <string.h>

#include "proto/arith.h"
#include "proto/crc32c.h"
#include "raft/mutant.h"

static const uint8_t segment_magic[8] = {'W', 'E', 'F', 'T', 'L', 'O', 'G', '\n'};

/* What the chain covers of a header: all but its two checksums. */
enum {
    CHAINED_FROM = 4,
    CHAINED_SIZE = 40
};

uint32_t weft_log_frame_encode(const struct weft_log_frame *frame, const uint8_t *data,
    uint32_t salt, uint32_t chain_before, uint8_t *ret_bytes)
{
    size_t whole = weft_log_frame_bytes(frame->size_bytes);
    weft_put_le32(ret_bytes + 4, frame->size_bytes);
    weft_put_le64(ret_bytes + 8, frame->sequence);
    weft_put_le64(ret_bytes + 16, frame->after);
    weft_put_le64(ret_bytes + 24, frame->index);
    weft_put_le64(ret_bytes + 32, frame->term);
    weft_put_le32(ret_bytes + 40, frame->type);
    memset(ret_bytes + whole - 8, 0, whole > WEFT_LOG_FRAME_SIZE ? 8 : 0);
    if (frame->size_bytes > 0) {
        memcpy(ret_bytes + WEFT_LOG_FRAME_SIZE, data, frame->size_bytes);
    }
    uint32_t chain = weft_crc32c(chain_before, ret_bytes + CHAINED_FROM, CHAINED_SIZE);
    chain = weft_crc32c(chain, ret_bytes + WEFT_LOG_FRAME_SIZE, whole - WEFT_LOG_FRAME_SIZE);
    weft_put_le32(ret_bytes + 44, chain);
    weft_put_le32(ret_bytes, weft_crc32c(salt, ret_bytes + 4, WEFT_LOG_FRAME_SIZE - 4));
    return chain;
}

bool weft_log_frame_decode(const uint8_t *bytes, uint32_t salt, struct weft_log_frame *ret_frame)
{
    uint32_t type = weft_get_le32(bytes + 40), size = weft_get_le32(bytes + 4);
    /* Cheap tests first: a search looks at every 8 bytes of a segment. */
    if (!(weft_log_frame_is_entry(type) || type == WEFT_LOG_FRAME_TRUNCATE ||
            type == WEFT_LOG_FRAME_SEAL) ||
        size > WEFT_LOG_DATA_MAX ||
        weft_get_le32(bytes) != weft_crc32c(salt, bytes + 4, WEFT_LOG_FRAME_SIZE - 4)) {
        return false;
    }
    *ret_frame = (struct weft_log_frame){
        .size_bytes = size,
        .sequence = weft_get_le64(bytes + 8),
        .after = weft_get_le64(bytes + 16),
        .index = weft_get_le64(bytes + 24),
        .term = weft_get_le64(bytes + 32),
        .type = type,
        .chain = weft_get_le32(bytes + 44),
    };
    return true;
}

bool weft_log_frame_verify(
    const uint8_t *bytes, const struct weft_log_frame *frame, uint32_t chain_before)
{
    uint32_t chain = weft_crc32c(chain_before, bytes + CHAINED_FROM, CHAINED_SIZE);
    size_t whole = weft_log_frame_bytes(frame->size_bytes);
    chain = weft_crc32c(chain, bytes + WEFT_LOG_FRAME_SIZE, whole - WEFT_LOG_FRAME_SIZE);
    return chain == frame->chain || weft_mutant(WEFT_MUTANT_NO_CHECKSUM);
}

void weft_log_segment_encode(
    const struct weft_log_segment_header *header, uint8_t ret_page[WEFT_LOG_PAGE_SIZE])
{
    memset(ret_page, 0, WEFT_LOG_PAGE_SIZE);
    memcpy(ret_page, segment_magic, sizeof(segment_magic));
    weft_put_le32(ret_page + 8, WEFT_LOG_VERSION);
    weft_put_le64(ret_page + 16, header->cluster);
    weft_put_le64(ret_page + 24, header->number);
    weft_put_le64(ret_page + 32, header->first_sequence);
    weft_put_le64(ret_page + 40, header->first_index);
    weft_put_le32(ret_page + 48, header->chain);
    weft_put_le32(ret_page + 52, header->size_bytes);
    weft_put_le32(ret_page + 56, header->salt);
    weft_put_le32(ret_page + 12, weft_crc32c(0, ret_page, WEFT_LOG_PAGE_SIZE));
}

enum weft_err weft_log_segment_decode(
    const uint8_t page[WEFT_LOG_PAGE_SIZE], struct weft_log_segment_header *ret_header)
{
    static const uint8_t zeros[WEFT_LOG_PAGE_SIZE];
    if (memcmp(page, zeros, WEFT_LOG_PAGE_SIZE) == 0) {
        return WEFT_ENOTFOUND;
    }
    /* The checksum stands with its own field as zero, at the same place in every version. */
    uint32_t crc = weft_crc32c(0, page, 12);
    crc = weft_crc32c(crc, zeros, 4);
    crc = weft_crc32c(crc, page + 16, WEFT_LOG_PAGE_SIZE - 16);
    if (memcmp(page, segment_magic, sizeof(segment_magic)) != 0 ||
        crc != weft_get_le32(page + 12)) {
        return WEFT_ECORRUPT;
    }
    if (weft_get_le32(page + 8) != WEFT_LOG_VERSION) {
        return WEFT_EVERSION;
    }
    *ret_header = (struct weft_log_segment_header){
        .cluster = weft_get_le64(page + 16),
        .number = weft_get_le64(page + 24),
        .first_sequence = weft_get_le64(page + 32),
        .first_index = weft_get_le64(page + 40),
        .chain = weft_get_le32(page + 48),
        .size_bytes = weft_get_le32(page + 52),
        .salt = weft_get_le32(page + 56),
    };
    return WEFT_OK;
}
