#include "node/checkpoint/record.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <fcntl.h>
#include <unistd.h>

#include "node/checkpoint/tree.h"
#include "proto/arith.h"
#include "proto/crc32c.h"
#include "proto/limits.h"

enum {
    HEADER_SIZE = 16,
    ARENA_SIZE_MAX = 4 * 1024 * 1024, /* a decoded manifest of the most files */
};

static const uint8_t magic[8] = {'W', 'E', 'F', 'T', 'C', 'K', 'P', '1'};

void weft_record_format_name(
    uint64_t index, uint64_t term, char ret_name[WEFT_CHECKPOINT_NAME_SIZE])
{
    (void)snprintf(ret_name, WEFT_CHECKPOINT_NAME_SIZE, "%" PRIu64 "-%" PRIu64, index, term);
}

bool weft_record_parse_name(const char *name, uint64_t *ret_index, uint64_t *ret_term)
{
    char again[WEFT_CHECKPOINT_NAME_SIZE];
    uint64_t index, term;
    if (sscanf(name, "%" SCNu64 "-%" SCNu64, &index, &term) != 2) {
        return false;
    }
    weft_record_format_name(index, term, again);
    if (strcmp(again, name) != 0) {
        return false;
    }
    *ret_index = index;
    *ret_term = term;
    return true;
}

enum weft_err weft_record_join(const char *directory, struct weft_text name,
    char ret_path[WEFT_CHECKPOINT_PATH_SIZE], struct weft_msg *msg)
{
    int size = snprintf(
        ret_path, WEFT_CHECKPOINT_PATH_SIZE, "%s/%.*s", directory, (int)name.size, name.data);
    if (size < 0 || size >= WEFT_CHECKPOINT_PATH_SIZE) {
        return weft_fail(msg, WEFT_ETOOBIG, "%s: path too long", directory);
    }
    return WEFT_OK;
}

static int by_name(const void *a, const void *b)
{
    const struct weft_checkpoint_file *x = a, *y = b;
    return weft_text_compare(x->name, y->name);
}

const struct weft_checkpoint_file *weft_record_find(
    const struct weft_manifest *manifest, struct weft_text name)
{
    const struct weft_checkpoint_file key = {.name = name};
    return manifest->file_count == 0
               ? NULL
               : bsearch(&key, manifest->files, manifest->file_count, sizeof(key), by_name);
}

/* Sorted and each name once: what finding a file by halves relies on. */
static enum weft_err check_manifest(struct weft_record *r, struct weft_msg *msg)
{
    const struct weft_manifest *m = &r->manifest;
    char name[WEFT_CHECKPOINT_NAME_SIZE];
    weft_record_format_name(m->index, m->term, name);
    if (!weft_text_is(m->name, name)) {
        return weft_fail(msg, WEFT_EMALFORMED, "manifest %s: calls itself %.*s", name,
            (int)m->name.size, m->name.data);
    }
    for (uint32_t i = 0; i < m->file_count; i++) {
        if (i > 0 && by_name(&m->files[i - 1], &m->files[i]) >= 0) {
            return weft_fail(
                msg, WEFT_EMALFORMED, "manifest %s: file %" PRIu32 " out of order", name, i);
        }
        if (!weft_add_u64(r->file_bytes, m->files[i].size_bytes, &r->file_bytes)) {
            return weft_fail(msg, WEFT_EMALFORMED, "manifest %s: sizes", name);
        }
    }
    memcpy(r->name, name, sizeof(name));
    return WEFT_OK;
}

enum weft_err weft_record_create(const char *path, struct weft_bytes manifest,
    struct weft_record **ret_record, struct weft_msg *msg)
{
    struct weft_record *r = calloc(1, sizeof(*r));
    if (r == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "read a manifest");
    }
    r->arena.size_max = ARENA_SIZE_MAX;
    r->encoded.size_max = WEFT_MANIFEST_SIZE_MAX;
    enum weft_err rv = weft_buffer_append(&r->encoded, manifest.data, manifest.size);
    if (rv == WEFT_OK) {
        rv = weft_manifest_decode(
            (struct weft_bytes){r->encoded.data, r->encoded.size}, &r->arena, &r->manifest);
    }
    if (rv != WEFT_OK) {
        rv = weft_fail(msg, rv, "manifest of %zu bytes: %s", manifest.size, weft_err_name(rv));
    } else {
        rv = check_manifest(r, msg);
    }
    if (rv == WEFT_OK &&
        (snprintf(r->directory, sizeof(r->directory), "%s", path) >= (int)sizeof(r->directory) ||
            snprintf(r->files, sizeof(r->files), "%s/files", path) >= (int)sizeof(r->files))) {
        rv = weft_fail(msg, WEFT_ETOOBIG, "%s: path too long", path);
    }
    if (rv != WEFT_OK) {
        weft_record_destroy(r);
        return rv;
    }
    *ret_record = r;
    return WEFT_OK;
}

void weft_record_destroy(struct weft_record *record)
{
    if (record != NULL) {
        weft_arena_destroy(&record->arena);
        weft_buffer_destroy(&record->encoded);
        free(record);
    }
}

