/* policy/explain.h: why a decision was taken: the statement that decided, and near misses.
 *
 * A near miss is a permit that names the action and of which `who` or `on` holds: with its first
 * condition that does not hold. For those who may read the policy; others get an opaque code. */
#ifndef WEFT_POLICY_EXPLAIN_H
#define WEFT_POLICY_EXPLAIN_H

#include "policy/decide.h"
#include "policy/policy_file.h"

enum weft_policy_clause {
    WEFT_CLAUSE_WHO,
    WEFT_CLAUSE_ON,
    WEFT_CLAUSE_WHEN,
};

struct weft_policy_miss {
    uint16_t statement;
    enum weft_policy_clause clause;
    struct weft_policy_place place; /* Of the condition in the text. */
    bool is_error;                  /* A fact is missing or of another type; else: false. */
};

/* In the order of the file; gives how many there are, of which ret_misses has up to `max`. */
uint32_t weft_policy_misses(const struct weft_policy *policy,
    const struct weft_policy_request *request, struct weft_policy_miss *ret_misses, uint32_t max);

/* Append a text for people: the effect, the statement with its line and citation, what is unmet,
 * and near misses of a request that was not permitted. WEFT_ETOOBIG, WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_policy_explain(const struct weft_policy *policy,
    const struct weft_policy_request *request, const struct weft_policy_decision *decision,
    struct weft_buffer *out);

#endif
