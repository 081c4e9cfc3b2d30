/* policy/keyring.h: whose keys count at which index of the log, and what each class may sign.
 *
 * Part of the replicated state: changed by enroll and revoke documents as their entries are
 * applied, so that every replica judges a signature alike. A key is valid in [from, until) and is
 * never removed; so an old signature can be judged as of its index, and no key comes back. Pure.
 * Rules: policy/README.md, "Keyring". */
#ifndef WEFT_POLICY_KEYRING_H
#define WEFT_POLICY_KEYRING_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/document.h"
#include "policy/note.h"
#include "policy/principal.h"
#include "policy/signer.h"
#include "proto/bytes.h"
#include "proto/err.h"

enum {
    WEFT_KEYRING_KEYS_MAX = 16384, /* chosen: 500 persons, ten keys each, three times; 10 MiB */
};

#define WEFT_KEYRING_FOR_EVER UINT64_MAX

struct weft_keyring_key {
    struct weft_principal principal;
    struct weft_verifier verifier;
    uint64_t from_index;  /* Index of the entry that enrolled it: the first at which it counts. */
    uint64_t until_index; /* Of the entry that revoked it, at which it counts no more. */
};

/* Owns its array; zero-initialized is empty. Sorted by name, then key id. */
struct weft_keyring {
    struct weft_keyring_key *keys;
    uint32_t count;
    uint32_t capacity;
};

void weft_keyring_destroy(struct weft_keyring *ring);

/* May keys of the class sign documents of the kind? The roots of an organization are no class:
 * they sign org documents and agreements, and nothing that a class signs but enroll and revoke. */
bool weft_keyring_may_sign(enum weft_principal_class class, enum weft_document_kind kind);

/* The name of a principal's key: of a node its log's origin, "<org>/<site>/...", of all others
 * the principal. And the type: of a witness a cosigner's. WEFT_EINVAL. */
WEFT_MUST_USE enum weft_err weft_keyring_check_name(const struct weft_principal *principal,
    const struct weft_verifier *verifier, struct weft_msg *msg);

/* WEFT_ECONFLICT: there is or was such a key, of anybody, or one of its name and id.
 * WEFT_EINVAL: as check_name. WEFT_ETOOBIG, WEFT_ENOMEM. The ring is then as before. */
WEFT_MUST_USE enum weft_err weft_keyring_add(struct weft_keyring *ring,
    const struct weft_principal *principal, const struct weft_verifier *verifier, uint64_t index,
    struct weft_msg *msg);
/* WEFT_ENOTFOUND: there is no such key. WEFT_ESTATE: it is revoked already, or not yet valid. */
WEFT_MUST_USE enum weft_err weft_keyring_revoke(struct weft_keyring *ring,
    const struct weft_verifier *verifier, uint64_t index, struct weft_msg *msg);

/* By the name and id of a signature line; NULL: none. Borrowed until the ring changes. */
const struct weft_keyring_key *weft_keyring_find(
    const struct weft_keyring *ring, struct weft_text name, uint32_t key_id);
static inline bool weft_keyring_is_valid(const struct weft_keyring_key *key, uint64_t index)
{
    return key->from_index <= index && index < key->until_index;
}

/* Is the note a document of `kind` signed by `author`, as its text says it is, at `index`?
 * Signatures of others in the note are not looked at.
 * WEFT_EREFUSED: the class may not sign this kind, or the key was revoked or not yet valid.
 * WEFT_EPEER: no signature by a known key under the author's name. WEFT_EBADSIG, WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_keyring_verify(const struct weft_keyring *ring,
    const struct weft_note *note, enum weft_document_kind kind, const struct weft_principal *author,
    uint64_t index, struct weft_msg *msg);

/* How many of `signers` (each counts once) signed it with a key that is valid at `index`.
 * Signatures of others are not looked at. WEFT_EREFUSED: one of them may not sign this kind.
 * WEFT_EBADSIG: a signature of one of them does not verify. WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_keyring_count(const struct weft_keyring *ring,
    const struct weft_note *note, enum weft_document_kind kind,
    const struct weft_principal *signers, uint32_t signer_count, uint64_t index,
    uint32_t *ret_count, struct weft_msg *msg);

/* The ring as text, one line "key <from> <until or -> <principal> <vkey>" for each, sorted: for
 * checkpoints and digests. decode replaces an empty ring. WEFT_EMALFORMED with the line,
 * WEFT_EINVAL, WEFT_ECONFLICT, WEFT_EVERSION, WEFT_ETOOBIG, WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_keyring_encode(
    const struct weft_keyring *ring, struct weft_buffer *out);
WEFT_MUST_USE enum weft_err weft_keyring_decode(
    struct weft_text text, struct weft_keyring *ret_ring, struct weft_msg *msg);

#endif
