#include "tests/lib/commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/checkpoint_note.h"
#include "policy/tlog_proof.h"
#include "tests/lib/audit_log.h"

static void must(enum weft_err err, const char *what, const struct weft_msg *msg)
{
    if (err != WEFT_OK) {
        (void)fprintf(stderr, "%s: %s: %s\n", what, weft_err_name(err), msg->text);
        abort();
    }
}

static struct weft_scalar rpm(int64_t number)
{
    return (struct weft_scalar){
        .type = WEFT_SCALAR_NUMBER, .number = number, .unit = WEFT_TEXT("rpm")};
}

static const struct weft_demand guard_closed = {.path = WEFT_TEXT("guard/closed"),
    .sign = WEFT_DEMAND_EQUAL,
    .value = {.type = WEFT_SCALAR_TRUTH, .truth = true}};

struct weft_envelope_note commands_envelope(void)
{
    struct weft_envelope_note e = {.name = WEFT_TEXT("press7-speed"),
        .party = WEFT_ENVELOPE_SITE,
        .link = {.version = 1,
            .issued_ns = SIGNERS_NOW_NS - SIGNERS_DAY_NS,
            .expires_ns = SIGNERS_NOW_NS + 365 * SIGNERS_DAY_NS},
        .target = WEFT_TEXT("oem.example/plant1/line2/press7"),
        .verb_count = 1,
        .verbs = {WEFT_TEXT("set-speed")},
        .hard_count = 1,
        .hard = {{WEFT_TEXT("speed"), 0, 60 * WEFT_SCALAR_ONE, WEFT_TEXT("rpm")}},
        .normal_count = 1,
        .normal = {{WEFT_TEXT("speed"), 10 * WEFT_SCALAR_ONE, 50 * WEFT_SCALAR_ONE,
            WEFT_TEXT("rpm")}},
        .finish_ms = 60 * 1000};
    e.interlocks.count = 1;
    e.interlocks.list[0] = (struct weft_envelope_demand){guard_closed, 2000};
    e.verify_count = 1;
    e.verifies[0] = (struct weft_envelope_verify){
        WEFT_TEXT("speed"), true, WEFT_SCALAR_ONE, WEFT_TEXT("rpm"), 20 * 1000};
    return e;
}

struct weft_buffer commands_envelope_text(const struct weft_envelope_note *envelope)
{
    struct weft_msg msg = {""};
    struct weft_buffer out = {0};
    must(weft_envelope_note_encode(envelope, &out, &msg), "envelope", &msg);
    return out;
}

/* --- commands -------------------------------------------------------------------------------- */

struct weft_buffer commands_text(const struct weft_command_note *command)
{
    struct weft_msg msg = {""};
    struct weft_buffer out = {0};
    must(weft_command_note_encode(command, &out, &msg), "command", &msg);
    return out;
}

void commands_seal(struct weft_command_note *command)
{
    struct weft_buffer text = commands_text(command);
    command->digest = weft_sha256(text.data, text.size);
    weft_buffer_destroy(&text);
}

struct weft_command_note commands_command(void)
{
    struct weft_envelope_note envelope = commands_envelope();
    struct weft_buffer text = commands_envelope_text(&envelope);
    struct weft_command_note c = {.id = {0x6f, 0x1d, 0x0c, 0x9a},
        .origin = WEFT_TEXT(COMMANDS_ORIGIN),
        .target = envelope.target,
        .channel = WEFT_TEXT(COMMANDS_CHANNEL),
        .class = WEFT_COMMAND_CLASS_B,
        .tier = 2,
        .verb = WEFT_TEXT("set-speed"),
        .arg_count = 1,
        .args = {{WEFT_TEXT("speed"), rpm(42 * WEFT_SCALAR_ONE + WEFT_SCALAR_ONE / 2)}},
        .pre_count = 1,
        .pres = {guard_closed},
        .post_count = 1,
        .posts = {{WEFT_TEXT("speed"), rpm(42 * WEFT_SCALAR_ONE + WEFT_SCALAR_ONE / 2),
            WEFT_SCALAR_ONE / 2, 20 * 1000}},
        .envelope_count = 1,
        .envelopes = {{envelope.name, 1, weft_sha256(text.data, text.size)}},
        .policy_version = 42,
        .policy_digest = weft_sha256("policy", 6),
        .seq = 1187,
        .nonce = {0x9f, 0x3b},
        .not_before_ns = SIGNERS_NOW_NS,
        .not_after_ns = SIGNERS_NOW_NS + 120 * SIGNERS_SECOND_NS,
        .proposer = signers_principal(COMMANDS_ANN),
        .printed_name = WEFT_TEXT("Ann Example"),
        .reason = WEFT_TEXT("raise speed for batch 1187 after die change"),
        .signed_ns = SIGNERS_NOW_NS - SIGNERS_SECOND_NS};
    weft_buffer_destroy(&text);
    commands_seal(&c);
    return c;
}

