/* What a new policy would change: differences, past requests, persons, admins. */
#include <stdio.h>
#include <string.h>

#include "policy/policy_change.h"
#include "policy/policy_trial.h"
#include "tests/lib/test.h"
#include "tests/unit/policy/policy_rig.h"

static struct weft_arena arena = {.size_max = WEFT_POLICY_MEMORY_MAX};

static const struct weft_policy *parse(const char *statements)
{
    static char text[RIG_TEXT_SIZE];
    (void)snprintf(text, sizeof(text), "policy p 1\n%s", statements);
    return rig_parse(text, &arena);
}

/* "DIRECTION WHAT" by lines. */
static const char *diff(const char *old, const char *new)
{
    static struct weft_buffer out;
    struct weft_policy_differences d;
    weft_arena_reset(&arena);
    const struct weft_policy *policies[2] = {parse(old), parse(new)};
    EXPECT_EQ(WEFT_OK, weft_policy_diff(policies[0], policies[1], &arena, &d));
    weft_buffer_clear(&out);
    for (uint32_t i = 0; i < d.count; i++) {
        EXPECT_EQ(WEFT_OK,
            weft_buffer_format(&out, "%s %.*s\n", weft_policy_direction_name(d.items[i].direction),
                (int)d.items[i].what.size, d.items[i].what.data));
    }
    EXPECT_EQ(WEFT_OK, weft_buffer_append(&out, "", 1));
    return (const char *)out.data;
}

#define PERMIT "permit a\n who op x\n do read\n"
#define REQUIRE "require a\n do read\n need 2 of role lead within 10m\n"

TEST(policy_change, each_clause_is_told_with_its_direction)
{
    EXPECT_TEXT("", diff(PERMIT, PERMIT));
    EXPECT_TEXT("widens permit a: added\n", diff("", PERMIT));
    EXPECT_TEXT("narrows permit a: removed\n", diff(PERMIT, ""));
    EXPECT_TEXT("narrows forbid a: added\n", diff("", "forbid a\n do read\n"));
    EXPECT_TEXT(
        "widens permit a: who: added op y\n", diff(PERMIT, "permit a\n who op x op y\n do read\n"));
    EXPECT_TEXT("widens permit a: do: added write\n",
        diff(PERMIT, "permit a\n who op x\n do read write\n"));
    EXPECT_TEXT("narrows permit a: on: added kind k\n", diff(PERMIT, PERMIT " on kind k\n"));
    EXPECT_TEXT("widens permit a: when: removed time 06:00..22:00 Z\n",
        diff(PERMIT " when time 06:00..22:00 Z\n", PERMIT));
    EXPECT_TEXT("narrows permit a: only: some fields alone are shown now\n",
        diff(PERMIT, PERMIT " only fields f\n"));
    EXPECT_TEXT("widens permit a: only: added g\n",
        diff(PERMIT " only fields f\n", PERMIT " only fields f g\n"));
    EXPECT_TEXT(
        "widens permit a: hide: removed g\n", diff(PERMIT " hide f g\n", PERMIT " hide f\n"));
    EXPECT_TEXT("changes permit a: who: added op y\n",
        diff(PERMIT " hide f\n", "permit a\n who op x op y\n do read\n hide f\n"));
    EXPECT_TEXT("widens permit a: who: replaced\n", diff(PERMIT, "permit a\n who any\n do read\n"));
    EXPECT_TEXT("widens forbid a: who: replaced\n",
        diff("forbid a\n do read\n", "forbid a\n who op x\n do read\n"));
    EXPECT_TEXT("narrows forbid a: who: removed op x\nwidens forbid a: who: added op y\n",
        diff("forbid a\n who not op x\n do read\n", "forbid a\n who not op y\n do read\n"));
    EXPECT_TEXT("same permit a: cite: another text\n", diff(PERMIT, PERMIT " cite \"c\"\n"));
    EXPECT_TEXT("narrows permit a: removed\nnarrows forbid a: added\n",
        diff(PERMIT, "forbid a\n do read\n"));
}

