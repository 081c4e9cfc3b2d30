/* policy/crypto/pki.h: an organization's trust root and the X.509 certificates below it.
 *
 * Bytes in, bytes out: it reads no clock and touches no file (ops/weft does). One root per
 * organization; its name constraint confines it to the organization's trust domain. A leaf
 * carries exactly one URI SAN, its principal (policy/principal.h); CN and DNS names never
 * authorize, they only let stock TLS clients find the host. The links hold the other end to
 * the rules of weft_pki_verify. The only random here is key generation and serial numbers. */
#ifndef WEFT_POLICY_CRYPTO_PKI_H
#define WEFT_POLICY_CRYPTO_PKI_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/principal.h"
#include "proto/bytes.h"
#include "proto/err.h"

enum {
    WEFT_PKI_ROOT_DAYS = 3650, /* chosen: 10 years; rotating a root touches every partner */
    WEFT_PKI_LEAF_DAYS = 365,  /* chosen: 1 year */
    WEFT_PKI_DAYS_MAX = 36500,
    WEFT_PKI_SKEW_S = 300,   /* Valid from so long before now: clocks of a plant differ. */
    WEFT_PKI_HOSTS_MAX = 32, /* DNS names and addresses of one node */
    WEFT_PKI_PEM_SIZE_MAX = 64 * 1024,
};

enum weft_pki_key_type {
    WEFT_PKI_P256, /* Default for TLS: every stock client speaks it. */
    WEFT_PKI_ED25519,
};

/* PEM. Zero-initialized is empty. */
struct weft_pki_pair {
    struct weft_buffer cert;
    struct weft_buffer key; /* PKCS #8, not encrypted. Wiped by weft_pki_pair_destroy. */
};

struct weft_pki_root_options {
    const char *org;
    enum weft_pki_key_type key_type;
    int64_t now_s; /* s since 1970 */
    uint32_t days; /* 0: WEFT_PKI_ROOT_DAYS */
};

struct weft_pki_leaf_options {
    struct weft_principal principal;
    enum weft_pki_key_type key_type;
    int64_t now_s;
    uint32_t days;            /* 0: WEFT_PKI_LEAF_DAYS */
    const char *const *hosts; /* DNS names and addresses: of nodes, partners. */
    uint32_t host_count;
};

/* What a certificate says of itself. */
struct weft_pki_facts {
    struct weft_principal principal; /* Leaf: read from the URI SAN. Root: org alone. */
    bool is_root;
    bool is_server; /* May answer as a TLS server (EKU). */
    bool is_client;
    int64_t not_before_s;
    int64_t not_after_s;
    char serial[48];      /* Hex digits. */
    char fingerprint[65]; /* SHA-256 of the DER, hex digits. */
    char key_type[16];    /* "P-256", "Ed25519", or OpenSSL's name for anything else. */
};

/* WEFT_EINVAL (org, days), WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_pki_create_root(const struct weft_pki_root_options *options,
    struct weft_pki_pair *ret_root, struct weft_msg *msg);

/* WEFT_EINVAL: a host, days past the root's end, another organization's root, hosts given for
 * a person. WEFT_EMALFORMED: the root's bytes. WEFT_EBADSIG: its key is not its certificate's. */
WEFT_MUST_USE enum weft_err weft_pki_issue(const struct weft_pki_leaf_options *options,
    struct weft_bytes root_cert, struct weft_bytes root_key, struct weft_pki_pair *ret_leaf,
    struct weft_msg *msg);

/* WEFT_EMALFORMED: not one PEM certificate. WEFT_EINVAL: its names break a rule. */
WEFT_MUST_USE enum weft_err weft_pki_inspect(
    struct weft_bytes cert, struct weft_pki_facts *ret_facts, struct weft_msg *msg);

/* Would a link let it in? Chain to the root, validity at now_s, exactly one URI SAN that is a
 * principal of the root's organization, CA:FALSE, no keyCertSign, digitalSignature, and the
 * EKU of the side it takes (policy.md, 1). Behind the root's PEM block may stand its lists of
 * revoked certificates (X509 CRL): what one of them names is refused.
 * WEFT_EBADSIG: chain, validity, or revoked. WEFT_EPEER: its names or usages. WEFT_EMALFORMED. */
WEFT_MUST_USE enum weft_err weft_pki_verify(struct weft_bytes cert, struct weft_bytes root_cert,
    int64_t now_s, bool as_server, struct weft_principal *ret_principal, struct weft_msg *msg);

/* WEFT_EBADSIG: the key is not the certificate's. WEFT_EMALFORMED. */
WEFT_MUST_USE enum weft_err weft_pki_check_pair(
    struct weft_bytes cert, struct weft_bytes key, struct weft_msg *msg);

void weft_pki_pair_destroy(struct weft_pki_pair *pair);

#endif
