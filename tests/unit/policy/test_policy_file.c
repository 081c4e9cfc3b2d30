/* What is a policy and what is not, each refusal with its place. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/test.h"
#include "tests/unit/policy/policy_rig.h"

#define HEAD "policy p 1\n"
#define PERMIT HEAD "permit a\n  who any\n  do read\n"

struct refusal {
    const char *text;
    const char *place; /* "LINE:COLUMN" */
    const char *expected;
};

static void expect_refused(const struct refusal *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char start[64];
        const char *refusal = rig_refusal(cases[i].text);
        (void)snprintf(start, sizeof(start), "p:%s: ", cases[i].place);
        if (strncmp(start, refusal, strlen(start)) != 0 ||
            strstr(refusal, cases[i].expected) == NULL) {
            (void)printf("%s\nrefused: %s\nnot as: %s...%s\n", cases[i].text, refusal, start,
                cases[i].expected);
            EXPECT_TRUE(false);
        }
    }
}

#define EXPECT_REFUSED(cases) expect_refused(cases, sizeof(cases) / sizeof((cases)[0]))

TEST(policy_file, bytes_that_are_no_text_are_refused_with_their_place)
{
    static const struct refusal cases[] = {
        {HEAD "\tpermit a\n", "2:1", "blanks instead of a tab"},
        {"policy p 1\r\n", "1:11", "a newline alone"},
        {HEAD "# \x01\n", "2:3", "no control characters"},
        {HEAD "# a\x7f\n", "2:4", "no control characters"},
        {HEAD "# \xc2\x85\n", "2:3", "no control characters"},
        {HEAD "# \xff\n", "2:3", "UTF-8"},
        {HEAD "# \xc3", "2:3", "UTF-8"},
        {"policy p 1", "1:11", "a newline at the end of the text"},
        {HEAD "# x", "2:4", "a newline at the end of the text"},
        {HEAD "permit \"a\n", "2:10", "'\"' before the end of the line"},
        {HEAD "permit \"a", "2:10", "'\"' before the end of the text"},
        {HEAD "permit \"a\\n\"\n", "2:11", "'\"' or '\\' after '\\'"},
        {HEAD "permit \"a\"b\n", "2:11", "a blank, ',' or the end"},
        {HEAD "permit b\"a\"\n", "2:9", "a blank before '\"'"},
    };
    EXPECT_REFUSED(cases);
    EXPECT_TEXT("", rig_refusal(HEAD "# \xc3\xa4 and \xe2\x82\xac are fine\n"));
}

TEST(policy_file, head_that_breaks_a_rule_is_refused)
{
    static const struct refusal cases[] = {
        {"", "1:1", "\"policy NAME VERSION\" in the first column, found the end of the text"},
        {" policy p 1\n", "1:2", "in the first column"},
        {"policy\n", "1:7", "a name"},
        {"policy P 1\n", "1:8", "a name (1 to 63 of a-z 0-9 . - _"},
        {"policy p\n", "1:9", "a version, from 1, found the end of the line"},
        {"policy p 0\n", "1:10", "a version, from 1"},
        {"policy p 01\n", "1:10", "a version, from 1"},
        {"policy p 18446744073709551616\n", "1:10", "a version"},
        {"policy p 1 2\n", "1:12", "the end of the line"},
        {"policy p 2\n", "2:1", "\"prev sha256:...\""},
        {"policy p 1\nprev sha256:00\n", "2:1", "no \"prev\" in version 1"},
        {"policy p 2\nprev sha256:00\n", "2:6", "64 hexadecimal digits"},
        {"policy p 2\n prev sha256:00\n", "2:2", "\"prev sha256:...\""},
        {"policy p 1\nvalid now .. later\n", "2:7", "a time"},
        {"policy p 1\nvalid 2026-01-01T00:00:00Z 2026-01-01T00:00:00Z\n", "2:28", "\"..\""},
        {"policy p 1\nvalid 2026-01-01T00:00:01Z .. 2026-01-01T00:00:00Z\n", "2:31",
            "an end that is not before the beginning"},
        {HEAD "polcy q 1\n", "2:1", "permit, forbid, require, group or scope, found \"polcy\""},
        {HEAD "  do read\n", "2:3", "in column 1"},
        {HEAD HEAD, "2:1", "permit, forbid"},
    };
    EXPECT_REFUSED(cases);
    EXPECT_TEXT("", rig_refusal("policy p 18446744073709551615\nprev "
                                "sha256:7c9e000000000000000000000000000000000000000000000000000000"
                                "000000\nvalid 2026-01-01T00:00:00Z .. 2026-01-01T00:00:00Z\n"));
}

