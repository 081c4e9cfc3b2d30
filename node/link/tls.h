/* node/link/tls.h: TLS 1.3 contexts, and who is at the other end.
 *
 * Mutual authentication, TLS 1.3 only, P-256 and Ed25519, no tickets, no early data, no
 * resumption: every connection proves itself anew, so that a replaced or revoked key counts
 * from the next connection on. A certificate is refused during the handshake, so that the
 * other end gets an alert, unless it is a leaf with exactly one URI SAN of ours, without the
 * right to sign certificates and with the extended key usage of its side. The trust domain
 * of a root that names one (its own URI SAN, "spiffe://org") binds every name below it.
 * ALPN "weft/1" keeps this protocol apart from HTTP under the same certificate. */
#ifndef WEFT_NODE_LINK_TLS_H
#define WEFT_NODE_LINK_TLS_H

#include <openssl/ssl.h>

#include "node/link/link.h"
#include "proto/err.h"

enum {
    WEFT_TLS_REASON_SIZE = 192
};

struct weft_tls {
    SSL_CTX *client;
    SSL_CTX *server;
};

/* Both contexts, from PEM files. WEFT_EINVAL: which file, and why; WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_tls_load(const char *ca_file, const char *cert_file,
    const char *key_file, struct weft_tls *ret_tls, struct weft_msg *msg);
/* As weft_link_check_root. */
WEFT_MUST_USE enum weft_err weft_tls_check_root(
    struct weft_text pem, const char *org, struct weft_digest *ret_root, struct weft_msg *msg);
void weft_tls_destroy(struct weft_tls *tls);

/* A connection of either side. The BIOs are the caller's business. NULL: no memory. */
SSL *weft_tls_connection(SSL_CTX *ctx, bool is_dialled);

/* After the handshake. WEFT_EPEER with a reason: no certificate, another protocol (ALPN). */
WEFT_MUST_USE enum weft_err weft_tls_identity(
    SSL *ssl, struct weft_identity *ret_identity, struct weft_msg *msg);

/* `size` more bytes were sealed. From time to time this changes the key that seals.
 * RFC 8446, 5.5: at most 2^24.5 full records of AES-GCM under one key, 2^38 bytes. */
void weft_tls_sealed(SSL *ssl, size_t size);

/* Was the other end refused for its certificate? Then the reason, else NULL. */
const char *weft_tls_refusal(const SSL *ssl);

/* Text of OpenSSL's last error on this thread, whose queue is emptied. */
void weft_tls_error(const SSL *ssl, char *ret_text, size_t size);

#endif
