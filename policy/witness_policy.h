/* policy/witness_policy.h: which logs are believed, and which witnesses have to have seen them:
 * the text of C2SP tlog-policy, and whether a checkpoint meets it. */
#ifndef WEFT_POLICY_WITNESS_POLICY_H
#define WEFT_POLICY_WITNESS_POLICY_H

#include "policy/checkpoint_note.h"
#include "policy/note.h"

enum {
    /* The standard recommends at least 32 of each. Together they fit in what one note may have. */
    WEFT_WITNESS_POLICY_LOGS_MAX = 32,
    WEFT_WITNESS_POLICY_WITNESSES_MAX = 32,
    WEFT_WITNESS_POLICY_GROUPS_MAX = 32,
    WEFT_WITNESS_POLICY_NODES_MAX =
        WEFT_WITNESS_POLICY_WITNESSES_MAX + WEFT_WITNESS_POLICY_GROUPS_MAX,
    WEFT_WITNESS_POLICY_VERIFIERS_MAX =
        WEFT_WITNESS_POLICY_LOGS_MAX + WEFT_WITNESS_POLICY_WITNESSES_MAX,
    WEFT_WITNESS_POLICY_SIZE_MAX = 64 * 1024, /* bytes; chosen: 96 long lines need a third */
    WEFT_WITNESS_POLICY_NONE = UINT16_MAX,    /* No node: the quorum "none", or in no group. */
};

/* A witness or a group, in the order of the text: a node stands before the group it is in. */
struct weft_witness_policy_node {
    struct weft_text name; /* Borrows the text. */
    struct weft_text url;  /* Of a witness; empty when there is none. */
    bool is_group;
    uint16_t verifier;  /* Of a witness: its index in verifiers. */
    uint16_t threshold; /* Of a group: members that have to have witnessed. */
    uint16_t group;     /* The node it is a member of, or NONE: of one at most. */
};

/* Borrows the text that was parsed. About 20 KiB. */
struct weft_witness_policy {
    struct weft_verifier verifiers[WEFT_WITNESS_POLICY_VERIFIERS_MAX]; /* In the text's order. */
    struct weft_text log_urls[WEFT_WITNESS_POLICY_VERIFIERS_MAX];      /* Of logs, alike. */
    uint16_t verifier_count;
    uint16_t log_count;
    struct weft_witness_policy_node nodes[WEFT_WITNESS_POLICY_NODES_MAX];
    uint16_t node_count;
    uint16_t quorum; /* A node, or NONE. */
};

/* `msg` names the line. WEFT_EMALFORMED: not as the standard has it. WEFT_EINVAL: a name or key
 * twice, an unknown name, a threshold, a key of the wrong kind, a key that is refused, no quorum.
 * WEFT_EVERSION: a type of key that we do not speak. WEFT_ETOOBIG: a limit. */
WEFT_MUST_USE enum weft_err weft_witness_policy_parse(
    struct weft_text text, struct weft_witness_policy *ret_policy, struct weft_msg *msg);

/* Whether the witnesses that are marked, by the index of their verifier, are a quorum. */
bool weft_witness_policy_is_met(
    const struct weft_witness_policy *policy, const struct weft_note_mark *marks);

/* A signed checkpoint is valid: signed by a log of the policy that has its origin for a name, and
 * cosigned by a quorum. ret_checkpoint borrows the note.
 *
 * As weft_note_parse, weft_checkpoint_note_parse and weft_note_verify; WEFT_EPEER: no log of that
 * origin signed it; WEFT_EREFUSED: no quorum of witnesses. */
WEFT_MUST_USE enum weft_err weft_witness_policy_verify(const struct weft_witness_policy *policy,
    struct weft_text note, struct weft_checkpoint_note *ret_checkpoint, struct weft_msg *msg);

#endif
