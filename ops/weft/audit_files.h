/* ops/weft/audit_files.h: the files of an audit log (policy/tile.h), from a node and on disk. */
#ifndef WEFT_OPS_AUDIT_FILES_H
#define WEFT_OPS_AUDIT_FILES_H

#include "ops/weft/client.h"
#include "ops/weft/files.h"
#include "policy/checkpoint_note.h"
#include "policy/tile.h"

/* Files as a node gives them. Nothing of them is verified. */
struct weft_audit_source {
    struct weft_client *client;
    const char *stem; /* In front of each path: "partner/box/sent/"; NULL: the audit log's. */
    bool is_stale;
    uint32_t wait_ms;        /* The node may wait so long with its answer. */
    struct weft_arena arena; /* Of the last answer. */
    /* The last answer, if it was a bundle of leaves: neighbours are mostly asked for in a row. */
    bool has_bundle;
    struct weft_tile tile;
    struct weft_bytes bundle;
};

void weft_audit_source_init(
    struct weft_audit_source *source, struct weft_client *client, bool is_stale);
void weft_audit_source_close(struct weft_audit_source *source);
/* "": the head. What is in *ret_result lives until the next call. As weft_client_call. */
WEFT_MUST_USE enum weft_err weft_audit_source_ask(struct weft_audit_source *source,
    const char *path, struct weft_audit_result *ret_result, struct weft_msg *msg);
/* A leaf of a log of `size`; lives until the next call. WEFT_ENOTFOUND. */
WEFT_MUST_USE enum weft_err weft_audit_source_leaf(struct weft_audit_source *source, uint64_t size,
    uint64_t number, struct weft_bytes *ret_leaf, struct weft_msg *msg);
/* The newest signed note into `out`, which is empty, and what it says. */
WEFT_MUST_USE enum weft_err weft_audit_source_checkpoint(struct weft_audit_source *source,
    struct weft_buffer *out, struct weft_merkle_head *ret_head, struct weft_msg *msg);
/* As weft_merkle_get_tile; `ctx` is the source. */
WEFT_MUST_USE enum weft_err weft_audit_source_tile(void *ctx, const struct weft_tile *tile,
    struct weft_digest ret_hashes[WEFT_TILE_WIDTH], struct weft_msg *msg);

/* The checkpoint in a signed note, whose signatures are not looked at. Borrows. */
WEFT_MUST_USE enum weft_err weft_audit_files_checkpoint(
    struct weft_text note, struct weft_checkpoint_note *ret_checkpoint, struct weft_msg *msg);
/* Directories above it are made. */
WEFT_MUST_USE enum weft_err weft_audit_files_write(
    const char *directory, const char *path, struct weft_bytes bytes, struct weft_msg *msg);
/* From the node into the directory, unless it is there. */
WEFT_MUST_USE enum weft_err weft_audit_files_fetch(struct weft_audit_source *source,
    const char *directory, const struct weft_tile *tile, struct weft_msg *msg);
/* The same of a bundle, which is written last: what its leaves commit to is there then, unless the
 * node has it no more. What they say was redacted is removed. */
WEFT_MUST_USE enum weft_err weft_audit_files_fetch_bundle(struct weft_audit_source *source,
    const char *directory, const struct weft_tile *tile, struct weft_msg *msg);

/* As weft_audit_read; `ctx` is one of these. */
struct weft_audit_reading {
    const char *directory;
    void *ctx; /* The caller's. */
};
WEFT_MUST_USE enum weft_err weft_audit_files_read(
    void *ctx, const char *path, struct weft_buffer *ret_data, struct weft_msg *msg);

#endif
