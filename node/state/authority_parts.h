/* node/state/authority_parts.h: what an authority is made of: for authority*.c alone.
 *
 * A change replaces one part; the others are shared with the authority before it. Parts are
 * immutable once they are in an authority, and counted. */
#ifndef WEFT_NODE_STATE_AUTHORITY_PARTS_H
#define WEFT_NODE_STATE_AUTHORITY_PARTS_H

#include <stdatomic.h>

#include "node/state/authority.h"

/* Roles and attributes of one principal, as decisions want them. */
struct weft_authority_facts {
    const struct weft_principal *principal;
    struct weft_policy_role *roles;
    struct weft_policy_attr *attrs;
    uint32_t role_count;
    uint32_t attr_count;
};

struct weft_authority_part {
    atomic_uint holders;
    struct weft_arena arena;
    /* One of these, by which member of the authority it is. */
    struct weft_org org;
    struct weft_authority_facts *facts; /* Sorted by principal. */
    uint32_t fact_count;
    const struct weft_policy *policy;
    struct weft_chain_link policy_link;
    struct weft_keyring ring;
    bool has_revoked;
    struct weft_chain_link revoked;
};

struct weft_authority {
    atomic_uint holders;
    uint64_t index;
    struct weft_authority_part *org;    /* NULL: none. */
    struct weft_authority_part *policy; /* NULL: none. */
    struct weft_authority_part *ring;   /* NULL: empty. */
};

/* With one holder, and nothing in it. WEFT_ENOMEM: NULL. */
struct weft_authority_part *weft_authority_part_create(size_t memory_max);
void weft_authority_part_release(struct weft_authority_part *part);
/* Sort the org document's roles and attributes by principal. WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_authority_part_index(struct weft_authority_part *org);
/* A new authority with the parts of the one before, of which one will be replaced. WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_authority_follow(
    const struct weft_authority *before, uint64_t index, struct weft_authority **ret_authority);

#endif
