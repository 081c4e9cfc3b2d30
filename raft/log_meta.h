/* raft/log_meta.h: the file `meta` of the disk log: term, vote, base, and the durable mark.
 *
 * Two copies of the record, each synced before the next is written, so that neither a torn
 * write nor one damaged copy can bring back an older vote. The mark is a lower bound of what
 * was reported durable; it is written behind each sync and itself synced only when the log
 * rests. Format: raft/README.md, "The log on disk". */
#ifndef WEFT_RAFT_LOG_META_H
#define WEFT_RAFT_LOG_META_H

#include "raft/log_file.h"

struct weft_log_record {
    uint64_t cluster;
    uint64_t sequence; /* Of writes of this record. */
    uint64_t term;
    uint64_t voted_for;
    uint64_t base_index;
    uint64_t base_term;
    uint64_t first_segment;  /* Segments with a lower number are spare. */
    uint64_t first_sequence; /* Of the first frame of that segment. */
};

struct weft_log_meta {
    const struct weft_log_directory *directory;
    int fd;
    uint64_t cluster;              /* As in the record, for the disk thread. */
    struct weft_log_record record; /* As it is on disk, twice. */
    uint64_t mark;                 /* Frames up to this one are durable. */
    uint32_t mark_place;           /* 0 or 1: where the next mark goes. */
    bool was_repaired;             /* One copy was bad at open and has been written again. */
};

/* Open, or create when `may_create`: the record then holds `cluster` and first segment 1.
 *
 * WEFT_ENOTFOUND: there is none. WEFT_ECORRUPT: both copies or both marks are bad (with
 * `forgive_mark` bad marks count as 0). WEFT_EVERSION; WEFT_EPEER: another cluster's;
 * WEFT_EBUSY: another process has it open; WEFT_EIO, WEFT_ENOSPC. */
WEFT_MUST_USE enum weft_err weft_log_meta_open(const struct weft_log_directory *directory,
    uint64_t cluster, bool may_create, bool forgive_mark, struct weft_log_meta *ret_meta,
    struct weft_msg *msg);
void weft_log_meta_close(struct weft_log_meta *meta);

/* Durable when it returns. meta->record is the new one only then. */
WEFT_MUST_USE enum weft_err weft_log_meta_write(
    struct weft_log_meta *meta, const struct weft_log_record *record, struct weft_msg *msg);

/* Not synced. Another thread may be in weft_log_meta_write. */
WEFT_MUST_USE enum weft_err weft_log_meta_mark(
    struct weft_log_meta *meta, uint64_t mark, struct weft_msg *msg);
WEFT_MUST_USE enum weft_err weft_log_meta_sync(struct weft_log_meta *meta, struct weft_msg *msg);

#endif
