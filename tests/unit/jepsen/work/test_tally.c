#include "jepsen/work/tally.h"

#include <string.h>

#include "jepsen/core/arena.h"
#include "tests/lib/test.h"

static const char good[] =
    "{:valid? true, :set {:valid? true}, :recovery {:valid? true, :heals 3, :answers-judged 9, "
    ":slowest-node-s 0.812, :leaders-judged 2, :slowest-leader-s 0.2, :leaders-ms [210 0], "
    ":leaders-starved 1}, :summary {:invoked 10, :ok 6, :fail 3, :info 1, "
    ":faults {\"kill-one\" {:made 3, :seen 2, :skipped 1, :write-gap-ms 40}}}}";
static const char bad[] =
    "{:valid? false, :set {:valid? false, :why \"lost: 7\"}, :plan {:valid? :unknown, :why "
    "\"late\"}, :summary {:invoked 5, :ok 5, :fail 0, :info 0, "
    ":faults {\"kill-one\" {:made 1, :seen 0, :skipped 0, :write-gap-ms 700}}}}";

static struct jep_edn parse(struct jep_arena *arena, const char *text)
{
    struct jep_edn value;
    struct jep_message message = {0};
    EXPECT_TRUE(jep_edn_parse(arena, text, strlen(text), &value, &message));
    return value;
}

static int64_t int_in(const struct jep_edn *map, const char *key)
{
    const struct jep_edn *found = jep_edn_get(map, key);
    EXPECT_TRUE(found != NULL && jep_edn_is_int(found));
    return found->integer;
}

TEST(tally, runs_add_up_by_verdict_operations_by_result_faults_by_name) /* JEP-68 */
{
    struct jep_arena *arena = jep_arena_create();
    struct jep_tally tally = {0};
    struct jep_tally_run run;
    struct jep_message message = {0};
    struct jep_edn one = parse(arena, good), two = parse(arena, bad);
    jep_tally_add(&tally, JEP_EXIT_VALID, &one, &run);
    EXPECT_EQ(6, run.ok);
    EXPECT_EQ(2, run.seen);
    EXPECT_EQ(3, run.made);
    jep_tally_add(&tally, JEP_EXIT_INVALID, &two, &run);
    jep_tally_add(&tally, JEP_EXIT_HARNESS, NULL, &run);
    jep_tally_add(&tally, 128 + 9, NULL, &run);
    jep_tally_add(&tally, JEP_EXIT_UNKNOWN, NULL, &run);
    jep_tally_add(&tally, JEP_EXIT_CANNOT_RUN, NULL, &run);
    EXPECT_TRUE(jep_tally_adds_up(&tally, &message));
    struct jep_edn edn = jep_tally_edn(&tally, arena);
    EXPECT_EQ(6, int_in(&edn, "runs"));
    EXPECT_EQ(2, int_in(&edn, "harness-error"));
    EXPECT_EQ(15, int_in(&edn, "operations"));
    EXPECT_EQ(11, int_in(&edn, "ok"));
    EXPECT_EQ(1, int_in(&edn, "anomalies"));
    EXPECT_EQ(812, int_in(&edn, "slowest-node-ms"));
    EXPECT_EQ(200, int_in(&edn, "slowest-leader-ms"));
    const struct jep_edn *fault = &jep_edn_get(&edn, "faults")->items[1];
    EXPECT_EQ(4, int_in(fault, "made"));
    EXPECT_EQ(1, int_in(fault, "no-effect"));
    EXPECT_EQ(700, int_in(fault, "write-gap-ms"));
    EXPECT_EQ(0, jep_edn_get(&edn, "leaders-ms")->items[0].integer); /* sorted */
    jep_tally_free(&tally);
    jep_arena_destroy(arena);
}

TEST(tally, what_does_not_add_up_is_said) /* JEP-68 */
{
    struct jep_tally tally = {.runs = 2, .valid = 1};
    struct jep_message message;
    EXPECT_TRUE(!jep_tally_adds_up(&tally, &message));
    EXPECT_TEXT("2 runs, 1 verdicts", message.text);
    tally = (struct jep_tally){.invoked = 3, .ok = 1, .info = 1};
    EXPECT_TRUE(!jep_tally_adds_up(&tally, &message));
    EXPECT_TEXT("3 operations were begun, 2 have a result", message.text);
    tally = (struct jep_tally){.fault_count = 1, .faults = {{.name = "a", .made = 1, .seen = 2}}};
    EXPECT_TRUE(!jep_tally_adds_up(&tally, &message));
}

TEST(tally, the_reason_is_that_of_the_worst_check)
{
    struct jep_arena *arena = jep_arena_create();
    struct jep_edn one = parse(arena, good), two = parse(arena, bad);
    char why[JEP_TALLY_WHY_BYTES];
    jep_tally_why(&one, why);
    EXPECT_TEXT("", why);
    jep_tally_why(&two, why);
    EXPECT_TEXT("set: lost: 7", why);
    jep_arena_destroy(arena);
}
