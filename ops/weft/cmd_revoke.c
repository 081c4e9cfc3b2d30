#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ops/weft/authority_note.h"
#include "ops/weft/keys.h"
#include "ops/weft/output.h"
#include "ops/weft/site_keys.h"

/* pki keys and pki nonce: what the site knows of keys. pki revoke: how one ends. */

static const int64_t ns_per_s = 1000 * 1000 * 1000;

/* --- keys and nonce -------------------------------------------------------------------------- */

static void key_row(struct weft_table *t, const struct weft_keyring_key *key, bool is_admin)
{
    char who[WEFT_PRINCIPAL_TEXT_SIZE], until[24] = "";
    bool is_valid = weft_keyring_is_valid(key, WEFT_SITE_KEYS_NOW);
    weft_principal_format(&key->principal, who);
    if (key->until_index != WEFT_KEYRING_FOR_EVER) {
        (void)snprintf(until, sizeof(until), "%" PRIu64, key->until_index);
    }
    weft_table_cell(t, weft_text_of(who));
    weft_table_format(t, "%08x", key->verifier.key_id);
    weft_table_format(t, "%" PRIu64, key->from_index);
    weft_table_cell(t, weft_text_of(until));
    weft_table_cell(t, !is_valid  ? WEFT_TEXT("ended")
                       : is_admin ? WEFT_TEXT("valid, admin")
                                  : WEFT_TEXT("valid"));
}

static void key_object(struct weft_writer *w, const struct weft_keyring_key *key, bool is_admin)
{
    char who[WEFT_PRINCIPAL_TEXT_SIZE], vkey[WEFT_VKEY_TEXT_SIZE], id[16];
    weft_principal_format(&key->principal, who);
    weft_verifier_format(&key->verifier, vkey);
    (void)snprintf(id, sizeof(id), "%08x", key->verifier.key_id);
    weft_writer_open(w, NULL, '{');
    weft_writer_text(w, "principal", weft_text_of(who));
    weft_writer_text(w, "key_id", weft_text_of(id));
    weft_writer_text(w, "vkey", weft_text_of(vkey));
    weft_writer_unsigned(w, "from_index", key->from_index);
    if (key->until_index != WEFT_KEYRING_FOR_EVER) {
        weft_writer_unsigned(w, "until_index", key->until_index);
    }
    weft_writer_bool(w, "is_valid", weft_keyring_is_valid(key, WEFT_SITE_KEYS_NOW));
    weft_writer_bool(w, "is_admin", is_admin);
    weft_writer_close(w, '}');
}

/* All of the site, or those of one principal. */
static enum weft_err print_keys(const struct weft_args *args, const struct weft_site_keys *site,
    const struct weft_principal *whose, struct weft_msg *msg)
{
    enum weft_format format;
    struct weft_table t;
    struct weft_writer w = {0};
    enum weft_err err = weft_output_format(args, &format, msg);
    if (err != WEFT_OK) {
        return err;
    }
    weft_table_init(&t, "PRINCIPAL|KEY|>FROM|>UNTIL|STATE");
    if (format == WEFT_FORMAT_JSON) {
        weft_writer_open(&w, NULL, '[');
    }
    for (uint32_t i = 0; i < site->ring.count && err == WEFT_OK; i++) {
        const struct weft_keyring_key *key = &site->ring.keys[i];
        bool is_admin = weft_org_is_admin(&site->org.org, &key->principal);
        if (whose != NULL && !weft_principal_equal(whose, &key->principal)) {
            continue;
        }
        if (format == WEFT_FORMAT_TABLE) {
            key_row(&t, key, is_admin);
            continue;
        }
        key_object(&w, key, is_admin);
        if (format == WEFT_FORMAT_JSONL) {
            err = weft_writer_print(&w, stdout, msg);
        }
    }
    return weft_output_end(format, &t, &w, err, msg);
}

