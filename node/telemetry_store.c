#include "node/telemetry_store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "proto/limits.h"

enum {
    PATH_SIZE = 1024 + 160,
    HEX_SIZE = 2 * WEFT_DIGEST_SIZE,
};

static enum weft_err fail(struct weft_msg *msg, const char *what, const char *path)
{
    enum weft_err err = errno == ENOSPC || errno == EDQUOT ? WEFT_ENOSPC
                        : errno == ENOENT                  ? WEFT_ENOTFOUND
                                                           : WEFT_EIO;
    return weft_fail(msg, err, "telemetry: %s %s: %s", what, path, strerror(errno));
}

/* "<directory>/<2 hex>" and the block's path in it. */
static void paths(const char *directory, const struct weft_digest *digest,
    char ret_parent[PATH_SIZE], char ret_path[PATH_SIZE])
{
    char text[WEFT_DIGEST_TEXT_SIZE];
    weft_digest_format(digest, text);
    const char *hex = strchr(text, ':') + 1;
    (void)snprintf(ret_parent, PATH_SIZE, "%s/%.2s", directory, hex);
    (void)snprintf(ret_path, PATH_SIZE, "%s/%.2s/%.*s", directory, hex, HEX_SIZE, hex);
}

static enum weft_err sync_directory(const char *path, struct weft_msg *msg)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return fail(msg, "open", path);
    }
    int status = fsync(fd);
    enum weft_err err = status == 0 ? WEFT_OK : fail(msg, "sync", path);
    (void)close(fd);
    return err;
}

static enum weft_err make_directory(const char *path, const char *parent, struct weft_msg *msg)
{
    if (mkdir(path, 0700) == 0) {
        return sync_directory(parent, msg);
    }
    return errno == EEXIST ? WEFT_OK : fail(msg, "make", path);
}

enum weft_err weft_telemetry_store_open(const char *directory, struct weft_msg *msg)
{
    char tmp[PATH_SIZE];
    (void)snprintf(tmp, sizeof(tmp), "%s/tmp", directory);
    enum weft_err err = make_directory(tmp, directory, msg);
    DIR *entries = err == WEFT_OK ? opendir(tmp) : NULL;
    if (err == WEFT_OK && entries == NULL) {
        return fail(msg, "open", tmp);
    }
    const struct dirent *entry;
    while (entries != NULL && (entry = readdir(entries)) != NULL) {
        char path[PATH_SIZE + 256];
        (void)snprintf(path, sizeof(path), "%s/%s", tmp, entry->d_name);
        if (entry->d_name[0] != '.' && unlink(path) != 0) {
            err = fail(msg, "remove", path);
        }
    }
    if (entries != NULL) {
        (void)closedir(entries);
    }
    return err;
}

/* --- reading --------------------------------------------------------------------------------- */

static enum weft_err read_all(
    int fd, const char *path, size_t size, struct weft_buffer *out, struct weft_msg *msg)
{
    weft_buffer_clear(out);
    enum weft_err err = weft_buffer_reserve(out, size + 1);
    if (err != WEFT_OK) {
        return weft_fail(msg, WEFT_ENOMEM, "telemetry: no memory for a block");
    }
    while (out->size < size) {
        ssize_t n = read(fd, out->data + out->size, size - out->size);
        if (n < 0 && errno != EINTR) {
            return fail(msg, "read", path);
        }
        if (n == 0) {
            break;
        }
        out->size += n > 0 ? (size_t)n : 0;
    }
    return WEFT_OK;
}

enum weft_err weft_telemetry_store_get(const char *directory, const struct weft_digest *digest,
    struct weft_buffer *out, struct weft_msg *msg)
{
    char parent[PATH_SIZE], path[PATH_SIZE];
    struct stat st;
    paths(directory, digest, parent, path);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0) {
        enum weft_err err = fail(msg, "open", path);
        if (fd >= 0) {
            (void)close(fd);
        }
        return err;
    }
    enum weft_err err = WEFT_ECORRUPT;
    if (st.st_size > 0 && st.st_size <= WEFT_BLOCK_SIZE_MAX) {
        err = read_all(fd, path, (size_t)st.st_size, out, msg);
    }
    (void)close(fd);
    if (err == WEFT_OK) {
        struct weft_digest found = weft_sha256(out->data, out->size);
        err = weft_digest_equal(&found, digest) ? WEFT_OK : WEFT_ECORRUPT; /* NOD-11 */
    }
    if (err == WEFT_ECORRUPT) {
        weft_buffer_clear(out);
        return weft_fail(msg, err, "telemetry: %s is not what its name says", path);
    }
    return err;
}

