#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "ops/weft/context.h"
#include "ops/weft/keys.h"
#include "ops/weft/output.h"
#include "policy/crypto/pki.h"
#include "policy/signer.h"
#include "proto/record.h"
#include "proto/time.h"

#define ROOT_CERT "ca.crt"
#define ROOT_KEY "ca.key"
#define LOG_LABEL "log"
#define NOTE_LABEL "note"

static const char *const default_hosts[] = {"localhost", "127.0.0.1", "::1"};
enum {
    DEFAULT_HOSTS = 3
};

static struct weft_bytes bytes_of(const struct weft_buffer *b)
{
    return (struct weft_bytes){b->data, b->size};
}

static enum weft_err read_common(const struct weft_args *args, uint32_t fallback_days,
    uint32_t *ret_days, enum weft_pki_key_type *ret_type, struct weft_msg *msg)
{
    const char *type = weft_args_text(args, "key", "p256");
    uint64_t days = 0;
    enum weft_err err =
        weft_args_number(args, "days", 1, WEFT_PKI_DAYS_MAX, fallback_days, &days, msg);
    if (err != WEFT_OK) {
        return err;
    }
    if (strcmp(type, "p256") != 0 && strcmp(type, "ed25519") != 0) {
        return weft_fail(msg, WEFT_EINVAL, "--key %.40s: p256 or ed25519", type);
    }
    *ret_days = (uint32_t)days;
    *ret_type = strcmp(type, "p256") == 0 ? WEFT_PKI_P256 : WEFT_PKI_ED25519;
    return WEFT_OK;
}

/* Nothing is written at all when any of the files is there already. */
static enum weft_err refuse_existing(
    const char *directory, const char *const *names, int count, struct weft_msg *msg)
{
    for (int i = 0; i < count; i++) {
        char path[WEFT_FILES_PATH_SIZE];
        enum weft_err err = weft_files_join(directory, names[i], path, msg);
        if (err != WEFT_OK) {
            return err;
        }
        if (weft_files_exists(path)) {
            return weft_fail(msg, WEFT_ESTATE, "%s exists already; --force replaces it", path);
        }
    }
    return WEFT_OK;
}

static enum weft_err write_one(const char *directory, const char *name, struct weft_bytes bytes,
    unsigned mode, struct weft_msg *msg)
{
    char path[WEFT_FILES_PATH_SIZE];
    enum weft_err err = weft_files_join(directory, name, path, msg);
    return err == WEFT_OK ? weft_files_write(path, bytes, mode, true, msg) : err;
}

/* What was made, for people or programs. `key` is NULL: no key of signatures. */
static enum weft_err report(const struct weft_args *args, const char *directory,
    const struct weft_buffer *cert, const struct weft_verifier *key, struct weft_msg *msg)
{
    struct weft_pki_facts facts;
    enum weft_format format;
    char uri[WEFT_PRINCIPAL_URI_SIZE];
    char until[WEFT_TIME_TEXT_SIZE], vkey[WEFT_VKEY_TEXT_SIZE];
    enum weft_err err = weft_pki_inspect(bytes_of(cert), &facts, msg);
    if (err == WEFT_OK) {
        err = weft_output_format(args, &format, msg);
    }
    if (err != WEFT_OK) {
        return err;
    }
    weft_principal_format_uri(&facts.principal, uri);
    weft_time_format(facts.not_after_s * 1000000000, until);
    if (format == WEFT_FORMAT_TABLE) {
        (void)printf("%s in %s, valid until %s\n", facts.is_root ? facts.principal.org : uri,
            directory, until);
        return WEFT_OK;
    }
    struct weft_writer w = {0};
    weft_writer_open(&w, NULL, '{');
    weft_writer_text(&w, facts.is_root ? "org" : "principal",
        weft_text_of(facts.is_root ? facts.principal.org : uri));
    weft_writer_text(&w, "directory", weft_text_of(directory));
    weft_writer_text(&w, "not_after", weft_text_of(until));
    weft_writer_text(&w, "fingerprint", weft_text_of(facts.fingerprint));
    if (key != NULL) {
        weft_verifier_format(key, vkey);
        weft_writer_text(&w, "vkey", weft_text_of(vkey));
    }
    weft_writer_close(&w, '}');
    err = weft_writer_print(&w, stdout, msg);
    weft_writer_destroy(&w);
    return err;
}

