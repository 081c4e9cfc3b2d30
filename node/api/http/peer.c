#include "node/api/http/peer.h"

#include <stdlib.h>
#include <string.h>

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>

enum {
    CHAIN_MAX = 4 /* Certificates of ours in one handshake, as deep as node/link verifies. */
};

struct pair {
    gnutls_pcert_st chain[CHAIN_MAX];
    unsigned chain_size;
    gnutls_privkey_t key;
};

/* A handshake under way may still hold the pair before the last reload. */
struct weft_http_credentials {
    struct pair pairs[2];
    unsigned present;
};

static struct weft_http_credentials *in_use;

static void empty(struct pair *c)
{
    for (unsigned i = 0; i < c->chain_size; i++) {
        gnutls_pcert_deinit(&c->chain[i]);
    }
    if (c->key != NULL) {
        gnutls_privkey_deinit(c->key);
    }
    *c = (struct pair){.chain_size = 0};
}

static gnutls_datum_t datum_of(struct weft_bytes bytes)
{
    /* GnuTLS takes what it only reads without const. */
    return (gnutls_datum_t){(unsigned char *)(uintptr_t)bytes.data, (unsigned)bytes.size};
}

static enum weft_err load(
    struct weft_bytes cert, struct weft_bytes key, struct pair *c, struct weft_msg *msg)
{
    gnutls_datum_t cert_datum = datum_of(cert), key_datum = datum_of(key);
    unsigned size = CHAIN_MAX;
    int status = gnutls_pcert_list_import_x509_raw(
        c->chain, &size, &cert_datum, GNUTLS_X509_FMT_PEM, GNUTLS_X509_CRT_LIST_FAIL_IF_UNSORTED);
    if (status != 0) {
        return weft_fail(msg, WEFT_EINVAL, "tls.cert: %s", gnutls_strerror(status));
    }
    c->chain_size = size;
    status = gnutls_privkey_init(&c->key);
    if (status != 0) {
        c->key = NULL;
        return weft_fail(msg, WEFT_ENOMEM, "no memory for TLS");
    }
    status = gnutls_privkey_import_x509_raw(c->key, &key_datum, GNUTLS_X509_FMT_PEM, NULL, 0);
    return status == 0 ? WEFT_OK
                       : weft_fail(msg, WEFT_EINVAL, "tls.key: %s", gnutls_strerror(status));
}

enum weft_err weft_http_credentials_load(struct weft_bytes cert, struct weft_bytes key,
    struct weft_http_credentials **credentials, struct weft_msg *msg)
{
    struct weft_http_credentials *c = *credentials;
    struct pair fresh = {.chain_size = 0};
    enum weft_err err = load(cert, key, &fresh, msg);
    if (err == WEFT_OK && c == NULL) {
        c = calloc(1, sizeof(*c));
        if (c == NULL) {
            err = weft_fail(msg, WEFT_ENOMEM, "no memory for TLS");
        }
    }
    if (c == NULL || err != WEFT_OK) {
        empty(&fresh);
        return err;
    }
    c->present ^= 1;
    empty(&c->pairs[c->present]);
    c->pairs[c->present] = fresh;
    *credentials = c;
    return WEFT_OK;
}

void weft_http_credentials_destroy(struct weft_http_credentials *credentials)
{
    if (credentials != NULL) {
        if (in_use == credentials) {
            in_use = NULL;
        }
        empty(&credentials->pairs[0]);
        empty(&credentials->pairs[1]);
        free(credentials);
    }
}

void weft_http_credentials_use(struct weft_http_credentials *credentials)
{
    in_use = credentials;
}

static int retrieve(gnutls_session_t session, const gnutls_datum_t *requested, int requested_count,
    const gnutls_pk_algorithm_t *algorithms, int algorithm_count, gnutls_pcert_st **ret_chain,
    unsigned *ret_size, gnutls_privkey_t *ret_key)
{
    (void)session, (void)requested, (void)requested_count, (void)algorithms, (void)algorithm_count;
    if (in_use == NULL) {
        return -1;
    }
    struct pair *pair = &in_use->pairs[in_use->present];
    *ret_chain = pair->chain;
    *ret_size = pair->chain_size;
    *ret_key = pair->key;
    return 0;
}

void *weft_http_credentials_callback(void)
{
    /* libmicrohttpd passes functions as pointers to objects; POSIX lets them. */
    gnutls_certificate_retrieve_function2 *function = retrieve;
    void *pointer;
    memcpy(&pointer, &function, sizeof(pointer));
    return pointer;
}

const char *weft_http_priorities(void)
{
    return "NONE:+VERS-TLS1.3:+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305:+AEAD"
           ":+GROUP-X25519:+GROUP-SECP256R1:+SIGN-ALL:+CTYPE-SRV-X509:+CTYPE-CLI-X509"
           ":-SIGN-RSA-SHA1:-SIGN-ECDSA-SHA1:%NO_TICKETS";
}

enum weft_err weft_http_peer_leaf(void *session, struct weft_buffer *out, struct weft_msg *msg)
{
    unsigned count = 0;
    const gnutls_datum_t *chain = gnutls_certificate_get_peers(session, &count);
    gnutls_datum_t pem = {NULL, 0};
    if (chain == NULL || count == 0) {
        return weft_fail(msg, WEFT_ENOTFOUND, "no certificate was presented");
    }
    if (gnutls_pem_base64_encode2("CERTIFICATE", &chain[0], &pem) != 0) {
        return weft_fail(msg, WEFT_EPEER, "the certificate cannot be read");
    }
    enum weft_err err = weft_buffer_append(out, pem.data, pem.size);
    gnutls_free(pem.data);
    return err;
}
