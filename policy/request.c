#include "policy/request.h"

#include <stdio.h>

static const int64_t second_ns = 1000 * 1000 * 1000;

/* --- lines of both --------------------------------------------------------------------------- */

static enum weft_err read_site(struct weft_document_reader *reader, const char *key,
    struct weft_request_site *ret_site, struct weft_msg *msg)
{
    struct weft_text site = {"", 0}, org;
    enum weft_err err = weft_document_read(reader, key, &site, msg);
    if (err != WEFT_OK) {
        return err;
    }
    if (!weft_text_cut(&site, '/', &org) || !weft_principal_is_org(org) ||
        !weft_principal_is_part(site)) {
        return weft_document_fail(reader, msg, WEFT_EINVAL, "\"%s\" is <org>/<site>", key);
    }
    struct weft_request_site read = {.org = ""};
    memcpy(read.org, org.data, org.size);
    memcpy(read.site, site.data, site.size);
    *ret_site = read;
    return WEFT_OK;
}

static enum weft_err write_site(
    struct weft_buffer *out, const char *key, const struct weft_request_site *site)
{
    return weft_buffer_format(out, "%s %s/%s\n", key, site->org, site->site);
}

static bool is_site(const struct weft_request_site *a, const struct weft_request_site *b)
{
    return strcmp(a->org, b->org) == 0 && strcmp(a->site, b->site) == 0;
}

/* Two lines with times, the second after the first and by so much at most. */
static enum weft_err read_life(struct weft_document_reader *reader, const char *const keys[2],
    int64_t life_max_s, int64_t *ret_from_ns, int64_t *ret_to_ns, struct weft_msg *msg)
{
    enum weft_err err = weft_document_read_time(reader, keys[0], ret_from_ns, msg);
    if (err == WEFT_OK) {
        err = weft_document_read_time(reader, keys[1], ret_to_ns, msg);
    }
    if (err != WEFT_OK) {
        return err;
    }
    /* Both are since 1970, so that their difference fits. */
    if (*ret_to_ns <= *ret_from_ns || *ret_to_ns - *ret_from_ns > life_max_s * second_ns) {
        return weft_document_fail(reader, msg, WEFT_EINVAL,
            "\"%s\" is after \"%s\", by %lld s at most", keys[1], keys[0], (long long)life_max_s);
    }
    return WEFT_OK;
}

/* --- requests -------------------------------------------------------------------------------- */

enum weft_err weft_request_decode(
    struct weft_text text, struct weft_request *ret_request, struct weft_msg *msg)
{
    static const char *const life[2] = {"not-before", "not-after"};
    struct weft_request request = {.not_before_ns = 0};
    struct weft_document_reader reader;
    enum weft_err err = weft_document_open(text, WEFT_DOCUMENT_REQUEST, &reader, msg);
    if (err == WEFT_OK) {
        err = weft_document_read_nonce(&reader, "id", request.id, msg);
    }
    if (err == WEFT_OK) {
        err = read_site(&reader, "site", &request.site, msg);
    }
    if (err == WEFT_OK) {
        err = weft_document_read_principal(&reader, "principal", &request.principal, msg);
    }
    if (err == WEFT_OK) {
        err = weft_document_read_digest(&reader, "digest", &request.digest, msg);
    }
    if (err == WEFT_OK) {
        err = read_life(&reader, life, WEFT_REQUEST_LIFE_MAX_S, &request.not_before_ns,
            &request.not_after_ns, msg);
    }
    if (err == WEFT_OK) {
        err = weft_document_close(&reader, msg);
    }
    if (err == WEFT_OK) {
        *ret_request = request;
    }
    return err;
}

static enum weft_err write_request(const struct weft_request *request, struct weft_buffer *out)
{
    enum weft_err err = weft_document_begin(out, WEFT_DOCUMENT_REQUEST);
    if (err == WEFT_OK) {
        err = weft_document_write_nonce(out, "id", request->id);
    }
    if (err == WEFT_OK) {
        err = write_site(out, "site", &request->site);
    }
    if (err == WEFT_OK) {
        err = weft_document_write_principal(out, "principal", &request->principal);
    }
    if (err == WEFT_OK) {
        err = weft_document_write_digest(out, "digest", &request->digest);
    }
    if (err == WEFT_OK) {
        err = weft_document_write_time(out, "not-before", request->not_before_ns);
    }
    return err == WEFT_OK ? weft_document_write_time(out, "not-after", request->not_after_ns) : err;
}

