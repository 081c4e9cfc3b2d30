/* The example of the design (policy.md, section 2), statement by statement. */
#include <string.h>

#include "policy/explain.h"
#include "tests/lib/test.h"
#include "tests/unit/policy/policy_rig.h"

static const char example[] =
    "policy plant1-core 42\n"
    "prev   sha256:7c9e000000000000000000000000000000000000000000000000000000000000\n"
    "valid  2026-01-01T00:00:00Z .. 2026-12-31T23:59:59Z\n"
    "\n"
    "group shift-leads = op ann, op bo, op chen\n"
    "group line2-ops   = role operator @ plant1/line2\n"
    "scope press7      = asset plant1/line2/press7/...      # \"...\" is this node and everything"
    " below it\n"
    "\n"
    "permit read-line2\n"
    "  who  line2-ops shift-leads\n"
    "  do   read subscribe\n"
    "  on   asset plant1/line2/...\n"
    "  hide cost/* operator/name\n"
    "\n"
    "permit setpoint\n"
    "  who  line2-ops\n"
    "  do   propose\n"
    "  on   press7 verb set-speed\n"
    "  when time 06:00..22:00 +01:00 mon..sun\n"
    "\n"
    "permit supplier-wear\n"
    "  who  partner supplier.example role analyst\n"
    "  do   read\n"
    "  on   press7 kind wear\n"
    "  only fields hours temp/* vibration/*\n"
    "  when agreement supplier-oem >= 7\n"
    "\n"
    "require two-person\n"
    "  do   propose\n"
    "  on   press7 tier >= 2\n"
    "  need 2 of shift-leads not proposer distinct-persons within 10m\n"
    "  envelope press7-speed\n"
    "\n"
    "forbid itar\n"
    "  who  not attr us-person = true\n"
    "  do   any\n"
    "  on   label itar\n"
    "  cite \"22 CFR 120.54\"\n";

enum {
    NOON_S = 1772452800 /* 2026-03-02T12:00:00Z, a monday */
};

static const struct naive_person oskar = {"op", "oem.example", "plant1", "oskar", "",
    {{"operator", "plant1/line2"}}, {{"us-person", "true"}}};
static const struct naive_person pia = {"op", "oem.example", "plant1", "pia", "",
    {{"operator", "plant1/line1"}}, {{"us-person", "true"}}};
static const struct naive_person ann = {
    "op", "oem.example", "plant1", "ann", "", {{NULL, NULL}}, {{"us-person", "true"}}};
static const struct naive_person bo = {
    "op", "oem.example", "plant1", "bo", "bo-b", {{NULL, NULL}}, {{"us-person", "true"}}};
static const struct naive_person chen = {
    "op", "oem.example", "plant1", "chen", "bo-b", {{NULL, NULL}}, {{"us-person", "true"}}};
static const struct naive_person sue = {
    "op", "supplier.example", "s1", "sue", "", {{"analyst", ""}}, {{NULL, NULL}}};

static const struct weft_policy *policy;
static struct weft_arena arena;

static struct naive_request ask(const struct naive_person *who, const char *action)
{
    if (policy == NULL) {
        arena = (struct weft_arena){.size_max = WEFT_POLICY_MEMORY_MAX};
        policy = rig_parse(example, &arena);
    }
    return (struct naive_request){.who = who,
        .org = "oem.example",
        .site = "plant1",
        .action = action,
        .asset = "plant1/line2/press7",
        .kind = "inspection",
        .verb = "",
        .tier = "",
        .knows_labels = true,
        .envelope = "",
        .time_s = NOON_S};
}

static bool shows(const struct naive_request *request, const char *field)
{
    struct rig_request r;
    struct weft_policy_decision decision;
    rig_request_of(request, &r);
    weft_policy_decide(policy, &r.request, &decision);
    return weft_policy_shows(policy, &decision, weft_text_of(field));
}

