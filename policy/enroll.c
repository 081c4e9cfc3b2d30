#include "policy/enroll.h"

#include <stdio.h>

#include "proto/arith.h"
#include "proto/check.h"
#include "proto/time.h"

static const int64_t life_max_ns = (int64_t)WEFT_ENROLL_LIFE_MAX_S * 1000 * 1000 * 1000;

/* --- texts ----------------------------------------------------------------------------------- */

static enum weft_err read_org(
    struct weft_document_reader *reader, struct weft_text *ret_org, struct weft_msg *msg)
{
    enum weft_err err = weft_document_read(reader, "org", ret_org, msg);
    if (err == WEFT_OK && !weft_principal_is_org(*ret_org)) {
        err = weft_document_fail(reader, msg, WEFT_EINVAL, "not an organization's name");
    }
    return err;
}

/* The lines "principal" and "key": the key is named after the principal, who is of `org`. */
static enum weft_err read_owner(struct weft_document_reader *reader, struct weft_text org,
    struct weft_principal *ret_principal, struct weft_verifier *ret_key, struct weft_msg *msg)
{
    enum weft_err err = weft_document_read_principal(reader, "principal", ret_principal, msg);
    if (err == WEFT_OK && !weft_text_is(org, ret_principal->org)) {
        err = weft_document_fail(reader, msg, WEFT_EINVAL, "a principal of another organization");
    }
    if (err == WEFT_OK) {
        err = weft_document_read_verifier(reader, "key", ret_key, msg);
    }
    if (err == WEFT_OK) {
        err = weft_keyring_check_name(ret_principal, ret_key, msg);
        err = err == WEFT_OK ? err : weft_wrap(msg, err, "line %u", reader->line);
    }
    return err;
}

static enum weft_err read_replaced(
    struct weft_document_reader *reader, struct weft_enroll *enroll, struct weft_msg *msg)
{
    struct weft_text value = {"", 0};
    enum weft_err err = weft_document_read(reader, "replaces", &value, msg);
    if (err != WEFT_OK || weft_text_is(value, "none")) {
        return err;
    }
    enroll->is_replacing = true;
    err = weft_verifier_parse(value, &enroll->replaced, msg);
    if (err == WEFT_OK) {
        err = weft_keyring_check_name(&enroll->principal, &enroll->replaced, msg);
    }
    if (err == WEFT_OK && weft_verifier_equal(&enroll->key, &enroll->replaced)) {
        err = weft_fail(msg, WEFT_EINVAL, "a key does not replace itself");
    }
    return err == WEFT_OK ? err : weft_wrap(msg, err, "line %u", reader->line);
}

static enum weft_err read_life(
    struct weft_document_reader *reader, struct weft_enroll *enroll, struct weft_msg *msg)
{
    enum weft_err err = weft_document_read_time(reader, "issued", &enroll->issued_ns, msg);
    if (err == WEFT_OK) {
        err = weft_document_read_time(reader, "expires", &enroll->expires_ns, msg);
    }
    if (err != WEFT_OK) {
        return err;
    }
    if (enroll->expires_ns <= enroll->issued_ns ||
        enroll->expires_ns - enroll->issued_ns > life_max_ns) {
        return weft_document_fail(reader, msg, WEFT_EINVAL,
            "it expires after it is issued, within %d s", WEFT_ENROLL_LIFE_MAX_S);
    }
    return WEFT_OK;
}

void weft_enroll_asset(const struct weft_principal *principal, struct weft_text site,
    char ret_asset[WEFT_ENROLL_ASSET_SIZE])
{
    bool is_ours = weft_text_is(site, principal->site);
    (void)snprintf(ret_asset, WEFT_ENROLL_ASSET_SIZE, "%s%s%s%s/%s", WEFT_ENROLL_ASSET_PREFIX,
        is_ours ? "" : principal->site, is_ours ? "" : "/",
        weft_principal_class_name(principal->class), principal->name);
}

