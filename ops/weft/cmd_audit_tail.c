#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "ops/weft/audit_files.h"
#include "ops/weft/audit_keys.h"
#include "policy/merkle_proof.h"

/* audit tail: leaves as they come, none of them believed: each checkpoint has to continue the one
 * before, and each leaf to be in it. */

enum {
    PAUSE_S = 1
};

struct tail {
    struct weft_audit_source source;
    struct weft_audit_keys keys; /* None: signatures are not asked for. */
    const char *state_path;      /* May be NULL. */
    struct weft_merkle_head known;
    uint64_t next;           /* Leaf to be shown. */
    struct weft_buffer note; /* The newest checkpoint. */
    struct weft_buffer bundle;
    struct weft_merkle_prover prover;
    struct weft_merkle_head tree;
};

/* What an earlier run has seen. */
static enum weft_err load(struct tail *t, const struct weft_args *args, struct weft_msg *msg)
{
    struct weft_buffer bytes = {.size_max = WEFT_NOTE_SIZE_MAX};
    struct weft_checkpoint_note checkpoint;
    enum weft_err err = WEFT_OK;
    t->state_path = weft_args_text(args, "state", NULL);
    if (t->state_path != NULL && weft_files_exists(t->state_path)) {
        err = weft_files_read(t->state_path, &bytes, msg);
        if (err == WEFT_OK) {
            err = weft_audit_files_checkpoint(
                (struct weft_text){(const char *)bytes.data, bytes.size}, &checkpoint, msg);
        }
        if (err == WEFT_OK) {
            t->known = checkpoint.head;
            t->next = checkpoint.head.size;
        }
        err = err == WEFT_OK ? err : weft_wrap(msg, err, "%s", t->state_path);
    }
    weft_buffer_destroy(&bytes);
    if (err == WEFT_OK && weft_args_has(args, "keys")) {
        err = weft_audit_keys_read(args, &t->keys, msg);
    }
    return err == WEFT_OK
               ? weft_args_number(args, "from", 0, WEFT_MERKLE_SIZE_MAX, t->next, &t->next, msg)
               : err;
}

/* The log has only grown. */
static enum weft_err check_growth(struct tail *t, struct weft_msg *msg)
{
    struct weft_merkle_proof proof = {.count = 0};
    if (t->known.size == 0) {
        return WEFT_OK;
    }
    if (t->tree.size == t->known.size) {
        return weft_digest_equal(&t->tree.root, &t->known.root)
                   ? WEFT_OK
                   : weft_fail(msg, WEFT_EBADSIG,
                         "two trees of %" PRIu64 " leaves: the log was rewritten", t->tree.size);
    }
    enum weft_err err = weft_merkle_prove_consistency(&t->prover, t->known.size, &proof, msg);
    if (err == WEFT_OK) {
        err = weft_merkle_verify_consistency(
            t->known.size, t->tree.size, &t->known.root, &proof, &t->tree.root, msg);
    }
    return err == WEFT_OK ? err
                          : weft_wrap(msg, err, "from %" PRIu64 " to %" PRIu64 " leaves",
                                t->known.size, t->tree.size);
}

static enum weft_err show_leaf(
    struct tail *t, uint64_t number, struct weft_bytes leaf, struct weft_msg *msg)
{
    struct weft_merkle_proof proof = {.count = 0};
    struct weft_digest hash = weft_merkle_leaf(leaf.data, leaf.size);
    enum weft_err err = weft_merkle_prove_inclusion(&t->prover, number, &proof, msg);
    if (err == WEFT_OK) {
        err = weft_merkle_verify_inclusion(number, t->tree.size, &hash, &proof, &t->tree.root, msg);
    }
    if (err == WEFT_OK) {
        (void)fwrite(leaf.data, 1, leaf.size, stdout);
    }
    return err == WEFT_OK ? err : weft_wrap(msg, err, "leaf %" PRIu64, number);
}

static enum weft_err show_bundle(struct tail *t, struct weft_msg *msg)
{
    const uint64_t index = t->next / WEFT_TILE_WIDTH;
    const struct weft_tile tile = {
        .is_bundle = true, .index = index, .width = weft_tile_width(t->tree.size, 0, index)};
    char path[WEFT_TILE_PATH_SIZE];
    struct weft_audit_result result;
    struct weft_bytes leaf;
    weft_tile_format(&tile, path);
    enum weft_err err = weft_audit_source_ask(&t->source, path, &result, msg);
    weft_buffer_clear(&t->bundle);
    if (err == WEFT_OK) {
        err = weft_buffer_append(&t->bundle, result.content.data, result.content.size);
    }
    struct weft_bytes rest = {t->bundle.data, t->bundle.size};
    for (uint64_t i = 0; err == WEFT_OK && i < tile.width; i++) {
        uint64_t number = index * WEFT_TILE_WIDTH + i;
        err = weft_bundle_next(&rest, &leaf);
        if (err == WEFT_OK && number == t->next) {
            err = show_leaf(t, number, leaf, msg);
            t->next += err == WEFT_OK;
        }
    }
    return err;
}

static enum weft_err step(struct tail *t, struct weft_msg *msg)
{
    weft_buffer_clear(&t->note);
    enum weft_err err = weft_audit_source_checkpoint(&t->source, &t->note, &t->tree, msg);
    if (err == WEFT_OK && t->tree.size < t->known.size) {
        return WEFT_OK; /* A node that is behind. */
    }
    struct weft_text note = {(const char *)t->note.data, t->note.size};
    if (err == WEFT_OK && t->keys.count > 0) {
        err = weft_audit_keys_check(&t->keys, note, msg);
    }
    weft_merkle_prover_init(&t->prover, t->tree.size, weft_audit_source_tile, &t->source);
    if (err == WEFT_OK) {
        err = check_growth(t, msg);
    }
    while (err == WEFT_OK && t->next < t->tree.size) {
        err = show_bundle(t, msg);
    }
    (void)fflush(stdout);
    if (err == WEFT_OK && t->tree.size > t->known.size) {
        t->known = t->tree;
        err = t->state_path != NULL
                  ? weft_files_write(t->state_path, (struct weft_bytes){t->note.data, t->note.size},
                        0644, true, msg)
                  : WEFT_OK;
    }
    return err;
}

static enum weft_err follow(
    const struct weft_args *args, struct weft_client *client, struct weft_msg *msg)
{
    const struct timespec pause = {.tv_sec = PAUSE_S};
    struct tail *t = calloc(1, sizeof(*t)); /* 64 KiB of tiles */
    if (t == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "follow the audit log");
    }
    t->note.size_max = WEFT_NOTE_SIZE_MAX;
    t->bundle.size_max = WEFT_ANSWER_SIZE_MAX;
    weft_audit_source_init(&t->source, client, weft_args_has(args, "stale"));
    enum weft_err err = load(t, args, msg);
    while (err == WEFT_OK) {
        err = step(t, msg);
        if (err == WEFT_EMALFORMED || err == WEFT_ECONFLICT) {
            err = WEFT_EBADSIG; /* The log is bad, not the question: one exit code. */
        }
        if (err != WEFT_OK || weft_args_has(args, "once")) {
            break;
        }
        (void)nanosleep(&pause, NULL);
    }
    weft_audit_source_close(&t->source);
    weft_buffer_destroy(&t->note);
    weft_buffer_destroy(&t->bundle);
    free(t);
    return err;
}

enum weft_exit weft_cmd_audit_tail(const struct weft_args *args)
{
    return weft_with_client(args, follow);
}