static enum weft_err init(const struct weft_args *args, struct weft_msg *msg)
{
    static const char *const names[] = {ROOT_CERT, ROOT_KEY};
    const char *directory = weft_args_text(args, "pki", "pki");
    struct weft_pki_root_options options = {
        .org = weft_args_text(args, "org", NULL), .now_s = (int64_t)time(NULL)};
    struct weft_pki_pair root = {0};
    if (options.org == NULL) {
        return weft_fail(msg, WEFT_EINVAL, "--org ORG is missing, such as --org oem.example");
    }
    enum weft_err err =
        read_common(args, WEFT_PKI_ROOT_DAYS, &options.days, &options.key_type, msg);
    if (err == WEFT_OK && !weft_args_has(args, "force")) {
        err = refuse_existing(directory, names, 2, msg);
    }
    if (err == WEFT_OK) {
        err = weft_files_make_directory(directory, 0755, msg);
    }
    if (err == WEFT_OK) {
        err = weft_pki_create_root(&options, &root, msg);
    }
    /* The key first: a certificate whose key was lost would look like a usable root. */
    if (err == WEFT_OK) {
        err = write_one(directory, ROOT_KEY, bytes_of(&root.key), 0600, msg);
    }
    if (err == WEFT_OK) {
        err = write_one(directory, ROOT_CERT, bytes_of(&root.cert), 0644, msg);
    }
    if (err == WEFT_OK) {
        err = report(args, directory, &root.cert, NULL, msg);
    }
    weft_pki_pair_destroy(&root);
    return err;
}

enum weft_exit weft_cmd_pki_init(const struct weft_args *args)
{
    struct weft_msg msg;
    return weft_complain(init(args, &msg), &msg);
}

/* --- leaves ------------------------------------------------------------------------------ */

static enum weft_err read_root(
    const char *directory, struct weft_pki_pair *root, struct weft_msg *msg)
{
    char path[WEFT_FILES_PATH_SIZE];
    root->cert.size_max = WEFT_PKI_PEM_SIZE_MAX;
    root->key.size_max = WEFT_PKI_PEM_SIZE_MAX;
    enum weft_err err = weft_files_join(directory, ROOT_CERT, path, msg);
    if (err == WEFT_OK) {
        err = weft_files_read(path, &root->cert, msg);
    }
    if (err == WEFT_OK) {
        err = weft_files_join(directory, ROOT_KEY, path, msg);
    }
    if (err == WEFT_OK) {
        err = weft_buffer_reserve(&root->key, WEFT_PKI_PEM_SIZE_MAX); /* No copies left behind. */
    }
    if (err == WEFT_OK) {
        err = weft_files_read(path, &root->key, msg);
    }
    return err == WEFT_ENOTFOUND ? weft_wrap(msg, WEFT_EINVAL,
                                       "no trust root (weft pki init makes it; --pki says where)")
                                 : err;
}

/* A node, at either of its doors: others dial it. */
static bool is_host(enum weft_principal_class class)
{
    return class == WEFT_PRINCIPAL_NODE || class == WEFT_PRINCIPAL_PARTNER;
}

static enum weft_err describe(const struct weft_args *args, enum weft_principal_class class,
    const struct weft_pki_pair *root, struct weft_pki_leaf_options *options, struct weft_msg *msg)
{
    struct weft_pki_facts facts;
    const char *site = weft_args_text(args, "site", NULL);
    const char *name = args->operands[0];
    if (site == NULL) {
        return weft_fail(msg, WEFT_EINVAL, "--site SITE is missing");
    }
    enum weft_err err = weft_pki_inspect(bytes_of(&root->cert), &facts, msg);
    if (err == WEFT_OK && !facts.is_root) {
        err = weft_fail(msg, WEFT_EINVAL, ROOT_CERT " is not a trust root");
    }
    if (err == WEFT_OK && is_host(class) && !weft_name_is_valid(weft_text_of(name))) {
        err = weft_fail(
            msg, WEFT_EINVAL, "node \"%.80s\": a node's name is 1 to 63 of a-z 0-9 . - _", name);
    }
    if (err == WEFT_OK) {
        err = weft_principal_make(class, facts.principal.org, site, name, &options->principal, msg);
    }
    return err == WEFT_OK
               ? read_common(args, WEFT_PKI_LEAF_DAYS, &options->days, &options->key_type, msg)
               : err;
}

