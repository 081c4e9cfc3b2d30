#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ops/weft/files.h"
#include "ops/weft/keys.h"
#include "ops/weft/output.h"
#include "policy/crypto/pki.h"
#include "policy/crypto/random.h"
#include "policy/enroll.h"
#include "policy/policy_file.h"
#include "proto/limits.h"

/* pki org: what a site is governed by from its first commit on: root keys, the keys of its admins,
 * the org document, their enrolments, a policy; each of them a signed note. */

enum {
    ORG_DAYS = 365, /* chosen: as leaves of certificates */
    ORG_DAYS_MAX = 3650,
    LISTS_MAX = 128, /* of roles or attributes on one command line */
    /* chosen: issued a little early, as certificates are: clocks of a plant differ */
    EARLY_S = 300,
    LABEL_SIZE = 2,
};

static const int64_t ns_per_s = 1000 * 1000 * 1000;

/* Everything that is made; large, and holds secrets. */
struct making {
    const struct weft_args *args;
    const char *out;
    const char *org_name, *site;
    struct weft_passphrase passphrase;
    struct weft_arena arena;
    struct weft_org org;
    struct weft_signer roots[WEFT_ORG_ROOTS_MAX];
    struct weft_signer admins[WEFT_ORG_ADMINS_MAX];
    struct weft_verifier root_keys[WEFT_ORG_ROOTS_MAX];
    struct weft_principal persons[WEFT_ORG_ADMINS_MAX];
    struct weft_digest cas[WEFT_ORG_CAS_MAX];
    struct weft_org_role roles[LISTS_MAX];
    struct weft_org_attribute attributes[LISTS_MAX];
    struct weft_digest org_digest;
    struct weft_msg *msg;
};

/* --- what the command line says -------------------------------------------------------------- */

static enum weft_err read_number(
    struct making *m, const char *name, uint64_t max, uint64_t fallback, uint32_t *ret_number)
{
    uint64_t number = 0;
    enum weft_err err = weft_args_number(m->args, name, 1, max, fallback, &number, m->msg);
    *ret_number = (uint32_t)number;
    return err;
}

static int by_principal(const void *a, const void *b)
{
    char left[WEFT_PRINCIPAL_TEXT_SIZE], right[WEFT_PRINCIPAL_TEXT_SIZE];
    weft_principal_format(a, left);
    weft_principal_format(b, right);
    return strcmp(left, right);
}

static enum weft_err read_admins(struct making *m)
{
    enum weft_err err = WEFT_OK;
    const char *name;
    while (err == WEFT_OK &&
           (name = weft_args_nth(m->args, "admin", (int)m->org.admin_count)) != NULL) {
        if (m->org.admin_count == WEFT_ORG_ADMINS_MAX) {
            return weft_fail(m->msg, WEFT_EINVAL, "more than %d admins", WEFT_ORG_ADMINS_MAX);
        }
        err = weft_principal_make(WEFT_PRINCIPAL_OP, m->org_name, m->site, name,
            &m->persons[m->org.admin_count++], m->msg);
    }
    if (err == WEFT_OK && m->org.admin_count == 0) {
        err = weft_fail(m->msg, WEFT_EINVAL,
            "--admin NAME is missing: a person who may change "
            "the policy; may be repeated");
    }
    qsort(m->persons, m->org.admin_count, sizeof(m->persons[0]), by_principal);
    m->org.admins = m->persons;
    return err;
}

/* "CLASS/NAME WORD REST" */
static enum weft_err read_fact(struct making *m, const char *option, const char *text,
    struct weft_principal *ret_principal, struct weft_text *ret_word, struct weft_text *ret_rest)
{
    char who[WEFT_PRINCIPAL_TEXT_SIZE];
    const char *word = strchr(text, ' '), *rest = word != NULL ? strchr(word + 1, ' ') : NULL;
    if (rest == NULL || rest[1] == '\0') {
        return weft_fail(m->msg, WEFT_EINVAL,
            "--%s \"%.80s\": CLASS/NAME, a word and a value, such as \"op/ann lead plant1\"",
            option, text);
    }
    (void)snprintf(who, sizeof(who), "%s/%s/%.*s", m->org_name, m->site, (int)(word - text), text);
    *ret_word = (struct weft_text){word + 1, (size_t)(rest - word) - 1};
    *ret_rest = weft_text_of(rest + 1);
    return weft_principal_parse(weft_text_of(who), ret_principal, m->msg);
}

