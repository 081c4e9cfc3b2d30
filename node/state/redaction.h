/* node/state/redaction.h: what records of the kinds `redaction` and `retention_hold` ask for. Pure.
 *
 * A redaction stands on the asset whose record it is about: attributes `kind` and `index` of the
 * record, `path` of the field (or of all below it), and `reason`; or on `weft:audit`, with the
 * commitment of an evidence blob as `evidence`, and `reason`. A hold stands on the asset that it
 * protects: `name`, and `until` (RFC 3339), or neither end; `released` true ends it. */
#ifndef WEFT_NODE_STATE_REDACTION_H
#define WEFT_NODE_STATE_REDACTION_H

#include <stdbool.h>

#include "proto/digest.h"
#include "proto/record.h"

#define WEFT_REDACTION_KIND "redaction"
#define WEFT_HOLD_KIND "retention_hold"
#define WEFT_AUDIT_ASSET "weft:audit"
#define WEFT_AUDIT_KIND "audit"

struct weft_redaction {
    bool is_evidence; /* Then evidence alone; else the others. */
    struct weft_digest evidence;
    struct weft_text kind;
    uint64_t index;
    struct weft_text path;
};

struct weft_hold {
    struct weft_text name;
    int64_t until_ns; /* WEFT_EVIDENCE_FOREVER: no end. */
    bool is_released;
};

/* WEFT_EINVAL: it is none. */
WEFT_MUST_USE enum weft_err weft_redaction_read(
    const struct weft_record *record, struct weft_redaction *ret_redaction, struct weft_msg *msg);
WEFT_MUST_USE enum weft_err weft_hold_read(
    const struct weft_record *record, struct weft_hold *ret_hold, struct weft_msg *msg);

/* The kind that the policy is asked for: that of the record that is redacted. */
struct weft_text weft_redaction_kind(const struct weft_record *record);
/* Has the commit such a record? */
bool weft_redaction_is(const struct weft_commit *commit);
/* May the bytes of an entry (proto/entry.h) hold one? Cheap, and never a wrong no. */
bool weft_redaction_may_be(struct weft_bytes entry);

#endif
