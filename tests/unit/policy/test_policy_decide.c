/* What the rules of decisions say where the example does not, and what holds of every policy. */
#include <stdio.h>
#include <string.h>

#include "policy/explain.h"
#include "tests/lib/test.h"
#include "tests/unit/policy/policy_rig.h"

enum {
    RUNS = 4000,
    NOON_S = 1772452800 /* 2026-03-02T12:00:00Z, a monday */
};

static struct weft_arena arena = {.size_max = WEFT_POLICY_MEMORY_MAX};

static struct naive_request plain(const struct naive_person *who)
{
    return (struct naive_request){.who = who,
        .org = "oem.example",
        .site = "plant1",
        .action = "read",
        .asset = "plant1/line2/press7",
        .kind = "wear",
        .verb = "",
        .tier = "",
        .knows_labels = true,
        .envelope = "",
        .time_s = NOON_S};
}

static const char *decide(const char *statements, const struct naive_request *request)
{
    static char text[RIG_TEXT_SIZE];
    (void)snprintf(text, sizeof(text), "policy p 1\n%s%s", rig_preamble, statements);
    weft_arena_reset(&arena);
    return rig_decide(rig_parse(text, &arena), request);
}

static const struct naive_person *person(const char *name, const char *org)
{
    for (int i = 0; i < RIG_PERSONS; i++) {
        if (strcmp(rig_persons[i].name, name) == 0 && strcmp(rig_persons[i].org, org) == 0) {
            return &rig_persons[i];
        }
    }
    EXPECT_TRUE(false);
    return NULL;
}

/* --- rules -------------------------------------------------------------------------------- */

TEST(policy_decide, nothing_is_permitted_by_an_empty_policy)
{
    struct naive_request r = plain(person("ann", "oem.example"));
    EXPECT_TEXT("no-permit", decide("", &r));
}

TEST(policy_decide, any_and_not_never_permit_a_foreigner_and_always_forbid_one)
{
    struct naive_request r = plain(person("sue", "supplier.example"));
    r.is_agreed = true;
    EXPECT_TEXT("no-permit", decide("permit a\n who any\n do read\n", &r)); /* POL-64 */
    EXPECT_TEXT("no-permit", decide("permit a\n who not op ann\n do read\n", &r));
    EXPECT_TEXT("no-permit", decide("permit a\n who not partner other.example\n do read\n", &r));
    EXPECT_TEXT("allow", decide("permit a\n who partner supplier.example\n do read\n", &r));
    EXPECT_TEXT("allow", decide("permit a\n who all-leads\n do read\n", &r));
    EXPECT_TEXT("forbid", decide("permit a\n who partner supplier.example\n do read\n"
                                 "forbid b\n who any\n do read\n",
                              &r));
    EXPECT_TEXT("forbid", decide("permit a\n who partner supplier.example\n do read\n"
                                 "forbid b\n who not op ann\n do read\n",
                              &r));
    /* What its own organization says of her attributes is not known here. */
    EXPECT_TEXT("no-permit", decide("permit a\n who attr us-person = true\n do read\n", &r));
}

TEST(policy_decide, name_of_another_site_or_organization_is_another_one)
{
    static const char by_name[] = "permit a\n who op ann\n do read\n";
    static const char by_site[] = "permit a\n who op plant2/ann\n do read\n";
    struct naive_request r = plain(&rig_persons[0]);
    EXPECT_TEXT("allow", decide(by_name, &r));
    EXPECT_TEXT("no-permit", decide(by_site, &r));
    r.who = &rig_persons[4];
    EXPECT_TEXT("no-permit", decide(by_name, &r));
    EXPECT_TEXT("allow", decide(by_site, &r));
    r.who = person("ann", "other.example");
    r.is_agreed = true;
    EXPECT_TEXT("no-permit", decide(by_name, &r));
}

