#include "ops/weft/backup.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "ops/weft/files.h"
#include "proto/limits.h"

enum {
    BLOCK_SIZE = 1 << 20
};

bool weft_backup_has(const char *directory, const struct weft_checkpoint_file *file)
{
    static uint8_t block[BLOCK_SIZE];
    char name[WEFT_DIGEST_TEXT_SIZE];
    char path[WEFT_FILES_PATH_SIZE + 96];
    struct stat st;
    struct weft_sha256 hash;
    weft_digest_format(&file->digest, name);
    (void)snprintf(path, sizeof(path), "%s/files/%s", directory, strchr(name, ':') + 1);
    if (stat(path, &st) != 0 || (uint64_t)st.st_size != file->size_bytes) {
        return false;
    }
    FILE *f = fopen(path, "rb");
    if (f == NULL) {
        return false;
    }
    size_t size;
    weft_sha256_init(&hash);
    while ((size = fread(block, 1, sizeof(block), f)) > 0) {
        weft_sha256_update(&hash, block, size);
    }
    bool is_read = ferror(f) == 0;
    (void)fclose(f);
    struct weft_digest digest = weft_sha256_final(&hash);
    return is_read && weft_digest_equal(&digest, &file->digest);
}

enum weft_err weft_backup_read_manifest(const char *directory, struct weft_arena *arena,
    struct weft_manifest *ret_manifest, struct weft_msg *msg)
{
    char path[WEFT_FILES_PATH_SIZE];
    struct weft_buffer bytes = {.size_max = WEFT_MANIFEST_SIZE_MAX};
    enum weft_err err = weft_files_join(directory, "manifest", path, msg);
    if (err == WEFT_OK) {
        err = weft_files_read(path, &bytes, msg);
    }
    if (err == WEFT_OK) {
        uint8_t *copy = weft_arena_alloc(arena, bytes.size + 1);
        if (copy == NULL) {
            err = weft_fail(msg, WEFT_ENOMEM, "%s: no memory", path);
        } else if (bytes.size > 0) {
            memcpy(copy, bytes.data, bytes.size);
        }
        if (err == WEFT_OK && weft_manifest_decode((struct weft_bytes){copy, bytes.size}, arena,
                                  ret_manifest) != WEFT_OK) {
            err = weft_fail(msg, WEFT_ECORRUPT, "%s is not a manifest", path);
        }
    } else if (err == WEFT_ETOOBIG) {
        err = weft_fail(msg, WEFT_ECORRUPT, "%s is not a manifest: too large", path);
    }
    weft_buffer_destroy(&bytes);
    return err;
}

enum weft_err weft_backup_check(const char *directory, struct weft_manifest *ret_manifest,
    struct weft_arena *arena, struct weft_msg *msg)
{
    struct weft_manifest manifest = {0};
    const struct weft_checkpoint_file *first = NULL;
    uint32_t bad = 0;
    enum weft_err err = weft_backup_read_manifest(directory, arena, &manifest, msg);
    for (uint32_t i = 0; err == WEFT_OK && i < manifest.file_count; i++) {
        if (!weft_backup_has(directory, &manifest.files[i])) {
            first = first != NULL ? first : &manifest.files[i];
            bad++;
        }
    }
    if (err == WEFT_OK && first != NULL) {
        char digest[WEFT_DIGEST_TEXT_SIZE];
        weft_digest_format(&first->digest, digest);
        err = weft_fail(msg, WEFT_ECORRUPT,
            "%s: %u of %u files are missing or damaged, the first %.*s (files/%s): run weft "
            "backup into this directory again, which reads what is not good",
            directory, bad, manifest.file_count, (int)first->name.size, first->name.data,
            strchr(digest, ':') + 1);
    }
    if (err == WEFT_OK) {
        *ret_manifest = manifest;
    }
    return err;
}
