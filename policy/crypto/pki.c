#include "policy/crypto/pki.h"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "policy/crypto/pki_read.h"

enum {
    SERIAL_SIZE = 20, /* specified: RFC 5280, 4.1.2.2: at most 20 octets */
    DAY_S = 24 * 60 * 60,
    EXTENSION_SIZE_MAX = 8192, /* chosen: WEFT_PKI_HOSTS_MAX names of 253 bytes */
    HOST_SIZE_MAX = 253,       /* specified: RFC 1035, 2.3.4 */
};

static enum weft_err fail_openssl(struct weft_msg *msg, const char *what)
{
    char text[160];
    ERR_error_string_n(ERR_get_error(), text, sizeof(text));
    ERR_clear_error();
    return weft_fail(msg, WEFT_ENOMEM, "%s: %s", what, text);
}

static EVP_PKEY *generate(enum weft_pki_key_type type)
{
    switch (type) {
    case WEFT_PKI_P256:
        return EVP_EC_gen("P-256");
    case WEFT_PKI_ED25519:
        return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    }
    return NULL;
}

/* RFC 5280, 4.1.2.2: positive, unique; CA/B Forum asks for 64 random bits, we take 159. */
static bool set_serial(X509 *cert)
{
    uint8_t bytes[SERIAL_SIZE];
    if (RAND_bytes(bytes, sizeof(bytes)) != 1) {
        return false;
    }
    bytes[0] = (uint8_t)((bytes[0] & 0x7f) | 0x40);
    BIGNUM *number = BN_bin2bn(bytes, sizeof(bytes), NULL);
    bool is_set = number != NULL && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert)) != NULL;
    BN_free(number);
    return is_set;
}

static bool set_subject(X509 *cert, const char *org, const char *common_name)
{
    X509_NAME *name = X509_get_subject_name(cert);
    return X509_NAME_add_entry_by_txt(
               name, "O", MBSTRING_UTF8, (const unsigned char *)org, -1, -1, 0) == 1 &&
           X509_NAME_add_entry_by_txt(
               name, "CN", MBSTRING_UTF8, (const unsigned char *)common_name, -1, -1, 0) == 1;
}

static bool set_validity(X509 *cert, int64_t now_s, uint32_t days)
{
    time_t from = (time_t)(now_s - WEFT_PKI_SKEW_S);
    time_t to = (time_t)(now_s + (int64_t)days * DAY_S);
    return ASN1_TIME_set(X509_getm_notBefore(cert), from) != NULL &&
           ASN1_TIME_set(X509_getm_notAfter(cert), to) != NULL;
}

static bool add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    bool is_added = extension != NULL && X509_add_ext(cert, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return is_added;
}

static bool sign(X509 *cert, EVP_PKEY *key)
{
    /* Ed25519 hashes by itself (RFC 8410, 3). */
    const EVP_MD *hash = EVP_PKEY_is_a(key, "ED25519") ? NULL : EVP_sha256();
    return X509_sign(cert, key, hash) > 0;
}

static enum weft_err take_bio(BIO *bio, struct weft_buffer *out)
{
    char *data = NULL;
    long size = BIO_get_mem_data(bio, &data);
    return size > 0 ? weft_buffer_append(out, data, (size_t)size) : WEFT_ENOMEM;
}

static enum weft_err write_pair(
    X509 *cert, EVP_PKEY *key, struct weft_pki_pair *ret_pair, struct weft_msg *msg)
{
    struct weft_pki_pair pair = {0};
    BIO *cert_bio = BIO_new(BIO_s_mem());
    BIO *key_bio = BIO_new(BIO_s_secmem()); /* Wiped when freed. */
    enum weft_err err = WEFT_ENOMEM;
    if (cert_bio != NULL && key_bio != NULL && PEM_write_bio_X509(cert_bio, cert) == 1 &&
        PEM_write_bio_PKCS8PrivateKey(key_bio, key, NULL, NULL, 0, NULL, NULL) == 1) {
        err = take_bio(cert_bio, &pair.cert);
        /* One block from the start: a growing buffer would leave copies of the key behind. */
        if (err == WEFT_OK) {
            err = weft_buffer_reserve(&pair.key, WEFT_PKI_PEM_SIZE_MAX);
        }
        if (err == WEFT_OK) {
            err = take_bio(key_bio, &pair.key);
        }
    }
    BIO_free(key_bio);
    BIO_free(cert_bio);
    if (err != WEFT_OK) {
        weft_pki_pair_destroy(&pair);
        return fail_openssl(msg, "write certificate and key");
    }
    *ret_pair = pair;
    return WEFT_OK;
}

