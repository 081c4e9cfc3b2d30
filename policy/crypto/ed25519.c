#include "policy/crypto/ed25519.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>

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
    ret_pair->key = key;
    return WEFT_OK;
}

enum weft_err weft_ed25519_sign(const struct weft_ed25519_pair *pair, struct weft_bytes message,
    uint8_t ret_signature[WEFT_ED25519_SIGNATURE_SIZE], struct weft_msg *msg)
{
    EVP_PKEY *pkey = NULL;
    struct weft_ed25519_key key = {{0}};
    enum weft_err err = open_seed(pair->seed, &pkey, &key, msg);
    if (err != WEFT_OK) {
        return err;
    }
    if (!weft_ed25519_key_equal(&key, &pair->key)) {
        EVP_PKEY_free(pkey);
        return weft_fail(msg, WEFT_EINVAL, "the public key is not that of the private one");
    }
    uint8_t signature[WEFT_ED25519_SIGNATURE_SIZE];
    size_t size = sizeof(signature);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool is_signed = ctx != NULL && EVP_DigestSignInit(ctx, NULL, NULL, NULL, pkey) == 1 &&
                     EVP_DigestSign(ctx, signature, &size, message.data, message.size) == 1 &&
                     size == sizeof(signature);
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(pkey);
    if (!is_signed) {
        return no_memory(msg);
    }
    memcpy(ret_signature, signature, sizeof(signature));
    return WEFT_OK;
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

void weft_ed25519_wipe(struct weft_ed25519_pair *pair)
{
    weft_random_wipe(pair, sizeof(*pair));
}
