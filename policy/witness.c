#include "policy/witness.h"

#include <inttypes.h>

#include "proto/check.h"

/* --- the request ----------------------------------------------------------------------------- */

enum weft_err weft_witness_request_encode(
    const struct weft_witness_request *request, struct weft_buffer *out)
{
    const size_t before = out->size;
    if (request->proof.count > WEFT_WITNESS_HASHES_MAX) {
        return WEFT_ETOOBIG;
    }
    enum weft_err err = weft_buffer_format(out, "old %" PRIu64 "\n", request->old_size);
    if (err == WEFT_OK) {
        err = weft_merkle_proof_format(out, &request->proof);
    }
    if (err == WEFT_OK) {
        err = weft_buffer_text(out, WEFT_TEXT("\n"));
    }
    if (err == WEFT_OK) {
        err = weft_buffer_text(out, request->checkpoint);
    }
    if (err != WEFT_OK) {
        out->size = before;
    }
    return err;
}

enum weft_err weft_witness_request_parse(
    struct weft_text body, struct weft_witness_request *ret_request, struct weft_msg *msg)
{
    static const char word[] = "old ";
    const size_t skip = sizeof(word) - 1;
    struct weft_witness_request request;
    if (body.size > WEFT_WITNESS_REQUEST_SIZE_MAX) {
        return weft_fail(
            msg, WEFT_ETOOBIG, "a request over %d bytes", WEFT_WITNESS_REQUEST_SIZE_MAX);
    }
    struct weft_text line;
    request.checkpoint = body;
    if (!weft_text_cut(&request.checkpoint, '\n', &line) || line.size < skip ||
        memcmp(line.data, word, skip) != 0) {
        return weft_fail(msg, WEFT_EMALFORMED, "line 1: not \"old <size>\"");
    }
    const struct weft_text number = {line.data + skip, line.size - skip};
    if (!weft_text_exact_number(number, &request.old_size)) {
        return weft_fail(
            msg, WEFT_EMALFORMED, "line 1: not a tree size, decimal without leading zeros");
    }
    enum weft_err err =
        weft_merkle_proof_parse(&request.checkpoint, WEFT_WITNESS_HASHES_MAX, &request.proof, msg);
    if (err != WEFT_OK) {
        return err;
    }
    *ret_request = request;
    return WEFT_OK;
}

/* --- the decision ---------------------------------------------------------------------------- */

static const struct weft_witness_log *find_log(
    struct weft_text origin, const struct weft_witness_log *logs, uint32_t log_count)
{
    for (uint32_t i = 0; i < log_count; i++) {
        if (weft_text_equal(logs[i].origin, origin)) {
            return &logs[i];
        }
    }
    return NULL;
}

static bool is_signed(
    const struct weft_note *note, const struct weft_witness_log *log, struct weft_msg *msg)
{
    struct weft_note_mark marks[WEFT_WITNESS_VERIFIERS_MAX];
    weft_assert(log->verifier_count <= WEFT_WITNESS_VERIFIERS_MAX); /* POL-47 */
    return weft_note_verify(note, log->verifiers, log->verifier_count, marks, msg) == WEFT_OK;
}

/* POL-47, of a checkpoint that the log signed, in the standard's order. */
static enum weft_witness_outcome judge_growth(const struct weft_witness_request *request,
    const struct weft_merkle_head *last, const struct weft_merkle_head *next, struct weft_msg *msg)
{
    if (request->old_size > next->size) {
        (void)weft_fail(msg, WEFT_EINVAL, "the old size is above the checkpoint's");
        return WEFT_WITNESS_MALFORMED;
    }
    if (request->old_size != last->size) {
        (void)weft_fail(msg, WEFT_ECONFLICT,
            "the last one cosigned has %" PRIu64 " leaves, not "
            "%" PRIu64,
            last->size, request->old_size);
        return WEFT_WITNESS_CONFLICT;
    }
    const struct weft_digest empty = weft_merkle_empty();
    if (next->size == 0 && !weft_digest_equal(&next->root, &empty)) {
        (void)weft_fail(msg, WEFT_EBADSIG, "an empty tree has another root");
        return WEFT_WITNESS_UNPROCESSABLE;
    }
    if (request->old_size == 0) {
        if (request->proof.count == 0) {
            return WEFT_WITNESS_COSIGN;
        }
        (void)weft_fail(msg, WEFT_EINVAL, "a proof from the empty tree has no hashes");
        return WEFT_WITNESS_UNPROCESSABLE;
    }
    enum weft_err err = weft_merkle_verify_consistency(
        last->size, next->size, &last->root, &request->proof, &next->root, msg);
    return err == WEFT_OK ? WEFT_WITNESS_COSIGN : WEFT_WITNESS_UNPROCESSABLE;
}

void weft_witness_decide(struct weft_text body, const struct weft_witness_log *logs,
    uint32_t log_count, struct weft_witness_decision *ret_decision, struct weft_msg *msg)
{
    struct weft_witness_request request = {.old_size = 0};
    struct weft_note note;
    struct weft_checkpoint_note checkpoint;
    *ret_decision = (struct weft_witness_decision){.outcome = WEFT_WITNESS_MALFORMED};
    if (weft_witness_request_parse(body, &request, msg) != WEFT_OK ||
        weft_note_parse(request.checkpoint, &note, msg) != WEFT_OK ||
        weft_checkpoint_note_parse(note.text, &checkpoint, msg) != WEFT_OK) {
        return;
    }
    const struct weft_witness_log *log = find_log(checkpoint.origin, logs, log_count);
    if (log == NULL) {
        ret_decision->outcome = WEFT_WITNESS_UNKNOWN;
        (void)weft_fail(msg, WEFT_ENOTFOUND, "no log \"%.*s\" here", (int)checkpoint.origin.size,
            checkpoint.origin.data);
        return;
    }
    ret_decision->log = (uint32_t)(log - logs);
    ret_decision->last = log->last;
    if (!is_signed(&note, log, msg)) {
        ret_decision->outcome = WEFT_WITNESS_FORBIDDEN;
        return;
    }
    ret_decision->is_split = log->last.size != 0 && log->last.size == checkpoint.head.size &&
                             !weft_digest_equal(&log->last.root, &checkpoint.head.root);
    ret_decision->outcome = judge_growth(&request, &log->last, &checkpoint.head, msg);
    if (ret_decision->outcome == WEFT_WITNESS_COSIGN) {
        weft_assert(!ret_decision->is_split); /* POL-47 */
        ret_decision->next = checkpoint.head;
        ret_decision->text = note.text;
    }
}

enum weft_err weft_witness_record(
    struct weft_merkle_head *record, const struct weft_witness_decision *decision)
{
    weft_assert(decision->outcome == WEFT_WITNESS_COSIGN); /* POL-47 */
    bool is_same = record->size == decision->last.size &&
                   (record->size == 0 || weft_digest_equal(&record->root, &decision->last.root));
    if (!is_same) {
        return WEFT_ECONFLICT;
    }
    weft_assert(decision->next.size >= record->size); /* POL-47 */
    *record = decision->next;
    return WEFT_OK;
}