TEST(policy_change, requirements_are_told_as_harder_or_easier)
{
    EXPECT_TEXT("widens require a: need: fewer approvals\n",
        diff(REQUIRE, "require a\n do read\n need 1 of role lead within 10m\n"));
    EXPECT_TEXT("widens require a: need: older approvals\n",
        diff(REQUIRE, "require a\n do read\n need 2 of role lead\n"));
    EXPECT_TEXT("narrows require a: need: not of the proposer any more\n",
        diff(REQUIRE, "require a\n do read\n need 2 of role lead within 10m not proposer\n"));
    EXPECT_TEXT("narrows require a: envelope: added e\n", diff(REQUIRE, REQUIRE " envelope e\n"));
    EXPECT_TEXT("changes require a: envelope: replaced by f\n",
        diff(REQUIRE " envelope e\n", REQUIRE " envelope f\n"));
    EXPECT_TEXT("narrows require a: hide: added h\n", diff(REQUIRE, REQUIRE " hide h\n"));
}

TEST(policy_change, groups_and_scopes_are_unfolded_where_they_are_used)
{
    EXPECT_TEXT("widens permit a: who: added op y\n",
        diff("group h = op x\ngroup g = h\npermit a\n who g\n do read\n",
            "group h = op x, op y\ngroup g = h, op x\npermit a\n who g\n do read\n"));
    EXPECT_TEXT("", diff("group g = op x, op y\npermit a\n who g\n do read\n",
                        "permit a\n who op y op x\n do read\n"));
    EXPECT_TEXT("widens forbid a: on: removed asset q/...\n",
        diff("scope s = asset p, asset q/...\nforbid a\n do read\n on s\n",
            "scope s = asset p\nforbid a\n do read\n on s\n"));
    EXPECT_TEXT("widens forbid a: on: added asset q/...\n",
        diff("scope s = asset p\nforbid a\n do read\n on not s\n",
            "scope s = asset p, asset q/...\nforbid a\n do read\n on not s\n"));
    EXPECT_TEXT("widens require a: need: added op y\n",
        diff("group g = op x\nrequire a\n do read\n need 1 of g\n",
            "group g = op x, op y\nrequire a\n do read\n need 1 of g\n"));
}

TEST(policy_change, validity_is_told)
{
    weft_arena_reset(&arena);
    struct weft_policy_differences d;
    const struct weft_policy *old = rig_parse("policy p 1\n", &arena);
    const struct weft_policy *new =
        rig_parse("policy p 1\nvalid 2026-01-01T00:00:00Z .. 2027-01-01T00:00:00Z\n", &arena);
    EXPECT_EQ(WEFT_OK, weft_policy_diff(old, new, &arena, &d));
    EXPECT_EQ(WEFT_DIRECTION_NARROWS, d.direction);
    EXPECT_EQ(WEFT_OK, weft_policy_diff(new, old, &arena, &d));
    EXPECT_EQ(WEFT_DIRECTION_WIDENS, d.direction);
}

/* --- a claim about every request ----------------------------------------------------------- */

static char texts[2][RIG_TEXT_SIZE];

/* Two versions that have most of their statements in common, some of them changed. */
static void draw_versions(void)
{
    for (int i = 0; i < 2; i++) {
        (void)snprintf(texts[i], RIG_TEXT_SIZE, "policy p 1\n%s%s",
            i == 1 && test_random(3) == 0 ? "group extra = op ann\n" : "", rig_preamble);
    }
    for (unsigned number = 0; number < 3; number++) {
        char statement[2][1024] = {"", ""};
        unsigned kind = (unsigned)test_random(3);
        rig_draw_statement(kind, number, statement[0], sizeof(statement[0]));
        memcpy(statement[1], statement[0], sizeof(statement[0]));
        if (test_random(3) == 0) {
            statement[1][0] = '\0';
            rig_draw_statement(kind, number, statement[1], sizeof(statement[1]));
        }
        for (int i = 0; i < 2; i++) {
            size_t used = strlen(texts[i]);
            if (test_random(8) > 0) {
                (void)snprintf(texts[i] + used, RIG_TEXT_SIZE - used, "%s", statement[i]);
            }
        }
    }
}

