/* node/state/audit_acts.h: what apply does, as acts of the audit log: which word, whose, why.
 *
 * The words stand in leaves: they never change. node/state/README.md, The audit log, has them.
 * Documents: WEFT_AUDIT_ACT_AUTHORITY and which, "authority.policy"; of one that was refused its
 * fault behind it. */
#ifndef WEFT_NODE_STATE_AUDIT_ACTS_H
#define WEFT_NODE_STATE_AUDIT_ACTS_H

#include "node/state/audit.h"
#include "node/state/govern.h"
#include "node/state/notice.h"
#include "node/state/permit.h"
#include "node/state/redact.h"
#include "policy/audit_leaf.h"
#include "proto/read_report.h"
#include "proto/record.h"

#define WEFT_AUDIT_ACT_COMMIT "commit"
#define WEFT_AUDIT_ACT_REFUSED "commit." /* And what was asked for: "commit.write". */
#define WEFT_AUDIT_ACT_MEMBERS "members"
#define WEFT_AUDIT_ACT_READ "read."           /* And a label: "read.itar". */
#define WEFT_AUDIT_ACT_SUBSCRIBE "subscribe." /* The same of a feed. */
#define WEFT_AUDIT_ACT_CLOCK_BEHIND "clock.behind"
#define WEFT_AUDIT_ACT_DISCLOSED "partner.disclosed" /* Of statements that are told again. */
#define WEFT_AUDIT_ACT_ERASED "partner.erased"
#define WEFT_AUDIT_ACT_PARTNER_REFUSED "partner.refused" /* Of one by local policy. */
/* Of offers: what came from partners. Subject: "AGREEMENT version 2"; evidence: its digest. */
#define WEFT_AUDIT_ACT_OFFERED "partner.offered"
#define WEFT_AUDIT_ACT_AGREED "partner.agreed"
#define WEFT_AUDIT_ACT_WITHDRAWN "partner.withdrawn"
#define WEFT_AUDIT_ACT_DECLINED "partner.declined"
/* And of commands: weft_command_act_name, and these two. */
#define WEFT_AUDIT_ACT_ENVELOPE "envelope"
#define WEFT_AUDIT_ACT_HANDOVER "handover"

/* Entries that are so far behind the one before them are counted. Chosen: synchronized clocks are
 * never that far apart. */
#define WEFT_AUDIT_CLOCK_BEHIND_NS INT64_C(1000000000)

struct weft_offers_deed;
struct weft_streams_note;

/* Where acts go. Zero-initialized `ground`: nothing decided. All: WEFT_ENOMEM, WEFT_ETOOBIG. */
struct weft_audit_acts {
    struct weft_audit *audit;
    struct weft_store_batch *batch;
    struct weft_text principal; /* Who asked. */
    struct weft_ground ground;
    struct weft_msg *msg;
};

/* `statements`: of its records, as leaves of a tree, so that one of them can be shown alone. */
WEFT_MUST_USE enum weft_err weft_audit_acts_commit(
    const struct weft_audit_acts *acts, const struct weft_merkle_range *statements);
/* Counted. */
WEFT_MUST_USE enum weft_err weft_audit_acts_denied(
    const struct weft_audit_acts *acts, enum weft_policy_action action);

/* One for each record of kind `authority`, with the note as evidence. */
WEFT_MUST_USE enum weft_err weft_audit_acts_authority(
    const struct weft_audit_acts *acts, const struct weft_commit *commit);
/* One that was refused, counted; the note of the first is kept. */
WEFT_MUST_USE enum weft_err weft_audit_acts_authority_refused(const struct weft_audit_acts *acts,
    const struct weft_commit *commit, const struct weft_refusal *refusal);

/* Behind the leaf of its commit; subject: the index of the record, or "evidence". */
WEFT_MUST_USE enum weft_err weft_audit_acts_redacted(
    const struct weft_audit_acts *acts, const struct weft_redacted *redacted);
/* A statement was told again, to a partner or by one; or the policy refused one. Subject:
 * "AGREEMENT sent 17", its leaf; evidence: the leaves of its fields that were disclosed or erased;
 * the statement. */
WEFT_MUST_USE enum weft_err weft_audit_acts_told(
    const struct weft_audit_acts *acts, const struct weft_streams_note *note);
WEFT_MUST_USE enum weft_err weft_audit_acts_offer(
    const struct weft_audit_acts *acts, const struct weft_offers_deed *deed);
/* What is labelled was read: counted, for each label. */
WEFT_MUST_USE enum weft_err weft_audit_acts_reads(
    const struct weft_audit_acts *acts, const struct weft_read_report *report);
WEFT_MUST_USE enum weft_err weft_audit_acts_members(
    const struct weft_audit_acts *acts, struct weft_bytes configuration);
WEFT_MUST_USE enum weft_err weft_audit_acts_notice(
    const struct weft_audit_acts *acts, const struct weft_notice *notice);
/* An entry's time was behind that of the one before it: counted, if it was by much. */
WEFT_MUST_USE enum weft_err weft_audit_acts_clock(
    const struct weft_audit_acts *acts, int64_t before_ns, int64_t time_ns);

#endif
