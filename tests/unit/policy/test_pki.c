#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "policy/crypto/pki.h"
#include "tests/lib/test.h"

enum {
    NOW_S = 1500000000,
    DAY_S = 86400
}; /* 2017-07-14 */

static struct weft_bytes bytes_of(const struct weft_buffer *b)
{
    return (struct weft_bytes){b->data, b->size};
}

static struct weft_pki_pair make_root(const char *org, enum weft_pki_key_type type)
{
    struct weft_pki_pair root = {0};
    struct weft_msg msg = {""};
    struct weft_pki_root_options options = {.org = org, .key_type = type, .now_s = NOW_S};
    EXPECT_EQ(WEFT_OK, weft_pki_create_root(&options, &root, &msg));
    return root;
}

static struct weft_pki_leaf_options leaf_options(enum weft_principal_class class)
{
    struct weft_pki_leaf_options options = {.now_s = NOW_S};
    struct weft_msg msg;
    EXPECT_EQ(WEFT_OK,
        weft_principal_make(class, "oem.example", "plant1", "n1", &options.principal, &msg));
    return options;
}

static enum weft_err issue(const struct weft_pki_leaf_options *options,
    const struct weft_pki_pair *root, struct weft_pki_pair *ret_leaf)
{
    struct weft_msg msg = {""};
    return weft_pki_issue(options, bytes_of(&root->cert), bytes_of(&root->key), ret_leaf, &msg);
}

static enum weft_err verify(
    const struct weft_buffer *cert, const struct weft_pki_pair *root, int64_t now_s, bool as_server)
{
    struct weft_principal who;
    struct weft_msg msg = {""};
    return weft_pki_verify(bytes_of(cert), bytes_of(&root->cert), now_s, as_server, &who, &msg);
}

static X509 *parse(const struct weft_buffer *pem)
{
    BIO *bio = BIO_new_mem_buf(pem->data, (int)pem->size);
    X509 *cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    BIO_free(bio);
    EXPECT_TRUE(cert != NULL);
    return cert;
}

TEST(pki, root_is_a_ca_confined_to_its_trust_domain)
{
    struct weft_pki_pair root = make_root("oem.example", WEFT_PKI_P256);
    struct weft_pki_facts facts;
    struct weft_msg msg;
    EXPECT_EQ(WEFT_OK, weft_pki_inspect(bytes_of(&root.cert), &facts, &msg));
    EXPECT_TRUE(facts.is_root);
    EXPECT_TEXT("oem.example", facts.principal.org);
    EXPECT_TEXT("P-256", facts.key_type);
    EXPECT_EQ(NOW_S - WEFT_PKI_SKEW_S, facts.not_before_s);
    EXPECT_EQ(NOW_S + (int64_t)WEFT_PKI_ROOT_DAYS * DAY_S, facts.not_after_s);

    X509 *cert = parse(&root.cert);
    EXPECT_EQ(KU_KEY_CERT_SIGN | KU_CRL_SIGN, X509_get_key_usage(cert));
    EXPECT_EQ(0, X509_get_pathlen(cert));
    NAME_CONSTRAINTS *limits = X509_get_ext_d2i(cert, NID_name_constraints, NULL, NULL);
    EXPECT_TRUE(limits != NULL);
    EXPECT_EQ(1, sk_GENERAL_SUBTREE_num(limits->permittedSubtrees));
    NAME_CONSTRAINTS_free(limits);
    X509_free(cert);
    weft_pki_pair_destroy(&root);
}