TEST(policy_decide, role_holds_at_its_place_and_below)
{
    struct naive_request r = plain(&rig_persons[0]); /* operator @ plant1/line2 */
    EXPECT_TEXT("allow", decide("permit a\n who role operator\n do read\n", &r));
    EXPECT_TEXT("allow", decide("permit a\n who role operator @ plant1/line2\n do read\n", &r));
    EXPECT_TEXT("allow", decide("permit a\n who role operator @ plant1/line2/x\n do read\n", &r));
    EXPECT_TEXT("no-permit", decide("permit a\n who role operator @ plant1\n do read\n", &r));
    EXPECT_TEXT(
        "no-permit", decide("permit a\n who role operator @ plant1/line20\n do read\n", &r));
}

TEST(policy_decide, automation_never_approves)
{
    static const char text[] = "permit a\n who any\n do read\n"
                               "require b\n do read\n need 1 of role lead\n";
    struct naive_request r = plain(&rig_persons[0]);
    r.approvals[0] = (struct naive_approval){person("robot", "oem.example"), NOON_S};
    EXPECT_TEXT("needs", decide(text, &r));
    r.approvals[1] = (struct naive_approval){person("bo", "oem.example"), NOON_S};
    EXPECT_TEXT("allow", decide(text, &r));
}

TEST(policy_decide, proposer_does_not_approve_under_another_name)
{
    struct naive_request r = plain(person("bo", "oem.example"));
    r.approvals[0] = (struct naive_approval){person("bo2", "oem.example"), NOON_S};
    EXPECT_TEXT("allow",
        decide("permit a\n who any\n do read\nrequire b\n do read\n need 1 of role lead\n", &r));
    EXPECT_TEXT("needs", decide("permit a\n who any\n do read\n"
                                "require b\n do read\n need 1 of role lead not proposer\n",
                             &r));
}

TEST(policy_decide, time_before_1970_and_at_the_ends_of_time_is_decided)
{
    static const char text[] = "permit a\n who any\n do read\n when time 22:00..06:00 Z wed\n";
    struct rig_request r;
    struct weft_policy_decision decision;
    struct naive_request naive = plain(&rig_persons[0]);
    naive.time_s = -1; /* 1969-12-31T23:59:59Z, a wednesday */
    EXPECT_TEXT("allow", decide(text, &naive));
    naive.time_s = 6 * 3600 - 1; /* thursday morning belongs to it */
    EXPECT_TEXT("allow", decide(text, &naive));
    naive.time_s += 1;
    EXPECT_TEXT("no-permit", decide(text, &naive));
    static char whole[RIG_TEXT_SIZE];
    (void)snprintf(whole, sizeof(whole),
        "policy p 1\n%s%srequire b\n do read\n need 1 of leads within 365d\n", rig_preamble, text);
    weft_arena_reset(&arena);
    const struct weft_policy *policy = rig_parse(whole, &arena);
    rig_request_of(&naive, &r);
    r.request.time_ns = INT64_MIN;
    weft_policy_decide(policy, &r.request, &decision);
    r.request.time_ns = INT64_MAX;
    weft_policy_decide(policy, &r.request, &decision);
}

TEST(policy_decide, more_facts_than_are_looked_at_are_refused_not_cut)
{
    static struct weft_text labels[WEFT_POLICY_FACTS_MAX + 1];
    struct weft_policy_decision decision;
    struct rig_request r;
    struct naive_request naive = plain(&rig_persons[0]);
    weft_arena_reset(&arena);
    const struct weft_policy *policy =
        rig_parse("policy p 1\npermit a\n who any\n do read\n", &arena);
    rig_request_of(&naive, &r);
    for (int i = 0; i <= WEFT_POLICY_FACTS_MAX; i++) {
        labels[i] = WEFT_TEXT("x");
    }
    r.request.labels = labels;
    r.request.label_count = WEFT_POLICY_FACTS_MAX;
    weft_policy_decide(policy, &r.request, &decision);
    EXPECT_TEXT("allow", rig_answer(&decision));
    r.request.label_count++;
    weft_policy_decide(policy, &r.request, &decision);
    EXPECT_TEXT("facts", rig_answer(&decision));
}

