/* ops/weft/backup.h: a backup's directory: DIR/manifest, and DIR/files/<SHA-256> for each file. */
#ifndef WEFT_OPS_BACKUP_H
#define WEFT_OPS_BACKUP_H

#include <stdbool.h>

#include "proto/checkpoint.h"

/* Is the content there, whole, and of the digest that is its name? */
bool weft_backup_has(const char *directory, const struct weft_checkpoint_file *file);
/* The manifest in place; everything in it lives in the arena. WEFT_ENOTFOUND: there is none.
 * WEFT_ECORRUPT, WEFT_EIO. */
WEFT_MUST_USE enum weft_err weft_backup_read_manifest(const char *directory,
    struct weft_arena *arena, struct weft_manifest *ret_manifest, struct weft_msg *msg);
/* Read all of it. WEFT_ECORRUPT: `msg` names the first file that is missing or damaged and says
 * how many are. */
WEFT_MUST_USE enum weft_err weft_backup_check(const char *directory,
    struct weft_manifest *ret_manifest, struct weft_arena *arena, struct weft_msg *msg);

#endif
