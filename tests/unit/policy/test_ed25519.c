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

TEST(ed25519, libraries_say_the_same_of_each_bit_that_is_flipped)
{
    uint8_t text[40] = {0}, signature[64];
    int verified = 0;
    EXPECT_TRUE(weft_ed25519_is_quick());
    for (uint8_t n = 0; n < 4; n++) {
        struct weft_ed25519_pair pair = make_pair(n);
        struct weft_bytes message = {text, 10u * n};
        EXPECT_EQ(WEFT_OK, weft_ed25519_sign(&pair, message, signature, NULL));
        for (int bit = -1; bit < 64 * 8; bit++) {
            uint8_t other[64];
            memcpy(other, signature, sizeof(other));
            if (bit >= 0) {
                other[bit / 8] ^= (uint8_t)(1 << bit % 8);
            }
            bool is_ours = weft_ed25519_verify(&pair.key, message,
                               (struct weft_bytes){other, sizeof(other)}, NULL) == WEFT_OK;
            EXPECT_EQ(openssl_verifies(pair.key.bytes, message, other), is_ours);
            EXPECT_EQ(bit == -1, is_ours);
            verified += is_ours;
        }
    }
    EXPECT_EQ(4, verified);
}

/* Made by arithmetic in Python: a key a * B + T, T of order 8, and S = r + h * a. Multiplied by the
 * cofactor both sides of the equation are equal, and as they stand they are not; behind them, one
 * with R = -h * T (of low order), S = h * a, which verifies as it stands, and which libsodium
 * refuses. */
TEST(ed25519, libraries_that_differ_are_told_apart)
{
    static const struct {
        const char *key, *message, *signature;
        bool is_valid;
    } vectors[] = {
        {"49f9b0e7eafad72f154717610ceb2664920c2e554b5ec3c3eefce18f689fa08c", "cofactor",
            "b32c3ec6279040ac7ac7836d769cee0fcf952cb28b4f87dd4fe973ee7da43365"
            "b996bfe68a73f068591c9052c5dcb53cb3de666b27a034c9436d6049a2e6c60d",
            false},
        {"49f9b0e7eafad72f154717610ceb2664920c2e554b5ec3c3eefce18f689fa08c", "low order 27",
            "0100000000000000000000000000000000000000000000000000000000000000"
            "44a0432114a0836c63bc8b459d2c8d88f10118fc77e09a6278fe4501ff143507",
            true},
        {"49f9b0e7eafad72f154717610ceb2664920c2e554b5ec3c3eefce18f689fa08c", "low order 12",
            "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"
            "ca40f4b09bb6ef99b4b3090458c177cda25756c5f13797f277f1279e46ac6c0a",
            true},
        {"49f9b0e7eafad72f154717610ceb2664920c2e554b5ec3c3eefce18f689fa08c", "low order 3",
            "0000000000000000000000000000000000000000000000000000000000000000"
            "9116eb8344944dc6d815d51375bc2c272c8d35f8073f1e4814297dfb9f4a0b0e",
            true},
        {"49f9b0e7eafad72f154717610ceb2664920c2e554b5ec3c3eefce18f689fa08c", "low order 3",
            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"
            "f004418eade92f051f3e2f0c1fb5b73fa9e3fe2bfdef604bb4fe469d15560604",
            true},
        {"49f9b0e7eafad72f154717610ceb2664920c2e554b5ec3c3eefce18f689fa08c", "low order 31",
            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"
            "24d3d97265f78df265b319413ebbc70b905f2870ebfcd58f42f333497642ad0c",
            true},
        {"49f9b0e7eafad72f154717610ceb2664920c2e554b5ec3c3eefce18f689fa08c", "low order 0",
            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa"
            "3e4900667c522ea9389b06e304998f6183c67419314b74ed76f3554cbeb96b08",
            true},
        {"49f9b0e7eafad72f154717610ceb2664920c2e554b5ec3c3eefce18f689fa08c", "low order 1",
            "0000000000000000000000000000000000000000000000000000000000000080"
            "26eaa032bf2a411ec93525704d1e5552f41a3dc00e274217aa5cf40cfe3ac000",
            true},
        {"49f9b0e7eafad72f154717610ceb2664920c2e554b5ec3c3eefce18f689fa08c", "low order 0",
            "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85"
            "514b0f0ddfa5fadb7a8d2d808fd4b6187f7bed52cd1ba5bc326f6735b0772b0f",
            true},
        {"b9a48c24c0e8605014ec27fe3fc987aa1f41f190b331c405713865e8ed6e4d8c", "identity",
            "0100000000000000000000000000000000000000000000000000000000000000"
            "d422f37bcde387c9a3a95815a0bb0d0b6ed0739a043d5739d1cdf92ea5f4860d",
            true},
        {"b9a48c24c0e8605014ec27fe3fc987aa1f41f190b331c405713865e8ed6e4d8c", "identity",
            "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"
            "970a7a8c3124de230343228490670097916b17fd6d9a4f286e66fe681662b00c",
            false},
    };
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        struct weft_ed25519_key key = key_of(vectors[i].key);
        uint8_t signature[64];
        (void)unhex(weft_text_of(vectors[i].signature), signature, sizeof(signature));
        struct weft_bytes message = {
            (const uint8_t *)vectors[i].message, strlen(vectors[i].message)};
        EXPECT_EQ(vectors[i].is_valid, openssl_verifies(key.bytes, message, signature));
        EXPECT_EQ(vectors[i].is_valid ? WEFT_OK : WEFT_EBADSIG,
            weft_ed25519_verify(
                &key, message, (struct weft_bytes){signature, sizeof(signature)}, NULL));
    }
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
