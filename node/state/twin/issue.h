/* node/state/twin/issue.h: what is open about an asset, and the health that follows from it.
 *
 * Each rule takes the statements that bear on it and tells whether an issue is open, since when
 * and how grave. Health is the gravest open issue (NOD-309):
 *
 *   failed     a `failure` without a later `repair` or `replacement`; a last verdict of BLOCK
 *   degraded   a non-conformance without a released disposition; a last verdict of FAIL; overdue
 *              maintenance
 *   attention  a disposition that is not released; an open warranty claim; a last verdict of
 *              CONDITIONAL; a deviation that no concession covers; out of date; a reported
 *              property that is stale or not as desired
 *   ok         none of these; always so once retired
 */
#ifndef WEFT_NODE_STATE_TWIN_ISSUE_H
#define WEFT_NODE_STATE_TWIN_ISSUE_H

#include "node/state/twin/fact.h"

enum weft_health {
    WEFT_HEALTH_OK = 0,
    WEFT_HEALTH_ATTENTION,
    WEFT_HEALTH_DEGRADED,
    WEFT_HEALTH_FAILED,
};

enum weft_issue_kind {
    WEFT_ISSUE_FAILURE = 1,
    WEFT_ISSUE_VERDICT,
    WEFT_ISSUE_NONCONFORMANCE,
    WEFT_ISSUE_MAINTENANCE,
    WEFT_ISSUE_DISPOSITION,
    WEFT_ISSUE_WARRANTY,
    WEFT_ISSUE_DEVIATION,
    WEFT_ISSUE_OUT_OF_DATE,
    WEFT_ISSUE_STALE,
    WEFT_ISSUE_DESIRED,
    WEFT_ISSUE_KINDS
};

struct weft_issue {
    enum weft_issue_kind kind;
    enum weft_health health;
    struct weft_text asset;  /* Whose record says so. */
    struct weft_text detail; /* Verdict, status, name of a property; may be empty. */
    struct weft_moment since;
    bool has_due;
    int64_t due_ns; /* MAINTENANCE. */
};

const char *weft_health_name(enum weft_health health);
const char *weft_issue_kind_name(enum weft_issue_kind kind);

/* Each: false, and nothing written, if there is nothing open. NULL: no such statement. */

/* `failure`, `mended`: the newest in the order of truth. */
bool weft_issue_failure(const struct weft_stored_record *failure,
    const struct weft_stored_record *mended, struct weft_issue *ret_issue);
/* The newest inspection or test that gives a verdict, in the order of truth. */
bool weft_issue_verdict(const struct weft_stored_record *inspection, struct weft_issue *ret_issue);
/* The current statements of the non-conformance and of its disposition. */
bool weft_issue_nonconformance(const struct weft_stored_record *nonconformance,
    const struct weft_stored_record *disposition, struct weft_issue *ret_issue);
bool weft_issue_disposition(const struct weft_stored_record *nonconformance,
    const struct weft_stored_record *disposition, struct weft_issue *ret_issue);
bool weft_issue_warranty(const struct weft_stored_record *claim, struct weft_issue *ret_issue);
/* `done`: the newest maintenance that fulfils the plan; `built`: the first as-built record. Due
 * at `due` unless something was done at or after the plan was made; else `interval_days` after
 * what was done last, or after it was built, or after the plan was made. */
bool weft_issue_maintenance(const struct weft_stored_record *plan,
    const struct weft_stored_record *done, const struct weft_moment *built, int64_t now_ns,
    struct weft_issue *ret_issue);
/* The time at which work under the plan is due next. False: never. */
bool weft_maintenance_due(const struct weft_stored_record *plan,
    const struct weft_stored_record *done, const struct weft_moment *built, int64_t *ret_due_ns);

#endif
