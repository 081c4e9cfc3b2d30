#include "raft/log_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Zeros of one write, and between two syncs. Chosen: each sync of new space is a journal commit,
 * and what is not synced in between, others wait behind. */
enum {
    ZERO_PIECE = 1024 * 1024,
    ZERO_SYNC = 4 * ZERO_PIECE
};

static const uint8_t zeros[ZERO_PIECE];

static int system_open(void *ctx, int directory, const char *name, int flags)
{
    (void)ctx;
    int fd = openat(directory, name, flags | O_CLOEXEC, 0600);
    return fd >= 0 ? fd : -errno;
}

static void system_close(void *ctx, int fd)
{
    (void)ctx;
    (void)close(fd);
}

static ssize_t system_read(void *ctx, int fd, void *data, size_t size, off_t offset)
{
    (void)ctx;
    ssize_t got = pread(fd, data, size, offset);
    return got >= 0 ? got : -errno;
}

static ssize_t system_write(void *ctx, int fd, const struct iovec *pieces, int count, off_t offset)
{
    (void)ctx;
    ssize_t put = pwritev(fd, pieces, count, offset);
    return put >= 0 ? put : -errno;
}

static int system_sync(void *ctx, int fd)
{
    (void)ctx;
    return fdatasync(fd) == 0 ? 0 : -errno;
}

static int system_allocate(void *ctx, int fd, off_t size)
{
    (void)ctx;
    return -posix_fallocate(fd, 0, size);
}

static int system_sync_directory(void *ctx, int directory)
{
    (void)ctx;
    return fsync(directory) == 0 ? 0 : -errno;
}

static int system_rename(void *ctx, int directory, const char *from, const char *to)
{
    (void)ctx;
    return renameat(directory, from, directory, to) == 0 ? 0 : -errno;
}

static int system_unlink(void *ctx, int directory, const char *name)
{
    (void)ctx;
    return unlinkat(directory, name, 0) == 0 ? 0 : -errno;
}

const struct weft_log_file_ops weft_log_file_system = {
    .open = system_open,
    .close = system_close,
    .read = system_read,
    .write = system_write,
    .sync = system_sync,
    .allocate = system_allocate,
    .sync_directory = system_sync_directory,
    .rename = system_rename,
    .unlink = system_unlink,
};

enum weft_err weft_log_file_err(int negative_errno)
{
    switch (-negative_errno) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return WEFT_ENOSPC;
    case ENOMEM:
        return WEFT_ENOMEM;
    default:
        return WEFT_EIO;
    }
}

enum weft_err weft_log_file_write(const struct weft_log_directory *d, int fd, const char *name,
    const void *data, size_t size, uint64_t offset, struct weft_msg *msg)
{
    const uint8_t *rest = data;
    while (size > 0) {
        struct iovec piece = {(void *)(uintptr_t)rest, size};
        ssize_t put = d->ops->write(d->ops->ctx, fd, &piece, 1, (off_t)offset);
        if (put == -EINTR) {
            continue;
        }
        if (put <= 0) {
            /* A write that returns 0 for a size above 0 is a full device. */
            return weft_fail(msg, put == 0 ? WEFT_ENOSPC : weft_log_file_err((int)put),
                "%s/%s: write %zu bytes at offset %" PRIu64 ": %s", d->path, name, size, offset,
                strerror(put == 0 ? ENOSPC : (int)-put));
        }
        rest += put, size -= (size_t)put, offset += (uint64_t)put;
    }
    return WEFT_OK;
}

enum weft_err weft_log_file_read(const struct weft_log_directory *d, int fd, const char *name,
    void *data, size_t size, uint64_t offset, struct weft_msg *msg)
{
    uint8_t *rest = data;
    while (size > 0) {
        ssize_t got = d->ops->read(d->ops->ctx, fd, rest, size, (off_t)offset);
        if (got == -EINTR) {
            continue;
        }
        if (got < 0) {
            return weft_fail(msg, weft_log_file_err((int)got),
                "%s/%s: read %zu bytes at offset %" PRIu64 ": %s", d->path, name, size, offset,
                strerror((int)-got));
        }
        if (got == 0) {
            memset(rest, 0, size);
            break;
        }
        rest += got, size -= (size_t)got, offset += (uint64_t)got;
    }
    return WEFT_OK;
}

enum weft_err weft_log_file_sync(
    const struct weft_log_directory *d, int fd, const char *name, struct weft_msg *msg)
{
    int rv = d->ops->sync(d->ops->ctx, fd);
    if (rv != 0) {
        return weft_fail(
            msg, weft_log_file_err(rv), "%s/%s: sync: %s", d->path, name, strerror(-rv));
    }
    return WEFT_OK;
}

enum weft_err weft_log_file_sync_directory(const struct weft_log_directory *d, struct weft_msg *msg)
{
    int rv = d->ops->sync_directory(d->ops->ctx, d->fd);
    if (rv != 0) {
        return weft_fail(
            msg, weft_log_file_err(rv), "%s: sync directory: %s", d->path, strerror(-rv));
    }
    return WEFT_OK;
}

enum weft_err weft_log_file_zero(const struct weft_log_directory *d, int fd, const char *name,
    uint64_t offset, uint64_t size, const bool *stop, struct weft_msg *msg)
{
    uint64_t unsynced = 0;
    while (size > 0) {
        size_t piece = size < ZERO_PIECE ? (size_t)size : ZERO_PIECE;
        if (stop != NULL && __atomic_load_n(stop, __ATOMIC_RELAXED)) {
            return weft_fail(msg, WEFT_ECLOSED, "%s/%s: closing", d->path, name);
        }
        enum weft_err rv = weft_log_file_write(d, fd, name, zeros, piece, offset, msg);
        offset += piece, size -= piece, unsynced += piece;
        if (rv == WEFT_OK && (size == 0 || unsynced >= ZERO_SYNC)) {
            rv = weft_log_file_sync(d, fd, name, msg);
            unsynced = 0;
        }
        if (rv != WEFT_OK) {
            return rv;
        }
    }
    return WEFT_OK;
}
