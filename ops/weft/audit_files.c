#include "ops/weft/audit_files.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "policy/audit_leaf.h"
#include "policy/evidence.h"
#include "policy/note.h"

enum {
    ARENA_SIZE_MAX = 2 * WEFT_ANSWER_SIZE_MAX,
};

void weft_audit_source_init(
    struct weft_audit_source *source, struct weft_client *client, bool is_stale)
{
    *source = (struct weft_audit_source){
        .client = client, .is_stale = is_stale, .arena = {.size_max = ARENA_SIZE_MAX}};
}

void weft_audit_source_close(struct weft_audit_source *source)
{
    weft_arena_destroy(&source->arena);
}

enum weft_err weft_audit_source_ask(struct weft_audit_source *source, const char *path,
    struct weft_audit_result *ret_result, struct weft_msg *msg)
{
    char whole[WEFT_ASSET_SIZE_MAX + 1];
    int size =
        snprintf(whole, sizeof(whole), "%s%s", source->stem != NULL ? source->stem : "", path);
    if (size < 0 || size >= (int)sizeof(whole)) {
        return weft_fail(msg, WEFT_EINVAL, "%.60s...: too long", path);
    }
    const struct weft_client_message request = {.kind = WEFT_KIND_QUERY,
        .query = {.type = WEFT_QUERY_AUDIT,
            .consistency = source->is_stale ? WEFT_STALE : WEFT_LINEARIZABLE,
            .asset = weft_text_of(whole),
            .wait_ms = source->wait_ms}};
    struct weft_client_message answer;
    source->has_bundle = false;
    weft_arena_reset(&source->arena);
    enum weft_err err = weft_client_call(source->client, &request, &source->arena, &answer, msg);
    if (err == WEFT_OK && answer.kind != WEFT_KIND_AUDIT_RESULT) {
        err = weft_fail(msg, WEFT_EVERSION, "the node answered with something else");
    }
    if (err == WEFT_OK) {
        *ret_result = answer.audit;
    }
    return err;
}

static enum weft_err ask_tile(struct weft_audit_source *source, const struct weft_tile *tile,
    struct weft_bytes *ret_content, struct weft_msg *msg)
{
    char path[WEFT_TILE_PATH_SIZE];
    struct weft_audit_result result;
    weft_tile_format(tile, path);
    enum weft_err err = weft_audit_source_ask(source, path, &result, msg);
    if (err == WEFT_OK) {
        *ret_content = result.content;
    }
    return err;
}

enum weft_err weft_audit_source_leaf(struct weft_audit_source *source, uint64_t size,
    uint64_t number, struct weft_bytes *ret_leaf, struct weft_msg *msg)
{
    const uint64_t index = number / WEFT_TILE_WIDTH;
    const struct weft_tile tile = {
        .is_bundle = true, .index = index, .width = weft_tile_width(size, 0, index)};
    struct weft_bytes rest;
    if (number >= size) {
        return weft_fail(msg, WEFT_ENOTFOUND, "there is no leaf %" PRIu64 ": the log has %" PRIu64,
            number, size);
    }
    bool is_held =
        source->has_bundle && source->tile.index == tile.index && source->tile.width == tile.width;
    enum weft_err err = is_held ? WEFT_OK : ask_tile(source, &tile, &source->bundle, msg);
    source->has_bundle = err == WEFT_OK;
    source->tile = tile;
    rest = source->bundle;
    for (uint64_t i = 0; err == WEFT_OK && i <= number % WEFT_TILE_WIDTH; i++) {
        err = weft_bundle_next(&rest, ret_leaf);
        if (err != WEFT_OK) {
            err = weft_fail(msg, err, "the node answered with something else");
        }
    }
    return err;
}

enum weft_err weft_audit_files_checkpoint(
    struct weft_text bytes, struct weft_checkpoint_note *ret_checkpoint, struct weft_msg *msg)
{
    struct weft_note note;
    enum weft_err err = weft_note_parse(bytes, &note, msg);
    return err == WEFT_OK ? weft_checkpoint_note_parse(note.text, ret_checkpoint, msg) : err;
}

enum weft_err weft_audit_source_checkpoint(struct weft_audit_source *source,
    struct weft_buffer *out, struct weft_merkle_head *ret_head, struct weft_msg *msg)
{
    struct weft_audit_result result;
    struct weft_checkpoint_note checkpoint;
    enum weft_err err = weft_audit_source_ask(source, "checkpoint", &result, msg);
    if (err == WEFT_OK) {
        err = weft_buffer_append(out, result.content.data, result.content.size);
    }
    if (err == WEFT_OK) {
        err = weft_audit_files_checkpoint(weft_buffer_as_text(out), &checkpoint, msg);
    }
    if (err == WEFT_OK) {
        *ret_head = checkpoint.head;
    }
    return err;
}

enum weft_err weft_audit_source_tile(void *ctx, const struct weft_tile *tile,
    struct weft_digest ret_hashes[WEFT_TILE_WIDTH], struct weft_msg *msg)
{
    struct weft_bytes content;
    enum weft_err err = ask_tile(ctx, tile, &content, msg);
    return err == WEFT_OK ? weft_tile_hashes(content, tile->width, ret_hashes, msg) : err;
}

