/* The engine beside an evaluator that was written naively from the rules: every policy of up to
 * three statements over a small universe, and random ones. */
#include <stdio.h>
#include <string.h>

#include "tests/lib/test.h"
#include "tests/unit/policy/policy_rig.h"

#ifndef NAIVE_POLICIES
#define NAIVE_POLICIES 50000
#endif

enum {
    REQUESTS_EACH = 4,
    SMALL = 30, /* Statements of the small universe. */
    ASKED = 24, /* Requests of it. */
};

struct tally {
    unsigned allow, needs, forbid, no_permit, no_agreement, not_in_force;
};

static void count(struct tally *t, const char *answer)
{
    t->allow += strcmp(answer, "allow") == 0;
    t->needs += strcmp(answer, "needs") == 0;
    t->forbid += strcmp(answer, "forbid") == 0;
    t->no_permit += strcmp(answer, "no-permit") == 0;
    t->no_agreement += strcmp(answer, "no-agreement") == 0;
    t->not_in_force += strcmp(answer, "not-in-force") == 0;
}

/* A comparison that never sees a case says nothing about it. */
static void expect_all_seen(const struct tally *t, unsigned least)
{
    (void)printf("allow %u needs %u forbid %u no-permit %u no-agreement %u not-in-force %u\n",
        t->allow, t->needs, t->forbid, t->no_permit, t->no_agreement, t->not_in_force);
    EXPECT_TRUE(t->allow >= least);
    EXPECT_TRUE(t->needs >= least);
    EXPECT_TRUE(t->forbid >= least);
    EXPECT_TRUE(t->no_permit >= least);
    EXPECT_TRUE(t->no_agreement >= least);
}

TEST(policy, engine_and_naive_evaluator_agree_on_random_policies)
{
    static char text[RIG_TEXT_SIZE];
    static struct naive_policy naive;
    struct weft_arena arena = {.size_max = WEFT_POLICY_MEMORY_MAX};
    struct tally tally = {0};
    (void)printf("%d policies, seed %llu\n", NAIVE_POLICIES, (unsigned long long)test_seed());
    for (int i = 0; i < NAIVE_POLICIES; i++) {
        rig_draw_policy(1 + (unsigned)test_random(6), text);
        const struct weft_policy *policy = rig_parse(text, &arena);
        naive_parse(text, &naive);
        for (int j = 0; j < REQUESTS_EACH; j++) {
            struct naive_request request = rig_draw_request();
            rig_agree(policy, &naive, &request, text);
            count(&tally, naive_decide(&naive, &request));
        }
        weft_arena_reset(&arena);
    }
    weft_arena_destroy(&arena);
    expect_all_seen(&tally, NAIVE_POLICIES / 1000);
    EXPECT_TRUE(tally.not_in_force >= NAIVE_POLICIES / 1000);
}

/* POL-69 */
TEST(policy, assets_alike_as_far_as_patterns_look_are_decided_alike)
{
    static char text[RIG_TEXT_SIZE];
    static const char *const tails[] = {"x", "press7", "", "a/b/c", "line2/x", "*", "..."};
    struct weft_arena arena = {.size_max = WEFT_POLICY_MEMORY_MAX};
    unsigned longer = 0, whole = 0;
    for (int i = 0; i < NAIVE_POLICIES / 10; i++) {
        rig_draw_policy(1 + (unsigned)test_random(6), text);
        const struct weft_policy *policy = rig_parse(text, &arena);
        for (int j = 0; j < REQUESTS_EACH; j++) {
            struct naive_request request = rig_draw_request();
            struct weft_policy_decision one, other;
            struct rig_request r;
            char name[512];
            rig_request_of(&request, &r);
            if (r.request.asset.presence != WEFT_FACT_GIVEN) {
                continue;
            }
            weft_policy_decide(policy, &r.request, &one);
            struct weft_text class = weft_policy_asset_class(policy, r.request.asset.text);
            bool is_all = class.size == r.request.asset.text.size;
            bool may_be_longer = class.size == 0 || class.data[class.size - 1] == '/';
            int size = snprintf(name, sizeof(name), "%.*s%s", (int)class.size, class.data,
                may_be_longer ? tails[test_random(sizeof(tails) / sizeof(tails[0]))] : "");
            r.request.asset.text = (struct weft_text){name, (size_t)size};
            weft_policy_decide(policy, &r.request, &other);
            whole += is_all;
            longer += may_be_longer;
            EXPECT_EQ(one.effect, other.effect);
            EXPECT_EQ(one.reason, other.reason);
            EXPECT_EQ(one.statement, other.statement);
            for (int k = 0; k < RIG_FIELDS; k++) {
                struct weft_text field = weft_text_of(rig_fields[k]);
                EXPECT_EQ(weft_policy_shows(policy, &one, field),
                    weft_policy_shows(policy, &other, field));
            }
        }
        weft_arena_reset(&arena);
    }
    weft_arena_destroy(&arena);
    (void)printf("longer %u, whole %u\n", longer, whole);
    EXPECT_TRUE(longer >= NAIVE_POLICIES / 1000 && whole >= NAIVE_POLICIES / 1000);
}

