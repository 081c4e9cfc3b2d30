/* node/api/http/peer.h: GnuTLS, which libmicrohttpd speaks TLS with: our certificate, and theirs.
 *
 * The one file that knows GnuTLS. It hands over what the other end has presented, as PEM; whether
 * that is somebody is decided by policy/crypto/pki.h, as for every other certificate. Our own is
 * given to each handshake anew, so that a reload counts from the next connection on. */
#ifndef WEFT_NODE_API_HTTP_PEER_H
#define WEFT_NODE_API_HTTP_PEER_H

#include "proto/bytes.h"
#include "proto/err.h"

struct weft_http_credentials;

/* PEM. WEFT_EINVAL: which of the two cannot be used. The previous ones of *credentials (NULL:
 * none) stay in force on error and are let go otherwise. */
WEFT_MUST_USE enum weft_err weft_http_credentials_load(struct weft_bytes cert,
    struct weft_bytes key, struct weft_http_credentials **credentials, struct weft_msg *msg);
void weft_http_credentials_destroy(struct weft_http_credentials *credentials);
/* Handshakes of this process use these: GnuTLS gives its callback no word of ours. */
void weft_http_credentials_use(struct weft_http_credentials *credentials);
/* A gnutls_certificate_retrieve_function2. */
void *weft_http_credentials_callback(void);

/* Text of the priorities: TLS 1.3 alone, with the suites, groups and signatures of node/link. */
const char *weft_http_priorities(void);

/* The leaf that the other end presented and proved to hold the key of, as PEM appended to `out`.
 * `session` is a gnutls_session_t. WEFT_ENOTFOUND: none was presented. WEFT_EPEER: unreadable. */
WEFT_MUST_USE enum weft_err weft_http_peer_leaf(
    void *session, struct weft_buffer *out, struct weft_msg *msg);

#endif
