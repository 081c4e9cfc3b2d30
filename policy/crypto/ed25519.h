/* policy/crypto/ed25519.h: Ed25519 (RFC 8032) by libsodium, with the word of OpenSSL.
 *
 * Both say the same of each signature that passes our checks, but for those whose R is of low
 * order, which OpenSSL judges; libsodium takes half as long. A libsodium that differs otherwise is
 * known by a signature that it must refuse, and not asked. OpenSSL takes public keys whose y is not
 * below p, and keys of low order, under which one signature verifies for many messages. Both are
 * refused here, by name, before a key is looked at otherwise. Threads may sign and verify at the
 * same time. */
#ifndef WEFT_POLICY_CRYPTO_ED25519_H
#define WEFT_POLICY_CRYPTO_ED25519_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "proto/bytes.h"
#include "proto/err.h"

enum {
    WEFT_ED25519_KEY_SIZE = 32,       /* specified: RFC 8032, 5.1.5 */
    WEFT_ED25519_SEED_SIZE = 32,      /* the same: the private key as people keep it */
    WEFT_ED25519_SIGNATURE_SIZE = 64, /* specified: RFC 8032, 5.1.6 */
};

/* A public key. */
struct weft_ed25519_key {
    uint8_t bytes[WEFT_ED25519_KEY_SIZE];
};

/* A private key, by value. Who holds one ends it with weft_ed25519_wipe. */
struct weft_ed25519_pair {
    uint8_t seed[WEFT_ED25519_SEED_SIZE];
    struct weft_ed25519_key key;
    struct weft_ed25519_key derived; /* From the seed, by weft_ed25519_from_seed alone. */
};

/* Why a key or signature is refused before any arithmetic. The words are stable. */
enum weft_ed25519_fault {
    WEFT_ED25519_SOUND,
    WEFT_ED25519_KEY_NOT_CANONICAL,       /* y >= p */
    WEFT_ED25519_KEY_OF_LOW_ORDER,        /* one of the 8 points of the small subgroup */
    WEFT_ED25519_SIGNATURE_SIZE_WRONG,    /* not 64 bytes */
    WEFT_ED25519_SIGNATURE_NOT_CANONICAL, /* S >= L: RFC 8032, 5.1.7 */
    WEFT_ED25519_FAULTS
};

static inline bool weft_ed25519_key_equal(
    const struct weft_ed25519_key *a, const struct weft_ed25519_key *b)
{
    return memcmp(a->bytes, b->bytes, WEFT_ED25519_KEY_SIZE) == 0;
}

/* "key-not-canonical" and the like. Static storage. */
const char *weft_ed25519_fault_name(enum weft_ed25519_fault fault);

/* Of the bytes alone. That they are a point of the curve shows when a signature is verified. */
enum weft_ed25519_fault weft_ed25519_inspect_key(const struct weft_ed25519_key *key);
enum weft_ed25519_fault weft_ed25519_inspect_signature(struct weft_bytes signature);

/* WEFT_EINVAL: the name of the fault is in `msg`. */
WEFT_MUST_USE enum weft_err weft_ed25519_check_key(
    const struct weft_ed25519_key *key, struct weft_msg *msg);

/* WEFT_EIO: no random. WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_ed25519_generate(
    struct weft_ed25519_pair *ret_pair, struct weft_msg *msg);
/* WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_ed25519_from_seed(const uint8_t seed[WEFT_ED25519_SEED_SIZE],
    struct weft_ed25519_pair *ret_pair, struct weft_msg *msg);

/* WEFT_ENOMEM. WEFT_EINVAL: the pair's key is not its seed's (such a signature gives away the
 * seed). Deterministic (RFC 8032). */
WEFT_MUST_USE enum weft_err weft_ed25519_sign(const struct weft_ed25519_pair *pair,
    struct weft_bytes message, uint8_t ret_signature[WEFT_ED25519_SIGNATURE_SIZE],
    struct weft_msg *msg);

/* WEFT_EINVAL: the key. WEFT_EBADSIG: the signature, with the fault's name if it has one.
 * WEFT_ENOMEM: nothing is known of it. */
WEFT_MUST_USE enum weft_err weft_ed25519_verify(const struct weft_ed25519_key *key,
    struct weft_bytes message, struct weft_bytes signature, struct weft_msg *msg);

/* By libsodium; else by OpenSSL alone, with the same results. */
bool weft_ed25519_is_quick(void);

void weft_ed25519_wipe(struct weft_ed25519_pair *pair);

#endif
