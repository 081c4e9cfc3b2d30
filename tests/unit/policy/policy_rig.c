#include "tests/unit/policy/policy_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/test.h"

/* --- the world ---------------------------------------------------------------------------- */

#define PLANT "oem.example", "plant1"

const struct naive_person rig_persons[RIG_PERSONS] = {
    {"op", PLANT, "ann", "", {{"operator", "plant1/line2"}},
        {{"us-person", "true"}, {"level", "3"}, {"shift", "'early"}}},
    {"op", PLANT, "bo", "p1", {{"lead", ""}, {"operator", "plant1"}}, {{"us-person", "false"}}},
    {"op", PLANT, "bo2", "p1", {{"lead", "plant1/line2/press7"}}, {{"level", "-1"}}},
    {"op", PLANT, "chen", "", {{"lead", "plant2"}}, {{"us-person", "'true"}, {"level", "7"}}},
    {"op", "oem.example", "plant2", "ann", "", {{"operator", "plant2"}}, {{"us-person", "true"}}},
    {"svc", PLANT, "robot", "", {{"operator", "plant1"}, {"lead", ""}}, {{"us-person", "true"}}},
    {"op", "supplier.example", "s1", "sue", "", {{"analyst", ""}}, {{"us-person", "true"}}},
    {"op", "other.example", "o1", "ann", "", {{"operator", "plant1/line2"}}, {{NULL, NULL}}},
    {"gw", PLANT, "gw2", "", {{NULL, NULL}}, {{"us-person", "true"}}},
};

const char *const rig_fields[RIG_FIELDS] = {"hours", "hours/value", "cost", "cost/total",
    "cost/total/unit", "temp/a", "temp/ab/c", "operator/name", "operator", "@author", "x", "temp"};

static const char *const assets[] = {"plant1", "plant1/line2", "plant1/line2/press7",
    "plant1/line2/press7/die", "plant1/line20", "serial:box/7", "", NULL, "plant1/line2/press71"};
static const char *const kinds[] = {"wear", "inspection", "wear.fast", "", NULL};
static const char *const verbs[] = {"set-speed", "stop", "", NULL};
static const char *const tiers[] = {"1", "2", "3", "", NULL};
static const char *const actions[] = {"read", "write", "propose", "admin-policy"};
static const char *const envelopes[] = {"", "press7-speed", "other"};
static const char *const labels[] = {"itar", "secret", "itar/part"};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define PICK(array) ((array)[test_random(COUNT(array))])

/* 2026-03-02 was a monday; its midnight in UTC. */
static const int64_t monday_s = 1772409600;

struct naive_request rig_draw_request(void)
{
    struct naive_request r = {.who = &rig_persons[test_random(RIG_PERSONS)],
        .org = "oem.example",
        .site = "plant1",
        .action = PICK(actions),
        .asset = PICK(assets),
        .kind = PICK(kinds),
        .verb = PICK(verbs),
        .tier = PICK(tiers),
        .knows_labels = test_random(4) > 0,
        .envelope = PICK(envelopes),
        /* Mostly at the edges of the windows below. */
        .time_s = monday_s + (int64_t)test_random(8 * 24 * 2) * 1800 - (int64_t)test_random(2),
        .is_agreed = test_random(3) > 0};
    for (uint64_t i = 0, count = test_random(3); i < count; i++) {
        r.labels[i] = PICK(labels);
    }
    if (test_random(3) > 0) {
        r.agreements[0] = (struct naive_agreement){"supplier-oem", 6 + (int)test_random(3)};
    }
    for (uint64_t i = 0, count = test_random(5); i < count; i++) {
        r.approvals[i] = (struct naive_approval){&rig_persons[test_random(RIG_PERSONS)],
            r.time_s - (int64_t)test_random(4) * 300 + (int64_t)test_random(2)};
    }
    return r;
}

/* --- the engine's view -------------------------------------------------------------------- */

