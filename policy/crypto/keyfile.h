/* policy/crypto/keyfile.h: an Ed25519 key as a file: PKCS #8 (RFC 8410, 7) in PEM.
 *
 * With a passphrase it is PBES2 with scrypt (RFC 7914) and AES-256-CBC, as `openssl pkcs8` writes
 * and reads it; nothing else is read, and no parameters that cost more than ours by more than a
 * factor. Bytes in, bytes out: the caller reads and writes the file. */
#ifndef WEFT_POLICY_CRYPTO_KEYFILE_H
#define WEFT_POLICY_CRYPTO_KEYFILE_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/crypto/ed25519.h"
#include "proto/bytes.h"
#include "proto/err.h"

enum {
    WEFT_KEYFILE_SIZE_MAX = 4096,            /* chosen: ours take under 400 bytes */
    WEFT_KEYFILE_PASSPHRASE_SIZE_MIN = 8,    /* specified: NIST SP 800-63B, 5.1.1.2 */
    WEFT_KEYFILE_PASSPHRASE_SIZE_MAX = 1023, /* chosen: OpenSSL's own buffer is 1024 */
    /* chosen: 16 MiB, five times over: about 0.2 s; OpenSSL itself refuses more than 32 MiB */
    WEFT_KEYFILE_SCRYPT_N = 16384,
    WEFT_KEYFILE_SCRYPT_R = 8,
    WEFT_KEYFILE_SCRYPT_P = 5,
    WEFT_KEYFILE_WORK_MAX = 8 * WEFT_KEYFILE_SCRYPT_N * WEFT_KEYFILE_SCRYPT_R *
                            WEFT_KEYFILE_SCRYPT_P, /* N * r * p of a file that is opened */
};

struct weft_keyfile_facts {
    bool is_encrypted;
    uint64_t work; /* N * r * p; 0 without passphrase */
};

/* Without opening it: what kind of file it is.
 * WEFT_EMALFORMED: not exactly one PEM block of PKCS #8. WEFT_EVERSION: protected in another way
 * than PBES2 with scrypt. WEFT_EINVAL: its work is over the maximum. WEFT_ETOOBIG, WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_keyfile_inspect(
    struct weft_bytes pem, struct weft_keyfile_facts *ret_facts, struct weft_msg *msg);

/* An empty passphrase writes the key in the clear: for programs, never for persons.
 * ret_pem is empty before, and its owner wipes it: weft_keyfile_destroy.
 * WEFT_EINVAL: a passphrase of another size. WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_keyfile_encode(const struct weft_ed25519_pair *pair,
    struct weft_bytes passphrase, struct weft_buffer *ret_pem, struct weft_msg *msg);

/* The caller wipes the pair. As inspect, and
 * WEFT_EREFUSED: this passphrase does not open it, or it has one and none is given, or it has
 * none and one is given. WEFT_EINVAL: not an Ed25519 key. */
WEFT_MUST_USE enum weft_err weft_keyfile_decode(struct weft_bytes pem, struct weft_bytes passphrase,
    struct weft_ed25519_pair *ret_pair, struct weft_msg *msg);

void weft_keyfile_destroy(struct weft_buffer *pem);

#endif
