/* node/state/runs.h: how entries that are applied together are parted into batches. Pure. */
#ifndef WEFT_NODE_STATE_RUNS_H
#define WEFT_NODE_STATE_RUNS_H

#include <stddef.h>
#include <stdint.h>

#include "raft/log.h"

/* Items of all of them; of entries that are damaged none are counted. */
size_t weft_runs_items(const struct weft_log_entry *entries, uint32_t entry_count);
/* Entries of one batch; 0: NOD-155, the first one may redact, and is alone in its. */
uint32_t weft_runs_next(const struct weft_log_entry *entries, uint32_t entry_count);

#endif
