/* policy/decide.h: may this principal do that? A request's facts in, a decision out.
 *
 * Decided under a compiled policy (policy/policy_file.h) in the replicated apply with the entry's
 * own time, so every replica decides alike. Nothing here allocates, reads a clock or fails: what is
 * not known is an error of the statement that asks, and never widens (README.md, Language). */
#ifndef WEFT_POLICY_DECIDE_H
#define WEFT_POLICY_DECIDE_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/principal.h"
#include "proto/bytes.h"
#include "proto/limits.h"

struct weft_policy;

/* The closed set. The words stand in policies and audit leaves: they never change. */
enum weft_policy_action {
    WEFT_ACTION_READ,
    WEFT_ACTION_SUBSCRIBE,
    WEFT_ACTION_WRITE,
    WEFT_ACTION_CREATE,
    WEFT_ACTION_RETIRE,
    WEFT_ACTION_SHARE,
    WEFT_ACTION_PROPOSE,
    WEFT_ACTION_APPROVE,
    WEFT_ACTION_CANCEL,
    WEFT_ACTION_TAKE_AUTHORITY,
    WEFT_ACTION_DISPATCH,
    WEFT_ACTION_ACK,
    WEFT_ACTION_WITNESS,
    WEFT_ACTION_REDACT,
    WEFT_ACTION_EXPORT,
    WEFT_ACTION_ADMIN_POLICY,
    WEFT_ACTION_ADMIN_KEYS,
    WEFT_ACTION_BREAK_GLASS,
    WEFT_ACTIONS
};

/* "read", "take-authority". Static storage. */
const char *weft_policy_action_name(enum weft_policy_action action);
/* False: no action is called so. */
bool weft_policy_action_parse(struct weft_text text, enum weft_policy_action *ret_action);

/* What a change of the policy itself is about; others of the site's own affairs: README, Actions.
 */
#define WEFT_POLICY_ASSET "weft:policy"
#define WEFT_POLICY_KIND "policy"

/* --- facts ------------------------------------------------------------------------------- */

/* Zeroed facts are unknown, which never widens. NONE says that the request has no such thing:
 * a selector of it is definitely false. */
enum weft_policy_presence {
    WEFT_FACT_UNKNOWN,
    WEFT_FACT_NONE,
    WEFT_FACT_GIVEN,
};

struct weft_policy_fact {
    enum weft_policy_presence presence;
    struct weft_text text; /* Read only if GIVEN. */
};

/* Of the `org` document: who has a role, and where. */
struct weft_policy_role {
    struct weft_text name;
    struct weft_text place; /* An asset, and everything below it; empty: everywhere. */
};

enum weft_policy_attr_type {
    WEFT_ATTR_BOOL,
    WEFT_ATTR_INT,
    WEFT_ATTR_TEXT,
};

struct weft_policy_attr {
    struct weft_text key;
    enum weft_policy_attr_type type;
    int64_t number;        /* BOOL (0, 1), INT */
    struct weft_text text; /* TEXT */
};

struct weft_policy_subject {
    const struct weft_principal *principal;
    struct weft_text person; /* Whose it is, where one person has several; empty: its own. */
    const struct weft_policy_role *roles;
    const struct weft_policy_attr *attrs; /* Each key once. */
    uint32_t role_count;
    uint32_t attr_count;
};

/* An approval whose signature was verified, and holds at the entry's index. */
struct weft_policy_approval {
    const struct weft_policy_subject *subject;
    int64_t time_ns; /* When it was signed. */
};

/* One in force between this organization and the subject's. */
struct weft_policy_agreement {
    struct weft_text name;
    uint64_t version;
};

/* All slices and arrays are borrowed until the call returns. More roles, attributes, labels or
 * agreements than WEFT_POLICY_FACTS_MAX are refused (WEFT_REASON_FACTS); of the approvals, the
 * first WEFT_POLICY_APPROVALS_MAX count. */
struct weft_policy_request {
    const struct weft_policy_subject *subject;
    struct weft_text org; /* Whose policy it is: who is of another one is foreign. */
    struct weft_text site;
    enum weft_policy_action action;
    struct weft_policy_fact asset;
    struct weft_policy_fact kind;
    struct weft_policy_fact verb;
    enum weft_policy_presence tier_presence;
    int64_t tier;
    enum weft_policy_presence labels_presence;
    const struct weft_text *labels;
    uint32_t label_count;
    struct weft_text envelope;                 /* Which the command names; empty: none. */
    const struct weft_text *further_envelopes; /* Which it names besides. */
    uint32_t further_envelope_count;
    int64_t time_ns; /* Of the entry, since 1970 UTC. */
    bool is_agreed;  /* Foreign subject: an agreement in force allows it as well. */
    const struct weft_policy_agreement *agreements;
    uint32_t agreement_count;
    const struct weft_policy_approval *approvals;
    uint32_t approval_count;
};