TEST(policy_file, names_are_defined_before_use_once_and_are_no_words_of_the_language)
{
    static const struct refusal cases[] = {
        {HEAD "permit a\n  who b\n  do read\ngroup b = op x\n", "3:7", "a group that is defined"},
        {HEAD "group a = a\n", "2:11", "a group that is defined above"},
        {HEAD "group a = b\ngroup b = a\n", "2:11", "a group that is defined above"},
        {HEAD "scope a = scope\n", "2:11", "a scope that is defined above"},
        {HEAD "group a = op x\ngroup a = op y\n", "3:7", "a name that line 2 has not taken"},
        {HEAD "group a = op x\nscope a = kind y\n", "3:7", "a name that line 2 has not taken"},
        {HEAD "group any = op x\n", "2:7", "no word of the language"},
        {HEAD "group role = op x\n", "2:7", "no word of the language"},
        {HEAD "group \"a\" = op x\n", "2:7", "a name"},
        {HEAD "group A = op x\n", "2:7", "a name"},
        {HEAD "group a op x\n", "2:9", "\"=\", with blanks around it"},
        {HEAD "group a = not op x\n", "2:11", "a member"},
        {HEAD "group a = any\n", "2:11", "a member"},
        {HEAD "group a = op x,\n", "2:16", "any, op, svc"},
        {HEAD "group a = op x op y\n", "2:16", "\",\" or the end of the line"},
        {HEAD "group a =\n", "2:10", "any, op, svc"},
        {HEAD "scope s = kind x\npermit a\n  who s\n  do read\n", "4:7",
            "a group (line 2 defines a scope)"},
        {HEAD "group g = op x\npermit a\n  who g\n  do read\n  on g\n", "6:6",
            "a scope (line 2 defines a group)"},
        {PERMIT "forbid a\n  do read\n", "5:8", "a name that line 2 has not taken"},
    };
    EXPECT_REFUSED(cases);
    EXPECT_TEXT("", rig_refusal(HEAD "group a = op x\npermit a\n  who a\n  do read\n"));
}