/* localhost and its addresses, then what is given, each once. */
static enum weft_err collect_hosts(const struct weft_args *args,
    const char *hosts[WEFT_PKI_HOSTS_MAX], struct weft_pki_leaf_options *options,
    struct weft_msg *msg)
{
    memcpy(hosts, default_hosts, sizeof(default_hosts));
    options->hosts = hosts;
    options->host_count = DEFAULT_HOSTS;
    for (int n = 0; weft_args_nth(args, "host", n) != NULL; n++) {
        const char *host = weft_args_nth(args, "host", n);
        bool is_known = false;
        for (uint32_t i = 0; i < options->host_count; i++) {
            is_known = is_known || strcmp(hosts[i], host) == 0;
        }
        if (!is_known && options->host_count == WEFT_PKI_HOSTS_MAX) {
            return weft_fail(msg, WEFT_EINVAL, "more than %d hosts", WEFT_PKI_HOSTS_MAX);
        }
        if (!is_known) {
            hosts[options->host_count++] = host;
        }
    }
    return WEFT_OK;
}

static enum weft_err write_identity(const char *directory, const struct weft_pki_pair *leaf,
    const struct weft_pki_pair *root, struct weft_msg *msg)
{
    enum weft_err err = weft_files_make_directory(directory, 0755, msg);
    if (err == WEFT_OK) {
        err = write_one(directory, WEFT_IDENTITY_KEY, bytes_of(&leaf->key), 0600, msg);
    }
    if (err == WEFT_OK) {
        err = write_one(directory, WEFT_IDENTITY_CERT, bytes_of(&leaf->cert), 0644, msg);
    }
    if (err == WEFT_OK) {
        err = write_one(directory, WEFT_IDENTITY_CA, bytes_of(&root->cert), 0644, msg);
    }
    return err;
}

/* The key that a node signs the audit log with, and its public half. One that is there stays: what
 * it signed binds the node, and others know it. */
static enum weft_err make_log_key(
    const char *directory, const struct weft_principal *node, struct weft_msg *msg)
{
    char path[WEFT_FILES_PATH_SIZE], origin[WEFT_SIGNER_NAME_SIZE_MAX + 1];
    static const struct weft_passphrase none = {""};
    struct weft_signer signer;
    enum weft_err err = weft_files_join(directory, LOG_LABEL ".key", path, msg);
    if (err != WEFT_OK || weft_files_exists(path)) {
        return err;
    }
    (void)snprintf(origin, sizeof(origin), "%s/%s/audit", node->org, node->site);
    err = weft_keys_make(directory, LOG_LABEL, origin, &none, &signer, msg);
    weft_signer_wipe(&signer);
    return err;
}

/* A leaf that is being made. Holds secrets until it is destroyed. */
struct leaf {
    const struct weft_args *args;
    struct weft_pki_leaf_options options;
    const char *hosts[WEFT_PKI_HOSTS_MAX];
    char directory[WEFT_FILES_PATH_SIZE];
    struct weft_pki_pair root, pair;
    struct weft_passphrase passphrase; /* Of note.key. */
    struct weft_verifier key;
    bool has_key;
};

static void destroy_leaf(struct leaf *l)
{
    weft_pki_pair_destroy(&l->pair);
    weft_pki_pair_destroy(&l->root);
    weft_passphrase_wipe(&l->passphrase);
}