enum weft_err weft_enroll_decode(
    struct weft_text text, struct weft_enroll *ret_enroll, struct weft_msg *msg)
{
    struct weft_enroll enroll = {.is_replacing = false};
    struct weft_document_reader reader;
    enum weft_err err = weft_document_open(text, WEFT_DOCUMENT_ENROLL, &reader, msg);
    if (err == WEFT_OK) {
        err = read_org(&reader, &enroll.org, msg);
    }
    if (err == WEFT_OK) {
        err = read_owner(&reader, enroll.org, &enroll.principal, &enroll.key, msg);
    }
    if (err == WEFT_OK) {
        err = read_replaced(&reader, &enroll, msg);
    }
    if (err == WEFT_OK) {
        err = weft_document_read_nonce(&reader, "nonce", enroll.nonce, msg);
    }
    if (err == WEFT_OK) {
        err = read_life(&reader, &enroll, msg);
    }
    if (err == WEFT_OK) {
        err = weft_document_close(&reader, msg);
    }
    if (err == WEFT_OK) {
        *ret_enroll = enroll;
    }
    return err;
}

enum weft_err weft_revoke_decode(
    struct weft_text text, struct weft_revoke *ret_revoke, struct weft_msg *msg)
{
    struct weft_revoke revoke = {.reason = {"", 0}};
    struct weft_document_reader reader;
    enum weft_err err = weft_document_open(text, WEFT_DOCUMENT_REVOKE, &reader, msg);
    if (err == WEFT_OK) {
        err = read_org(&reader, &revoke.org, msg);
    }
    if (err == WEFT_OK) {
        err = weft_chain_read(&reader, text, false, &revoke.link, msg);
    }
    if (err == WEFT_OK) {
        err = read_owner(&reader, revoke.org, &revoke.principal, &revoke.key, msg);
    }
    if (err == WEFT_OK) {
        err = weft_document_read(&reader, "reason", &revoke.reason, msg);
    }
    if (err == WEFT_OK) {
        err = weft_document_close(&reader, msg);
    }
    if (err == WEFT_OK) {
        *ret_revoke = revoke;
    }
    return err;
}

static enum weft_err write_enroll(const struct weft_enroll *enroll, struct weft_buffer *out)
{
    enum weft_err err = weft_document_begin(out, WEFT_DOCUMENT_ENROLL);
    if (err == WEFT_OK) {
        err = weft_document_write(out, "org", enroll->org);
    }
    if (err == WEFT_OK) {
        err = weft_document_write_principal(out, "principal", &enroll->principal);
    }
    if (err == WEFT_OK) {
        err = weft_document_write_verifier(out, "key", &enroll->key);
    }
    if (err == WEFT_OK) {
        err = enroll->is_replacing
                  ? weft_document_write_verifier(out, "replaces", &enroll->replaced)
                  : weft_document_write(out, "replaces", WEFT_TEXT("none"));
    }
    if (err == WEFT_OK) {
        err = weft_document_write_nonce(out, "nonce", enroll->nonce);
    }
    if (err == WEFT_OK) {
        err = weft_document_write_time(out, "issued", enroll->issued_ns);
    }
    return err == WEFT_OK ? weft_document_write_time(out, "expires", enroll->expires_ns) : err;
}

enum weft_err weft_enroll_encode(
    const struct weft_enroll *enroll, struct weft_buffer *out, struct weft_msg *msg)
{
    size_t before = out->size;
    struct weft_enroll again;
    enum weft_err err = write_enroll(enroll, out), decoded = WEFT_OK;
    if (err == WEFT_OK) {
        decoded = weft_enroll_decode(
            (struct weft_text){(const char *)out->data + before, out->size - before}, &again, msg);
    }
    return weft_document_end(out, before, err, decoded, msg);
}

static enum weft_err write_revoke(const struct weft_revoke *revoke, struct weft_buffer *out)
{
    enum weft_err err = weft_document_begin(out, WEFT_DOCUMENT_REVOKE);
    if (err == WEFT_OK) {
        err = weft_document_write(out, "org", revoke->org);
    }
    if (err == WEFT_OK) {
        err = weft_chain_write(out, &revoke->link);
    }
    if (err == WEFT_OK) {
        err = weft_document_write_principal(out, "principal", &revoke->principal);
    }
    if (err == WEFT_OK) {
        err = weft_document_write_verifier(out, "key", &revoke->key);
    }
    return err == WEFT_OK ? weft_document_write(out, "reason", revoke->reason) : err;
}

enum weft_err weft_revoke_encode(
    const struct weft_revoke *revoke, struct weft_buffer *out, struct weft_msg *msg)
{
    size_t before = out->size;
    struct weft_revoke again;
    enum weft_err err = write_revoke(revoke, out), decoded = WEFT_OK;
    if (err == WEFT_OK) {
        decoded = weft_revoke_decode(
            (struct weft_text){(const char *)out->data + before, out->size - before}, &again, msg);
    }
    return weft_document_end(out, before, err, decoded, msg);
}

