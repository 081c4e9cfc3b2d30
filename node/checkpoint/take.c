#include "node/checkpoint/take.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "node/checkpoint/tree.h"
#include "proto/limits.h"

enum {
    ARENA_SIZE_MAX = 4 * 1024 * 1024
};

struct taking {
    const struct weft_take *take;
    char files_path[WEFT_CHECKPOINT_PATH_SIZE];
    struct weft_arena arena;
    struct weft_manifest manifest;
    char name[WEFT_CHECKPOINT_NAME_SIZE];
    struct weft_checkpoint_file *files;
    uint32_t file_count;
    uint64_t file_bytes;
    uint64_t hashed_bytes;
};

/* A program that merely looked at the copy leaves these. No part of the state. */
static bool is_litter(const char *name)
{
    return strcmp(name, "LOCK") == 0 || strcmp(name, "LOG") == 0 ||
           strncmp(name, "LOG.old", 7) == 0;
}

static enum weft_err add_file(struct taking *t, const char *name, struct weft_msg *msg)
{
    char path[WEFT_CHECKPOINT_PATH_SIZE];
    struct stat st;
    enum weft_err rv = weft_record_join(t->files_path, weft_text_of(name), path, msg);
    if (rv != WEFT_OK) {
        return rv;
    }
    if (is_litter(name)) {
        return weft_tree_remove(path, msg);
    }
    if (lstat(path, &st) != 0 || !S_ISREG(st.st_mode)) {
        return weft_fail(msg, WEFT_EIO, "%s: not a plain file", path);
    }
    if (t->file_count == WEFT_CHECKPOINT_FILES_MAX || strlen(name) > WEFT_FILE_NAME_SIZE_MAX) {
        return weft_fail(msg, WEFT_ETOOBIG, "%s: more than %d files, or a name over %d bytes",
            t->files_path, WEFT_CHECKPOINT_FILES_MAX, WEFT_FILE_NAME_SIZE_MAX);
    }
    struct weft_text copy = weft_arena_text(&t->arena, weft_text_of(name));
    if (copy.data == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "%s: list", t->files_path);
    }
    t->files[t->file_count++] =
        (struct weft_checkpoint_file){.name = copy, .size_bytes = (uint64_t)st.st_size};
    t->file_bytes += (uint64_t)st.st_size;
    return WEFT_OK;
}

static int by_name(const void *a, const void *b)
{
    const struct weft_checkpoint_file *x = a, *y = b;
    return weft_text_compare(x->name, y->name);
}

static enum weft_err list_files(struct taking *t, struct weft_msg *msg)
{
    enum weft_err rv = WEFT_OK;
    t->files = weft_arena_array(&t->arena, WEFT_CHECKPOINT_FILES_MAX, sizeof(*t->files));
    if (t->files == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "%s: list", t->files_path);
    }
    DIR *directory = opendir(t->files_path);
    if (directory == NULL) {
        return weft_fail(msg, weft_tree_err(errno), "%s: list: %s", t->files_path, strerror(errno));
    }
    for (const struct dirent *e; rv == WEFT_OK && (e = readdir(directory)) != NULL;) {
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0) {
            rv = add_file(t, e->d_name, msg);
        }
    }
    (void)closedir(directory);
    qsort(t->files, t->file_count, sizeof(*t->files), by_name);
    return rv;
}

static bool has_suffix(struct weft_text name, const char *suffix)
{
    size_t size = strlen(suffix);
    return name.size > size && memcmp(name.data + name.size - size, suffix, size) == 0;
}

/* NOD-202. RocksDB never changes a table or blob file once it is written, and a checkpoint
 * hard-links it: same inode, same content. Anything else is hashed anew. */
static const struct weft_checkpoint_file *known(
    const struct taking *t, const struct weft_checkpoint_file *file, const char *path)
{
    const struct weft_record *before = t->take->before;
    char old_path[WEFT_CHECKPOINT_PATH_SIZE];
    struct stat now, then;
    if (before == NULL || !(has_suffix(file->name, ".sst") || has_suffix(file->name, ".blob"))) {
        return NULL;
    }
    const struct weft_checkpoint_file *old = weft_record_find(&before->manifest, file->name);
    if (old == NULL || old->size_bytes != file->size_bytes ||
        weft_record_join(before->files, file->name, old_path, NULL) != WEFT_OK ||
        stat(path, &now) != 0 || stat(old_path, &then) != 0 || now.st_ino != then.st_ino ||
        now.st_dev != then.st_dev) {
        return NULL;
    }
    return old;
}

