/* node/state/walks.h: what the store has of an asset, a row at a time, for who asks: versions of a
 * kind, the links of its records, records that link to it.
 *
 * Each row goes to a function: its error ends the walk, and so does *ret_ends. It may not move
 * run->walk. What comes is as stored: whoever may see it is the caller's. Any thread.
 * WEFT_ECORRUPT, WEFT_EIO, WEFT_ENOMEM, and what the function gives. */
#ifndef WEFT_NODE_STATE_WALKS_H
#define WEFT_NODE_STATE_WALKS_H

#include "node/state/links.h"
#include "node/state/view.h"

/* A record as it is stored (proto/stored.h), good until the function returns. */
typedef enum weft_err weft_on_version(
    void *ctx, const struct weft_ref *ref, struct weft_bytes stored, bool *ret_ends);
/* What a record links to. */
typedef enum weft_err weft_on_links(
    void *ctx, const struct weft_ref *ref, struct weft_links *links, bool *ret_ends);
/* A record that links to the asset, and the one it speaks of. */
typedef enum weft_err weft_on_mirror(
    void *ctx, const struct weft_ref *ref, uint64_t owner, bool *ret_ends);

/* Oldest first. */
WEFT_MUST_USE enum weft_err weft_walk_versions(
    struct weft_run *run, uint64_t asset, uint16_t kind, weft_on_version *on, void *ctx);
/* Of all records of the asset, by their places. */
WEFT_MUST_USE enum weft_err weft_walk_links(
    struct weft_run *run, uint64_t asset, weft_on_links *on, void *ctx);
/* Of one record, which has some. */
WEFT_MUST_USE enum weft_err weft_walk_links_of(struct weft_run *run, uint64_t owner,
    const struct weft_ref *record, weft_on_links *on, void *ctx);
/* By `at`, from `from_ns` on. */
WEFT_MUST_USE enum weft_err weft_walk_mirror(struct weft_run *run, uint64_t asset, uint16_t rel,
    int64_t from_ns, weft_on_mirror *on, void *ctx);
/* Back from `from_ns`, so many at most. */
WEFT_MUST_USE enum weft_err weft_walk_mirror_back(struct weft_run *run, uint64_t asset,
    uint16_t rel, int64_t from_ns, uint32_t rows_max, weft_on_mirror *on, void *ctx);

#endif
