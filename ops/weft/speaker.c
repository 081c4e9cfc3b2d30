#include "ops/weft/speaker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ops/weft/files.h"
#include "ops/weft/keys.h"
#include "policy/base64.h"
#include "policy/crypto/random.h"
#include "policy/warrant.h"
#include "proto/client.h"

enum {
    TOKEN_MS = 5 * 60 * 1000, /* chosen: one signature of the key in so long */
    RENEW_S = 60,             /* before it is over */
    REQUEST_S = 10 * 60,      /* chosen: longer than a commit is tried; it happens once anyway */
    BACK_S = 30,              /* chosen: clocks differ; a node's is behind ours */
    TOKEN_FILE_SIZE_MAX = 4096,
    COMMIT_ARENA_SIZE_MAX = 16 * 1024 * 1024,
};

static const int64_t second_ns = 1000000000;

struct weft_speaker {
    bool has_key;
    struct weft_signer signer; /* has_key; else the token is all there is. */
    struct weft_principal principal;
    struct weft_buffer token;
    int64_t token_until_ns;
    struct weft_arena arena;
};

static int64_t now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * second_ns + now.tv_nsec;
}

/* --- notes ----------------------------------------------------------------------------------- */

static enum weft_err sign(const struct weft_signer *signer, const struct weft_buffer *text,
    struct weft_buffer *out, struct weft_msg *msg)
{
    const struct weft_text bytes = weft_buffer_as_text(text);
    return weft_note_sign(bytes, signer, 1, out, msg);
}

static struct weft_request_site site_of(const struct weft_principal *principal)
{
    struct weft_request_site site = {.org = ""};
    (void)snprintf(site.org, sizeof(site.org), "%s", principal->org);
    (void)snprintf(site.site, sizeof(site.site), "%s", principal->site);
    return site;
}

enum weft_err weft_speaker_token(const struct weft_signer *signer, uint64_t life_ms,
    const struct weft_text *actions, uint32_t action_count, struct weft_buffer *out,
    struct weft_msg *msg)
{
    struct weft_token token = {
        .issued_ns = now_ns() - BACK_S * second_ns, .action_count = action_count};
    struct weft_buffer text = {.size_max = WEFT_TOKEN_SIZE_MAX};
    enum weft_err err =
        weft_principal_parse(weft_text_of(signer->verifier.name), &token.principal, msg);
    if (err != WEFT_OK) {
        return weft_wrap(msg, err, "the key is not a person's or program's");
    }
    if (life_ms == 0 || life_ms > (uint64_t)(WEFT_TOKEN_LIFE_MAX_S - BACK_S) * 1000) {
        return weft_fail(
            msg, WEFT_EINVAL, "a token is for at most %d minutes", WEFT_TOKEN_LIFE_MAX_S / 60 - 1);
    }
    token.audience = site_of(&token.principal);
    token.expires_ns = now_ns() + (int64_t)life_ms * 1000000;
    for (uint32_t i = 0; i < action_count; i++) {
        token.actions[i] = actions[i];
    }
    err = weft_random_bytes(token.id, sizeof(token.id), msg);
    if (err == WEFT_OK) {
        err = weft_token_encode(&token, &text, msg);
    }
    if (err == WEFT_OK) {
        err = sign(signer, &text, out, msg);
    }
    weft_buffer_destroy(&text);
    return err;
}

static enum weft_err renew(struct weft_speaker *s)
{
    int64_t now = now_ns();
    if (!s->has_key || now + RENEW_S * second_ns < s->token_until_ns) {
        return WEFT_OK;
    }
    weft_buffer_clear(&s->token);
    s->token_until_ns = now + (int64_t)TOKEN_MS * 1000000;
    return weft_speaker_token(&s->signer, TOKEN_MS, NULL, 0, &s->token, NULL);
}

static enum weft_err sign_commit(
    struct weft_speaker *s, struct weft_bytes table, struct weft_buffer *out)
{
    struct weft_commit commit;
    struct weft_buffer text = {.size_max = WEFT_TOKEN_SIZE_MAX};
    int64_t now = now_ns();
    weft_arena_reset(&s->arena);
    enum weft_err err = weft_commit_decode(table, &s->arena, &commit, NULL);
    if (err != WEFT_OK) {
        return err;
    }
    struct weft_request request = {.site = site_of(&s->principal),
        .principal = s->principal,
        .digest = weft_warrant_digest(WEFT_KIND_COMMIT, table),
        .not_before_ns = now - BACK_S * second_ns,
        .not_after_ns = now + REQUEST_S * second_ns};
    memcpy(request.id, commit.request_id.bytes, sizeof(request.id));
    err = weft_request_encode(&request, &text, NULL);
    if (err == WEFT_OK) {
        err = sign(&s->signer, &text, out, NULL);
    }
    weft_buffer_destroy(&text);
    return err;
}