TEST(policy_example, line2_is_read_by_its_operators_and_the_shift_leads)
{
    struct naive_request r = ask(&oskar, "read");
    EXPECT_TEXT("allow", rig_decide(policy, &r));
    r = ask(&ann, "subscribe");
    EXPECT_TEXT("allow", rig_decide(policy, &r));
    r = ask(&pia, "read");
    EXPECT_TEXT("no-permit", rig_decide(policy, &r));
    r = ask(&oskar, "write");
    EXPECT_TEXT("no-permit", rig_decide(policy, &r));
    r = ask(&oskar, "read");
    r.asset = "plant1/line20";
    EXPECT_TEXT("no-permit", rig_decide(policy, &r));
    r.asset = "plant1/line2";
    EXPECT_TEXT("allow", rig_decide(policy, &r));
}

TEST(policy_example, costs_and_names_of_operators_are_hidden_on_line2)
{
    struct naive_request r = ask(&oskar, "read");
    EXPECT_TRUE(shows(&r, "hours"));
    EXPECT_TRUE(shows(&r, "operator/shift"));
    EXPECT_TRUE(!shows(&r, "cost/total"));
    EXPECT_TRUE(!shows(&r, "cost/total/unit"));
    EXPECT_TRUE(!shows(&r, "operator/name"));
}

TEST(policy_example, setpoints_are_proposed_by_day_at_the_press_alone)
{
    struct naive_request r = ask(&oskar, "propose");
    r.verb = "set-speed";
    r.tier = "1";
    EXPECT_TEXT("allow", rig_decide(policy, &r));
    r.verb = "stop";
    EXPECT_TEXT("no-permit", rig_decide(policy, &r));
    r.verb = "set-speed";
    r.time_s = NOON_S - 7 * 3600; /* 05:00 UTC, 06:00 there */
    EXPECT_TEXT("allow", rig_decide(policy, &r));
    r.time_s -= 1;
    EXPECT_TEXT("no-permit", rig_decide(policy, &r));
    r.time_s = NOON_S + 9 * 3600 - 1; /* a second before 22:00 there */
    EXPECT_TEXT("allow", rig_decide(policy, &r));
    r.time_s += 1;
    EXPECT_TEXT("no-permit", rig_decide(policy, &r));
    r.time_s = NOON_S;
    r.asset = "plant1/line2/press8";
    EXPECT_TEXT("no-permit", rig_decide(policy, &r));
}

TEST(policy_example, supplier_sees_wear_and_nothing_else_under_the_agreement)
{
    struct naive_request r = ask(&sue, "read");
    r.kind = "wear";
    r.is_agreed = true;
    EXPECT_TEXT("no-permit", rig_decide(policy, &r)); /* An agreement that is not known. */
    r.agreements[0] = (struct naive_agreement){"supplier-oem", 6};
    EXPECT_TEXT("no-permit", rig_decide(policy, &r));
    r.agreements[0].version = 7;
    EXPECT_TEXT("allow", rig_decide(policy, &r));
    EXPECT_TRUE(shows(&r, "hours"));
    EXPECT_TRUE(shows(&r, "temp/bearing"));
    EXPECT_TRUE(!shows(&r, "temp"));
    EXPECT_TRUE(!shows(&r, "cost/total"));
    EXPECT_TRUE(!shows(&r, "@author"));
    r.is_agreed = false;
    EXPECT_TEXT("no-agreement", rig_decide(policy, &r));
    r.is_agreed = true;
    r.kind = "inspection";
    EXPECT_TEXT("no-permit", rig_decide(policy, &r));
}

