#include "node/checkpoint/stage.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "node/checkpoint/record.h"
#include "node/checkpoint/tree.h"

/* Pieces arrive in any order: so much of the end of a part that was cut short may have holes,
 * and is fetched again. Other holes (a power cut) show in the digest. */
enum {
    UNSURE_BYTES = WEFT_FETCHER_WINDOW_MAX * WEFT_FETCHER_PIECE_BYTES
};

enum weft_err weft_stage_init(struct weft_stage *s, const char *keeper_directory,
    struct weft_keeper *keeper, const struct weft_manifest *manifest, const bool *cancel,
    struct weft_msg *msg)
{
    *s = (struct weft_stage){.keeper = keeper, .manifest = manifest, .cancel = cancel, .fd = -1};
    enum weft_err rv = weft_record_join(keeper_directory, WEFT_TEXT(".fetching"), s->path, msg);
    if (rv == WEFT_OK) {
        rv = weft_record_join(s->path, WEFT_TEXT("files"), s->files, msg);
    }
    return rv == WEFT_OK ? weft_record_join(s->path, WEFT_TEXT("part"), s->parts, msg) : rv;
}

static void close_part(struct weft_stage *s)
{
    if (s->fd >= 0) {
        (void)close(s->fd);
        s->fd = -1;
    }
}

void weft_stage_close(struct weft_stage *s)
{
    close_part(s);
}

static uint64_t size_of(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0 && S_ISREG(st.st_mode) ? (uint64_t)st.st_size : UINT64_MAX;
}

/* Files that this manifest does not name. A whole one must have its size, too. */
static enum weft_err sweep(
    struct weft_stage *s, const char *directory, bool whole, struct weft_msg *msg)
{
    struct dirent **entries;
    char path[WEFT_CHECKPOINT_PATH_SIZE];
    enum weft_err rv = WEFT_OK;
    int count = scandir(directory, &entries, NULL, NULL);
    if (count < 0) {
        return weft_fail(msg, WEFT_EIO, "%s: list: %s", directory, strerror(errno));
    }
    for (int i = 0; i < count; i++) {
        const char *name = entries[i]->d_name;
        if (rv == WEFT_OK && strcmp(name, ".") != 0 && strcmp(name, "..") != 0) {
            const struct weft_checkpoint_file *f =
                weft_record_find(s->manifest, weft_text_of(name));
            rv = weft_record_join(directory, weft_text_of(name), path, msg);
            if (rv == WEFT_OK && (f == NULL || (whole && size_of(path) != f->size_bytes))) {
                rv = weft_tree_remove(path, msg);
            }
        }
        free(entries[i]);
    }
    free(entries);
    return rv;
}

static enum weft_err is_right(struct weft_stage *s, const char *path,
    const struct weft_checkpoint_file *file, bool *ret_is_right, struct weft_msg *msg)
{
    struct weft_tree_sum sum;
    enum weft_err rv = weft_tree_sum(path, s->cancel, &sum, msg);
    *ret_is_right = rv == WEFT_OK && sum.size_bytes == file->size_bytes &&
                    weft_digest_equal(&sum.digest, &file->digest);
    return rv;
}

/* A file of a local checkpoint with the same content; its word is not taken for it. */
static enum weft_err reuse(struct weft_stage *s, const struct weft_checkpoint_file *file,
    const char *path, bool *ret_is_here, struct weft_msg *msg)
{
    char local[WEFT_CHECKPOINT_PATH_SIZE];
    *ret_is_here = false;
    if (weft_keeper_locate(s->keeper, &file->digest, file->size_bytes, local) != WEFT_OK ||
        weft_tree_link(local, path, msg) != WEFT_OK) {
        return WEFT_OK; /* Then it is fetched. */
    }
    enum weft_err rv = is_right(s, path, file, ret_is_here, msg);
    return rv == WEFT_OK && !*ret_is_here ? weft_tree_remove(path, msg) : rv;
}

/* What is here of a file that was being written. */
static enum weft_err resume(
    struct weft_stage *s, uint32_t number, struct weft_fetcher_file *ret_file, struct weft_msg *msg)
{
    const struct weft_checkpoint_file *file = &s->manifest->files[number];
    char part[WEFT_CHECKPOINT_PATH_SIZE];
    bool is_intact = false;
    enum weft_err rv = weft_record_join(s->parts, file->name, part, msg);
    if (rv != WEFT_OK) {
        return rv;
    }
    uint64_t size_bytes = size_of(part);
    if (file->size_bytes == 0 && size_bytes != 0) {
        rv = weft_tree_remove(part, msg);
        if (rv == WEFT_OK) {
            rv = weft_tree_write(part, "", 0, msg);
        }
        size_bytes = 0;
    }
    if (rv == WEFT_OK && size_bytes == file->size_bytes) {
        rv = weft_stage_verify(s, number, &is_intact, msg);
    }
    if (rv != WEFT_OK || is_intact) {
        ret_file->state = is_intact ? WEFT_FETCHER_FILE_DONE : WEFT_FETCHER_FILE_MISSING;
        return rv;
    }
    if (file->size_bytes == 0) {
        return weft_fail(msg, WEFT_EMALFORMED, "%s: the digest of an empty file is wrong", part);
    }
    if (size_bytes < file->size_bytes && size_bytes > UNSURE_BYTES) {
        ret_file->written_bytes = size_bytes - UNSURE_BYTES;
        return WEFT_OK;
    }
    return size_bytes != UINT64_MAX ? weft_tree_remove(part, msg) : WEFT_OK;
}