/* POL-33 */
void weft_enroll_nonce(const struct weft_digest *org_text, struct weft_text site,
    const struct weft_keyring *ring, const struct weft_principal *principal,
    uint8_t ret_nonce[WEFT_DOCUMENT_NONCE_SIZE])
{
    static const char label[] = "weft-enroll-nonce/v1\n";
    char text[WEFT_VKEY_TEXT_SIZE], who[WEFT_PRINCIPAL_TEXT_SIZE];
    uint8_t until[8];
    struct weft_sha256 hash;
    weft_sha256_init(&hash);
    weft_sha256_update(&hash, label, sizeof(label) - 1);
    weft_sha256_update(&hash, site.data, site.size);
    weft_sha256_update(&hash, "\n", 1);
    weft_sha256_update(&hash, org_text->bytes, WEFT_DIGEST_SIZE);
    weft_principal_format(principal, who);
    weft_sha256_update(&hash, who, strlen(who));
    weft_sha256_update(&hash, "\n", 1);
    for (uint32_t i = 0; i < ring->count; i++) {
        const struct weft_keyring_key *key = &ring->keys[i];
        if (weft_principal_equal(&key->principal, principal)) {
            weft_verifier_format(&key->verifier, text);
            weft_sha256_update(&hash, text, strlen(text));
            weft_put_be64(until, key->until_index);
            weft_sha256_update(&hash, until, sizeof(until));
        }
    }
    struct weft_digest digest = weft_sha256_final(&hash);
    memcpy(ret_nonce, digest.bytes, WEFT_DOCUMENT_NONCE_SIZE);
}

/* --- who signed ------------------------------------------------------------------------------ */

enum weft_err weft_enroll_check_approval(const struct weft_note *note, enum weft_document_kind kind,
    const struct weft_org *org, const struct weft_keyring *ring, const struct weft_principal *owner,
    uint64_t index, enum weft_chain_fault *ret_fault, struct weft_msg *msg)
{
    uint32_t admins = 0, roots = 0;
    weft_assert(org->admin_threshold > 0 && org->root_threshold > 0); /* POL-28 */
    enum weft_err err =
        weft_keyring_count(ring, note, kind, org->admins, org->admin_count, index, &admins, msg);
    if (err == WEFT_OK) {
        err = weft_org_count_roots(org, note, &roots, msg);
    }
    if (err != WEFT_OK || roots >= org->root_threshold) {
        return err;
    }
    /* POL-32: or one stolen admin's key would be all of them. */
    if (weft_org_is_admin(org, owner)) {
        err = weft_chain_fail(WEFT_CHAIN_THRESHOLD, ret_fault, msg,
            "an admin's keys come and go by the roots: %u (of %u needed) have signed", roots,
            org->root_threshold);
    } else if (admins < org->admin_threshold) {
        err = weft_chain_fail(WEFT_CHAIN_THRESHOLD, ret_fault, msg,
            "%u admins (of %u needed) and %u roots (of %u needed) have signed", admins,
            org->admin_threshold, roots, org->root_threshold);
    }
    return err;
}

static enum weft_err check_time(
    const struct weft_enroll *enroll, int64_t now_ns, struct weft_msg *msg)
{
    char from[WEFT_TIME_TEXT_SIZE], until[WEFT_TIME_TEXT_SIZE], now[WEFT_TIME_TEXT_SIZE];
    if (now_ns >= enroll->issued_ns && now_ns < enroll->expires_ns) {
        return WEFT_OK;
    }
    weft_time_format(enroll->issued_ns, from);
    weft_time_format(enroll->expires_ns, until);
    weft_time_format(now_ns, now);
    return weft_fail(msg, WEFT_EREFUSED, "good from %s to %s, and it is %s: are the clocks right?",
        from, until, now);
}