TEST(policy_example, tier_two_needs_two_persons_and_the_envelope)
{
    struct naive_request r = ask(&oskar, "propose");
    r.verb = "set-speed";
    r.tier = "2";
    r.envelope = "press7-speed";
    EXPECT_TEXT("needs", rig_decide(policy, &r));
    r.approvals[0] = (struct naive_approval){&ann, NOON_S - 60};
    EXPECT_TEXT("needs", rig_decide(policy, &r));
    r.approvals[1] = (struct naive_approval){&ann, NOON_S - 50};
    EXPECT_TEXT("needs", rig_decide(policy, &r));
    r.approvals[1] = (struct naive_approval){&bo, NOON_S - 600};
    EXPECT_TEXT("allow", rig_decide(policy, &r));
    r.approvals[1].time_s = NOON_S - 601; /* not within 10m any more */
    EXPECT_TEXT("needs", rig_decide(policy, &r));
    r.approvals[1].time_s = NOON_S + 1; /* not yet */
    EXPECT_TEXT("needs", rig_decide(policy, &r));
    r.approvals[0] = (struct naive_approval){&chen, NOON_S}; /* bo under another name */
    r.approvals[1] = (struct naive_approval){&bo, NOON_S};
    EXPECT_TEXT("needs", rig_decide(policy, &r));
    r.approvals[2] = (struct naive_approval){&ann, NOON_S};
    EXPECT_TEXT("allow", rig_decide(policy, &r));
    r.envelope = "other";
    EXPECT_TEXT("needs", rig_decide(policy, &r));
    /* A tier that is not known is not a low one. */
    r.envelope = "press7-speed";
    r.approvals[0].who = NULL;
    r.tier = NULL;
    EXPECT_TEXT("needs", rig_decide(policy, &r));
}

TEST(policy_example, labelled_records_are_for_us_persons_whoever_permits_them)
{
    struct naive_request r = ask(&oskar, "read");
    r.labels[0] = "itar";
    EXPECT_TEXT("allow", rig_decide(policy, &r));
    struct naive_person other = oskar;
    other.attrs[0].value = "false";
    r.who = &other;
    EXPECT_TEXT("forbid", rig_decide(policy, &r));
    other.attrs[0].value = "'true"; /* of another type */
    EXPECT_TEXT("forbid", rig_decide(policy, &r));
    other.attrs[0].key = NULL; /* missing */
    EXPECT_TEXT("forbid", rig_decide(policy, &r));
    r.labels[0] = NULL;
    EXPECT_TEXT("allow", rig_decide(policy, &r));
    r.knows_labels = false; /* labels that are not known may be any */
    EXPECT_TEXT("forbid", rig_decide(policy, &r));
}

TEST(policy_example, in_force_from_its_first_second_to_its_last)
{
    struct naive_request r = ask(&ann, "read");
    r.time_s = 1767225600; /* 2026-01-01T00:00:00Z */
    EXPECT_TEXT("allow", rig_decide(policy, &r));
    r.time_s -= 1;
    EXPECT_TEXT("not-in-force", rig_decide(policy, &r));
    r.time_s = 1798761599; /* 2026-12-31T23:59:59Z */
    EXPECT_TEXT("allow", rig_decide(policy, &r));
    r.time_s += 1;
    EXPECT_TEXT("not-in-force", rig_decide(policy, &r));
    r.action = "admin-policy"; /* decided as ever: nobody is permitted */
    EXPECT_TEXT("no-permit", rig_decide(policy, &r));
}

static const char *explain(const struct naive_request *request)
{
    static struct weft_buffer out;
    struct rig_request r;
    struct weft_policy_decision decision;
    rig_request_of(request, &r);
    weft_policy_decide(policy, &r.request, &decision);
    weft_buffer_clear(&out);
    EXPECT_EQ(WEFT_OK, weft_policy_explain(policy, &r.request, &decision, &out));
    EXPECT_EQ(WEFT_OK, weft_buffer_append(&out, "", 1));
    return (const char *)out.data;
}

