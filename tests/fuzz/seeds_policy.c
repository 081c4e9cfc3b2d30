/* tests/fuzz/seeds_policy.c: writes the corpus of policy's decoders: fuzz_seeds_policy DIRECTORY
 *
 * DIRECTORY/<decoder>/<name>: what our encoders write, by keys that follow from names, so that no
 * key lies in the source; the same each time but for the salt of a key file. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "policy/crypto/keyfile.h"
#include "policy/command/handover_note.h"
#include "policy/command/resolution_note.h"
#include "policy/request.h"
#include "policy/together.h"
#include "tests/fuzz/signed_text.h"
#include "tests/lib/commands.h"
#include "tests/lib/signers.h"

static const char *root;

static void must(enum weft_err err, const char *what)
{
    if (err != WEFT_OK) {
        (void)fprintf(stderr, "%s: %s\n", what, weft_err_name(err));
        exit(1);
    }
}

static void make_directory(const char *path)
{
    if (mkdir(path, 0755) != 0 && errno != EEXIST) {
        perror(path);
        exit(1);
    }
}

/* Writes the buffer and ends it. */
static void save(const char *decoder, const char *name, struct weft_buffer *content)
{
    char path[4096];
    (void)snprintf(path, sizeof(path), "%s/%s", root, decoder);
    make_directory(path);
    (void)snprintf(path, sizeof(path), "%s/%s/%s", root, decoder, name);
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(content->data, 1, content->size, file) != content->size ||
        fclose(file) != 0) {
        perror(path);
        exit(1);
    }
    weft_buffer_destroy(content);
}

static void save_text(const char *decoder, const char *name, const char *text)
{
    struct weft_buffer content = {0};
    must(weft_buffer_text(&content, weft_text_of(text)), name);
    save(decoder, name, &content);
}

static void save_notes(void)
{
    static const char *const one[] = {SIGNED_TEXT_BY, NULL};
    static const char *const both[] = {SIGNED_TEXT_BY, SIGNED_TEXT_WITNESS, NULL};
    static const char *const strangers[] = {"a.example/x", "b.example/wit/y", NULL};
    struct weft_text text = weft_text_of(signed_text);
    struct weft_buffer note = signers_note(text, one);
    save("note", "one", &note);
    note = signers_note(text, both);
    save("note", "both", &note);
    note = signers_note(WEFT_TEXT("another text\n"), strangers);
    save("note", "strangers", &note);
    const struct weft_signer signer = signers_make(SIGNED_TEXT_BY);
    const struct weft_text texts[3] = {text, text, text};
    struct weft_buffer notes[3] = {{0}, {0}, {0}};
    must(weft_together_sign(texts, 3, &signer, notes, NULL), "notes");
    save("note", "together", &notes[1]);
    save("note", "together_last", &notes[2]);
    weft_buffer_destroy(&notes[0]);
}

static void save_keys(void)
{
    const struct weft_bytes none = {NULL, 0}, phrase = {(const uint8_t *)"12345678", 8};
    struct weft_signer signer = signers_make(SIGNED_TEXT_BY);
    char text[WEFT_SKEY_TEXT_SIZE];
    weft_verifier_format(&signer.verifier, text);
    save_text("signer", "public", text);
    save_text("base64", "key", strrchr(text, '+') + 1);
    save_text("base64", "padded", "Zm9vYg==");
    weft_signer_format(&signer, text);
    save_text("signer", "private", text);
    signer = signers_make(SIGNED_TEXT_WITNESS);
    weft_verifier_format(&signer.verifier, text);
    save_text("signer", "witness", text);
    struct weft_buffer pem = {0};
    must(weft_keyfile_encode(&signer.pair, none, &pem, NULL), "key file");
    save("keyfile", "open", &pem);
    must(weft_keyfile_encode(&signer.pair, phrase, &pem, NULL), "key file");
    save("keyfile", "sealed", &pem);
}