static struct weft_policy_fact fact_of(const char *text)
{
    return (struct weft_policy_fact){text == NULL    ? WEFT_FACT_UNKNOWN
                                     : *text == '\0' ? WEFT_FACT_NONE
                                                     : WEFT_FACT_GIVEN,
        weft_text_of(text)};
}

static enum weft_principal_class class_of(const char *name)
{
    for (int i = 0; i < WEFT_PRINCIPAL_CLASSES; i++) {
        if (strcmp(name, weft_principal_class_name((enum weft_principal_class)i)) == 0) {
            return (enum weft_principal_class)i;
        }
    }
    EXPECT_TRUE(false);
    return WEFT_PRINCIPAL_NODE;
}

void rig_subject_of(const struct naive_person *person, struct rig_subject *ret_subject)
{
    struct rig_subject *s = ret_subject;
    memset(s, 0, sizeof(*s));
    EXPECT_EQ(WEFT_OK, weft_principal_make(class_of(person->class), person->org, person->site,
                           person->name, &s->principal, NULL));
    s->subject.principal = &s->principal;
    s->subject.person = weft_text_of(person->person);
    s->subject.roles = s->roles;
    s->subject.attrs = s->attrs;
    for (int i = 0; i < NAIVE_FEW && person->roles[i].name != NULL; i++) {
        s->roles[s->subject.role_count++] = (struct weft_policy_role){
            weft_text_of(person->roles[i].name), weft_text_of(person->roles[i].place)};
    }
    for (int i = 0; i < NAIVE_FEW && person->attrs[i].key != NULL; i++) {
        const char *value = person->attrs[i].value;
        struct weft_policy_attr *attr = &s->attrs[s->subject.attr_count++];
        attr->key = weft_text_of(person->attrs[i].key);
        if (*value == '\'') {
            attr->type = WEFT_ATTR_TEXT;
            attr->text = weft_text_of(value + 1);
        } else if (strcmp(value, "true") == 0 || strcmp(value, "false") == 0) {
            attr->type = WEFT_ATTR_BOOL;
            attr->number = strcmp(value, "true") == 0;
        } else {
            attr->type = WEFT_ATTR_INT;
            attr->number = strtol(value, NULL, 10);
        }
    }
}

void rig_request_of(const struct naive_request *naive, struct rig_request *ret_request)
{
    struct rig_request *r = ret_request;
    memset(r, 0, sizeof(*r));
    rig_subject_of(naive->who, &r->who);
    r->request = (struct weft_policy_request){.subject = &r->who.subject,
        .org = weft_text_of(naive->org),
        .site = weft_text_of(naive->site),
        .asset = fact_of(naive->asset),
        .kind = fact_of(naive->kind),
        .verb = fact_of(naive->verb),
        .tier_presence = fact_of(naive->tier).presence,
        .labels_presence = naive->knows_labels ? WEFT_FACT_GIVEN : WEFT_FACT_UNKNOWN,
        .labels = r->labels,
        .envelope = weft_text_of(naive->envelope),
        .time_ns = naive->time_s * 1000000000,
        .is_agreed = naive->is_agreed,
        .agreements = r->agreements,
        .approvals = r->approvals};
    EXPECT_TRUE(weft_policy_action_parse(weft_text_of(naive->action), &r->request.action));
    if (r->request.tier_presence == WEFT_FACT_GIVEN) {
        r->request.tier = strtol(naive->tier, NULL, 10);
    }
    for (int i = 0; i < NAIVE_FEW && naive->labels[i] != NULL; i++) {
        r->labels[r->request.label_count++] = weft_text_of(naive->labels[i]);
    }
    for (int i = 0; i < NAIVE_FEW && naive->agreements[i].name != NULL; i++) {
        r->agreements[r->request.agreement_count++] = (struct weft_policy_agreement){
            weft_text_of(naive->agreements[i].name), (uint64_t)naive->agreements[i].version};
    }
    for (int i = 0; i < NAIVE_FEW && naive->approvals[i].who != NULL; i++) {
        rig_subject_of(naive->approvals[i].who, &r->approvers[i]);
        r->approvals[r->request.approval_count++] = (struct weft_policy_approval){
            &r->approvers[i].subject, naive->approvals[i].time_s * 1000000000};
    }
}

