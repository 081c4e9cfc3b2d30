/* node/state/permit.h: may this commit be made? The policy in force, asked of each record.
 *
 * Asked by apply before anything else is told of a commit, so that a refusal says nothing of what
 * is there. A pure function of what governs, the commit and the state: every replica refuses alike,
 * under the same correlation id. What came by a signed note is held to the keyring in force, too.
 * Which action a record asks for: policy/README.md, Actions. Records of kind `authority` are asked
 * by their signatures instead (node/state/authority.h), and so are those of node/state/commands.h.
 */
#ifndef WEFT_NODE_STATE_PERMIT_H
#define WEFT_NODE_STATE_PERMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "node/state/authority.h"
#include "node/state/names.h"
#include "node/state/persons.h"
#include "policy/decide.h"
#include "proto/err.h"
#include "proto/record.h"

enum {
    WEFT_PERMIT_CORRELATION_SIZE = 17, /* 16 hexadecimal digits, terminated. */
};

/* Who commits, where. */
struct weft_permit {
    const struct weft_authority *authority; /* In force at the index. */
    struct weft_persons *persons;
    struct weft_text site;              /* "<org>/<site>" */
    struct weft_text principal;         /* URI. */
    const struct weft_warrant *warrant; /* By which it is his; NULL: by a certificate. */
    uint64_t index;
    uint32_t item; /* Of the entry. */
    int64_t time_ns;
    bool with_text; /* False: the denial's detail is not made. */
};

/* What decided, as the audit log says it. */
struct weft_ground {
    bool is_decided;            /* False: nothing was asked for. */
    struct weft_text statement; /* Empty: none decided. Lives as long as the authority. */
    uint64_t version;           /* Of the policy, and the line; of a statement alone. */
    uint32_t line;
};

struct weft_denial {
    bool is_denied;
    uint32_t record; /* The first that is. */
    enum weft_policy_action action;
    /* No policy, or nobody's principal: DENY, NO_PERMIT. */
    struct weft_policy_decision decision;
    /* Of the denial; if there is none, of the first record that something was asked for. */
    struct weft_ground ground;
    /* For whoever asks: what to ask somebody with who may know why. */
    char correlation[WEFT_PERMIT_CORRELATION_SIZE];
    char pointer[32];
    struct weft_msg detail; /* Explains to those alone who may read the policy. */
};

/* Ungoverned: nothing is denied. WEFT_ECORRUPT, WEFT_EIO, WEFT_ENOMEM: of weft_names_find. */
WEFT_MUST_USE enum weft_err weft_permit_check(const struct weft_permit *permit,
    struct weft_names *names, const struct weft_commit *commit, struct weft_denial *ret_denial,
    struct weft_msg *msg);

/* May whoever commits read all of the asset, of whatever kind? So what is there may be told in
 * errors. Ungoverned: yes. */
bool weft_permit_knows(const struct weft_permit *permit, struct weft_text asset);

/* What a commit of the record asks for; `rev` is its asset's revision before, 0: none. */
enum weft_policy_action weft_permit_action(const struct weft_record *record, uint64_t rev);

#endif