TEST(pki, node_certificate_has_one_uri_its_hosts_and_both_usages)
{
    static const char *const hosts[] = {"localhost", "127.0.0.1", "::1", "n1.plant1.oem.example"};
    struct weft_pki_pair root = make_root("oem.example", WEFT_PKI_P256);
    struct weft_pki_pair leaf = {0};
    struct weft_pki_leaf_options options = leaf_options(WEFT_PRINCIPAL_NODE);
    options.hosts = hosts;
    options.host_count = 4;
    EXPECT_EQ(WEFT_OK, issue(&options, &root, &leaf));

    struct weft_pki_facts facts;
    struct weft_msg msg;
    EXPECT_EQ(WEFT_OK, weft_pki_inspect(bytes_of(&leaf.cert), &facts, &msg));
    EXPECT_TRUE(!facts.is_root && facts.is_server && facts.is_client);
    EXPECT_TEXT("plant1", facts.principal.site);
    EXPECT_TEXT("n1", facts.principal.name);
    EXPECT_EQ(NOW_S + (int64_t)WEFT_PKI_LEAF_DAYS * DAY_S, facts.not_after_s);

    X509 *cert = parse(&leaf.cert);
    EXPECT_EQ(0, X509_check_ca(cert));
    EXPECT_EQ(KU_DIGITAL_SIGNATURE, X509_get_key_usage(cert));
    EXPECT_EQ(1, X509_check_host(cert, "localhost", 0, 0, NULL));
    EXPECT_EQ(1, X509_check_host(cert, "n1.plant1.oem.example", 0, 0, NULL));
    EXPECT_EQ(0, X509_check_host(cert, "n2.plant1.oem.example", 0, 0, NULL));
    EXPECT_EQ(1, X509_check_ip_asc(cert, "127.0.0.1", 0));
    EXPECT_EQ(1, X509_check_ip_asc(cert, "::1", 0));
    EXPECT_EQ(0, X509_check_ip_asc(cert, "127.0.0.2", 0));
    X509_free(cert);

    EXPECT_EQ(WEFT_OK, verify(&leaf.cert, &root, NOW_S, true));
    EXPECT_EQ(WEFT_OK, verify(&leaf.cert, &root, NOW_S, false));
    EXPECT_EQ(WEFT_OK, weft_pki_check_pair(bytes_of(&leaf.cert), bytes_of(&leaf.key), &msg));
    weft_pki_pair_destroy(&leaf);
    weft_pki_pair_destroy(&root);
}

TEST(pki, partner_is_dialled_and_dials_as_nodes_do)
{
    static const char *const hosts[] = {"n1.plant1.oem.example"};
    struct weft_pki_pair root = make_root("oem.example", WEFT_PKI_P256);
    struct weft_pki_pair leaf = {0};
    struct weft_pki_leaf_options options = leaf_options(WEFT_PRINCIPAL_PARTNER);
    options.hosts = hosts;
    options.host_count = 1;
    EXPECT_EQ(WEFT_OK, issue(&options, &root, &leaf));
    EXPECT_EQ(WEFT_OK, verify(&leaf.cert, &root, NOW_S, true));
    EXPECT_EQ(WEFT_OK, verify(&leaf.cert, &root, NOW_S, false));
    weft_pki_pair_destroy(&leaf);
    weft_pki_pair_destroy(&root);
}

TEST(pki, person_and_service_are_clients_only)
{
    static const enum weft_principal_class classes[] = {WEFT_PRINCIPAL_OP, WEFT_PRINCIPAL_SVC};
    struct weft_pki_pair root = make_root("oem.example", WEFT_PKI_P256);
    for (int i = 0; i < 2; i++) {
        struct weft_pki_pair leaf = {0};
        struct weft_pki_leaf_options options = leaf_options(classes[i]);
        EXPECT_EQ(WEFT_OK, issue(&options, &root, &leaf));
        EXPECT_EQ(WEFT_OK, verify(&leaf.cert, &root, NOW_S, false));
        EXPECT_EQ(WEFT_EPEER, verify(&leaf.cert, &root, NOW_S, true));
        weft_pki_pair_destroy(&leaf);
    }
    weft_pki_pair_destroy(&root);
}

