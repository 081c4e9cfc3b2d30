/* tests/lib/certs.h: trust roots and certificates for tests, made at run time.
 *
 * Good ones and bad ones: everything that a link must refuse can be asked for. Files are
 * written into a directory of the test: <file>.crt, <file>.key (PEM). Any failure ends the
 * program: tests have nothing to do without certificates. Shares no code with the product. */
#ifndef WEFT_TESTS_LIB_CERTS_H
#define WEFT_TESTS_LIB_CERTS_H

#include <stdbool.h>

struct test_ca;

enum test_key {
    TEST_KEY_P256,
    TEST_KEY_ED25519
};

struct test_cert {
    const char *file; /* Base name of the two files. */
    const char *uri;  /* URI SAN; NULL: none. */
    const char *uri2; /* A second one, or NULL. */
    enum test_key key;
    bool is_ca;          /* basicConstraints CA:TRUE. */
    bool is_cert_signer; /* keyUsage keyCertSign. */
    bool is_client_only; /* EKU clientAuth alone. */
    bool is_server_only; /* EKU serverAuth alone. */
    bool has_no_eku;
    bool is_expired;
    bool is_future; /* Not valid yet. */
};

/* `domain`: the root's own URI SAN "spiffe://<domain>"; NULL: none. Writes <file>.crt. */
struct test_ca *test_ca_create(
    const char *directory, const char *file, const char *domain, enum test_key key);
/* The same, but `domain` is a name constraint on the URIs below. */
struct test_ca *test_ca_create_constrained(
    const char *directory, const char *file, const char *domain, enum test_key key);
void test_ca_issue(struct test_ca *ca, const struct test_cert *cert);
/* <to>.crt: its own certificate and a list (CRL) that revokes the one in <file>.crt. The next list
 * was due `late_s` seconds ago (negative: is due in). */
void test_ca_revoke(struct test_ca *ca, const char *file, const char *to, long late_s);
void test_ca_destroy(struct test_ca *ca);

#endif
