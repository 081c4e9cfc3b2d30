/* tests/unit/policy/policy_rig.h: a small world of persons and requests, in the naive evaluator's
 * words and in the engine's, and policies of which to ask both. */
#ifndef WEFT_TESTS_UNIT_POLICY_POLICY_RIG_H
#define WEFT_TESTS_UNIT_POLICY_POLICY_RIG_H

#include "policy/decide.h"
#include "policy/policy_file.h"
#include "tests/unit/policy/naive_policy.h"

enum {
    RIG_PERSONS = 9,
    RIG_FIELDS = 12,
};

extern const struct naive_person rig_persons[RIG_PERSONS];
extern const char *const rig_fields[RIG_FIELDS];

/* The engine's view of a naive request. Points into itself and into the request. */
struct rig_subject {
    struct weft_principal principal;
    struct weft_policy_role roles[NAIVE_FEW];
    struct weft_policy_attr attrs[NAIVE_FEW];
    struct weft_policy_subject subject;
};

struct rig_request {
    struct weft_policy_request request;
    struct rig_subject who;
    struct rig_subject approvers[NAIVE_FEW];
    struct weft_policy_approval approvals[NAIVE_FEW];
    struct weft_policy_agreement agreements[NAIVE_FEW];
    struct weft_text labels[NAIVE_FEW];
};

void rig_subject_of(const struct naive_person *person, struct rig_subject *ret_subject);
void rig_request_of(const struct naive_request *naive, struct rig_request *ret_request);

/* Compiled, or the test fails with the message and the text. */
const struct weft_policy *rig_parse(const char *text, struct weft_arena *arena);
/* The place and message with which the text is refused; "" if it is not. */
const char *rig_refusal(const char *text);

/* "allow", "needs", or the reason's name. */
const char *rig_answer(const struct weft_policy_decision *decision);
const char *rig_decide(const struct weft_policy *policy, const struct naive_request *request);
/* Engine and naive evaluator of one request, fields included; prints both and fails otherwise. */
void rig_agree(const struct weft_policy *policy, const struct naive_policy *naive,
    const struct naive_request *request, const char *text);

/* Drawn with test_random. */
struct naive_request rig_draw_request(void);
/* A policy of up to `statements`, terminated. */
enum {
    RIG_TEXT_SIZE = 8192
};
void rig_draw_policy(unsigned statements, char ret_text[RIG_TEXT_SIZE]);
/* One statement with its name; 0 permit, 1 forbid, 2 require. */
void rig_draw_statement(unsigned kind, unsigned number, char *text, size_t size);
extern const char rig_preamble[];

#endif
