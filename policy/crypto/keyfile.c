#include "policy/crypto/keyfile.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>
#include <string.h>

#include "policy/crypto/random.h"

/* What a file is: one of the two. */
struct parsed {
    X509_SIG *sealed;            /* "ENCRYPTED PRIVATE KEY" */
    PKCS8_PRIV_KEY_INFO *opened; /* "PRIVATE KEY" */
};

static void parsed_destroy(struct parsed *parsed)
{
    X509_SIG_free(parsed->sealed);
    PKCS8_PRIV_KEY_INFO_free(parsed->opened); /* Wipes the key. */
}

static enum weft_err no_memory(struct weft_msg *msg)
{
    ERR_clear_error();
    return weft_fail(msg, WEFT_ENOMEM, "no memory for a key file");
}

/* --- read ------------------------------------------------------------------------------------ */

/* The file is one PEM block and nothing else: a second key behind the first would be read by some
 * tools and not by others. */
static enum weft_err parse(struct weft_bytes pem, struct parsed *ret_parsed, struct weft_msg *msg)
{
    struct parsed parsed = {NULL, NULL};
    char *name = NULL, *header = NULL;
    unsigned char *data = NULL;
    long size = 0;
    if (pem.size > WEFT_KEYFILE_SIZE_MAX) {
        return weft_fail(
            msg, WEFT_ETOOBIG, "a key file of more than %d bytes", WEFT_KEYFILE_SIZE_MAX);
    }
    static const char begin[] = "-----BEGIN ";
    if (pem.size < sizeof(begin) || memcmp(pem.data, begin, sizeof(begin) - 1) != 0) {
        return weft_fail(msg, WEFT_EMALFORMED, "a key file starts with %s", begin);
    }
    BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.size);
    if (bio == NULL) {
        return no_memory(msg);
    }
    int flags = PEM_FLAG_SECURE | PEM_FLAG_ONLY_B64;
    bool is_pem = PEM_read_bio_ex(bio, &name, &header, &data, &size, (unsigned)flags) == 1;
    bool is_whole = is_pem && header[0] == '\0' && BIO_eof(bio);
    const unsigned char *p = data;
    if (is_whole && strcmp(name, PEM_STRING_PKCS8) == 0) {
        parsed.sealed = d2i_X509_SIG(NULL, &p, size);
    } else if (is_whole && strcmp(name, PEM_STRING_PKCS8INF) == 0) {
        parsed.opened = d2i_PKCS8_PRIV_KEY_INFO(NULL, &p, size);
    }
    bool is_all = is_whole && data != NULL && p == data + size;
    OPENSSL_secure_free(name);
    OPENSSL_secure_free(header);
    OPENSSL_secure_clear_free(data, size > 0 ? (size_t)size : 0);
    BIO_free(bio);
    ERR_clear_error();
    if ((parsed.sealed == NULL && parsed.opened == NULL) || !is_all) {
        parsed_destroy(&parsed);
        return weft_fail(msg, WEFT_EMALFORMED, "not exactly one PEM block of a PKCS #8 key");
    }
    *ret_parsed = parsed;
    return WEFT_OK;
}

static bool read_u64(const ASN1_INTEGER *number, uint64_t *ret_value)
{
    return ASN1_INTEGER_get_uint64(ret_value, number) == 1 && *ret_value > 0;
}

static bool is_of(const X509_ALGOR *algorithm, int nid)
{
    const ASN1_OBJECT *kind;
    X509_ALGOR_get0(&kind, NULL, NULL, algorithm);
    return OBJ_obj2nid(kind) == nid;
}

