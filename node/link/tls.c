#include "node/link/tls.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/link/identity.h"

#ifndef WEFT_TLS_KEY_BYTES
#define WEFT_TLS_KEY_BYTES (UINT64_C(1) << 36) /* A quarter of what RFC 8446 allows. */
#endif

/* What we keep of a connection: what its verification left behind, and the use of its key. */
struct verdict {
    uint64_t sealed_bytes;
    bool is_refused;
    char reason[WEFT_TLS_REASON_SIZE];
    struct weft_identity identity;
};

static const unsigned char protocol[] = "\x06weft/1"; /* RFC 7301: length, name */
static const unsigned protocol_size = sizeof(protocol) - 1;

static void free_verdict(
    void *parent, void *ptr, CRYPTO_EX_DATA *ad, int idx, long argl, void *argp)
{
    (void)parent, (void)ad, (void)idx, (void)argl, (void)argp;
    free(ptr);
}

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int slot = -1;

static void make_slot(void)
{
    slot = SSL_get_ex_new_index(0, NULL, NULL, NULL, free_verdict);
}

/* Of the SSL object. -1: no memory. */
static int verdict_index(void)
{
    (void)pthread_once(&once, make_slot);
    return slot;
}

static struct verdict *verdict_of(const SSL *ssl)
{
    return SSL_get_ex_data(ssl, verdict_index());
}

void weft_tls_error(const SSL *ssl, char *ret_text, size_t size)
{
    unsigned long code = ERR_get_error();
    const char *reason = ERR_reason_error_string(code);
    const char *refusal = ssl != NULL ? weft_tls_refusal(ssl) : NULL;
    ERR_clear_error();
    if (refusal != NULL) {
        (void)snprintf(ret_text, size, "%s", refusal);
    } else if (reason != NULL) {
        (void)snprintf(ret_text, size, "%s", reason);
    } else {
        (void)snprintf(ret_text, size, "TLS error %lu", code);
    }
}

/* --- what a certificate must be ---------------------------------------------------------- */

/* The URI SANs of a certificate: how many, and the first. SPIFFE X.509-SVID, section 2: "An
 * X.509 SVID MUST contain exactly one URI SAN". */
static int uri_of(X509 *certificate, struct weft_text *ret_uri, GENERAL_NAMES **ret_names)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    int count = 0;
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (name->type == GEN_URI && count++ == 0) {
            const ASN1_IA5STRING *s = name->d.uniformResourceIdentifier;
            *ret_uri = (struct weft_text){
                (const char *)ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s)};
        }
    }
    *ret_names = names; /* Owns the text. */
    return count;
}

static enum weft_err leaf_identity(
    X509 *leaf, struct weft_identity *ret_identity, struct weft_msg *msg)
{
    struct weft_text uri = {0};
    GENERAL_NAMES *names = NULL;
    int count = uri_of(leaf, &uri, &names);
    enum weft_err err;
    if (count != 1) {
        err = weft_fail(msg, WEFT_EPEER, "certificate with %d URI names, not one", count);
    } else if ((err = weft_identity_parse(uri, ret_identity, msg)) != WEFT_OK) {
        err = weft_wrap(msg, WEFT_EPEER, "certificate's name");
    }
    GENERAL_NAMES_free(names);
    return err;
}

/* policy.md, section 1: "a CA certificate as leaf, keyCertSign, [...] missing EKUs". */
static enum weft_err check_leaf(X509 *leaf, bool is_server, struct weft_msg *msg)
{
    uint32_t flags = X509_get_extension_flags(leaf);
    uint32_t wanted = is_server ? XKU_SSL_SERVER : XKU_SSL_CLIENT;
    if ((flags & EXFLAG_INVALID) != 0) {
        return weft_fail(msg, WEFT_EPEER, "certificate with malformed extensions");
    }
    if ((flags & EXFLAG_CA) != 0) {
        return weft_fail(msg, WEFT_EPEER, "a CA certificate used as a leaf");
    }
    if ((flags & EXFLAG_KUSAGE) != 0 && (X509_get_key_usage(leaf) & KU_KEY_CERT_SIGN) != 0) {
        return weft_fail(msg, WEFT_EPEER, "a leaf certificate with keyCertSign");
    }
    if ((flags & EXFLAG_XKUSAGE) == 0 || (X509_get_extended_key_usage(leaf) & wanted) == 0) {
        return weft_fail(msg, WEFT_EPEER, "certificate without extended key usage %s",
            is_server ? "serverAuth" : "clientAuth");
    }
    return WEFT_OK;
}

