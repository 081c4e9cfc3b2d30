#include "tests/lib/audit_log.h"

#include <stdlib.h>

#include "policy/checkpoint_note.h"
#include "proto/check.h"

static struct weft_bytes bytes_of(const struct weft_buffer *buffer)
{
    return (struct weft_bytes){buffer->data, buffer->size};
}

static void must(enum weft_err err)
{
    weft_assert(err == WEFT_OK);
}

void audit_log_init(struct audit_log *log, audit_put *put, void *ctx)
{
    memset(log, 0, sizeof(*log));
    log->put = put;
    log->ctx = ctx;
}

static enum weft_err put_tile(
    void *ctx, const struct weft_tile *tile, const struct weft_digest *hashes, struct weft_msg *msg)
{
    struct audit_log *log = ctx;
    char path[WEFT_TILE_PATH_SIZE];
    (void)msg;
    weft_tile_format(tile, path);
    log->put(log->ctx, path,
        (struct weft_bytes){hashes[0].bytes, (size_t)tile->width * WEFT_DIGEST_SIZE});
    return WEFT_OK;
}

static void put_bundle(struct audit_log *log, uint64_t index, unsigned width)
{
    char path[WEFT_TILE_PATH_SIZE];
    struct weft_tile tile = {.is_bundle = true, .index = index, .width = width};
    weft_tile_format(&tile, path);
    log->put(log->ctx, path, bytes_of(&log->bundle));
}

void audit_log_add(struct audit_log *log, struct weft_bytes leaf)
{
    struct weft_digest hash = weft_merkle_leaf(leaf.data, leaf.size);
    must(weft_bundle_append(&log->bundle, leaf));
    must(weft_tile_builder_append(&log->tree, &hash, put_tile, log, NULL));
    if (log->tree.size % WEFT_TILE_WIDTH == 0) {
        put_bundle(log, log->tree.size / WEFT_TILE_WIDTH - 1, WEFT_TILE_WIDTH);
        weft_buffer_clear(&log->bundle);
    }
}

void audit_log_add_sample(struct audit_log *log)
{
    static const char *const acts[] = {"read", "write", "command.approve", "policy.change"};
    const uint64_t n = log->tree.size;
    struct weft_buffer text = {0};
    struct weft_audit_leaf leaf = {
        .number = n,
        .term = 1 + n / 1000,
        .index = 10 + n / 3,
        .time_ns = INT64_C(1772352000000000000) + (int64_t)n * 1000000,
        .act = weft_text_of(acts[n % 4]),
        .has_actor = n % 5 != 0,
        .actor = weft_sha256(&n, sizeof(n)),
        .subject = n % 7 != 0 ? WEFT_TEXT("plant1/line2/press7") : (struct weft_text){"", 0},
        .effect = (enum weft_audit_effect)(n % WEFT_AUDIT_EFFECTS),
        .count = n % 11 == 0 ? 12 : 1,
    };
    if (leaf.effect != WEFT_AUDIT_NO_DECISION && n % 2 == 0) {
        leaf.statement = WEFT_TEXT("set-point");
        leaf.version = 42;
        leaf.line = n % 100;
    }
    if (n % 4 == 2) {
        leaf.from = WEFT_TEXT("PROPOSED");
        leaf.to = WEFT_TEXT("APPROVED");
        leaf.evidence[leaf.evidence_count++] = weft_sha256("a note", 6);
    }
    must(weft_audit_leaf_encode(&leaf, &text, NULL));
    audit_log_add(log, bytes_of(&text));
    weft_buffer_destroy(&text);
}

struct weft_merkle_head audit_log_publish(struct audit_log *log, const char *origin,
    const struct weft_signer *signers, uint32_t signer_count)
{
    struct weft_buffer text = {0}, note = {0};
    const struct weft_checkpoint_note checkpoint = {.origin = weft_text_of(origin),
        .head = {log->tree.size, weft_tile_builder_root(&log->tree)}};
    if (log->tree.size % WEFT_TILE_WIDTH != 0) {
        put_bundle(
            log, log->tree.size / WEFT_TILE_WIDTH, (unsigned)(log->tree.size % WEFT_TILE_WIDTH));
    }
    must(weft_tile_builder_partials(&log->tree, put_tile, log, NULL));
    must(weft_checkpoint_note_encode(&checkpoint, &text, NULL));
    must(weft_note_sign((struct weft_text){(const char *)text.data, text.size}, signers,
        signer_count, &note, NULL));
    log->put(log->ctx, "checkpoint", bytes_of(&note));
    weft_buffer_destroy(&text);
    weft_buffer_destroy(&note);
    return checkpoint.head;
}

void audit_log_destroy(struct audit_log *log)
{
    weft_buffer_destroy(&log->bundle);
}

struct weft_signer audit_signer(const char *name, enum weft_signer_type type, uint8_t number)
{
    struct weft_ed25519_pair pair;
    struct weft_signer signer;
    uint8_t seed[WEFT_ED25519_SEED_SIZE] = {number, 77};
    must(weft_ed25519_from_seed(seed, &pair, NULL));
    must(weft_signer_make(weft_text_of(name), type, &pair, &signer, NULL));
    return signer;
}

/* --- in memory ------------------------------------------------------------------------------- */

struct audit_file *audit_files_find(struct audit_files *files, const char *path)
{
    for (size_t i = 0; i < files->count; i++) {
        if (strcmp(files->files[i].path, path) == 0) {
            return &files->files[i];
        }
    }
    return NULL;
}

void audit_files_put(void *ctx, const char *path, struct weft_bytes data)
{
    struct audit_files *files = ctx;
    struct audit_file *file = audit_files_find(files, path);
    if (file == NULL) {
        weft_assert(files->count < AUDIT_FILES_MAX);
        file = &files->files[files->count++];
        memset(file, 0, sizeof(*file));
        memcpy(file->path, path, strlen(path));
    }
    free(file->data);
    file->size = data.size;
    file->data = malloc(data.size > 0 ? data.size : 1);
    weft_assert(file->data != NULL);
    if (data.size > 0) {
        memcpy(file->data, data.data, data.size);
    }
}

enum weft_err audit_files_read(
    void *ctx, const char *path, struct weft_buffer *ret_data, struct weft_msg *msg)
{
    struct audit_files *files = ctx;
    const struct audit_file *file = audit_files_find(files, path);
    if (file == NULL) {
        files->missed++;
        return weft_fail(msg, WEFT_ENOTFOUND, "no such file");
    }
    enum weft_err err = weft_buffer_append(ret_data, file->data, file->size);
    return err == WEFT_OK ? WEFT_OK : weft_fail(msg, err, "%zu bytes", file->size);
}

void audit_files_destroy(struct audit_files *files)
{
    for (size_t i = 0; i < files->count; i++) {
        free(files->files[i].data);
    }
    files->count = 0;
}
