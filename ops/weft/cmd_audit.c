#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ops/weft/audit_files.h"
#include "ops/weft/audit_keys.h"
#include "ops/weft/output.h"
#include "policy/audit_evidence.h"
#include "policy/audit_leaf.h"
#include "policy/audit_verify.h"
#include "policy/tlog_proof.h"

/* audit head, show, prove, export, verify: the audit log of a site. */

/* --- head ------------------------------------------------------------------------------------ */

static enum weft_err head(
    const struct weft_args *args, struct weft_client *client, struct weft_msg *msg)
{
    struct weft_audit_source source;
    struct weft_audit_result result;
    enum weft_format format;
    char root[WEFT_DIGEST_TEXT_SIZE];
    weft_audit_source_init(&source, client, weft_args_has(args, "stale"));
    enum weft_err err = weft_output_format(args, &format, msg);
    if (err == WEFT_OK) {
        err = weft_audit_source_ask(&source, "", &result, msg);
    }
    if (err == WEFT_OK) {
        weft_digest_format(&result.root, root);
    }
    if (err == WEFT_OK && format == WEFT_FORMAT_TABLE) {
        (void)printf("%" PRIu64 " leaves, root %s, from entry %" PRIu64 " on\n", result.size, root,
            result.first_index);
    } else if (err == WEFT_OK) {
        struct weft_writer w = {0};
        weft_writer_open(&w, NULL, '{');
        weft_writer_unsigned(&w, "size", result.size);
        weft_writer_text(&w, "root", weft_text_of(root));
        weft_writer_unsigned(&w, "index", result.index);
        weft_writer_unsigned(&w, "first_index", result.first_index);
        weft_writer_close(&w, '}');
        err = weft_writer_print(&w, stdout, msg);
        weft_writer_destroy(&w);
    }
    weft_audit_source_close(&source);
    return err;
}

enum weft_exit weft_cmd_audit_head(const struct weft_args *args)
{
    return weft_with_client(args, head);
}

/* --- show and prove -------------------------------------------------------------------------- */

static enum weft_err read_number(const char *text, uint64_t *ret_number, struct weft_msg *msg)
{
    return weft_text_number(weft_text_of(text), ret_number)
               ? WEFT_OK
               : weft_fail(msg, WEFT_EINVAL, "%.40s: a leaf has a number, from 0", text);
}

static enum weft_err show(
    const struct weft_args *args, struct weft_client *client, struct weft_msg *msg)
{
    struct weft_audit_source source;
    struct weft_audit_result result;
    weft_audit_source_init(&source, client, weft_args_has(args, "stale"));
    enum weft_err err = weft_audit_source_ask(&source, "", &result, msg);
    const uint64_t size = err == WEFT_OK ? result.size : 0;
    for (int i = 0; err == WEFT_OK && i < args->operand_count; i++) {
        uint64_t number = 0;
        struct weft_bytes leaf;
        err = read_number(args->operands[i], &number, msg);
        if (err == WEFT_OK) {
            err = weft_audit_source_leaf(&source, size, number, &leaf, msg);
        }
        if (err == WEFT_OK) {
            (void)fwrite(leaf.data, 1, leaf.size, stdout);
        }
    }
    weft_audit_source_close(&source);
    return err;
}

enum weft_exit weft_cmd_audit_show(const struct weft_args *args)
{
    return weft_with_client(args, show);
}