/* RFC 5280, 4.2.1.10: the one host that URIs below this certificate may have; else "". OpenSSL
 * enforces it; here it only tells whether there is such a bound. */
static void constrained_domain(X509 *root, char ret_domain[64])
{
    NAME_CONSTRAINTS *constraints = X509_get_ext_d2i(root, NID_name_constraints, NULL, NULL);
    int count = 0;
    for (int i = 0;
         constraints != NULL && i < sk_GENERAL_SUBTREE_num(constraints->permittedSubtrees); i++) {
        const GENERAL_NAME *base =
            sk_GENERAL_SUBTREE_value(constraints->permittedSubtrees, i)->base;
        if (base->type == GEN_URI) {
            const ASN1_IA5STRING *s = base->d.uniformResourceIdentifier;
            count++;
            (void)snprintf(ret_domain, 64, "%.*s", ASN1_STRING_length(s),
                (const char *)ASN1_STRING_get0_data(s));
        }
    }
    if (count != 1) {
        ret_domain[0] = '\0';
    }
    NAME_CONSTRAINTS_free(constraints);
}

/* SPIFFE X.509-SVID, section 3.2: a signing certificate's URI names its trust domain. Or its
 * name constraint does. "": neither. */
static enum weft_err root_domain(X509 *root, char ret_domain[64], struct weft_msg *msg)
{
    static const char scheme[] = "spiffe://";
    const size_t scheme_size = sizeof(scheme) - 1;
    struct weft_text uri = {0};
    GENERAL_NAMES *names = NULL;
    enum weft_err err = WEFT_OK;
    int count = uri_of(root, &uri, &names);
    ret_domain[0] = '\0';
    if (count > 1 || (count == 1 && (uri.size <= scheme_size || uri.size - scheme_size >= 64 ||
                                        memcmp(uri.data, scheme, scheme_size) != 0))) {
        err = weft_fail(msg, WEFT_EINVAL, "a root's URI name is not spiffe://<org>");
    } else if (count == 1) {
        size_t size = uri.size - scheme_size;
        memcpy(ret_domain, uri.data + scheme_size, size);
        ret_domain[size] = '\0';
        char *slash = strchr(ret_domain, '/');
        if (slash != NULL) {
            *slash = '\0'; /* A site's intermediate names spiffe://org/site. */
        }
    }
    GENERAL_NAMES_free(names);
    if (count == 0) {
        constrained_domain(root, ret_domain);
    }
    return err;
}

static enum weft_err root_digest(X509 *root, struct weft_digest *ret_root, struct weft_msg *msg)
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    if (X509_digest(root, EVP_sha256(), hash, &size) != 1 || size != WEFT_DIGEST_SIZE) {
        return weft_fail(msg, WEFT_ENOMEM, "no digest of a root");
    }
    memcpy(ret_root->bytes, hash, WEFT_DIGEST_SIZE);
    return WEFT_OK;
}

static enum weft_err check_domain(
    X509_STORE_CTX *store, const struct weft_identity *identity, struct weft_msg *msg)
{
    STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(store);
    for (int i = 1; i < sk_X509_num(chain); i++) {
        char domain[64];
        enum weft_err err = root_domain(sk_X509_value(chain, i), domain, msg);
        if (err != WEFT_OK) {
            return err;
        }
        if (domain[0] != '\0' && strcmp(domain, identity->org) != 0) {
            return weft_fail(
                msg, WEFT_EPEER, "%s is certified by the root of %s", identity->uri, domain);
        }
    }
    return WEFT_OK;
}