/* The parameters of PBES2 with scrypt and AES-256-CBC (RFC 8018, A.4; RFC 7914, 7). */
static enum weft_err read_work(const PBE2PARAM *pbe2, uint64_t *ret_work, struct weft_msg *msg)
{
    uint64_t n, r, p, work;
    if (!is_of(pbe2->keyfunc, NID_id_scrypt) || !is_of(pbe2->encryption, NID_aes_256_cbc)) {
        return weft_fail(
            msg, WEFT_EVERSION, "a key file protected otherwise than by scrypt and AES-256-CBC");
    }
    SCRYPT_PARAMS *scrypt =
        ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(SCRYPT_PARAMS), pbe2->keyfunc->parameter);
    bool is_read = scrypt != NULL && read_u64(scrypt->costParameter, &n) &&
                   read_u64(scrypt->blockSize, &r) &&
                   read_u64(scrypt->parallelizationParameter, &p);
    SCRYPT_PARAMS_free(scrypt);
    if (!is_read) {
        return weft_fail(msg, WEFT_EMALFORMED, "a key file with damaged scrypt parameters");
    }
    if (__builtin_mul_overflow(n, r, &work) || __builtin_mul_overflow(work, p, &work) ||
        work > WEFT_KEYFILE_WORK_MAX) {
        return weft_fail(
            msg, WEFT_EINVAL, "a key file whose N * r * p is over %d", WEFT_KEYFILE_WORK_MAX);
    }
    *ret_work = work;
    return WEFT_OK;
}

static enum weft_err inspect_sealed(
    const X509_SIG *sealed, uint64_t *ret_work, struct weft_msg *msg)
{
    const X509_ALGOR *algorithm;
    X509_SIG_get0(sealed, &algorithm, NULL);
    if (!is_of(algorithm, NID_pbes2)) {
        return weft_fail(msg, WEFT_EVERSION, "a key file protected otherwise than by PBES2");
    }
    PBE2PARAM *pbe2 = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBE2PARAM), algorithm->parameter);
    enum weft_err err = pbe2 != NULL ? read_work(pbe2, ret_work, msg)
                                     : weft_fail(msg, WEFT_EMALFORMED, "damaged PBES2 parameters");
    PBE2PARAM_free(pbe2);
    ERR_clear_error();
    return err;
}

enum weft_err weft_keyfile_inspect(
    struct weft_bytes pem, struct weft_keyfile_facts *ret_facts, struct weft_msg *msg)
{
    struct parsed parsed = {NULL, NULL};
    struct weft_keyfile_facts facts = {false, 0};
    enum weft_err err = parse(pem, &parsed, msg);
    if (err != WEFT_OK) {
        return err;
    }
    if (parsed.sealed != NULL) {
        facts.is_encrypted = true;
        err = inspect_sealed(parsed.sealed, &facts.work, msg);
    }
    parsed_destroy(&parsed);
    if (err == WEFT_OK) {
        *ret_facts = facts;
    }
    return err;
}

static enum weft_err take_key(
    const PKCS8_PRIV_KEY_INFO *opened, struct weft_ed25519_pair *ret_pair, struct weft_msg *msg)
{
    uint8_t seed[WEFT_ED25519_SEED_SIZE];
    size_t size = sizeof(seed);
    EVP_PKEY *pkey = EVP_PKCS82PKEY(opened);
    bool is_ours = pkey != NULL && EVP_PKEY_is_a(pkey, "ED25519") &&
                   EVP_PKEY_get_raw_private_key(pkey, seed, &size) == 1 && size == sizeof(seed);
    EVP_PKEY_free(pkey);
    ERR_clear_error();
    enum weft_err err = is_ours ? weft_ed25519_from_seed(seed, ret_pair, msg)
                                : weft_fail(msg, WEFT_EINVAL, "not an Ed25519 key");
    weft_random_wipe(seed, sizeof(seed));
    return err;
}

static enum weft_err unseal(
    struct parsed *parsed, struct weft_bytes passphrase, struct weft_msg *msg)
{
    uint64_t work;
    enum weft_err err = inspect_sealed(parsed->sealed, &work, msg);
    if (err != WEFT_OK) {
        return err;
    }
    if (passphrase.size == 0 || passphrase.size > WEFT_KEYFILE_PASSPHRASE_SIZE_MAX) {
        return weft_fail(msg, WEFT_EREFUSED, "the key file has a passphrase");
    }
    parsed->opened =
        PKCS8_decrypt(parsed->sealed, (const char *)passphrase.data, (int)passphrase.size);
    ERR_clear_error();
    return parsed->opened != NULL
               ? WEFT_OK
               : weft_fail(msg, WEFT_EREFUSED, "this passphrase does not open the key file");
}

