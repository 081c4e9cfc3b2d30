/* node/state/audit_read.h: the audit log as the state keeps it: its head, tiles and entries.
 *
 * Full tiles are stored; partial ones, and those of sizes that the log once had, are made from what
 * lies below them. Reads a snapshot, so that all that one reader says is of one size. Any thread,
 * one at a time. */
#ifndef WEFT_NODE_STATE_AUDIT_READ_H
#define WEFT_NODE_STATE_AUDIT_READ_H

#include "node/state/audit_head.h"
#include "node/state/audit_roots.h"
#include "node/state/store.h"
#include "policy/tile.h"

struct weft_audit_reader {
    struct weft_store *store;
    const struct weft_store_snapshot *snapshot; /* NULL: the present. */
    struct weft_store_walk *walk;               /* NULL: nobody has asked for entries. */
    struct weft_buffer bundle;                  /* Under construction. */
    struct weft_audit_roots *roots;             /* Of the state; NULL: nothing is remembered. */
};

/* Borrows both. `roots` is the caller's to set. */
void weft_audit_reader_init(struct weft_audit_reader *r, struct weft_store *store,
    const struct weft_store_snapshot *snapshot);
void weft_audit_reader_close(struct weft_audit_reader *r);

/* WEFT_ENOTFOUND: there is no log yet. WEFT_ECORRUPT, WEFT_EIO. */
WEFT_MUST_USE enum weft_err weft_audit_read_head(
    struct weft_audit_reader *r, struct weft_audit_head *ret_head, struct weft_msg *msg);
/* Append leaves [first, first + count) as in an entry bundle. WEFT_ECORRUPT: they are not there.
 * WEFT_ETOOBIG (the buffer's), WEFT_ENOMEM, WEFT_EIO. */
WEFT_MUST_USE enum weft_err weft_audit_read_leaves(struct weft_audit_reader *r, uint64_t first,
    uint64_t count, struct weft_buffer *out, struct weft_msg *msg);
/* As weft_merkle_get_tile; `ctx` is the reader. */
WEFT_MUST_USE enum weft_err weft_audit_read_tile(void *ctx, const struct weft_tile *tile,
    struct weft_digest ret_hashes[WEFT_TILE_WIDTH], struct weft_msg *msg);
/* What stands under a key of evidence: the index of the entry that it came with, and the file
 * (policy/evidence.h), which it borrows. WEFT_ECORRUPT. */
WEFT_MUST_USE enum weft_err weft_audit_open_evidence(struct weft_bytes value, uint64_t *ret_index,
    struct weft_bytes *ret_file, struct weft_msg *msg);
/* Where weft_audit_read_tile looks for it. As weft_tile_on_tile; `ctx` is the batch. */
WEFT_MUST_USE enum weft_err weft_audit_put_tile(void *ctx, const struct weft_tile *tile,
    const struct weft_digest *hashes, struct weft_msg *msg);

#endif
