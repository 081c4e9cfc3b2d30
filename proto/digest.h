/* proto/digest.h: SHA-256 (FIPS 180-4), the one hash of the house.
 *
 * The only file of proto that knows OpenSSL: statements are hashed where they are encoded, and
 * a hash needs no key. Everything with a key lives in policy/crypto. */
#ifndef WEFT_PROTO_DIGEST_H
#define WEFT_PROTO_DIGEST_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "proto/bytes.h"
#include "proto/err.h"

enum {
    WEFT_DIGEST_SIZE = 32,
    WEFT_DIGEST_TEXT_SIZE = 7 + 64 + 1 /* "sha256:", hex, zero */
};

struct weft_digest {
    uint8_t bytes[WEFT_DIGEST_SIZE];
};

/* Incremental. Embed by value; the words are the library's SHA256_CTX. */
struct weft_sha256 {
    uint64_t opaque[14];
};

void weft_sha256_init(struct weft_sha256 *h);
void weft_sha256_update(struct weft_sha256 *h, const void *data, size_t size);
struct weft_digest weft_sha256_final(struct weft_sha256 *h);
struct weft_digest weft_sha256(const void *data, size_t size);

static inline bool weft_digest_equal(const struct weft_digest *a, const struct weft_digest *b)
{
    return memcmp(a->bytes, b->bytes, WEFT_DIGEST_SIZE) == 0;
}

/* "sha256:<64 hex digits>", terminated. */
void weft_digest_format(const struct weft_digest *d, char ret_text[WEFT_DIGEST_TEXT_SIZE]);
/* WEFT_EMALFORMED unless it is exactly what format gives. */
WEFT_MUST_USE enum weft_err weft_digest_parse(struct weft_text text, struct weft_digest *ret_d);

#endif