TEST(pki, ed25519_root_and_leaf_verify)
{
    struct weft_pki_pair root = make_root("oem.example", WEFT_PKI_ED25519);
    struct weft_pki_pair leaf = {0};
    struct weft_pki_leaf_options options = leaf_options(WEFT_PRINCIPAL_NODE);
    struct weft_pki_facts facts;
    struct weft_msg msg;
    options.key_type = WEFT_PKI_ED25519;
    EXPECT_EQ(WEFT_OK, issue(&options, &root, &leaf));
    EXPECT_EQ(WEFT_OK, verify(&leaf.cert, &root, NOW_S, true));
    EXPECT_EQ(WEFT_OK, weft_pki_inspect(bytes_of(&leaf.cert), &facts, &msg));
    EXPECT_TEXT("Ed25519", facts.key_type);
    weft_pki_pair_destroy(&leaf);
    weft_pki_pair_destroy(&root);
}

TEST(pki, certificate_counts_from_its_first_to_its_last_second)
{
    struct weft_pki_pair root = make_root("oem.example", WEFT_PKI_P256);
    struct weft_pki_pair leaf = {0};
    struct weft_pki_leaf_options options = leaf_options(WEFT_PRINCIPAL_NODE);
    options.days = 2;
    EXPECT_EQ(WEFT_OK, issue(&options, &root, &leaf));
    EXPECT_EQ(WEFT_OK, verify(&leaf.cert, &root, NOW_S - WEFT_PKI_SKEW_S + 1, true));
    EXPECT_EQ(WEFT_EBADSIG, verify(&leaf.cert, &root, NOW_S - WEFT_PKI_SKEW_S - 1, true));
    EXPECT_EQ(WEFT_OK, verify(&leaf.cert, &root, NOW_S + 2 * DAY_S - 1, true));
    EXPECT_EQ(WEFT_EBADSIG, verify(&leaf.cert, &root, NOW_S + 2 * DAY_S + 1, true));
    weft_pki_pair_destroy(&leaf);
    weft_pki_pair_destroy(&root);
}

TEST(pki, another_root_of_the_same_name_does_not_verify)
{
    struct weft_pki_pair root = make_root("oem.example", WEFT_PKI_P256);
    struct weft_pki_pair other = make_root("oem.example", WEFT_PKI_P256);
    struct weft_pki_pair leaf = {0};
    struct weft_pki_leaf_options options = leaf_options(WEFT_PRINCIPAL_NODE);
    EXPECT_EQ(WEFT_OK, issue(&options, &root, &leaf));
    EXPECT_EQ(WEFT_EBADSIG, verify(&leaf.cert, &other, NOW_S, true));
    EXPECT_EQ(WEFT_EPEER, verify(&root.cert, &root, NOW_S, true));
    weft_pki_pair_destroy(&leaf);
    weft_pki_pair_destroy(&other);
    weft_pki_pair_destroy(&root);
}

/* Sign a leaf with what our own issuing would refuse. */
static struct weft_buffer forge(const struct weft_pki_pair *root, const char *names,
    const char *basic, const char *usage, const char *extended)
{
    BIO *bio = BIO_new_mem_buf(root->key.data, (int)root->key.size);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    X509 *issuer = parse(&root->cert);
    X509 *cert = X509_new();
    X509V3_CTX ctx;
    BIO_free(bio);
    X509_set_version(cert, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 7);
    ASN1_TIME_set(X509_getm_notBefore(cert), NOW_S - DAY_S);
    ASN1_TIME_set(X509_getm_notAfter(cert), NOW_S + DAY_S);
    X509_set_pubkey(cert, key);
    X509_set_issuer_name(cert, X509_get_subject_name(issuer));
    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
    const int nids[] = {
        NID_subject_alt_name, NID_basic_constraints, NID_key_usage, NID_ext_key_usage};
    const char *const values[] = {names, basic, usage, extended};
    for (int i = 0; i < 4; i++) {
        if (values[i] != NULL) {
            X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &ctx, nids[i], values[i]);
            EXPECT_TRUE(e != NULL);
            X509_add_ext(cert, e, -1);
            X509_EXTENSION_free(e);
        }
    }
    EXPECT_TRUE(X509_sign(cert, key, EVP_sha256()) > 0);
    BIO *out = BIO_new(BIO_s_mem());
    char *data;
    PEM_write_bio_X509(out, cert);
    struct weft_buffer pem = {0};
    long size = BIO_get_mem_data(out, &data);
    EXPECT_EQ(WEFT_OK, weft_buffer_append(&pem, data, (size_t)size));
    BIO_free(out);
    X509_free(cert);
    X509_free(issuer);
    EVP_PKEY_free(key);
    return pem;
}

