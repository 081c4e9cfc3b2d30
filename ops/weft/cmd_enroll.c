#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ops/weft/authority_note.h"
#include "ops/weft/files.h"
#include "ops/weft/keys.h"
#include "ops/weft/output.h"
#include "ops/weft/site_keys.h"

/* pki enroll and pki rotate: how a key comes in. The key signs a note over the site's nonce, who
 * approves signs it too, here or elsewhere, and it is committed. What the site would refuse is
 * said before it is asked, by the same function. */

enum {
    /* chosen: dated back, as certificates and org documents are: clocks of a plant differ */
    EARLY_S = 300,
};

static const int64_t ns_per_s = 1000 * 1000 * 1000;

/* One enrolment. Holds no secrets. */
struct enrolling {
    const struct weft_args *args;
    struct weft_site_keys site;
    struct weft_authority_note note;
    struct weft_enroll enroll; /* Borrows from the note's text, or from `org`. */
    char org[WEFT_PRINCIPAL_PART_SIZE_MAX + 1];
};

static void destroy(struct enrolling *e)
{
    weft_site_keys_destroy(&e->site);
    weft_authority_note_destroy(&e->note);
}

/* --- the text -------------------------------------------------------------------------------- */

static int64_t now_ns(void)
{
    return (int64_t)time(NULL) * ns_per_s;
}

/* Whose key it is: as --principal says, or as its name does. */
static enum weft_err read_owner(struct enrolling *e, struct weft_msg *msg)
{
    const char *text = weft_args_text(e->args, "principal", NULL);
    const char *name = text != NULL ? text : e->enroll.key.name;
    enum weft_err err = e->site.place[0] != '\0'
                            ? weft_site_keys_principal(&e->site, name, &e->enroll.principal, msg)
                            : weft_principal_parse(weft_text_of(name), &e->enroll.principal, msg);
    if (err == WEFT_OK) {
        err = weft_keyring_check_name(&e->enroll.principal, &e->enroll.key, msg);
    }
    if (err == WEFT_OK) {
        (void)snprintf(e->org, sizeof(e->org), "%s", e->enroll.principal.org);
        e->enroll.org = weft_text_of(e->org);
    }
    return err;
}

/* What the site makes of it at once: known already, or beside one that goes on. */
static enum weft_err check_new(struct enrolling *e, struct weft_msg *msg)
{
    const struct weft_keyring_key *known = weft_site_keys_find(&e->site, &e->enroll.key);
    const struct weft_keyring_key *other;
    if (known != NULL) {
        return weft_fail(msg, WEFT_ECONFLICT,
            "%s+%08x is known since index %" PRIu64 "%s: a key comes in once", known->verifier.name,
            known->verifier.key_id, known->from_index,
            weft_keyring_is_valid(known, WEFT_SITE_KEYS_NOW) ? "" : ", and has ended");
    }
    enum weft_err err = weft_site_keys_valid(&e->site, &e->enroll.principal, NULL, &other, NULL);
    if ((err != WEFT_OK && err != WEFT_ECONFLICT) || e->enroll.is_replacing ||
        weft_args_has(e->args, "beside") || e->enroll.principal.class == WEFT_PRINCIPAL_NODE) {
        return WEFT_OK;
    }
    return weft_fail(msg, WEFT_ECONFLICT,
        "%s has a key already: --replaces KEY-ID ends it (weft pki keys lists them), --beside lets "
        "it go on",
        e->enroll.key.name);
}

/* By key id among the principal's, or by its .vkey. */
static enum weft_err read_replaced(struct enrolling *e, struct weft_msg *msg)
{
    const char *text = weft_args_text(e->args, "replaces", NULL);
    const struct weft_keyring_key *key;
    enum weft_err err = WEFT_OK;
    if (text == NULL) {
        return WEFT_OK;
    }
    e->enroll.is_replacing = true;
    if (strchr(text, '.') != NULL || strchr(text, '/') != NULL || e->site.place[0] == '\0') {
        return weft_keys_read_public(text, &e->enroll.replaced, msg);
    }
    err = weft_site_keys_valid(&e->site, &e->enroll.principal, text, &key, msg);
    if (err == WEFT_OK) {
        e->enroll.replaced = key->verifier;
    }
    return err;
}

static enum weft_err write_text(struct enrolling *e, struct weft_msg *msg)
{
    e->enroll.issued_ns = now_ns() - EARLY_S * ns_per_s;
    e->enroll.expires_ns = e->enroll.issued_ns + WEFT_ENROLL_LIFE_MAX_S * ns_per_s;
    return weft_enroll_encode(&e->enroll, &e->note.text, msg);
}

