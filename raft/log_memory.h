/* raft/log_memory.h: the log on a virtual disk: the engine of the simulation and of plain tests.
 *
 * The same table as the disk engine (raft/log.h). Appends and truncations become durable when
 * weft_log_memory_sync says so, in the order they were called; a crash loses what was not
 * synced, except a prefix that the seed chooses. Term and vote, trim and reset are durable
 * when they return, as on a disk. Not thread safe; on_sync is called from inside sync. */
#ifndef WEFT_RAFT_LOG_MEMORY_H
#define WEFT_RAFT_LOG_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

#include "raft/log.h"

/* Which operation a fault is planted in. */
enum weft_log_memory_op {
    WEFT_LOG_MEMORY_APPEND,
    WEFT_LOG_MEMORY_TRUNCATE,
    WEFT_LOG_MEMORY_SET_TERM,
    WEFT_LOG_MEMORY_TRIM,
    WEFT_LOG_MEMORY_RESET,
    WEFT_LOG_MEMORY_READ,
    WEFT_LOG_MEMORY_SYNC,
    WEFT_LOG_MEMORY_OPS,
};

struct weft_log_memory_options {
    bool sync_at_once;         /* Every append and truncation is durable when it returns. */
    uint64_t capacity_bytes;   /* Of the virtual disk; 0: no limit. Past it: WEFT_ENOSPC. */
    weft_log_on_sync *on_sync; /* May be NULL. */
    void *on_sync_ctx;
};

/* An empty log on an empty disk. It lives until its engine's close, through any number of
 * crashes. WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_log_memory_create(
    const struct weft_log_memory_options *options, struct weft_log **ret_log);

/* Writes (one for each entry and truncation) that are not durable yet. */
uint64_t weft_log_memory_pending(const struct weft_log *log);

/* The oldest `count` of them become durable; UINT64_MAX: all. Calls on_sync if there were any.
 * A planted SYNC fault leaves them as they are and the log dead (durable_index tells). */
void weft_log_memory_sync(struct weft_log *log, uint64_t count);

/* Pull the plug and open again. Of the unsynced writes a prefix of random length survives;
 * a torn entry after it is dropped and counted in ret_start->dropped_bytes. If set_term failed,
 * the seed also decides whether the new term had reached the disk. Clears planted faults and
 * the dead state; entries read before are invalid. */
void weft_log_memory_crash(struct weft_log *log, uint64_t seed, struct weft_log_start *ret_start);

/* Stop and start cleanly: everything is synced, nothing is lost. Clears faults. */
void weft_log_memory_restart(struct weft_log *log, struct weft_log_start *ret_start);

/* The nth call of `op` from now (1: the next) fails with `err`. Any but a failed READ leaves
 * the log dead: every later call gives the same error until crash or restart. 0: no fault. */
void weft_log_memory_fail(
    struct weft_log *log, enum weft_log_memory_op op, uint64_t nth, enum weft_err err);

/* Change the size of the virtual disk; 0: no limit. */
void weft_log_memory_set_capacity(struct weft_log *log, uint64_t capacity_bytes);

#endif
