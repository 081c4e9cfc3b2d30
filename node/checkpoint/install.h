/* node/checkpoint/install.h: puts a local checkpoint in the place of the state, crash-safe.
 *
 * prepare makes "<state>.new" beside the state: hard links to immutable files, copies of the
 * others, all synced. commit swaps by renames under a marker, "<state>.install"; the state must
 * be closed. At the next start recover finishes a swap that has its marker and undoes anything
 * else, so that the state is the old one or the new one, whole, after a kill at any point. */
#ifndef WEFT_NODE_CHECKPOINT_INSTALL_H
#define WEFT_NODE_CHECKPOINT_INSTALL_H

#include <stdbool.h>

#include "proto/checkpoint.h"
#include "proto/err.h"

enum weft_install_outcome {
    WEFT_INSTALL_NOTHING,  /* No swap was under way. */
    WEFT_INSTALL_FINISHED, /* The new state is in place. */
    WEFT_INSTALL_UNDONE,   /* It was not yet decided: the old state stays. */
};

/* Long: for a worker thread, or at start. `files_directory` holds the checkpoint's files.
 * verify: every digest is computed first (a checkpoint that lay on disk for a while).
 * WEFT_ECORRUPT: a file is not what the manifest says; WEFT_ECLOSED: cancelled; WEFT_EIO,
 * WEFT_ENOSPC. After a failure nothing is prepared. */
WEFT_MUST_USE enum weft_err weft_install_prepare(const char *files_directory,
    const struct weft_manifest *manifest, const char *state_directory, bool verify,
    const volatile bool *cancel, struct weft_msg *msg);

/* Short: a few renames and directory syncs, for the loop. From here on the new state is the
 * state, at the latest after a restart. WEFT_ESTATE: nothing is prepared. WEFT_EIO, WEFT_ENOSPC:
 * the node must stop; recover decides at its next start. */
WEFT_MUST_USE enum weft_err weft_install_commit(const char *state_directory, struct weft_msg *msg);

/* Remove what the swap has left ("<state>.old"). Long: worker. Done by recover, too. */
WEFT_MUST_USE enum weft_err weft_install_clean(const char *state_directory, struct weft_msg *msg);

/* Forget what was prepared. */
WEFT_MUST_USE enum weft_err weft_install_discard(const char *state_directory, struct weft_msg *msg);

/* At start, before the state is opened. WEFT_ECORRUPT: a marker without a new or old state. */
WEFT_MUST_USE enum weft_err weft_install_recover(
    const char *state_directory, enum weft_install_outcome *ret_outcome, struct weft_msg *msg);

#endif