static enum weft_err hash_files(struct taking *t, struct weft_msg *msg)
{
    char path[WEFT_CHECKPOINT_PATH_SIZE];
    for (uint32_t i = 0; i < t->file_count; i++) {
        struct weft_checkpoint_file *file = &t->files[i];
        struct weft_tree_sum sum;
        enum weft_err rv = weft_record_join(t->files_path, file->name, path, msg);
        if (rv != WEFT_OK) {
            return rv;
        }
        if (weft_tree_is_cancelled(t->take->cancel)) {
            return weft_fail(msg, WEFT_ECLOSED, "cancelled");
        }
        const struct weft_checkpoint_file *old = known(t, file, path);
        if (old != NULL) {
            file->digest = old->digest;
            continue;
        }
        rv = weft_tree_sum(path, t->take->cancel, &sum, msg);
        if (rv == WEFT_OK && t->take->source.check != NULL) { /* NOD-205 */
            rv = t->take->source.check(t->take->source.ctx, file->name, sum.crc32c, msg);
        }
        if (rv == WEFT_OK && sum.size_bytes != file->size_bytes) {
            rv = weft_fail(msg, WEFT_EIO, "%s: changes while it is read", path);
        }
        if (rv == WEFT_OK) {
            rv = weft_tree_sync(path, msg);
        }
        if (rv != WEFT_OK) {
            return rv;
        }
        file->digest = sum.digest;
        t->hashed_bytes += sum.size_bytes;
    }
    return WEFT_OK;
}

static enum weft_err finish(struct taking *t, struct weft_record **ret_record, struct weft_msg *msg)
{
    const char *staging = t->take->staging;
    struct weft_buffer encoded = {.size_max = WEFT_MANIFEST_SIZE_MAX};
    weft_record_format_name(t->manifest.index, t->manifest.term, t->name);
    t->manifest.name = weft_text_of(t->name);
    t->manifest.files = t->files;
    t->manifest.file_count = t->file_count;
    enum weft_err rv = weft_manifest_encode(&t->manifest, &encoded);
    if (rv != WEFT_OK) {
        weft_buffer_destroy(&encoded);
        return weft_fail(
            msg, rv, "manifest of %" PRIu32 " files: %s", t->file_count, weft_err_name(rv));
    }
    struct weft_bytes bytes = {encoded.data, encoded.size};
    rv = weft_record_create(staging, bytes, ret_record, msg);
    if (rv == WEFT_OK) {
        rv = weft_record_write_manifest(staging, bytes, msg);
        if (rv == WEFT_OK) {
            rv = weft_tree_sync(t->files_path, msg);
        }
        if (rv == WEFT_OK) {
            rv = weft_tree_sync(staging, msg);
        }
        if (rv != WEFT_OK) {
            weft_record_destroy(*ret_record);
        }
    }
    weft_buffer_destroy(&encoded);
    return rv;
}

static enum weft_err run(
    struct taking *t, struct weft_take_result *ret_result, struct weft_msg *msg)
{
    const struct weft_take *take = t->take;
    enum weft_err rv = weft_tree_remove(take->staging, msg);
    if (rv == WEFT_OK) {
        rv = weft_tree_make(take->staging, msg);
    }
    if (rv == WEFT_OK) {
        rv = take->source.take(take->source.ctx, t->files_path, msg);
    }
    if (rv == WEFT_OK) {
        rv = take->source.describe(take->source.ctx, t->files_path, &t->arena, &t->manifest, msg);
    }
    if (rv == WEFT_OK && take->cluster != 0 && t->manifest.cluster != take->cluster) {
        rv = weft_fail(
            msg, WEFT_EPEER, "the state belongs to cluster %016" PRIx64, t->manifest.cluster);
    }
    if (rv != WEFT_OK) {
        return rv;
    }
    if (take->before != NULL && take->before->manifest.index == t->manifest.index &&
        take->before->manifest.term == t->manifest.term) {
        ret_result->record = NULL;
        ret_result->file_bytes = take->before->file_bytes;
        return WEFT_OK;
    }
    rv = list_files(t, msg);
    if (rv == WEFT_OK) {
        rv = hash_files(t, msg);
    }
    if (rv == WEFT_OK) {
        rv = finish(t, &ret_result->record, msg);
    }
    ret_result->file_bytes = t->file_bytes;
    ret_result->hashed_bytes = t->hashed_bytes;
    return rv;
}

enum weft_err weft_take_run(
    const struct weft_take *take, struct weft_take_result *ret_result, struct weft_msg *msg)
{
    struct taking t = {.take = take, .arena = {.size_max = ARENA_SIZE_MAX}};
    struct weft_take_result result = {NULL, 0, 0};
    enum weft_err rv = weft_record_join(take->staging, WEFT_TEXT("files"), t.files_path, msg);
    if (rv == WEFT_OK) {
        rv = run(&t, &result, msg);
    }
    weft_arena_destroy(&t.arena);
    if (rv == WEFT_OK) {
        *ret_result = result;
    }
    return rv;
}
