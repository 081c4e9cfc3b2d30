#include "policy/signer.h"

#include <stdio.h>

#include "policy/base64.h"
#include "policy/crypto/random.h"
#include "proto/arith.h"
#include "proto/check.h"
#include "proto/digest.h"

enum {
    TYPED_SIZE = 1 + WEFT_ED25519_KEY_SIZE, /* type || key, or type || seed */
    KEY_ID_DIGITS = 8,
};

static const char private_prefix[] = "PRIVATE+KEY+";

_Static_assert(WEFT_ED25519_KEY_SIZE == WEFT_ED25519_SEED_SIZE, "one size of typed keys");
_Static_assert(WEFT_BASE64_TEXT_SIZE(TYPED_SIZE) == 44, "WEFT_VKEY_TEXT_SIZE counts on it");

/* --- names and key ids ----------------------------------------------------------------------- */

/* Unicode's White_Space behind ASCII, as UTF-8: C2SP forbids "any Unicode spaces" in key names. */
static bool is_space(const char *p, size_t left)
{
    static const char *const spaces[] = {
        "\xc2\x85", "\xc2\xa0", "\u1680", "\u2028", "\u2029", "\u202f", "\u205f", "\u3000"};
    if (left >= 3 && memcmp(p, "\xe2\x80", 2) == 0 && (uint8_t)p[2] >= 0x80 &&
        (uint8_t)p[2] <= 0x8a) { /* U+2000 to U+200A */
        return true;
    }
    for (size_t i = 0; i < sizeof(spaces) / sizeof(spaces[0]); i++) {
        size_t size = strlen(spaces[i]);
        if (left >= size && memcmp(p, spaces[i], size) == 0) {
            return true;
        }
    }
    return false;
}

bool weft_signer_is_name(struct weft_text name)
{
    if (name.size == 0 || name.size > WEFT_SIGNER_NAME_SIZE_MAX || !weft_text_is_utf8(name)) {
        return false;
    }
    for (size_t i = 0; i < name.size; i++) {
        char c = name.data[i];
        if (((uint8_t)c <= ' ') || c == '+' || is_space(name.data + i, name.size - i)) {
            return false;
        }
    }
    return true;
}

uint32_t weft_signer_key_id(
    struct weft_text name, enum weft_signer_type type, const struct weft_ed25519_key *key)
{
    const uint8_t middle[2] = {'\n', (uint8_t)type};
    struct weft_sha256 h;
    weft_sha256_init(&h);
    weft_sha256_update(&h, name.data, name.size);
    weft_sha256_update(&h, middle, sizeof(middle));
    weft_sha256_update(&h, key->bytes, sizeof(key->bytes));
    struct weft_digest digest = weft_sha256_final(&h);
    return weft_get_be32(digest.bytes);
}

/* --- verifiers ------------------------------------------------------------------------------- */

enum weft_err weft_verifier_make(struct weft_text name, enum weft_signer_type type,
    const struct weft_ed25519_key *key, struct weft_verifier *ret_verifier, struct weft_msg *msg)
{
    if (!weft_signer_is_name(name)) {
        return weft_fail(msg, WEFT_EINVAL,
            "key name: 1 to %d bytes of UTF-8 without spaces, control characters and '+'",
            WEFT_SIGNER_NAME_SIZE_MAX);
    }
    enum weft_err err = weft_ed25519_check_key(key, msg);
    if (err != WEFT_OK) {
        return weft_wrap(msg, err, "%.*s", (int)name.size, name.data);
    }
    struct weft_verifier verifier = {
        .type = type, .key_id = weft_signer_key_id(name, type, key), .key = *key};
    memcpy(verifier.name, name.data, name.size);
    *ret_verifier = verifier;
    return WEFT_OK;
}

/* Lower-case digits alone: an id has one text. */
static bool parse_key_id(struct weft_text text, uint32_t *ret_id)
{
    uint32_t id = 0;
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        bool is_digit = c >= '0' && c <= '9';
        if (!is_digit && (c < 'a' || c > 'f')) {
            return false;
        }
        id = id << 4 | (uint32_t)(is_digit ? c - '0' : c - 'a' + 10);
    }
    *ret_id = id;
    return text.size == KEY_ID_DIGITS;
}

/* "<name>+<key id>+<base64 of type and 32 bytes>": of both kinds of keys. */
struct parts {
    struct weft_text name;
    uint32_t key_id;
    enum weft_signer_type type;
    uint8_t typed[TYPED_SIZE];
};

static enum weft_err parse_parts(
    struct weft_text text, struct parts *ret_parts, struct weft_msg *msg)
{
    struct weft_text rest = text, id;
    if (!weft_text_cut(&rest, '+', &ret_parts->name) || !weft_text_cut(&rest, '+', &id) ||
        !parse_key_id(id, &ret_parts->key_id)) {
        return weft_fail(msg, WEFT_EMALFORMED,
            "a key is <name>+<8 hexadecimal digits>+<base64 of type and key>");
    }
    /* A key of a type unknown to us may be of any size: its type is told before its size. */
    char start[4];
    size_t head_size = rest.size < sizeof(start) ? rest.size : sizeof(start);
    uint8_t head[3];
    size_t size = 0;
    if (weft_base64_parse(rest, NULL, 0, &size) != WEFT_OK || size == 0) {
        return weft_fail(msg, WEFT_EMALFORMED, "a key's last part is not base64");
    }
    memcpy(start, rest.data, head_size);
    enum weft_err err =
        weft_base64_parse((struct weft_text){start, head_size}, head, sizeof(head), &size);
    weft_assert(err == WEFT_OK && size > 0); /* POL-22: the whole was base64 */
    if (head[0] != WEFT_SIGNER_ED25519 && head[0] != WEFT_SIGNER_COSIGNATURE) {
        return weft_fail(
            msg, WEFT_EVERSION, "a key of type 0x%02x: known are 0x01 and 0x04", head[0]);
    }
    ret_parts->type = (enum weft_signer_type)head[0];
    err = weft_base64_parse(rest, ret_parts->typed, TYPED_SIZE, &size);
    if (err != WEFT_OK || size != TYPED_SIZE) {
        return weft_fail(msg, WEFT_EMALFORMED, "a key of type 0x%02x has 32 bytes", head[0]);
    }
    return WEFT_OK;
}

