#include "policy/crypto/ed25519.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <sodium.h>

#include "policy/crypto/random.h"
#include "proto/check.h"

/* Little-endian, as RFC 8032 encodes (5.1.2). */
static const uint8_t field_prime[32] = {0xed, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0x7f};
/* L = 2^252 + 27742317777372353535851937790883648493 (RFC 8032, 5.1). */
static const uint8_t group_order[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c,
    0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10};

enum {
    LOW_ORDER_YS = 5
};

/* The y of the points P with 8P = 0: of order 4 (y = 0), 1 (y = 1), 2 (y = p - 1) and 8 (two y's,
 * of four points). Test `ed25519.each_key_of_low_order_lets_one_signature_verify_for_many_messages`
 * shows by OpenSSL that each is one. */
static const uint8_t low_order_ys[LOW_ORDER_YS][32] = {
    {0},
    {1},
    {0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0x7f},
    {0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0,
        0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc,
        0x05},
    {0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f,
        0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03,
        0x7a},
};

static const char *const fault_names[WEFT_ED25519_FAULTS] = {
    [WEFT_ED25519_SOUND] = "sound",
    [WEFT_ED25519_KEY_NOT_CANONICAL] = "key-not-canonical",
    [WEFT_ED25519_KEY_OF_LOW_ORDER] = "key-of-low-order",
    [WEFT_ED25519_SIGNATURE_SIZE_WRONG] = "signature-size-wrong",
    [WEFT_ED25519_SIGNATURE_NOT_CANONICAL] = "signature-not-canonical",
};

const char *weft_ed25519_fault_name(enum weft_ed25519_fault fault)
{
    weft_assert((unsigned)fault < WEFT_ED25519_FAULTS); /* POL-21 */
    return fault_names[fault];
}

/* Public data: no need for constant time. */
static bool is_below(const uint8_t a[32], const uint8_t b[32])
{
    for (int i = 31; i >= 0; i--) {
        if (a[i] != b[i]) {
            return a[i] < b[i];
        }
    }
    return false;
}

/* RFC 8032, 5.1.3: "If the resulting value is >= p, decoding fails". The sign of x is the highest
 * bit; it is left out for the comparison with the small subgroup, where also "x = 0 and x_0 = 1"
 * (decoding fails) is found. */
enum weft_ed25519_fault weft_ed25519_inspect_key(const struct weft_ed25519_key *key)
{
    uint8_t y[32];
    memcpy(y, key->bytes, sizeof(y));
    y[31] &= 0x7f;
    if (!is_below(y, field_prime)) {
        return WEFT_ED25519_KEY_NOT_CANONICAL;
    }
    for (int i = 0; i < LOW_ORDER_YS; i++) {
        if (memcmp(y, low_order_ys[i], sizeof(y)) == 0) {
            return WEFT_ED25519_KEY_OF_LOW_ORDER;
        }
    }
    return WEFT_ED25519_SOUND;
}

/* RFC 8032, 5.1.7: S is "in the range 0 <= s < L"; otherwise anybody could make a second signature
 * from a first. */
enum weft_ed25519_fault weft_ed25519_inspect_signature(struct weft_bytes signature)
{
    if (signature.size != WEFT_ED25519_SIGNATURE_SIZE) {
        return WEFT_ED25519_SIGNATURE_SIZE_WRONG;
    }
    return is_below(signature.data + 32, group_order) ? WEFT_ED25519_SOUND
                                                      : WEFT_ED25519_SIGNATURE_NOT_CANONICAL;
}

enum weft_err weft_ed25519_check_key(const struct weft_ed25519_key *key, struct weft_msg *msg)
{
    enum weft_ed25519_fault fault = weft_ed25519_inspect_key(key);
    return fault == WEFT_ED25519_SOUND
               ? WEFT_OK
               : weft_fail(msg, WEFT_EINVAL, "public key: %s", weft_ed25519_fault_name(fault));
}

static enum weft_err no_memory(struct weft_msg *msg)
{
    ERR_clear_error();
    return weft_fail(msg, WEFT_ENOMEM, "no memory for a key");
}

