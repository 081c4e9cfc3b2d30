/* raft/log_frame.h: the bytes of the log on disk: segment headers and frames. Pure.
 *
 * Format and the reasoning behind each field: raft/README.md, "The log on disk". */
#ifndef WEFT_RAFT_LOG_FRAME_H
#define WEFT_RAFT_LOG_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/err.h"

enum {
    WEFT_LOG_VERSION = 1,
    WEFT_LOG_PAGE_SIZE = 4096,   /* Of a disk write; a segment header takes one. */
    WEFT_LOG_FRAME_SIZE = 48,    /* Header of a frame; data and padding to 8 follow. */
    WEFT_LOG_DATA_MAX = 1 << 30, /* Sanity of a length field. */
};

enum weft_log_frame_type {
    /* 1, 2, 3: an entry, as enum weft_entry_type. */
    WEFT_LOG_FRAME_TRUNCATE = 16, /* Entries >= index are no more. */
    WEFT_LOG_FRAME_SEAL = 17,     /* The log goes on in the next segment. */
};

struct weft_log_frame {
    uint32_t size_bytes; /* Of data, without padding. */
    uint64_t sequence;   /* Of frames: 1, 2, 3, ... over the life of the log. */
    uint64_t after;      /* Written only once every frame up to this one was synced. */
    uint64_t index;
    uint64_t term;
    uint32_t type;
    uint32_t chain; /* CRC32C of the frame before, this header and data. */
};

struct weft_log_segment_header {
    uint64_t cluster;
    uint64_t number;         /* 1, 2, 3, ... over the life of the log. */
    uint64_t first_sequence; /* Of its first frame. */
    uint64_t first_index;    /* That the next entry had when it was begun. */
    uint32_t chain;          /* Of the last frame of the segment before. */
    uint32_t size_bytes;     /* Of the file. */
    uint32_t salt;           /* Random: frames of the file's earlier lives do not fit. */
};

static inline size_t weft_log_frame_bytes(size_t data_size)
{
    return WEFT_LOG_FRAME_SIZE + ((data_size + 7) & ~(size_t)7);
}

static inline bool weft_log_frame_is_entry(uint32_t type)
{
    return type >= 1 && type <= 3;
}

/* Lay the frame out at `ret_bytes` (weft_log_frame_bytes(frame->size_bytes) of them).
 * frame->chain is not looked at; returns the new one. */
uint32_t weft_log_frame_encode(const struct weft_log_frame *frame, const uint8_t *data,
    uint32_t salt, uint32_t chain_before, uint8_t *ret_bytes);

/* True if 48 bytes are the header of a frame of this segment. Says nothing of its data. */
bool weft_log_frame_decode(const uint8_t *bytes, uint32_t salt, struct weft_log_frame *ret_frame);
/* True if header and data (all weft_log_frame_bytes) are what was written behind chain_before. */
bool weft_log_frame_verify(
    const uint8_t *bytes, const struct weft_log_frame *frame, uint32_t chain_before);

void weft_log_segment_encode(
    const struct weft_log_segment_header *header, uint8_t ret_page[WEFT_LOG_PAGE_SIZE]);
/* WEFT_ENOTFOUND: all zero, never used. WEFT_ECORRUPT; WEFT_EVERSION: of a newer format. */
WEFT_MUST_USE enum weft_err weft_log_segment_decode(
    const uint8_t page[WEFT_LOG_PAGE_SIZE], struct weft_log_segment_header *ret_header);

#endif
