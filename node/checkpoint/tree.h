/* node/checkpoint/tree.h: directories of plain files: make, link, hash, sync, rename, remove.
 *
 * What checkpoints, and other small files of a node, are handled with. Every function names the
 * path in its message. Errors: WEFT_ENOSPC, WEFT_ENOMEM, WEFT_ENOTFOUND (it is not there),
 * otherwise WEFT_EIO. */
#ifndef WEFT_NODE_CHECKPOINT_TREE_H
#define WEFT_NODE_CHECKPOINT_TREE_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/bytes.h"
#include "proto/digest.h"
#include "proto/err.h"

/* For tests: called before each operation that changes the disk, with its name and path. It may
 * end the process there, as a kill would. NULL in a plant. */
extern void (*weft_tree_on_change)(const char *operation, const char *path);

enum weft_err weft_tree_err(int error_number);
bool weft_tree_exists(const char *path);

/* It may exist already. */
WEFT_MUST_USE enum weft_err weft_tree_make(const char *path, struct weft_msg *msg);
/* With everything in it. It need not exist. */
WEFT_MUST_USE enum weft_err weft_tree_remove(const char *path, struct weft_msg *msg);
/* Replaces a file, not a directory that holds something. */
WEFT_MUST_USE enum weft_err weft_tree_rename(
    const char *from, const char *to, struct weft_msg *msg);
/* A file or a directory: what it holds is on the disk. */
WEFT_MUST_USE enum weft_err weft_tree_sync(const char *path, struct weft_msg *msg);
/* Write a whole file and sync it; it must not exist. */
WEFT_MUST_USE enum weft_err weft_tree_write(
    const char *path, const void *data, size_t size, struct weft_msg *msg);
/* All of a small file, behind what is in `out`; of it nothing is left on the stack, since it may be
 * a key. `ret_found`: is it there? NULL: it has to be. WEFT_ETOOBIG: past out->size_max. */
WEFT_MUST_USE enum weft_err weft_tree_read(
    const char *path, struct weft_buffer *out, bool *ret_found, struct weft_msg *msg);
/* A small file that is there whole, as it was or as it is to be: PATH.new, synced, put in its place
 * in that directory, and that synced. */
WEFT_MUST_USE enum weft_err weft_tree_replace(
    const char *directory, const char *path, const struct weft_buffer *text, struct weft_msg *msg);
WEFT_MUST_USE enum weft_err weft_tree_link(const char *from, const char *to, struct weft_msg *msg);
/* A copy, synced. */
WEFT_MUST_USE enum weft_err weft_tree_copy(const char *from, const char *to, struct weft_msg *msg);

/* What a file holds. */
struct weft_tree_sum {
    struct weft_digest digest; /* SHA-256 */
    uint32_t crc32c;
    uint64_t size_bytes;
};

/* Reads it once. Looks at *cancel (may be NULL) between pieces of 1 MiB: WEFT_ECLOSED. */
WEFT_MUST_USE enum weft_err weft_tree_sum(const char *path, const volatile bool *cancel,
    struct weft_tree_sum *ret_sum, struct weft_msg *msg);

/* True once somebody has set it, whatever thread. `cancel` may be NULL. */
static inline bool weft_tree_is_cancelled(const volatile bool *cancel)
{
    return cancel != NULL && __atomic_load_n(cancel, __ATOMIC_RELAXED);
}

#endif