TEST(policy, a_decision_without_doubt_holds_for_every_asset_and_kind)
{
    static char text[RIG_TEXT_SIZE];
    struct weft_arena arena = {.size_max = WEFT_POLICY_MEMORY_MAX};
    unsigned certain = 0, doubtful = 0;
    for (int i = 0; i < NAIVE_POLICIES / 10; i++) {
        rig_draw_policy(1 + (unsigned)test_random(6), text);
        const struct weft_policy *policy = rig_parse(text, &arena);
        for (int j = 0; j < REQUESTS_EACH; j++) {
            struct naive_request request = rig_draw_request();
            struct weft_policy_decision less, more;
            struct rig_request r;
            rig_request_of(&request, &r);
            weft_policy_decide(policy, &r.request, &more);
            r.request.kind.presence = WEFT_FACT_UNKNOWN;
            if (test_random(2) == 0) {
                r.request.asset.presence = WEFT_FACT_UNKNOWN;
            }
            weft_policy_decide(policy, &r.request, &less);
            certain += !less.has_doubt;
            doubtful += less.has_doubt;
            for (int k = 0; k < RIG_FIELDS && !less.has_doubt; k++) { /* POL-68 */
                struct weft_text field = weft_text_of(rig_fields[k]);
                EXPECT_EQ(weft_policy_shows(policy, &less, field),
                    weft_policy_shows(policy, &more, field));
                EXPECT_EQ(less.effect, more.effect);
            }
        }
        weft_arena_reset(&arena);
    }
    weft_arena_destroy(&arena);
    EXPECT_TRUE(certain > NAIVE_POLICIES / 100 && doubtful > NAIVE_POLICIES / 100);
}

/* --- the small universe ------------------------------------------------------------------- */

#define SUPPLIER                                                                                   \
    "permit A\n  who partner supplier.example role analyst\n  do read\n  on press7 kind wear\n"    \
    "  only fields hours temp/*\n  when agreement supplier-oem >= 7\n"

static const char *const small[SMALL] = {
    "permit A\n  who any\n  do read\n",
    "permit A\n  who any\n  do any\n  on asset plant1/...\n",
    "permit A\n  who op ann\n  do any\n",
    "permit A\n  who role operator @ plant1/line2\n  do read propose\n  on press7\n",
    "permit A\n  who leads\n  do propose\n  on press7 tier >= 2\n",
    SUPPLIER,
    "permit A\n  who partner supplier.example\n  do any\n",
    "permit A\n  who attr us-person = true\n  do read\n  hide cost\n",
    "permit A\n  who attr us-person = false\n  do any\n",
    "permit A\n  who not attr us-person = true\n  do any\n",
    "permit A\n  who any\n  do read\n  only fields cost/*\n",
    "permit A\n  who any\n  do read\n  on not press7\n  hide hours\n",
    "permit A\n  who any\n  do read\n  on label itar\n",
    "permit A\n  who any\n  do any\n  when time 06:00..22:00 Z mon..fri\n",
    "permit A\n  who op ann svc robot\n  do any\n  on places\n",
    "forbid A\n  do any\n  on label itar\n",
    "forbid A\n  who not attr us-person = true\n  do any\n  on label itar\n",
    "forbid A\n  who attr us-person = true\n  do read\n",
    "forbid A\n  who partner supplier.example\n  do read\n",
    "forbid A\n  do propose\n  on tier >= 3\n",
    "forbid A\n  do any\n  on asset plant1/line2/press7/die\n",
    "forbid A\n  who any\n  do read\n  when not time 06:00..22:00 Z\n",
    "forbid A\n  do any\n  on kind inspection\n",
    "forbid A\n  who leads\n  do propose\n",
    "require A\n  do propose\n  on press7 tier >= 2\n  need 1 of leads not proposer\n",
    "require A\n  do propose\n  need 2 of leads distinct-persons within 10m\n",
    "require A\n  do any\n  on kind wear\n  need 1 of role operator\n",
    "require A\n  do propose\n  envelope press7-speed\n",
    "require A\n  who not op ann\n  do read\n  hide hours cost/*\n",
    "require A\n  who attr us-person = true\n  do read\n  hide temp\n",
};

/* Statements with names of their own: A becomes a0, a1, a2. */
static void write_policy(const int *chosen, int how_many, char *text)
{
    (void)snprintf(text, RIG_TEXT_SIZE, "policy p 1\n%s", rig_preamble);
    for (int i = 0; i < how_many; i++) {
        const char *body = small[chosen[i]];
        const char *name = strchr(body, 'A');
        size_t used = strlen(text);
        (void)snprintf(
            text + used, RIG_TEXT_SIZE - used, "%.*sa%d%s", (int)(name - body), body, i, name + 1);
    }
}

TEST(policy, engine_and_naive_evaluator_agree_on_every_policy_of_three_statements)
{
    static char text[RIG_TEXT_SIZE];
    static struct naive_policy naive;
    static struct naive_request asked[ASKED];
    struct weft_arena arena = {.size_max = WEFT_POLICY_MEMORY_MAX};
    struct tally tally = {0};
    unsigned policies = 0;
    for (int i = 0; i < ASKED; i++) {
        asked[i] = rig_draw_request();
    }
    int chosen[3];
    for (chosen[0] = -1; chosen[0] < SMALL; chosen[0]++) {
        for (chosen[1] = chosen[0]; chosen[1] < SMALL; chosen[1]++) {
            for (chosen[2] = chosen[1]; chosen[2] < SMALL; chosen[2]++) {
                int skip = (chosen[0] < 0) + (chosen[1] < 0) + (chosen[2] < 0);
                write_policy(chosen + skip, 3 - skip, text);
                const struct weft_policy *policy = rig_parse(text, &arena);
                naive_parse(text, &naive);
                for (int i = 0; i < ASKED; i++) {
                    rig_agree(policy, &naive, &asked[i], text);
                    count(&tally, naive_decide(&naive, &asked[i]));
                }
                weft_arena_reset(&arena);
                policies++;
            }
        }
    }
    weft_arena_destroy(&arena);
    (void)printf("%u policies of %d requests each\n", policies, ASKED);
    /* Multisets of none to three of them: the order makes no difference, which is tested apart. */
    EXPECT_EQ((SMALL + 3) * (SMALL + 2) * (SMALL + 1) / 6, policies);
    expect_all_seen(&tally, 100);
}
