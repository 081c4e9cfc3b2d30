/* node/telemetry_store.h: blocks of telemetry on this node's disk, by their SHA-256.
 *
 *     telemetry/<2 hex digits>/<64 hex digits>    one block each, never changed
 *     telemetry/tmp/                              what is being written; emptied at start
 *
 * A block is there whole or not at all, is synced before put returns, and is verified whenever it
 * is read (NOD-11). Everything here waits for the disk: for worker threads, several at once. */
#ifndef WEFT_NODE_TELEMETRY_STORE_H
#define WEFT_NODE_TELEMETRY_STORE_H

#include <stdbool.h>

#include "proto/bytes.h"
#include "proto/digest.h"
#include "proto/err.h"

enum {
    /* Left free on the disk: the log and the state come first. Chosen. */
    WEFT_TELEMETRY_RESERVE_BYTES = 256 * 1024 * 1024,
};

/* Make what is missing and remove what was left half-written. WEFT_EIO. */
WEFT_MUST_USE enum weft_err weft_telemetry_store_open(const char *directory, struct weft_msg *msg);

/* Durable on return. *ret_was_there: it was before. A damaged file is written anew.
 * WEFT_EBADSIG: the digest is not that of `content`; WEFT_ETOOBIG, WEFT_EINVAL: its size;
 * WEFT_ENOSPC: less than the reserve would be left; WEFT_EIO. Nothing is kept then. */
WEFT_MUST_USE enum weft_err weft_telemetry_store_put(const char *directory,
    const struct weft_digest *digest, struct weft_bytes content, bool *ret_was_there,
    struct weft_msg *msg);

/* Into `out`, which is replaced. WEFT_ENOTFOUND; WEFT_ECORRUPT: what is there is not it;
 * WEFT_EIO, WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_telemetry_store_get(const char *directory,
    const struct weft_digest *digest, struct weft_buffer *out, struct weft_msg *msg);

#endif