TEST(pki, leaf_that_breaks_a_rule_of_the_policy_is_refused)
{
    static const char good_uri[] = "URI:spiffe://oem.example/plant1/node/n1";
    static const struct {
        const char *names, *basic, *usage, *extended;
        enum weft_err err;
    } cases[] = {
        {good_uri, "critical,CA:FALSE", "digitalSignature", "serverAuth,clientAuth", WEFT_OK},
        {NULL, "CA:FALSE", "digitalSignature", "serverAuth", WEFT_EPEER},
        {"DNS:n1.example", "CA:FALSE", "digitalSignature", "serverAuth", WEFT_EPEER},
        {"URI:spiffe://oem.example/plant1/node/n1,URI:spiffe://oem.example/plant1/node/n2",
            "CA:FALSE", "digitalSignature", "serverAuth", WEFT_EPEER},
        {"URI:spiffe://oem.example/plant1/king/n1", "CA:FALSE", "digitalSignature", "serverAuth",
            WEFT_EPEER},
        {good_uri, "CA:TRUE", "digitalSignature,keyCertSign", "serverAuth", WEFT_EPEER},
        {good_uri, "CA:FALSE", "keyCertSign,digitalSignature", "serverAuth", WEFT_EPEER},
        {good_uri, "CA:FALSE", "keyEncipherment", "serverAuth", WEFT_EPEER},
        {good_uri, "CA:FALSE", NULL, "serverAuth", WEFT_EPEER},
        {good_uri, "CA:FALSE", "digitalSignature", NULL, WEFT_EPEER},
        {good_uri, "CA:FALSE", "digitalSignature", "clientAuth", WEFT_EPEER},
        /* The root's name constraint catches a foreign trust domain before we do. */
        {"URI:spiffe://other.example/plant1/node/n1", "CA:FALSE", "digitalSignature", "serverAuth",
            WEFT_EBADSIG},
    };
    struct weft_pki_pair root = make_root("oem.example", WEFT_PKI_P256);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct weft_buffer cert =
            forge(&root, cases[i].names, cases[i].basic, cases[i].usage, cases[i].extended);
        enum weft_err err = verify(&cert, &root, NOW_S, true);
        if (err != cases[i].err) {
            (void)fprintf(stderr, "case %zu\n", i);
        }
        EXPECT_EQ(cases[i].err, err);
        weft_buffer_destroy(&cert);
    }
    weft_pki_pair_destroy(&root);
}

/* A list of one serial number (forge's leaves have 7) behind the root's own block. */
static void append_list(struct weft_pki_pair *root, const struct weft_pki_pair *signer, long serial)
{
    BIO *bio = BIO_new_mem_buf(signer->key.data, (int)signer->key.size);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    X509 *issuer = parse(&root->cert);
    X509_CRL *list = X509_CRL_new();
    X509_REVOKED *entry = X509_REVOKED_new();
    ASN1_INTEGER *number = ASN1_INTEGER_new();
    ASN1_TIME *from = ASN1_TIME_set(NULL, NOW_S - DAY_S), *next = ASN1_TIME_set(NULL, NOW_S);
    BIO_free(bio);
    ASN1_INTEGER_set(number, serial);
    X509_REVOKED_set_serialNumber(entry, number);
    X509_REVOKED_set_revocationDate(entry, from);
    X509_CRL_set_version(list, X509_CRL_VERSION_2);
    X509_CRL_set_issuer_name(list, X509_get_subject_name(issuer));
    X509_CRL_set1_lastUpdate(list, from);
    X509_CRL_set1_nextUpdate(list, next);
    X509_CRL_add0_revoked(list, entry);
    EXPECT_TRUE(X509_CRL_sign(list, key, EVP_sha256()) > 0);
    BIO *out = BIO_new(BIO_s_mem());
    char *data;
    PEM_write_bio_X509_CRL(out, list);
    long size = BIO_get_mem_data(out, &data);
    EXPECT_EQ(WEFT_OK, weft_buffer_append(&root->cert, data, (size_t)size));
    BIO_free(out);
    ASN1_TIME_free(from);
    ASN1_TIME_free(next);
    ASN1_INTEGER_free(number);
    X509_CRL_free(list);
    X509_free(issuer);
    EVP_PKEY_free(key);
}