static enum weft_err scan_file(struct weft_stage *s, uint32_t number,
    struct weft_fetcher_file *ret_file, uint64_t *reused_bytes, struct weft_msg *msg)
{
    const struct weft_checkpoint_file *file = &s->manifest->files[number];
    char path[WEFT_CHECKPOINT_PATH_SIZE];
    bool is_here = false;
    *ret_file = (struct weft_fetcher_file){.size_bytes = file->size_bytes};
    enum weft_err rv = weft_record_join(s->files, file->name, path, msg);
    if (rv == WEFT_OK && size_of(path) == file->size_bytes) {
        rv = is_right(s, path, file, &is_here, msg);
        if (rv == WEFT_OK && !is_here) {
            rv = weft_tree_remove(path, msg);
        }
    }
    if (rv == WEFT_OK && !is_here) {
        rv = reuse(s, file, path, &is_here, msg);
        *reused_bytes += is_here ? file->size_bytes : 0;
    }
    if (rv == WEFT_OK && !is_here) {
        return resume(s, number, ret_file, msg);
    }
    ret_file->state = is_here ? WEFT_FETCHER_FILE_DONE : WEFT_FETCHER_FILE_MISSING;
    return rv;
}

enum weft_err weft_stage_scan(struct weft_stage *s, struct weft_fetcher_file *ret_files,
    uint64_t *ret_reused_bytes, struct weft_msg *msg)
{
    const char *directories[] = {s->path, s->files, s->parts};
    uint64_t reused_bytes = 0;
    enum weft_err rv = WEFT_OK;
    for (size_t i = 0; rv == WEFT_OK && i < sizeof(directories) / sizeof(directories[0]); i++) {
        rv = weft_tree_make(directories[i], msg);
    }
    if (rv == WEFT_OK) {
        rv = sweep(s, s->files, true, msg);
    }
    if (rv == WEFT_OK) {
        rv = sweep(s, s->parts, false, msg);
    }
    for (uint32_t i = 0; rv == WEFT_OK && i < s->manifest->file_count; i++) {
        rv = weft_tree_is_cancelled(s->cancel) ? weft_fail(msg, WEFT_ECLOSED, "cancelled")
                                               : scan_file(s, i, &ret_files[i], &reused_bytes, msg);
    }
    if (rv == WEFT_OK) {
        *ret_reused_bytes = reused_bytes;
    }
    return rv;
}

enum weft_err weft_stage_write(struct weft_stage *s, uint32_t file, uint64_t offset,
    const void *data, size_t size, struct weft_msg *msg)
{
    const uint8_t *rest = data;
    char part[WEFT_CHECKPOINT_PATH_SIZE];
    enum weft_err rv = weft_record_join(s->parts, s->manifest->files[file].name, part, msg);
    if (rv != WEFT_OK) {
        return rv;
    }
    if (s->fd < 0 || s->fd_file != file) {
        close_part(s);
        s->fd = open(part, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        s->fd_file = file;
    }
    while (s->fd >= 0 && size > 0) {
        ssize_t put = pwrite(s->fd, rest, size, (off_t)offset);
        if (put < 0 && errno != EINTR) {
            break;
        }
        if (put > 0) {
            rest += put, size -= (size_t)put, offset += (uint64_t)put;
        }
    }
    if (s->fd < 0 || size > 0) {
        return weft_fail(msg, weft_tree_err(errno), "%s: write: %s", part, strerror(errno));
    }
    return WEFT_OK;
}

enum weft_err weft_stage_verify(
    struct weft_stage *s, uint32_t file, bool *ret_is_intact, struct weft_msg *msg)
{
    char part[WEFT_CHECKPOINT_PATH_SIZE], path[WEFT_CHECKPOINT_PATH_SIZE];
    bool is_intact = false;
    close_part(s);
    enum weft_err rv = weft_record_join(s->parts, s->manifest->files[file].name, part, msg);
    if (rv == WEFT_OK) {
        rv = weft_record_join(s->files, s->manifest->files[file].name, path, msg);
    }
    if (rv == WEFT_OK) {
        rv = weft_tree_sync(part, msg);
    }
    if (rv == WEFT_OK) {
        rv = is_right(s, part, &s->manifest->files[file], &is_intact, msg);
    }
    if (rv == WEFT_OK) {
        rv = is_intact ? weft_tree_rename(part, path, msg) : weft_tree_remove(part, msg);
    }
    if (rv == WEFT_OK) {
        *ret_is_intact = is_intact;
    }
    return rv;
}

enum weft_err weft_stage_finish(
    struct weft_stage *s, struct weft_bytes encoded, struct weft_msg *msg)
{
    close_part(s);
    enum weft_err rv = weft_tree_remove(s->parts, msg);
    return rv == WEFT_OK ? weft_keeper_adopt(s->keeper, s->path, encoded, msg) : rv;
}
