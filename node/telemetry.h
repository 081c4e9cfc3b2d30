/* node/telemetry.h: this node's part in keeping telemetry: BLOCK_PUT and BLOCK_GET.
 *
 * Telemetry does not pass through Raft. A client puts a block on every member that it reaches and
 * commits the record that names it once a majority has said it is on disk; a node that is asked
 * for a block it lacks fetches it from another member and keeps it. Disk work is done by the
 * pool; a block is told by its SHA-256 and verified on every way (node/README.md, NOD-11). The
 * loop's. */
#ifndef WEFT_NODE_TELEMETRY_H
#define WEFT_NODE_TELEMETRY_H

#include <stdint.h>

#include "node/proposer.h"
#include "proto/client.h"

struct weft_node;
struct weft_telemetry;

enum {
    WEFT_TELEMETRY_JOBS_MAX = 16,    /* blocks in memory, on their way to and from the disk */
    WEFT_TELEMETRY_WAITERS_MAX = 64, /* clients that wait for a search */
};

struct weft_telemetry_counts {
    uint64_t put, got, fetched, damaged; /* Blocks. */
};

/* The directory of node->datadir. WEFT_EIO, WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_telemetry_open(
    struct weft_node *node, struct weft_telemetry **ret_telemetry, struct weft_msg *msg);
void weft_telemetry_close(struct weft_telemetry *t, void (*on_closed)(void *ctx), void *ctx);

/* Each is answered exactly once (NOD-8). */
void weft_telemetry_put(
    struct weft_telemetry *t, const struct weft_block *block, const struct weft_waiter *waiter);
void weft_telemetry_get(
    struct weft_telemetry *t, const struct weft_block_get *get, const struct weft_waiter *waiter);

void weft_telemetry_counts(
    const struct weft_telemetry *t, struct weft_telemetry_counts *ret_counts);

#endif