/* A root without a list of revoked certificates has revoked none, and a list goes on counting
 * when its next one is late: a site does not stop by a date. */
static bool is_about_no_list(X509_STORE_CTX *store)
{
    int error = X509_STORE_CTX_get_error(store);
    return error == X509_V_ERR_UNABLE_TO_GET_CRL || error == X509_V_ERR_CRL_HAS_EXPIRED;
}

/* Called for each certificate of the chain, root first. */
static int verify(int is_ok, X509_STORE_CTX *store)
{
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct verdict *v = verdict_of(ssl);
    struct weft_msg msg = {""};
    if (!is_ok && is_about_no_list(store)) {
        X509_STORE_CTX_set_error(store, X509_V_OK);
        return 1;
    }
    if (!is_ok) {
        v->is_refused = true;
        (void)snprintf(v->reason, sizeof(v->reason), "%s",
            X509_verify_cert_error_string(X509_STORE_CTX_get_error(store)));
        return 0;
    }
    if (X509_STORE_CTX_get_error_depth(store) > 0) {
        return 1;
    }
    X509 *leaf = X509_STORE_CTX_get_current_cert(store);
    STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(store);
    if (check_leaf(leaf, !SSL_is_server(ssl), &msg) != WEFT_OK ||
        leaf_identity(leaf, &v->identity, &msg) != WEFT_OK ||
        check_domain(store, &v->identity, &msg) != WEFT_OK ||
        root_digest(sk_X509_value(chain, sk_X509_num(chain) - 1), &v->identity.root, &msg) !=
            WEFT_OK) {
        v->is_refused = true;
        (void)snprintf(v->reason, sizeof(v->reason), "%s", msg.text);
        X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
        return 0;
    }
    return 1;
}

static int select_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_size,
    const unsigned char *in, unsigned in_size, void *arg)
{
    (void)ssl, (void)arg;
    unsigned char *chosen;
    if (SSL_select_next_proto(&chosen, out_size, protocol, protocol_size, in, in_size) !=
        OPENSSL_NPN_NEGOTIATED) {
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

/* --- contexts ---------------------------------------------------------------------------- */

/* With several roots, each must say for whom it speaks: otherwise a partner's root could
 * certify our own names. */
static enum weft_err check_roots(SSL_CTX *ctx, const char *ca_file, struct weft_msg *msg)
{
    STACK_OF(X509_OBJECT) *objects = X509_STORE_get0_objects(SSL_CTX_get_cert_store(ctx));
    int count = 0;
    for (int i = 0; i < sk_X509_OBJECT_num(objects); i++) {
        count += X509_OBJECT_get_type(sk_X509_OBJECT_value(objects, i)) == X509_LU_X509;
    }
    for (int i = 0; i < sk_X509_OBJECT_num(objects); i++) {
        X509 *root = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(objects, i));
        char domain[64];
        if (root == NULL) {
            continue;
        }
        enum weft_err err = root_domain(root, domain, msg);
        if (err != WEFT_OK) {
            return weft_wrap(msg, err, "CA file %s", ca_file);
        }
        if (count > 1 && domain[0] == '\0') {
            return weft_fail(msg, WEFT_EINVAL,
                "CA file %s: one of %d roots names no trust domain (URI SAN or constraint)",
                ca_file, count);
        }
    }
    return WEFT_OK;
}

/* LNK-14. */
static enum weft_err check_one_root(
    X509 *root, const char *org, struct weft_digest *ret_root, struct weft_msg *msg)
{
    char domain[64];
    enum weft_err err = root_domain(root, domain, msg);
    if (err == WEFT_OK && X509_check_ca(root) != 1) {
        err = weft_fail(msg, WEFT_EINVAL, "it is no CA certificate");
    } else if (err == WEFT_OK && strcmp(domain, org) != 0) {
        err = weft_fail(msg, WEFT_EINVAL, "a root for %s, not for %s",
            domain[0] != '\0' ? domain : "any trust domain", org);
    }
    return err == WEFT_OK ? root_digest(root, ret_root, msg) : err;
}

enum weft_err weft_tls_check_root(
    struct weft_text pem, const char *org, struct weft_digest *ret_root, struct weft_msg *msg)
{
    ERR_clear_error();
    BIO *bio = pem.size <= INT_MAX ? BIO_new_mem_buf(pem.data, (int)pem.size) : NULL;
    STACK_OF(X509_INFO) *found = bio != NULL ? PEM_X509_INFO_read_bio(bio, NULL, NULL, NULL) : NULL;
    X509 *root = NULL;
    int roots = 0;
    for (int i = 0; found != NULL && i < sk_X509_INFO_num(found); i++) {
        const X509_INFO *info = sk_X509_INFO_value(found, i);
        if (info->x509 != NULL) {
            root = info->x509;
            roots++;
        }
    }
    enum weft_err err = roots == 1 ? check_one_root(root, org, ret_root, msg)
                                   : weft_fail(msg, WEFT_EINVAL, "%d certificates, not one", roots);
    sk_X509_INFO_pop_free(found, X509_INFO_free);
    BIO_free(bio);
    ERR_clear_error();
    return err;
}

/* LNK-13. */
static void heed_lists(SSL_CTX *ctx)
{
    STACK_OF(X509_OBJECT) *objects = X509_STORE_get0_objects(SSL_CTX_get_cert_store(ctx));
    for (int i = 0; i < sk_X509_OBJECT_num(objects); i++) {
        if (X509_OBJECT_get_type(sk_X509_OBJECT_value(objects, i)) == X509_LU_CRL) {
            (void)X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(ctx), X509_V_FLAG_CRL_CHECK);
        }
    }
}

