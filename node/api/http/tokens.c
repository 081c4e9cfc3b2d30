#include "node/api/http/tokens.h"

#include <string.h>

static enum weft_err parse_line(struct weft_text line, uint32_t number, const char *org,
    const char *site, struct weft_http_token *ret_token, struct weft_msg *msg)
{
    const char *space = memchr(line.data, ' ', line.size);
    size_t size = space != NULL ? (size_t)(space - line.data) : line.size;
    struct weft_principal principal;
    enum weft_err err =
        weft_principal_parse_uri((struct weft_text){line.data, size}, &principal, msg);
    if (err != WEFT_OK) {
        return weft_wrap(msg, WEFT_EINVAL, "line %u", number);
    }
    if (strcmp(principal.org, org) != 0 || strcmp(principal.site, site) != 0 ||
        principal.class == WEFT_PRINCIPAL_NODE || principal.class == WEFT_PRINCIPAL_PARTNER) {
        return weft_fail(msg, WEFT_EINVAL,
            "line %u: a token is for a person, service or gateway of %s/%s", number, org, site);
    }
    while (size < line.size && line.data[size] == ' ') {
        size++;
    }
    struct weft_text digest = {line.data + size, line.size - size};
    if (weft_digest_parse(digest, &ret_token->digest) != WEFT_OK) {
        return weft_fail(msg, WEFT_EINVAL,
            "line %u: behind the principal: sha256: and 64 hexadecimal digits", number);
    }
    weft_principal_format_uri(&principal, ret_token->uri);
    return WEFT_OK;
}

enum weft_err weft_http_tokens_parse(struct weft_text text, const char *org, const char *site,
    struct weft_http_tokens *ret_tokens, struct weft_msg *msg)
{
    static struct weft_http_tokens tokens; /* The loop's; 75 KiB are much for a stack. */
    uint32_t number = 0;
    tokens.count = 0;
    while (text.size > 0) {
        struct weft_text line;
        (void)weft_text_cut(&text, '\n', &line);
        number++;
        while (line.size > 0 && strchr(" \t\r", line.data[line.size - 1]) != NULL &&
               line.data[line.size - 1] != '\0') {
            line.size--;
        }
        if (line.size == 0 || line.data[0] == '#') {
            continue;
        }
        if (tokens.count == WEFT_HTTP_TOKENS_MAX) {
            return weft_fail(msg, WEFT_ETOOBIG, "more than %d tokens", WEFT_HTTP_TOKENS_MAX);
        }
        enum weft_err err = parse_line(line, number, org, site, &tokens.list[tokens.count], msg);
        if (err != WEFT_OK) {
            return err;
        }
        tokens.count++;
    }
    *ret_tokens = tokens;
    return WEFT_OK;
}

const char *weft_http_tokens_find(const struct weft_http_tokens *tokens, struct weft_text token)
{
    const char *found = NULL;
    if (token.size > WEFT_HTTP_TOKEN_SIZE_MAX) {
        return NULL;
    }
    struct weft_digest digest = weft_sha256(token.data, token.size);
    /* NOD-403: all of every line, whatever is found on the way. */
    for (uint32_t i = 0; i < tokens->count; i++) {
        unsigned differs = 0;
        for (size_t k = 0; k < sizeof(digest.bytes); k++) {
            differs |= (unsigned)(digest.bytes[k] ^ tokens->list[i].digest.bytes[k]);
        }
        found = differs == 0 ? tokens->list[i].uri : found;
    }
    return found;
}
