/* policy/lang_truth.h: what terms, clauses and statements say of a request. Private to the
 * language.
 *
 * False, true, or an error where a fact is not known (policy/README.md, Meaning). Nothing here
 * allocates. */
#ifndef WEFT_POLICY_LANG_TRUTH_H
#define WEFT_POLICY_LANG_TRUTH_H

#include "policy/lang.h"

/* What one decision remembers: groups, scopes and terms of statements are looked at once each,
 * however many statements have them. 0: not yet; else a truth plus 1. */
struct weft_lang_facts {
    const struct weft_policy *policy;
    const struct weft_policy_request *request;
    const struct weft_policy_subject *subject; /* The request's, or an approver. */
    bool is_foreign;
    bool has_memory;
    uint8_t definitions[WEFT_POLICY_DEFINITIONS_MAX];
    uint8_t terms[WEFT_LANG_REMEMBERED_MAX];
};

void weft_lang_facts_init(struct weft_lang_facts *f, const struct weft_policy *policy,
    const struct weft_policy_request *request);
enum weft_lang_truth weft_lang_term_truth(
    struct weft_lang_facts *f, const struct weft_lang_term *term);
/* Of one clause: `who` is the union of its terms, the others hold if all do. */
enum weft_lang_truth weft_lang_clause_truth(
    struct weft_lang_facts *f, uint32_t statement, enum weft_policy_clause clause);
/* Of who, on and when together. */
enum weft_lang_truth weft_lang_statement_truth(struct weft_lang_facts *f, uint32_t statement);
/* Does the request name that envelope? */
bool weft_lang_names_envelope(const struct weft_policy_request *request, struct weft_text envelope);
/* Approvals of the request that count for the statement's `need`. */
uint32_t weft_lang_approvals(struct weft_lang_facts *f, const struct weft_lang_statement *s);
bool weft_lang_is_met(struct weft_lang_facts *f, const struct weft_lang_statement *s);

#endif