/* --- asking ------------------------------------------------------------------------------- */

const struct weft_policy *rig_parse(const char *text, struct weft_arena *arena)
{
    const struct weft_policy *policy = NULL;
    struct weft_msg msg = {""};
    enum weft_err err = weft_policy_parse(weft_text_of(text), "p", arena, &policy, NULL, &msg);
    if (err != WEFT_OK) {
        (void)printf("%s\n%s\n", msg.text, text);
    }
    EXPECT_EQ(WEFT_OK, err);
    return policy;
}

const char *rig_refusal(const char *text)
{
    static struct weft_msg msg;
    struct weft_arena arena = {.size_max = WEFT_POLICY_MEMORY_MAX};
    const struct weft_policy *policy = NULL;
    struct weft_policy_place place = {0, 0};
    char start[64];
    msg.text[0] = '\0';
    enum weft_err err = weft_policy_parse(weft_text_of(text), "p", &arena, &policy, &place, &msg);
    weft_arena_destroy(&arena);
    if (err != WEFT_OK) {
        /* The message begins with the place, which is also told apart. */
        (void)snprintf(start, sizeof(start), "p:%u:%u: expected ", place.line, place.column);
        EXPECT_TRUE(strncmp(start, msg.text, strlen(start)) == 0);
    }
    return msg.text;
}

const char *rig_answer(const struct weft_policy_decision *decision)
{
    switch (decision->effect) {
    case WEFT_EFFECT_ALLOW:
        return "allow";
    case WEFT_EFFECT_NEEDS:
        return "needs";
    case WEFT_EFFECT_DENY:
        return weft_policy_reason_name(decision->reason);
    }
    return "?";
}

const char *rig_decide(const struct weft_policy *policy, const struct naive_request *request)
{
    struct rig_request r;
    struct weft_policy_decision decision;
    rig_request_of(request, &r);
    weft_policy_decide(policy, &r.request, &decision);
    return rig_answer(&decision);
}

static void print_request(const struct naive_request *r)
{
    (void)printf("%s %s/%s %s asset %s kind %s verb %s tier %s time %lld\n", r->who->name,
        r->who->org, r->who->site, r->action, r->asset != NULL ? r->asset : "?",
        r->kind != NULL ? r->kind : "?", r->verb != NULL ? r->verb : "?",
        r->tier != NULL ? r->tier : "?", (long long)r->time_s);
}

void rig_agree(const struct weft_policy *policy, const struct naive_policy *naive,
    const struct naive_request *request, const char *text)
{
    struct rig_request r;
    struct weft_policy_decision decision;
    rig_request_of(request, &r);
    weft_policy_decide(policy, &r.request, &decision);
    const char *expected = naive_decide(naive, request);
    if (strcmp(expected, rig_answer(&decision)) != 0) {
        (void)printf("%s\n", text);
        print_request(request);
        EXPECT_TEXT(expected, rig_answer(&decision));
    }
    for (int i = 0; i < RIG_FIELDS; i++) {
        bool is_shown = weft_policy_shows(policy, &decision, weft_text_of(rig_fields[i]));
        bool expected_shown =
            strcmp(expected, "allow") == 0 && naive_shows(naive, request, rig_fields[i]);
        if (is_shown != expected_shown) {
            (void)printf("%s\nfield %s\n", text, rig_fields[i]);
            print_request(request);
            EXPECT_EQ(expected_shown, is_shown);
        }
    }
}

/* --- policies ----------------------------------------------------------------------------- */

const char rig_preamble[] = "group leads = role lead, op chen\n"
                            "group us = attr us-person = true, op bo\n"
                            "group all-leads = leads, partner supplier.example role analyst, us\n"
                            "scope press7 = asset plant1/line2/press7/...\n"
                            "scope places = press7, asset serial:*/7, asset plant1\n"
                            "scope mixed = kind wear, label secret, asset plant1/line2\n"
                            "\n";