static void save_documents(void)
{
    struct weft_org org = signers_org();
    struct weft_buffer out = signers_org_text(&org);
    save("org", "first", &out);
    org.link.version = 2;
    org.log_count = org.witness_count = org.role_count = org.attribute_count = 0;
    out = signers_org_text(&org);
    save("org", "second", &out);
    struct weft_enroll enroll = {.org = org.org,
        .principal = org.admins[0],
        .key = signers_make(SIGNED_TEXT_BY).verifier,
        .issued_ns = SIGNERS_NOW_NS,
        .expires_ns = SIGNERS_NOW_NS + SIGNERS_DAY_NS};
    must(weft_enroll_encode(&enroll, &out, NULL), "enrolment");
    save("enroll", "new", &out);
    enroll.is_replacing = true;
    enroll.replaced = signers_make_other(SIGNED_TEXT_BY).verifier;
    must(weft_enroll_encode(&enroll, &out, NULL), "enrolment");
    save("enroll", "replacing", &out);
    struct weft_revoke revoke = {.org = org.org,
        .link = {.version = 2, .issued_ns = SIGNERS_NOW_NS, .expires_ns = INT64_MAX},
        .principal = org.admins[0],
        .key = enroll.key,
        .reason = WEFT_TEXT("lost with the laptop")};
    must(weft_revoke_encode(&revoke, &out, NULL), "revocation");
    save("enroll", "revoke", &out);
    struct weft_keyring ring = signers_ring();
    must(weft_keyring_revoke(&ring, &enroll.key, 30, NULL), "ring");
    must(weft_keyring_encode(&ring, &out), "ring");
    save("keyring", "six", &out);
    weft_keyring_destroy(&ring);
}

static void save_requests(void)
{
    struct weft_buffer out = {0};
    const struct weft_request request = {.site = {"oem.example", "plant1"},
        .principal = signers_principal(SIGNED_TEXT_BY),
        .not_before_ns = SIGNERS_NOW_NS,
        .not_after_ns = SIGNERS_NOW_NS + 60 * SIGNERS_SECOND_NS};
    must(weft_request_encode(&request, &out, NULL), "request");
    save("request", "request", &out);
    struct weft_token token = {.audience = request.site,
        .principal = request.principal,
        .issued_ns = SIGNERS_NOW_NS,
        .expires_ns = SIGNERS_NOW_NS + 60 * SIGNERS_SECOND_NS};
    must(weft_token_encode(&token, &out, NULL), "token");
    save("request", "token", &out);
    token.actions[0] = WEFT_TEXT("read");
    token.actions[1] = WEFT_TEXT("subscribe");
    token.action_count = 2;
    must(weft_token_encode(&token, &out, NULL), "token");
    save("request", "token-read", &out);
}

static void save_commands(void)
{
    const struct weft_fence fence = {3, 8812};
    struct weft_command_note command = commands_command();
    struct weft_envelope_note envelope = commands_envelope();
    struct weft_approval_note approval = commands_approval(&command, COMMANDS_BO);
    struct weft_receipt_note done = commands_receipt(&command, &fence, WEFT_RECEIPT_DONE);
    struct weft_receipt_note failed = commands_receipt(&command, &fence, WEFT_RECEIPT_FAILED);
    struct weft_receipt_note state = commands_receipt(&command, &fence, WEFT_RECEIPT_STATE);
    const struct weft_resolution_note resolution = {.command = command.digest,
        .resolver = approval.approver,
        .printed_name = approval.printed_name,
        .reason = approval.reason,
        .signed_ns = SIGNERS_NOW_NS};
    const struct weft_handover_note handover = {.channel = command.channel,
        .version = 1,
        .to = WEFT_COMMAND_AUTOMATION,
        .signer = approval.approver,
        .printed_name = approval.printed_name,
        .reason = approval.reason,
        .signed_ns = SIGNERS_NOW_NS};
    struct weft_buffer out = commands_text(&command);
    save("command_notes", "command", &out);
    out = commands_envelope_text(&envelope);
    save("command_notes", "envelope", &out);
    must(weft_approval_note_encode(&approval, &out, NULL), "approval");
    save("command_notes", "approval", &out);
    must(weft_receipt_note_encode(&done, &out, NULL), "receipt");
    save("command_notes", "done", &out);
    must(weft_receipt_note_encode(&failed, &out, NULL), "receipt");
    save("command_notes", "failed", &out);
    must(weft_receipt_note_encode(&state, &out, NULL), "receipt");
    save("command_notes", "state", &out);
    must(weft_resolution_note_encode(&resolution, &out, NULL), "resolution");
    save("command_notes", "resolution", &out);
    must(weft_handover_note_encode(&handover, &out, NULL), "handover");
    save("command_notes", "handover", &out);
    out = commands_bundle(&command, &fence);
    save("proof_bundle", "whole", &out);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        (void)fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
        return 2;
    }
    root = argv[1];
    make_directory(root);
    save_notes();
    save_keys();
    save_documents();
    save_requests();
    save_commands();
    return 0;
}