/* The whole file; at most the largest manifest and its header. */
static enum weft_err read_manifest(const char *path, struct weft_buffer *out, struct weft_msg *msg)
{
    char file[WEFT_CHECKPOINT_PATH_SIZE];
    enum weft_err rv = weft_record_join(path, WEFT_TEXT("manifest"), file, msg);
    if (rv != WEFT_OK) {
        return rv;
    }
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return weft_fail(msg, errno == ENOENT ? WEFT_ECORRUPT : weft_tree_err(errno),
            "%s: open: %s", file, strerror(errno));
    }
    out->size_max = HEADER_SIZE + WEFT_MANIFEST_SIZE_MAX + 1;
    rv = weft_buffer_reserve(out, out->size_max);
    ssize_t got = rv == WEFT_OK ? pread(fd, out->data, out->size_max, 0) : 0;
    if (rv == WEFT_OK && got < 0) {
        rv = weft_fail(msg, WEFT_EIO, "%s: read: %s", file, strerror(errno));
    }
    (void)close(fd);
    if (rv != WEFT_OK) {
        return rv;
    }
    out->size = (size_t)got;
    if (out->data == NULL || out->size < HEADER_SIZE ||
        memcmp(out->data, magic, sizeof(magic)) != 0 ||
        weft_get_le32(out->data + 8) != out->size - HEADER_SIZE ||
        weft_get_le32(out->data + 12) !=
            weft_crc32c(0, out->data + HEADER_SIZE, out->size - HEADER_SIZE)) {
        return weft_fail(msg, WEFT_ECORRUPT, "%s: damaged", file);
    }
    return WEFT_OK;
}

enum weft_err weft_record_load(
    const char *path, struct weft_record **ret_record, struct weft_msg *msg)
{
    struct weft_buffer file = {0};
    struct weft_record *record = NULL;
    enum weft_err rv = read_manifest(path, &file, msg);
    if (rv == WEFT_OK) {
        rv = weft_record_create(path,
            (struct weft_bytes){file.data + HEADER_SIZE, file.size - HEADER_SIZE}, &record, msg);
    }
    weft_buffer_destroy(&file);
    if (rv == WEFT_OK && record != NULL) {
        const char *name = strrchr(path, '/');
        if (name != NULL && weft_record_parse_name(name + 1, &(uint64_t){0}, &(uint64_t){0}) &&
            strcmp(name + 1, record->name) != 0) {
            rv = weft_fail(msg, WEFT_ECORRUPT, "%s: holds checkpoint %s", path, record->name);
            weft_record_destroy(record);
            return rv;
        }
        *ret_record = record;
    }
    return rv == WEFT_EMALFORMED ? WEFT_ECORRUPT : rv;
}

enum weft_err weft_record_check_files(const struct weft_record *record, struct weft_msg *msg)
{
    char path[WEFT_CHECKPOINT_PATH_SIZE];
    struct stat st;
    for (uint32_t i = 0; i < record->manifest.file_count; i++) {
        const struct weft_checkpoint_file *f = &record->manifest.files[i];
        enum weft_err rv = weft_record_join(record->files, f->name, path, msg);
        if (rv != WEFT_OK) {
            return rv;
        }
        if (lstat(path, &st) != 0 || !S_ISREG(st.st_mode)) {
            return weft_fail(msg, WEFT_ECORRUPT, "%s: is missing", path);
        }
        if ((uint64_t)st.st_size != f->size_bytes) {
            return weft_fail(msg, WEFT_ECORRUPT, "%s: has %lld bytes instead of %" PRIu64, path,
                (long long)st.st_size, f->size_bytes);
        }
    }
    uint32_t count = 0;
    DIR *directory = opendir(record->files);
    if (directory == NULL) {
        return weft_fail(msg, WEFT_EIO, "%s: list: %s", record->files, strerror(errno));
    }
    for (const struct dirent *e; (e = readdir(directory)) != NULL;) {
        count += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
    }
    (void)closedir(directory);
    if (count != record->manifest.file_count) {
        return weft_fail(msg, WEFT_ECORRUPT, "%s: has %" PRIu32 " files instead of %" PRIu32,
            record->files, count, record->manifest.file_count);
    }
    return WEFT_OK;
}

enum weft_err weft_record_write_manifest(
    const char *path, struct weft_bytes encoded, struct weft_msg *msg)
{
    char file[WEFT_CHECKPOINT_PATH_SIZE];
    uint8_t header[HEADER_SIZE];
    struct weft_buffer out = {0};
    memcpy(header, magic, sizeof(magic));
    weft_put_le32(header + 8, (uint32_t)encoded.size);
    weft_put_le32(header + 12, weft_crc32c(0, encoded.data, encoded.size));
    enum weft_err rv = weft_record_join(path, WEFT_TEXT("manifest"), file, msg);
    if (rv == WEFT_OK) {
        rv = weft_buffer_append(&out, header, sizeof(header));
    }
    if (rv == WEFT_OK) {
        rv = weft_buffer_append(&out, encoded.data, encoded.size);
    }
    if (rv == WEFT_OK) {
        rv = weft_tree_write(file, out.data, out.size, msg);
    }
    weft_buffer_destroy(&out);
    return rv;
}
