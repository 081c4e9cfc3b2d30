/* raft/log_writer.h: the disk thread of the log: writes blocks of frames, syncs, keeps the mark.
 *
 * One batch is in flight at a time; everything laid out meanwhile joins the next. A frame is
 * written only after every frame of the batch before it was synced, which is what the field
 * `after` of a frame says (RFT-109). The loop lays frames out in blocks, which stay in memory as
 * the log's cache; the thread writes from them, so that nothing is copied twice. */
#ifndef WEFT_RAFT_LOG_WRITER_H
#define WEFT_RAFT_LOG_WRITER_H

#include "raft/log_file.h"
#include "raft/log_meta.h"
#include "raft/log_table.h"

enum {
    WEFT_LOG_BLOCK_SIZE = 256 * 1024,              /* chosen; a larger frame gets a larger block */
    WEFT_LOG_PENDING_BYTES_MAX = 64 * 1024 * 1024, /* laid out and not written; then wait */
    WEFT_LOG_MARK_SYNC_MS = 1000, /* chosen: rest after which the mark itself is synced */
};

/* A stretch of one segment in memory. The loop's, except for what is marked. */
struct weft_log_block {
    struct weft_log_block *next; /* Set under the writer's mutex. */
    struct weft_log_segment *segment;
    uint32_t file_offset;
    uint32_t capacity;
    uint32_t laid;
    uint64_t first_sequence;
    uint64_t last_sequence; /* Of what is laid. */
    uint32_t filled;        /* Given to the thread; under the mutex, as those below. */
    uint32_t taken;
    uint64_t filled_sequence;
    uint8_t *memory;
};

struct weft_log_writer;

/* Keeps all of them. WEFT_ENOMEM, WEFT_EIO (no thread). */
WEFT_MUST_USE enum weft_err weft_log_writer_create(const struct weft_log_directory *directory,
    struct weft_log_meta *meta, struct weft_log_slots *slots, uint64_t durable_sequence,
    weft_log_on_sync *on_sync, void *on_sync_ctx, struct weft_log_writer **ret_writer,
    struct weft_msg *msg);
/* Writes what was given, unless it is dead, and ends the thread. Gives back the blocks. */
struct weft_log_block *weft_log_writer_destroy(struct weft_log_writer *writer);

/* Wait until less than WEFT_LOG_PENDING_BYTES_MAX is pending. *ret_taken: last frame of the
 * batch in flight, or of the last one: what is given from now on is written after it is
 * durable. The error that killed the writer. */
WEFT_MUST_USE enum weft_err weft_log_writer_admit(
    struct weft_log_writer *writer, uint64_t *ret_taken, struct weft_msg *msg);
/* A new last block; the one before it is complete. Kept until weft_log_writer_release. */
void weft_log_writer_add(struct weft_log_writer *writer, struct weft_log_block *block);
/* Everything laid out so far is to be written. */
void weft_log_writer_publish(struct weft_log_writer *writer);
/* The oldest block, if the thread needs it no more; NULL. It is the caller's again. */
struct weft_log_block *weft_log_writer_release(struct weft_log_writer *writer);

/* Last durable frame; *ret_err is what killed the writer. */
uint64_t weft_log_writer_durable(
    struct weft_log_writer *writer, enum weft_err *ret_err, struct weft_msg *msg);
/* Until everything published is durable. */
WEFT_MUST_USE enum weft_err weft_log_writer_drain(
    struct weft_log_writer *writer, struct weft_msg *msg);
/* Something else of the log failed: nothing more is written. The first error stays. */
void weft_log_writer_kill(
    struct weft_log_writer *writer, enum weft_err err, const struct weft_msg *msg);
void weft_log_writer_stats(struct weft_log_writer *writer, struct weft_log_stats *stats);

#endif
