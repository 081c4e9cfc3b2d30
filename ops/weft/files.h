/* ops/weft/files.h: whole files, read with a limit and written atomically. */
#ifndef WEFT_OPS_FILES_H
#define WEFT_OPS_FILES_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/bytes.h"
#include "proto/err.h"

enum {
    WEFT_FILES_PATH_SIZE = 1024
};

/* Append the file to `out`; its size_max is the limit. "-" is stdin.
 * WEFT_ENOTFOUND, WEFT_EIO, WEFT_ETOOBIG, WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_files_read(
    const char *path, struct weft_buffer *out, struct weft_msg *msg);

/* A file beside it with `mode` from the start, synced, then put in place: nobody ever sees half
 * of it, or a private key with a wider mode. `may_replace` false: WEFT_ESTATE if there is one.
 * WEFT_EIO, WEFT_ENOSPC. */
WEFT_MUST_USE enum weft_err weft_files_write(const char *path, struct weft_bytes bytes,
    unsigned mode, bool may_replace, struct weft_msg *msg);

/* With its parents. WEFT_EIO. */
WEFT_MUST_USE enum weft_err weft_files_make_directory(
    const char *path, unsigned mode, struct weft_msg *msg);

bool weft_files_exists(const char *path);
/* "DIRECTORY/NAME" into a buffer of WEFT_FILES_PATH_SIZE. WEFT_ETOOBIG. */
WEFT_MUST_USE enum weft_err weft_files_join(
    const char *directory, const char *name, char *ret_path, struct weft_msg *msg);
/* Make the directory's entries durable. WEFT_EIO. */
WEFT_MUST_USE enum weft_err weft_files_sync_directory(const char *path, struct weft_msg *msg);

#endif