static enum weft_err make_proof(struct weft_audit_source *source, uint64_t number,
    struct weft_buffer *note, struct weft_buffer *out, struct weft_msg *msg)
{
    struct weft_merkle_head tree = {0};
    struct weft_tlog_proof proof = {.index = number};
    struct weft_bytes leaf;
    struct weft_merkle_prover *prover = malloc(sizeof(*prover)); /* 64 KiB */
    enum weft_err err = prover != NULL ? weft_audit_source_checkpoint(source, note, &tree, msg)
                                       : weft_fail(msg, WEFT_ENOMEM, "prove a leaf");
    if (err == WEFT_OK) {
        proof.checkpoint = weft_buffer_as_text(note);
        weft_merkle_prover_init(prover, tree.size, weft_audit_source_tile, source);
        err = weft_merkle_prove_inclusion(prover, number, &proof.proof, msg);
    }
    if (err == WEFT_OK) {
        err = weft_audit_source_leaf(source, tree.size, number, &leaf, msg);
    }
    /* What is handed out was verified. */
    if (err == WEFT_OK) {
        err = weft_tlog_proof_verify(&proof, leaf, &tree, msg);
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
    struct weft_audit_source source;
    struct weft_buffer note = {.size_max = WEFT_NOTE_SIZE_MAX};
    struct weft_buffer out = {.size_max = WEFT_TLOG_PROOF_SIZE_MAX};
    uint64_t number = 0;
    weft_audit_source_init(&source, client, weft_args_has(args, "stale"));
    enum weft_err err = read_number(args->operands[0], &number, msg);
    if (err == WEFT_OK) {
        err = make_proof(&source, number, &note, &out, msg);
    }
    if (err == WEFT_OK) {
        (void)fwrite(out.data, 1, out.size, stdout);
    }
    weft_buffer_destroy(&out);
    weft_buffer_destroy(&note);
    weft_audit_source_close(&source);
    return err;
}

enum weft_exit weft_cmd_audit_prove(const struct weft_args *args)
{
    return weft_with_client(args, prove);
}

/* --- export ---------------------------------------------------------------------------------- */

static enum weft_err export_all(
    const struct weft_args *args, struct weft_client *client, struct weft_msg *msg)
{
    const char *directory = args->operands[0];
    struct weft_audit_source source;
    struct weft_buffer note = {.size_max = WEFT_NOTE_SIZE_MAX};
    struct weft_merkle_head tree = {.size = 0};
    weft_audit_source_init(&source, client, weft_args_has(args, "stale"));
    enum weft_err err = weft_audit_source_checkpoint(&source, &note, &tree, msg);
    for (unsigned level = 0; err == WEFT_OK && level < WEFT_TILE_LEVELS; level++) {
        for (uint64_t i = 0; err == WEFT_OK && i < weft_tile_count(tree.size, level); i++) {
            struct weft_tile tile = {
                .level = level, .index = i, .width = weft_tile_width(tree.size, level, i)};
            err = weft_audit_files_fetch(&source, directory, &tile, msg);
            tile.is_bundle = true;
            if (err == WEFT_OK && level == 0) {
                err = weft_audit_files_fetch_bundle(&source, directory, &tile, msg);
            }
        }
    }
    /* Last: who finds it finds all that it speaks for. */
    if (err == WEFT_OK) {
        err = weft_audit_files_write(
            directory, "checkpoint", (struct weft_bytes){note.data, note.size}, msg);
    }
    if (err == WEFT_OK) {
        (void)printf("%" PRIu64 " leaves in %s\n", tree.size, directory);
    }
    weft_buffer_destroy(&note);
    weft_audit_source_close(&source);
    return err;
}

enum weft_exit weft_cmd_audit_export(const struct weft_args *args)
{
    return weft_with_client(args, export_all);
}

/* --- verify ---------------------------------------------------------------------------------- */

struct verification {
    struct weft_audit_keys keys;
    struct weft_merkle_head known;
    bool has_known;
    struct weft_audit_order order;
    struct weft_audit_evidence evidence;
    bool with_evidence;
    /* The first fault of a leaf, or of what it commits to: it counts if the tree is right. */
    enum weft_err leaf_err;
    struct weft_msg leaf_msg;
};

/* The head of an older checkpoint, which whoever gives it trusts: its signatures are not asked. */
static enum weft_err read_known(
    const struct weft_args *args, struct verification *v, struct weft_msg *msg)
{
    const char *path = weft_args_text(args, "known", NULL);
    struct weft_buffer bytes = {.size_max = WEFT_NOTE_SIZE_MAX};
    struct weft_checkpoint_note checkpoint;
    if (path == NULL) {
        return WEFT_OK;
    }
    enum weft_err err = weft_files_read(path, &bytes, msg);
    if (err == WEFT_OK) {
        err = weft_audit_files_checkpoint(weft_buffer_as_text(&bytes), &checkpoint, msg);
    }
    if (err == WEFT_OK) {
        v->known = checkpoint.head;
        v->has_known = true;
    }
    weft_buffer_destroy(&bytes);
    return err == WEFT_OK ? err : weft_wrap(msg, err, "%s", path);
}

/* Leaves of ours follow each other, and what they commit to lies beside them. */
static enum weft_err on_leaf(
    void *ctx, uint64_t number, struct weft_bytes bytes, struct weft_msg *msg)
{
    struct weft_audit_leaf leaf;
    struct weft_audit_reading *reading = ctx;
    struct verification *v = reading->ctx;
    struct weft_text text = {(const char *)bytes.data, bytes.size};
    (void)msg;
    if (v->leaf_err != WEFT_OK) {
        return WEFT_OK;
    }
    v->leaf_err = weft_audit_leaf_parse(text, &leaf, &v->leaf_msg);
    if (v->leaf_err == WEFT_OK) {
        v->leaf_err = weft_audit_order_step(&v->order, &leaf, &v->leaf_msg);
    }
    if (v->leaf_err != WEFT_OK) {
        v->leaf_err = weft_wrap(&v->leaf_msg, v->leaf_err, "leaf %" PRIu64, number);
    } else if (v->with_evidence) {
        v->leaf_err = weft_audit_evidence_step(&v->evidence, &leaf, &v->leaf_msg);
    }
    return WEFT_OK;
}

static enum weft_err verify(
    const struct weft_args *args, struct verification *v, struct weft_msg *msg)
{
    struct weft_audit_reading reading = {.directory = args->operands[0], .ctx = v};
    struct weft_audit_answer answer;
    enum weft_err err = weft_audit_keys_read(args, &v->keys, msg);
    if (err == WEFT_OK) {
        err = read_known(args, v, msg);
    }
    if (err != WEFT_OK) {
        return err;
    }
    const struct weft_audit_question question = {.read = weft_audit_files_read,
        .on_leaf = on_leaf,
        .ctx = &reading,
        .origin = weft_text_of(v->keys.verifiers[0].name),
        .verifiers = v->keys.verifiers,
        .verifier_count = v->keys.count,
        .threshold = (uint32_t)v->keys.threshold,
        .known = v->has_known ? &v->known : NULL};
    v->evidence = (struct weft_audit_evidence){.read = weft_audit_files_read, .ctx = &reading};
    v->with_evidence = !weft_args_has(args, "no-evidence");
    err = weft_audit_verify(&question, &answer, msg);
    if (err == WEFT_OK && v->leaf_err == WEFT_OK) {
        v->leaf_err = weft_audit_evidence_end(&v->evidence, &v->leaf_msg);
    }
    if (err == WEFT_OK && v->leaf_err != WEFT_OK) {
        err = weft_fail(msg, WEFT_EBADSIG, "%s", v->leaf_msg.text);
    }
    if (err == WEFT_EMALFORMED || err == WEFT_ENOTFOUND) {
        err = WEFT_EBADSIG; /* The log is bad, not the question: one exit code. */
    }
    if (err == WEFT_OK) {
        char root[WEFT_DIGEST_TEXT_SIZE];
        weft_digest_format(&answer.head.root, root);
        (void)printf("%s: %" PRIu64 " leaves, root %s, signed by %u of %u keys: all good\n",
            v->keys.verifiers[0].name, answer.head.size, root, answer.key_count, v->keys.count);
    }
    if (err == WEFT_OK && v->evidence.sound + v->evidence.redacted > 0) {
        (void)printf("evidence: %" PRIu64 " blobs are what leaves commit to, %" PRIu64
                     " were redacted\n",
            v->evidence.sound, v->evidence.redacted);
    }
    weft_audit_evidence_close(&v->evidence);
    return err;
}

enum weft_exit weft_cmd_audit_verify(const struct weft_args *args)
{
    struct weft_msg msg = {""};
    struct verification *v = calloc(1, sizeof(*v));
    enum weft_err err = WEFT_ENOMEM;
    if (v != NULL) {
        err = verify(args, v, &msg);
        free(v);
    }
    return weft_complain(err, &msg);
}