static enum weft_err fail_file(const char *what, const char *file, struct weft_msg *msg)
{
    char reason[WEFT_TLS_REASON_SIZE];
    weft_tls_error(NULL, reason, sizeof(reason));
    return weft_fail(msg, WEFT_EINVAL, "%s %s: %s", what, file, reason);
}

static void set_rules(SSL_CTX *ctx, bool is_server)
{
    (void)SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION);
    (void)SSL_CTX_set_max_proto_version(ctx, TLS1_3_VERSION);
    (void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    (void)SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
    (void)SSL_CTX_set_num_tickets(ctx, 0);
    (void)SSL_CTX_set_max_early_data(ctx, 0);
    (void)SSL_CTX_set_mode(
        ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, verify);
    SSL_CTX_set_verify_depth(ctx, 3); /* chosen: organization, site, node and one to spare */
    if (is_server) {
        SSL_CTX_set_alpn_select_cb(ctx, select_protocol, NULL);
    }
}

static enum weft_err load_context(const SSL_METHOD *method, bool is_server, const char *ca_file,
    const char *cert_file, const char *key_file, SSL_CTX **ret_ctx, struct weft_msg *msg)
{
    ERR_clear_error();
    enum weft_err err = WEFT_ENOMEM;
    SSL_CTX *ctx = SSL_CTX_new(method);
    if (ctx == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "no memory for TLS");
    }
    set_rules(ctx, is_server);
    if (!SSL_CTX_set_ciphersuites(
            ctx, "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256") ||
        !SSL_CTX_set1_groups_list(ctx, "X25519:P-256") ||
        !SSL_CTX_set1_sigalgs_list(ctx, "ed25519:ECDSA+SHA256") ||
        SSL_CTX_set_alpn_protos(ctx, protocol, protocol_size) != 0) {
        err = weft_fail(msg, WEFT_ENOMEM, "no memory for TLS");
        goto fail;
    }
    if (!SSL_CTX_load_verify_file(ctx, ca_file)) {
        err = fail_file("CA file", ca_file, msg);
        goto fail;
    }
    if (SSL_CTX_use_certificate_chain_file(ctx, cert_file) != 1) {
        err = fail_file("certificate", cert_file, msg);
        goto fail;
    }
    if (SSL_CTX_use_PrivateKey_file(ctx, key_file, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(ctx) != 1) {
        err = fail_file("key", key_file, msg);
        goto fail;
    }
    err = check_roots(ctx, ca_file, msg);
    if (err != WEFT_OK) {
        goto fail;
    }
    heed_lists(ctx);
    *ret_ctx = ctx;
    return WEFT_OK;
fail:
    SSL_CTX_free(ctx);
    return err;
}

