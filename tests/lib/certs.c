#include "tests/lib/certs.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    DAY_S = 24 * 3600
};

struct test_ca {
    char directory[512];
    EVP_PKEY *key;
    X509 *certificate;
    long serial;
};

static void require(bool is_ok, const char *what)
{
    if (!is_ok) {
        (void)fprintf(stderr, "test certificates: %s failed\n", what);
        abort();
    }
}

static EVP_PKEY *make_key(enum test_key type)
{
    EVP_PKEY *key = type == TEST_KEY_ED25519 ? EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")
                                             : EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    require(key != NULL, "key");
    return key;
}

static void extend(X509 *certificate, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    require(extension != NULL && X509_add_ext(certificate, extension, -1) == 1, value);
    X509_EXTENSION_free(extension);
}

static X509 *start_certificate(const char *name, EVP_PKEY *key, long serial, long from_s, long to_s)
{
    X509 *x = X509_new();
    require(x != NULL && X509_set_version(x, X509_VERSION_3) == 1, "X.509");
    (void)ASN1_INTEGER_set(X509_get_serialNumber(x), serial);
    (void)X509_gmtime_adj(X509_getm_notBefore(x), from_s);
    (void)X509_gmtime_adj(X509_getm_notAfter(x), to_s);
    require(X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
                (const unsigned char *)name, -1, -1, 0) == 1,
        "name");
    require(X509_set_pubkey(x, key) == 1, "public key");
    return x;
}

static void sign(X509 *x, EVP_PKEY *key)
{
    const EVP_MD *digest = EVP_PKEY_is_a(key, "ED25519") ? NULL : EVP_sha256();
    require(X509_sign(x, key, digest) > 0, "signature");
}

static void write_certificate(const char *directory, const char *file, X509 *x)
{
    char path[1024];
    (void)snprintf(path, sizeof(path), "%s/%s.crt", directory, file);
    FILE *f = fopen(path, "w");
    require(f != NULL && PEM_write_X509(f, x) == 1 && fclose(f) == 0, path);
}

static void write_key(const char *directory, const char *file, EVP_PKEY *key)
{
    char path[1024];
    (void)snprintf(path, sizeof(path), "%s/%s.key", directory, file);
    FILE *f = fopen(path, "w");
    require(f != NULL && PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) == 1 &&
                fclose(f) == 0 && chmod(path, 0600) == 0,
        path);
}

static struct test_ca *create(
    const char *directory, const char *file, int nid, const char *extension, enum test_key key)
{
    struct test_ca *ca = calloc(1, sizeof(*ca));
    require(ca != NULL, "memory");
    (void)snprintf(ca->directory, sizeof(ca->directory), "%s", directory);
    ca->key = make_key(key);
    ca->serial = 1;
    ca->certificate = start_certificate(file, ca->key, ca->serial++, -DAY_S, 30L * DAY_S);
    (void)X509_set_issuer_name(ca->certificate, X509_get_subject_name(ca->certificate));
    extend(ca->certificate, ca->certificate, NID_basic_constraints, "critical,CA:TRUE");
    extend(ca->certificate, ca->certificate, NID_key_usage, "critical,keyCertSign,cRLSign");
    extend(ca->certificate, ca->certificate, NID_subject_key_identifier, "hash");
    if (extension != NULL) {
        extend(ca->certificate, ca->certificate, nid, extension);
    }
    sign(ca->certificate, ca->key);
    write_certificate(directory, file, ca->certificate);
    return ca;
}

struct test_ca *test_ca_create(
    const char *directory, const char *file, const char *domain, enum test_key key)
{
    char san[256];
    (void)snprintf(san, sizeof(san), "URI:spiffe://%s", domain != NULL ? domain : "");
    return create(directory, file, NID_subject_alt_name, domain != NULL ? san : NULL, key);
}

struct test_ca *test_ca_create_constrained(
    const char *directory, const char *file, const char *domain, enum test_key key)
{
    char constraint[256];
    (void)snprintf(constraint, sizeof(constraint), "critical,permitted;URI:%s", domain);
    return create(directory, file, NID_name_constraints, constraint, key);
}

