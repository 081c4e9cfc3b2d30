/* policy/audit_leaf.h: one leaf of the audit log: the text "weft-audit/v1".
 *
 * A leaf says that something governed happened, where in the replicated log, and which statement
 * decided. It holds commitments and pseudonyms, never what they stand for (evidence.h). Keys come
 * in one order, each once, evidence apart; what does not apply is left out; one leaf has one text.
 */
#ifndef WEFT_POLICY_AUDIT_LEAF_H
#define WEFT_POLICY_AUDIT_LEAF_H

#include <stdbool.h>

#include "policy/tile.h"

enum {
    WEFT_AUDIT_WORD_SIZE_MAX = 63, /* an act, a statement's name, a state; as principals' parts */
    WEFT_AUDIT_SUBJECT_SIZE_MAX = 255, /* as assets */
    WEFT_AUDIT_EVIDENCE_MAX = 16,      /* commitments; chosen: a command and ten approvals fit */
};

/* Acts whose evidence is kept (evidence.h): "authority.policy", "authority.org.fork". The others'
 * commitments are digests of what stands in the log. Words of leaves never change. */
#define WEFT_AUDIT_ACT_AUTHORITY "authority."
/* What destroyed evidence: the commitments are those of the blobs, if this is the subject. */
#define WEFT_AUDIT_ACT_REDACT "redact"
#define WEFT_AUDIT_SUBJECT_EVIDENCE "evidence"

enum weft_audit_effect {
    WEFT_AUDIT_NO_DECISION, /* Policy was not asked: a start, a clock step. */
    WEFT_AUDIT_ALLOW,
    WEFT_AUDIT_DENY,
    WEFT_AUDIT_EFFECTS
};

/* Texts borrow what was parsed. Line by line:
 *
 *     weft-audit/v1
 *     n 1187                                       number
 *     entry 3 8812                                 term, index
 *     time 2026-03-01T08:00:00Z                    time_ns
 *     act command.approve                          act
 *     actor sha256:...                             actor, a pseudonym
 *     subject plant1/line2/press7                  subject
 *     decision allow setpoint@42:17                effect, statement, version, line
 *     count 12                                     count, if it is not 1
 *     state PROPOSED APPROVED                      from, to
 *     evidence sha256:...                          evidence, ascending
 */
struct weft_audit_leaf {
    uint64_t number; /* Its place in the audit log, from 0. */
    uint64_t term;   /* Of the entry of the replicated log. */
    uint64_t index;
    int64_t time_ns;      /* The entry's. */
    struct weft_text act; /* a-z 0-9 . - */
    bool has_actor;
    struct weft_digest actor;
    struct weft_text subject; /* Empty: none. No control characters. */
    enum weft_audit_effect effect;
    struct weft_text statement; /* Empty: none decided (deny by default). A-Z a-z 0-9 . - _ */
    uint64_t version;           /* Of the policy, and the line; of a statement alone. */
    uint64_t line;
    uint64_t count;        /* Acts alike that this leaf stands for, from 1. */
    struct weft_text from; /* Empty with `to`: no state changed. A-Z a-z 0-9 - _ */
    struct weft_text to;
    uint32_t evidence_count;
    struct weft_digest evidence[WEFT_AUDIT_EVIDENCE_MAX];
};

/* Append the text. WEFT_EINVAL: a value breaks the rules above; WEFT_ENOMEM, WEFT_ETOOBIG. On
 * failure `out` is as before. */
WEFT_MUST_USE enum weft_err weft_audit_leaf_encode(
    const struct weft_audit_leaf *leaf, struct weft_buffer *out, struct weft_msg *msg);
/* Exactly what encode gives. WEFT_EMALFORMED: `msg` names the line. WEFT_EVERSION: another first
 * line. */
WEFT_MUST_USE enum weft_err weft_audit_leaf_parse(
    struct weft_text text, struct weft_audit_leaf *ret_leaf, struct weft_msg *msg);

/* Are blobs kept of what it commits to? Does it say that blobs were redacted? */
bool weft_audit_leaf_keeps_blobs(const struct weft_audit_leaf *leaf);
bool weft_audit_leaf_redacts_blobs(const struct weft_audit_leaf *leaf);

/* What one leaf after another has to keep to. Zero-initialized before the first. */
struct weft_audit_order {
    uint64_t next; /* Number of the next leaf. */
    uint64_t term;
    uint64_t index;
    int64_t time_ns;
};

/* POL-50: numbers are places; the entry, its term and its time never go back.
 * WEFT_EMALFORMED: it does not follow; `order` is unchanged. */
WEFT_MUST_USE enum weft_err weft_audit_order_step(
    struct weft_audit_order *order, const struct weft_audit_leaf *leaf, struct weft_msg *msg);

#endif