/* --- writing --------------------------------------------------------------------------------- */

static enum weft_err check(
    const struct weft_digest *digest, struct weft_bytes content, struct weft_msg *msg)
{
    if (content.size == 0 || content.size > WEFT_BLOCK_SIZE_MAX) {
        return weft_fail(msg, content.size == 0 ? WEFT_EINVAL : WEFT_ETOOBIG,
            "a block of telemetry is %zu bytes, 1 to %d are allowed", content.size,
            WEFT_BLOCK_SIZE_MAX);
    }
    struct weft_digest found = weft_sha256(content.data, content.size);
    if (!weft_digest_equal(&found, digest)) {
        return weft_fail(msg, WEFT_EBADSIG, "the block's digest is not that of its content");
    }
    return WEFT_OK;
}

static enum weft_err check_space(const char *directory, struct weft_msg *msg)
{
    struct statvfs fs;
    if (statvfs(directory, &fs) != 0) {
        return fail(msg, "look at", directory);
    }
    if ((uint64_t)fs.f_bavail * fs.f_frsize < WEFT_TELEMETRY_RESERVE_BYTES) {
        return weft_fail(msg, WEFT_ENOSPC,
            "less than %d MiB are left on this node's disk: they are kept for its log",
            WEFT_TELEMETRY_RESERVE_BYTES / (1024 * 1024));
    }
    return WEFT_OK;
}

static enum weft_err write_all(const char *path, struct weft_bytes content, struct weft_msg *msg)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        return fail(msg, "create", path);
    }
    enum weft_err err = WEFT_OK;
    for (size_t done = 0; done < content.size && err == WEFT_OK;) {
        ssize_t n = write(fd, content.data + done, content.size - done);
        if (n < 0 && errno != EINTR) {
            err = fail(msg, "write", path);
        }
        done += n > 0 ? (size_t)n : 0;
    }
    if (err == WEFT_OK && fsync(fd) != 0) {
        err = fail(msg, "sync", path);
    }
    if (close(fd) != 0 && err == WEFT_OK) {
        err = fail(msg, "close", path);
    }
    return err;
}

enum weft_err weft_telemetry_store_put(const char *directory, const struct weft_digest *digest,
    struct weft_bytes content, bool *ret_was_there, struct weft_msg *msg)
{
    static atomic_ulong counter;
    char parent[PATH_SIZE], path[PATH_SIZE], tmp[PATH_SIZE];
    struct weft_buffer there = {0};
    struct weft_msg ignored;
    enum weft_err err = check(digest, content, msg);
    if (err != WEFT_OK) {
        return err;
    }
    paths(directory, digest, parent, path);
    *ret_was_there = weft_telemetry_store_get(directory, digest, &there, &ignored) == WEFT_OK;
    weft_buffer_destroy(&there);
    if (*ret_was_there) {
        /* Another thread may have renamed it a moment ago: its name must last too. */
        return sync_directory(parent, msg);
    }
    err = check_space(directory, msg);
    if (err == WEFT_OK) {
        err = make_directory(parent, directory, msg);
    }
    if (err != WEFT_OK) {
        return err;
    }
    (void)snprintf(tmp, sizeof(tmp), "%s/tmp/%lu", directory, atomic_fetch_add(&counter, 1));
    err = write_all(tmp, content, msg);
    if (err == WEFT_OK && rename(tmp, path) != 0) {
        err = fail(msg, "rename", tmp);
    }
    if (err != WEFT_OK) {
        (void)unlink(tmp);
        return err;
    }
    return sync_directory(parent, msg);
}