TEST(policy_file, who_that_breaks_a_rule_is_refused)
{
    static const struct refusal cases[] = {
        {HEAD "permit a\n  do read\n", "4:1", "\"who ...\" in permit a"},
        {HEAD "permit a\n  who\n  do read\n", "3:6", "any, op, svc, gw, node, wit, role"},
        {HEAD "permit a\n  who \"any\"\n  do read\n", "3:7", "a group that is defined above"},
        {HEAD "permit a\n  who op\n", "3:9", "a name"},
        {HEAD "permit a\n  who op a*\n", "3:10", "or SITE/NAME"},
        {HEAD "permit a\n  who op /x\n", "3:10", "or SITE/NAME"},
        {HEAD "permit a\n  who op x/y/z\n", "3:10", "or SITE/NAME"},
        {HEAD "permit a\n  who role r @\n", "3:15", "a place"},
        {HEAD "permit a\n  who role r @ p/...\n", "3:16", "without \"*\" and \"...\""},
        {HEAD "permit a\n  who role r @ p*\n", "3:16", "without \"*\" and \"...\""},
        {HEAD "permit a\n  who partner Supplier\n", "3:15", "an organization"},
        {HEAD "permit a\n  who attr k\n", "3:13", "=, >= or <= behind the attribute"},
        {HEAD "permit a\n  who attr k=true\n", "3:12", "a name"},
        {HEAD "permit a\n  who attr k =\n", "3:15", "true, false, a whole number or a text"},
        {HEAD "permit a\n  who attr k >= x\n", "3:17", "a whole number behind >= and <="},
        {HEAD "permit a\n  who attr k >= \"1\"\n", "3:17", "a whole number behind >= and <="},
        {HEAD "permit a\n  who not op x op y\n", "3:16", "nothing beside \"not ...\""},
        {HEAD "permit a\n  who op y not op x\n", "3:12", "nothing beside \"not ...\""},
        {HEAD "permit a\n  who op x any\n", "3:12", "\"any\" alone"},
        {HEAD "permit a\n  who not any\n", "3:7", "\"any\" alone"},
        {HEAD "permit a\n  who any op x\n", "3:11", "the end of the line"},
        {HEAD "permit a\n  who op x, op y\n", "3:11", "a blank between selectors"},
        {HEAD "permit a\n  who op x\n  who op y\n  do read\n", "4:3", "\"who\" once"},
    };
    EXPECT_REFUSED(cases);
    EXPECT_TEXT("", rig_refusal(HEAD "forbid a\n  do read\n"));
}

TEST(policy_file, actions_selectors_and_fields_that_break_a_rule_are_refused)
{
    static const struct refusal cases[] = {
        {HEAD "permit a\n  who any\n", "4:1", "\"do ...\" in permit a"},
        {HEAD "permit a\n  who any\n  do\n", "4:5", "any, or actions"},
        {HEAD "permit a\n  who any\n  do fly\n", "4:6", "any, or actions"},
        {HEAD "permit a\n  who any\n  do read read\n", "4:11", "each once"},
        {HEAD "permit a\n  who any\n  do any read\n", "4:10", "the end of the line"},
        {HEAD "permit a\n  who any\n  do \"read\"\n", "4:6", "any, or actions"},
        {PERMIT "  on\n", "5:5", "asset, kind, verb, label, tier or a scope"},
        {PERMIT "  on asset\n", "5:11", "a pattern"},
        {PERMIT "  on asset \"\"\n", "5:12", "at least one byte"},
        {PERMIT "  on asset a/.../b\n", "5:12", "\"...\" at the end alone"},
        {PERMIT "  on asset a/**\n", "5:12", "at most one '*' in a segment"},
        {PERMIT "  on asset a*b*\n", "5:12", "at most one '*' in a segment"},
        {PERMIT "  on kind a/...\n", "5:11", "no \"...\""},
        {PERMIT "  on asset a asset b\n", "5:14", "one asset, kind and verb each"},
        {PERMIT "  on kind a kind b\n", "5:13", "one asset, kind and verb each"},
        {PERMIT "  on tier 2\n", "5:11", "=, >= or <= behind \"tier\""},
        {PERMIT "  on tier >= -1\n", "5:14", "a tier"},
        {PERMIT "  on kind a, kind b\n", "5:12", "a blank between selectors"},
        {PERMIT "  only hours\n", "5:8", "\"fields\""},
        {PERMIT "  only fields\n", "5:14", "a field"},
        {PERMIT "  only fields ...\n", "5:15", "a field, not \"...\" alone"},
        {PERMIT "  hide\n", "5:7", "a field"},
        {PERMIT "  hide a\n  only fields b\n", "6:15", "\"only\" above \"hide\""},
        {PERMIT "  need 1 of op x\n", "5:3", "who, do, on, only, hide, when or cite in a permit"},
        {HEAD "forbid a\n  do read\n  hide x\n", "4:3", "who, do, on, when or cite in a forbid"},
        {PERMIT "  cite x\n", "5:8", "a text in quotes"},
        {PERMIT "  cite \"\"\n", "5:8", "a text in quotes"},
    };
    EXPECT_REFUSED(cases);
    EXPECT_TEXT("", rig_refusal(PERMIT "  on tier >= 1 tier <= 2 label a label b not kind c not "
                                       "kind d asset \"a b, c/*/...\"\n"));
}

