#include "policy/crypto/pki_read.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static BIO *open_pem(struct weft_bytes pem)
{
    return pem.size > 0 && pem.size <= WEFT_PKI_PEM_SIZE_MAX
               ? BIO_new_mem_buf(pem.data, (int)pem.size)
               : NULL;
}

/* An unattended process must not stop at a prompt: a protected key is refused. */
static int no_passphrase(char *buffer, int size, int is_writing, void *ctx)
{
    (void)buffer, (void)size, (void)is_writing, (void)ctx;
    return -1;
}

enum weft_err weft_pki_read_cert(struct weft_bytes pem, X509 **ret_cert, struct weft_msg *msg)
{
    if (pem.size > WEFT_PKI_PEM_SIZE_MAX) {
        return weft_fail(
            msg, WEFT_ETOOBIG, "certificate of more than %d bytes", WEFT_PKI_PEM_SIZE_MAX);
    }
    BIO *bio = open_pem(pem);
    X509 *cert = bio != NULL ? PEM_read_bio_X509(bio, NULL, no_passphrase, NULL) : NULL;
    X509 *second = cert != NULL ? PEM_read_bio_X509(bio, NULL, no_passphrase, NULL) : NULL;
    BIO_free(bio);
    ERR_clear_error();
    if (cert == NULL || second != NULL) {
        X509_free(cert);
        X509_free(second);
        return weft_fail(msg, WEFT_EMALFORMED, "not exactly one PEM certificate");
    }
    *ret_cert = cert;
    return WEFT_OK;
}

enum weft_err weft_pki_read_key(struct weft_bytes pem, EVP_PKEY **ret_key, struct weft_msg *msg)
{
    if (pem.size > WEFT_PKI_PEM_SIZE_MAX) {
        return weft_fail(msg, WEFT_ETOOBIG, "key of more than %d bytes", WEFT_PKI_PEM_SIZE_MAX);
    }
    BIO *bio = open_pem(pem);
    EVP_PKEY *key = bio != NULL ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;
    BIO_free(bio);
    ERR_clear_error();
    if (key == NULL) {
        return weft_fail(msg, WEFT_EMALFORMED, "not a PEM private key without passphrase");
    }
    *ret_key = key;
    return WEFT_OK;
}

static bool read_time(const ASN1_TIME *time, int64_t *ret_s)
{
    struct tm parts;
    if (ASN1_TIME_to_tm(time, &parts) != 1) {
        return false;
    }
    *ret_s = (int64_t)timegm(&parts);
    return true;
}

static void read_serial(X509 *cert, char *ret_serial, size_t size)
{
    BIGNUM *number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(cert), NULL);
    char *text = number != NULL ? BN_bn2hex(number) : NULL;
    (void)snprintf(ret_serial, size, "%s", text != NULL ? text : "");
    OPENSSL_free(text);
    BN_free(number);
}

static void read_fingerprint(X509 *cert, char ret_hex[65])
{
    uint8_t hash[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    ret_hex[0] = '\0';
    if (X509_digest(cert, EVP_sha256(), hash, &size) == 1 && size == 32) {
        for (unsigned int i = 0; i < size; i++) {
            (void)snprintf(ret_hex + (size_t)i * 2, 3, "%02x", hash[i]);
        }
    }
}

static void read_key_type(X509 *cert, char *ret_name, size_t size)
{
    EVP_PKEY *key = X509_get0_pubkey(cert);
    char group[32] = "";
    if (key != NULL && EVP_PKEY_is_a(key, "EC")) {
        (void)EVP_PKEY_get_group_name(key, group, sizeof(group), NULL);
        bool is_p256 = strcmp(group, "prime256v1") == 0 || strcmp(group, "P-256") == 0;
        (void)snprintf(ret_name, size, "%.15s", is_p256 ? "P-256" : group);
    } else if (key != NULL && EVP_PKEY_is_a(key, "ED25519")) {
        (void)snprintf(ret_name, size, "Ed25519");
    } else {
        const char *name = key != NULL ? EVP_PKEY_get0_type_name(key) : "none";
        (void)snprintf(ret_name, size, "%.15s", name != NULL ? name : "unknown");
    }
}

/* POL-10. */
static enum weft_err read_principal(
    X509 *cert, struct weft_principal *ret_principal, struct weft_msg *msg)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
    const ASN1_STRING *uri = NULL;
    int uri_count = 0;
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (name->type == GEN_URI) {
            uri = name->d.uniformResourceIdentifier;
            uri_count++;
        }
    }
    enum weft_err err;
    if (uri_count != 1) {
        err = weft_fail(msg, WEFT_EINVAL, "%d URI names where exactly one is asked for", uri_count);
    } else {
        struct weft_text text = {
            (const char *)ASN1_STRING_get0_data(uri), (size_t)ASN1_STRING_length(uri)};
        err = weft_principal_parse_uri(text, ret_principal, msg);
    }
    GENERAL_NAMES_free(names);
    return err;
}

