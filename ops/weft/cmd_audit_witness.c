#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "ops/weft/audit_files.h"
#include "policy/merkle_proof.h"
#include "policy/witness.h"
#include "policy/witness_policy.h"

/* audit witness: what witnesses are asked (C2SP tlog-witness, add-checkpoint), and what becomes of
 * their answers. Who carries the two is any HTTP client: witnesses are other organizations'. */

/* --- what is asked --------------------------------------------------------------------------- */

static enum weft_err make_request(struct weft_audit_source *source, uint64_t old_size,
    struct weft_buffer *out, struct weft_msg *msg)
{
    struct weft_buffer note = {.size_max = WEFT_NOTE_SIZE_MAX};
    struct weft_merkle_head tree = {.size = 0};
    struct weft_witness_request request = {.old_size = old_size};
    struct weft_merkle_prover *prover = malloc(sizeof(*prover)); /* 64 KiB */
    enum weft_err err = prover != NULL ? weft_audit_source_checkpoint(source, &note, &tree, msg)
                                       : weft_fail(msg, WEFT_ENOMEM, "ask a witness");
    if (err == WEFT_OK && old_size > tree.size) {
        err = weft_fail(msg, WEFT_EINVAL, "the checkpoint has %" PRIu64 " leaves, not %" PRIu64,
            tree.size, old_size);
    }
    if (err == WEFT_OK && old_size > 0 && old_size < tree.size) {
        weft_merkle_prover_init(prover, tree.size, weft_audit_source_tile, source);
        err = weft_merkle_prove_consistency(prover, old_size, &request.proof, msg);
    }
    request.checkpoint = (struct weft_text){(const char *)note.data, note.size};
    if (err == WEFT_OK) {
        err = weft_witness_request_encode(&request, out);
    }
    weft_buffer_destroy(&note);
    free(prover);
    return err;
}

static enum weft_err ask(
    const struct weft_args *args, struct weft_client *client, struct weft_msg *msg)
{
    struct weft_audit_source source;
    struct weft_buffer out = {.size_max = WEFT_WITNESS_REQUEST_SIZE_MAX};
    uint64_t old_size = 0;
    weft_audit_source_init(&source, client, weft_args_has(args, "stale"));
    enum weft_err err = weft_args_number(args, "old", 0, WEFT_MERKLE_SIZE_MAX, 0, &old_size, msg);
    if (err == WEFT_OK) {
        err = make_request(&source, old_size, &out, msg);
    }
    if (err == WEFT_OK) {
        (void)fwrite(out.data, 1, out.size, stdout);
    }
    weft_buffer_destroy(&out);
    weft_audit_source_close(&source);
    return err;
}

/* --- what is answered ------------------------------------------------------------------------ */

struct joining {
    struct weft_buffer request, policy, lines, note;
    struct weft_witness_policy *rules;
};

/* The checkpoint of the request, with its own lines and those of the answers. */
static enum weft_err gather(struct joining *j, const struct weft_args *args, struct weft_msg *msg)
{
    struct weft_witness_request request;
    struct weft_note note;
    enum weft_err err = weft_files_read(args->operands[0], &j->request, msg);
    if (err == WEFT_OK) {
        err = weft_witness_request_parse(
            (struct weft_text){(const char *)j->request.data, j->request.size}, &request, msg);
    }
    if (err == WEFT_OK) {
        err = weft_note_parse(request.checkpoint, &note, msg);
    }
    if (err != WEFT_OK) {
        return weft_wrap(msg, err, "%s", args->operands[0]);
    }
    size_t skip = note.text.size + 1; /* And the blank line. */
    err = weft_buffer_append(
        &j->lines, request.checkpoint.data + skip, request.checkpoint.size - skip);
    for (int i = 1; err == WEFT_OK && i < args->operand_count; i++) {
        struct weft_note answer;
        size_t before = j->lines.size;
        err = weft_files_read(args->operands[i], &j->lines, msg);
        struct weft_text lines = {(const char *)j->lines.data + before, j->lines.size - before};
        err = err == WEFT_OK ? weft_note_parse_lines(lines, &answer, msg) : err;
        err = err == WEFT_OK ? err : weft_wrap(msg, err, "%s", args->operands[i]);
    }
    return err == WEFT_OK
               ? weft_note_join(note.text,
                     (struct weft_text){(const char *)j->lines.data, j->lines.size}, &j->note, msg)
               : err;
}

static enum weft_err join(const struct weft_args *args, struct joining *j, struct weft_msg *msg)
{
    const char *policy = weft_args_text(args, "policy", NULL);
    struct weft_checkpoint_note checkpoint;
    if (policy == NULL) {
        return weft_fail(msg, WEFT_EINVAL, "--policy FILE is missing: which witnesses count");
    }
    enum weft_err err = weft_files_read(policy, &j->policy, msg);
    if (err == WEFT_OK) {
        err = weft_witness_policy_parse(
            (struct weft_text){(const char *)j->policy.data, j->policy.size}, j->rules, msg);
        err = err == WEFT_OK ? err : weft_wrap(msg, err, "%s", policy);
    }
    if (err == WEFT_OK) {
        err = gather(j, args, msg);
    }
    if (err == WEFT_OK) {
        err = weft_witness_policy_verify(j->rules,
            (struct weft_text){(const char *)j->note.data, j->note.size}, &checkpoint, msg);
        /* Of whatever is wrong with it: one exit code. */
        err = err == WEFT_OK || err == WEFT_ENOMEM ? err : WEFT_EBADSIG;
    }
    if (err == WEFT_OK) {
        (void)fwrite(j->note.data, 1, j->note.size, stdout);
    }
    return err;
}

enum weft_exit weft_cmd_audit_witness(const struct weft_args *args)
{
    struct weft_msg msg = {""};
    if (args->operand_count == 0) {
        return weft_with_client(args, ask);
    }
    struct joining j = {.request = {.size_max = WEFT_WITNESS_REQUEST_SIZE_MAX},
        .policy = {.size_max = WEFT_WITNESS_POLICY_SIZE_MAX},
        .lines = {.size_max = WEFT_NOTE_SIZE_MAX},
        .note = {.size_max = WEFT_NOTE_SIZE_MAX},
        .rules = malloc(sizeof(*j.rules))};
    enum weft_err err = j.rules != NULL ? join(args, &j, &msg) : WEFT_ENOMEM;
    weft_buffer_destroy(&j.request);
    weft_buffer_destroy(&j.policy);
    weft_buffer_destroy(&j.lines);
    weft_buffer_destroy(&j.note);
    free(j.rules);
    return weft_complain(err, &msg);
}
