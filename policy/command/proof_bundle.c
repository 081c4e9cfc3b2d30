#include "policy/command/proof_bundle.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "policy/tlog_proof.h"
#include "proto/check.h"

static const char header[] = "weft-bundle/v1";
static const int64_t ms_ns = 1000 * 1000;

static const char *const faults[WEFT_PROOF_FAULTS] = {
    [WEFT_PROOF_SOUND] = "sound",
    [WEFT_PROOF_MALFORMED] = "malformed",
    [WEFT_PROOF_ELSEWHERE] = "elsewhere",
    [WEFT_PROOF_SIGNATURE] = "signature",
    [WEFT_PROOF_APPROVALS] = "approvals",
    [WEFT_PROOF_ENVELOPE] = "envelope",
    [WEFT_PROOF_LEAF] = "leaf",
    [WEFT_PROOF_TREE] = "tree",
    [WEFT_PROOF_QUORUM] = "quorum",
    [WEFT_PROOF_STALE] = "stale",
    [WEFT_PROOF_WINDOW] = "window",
};

const char *weft_proof_fault_name(enum weft_proof_fault fault)
{
    weft_assert((unsigned)fault < WEFT_PROOF_FAULTS); /* ACT-11 */
    return faults[fault];
}

/* --- names ----------------------------------------------------------------------------------- */

static const char subject_stem[] = "command:";