static enum weft_err choose_directory(struct leaf *l, struct weft_msg *msg)
{
    const struct weft_principal *p = &l->options.principal;
    const char *out = weft_args_text(l->args, "out", NULL);
    int size = out != NULL ? snprintf(l->directory, sizeof(l->directory), "%s", out)
                           : snprintf(l->directory, sizeof(l->directory), "%s/%s/%s/%s",
                                 weft_args_text(l->args, "pki", "pki"), p->site,
                                 weft_principal_class_name(p->class), p->name);
    return size >= 0 && size < (int)sizeof(l->directory)
               ? WEFT_OK
               : weft_fail(msg, WEFT_EINVAL, "--out: path too long");
}

/* Who it is, below which root, and where it goes. */
static enum weft_err begin(struct leaf *l, enum weft_principal_class class, struct weft_msg *msg)
{
    l->options.now_s = (int64_t)time(NULL);
    enum weft_err err = read_root(weft_args_text(l->args, "pki", "pki"), &l->root, msg);
    if (err == WEFT_OK) {
        err = describe(l->args, class, &l->root, &l->options, msg);
    }
    if (err == WEFT_OK && is_host(class)) {
        err = collect_hosts(l->args, l->hosts, &l->options, msg);
    }
    return err == WEFT_OK ? choose_directory(l, msg) : err;
}

static enum weft_err issue(struct leaf *l, struct weft_msg *msg)
{
    static const char *const names[] = {WEFT_IDENTITY_CA, WEFT_IDENTITY_CERT, WEFT_IDENTITY_KEY};
    enum weft_err err = WEFT_OK;
    if (!weft_args_has(l->args, "force")) {
        err = refuse_existing(l->directory, names, 3, msg);
    }
    if (err == WEFT_OK) {
        err = weft_pki_issue(
            &l->options, bytes_of(&l->root.cert), bytes_of(&l->root.key), &l->pair, msg);
    }
    return err == WEFT_OK ? write_identity(l->directory, &l->pair, &l->root, msg) : err;
}

enum weft_exit weft_cmd_pki_node(const struct weft_args *args)
{
    struct leaf l = {.args = args};
    struct weft_msg msg;
    enum weft_err err = begin(&l, WEFT_PRINCIPAL_NODE, &msg);
    if (err == WEFT_OK) {
        err = issue(&l, &msg);
    }
    if (err == WEFT_OK) {
        err = make_log_key(l.directory, &l.options.principal, &msg);
    }
    if (err == WEFT_OK) {
        err = report(args, l.directory, &l.pair.cert, NULL, &msg);
    }
    destroy_leaf(&l);
    return weft_complain(err, &msg);
}

/* What another organization's nodes see of a node. It signs with the log.key that it has. */
enum weft_exit weft_cmd_pki_partner(const struct weft_args *args)
{
    struct leaf l = {.args = args};
    struct weft_msg msg;
    enum weft_err err = begin(&l, WEFT_PRINCIPAL_PARTNER, &msg);
    if (err == WEFT_OK) {
        err = issue(&l, &msg);
    }
    if (err == WEFT_OK) {
        err = report(args, l.directory, &l.pair.cert, NULL, &msg);
    }
    destroy_leaf(&l);
    return weft_complain(err, &msg);
}

/* --- persons and programs ---------------------------------------------------------------- */

/* --only note: of whom, without a trust root. */
static enum weft_err begin_apart(
    struct leaf *l, enum weft_principal_class class, struct weft_msg *msg)
{
    const char *org = weft_args_text(l->args, "org", NULL);
    const char *site = weft_args_text(l->args, "site", NULL);
    if (org == NULL || site == NULL) {
        return weft_fail(msg, WEFT_EINVAL, "--org ORG and --site SITE are needed: whose key is it");
    }
    enum weft_err err =
        weft_principal_make(class, org, site, l->args->operands[0], &l->options.principal, msg);
    return err == WEFT_OK ? choose_directory(l, msg) : err;
}

