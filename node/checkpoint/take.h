/* node/checkpoint/take.h: makes one checkpoint in a staging directory: the keeper's long work. */
#ifndef WEFT_NODE_CHECKPOINT_TAKE_H
#define WEFT_NODE_CHECKPOINT_TAKE_H

#include "node/checkpoint/keeper.h"
#include "node/checkpoint/record.h"

struct weft_take {
    const char *staging; /* "<directory>/.taking" */
    uint64_t cluster;    /* 0: any. */
    struct weft_keeper_source source;
    const struct weft_record *before; /* Newest one there is; NULL: none. Not changed meanwhile. */
    const volatile bool *cancel;
};

struct weft_take_result {
    struct weft_record *record; /* NULL: nothing was applied since `before`. Its paths are those
                                   of the staging directory. */
    uint64_t file_bytes;
    uint64_t hashed_bytes;
};

/* Everything in the staging directory is synced, the directory itself included, when it
 * returns a record. After a failure the directory is as it may be. */
WEFT_MUST_USE enum weft_err weft_take_run(
    const struct weft_take *take, struct weft_take_result *ret_result, struct weft_msg *msg);

#endif
