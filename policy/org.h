/* policy/org.h: the document by which an organization says who speaks for it.
 *
 *     weft-org/v1
 *     org oem.example
 *     version 2
 *     prev sha256:...                         (version 1: none)
 *     issued 2026-03-01T08:00:00.000Z
 *     expires 2027-03-01T08:00:00.000Z
 *     root-threshold 2
 *     root <vkey>                             1 to 16; key name <org>/root/<label>
 *     admin-threshold 1
 *     admin oem.example/plant1/op/ann         1 to 64; persons who may change policy and keys
 *     ca sha256:<fingerprint>                 0 to 8; of the DER of its trust roots for TLS
 *     log <node principal> <vkey>             0 to 64; keys that sign checkpoints, named by origin
 *     witness <vkey>                          0 to 32; cosigners
 *     role <principal> <role> <asset>         0 to 1024; at an asset and all below it
 *     attr <principal> <name> <value>         0 to 1024; one value for each name
 *
 * Lists are sorted by their bytes. It is signed by the roots of the version before and by its own,
 * each to their threshold; the first one by its own alone, and whoever takes it vouches for it. */
#ifndef WEFT_POLICY_ORG_H
#define WEFT_POLICY_ORG_H

#include <stdint.h>

#include "policy/chain.h"
#include "policy/note.h"
#include "policy/principal.h"
#include "policy/signer.h"
#include "proto/bytes.h"
#include "proto/digest.h"
#include "proto/err.h"

enum {
    WEFT_ORG_ROOTS_MAX = 16,
    WEFT_ORG_ADMINS_MAX = 64,
    WEFT_ORG_CAS_MAX = 8,
    WEFT_ORG_LOGS_MAX = 64,      /* chosen: nine sites of seven nodes */
    WEFT_ORG_WITNESSES_MAX = 32, /* chosen: partners that cosign */
    WEFT_ORG_ROLES_MAX = 1024,   /* a note has 64 KiB, of about 80 bytes each */
    WEFT_ORG_ATTRIBUTES_MAX = 1024,
    WEFT_ORG_WORD_SIZE_MAX = 63,       /* of a role or an attribute's name: as principals' parts */
    WEFT_ORG_MEMORY_MAX = 1024 * 1024, /* chosen: an arena holds the largest, read */
};

struct weft_org_log {
    struct weft_principal node;
    struct weft_verifier verifier;
};

struct weft_org_role {
    struct weft_principal principal;
    struct weft_text role;
    struct weft_text asset;
};

struct weft_org_attribute {
    struct weft_principal principal;
    struct weft_text name;
    struct weft_text value;
};

/* Everything it points to is in the arena that it was decoded into, or the maker's. */
struct weft_org {
    struct weft_text org;
    struct weft_chain_link link;
    uint32_t root_threshold;
    uint32_t root_count;
    uint32_t admin_threshold;
    uint32_t admin_count;
    uint32_t ca_count;
    uint32_t log_count;
    uint32_t witness_count;
    uint32_t role_count;
    uint32_t attribute_count;
    const struct weft_verifier *roots;
    const struct weft_principal *admins;
    const struct weft_digest *cas;
    const struct weft_org_log *logs;
    const struct weft_verifier *witnesses;
    const struct weft_org_role *roles;
    const struct weft_org_attribute *attributes;
};

/* The text alone: nothing is said of signatures or of what came before. *ret_fault says
 * WEFT_CHAIN_DUPLICATE_KEY_ID if that is what is wrong, else WEFT_CHAIN_SOUND.
 * WEFT_EMALFORMED, WEFT_EINVAL, WEFT_EVERSION, WEFT_ETOOBIG: `msg` names the line. WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_org_decode(struct weft_text text, struct weft_arena *arena,
    struct weft_org *ret_org, enum weft_chain_fault *ret_fault, struct weft_msg *msg);

/* The text for signing; lists must be sorted as decode wants them, and link.digest counts not.
 * What comes out decodes, or: WEFT_EINVAL with what decode says of it. WEFT_ETOOBIG, WEFT_ENOMEM.
 * `arena` is scratch. */
WEFT_MUST_USE enum weft_err weft_org_encode(const struct weft_org *org, struct weft_arena *arena,
    struct weft_buffer *out, struct weft_msg *msg);

/* Is the note the next version after `current` (NULL: the first) at now_ns? *ret_fault is always
 * stored; `ret_org` is in the arena. As decode, and
 * WEFT_ECONFLICT, WEFT_EREFUSED: the fault. WEFT_EPEER: of another organization. WEFT_EBADSIG: a
 * root's signature does not verify. */
WEFT_MUST_USE enum weft_err weft_org_accept(const struct weft_note *note,
    const struct weft_org *current, int64_t now_ns, struct weft_arena *arena,
    struct weft_org *ret_org, enum weft_chain_fault *ret_fault, struct weft_msg *msg);

/* How many of its roots signed the note. WEFT_EBADSIG, WEFT_ENOMEM: as weft_note_verify; none is
 * a count. */
WEFT_MUST_USE enum weft_err weft_org_count_roots(const struct weft_org *org,
    const struct weft_note *note, uint32_t *ret_count, struct weft_msg *msg);

bool weft_org_is_admin(const struct weft_org *org, const struct weft_principal *principal);

#endif