TEST(policy_decide, requirements_are_told_one_by_one)
{
    struct naive_request naive = plain(&rig_persons[0]);
    struct weft_policy_requirement unmet;
    struct weft_policy_decision decision;
    struct rig_request r;
    static const char text[] = "policy p 1\n"
                               "permit a\n who any\n do read\n"
                               "require b\n do read\n need 2 of role lead within 8h not proposer\n"
                               "require c\n do read\n hide x\n"
                               "require d\n do read\n envelope e\n";
    weft_arena_reset(&arena);
    const struct weft_policy *policy = rig_parse(text, &arena);
    naive.approvals[0] = (struct naive_approval){person("bo", "oem.example"), NOON_S};
    rig_request_of(&naive, &r);
    weft_policy_decide(policy, &r.request, &decision);
    EXPECT_TEXT("needs", rig_answer(&decision));
    EXPECT_EQ(2, decision.unmet_count);
    EXPECT_TRUE(weft_policy_next_unmet(policy, &r.request, &decision, 0, &unmet));
    EXPECT_TRUE(weft_text_is(unmet.name, "b"));
    EXPECT_EQ(2, unmet.need_count);
    EXPECT_EQ(1, unmet.have_count);
    EXPECT_EQ(8 * 3600, unmet.within_s);
    EXPECT_TRUE(weft_text_is(unmet.group, "role lead"));
    EXPECT_TRUE(unmet.not_proposer && !unmet.distinct_persons);
    EXPECT_TRUE(
        weft_policy_next_unmet(policy, &r.request, &decision, unmet.statement + 1u, &unmet));
    EXPECT_TRUE(weft_text_is(unmet.envelope, "e") && !unmet.has_envelope);
    EXPECT_TRUE(
        !weft_policy_next_unmet(policy, &r.request, &decision, unmet.statement + 1u, &unmet));
}

TEST(policy_decide, fields_are_shown_by_paths_whole_values_and_stars)
{
    struct naive_request naive = plain(&rig_persons[0]);
    struct weft_policy_decision decision;
    struct rig_request r;
    bool shown[6];
    static const struct weft_text paths[6] = {WEFT_TEXT("temp/bearing/value"),
        WEFT_TEXT("temp/bearing"), WEFT_TEXT("temp"), WEFT_TEXT("temperature"),
        WEFT_TEXT("temp/motor/value"), WEFT_TEXT("a/b/c/d")};
    weft_arena_reset(&arena);
    const struct weft_policy *policy = rig_parse("policy p 1\n"
                                                 "permit a\n who any\n do read\n"
                                                 " only fields temp/* a/*/c/...\n"
                                                 " hide temp/m*r\n",
        &arena);
    rig_request_of(&naive, &r);
    weft_policy_decide(policy, &r.request, &decision);
    EXPECT_TRUE(!weft_policy_shows_all(&decision));
    EXPECT_EQ(3, weft_policy_filter(policy, &decision, paths, 6, shown));
    EXPECT_TRUE(shown[0] && shown[1] && !shown[2] && !shown[3] && !shown[4] && shown[5]);
    r.request.action = WEFT_ACTION_WRITE;
    weft_policy_decide(policy, &r.request, &decision);
    EXPECT_TEXT("no-permit", rig_answer(&decision));
    EXPECT_EQ(6, weft_policy_filter(policy, &decision, paths, 6, shown)); /* POL-65 */
}