/* The library's object for a seed, and the public key that it derives. */
static enum weft_err open_seed(const uint8_t seed[WEFT_ED25519_SEED_SIZE], EVP_PKEY **ret_pkey,
    struct weft_ed25519_key *ret_key, struct weft_msg *msg)
{
    size_t size = WEFT_ED25519_KEY_SIZE;
    EVP_PKEY *pkey =
        EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, WEFT_ED25519_SEED_SIZE);
    if (pkey == NULL || EVP_PKEY_get_raw_public_key(pkey, ret_key->bytes, &size) != 1) {
        EVP_PKEY_free(pkey);
        return no_memory(msg);
    }
    weft_assert(size == WEFT_ED25519_KEY_SIZE); /* POL-21 */
    *ret_pkey = pkey;
    return WEFT_OK;
}

enum weft_err weft_ed25519_generate(struct weft_ed25519_pair *ret_pair, struct weft_msg *msg)
{
    uint8_t seed[WEFT_ED25519_SEED_SIZE];
    enum weft_err err = weft_random_bytes(seed, sizeof(seed), msg);
    if (err == WEFT_OK) {
        err = weft_ed25519_from_seed(seed, ret_pair, msg);
    }
    weft_random_wipe(seed, sizeof(seed));
    return err;
}

enum weft_err weft_ed25519_from_seed(const uint8_t seed[WEFT_ED25519_SEED_SIZE],
    struct weft_ed25519_pair *ret_pair, struct weft_msg *msg)
{
    EVP_PKEY *pkey = NULL;
    struct weft_ed25519_key key = {{0}};
    enum weft_err err = open_seed(seed, &pkey, &key, msg);
    if (err != WEFT_OK) {
        return err;
    }
    EVP_PKEY_free(pkey);
    memcpy(ret_pair->seed, seed, WEFT_ED25519_SEED_SIZE);
    ret_pair->key = ret_pair->derived = key;
    return WEFT_OK;
}

enum weft_err weft_ed25519_sign(const struct weft_ed25519_pair *pair, struct weft_bytes message,
    uint8_t ret_signature[WEFT_ED25519_SIGNATURE_SIZE], struct weft_msg *msg)
{
    uint8_t secret[crypto_sign_ed25519_SECRETKEYBYTES]; /* The seed, and its public key. */
    if (!weft_ed25519_key_equal(&pair->derived, &pair->key)) {
        return weft_fail(msg, WEFT_EINVAL, "the public key is not that of the private one");
    }
    memcpy(secret, pair->seed, WEFT_ED25519_SEED_SIZE);
    memcpy(secret + WEFT_ED25519_SEED_SIZE, pair->derived.bytes, WEFT_ED25519_KEY_SIZE);
    bool is_signed =
        crypto_sign_ed25519_detached(ret_signature, NULL, message.data, message.size, secret) == 0;
    weft_random_wipe(secret, sizeof(secret));
    return is_signed ? WEFT_OK : no_memory(msg);
}

/* --- who verifies ---------------------------------------------------------------------------- */

/* libsodium takes less than half of OpenSSL's time. Replicas have to decide alike, whichever
 * libraries they have, so OpenSSL decides wherever the two do not, and alone where there is a
 * libsodium that multiplies by the cofactor (RFC 8032, 5.1.7 leaves that open). */
static enum weft_err verify_slowly(const struct weft_ed25519_key *key, struct weft_bytes message,
    struct weft_bytes signature, struct weft_msg *msg)
{
    EVP_PKEY *pkey =
        EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key->bytes, sizeof(key->bytes));
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    if (pkey == NULL || ctx == NULL || EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, pkey) != 1) {
        EVP_MD_CTX_free(ctx);
        EVP_PKEY_free(pkey);
        return no_memory(msg);
    }
    int verified =
        EVP_DigestVerify(ctx, signature.data, signature.size, message.data, message.size);
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(pkey);
    ERR_clear_error();
    return verified == 1 ? WEFT_OK : weft_fail(msg, WEFT_EBADSIG, "signature does not verify");
}

