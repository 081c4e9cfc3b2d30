/* ops/gateway/journal.h: what a gateway must know again after it was killed: one file, appended.
 *
 *     "WEFTGWJ1"                                   8 bytes
 *     size, checksum, body                         4 and 4 bytes, little-endian, and `size` bytes
 *     ...
 *
 * The checksum is CRC-32C over the place in the file, the size and the body, so that a frame from
 * another place does not count. Each is synced before the next is written. So what is behind the
 * last whole frame was never durable if nothing whole follows it (a torn tail: told, and cut off);
 * otherwise the file is damaged, and nobody guesses. What is in a frame: ops/gateway/memo.h. */
#ifndef WEFT_OPS_GATEWAY_JOURNAL_H
#define WEFT_OPS_GATEWAY_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/bytes.h"
#include "proto/err.h"

enum {
    WEFT_JOURNAL_FRAME_SIZE_MAX = 8 * 1024 * 1024, /* every channel's largest entries at once */
    WEFT_JOURNAL_HEADER_SIZE = 8,
    WEFT_JOURNAL_FRAME_HEADER_SIZE = 8,
};

struct weft_journal;

/* A frame of the file. Other than WEFT_OK: reading ends with it. */
typedef enum weft_err weft_journal_on_frame(
    void *ctx, struct weft_bytes frame, struct weft_msg *msg);

/* What was found. */
struct weft_journal_start {
    uint64_t frames;
    uint64_t torn_bytes; /* Cut off at the end. */
    bool is_new;
};

/* A file in memory: for open, and for fuzzing. *ret_whole: bytes up to the end of the last whole
 * frame. WEFT_ECORRUPT: whole frames behind a damaged one, or not such a file. Errors of
 * `on_frame`. */
WEFT_MUST_USE enum weft_err weft_journal_scan(struct weft_bytes file,
    weft_journal_on_frame *on_frame, void *ctx, struct weft_journal_start *ret_start,
    size_t *ret_whole, struct weft_msg *msg);

/* DIRECTORY/journal, made if there is none, with its lock: one process at a time. Gives every frame
 * to `on_frame`, in order. WEFT_EBUSY: another process has it. WEFT_ECORRUPT; WEFT_EIO;
 * WEFT_ENOSPC; WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_journal_open(const char *directory,
    weft_journal_on_frame *on_frame, void *ctx, struct weft_journal **ret_journal,
    struct weft_journal_start *ret_start, struct weft_msg *msg);
/* Accepts NULL. */
void weft_journal_close(struct weft_journal *journal);

/* Durable when it returns: so between two syncs there is never more than one frame (GW-7).
 * WEFT_ETOOBIG: empty, or over the limit. WEFT_ENOSPC, WEFT_EIO: the journal is dead, and so has to
 * be the gateway: the frame may be there or not. */
WEFT_MUST_USE enum weft_err weft_journal_append(
    struct weft_journal *journal, struct weft_bytes frame, struct weft_msg *msg);

uint64_t weft_journal_size(const struct weft_journal *journal);

/* The next frame of the new file into `out`. *ret_is_last: it is the last one; it may be empty. */
typedef enum weft_err weft_journal_next(void *ctx, struct weft_buffer *out, bool *ret_is_last);
/* In place of all frames those that `next` gives: written beside it, synced, put in its place. On
 * failure the old one goes on, but for WEFT_EIO of the directory: dead. WEFT_ENOSPC, WEFT_ENOMEM.
 */
WEFT_MUST_USE enum weft_err weft_journal_rewrite(
    struct weft_journal *journal, weft_journal_next *next, void *ctx, struct weft_msg *msg);

#endif
