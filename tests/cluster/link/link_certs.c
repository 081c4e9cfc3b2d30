/* link_certs DIRECTORY: the certificates of the hostile suite, good and bad. */
#include <stdio.h>
#include <string.h>

#include "tests/lib/certs.h"

#define N2 "spiffe://acme.example/plant1/node/n2"

static const struct test_cert certs[] = {
    {.file = "n1", .uri = "spiffe://acme.example/plant1/node/n1"},
    {.file = "n2", .uri = N2},
    {.file = "n3", .uri = "spiffe://acme.example/plant1/node/n3", .key = TEST_KEY_ED25519},
    {.file = "othersite", .uri = "spiffe://acme.example/plant2/node/n2"},
    {.file = "expired", .uri = N2, .is_expired = true},
    {.file = "future", .uri = N2, .is_future = true},
    {.file = "caleaf", .uri = N2, .is_ca = true},
    {.file = "signer", .uri = N2, .is_cert_signer = true},
    {.file = "noeku", .uri = N2, .has_no_eku = true},
    {.file = "serveronly", .uri = N2, .is_server_only = true},
    {.file = "nouri"},
    {.file = "twouris", .uri = N2, .uri2 = "spiffe://acme.example/plant1/node/n3"},
    {.file = "noname", .uri = "https://acme.example/plant1/node/n2"},
    {.file = "domain", .uri = "spiffe://other.example/plant1/node/n2"},
};

int main(int argc, char **argv)
{
    if (argc != 2) {
        (void)fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
        return 2;
    }
    struct test_ca *ca = test_ca_create(argv[1], "ca", "acme.example", TEST_KEY_P256);
    struct test_ca *other = test_ca_create(argv[1], "other", "acme.example", TEST_KEY_P256);
    for (size_t i = 0; i < sizeof(certs) / sizeof(certs[0]); i++) {
        test_ca_issue(ca, &certs[i]);
    }
    test_ca_issue(other, &(struct test_cert){.file = "stranger", .uri = N2});
    test_ca_destroy(ca);
    test_ca_destroy(other);
    return 0;
}