enum weft_err weft_keyfile_decode(struct weft_bytes pem, struct weft_bytes passphrase,
    struct weft_ed25519_pair *ret_pair, struct weft_msg *msg)
{
    struct parsed parsed = {NULL, NULL};
    enum weft_err err = parse(pem, &parsed, msg);
    if (err != WEFT_OK) {
        return err;
    }
    if (parsed.sealed != NULL) {
        err = unseal(&parsed, passphrase, msg);
    } else if (passphrase.size > 0) {
        err = weft_fail(msg, WEFT_EREFUSED, "the key file has no passphrase, and one is given");
    }
    if (err == WEFT_OK) {
        err = take_key(parsed.opened, ret_pair, msg);
    }
    parsed_destroy(&parsed);
    return err;
}

/* --- write ----------------------------------------------------------------------------------- */

static bool write_sealed(
    BIO *bio, PKCS8_PRIV_KEY_INFO *opened, struct weft_bytes passphrase, uint8_t *salt)
{
    X509_ALGOR *algorithm = PKCS5_pbe2_set_scrypt(EVP_aes_256_cbc(), salt, WEFT_RANDOM_SALT_SIZE,
        NULL, WEFT_KEYFILE_SCRYPT_N, WEFT_KEYFILE_SCRYPT_R, WEFT_KEYFILE_SCRYPT_P);
    X509_SIG *sealed = algorithm != NULL ? PKCS8_set0_pbe((const char *)passphrase.data,
                                               (int)passphrase.size, opened, algorithm)
                                         : NULL;
    bool is_written = sealed != NULL && PEM_write_bio_PKCS8(bio, sealed) == 1;
    if (sealed == NULL) {
        X509_ALGOR_free(algorithm); /* On success it is the sealed key's. */
    }
    X509_SIG_free(sealed);
    return is_written;
}

static bool write_key(
    BIO *bio, const struct weft_ed25519_pair *pair, struct weft_bytes passphrase, uint8_t *salt)
{
    EVP_PKEY *pkey =
        EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, pair->seed, WEFT_ED25519_SEED_SIZE);
    PKCS8_PRIV_KEY_INFO *opened = pkey != NULL ? EVP_PKEY2PKCS8(pkey) : NULL;
    bool is_written =
        opened != NULL && (passphrase.size > 0 ? write_sealed(bio, opened, passphrase, salt)
                                               : PEM_write_bio_PKCS8_PRIV_KEY_INFO(bio, opened));
    PKCS8_PRIV_KEY_INFO_free(opened);
    EVP_PKEY_free(pkey);
    return is_written;
}

enum weft_err weft_keyfile_encode(const struct weft_ed25519_pair *pair,
    struct weft_bytes passphrase, struct weft_buffer *ret_pem, struct weft_msg *msg)
{
    if (passphrase.size > 0 && (passphrase.size < WEFT_KEYFILE_PASSPHRASE_SIZE_MIN ||
                                   passphrase.size > WEFT_KEYFILE_PASSPHRASE_SIZE_MAX)) {
        return weft_fail(msg, WEFT_EINVAL, "a passphrase has %d to %d bytes",
            WEFT_KEYFILE_PASSPHRASE_SIZE_MIN, WEFT_KEYFILE_PASSPHRASE_SIZE_MAX);
    }
    uint8_t salt[WEFT_RANDOM_SALT_SIZE];
    enum weft_err err = weft_random_bytes(salt, sizeof(salt), msg);
    if (err != WEFT_OK) {
        return err;
    }
    BIO *bio = BIO_new(BIO_s_secmem()); /* Wiped when freed. */
    char *data = NULL;
    long size =
        bio != NULL && write_key(bio, pair, passphrase, salt) ? BIO_get_mem_data(bio, &data) : 0;
    /* One block from the start: a growing buffer would leave copies of the key behind. */
    err = size > 0 ? weft_buffer_reserve(ret_pem, WEFT_KEYFILE_SIZE_MAX) : WEFT_ENOMEM;
    if (err == WEFT_OK) {
        err = weft_buffer_append(ret_pem, data, (size_t)size);
    }
    BIO_free(bio);
    return err == WEFT_OK ? err : no_memory(msg);
}

void weft_keyfile_destroy(struct weft_buffer *pem)
{
    if (pem->data != NULL) {
        weft_random_wipe(pem->data, pem->capacity);
    }
    weft_buffer_destroy(pem);
}
