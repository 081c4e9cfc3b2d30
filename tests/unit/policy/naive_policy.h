/* tests/unit/policy/naive_policy.h: the policy language again, naively.
 *
 * Written from the text of the rules (shared design, policy.md, section 2; policy/README.md,
 * Language), not from the engine: it keeps a policy as words and reads them anew for each request,
 * without index, limits or messages. It shares nothing with policy/. For texts that are known to be
 * policies. */
#ifndef WEFT_TESTS_UNIT_POLICY_NAIVE_POLICY_H
#define WEFT_TESTS_UNIT_POLICY_NAIVE_POLICY_H

#include <stdbool.h>
#include <stdint.h>

enum {
    NAIVE_WORDS = 48,
    NAIVE_LINES = 64,
    NAIVE_FEW = 6,
};

struct naive_role {
    const char *name;
    const char *place; /* "": everywhere */
};

struct naive_attr {
    const char *key;
    const char *value; /* true, 7, or 'text */
};

struct naive_person {
    const char *class, *org, *site, *name;
    const char *person; /* "": itself */
    struct naive_role roles[NAIVE_FEW];
    struct naive_attr attrs[NAIVE_FEW];
};

struct naive_approval {
    const struct naive_person *who;
    int64_t time_s;
};

struct naive_agreement {
    const char *name;
    int version;
};

/* Of a text: NULL is not known, "" is that there is none. */
struct naive_request {
    const struct naive_person *who;
    const char *org, *site;
    const char *action;
    const char *asset, *kind, *verb, *tier;
    bool knows_labels;
    const char *labels[NAIVE_FEW];
    const char *envelope;
    int64_t time_s;
    bool is_agreed;
    struct naive_agreement agreements[NAIVE_FEW];
    struct naive_approval approvals[NAIVE_FEW];
};

struct naive_line {
    char words[NAIVE_WORDS][64]; /* A quoted one begins with '\''. */
    int count;
};

struct naive_policy {
    struct naive_line lines[NAIVE_LINES];
    int count;
};

void naive_parse(const char *text, struct naive_policy *ret_policy);
/* "allow", "needs", "forbid", "no-permit", "no-agreement", "not-in-force". */
const char *naive_decide(const struct naive_policy *policy, const struct naive_request *request);
/* Of a request that is allowed. */
bool naive_shows(
    const struct naive_policy *policy, const struct naive_request *request, const char *field);

#endif
