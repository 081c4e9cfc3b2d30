/* tests/unit/node/authority_rig.h: records that govern a site, for tests of the state.
 *
 * The organization is that of tests/lib/signers.h at site plant1. What a record points to lives
 * until RIG_RECORDS further ones were made. */
#ifndef WEFT_TESTS_UNIT_NODE_AUTHORITY_RIG_H
#define WEFT_TESTS_UNIT_NODE_AUTHORITY_RIG_H

#include "tests/lib/signers.h"
#include "tests/unit/node/state_fixture.h"

#define RIG_ANN "oem.example/plant1/op/ann"
#define RIG_BO "oem.example/plant1/op/bo"
#define RIG_CY "oem.example/plant1/op/cy"
#define RIG_ROBOT "oem.example/plant1/svc/robot"
#define RIG_ROOT_A "oem.example/root/a"
#define RIG_ROOT_B "oem.example/root/b"
/* Lets ann and bo change it and the keys; ann, cy and the robot write. */
#define RIG_POLICY                                                                                 \
    "permit admin\n  who  op ann op bo\n  do   admin-policy admin-keys\n"                          \
    "permit write\n  who  op ann op cy svc robot\n  do   write create\n"

enum {
    RIG_RECORDS = 64
};

/* A state of the organization's site, at SIGNERS_NOW_NS; open. */
void rig_start(struct fixture *f, const char *name);

/* A record of kind `authority` with the note of `text`, signed by `names` (NULL at the end). */
struct weft_record rig_record(const char *asset, struct weft_text text, const char *const *names);
struct weft_record rig_org(const struct weft_org *org, const char *const *names);
/* The first key of `who`: that of signers_make, or its `other`. */
struct weft_record rig_key(
    const char *who, bool is_other, const struct weft_org *org, const char *const *names);
/* `who`'s `other` key, as the state's keyring asks for it; in the place of the first, or beside. */
struct weft_record rig_next_key(struct fixture *f, const char *who, bool is_replacing,
    const struct weft_org *org, const char *const *names);
/* A further key of `who`, beside all that there are. */
struct weft_record rig_key_beside(struct fixture *f, const char *who,
    const struct weft_signer *signer, const struct weft_org *org, const char *const *names);
/* "policy plant1-core VERSION", the digest before it, and the rest. */
struct weft_record rig_policy(uint64_t version, const struct weft_digest *prev, const char *rest,
    const char *const *names, struct weft_digest *ret_digest);
struct weft_record rig_revoke(const char *who, const struct weft_chain_link *before,
    const char *const *names, struct weft_chain_link *ret_link);

/* The same of any key. */
struct weft_record rig_revoke_key(const char *who, const struct weft_verifier *key,
    const struct weft_chain_link *before, const char *const *names,
    struct weft_chain_link *ret_link);

/* Digest of the org document's text: what the next one's prev is, and the nonce's source. */
struct weft_digest rig_org_digest(const struct weft_org *org);

/* That the asset has these labels (up to 4, NULL at the end). */
struct weft_record rig_labels(const char *asset, const char *const *labels);

/* A commit by a principal ("oem.example/plant1/op/ann") alone in its entry. Its item. */
const struct weft_applied_item *rig_commit(
    struct fixture *f, const char *who, const struct weft_record *records, uint32_t count);
/* The same by a note that this key of `who` has signed. */
const struct weft_applied_item *rig_commit_by_note(struct fixture *f, const char *who,
    const struct weft_warrant *warrant, const struct weft_record *record);
/* Org document, keys of ann and bo, RIG_POLICY, in one commit: as a site begins. */
struct weft_digest rig_govern(struct fixture *f);

#endif
