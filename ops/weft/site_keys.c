#include "ops/weft/site_keys.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ops/weft/keys.h"
#include "ops/weft/query.h"

enum {
    STATUS_ARENA_SIZE_MAX = 1024 * 1024,
    KEY_ID_DIGITS = 8,
};

static const char key_prefix[] = WEFT_ENROLL_ASSET_PREFIX;
static const char revoke_prefix[] = "authority:revoke/";

void weft_site_keys_destroy(struct weft_site_keys *keys)
{
    weft_org_source_destroy(&keys->org);
    weft_keyring_destroy(&keys->ring);
}

/* --- records --------------------------------------------------------------------------------- */

static enum weft_err take_key(
    struct weft_site_keys *keys, struct weft_text text, uint64_t index, struct weft_msg *msg)
{
    struct weft_enroll enroll;
    enum weft_err err = weft_enroll_decode(text, &enroll, msg);
    if (err == WEFT_OK) {
        err = weft_keyring_add(&keys->ring, &enroll.principal, &enroll.key, index, msg);
    }
    return err == WEFT_OK && enroll.is_replacing
               ? weft_keyring_revoke(&keys->ring, &enroll.replaced, index, msg)
               : err;
}

static enum weft_err take_revoke(
    struct weft_site_keys *keys, struct weft_text text, uint64_t index, struct weft_msg *msg)
{
    struct weft_revoke revoke;
    enum weft_err err = weft_revoke_decode(text, &revoke, msg);
    if (err == WEFT_OK) {
        err = weft_revoke_end(&revoke, index, &keys->ring, msg);
    }
    if (err == WEFT_OK) {
        keys->has_revoked = true;
        keys->revoked = revoke.link;
    }
    return err;
}

enum weft_err weft_site_keys_take(struct weft_site_keys *keys, struct weft_text asset,
    struct weft_text note, uint64_t index, struct weft_msg *msg)
{
    struct weft_note parsed;
    bool is_key = weft_text_starts(asset, key_prefix);
    if (!is_key && !weft_text_starts(asset, revoke_prefix)) {
        return WEFT_OK;
    }
    enum weft_err err = weft_note_parse(note, &parsed, msg);
    if (err == WEFT_OK) {
        err = is_key ? take_key(keys, parsed.text, index, msg)
                     : take_revoke(keys, parsed.text, index, msg);
    }
    return err == WEFT_OK || err == WEFT_ENOMEM
               ? err
               : weft_wrap(msg, WEFT_ECORRUPT, "%.*s at index %" PRIu64, (int)asset.size,
                     asset.data, index);
}

static enum weft_err on_page(void *ctx, const struct weft_page *page, struct weft_msg *msg)
{
    enum weft_err err = WEFT_OK;
    for (uint32_t i = 0; i < page->record_count && err == WEFT_OK; i++) {
        const struct weft_record *r = &page->records[i].record;
        if (r->field_count == 1) {
            err =
                weft_site_keys_take(ctx, r->asset, r->fields[0].value, page->records[i].index, msg);
        }
    }
    return err;
}

static enum weft_err read_place(
    struct weft_client *client, struct weft_site_keys *keys, struct weft_msg *msg)
{
    struct weft_arena arena = {.size_max = STATUS_ARENA_SIZE_MAX};
    struct weft_client_message answer, request = {.kind = WEFT_KIND_STATUS};
    enum weft_err err = weft_client_call(client, &request, &arena, &answer, msg);
    if (err == WEFT_OK) {
        struct weft_text org = answer.status_result.org, site = answer.status_result.site;
        (void)snprintf(keys->site, sizeof(keys->site), "%.*s", (int)site.size, site.data);
        (void)snprintf(
            keys->place, sizeof(keys->place), "%.*s/%s", (int)org.size, org.data, keys->site);
    }
    weft_arena_destroy(&arena);
    return err;
}

enum weft_err weft_site_keys_read(
    struct weft_client *client, struct weft_site_keys *keys, struct weft_msg *msg)
{
    const struct weft_query query = {.type = WEFT_QUERY_FIND, .kind = WEFT_TEXT("authority")};
    enum weft_err err = read_place(client, keys, msg);
    if (err == WEFT_OK) {
        err = weft_org_source_site(client, &keys->org, msg);
    }
    return err == WEFT_OK ? weft_query_pages(client, &query, 0, on_page, keys, msg) : err;
}

/* --- names ----------------------------------------------------------------------------------- */

enum weft_err weft_site_keys_principal(const struct weft_site_keys *keys, const char *text,
    struct weft_principal *ret_principal, struct weft_msg *msg)
{
    char full[2 * WEFT_PRINCIPAL_TEXT_SIZE];
    int slashes = 0;
    for (const char *c = text; *c != '\0'; c++) {
        slashes += *c == '/';
    }
    const char *between = slashes == 0 ? "/op/" : slashes == 1 ? "/" : "";
    (void)snprintf(full, sizeof(full), "%s%s%.*s", slashes < 2 ? keys->place : "", between,
        WEFT_PRINCIPAL_TEXT_SIZE, text);
    return weft_principal_parse(weft_text_of(full), ret_principal, msg);
}

static bool read_key_id(const char *text, uint32_t *ret_id)
{
    if (strlen(text) != KEY_ID_DIGITS || strspn(text, "0123456789abcdef") != KEY_ID_DIGITS) {
        return false;
    }
    *ret_id = (uint32_t)strtoul(text, NULL, 16);
    return true;
}