static struct weft_buffer sign(struct weft_buffer *text, const struct weft_principal *who)
{
    char name[WEFT_PRINCIPAL_TEXT_SIZE];
    weft_principal_format(who, name);
    const char *const names[] = {name, NULL};
    struct weft_buffer note = signers_note(weft_buffer_as_text(text), names);
    weft_buffer_destroy(text);
    return note;
}

struct weft_buffer commands_note(const struct weft_command_note *command)
{
    struct weft_buffer text = commands_text(command);
    return sign(&text, &command->proposer);
}

struct weft_approval_note commands_approval(
    const struct weft_command_note *command, const char *approver)
{
    struct weft_msg msg = {""};
    struct weft_buffer text = {0};
    struct weft_approval_note approval = {.command = command->digest,
        .approver = signers_principal(approver),
        .printed_name = WEFT_TEXT("An Approver"),
        .reason = WEFT_TEXT("checked the die and the guard"),
        .signed_ns = SIGNERS_NOW_NS,
        .expires_ns = SIGNERS_NOW_NS + 60 * SIGNERS_SECOND_NS};
    memcpy(approval.id, command->id, sizeof(approval.id));
    must(weft_approval_note_encode(&approval, &text, &msg), "approval", &msg);
    approval.digest = weft_sha256(text.data, text.size);
    weft_buffer_destroy(&text);
    return approval;
}

struct weft_buffer commands_approval_note(const struct weft_approval_note *approval)
{
    struct weft_msg msg = {""};
    struct weft_buffer text = {0};
    must(weft_approval_note_encode(approval, &text, &msg), "approval", &msg);
    return sign(&text, &approval->approver);
}

struct weft_receipt_note commands_receipt(const struct weft_command_note *command,
    const struct weft_fence *fence, enum weft_receipt_outcome outcome)
{
    struct weft_receipt_note receipt = {.command = command->digest,
        .channel = command->channel,
        .fence = *fence,
        .outcome = outcome,
        .state = WEFT_RECEIPT_STATE_NONE,
        .code = WEFT_TEXT("interlock"),
        .detail = WEFT_TEXT("guard/closed was read 4.2 s ago"),
        .gateway = signers_principal(COMMANDS_GATEWAY),
        .counter = 118,
        .signed_ns = SIGNERS_NOW_NS};
    memcpy(receipt.id, command->id, sizeof(receipt.id));
    if (outcome == WEFT_RECEIPT_DONE || outcome == WEFT_RECEIPT_MEASURED) {
        receipt.reading_count = 1;
        receipt.readings[0] =
            (struct weft_reading){WEFT_TEXT("speed"), rpm(42 * WEFT_SCALAR_ONE), SIGNERS_NOW_NS};
    }
    return receipt;
}

struct weft_buffer commands_receipt_note(const struct weft_receipt_note *receipt)
{
    struct weft_msg msg = {""};
    struct weft_buffer text = {0};
    must(weft_receipt_note_encode(receipt, &text, &msg), "receipt", &msg);
    return sign(&text, &receipt->gateway);
}

/* --- proofs ---------------------------------------------------------------------------------- */

static struct weft_signer log_signer(uint8_t node)
{
    return audit_signer(COMMANDS_ORIGIN, WEFT_SIGNER_ED25519, (uint8_t)(100 + node));
}

const struct weft_verifier *commands_logs(void)
{
    static struct weft_verifier logs[COMMANDS_NODES];
    for (uint32_t i = 0; i < COMMANDS_NODES; i++) {
        logs[i] = log_signer((uint8_t)i).verifier;
    }
    return logs;
}

static int compare_digests(const void *a, const void *b)
{
    return memcmp(a, b, WEFT_DIGEST_SIZE);
}

struct weft_buffer commands_leaf(const struct weft_command_note *command,
    const struct weft_approval_note *approvals, uint32_t count, const struct weft_fence *fence)
{
    struct weft_msg msg = {""};
    struct weft_buffer out = {0};
    char subject[WEFT_COMMAND_SUBJECT_SIZE];
    weft_command_subject(command->id, subject);
    struct weft_audit_leaf leaf = {.number = COMMANDS_LEAF,
        .term = fence->term,
        .index = fence->index,
        .time_ns = SIGNERS_NOW_NS,
        .act = WEFT_TEXT(WEFT_PROOF_ACT_INTENT),
        .subject = weft_text_of(subject),
        .effect = WEFT_AUDIT_ALLOW,
        .statement = WEFT_TEXT("setpoint"),
        .version = 42,
        .line = 17,
        .count = 1,
        .from = WEFT_TEXT("SELECTED"),
        .to = WEFT_TEXT(WEFT_PROOF_STATE_INTENT),
        .evidence_count = 1 + count};
    leaf.evidence[0] = command->digest;
    for (uint32_t i = 0; i < count; i++) {
        leaf.evidence[1 + i] = approvals[i].digest;
    }
    qsort(leaf.evidence, leaf.evidence_count, sizeof(leaf.evidence[0]), compare_digests);
    must(weft_audit_leaf_encode(&leaf, &out, &msg), "leaf", &msg);
    return out;
}

