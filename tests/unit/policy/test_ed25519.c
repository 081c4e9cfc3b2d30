#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/crypto/ed25519.h"
#include "policy/crypto/random.h"
#include "proto/json.h"
#include "tests/lib/test.h"

enum {
    FILE_SIZE_MAX = 1 << 20,
    VECTORS = 151, /* specified: policy.md, 4; the file says so too */
};

static uint8_t nibble(char c)
{
    return (uint8_t)(c <= '9' ? c - '0' : c - 'a' + 10);
}

/* Hex digits into at most `capacity` bytes. */
static struct weft_bytes unhex(struct weft_text hex, uint8_t *into, size_t capacity)
{
    EXPECT_TRUE(hex.size % 2 == 0 && hex.size / 2 <= capacity);
    for (size_t i = 0; i < hex.size / 2; i++) {
        into[i] = (uint8_t)(nibble(hex.data[2 * i]) << 4 | nibble(hex.data[2 * i + 1]));
    }
    return (struct weft_bytes){into, hex.size / 2};
}

static struct weft_ed25519_key key_of(const char *hex)
{
    struct weft_ed25519_key key;
    EXPECT_EQ(sizeof(key.bytes), unhex(weft_text_of(hex), key.bytes, sizeof(key.bytes)).size);
    return key;
}

static struct weft_ed25519_pair make_pair(uint8_t number)
{
    struct weft_ed25519_pair pair;
    uint8_t seed[WEFT_ED25519_SEED_SIZE] = {number};
    EXPECT_EQ(WEFT_OK, weft_ed25519_from_seed(seed, &pair, NULL));
    return pair;
}

/* What OpenSSL says without our checks. */
static bool openssl_verifies(
    const uint8_t key[32], struct weft_bytes message, const uint8_t signature[64])
{
    EVP_PKEY *pkey = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key, 32);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool verifies = pkey != NULL && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, pkey) == 1 &&
                    EVP_DigestVerify(ctx, signature, 64, message.data, message.size) == 1;
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(pkey);
    return verifies;
}

static const char *member(const struct weft_json *object, const char *key)
{
    const struct weft_json *value = weft_json_get(object, key);
    EXPECT_TRUE(value != NULL);
    return value->text.data;
}

/* Returns the number of vectors of one key. */
static int check_group(const struct weft_json *group, int *accepted)
{
    static uint8_t message[4096], signature[4096];
    struct weft_ed25519_key key = key_of(member(weft_json_get(group, "publicKey"), "pk"));
    int count = 0;
    for (const struct weft_json *t = weft_json_get(group, "tests")->first; t != NULL; t = t->next) {
        struct weft_msg msg = {""};
        enum weft_err err = weft_ed25519_verify(&key,
            unhex(weft_json_get(t, "msg")->text, message, sizeof(message)),
            unhex(weft_json_get(t, "sig")->text, signature, sizeof(signature)), &msg);
        bool is_valid = strcmp(member(t, "result"), "valid") == 0;
        if ((err == WEFT_OK) != is_valid) {
            (void)fprintf(stderr, "tcId %s: %s\n", member(t, "tcId"), msg.text);
        }
        EXPECT_EQ(is_valid ? WEFT_OK : WEFT_EBADSIG, err);
        *accepted += err == WEFT_OK;
        count++;
    }
    return count;
}

TEST(ed25519, each_vector_of_wycheproof_passes)
{
    FILE *file = fopen(test_data("vectors/wycheproof/testvectors_v1/ed25519_test.json"), "rb");
    char *text = malloc(FILE_SIZE_MAX);
    EXPECT_TRUE(file != NULL && text != NULL);
    size_t size = fread(text, 1, FILE_SIZE_MAX, file);
    (void)fclose(file);
    struct weft_arena arena = {.size_max = 64 << 20};
    struct weft_json *root;
    EXPECT_EQ(WEFT_OK, weft_json_parse((struct weft_text){text, size}, 1, &arena, &root, NULL));
    int count = 0, accepted = 0;
    const struct weft_json *group = weft_json_get(root, "testGroups")->first;
    for (; group != NULL; group = group->next) {
        count += check_group(group, &accepted);
    }
    EXPECT_EQ(VECTORS, count); /* POL-21 */
    EXPECT_TRUE(accepted > 50 && accepted < count);
    weft_arena_destroy(&arena);
    free(text);
}

