/* policy/crypto/random.h: random bytes for nonces and salts, and how secrets end.
 *
 * The one source of random of the house that is not seeded: from the system, by OpenSSL. Machines
 * never call it; drivers hand them what they need as data. */
#ifndef WEFT_POLICY_CRYPTO_RANDOM_H
#define WEFT_POLICY_CRYPTO_RANDOM_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/err.h"

enum {
    WEFT_RANDOM_NONCE_SIZE = 16, /* chosen: 128 bits are not met twice */
    WEFT_RANDOM_SALT_SIZE = 16,
};

/* WEFT_EIO: the system gives none; the bytes are then zero. */
WEFT_MUST_USE enum weft_err weft_random_bytes(void *ret_bytes, size_t size, struct weft_msg *msg);

/* Zero bytes, and not optimized away. */
void weft_random_wipe(void *secret, size_t size);

/* In a time that does not depend on the bytes. */
bool weft_random_equal(const void *a, const void *b, size_t size);

#endif