TEST(policy_change, what_only_narrows_allows_and_shows_nobody_more)
{
    unsigned only_narrows = 0, only_widens = 0, both = 0, same = 0, less = 0, more = 0;
    for (int run = 0; run < 12000; run++) {
        struct weft_policy_differences d;
        draw_versions();
        weft_arena_reset(&arena);
        const struct weft_policy *old = rig_parse(texts[0], &arena);
        const struct weft_policy *new = rig_parse(texts[1], &arena);
        EXPECT_EQ(WEFT_OK, weft_policy_diff(old, new, &arena, &d));
        only_narrows += d.direction == WEFT_DIRECTION_NARROWS;
        only_widens += d.direction == WEFT_DIRECTION_WIDENS;
        both += d.direction == WEFT_DIRECTION_BOTH;
        same += d.direction == WEFT_DIRECTION_NONE;
        for (int i = 0; i < 16; i++) {
            struct naive_request naive = rig_draw_request();
            struct weft_policy_decision before, after;
            struct rig_request r;
            bool is_more = false, is_less = false;
            rig_request_of(&naive, &r);
            weft_policy_decide(old, &r.request, &before);
            weft_policy_decide(new, &r.request, &after);
            is_more = after.effect > before.effect;
            is_less = after.effect < before.effect;
            for (int j = 0; j < RIG_FIELDS; j++) {
                bool was = weft_policy_shows(old, &before, weft_text_of(rig_fields[j]));
                bool is = weft_policy_shows(new, &after, weft_text_of(rig_fields[j]));
                is_more = is_more || (is && !was);
                is_less = is_less || (was && !is);
            }
            bool may_more = (d.direction & WEFT_DIRECTION_WIDENS) != 0;
            bool may_less = (d.direction & WEFT_DIRECTION_NARROWS) != 0;
            if ((is_more && !may_more) || (is_less && !may_less)) {
                (void)printf("%s\n---\n%s\n", texts[0], texts[1]);
            }
            EXPECT_TRUE(!is_more || may_more); /* POL-66 */
            EXPECT_TRUE(!is_less || may_less); /* POL-66 */
            more += is_more;
            less += is_less;
        }
    }
    (void)printf("narrows %u widens %u both %u same %u; requests more %u less %u\n", only_narrows,
        only_widens, both, same, more, less);
    EXPECT_TRUE(only_narrows > 500 && only_widens > 500 && both > 500 && same > 500);
    EXPECT_TRUE(more > 100 && less > 100);
}

/* --- trials ------------------------------------------------------------------------------- */

struct flips {
    uint32_t count;
    struct weft_policy_flip last;
};

static void on_flip(void *ctx, const struct weft_policy_flip *flip)
{
    struct flips *flips = ctx;
    flips->count++;
    flips->last = *flip;
}

TEST(policy_change, past_requests_that_would_be_decided_otherwise_are_told)
{
    static const struct weft_text fields[] = {WEFT_TEXT("cost/total"), WEFT_TEXT("hours")};
    struct weft_policy_recorded recorded[3];
    struct rig_request requests[3];
    struct flips flips = {0};
    weft_arena_reset(&arena);
    const struct weft_policy *old = parse("permit a\n who op ann op bo\n do read\n");
    const struct weft_policy *new = parse("permit a\n who op ann\n do read\n hide cost\n");
    for (int i = 0; i < 3; i++) {
        struct naive_request naive = rig_draw_request();
        naive.who = &rig_persons[i]; /* ann, bo, bo2 */
        naive.action = "read";
        rig_request_of(&naive, &requests[i]);
        recorded[i] = (struct weft_policy_recorded){requests[i].request, fields, 2};
    }
    EXPECT_EQ(0, weft_policy_what_if(old, old, recorded, 3, on_flip, &flips));
    EXPECT_EQ(2, weft_policy_what_if(old, new, recorded, 3, on_flip, &flips));
    EXPECT_EQ(2, flips.count);
    EXPECT_EQ(1, flips.last.request);
    EXPECT_EQ(WEFT_EFFECT_ALLOW, flips.last.before.effect);
    EXPECT_EQ(WEFT_EFFECT_DENY, flips.last.after.effect);
    EXPECT_EQ(2, flips.last.fields_hidden);
    EXPECT_EQ(1, weft_policy_what_if(old, new, recorded, 1, on_flip, &flips));
    EXPECT_EQ(0, flips.last.request);
    EXPECT_EQ(WEFT_EFFECT_ALLOW, flips.last.after.effect);
    EXPECT_EQ(1, flips.last.fields_hidden);
    EXPECT_EQ(1, weft_policy_what_if(new, old, recorded, 1, on_flip, &flips));
    EXPECT_EQ(1, flips.last.fields_shown);
}

