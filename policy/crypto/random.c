#include "policy/crypto/random.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <string.h>

#include "proto/check.h"

enum weft_err weft_random_bytes(void *ret_bytes, size_t size, struct weft_msg *msg)
{
    weft_assert(size <= 1 << 20); /* POL-20: nonces, salts and keys are small */
    if (size > 0 && RAND_bytes(ret_bytes, (int)size) != 1) {
        ERR_clear_error();
        memset(ret_bytes, 0, size);
        return weft_fail(msg, WEFT_EIO, "the system gives no random bytes");
    }
    return WEFT_OK;
}

void weft_random_wipe(void *secret, size_t size)
{
    OPENSSL_cleanse(secret, size);
}

bool weft_random_equal(const void *a, const void *b, size_t size)
{
    return CRYPTO_memcmp(a, b, size) == 0;
}