TEST(policy_file, times_and_requirements_that_break_a_rule_are_refused)
{
    static const struct refusal cases[] = {
        {PERMIT "  when\n", "5:7", "time, agreement or attr"},
        {PERMIT "  when time\n", "5:12", "hours (06:00..22:00"},
        {PERMIT "  when time 6:00..22:00 Z\n", "5:13", "hours"},
        {PERMIT "  when time 06:00..24:01 Z\n", "5:13", "hours"},
        {PERMIT "  when time 24:00..06:00 Z\n", "5:13", "hours"},
        {PERMIT "  when time 06:60..07:00 Z\n", "5:13", "hours"},
        {PERMIT "  when time 06:00..06:00 Z\n", "5:13", "hours"},
        {PERMIT "  when time 06:00..22:00\n", "5:25", "a fixed offset from UTC"},
        {PERMIT "  when time 06:00..22:00 CET\n", "5:26", "a fixed offset from UTC"},
        {PERMIT "  when time 06:00..22:00 +14:01\n", "5:26", "a fixed offset from UTC"},
        {PERMIT "  when time 06:00..22:00 -00:00\n", "5:26", "a fixed offset from UTC"},
        {PERMIT "  when time 06:00..22:00 Z may\n", "5:28", "days"},
        {PERMIT "  when time 06:00..22:00 Z mon..wed, tue\n", "5:38", "each once"},
        {PERMIT "  when time 06:00..22:00 Z mon,\n", "5:32", "days"},
        {PERMIT "  when agreement a\n", "5:19", "=, >= or <= behind the agreement"},
        {PERMIT "  when agreement a >= x\n", "5:23", "a version"},
        {PERMIT "  when attr a = b time\n", "5:19", "the end of the line"},
        {HEAD "require a\n  do read\n", "4:1", "need ...\", \"envelope ...\" or \"hide ...\""},
        {HEAD "require a\n  do read\n  need 0 of op x\n", "4:8", "1 to 16"},
        {HEAD "require a\n  do read\n  need 17 of op x\n", "4:8", "1 to 16"},
        {HEAD "require a\n  do read\n  need 1 op x\n", "4:10", "\"of\""},
        {HEAD "require a\n  do read\n  need 1 of any\n", "4:13", "a group or who may approve"},
        {HEAD "require a\n  do read\n  need 1 of not op x\n", "4:13", "a group or who may approve"},
        {HEAD "require a\n  do read\n  need 1 of op x not\n", "4:21", "\"proposer\""},
        {HEAD "require a\n  do read\n  need 1 of op x within\n", "4:24", "a duration"},
        {HEAD "require a\n  do read\n  need 1 of op x within 0m\n", "4:25", "a duration"},
        {HEAD "require a\n  do read\n  need 1 of op x within 366d\n", "4:25", "at most 365d"},
        {HEAD "require a\n  do read\n  need 1 of op x within 1m within 1m\n", "4:28", "each once"},
        {HEAD "require a\n  do read\n  envelope a/b\n", "4:12", "the name of an envelope"},
    };
    EXPECT_REFUSED(cases);
    EXPECT_TEXT("", rig_refusal(PERMIT "  when time 22:00..06:00 -12:00 sat..mon, wed\n"
                                       "  when not time 00:00..24:00 +14:00\n"
                                       "  when not attr a = b\n"));
}

/* --- limits ------------------------------------------------------------------------------- */

static struct weft_buffer text;

static void put(const char *words)
{
    EXPECT_EQ(WEFT_OK, weft_buffer_text(&text, weft_text_of(words)));
}

static void start(void)
{
    text.size_max = 4 * WEFT_POLICY_SIZE_MAX;
    weft_buffer_clear(&text);
    put(HEAD);
}

