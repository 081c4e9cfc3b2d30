/* policy/enroll.h: the documents by which keys come and go.
 *
 *     weft-enroll/v1                              weft-revoke/v1
 *     org oem.example                             org oem.example
 *     principal oem.example/plant1/op/ann         version 3
 *     key <vkey>                                  prev sha256:...
 *     replaces none | <vkey>                      issued <time>
 *     nonce <32 hexadecimal digits>               principal oem.example/plant1/op/ann
 *     issued <time>                               key <vkey>
 *     expires <time>                              reason lost with the laptop
 *
 * An enrolment is signed by the key itself (it is in the hands of who asks; the nonce is the
 * site's, so that an old one says nothing) and by who approves: admins or roots to their threshold,
 * of an admin's key roots alone; or the key that it replaces, which ends at the same index. A
 * revocation is approved alike; each follows the one before, so that none is withheld. */
#ifndef WEFT_POLICY_ENROLL_H
#define WEFT_POLICY_ENROLL_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/chain.h"
#include "policy/keyring.h"
#include "policy/note.h"
#include "policy/org.h"

/* A key's record stands on "authority:key/CLASS/NAME", of another site of the organization on
 * "authority:key/SITE/CLASS/NAME" (node/state/README.md, Authority). */
#define WEFT_ENROLL_ASSET_PREFIX "authority:key/"

enum {
    WEFT_ENROLL_ASSET_SIZE = sizeof(WEFT_ENROLL_ASSET_PREFIX) + WEFT_PRINCIPAL_TEXT_SIZE,
    WEFT_ENROLL_LIFE_MAX_S = 7 * 24 * 3600, /* chosen: an admin signs within a week */
};

struct weft_enroll {
    struct weft_text org; /* Borrowed, as in weft_revoke. */
    struct weft_principal principal;
    struct weft_verifier key;
    bool is_replacing;
    struct weft_verifier replaced; /* If is_replacing. */
    uint8_t nonce[WEFT_DOCUMENT_NONCE_SIZE];
    int64_t issued_ns;
    int64_t expires_ns;
    bool is_rotation; /* Of accept: it was the replaced key that approved. Not in the text. */
};

struct weft_revoke {
    struct weft_text org;
    struct weft_chain_link link; /* Never expires. */
    struct weft_principal principal;
    struct weft_verifier key;
    struct weft_text reason;
};

/* Of the principal's keys, at `site`, its last part. */
void weft_enroll_asset(const struct weft_principal *principal, struct weft_text site,
    char ret_asset[WEFT_ENROLL_ASSET_SIZE]);

/* The text alone. WEFT_EMALFORMED, WEFT_EINVAL, WEFT_EVERSION, WEFT_ETOOBIG, with the line. */
WEFT_MUST_USE enum weft_err weft_enroll_decode(
    struct weft_text text, struct weft_enroll *ret_enroll, struct weft_msg *msg);
WEFT_MUST_USE enum weft_err weft_revoke_decode(
    struct weft_text text, struct weft_revoke *ret_revoke, struct weft_msg *msg);

/* What comes out decodes, or: WEFT_EINVAL with what decode says of it. WEFT_ETOOBIG, WEFT_ENOMEM.
 * On failure `out` is as before. */
WEFT_MUST_USE enum weft_err weft_enroll_encode(
    const struct weft_enroll *enroll, struct weft_buffer *out, struct weft_msg *msg);
WEFT_MUST_USE enum weft_err weft_revoke_encode(
    const struct weft_revoke *revoke, struct weft_buffer *out, struct weft_msg *msg);

/* What the principal's next enrolment at the site has to answer. It follows from the org document
 * in force (the digest of its text) and from what became of each key of the principal so far:
 * every replica knows it without a random number, and it changes whenever one of these does. So an
 * enrolment is good once, and one that was approved before a revocation is not good after it.
 * `site` is "<org>/<site>". */
void weft_enroll_nonce(const struct weft_digest *org_text, struct weft_text site,
    const struct weft_keyring *ring, const struct weft_principal *principal,
    uint8_t ret_nonce[WEFT_DOCUMENT_NONCE_SIZE]);

/* Does who asks hold the key, and is it the answer to `nonce` at now_ns? Nothing is said of
 * whether the key may come in. As decode, and
 * WEFT_EREFUSED: out of date, or another nonce. WEFT_EPEER, WEFT_EBADSIG: not signed by the key. */
WEFT_MUST_USE enum weft_err weft_enroll_check_possession(const struct weft_note *note,
    const uint8_t nonce[WEFT_DOCUMENT_NONCE_SIZE], int64_t now_ns, struct weft_enroll *ret_enroll,
    struct weft_msg *msg);

/* The same at `site`, and, of `org` at `index`, that it is approved; the key is then in the ring,
 * valid from `index`, and the replaced one valid no more. On failure the ring is as before.
 * WEFT_EPEER: of another organization. WEFT_EREFUSED with WEFT_CHAIN_THRESHOLD: too few.
 * WEFT_ECONFLICT with WEFT_CHAIN_DUPLICATE_KEY_ID: it is or was somebody's, or is a root's.
 * WEFT_ENOTFOUND, WEFT_ESTATE: the replaced key. WEFT_ETOOBIG, WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_enroll_accept(const struct weft_note *note, struct weft_text site,
    const struct weft_org *org, int64_t now_ns, uint64_t index, struct weft_keyring *ring,
    struct weft_enroll *ret_enroll, enum weft_chain_fault *ret_fault, struct weft_msg *msg);

/* The next revocation after `current` (NULL: the first): as weft_revoke_end at `index`.
 * WEFT_ECONFLICT, WEFT_EREFUSED: the fault. WEFT_EPEER: of another organization. WEFT_EBADSIG,
 * WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_revoke_accept(const struct weft_note *note,
    const struct weft_org *org, const struct weft_chain_link *current, uint64_t index,
    struct weft_keyring *ring, struct weft_revoke *ret_revoke, enum weft_chain_fault *ret_fault,
    struct weft_msg *msg);

/* The key is valid no more from `index` on. If it was replaced meanwhile, all keys of the principal
 * that came since are not: nobody rotates away from a revocation. WEFT_ENOTFOUND: no such key of
 * that principal. WEFT_ESTATE: nothing of it is valid. The ring is then as before. */
WEFT_MUST_USE enum weft_err weft_revoke_end(const struct weft_revoke *revoke, uint64_t index,
    struct weft_keyring *ring, struct weft_msg *msg);

/* Have admins by valid keys, or roots, signed the note about a key of `owner` to their threshold?
 * About an admin's roots alone. WEFT_EREFUSED with WEFT_CHAIN_THRESHOLD, WEFT_EBADSIG,
 * WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_enroll_check_approval(const struct weft_note *note,
    enum weft_document_kind kind, const struct weft_org *org, const struct weft_keyring *ring,
    const struct weft_principal *owner, uint64_t index, enum weft_chain_fault *ret_fault,
    struct weft_msg *msg);

#endif
