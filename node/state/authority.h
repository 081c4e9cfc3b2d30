/* node/state/authority.h: what governs a site at an index: org document, keyring, policy, and
 * which labels its assets have.
 *
 * An immutable, counted snapshot, so that whoever decides on another thread keeps his while
 * apply goes on. The next one is made of this one and a record of kind `authority`, by the rules
 * of node/state/README.md ("Authority"): notes authorize, not who brings them; or of one of kind
 * `access_label`, which the policy lets its author make ("Labels"). Pure but for
 * memory: time and index are arguments. The registry is node/state/authorities.h. */
#ifndef WEFT_NODE_STATE_AUTHORITY_H
#define WEFT_NODE_STATE_AUTHORITY_H

#include <stdbool.h>
#include <stdint.h>

#include "node/state/govern.h"
#include "node/state/labels.h"
#include "policy/decide.h"
#include "policy/enroll.h"
#include "policy/keyring.h"
#include "policy/org.h"
#include "policy/policy_file.h"
#include "policy/subjects.h"
#include "proto/err.h"
#include "proto/record.h"

#define WEFT_AUTHORITY_KIND "authority"
#define WEFT_AUTHORITY_ORG_ASSET "authority:org"
#define WEFT_AUTHORITY_POLICY_ASSET "authority:policy"
/* What a change of keys is asked about: policy/README.md, Actions. */
#define WEFT_KEYS_ASSET "weft:keys"
#define WEFT_KEYS_KIND "keys"

struct weft_authority;

/* Of the site, ungoverned: index 0 and no documents. WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_authority_create(struct weft_authority **ret_authority);
/* Any thread. Accepts NULL, and gives what it got. */
struct weft_authority *weft_authority_retain(struct weft_authority *authority);
/* Any thread. Accepts NULL. */
void weft_authority_release(struct weft_authority *authority);

/* Of the entry whose record made it so; in force from the next index on. */
uint64_t weft_authority_index(const struct weft_authority *authority);
/* NULL: the site is ungoverned. All live as long as the authority. */
const struct weft_org *weft_authority_org(const struct weft_authority *authority);
/* NULL: there is none, and nothing is permitted if the site is governed. */
const struct weft_policy *weft_authority_policy(const struct weft_authority *authority);
const struct weft_keyring *weft_authority_keyring(const struct weft_authority *authority);
/* The revocation in force; NULL: none. */
const struct weft_chain_link *weft_authority_revoked(const struct weft_authority *authority);

/* NULL: no asset has one. */
const struct weft_labels *weft_authority_labels(const struct weft_authority *authority);

/* The request is of this asset, whose labels are in `names`, which it borrows as the asset. */
void weft_authority_ask_of(const struct weft_authority *authority, struct weft_text asset,
    struct weft_text names[WEFT_LABELS_MAX], struct weft_policy_request *request);
/* It is of whichever asset: its labels are not known, unless none has any (NOD-181). */
void weft_authority_ask_of_any(
    const struct weft_authority *authority, struct weft_policy_request *request);

/* Roles and attributes that the org document gives the principal, who is borrowed. */
void weft_authority_subject(const struct weft_authority *authority,
    const struct weft_principal *principal, struct weft_policy_subject *ret_subject);

/* Of everybody. */
const struct weft_subjects *weft_authority_subjects(const struct weft_authority *authority);

/* Where a record stands. */
struct weft_authority_place {
    struct weft_text site; /* "<org>/<site>" */
    uint64_t index;
    int64_t time_ns;   /* Of its commit. */
    bool is_beginning; /* Nothing but authority is in the state. */
};

/* Is a record of this kind one of those that change what governs: `authority`, `access_label`? */
bool weft_authority_is_kind(struct weft_text kind);

/* Is the record the next step? *ret_next is a new authority with one holder, or *ret_refusal says
 * why not, with the fault's name in front of its text (policy/README.md, Documents): the code is
 * that of policy/org.h, policy/enroll.h, policy/policy_file.h; WEFT_EINVAL: the record is none of
 * these; WEFT_EREFUSED: the policy in force, or it would lock out every admin; WEFT_ESTATE: not
 * at this place. `record` is the number for the pointer. WEFT_ENOMEM: nothing is decided. */
WEFT_MUST_USE enum weft_err weft_authority_next(const struct weft_authority *authority,
    const struct weft_record *record, uint32_t number, const struct weft_authority_place *place,
    struct weft_authority **ret_next, struct weft_refusal *ret_refusal, struct weft_msg *msg);

#endif
