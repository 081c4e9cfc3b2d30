/* ops/weft/site_keys.h: whose keys count at a site, worked out from its records.
 *
 * The site's own keyring, made again of what it has taken: each enrolment and revocation on
 * `authority:*`, in their order. The site has judged them; here they are counted. So a command
 * knows a key's end, the nonce of the next enrolment and the head of the revocations, and can say
 * what the site would refuse before it asks. */
#ifndef WEFT_OPS_SITE_KEYS_H
#define WEFT_OPS_SITE_KEYS_H

#include <stdbool.h>
#include <stdint.h>

#include "ops/weft/authority_note.h"
#include "ops/weft/client.h"
#include "ops/weft/policy_source.h"
#include "policy/chain.h"
#include "policy/enroll.h"
#include "policy/keyring.h"

/* An index above that of every entry, at which keys that have not ended are valid. */
#define WEFT_SITE_KEYS_NOW (WEFT_KEYRING_FOR_EVER - 1)

/* Zero-initialized is empty; owns what it points to. */
struct weft_site_keys {
    struct weft_org_source org;
    struct weft_keyring ring;
    bool has_revoked;
    struct weft_chain_link revoked; /* The newest revocation. */
    char site[WEFT_PRINCIPAL_PART_SIZE_MAX + 1];
    char place[2 * WEFT_PRINCIPAL_PART_SIZE_MAX + 2]; /* "<org>/<site>" */
};

void weft_site_keys_destroy(struct weft_site_keys *keys);

/* WEFT_ENOTFOUND: the site is ungoverned. WEFT_ECORRUPT: its records contradict each other. As
 * weft_client_call. */
WEFT_MUST_USE enum weft_err weft_site_keys_read(
    struct weft_client *client, struct weft_site_keys *keys, struct weft_msg *msg);

/* One record of kind `authority` that the site has taken: "authority:key/..." or
 * "authority:revoke/..."; others change nothing. As read. */
WEFT_MUST_USE enum weft_err weft_site_keys_take(struct weft_site_keys *keys, struct weft_text asset,
    struct weft_text note, uint64_t index, struct weft_msg *msg);

/* "oem.example/plant1/op/ann", "op/ann" of this site, or "ann", a person of it. WEFT_EINVAL. */
WEFT_MUST_USE enum weft_err weft_site_keys_principal(const struct weft_site_keys *keys,
    const char *text, struct weft_principal *ret_principal, struct weft_msg *msg);

/* The key of the principal that is valid now; of several that of `key_id` ("5b55cfb1", NULL: not
 * said). WEFT_ENOTFOUND: there is or was none. WEFT_ESTATE: it has ended. WEFT_ECONFLICT: there
 * are several, which `msg` names. WEFT_EINVAL: no key id. */
WEFT_MUST_USE enum weft_err weft_site_keys_valid(const struct weft_site_keys *keys,
    const struct weft_principal *principal, const char *key_id,
    const struct weft_keyring_key **ret_key, struct weft_msg *msg);

/* Would the site count its signature on an enrolment or revocation: a root's, or the valid key of
 * an admin? WEFT_EREFUSED: why not. */
WEFT_MUST_USE enum weft_err weft_site_keys_check_approver(
    const struct weft_site_keys *keys, const struct weft_verifier *verifier, struct weft_msg *msg);

/* Sign the note by each --key of the command line. With the site at hand (it was read) a key that
 * would not count is refused. As weft_keys_open, check_approver and weft_authority_note_sign. */
WEFT_MUST_USE enum weft_err weft_site_keys_sign(const struct weft_site_keys *keys,
    const struct weft_args *args, struct weft_authority_note *note, struct weft_msg *msg);
/* What is there so far, into a new file for somebody else to sign, and unless --quiet how: by
 * `weft pki COMMAND` with a key like `signer`. As weft_authority_note_write. */
WEFT_MUST_USE enum weft_err weft_site_keys_hand_out(const struct weft_args *args, const char *path,
    const char *command, const char *signer, struct weft_authority_note *note,
    struct weft_msg *msg);

/* The key as the site knows it; NULL: it does not. */
const struct weft_keyring_key *weft_site_keys_find(
    const struct weft_site_keys *keys, const struct weft_verifier *verifier);

#endif
