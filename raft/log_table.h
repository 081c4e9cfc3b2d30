/* raft/log_table.h: where each entry of the disk log is: index to place, in memory. */
#ifndef WEFT_RAFT_LOG_TABLE_H
#define WEFT_RAFT_LOG_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/err.h"
#include "raft/log_slots.h"

/* A stretch of the log that lives, or will live, in one slot. */
struct weft_log_segment {
    struct weft_log_segment *next;
    uint64_t number;
    uint64_t first_sequence;
    uint64_t first_index;
    uint32_t chain;
    uint32_t salt;
    uint32_t size_bytes;
    struct weft_log_slot slot; /* fd -1: not yet written; the disk thread sets it. */
};

struct weft_log_ref {
    uint64_t term;
    uint64_t sequence;
    const uint8_t *frame; /* In memory, as long as the log's cache reaches back to it. */
    struct weft_log_segment *segment;
    uint32_t offset;
    uint32_t size_bytes;
    uint32_t chain_before;
    uint32_t type;
};

/* Entries first, first + 1, ... Zero-initialized is empty. */
struct weft_log_table {
    uint64_t first;
    struct weft_log_ref *refs;
    size_t begin; /* Place of `first`. */
    size_t end;
    size_t capacity;
};

static inline uint64_t weft_log_table_next(const struct weft_log_table *t)
{
    return t->first + (t->end - t->begin);
}

static inline bool weft_log_table_has(const struct weft_log_table *t, uint64_t index)
{
    return index >= t->first && index < weft_log_table_next(t);
}

/* `index` is in the table. */
static inline struct weft_log_ref *weft_log_table_at(const struct weft_log_table *t, uint64_t index)
{
    return &t->refs[t->begin + (size_t)(index - t->first)];
}

/* Forget everything; the next entry is `first`. */
void weft_log_table_restart(struct weft_log_table *t, uint64_t first);
/* Room for `more` pushes. WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_log_table_reserve(struct weft_log_table *t, size_t more);
/* Room is reserved. */
struct weft_log_ref *weft_log_table_push(struct weft_log_table *t);
/* Forget entries >= index. */
void weft_log_table_cut(struct weft_log_table *t, uint64_t index);
/* Forget entries < index; the table may become empty, its next entry stays or is `index`. */
void weft_log_table_drop(struct weft_log_table *t, uint64_t index);
void weft_log_table_destroy(struct weft_log_table *t);

#endif