static const char *const whos[] = {"any", "leads", "us", "all-leads", "op ann", "op plant2/ann",
    "svc robot gw gw2", "role operator", "role operator @ plant1/line2", "role lead @ plant1",
    "partner supplier.example", "partner supplier.example role analyst",
    "partner other.example role analyst leads", "attr us-person = true", "attr level >= 3",
    "attr level <= 3 op bo", "attr shift = early", "attr shift = \"late\" op chen", "not leads",
    "not attr us-person = true", "not all-leads", "not partner supplier.example",
    "role analyst op ann"};
static const char *const dos[] = {
    "read", "read write", "propose", "any", "admin-policy read", "propose write"};
static const char *const ons[] = {"asset plant1/line2/...", "asset plant1/line2", "press7",
    "places", "mixed", "asset plant1/*", "asset plant1/line2/press7*", "asset */line2/...",
    "kind wear", "kind wear*", "press7 kind wear", "asset ... verb set-speed", "tier >= 2",
    "tier <= 1 press7", "label itar", "label secret label itar", "not press7",
    "asset plant1/... not label itar", "not kind wear tier = 2", "not mixed", "verb s*"};
static const char *const whens[] = {"time 06:00..22:00 +01:00", "time 22:00..06:00 Z mon..fri",
    "time 00:00..24:00 -05:00 sat, sun", "not time 06:00..22:00 Z", "time 12:30..12:00 +00:30 sun",
    "agreement supplier-oem >= 7", "not agreement supplier-oem = 6", "attr level >= 3",
    "not attr shift = early"};
static const char *const fields[] = {"hours temp/*", "cost", "cost/* operator/name", "temp/a*", "*",
    "@author hours/value", "*/total x"};
static const char *const needs[] = {"1 of leads", "2 of leads not proposer distinct-persons",
    "1 of all-leads within 10m", "2 of us within 5m not proposer", "1 of role operator",
    "2 of role lead @ plant1 distinct-persons", "1 of partner supplier.example not proposer"};

static void add(char *text, size_t size, const char *clause, const char *what)
{
    size_t used = strlen(text);
    (void)snprintf(text + used, size - used, "  %s %s\n", clause, what);
}

void rig_draw_statement(unsigned kind, unsigned number, char *text, size_t size)
{
    static const char *const names[] = {"permit", "forbid", "require"};
    size_t used = strlen(text);
    (void)snprintf(text + used, size - used, "%s s%u\n", names[kind], number);
    if (kind == 0 || test_random(3) > 0) {
        add(text, size, "who", PICK(whos));
    }
    add(text, size, "do", PICK(dos));
    if (test_random(3) > 0) {
        add(text, size, "on", PICK(ons));
    }
    if (kind == 0 && test_random(3) == 0) {
        add(text, size, "only fields", PICK(fields));
    }
    if ((kind == 0 && test_random(4) == 0) || (kind == 2 && test_random(3) == 0)) {
        add(text, size, "hide", PICK(fields));
    }
    for (uint64_t i = 0, count = test_random(5) / 2; i < count; i++) {
        add(text, size, "when", PICK(whens));
    }
    if (kind == 2 && test_random(2) == 0) {
        add(text, size, "envelope", envelopes[1]);
    }
    if (kind == 2) {
        add(text, size, "need", PICK(needs));
    }
}

void rig_draw_policy(unsigned statements, char ret_text[RIG_TEXT_SIZE])
{
    (void)snprintf(ret_text, RIG_TEXT_SIZE, "policy p 1\n%s%s",
        test_random(8) == 0 ? "valid 2026-03-02T06:00:00Z .. 2026-03-06T12:00:00Z\n" : "",
        rig_preamble);
    for (unsigned i = 0; i < statements; i++) {
        uint64_t die = test_random(8);
        rig_draw_statement(die < 5 ? 0 : die < 6 ? 1 : 2, i, ret_text, RIG_TEXT_SIZE);
    }
}
