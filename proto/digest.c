/* The low-level calls: fetching an EVP digest for each of a record's twenty short hashes costs
 * more than the hashing itself. They are deprecated, not removed, in OpenSSL 3. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "proto/digest.h"

#include <openssl/sha.h>

#include "proto/check.h"

_Static_assert(sizeof(SHA256_CTX) <= sizeof(struct weft_sha256), "weft_sha256 holds SHA256_CTX");
_Static_assert(_Alignof(SHA256_CTX) <= _Alignof(struct weft_sha256), "and aligns it");
_Static_assert(SHA256_DIGEST_LENGTH == WEFT_DIGEST_SIZE, "FIPS 180-4");

static const char prefix[] = "sha256:";
static const char hex_digits[] = "0123456789abcdef";

static SHA256_CTX *context(struct weft_sha256 *h)
{
    return (SHA256_CTX *)(void *)h->opaque;
}

void weft_sha256_init(struct weft_sha256 *h)
{
    int ok = SHA256_Init(context(h));
    weft_assert(ok == 1); /* PRO-1: it has no way to fail */
}

void weft_sha256_update(struct weft_sha256 *h, const void *data, size_t size)
{
    int ok = size == 0 || SHA256_Update(context(h), data, size);
    weft_assert(ok == 1); /* PRO-1 */
}

struct weft_digest weft_sha256_final(struct weft_sha256 *h)
{
    struct weft_digest digest;
    int ok = SHA256_Final(digest.bytes, context(h));
    weft_assert(ok == 1); /* PRO-1 */
    return digest;
}

struct weft_digest weft_sha256(const void *data, size_t size)
{
    struct weft_sha256 h;
    weft_sha256_init(&h);
    weft_sha256_update(&h, data, size);
    return weft_sha256_final(&h);
}

void weft_digest_format(const struct weft_digest *d, char ret_text[WEFT_DIGEST_TEXT_SIZE])
{
    char *p = ret_text;
    memcpy(p, prefix, sizeof(prefix) - 1);
    p += sizeof(prefix) - 1;
    for (size_t i = 0; i < WEFT_DIGEST_SIZE; i++) {
        *p++ = hex_digits[d->bytes[i] >> 4];
        *p++ = hex_digits[d->bytes[i] & 15];
    }
    *p = '\0';
}

/* Above 15 for anything but a lower-case digit: a digest has one text form. No branch hangs on
 * which it is: nothing guesses that, and it was a fifth of reading a leaf of the audit log. */
static unsigned hex_value(char c)
{
    unsigned digit = (unsigned)(uint8_t)c - '0', letter = (unsigned)(uint8_t)c - 'a';
    unsigned other = letter < 6 ? letter + 10 : 16;
    return digit < 10 ? digit : other;
}

enum weft_err weft_digest_parse(struct weft_text text, struct weft_digest *ret_d)
{
    struct weft_digest digest;
    if (text.size != WEFT_DIGEST_TEXT_SIZE - 1 ||
        memcmp(text.data, prefix, sizeof(prefix) - 1) != 0) {
        return WEFT_EMALFORMED;
    }
    const char *p = text.data + sizeof(prefix) - 1;
    unsigned seen = 0;
    for (size_t i = 0; i < WEFT_DIGEST_SIZE; i++) {
        unsigned high = hex_value(p[2 * i]), low = hex_value(p[2 * i + 1]);
        seen |= high | low;
        digest.bytes[i] = (uint8_t)(high << 4 | low);
    }
    if (seen > 15) {
        return WEFT_EMALFORMED;
    }
    *ret_d = digest;
    return WEFT_OK;
}
