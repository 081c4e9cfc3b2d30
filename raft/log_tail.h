/* raft/log_tail.h: the end of the disk log: lays frames out in memory, segment after segment.
 *
 * Frames are laid out once, as they will stand on disk, in blocks that the disk thread writes
 * from and that then serve as cache, up to a number of bytes. The loop's. */
#ifndef WEFT_RAFT_LOG_TAIL_H
#define WEFT_RAFT_LOG_TAIL_H

#include "raft/log_frame.h"
#include "raft/log_table.h"
#include "raft/log_writer.h"

struct weft_log_tail {
    struct weft_log_writer *writer;
    uint32_t segment_size_bytes; /* Of new ones. */
    uint64_t cache_size_max;
    struct weft_log_segment *segments; /* Oldest first. */
    struct weft_log_segment *last;     /* NULL: the next frame begins segment next_segment. */
    uint64_t next_segment;
    uint64_t next_sequence;
    uint32_t chain;
    uint32_t offset;              /* In `last`, of the next frame. */
    bool is_sealed;               /* `last` is; the next frame begins another one. */
    uint64_t after;               /* For the frames being laid out (raft/log_frame.h). */
    struct weft_log_block *block; /* Being laid out; the newest. */
    struct weft_log_block *blocks_free;
    uint32_t blocks_free_count;
    uint64_t cached_sequence; /* Frames from here on are in blocks. */
    uint64_t cached_bytes;
};

/* Where a frame has been laid out. */
struct weft_log_place {
    struct weft_log_segment *segment;
    uint32_t offset;
    uint32_t chain_before;
    const uint8_t *bytes;
};

/* Lay `frame` out behind the last one: fills in its sequence and `after`. Begins a new segment
 * if this one has no room for it; `next_index` goes into that one's header. WEFT_ENOMEM,
 * WEFT_EIO: the tail is half changed, the log must die. */
WEFT_MUST_USE enum weft_err weft_log_tail_put(struct weft_log_tail *t, struct weft_log_frame *frame,
    const uint8_t *data, uint64_t next_index, struct weft_log_place *ret_place,
    struct weft_msg *msg);

/* Free what the cache has too much of, oldest first. */
void weft_log_tail_evict(struct weft_log_tail *t);

/* Segments before `keep` (NULL: all of them) hold nothing that is needed, and the disk says
 * so: their slots may be written over (RFT-107). */
void weft_log_tail_retire(
    struct weft_log_tail *t, const struct weft_log_segment *keep, struct weft_log_slots *slots);

/* Frees; `blocks` is what the writer gave back. */
void weft_log_tail_destroy(struct weft_log_tail *t, struct weft_log_block *blocks,
    const struct weft_log_directory *directory);

#endif
