/* policy/crypto/pki_read.h: PEM into OpenSSL's objects, and what a certificate says.
 *
 * Private to policy/crypto: the only header of the house that shows OpenSSL's X.509 types. */
#ifndef WEFT_POLICY_CRYPTO_PKI_READ_H
#define WEFT_POLICY_CRYPTO_PKI_READ_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "policy/crypto/pki.h"

/* Exactly one PEM block of the kind. WEFT_EMALFORMED, WEFT_ETOOBIG. The caller frees. */
WEFT_MUST_USE enum weft_err weft_pki_read_cert(
    struct weft_bytes pem, X509 **ret_cert, struct weft_msg *msg);
WEFT_MUST_USE enum weft_err weft_pki_read_key(
    struct weft_bytes pem, EVP_PKEY **ret_key, struct weft_msg *msg);
/* WEFT_EINVAL: neither a root of ours nor a leaf with exactly one URI SAN. */
WEFT_MUST_USE enum weft_err weft_pki_read_facts(
    X509 *cert, struct weft_pki_facts *ret_facts, struct weft_msg *msg);

#endif