static enum weft_err read_root_org(
    X509 *cert, struct weft_principal *ret_principal, struct weft_msg *msg)
{
    char org[WEFT_PRINCIPAL_PART_SIZE_MAX + 2] = "";
    int size = X509_NAME_get_text_by_NID(
        X509_get_subject_name(cert), NID_organizationName, org, sizeof(org));
    if (size <= 0 || !weft_principal_is_org((struct weft_text){org, (size_t)size})) {
        return weft_fail(msg, WEFT_EINVAL, "a CA whose organization is not a trust domain");
    }
    memcpy(ret_principal->org, org, (size_t)size + 1);
    return WEFT_OK;
}

enum weft_err weft_pki_read_facts(
    X509 *cert, struct weft_pki_facts *ret_facts, struct weft_msg *msg)
{
    struct weft_pki_facts facts = {.is_root = X509_check_ca(cert) == 1};
    if (!read_time(X509_get0_notBefore(cert), &facts.not_before_s) ||
        !read_time(X509_get0_notAfter(cert), &facts.not_after_s)) {
        return weft_fail(msg, WEFT_EMALFORMED, "unreadable validity");
    }
    enum weft_err err = facts.is_root ? read_root_org(cert, &facts.principal, msg)
                                      : read_principal(cert, &facts.principal, msg);
    if (err != WEFT_OK) {
        return err;
    }
    /* Without the extension OpenSSL reports every usage; we ask for it to be there. */
    bool has_usage = (X509_get_extension_flags(cert) & EXFLAG_XKUSAGE) != 0;
    uint32_t usage = has_usage ? X509_get_extended_key_usage(cert) : 0;
    facts.is_server = (usage & XKU_SSL_SERVER) != 0;
    facts.is_client = (usage & XKU_SSL_CLIENT) != 0;
    read_serial(cert, facts.serial, sizeof(facts.serial));
    read_fingerprint(cert, facts.fingerprint);
    read_key_type(cert, facts.key_type, sizeof(facts.key_type));
    *ret_facts = facts;
    return WEFT_OK;
}

enum weft_err weft_pki_inspect(
    struct weft_bytes pem, struct weft_pki_facts *ret_facts, struct weft_msg *msg)
{
    X509 *cert = NULL;
    enum weft_err err = weft_pki_read_cert(pem, &cert, msg);
    if (err == WEFT_OK) {
        err = weft_pki_read_facts(cert, ret_facts, msg);
    }
    X509_free(cert);
    return err;
}

/* POL-13. The lists of revoked certificates behind a root. False: no memory. */
static bool add_lists(X509_STORE *store, struct weft_bytes root_pem)
{
    BIO *bio = open_pem(root_pem);
    bool is_ok = bio != NULL;
    for (X509_CRL *list = NULL;
         is_ok && (list = PEM_read_bio_X509_CRL(bio, NULL, no_passphrase, NULL)) != NULL;) {
        is_ok = X509_STORE_add_crl(store, list) == 1 &&
                X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK) == 1;
        X509_CRL_free(list);
    }
    BIO_free(bio);
    return is_ok;
}

/* A list goes on counting when its next one is late: a site does not stop by a date. */
static int forgive_late_list(int is_ok, X509_STORE_CTX *ctx)
{
    if (!is_ok && X509_STORE_CTX_get_error(ctx) == X509_V_ERR_CRL_HAS_EXPIRED) {
        X509_STORE_CTX_set_error(ctx, X509_V_OK);
        return 1;
    }
    return is_ok;
}