static const char *usage_of(const struct test_cert *c)
{
    return c->is_client_only   ? "clientAuth"
           : c->is_server_only ? "serverAuth"
                               : "serverAuth,clientAuth";
}

void test_ca_issue(struct test_ca *ca, const struct test_cert *c)
{
    EVP_PKEY *key = make_key(c->key);
    long from_s = c->is_expired ? -2L * DAY_S : c->is_future ? DAY_S : -3600;
    long to_s = c->is_expired ? -DAY_S : 2L * DAY_S;
    X509 *x = start_certificate(c->file, key, ca->serial++, from_s, to_s);
    (void)X509_set_issuer_name(x, X509_get_subject_name(ca->certificate));
    extend(x, ca->certificate, NID_basic_constraints, c->is_ca ? "critical,CA:TRUE" : "CA:FALSE");
    extend(x, ca->certificate, NID_key_usage,
        c->is_cert_signer ? "critical,digitalSignature,keyCertSign" : "critical,digitalSignature");
    if (!c->has_no_eku) {
        extend(x, ca->certificate, NID_ext_key_usage, usage_of(c));
    }
    char san[640] = "DNS:localhost";
    if (c->uri != NULL) {
        (void)snprintf(san, sizeof(san), "DNS:localhost,URI:%s%s%s", c->uri,
            c->uri2 != NULL ? ",URI:" : "", c->uri2 != NULL ? c->uri2 : "");
    }
    extend(x, ca->certificate, NID_subject_alt_name, san);
    sign(x, ca->key);
    write_certificate(ca->directory, c->file, x);
    write_key(ca->directory, c->file, key);
    X509_free(x);
    EVP_PKEY_free(key);
}

static X509_CRL *list_of(struct test_ca *ca, const ASN1_INTEGER *serial, long late_s)
{
    X509_CRL *list = X509_CRL_new();
    X509_REVOKED *entry = X509_REVOKED_new();
    ASN1_TIME *last = X509_gmtime_adj(NULL, -2L * DAY_S), *next = X509_gmtime_adj(NULL, -late_s);
    require(list != NULL && entry != NULL && last != NULL && next != NULL, "memory");
    require(X509_CRL_set_version(list, X509_CRL_VERSION_2) == 1 &&
                X509_CRL_set_issuer_name(list, X509_get_subject_name(ca->certificate)) == 1 &&
                X509_CRL_set1_lastUpdate(list, last) == 1 &&
                X509_CRL_set1_nextUpdate(list, next) == 1,
        "list");
    ASN1_INTEGER *copy = ASN1_INTEGER_dup(serial);
    require(copy != NULL && X509_REVOKED_set_serialNumber(entry, copy) == 1 &&
                X509_REVOKED_set_revocationDate(entry, last) == 1 &&
                X509_CRL_add0_revoked(list, entry) == 1 && X509_CRL_sort(list) == 1,
        "revoked");
    require(
        X509_CRL_sign(list, ca->key, EVP_PKEY_is_a(ca->key, "ED25519") ? NULL : EVP_sha256()) > 0,
        "signature");
    ASN1_INTEGER_free(copy);
    ASN1_TIME_free(last);
    ASN1_TIME_free(next);
    return list;
}

void test_ca_revoke(struct test_ca *ca, const char *file, const char *to, long late_s)
{
    char path[1024];
    (void)snprintf(path, sizeof(path), "%s/%s.crt", ca->directory, file);
    FILE *f = fopen(path, "r");
    X509 *x = f != NULL ? PEM_read_X509(f, NULL, NULL, NULL) : NULL;
    require(x != NULL && fclose(f) == 0, path);
    X509_CRL *list = list_of(ca, X509_get0_serialNumber(x), late_s);
    write_certificate(ca->directory, to, ca->certificate);
    (void)snprintf(path, sizeof(path), "%s/%s.crt", ca->directory, to);
    f = fopen(path, "a");
    require(f != NULL && PEM_write_X509_CRL(f, list) == 1 && fclose(f) == 0, path);
    X509_CRL_free(list);
    X509_free(x);
}

void test_ca_destroy(struct test_ca *ca)
{
    if (ca != NULL) {
        X509_free(ca->certificate);
        EVP_PKEY_free(ca->key);
        free(ca);
    }
}
