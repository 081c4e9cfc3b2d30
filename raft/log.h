/* raft/log.h: the durable Raft log: entries, term and vote, behind one small interface.
 *
 * Two engines: raft/log_disk.c (segments in a directory, a disk thread) and raft/log_memory.c
 * (virtual disk of the simulation, which loses and tears unsynced writes on demand). The log
 * knows nothing of Raft's rules. Format, recovery and invariants: raft/README.md.
 *
 * Order: truncations and appends become durable in the order they were called. An entry is
 * readable as soon as append returns; it counts as durable once durable_index reaches it. */
#ifndef WEFT_RAFT_LOG_H
#define WEFT_RAFT_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/bytes.h"
#include "proto/err.h"
#include "proto/peer.h"

struct weft_log; /* Starts with a pointer to its engine's table. */

struct weft_log_entry {
    uint64_t index;
    uint64_t term;
    enum weft_entry_type type;
    struct weft_bytes data; /* Borrowed from the log's memory; aligned to 8. */
};

/* What was on the disk at open. */
struct weft_log_start {
    uint64_t term;
    uint64_t voted_for;
    uint64_t base_index; /* Everything up to here was trimmed (a checkpoint covers it). */
    uint64_t base_term;
    uint64_t last_index;    /* base_index when there are no entries. */
    uint64_t dropped_bytes; /* Torn tail that was never acknowledged. 0: clean. */
    bool repaired_metadata; /* One of two copies was damaged and has been written again. */
};

struct weft_log_stats {
    uint64_t disk_bytes;   /* Segments, spare ones included. */
    uint64_t used_bytes;   /* Entries above base_index. */
    uint64_t cached_bytes; /* In memory. */
    uint64_t syncs;
    uint64_t sync_ns_total;
    uint64_t appended_bytes;
};

/* The engine's table. Every function may be called only on the loop thread. */
struct weft_log_engine {
    /* Copy entries index, index+1, ... behind the last one and start making them durable.
     * Terms never fall. WEFT_ENOSPC, WEFT_EIO: the log is dead, the node must stop.
     * WEFT_ETOOBIG: an entry that no segment can hold; nothing is appended. */
    enum weft_err (*append)(struct weft_log *log, uint64_t index,
        const struct weft_peer_entry *entries, uint32_t count, struct weft_msg *msg);
    /* Forget entries >= index (above base_index). Durable before any later append is. */
    enum weft_err (*truncate)(struct weft_log *log, uint64_t index, struct weft_msg *msg);
    /* Durable when it returns: term and vote, written twice and checksummed. */
    enum weft_err (*set_term)(
        struct weft_log *log, uint64_t term, uint64_t voted_for, struct weft_msg *msg);
    /* A checkpoint covers everything up to index: it may be dropped from disk and memory.
     * index at most the durable index; the term of `index` stays known (base_term). */
    enum weft_err (*trim)(struct weft_log *log, uint64_t index, struct weft_msg *msg);
    /* Forget everything; the log continues behind (index, term). Durable when it returns. */
    enum weft_err (*reset)(
        struct weft_log *log, uint64_t index, uint64_t term, struct weft_msg *msg);
    /* Entries from `index` on, at least one, at most `count_max` and about size_max bytes.
     * Their memory stays valid until the next call of any function of this log.
     * WEFT_ENOTFOUND: index is trimmed or past the end. WEFT_ECORRUPT, WEFT_EIO. */
    enum weft_err (*read)(struct weft_log *log, uint64_t index, size_t size_max, uint32_t count_max,
        struct weft_log_entry *ret_entries, uint32_t *ret_count, struct weft_msg *msg);
    /* 0: not known (trimmed or past the end); base_index is known. */
    uint64_t (*term_of)(const struct weft_log *log, uint64_t index);
    uint64_t (*base_index)(const struct weft_log *log);
    uint64_t (*last_index)(const struct weft_log *log);
    /* Last index whose entry, as it stands now, is on disk. Drained by the loop after on_sync.
     * *ret_err: not WEFT_OK once a write or sync failed; the node must stop. */
    uint64_t (*durable_index)(struct weft_log *log, enum weft_err *ret_err, struct weft_msg *msg);
    /* From now on files that are given up are removed, those that are kept ready too, and none is
     * used again, until no file holds an entry up to `index`: then true, and all is as ever. */
    bool (*scrub)(struct weft_log *log, uint64_t index);
    void (*stats)(const struct weft_log *log, struct weft_log_stats *ret_stats);
    /* Waits for what is being written; frees. */
    void (*close)(struct weft_log *log);
};

struct weft_log {
    const struct weft_log_engine *engine;
};

/* Called on the disk thread when durable_index or its error may have changed. It may only wake
 * the loop. */
typedef void weft_log_on_sync(void *ctx);

struct weft_log_options {
    const char *directory;       /* Exists; ours alone. */
    uint64_t cluster;            /* Written into each segment; another one is refused. */
    uint32_t segment_size_bytes; /* Pre-zeroed; a multiple of 4096. Chosen: 16 MiB. */
    uint64_t cache_size_max;     /* Entries kept in memory, bytes. */
    uint64_t reserve_bytes;      /* Kept allocated so that a full disk can still be reported. */
    bool drop_damaged_tail;      /* Operator's word after a refusal: cut at the damage. */
    weft_log_on_sync *on_sync;
    void *on_sync_ctx;
};

/* Open or create. A torn tail is dropped and reported in ret_start; damage before the end of
 * what was acknowledged is WEFT_ECORRUPT, with file and offset in `msg`.
 * WEFT_ECORRUPT, WEFT_EVERSION, WEFT_EPEER (another cluster's), WEFT_EBUSY (another process has
 * it), WEFT_EINVAL (options), WEFT_EIO, WEFT_ENOSPC, WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_log_disk_open(const struct weft_log_options *options,
    struct weft_log **ret_log, struct weft_log_start *ret_start, struct weft_msg *msg);

#endif
