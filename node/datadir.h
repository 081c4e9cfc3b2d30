/* node/datadir.h: the data directory of one node: who it belongs to, and that only one uses it.
 *
 *     lock         flock held by the running process; its pid as text
 *     identity     org, site, node, member id, cluster id, format version; checksummed text
 *     raft/        the log               checkpoints/  local checkpoints
 *     state/       RocksDB               audit/  telemetry/
 *
 * A directory of another node, site or format version is refused: a node that starts with
 * somebody else's vote or log can undo what a majority acknowledged. */
#ifndef WEFT_NODE_DATADIR_H
#define WEFT_NODE_DATADIR_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/err.h"

enum {
    WEFT_DATADIR_FORMAT = 1,
    WEFT_DATADIR_PATH_SIZE = 1024 + 32
};

struct weft_datadir_identity {
    char org[64];
    char site[64];
    char node[64];
    uint64_t member_id; /* Random, drawn when the directory was made; never 0. */
    uint64_t cluster;   /* 0: not yet a member of any group. */
    uint32_t format;
};

struct weft_datadir {
    struct weft_datadir_identity identity;
    bool is_new; /* Made by this call of open. */
    int lock_fd;
    char path[1024];
    char raft[WEFT_DATADIR_PATH_SIZE];
    char state[WEFT_DATADIR_PATH_SIZE];
    char checkpoints[WEFT_DATADIR_PATH_SIZE];
    char audit[WEFT_DATADIR_PATH_SIZE];
    char telemetry[WEFT_DATADIR_PATH_SIZE];
};

/* Take the lock, then read the identity; a directory that does not exist or is empty is made,
 * with a member id drawn from the kernel. `may_create` false: that is WEFT_ENOTFOUND instead.
 *
 * WEFT_EBUSY: another process has it (its pid in `msg`); WEFT_EPEER: of another org, site or
 * node; WEFT_EVERSION: of another format; WEFT_ECORRUPT: identity damaged, or data without
 * identity; WEFT_EIO, WEFT_ENOSPC. Nothing is held after a failure. */
WEFT_MUST_USE enum weft_err weft_datadir_open(const char *path, const char *org, const char *site,
    const char *node, bool may_create, struct weft_datadir *ret_datadir, struct weft_msg *msg);

/* Write the cluster id, once: WEFT_ESTATE when there is another one already. Durable on return. */
WEFT_MUST_USE enum weft_err weft_datadir_set_cluster(
    struct weft_datadir *datadir, uint64_t cluster, struct weft_msg *msg);

/* Whose is it, without taking the lock: for check-data. Errors as open. */
WEFT_MUST_USE enum weft_err weft_datadir_read(
    const char *path, struct weft_datadir_identity *ret_identity, struct weft_msg *msg);

/* Bytes free on its file system for an unprivileged writer, and in use below `path`. */
WEFT_MUST_USE enum weft_err weft_datadir_space(
    const char *path, uint64_t *ret_free_bytes, uint64_t *ret_used_bytes);

void weft_datadir_close(struct weft_datadir *datadir);

#endif
