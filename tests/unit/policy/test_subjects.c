#include <stdio.h>
#include <string.h>

#include "policy/policy_file.h"
#include "policy/subjects.h"
#include "tests/lib/signers.h"
#include "tests/lib/test.h"

/* Whose a principal is, and that decisions count persons by it. */

enum {
    ATTRIBUTES = 4
};

/* Of the org document: `person` of three, and something else of one of them. Sorted. */
static struct weft_org org_with(struct weft_org_attribute attributes[ATTRIBUTES])
{
    static const struct {
        const char *principal, *name, *value;
    } said[ATTRIBUTES] = {
        {"oem.example/plant1/op/ann-laptop", "person", "ann"},
        {"oem.example/plant1/op/ann-phone", "person", "ann"},
        {"oem.example/plant1/op/ann-phone", "us-person", "true"},
        {"oem.example/plant1/op/bo-night", "person", "Bo of the night shift"},
    };
    struct weft_org org = signers_org();
    for (int i = 0; i < ATTRIBUTES; i++) {
        attributes[i] = (struct weft_org_attribute){signers_principal(said[i].principal),
            weft_text_of(said[i].name), weft_text_of(said[i].value)};
    }
    org.attributes = attributes;
    org.attribute_count = ATTRIBUTES;
    return org;
}

static const char *person_of(const struct weft_subjects *subjects, const char *name)
{
    static char text[128];
    struct weft_principal principal = signers_principal(name);
    struct weft_policy_subject subject;
    weft_subjects_find(subjects, &principal, &subject);
    (void)snprintf(text, sizeof(text), "%.*s", (int)subject.person.size,
        subject.person.size > 0 ? subject.person.data : "");
    return text;
}

TEST(subjects, of_several_principals_of_one_person_it_is_said_whose_they_are)
{
    struct weft_arena arena = {.size_max = 1 << 20};
    struct weft_org_attribute attributes[ATTRIBUTES];
    struct weft_org org = org_with(attributes);
    struct weft_subjects subjects;
    EXPECT_EQ(WEFT_OK, weft_subjects_make(&org, &arena, &subjects));
    EXPECT_TEXT("ann", person_of(&subjects, "oem.example/plant1/op/ann-laptop"));
    EXPECT_TEXT("ann", person_of(&subjects, "oem.example/plant1/op/ann-phone"));
    EXPECT_TEXT("ann", person_of(&subjects, "oem.example/plant1/op/ann")); /* Though not said. */
    EXPECT_TEXT("", person_of(&subjects, "oem.example/plant2/op/ann"));
    EXPECT_TEXT("", person_of(&subjects, "oem.example/plant1/op/bo"));
    EXPECT_TEXT("Bo of the night shift", person_of(&subjects, "oem.example/plant1/op/bo-night"));
    /* What else is said of them is as it was. */
    struct weft_principal phone = signers_principal("oem.example/plant1/op/ann-phone");
    struct weft_policy_subject subject;
    weft_subjects_find(&subjects, &phone, &subject);
    EXPECT_EQ(2, subject.attr_count);
    EXPECT_TRUE(weft_text_is(subject.attrs[1].key, "us-person"));
    for (uint32_t i = 1; i < subjects.count; i++) {
        EXPECT_TRUE(
            strcmp(subjects.list[i - 1].principal->name, subjects.list[i].principal->name) < 0);
    }
    weft_arena_destroy(&arena);
}

static enum weft_policy_effect decide(
    const struct weft_subjects *subjects, const char *proposer, const char *a, const char *b)
{
    static const char text[] =
        "policy p 1\n"
        "group all = op ann, op ann-laptop, op ann-phone, op bo, op bo-night\n"
        "permit propose\n  who  any\n  do   propose\n"
        "require two\n  do   propose\n"
        "  need 2 of all not proposer distinct-persons\n";
    struct weft_arena arena = {.size_max = WEFT_POLICY_MEMORY_MAX};
    const struct weft_policy *policy = NULL;
    struct weft_policy_decision decision;
    struct weft_policy_subject who, subject[2];
    struct weft_principal principals[3] = {
        signers_principal(proposer), signers_principal(a), signers_principal(b)};
    EXPECT_EQ(WEFT_OK, weft_policy_parse(weft_text_of(text), "p", &arena, &policy, NULL, NULL));
    weft_subjects_find(subjects, &principals[0], &who);
    weft_subjects_find(subjects, &principals[1], &subject[0]);
    weft_subjects_find(subjects, &principals[2], &subject[1]);
    const struct weft_policy_approval approvals[2] = {
        {&subject[0], SIGNERS_NOW_NS}, {&subject[1], SIGNERS_NOW_NS}};
    struct weft_policy_request request = weft_policy_request_at(
        WEFT_TEXT("oem.example/plant1"), WEFT_ACTION_PROPOSE, SIGNERS_NOW_NS);
    request.subject = &who;
    request.asset = (struct weft_policy_fact){WEFT_FACT_GIVEN, WEFT_TEXT("press7")};
    request.approvals = approvals;
    request.approval_count = 2;
    weft_policy_decide(policy, &request, &decision);
    weft_arena_destroy(&arena);
    return decision.effect;
}

/* ACT-4: under whatever names, a person counts once, and not for what is his own. */
TEST(subjects, person_under_several_names_approves_once_and_never_his_own)
{
    struct weft_arena arena = {.size_max = 1 << 20};
    struct weft_org_attribute attributes[ATTRIBUTES];
    struct weft_org org = org_with(attributes);
    struct weft_subjects subjects;
    EXPECT_EQ(WEFT_OK, weft_subjects_make(&org, &arena, &subjects));
#define P "oem.example/plant1/op/"
    EXPECT_EQ(WEFT_EFFECT_ALLOW, decide(&subjects, P "cy", P "ann", P "bo"));
    EXPECT_EQ(WEFT_EFFECT_NEEDS, decide(&subjects, P "cy", P "ann-laptop", P "ann-phone"));
    EXPECT_EQ(WEFT_EFFECT_NEEDS, decide(&subjects, P "cy", P "ann", P "ann-phone"));
    EXPECT_EQ(WEFT_EFFECT_NEEDS, decide(&subjects, P "ann", P "ann-phone", P "bo"));
    EXPECT_EQ(WEFT_EFFECT_NEEDS, decide(&subjects, P "ann-phone", P "ann", P "bo"));
    weft_arena_destroy(&arena);
}