enum weft_err weft_speaker_wrap(struct weft_speaker *s, struct weft_buffer *message)
{
    struct weft_envelope envelope;
    struct weft_buffer note = {.size_max = WEFT_AUTHORIZATION_SIZE_MAX};
    struct weft_buffer wrapped = {.size_max = message->size_max};
    const struct weft_bytes bytes = {message->data, message->size};
    enum weft_err err = weft_envelope_decode(bytes, WEFT_MESSAGE_SIZE_MAX, &envelope);
    if (err != WEFT_OK || !weft_client_may_authorize(envelope.kind)) {
        return err;
    }
    const struct weft_bytes table = {
        message->data + WEFT_ENVELOPE_SIZE, message->size - WEFT_ENVELOPE_SIZE};
    bool is_signed = s->has_key && envelope.kind == WEFT_KIND_COMMIT;
    err = is_signed ? sign_commit(s, table, &note) : renew(s);
    const struct weft_buffer *said = is_signed ? &note : &s->token;
    const struct weft_client_message own = {.kind = WEFT_KIND_AUTHORIZED,
        .request_id = envelope.request_id,
        .authorized = {.note = {(const char *)said->data, said->size},
            .request_kind = (enum weft_message_kind)envelope.kind,
            .request = table}};
    if (err == WEFT_OK) {
        err = weft_client_encode(&own, &wrapped);
    }
    if (err == WEFT_OK) {
        struct weft_buffer before = *message;
        *message = wrapped;
        wrapped = before;
    }
    weft_buffer_destroy(&note);
    weft_buffer_destroy(&wrapped);
    return err;
}

/* --- from the command line ------------------------------------------------------------------- */

static const char *given(const struct weft_args *args, const char *name, const char *variable)
{
    const char *value = weft_args_text(args, name, NULL);
    if (value == NULL && variable != NULL) {
        value = getenv(variable);
    }
    return value != NULL && value[0] != '\0' ? value : NULL;
}

/* A file with what `weft token` has printed. */
static enum weft_err read_token(struct weft_speaker *s, const char *path, struct weft_msg *msg)
{
    struct weft_buffer text = {.size_max = TOKEN_FILE_SIZE_MAX};
    uint8_t note[WEFT_TOKEN_SIZE_MAX];
    size_t size = 0;
    enum weft_err err = weft_files_read(path, &text, msg);
    while (text.size > 0 && strchr(" \r\n", (char)text.data[text.size - 1]) != NULL) {
        text.size--;
    }
    if (err == WEFT_OK &&
        weft_base64_parse_url(weft_buffer_as_text(&text), note, sizeof(note), &size) != WEFT_OK) {
        err = weft_fail(msg, WEFT_EINVAL, "%s: not a token of weft token", path);
    }
    if (err == WEFT_OK && weft_buffer_append(&s->token, note, size) != WEFT_OK) {
        err = weft_fail(msg, WEFT_ENOMEM, "no memory");
    }
    weft_buffer_destroy(&text);
    return err;
}

/* "org/site/op/ann", or its end. */
static enum weft_err check_as(const char *as, const char *name, struct weft_msg *msg)
{
    size_t size = strlen(as), name_size = strlen(name);
    bool is_end = size <= name_size && strcmp(name + name_size - size, as) == 0 &&
                  (size == name_size || name[name_size - size - 1] == '/');
    return is_end ? WEFT_OK
                  : weft_fail(msg, WEFT_EINVAL, "--as %.200s: the key is that of %s", as, name);
}

static enum weft_err open_key(struct weft_speaker *s, const struct weft_args *args, const char *key,
    const char *as, struct weft_msg *msg)
{
    /* Commands have a --passphrase-file of their own, for keys that sign what they bring. */
    static const struct weft_option passphrase = {"passphrase-file", 0, "FILE", ""};
    const char *file = given(args, "as-passphrase", NULL);
    struct weft_args own = {.given_count = file != NULL ? 1 : 0};
    own.given[0] = (struct weft_given){&passphrase, file};
    enum weft_err err = weft_keys_open(&own, key, &s->signer, msg);
    if (err != WEFT_OK) {
        return err;
    }
    s->has_key = true;
    err = weft_principal_parse(weft_text_of(s->signer.verifier.name), &s->principal, msg);
    if (err != WEFT_OK) {
        return weft_wrap(msg, WEFT_EINVAL, "%s: not a person's or program's key", key);
    }
    return as != NULL ? check_as(as, s->signer.verifier.name, msg) : WEFT_OK;
}

enum weft_err weft_speaker_open(
    const struct weft_args *args, struct weft_speaker **ret_speaker, struct weft_msg *msg)
{
    const char *as = given(args, "as", NULL);
    const char *token = given(args, "token", NULL), *key = given(args, "as-key", NULL);
    if (token == NULL && key == NULL) {
        token = given(args, "token", "WEFT_TOKEN");
        key = token == NULL ? given(args, "as-key", "WEFT_KEY") : NULL;
    }
    *ret_speaker = NULL;
    if (key == NULL && token == NULL) {
        return as == NULL ? WEFT_OK
                          : weft_fail(msg, WEFT_EINVAL, "--as wants the key: --as-key FILE");
    }
    if (key != NULL && token != NULL) {
        return weft_fail(msg, WEFT_EINVAL, "--as-key or --token, not both");
    }
    struct weft_speaker *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "no memory");
    }
    s->token.size_max = WEFT_AUTHORIZATION_SIZE_MAX;
    s->arena.size_max = COMMIT_ARENA_SIZE_MAX;
    enum weft_err err = key != NULL ? open_key(s, args, key, as, msg) : read_token(s, token, msg);
    if (err != WEFT_OK) {
        weft_speaker_close(s);
        return err;
    }
    *ret_speaker = s;
    return WEFT_OK;
}

void weft_speaker_close(struct weft_speaker *s)
{
    if (s == NULL) {
        return;
    }
    weft_signer_wipe(&s->signer);
    weft_buffer_destroy(&s->token);
    weft_arena_destroy(&s->arena);
    free(s);
}
