#include "ops/weft/files.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    BLOCK_SIZE = 64 * 1024
};

static enum weft_err fail_errno(struct weft_msg *msg, const char *path)
{
    int code = errno;
    enum weft_err err = code == ENOENT                     ? WEFT_ENOTFOUND
                        : code == ENOSPC || code == EDQUOT ? WEFT_ENOSPC
                                                           : WEFT_EIO;
    return weft_fail(msg, err, "%s: %s", path, strerror(code));
}

enum weft_err weft_files_join(
    const char *directory, const char *name, char *ret_path, struct weft_msg *msg)
{
    int size = snprintf(ret_path, WEFT_FILES_PATH_SIZE, "%s/%s", directory, name);
    return size >= 0 && size < WEFT_FILES_PATH_SIZE
               ? WEFT_OK
               : weft_fail(msg, WEFT_ETOOBIG, "%.80s...: path too long", directory);
}

bool weft_files_exists(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0;
}

enum weft_err weft_files_read(const char *path, struct weft_buffer *out, struct weft_msg *msg)
{
    bool is_stdin = strcmp(path, "-") == 0;
    int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return fail_errno(msg, path);
    }
    enum weft_err err = WEFT_OK;
    for (;;) {
        char block[BLOCK_SIZE];
        ssize_t size = read(fd, block, sizeof(block));
        if (size < 0 && errno == EINTR) {
            continue;
        }
        if (size <= 0) {
            err = size < 0 ? fail_errno(msg, path) : WEFT_OK;
            break;
        }
        err = weft_buffer_append(out, block, (size_t)size);
        if (err != WEFT_OK) {
            (void)weft_fail(msg, err, "%s: %s", path,
                err == WEFT_ETOOBIG ? "larger than the limit" : "no memory");
            break;
        }
    }
    if (!is_stdin) {
        (void)close(fd);
    }
    return err;
}

static enum weft_err write_all(int fd, struct weft_bytes bytes)
{
    while (bytes.size > 0) {
        ssize_t written = write(fd, bytes.data, bytes.size);
        if (written < 0 && errno != EINTR) {
            return WEFT_EIO;
        }
        bytes.data += written > 0 ? written : 0;
        bytes.size -= written > 0 ? (size_t)written : 0;
    }
    return WEFT_OK;
}

enum weft_err weft_files_sync_directory(const char *path, struct weft_msg *msg)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return fail_errno(msg, path);
    }
    enum weft_err err = fsync(fd) == 0 ? WEFT_OK : fail_errno(msg, path);
    (void)close(fd);
    return err;
}

/* OPS-6: link() refuses to replace; rename() does not. */
static enum weft_err put_in_place(
    const char *from, const char *path, bool may_replace, struct weft_msg *msg)
{
    int result = may_replace ? rename(from, path) : link(from, path);
    if (result != 0) {
        return errno == EEXIST
                   ? weft_fail(msg, WEFT_ESTATE, "%s exists already; --force replaces it", path)
                   : fail_errno(msg, path);
    }
    char parent[WEFT_FILES_PATH_SIZE];
    (void)snprintf(parent, sizeof(parent), "%s", path);
    return weft_files_sync_directory(dirname(parent), msg);
}

enum weft_err weft_files_write(const char *path, struct weft_bytes bytes, unsigned mode,
    bool may_replace, struct weft_msg *msg)
{
    char beside[WEFT_FILES_PATH_SIZE + 32];
    if (strlen(path) >= WEFT_FILES_PATH_SIZE) {
        return weft_fail(msg, WEFT_ETOOBIG, "%.80s...: path too long", path);
    }
    (void)snprintf(beside, sizeof(beside), "%s.%ld.new", path, (long)getpid());
    (void)unlink(beside);
    int fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, (mode_t)mode);
    if (fd < 0) {
        return fail_errno(msg, beside);
    }
    enum weft_err err = WEFT_OK;
    if (write_all(fd, bytes) != WEFT_OK || fsync(fd) != 0) {
        err = fail_errno(msg, beside);
    }
    if (close(fd) != 0 && err == WEFT_OK) {
        err = fail_errno(msg, beside);
    }
    if (err == WEFT_OK) {
        err = put_in_place(beside, path, may_replace, msg);
    }
    (void)unlink(beside);
    return err;
}

enum weft_err weft_files_make_directory(const char *path, unsigned mode, struct weft_msg *msg)
{
    char part[WEFT_FILES_PATH_SIZE];
    if (strlen(path) >= sizeof(part)) {
        return weft_fail(msg, WEFT_ETOOBIG, "%.80s...: path too long", path);
    }
    (void)snprintf(part, sizeof(part), "%s", path);
    for (char *slash = strchr(part + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(part, (mode_t)mode) != 0 && errno != EEXIST) {
            return fail_errno(msg, part);
        }
        *slash = '/';
    }
    return mkdir(path, (mode_t)mode) == 0 || errno == EEXIST ? WEFT_OK : fail_errno(msg, path);
}
