#include "ops/gateway/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ops/weft/files.h"
#include "proto/arith.h"
#include "proto/check.h"
#include "proto/crc32c.h"

static const char magic[WEFT_JOURNAL_HEADER_SIZE + 1] = "WEFTGWJ1";

/* chosen: a gateway with a million commands has 100 MiB */
static const uint64_t file_size_max = UINT64_C(2) * 1024 * 1024 * 1024;

struct weft_journal {
    int fd;
    int lock_fd;
    uint64_t size;
    bool is_dead; /* After a failure nobody knows what is on the disk. */
    char directory[WEFT_FILES_PATH_SIZE];
    char path[WEFT_FILES_PATH_SIZE];
};

static enum weft_err fail_errno(struct weft_msg *msg, const char *what, const char *path)
{
    int code = errno;
    enum weft_err err = code == ENOSPC || code == EDQUOT ? WEFT_ENOSPC : WEFT_EIO;
    return weft_fail(msg, err, "%s %s: %s", what, path, strerror(code));
}

static uint32_t checksum(uint64_t place, const uint8_t *body, uint32_t size)
{
    uint8_t head[12];
    weft_put_le64(head, place);
    weft_put_le32(head + 8, size);
    return weft_crc32c(weft_crc32c(0, head, sizeof(head)), body, size);
}

/* --- reading --------------------------------------------------------------------------------- */

/* Is there a whole frame at `place`? */
static bool is_frame(struct weft_bytes file, size_t place, uint32_t *ret_size)
{
    if (file.size - place < WEFT_JOURNAL_FRAME_HEADER_SIZE) {
        return false;
    }
    const uint8_t *p = file.data + place;
    uint32_t size = weft_get_le32(p);
    if (size == 0 || size > WEFT_JOURNAL_FRAME_SIZE_MAX ||
        size > file.size - place - WEFT_JOURNAL_FRAME_HEADER_SIZE) {
        return false;
    }
    *ret_size = size;
    return weft_get_le32(p + 4) == checksum(place, p + WEFT_JOURNAL_FRAME_HEADER_SIZE, size);
}

/* GW-7: something whole behind something damaged was once durable, and so was what is damaged. */
static bool has_frame_behind(struct weft_bytes file, size_t place, size_t *ret_place)
{
    uint32_t size;
    for (size_t i = place + 1; i < file.size; i++) {
        if (is_frame(file, i, &size)) {
            *ret_place = i;
            return true;
        }
    }
    return false;
}

enum weft_err weft_journal_scan(struct weft_bytes file, weft_journal_on_frame *on_frame, void *ctx,
    struct weft_journal_start *ret_start, size_t *ret_whole, struct weft_msg *msg)
{
    struct weft_journal_start start = {.frames = 0};
    size_t place = WEFT_JOURNAL_HEADER_SIZE, behind = 0;
    uint32_t size = 0;
    if (file.size < WEFT_JOURNAL_HEADER_SIZE ||
        memcmp(file.data, magic, WEFT_JOURNAL_HEADER_SIZE) != 0) {
        return weft_fail(msg, WEFT_ECORRUPT, "not a gateway's journal");
    }
    while (is_frame(file, place, &size)) {
        const struct weft_bytes frame = {file.data + place + WEFT_JOURNAL_FRAME_HEADER_SIZE, size};
        enum weft_err err = on_frame(ctx, frame, msg);
        if (err != WEFT_OK) {
            return weft_wrap(msg, err, "frame at byte %zu", place);
        }
        start.frames++;
        place += WEFT_JOURNAL_FRAME_HEADER_SIZE + size;
    }
    if (has_frame_behind(file, place, &behind)) {
        return weft_fail(msg, WEFT_ECORRUPT,
            "damaged at byte %zu, and whole again at byte %zu: restore it, or see the runbook",
            place, behind);
    }
    start.torn_bytes = file.size - place;
    *ret_start = start;
    *ret_whole = place;
    return WEFT_OK;
}

/* --- opening --------------------------------------------------------------------------------- */

static enum weft_err take_lock(struct weft_journal *j, struct weft_msg *msg)
{
    char path[WEFT_FILES_PATH_SIZE];
    enum weft_err err = weft_files_join(j->directory, "lock", path, msg);
    if (err != WEFT_OK) {
        return err;
    }
    j->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (j->lock_fd < 0) {
        return fail_errno(msg, "open", path);
    }
    if (flock(j->lock_fd, LOCK_EX | LOCK_NB) == 0) {
        return WEFT_OK;
    }
    return errno == EWOULDBLOCK
               ? weft_fail(msg, WEFT_EBUSY, "%s: another gateway runs there", j->directory)
               : fail_errno(msg, "lock", path);
}

