/* node/state/authority_parts.h: what an authority is made of: for authorit*.c alone.
 *
 * A change replaces one part; the others are shared with the authority before it. Parts are
 * immutable once they are in an authority, and counted. */
#ifndef WEFT_NODE_STATE_AUTHORITY_PARTS_H
#define WEFT_NODE_STATE_AUTHORITY_PARTS_H

#include <stdatomic.h>

#include "node/state/authority.h"
#include "node/state/labels.h"
#include "policy/subjects.h"

struct weft_authority_part {
    atomic_uint holders;
    struct weft_arena arena;
    /* One of these, by which member of the authority it is. */
    struct weft_org org;
    struct weft_subjects subjects; /* Of org. */
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
    struct weft_labels *labels;         /* NULL: none. */
};

/* With one holder, and nothing in it. WEFT_ENOMEM: NULL. */
struct weft_authority_part *weft_authority_part_create(size_t memory_max);
void weft_authority_part_release(struct weft_authority_part *part);
/* A new authority with the parts of the one before, of which one will be replaced. WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_authority_follow(
    const struct weft_authority *before, uint64_t index, struct weft_authority **ret_authority);

/* The same with these labels, which it shares. WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_authority_relabel(const struct weft_authority *before,
    uint64_t index, struct weft_labels *labels, struct weft_authority **ret_authority);

#endif