/* RFC 8032, 7.1, TEST 2. */
TEST(ed25519, vector_of_the_rfc_is_signed_to_the_same_bytes)
{
    struct weft_ed25519_pair pair;
    uint8_t seed[32], expected[64], signature[64];
    (void)unhex(
        WEFT_TEXT("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"), seed, 32);
    (void)unhex(WEFT_TEXT("92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
                          "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"),
        expected, 64);
    EXPECT_EQ(WEFT_OK, weft_ed25519_from_seed(seed, &pair, NULL));
    struct weft_ed25519_key key =
        key_of("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
    EXPECT_TRUE(weft_ed25519_key_equal(&key, &pair.key));
    struct weft_bytes message = {(const uint8_t *)"r", 1}; /* 0x72 */
    EXPECT_EQ(WEFT_OK, weft_ed25519_sign(&pair, message, signature, NULL));
    EXPECT_MEM(expected, signature, 64);
}

TEST(ed25519, key_whose_y_is_not_below_p_is_refused_by_name)
{
    /* p - 2 + k for k from 0: canonical is only below p; y = p - 1 is of low order. */
    static const enum weft_ed25519_fault faults[] = {WEFT_ED25519_SOUND,
        WEFT_ED25519_KEY_OF_LOW_ORDER, WEFT_ED25519_KEY_NOT_CANONICAL,
        WEFT_ED25519_KEY_NOT_CANONICAL, WEFT_ED25519_KEY_NOT_CANONICAL};
    for (int sign = 0; sign < 2; sign++) {
        for (uint8_t k = 0; k < 5; k++) {
            struct weft_ed25519_key key;
            memset(key.bytes, 0xff, sizeof(key.bytes));
            key.bytes[0] = (uint8_t)(0xeb + k);
            key.bytes[31] = sign ? 0xff : 0x7f;
            EXPECT_EQ(faults[k], weft_ed25519_inspect_key(&key));
        }
    }
    struct weft_ed25519_key key;
    struct weft_msg msg;
    memset(key.bytes, 0xff, sizeof(key.bytes));
    EXPECT_EQ(WEFT_EINVAL, weft_ed25519_check_key(&key, &msg));
    EXPECT_TEXT("public key: key-not-canonical", msg.text);
}

/* R the identity (y = 1), S = 0: it verifies for a message if h * A is the identity, so for one in
 * 8 at least when A is of the small subgroup, and for none otherwise. */
TEST(ed25519, each_key_of_low_order_lets_one_signature_verify_for_many_messages)
{
    static const char *const low[] = {
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    };
    const uint8_t forged[64] = {1};
    struct weft_ed25519_pair honest = make_pair(7);
    for (size_t i = 0; i < sizeof(low) / sizeof(low[0]); i++) {
        struct weft_ed25519_key key = key_of(low[i]);
        int verified = 0;
        for (uint8_t n = 0; n < 128; n++) {
            struct weft_bytes message = {&n, 1};
            verified += openssl_verifies(key.bytes, message, forged);
            EXPECT_TRUE(!openssl_verifies(honest.key.bytes, message, forged));
            EXPECT_EQ(WEFT_EINVAL, weft_ed25519_verify(&key, message,
                                       (struct weft_bytes){forged, sizeof(forged)}, NULL));
        }
        EXPECT_TRUE(verified >= 4);
        EXPECT_EQ(WEFT_ED25519_KEY_OF_LOW_ORDER, weft_ed25519_inspect_key(&key)); /* POL-21 */
    }
}

TEST(ed25519, second_signature_made_by_adding_the_group_order_is_refused_by_name)
{
    static const uint8_t order[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c,
        0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, [31] = 0x10};
    struct weft_ed25519_pair pair = make_pair(1);
    struct weft_bytes message = {(const uint8_t *)"text", 4};
    struct weft_msg msg;
    uint8_t signature[64];
    EXPECT_EQ(WEFT_OK, weft_ed25519_sign(&pair, message, signature, NULL));
    struct weft_bytes bytes = {signature, sizeof(signature)};
    EXPECT_EQ(WEFT_OK, weft_ed25519_verify(&pair.key, message, bytes, NULL));
    unsigned carry = 0;
    for (int i = 0; i < 32; i++) {
        carry += (unsigned)signature[32 + i] + order[i];
        signature[32 + i] = (uint8_t)carry;
        carry >>= 8;
    }
    EXPECT_EQ(WEFT_ED25519_SIGNATURE_NOT_CANONICAL, weft_ed25519_inspect_signature(bytes));
    EXPECT_EQ(WEFT_EBADSIG, weft_ed25519_verify(&pair.key, message, bytes, &msg));
    EXPECT_TEXT("signature: signature-not-canonical", msg.text);
    /* S = L itself, and the largest S below it. */
    memcpy(signature + 32, order, 32);
    EXPECT_EQ(WEFT_ED25519_SIGNATURE_NOT_CANONICAL, weft_ed25519_inspect_signature(bytes));
    signature[32]--;
    EXPECT_EQ(WEFT_ED25519_SOUND, weft_ed25519_inspect_signature(bytes));
}

TEST(ed25519, signature_of_63_or_65_bytes_is_refused_by_name)
{
    struct weft_ed25519_pair pair = make_pair(1);
    struct weft_bytes message = {(const uint8_t *)"text", 4};
    struct weft_msg msg;
    uint8_t signature[65] = {0};
    EXPECT_EQ(WEFT_OK, weft_ed25519_sign(&pair, message, signature, NULL));
    for (size_t size = 0; size <= sizeof(signature); size++) {
        enum weft_err err =
            weft_ed25519_verify(&pair.key, message, (struct weft_bytes){signature, size}, &msg);
        EXPECT_EQ(size == 64 ? WEFT_OK : WEFT_EBADSIG, err);
        if (size != 64) {
            EXPECT_TEXT("signature: signature-size-wrong", msg.text);
        }
    }
}

TEST(ed25519, generated_keys_are_sound_different_and_wiped)
{
    struct weft_ed25519_pair a, b;
    static const struct weft_ed25519_pair zero;
    uint8_t signature[64];
    EXPECT_EQ(WEFT_OK, weft_ed25519_generate(&a, NULL));
    EXPECT_EQ(WEFT_OK, weft_ed25519_generate(&b, NULL));
    EXPECT_TRUE(!weft_random_equal(a.seed, b.seed, sizeof(a.seed)));
    EXPECT_EQ(WEFT_ED25519_SOUND, weft_ed25519_inspect_key(&a.key));
    struct weft_bytes message = {(const uint8_t *)"", 0};
    EXPECT_EQ(WEFT_OK, weft_ed25519_sign(&a, message, signature, NULL));
    EXPECT_EQ(
        WEFT_OK, weft_ed25519_verify(&a.key, message, (struct weft_bytes){signature, 64}, NULL));
    EXPECT_EQ(WEFT_EBADSIG,
        weft_ed25519_verify(&b.key, message, (struct weft_bytes){signature, 64}, NULL));
    a.key = b.key;
    EXPECT_EQ(WEFT_EINVAL, weft_ed25519_sign(&a, message, signature, NULL));
    weft_ed25519_wipe(&a);
    EXPECT_MEM(&zero, &a, sizeof(a));
}

TEST(ed25519, random_bytes_are_not_zero_and_each_time_others)
{
    uint8_t a[WEFT_RANDOM_NONCE_SIZE] = {0}, b[WEFT_RANDOM_NONCE_SIZE] = {0};
    EXPECT_EQ(WEFT_OK, weft_random_bytes(a, sizeof(a), NULL)); /* POL-20 */
    EXPECT_TRUE(!weft_random_equal(a, b, sizeof(a)));
    EXPECT_EQ(WEFT_OK, weft_random_bytes(b, sizeof(b), NULL));
    EXPECT_TRUE(!weft_random_equal(a, b, sizeof(a)));
    EXPECT_EQ(WEFT_OK, weft_random_bytes(NULL, 0, NULL));
}