/* The one tile of the tree: its leaves' hashes. */
static enum weft_err get_tile(void *ctx, const struct weft_tile *tile,
    struct weft_digest ret_hashes[WEFT_TILE_WIDTH], struct weft_msg *msg)
{
    (void)msg;
    memcpy(ret_hashes, ctx, tile->width * sizeof(struct weft_digest));
    return WEFT_OK;
}

struct weft_buffer commands_proof(const struct weft_buffer *leaf, uint32_t nodes)
{
    static struct weft_merkle_prover prover;
    struct weft_msg msg = {""};
    struct weft_digest hashes[COMMANDS_LEAVES];
    struct weft_merkle_range range = {0};
    struct weft_signer signers[COMMANDS_NODES];
    struct weft_buffer text = {0}, note = {0}, out = {0};
    struct weft_tlog_proof proof = {.index = COMMANDS_LEAF};
    for (uint32_t i = 0; i < COMMANDS_LEAVES; i++) {
        const uint8_t other = (uint8_t)i;
        hashes[i] = i == COMMANDS_LEAF ? weft_merkle_leaf(leaf->data, leaf->size)
                                       : weft_merkle_leaf(&other, 1);
        must(weft_merkle_append(&range, &hashes[i]), "tree", &msg);
    }
    weft_merkle_prover_init(&prover, COMMANDS_LEAVES, get_tile, hashes);
    must(weft_merkle_prove_inclusion(&prover, COMMANDS_LEAF, &proof.proof, &msg), "proof", &msg);
    const struct weft_checkpoint_note checkpoint = {
        .origin = WEFT_TEXT(COMMANDS_ORIGIN), .head = {COMMANDS_LEAVES, weft_merkle_root(&range)}};
    must(weft_checkpoint_note_encode(&checkpoint, &text, &msg), "checkpoint", &msg);
    for (uint32_t i = 0; i < nodes; i++) {
        signers[i] = log_signer((uint8_t)i);
    }
    must(weft_note_sign(weft_buffer_as_text(&text), signers, nodes, &note, &msg), "checkpoint",
        &msg);
    proof.checkpoint = weft_buffer_as_text(&note);
    must(weft_tlog_proof_encode(&proof, &out), "proof", &msg);
    weft_buffer_destroy(&note);
    weft_buffer_destroy(&text);
    return out;
}

struct weft_buffer commands_bundle(
    const struct weft_command_note *command, const struct weft_fence *fence)
{
    struct weft_msg msg = {""};
    struct weft_envelope_note envelope = commands_envelope();
    struct weft_approval_note approvals[2] = {
        commands_approval(command, COMMANDS_BO), commands_approval(command, COMMANDS_CY)};
    struct weft_buffer parts[4] = {commands_note(command), commands_approval_note(&approvals[0]),
        commands_approval_note(&approvals[1]), commands_envelope_text(&envelope)};
    struct weft_buffer leaf = commands_leaf(command, approvals, 2, fence);
    struct weft_buffer proof = commands_proof(&leaf, 3), out = {0};
    const struct weft_proof_bundle bundle = {.fence = *fence,
        .command = weft_buffer_as_text(&parts[0]),
        .approval_count = 2,
        .approvals = {weft_buffer_as_text(&parts[1]), weft_buffer_as_text(&parts[2])},
        .envelope_count = 1,
        .envelopes = {weft_buffer_as_text(&parts[3])},
        .leaf = weft_buffer_as_text(&leaf),
        .proof = weft_buffer_as_text(&proof)};
    must(weft_proof_bundle_encode(&bundle, &out, &msg), "bundle", &msg);
    for (int i = 0; i < 4; i++) {
        weft_buffer_destroy(&parts[i]);
    }
    weft_buffer_destroy(&leaf);
    weft_buffer_destroy(&proof);
    return out;
}

struct weft_buffer commands_replace(
    const struct weft_buffer *text, const char *from, const char *to)
{
    struct weft_msg msg = {""};
    struct weft_buffer out = {0};
    const char *begin = (const char *)text->data;
    const char *at = memmem(begin, text->size, from, strlen(from));
    must(at != NULL ? WEFT_OK : WEFT_ENOTFOUND, from, &msg);
    size_t before = (size_t)(at - begin), behind = before + strlen(from);
    must(weft_buffer_append(&out, begin, before), "replace", &msg);
    must(weft_buffer_append(&out, to, strlen(to)), "replace", &msg);
    must(weft_buffer_append(&out, begin + behind, text->size - behind), "replace", &msg);
    return out;
}