enum weft_err weft_enroll_check_possession(const struct weft_note *note,
    const uint8_t nonce[WEFT_DOCUMENT_NONCE_SIZE], int64_t now_ns, struct weft_enroll *ret_enroll,
    struct weft_msg *msg)
{
    struct weft_enroll enroll = {.is_replacing = false};
    struct weft_note_mark mark;
    enum weft_err err = weft_enroll_decode(note->text, &enroll, msg);
    if (err != WEFT_OK) {
        return err;
    }
    if (memcmp(nonce, enroll.nonce, sizeof(enroll.nonce)) != 0) {
        return weft_fail(msg, WEFT_EREFUSED,
            "another nonce than the site's: the org document or a key of %s/%s has changed",
            weft_principal_class_name(enroll.principal.class), enroll.principal.name);
    }
    err = check_time(&enroll, now_ns, msg);
    if (err != WEFT_OK) {
        return err;
    }
    err = weft_note_verify(note, &enroll.key, 1, &mark, msg);
    if (err != WEFT_OK) {
        return weft_wrap(msg, err, "proof of possession");
    }
    *ret_enroll = enroll;
    return WEFT_OK;
}

static enum weft_err check_org(
    const struct weft_org *org, struct weft_text name, struct weft_msg *msg)
{
    return weft_text_equal(org->org, name)
               ? WEFT_OK
               : weft_fail(msg, WEFT_EPEER, "a document of %.*s, not of %.*s", (int)name.size,
                     name.data, (int)org->org.size, org->org.data);
}

/* A root that is a person's too would count twice. */
static bool is_root(const struct weft_org *org, const struct weft_verifier *key)
{
    for (uint32_t i = 0; i < org->root_count; i++) {
        if (weft_ed25519_key_equal(&org->roots[i].key, &key->key)) {
            return true;
        }
    }
    return false;
}

/* The replaced key is of this principal and valid at the index: seen before anything changes. */
static enum weft_err check_replaced(const struct weft_enroll *enroll,
    const struct weft_keyring *ring, uint64_t index, struct weft_msg *msg)
{
    const struct weft_verifier *old = &enroll->replaced;
    const struct weft_keyring_key *key =
        weft_keyring_find(ring, weft_text_of(old->name), old->key_id);
    if (key == NULL || !weft_verifier_equal(&key->verifier, old) ||
        !weft_principal_equal(&key->principal, &enroll->principal)) {
        return weft_fail(msg, WEFT_ENOTFOUND, "no key %s+%08x to replace", old->name, old->key_id);
    }
    return weft_keyring_is_valid(key, index)
               ? WEFT_OK
               : weft_fail(msg, WEFT_ESTATE, "the replaced key is not valid");
}

static enum weft_err change_keys(const struct weft_enroll *enroll, uint64_t index,
    struct weft_keyring *ring, enum weft_chain_fault *ret_fault, struct weft_msg *msg)
{
    enum weft_err err = weft_keyring_add(ring, &enroll->principal, &enroll->key, index, msg);
    if (err == WEFT_ECONFLICT) {
        *ret_fault = WEFT_CHAIN_DUPLICATE_KEY_ID;
    }
    if (err == WEFT_OK && enroll->is_replacing) {
        err = weft_keyring_revoke(ring, &enroll->replaced, index, msg);
        weft_assert(err == WEFT_OK); /* POL-30: it was looked at */
    }
    return err;
}

/* A key that is valid may bring in its successor: the principal and its rights stay. */
static enum weft_err find_rotation(
    const struct weft_note *note, struct weft_enroll *enroll, struct weft_msg *msg)
{
    struct weft_note_mark mark;
    struct weft_msg unsaid = {""};
    enum weft_err err = weft_note_verify(note, &enroll->replaced, 1, &mark, &unsaid);
    enroll->is_rotation = err == WEFT_OK;
    return err == WEFT_OK || err == WEFT_EPEER
               ? WEFT_OK
               : weft_fail(msg, err, "the replaced key: %s", unsaid.text);
}

static enum weft_err check_enrolment(const struct weft_note *note, const struct weft_org *org,
    const struct weft_keyring *ring, uint64_t index, struct weft_enroll *enroll,
    enum weft_chain_fault *ret_fault, struct weft_msg *msg)
{
    enum weft_err err = check_org(org, enroll->org, msg);
    if (err == WEFT_OK && enroll->is_replacing) {
        err = check_replaced(enroll, ring, index, msg);
    }
    if (err == WEFT_OK && enroll->is_replacing) {
        err = find_rotation(note, enroll, msg);
    }
    if (err == WEFT_OK && !enroll->is_rotation) {
        err = weft_enroll_check_approval(
            note, WEFT_DOCUMENT_ENROLL, org, ring, &enroll->principal, index, ret_fault, msg);
    }
    if (err == WEFT_OK && is_root(org, &enroll->key)) {
        *ret_fault = WEFT_CHAIN_DUPLICATE_KEY_ID;
        err = weft_fail(msg, WEFT_ECONFLICT, "duplicate-key-id: it is a root's key");
    }
    return err;
}