TEST(pki, what_a_list_behind_the_root_names_is_refused)
{
    static const char name[] = "URI:spiffe://oem.example/plant1/node/n1";
    struct weft_pki_pair root = make_root("oem.example", WEFT_PKI_P256);
    struct weft_pki_pair other = make_root("oem.example", WEFT_PKI_P256);
    struct weft_buffer cert =
        forge(&root, name, "CA:FALSE", "digitalSignature", "serverAuth,clientAuth");
    EXPECT_EQ(WEFT_OK, verify(&cert, &root, NOW_S - 1, true));
    append_list(&root, &root, 8);
    EXPECT_EQ(WEFT_OK, verify(&cert, &root, NOW_S - 1, true));
    EXPECT_EQ(WEFT_OK, verify(&cert, &root, NOW_S + 60, true)); /* The next list is late. */
    weft_pki_pair_destroy(&root);
    weft_buffer_destroy(&cert);
    root = make_root("oem.example", WEFT_PKI_P256);
    cert = forge(&root, name, "CA:FALSE", "digitalSignature", "serverAuth,clientAuth");
    append_list(&root, &root, 7);
    EXPECT_EQ(WEFT_EBADSIG, verify(&cert, &root, NOW_S - 1, true));
    EXPECT_EQ(WEFT_EBADSIG, verify(&cert, &root, NOW_S + 60, true));
    append_list(&other, &root, 8); /* Nobody's list: another key signed it. */
    weft_buffer_destroy(&cert);
    cert = forge(&other, name, "CA:FALSE", "digitalSignature", "serverAuth,clientAuth");
    EXPECT_EQ(WEFT_EBADSIG, verify(&cert, &other, NOW_S - 1, true));
    weft_buffer_destroy(&cert);
    weft_pki_pair_destroy(&other);
    weft_pki_pair_destroy(&root);
}

TEST(pki, what_cannot_be_issued_says_so)
{
    struct weft_pki_pair root = make_root("oem.example", WEFT_PKI_P256);
    struct weft_pki_pair other = make_root("other.example", WEFT_PKI_P256);
    struct weft_pki_pair leaf = {0};
    struct weft_msg msg;

    struct weft_pki_leaf_options options = leaf_options(WEFT_PRINCIPAL_NODE);
    EXPECT_EQ(WEFT_EINVAL, issue(&options, &other, &leaf));
    EXPECT_EQ(WEFT_EBADSIG,
        weft_pki_issue(&options, bytes_of(&root.cert), bytes_of(&other.key), &leaf, &msg));
    EXPECT_EQ(WEFT_EMALFORMED,
        weft_pki_issue(&options, bytes_of(&root.key), bytes_of(&root.key), &leaf, &msg));
    EXPECT_EQ(WEFT_EMALFORMED,
        weft_pki_issue(&options, bytes_of(&root.cert), bytes_of(&root.cert), &leaf, &msg));

    options.days = WEFT_PKI_ROOT_DAYS;
    EXPECT_EQ(WEFT_OK, issue(&options, &root, &leaf));
    weft_pki_pair_destroy(&leaf);
    options.days = WEFT_PKI_ROOT_DAYS + 1;
    EXPECT_EQ(WEFT_EINVAL, issue(&options, &root, &leaf));
    options.days = 0;

    static const char *const bad_hosts[] = {
        "", "a b", "a,DNS:b", "a:1", "-a", ".a", "a/b", "*.a", "1.2.3.4:5"};
    for (size_t i = 0; i < sizeof(bad_hosts) / sizeof(bad_hosts[0]); i++) {
        options.hosts = &bad_hosts[i];
        options.host_count = 1;
        EXPECT_EQ(WEFT_EINVAL, issue(&options, &root, &leaf));
    }

    static const char *const host = "localhost";
    options = leaf_options(WEFT_PRINCIPAL_OP);
    options.hosts = &host;
    options.host_count = 1;
    EXPECT_EQ(WEFT_EINVAL, issue(&options, &root, &leaf));

    struct weft_pki_root_options root_options = {.org = "Bad Org", .now_s = NOW_S};
    EXPECT_EQ(WEFT_EINVAL, weft_pki_create_root(&root_options, &leaf, &msg));
    root_options.org = "good.example";
    root_options.days = WEFT_PKI_DAYS_MAX + 1;
    EXPECT_EQ(WEFT_EINVAL, weft_pki_create_root(&root_options, &leaf, &msg));
    EXPECT_TRUE(leaf.cert.data == NULL);
    weft_pki_pair_destroy(&other);
    weft_pki_pair_destroy(&root);
}

