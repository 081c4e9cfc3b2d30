#include <stdio.h>
#include <string.h>

#include "ops/weft/keys.h"
#include "ops/weft/output.h"
#include "ops/weft/speaker.h"
#include "policy/base64.h"
#include "policy/crypto/random.h"
#include "policy/decide.h"

/* token: what a person's key has signed, to be given to programs for a while. */

enum {
    LIFE_MS = 10 * 60 * 1000 /* Unless --for says another. */
};

static int by_word(const struct weft_text *a, const struct weft_text *b)
{
    return weft_text_compare(*a, *b);
}

/* "read subscribe", in the order that a token has them in. */
static enum weft_err parse_actions(
    const char *list, struct weft_text *ret_actions, uint32_t *ret_count, struct weft_msg *msg)
{
    struct weft_text rest = weft_text_of(list);
    enum weft_policy_action action;
    uint32_t count = 0;
    while (rest.size > 0) {
        struct weft_text word;
        (void)weft_text_cut(&rest, strchr(list, ',') != NULL ? ',' : ' ', &word);
        if (!weft_policy_action_parse(word, &action) || count == WEFT_TOKEN_ACTIONS_MAX) {
            return weft_fail(
                msg, WEFT_EINVAL, "--actions: '%.*s' is no action", (int)word.size, word.data);
        }
        uint32_t at = count++;
        while (at > 0 && by_word(&ret_actions[at - 1], &word) > 0) {
            ret_actions[at] = ret_actions[at - 1];
            at--;
        }
        ret_actions[at] = word;
    }
    *ret_count = count;
    return WEFT_OK;
}

static enum weft_err show(const struct weft_args *args, const char *principal,
    const struct weft_buffer *note, struct weft_msg *msg)
{
    enum weft_format format;
    struct weft_writer w = {0};
    struct weft_buffer text = {.size_max = 2 * WEFT_TOKEN_SIZE_MAX};
    enum weft_err err = weft_output_format(args, &format, msg);
    if (err == WEFT_OK && weft_args_has(args, "note")) {
        (void)printf("%.*s", (int)note->size, (const char *)note->data);
        return WEFT_OK;
    }
    if (err == WEFT_OK) {
        err = weft_base64_append_url(&text, note->data, note->size);
    }
    const struct weft_text token = weft_buffer_as_text(&text);
    if (err == WEFT_OK && format == WEFT_FORMAT_TABLE) {
        (void)printf("%.*s\n", (int)token.size, token.data);
    } else if (err == WEFT_OK) {
        weft_writer_open(&w, NULL, '{');
        weft_writer_text(&w, "principal", weft_text_of(principal));
        weft_writer_text(&w, "token", token);
        weft_writer_close(&w, '}');
        err = weft_writer_print(&w, stdout, msg);
        weft_writer_destroy(&w);
    }
    weft_random_wipe(text.data, text.size);
    weft_buffer_destroy(&text);
    return err;
}

static enum weft_err make(const struct weft_args *args, struct weft_msg *msg)
{
    const char *key = weft_args_text(args, "key", NULL);
    struct weft_text actions[WEFT_TOKEN_ACTIONS_MAX];
    uint32_t action_count = 0;
    uint64_t life_ms = 0;
    struct weft_signer signer;
    struct weft_buffer note = {.size_max = WEFT_TOKEN_SIZE_MAX};
    if (key == NULL) {
        return weft_fail(msg, WEFT_EINVAL, "--key FILE is needed: NAME.key, NAME.vkey beside it");
    }
    enum weft_err err = weft_args_duration_ms(args, "for", LIFE_MS, &life_ms, msg);
    if (err == WEFT_OK) {
        err = parse_actions(weft_args_text(args, "actions", ""), actions, &action_count, msg);
    }
    if (err == WEFT_OK) {
        err = weft_keys_open(args, key, &signer, msg);
    }
    if (err != WEFT_OK) {
        return err;
    }
    err = weft_speaker_token(&signer, life_ms, actions, action_count, &note, msg);
    if (err == WEFT_OK) {
        err = show(args, signer.verifier.name, &note, msg);
    }
    weft_signer_wipe(&signer);
    weft_buffer_destroy(&note);
    return err;
}

enum weft_exit weft_cmd_token(const struct weft_args *args)
{
    struct weft_msg msg = {""};
    return weft_complain(make(args, &msg), &msg);
}
