/* node/api/http/tokens.h: bearer tokens: who a secret speaks for. Pure: a file's text in.
 *
 * A line is a principal and the SHA-256 of its token, never the token itself:
 *     spiffe://oem.example/plant1/svc/mes sha256:9f86d0...
 * Tokens are 32 random bytes (`weft pki token` draws them), so a plain digest is as good as a slow
 * one: there is nothing to guess. Every line is compared, in constant time (NOD-403). */
#ifndef WEFT_NODE_API_HTTP_TOKENS_H
#define WEFT_NODE_API_HTTP_TOKENS_H

#include "policy/principal.h"
#include "proto/bytes.h"
#include "proto/digest.h"

enum {
    WEFT_HTTP_TOKENS_MAX = 256,
    WEFT_HTTP_TOKEN_FILE_MAX = 256 * 1024,
    WEFT_HTTP_TOKEN_SIZE_MAX = 256,
};

struct weft_http_token {
    char uri[WEFT_PRINCIPAL_URI_SIZE];
    struct weft_digest digest;
};

struct weft_http_tokens {
    struct weft_http_token list[WEFT_HTTP_TOKENS_MAX];
    uint32_t count;
};

/* Empty lines and lines that start with '#' are passed over. Principals are of `org` and `site`,
 * and no nodes. *ret_tokens is untouched on failure.
 * WEFT_EINVAL: `msg` names the line. WEFT_ETOOBIG: too many. */
WEFT_MUST_USE enum weft_err weft_http_tokens_parse(struct weft_text text, const char *org,
    const char *site, struct weft_http_tokens *ret_tokens, struct weft_msg *msg);

/* The principal's URI, or NULL. */
const char *weft_http_tokens_find(const struct weft_http_tokens *tokens, struct weft_text token);

#endif
