/* policy/signer.h: named keys of signed notes (C2SP signed-note, "Verifier keys").
 *
 * A verifier is a public key under a name and for a type of signature; a signer is the private
 * half. Their text forms are those of Go's sumdb/note:
 *
 *     example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k      (vkey)
 *     PRIVATE+KEY+example.com/foo+530d903a+<base64 of type and seed>             (skey)
 */
#ifndef WEFT_POLICY_SIGNER_H
#define WEFT_POLICY_SIGNER_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/crypto/ed25519.h"
#include "policy/principal.h"
#include "proto/bytes.h"
#include "proto/err.h"

enum {
    WEFT_SIGNER_NAME_SIZE_MAX = 255, /* chosen: C2SP's own limit for ML-DSA cosigner names */
    WEFT_VKEY_TEXT_SIZE = WEFT_SIGNER_NAME_SIZE_MAX + 1 + 8 + 1 + 44 + 1,
    WEFT_SKEY_TEXT_SIZE = 12 + WEFT_VKEY_TEXT_SIZE,
};

/* C2SP signed-note, "Signature types". Numbers of the standard. */
enum weft_signer_type {
    WEFT_SIGNER_ED25519 = 0x01,
    WEFT_SIGNER_COSIGNATURE = 0x04, /* Ed25519 over a timestamped checkpoint */
};

struct weft_verifier {
    char name[WEFT_SIGNER_NAME_SIZE_MAX + 1]; /* Terminated. */
    enum weft_signer_type type;
    uint32_t key_id;
    struct weft_ed25519_key key;
};

/* Wiped by its owner: weft_signer_wipe. */
struct weft_signer {
    struct weft_verifier verifier;
    struct weft_ed25519_pair pair;
};

/* Not empty, UTF-8, no control characters, no Unicode spaces, no '+', at most
 * WEFT_SIGNER_NAME_SIZE_MAX bytes. */
bool weft_signer_is_name(struct weft_text name);

/* SHA-256(name || 0x0A || type || key), its first 4 bytes, big-endian. */
uint32_t weft_signer_key_id(
    struct weft_text name, enum weft_signer_type type, const struct weft_ed25519_key *key);

/* WEFT_EINVAL: the name, or a key that weft_ed25519_check_key refuses. */
WEFT_MUST_USE enum weft_err weft_verifier_make(struct weft_text name, enum weft_signer_type type,
    const struct weft_ed25519_key *key, struct weft_verifier *ret_verifier, struct weft_msg *msg);
/* As make. WEFT_EMALFORMED: not a vkey, or its key id is not that of its name and key.
 * WEFT_EVERSION: a type of signature that we do not speak. */
WEFT_MUST_USE enum weft_err weft_verifier_parse(
    struct weft_text vkey, struct weft_verifier *ret_verifier, struct weft_msg *msg);
void weft_verifier_format(const struct weft_verifier *verifier, char ret_vkey[WEFT_VKEY_TEXT_SIZE]);

/* Name, type and key. */
bool weft_verifier_equal(const struct weft_verifier *a, const struct weft_verifier *b);

/* Keeps a copy of the pair. WEFT_EINVAL: the name. */
WEFT_MUST_USE enum weft_err weft_signer_make(struct weft_text name, enum weft_signer_type type,
    const struct weft_ed25519_pair *pair, struct weft_signer *ret_signer, struct weft_msg *msg);
/* As weft_verifier_parse. The text is a secret too, and its owner's to wipe. */
WEFT_MUST_USE enum weft_err weft_signer_parse(
    struct weft_text skey, struct weft_signer *ret_signer, struct weft_msg *msg);
void weft_signer_format(const struct weft_signer *signer, char ret_skey[WEFT_SKEY_TEXT_SIZE]);
void weft_signer_wipe(struct weft_signer *signer);

#endif