enum weft_err weft_verifier_parse(
    struct weft_text vkey, struct weft_verifier *ret_verifier, struct weft_msg *msg)
{
    struct parts parts = {.name = {"", 0}};
    struct weft_ed25519_key key;
    struct weft_verifier verifier = {.key_id = 0};
    enum weft_err err = parse_parts(vkey, &parts, msg);
    if (err != WEFT_OK) {
        return err;
    }
    memcpy(key.bytes, parts.typed + 1, sizeof(key.bytes));
    err = weft_verifier_make(parts.name, parts.type, &key, &verifier, msg);
    if (err != WEFT_OK) {
        return err;
    }
    if (verifier.key_id != parts.key_id) {
        return weft_fail(msg, WEFT_EMALFORMED, "key id %08x: that of this name and key is %08x",
            parts.key_id, verifier.key_id);
    }
    *ret_verifier = verifier;
    return WEFT_OK;
}

/* Everything behind the name. */
static void format_parts(
    const struct weft_verifier *verifier, const uint8_t *secret_or_key, char *text, size_t size)
{
    uint8_t typed[TYPED_SIZE] = {(uint8_t)verifier->type};
    char encoded[WEFT_BASE64_TEXT_SIZE(TYPED_SIZE)];
    memcpy(typed + 1, secret_or_key, TYPED_SIZE - 1);
    weft_base64_format(typed, sizeof(typed), encoded);
    (void)snprintf(text, size, "%s+%08x+%.*s", verifier->name, verifier->key_id,
        (int)sizeof(encoded), encoded);
    weft_random_wipe(typed, sizeof(typed));
    weft_random_wipe(encoded, sizeof(encoded));
}

void weft_verifier_format(const struct weft_verifier *verifier, char ret_vkey[WEFT_VKEY_TEXT_SIZE])
{
    format_parts(verifier, verifier->key.bytes, ret_vkey, WEFT_VKEY_TEXT_SIZE);
}

bool weft_verifier_equal(const struct weft_verifier *a, const struct weft_verifier *b)
{
    return strcmp(a->name, b->name) == 0 && a->type == b->type && a->key_id == b->key_id &&
           weft_ed25519_key_equal(&a->key, &b->key);
}

/* --- signers --------------------------------------------------------------------------------- */

enum weft_err weft_signer_make(struct weft_text name, enum weft_signer_type type,
    const struct weft_ed25519_pair *pair, struct weft_signer *ret_signer, struct weft_msg *msg)
{
    struct weft_verifier verifier = {.key_id = 0};
    enum weft_err err = weft_verifier_make(name, type, &pair->key, &verifier, msg);
    if (err != WEFT_OK) {
        return err;
    }
    ret_signer->verifier = verifier;
    ret_signer->pair = *pair;
    return WEFT_OK;
}

static enum weft_err make_from_seed(
    const struct parts *parts, struct weft_signer *ret_signer, struct weft_msg *msg)
{
    struct weft_ed25519_pair pair = {.seed = {0}};
    enum weft_err err = weft_ed25519_from_seed(parts->typed + 1, &pair, msg);
    if (err == WEFT_OK &&
        weft_signer_key_id(parts->name, parts->type, &pair.key) != parts->key_id) {
        err = weft_fail(
            msg, WEFT_EMALFORMED, "key id %08x is not that of this name and key", parts->key_id);
    }
    if (err == WEFT_OK) {
        err = weft_signer_make(parts->name, parts->type, &pair, ret_signer, msg);
    }
    weft_ed25519_wipe(&pair);
    return err;
}

enum weft_err weft_signer_parse(
    struct weft_text skey, struct weft_signer *ret_signer, struct weft_msg *msg)
{
    size_t skip = sizeof(private_prefix) - 1;
    if (skey.size < skip || memcmp(skey.data, private_prefix, skip) != 0) {
        return weft_fail(msg, WEFT_EMALFORMED, "a private key starts with %s", private_prefix);
    }
    struct parts parts = {.name = {"", 0}};
    struct weft_text rest = {skey.data + skip, skey.size - skip};
    enum weft_err err = parse_parts(rest, &parts, msg);
    if (err == WEFT_OK && !weft_signer_is_name(parts.name)) {
        err = weft_fail(msg, WEFT_EINVAL, "not a key name");
    }
    if (err == WEFT_OK) {
        err = make_from_seed(&parts, ret_signer, msg);
    }
    weft_random_wipe(&parts, sizeof(parts));
    return err;
}

void weft_signer_format(const struct weft_signer *signer, char ret_skey[WEFT_SKEY_TEXT_SIZE])
{
    size_t skip = sizeof(private_prefix) - 1;
    memcpy(ret_skey, private_prefix, skip);
    format_parts(&signer->verifier, signer->pair.seed, ret_skey + skip, WEFT_SKEY_TEXT_SIZE - skip);
}

void weft_signer_wipe(struct weft_signer *signer)
{
    weft_random_wipe(signer, sizeof(*signer));
}
