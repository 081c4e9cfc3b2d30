/* raft/log_recover.h: reads the disk log at start and tells a torn tail from damage.
 *
 * Frames are followed from the first segment on, each checked against the one before. Where
 * that ends, everything behind is searched for proof that more had been acknowledged (RFT-109):
 * then it is damage, and the log is refused; otherwise it is the end of what was being written
 * when the power went, and is wiped. Rules: raft/README.md, "The log on disk". */
#ifndef WEFT_RAFT_LOG_RECOVER_H
#define WEFT_RAFT_LOG_RECOVER_H

#include "raft/log_file.h"
#include "raft/log_meta.h"
#include "raft/log_table.h"

struct weft_log_recovery {
    struct weft_log_table table;       /* Entries above the base. */
    struct weft_log_segment *segments; /* In order. */
    struct weft_log_segment *last;     /* NULL: none. */
    struct weft_log_slot *spares;
    uint32_t spare_count;
    uint32_t numbers_used;  /* Highest number of a slot. */
    uint64_t next_sequence; /* Of the next frame. */
    uint64_t next_segment;
    uint32_t chain;
    uint32_t tail_offset; /* In `last`, where the next frame goes; its size when it is sealed. */
    uint64_t dropped_bytes;
};

/* On success everything in ret_recovery is durable, and owned by the caller. May write: wipes
 * a torn tail, and damage if `drop_damaged_tail`. Errors as weft_log_disk_open. */
WEFT_MUST_USE enum weft_err weft_log_recover(const struct weft_log_directory *directory,
    const struct weft_log_options *options, struct weft_log_meta *meta,
    struct weft_log_recovery *ret_recovery, struct weft_msg *msg);
void weft_log_recovery_destroy(
    struct weft_log_recovery *recovery, const struct weft_log_directory *directory);

#endif