/* What opens note.key. False in *ret_is_wanted: it stays as it is, or cannot be protected. */
static enum weft_err choose_passphrase(
    struct leaf *l, bool is_alone, bool *ret_is_wanted, struct weft_msg *msg)
{
    static const char option[] = "passphrase-file";
    char path[WEFT_FILES_PATH_SIZE];
    bool is_program = l->options.principal.class != WEFT_PRINCIPAL_OP;
    enum weft_err err = weft_files_join(l->directory, NOTE_LABEL ".key", path, msg);
    *ret_is_wanted = false;
    if (err == WEFT_OK && weft_files_exists(path)) {
        return is_alone ? weft_fail(msg, WEFT_ESTATE,
                              "%s exists already: it is never made over; weft pki rotate gives a "
                              "new one",
                              path)
                        : WEFT_OK;
    }
    if (err != WEFT_OK || (is_program && !weft_args_has(l->args, option))) {
        *ret_is_wanted = err == WEFT_OK; /* Nobody could open a program's at night. */
        return err;
    }
    if (!is_alone && !weft_passphrase_is_at_hand(l->args, option)) {
        (void)fprintf(stderr,
            "weft: no note.key: no terminal to ask for its passphrase; --only note adds it\n");
        return WEFT_OK;
    }
    *ret_is_wanted = true;
    return weft_passphrase_choose(l->args, option, &l->passphrase, msg);
}

static enum weft_err make_note_key(struct leaf *l, struct weft_msg *msg)
{
    char name[WEFT_PRINCIPAL_TEXT_SIZE];
    struct weft_signer signer;
    weft_principal_format(&l->options.principal, name);
    enum weft_err err =
        weft_keys_make(l->directory, NOTE_LABEL, name, &l->passphrase, &signer, msg);
    if (err == WEFT_OK) {
        l->key = signer.verifier;
        l->has_key = true;
        weft_signer_wipe(&signer);
    }
    return err;
}

/* What to do next, for people. */
static void advise(const struct leaf *l)
{
    if (l->has_key && !weft_args_has(l->args, "quiet")) {
        (void)fprintf(stderr,
            "next: weft pki enroll %s/note.key --request FILE\n"
            "then, who approves: weft pki enroll --sign FILE --key ADMIN.key\n",
            l->directory);
    }
}

static enum weft_err report_key(const struct leaf *l, struct weft_msg *msg)
{
    enum weft_format format;
    struct weft_writer w = {0};
    char vkey[WEFT_VKEY_TEXT_SIZE];
    enum weft_err err = weft_output_format(l->args, &format, msg);
    if (err != WEFT_OK) {
        return err;
    }
    weft_verifier_format(&l->key, vkey);
    if (format == WEFT_FORMAT_TABLE) {
        (void)printf("%s in %s\n", vkey, l->directory);
        return WEFT_OK;
    }
    weft_writer_open(&w, NULL, '{');
    weft_writer_text(&w, "principal", weft_text_of(l->key.name));
    weft_writer_text(&w, "directory", weft_text_of(l->directory));
    weft_writer_text(&w, "vkey", weft_text_of(vkey));
    weft_writer_close(&w, '}');
    err = weft_writer_print(&w, stdout, msg);
    weft_writer_destroy(&w);
    return err;
}

static enum weft_err make_holder(
    struct leaf *l, enum weft_principal_class class, struct weft_msg *msg)
{
    const char *only = weft_args_text(l->args, "only", "");
    bool is_note = strcmp(only, "note") == 0, is_tls = strcmp(only, "tls") == 0;
    bool makes_key = false;
    if (only[0] != '\0' && !is_note && !is_tls) {
        return weft_fail(msg, WEFT_EINVAL, "--only %.40s: note or tls", only);
    }
    enum weft_err err = is_note ? begin_apart(l, class, msg) : begin(l, class, msg);
    if (err == WEFT_OK && !is_tls) {
        err = choose_passphrase(l, is_note, &makes_key, msg);
    }
    if (err == WEFT_OK && !is_note) {
        err = issue(l, msg);
    }
    if (err == WEFT_OK && makes_key) {
        err = make_note_key(l, msg);
    }
    if (err != WEFT_OK) {
        return err;
    }
    return is_note ? report_key(l, msg)
                   : report(l->args, l->directory, &l->pair.cert, l->has_key ? &l->key : NULL, msg);
}

