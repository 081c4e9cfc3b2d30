/* policy/command/proof_bundle.h: all that a gateway needs to act, and how it judges that.
 *
 *     weft-bundle/v1
 *     token 3 8812
 *     command 1187              a part: its size in bytes, a newline, and as many bytes
 *     approval 611              0 to 12
 *     envelope 1402             1 to 4, in the order in which the command names them: texts alone,
 *                               of which it has the digests
 *     leaf 402                  the leaf weft-audit/v1 of the intent
 *     proof 1290                C2SP tlog-proof: the leaf's place, hashes, and the signed
 * checkpoint
 *
 * Nothing in it is believed: command and approvals are signed by people, the leaf stands in a tree
 * whose checkpoint a majority of the site's nodes signed after they had applied it, and its place
 * in the log is the token. So no single node, the leader's key included, makes one (ACT-11). Pure:
 * what is trusted, and the time, are arguments. */
#ifndef WEFT_POLICY_COMMAND_PROOF_BUNDLE_H
#define WEFT_POLICY_COMMAND_PROOF_BUNDLE_H

#include "policy/audit_leaf.h"
#include "policy/command/approval_note.h"
#include "policy/command/envelope_note.h"
#include "policy/command/fence.h"
#include "policy/keyring.h"
#include "policy/signer.h"

enum {
    WEFT_COMMAND_APPROVALS_MAX = 12,         /* with the command, within the evidence of one leaf */
    WEFT_PROOF_BUNDLE_SIZE_MAX = 448 * 1024, /* four envelopes of 64 KiB, and the rest */
    WEFT_PROOF_AGE_MAX_MS = 5000,            /* specified: policy.md, 3: a leaf at most 5 s old */
    WEFT_PROOF_AHEAD_MAX_MS = 2000, /* chosen: by how much a gateway's clock may be behind */
    WEFT_COMMAND_SUBJECT_SIZE = 8 + 2 * WEFT_COMMAND_ID_SIZE + 1, /* "command:" and the id */
};

/* Acts and states of leaves on which a gateway acts. They never change. */
#define WEFT_PROOF_ACT_INTENT "command.intent"
#define WEFT_PROOF_ACT_SHADOW "command.shadow" /* On the shadow device alone. */
#define WEFT_PROOF_STATE_INTENT "INTENT"
#define WEFT_PROOF_STATE_SHADOW "SHADOW"

/* Borrows. Envelopes and the leaf are texts, command and approvals whole notes. */
struct weft_proof_bundle {
    struct weft_fence fence;
    struct weft_text command;
    uint32_t approval_count;
    uint32_t envelope_count;
    struct weft_text approvals[WEFT_COMMAND_APPROVALS_MAX];
    struct weft_text envelopes[WEFT_COMMAND_ENVELOPES_MAX];
    struct weft_text leaf;
    struct weft_text proof;
};

/* WEFT_EMALFORMED, WEFT_EINVAL, WEFT_ETOOBIG: `msg` names the part. What is in the parts is not
 * looked at. */
WEFT_MUST_USE enum weft_err weft_proof_bundle_parse(
    struct weft_text text, struct weft_proof_bundle *ret_bundle, struct weft_msg *msg);
/* Append the text. WEFT_ENOMEM, WEFT_ETOOBIG; on failure `out` is as before. */
WEFT_MUST_USE enum weft_err weft_proof_bundle_encode(
    const struct weft_proof_bundle *bundle, struct weft_buffer *out, struct weft_msg *msg);

/* The checkpoint that was verified last: intents that stand close together come under the same one,
 * and its signatures are most of what a bundle costs. Zero-initialized: none. */
struct weft_proof_seen {
    bool is_known;
    struct weft_digest note; /* SHA-256 of all its bytes. */
    struct weft_merkle_head head;
};

/* What a gateway was set up with. Borrowed. */
struct weft_proof_trust {
    struct weft_proof_seen *seen;     /* Of this trust alone; NULL: nothing is remembered. */
    struct weft_text origin;          /* Of the site's log: "<org>/<site>/audit". */
    const struct weft_verifier *logs; /* Of its nodes, under the origin's name. */
    uint32_t log_count;
    uint32_t log_needed;                  /* A majority of the site's nodes. */
    const struct weft_keyring *ring;      /* Of persons and programs. */
    uint64_t ring_index;                  /* At which their keys have to be valid. */
    const struct weft_principal *gateway; /* Who it is itself. */
    /* Approvals that a command of each tier has at least, whatever the policy says; not asked of
     * one that broke the glass. */
    uint8_t approvals_min[WEFT_COMMAND_TIER_MAX + 1];
};

/* Why a bundle is not acted on. The words are codes of receipts and never change. */
enum weft_proof_fault {
    WEFT_PROOF_SOUND,
    WEFT_PROOF_MALFORMED, /* A part is not what it claims to be. */
    WEFT_PROOF_ELSEWHERE, /* Of another log, or for another gateway. */
    WEFT_PROOF_SIGNATURE, /* Command or approval: not signed by whom it names. */
    WEFT_PROOF_APPROVALS, /* Of another command, by the proposer, twice, expired, or too few. */
    WEFT_PROOF_ENVELOPE,  /* Not the ones that the command names. */
    WEFT_PROOF_LEAF,      /* Not the intent of this command under this token. */
    WEFT_PROOF_TREE,      /* The leaf is not in the tree of the checkpoint. */
    WEFT_PROOF_QUORUM,    /* Too few nodes signed the checkpoint. */
    WEFT_PROOF_STALE,     /* The leaf is too old, or of the future. */
    WEFT_PROOF_WINDOW,    /* Outside the command's own time. */
    WEFT_PROOF_FAULTS
};

/* "malformed", "elsewhere", "signature", ... Static storage. */
const char *weft_proof_fault_name(enum weft_proof_fault fault);

/* What came out of a bundle that is sound. Texts borrow the bundle's. */
struct weft_proof {
    struct weft_command_note command;
    uint32_t approval_count;
    uint32_t envelope_count;
    struct weft_approval_note approvals[WEFT_COMMAND_APPROVALS_MAX];
    struct weft_envelope_note envelopes[WEFT_COMMAND_ENVELOPES_MAX];
    struct weft_audit_leaf leaf;
    bool is_shadow; /* The leaf is of the shadow stage, or the command of mode shadow. */
};

/* Everything but the fence, which is the caller's to compare and to keep (ACT-12), and the limits
 * (envelope_check.h). *ret_fault is always stored. Costs a signature's check for the command, each
 * approval and each line of the checkpoint: some 60 us each. About 70 KiB in *ret_proof.
 * WEFT_EREFUSED: the fault; ret_proof is then not to be read. WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_proof_bundle_verify(const struct weft_proof_bundle *bundle,
    const struct weft_proof_trust *trust, int64_t now_ns, struct weft_proof *ret_proof,
    enum weft_proof_fault *ret_fault, struct weft_msg *msg);

/* "command:" and the id in hexadecimal digits: asset of its records, subject of its leaves. */
void weft_command_subject(
    const uint8_t id[WEFT_COMMAND_ID_SIZE], char ret_subject[WEFT_COMMAND_SUBJECT_SIZE]);
/* False: not such a name. */
bool weft_command_subject_parse(struct weft_text subject, uint8_t ret_id[WEFT_COMMAND_ID_SIZE]);

#endif