TEST(policy_decide, actions_and_reasons_have_names_that_read_back)
{
    for (int i = 0; i < WEFT_ACTIONS; i++) {
        enum weft_policy_action action = WEFT_ACTIONS;
        const char *name = weft_policy_action_name((enum weft_policy_action)i);
        EXPECT_TRUE(weft_policy_action_parse(weft_text_of(name), &action));
        EXPECT_EQ(i, action);
    }
    enum weft_policy_action action = WEFT_ACTION_ACK;
    EXPECT_TRUE(!weft_policy_action_parse(WEFT_TEXT("Read"), &action));
    EXPECT_EQ(WEFT_ACTION_ACK, action);
}

/* --- what holds of every policy ----------------------------------------------------------- */

enum {
    STATEMENTS = 5
};

/* The same statements in another order, once more, and beside others. */
static void write(
    char *text, char statements[][1024], const int *order, int count, const char *more)
{
    (void)snprintf(text, RIG_TEXT_SIZE, "policy p 1\n%s", rig_preamble);
    for (int i = 0; i < count; i++) {
        /* Each under a name of its own, whatever stands there twice. */
        const char *name = strchr(statements[order[i]], ' ');
        const char *body = strchr(statements[order[i]], '\n');
        size_t used = strlen(text);
        (void)snprintf(text + used, RIG_TEXT_SIZE - used, "%.*s n%d%s",
            (int)(name - statements[order[i]]), statements[order[i]], i, body);
    }
    size_t used = strlen(text);
    (void)snprintf(text + used, RIG_TEXT_SIZE - used, "%s", more);
}

static int rank(const struct weft_policy_decision *decision)
{
    return (int)decision->effect;
}

struct pair {
    const struct weft_policy *policies[2];
    struct weft_policy_decision decisions[2];
    bool shown[2][RIG_FIELDS];
};

static void ask(struct pair *p, const struct naive_request *naive)
{
    struct rig_request r;
    rig_request_of(naive, &r);
    for (int i = 0; i < 2; i++) {
        weft_policy_decide(p->policies[i], &r.request, &p->decisions[i]);
        for (int j = 0; j < RIG_FIELDS; j++) {
            p->shown[i][j] =
                weft_policy_shows(p->policies[i], &p->decisions[i], weft_text_of(rig_fields[j]));
        }
    }
}

static char drawn[STATEMENTS][1024];
static char texts[2][RIG_TEXT_SIZE];

static void draw_statements(void)
{
    for (unsigned i = 0; i < STATEMENTS; i++) {
        drawn[i][0] = '\0';
        uint64_t die = test_random(6);
        rig_draw_statement(die < 4 ? 0 : (unsigned)die - 3, i, drawn[i], sizeof(drawn[i]));
    }
}

static void compile(struct pair *p)
{
    weft_arena_reset(&arena);
    p->policies[0] = rig_parse(texts[0], &arena);
    p->policies[1] = rig_parse(texts[1], &arena);
}

static void expect_same(const struct pair *p)
{
    EXPECT_EQ(p->decisions[0].effect, p->decisions[1].effect);
    EXPECT_EQ(p->decisions[0].reason, p->decisions[1].reason);
    EXPECT_MEM(p->shown[0], p->shown[1], sizeof(p->shown[0]));
}

TEST(policy_every, order_and_repetition_of_statements_change_nothing)
{
    int straight[STATEMENTS], other[2 * STATEMENTS];
    struct pair p;
    for (int run = 0; run < RUNS; run++) {
        draw_statements();
        int count = STATEMENTS;
        for (int i = 0; i < STATEMENTS; i++) {
            straight[i] = other[i] = i;
        }
        for (int i = STATEMENTS - 1; i > 0; i--) {
            int j = (int)test_random((uint64_t)i + 1);
            int swap = other[i];
            other[i] = other[j];
            other[j] = swap;
        }
        for (uint64_t i = 0, more = test_random(STATEMENTS); i < more; i++) {
            other[count++] = (int)test_random(STATEMENTS);
        }
        write(texts[0], drawn, straight, STATEMENTS, "");
        write(texts[1], drawn, other, count, "");
        compile(&p);
        for (int i = 0; i < 4; i++) {
            struct naive_request naive = rig_draw_request();
            ask(&p, &naive);
            expect_same(&p);
        }
    }
}