static void make_nonce(struct enrolling *e)
{
    weft_enroll_nonce(&e->site.org.org.link.digest, weft_text_of(e->site.place), &e->site.ring,
        &e->enroll.principal, e->enroll.nonce);
}

/* 32 hexadecimal digits, as `weft pki nonce` prints them. */
static enum weft_err read_nonce(const char *text, struct weft_enroll *enroll, struct weft_msg *msg)
{
    enum {
        DIGITS = 2 * WEFT_DOCUMENT_NONCE_SIZE
    };
    if (strlen(text) != DIGITS || strspn(text, "0123456789abcdef") != DIGITS) {
        return weft_fail(
            msg, WEFT_EINVAL, "--nonce: %d digits of 0-9 a-f, by weft pki nonce", DIGITS);
    }
    for (size_t i = 0; i < sizeof(enroll->nonce); i++) {
        const char pair[3] = {text[2 * i], text[2 * i + 1], '\0'};
        enroll->nonce[i] = (uint8_t)strtoul(pair, NULL, 16);
    }
    return WEFT_OK;
}

/* --- who signs, and the commit --------------------------------------------------------------- */

static enum weft_err report(const struct enrolling *e, uint64_t index, struct weft_msg *msg)
{
    char who[WEFT_PRINCIPAL_TEXT_SIZE], vkey[WEFT_VKEY_TEXT_SIZE], id[16];
    enum weft_format format;
    enum weft_err err = weft_output_format(e->args, &format, msg);
    if (err != WEFT_OK) {
        return err;
    }
    weft_principal_format(&e->enroll.principal, who);
    weft_verifier_format(&e->enroll.key, vkey);
    if (format == WEFT_FORMAT_TABLE) {
        (void)printf("key %08x of %s is in force behind index %" PRIu64 "\n", e->enroll.key.key_id,
            who, index);
        if (e->enroll.is_replacing) {
            (void)printf("key %08x has ended there\n", e->enroll.replaced.key_id);
        }
        return WEFT_OK;
    }
    struct weft_writer w = {0};
    weft_writer_open(&w, NULL, '{');
    weft_writer_text(&w, "principal", weft_text_of(who));
    (void)snprintf(id, sizeof(id), "%08x", e->enroll.key.key_id);
    weft_writer_text(&w, "key_id", weft_text_of(id));
    weft_writer_text(&w, "vkey", weft_text_of(vkey));
    if (e->enroll.is_replacing) {
        (void)snprintf(id, sizeof(id), "%08x", e->enroll.replaced.key_id);
        weft_writer_text(&w, "ended", weft_text_of(id));
    }
    weft_writer_unsigned(&w, "index", index);
    weft_writer_close(&w, '}');
    err = weft_writer_print(&w, stdout, msg);
    weft_writer_destroy(&w);
    return err;
}

/* Judged here as the site will, but for its policy, and committed. */
static enum weft_err commit(struct enrolling *e, struct weft_client *client, struct weft_msg *msg)
{
    struct weft_note note;
    struct weft_enroll taken;
    enum weft_chain_fault fault;
    char asset[WEFT_ENROLL_ASSET_SIZE];
    uint64_t index = 0;
    enum weft_err err = weft_authority_note_join(&e->note, &note, msg);
    if (err == WEFT_OK) {
        err = weft_enroll_accept(&note, weft_text_of(e->site.place), &e->site.org.org, now_ns(),
            WEFT_SITE_KEYS_NOW, &e->site.ring, &taken, &fault, msg);
    }
    if (err == WEFT_OK) {
        weft_enroll_asset(&e->enroll.principal, weft_text_of(e->site.site), asset);
        err = weft_authority_note_commit(
            client, asset, weft_buffer_as_text(&e->note.joined), NULL, &index, msg);
    }
    return err == WEFT_OK ? report(e, index, msg) : err;
}

static enum weft_err finish(struct enrolling *e, struct weft_client *client, struct weft_msg *msg)
{
    const char *path = weft_args_text(e->args, "request", NULL);
    enum weft_err err = weft_site_keys_sign(&e->site, e->args, &e->note, msg);
    if (err != WEFT_OK) {
        return err;
    }
    return path != NULL
               ? weft_site_keys_hand_out(e->args, path, "enroll", "ADMIN.key", &e->note, msg)
               : commit(e, client, msg);
}

