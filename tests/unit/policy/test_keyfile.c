#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <string.h>

#include "policy/crypto/keyfile.h"
#include "tests/lib/test.h"

static const struct weft_bytes none = {NULL, 0};
static const struct weft_bytes phrase = {(const uint8_t *)"correct horse", 13};
static const struct weft_bytes wrong = {(const uint8_t *)"correct house", 13};

static struct weft_bytes bytes_of(const struct weft_buffer *b)
{
    return (struct weft_bytes){b->data, b->size};
}

static struct weft_ed25519_pair make_pair(void)
{
    struct weft_ed25519_pair pair;
    uint8_t seed[WEFT_ED25519_SEED_SIZE] = {42};
    EXPECT_EQ(WEFT_OK, weft_ed25519_from_seed(seed, &pair, NULL));
    return pair;
}

static struct weft_buffer write_file(struct weft_bytes passphrase)
{
    struct weft_ed25519_pair pair = make_pair();
    struct weft_buffer pem = {0};
    EXPECT_EQ(WEFT_OK, weft_keyfile_encode(&pair, passphrase, &pem, NULL));
    return pem;
}

TEST(keyfile, without_passphrase_gives_back_the_key)
{
    struct weft_buffer pem = write_file(none);
    struct weft_keyfile_facts facts;
    struct weft_ed25519_pair pair = make_pair(), read;
    EXPECT_EQ(WEFT_OK, weft_keyfile_inspect(bytes_of(&pem), &facts, NULL));
    EXPECT_TRUE(!facts.is_encrypted);
    EXPECT_EQ(0, facts.work);
    EXPECT_EQ(WEFT_OK, weft_keyfile_decode(bytes_of(&pem), none, &read, NULL));
    EXPECT_MEM(&pair, &read, sizeof(pair));
    /* Whoever gives a passphrase believes that the file has one. */
    EXPECT_EQ(WEFT_EREFUSED, weft_keyfile_decode(bytes_of(&pem), phrase, &read, NULL));
    weft_keyfile_destroy(&pem);
    EXPECT_TRUE(pem.data == NULL);
}

TEST(keyfile, opens_by_its_passphrase_alone)
{
    struct weft_buffer pem = write_file(phrase), again = write_file(phrase);
    struct weft_keyfile_facts facts;
    struct weft_ed25519_pair pair = make_pair(), read;
    EXPECT_EQ(WEFT_OK, weft_keyfile_inspect(bytes_of(&pem), &facts, NULL));
    EXPECT_TRUE(facts.is_encrypted);
    EXPECT_EQ(WEFT_KEYFILE_SCRYPT_N * WEFT_KEYFILE_SCRYPT_R * WEFT_KEYFILE_SCRYPT_P, facts.work);
    EXPECT_EQ(WEFT_OK, weft_keyfile_decode(bytes_of(&pem), phrase, &read, NULL)); /* POL-25 */
    EXPECT_MEM(&pair, &read, sizeof(pair));
    EXPECT_EQ(WEFT_EREFUSED, weft_keyfile_decode(bytes_of(&pem), wrong, &read, NULL));
    EXPECT_EQ(WEFT_EREFUSED, weft_keyfile_decode(bytes_of(&pem), none, &read, NULL));
    /* Another salt: equal passphrases cannot be told from the files. */
    EXPECT_TRUE(pem.size != again.size || memcmp(pem.data, again.data, pem.size) != 0);
    weft_keyfile_destroy(&pem);
    weft_keyfile_destroy(&again);
}

TEST(keyfile, passphrase_of_8_bytes_passes_and_of_7_does_not)
{
    static uint8_t long_phrase[WEFT_KEYFILE_PASSPHRASE_SIZE_MAX + 1];
    struct weft_ed25519_pair pair = make_pair();
    struct weft_buffer pem = {0};
    memset(long_phrase, 'p', sizeof(long_phrase));
    EXPECT_EQ(
        WEFT_EINVAL, weft_keyfile_encode(&pair, (struct weft_bytes){long_phrase, 7}, &pem, NULL));
    EXPECT_EQ(WEFT_EINVAL, weft_keyfile_encode(&pair,
                               (struct weft_bytes){long_phrase, sizeof(long_phrase)}, &pem, NULL));
    EXPECT_EQ(0, pem.size);
    EXPECT_EQ(WEFT_OK, weft_keyfile_encode(&pair, (struct weft_bytes){long_phrase, 8}, &pem, NULL));
    weft_keyfile_destroy(&pem);
}

/* As `openssl pkcs8 -topk8` writes: the algorithm is the caller's, and ends here. */
static struct weft_buffer seal(EVP_PKEY *pkey, X509_ALGOR *algorithm)
{
    struct weft_buffer pem = {0};
    char *data;
    BIO *bio = BIO_new(BIO_s_mem());
    PKCS8_PRIV_KEY_INFO *opened = EVP_PKEY2PKCS8(pkey);
    X509_SIG *sealed = algorithm != NULL ? PKCS8_set0_pbe((const char *)phrase.data,
                                               (int)phrase.size, opened, algorithm)
                                         : NULL;
    EXPECT_EQ(1, sealed != NULL ? PEM_write_bio_PKCS8(bio, sealed)
                                : PEM_write_bio_PKCS8_PRIV_KEY_INFO(bio, opened));
    long size = BIO_get_mem_data(bio, &data);
    EXPECT_EQ(WEFT_OK, weft_buffer_append(&pem, data, (size_t)size));
    X509_SIG_free(sealed);
    PKCS8_PRIV_KEY_INFO_free(opened);
    BIO_free(bio);
    return pem;
}

