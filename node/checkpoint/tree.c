#include "node/checkpoint/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/crc32c.h"

enum {
    PIECE = 1024 * 1024,
    OPEN_DIRECTORIES = 8
};

void (*weft_tree_on_change)(const char *operation, const char *path);

static void changing(const char *operation, const char *path)
{
    if (weft_tree_on_change != NULL) {
        weft_tree_on_change(operation, path);
    }
}

enum weft_err weft_tree_err(int error_number)
{
    switch (error_number) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return WEFT_ENOSPC;
    case ENOMEM:
        return WEFT_ENOMEM;
    case ENOENT:
        return WEFT_ENOTFOUND;
    default:
        return WEFT_EIO;
    }
}

static enum weft_err fail(struct weft_msg *msg, const char *what, const char *path)
{
    int error_number = errno;
    return weft_fail(
        msg, weft_tree_err(error_number), "%s %s: %s", what, path, strerror(error_number));
}

bool weft_tree_exists(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0;
}

enum weft_err weft_tree_make(const char *path, struct weft_msg *msg)
{
    changing("make", path);
    return mkdir(path, 0700) == 0 || errno == EEXIST ? WEFT_OK : fail(msg, "make", path);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    changing("remove", path);
    return remove(path) == 0 || errno == ENOENT ? 0 : -1;
}

enum weft_err weft_tree_remove(const char *path, struct weft_msg *msg)
{
    if (nftw(path, remove_one, OPEN_DIRECTORIES, FTW_DEPTH | FTW_PHYS) != 0 && errno != ENOENT) {
        return fail(msg, "remove", path);
    }
    return WEFT_OK;
}

enum weft_err weft_tree_rename(const char *from, const char *to, struct weft_msg *msg)
{
    changing("rename", from);
    return rename(from, to) == 0 ? WEFT_OK : fail(msg, "rename", from);
}

enum weft_err weft_tree_sync(const char *path, struct weft_msg *msg)
{
    enum weft_err rv = WEFT_OK;
    changing("sync", path);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return fail(msg, "open", path);
    }
    if (fsync(fd) != 0) {
        rv = fail(msg, "sync", path);
    }
    (void)close(fd);
    return rv;
}

static enum weft_err write_all(
    int fd, const char *path, const uint8_t *data, size_t size, struct weft_msg *msg)
{
    while (size > 0) {
        ssize_t put = write(fd, data, size);
        if (put < 0 && errno != EINTR) {
            return fail(msg, "write", path);
        }
        if (put > 0) {
            data += put, size -= (size_t)put;
        }
    }
    return WEFT_OK;
}

static enum weft_err sync_and_close(
    int fd, const char *path, enum weft_err rv, struct weft_msg *msg)
{
    if (rv == WEFT_OK && fsync(fd) != 0) {
        rv = fail(msg, "sync", path);
    }
    (void)close(fd);
    return rv;
}

enum weft_err weft_tree_write(const char *path, const void *data, size_t size, struct weft_msg *msg)
{
    changing("write", path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        return fail(msg, "create", path);
    }
    return sync_and_close(fd, path, write_all(fd, path, data, size, msg), msg);
}

enum weft_err weft_tree_read(
    const char *path, struct weft_buffer *out, bool *ret_found, struct weft_msg *msg)
{
    uint8_t block[4096];
    enum weft_err err = WEFT_OK;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (ret_found != NULL) {
        *ret_found = fd >= 0 || errno != ENOENT;
    }
    if (fd < 0) {
        return ret_found != NULL && !*ret_found ? WEFT_OK : fail(msg, "open", path);
    }
    for (bool is_over = false; err == WEFT_OK && !is_over;) {
        ssize_t got = read(fd, block, sizeof(block));
        is_over = got == 0;
        if (got < 0 && errno != EINTR) {
            err = fail(msg, "read", path);
        } else if (got > 0 && (err = weft_buffer_append(out, block, (size_t)got)) != WEFT_OK) {
            err = weft_fail(msg, err, "%s: over %zu bytes", path, out->size_max);
        }
    }
    explicit_bzero(block, sizeof(block));
    (void)close(fd);
    return err;
}

enum weft_err weft_tree_replace(
    const char *directory, const char *path, const struct weft_buffer *text, struct weft_msg *msg)
{
    char fresh[PATH_MAX];
    int size = snprintf(fresh, sizeof(fresh), "%s.new", path);
    if (size < 0 || (size_t)size >= sizeof(fresh)) {
        return weft_fail(msg, WEFT_EIO, "%s: its name is too long", path);
    }
    enum weft_err err = weft_tree_remove(fresh, msg); /* Of a run that ended there. */
    err = err == WEFT_OK ? weft_tree_write(fresh, text->data, text->size, msg) : err;
    err = err == WEFT_OK ? weft_tree_rename(fresh, path, msg) : err;
    return err == WEFT_OK ? weft_tree_sync(directory, msg) : err;
}

enum weft_err weft_tree_link(const char *from, const char *to, struct weft_msg *msg)
{
    changing("link", to);
    return link(from, to) == 0 ? WEFT_OK : fail(msg, "link", to);
}

enum weft_err weft_tree_copy(const char *from, const char *to, struct weft_msg *msg)
{
    enum weft_err rv = WEFT_OK;
    ssize_t got = 1;
    changing("copy", to);
    uint8_t *buffer = malloc(PIECE);
    if (buffer == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "copy %s", from);
    }
    int in = open(from, O_RDONLY | O_CLOEXEC);
    if (in < 0) {
        rv = fail(msg, "open", from);
        free(buffer);
        return rv;
    }
    int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (out < 0) {
        rv = fail(msg, "create", to);
        (void)close(in);
        free(buffer);
        return rv;
    }
    while (rv == WEFT_OK && got > 0) {
        got = read(in, buffer, PIECE);
        if (got < 0) {
            rv = fail(msg, "read", from);
        } else if (got > 0) {
            rv = write_all(out, to, buffer, (size_t)got, msg);
        }
    }
    (void)close(in);
    free(buffer);
    return sync_and_close(out, to, rv, msg);
}

enum weft_err weft_tree_sum(const char *path, const volatile bool *cancel,
    struct weft_tree_sum *ret_sum, struct weft_msg *msg)
{
    struct weft_tree_sum sum = {.size_bytes = 0};
    struct weft_sha256 hash;
    enum weft_err rv = WEFT_OK;
    ssize_t got = 1;
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        return fail(msg, "open", path);
    }
    uint8_t *buffer = malloc(PIECE);
    if (buffer == NULL) {
        (void)close(fd);
        return weft_fail(msg, WEFT_ENOMEM, "read %s", path);
    }
    weft_sha256_init(&hash);
    while (rv == WEFT_OK && got > 0) {
        got = read(fd, buffer, PIECE);
        if (got < 0) {
            rv = fail(msg, "read", path);
        } else if (weft_tree_is_cancelled(cancel)) {
            rv = weft_fail(msg, WEFT_ECLOSED, "read %s: cancelled", path);
        } else {
            weft_sha256_update(&hash, buffer, (size_t)got);
            sum.crc32c = weft_crc32c(sum.crc32c, buffer, (size_t)got);
            sum.size_bytes += (uint64_t)got;
        }
    }
    free(buffer);
    (void)close(fd);
    if (rv == WEFT_OK) {
        sum.digest = weft_sha256_final(&hash);
        *ret_sum = sum;
    }
    return rv;
}