enum weft_err weft_request_encode(
    const struct weft_request *request, struct weft_buffer *out, struct weft_msg *msg)
{
    size_t before = out->size;
    struct weft_request again;
    enum weft_err err = write_request(request, out), decoded = WEFT_OK;
    if (err == WEFT_OK) {
        decoded = weft_request_decode(
            (struct weft_text){(const char *)out->data + before, out->size - before}, &again, msg);
    }
    return weft_document_end(out, before, err, decoded, msg);
}

enum weft_err weft_request_verify(const struct weft_note *note,
    const struct weft_request_context *context, const uint8_t id[WEFT_DOCUMENT_NONCE_SIZE],
    const struct weft_digest *digest, struct weft_principal *ret_principal, struct weft_msg *msg)
{
    struct weft_request request = {.not_before_ns = 0};
    enum weft_err err = weft_request_decode(note->text, &request, msg);
    if (err != WEFT_OK) {
        return weft_wrap(msg, err, "signed request");
    }
    if (!is_site(&request.site, &context->site)) {
        return weft_fail(
            msg, WEFT_EREFUSED, "a signed request for %s/%s", request.site.org, request.site.site);
    }
    if (memcmp(id, request.id, sizeof(request.id)) != 0 ||
        !weft_digest_equal(digest, &request.digest)) {
        return weft_fail(msg, WEFT_ECONFLICT, "a signature of another request than this");
    }
    if (context->now_ns < request.not_before_ns || context->now_ns > request.not_after_ns) {
        return weft_fail(
            msg, WEFT_EREFUSED, "a signed request that is out of date, or not yet valid");
    }
    err = weft_keyring_verify(
        context->ring, note, WEFT_DOCUMENT_REQUEST, &request.principal, context->index, msg);
    if (err != WEFT_OK) {
        return weft_wrap(msg, err, "signed request");
    }
    *ret_principal = request.principal;
    return WEFT_OK;
}

/* --- tokens ---------------------------------------------------------------------------------- */

static bool is_action(struct weft_text text)
{
    for (size_t i = 0; i < text.size; i++) {
        if ((text.data[i] < 'a' || text.data[i] > 'z') && text.data[i] != '-') {
            return false;
        }
    }
    return text.size > 0 && text.size <= WEFT_PRINCIPAL_PART_SIZE_MAX;
}

/* "any", or words with one space between, sorted: one text for each set. */
static enum weft_err read_actions(
    struct weft_document_reader *reader, struct weft_token *token, struct weft_msg *msg)
{
    struct weft_text rest = {"", 0};
    enum weft_err err = weft_document_read(reader, "actions", &rest, msg);
    if (err != WEFT_OK || weft_text_is(rest, "any")) {
        return err;
    }
    for (bool has_more = true; has_more;) {
        struct weft_text word;
        has_more = weft_text_cut(&rest, ' ', &word);
        if (token->action_count == WEFT_TOKEN_ACTIONS_MAX) {
            return weft_document_fail(
                reader, msg, WEFT_ETOOBIG, "more than %d actions", WEFT_TOKEN_ACTIONS_MAX);
        }
        bool is_sorted = token->action_count == 0 ||
                         weft_text_compare(token->actions[token->action_count - 1], word) < 0;
        if (!is_action(word) || weft_text_is(word, "any") || !is_sorted) {
            return weft_document_fail(reader, msg, WEFT_EMALFORMED,
                "\"actions\" is \"any\", or words in order with one space between");
        }
        token->actions[token->action_count++] = word;
    }
    return WEFT_OK;
}

