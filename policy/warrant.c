#include "policy/warrant.h"

#include <string.h>

#include "proto/arith.h"

/* --- who may bring what ---------------------------------------------------------------------- */

/* A gateway stands in the field and a witness at somebody else's: neither is where persons ask. */
static const bool may_bring[WEFT_PRINCIPAL_CLASSES] = {
    [WEFT_PRINCIPAL_NODE] = true,
    [WEFT_PRINCIPAL_OP] = true,
    [WEFT_PRINCIPAL_SVC] = true,
};

static bool is_of(const struct weft_principal *principal, const struct weft_request_site *site)
{
    return strcmp(principal->org, site->org) == 0 && strcmp(principal->site, site->site) == 0;
}

enum weft_err weft_warrant_may_bring(const struct weft_principal *bringer,
    const struct weft_request_site *site, struct weft_msg *msg)
{
    if (!is_of(bringer, site) || !may_bring[bringer->class]) {
        return weft_fail(msg, WEFT_EREFUSED, "a connection of %s/%s/%s/%s speaks for nobody else",
            bringer->org, bringer->site, weft_principal_class_name(bringer->class), bringer->name);
    }
    return WEFT_OK;
}

/* --- what a request is ----------------------------------------------------------------------- */

struct weft_digest weft_warrant_digest(uint32_t kind, struct weft_bytes table)
{
    static const char label[] = "weft-client-request/v1\n";
    uint8_t number[4];
    struct weft_sha256 hash;
    weft_put_be32(number, kind);
    weft_sha256_init(&hash);
    weft_sha256_update(&hash, label, sizeof(label) - 1);
    weft_sha256_update(&hash, number, sizeof(number));
    weft_sha256_update(&hash, table.data, table.size);
    return weft_sha256_final(&hash);
}

/* --- notes ----------------------------------------------------------------------------------- */

/* The key that counted: weft_keyring_verify has found one, and none of them signed wrongly. */
static uint32_t key_of(const struct weft_note *note, const struct weft_principal *author,
    const struct weft_request_context *context)
{
    char name[WEFT_PRINCIPAL_TEXT_SIZE];
    weft_principal_format(author, name);
    for (uint32_t i = 0; i < note->signature_count; i++) {
        const struct weft_note_signature *s = &note->signatures[i];
        const struct weft_keyring_key *key =
            weft_text_is(s->name, name) ? weft_keyring_find(context->ring, s->name, s->key_id)
                                        : NULL;
        if (key != NULL && weft_keyring_is_valid(key, context->index)) {
            return s->key_id;
        }
    }
    return 0;
}

/* A word that is no action of ours allows none. */
static uint32_t actions_of(const struct weft_token *token)
{
    uint32_t bits = token->action_count == 0 ? WEFT_WARRANT_ANY : 0;
    for (uint32_t i = 0; i < token->action_count; i++) {
        enum weft_policy_action action;
        if (weft_policy_action_parse(token->actions[i], &action)) {
            bits |= 1u << (unsigned)action;
        }
    }
    return bits;
}

static enum weft_err verify_token(const struct weft_note *note,
    const struct weft_request_context *context, struct weft_warranted *w, struct weft_msg *msg)
{
    struct weft_token token = {.action_count = 0};
    enum weft_err err = weft_token_verify(note, context, &token, msg);
    if (err == WEFT_OK) {
        *w = (struct weft_warranted){.principal = token.principal,
            .warrant = {.actions = actions_of(&token), .until_ns = token.expires_ns - 1},
            .is_token = true};
    }
    return err;
}

static enum weft_err verify_request(const struct weft_note *note,
    const struct weft_request_context *context, const struct weft_digest *digest,
    struct weft_warranted *w, struct weft_msg *msg)
{
    struct weft_request signed_request = {.not_before_ns = 0};
    struct weft_principal author;
    enum weft_err err = weft_request_decode(note->text, &signed_request, msg);
    if (err != WEFT_OK) {
        return weft_wrap(msg, err, "signed request");
    }
    err = weft_request_verify(note, context, signed_request.id, digest, &author, msg);
    if (err == WEFT_OK) {
        *w = (struct weft_warranted){.principal = author,
            .warrant = {.actions = WEFT_WARRANT_ANY, .until_ns = signed_request.not_after_ns}};
        memcpy(w->id.bytes, signed_request.id, sizeof(w->id.bytes));
    }
    return err;
}

enum weft_err weft_warrant_verify(struct weft_text bytes,
    const struct weft_request_context *context, const struct weft_digest *digest,
    struct weft_warranted *ret_warranted, struct weft_msg *msg)
{
    struct weft_note note;
    struct weft_warranted warranted = {.is_token = false};
    if (bytes.size > WEFT_AUTHORIZATION_SIZE_MAX) {
        return weft_fail(msg, WEFT_ETOOBIG, "a note of %zu bytes, at most %d", bytes.size,
            WEFT_AUTHORIZATION_SIZE_MAX);
    }
    enum weft_err err = weft_note_parse(bytes, &note, msg);
    if (err != WEFT_OK) {
        return err;
    }
    if (weft_text_starts(note.text, "weft-token/")) {
        err = verify_token(&note, context, &warranted, msg);
    } else if (digest != NULL && weft_text_starts(note.text, "weft-request/")) {
        err = verify_request(&note, context, digest, &warranted, msg);
    } else {
        err = weft_fail(msg, WEFT_EVERSION, "neither a token nor a signed request");
    }
    if (err == WEFT_OK && !is_of(&warranted.principal, &context->site)) {
        err = weft_fail(msg, WEFT_EREFUSED, "of somebody of %s/%s", warranted.principal.org,
            warranted.principal.site);
    }
    if (err == WEFT_OK) {
        warranted.warrant.key_id = key_of(&note, &warranted.principal, context);
        *ret_warranted = warranted;
    }
    return err;
}

/* --- apply ----------------------------------------------------------------------------------- */

const struct weft_keyring_key *weft_warrant_key(
    uint32_t key_id, const struct weft_principal *principal, const struct weft_keyring *ring)
{
    char name[WEFT_PRINCIPAL_TEXT_SIZE];
    weft_principal_format(principal, name);
    return ring != NULL ? weft_keyring_find(ring, weft_text_of(name), key_id) : NULL;
}

enum weft_err weft_warrant_check(const struct weft_warrant *warrant, struct weft_text principal,
    const struct weft_keyring *ring, uint64_t index, int64_t time_ns, struct weft_msg *msg)
{
    struct weft_principal who;
    char name[WEFT_PRINCIPAL_TEXT_SIZE];
    enum weft_err err = weft_principal_parse_uri(principal, &who, msg);
    if (err != WEFT_OK) {
        return weft_wrap(msg, WEFT_EREFUSED, "principal");
    }
    const struct weft_keyring_key *key = weft_warrant_key(warrant->key_id, &who, ring);
    if (weft_warrant_counts(warrant, key, index, time_ns)) {
        return WEFT_OK;
    }
    weft_principal_format(&who, name);
    return key == NULL || !weft_keyring_is_valid(key, index)
               ? weft_fail(
                     msg, WEFT_EREFUSED, "the key %08x of %s is not valid", warrant->key_id, name)
               : weft_fail(msg, WEFT_EREFUSED, "what %s has signed is out of date", name);
}
