/* node/start.h: how a node comes to run: the first of a site, a further one, or one that was here.
 *
 * Opens, in this order, the log, the local checkpoints, the state (rebuilt where it is lost),
 * the replica with its effects, and the peer door. */
#ifndef WEFT_NODE_START_H
#define WEFT_NODE_START_H

#include <stdint.h>

#include "proto/err.h"

struct weft_node;

enum {
    WEFT_START_SEGMENT_BYTES = 16 * 1024 * 1024
}; /* Of the Raft log. Chosen. */

/* The data directory is open. WEFT_EINVAL: it belongs to no group, and nobody said which. */
WEFT_MUST_USE enum weft_err weft_start_group(struct weft_node *node, struct weft_msg *msg);
/* Never 0; from the kernel. */
uint64_t weft_start_random_id(void);

#endif
