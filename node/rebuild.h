/* node/rebuild.h: the state directory is a cache of the Raft log: lose it, and it is made again.
 *
 * At start: no state, or one that is damaged or marked as such, is set aside and replaced by the
 * newest local checkpoint; the log brings it forward. If neither checkpoint nor log reach far
 * enough back the node refuses to start, and says how it can come back from its peers. It does so,
 * too, if the state was made anew three times within a day: what damages it is elsewhere. */
#ifndef WEFT_NODE_REBUILD_H
#define WEFT_NODE_REBUILD_H

#include "node/datadir.h"
#include "node/state/state.h"
#include "proto/err.h"

struct weft_node;

/* How this node opens its state. Texts are the node's. */
struct weft_state_options weft_rebuild_state_options(struct weft_node *node);

/* Log and checkpoints are open. Opens node->state. */
WEFT_MUST_USE enum weft_err weft_rebuild_open_state(struct weft_node *node, struct weft_msg *msg);

/* The state failed while the node ran: the next start rebuilds it. Best effort. */
void weft_rebuild_mark(const struct weft_datadir *datadir);

/* Say it once when the index of lineage has been given up. After each apply; cheap. */
void weft_rebuild_watch_lineage(struct weft_node *node);

#endif