static struct rig_subject subjects[RIG_PERSONS];
static const struct weft_policy_subject *all[RIG_PERSONS];

static void make_subjects(void)
{
    for (int i = 0; i < RIG_PERSONS; i++) {
        rig_subject_of(&rig_persons[i], &subjects[i]);
        all[i] = &subjects[i].subject;
    }
}

TEST(policy_change, who_can_is_asked_of_each)
{
    enum weft_policy_effect effects[RIG_PERSONS];
    struct naive_request naive = rig_draw_request();
    struct rig_request r;
    make_subjects();
    naive.action = "read";
    naive.is_agreed = true;
    naive.approvals[0].who = NULL;
    rig_request_of(&naive, &r);
    weft_arena_reset(&arena);
    const struct weft_policy *policy =
        parse("permit a\n who op ann svc robot partner supplier.example\n do read\n"
              "require b\n who svc robot\n do read\n need 1 of op ann\n");
    EXPECT_EQ(3, weft_policy_who_can(policy, &r.request, all, RIG_PERSONS, effects));
    EXPECT_EQ(WEFT_EFFECT_ALLOW, effects[0]);
    EXPECT_EQ(WEFT_EFFECT_DENY, effects[1]);
    EXPECT_EQ(WEFT_EFFECT_NEEDS, effects[5]);
    EXPECT_EQ(WEFT_EFFECT_ALLOW, effects[6]);
}

static bool locks_out(const char *statements, uint32_t count)
{
    /* 2026-03-02T12:00:00Z, a monday */
    int64_t time_ns = (int64_t)1772452800 * 1000000000;
    weft_arena_reset(&arena);
    make_subjects();
    return weft_policy_locks_out(
        parse(statements), WEFT_TEXT("oem.example"), WEFT_TEXT("plant1"), all, count, time_ns);
}

TEST(policy_change, policy_that_no_admin_could_change_any_more_locks_out)
{
    static const char permit[] = "permit a\n who op ann op bo op bo2\n do admin-policy\n";
    char text[1024];
    EXPECT_TRUE(locks_out("", 4)); /* POL-67 */
    EXPECT_TRUE(!locks_out(permit, 4));
    EXPECT_TRUE(locks_out(permit, 0));
    EXPECT_TRUE(!locks_out("permit a\n who op ann\n do admin-policy\n on asset weft:policy\n", 1));
    EXPECT_TRUE(locks_out("permit a\n who op ann\n do admin-policy\n on kind model\n", 1));
    EXPECT_TRUE(locks_out("permit a\n who op zoe\n do admin-policy\n", 4));
    (void)snprintf(
        text, sizeof(text), "%sforbid b\n do admin-policy\n when attr level >= 3\n", permit);
    EXPECT_TRUE(!locks_out(text, 4)); /* bo2 has a level below, ann one that is not */
    EXPECT_TRUE(locks_out(text, 1));
    /* Hours that come within the week, and a need that the others can meet. */
    (void)snprintf(text, sizeof(text), "%s when time 03:00..03:01 +05:30 sun\n", permit);
    EXPECT_TRUE(!locks_out(text, 1));
    (void)snprintf(
        text, sizeof(text), "%s when time 03:00..04:00 Z sun\n when time 05:00..06:00 Z\n", permit);
    EXPECT_TRUE(locks_out(text, 1));
    (void)snprintf(text, sizeof(text),
        "%srequire b\n do admin-policy\n need 1 of role lead not proposer\n", permit);
    EXPECT_TRUE(!locks_out(text, 2));
    EXPECT_TRUE(locks_out(text, 1));
    (void)snprintf(text, sizeof(text),
        "%srequire b\n do admin-policy\n need 2 of role lead distinct-persons\n", permit);
    EXPECT_TRUE(locks_out(text, 3)); /* bo and bo2 are one person */
    weft_arena_destroy(&arena);
}
