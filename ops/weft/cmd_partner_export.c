#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "federation/projection.h"
#include "federation/stream.h"
#include "ops/weft/audit_files.h"
#include "ops/weft/files.h"
#include "ops/weft/output.h"
#include "ops/weft/partner_bundle.h"
#include "ops/weft/partner_source.h"
#include "policy/tlog_proof.h"

/* partner export, prove: what is in a stream, for who has nothing but its keys. */

enum {
    STATEMENT_PATH_SIZE = 16 + 2 * WEFT_DIGEST_SIZE
};

/* Of which stream. */
struct reading {
    struct weft_audit_source source;
    char stem[WEFT_CONTRACT_NAME_SIZE_MAX + 32];
    struct weft_buffer note;
    struct weft_merkle_head tree;
};

static enum weft_err open_stream(struct reading *r, const struct weft_args *args,
    struct weft_client *client, struct weft_msg *msg)
{
    int size = snprintf(r->stem, sizeof(r->stem), "partner/%s/%s/", args->operands[0],
        weft_args_has(args, "received") ? "received" : "sent");
    weft_audit_source_init(&r->source, client, false);
    r->source.stem = r->stem;
    r->note.size_max = WEFT_NOTE_SIZE_MAX;
    if (size < 0 || size >= (int)sizeof(r->stem)) {
        return weft_fail(msg, WEFT_EINVAL, "%.80s: no agreement's name", args->operands[0]);
    }
    return weft_partner_name_it(
        args->operands[0], weft_audit_source_checkpoint(&r->source, &r->note, &r->tree, msg), msg);
}

static void close_stream(struct reading *r)
{
    weft_buffer_destroy(&r->note);
    weft_audit_source_close(&r->source);
}

/* A leaf of the stream; what `rest` of a bundle holds. */
static enum weft_err parse_leaf(
    struct weft_bytes bytes, struct weft_stream_leaf *ret_leaf, struct weft_msg *msg)
{
    struct weft_text text = {(const char *)bytes.data, bytes.size};
    return weft_stream_leaf_parse(text, ret_leaf) == WEFT_OK
               ? WEFT_OK
               : weft_fail(msg, WEFT_EVERSION, "the node answered with something else");
}

static void statement_path(const struct weft_digest *digest, char ret_path[STATEMENT_PATH_SIZE])
{
    char text[WEFT_DIGEST_TEXT_SIZE];
    weft_digest_format(digest, text);
    (void)snprintf(ret_path, STATEMENT_PATH_SIZE, "statement/%s", text + strlen("sha256:"));
}

/* As a text, for federation/stranger.sh. */
static enum weft_err format_statement(struct reading *r, const struct weft_digest *digest,
    struct weft_buffer *out, struct weft_msg *msg)
{
    struct weft_arena arena = {.size_max = WEFT_PROJECTION_MEMORY_MAX};
    struct weft_projection projection;
    struct weft_audit_result result;
    struct weft_digest found;
    char path[STATEMENT_PATH_SIZE];
    statement_path(digest, path);
    enum weft_err err = weft_audit_source_ask(&r->source, path, &result, msg);
    if (err == WEFT_OK) {
        err = weft_projection_decode(result.content, &arena, &projection, msg);
    }
    if (err == WEFT_OK) {
        err = weft_projection_verify(&projection, &found, msg);
    }
    if (err == WEFT_OK && !weft_digest_equal(&found, digest)) {
        err = weft_fail(msg, WEFT_EBADSIG, "another statement than its leaf says");
    }
    if (err == WEFT_OK) {
        err = weft_projection_format(&projection, out);
    }
    weft_arena_destroy(&arena);
    return err;
}

/* --- prove ----------------------------------------------------------------------------------- */