static enum weft_err check_days(uint32_t days, struct weft_msg *msg)
{
    if (days == 0 || days > WEFT_PKI_DAYS_MAX) {
        return weft_fail(msg, WEFT_EINVAL, "validity of %u days: 1 to %d", days, WEFT_PKI_DAYS_MAX);
    }
    return WEFT_OK;
}

static bool fill_root(X509 *cert, const char *org)
{
    char common_name[WEFT_PRINCIPAL_PART_SIZE_MAX + 16];
    char constraint[WEFT_PRINCIPAL_PART_SIZE_MAX + 32];
    (void)snprintf(common_name, sizeof(common_name), "Weft trust root");
    /* RFC 5280, 4.2.1.10: for URIs the constraint applies to the host part of the name, which
     * is the trust domain of a SPIFFE ID. */
    (void)snprintf(constraint, sizeof(constraint), "critical,permitted;URI:%s", org);
    return set_subject(cert, org, common_name) &&
           X509_set_issuer_name(cert, X509_get_subject_name(cert)) == 1 &&
           add_extension(cert, cert, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
           add_extension(cert, cert, NID_key_usage, "critical,keyCertSign,cRLSign") &&
           add_extension(cert, cert, NID_subject_key_identifier, "hash") &&
           add_extension(cert, cert, NID_name_constraints, constraint);
}

enum weft_err weft_pki_create_root(const struct weft_pki_root_options *options,
    struct weft_pki_pair *ret_root, struct weft_msg *msg)
{
    uint32_t days = options->days != 0 ? options->days : WEFT_PKI_ROOT_DAYS;
    if (!weft_principal_is_org(weft_text_of(options->org))) {
        struct weft_principal unused;
        return weft_principal_make(WEFT_PRINCIPAL_NODE, options->org, "x", "x", &unused, msg);
    }
    enum weft_err err = check_days(days, msg);
    if (err != WEFT_OK) {
        return err;
    }
    EVP_PKEY *key = generate(options->key_type);
    X509 *cert = X509_new();
    if (key != NULL && cert != NULL && X509_set_version(cert, X509_VERSION_3) == 1 &&
        set_serial(cert) && set_validity(cert, options->now_s, days) &&
        X509_set_pubkey(cert, key) == 1 && fill_root(cert, options->org) && sign(cert, key)) {
        err = write_pair(cert, key, ret_root, msg);
    } else {
        err = fail_openssl(msg, "make trust root");
    }
    X509_free(cert);
    EVP_PKEY_free(key);
    return err;
}

/* A host becomes part of OpenSSL's extension syntax, where ',' and ':' mean something: only
 * what cannot be mistaken passes. */
static enum weft_err add_host(const char *host, struct weft_buffer *out, struct weft_msg *msg)
{
    uint8_t address[16];
    size_t size = strlen(host);
    if (inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1) {
        return weft_buffer_format(out, ",IP:%s", host);
    }
    bool is_name =
        size > 0 && size <= HOST_SIZE_MAX && host[0] != '-' && host[0] != '.' &&
        strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-") == size;
    if (!is_name) {
        return weft_fail(
            msg, WEFT_EINVAL, "host \"%.80s\": a DNS name or an IP address without port", host);
    }
    return weft_buffer_format(out, ",DNS:%s", host);
}

/* Others dial it. */
static bool is_host(const struct weft_principal *principal)
{
    return principal->class == WEFT_PRINCIPAL_NODE || principal->class == WEFT_PRINCIPAL_PARTNER;
}

static enum weft_err make_alternative_names(
    const struct weft_pki_leaf_options *options, struct weft_buffer *out, struct weft_msg *msg)
{
    char uri[WEFT_PRINCIPAL_URI_SIZE];
    weft_principal_format_uri(&options->principal, uri);
    enum weft_err err = weft_buffer_format(out, "URI:%s", uri);
    if (options->host_count > 0 && !is_host(&options->principal)) {
        return weft_fail(msg, WEFT_EINVAL, "hosts are for nodes: a %s has none",
            weft_principal_class_name(options->principal.class));
    }
    if (options->host_count > WEFT_PKI_HOSTS_MAX) {
        return weft_fail(msg, WEFT_EINVAL, "more than %d hosts", WEFT_PKI_HOSTS_MAX);
    }
    for (uint32_t i = 0; err == WEFT_OK && i < options->host_count; i++) {
        err = add_host(options->hosts[i], out, msg);
    }
    if (err == WEFT_OK) {
        err = weft_buffer_append(out, "", 1);
    }
    return err;
}

static bool fill_leaf(
    X509 *cert, X509 *root, const struct weft_principal *principal, const char *names)
{
    const char *extended = is_host(principal) ? "serverAuth,clientAuth" : "clientAuth";
    return set_subject(cert, principal->org, principal->name) &&
           X509_set_issuer_name(cert, X509_get_subject_name(root)) == 1 &&
           add_extension(cert, root, NID_basic_constraints, "critical,CA:FALSE") &&
           add_extension(cert, root, NID_key_usage, "critical,digitalSignature") &&
           add_extension(cert, root, NID_ext_key_usage, extended) &&
           add_extension(cert, root, NID_subject_key_identifier, "hash") &&
           add_extension(cert, root, NID_authority_key_identifier, "keyid:always") &&
           add_extension(cert, root, NID_subject_alt_name, names);
}

/* The root must be this organization's and outlive the leaf. */
static enum weft_err check_root(X509 *root, EVP_PKEY *root_key,
    const struct weft_pki_leaf_options *options, uint32_t days, struct weft_msg *msg)
{
    struct weft_pki_facts facts;
    enum weft_err err = weft_pki_read_facts(root, &facts, msg);
    if (err != WEFT_OK) {
        return err;
    }
    if (!facts.is_root) {
        return weft_fail(msg, WEFT_EINVAL, "this certificate is not a trust root");
    }
    if (X509_check_private_key(root, root_key) != 1) {
        ERR_clear_error();
        return weft_fail(msg, WEFT_EBADSIG, "the root's key does not belong to its certificate");
    }
    if (strcmp(facts.principal.org, options->principal.org) != 0) {
        return weft_fail(msg, WEFT_EINVAL, "the trust root is of %s, not of %s",
            facts.principal.org, options->principal.org);
    }
    int64_t left_days = (facts.not_after_s - options->now_s) / DAY_S;
    if ((int64_t)days > left_days) {
        return weft_fail(msg, WEFT_EINVAL,
            "the trust root ends in %lld days, before the %u days asked for; give fewer days or "
            "make a new root",
            (long long)left_days, days);
    }
    return WEFT_OK;
}

static enum weft_err issue(const struct weft_pki_leaf_options *options, uint32_t days, X509 *root,
    EVP_PKEY *root_key, struct weft_pki_pair *ret_leaf, struct weft_msg *msg)
{
    struct weft_buffer names = {.size_max = EXTENSION_SIZE_MAX};
    enum weft_err err = make_alternative_names(options, &names, msg);
    if (err != WEFT_OK) {
        weft_buffer_destroy(&names);
        return err;
    }
    EVP_PKEY *key = generate(options->key_type);
    X509 *cert = X509_new();
    if (key != NULL && cert != NULL && X509_set_version(cert, X509_VERSION_3) == 1 &&
        set_serial(cert) && set_validity(cert, options->now_s, days) &&
        X509_set_pubkey(cert, key) == 1 &&
        fill_leaf(cert, root, &options->principal, (const char *)names.data) &&
        sign(cert, root_key)) {
        err = write_pair(cert, key, ret_leaf, msg);
    } else {
        err = fail_openssl(msg, "make certificate");
    }
    X509_free(cert);
    EVP_PKEY_free(key);
    weft_buffer_destroy(&names);
    return err;
}

enum weft_err weft_pki_issue(const struct weft_pki_leaf_options *options,
    struct weft_bytes root_cert, struct weft_bytes root_key, struct weft_pki_pair *ret_leaf,
    struct weft_msg *msg)
{
    uint32_t days = options->days != 0 ? options->days : WEFT_PKI_LEAF_DAYS;
    X509 *root = NULL;
    EVP_PKEY *key = NULL;
    enum weft_err err = check_days(days, msg);
    if (err == WEFT_OK) {
        err = weft_pki_read_cert(root_cert, &root, msg);
    }
    if (err == WEFT_OK) {
        err = weft_pki_read_key(root_key, &key, msg);
    }
    if (err == WEFT_OK) {
        err = check_root(root, key, options, days, msg);
    }
    if (err == WEFT_OK) {
        err = issue(options, days, root, key, ret_leaf, msg);
    }
    EVP_PKEY_free(key);
    X509_free(root);
    return err;
}

void weft_pki_pair_destroy(struct weft_pki_pair *pair)
{
    if (pair->key.data != NULL) {
        OPENSSL_cleanse(pair->key.data, pair->key.capacity);
    }
    weft_buffer_destroy(&pair->key);
    weft_buffer_destroy(&pair->cert);
}