enum weft_err weft_tls_load(const char *ca_file, const char *cert_file, const char *key_file,
    struct weft_tls *ret_tls, struct weft_msg *msg)
{
    struct weft_tls tls = {0};
    struct weft_identity own;
    if (ca_file == NULL || cert_file == NULL || key_file == NULL) {
        return weft_fail(msg, WEFT_EINVAL, "a link needs a CA file, a certificate and its key");
    }
    if (verdict_index() < 0) {
        return weft_fail(msg, WEFT_ENOMEM, "no memory for TLS");
    }
    enum weft_err err =
        load_context(TLS_client_method(), false, ca_file, cert_file, key_file, &tls.client, msg);
    if (err == WEFT_OK) {
        err =
            load_context(TLS_server_method(), true, ca_file, cert_file, key_file, &tls.server, msg);
    }
    if (err == WEFT_OK &&
        leaf_identity(SSL_CTX_get0_certificate(tls.client), &own, msg) != WEFT_OK) {
        err = weft_wrap(msg, WEFT_EINVAL, "certificate %s", cert_file);
    }
    if (err != WEFT_OK) {
        weft_tls_destroy(&tls);
        return err;
    }
    *ret_tls = tls;
    return WEFT_OK;
}

void weft_tls_destroy(struct weft_tls *tls)
{
    SSL_CTX_free(tls->client);
    SSL_CTX_free(tls->server);
    *tls = (struct weft_tls){0};
}

/* --- connections ------------------------------------------------------------------------- */

SSL *weft_tls_connection(SSL_CTX *ctx, bool is_dialled)
{
    SSL *ssl = SSL_new(ctx);
    struct verdict *v = calloc(1, sizeof(*v));
    if (ssl == NULL || v == NULL || SSL_set_ex_data(ssl, verdict_index(), v) != 1) {
        SSL_free(ssl);
        free(v);
        return NULL;
    }
    if (is_dialled) {
        SSL_set_connect_state(ssl);
    } else {
        SSL_set_accept_state(ssl);
    }
    return ssl;
}

enum weft_err weft_tls_identity(SSL *ssl, struct weft_identity *ret_identity, struct weft_msg *msg)
{
    const struct verdict *v = verdict_of(ssl);
    const unsigned char *chosen = NULL;
    unsigned chosen_size = 0;
    if (v->is_refused || v->identity.uri[0] == '\0' || SSL_get_verify_result(ssl) != X509_V_OK ||
        SSL_get0_peer_certificate(ssl) == NULL || !SSL_is_init_finished(ssl)) {
        return weft_fail(msg, WEFT_EPEER, "not authenticated");
    }
    SSL_get0_alpn_selected(ssl, &chosen, &chosen_size);
    if (chosen_size != protocol_size - 1 || memcmp(chosen, protocol + 1, chosen_size) != 0) {
        return weft_fail(msg, WEFT_EPEER, "it does not speak weft/1 (ALPN)");
    }
    *ret_identity = v->identity;
    return WEFT_OK;
}

void weft_tls_sealed(SSL *ssl, size_t size)
{
    struct verdict *v = verdict_of(ssl);
    v->sealed_bytes += size;
    if (v->sealed_bytes >= WEFT_TLS_KEY_BYTES &&
        SSL_get_key_update_type(ssl) == SSL_KEY_UPDATE_NONE) {
        v->sealed_bytes = 0;
        (void)SSL_key_update(ssl, SSL_KEY_UPDATE_NOT_REQUESTED); /* Goes with the next record. */
    }
}

const char *weft_tls_refusal(const SSL *ssl)
{
    const struct verdict *v = verdict_of(ssl);
    return v != NULL && v->is_refused ? v->reason : NULL;
}
