/* node/checkpoint/stage.h: the staging directory of a download: what its thread does on disk.
 *
 *     .fetching/files/NAME   whole and verified        .fetching/part/NAME   being written
 *
 * Every function blocks; all of them run on the download's thread. */
#ifndef WEFT_NODE_CHECKPOINT_STAGE_H
#define WEFT_NODE_CHECKPOINT_STAGE_H

#include "node/checkpoint/fetcher.h"
#include "node/checkpoint/keeper.h"

struct weft_stage {
    struct weft_keeper *keeper;
    const struct weft_manifest *manifest; /* Files sorted by name. */
    const bool *cancel;                   /* Atomic. */
    char path[WEFT_CHECKPOINT_PATH_SIZE];
    char files[WEFT_CHECKPOINT_PATH_SIZE];
    char parts[WEFT_CHECKPOINT_PATH_SIZE];
    int fd; /* Of the part last written, -1: none. */
    uint32_t fd_file;
};

/* WEFT_ETOOBIG: the path. */
WEFT_MUST_USE enum weft_err weft_stage_init(struct weft_stage *s, const char *keeper_directory,
    struct weft_keeper *keeper, const struct weft_manifest *manifest, const bool *cancel,
    struct weft_msg *msg);
void weft_stage_close(struct weft_stage *s);

/* Make the directories; keep of an earlier download what serves this one; link what a local
 * checkpoint has; verify both. Fills `ret_files`, one per file of the manifest. WEFT_ECLOSED:
 * cancelled. */
WEFT_MUST_USE enum weft_err weft_stage_scan(struct weft_stage *s,
    struct weft_fetcher_file *ret_files, uint64_t *ret_reused_bytes, struct weft_msg *msg);
WEFT_MUST_USE enum weft_err weft_stage_write(struct weft_stage *s, uint32_t file, uint64_t offset,
    const void *data, size_t size, struct weft_msg *msg);
/* Sync and hash the part; the one that is right becomes a file. */
WEFT_MUST_USE enum weft_err weft_stage_verify(
    struct weft_stage *s, uint32_t file, bool *ret_is_intact, struct weft_msg *msg);
/* All files are there: give the whole to the keeper. */
WEFT_MUST_USE enum weft_err weft_stage_finish(
    struct weft_stage *s, struct weft_bytes encoded, struct weft_msg *msg);

#endif