/* --- enroll ---------------------------------------------------------------------------------- */

/* The text, signed by the key itself. Without a site at hand the nonce comes from --nonce. */
static enum weft_err prepare(struct enrolling *e, struct weft_msg *msg)
{
    const char *nonce = weft_args_text(e->args, "nonce", NULL);
    struct weft_signer signer;
    enum weft_err err = weft_keys_open(e->args, e->args->operands[0], &signer, msg);
    if (err != WEFT_OK) {
        return err;
    }
    e->enroll.key = signer.verifier;
    err = read_owner(e, msg);
    if (err == WEFT_OK) {
        err = read_replaced(e, msg);
    }
    if (err == WEFT_OK && nonce != NULL) {
        err = read_nonce(nonce, &e->enroll, msg);
    } else if (err == WEFT_OK) {
        make_nonce(e);
        err = check_new(e, msg);
    }
    if (err == WEFT_OK) {
        err = write_text(e, msg);
    }
    if (err == WEFT_OK) {
        err = weft_authority_note_sign(&e->note, &signer, msg);
    }
    weft_signer_wipe(&signer);
    return err;
}

/* Somebody's request: who signs it sees what it is. */
static enum weft_err take_request(struct enrolling *e, struct weft_msg *msg)
{
    const char *path = weft_args_text(e->args, "sign", NULL);
    char vkey[WEFT_VKEY_TEXT_SIZE];
    enum weft_err err = weft_authority_note_read(path, &e->note, msg);
    if (err == WEFT_OK) {
        err = weft_enroll_decode(weft_buffer_as_text(&e->note.text), &e->enroll, msg);
        err = err == WEFT_OK ? err : weft_wrap(msg, err, "%s", path);
    }
    if (err == WEFT_OK && !weft_args_has(e->args, "quiet")) {
        weft_verifier_format(&e->enroll.key, vkey);
        (void)fprintf(stderr, "%s%s\n  ask whose key it is whether it is this one\n", vkey,
            e->enroll.is_replacing ? ", which ends another one" : "");
    }
    return err;
}

static enum weft_err enroll_at_site(
    const struct weft_args *args, struct weft_client *client, struct weft_msg *msg)
{
    struct enrolling e = {.args = args};
    enum weft_err err = weft_site_keys_read(client, &e.site, msg);
    if (err == WEFT_OK) {
        err = weft_args_has(args, "sign") ? take_request(&e, msg) : prepare(&e, msg);
    }
    if (err == WEFT_OK) {
        err = finish(&e, client, msg);
    }
    destroy(&e);
    return err;
}

/* Without a connection: a key that has none makes its request, or one more signs it. */
static enum weft_err enroll_apart(const struct weft_args *args, struct weft_msg *msg)
{
    struct enrolling e = {.args = args};
    enum weft_err err = weft_args_has(args, "sign") ? take_request(&e, msg) : prepare(&e, msg);
    if (err == WEFT_OK) {
        err = finish(&e, NULL, msg);
    }
    destroy(&e);
    return err;
}

enum weft_exit weft_cmd_pki_enroll(const struct weft_args *args)
{
    struct weft_msg msg = {""};
    bool has_sign = weft_args_has(args, "sign"), has_nonce = weft_args_has(args, "nonce");
    bool has_request = weft_args_has(args, "request");
    enum weft_err err = WEFT_OK;
    if (has_sign == (args->operand_count == 1)) {
        err = weft_fail(&msg, WEFT_EINVAL,
            "either NAME.key, whose key comes in, or --sign FILE, a request that was made");
    } else if (has_nonce && (has_sign || !has_request)) {
        err = weft_fail(
            &msg, WEFT_EINVAL, "--nonce is for a request that is made apart: with --request FILE");
    } else if (has_nonce || (has_sign && has_request)) {
        err = enroll_apart(args, &msg);
    } else {
        return weft_with_client(args, enroll_at_site);
    }
    return weft_complain(err, &msg);
}

/* --- rotate ---------------------------------------------------------------------------------- */