static int by_fact(const struct weft_principal *a, struct weft_text a_word, struct weft_text a_rest,
    const struct weft_principal *b, struct weft_text b_word, struct weft_text b_rest)
{
    int order = by_principal(a, b);
    order = order != 0 ? order : weft_text_compare(a_word, b_word);
    return order != 0 ? order : weft_text_compare(a_rest, b_rest);
}

static int by_role(const void *a, const void *b)
{
    const struct weft_org_role *l = a, *r = b;
    return by_fact(&l->principal, l->role, l->asset, &r->principal, r->role, r->asset);
}

static int by_attribute(const void *a, const void *b)
{
    const struct weft_org_attribute *l = a, *r = b;
    return by_fact(&l->principal, l->name, l->value, &r->principal, r->name, r->value);
}

static enum weft_err read_facts(struct making *m)
{
    enum weft_err err = WEFT_OK;
    const char *text;
    while (err == WEFT_OK && m->org.role_count < LISTS_MAX &&
           (text = weft_args_nth(m->args, "role", (int)m->org.role_count)) != NULL) {
        struct weft_org_role *role = &m->roles[m->org.role_count++];
        err = read_fact(m, "role", text, &role->principal, &role->role, &role->asset);
    }
    while (err == WEFT_OK && m->org.attribute_count < LISTS_MAX &&
           (text = weft_args_nth(m->args, "attr", (int)m->org.attribute_count)) != NULL) {
        struct weft_org_attribute *a = &m->attributes[m->org.attribute_count++];
        err = read_fact(m, "attr", text, &a->principal, &a->name, &a->value);
    }
    qsort(m->roles, m->org.role_count, sizeof(m->roles[0]), by_role);
    qsort(m->attributes, m->org.attribute_count, sizeof(m->attributes[0]), by_attribute);
    m->org.roles = m->roles;
    m->org.attributes = m->attributes;
    return err;
}

/* The fingerprint of a trust root's certificate. */
static enum weft_err read_ca(struct making *m)
{
    const char *path = weft_args_text(m->args, "ca", NULL);
    struct weft_buffer pem = {.size_max = WEFT_PKI_PEM_SIZE_MAX};
    struct weft_pki_facts facts;
    char text[WEFT_DIGEST_TEXT_SIZE + 8];
    if (path == NULL) {
        return WEFT_OK;
    }
    enum weft_err err = weft_files_read(path, &pem, m->msg);
    if (err == WEFT_OK) {
        err = weft_pki_inspect((struct weft_bytes){pem.data, pem.size}, &facts, m->msg);
    }
    if (err == WEFT_OK) {
        (void)snprintf(text, sizeof(text), "sha256:%s", facts.fingerprint);
        err = weft_digest_parse(weft_text_of(text), &m->cas[0]);
        err = err == WEFT_OK ? err : weft_fail(m->msg, err, "%s: its fingerprint", path);
        m->org.ca_count = 1;
        m->org.cas = m->cas;
    }
    weft_buffer_destroy(&pem);
    return err;
}

static enum weft_err read_all(struct making *m)
{
    uint32_t days = 0;
    m->out = weft_args_text(m->args, "out", "org");
    m->org_name = weft_args_text(m->args, "org", NULL);
    m->site = weft_args_text(m->args, "site", NULL);
    if (m->org_name == NULL || m->site == NULL) {
        return weft_fail(m->msg, WEFT_EINVAL, "--org ORG and --site SITE are missing");
    }
    m->org.org = weft_text_of(m->org_name);
    enum weft_err err = read_admins(m);
    if (err == WEFT_OK) {
        err = read_number(m, "roots", WEFT_ORG_ROOTS_MAX, 3, &m->org.root_count);
    }
    if (err == WEFT_OK) {
        err = read_number(
            m, "threshold", m->org.root_count, m->org.root_count / 2 + 1, &m->org.root_threshold);
    }
    if (err == WEFT_OK) {
        err = read_number(m, "admin-threshold", m->org.admin_count, 1, &m->org.admin_threshold);
    }
    if (err == WEFT_OK) {
        err = read_number(m, "days", ORG_DAYS_MAX, ORG_DAYS, &days);
    }
    if (err == WEFT_OK) {
        err = read_facts(m);
    }
    if (err == WEFT_OK) {
        err = read_ca(m);
    }
    m->org.link = (struct weft_chain_link){.version = 1,
        .issued_ns = ((int64_t)time(NULL) - EARLY_S) * ns_per_s,
        .expires_ns = ((int64_t)time(NULL) + (int64_t)days * 24 * 3600) * ns_per_s};
    return err;
}