static const char *refusal(void)
{
    EXPECT_EQ(WEFT_OK, weft_buffer_append(&text, "", 1));
    const char *found = rig_refusal((const char *)text.data);
    text.size--;
    return found;
}

static void put_numbered(const char *before, int number, const char *behind)
{
    char words[128];
    (void)snprintf(words, sizeof(words), "%s%d%s", before, number, behind);
    put(words);
}

TEST(policy_file, statement_has_at_most_64_conditions_and_fields)
{
    start();
    put("permit a\n  who");
    for (int i = 0; i < 63; i++) {
        put_numbered(" op p", i, "");
    }
    put("\n  do read\n  when agreement a = 1\n  only fields");
    for (int i = 0; i < 64; i++) {
        put_numbered(" f", i, "");
    }
    put("\n");
    EXPECT_TEXT("", refusal());
    size_t size = text.size;
    put("  when agreement b = 1\n");
    EXPECT_TRUE(strstr(refusal(), "p:7:8: expected at most 64 conditions") != NULL);
    text.size = size;
    put("  hide g\n");
    EXPECT_TRUE(strstr(refusal(), "p:7:8: expected at most 64 fields") != NULL);
}

TEST(policy_file, groups_lie_within_each_other_16_deep_and_no_deeper)
{
    start();
    put("group g1 = op x\n");
    for (int i = 2; i <= 16; i++) {
        put_numbered("group g", i, " = g");
        put_numbered("", i - 1, "\n");
    }
    EXPECT_TEXT("", refusal());
    put("group g17 = op y, g16\n");
    EXPECT_TRUE(strstr(refusal(), "p:18:19: expected at most 16 groups or scopes") != NULL);
}

TEST(policy_file, file_has_at_most_4096_statements_and_definitions)
{
    start();
    for (int i = 0; i < 4096; i++) {
        put_numbered("forbid s", i, "\n do ack\n");
    }
    EXPECT_TEXT("", refusal());
    put("forbid more\n do ack\n");
    EXPECT_TRUE(strstr(refusal(), "p:8194:8: expected at most 4096 statements") != NULL);
    start();
    for (int i = 0; i < 4096; i++) {
        put_numbered("group g", i, " = op x\n");
    }
    EXPECT_TEXT("", refusal());
    put("scope more = kind x\n");
    EXPECT_TRUE(strstr(refusal(), "p:4098:7: expected at most 4096 groups and scopes") != NULL);
}

TEST(policy_file, text_of_256_KiB_is_taken_and_one_byte_more_is_not)
{
    start();
    while (text.size < WEFT_POLICY_SIZE_MAX - 101) {
        put("#                                                                                     "
            "            \n");
    }
    while (text.size < WEFT_POLICY_SIZE_MAX) {
        put("\n");
    }
    EXPECT_EQ(WEFT_POLICY_SIZE_MAX, text.size);
    EXPECT_TEXT("", refusal());
    put("\n");
    EXPECT_TRUE(strstr(refusal(), "p:1:1: expected at most 262144 bytes, found 262145") != NULL);
}

TEST(policy_file, worst_decision_over_100000_steps_is_refused_with_the_dearest_statement)
{
    start();
    put("group g = op p0");
    for (int i = 1; i < 300; i++) {
        put_numbered(", op p", i, "");
    }
    put("\n");
    int count = 0;
    while (strcmp(refusal(), "") == 0 && count < 100) {
        put_numbered("require r", count++, "\n  do read\n  need 2 of g\n");
    }
    EXPECT_EQ(21, count); /* 16 approvals, each held to 302 members and to 8 others */
    EXPECT_TRUE(
        strstr(refusal(), "p:3:1: expected at most 100000 steps in the worst decision") != NULL);
    EXPECT_TRUE(strstr(refusal(), "the dearest statement is require r0 with ") != NULL);
    /* Groups of groups cost what they unfold to. */
    start();
    put("group g0 = op a, op b, op c, op d, op e, op f, op g, op h\n");
    for (int i = 1; i < 8; i++) {
        put_numbered("group g", i, " = ");
        for (int j = 0; j < 8; j++) {
            put_numbered(j > 0 ? ", g" : "g", i - 1, "");
        }
        put("\n");
    }
    EXPECT_TEXT("", refusal()); /* Nobody asks. */
    put("permit a\n  who g7\n  do read\n");
    EXPECT_TEXT("", refusal()); /* Asked once each. */
    put("require b\n  do read\n  need 1 of g7\n");
    EXPECT_TRUE(strstr(refusal(), "steps in the worst decision") != NULL);
}

