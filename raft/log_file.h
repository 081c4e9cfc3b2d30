/* raft/log_file.h: the few file operations that the disk log makes, behind a table.
 *
 * The table exists so that tests can lose, tear and refuse writes exactly where a disk would;
 * a plant runs weft_log_file_system. Operations return what is named, or -errno. They are
 * called on the loop, disk and spare threads at once. */
#ifndef WEFT_RAFT_LOG_FILE_H
#define WEFT_RAFT_LOG_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "raft/log.h"

struct weft_log_file_ops {
    void *ctx;
    /* flags as for openat(2); a new file gets mode 0600. Gives a descriptor. */
    int (*open)(void *ctx, int directory, const char *name, int flags);
    void (*close)(void *ctx, int fd);
    ssize_t (*read)(void *ctx, int fd, void *data, size_t size, off_t offset);
    ssize_t (*write)(void *ctx, int fd, const struct iovec *pieces, int count, off_t offset);
    int (*sync)(void *ctx, int fd); /* fdatasync */
    int (*allocate)(void *ctx, int fd, off_t size);
    int (*sync_directory)(void *ctx, int directory);
    int (*rename)(void *ctx, int directory, const char *from, const char *to);
    int (*unlink)(void *ctx, int directory, const char *name);
};

extern const struct weft_log_file_ops weft_log_file_system;

/* A directory of log files, for messages that name the file. */
struct weft_log_directory {
    const struct weft_log_file_ops *ops;
    int fd;
    const char *path; /* As given in the options; outlives the log's use of it. */
};

/* WEFT_ENOSPC for a full disk or quota, WEFT_ENOMEM, otherwise WEFT_EIO. */
enum weft_err weft_log_file_err(int negative_errno);

/* All of it, or an error that names file, offset and reason. */
WEFT_MUST_USE enum weft_err weft_log_file_write(const struct weft_log_directory *d, int fd,
    const char *name, const void *data, size_t size, uint64_t offset, struct weft_msg *msg);
/* Bytes past the end of the file read as zero. */
WEFT_MUST_USE enum weft_err weft_log_file_read(const struct weft_log_directory *d, int fd,
    const char *name, void *data, size_t size, uint64_t offset, struct weft_msg *msg);
WEFT_MUST_USE enum weft_err weft_log_file_sync(
    const struct weft_log_directory *d, int fd, const char *name, struct weft_msg *msg);
WEFT_MUST_USE enum weft_err weft_log_file_sync_directory(
    const struct weft_log_directory *d, struct weft_msg *msg);
/* size zero bytes written, not merely allocated, then synced: a sync into them later needs no
 * journal commit. Looks at *stop (atomic; may be NULL) between pieces: WEFT_ECLOSED. */
WEFT_MUST_USE enum weft_err weft_log_file_zero(const struct weft_log_directory *d, int fd,
    const char *name, uint64_t offset, uint64_t size, const bool *stop, struct weft_msg *msg);

/* weft_log_disk_open with another table; `ops` is kept. */
WEFT_MUST_USE enum weft_err weft_log_disk_open_with(const struct weft_log_options *options,
    const struct weft_log_file_ops *ops, struct weft_log **ret_log,
    struct weft_log_start *ret_start, struct weft_msg *msg);

#endif
