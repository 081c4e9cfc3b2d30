/* node/checkpoint/state_source.h: the keeper's source that a plant runs: RocksDB's checkpoints. */
#ifndef WEFT_NODE_CHECKPOINT_STATE_SOURCE_H
#define WEFT_NODE_CHECKPOINT_STATE_SOURCE_H

#include "node/checkpoint/keeper.h"
#include "node/state/state.h"

enum {
    WEFT_CHECKPOINT_STATE_FORMAT = 1
}; /* Of keys and values; node/state/README.md. */

/* Keeps `state`; `options` are those it was opened with (read_only and directory are replaced)
 * and are copied, its texts kept. */
struct weft_state_source {
    struct weft_state *state;
    struct weft_state_options options;
    bool is_purging; /* Something was redacted since the last one: the files are written anew. */
    const volatile bool *cancel; /* With is_purging. */
    /* What the files of the copy were when they were written. In the arena of describe. */
    struct weft_state_file *files;
    size_t file_count;
};

struct weft_keeper_source weft_state_source(struct weft_state_source *s);

#endif