/* What was found of the principal's keys. */
struct found {
    uint32_t valid;
    uint32_t ended;
    const struct weft_keyring_key *one;  /* Of those that are valid. */
    const struct weft_keyring_key *last; /* Of those that have ended. */
    char ids[128];
};

static struct found look(const struct weft_site_keys *keys, const struct weft_principal *principal,
    const uint32_t *key_id)
{
    struct found f = {.valid = 0};
    for (uint32_t i = 0; i < keys->ring.count; i++) {
        const struct weft_keyring_key *key = &keys->ring.keys[i];
        if (!weft_principal_equal(&key->principal, principal) ||
            (key_id != NULL && key->verifier.key_id != *key_id)) {
            continue;
        }
        if (weft_keyring_is_valid(key, WEFT_SITE_KEYS_NOW)) {
            size_t used = strlen(f.ids);
            (void)snprintf(f.ids + used, sizeof(f.ids) - used, "%s%08x", used > 0 ? ", " : "",
                key->verifier.key_id);
            f.valid++;
            f.one = key;
        } else {
            f.ended++;
            f.last = f.last == NULL || key->until_index > f.last->until_index ? key : f.last;
        }
    }
    return f;
}

enum weft_err weft_site_keys_valid(const struct weft_site_keys *keys,
    const struct weft_principal *principal, const char *key_id,
    const struct weft_keyring_key **ret_key, struct weft_msg *msg)
{
    char who[WEFT_PRINCIPAL_TEXT_SIZE];
    uint32_t id = 0;
    if (key_id != NULL && !read_key_id(key_id, &id)) {
        return weft_fail(
            msg, WEFT_EINVAL, "\"%.40s\": a key id is %d digits of 0-9 a-f", key_id, KEY_ID_DIGITS);
    }
    struct found f = look(keys, principal, key_id != NULL ? &id : NULL);
    weft_principal_format(principal, who);
    if (f.valid == 1) {
        *ret_key = f.one;
        return WEFT_OK;
    }
    if (f.valid > 1) {
        return weft_fail(msg, WEFT_ECONFLICT, "%s has several keys, say which: %s", who, f.ids);
    }
    return f.ended > 0 ? weft_fail(msg, WEFT_ESTATE,
                             "the key %08x of %s has ended at index %" PRIu64 " already",
                             f.last->verifier.key_id, who, f.last->until_index)
                       : weft_fail(msg, WEFT_ENOTFOUND, "%s has no key %s", who,
                             key_id != NULL ? key_id : "at this site");
}

const struct weft_keyring_key *weft_site_keys_find(
    const struct weft_site_keys *keys, const struct weft_verifier *verifier)
{
    const struct weft_keyring_key *key =
        weft_keyring_find(&keys->ring, weft_text_of(verifier->name), verifier->key_id);
    return key != NULL && weft_verifier_equal(&key->verifier, verifier) ? key : NULL;
}

enum weft_err weft_site_keys_check_approver(
    const struct weft_site_keys *keys, const struct weft_verifier *verifier, struct weft_msg *msg)
{
    const struct weft_org *org = &keys->org.org;
    for (uint32_t i = 0; i < org->root_count; i++) {
        if (weft_verifier_equal(&org->roots[i], verifier)) {
            return WEFT_OK;
        }
    }
    const struct weft_keyring_key *key = weft_site_keys_find(keys, verifier);
    if (key == NULL) {
        return weft_fail(msg, WEFT_EREFUSED, "%s+%08x is neither a root nor enrolled at this site",
            verifier->name, verifier->key_id);
    }
    if (!weft_keyring_is_valid(key, WEFT_SITE_KEYS_NOW)) {
        return weft_fail(msg, WEFT_EREFUSED,
            "%s+%08x has ended at index %" PRIu64 ": what it signs counts no more", verifier->name,
            verifier->key_id, key->until_index);
    }
    return weft_org_is_admin(org, &key->principal)
               ? WEFT_OK
               : weft_fail(msg, WEFT_EREFUSED,
                     "%s is neither a root nor an admin of %.*s: it approves nothing",
                     verifier->name, (int)org->org.size, org->org.data);
}

enum weft_err weft_site_keys_sign(const struct weft_site_keys *keys, const struct weft_args *args,
    struct weft_authority_note *note, struct weft_msg *msg)
{
    enum weft_err err = WEFT_OK;
    const char *path;
    for (int i = 0; err == WEFT_OK && (path = weft_args_nth(args, "key", i)) != NULL; i++) {
        struct weft_signer signer;
        err = weft_keys_open(args, path, &signer, msg);
        if (err != WEFT_OK) {
            return err;
        }
        if (keys->place[0] != '\0') {
            err = weft_site_keys_check_approver(keys, &signer.verifier, msg);
            err = err == WEFT_OK ? err : weft_wrap(msg, err, "%s", path);
        }
        if (err == WEFT_OK) {
            err = weft_authority_note_sign(note, &signer, msg);
        }
        weft_signer_wipe(&signer);
    }
    return err;
}

enum weft_err weft_site_keys_hand_out(const struct weft_args *args, const char *path,
    const char *command, const char *signer, struct weft_authority_note *note, struct weft_msg *msg)
{
    enum weft_err err = weft_authority_note_write(path, note, msg);
    if (err == WEFT_OK && !weft_args_has(args, "quiet")) {
        (void)fprintf(
            stderr, "next, who approves: weft pki %s --sign %s --key %s\n", command, path, signer);
    }
    return err;
}