void weft_command_subject(
    const uint8_t id[WEFT_COMMAND_ID_SIZE], char ret_subject[WEFT_COMMAND_SUBJECT_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    char *end = ret_subject + sizeof(subject_stem) - 1;
    memcpy(ret_subject, subject_stem, sizeof(subject_stem) - 1);
    for (size_t i = 0; i < WEFT_COMMAND_ID_SIZE; i++) {
        *end++ = digits[id[i] >> 4];
        *end++ = digits[id[i] & 15];
    }
    *end = '\0';
}

bool weft_command_subject_parse(struct weft_text subject, uint8_t ret_id[WEFT_COMMAND_ID_SIZE])
{
    char again[WEFT_COMMAND_SUBJECT_SIZE];
    uint8_t id[WEFT_COMMAND_ID_SIZE] = {0};
    size_t stem = sizeof(subject_stem) - 1;
    if (subject.size != WEFT_COMMAND_SUBJECT_SIZE - 1) {
        return false;
    }
    for (size_t i = 0; i < 2 * sizeof(id); i++) {
        char c = subject.data[stem + i];
        uint8_t digit = (uint8_t)(c >= 'a' ? c - 'a' + 10 : c - '0');
        id[i / 2] = (uint8_t)(id[i / 2] << 4 | (digit & 15));
    }
    weft_command_subject(id, again); /* Digits that are none come out as others. */
    if (memcmp(again, subject.data, subject.size) != 0) {
        return false;
    }
    memcpy(ret_id, id, sizeof(id));
    return true;
}

/* --- the text -------------------------------------------------------------------------------- */

static enum weft_err fail(struct weft_msg *msg, const char *part)
{
    return weft_fail(
        msg, WEFT_EMALFORMED, "bundle: expected \"%s <size>\" and as many bytes", part);
}

/* The next part, if it is of that name. False: it is not, or it is broken. */
static bool take_part(struct weft_text *rest, const char *name, struct weft_text *ret_part)
{
    struct weft_text behind = *rest, line, word;
    uint64_t size;
    if (!weft_text_cut(&behind, '\n', &line) || !weft_text_cut(&line, ' ', &word) ||
        !weft_text_is(word, name) || !weft_text_exact_number(line, &size) || size == 0 ||
        size > behind.size) {
        return false;
    }
    *ret_part = (struct weft_text){behind.data, (size_t)size};
    *rest = (struct weft_text){behind.data + size, behind.size - (size_t)size};
    return true;
}

static bool take_token(struct weft_text *rest, struct weft_fence *ret_fence)
{
    struct weft_text line, word;
    return weft_text_cut(rest, '\n', &line) && weft_text_cut(&line, ' ', &word) &&
           weft_text_is(word, "token") && weft_text_cut(&line, ' ', &word) &&
           weft_text_exact_number(word, &ret_fence->term) &&
           weft_text_exact_number(line, &ret_fence->index) && ret_fence->term > 0 &&
           ret_fence->index > 0;
}

enum weft_err weft_proof_bundle_parse(
    struct weft_text text, struct weft_proof_bundle *ret_bundle, struct weft_msg *msg)
{
    struct weft_proof_bundle b = {.approval_count = 0};
    struct weft_text rest = text, line, part;
    if (text.size > WEFT_PROOF_BUNDLE_SIZE_MAX) {
        return weft_fail(msg, WEFT_ETOOBIG, "bundle: over %d bytes", WEFT_PROOF_BUNDLE_SIZE_MAX);
    }
    if (!weft_text_cut(&rest, '\n', &line) || !weft_text_is(line, header)) {
        return weft_fail(msg, WEFT_EMALFORMED, "bundle: line 1: expected \"%s\"", header);
    }
    if (!take_token(&rest, &b.fence)) {
        return weft_fail(
            msg, WEFT_EMALFORMED, "bundle: line 2: expected \"token <term> <index>\", above 0");
    }
    if (!take_part(&rest, "command", &b.command)) {
        return fail(msg, "command");
    }
    while (take_part(&rest, "approval", &part)) {
        if (b.approval_count == WEFT_COMMAND_APPROVALS_MAX) {
            return weft_fail(
                msg, WEFT_ETOOBIG, "bundle: more than %d approvals", WEFT_COMMAND_APPROVALS_MAX);
        }
        b.approvals[b.approval_count++] = part;
    }
    while (take_part(&rest, "envelope", &part)) {
        if (b.envelope_count == WEFT_COMMAND_ENVELOPES_MAX) {
            return weft_fail(
                msg, WEFT_ETOOBIG, "bundle: more than %d envelopes", WEFT_COMMAND_ENVELOPES_MAX);
        }
        b.envelopes[b.envelope_count++] = part;
    }
    if (b.envelope_count == 0) {
        return fail(msg, "approval or envelope");
    }
    if (!take_part(&rest, "leaf", &b.leaf)) {
        return fail(msg, "leaf");
    }
    if (!take_part(&rest, "proof", &b.proof)) {
        return fail(msg, "proof");
    }
    if (rest.size > 0) {
        return weft_fail(msg, WEFT_EMALFORMED, "bundle: more behind the proof");
    }
    *ret_bundle = b;
    return WEFT_OK;
}

static enum weft_err put_part(struct weft_buffer *out, const char *name, struct weft_text part)
{
    enum weft_err err = weft_buffer_format(out, "%s %zu\n", name, part.size);
    return err == WEFT_OK ? weft_buffer_text(out, part) : err;
}

static enum weft_err put_all(const struct weft_proof_bundle *b, struct weft_buffer *out)
{
    enum weft_err err = weft_buffer_format(
        out, "%s\ntoken %" PRIu64 " %" PRIu64 "\n", header, b->fence.term, b->fence.index);
    if (err == WEFT_OK) {
        err = put_part(out, "command", b->command);
    }
    for (uint32_t i = 0; err == WEFT_OK && i < b->approval_count; i++) {
        err = put_part(out, "approval", b->approvals[i]);
    }
    for (uint32_t i = 0; err == WEFT_OK && i < b->envelope_count; i++) {
        err = put_part(out, "envelope", b->envelopes[i]);
    }
    if (err == WEFT_OK) {
        err = put_part(out, "leaf", b->leaf);
    }
    return err == WEFT_OK ? put_part(out, "proof", b->proof) : err;
}

enum weft_err weft_proof_bundle_encode(
    const struct weft_proof_bundle *bundle, struct weft_buffer *out, struct weft_msg *msg)
{
    size_t before = out->size;
    struct weft_proof_bundle again;
    enum weft_err err = put_all(bundle, out), decoded = WEFT_OK;
    if (err == WEFT_OK) {
        decoded = weft_proof_bundle_parse(
            (struct weft_text){(const char *)out->data + before, out->size - before}, &again, msg);
    }
    return weft_document_end(out, before, err, decoded, msg);
}

/* --- judged ---------------------------------------------------------------------------------- */

/* One verification. */
struct verifier {
    const struct weft_proof_bundle *bundle;
    const struct weft_proof_trust *trust;
    int64_t now_ns;
    struct weft_proof *proof;
    enum weft_proof_fault fault;
    struct weft_msg *msg;
};

static enum weft_err refuse(struct verifier *v, enum weft_proof_fault fault, const char *why)
{
    v->fault = fault;
    return weft_fail(v->msg, WEFT_EREFUSED, "%s: %s", faults[fault], why);
}

/* A reason is in the message already. */
static enum weft_err refuse_by(
    struct verifier *v, enum weft_proof_fault fault, enum weft_err err, const char *part)
{
    if (err == WEFT_OK || err == WEFT_ENOMEM) {
        return err;
    }
    v->fault = fault;
    return weft_wrap(v->msg, WEFT_EREFUSED, "%s: %s", faults[fault], part);
}

static enum weft_err check_command(struct verifier *v)
{
    struct weft_note note;
    struct weft_command_note *command = &v->proof->command;
    struct weft_principal gateway;
    enum weft_err err = weft_note_parse(v->bundle->command, &note, v->msg);
    if (err == WEFT_OK) {
        err = weft_command_note_decode(note.text, command, v->msg);
    }
    if (err != WEFT_OK) {
        return refuse_by(v, WEFT_PROOF_MALFORMED, err, "command");
    }
    if (!weft_text_equal(command->origin, v->trust->origin) ||
        !weft_channel_gateway(command->channel, weft_text_of(v->trust->gateway->org), &gateway) ||
        !weft_principal_equal(&gateway, v->trust->gateway)) {
        return refuse(v, WEFT_PROOF_ELSEWHERE, "of another log, or for another gateway");
    }
    err = weft_keyring_verify(v->trust->ring, &note, WEFT_DOCUMENT_COMMAND, &command->proposer,
        v->trust->ring_index, v->msg);
    return refuse_by(v, WEFT_PROOF_SIGNATURE, err, "command");
}

static enum weft_err check_approval(struct verifier *v, uint32_t number)
{
    struct weft_note note;
    struct weft_approval_note *approval = &v->proof->approvals[number];
    const struct weft_command_note *command = &v->proof->command;
    enum weft_err err = weft_note_parse(v->bundle->approvals[number], &note, v->msg);
    if (err == WEFT_OK) {
        err = weft_approval_note_decode(note.text, approval, v->msg);
    }
    if (err != WEFT_OK) {
        return refuse_by(v, WEFT_PROOF_MALFORMED, err, "approval");
    }
    err = weft_keyring_verify(v->trust->ring, &note, WEFT_DOCUMENT_APPROVAL, &approval->approver,
        v->trust->ring_index, v->msg);
    if (err != WEFT_OK) {
        return refuse_by(v, WEFT_PROOF_SIGNATURE, err, "approval");
    }
    if (!weft_digest_equal(&approval->command, &command->digest) ||
        memcmp(approval->id, command->id, sizeof(command->id)) != 0 ||
        approval->meaning != WEFT_APPROVAL_APPROVE) {
        return refuse(v, WEFT_PROOF_APPROVALS, "not an approval of this command");
    }
    bool is_other = !weft_principal_equal(&approval->approver, &command->proposer);
    for (uint32_t i = 0; i < number && is_other; i++) {
        is_other = !weft_principal_equal(&approval->approver, &v->proof->approvals[i].approver);
    }
    return is_other ? WEFT_OK
                    : refuse(v, WEFT_PROOF_APPROVALS, "by the proposer, or by somebody twice");
}

/* ACT-4: each counts once, and none of who proposed. */
static enum weft_err check_approvals(struct verifier *v)
{
    struct weft_proof *proof = v->proof;
    enum weft_err err = WEFT_OK;
    for (uint32_t i = 0; err == WEFT_OK && i < v->bundle->approval_count; i++) {
        err = check_approval(v, i);
    }
    proof->approval_count = v->bundle->approval_count;
    if (err == WEFT_OK && !proof->command.is_break_glass &&
        proof->approval_count < v->trust->approvals_min[proof->command.tier]) {
        err = refuse(v, WEFT_PROOF_APPROVALS, "fewer than this gateway demands for the tier");
    }
    return err;
}

/* Who signed them was judged when they came in; the command's signers have seen these texts. */
static enum weft_err check_envelopes(struct verifier *v)
{
    const struct weft_command_note *command = &v->proof->command;
    if (v->bundle->envelope_count != command->envelope_count) {
        return refuse(v, WEFT_PROOF_ENVELOPE, "another number than the command names");
    }
    for (uint32_t i = 0; i < command->envelope_count; i++) {
        struct weft_envelope_note *envelope = &v->proof->envelopes[i];
        const struct weft_envelope_ref *ref = &command->envelopes[i];
        enum weft_err err = weft_envelope_note_decode(v->bundle->envelopes[i], envelope, v->msg);
        if (err != WEFT_OK) {
            return refuse_by(v, WEFT_PROOF_MALFORMED, err, "envelope");
        }
        if (!weft_text_equal(ref->name, envelope->name) || ref->version != envelope->link.version ||
            !weft_digest_equal(&ref->digest, &envelope->link.digest)) {
            return refuse(v, WEFT_PROOF_ENVELOPE, "not the one that the command names");
        }
        if (!weft_envelope_note_is_about(envelope, command->target, command->verb)) {
            return refuse(v, WEFT_PROOF_ENVELOPE, "not about this target and verb");
        }
    }
    v->proof->envelope_count = command->envelope_count;
    return WEFT_OK;
}

static bool has_evidence(const struct weft_audit_leaf *leaf, const struct weft_digest *digest)
{
    for (uint32_t i = 0; i < leaf->evidence_count; i++) {
        if (weft_digest_equal(&leaf->evidence[i], digest)) {
            return true;
        }
    }
    return false;
}

/* ACT-11: the leaf is of this command, under this token, with these approvals and no others. */
static enum weft_err check_leaf(struct verifier *v)
{
    struct weft_proof *proof = v->proof;
    struct weft_audit_leaf *leaf = &proof->leaf;
    char subject[WEFT_COMMAND_SUBJECT_SIZE];
    enum weft_err err = weft_audit_leaf_parse(v->bundle->leaf, leaf, v->msg);
    if (err != WEFT_OK) {
        return refuse_by(v, WEFT_PROOF_MALFORMED, err, "leaf");
    }
    bool is_intent = weft_text_is(leaf->act, WEFT_PROOF_ACT_INTENT) &&
                     weft_text_is(leaf->to, WEFT_PROOF_STATE_INTENT);
    bool is_shadow = weft_text_is(leaf->act, WEFT_PROOF_ACT_SHADOW) &&
                     weft_text_is(leaf->to, WEFT_PROOF_STATE_SHADOW);
    weft_command_subject(proof->command.id, subject);
    bool is_ours = (is_intent || is_shadow) && leaf->effect == WEFT_AUDIT_ALLOW &&
                   leaf->count == 1 && weft_text_is(leaf->subject, subject) &&
                   leaf->term == v->bundle->fence.term && leaf->index == v->bundle->fence.index &&
                   leaf->evidence_count == 1 + proof->approval_count &&
                   has_evidence(leaf, &proof->command.digest);
    for (uint32_t i = 0; is_ours && i < proof->approval_count; i++) {
        is_ours = has_evidence(leaf, &proof->approvals[i].digest) &&
                  leaf->time_ns <= proof->approvals[i].expires_ns;
    }
    proof->is_shadow = is_shadow || proof->command.is_shadow;
    return is_ours ? WEFT_OK
                   : refuse(v, WEFT_PROOF_LEAF,
                         "not the intent of this command, with its approvals and token");
}

static enum weft_err check_quorum(
    struct verifier *v, struct weft_text checkpoint, struct weft_merkle_head *ret_head)
{
    struct weft_note note;
    struct weft_checkpoint_note text;
    struct weft_proof_seen *seen = v->trust->seen;
    const struct weft_digest digest = weft_sha256(checkpoint.data, checkpoint.size);
    uint32_t count = 0;
    if (seen != NULL && seen->is_known && weft_digest_equal(&seen->note, &digest)) {
        *ret_head = seen->head;
        return WEFT_OK;
    }
    enum weft_err err = weft_note_parse(checkpoint, &note, v->msg);
    if (err == WEFT_OK) {
        err = weft_checkpoint_note_parse(note.text, &text, v->msg);
    }
    if (err != WEFT_OK) {
        return refuse_by(v, WEFT_PROOF_MALFORMED, err, "checkpoint");
    }
    if (!weft_text_equal(text.origin, v->trust->origin)) {
        return refuse(v, WEFT_PROOF_ELSEWHERE, "the checkpoint of another log");
    }
    struct weft_note_mark *marks = calloc(v->trust->log_count + 1, sizeof(*marks));
    if (marks == NULL) {
        return weft_fail(v->msg, WEFT_ENOMEM, "verify a bundle");
    }
    err = weft_note_verify(&note, v->trust->logs, v->trust->log_count, marks, v->msg);
    for (uint32_t i = 0; err == WEFT_OK && i < v->trust->log_count; i++) {
        count += marks[i].is_signed;
    }
    free(marks);
    if (err != WEFT_OK) {
        return refuse_by(v, WEFT_PROOF_QUORUM, err, "checkpoint");
    }
    if (count < v->trust->log_needed || v->trust->log_needed == 0) {
        return refuse(v, WEFT_PROOF_QUORUM, "fewer nodes than a majority signed the checkpoint");
    }
    *ret_head = text.head;
    if (seen != NULL) {
        *seen = (struct weft_proof_seen){true, digest, text.head};
    }
    return WEFT_OK;
}

static enum weft_err check_tree(struct verifier *v)
{
    struct weft_tlog_proof proof;
    struct weft_merkle_head head = {.size = 0};
    struct weft_text leaf = v->bundle->leaf;
    enum weft_err err = weft_tlog_proof_parse(v->bundle->proof, &proof, v->msg);
    if (err != WEFT_OK) {
        return refuse_by(v, WEFT_PROOF_MALFORMED, err, "proof");
    }
    err = check_quorum(v, proof.checkpoint, &head);
    if (err != WEFT_OK) {
        return err;
    }
    if (proof.index != v->proof->leaf.number) {
        return refuse(v, WEFT_PROOF_TREE, "the proof is of another leaf");
    }
    err = weft_tlog_proof_verify(
        &proof, (struct weft_bytes){(const uint8_t *)leaf.data, leaf.size}, &head, v->msg);
    return refuse_by(v, WEFT_PROOF_TREE, err, "proof");
}

static enum weft_err check_time(struct verifier *v)
{
    const struct weft_proof *proof = v->proof;
    int64_t leaf_ns = proof->leaf.time_ns;
    uint64_t apart = v->now_ns > leaf_ns ? (uint64_t)v->now_ns - (uint64_t)leaf_ns
                                         : (uint64_t)leaf_ns - (uint64_t)v->now_ns;
    int64_t max_ms = v->now_ns > leaf_ns ? WEFT_PROOF_AGE_MAX_MS : WEFT_PROOF_AHEAD_MAX_MS;
    if (apart > (uint64_t)(max_ms * ms_ns)) {
        return refuse(v, WEFT_PROOF_STALE, "the intent is more than 5 s old, or of the future");
    }
    if (leaf_ns < proof->command.not_before_ns || leaf_ns > proof->command.not_after_ns ||
        v->now_ns > proof->command.not_after_ns) {
        return refuse(v, WEFT_PROOF_WINDOW, "outside the command's own time");
    }
    return WEFT_OK;
}

enum weft_err weft_proof_bundle_verify(const struct weft_proof_bundle *bundle,
    const struct weft_proof_trust *trust, int64_t now_ns, struct weft_proof *ret_proof,
    enum weft_proof_fault *ret_fault, struct weft_msg *msg)
{
    struct verifier v = {.bundle = bundle,
        .trust = trust,
        .now_ns = now_ns,
        .proof = ret_proof,
        .fault = WEFT_PROOF_SOUND,
        .msg = msg};
    enum weft_err err = check_command(&v);
    if (err == WEFT_OK) {
        err = check_approvals(&v);
    }
    if (err == WEFT_OK) {
        err = check_envelopes(&v);
    }
    if (err == WEFT_OK) {
        err = check_leaf(&v);
    }
    if (err == WEFT_OK) {
        err = check_tree(&v);
    }
    if (err == WEFT_OK) {
        err = check_time(&v);
    }
    *ret_fault = v.fault;
    return err;
}