/* --- what is made ---------------------------------------------------------------------------- */

static enum weft_err write_note(struct making *m, const char *directory, const char *name,
    struct weft_text text, const struct weft_signer *signers, uint32_t count)
{
    struct weft_buffer note = {.size_max = WEFT_NOTE_SIZE_MAX};
    char path[WEFT_FILES_PATH_SIZE];
    enum weft_err err = weft_note_sign(text, signers, count, &note, m->msg);
    if (err == WEFT_OK) {
        err = weft_files_make_directory(directory, 0755, m->msg);
    }
    if (err == WEFT_OK) {
        err = weft_files_join(directory, name, path, m->msg);
    }
    if (err == WEFT_OK) {
        err =
            weft_files_write(path, (struct weft_bytes){note.data, note.size}, 0644, false, m->msg);
    }
    weft_buffer_destroy(&note);
    return err;
}

static enum weft_err make_keys(struct making *m)
{
    char directory[WEFT_FILES_PATH_SIZE], name[WEFT_SIGNER_NAME_SIZE_MAX + 1];
    enum weft_err err = weft_files_join(m->out, "roots", directory, m->msg);
    for (uint32_t i = 0; err == WEFT_OK && i < m->org.root_count; i++) {
        const char label[LABEL_SIZE] = {(char)('a' + i), '\0'};
        (void)snprintf(name, sizeof(name), "%s/root/%s", m->org_name, label);
        err = weft_keys_make(directory, label, name, &m->passphrase, &m->roots[i], m->msg);
        m->root_keys[i] = m->roots[i].verifier;
    }
    m->org.roots = m->root_keys;
    if (err == WEFT_OK) {
        err = weft_files_join(m->out, "admins", directory, m->msg);
    }
    for (uint32_t i = 0; err == WEFT_OK && i < m->org.admin_count; i++) {
        char who[WEFT_PRINCIPAL_TEXT_SIZE];
        weft_principal_format(&m->persons[i], who);
        err = weft_keys_make(
            directory, m->persons[i].name, who, &m->passphrase, &m->admins[i], m->msg);
    }
    return err;
}

static enum weft_err make_org(struct making *m)
{
    struct weft_buffer text = {.size_max = WEFT_NOTE_SIZE_MAX};
    enum weft_err err = weft_org_encode(&m->org, &m->arena, &text, m->msg);
    if (err == WEFT_OK) {
        m->org_digest = weft_sha256(text.data, text.size);
        err = write_note(
            m, m->out, "org.note", weft_buffer_as_text(&text), m->roots, m->org.root_count);
    }
    weft_buffer_destroy(&text);
    return err;
}

/* Signed by the key itself and by all roots. */
static enum weft_err make_enrolment(struct making *m, uint32_t which)
{
    struct weft_buffer text = {.size_max = WEFT_NOTE_SIZE_MAX};
    static const struct weft_keyring none = {NULL, 0, 0};
    char site[2 * WEFT_PRINCIPAL_PART_SIZE_MAX + 2], file[WEFT_PRINCIPAL_PART_SIZE_MAX + 16];
    char directory[WEFT_FILES_PATH_SIZE];
    struct weft_signer signers[WEFT_ORG_ROOTS_MAX + 1];
    struct weft_enroll enroll = {.org = m->org.org,
        .principal = m->persons[which],
        .key = m->admins[which].verifier,
        .issued_ns = m->org.link.issued_ns,
        .expires_ns = m->org.link.issued_ns + WEFT_ENROLL_LIFE_MAX_S * ns_per_s};
    (void)snprintf(site, sizeof(site), "%s/%s", m->org_name, m->site);
    (void)snprintf(file, sizeof(file), "op-%s.note", m->persons[which].name);
    weft_enroll_nonce(&m->org_digest, weft_text_of(site), &none, &enroll.principal, enroll.nonce);
    signers[0] = m->admins[which];
    memcpy(&signers[1], m->roots, m->org.root_count * sizeof(m->roots[0]));
    enum weft_err err = weft_enroll_encode(&enroll, &text, m->msg);
    if (err == WEFT_OK) {
        err = weft_files_join(m->out, "keys", directory, m->msg);
    }
    if (err == WEFT_OK) {
        err = write_note(
            m, directory, file, weft_buffer_as_text(&text), signers, m->org.root_count + 1);
    }
    weft_random_wipe(signers, sizeof(signers));
    weft_buffer_destroy(&text);
    return err;
}