TEST(pki, two_leaves_differ_in_serial_and_key)
{
    struct weft_pki_pair root = make_root("oem.example", WEFT_PKI_P256);
    struct weft_pki_pair a = {0}, b = {0};
    struct weft_pki_leaf_options options = leaf_options(WEFT_PRINCIPAL_NODE);
    struct weft_pki_facts fa, fb;
    struct weft_msg msg;
    EXPECT_EQ(WEFT_OK, issue(&options, &root, &a));
    EXPECT_EQ(WEFT_OK, issue(&options, &root, &b));
    EXPECT_EQ(WEFT_OK, weft_pki_inspect(bytes_of(&a.cert), &fa, &msg));
    EXPECT_EQ(WEFT_OK, weft_pki_inspect(bytes_of(&b.cert), &fb, &msg));
    EXPECT_EQ(40, strlen(fa.serial));
    EXPECT_TRUE(strcmp(fa.serial, fb.serial) != 0);
    EXPECT_EQ(WEFT_EBADSIG, weft_pki_check_pair(bytes_of(&a.cert), bytes_of(&b.key), &msg));
    weft_pki_pair_destroy(&a);
    weft_pki_pair_destroy(&b);
    weft_pki_pair_destroy(&root);
}

TEST(pki, bytes_that_are_no_single_certificate_are_refused)
{
    struct weft_pki_pair root = make_root("oem.example", WEFT_PKI_P256);
    struct weft_pki_facts facts;
    struct weft_msg msg;
    struct weft_buffer twice = {0};
    EXPECT_EQ(WEFT_OK, weft_buffer_append(&twice, root.cert.data, root.cert.size));
    EXPECT_EQ(WEFT_OK, weft_buffer_append(&twice, root.cert.data, root.cert.size));
    EXPECT_EQ(WEFT_EMALFORMED, weft_pki_inspect(bytes_of(&twice), &facts, &msg));
    EXPECT_EQ(WEFT_EMALFORMED, weft_pki_inspect((struct weft_bytes){NULL, 0}, &facts, &msg));
    static uint8_t large[WEFT_PKI_PEM_SIZE_MAX + 1];
    EXPECT_EQ(
        WEFT_ETOOBIG, weft_pki_inspect((struct weft_bytes){large, sizeof(large)}, &facts, &msg));
    for (size_t size = 0; size < root.cert.size - 30; size += 7) {
        EXPECT_EQ(WEFT_EMALFORMED,
            weft_pki_inspect((struct weft_bytes){root.cert.data, size}, &facts, &msg));
    }
    weft_buffer_destroy(&twice);
    weft_pki_pair_destroy(&root);
}