static X509_ALGOR *scrypt(const EVP_CIPHER *cipher, uint64_t n, uint64_t r, uint64_t p)
{
    return PKCS5_pbe2_set_scrypt(cipher, NULL, 16, NULL, n, r, p);
}

/* Inspect and, with the passphrase, decode; both fail alike, or decode gives the code. */
static enum weft_err open_sealed(EVP_PKEY *pkey, X509_ALGOR *algorithm, uint64_t *ret_work)
{
    struct weft_buffer pem = seal(pkey, algorithm);
    struct weft_keyfile_facts facts = {false, 0};
    struct weft_ed25519_pair pair;
    enum weft_err inspected = weft_keyfile_inspect(bytes_of(&pem), &facts, NULL);
    enum weft_err decoded =
        weft_keyfile_decode(bytes_of(&pem), facts.is_encrypted ? phrase : none, &pair, NULL);
    *ret_work = facts.work;
    weft_buffer_destroy(&pem);
    EXPECT_TRUE(inspected == WEFT_OK || inspected == decoded || decoded == WEFT_EREFUSED);
    return inspected != WEFT_OK ? inspected : decoded;
}

TEST(keyfile, that_openssl_wrote_with_scrypt_opens)
{
    uint64_t work;
    EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    EXPECT_EQ(WEFT_OK, open_sealed(pkey, scrypt(EVP_aes_256_cbc(), 16384, 8, 1), &work));
    EXPECT_EQ(16384 * 8, work);
    EXPECT_EQ(WEFT_OK, open_sealed(pkey, scrypt(EVP_aes_256_cbc(), 2, 1, 1), &work));
    EXPECT_EQ(WEFT_OK, open_sealed(pkey, NULL, &work));
    EVP_PKEY_free(pkey);
}

TEST(keyfile, protected_in_another_way_or_too_costly_is_refused_unopened)
{
    uint64_t work;
    EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    X509_ALGOR *pbkdf2 = PKCS5_pbe2_set(EVP_aes_256_cbc(), 2048, NULL, 0);
    X509_ALGOR *des = PKCS5_pbe_set(NID_pbe_WithSHA1And3_Key_TripleDES_CBC, 2048, NULL, 0);
    X509_ALGOR *over = scrypt(EVP_aes_256_cbc(), WEFT_KEYFILE_SCRYPT_N, 8, 41);
    X509_ALGOR *just = scrypt(EVP_aes_256_cbc(), WEFT_KEYFILE_SCRYPT_N, 8, 40);
    EXPECT_EQ(WEFT_EVERSION, open_sealed(pkey, pbkdf2, &work));
    EXPECT_EQ(WEFT_EVERSION, open_sealed(pkey, des, &work));
    EXPECT_EQ(WEFT_EVERSION, open_sealed(pkey, scrypt(EVP_aes_128_cbc(), 2, 1, 1), &work));
    EXPECT_EQ(WEFT_EINVAL, open_sealed(pkey, over, &work)); /* POL-25 */
    struct weft_buffer pem = seal(pkey, just);
    struct weft_keyfile_facts facts;
    EXPECT_EQ(WEFT_OK, weft_keyfile_inspect(bytes_of(&pem), &facts, NULL));
    EXPECT_EQ(WEFT_KEYFILE_WORK_MAX, facts.work);
    weft_buffer_destroy(&pem);
    EVP_PKEY_free(pkey);
}

TEST(keyfile, of_another_kind_of_key_is_refused)
{
    uint64_t work;
    EVP_PKEY *pkey = EVP_EC_gen("P-256");
    EXPECT_EQ(WEFT_EINVAL, open_sealed(pkey, NULL, &work));
    EXPECT_EQ(WEFT_EINVAL, open_sealed(pkey, scrypt(EVP_aes_256_cbc(), 2, 1, 1), &work));
    EVP_PKEY_free(pkey);
}

TEST(keyfile, anything_but_one_block_is_refused)
{
    static uint8_t large[WEFT_KEYFILE_SIZE_MAX + 1];
    struct weft_buffer pem = write_file(none), twice = {0};
    struct weft_keyfile_facts facts;
    EXPECT_EQ(WEFT_EMALFORMED, weft_keyfile_inspect(none, &facts, NULL));
    for (size_t size = 0; size < pem.size - 1; size++) {
        EXPECT_EQ(WEFT_EMALFORMED,
            weft_keyfile_inspect((struct weft_bytes){pem.data, size}, &facts, NULL));
    }
    EXPECT_EQ(WEFT_OK, weft_buffer_append(&twice, pem.data, pem.size));
    EXPECT_EQ(WEFT_OK, weft_buffer_append(&twice, pem.data, pem.size));
    EXPECT_EQ(WEFT_EMALFORMED, weft_keyfile_inspect(bytes_of(&twice), &facts, NULL));
    weft_buffer_clear(&twice);
    EXPECT_EQ(WEFT_OK, weft_buffer_format(&twice, "a word before\n"));
    EXPECT_EQ(WEFT_OK, weft_buffer_append(&twice, pem.data, pem.size));
    EXPECT_EQ(WEFT_EMALFORMED, weft_keyfile_inspect(bytes_of(&twice), &facts, NULL));
    EXPECT_EQ(WEFT_ETOOBIG,
        weft_keyfile_inspect((struct weft_bytes){large, sizeof(large)}, &facts, NULL));
    weft_keyfile_destroy(&pem);
    weft_keyfile_destroy(&twice);
}