enum weft_err weft_token_decode(
    struct weft_text text, struct weft_token *ret_token, struct weft_msg *msg)
{
    static const char *const life[2] = {"issued", "expires"};
    struct weft_token token = {.action_count = 0};
    struct weft_document_reader reader;
    enum weft_err err = weft_document_open(text, WEFT_DOCUMENT_TOKEN, &reader, msg);
    if (err == WEFT_OK) {
        err = weft_document_read_nonce(&reader, "id", token.id, msg);
    }
    if (err == WEFT_OK) {
        err = read_site(&reader, "audience", &token.audience, msg);
    }
    if (err == WEFT_OK) {
        err = weft_document_read_principal(&reader, "principal", &token.principal, msg);
    }
    if (err == WEFT_OK) {
        err = read_life(
            &reader, life, WEFT_TOKEN_LIFE_MAX_S, &token.issued_ns, &token.expires_ns, msg);
    }
    if (err == WEFT_OK) {
        err = read_actions(&reader, &token, msg);
    }
    if (err == WEFT_OK) {
        err = weft_document_close(&reader, msg);
    }
    if (err == WEFT_OK) {
        *ret_token = token;
    }
    return err;
}

static enum weft_err write_actions(const struct weft_token *token, struct weft_buffer *out)
{
    enum weft_err err = weft_buffer_format(out, "actions%s", token->action_count > 0 ? "" : " any");
    for (uint32_t i = 0; err == WEFT_OK && i < token->action_count; i++) {
        err = weft_buffer_format(out, " %.*s", (int)token->actions[i].size, token->actions[i].data);
    }
    return err == WEFT_OK ? weft_buffer_append(out, "\n", 1) : err;
}

static enum weft_err write_token(const struct weft_token *token, struct weft_buffer *out)
{
    enum weft_err err = weft_document_begin(out, WEFT_DOCUMENT_TOKEN);
    if (err == WEFT_OK) {
        err = weft_document_write_nonce(out, "id", token->id);
    }
    if (err == WEFT_OK) {
        err = write_site(out, "audience", &token->audience);
    }
    if (err == WEFT_OK) {
        err = weft_document_write_principal(out, "principal", &token->principal);
    }
    if (err == WEFT_OK) {
        err = weft_document_write_time(out, "issued", token->issued_ns);
    }
    if (err == WEFT_OK) {
        err = weft_document_write_time(out, "expires", token->expires_ns);
    }
    return err == WEFT_OK ? write_actions(token, out) : err;
}

enum weft_err weft_token_encode(
    const struct weft_token *token, struct weft_buffer *out, struct weft_msg *msg)
{
    size_t before = out->size;
    struct weft_token again;
    enum weft_err err = write_token(token, out), decoded = WEFT_OK;
    if (err == WEFT_OK) {
        decoded = weft_token_decode(
            (struct weft_text){(const char *)out->data + before, out->size - before}, &again, msg);
    }
    return weft_document_end(out, before, err, decoded, msg);
}

/* Text, blank line and signature lines as they stood: of a parsed note there is nothing else. */
static size_t size_of(const struct weft_note *note)
{
    const struct weft_note_signature *last = &note->signatures[note->signature_count - 1];
    return (size_t)(last->encoded.data + last->encoded.size + 1 - note->text.data);
}

enum weft_err weft_token_verify(const struct weft_note *note,
    const struct weft_request_context *context, struct weft_token *ret_token, struct weft_msg *msg)
{
    struct weft_token token = {.action_count = 0};
    if (size_of(note) > WEFT_TOKEN_SIZE_MAX) {
        return weft_fail(msg, WEFT_ETOOBIG, "a token of more than %d bytes", WEFT_TOKEN_SIZE_MAX);
    }
    enum weft_err err = weft_token_decode(note->text, &token, msg);
    if (err != WEFT_OK) {
        return weft_wrap(msg, err, "token");
    }
    if (!is_site(&token.audience, &context->site)) {
        return weft_fail(
            msg, WEFT_EREFUSED, "a token for %s/%s", token.audience.org, token.audience.site);
    }
    if (context->now_ns < token.issued_ns || context->now_ns >= token.expires_ns) {
        return weft_fail(msg, WEFT_EREFUSED, "a token that is out of date, or not yet valid");
    }
    err = weft_keyring_verify(
        context->ring, note, WEFT_DOCUMENT_TOKEN, &token.principal, context->index, msg);
    if (err != WEFT_OK) {
        return weft_wrap(msg, err, "token");
    }
    *ret_token = token;
    return WEFT_OK;
}

bool weft_token_allows(const struct weft_token *token, struct weft_text action)
{
    for (uint32_t i = 0; i < token->action_count; i++) {
        if (weft_text_equal(token->actions[i], action)) {
            return true;
        }
    }
    return token->action_count == 0;
}