enum weft_err weft_enroll_accept(const struct weft_note *note, struct weft_text site,
    const struct weft_org *org, int64_t now_ns, uint64_t index, struct weft_keyring *ring,
    struct weft_enroll *ret_enroll, enum weft_chain_fault *ret_fault, struct weft_msg *msg)
{
    struct weft_enroll enroll = {.is_replacing = false};
    uint8_t nonce[WEFT_DOCUMENT_NONCE_SIZE];
    *ret_fault = WEFT_CHAIN_SOUND;
    enum weft_err err = weft_enroll_decode(note->text, &enroll, msg);
    if (err == WEFT_OK) {
        weft_enroll_nonce(&org->link.digest, site, ring, &enroll.principal, nonce);
        err = weft_enroll_check_possession(note, nonce, now_ns, &enroll, msg);
    }
    if (err == WEFT_OK) {
        err = check_enrolment(note, org, ring, index, &enroll, ret_fault, msg);
    }
    if (err == WEFT_OK) {
        err = change_keys(&enroll, index, ring, ret_fault, msg);
    }
    if (err == WEFT_OK) {
        *ret_enroll = enroll;
    }
    return err;
}

/* Was it an enrolment that ended the key? A replaced key ends where another one begins. */
static bool was_replaced(const struct weft_keyring *ring, const struct weft_keyring_key *old)
{
    for (uint32_t i = 0; i < ring->count; i++) {
        const struct weft_keyring_key *key = &ring->keys[i];
        if (key != old && key->from_index == old->until_index &&
            weft_principal_equal(&key->principal, &old->principal)) {
            return true;
        }
    }
    return false;
}

/* POL-34. How many have ended. */
static uint32_t end_successors(
    struct weft_keyring *ring, const struct weft_keyring_key *old, uint64_t index)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < ring->count; i++) {
        struct weft_keyring_key *key = &ring->keys[i];
        if (key->from_index >= old->until_index && weft_keyring_is_valid(key, index) &&
            weft_principal_equal(&key->principal, &old->principal)) {
            key->until_index = index;
            count++;
        }
    }
    return count;
}

enum weft_err weft_revoke_end(const struct weft_revoke *revoke, uint64_t index,
    struct weft_keyring *ring, struct weft_msg *msg)
{
    const struct weft_verifier *named = &revoke->key;
    const struct weft_keyring_key *key =
        weft_keyring_find(ring, weft_text_of(named->name), named->key_id);
    if (key == NULL || !weft_verifier_equal(&key->verifier, named) ||
        !weft_principal_equal(&key->principal, &revoke->principal)) {
        return weft_fail(msg, WEFT_ENOTFOUND, "no such key of that principal");
    }
    if (!weft_keyring_is_valid(key, index) && was_replaced(ring, key) &&
        end_successors(ring, key, index) > 0) {
        return WEFT_OK;
    }
    return weft_keyring_revoke(ring, named, index, msg);
}

enum weft_err weft_revoke_accept(const struct weft_note *note, const struct weft_org *org,
    const struct weft_chain_link *current, uint64_t index, struct weft_keyring *ring,
    struct weft_revoke *ret_revoke, enum weft_chain_fault *ret_fault, struct weft_msg *msg)
{
    struct weft_revoke revoke = {.reason = {"", 0}};
    *ret_fault = WEFT_CHAIN_SOUND;
    enum weft_err err = weft_revoke_decode(note->text, &revoke, msg);
    if (err == WEFT_OK) {
        err = check_org(org, revoke.org, msg);
    }
    if (err == WEFT_OK) { /* It has no expiry, so that any time is good. */
        err = weft_chain_check(current, &revoke.link, 0, ret_fault, msg);
    }
    if (err == WEFT_OK) {
        err = weft_enroll_check_approval(
            note, WEFT_DOCUMENT_REVOKE, org, ring, &revoke.principal, index, ret_fault, msg);
    }
    if (err == WEFT_OK) {
        err = weft_revoke_end(&revoke, index, ring, msg);
    }
    if (err == WEFT_OK) {
        *ret_revoke = revoke;
    }
    return err;
}