static enum weft_err write_all(
    int fd, const void *data, size_t size, const char *path, struct weft_msg *msg)
{
    const uint8_t *p = data;
    while (size > 0) {
        ssize_t written = write(fd, p, size);
        if (written < 0 && errno != EINTR) {
            return fail_errno(msg, "write", path);
        }
        p += written > 0 ? written : 0;
        size -= written > 0 ? (size_t)written : 0;
    }
    return WEFT_OK;
}

static enum weft_err read_all(
    int fd, struct weft_buffer *out, const char *path, struct weft_msg *msg)
{
    struct stat info;
    if (fstat(fd, &info) != 0) {
        return fail_errno(msg, "stat", path);
    }
    out->size_max = file_size_max;
    if ((uint64_t)info.st_size > file_size_max) {
        return weft_fail(msg, WEFT_ETOOBIG, "%s: over %" PRIu64 " bytes", path, file_size_max);
    }
    size_t left = (size_t)info.st_size;
    enum weft_err err = weft_buffer_reserve(out, left + 1);
    while (err == WEFT_OK && left > 0) {
        ssize_t size = read(fd, out->data + out->size, left);
        if (size < 0 && errno != EINTR) {
            return fail_errno(msg, "read", path);
        }
        if (size == 0) {
            break;
        }
        out->size += size > 0 ? (size_t)size : 0;
        left -= size > 0 ? (size_t)size : 0;
    }
    return err == WEFT_OK ? WEFT_OK : weft_fail(msg, err, "read %s", path);
}

static enum weft_err sync_fd(int fd, const char *path, struct weft_msg *msg)
{
    return fdatasync(fd) == 0 ? WEFT_OK : fail_errno(msg, "sync", path);
}

/* Of a file that ends in its first 8 bytes nothing was ever durable. */
static enum weft_err begin(struct weft_journal *j, struct weft_msg *msg)
{
    if (ftruncate(j->fd, 0) != 0 || lseek(j->fd, 0, SEEK_SET) != 0) {
        return fail_errno(msg, "begin", j->path);
    }
    enum weft_err err = write_all(j->fd, magic, WEFT_JOURNAL_HEADER_SIZE, j->path, msg);
    if (err == WEFT_OK) {
        err = sync_fd(j->fd, j->path, msg);
    }
    j->size = WEFT_JOURNAL_HEADER_SIZE;
    return err == WEFT_OK ? weft_files_sync_directory(j->directory, msg) : err;
}

static enum weft_err cut_tail(struct weft_journal *j, size_t whole, struct weft_msg *msg)
{
    j->size = whole;
    if (ftruncate(j->fd, (off_t)whole) != 0 || lseek(j->fd, (off_t)whole, SEEK_SET) < 0) {
        return fail_errno(msg, "cut", j->path);
    }
    return sync_fd(j->fd, j->path, msg);
}

static enum weft_err load(struct weft_journal *j, weft_journal_on_frame *on_frame, void *ctx,
    struct weft_journal_start *ret_start, struct weft_msg *msg)
{
    struct weft_buffer file = {0};
    size_t whole = 0;
    *ret_start = (struct weft_journal_start){.is_new = true};
    j->fd = open(j->path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (j->fd < 0) {
        return fail_errno(msg, "open", j->path);
    }
    enum weft_err err = read_all(j->fd, &file, j->path, msg);
    bool is_short = file.size < WEFT_JOURNAL_HEADER_SIZE;
    if (err == WEFT_OK && is_short &&
        (file.size == 0 || memcmp(file.data, magic, file.size) == 0)) {
        err = begin(j, msg);
    } else if (err == WEFT_OK) {
        const struct weft_bytes bytes = {file.data, file.size};
        err = weft_journal_scan(bytes, on_frame, ctx, ret_start, &whole, msg);
        err = err == WEFT_OK ? cut_tail(j, whole, msg) : weft_wrap(msg, err, "%s", j->path);
    }
    weft_buffer_destroy(&file);
    return err;
}

enum weft_err weft_journal_open(const char *directory, weft_journal_on_frame *on_frame, void *ctx,
    struct weft_journal **ret_journal, struct weft_journal_start *ret_start, struct weft_msg *msg)
{
    struct weft_journal *j = calloc(1, sizeof(*j));
    if (j == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "open a journal");
    }
    j->fd = j->lock_fd = -1;
    enum weft_err err = weft_files_make_directory(directory, 0750, msg);
    if (err == WEFT_OK) {
        (void)snprintf(j->directory, sizeof(j->directory), "%s", directory);
        err = weft_files_join(directory, "journal", j->path, msg);
    }
    if (err == WEFT_OK) {
        err = take_lock(j, msg);
    }
    if (err == WEFT_OK) {
        err = load(j, on_frame, ctx, ret_start, msg);
    }
    if (err != WEFT_OK) {
        weft_journal_close(j);
        return err;
    }
    *ret_journal = j;
    return WEFT_OK;
}