static enum weft_err prove_leaf(struct reading *r, uint64_t number, struct weft_bytes leaf,
    struct weft_buffer *out, struct weft_msg *msg)
{
    struct weft_tlog_proof proof = {.index = number, .checkpoint = weft_buffer_as_text(&r->note)};
    struct weft_merkle_prover *prover = malloc(sizeof(*prover)); /* 64 KiB */
    uint8_t copy[WEFT_STREAM_LEAF_SIZE];
    if (prover == NULL || leaf.size > sizeof(copy)) {
        free(prover);
        return weft_fail(msg, WEFT_ENOMEM, "prove a leaf");
    }
    memcpy(copy, leaf.data, leaf.size); /* The next question takes its place. */
    weft_merkle_prover_init(prover, r->tree.size, weft_audit_source_tile, &r->source);
    enum weft_err err = weft_merkle_prove_inclusion(prover, number, &proof.proof, msg);
    if (err == WEFT_OK) { /* What is handed out was verified. */
        err = weft_tlog_proof_verify(&proof, (struct weft_bytes){copy, leaf.size}, &r->tree, msg);
    }
    if (err == WEFT_OK) {
        err = weft_tlog_proof_encode(&proof, out);
    }
    free(prover);
    return err;
}

static enum weft_err prove(
    const struct weft_args *args, struct weft_client *client, struct weft_msg *msg)
{
    struct reading r = {.tree = {0}};
    struct weft_buffer out = {.size_max = 4 * 1024 * 1024};
    struct weft_bytes bytes = {NULL, 0};
    struct weft_stream_leaf leaf;
    uint64_t number = 0;
    enum weft_err err =
        weft_text_exact_number(weft_text_of(args->operands[1]), &number)
            ? open_stream(&r, args, client, msg)
            : weft_fail(msg, WEFT_EINVAL, "%.40s: a leaf has a number, from 0", args->operands[1]);
    if (err == WEFT_OK) {
        err = weft_audit_source_leaf(&r.source, r.tree.size, number, &bytes, msg);
    }
    if (err == WEFT_OK) {
        err = parse_leaf(bytes, &leaf, msg);
    }
    if (err == WEFT_OK && weft_args_has(args, "leaf")) {
        err = weft_buffer_append(&out, bytes.data, bytes.size);
    } else if (err == WEFT_OK && weft_args_has(args, "statement")) {
        err = leaf.kind == WEFT_STREAM_STATEMENT
                  ? format_statement(&r, &leaf.digest, &out, msg)
                  : weft_fail(msg, WEFT_ENOTFOUND, "leaf %" PRIu64 " is of no statement", number);
    } else if (err == WEFT_OK) {
        err = prove_leaf(&r, number, bytes, &out, msg);
    }
    if (err == WEFT_OK) {
        (void)fwrite(out.data, 1, out.size, stdout);
    }
    weft_buffer_destroy(&out);
    close_stream(&r);
    return err;
}

enum weft_exit weft_cmd_partner_prove(const struct weft_args *args)
{
    return weft_with_client(args, prove);
}

/* --- export ---------------------------------------------------------------------------------- */

/* What the leaf is of: a statement, a version of the agreement. */
static enum weft_err fetch_content(struct reading *r, const char *directory,
    const struct weft_stream_leaf *leaf, struct weft_msg *msg)
{
    struct weft_audit_result result;
    char path[STATEMENT_PATH_SIZE], full[WEFT_FILES_PATH_SIZE];
    if (leaf->kind == WEFT_STREAM_STATEMENT) {
        statement_path(&leaf->digest, path);
    } else if (leaf->kind == WEFT_STREAM_CONTRACT) {
        (void)snprintf(path, sizeof(path), "contract/%" PRIu64, leaf->version);
    } else {
        return WEFT_OK;
    }
    enum weft_err err = weft_files_join(directory, path, full, msg);
    if (err != WEFT_OK) {
        return err;
    }
    /* A statement of which a field was redacted since is fetched again: its name stays. */
    err = weft_audit_source_ask(&r->source, path, &result, msg);
    return err == WEFT_OK ? weft_audit_files_write(directory, path, result.content, msg) : err;
}