/* `forbid` or `require` more: never more access. A permit more: never less effect, and not past
 * what is required or forbidden. */
TEST(policy_every, forbid_or_require_more_never_widens)
{
    static const int order[STATEMENTS] = {0, 1, 2, 3, 4};
    unsigned narrowed = 0;
    struct pair p;
    for (int run = 0; run < RUNS; run++) {
        char more[1024] = "";
        draw_statements();
        rig_draw_statement(1 + (unsigned)test_random(2), 99, more, sizeof(more));
        write(texts[0], drawn, order, STATEMENTS, "");
        write(texts[1], drawn, order, STATEMENTS, more);
        compile(&p);
        for (int i = 0; i < 4; i++) {
            struct naive_request naive = rig_draw_request();
            ask(&p, &naive);
            EXPECT_TRUE(rank(&p.decisions[1]) <= rank(&p.decisions[0]));
            narrowed += rank(&p.decisions[1]) < rank(&p.decisions[0]);
            for (int j = 0; j < RIG_FIELDS; j++) {
                EXPECT_TRUE(p.shown[0][j] || !p.shown[1][j]);
            }
        }
    }
    (void)printf("narrowed %u\n", narrowed);
    EXPECT_TRUE(narrowed > 50);
}

TEST(policy_every, permit_more_never_passes_a_forbid_or_a_require_by)
{
    static const int order[STATEMENTS] = {0, 1, 2, 3, 4};
    unsigned widened = 0, held = 0;
    struct pair p;
    for (int run = 0; run < RUNS; run++) {
        draw_statements();
        write(texts[0], drawn, order, STATEMENTS, "");
        write(texts[1], drawn, order, STATEMENTS, "permit more\n who any\n do any\n");
        compile(&p);
        for (int i = 0; i < 4; i++) {
            struct naive_request naive = rig_draw_request();
            ask(&p, &naive);
            EXPECT_TRUE(rank(&p.decisions[1]) >= rank(&p.decisions[0]));
            widened += rank(&p.decisions[1]) > rank(&p.decisions[0]);
            /* What is unmet or forbidden without the permit is so with it. */
            EXPECT_EQ(p.decisions[0].unmet_count, p.decisions[1].unmet_count);
            EXPECT_EQ(p.decisions[0].reason == WEFT_REASON_FORBID,
                p.decisions[1].reason == WEFT_REASON_FORBID);
            if (p.decisions[0].unmet_count > 0) {
                EXPECT_TRUE(p.decisions[1].effect != WEFT_EFFECT_ALLOW);
                held++;
            }
        }
    }
    (void)printf("widened %u, held by a require %u\n", widened, held);
    EXPECT_TRUE(widened > 100 && held > 100);
}

/* POL-61: the same bytes, wherever they lie, compile to what decides and prints alike. */
TEST(policy_every, compiling_twice_gives_the_same_bounds_and_decisions)
{
    struct pair p;
    for (int run = 0; run < RUNS / 4; run++) {
        rig_draw_policy(6, texts[0]);
        memcpy(texts[1], texts[0], sizeof(texts[0]));
        compile(&p);
        const struct weft_policy_bounds *bounds[2] = {
            weft_policy_bounds(p.policies[0]), weft_policy_bounds(p.policies[1])};
        EXPECT_EQ(bounds[0]->steps_max, bounds[1]->steps_max);
        EXPECT_EQ(bounds[0]->field_steps_max, bounds[1]->field_steps_max);
        for (int i = 0; i < 4; i++) {
            struct naive_request naive = rig_draw_request();
            ask(&p, &naive);
            EXPECT_MEM(&p.decisions[0], &p.decisions[1], sizeof(p.decisions[0]));
        }
    }
    weft_arena_destroy(&arena);
}