static enum weft_exit run_holder(const struct weft_args *args, enum weft_principal_class class)
{
    struct leaf l = {.args = args};
    struct weft_msg msg;
    enum weft_err err = make_holder(&l, class, &msg);
    if (err == WEFT_OK) {
        advise(&l);
    }
    destroy_leaf(&l);
    return weft_complain(err, &msg);
}

enum weft_exit weft_cmd_pki_person(const struct weft_args *args)
{
    return run_holder(args, WEFT_PRINCIPAL_OP);
}

enum weft_exit weft_cmd_pki_service(const struct weft_args *args)
{
    return run_holder(args, WEFT_PRINCIPAL_SVC);
}

enum weft_exit weft_cmd_pki_gateway(const struct weft_args *args)
{
    return run_holder(args, WEFT_PRINCIPAL_GW);
}

/* For weft policy show --next: a forbid, since others are mostly permitted more. */
static void print_auditor_policy(const char *name, const char *site)
{
    (void)fprintf(stderr,
        "and into the policy (weft policy show --next > FILE; weft policy apply FILE):\n\n"
        "scope audit-log = asset weft:audit, asset authority:*/...\n\n"
        "permit auditor-%s\n"
        "  who  op %s/%s\n"
        "  do   read export\n"
        "  on   audit-log\n\n"
        "forbid auditor-%s-else\n"
        "  who  op %s/%s\n"
        "  do   any\n"
        "  on   not audit-log\n",
        name, site, name, name, site, name);
}

enum weft_exit weft_cmd_pki_auditor(const struct weft_args *args)
{
    enum weft_exit result = run_holder(args, WEFT_PRINCIPAL_OP);
    if (result == WEFT_EXIT_DONE) {
        print_auditor_policy(args->operands[0], weft_args_text(args, "site", ""));
    }
    return result;
}

/* --- show -------------------------------------------------------------------------------- */

/* An identity directory must hold together: key, certificate, root, today. */
static enum weft_err verify_identity(
    const char *directory, const struct weft_buffer *cert, struct weft_msg *msg)
{
    struct weft_pki_pair other = {0};
    struct weft_principal who;
    char path[WEFT_FILES_PATH_SIZE];
    other.cert.size_max = other.key.size_max = WEFT_PKI_PEM_SIZE_MAX;
    enum weft_err err = weft_files_join(directory, WEFT_IDENTITY_CA, path, msg);
    if (err == WEFT_OK) {
        err = weft_files_read(path, &other.cert, msg);
    }
    if (err == WEFT_OK) {
        err = weft_pki_verify(
            bytes_of(cert), bytes_of(&other.cert), (int64_t)time(NULL), false, &who, msg);
    }
    if (err == WEFT_OK) {
        err = weft_files_join(directory, WEFT_IDENTITY_KEY, path, msg);
    }
    if (err == WEFT_OK) {
        err = weft_files_read(path, &other.key, msg);
    }
    if (err == WEFT_OK) {
        err = weft_pki_check_pair(bytes_of(cert), bytes_of(&other.key), msg);
    }
    weft_pki_pair_destroy(&other);
    return err;
}

static void show_table(const char *path, const struct weft_pki_facts *facts, const char *uri,
    const char *from, const char *until, const char *verdict)
{
    (void)printf("%s\n  principal    %s\n  usage        %s\n  key          %s\n"
                 "  valid        %s to %s\n  serial       %s\n  fingerprint  sha256:%s\n%s%s%s",
        path, facts->is_root ? facts->principal.org : uri,
        facts->is_root     ? "trust root"
        : facts->is_server ? "server and client"
                           : "client",
        facts->key_type, from, until, facts->serial, facts->fingerprint,
        verdict != NULL ? "  verified     " : "", verdict != NULL ? verdict : "",
        verdict != NULL ? "\n" : "");
}