static enum weft_err keys(
    const struct weft_args *args, struct weft_client *client, struct weft_msg *msg)
{
    struct weft_site_keys site = {.has_revoked = false};
    struct weft_principal whose;
    bool is_one = args->operand_count > 0;
    enum weft_err err = weft_site_keys_read(client, &site, msg);
    if (err == WEFT_OK && is_one) {
        err = weft_site_keys_principal(&site, args->operands[0], &whose, msg);
    }
    if (err == WEFT_OK) {
        err = print_keys(args, &site, is_one ? &whose : NULL, msg);
    }
    weft_site_keys_destroy(&site);
    return err;
}

enum weft_exit weft_cmd_pki_keys(const struct weft_args *args)
{
    return weft_with_client(args, keys);
}

static enum weft_err nonce(
    const struct weft_args *args, struct weft_client *client, struct weft_msg *msg)
{
    struct weft_site_keys site = {.has_revoked = false};
    struct weft_principal whose;
    uint8_t bytes[WEFT_DOCUMENT_NONCE_SIZE];
    enum weft_err err = weft_site_keys_read(client, &site, msg);
    if (err == WEFT_OK) {
        err = weft_site_keys_principal(&site, args->operands[0], &whose, msg);
    }
    if (err == WEFT_OK) {
        weft_enroll_nonce(
            &site.org.org.link.digest, weft_text_of(site.place), &site.ring, &whose, bytes);
        for (size_t i = 0; i < sizeof(bytes); i++) {
            (void)printf("%02x", bytes[i]);
        }
        (void)printf("\n");
    }
    weft_site_keys_destroy(&site);
    return err;
}

enum weft_exit weft_cmd_pki_nonce(const struct weft_args *args)
{
    return weft_with_client(args, nonce);
}

/* --- revoke ---------------------------------------------------------------------------------- */

/* One revocation. `revoke` borrows from the others. */
struct revoking {
    const struct weft_args *args;
    struct weft_site_keys site;
    struct weft_authority_note note;
    struct weft_revoke revoke;
};

/* The next revocation of the site, of the principal's key. */
static enum weft_err write_text(struct revoking *r, struct weft_msg *msg)
{
    const struct weft_keyring_key *key;
    const char *reason = weft_args_text(r->args, "reason", NULL);
    if (reason == NULL) {
        return weft_fail(
            msg, WEFT_EINVAL, "--reason TEXT is missing: it is kept, and everybody may read it");
    }
    enum weft_err err =
        weft_site_keys_principal(&r->site, r->args->operands[0], &r->revoke.principal, msg);
    if (err == WEFT_OK) {
        err = weft_site_keys_valid(
            &r->site, &r->revoke.principal, weft_args_text(r->args, "key-id", NULL), &key, msg);
    }
    if (err != WEFT_OK) {
        return err;
    }
    r->revoke.org = r->site.org.org.org;
    r->revoke.key = key->verifier;
    r->revoke.reason = weft_text_of(reason);
    r->revoke.link = (struct weft_chain_link){
        .version = 1, .issued_ns = (int64_t)time(NULL) * ns_per_s, .expires_ns = INT64_MAX};
    if (r->site.has_revoked) {
        r->revoke.link.version = r->site.revoked.version + 1;
        r->revoke.link.prev = r->site.revoked.digest;
    }
    return weft_revoke_encode(&r->revoke, &r->note.text, msg);
}

/* Somebody's request: who signs it sees what it is. */
static enum weft_err take_request(struct revoking *r, struct weft_msg *msg)
{
    const char *path = weft_args_text(r->args, "sign", NULL);
    enum weft_err err = weft_authority_note_read(path, &r->note, msg);
    if (err == WEFT_OK) {
        err = weft_revoke_decode(weft_buffer_as_text(&r->note.text), &r->revoke, msg);
        err = err == WEFT_OK ? err : weft_wrap(msg, err, "%s", path);
    }
    if (err == WEFT_OK && !weft_args_has(r->args, "quiet")) {
        (void)fprintf(stderr, "ends %s+%08x: %.*s\n", r->revoke.key.name, r->revoke.key.key_id,
            (int)r->revoke.reason.size, r->revoke.reason.data);
    }
    return err;
}

