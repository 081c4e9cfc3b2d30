/* policy/policy_file.h: a policy as text, compiled; and written again in its canonical form.
 *
 * One readable, line-oriented file of permits, forbids and requires (policy/README.md, Language).
 * Compiling is a pure function of the bytes: replicas that agree on the text agree on every
 * decision. A compiled policy is immutable and lies in the caller's arena; decisions are
 * policy/decide.h's. */
#ifndef WEFT_POLICY_POLICY_FILE_H
#define WEFT_POLICY_POLICY_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/bytes.h"
#include "proto/digest.h"
#include "proto/err.h"
#include "proto/limits.h"

struct weft_policy;

/* Both from 1; a column counts bytes, as those of JSON texts do. */
struct weft_policy_place {
    uint32_t line;
    uint32_t column;
};

enum weft_policy_statement_kind {
    WEFT_STATEMENT_PERMIT,
    WEFT_STATEMENT_FORBID,
    WEFT_STATEMENT_REQUIRE,
};

struct weft_policy_head {
    struct weft_text name;
    uint64_t version;        /* From 1. */
    struct weft_digest prev; /* Of the version before; zeros: this is the first. */
    bool has_valid;
    int64_t valid_from_ns; /* Both inclusive. */
    int64_t valid_to_ns;
    struct weft_digest digest; /* SHA-256 of the text. */
};

struct weft_policy_statement {
    enum weft_policy_statement_kind kind;
    struct weft_text name;
    uint32_t line;
    struct weft_text cite; /* Empty: none. */
};

/* What the worst request costs. A step is a statement, term, group member, approval or node of an
 * index that is looked at. */
struct weft_policy_bounds {
    uint32_t statements;
    uint32_t definitions; /* Groups and scopes. */
    uint32_t terms;
    uint32_t depth;           /* Of groups and scopes within each other. */
    uint32_t steps_max;       /* Of one decision; at most WEFT_POLICY_STEPS_MAX. */
    uint32_t field_steps_max; /* Of one field; at most WEFT_POLICY_STEPS_MAX. */
    enum weft_policy_statement_kind worst_kind; /* The dearest statement, for the report. */
    struct weft_text worst_name;
    uint32_t worst_steps;
};

/* Compile. *ret_policy and all it refers to lie in `arena` (size_max WEFT_POLICY_MEMORY_MAX is
 * enough for any text within the limits), also a copy of the text. On failure `msg` is
 * "FILE:LINE:COLUMN: expected ..., found ..." (`file` is any name for people) and *ret_place, if
 * it is not NULL, the same place.
 *
 * WEFT_EINVAL: not a policy. WEFT_EMALFORMED: not UTF-8, or control characters. WEFT_ETOOBIG: a
 * limit, or over WEFT_POLICY_STEPS_MAX. WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_policy_parse(struct weft_text text, const char *file,
    struct weft_arena *arena, const struct weft_policy **ret_policy,
    struct weft_policy_place *ret_place, struct weft_msg *msg);

const struct weft_policy_head *weft_policy_head(const struct weft_policy *policy);
const struct weft_policy_bounds *weft_policy_bounds(const struct weft_policy *policy);
/* `index` below weft_policy_bounds()->statements. */
struct weft_policy_statement weft_policy_statement(
    const struct weft_policy *policy, uint32_t index);
/* "permit", "forbid", "require". Static storage. */
const char *weft_policy_statement_kind_name(enum weft_policy_statement_kind kind);

/* Append the canonical form: no comments, one blank, clauses in one order, definitions before
 * statements. It compiles to a policy that decides alike and prints as the same text (POL-63).
 * WEFT_ETOOBIG, WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_policy_print(
    const struct weft_policy *policy, struct weft_buffer *out);

/* What of an asset decides: its first segments, as far as patterns look, and a '/' if there is
 * more. Assets alike in it and in their labels are decided alike (POL-69). */
struct weft_text weft_policy_asset_class(const struct weft_policy *policy, struct weft_text asset);

#endif