static enum weft_err verify_chain(
    X509 *cert, X509 *root, struct weft_bytes root_pem, int64_t now_s, struct weft_msg *msg)
{
    enum weft_err err = WEFT_ENOMEM;
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    if (store != NULL && ctx != NULL && X509_STORE_add_cert(store, root) == 1 &&
        add_lists(store, root_pem) && X509_STORE_CTX_init(ctx, store, cert, NULL) == 1) {
        X509_STORE_CTX_set_time(ctx, 0, (time_t)now_s);
        X509_STORE_CTX_set_verify_cb(ctx, forgive_late_list);
        if (X509_verify_cert(ctx) == 1) {
            err = WEFT_OK;
        } else {
            err = weft_fail(msg, WEFT_EBADSIG, "%s",
                X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx)));
        }
    }
    X509_STORE_CTX_free(ctx);
    X509_STORE_free(store);
    ERR_clear_error();
    return err == WEFT_ENOMEM ? weft_fail(msg, err, "no memory to verify a certificate") : err;
}

/* POL-11, and POL-12 again: the name constraint is checked with the chain, but a root that
 * somebody else's tool made may lack it. */
static enum weft_err verify_rules(X509 *cert, const struct weft_pki_facts *root, bool as_server,
    struct weft_pki_facts *ret_facts, struct weft_msg *msg)
{
    if (X509_check_ca(cert) != 0) {
        return weft_fail(msg, WEFT_EPEER, "a CA certificate where a leaf is asked for");
    }
    enum weft_err err = weft_pki_read_facts(cert, ret_facts, msg);
    if (err != WEFT_OK) {
        return WEFT_EPEER;
    }
    if (strcmp(ret_facts->principal.org, root->principal.org) != 0) {
        return weft_fail(msg, WEFT_EPEER, "trust domain %s below the root of %s",
            ret_facts->principal.org, root->principal.org);
    }
    bool has_key_usage = (X509_get_extension_flags(cert) & EXFLAG_KUSAGE) != 0;
    uint32_t key_usage = has_key_usage ? X509_get_key_usage(cert) : 0;
    if ((key_usage & KU_KEY_CERT_SIGN) != 0 || (key_usage & KU_DIGITAL_SIGNATURE) == 0) {
        return weft_fail(msg, WEFT_EPEER, "key usage must be digitalSignature, not keyCertSign");
    }
    if (as_server ? !ret_facts->is_server : !ret_facts->is_client) {
        return weft_fail(msg, WEFT_EPEER, "extended key usage lacks %s",
            as_server ? "serverAuth" : "clientAuth");
    }
    return WEFT_OK;
}

enum weft_err weft_pki_verify(struct weft_bytes cert_pem, struct weft_bytes root_pem, int64_t now_s,
    bool as_server, struct weft_principal *ret_principal, struct weft_msg *msg)
{
    X509 *cert = NULL;
    X509 *root = NULL;
    struct weft_pki_facts facts = {0};
    struct weft_pki_facts root_facts = {0};
    enum weft_err err = weft_pki_read_cert(cert_pem, &cert, msg);
    if (err == WEFT_OK) {
        err = weft_pki_read_cert(root_pem, &root, msg);
    }
    if (err == WEFT_OK) {
        err = weft_pki_read_facts(root, &root_facts, msg);
    }
    if (err == WEFT_OK && !root_facts.is_root) {
        err = weft_fail(msg, WEFT_EBADSIG, "the trust root is not a CA certificate");
    }
    if (err == WEFT_OK) {
        err = verify_chain(cert, root, root_pem, now_s, msg);
    }
    if (err == WEFT_OK) {
        err = verify_rules(cert, &root_facts, as_server, &facts, msg);
    }
    if (err == WEFT_OK) {
        *ret_principal = facts.principal;
    }
    X509_free(root);
    X509_free(cert);
    return err;
}

enum weft_err weft_pki_check_pair(
    struct weft_bytes cert_pem, struct weft_bytes key_pem, struct weft_msg *msg)
{
    X509 *cert = NULL;
    EVP_PKEY *key = NULL;
    enum weft_err err = weft_pki_read_cert(cert_pem, &cert, msg);
    if (err == WEFT_OK) {
        err = weft_pki_read_key(key_pem, &key, msg);
    }
    if (err == WEFT_OK && X509_check_private_key(cert, key) != 1) {
        err = weft_fail(msg, WEFT_EBADSIG, "the key does not belong to the certificate");
    }
    ERR_clear_error();
    EVP_PKEY_free(key);
    X509_free(cert);
    return err;
}
