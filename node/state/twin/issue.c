#include "node/state/twin/issue.h"

#include "proto/arith.h"

#define NS_PER_DAY (86400.0 * 1e9)

static const char *const health_names[] = {"ok", "attention", "degraded", "failed"};
static const char *const kind_names[] = {"", "failure", "verdict", "nonconformance", "maintenance",
    "disposition", "warranty", "deviation", "out_of_date", "stale", "desired"};

const char *weft_health_name(enum weft_health health)
{
    return health_names[health];
}

const char *weft_issue_kind_name(enum weft_issue_kind kind)
{
    return kind_names[kind];
}

static struct weft_issue issue_of(enum weft_issue_kind kind, enum weft_health health,
    const struct weft_stored_record *stored, struct weft_text detail)
{
    return (struct weft_issue){.kind = kind,
        .health = health,
        .asset = stored->record.asset,
        .detail = detail,
        .since = weft_moment_of(stored)};
}

bool weft_issue_failure(const struct weft_stored_record *failure,
    const struct weft_stored_record *mended, struct weft_issue *ret_issue)
{
    if (failure == NULL) {
        return false;
    }
    struct weft_moment failed = weft_moment_of(failure);
    if (mended != NULL) {
        struct weft_moment since = weft_moment_of(mended);
        if (weft_moment_compare(&since, &failed) > 0) {
            return false;
        }
    }
    *ret_issue = issue_of(
        WEFT_ISSUE_FAILURE, WEFT_HEALTH_FAILED, failure, weft_fact_text(&failure->record, "mode"));
    return true;
}

bool weft_issue_verdict(const struct weft_stored_record *inspection, struct weft_issue *ret_issue)
{
    if (inspection == NULL) {
        return false;
    }
    struct weft_text verdict = weft_fact_text(&inspection->record, "verdict");
    enum weft_health health = weft_text_is(verdict, "BLOCK")         ? WEFT_HEALTH_FAILED
                              : weft_text_is(verdict, "FAIL")        ? WEFT_HEALTH_DEGRADED
                              : weft_text_is(verdict, "CONDITIONAL") ? WEFT_HEALTH_ATTENTION
                                                                     : WEFT_HEALTH_OK;
    if (health == WEFT_HEALTH_OK) {
        return false;
    }
    *ret_issue = issue_of(WEFT_ISSUE_VERDICT, health, inspection, verdict);
    return true;
}

static bool is_released(const struct weft_stored_record *disposition)
{
    return disposition != NULL &&
           (weft_fact_is_true(&disposition->record, "released") ||
               weft_text_is(weft_fact_text(&disposition->record, "status"), "released"));
}

bool weft_issue_nonconformance(const struct weft_stored_record *nonconformance,
    const struct weft_stored_record *disposition, struct weft_issue *ret_issue)
{
    if (nonconformance == NULL || is_released(disposition)) {
        return false;
    }
    struct weft_text status = weft_fact_text(&nonconformance->record, "status");
    if (weft_text_is(status, "cancelled")) {
        return false; /* Raised in error: there is nothing to decide. */
    }
    *ret_issue = issue_of(WEFT_ISSUE_NONCONFORMANCE, WEFT_HEALTH_DEGRADED, nonconformance, status);
    return true;
}

bool weft_issue_disposition(const struct weft_stored_record *nonconformance,
    const struct weft_stored_record *disposition, struct weft_issue *ret_issue)
{
    struct weft_issue open;
    if (disposition == NULL || !weft_issue_nonconformance(nonconformance, disposition, &open)) {
        return false;
    }
    *ret_issue = issue_of(WEFT_ISSUE_DISPOSITION, WEFT_HEALTH_ATTENTION, disposition,
        weft_fact_text(&disposition->record, "decision"));
    return true;
}

bool weft_issue_warranty(const struct weft_stored_record *claim, struct weft_issue *ret_issue)
{
    static const char *const ends[] = {"closed", "settled", "rejected", "cancelled", "resolved"};
    if (claim == NULL) {
        return false;
    }
    struct weft_text status = weft_fact_text(&claim->record, "status");
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        if (weft_text_is(status, ends[i])) {
            return false;
        }
    }
    *ret_issue = issue_of(WEFT_ISSUE_WARRANTY, WEFT_HEALTH_ATTENTION, claim, status);
    return true;
}

/* from + days, kept within the times there are. */
static int64_t add_days(int64_t from_ns, double days)
{
    double ns = days * NS_PER_DAY;
    if (ns >= 9e18 || ns <= -9e18) {
        return ns > 0 ? INT64_MAX : INT64_MIN;
    }
    int64_t step = (int64_t)ns;
    if (step > 0 && from_ns > INT64_MAX - step) {
        return INT64_MAX;
    }
    return step < 0 && from_ns < INT64_MIN - step ? INT64_MIN : from_ns + step;
}

bool weft_maintenance_due(const struct weft_stored_record *plan,
    const struct weft_stored_record *done, const struct weft_moment *built, int64_t *ret_due_ns)
{
    double days = 0;
    int64_t due_ns;
    int64_t plan_ns = plan->record.at_ns;
    bool has_interval = weft_fact_number(weft_fact_text(&plan->record, "interval_days"), &days);
    bool is_done_since = done != NULL && done->record.at_ns >= plan_ns;
    if (!is_done_since && weft_fact_time(&plan->record, "due", &due_ns)) {
        *ret_due_ns = due_ns;
        return true;
    }
    if (has_interval) {
        int64_t from = done != NULL ? done->record.at_ns : built != NULL ? built->at_ns : plan_ns;
        *ret_due_ns = add_days(from, days);
    }
    return has_interval;
}

bool weft_issue_maintenance(const struct weft_stored_record *plan,
    const struct weft_stored_record *done, const struct weft_moment *built, int64_t now_ns,
    struct weft_issue *ret_issue)
{
    int64_t due_ns;
    if (plan == NULL || !weft_maintenance_due(plan, done, built, &due_ns) || due_ns >= now_ns) {
        return false;
    }
    *ret_issue = issue_of(WEFT_ISSUE_MAINTENANCE, WEFT_HEALTH_DEGRADED, plan, WEFT_TEXT("overdue"));
    ret_issue->has_due = true;
    ret_issue->due_ns = due_ns;
    return true;
}
