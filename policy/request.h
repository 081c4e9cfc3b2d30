/* policy/request.h: how a person or program without a certificate says who asks.
 *
 *     weft-request/v1                             weft-token/v1
 *     id <32 hexadecimal digits>                  id <32 hexadecimal digits>
 *     site oem.example/plant1                     audience oem.example/plant1
 *     principal oem.example/plant1/op/ann         principal oem.example/plant1/op/ann
 *     digest sha256:...                           issued <time>
 *     not-before <time>                           expires <time>
 *     not-after <time>                            actions any | read subscribe ...
 *
 * A signed request is for one request: the digest is of its canonical bytes, the id its request id,
 * which makes it happen once. A token is a bearer's: it names who it speaks for, at one site, for
 * half a day at most, and perhaps for some actions alone; it travels inside TLS only. Both are
 * signed by the principal itself, who dates them back by as much as clocks differ. Pure: the time
 * is an argument. */
#ifndef WEFT_POLICY_REQUEST_H
#define WEFT_POLICY_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/keyring.h"
#include "policy/note.h"
#include "policy/principal.h"
#include "proto/bytes.h"
#include "proto/digest.h"
#include "proto/err.h"

enum {
    WEFT_REQUEST_LIFE_MAX_S = 15 * 60,    /* chosen: a person reads and signs; clocks differ */
    WEFT_TOKEN_LIFE_MAX_S = 12 * 60 * 60, /* specified: the "short-lived": a shift */
    WEFT_TOKEN_ACTIONS_MAX = 32,          /* chosen: the closed set of actions has 18 */
    WEFT_TOKEN_SIZE_MAX = 2048,           /* of a whole note; fits in an HTTP header */
};

/* "<org>/<site>" */
struct weft_request_site {
    char org[WEFT_PRINCIPAL_PART_SIZE_MAX + 1];
    char site[WEFT_PRINCIPAL_PART_SIZE_MAX + 1];
};

struct weft_request {
    uint8_t id[WEFT_DOCUMENT_NONCE_SIZE];
    struct weft_request_site site;
    struct weft_principal principal;
    struct weft_digest digest;
    int64_t not_before_ns;
    int64_t not_after_ns; /* The last ns at which it counts. */
};

struct weft_token {
    uint8_t id[WEFT_DOCUMENT_NONCE_SIZE];
    struct weft_request_site audience;
    struct weft_principal principal;
    int64_t issued_ns;
    int64_t expires_ns; /* The first ns at which it counts no more. */
    /* None: any action. Else words [a-z-], sorted; borrowed. */
    struct weft_text actions[WEFT_TOKEN_ACTIONS_MAX];
    uint32_t action_count;
};

/* The text alone. WEFT_EMALFORMED, WEFT_EINVAL, WEFT_EVERSION, WEFT_ETOOBIG, with the line. */
WEFT_MUST_USE enum weft_err weft_request_decode(
    struct weft_text text, struct weft_request *ret_request, struct weft_msg *msg);
WEFT_MUST_USE enum weft_err weft_token_decode(
    struct weft_text text, struct weft_token *ret_token, struct weft_msg *msg);

/* What comes out decodes, or: WEFT_EINVAL with what decode says of it. WEFT_ETOOBIG, WEFT_ENOMEM.
 * On failure `out` is as before. */
WEFT_MUST_USE enum weft_err weft_request_encode(
    const struct weft_request *request, struct weft_buffer *out, struct weft_msg *msg);
WEFT_MUST_USE enum weft_err weft_token_encode(
    const struct weft_token *token, struct weft_buffer *out, struct weft_msg *msg);

/* What the other side says of itself, and what is asked here. */
struct weft_request_context {
    const struct weft_keyring *ring;
    struct weft_request_site site; /* Ours. */
    int64_t now_ns;                /* Of the entry, or of the node for advice. */
    uint64_t index;
};

/* Is the note a request for exactly this id and digest, signed by whom it names, here and now?
 * WEFT_EREFUSED: of another time, another site, another class, or by a key that is not valid.
 * WEFT_ECONFLICT: of another request (id or digest). WEFT_EPEER: not signed by a known key of the
 * principal. WEFT_EBADSIG. As decode; WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_request_verify(const struct weft_note *note,
    const struct weft_request_context *context, const uint8_t id[WEFT_DOCUMENT_NONCE_SIZE],
    const struct weft_digest *digest, struct weft_principal *ret_principal, struct weft_msg *msg);

/* The same of a token. WEFT_ETOOBIG: a note of more than WEFT_TOKEN_SIZE_MAX bytes. */
WEFT_MUST_USE enum weft_err weft_token_verify(const struct weft_note *note,
    const struct weft_request_context *context, struct weft_token *ret_token, struct weft_msg *msg);

/* Is it for this action? What the policy says is another matter. */
bool weft_token_allows(const struct weft_token *token, struct weft_text action);

#endif