TEST(policy_example, explanation_names_the_statement_its_line_and_near_misses)
{
    struct naive_request r = ask(&oskar, "read");
    EXPECT_TEXT("allowed: permit read-line2 (line 9)\n", explain(&r));
    r.labels[0] = "itar";
    r.who = &ann;
    struct naive_person other = ann;
    other.attrs[0].value = "false";
    r.who = &other;
    EXPECT_TEXT("denied: forbidden: forbid itar (line 34), 22 CFR 120.54\n", explain(&r));
    other.attrs[0].key = NULL;
    EXPECT_TEXT("denied: forbidden, as a fact it asks for is not known: forbid itar (line 34), "
                "22 CFR 120.54\n",
        explain(&r));
    r = ask(&pia, "read");
    EXPECT_TEXT("denied: nothing permits it\n"
                "  near: permit read-line2 (line 10): who line2-ops (or 1 others): does not hold\n",
        explain(&r));
    r = ask(&sue, "read");
    r.kind = "wear";
    EXPECT_TEXT(
        "denied: nothing permits it\n"
        "  near: permit read-line2 (line 10): who line2-ops (or 1 others): does not hold\n"
        "  near: permit supplier-wear (line 26): when agreement supplier-oem >= 7: not known of "
        "this request\n",
        explain(&r));
    r = ask(&oskar, "propose");
    r.verb = "set-speed";
    r.tier = "3";
    r.approvals[0] = (struct naive_approval){&ann, NOON_S};
    EXPECT_TEXT("waits for what is required: require two-person (line 28)\n"
                "  unmet: require two-person (line 28): 1 of 2 approvals of shift-leads envelope "
                "press7-speed\n",
        explain(&r));
}

TEST(policy_example, canonical_form_of_it_is_this)
{
    static const char printed[] =
        "policy plant1-core 42\n"
        "prev sha256:7c9e000000000000000000000000000000000000000000000000000000000000\n"
        "valid 2026-01-01T00:00:00Z .. 2026-12-31T23:59:59Z\n"
        "\n"
        "group shift-leads = op ann, op bo, op chen\n"
        "group line2-ops = role operator @ plant1/line2\n"
        "scope press7 = asset plant1/line2/press7/...\n"
        "\n"
        "permit read-line2\n"
        "  who line2-ops shift-leads\n"
        "  do read subscribe\n"
        "  on asset plant1/line2/...\n"
        "  hide cost/* operator/name\n"
        "\n"
        "permit setpoint\n"
        "  who line2-ops\n"
        "  do propose\n"
        "  on press7 verb set-speed\n"
        "  when time 06:00..22:00 +01:00\n";
    struct weft_buffer out = {0};
    (void)ask(&ann, "read");
    EXPECT_EQ(WEFT_OK, weft_policy_print(policy, &out));
    EXPECT_TRUE(out.size > strlen(printed));
    EXPECT_MEM(printed, out.data, strlen(printed));
    weft_buffer_destroy(&out);
}

TEST(policy_example, head_and_bounds_are_told)
{
    (void)ask(&ann, "read");
    const struct weft_policy_head *head = weft_policy_head(policy);
    const struct weft_policy_bounds *bounds = weft_policy_bounds(policy);
    struct weft_digest digest = weft_sha256(example, strlen(example));
    EXPECT_EQ(42, head->version);
    EXPECT_TRUE(weft_text_is(head->name, "plant1-core"));
    EXPECT_TRUE(weft_digest_equal(&digest, &head->digest));
    EXPECT_EQ(0x7c, head->prev.bytes[0]);
    EXPECT_EQ(5, bounds->statements);
    EXPECT_EQ(3, bounds->definitions);
    EXPECT_EQ(1, bounds->depth);
    EXPECT_TRUE(weft_text_is(bounds->worst_name, "two-person"));
    EXPECT_TRUE(bounds->steps_max >= bounds->worst_steps && bounds->steps_max < 1000);
    struct weft_policy_statement s = weft_policy_statement(policy, 4);
    EXPECT_TEXT("forbid", weft_policy_statement_kind_name(s.kind));
    EXPECT_TRUE(weft_text_is(s.cite, "22 CFR 120.54"));
    weft_arena_destroy(&arena);
    policy = NULL;
}