/* --- on disk --------------------------------------------------------------------------------- */

enum weft_err weft_audit_files_write(
    const char *directory, const char *path, struct weft_bytes bytes, struct weft_msg *msg)
{
    char full[WEFT_FILES_PATH_SIZE], parent[WEFT_FILES_PATH_SIZE];
    enum weft_err err = weft_files_join(directory, path, full, msg);
    if (err != WEFT_OK) {
        return err;
    }
    memcpy(parent, full, sizeof(parent));
    *strrchr(parent, '/') = '\0';
    err = weft_files_make_directory(parent, 0755, msg);
    return err == WEFT_OK ? weft_files_write(full, bytes, 0644, true, msg) : err;
}

enum weft_err weft_audit_files_fetch(struct weft_audit_source *source, const char *directory,
    const struct weft_tile *tile, struct weft_msg *msg)
{
    char path[WEFT_TILE_PATH_SIZE], full[WEFT_FILES_PATH_SIZE];
    struct weft_bytes content;
    weft_tile_format(tile, path);
    enum weft_err err = weft_files_join(directory, path, full, msg);
    if (err != WEFT_OK || weft_files_exists(full)) {
        return err;
    }
    err = ask_tile(source, tile, &content, msg);
    return err == WEFT_OK ? weft_audit_files_write(directory, path, content, msg) : err;
}

/* A blob that a node has is fetched once; one that was redacted goes from here too. */
static enum weft_err fetch_evidence(struct weft_audit_source *source, const char *directory,
    const struct weft_digest *commitment, bool is_redacted, struct weft_msg *msg)
{
    char path[WEFT_EVIDENCE_PATH_SIZE], full[WEFT_FILES_PATH_SIZE];
    struct weft_audit_result result;
    weft_evidence_format_path(commitment, path);
    enum weft_err err = weft_files_join(directory, path, full, msg);
    if (err == WEFT_OK && is_redacted) {
        return unlink(full) == 0 || errno == ENOENT
                   ? WEFT_OK
                   : weft_fail(msg, WEFT_EIO, "%s: %s", full, strerror(errno));
    }
    if (err != WEFT_OK || weft_files_exists(full)) {
        return err;
    }
    err = weft_audit_source_ask(source, path, &result, msg);
    if (err == WEFT_OK) {
        err = weft_audit_files_write(directory, path, result.content, msg);
    }
    return err == WEFT_ENOTFOUND ? WEFT_OK : err; /* Who verifies it asks why. */
}

static enum weft_err fetch_blobs(struct weft_audit_source *source, const char *directory,
    struct weft_bytes rest, uint64_t count, struct weft_msg *msg)
{
    enum weft_err err = WEFT_OK;
    for (uint64_t i = 0; err == WEFT_OK && i < count; i++) {
        struct weft_bytes bytes;
        struct weft_audit_leaf leaf;
        err = weft_bundle_next(&rest, &bytes);
        if (err != WEFT_OK) {
            return weft_fail(msg, err, "the node answered with something else");
        }
        struct weft_text text = {(const char *)bytes.data, bytes.size};
        if (weft_audit_leaf_parse(text, &leaf, NULL) != WEFT_OK) {
            continue; /* Who verifies it says so. */
        }
        bool is_redaction = weft_audit_leaf_redacts_blobs(&leaf);
        bool has_blobs = is_redaction || weft_audit_leaf_keeps_blobs(&leaf);
        for (uint32_t j = 0; err == WEFT_OK && has_blobs && j < leaf.evidence_count; j++) {
            err = fetch_evidence(source, directory, &leaf.evidence[j], is_redaction, msg);
        }
    }
    return err;
}

enum weft_err weft_audit_files_fetch_bundle(struct weft_audit_source *source, const char *directory,
    const struct weft_tile *tile, struct weft_msg *msg)
{
    char path[WEFT_TILE_PATH_SIZE], full[WEFT_FILES_PATH_SIZE];
    struct weft_bytes content;
    struct weft_buffer bundle = {.size_max = WEFT_ANSWER_SIZE_MAX};
    weft_tile_format(tile, path);
    enum weft_err err = weft_files_join(directory, path, full, msg);
    if (err != WEFT_OK || weft_files_exists(full)) {
        return err;
    }
    err = ask_tile(source, tile, &content, msg);
    if (err == WEFT_OK) {
        err = weft_buffer_append(&bundle, content.data, content.size);
    }
    const struct weft_bytes bytes = {bundle.data, bundle.size};
    if (err == WEFT_OK) {
        err = fetch_blobs(source, directory, bytes, tile->width, msg);
    }
    if (err == WEFT_OK) {
        err = weft_audit_files_write(directory, path, bytes, msg);
    }
    weft_buffer_destroy(&bundle);
    return err;
}

enum weft_err weft_audit_files_read(
    void *ctx, const char *path, struct weft_buffer *ret_data, struct weft_msg *msg)
{
    const struct weft_audit_reading *reading = ctx;
    char full[WEFT_FILES_PATH_SIZE];
    enum weft_err err = weft_files_join(reading->directory, path, full, msg);
    return err == WEFT_OK ? weft_files_read(full, ret_data, msg) : err;
}