/* Verb, tier and labels are NONE. `place`: "<org>/<site>", whose policy it is, borrowed. */
struct weft_policy_request weft_policy_request_at(
    struct weft_text place, enum weft_policy_action action, int64_t time_ns);

/* --- decisions --------------------------------------------------------------------------- */

enum weft_policy_effect {
    WEFT_EFFECT_DENY,
    WEFT_EFFECT_NEEDS, /* Would be allowed, once what is unmet is met. */
    WEFT_EFFECT_ALLOW,
};

enum weft_policy_reason {
    WEFT_REASON_PERMIT,       /* ALLOW: `statement` permits it. */
    WEFT_REASON_UNMET,        /* NEEDS: `statement` is the first requirement that is not met. */
    WEFT_REASON_FORBID,       /* `statement` forbids it. */
    WEFT_REASON_NO_PERMIT,    /* Nothing permits it. */
    WEFT_REASON_NO_AGREEMENT, /* Permitted here; no agreement with the foreign subject allows it. */
    WEFT_REASON_NOT_IN_FORCE, /* Outside `valid`, and not admin-policy. */
    WEFT_REASON_FACTS,        /* More facts than WEFT_POLICY_FACTS_MAX. */
};

/* "permit", "unmet", "forbid", "no-permit", ... Static storage. */
const char *weft_policy_reason_name(enum weft_policy_reason reason);

enum {
    WEFT_POLICY_NO_STATEMENT = 0xffff
};

/* A set of statements by index. */
struct weft_policy_set {
    uint64_t words[WEFT_POLICY_STATEMENTS_MAX / 64];
};

struct weft_policy_decision {
    enum weft_policy_effect effect;
    enum weft_policy_reason reason;
    uint16_t statement; /* The first of the file that decided, or WEFT_POLICY_NO_STATEMENT. */
    uint32_t line;      /* Of it; 0: none. */
    bool is_by_error;   /* It applies because a fact is missing or of another type. */
    bool has_all;       /* Some permit has no `only`. */
    bool has_hide;      /* Something is hidden, perhaps. */
    bool has_doubt;     /* Of some statement it is not known whether it applies. Otherwise what is
                         * UNKNOWN does not matter: given, it would decide alike (POL-68). */
    uint32_t unmet_count;
    struct weft_policy_set applied; /* Satisfied permits; requires that match. */
    struct weft_policy_set unmet;   /* Of these, requires that are not met. */
};

/* Always decides; writes all of *ret_decision (POL-60). */
void weft_policy_decide(const struct weft_policy *policy, const struct weft_policy_request *request,
    struct weft_policy_decision *ret_decision);

/* Of a decision that is not ALLOW, never. `path` is a field's as in proto/record.h, or one of those
 * that start with '@' (README, Fields). O(log n) for n patterns and each of its segments. */
bool weft_policy_shows(const struct weft_policy *policy,
    const struct weft_policy_decision *decision, struct weft_text path);
/* ret_shown[i] tells of paths[i]; gives how many are hidden. */
uint32_t weft_policy_filter(const struct weft_policy *policy,
    const struct weft_policy_decision *decision, const struct weft_text *paths, uint32_t count,
    bool *ret_shown);
/* True: no field whatever would be hidden, so none need be asked for. */
static inline bool weft_policy_shows_all(const struct weft_policy_decision *decision)
{
    return decision->effect == WEFT_EFFECT_ALLOW && decision->has_all && !decision->has_hide;
}

/* What a require still waits for. Texts live as long as the policy. */
struct weft_policy_requirement {
    uint16_t statement;
    uint32_t line;
    struct weft_text name;
    uint32_t need_count;    /* Approvals; 0: none needed. */
    uint32_t have_count;    /* Those of the request that count. */
    struct weft_text group; /* Whose; as written. */
    bool not_proposer;
    bool distinct_persons;
    uint64_t within_s;         /* 0: however old. */
    struct weft_text envelope; /* Empty: any. */
    bool has_envelope;         /* The request names it. */
};

/* The first unmet requirement with an index of at least `from`; false: there is none. */
bool weft_policy_next_unmet(const struct weft_policy *policy,
    const struct weft_policy_request *request, const struct weft_policy_decision *decision,
    uint32_t from, struct weft_policy_requirement *ret_requirement);

#endif