/* The new key: made, or of a rotation that was interrupted. */
static enum weft_err take_new(
    struct enrolling *e, const char *name, struct weft_signer *ret_signer, struct weft_msg *msg)
{
    const char *path = e->args->operands[1];
    const char *slash = strrchr(path, '/');
    const char *file = slash != NULL ? slash + 1 : path;
    size_t size = strlen(file);
    char directory[WEFT_FILES_PATH_SIZE], label[WEFT_FILES_PATH_SIZE];
    struct weft_passphrase passphrase;
    if (weft_files_exists(path)) {
        return weft_keys_open(e->args, path, ret_signer, msg);
    }
    if (size <= 4 || strcmp(file + size - 4, ".key") != 0 || strlen(path) >= sizeof(directory)) {
        return weft_fail(msg, WEFT_EINVAL, "%.80s: a key's file is called NAME.key", path);
    }
    (void)snprintf(directory, sizeof(directory), "%.*s", slash != NULL ? (int)(slash - path) : 1,
        slash != NULL ? path : ".");
    (void)snprintf(label, sizeof(label), "%.*s", (int)size - 4, file);
    const char *option =
        weft_args_has(e->args, "new-passphrase-file") ? "new-passphrase-file" : "passphrase-file";
    enum weft_err err = weft_passphrase_choose(e->args, option, &passphrase, msg);
    if (err == WEFT_OK) {
        err = weft_keys_make(directory, label, name, &passphrase, ret_signer, msg);
    }
    weft_passphrase_wipe(&passphrase);
    return err;
}

/* It ended by this very rotation, if its answer was lost. */
static enum weft_err fail_ended(
    const struct enrolling *e, const struct weft_keyring_key *old, struct weft_msg *msg)
{
    const char *path = e->args->operands[1];
    struct weft_verifier new;
    const struct weft_keyring_key *key = NULL;
    if (weft_files_exists(path) && weft_keys_read_public(path, &new, msg) == WEFT_OK) {
        key = weft_site_keys_find(&e->site, &new);
    }
    if (key != NULL && key->from_index == old->until_index) {
        return weft_fail(msg, WEFT_ECONFLICT, "it is done: %08x came for %08x at index %" PRIu64,
            key->verifier.key_id, old->verifier.key_id, key->from_index);
    }
    return weft_fail(msg, WEFT_ESTATE,
        "%s+%08x has ended at index %" PRIu64 ": it brings in no other", old->verifier.name,
        old->verifier.key_id, old->until_index);
}

static enum weft_err check_old(
    const struct enrolling *e, const struct weft_verifier *old, struct weft_msg *msg)
{
    const struct weft_keyring_key *key = weft_site_keys_find(&e->site, old);
    if (key == NULL) {
        return weft_fail(
            msg, WEFT_ENOTFOUND, "%s+%08x is not enrolled at this site", old->name, old->key_id);
    }
    return weft_keyring_is_valid(key, WEFT_SITE_KEYS_NOW) ? WEFT_OK : fail_ended(e, key, msg);
}

static enum weft_err prepare_rotation(
    struct enrolling *e, const struct weft_signer *old, struct weft_msg *msg)
{
    struct weft_signer new;
    enum weft_err err = check_old(e, &old->verifier, msg);
    if (err == WEFT_OK) {
        err = take_new(e, old->verifier.name, &new, msg);
    }
    if (err != WEFT_OK) {
        return err;
    }
    e->enroll.key = new.verifier;
    e->enroll.is_replacing = true;
    e->enroll.replaced = old->verifier;
    e->enroll.principal = weft_site_keys_find(&e->site, &old->verifier)->principal;
    e->enroll.org = e->site.org.org.org;
    make_nonce(e);
    err = check_new(e, msg);
    if (err == WEFT_OK) {
        err = write_text(e, msg);
    }
    if (err == WEFT_OK) {
        err = weft_authority_note_sign(&e->note, &new, msg);
    }
    if (err == WEFT_OK) {
        err = weft_authority_note_sign(&e->note, old, msg);
    }
    weft_signer_wipe(&new);
    return err;
}

static enum weft_err rotate(
    const struct weft_args *args, struct weft_client *client, struct weft_msg *msg)
{
    struct enrolling e = {.args = args};
    struct weft_signer old;
    enum weft_err err = weft_site_keys_read(client, &e.site, msg);
    if (err == WEFT_OK) {
        err = weft_keys_open(args, args->operands[0], &old, msg);
    }
    if (err == WEFT_OK) {
        err = prepare_rotation(&e, &old, msg);
        weft_signer_wipe(&old);
    }
    if (err == WEFT_OK) {
        err = commit(&e, client, msg);
    }
    destroy(&e);
    return err;
}

enum weft_exit weft_cmd_pki_rotate(const struct weft_args *args)
{
    return weft_with_client(args, rotate);
}