static bool verify_quickly(const struct weft_ed25519_key *key, struct weft_bytes message,
    const uint8_t signature[WEFT_ED25519_SIGNATURE_SIZE])
{
    return crypto_sign_ed25519_verify_detached(signature, message.data, message.size, key->bytes) ==
           0;
}

/* A signature that verifies if both sides of RFC 8032's equation are multiplied by the cofactor,
 * and does not as it stands: its key has a part of low order. Made for the message by arithmetic in
 * Python; OpenSSL refuses it (test `ed25519.libraries_that_differ_are_told_apart`). */
static const uint8_t cofactored_key[WEFT_ED25519_KEY_SIZE] = {0x49, 0xf9, 0xb0, 0xe7, 0xea, 0xfa,
    0xd7, 0x2f, 0x15, 0x47, 0x17, 0x61, 0x0c, 0xeb, 0x26, 0x64, 0x92, 0x0c, 0x2e, 0x55, 0x4b, 0x5e,
    0xc3, 0xc3, 0xee, 0xfc, 0xe1, 0x8f, 0x68, 0x9f, 0xa0, 0x8c};
static const uint8_t cofactored_signature[WEFT_ED25519_SIGNATURE_SIZE] = {0xb3, 0x2c, 0x3e, 0xc6,
    0x27, 0x90, 0x40, 0xac, 0x7a, 0xc7, 0x83, 0x6d, 0x76, 0x9c, 0xee, 0x0f, 0xcf, 0x95, 0x2c, 0xb2,
    0x8b, 0x4f, 0x87, 0xdd, 0x4f, 0xe9, 0x73, 0xee, 0x7d, 0xa4, 0x33, 0x65, 0xb9, 0x96, 0xbf, 0xe6,
    0x8a, 0x73, 0xf0, 0x68, 0x59, 0x1c, 0x90, 0x52, 0xc5, 0xdc, 0xb5, 0x3c, 0xb3, 0xde, 0x66, 0x6b,
    0x27, 0xa0, 0x34, 0xc9, 0x43, 0x6d, 0x60, 0x49, 0xa2, 0xe6, 0xc6, 0x0d};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool is_quick;

static void choose(void)
{
    struct weft_ed25519_key key;
    const struct weft_bytes message = {(const uint8_t *)"cofactor", 8};
    memcpy(key.bytes, cofactored_key, sizeof(key.bytes));
    is_quick = sodium_init() >= 0 && !verify_quickly(&key, message, cofactored_signature);
}

bool weft_ed25519_is_quick(void)
{
    (void)pthread_once(&once, choose);
    return is_quick;
}

/* R is of the small subgroup, whatever its bytes (y = p, p + 1): libsodium refuses it. */
static bool is_low_order(const uint8_t r[32])
{
    uint8_t y[32];
    memcpy(y, r, sizeof(y));
    y[31] &= 0x7f;
    bool is_low = !is_below(y, field_prime);
    for (int i = 0; i < LOW_ORDER_YS && !is_low; i++) {
        is_low = memcmp(y, low_order_ys[i], sizeof(y)) == 0;
    }
    return is_low;
}

enum weft_err weft_ed25519_verify(const struct weft_ed25519_key *key, struct weft_bytes message,
    struct weft_bytes signature, struct weft_msg *msg)
{
    enum weft_err err = weft_ed25519_check_key(key, msg);
    if (err != WEFT_OK) {
        return err;
    }
    enum weft_ed25519_fault fault = weft_ed25519_inspect_signature(signature);
    if (fault != WEFT_ED25519_SOUND) {
        return weft_fail(msg, WEFT_EBADSIG, "signature: %s", weft_ed25519_fault_name(fault));
    }
    if (!weft_ed25519_is_quick() || is_low_order(signature.data)) { /* POL-70 */
        return verify_slowly(key, message, signature, msg);
    }
    return verify_quickly(key, message, signature.data)
               ? WEFT_OK
               : weft_fail(msg, WEFT_EBADSIG, "signature does not verify");
}

void weft_ed25519_wipe(struct weft_ed25519_pair *pair)
{
    weft_random_wipe(pair, sizeof(*pair));
}