/* Admins may all, everybody else of the organization may read. */
static enum weft_err default_policy(struct making *m, struct weft_buffer *out)
{
    enum weft_err err = weft_buffer_format(out,
        "policy %s 1\n\n"
        "# Made by `weft pki org`. Change it: weft policy show > FILE, edit, weft policy apply "
        "FILE\n"
        "group admins =",
        m->site);
    for (uint32_t i = 0; err == WEFT_OK && i < m->org.admin_count; i++) {
        err = weft_buffer_format(
            out, "%s op %s/%s", i > 0 ? "," : "", m->persons[i].site, m->persons[i].name);
    }
    return err == WEFT_OK ? weft_buffer_text(out, WEFT_TEXT("\n\n"
                                                            "permit admins\n"
                                                            "  who  admins\n"
                                                            "  do   any\n\n"
                                                            "permit everybody\n"
                                                            "  who  any\n"
                                                            "  do   read subscribe\n"))
                          : err;
}

static enum weft_err make_policy(struct making *m)
{
    const char *path = weft_args_text(m->args, "policy", NULL);
    struct weft_buffer text = {.size_max = WEFT_POLICY_SIZE_MAX};
    struct weft_arena arena = {.size_max = WEFT_POLICY_MEMORY_MAX};
    const struct weft_policy *policy;
    enum weft_err err =
        path != NULL ? weft_files_read(path, &text, m->msg) : default_policy(m, &text);
    const struct weft_text source = weft_buffer_as_text(&text);
    if (err == WEFT_OK) {
        err = weft_policy_parse(
            source, path != NULL ? path : "policy", &arena, &policy, NULL, m->msg);
    }
    if (err == WEFT_OK && weft_policy_head(policy)->version != 1) {
        err = weft_fail(m->msg, WEFT_EINVAL, "%s: the first version is 1", path);
    }
    if (err == WEFT_OK) {
        err = write_note(m, m->out, "policy.note", source, m->admins, m->org.admin_count);
    }
    weft_arena_destroy(&arena);
    weft_buffer_destroy(&text);
    return err;
}

static void report(const struct making *m)
{
    (void)printf("%s at %s: %u of %u roots, %u of %u admins, in %s\n"
                 "  roots/*.key    keep them apart and offline\n"
                 "  admins/*.key   each for its person alone\n"
                 "  org.note keys/ policy.note    in weftd.yaml of the first node:\n"
                 "policy:\n  org: %s/org.note\n  file: %s/policy.note\n  keys: %s/keys\n",
        m->org_name, m->site, m->org.root_threshold, m->org.root_count, m->org.admin_threshold,
        m->org.admin_count, m->out, m->out, m->out, m->out);
}

static enum weft_err make(struct making *m)
{
    char path[WEFT_FILES_PATH_SIZE];
    enum weft_err err = read_all(m);
    if (err == WEFT_OK) {
        err = weft_files_join(m->out, "org.note", path, m->msg);
    }
    if (err == WEFT_OK && weft_files_exists(path)) {
        err = weft_fail(m->msg, WEFT_ESTATE,
            "%s exists already: an organization's keys are never made over", path);
    }
    if (err == WEFT_OK) {
        err = weft_passphrase_choose(m->args, "passphrase-file", &m->passphrase, m->msg);
    }
    if (err == WEFT_OK) {
        err = make_keys(m);
    }
    if (err == WEFT_OK) {
        err = make_org(m);
    }
    for (uint32_t i = 0; err == WEFT_OK && i < m->org.admin_count; i++) {
        err = make_enrolment(m, i);
    }
    return err == WEFT_OK ? make_policy(m) : err;
}

enum weft_exit weft_cmd_pki_org(const struct weft_args *args)
{
    struct weft_msg msg;
    struct making *m = calloc(1, sizeof(*m));
    if (m == NULL) {
        return weft_complain(weft_fail(&msg, WEFT_ENOMEM, "no memory"), &msg);
    }
    m->args = args;
    m->msg = &msg;
    m->arena.size_max = WEFT_ORG_MEMORY_MAX;
    enum weft_err err = make(m);
    if (err == WEFT_OK) {
        report(m);
    }
    weft_arena_destroy(&m->arena);
    weft_random_wipe(m, sizeof(*m));
    free(m);
    return weft_complain(err, &msg);
}
