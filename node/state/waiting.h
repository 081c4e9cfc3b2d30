/* node/state/waiting.h: the puts of a batch that wait until it is written, to go in by their keys.
 *
 * A memtable finds the place of a neighbour with a fraction of the comparisons. The types of key
 * that make up most of a batch wait, each in a list of its own: ids rise, so that a list is in
 * order, or nearly, as it comes; digests of statements are not. If one is put twice (a
 * statement that is told again) the later put goes in last; none is forgotten behind its put. Knows
 * nothing of RocksDB. */
#ifndef WEFT_NODE_STATE_WAITING_H
#define WEFT_NODE_STATE_WAITING_H

#include <stdbool.h>

#include "node/state/keys.h"
#include "proto/bytes.h"

struct weft_waiting;

/* NULL: there is no memory. */
struct weft_waiting *weft_waiting_create(void);
/* Accepts NULL. */
void weft_waiting_destroy(struct weft_waiting *waiting);

/* Keep a copy. False: it does not wait (another type, a large value, no memory): put it at once. */
bool weft_waiting_take(
    struct weft_waiting *waiting, const struct weft_key *key, const void *value, size_t size);

/* Hand out all of them in the order of their keys, and wait for the next batch. */
void weft_waiting_end(struct weft_waiting *waiting,
    void (*on_put)(void *ctx, struct weft_bytes key, struct weft_bytes value), void *ctx);

#endif