/* Small words cost most memory: many terms, fields and tokens. */
TEST(policy_file, largest_texts_fit_in_the_memory_that_is_said)
{
    struct weft_arena arena = {.size_max = WEFT_POLICY_MEMORY_MAX};
    static const char *const lines[] = {"group g", "scope s"};
    static const char *const firsts[] = {" = op a", " = kind a"};
    static const char *const members[] = {",op a", ",kind a"};
    size_t most = 0;
    for (int form = 0; form < 2; form++) {
        start();
        for (int i = 0; text.size < WEFT_POLICY_SIZE_MAX - 256; i++) {
            put_numbered(lines[form], i, firsts[form]);
            for (int j = 0; j < 30; j++) {
                put(members[form]);
            }
            put("\n");
        }
        EXPECT_TEXT("", refusal());
        const struct weft_policy *policy = rig_parse((const char *)text.data, &arena);
        EXPECT_TRUE(policy != NULL);
        most = arena.used_bytes > most ? arena.used_bytes : most;
        weft_arena_reset(&arena);
    }
    (void)printf("compiled: at most %zu bytes\n", most);
    weft_arena_destroy(&arena);
    weft_buffer_destroy(&text);
}

/* --- canonical form ----------------------------------------------------------------------- */

TEST(policy_file, canonical_form_prints_as_itself_and_decides_alike)
{
    static char policy_text[RIG_TEXT_SIZE];
    struct weft_arena arena = {.size_max = WEFT_POLICY_MEMORY_MAX};
    struct weft_buffer printed[2] = {{0}};
    for (int i = 0; i < 3000; i++) {
        rig_draw_policy(1 + (unsigned)test_random(6), policy_text);
        const struct weft_policy *policies[2] = {rig_parse(policy_text, &arena), NULL};
        weft_buffer_clear(&printed[0]);
        weft_buffer_clear(&printed[1]);
        EXPECT_EQ(WEFT_OK, weft_policy_print(policies[0], &printed[0]));
        EXPECT_EQ(WEFT_OK, weft_buffer_append(&printed[0], "", 1));
        policies[1] = rig_parse((const char *)printed[0].data, &arena);
        EXPECT_EQ(WEFT_OK, weft_policy_print(policies[1], &printed[1]));
        EXPECT_EQ(printed[0].size - 1, printed[1].size);
        EXPECT_MEM(printed[0].data, printed[1].data, printed[1].size); /* POL-63 */
        for (int j = 0; j < 4; j++) {
            struct naive_request request = rig_draw_request();
            EXPECT_TEXT(rig_decide(policies[0], &request), rig_decide(policies[1], &request));
        }
        weft_arena_reset(&arena);
    }
    weft_buffer_destroy(&printed[0]);
    weft_buffer_destroy(&printed[1]);
    weft_arena_destroy(&arena);
}

TEST(policy_file, compiling_needs_no_more_memory_than_it_is_given)
{
    const struct weft_policy *policy = NULL;
    for (size_t size = 64; size < 4096; size += 64) {
        struct weft_arena arena = {.size_max = size};
        struct weft_msg msg = {""};
        enum weft_err err =
            weft_policy_parse(weft_text_of(PERMIT), "p", &arena, &policy, NULL, &msg);
        EXPECT_TRUE(err == WEFT_OK || err == WEFT_ETOOBIG);
        EXPECT_TRUE(size < 2048 || err == WEFT_OK);
        weft_arena_destroy(&arena);
    }
}