static enum weft_err report(const struct revoking *r, uint64_t index, struct weft_msg *msg)
{
    char who[WEFT_PRINCIPAL_TEXT_SIZE], id[16];
    enum weft_format format;
    enum weft_err err = weft_output_format(r->args, &format, msg);
    if (err != WEFT_OK) {
        return err;
    }
    weft_principal_format(&r->revoke.principal, who);
    (void)snprintf(id, sizeof(id), "%08x", r->revoke.key.key_id);
    if (format == WEFT_FORMAT_TABLE) {
        (void)printf("key %s of %s has ended at index %" PRIu64 "\n", id, who, index);
        return WEFT_OK;
    }
    struct weft_writer w = {0};
    weft_writer_open(&w, NULL, '{');
    weft_writer_text(&w, "principal", weft_text_of(who));
    weft_writer_text(&w, "key_id", weft_text_of(id));
    weft_writer_unsigned(&w, "version", r->revoke.link.version);
    weft_writer_unsigned(&w, "index", index);
    weft_writer_close(&w, '}');
    err = weft_writer_print(&w, stdout, msg);
    weft_writer_destroy(&w);
    return err;
}

/* Judged here as the site will, but for its policy, and committed. */
static enum weft_err commit(struct revoking *r, struct weft_client *client, struct weft_msg *msg)
{
    struct weft_note note;
    struct weft_revoke taken;
    enum weft_chain_fault fault;
    char asset[64];
    uint64_t index = 0;
    enum weft_err err = weft_authority_note_join(&r->note, &note, msg);
    if (err == WEFT_OK) {
        err = weft_revoke_accept(&note, &r->site.org.org,
            r->site.has_revoked ? &r->site.revoked : NULL, WEFT_SITE_KEYS_NOW, &r->site.ring,
            &taken, &fault, msg);
    }
    if (err == WEFT_OK) {
        (void)snprintf(asset, sizeof(asset), "authority:revoke/%" PRIu64, r->revoke.link.version);
        err = weft_authority_note_commit(
            client, asset, weft_buffer_as_text(&r->note.joined), NULL, &index, msg);
    }
    return err == WEFT_OK ? report(r, index, msg) : err;
}

static enum weft_err finish(struct revoking *r, struct weft_client *client, struct weft_msg *msg)
{
    const char *path = weft_args_text(r->args, "request", NULL);
    enum weft_err err = weft_site_keys_sign(&r->site, r->args, &r->note, msg);
    if (err != WEFT_OK) {
        return err;
    }
    return path != NULL
               ? weft_site_keys_hand_out(r->args, path, "revoke", "ROOT.key", &r->note, msg)
               : commit(r, client, msg);
}

static enum weft_err revoke_at_site(
    const struct weft_args *args, struct weft_client *client, struct weft_msg *msg)
{
    struct revoking r = {.args = args};
    enum weft_err err = weft_site_keys_read(client, &r.site, msg);
    if (err == WEFT_OK) {
        err = weft_args_has(args, "sign") ? take_request(&r, msg) : write_text(&r, msg);
    }
    if (err == WEFT_OK) {
        err = finish(&r, client, msg);
    }
    weft_site_keys_destroy(&r.site);
    weft_authority_note_destroy(&r.note);
    return err;
}

/* Without a connection: one more signs. */
static enum weft_err revoke_apart(const struct weft_args *args, struct weft_msg *msg)
{
    struct revoking r = {.args = args};
    enum weft_err err = take_request(&r, msg);
    if (err == WEFT_OK) {
        err = finish(&r, NULL, msg);
    }
    weft_authority_note_destroy(&r.note);
    return err;
}

enum weft_exit weft_cmd_pki_revoke(const struct weft_args *args)
{
    struct weft_msg msg = {""};
    bool has_sign = weft_args_has(args, "sign");
    if (has_sign == (args->operand_count == 1)) {
        (void)weft_fail(&msg, WEFT_EINVAL,
            "either PRINCIPAL, whose key ends, or --sign FILE, a revocation that was begun");
        return weft_complain(WEFT_EINVAL, &msg);
    }
    if (has_sign && weft_args_has(args, "request")) {
        return weft_complain(revoke_apart(args, &msg), &msg);
    }
    return weft_with_client(args, revoke_at_site);
}
