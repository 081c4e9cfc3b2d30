#include "tests/lib/signers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/digest.h"

static const char *const root_names[3] = {
    "oem.example/root/a", "oem.example/root/b", "oem.example/root/c"};

static void must(enum weft_err err, const char *what, const struct weft_msg *msg)
{
    if (err != WEFT_OK) {
        (void)fprintf(stderr, "%s: %s: %s\n", what, weft_err_name(err), msg->text);
        abort();
    }
}

static struct weft_signer make(const char *name, const char *salt)
{
    struct weft_msg msg = {""};
    struct weft_ed25519_pair pair;
    struct weft_signer signer;
    struct weft_sha256 h;
    weft_sha256_init(&h);
    weft_sha256_update(&h, salt, strlen(salt));
    weft_sha256_update(&h, name, strlen(name));
    struct weft_digest seed = weft_sha256_final(&h);
    enum weft_signer_type type =
        strstr(name, "/wit/") != NULL ? WEFT_SIGNER_COSIGNATURE : WEFT_SIGNER_ED25519;
    must(weft_ed25519_from_seed(seed.bytes, &pair, &msg), name, &msg);
    must(weft_signer_make(weft_text_of(name), type, &pair, &signer, &msg), name, &msg);
    return signer;
}

struct weft_signer signers_make(const char *name)
{
    return make(name, "");
}

struct weft_signer signers_make_other(const char *name)
{
    return make(name, "other ");
}

struct weft_signer signers_make_salted(const char *name, const char *salt)
{
    return make(name, salt);
}

struct weft_principal signers_principal(const char *text)
{
    struct weft_msg msg = {""};
    struct weft_principal principal;
    must(weft_principal_parse(weft_text_of(text), &principal, &msg), text, &msg);
    return principal;
}

struct weft_buffer signers_note(struct weft_text text, const char *const *names)
{
    struct weft_msg msg = {""};
    struct weft_buffer lines = {0}, note = {0};
    for (size_t i = 0; names[i] != NULL; i++) {
        struct weft_signer signer = signers_make(names[i]);
        must(weft_note_sign_line(text, &signer, 1, &lines, &msg), names[i], &msg);
    }
    must(weft_note_join(text, weft_buffer_as_text(&lines), &note, &msg), "note", &msg);
    weft_buffer_destroy(&lines);
    return note;
}

void signers_add_line(struct weft_buffer *note, const struct weft_signer *signer)
{
    struct weft_msg msg = {""};
    struct weft_note parsed = signers_parse(note);
    struct weft_buffer line = {0};
    must(weft_note_sign_line(parsed.text, signer, 1, &line, &msg), "line", &msg);
    must(weft_buffer_text(note, weft_buffer_as_text(&line)), "line", &msg);
    weft_buffer_destroy(&line);
}

struct weft_note signers_parse(const struct weft_buffer *note)
{
    struct weft_msg msg = {""};
    struct weft_note parsed;
    must(weft_note_parse(weft_buffer_as_text(note), &parsed, &msg), "parse note", &msg);
    return parsed;
}

struct weft_org signers_org(void)
{
    static struct weft_verifier roots[3], witness;
    static struct weft_principal admins[2];
    static struct weft_org_log log;
    static struct weft_digest ca;
    static struct weft_org_role roles[2];
    static struct weft_org_attribute attributes[2];
    for (int i = 0; i < 3; i++) {
        roots[i] = signers_make(root_names[i]).verifier;
    }
    admins[0] = signers_principal("oem.example/plant1/op/ann");
    admins[1] = signers_principal("oem.example/plant1/op/bo");
    log.node = signers_principal("oem.example/plant1/node/n1");
    log.verifier = signers_make("oem.example/plant1/audit").verifier;
    witness = signers_make("supplier.example/west/wit/w1").verifier;
    ca = weft_sha256("ca", 2);
    roles[0] = (struct weft_org_role){
        signers_principal("oem.example/plant1/op/ann"), WEFT_TEXT("lead"), WEFT_TEXT("plant1")};
    roles[1] = (struct weft_org_role){signers_principal("oem.example/plant1/op/cy"),
        WEFT_TEXT("operator"), WEFT_TEXT("plant1/line2")};
    attributes[0] = (struct weft_org_attribute){
        signers_principal("oem.example/plant1/op/cy"), WEFT_TEXT("shift"), WEFT_TEXT("late one")};
    attributes[1] = (struct weft_org_attribute){
        signers_principal("oem.example/plant1/op/cy"), WEFT_TEXT("us-person"), WEFT_TEXT("true")};
    return (struct weft_org){
        .org = WEFT_TEXT("oem.example"),
        .link = {.version = 1,
            .issued_ns = SIGNERS_NOW_NS,
            .expires_ns = SIGNERS_NOW_NS + 365 * SIGNERS_DAY_NS},
        .root_threshold = 2,
        .root_count = 3,
        .admin_threshold = 1,
        .admin_count = 2,
        .ca_count = 1,
        .log_count = 1,
        .witness_count = 1,
        .role_count = 2,
        .attribute_count = 2,
        .roots = roots,
        .admins = admins,
        .cas = &ca,
        .logs = &log,
        .witnesses = &witness,
        .roles = roles,
        .attributes = attributes,
    };
}

struct weft_buffer signers_org_text(const struct weft_org *org)
{
    struct weft_msg msg = {""};
    struct weft_buffer out = {0};
    struct weft_arena arena = {.size_max = WEFT_ORG_MEMORY_MAX};
    must(weft_org_encode(org, &arena, &out, &msg), "org", &msg);
    weft_arena_destroy(&arena);
    return out;
}

struct weft_keyring signers_ring(void)
{
    static const char *const names[] = {"oem.example/plant1/op/cy", "oem.example/plant1/op/ann",
        "oem.example/plant1/svc/robot", "oem.example/plant1/op/bo", "oem.example/plant1/gw/gw1",
        "oem.example/plant1/wit/w1"};
    struct weft_msg msg = {""};
    struct weft_keyring ring = {NULL, 0, 0};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct weft_principal principal = signers_principal(names[i]);
        struct weft_verifier verifier = signers_make(names[i]).verifier;
        must(weft_keyring_add(&ring, &principal, &verifier, 10, &msg), names[i], &msg);
    }
    return ring;
}