void weft_journal_close(struct weft_journal *j)
{
    if (j == NULL) {
        return;
    }
    if (j->fd >= 0) {
        (void)close(j->fd);
    }
    if (j->lock_fd >= 0) {
        (void)close(j->lock_fd);
    }
    free(j);
}

/* --- writing --------------------------------------------------------------------------------- */

static enum weft_err write_frame(
    int fd, uint64_t place, struct weft_bytes frame, const char *path, struct weft_msg *msg)
{
    uint8_t head[WEFT_JOURNAL_FRAME_HEADER_SIZE];
    if (frame.size == 0 || frame.size > WEFT_JOURNAL_FRAME_SIZE_MAX) {
        return weft_fail(msg, WEFT_ETOOBIG, "a frame of %zu bytes", frame.size);
    }
    weft_put_le32(head, (uint32_t)frame.size);
    weft_put_le32(head + 4, checksum(place, frame.data, (uint32_t)frame.size));
    enum weft_err err = write_all(fd, head, sizeof(head), path, msg);
    return err == WEFT_OK ? write_all(fd, frame.data, frame.size, path, msg) : err;
}

enum weft_err weft_journal_append(
    struct weft_journal *j, struct weft_bytes frame, struct weft_msg *msg)
{
    if (j->is_dead) {
        return weft_fail(msg, WEFT_EIO, "%s: has failed before", j->path);
    }
    enum weft_err err = write_frame(j->fd, j->size, frame, j->path, msg);
    if (err == WEFT_OK) {
        j->size += WEFT_JOURNAL_FRAME_HEADER_SIZE + frame.size;
        err = sync_fd(j->fd, j->path, msg);
    }
    j->is_dead = err != WEFT_OK && err != WEFT_ETOOBIG;
    return err;
}

uint64_t weft_journal_size(const struct weft_journal *j)
{
    return j->size;
}

static enum weft_err write_new(int fd, const char *path, weft_journal_next *next, void *ctx,
    uint64_t *ret_size, struct weft_msg *msg)
{
    struct weft_buffer frame = {.size_max = WEFT_JOURNAL_FRAME_SIZE_MAX};
    uint64_t size = WEFT_JOURNAL_HEADER_SIZE;
    bool is_last = false;
    enum weft_err err = write_all(fd, magic, WEFT_JOURNAL_HEADER_SIZE, path, msg);
    while (err == WEFT_OK && !is_last) {
        weft_buffer_clear(&frame);
        err = next(ctx, &frame, &is_last);
        if (err == WEFT_OK && frame.size > 0) {
            err = write_frame(fd, size, (struct weft_bytes){frame.data, frame.size}, path, msg);
            size += WEFT_JOURNAL_FRAME_HEADER_SIZE + frame.size;
        }
    }
    weft_buffer_destroy(&frame);
    *ret_size = size;
    return err == WEFT_OK ? sync_fd(fd, path, msg) : err;
}

enum weft_err weft_journal_rewrite(
    struct weft_journal *j, weft_journal_next *next, void *ctx, struct weft_msg *msg)
{
    char path[WEFT_FILES_PATH_SIZE];
    uint64_t size = 0;
    enum weft_err err = weft_files_join(j->directory, "journal.new", path, msg);
    if (err != WEFT_OK) {
        return err;
    }
    if (j->is_dead) {
        return weft_fail(msg, WEFT_EIO, "%s: has failed before", j->path);
    }
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    if (fd < 0) {
        return fail_errno(msg, "open", path);
    }
    err = write_new(fd, path, next, ctx, &size, msg);
    if (err == WEFT_OK && rename(path, j->path) != 0) {
        err = fail_errno(msg, "rename", path);
    }
    if (err != WEFT_OK) {
        (void)close(fd);
        (void)unlink(path);
        return err;
    }
    (void)close(j->fd);
    j->fd = fd;
    j->size = size;
    err = weft_files_sync_directory(j->directory, msg);
    j->is_dead = err != WEFT_OK;
    return err;
}