static void show_json(struct weft_writer *w, const char *path, const struct weft_pki_facts *facts,
    const char *uri, const char *from, const char *until, const char *verdict)
{
    weft_writer_open(w, NULL, '{');
    weft_writer_text(w, "file", weft_text_of(path));
    weft_writer_text(w, facts->is_root ? "org" : "principal",
        weft_text_of(facts->is_root ? facts->principal.org : uri));
    weft_writer_bool(w, "is_root", facts->is_root);
    weft_writer_bool(w, "is_server", facts->is_server);
    weft_writer_bool(w, "is_client", facts->is_client);
    weft_writer_text(w, "key", weft_text_of(facts->key_type));
    weft_writer_text(w, "not_before", weft_text_of(from));
    weft_writer_text(w, "not_after", weft_text_of(until));
    weft_writer_text(w, "serial", weft_text_of(facts->serial));
    weft_writer_text(w, "fingerprint", weft_text_of(facts->fingerprint));
    if (verdict != NULL) {
        weft_writer_text(w, "verified", weft_text_of(verdict));
    }
    weft_writer_close(w, '}');
}

static enum weft_err show_one(
    const char *operand, enum weft_format format, struct weft_writer *w, struct weft_msg *msg)
{
    struct weft_buffer cert = {.size_max = WEFT_PKI_PEM_SIZE_MAX};
    struct weft_pki_facts facts;
    char path[WEFT_FILES_PATH_SIZE];
    char uri[WEFT_PRINCIPAL_URI_SIZE], from[WEFT_TIME_TEXT_SIZE], until[WEFT_TIME_TEXT_SIZE];
    struct stat st;
    bool is_identity = stat(operand, &st) == 0 && S_ISDIR(st.st_mode);
    enum weft_err verdict = WEFT_OK;
    struct weft_msg why = {""};
    enum weft_err err =
        is_identity ? weft_files_join(operand, WEFT_IDENTITY_CERT, path, msg) : WEFT_OK;
    if (err == WEFT_OK) {
        err = weft_files_read(is_identity ? path : operand, &cert, msg);
    }
    if (err == WEFT_OK) {
        err = weft_pki_inspect(bytes_of(&cert), &facts, msg);
        err = err != WEFT_OK ? weft_wrap(msg, err, "%s", operand) : err;
    }
    if (err == WEFT_OK) {
        if (is_identity) {
            verdict = verify_identity(operand, &cert, &why);
        }
        if (verdict == WEFT_OK) {
            (void)snprintf(why.text, sizeof(why.text), "yes");
        }
        weft_principal_format_uri(&facts.principal, uri);
        weft_time_format(facts.not_before_s * 1000000000, from);
        weft_time_format(facts.not_after_s * 1000000000, until);
        if (format == WEFT_FORMAT_TABLE) {
            show_table(operand, &facts, uri, from, until, is_identity ? why.text : NULL);
        } else {
            show_json(w, operand, &facts, uri, from, until, is_identity ? why.text : NULL);
        }
        if (verdict != WEFT_OK) {
            err = weft_fail(msg, WEFT_EBADSIG, "%s: %s", operand, why.text);
        }
    }
    weft_buffer_destroy(&cert);
    return err;
}

enum weft_exit weft_cmd_pki_show(const struct weft_args *args)
{
    struct weft_writer w = {0};
    struct weft_msg msg;
    enum weft_format format;
    enum weft_exit result = WEFT_EXIT_DONE;
    enum weft_err err = weft_output_format(args, &format, &msg);
    if (err != WEFT_OK) {
        return weft_complain(err, &msg);
    }
    if (format == WEFT_FORMAT_JSON) {
        weft_writer_open(&w, NULL, '[');
    }
    for (int i = 0; i < args->operand_count; i++) {
        enum weft_exit one = weft_complain(show_one(args->operands[i], format, &w, &msg), &msg);
        result = one != WEFT_EXIT_DONE ? one : result;
        if (format == WEFT_FORMAT_JSONL && w.out.size > 0) {
            err = weft_writer_print(&w, stdout, &msg);
        }
    }
    if (format == WEFT_FORMAT_JSON) {
        weft_writer_close(&w, ']');
        err = weft_writer_print(&w, stdout, &msg);
    }
    weft_writer_destroy(&w);
    return err != WEFT_OK ? weft_complain(err, &msg) : result;
}