static enum weft_err fetch_bundle(
    struct reading *r, const char *directory, const struct weft_tile *tile, struct weft_msg *msg)
{
    char path[WEFT_TILE_PATH_SIZE];
    struct weft_audit_result result;
    struct weft_buffer bundle = {.size_max = WEFT_ANSWER_SIZE_MAX};
    weft_tile_format(tile, path);
    enum weft_err err = weft_audit_source_ask(&r->source, path, &result, msg);
    if (err == WEFT_OK) {
        err = weft_buffer_append(&bundle, result.content.data, result.content.size);
    }
    struct weft_bytes rest = {bundle.data, bundle.size};
    for (unsigned i = 0; err == WEFT_OK && i < tile->width; i++) {
        struct weft_bytes bytes;
        struct weft_stream_leaf leaf;
        err = weft_bundle_next(&rest, &bytes);
        err = err == WEFT_OK ? parse_leaf(bytes, &leaf, msg)
                             : weft_fail(msg, err, "the node answered with something else");
        if (err == WEFT_OK) {
            err = fetch_content(r, directory, &leaf, msg);
        }
    }
    if (err == WEFT_OK) {
        err = weft_audit_files_write(
            directory, path, (struct weft_bytes){bundle.data, bundle.size}, msg);
    }
    weft_buffer_destroy(&bundle);
    return err;
}

/* What a directory has is of one stream: brought forward, and not mixed with another's. */
static enum weft_err check_directory(
    const struct reading *r, const char *directory, struct weft_msg *msg)
{
    char path[WEFT_FILES_PATH_SIZE];
    struct weft_buffer before = {.size_max = WEFT_NOTE_SIZE_MAX};
    struct weft_text had, has, rest = weft_buffer_as_text(&r->note);
    struct weft_msg why = {""};
    int size = snprintf(path, sizeof(path), "%s/checkpoint", directory);
    enum weft_err err = WEFT_OK;
    (void)weft_text_cut(&rest, '\n', &has);
    if (size > 0 && size < (int)sizeof(path) && weft_files_read(path, &before, &why) == WEFT_OK) {
        rest = weft_buffer_as_text(&before);
        (void)weft_text_cut(&rest, '\n', &had);
        if (!weft_text_equal(had, has)) {
            err = weft_fail(msg, WEFT_ECONFLICT, "%s has another log, %.*s: take another directory",
                directory, (int)had.size, had.data);
        }
    }
    weft_buffer_destroy(&before);
    return err;
}

static enum weft_err export_all(
    const struct weft_args *args, struct weft_client *client, struct weft_msg *msg)
{
    const char *directory = args->operands[1];
    struct reading r = {.tree = {0}};
    if (weft_args_has(args, "bundle")) {
        return weft_partner_bundle_export(args, client, msg);
    }
    enum weft_err err = open_stream(&r, args, client, msg);
    err = err == WEFT_OK ? check_directory(&r, directory, msg) : err;
    for (unsigned level = 0; err == WEFT_OK && level < WEFT_TILE_LEVELS; level++) {
        for (uint64_t i = 0; err == WEFT_OK && i < weft_tile_count(r.tree.size, level); i++) {
            struct weft_tile tile = {
                .level = level, .index = i, .width = weft_tile_width(r.tree.size, level, i)};
            err = weft_audit_files_fetch(&r.source, directory, &tile, msg);
            tile.is_bundle = true;
            if (err == WEFT_OK && level == 0) {
                err = fetch_bundle(&r, directory, &tile, msg);
            }
        }
    }
    /* Last: who finds it finds all that it speaks for. */
    if (err == WEFT_OK) {
        err = weft_audit_files_write(
            directory, "checkpoint", (struct weft_bytes){r.note.data, r.note.size}, msg);
    }
    if (err == WEFT_OK) {
        (void)printf("%" PRIu64 " leaves in %s\n", r.tree.size, directory);
    }
    close_stream(&r);
    return err;
}

enum weft_exit weft_cmd_partner_export(const struct weft_args *args)
{
    return weft_with_client(args, export_all);
}
