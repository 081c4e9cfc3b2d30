#include "jepsen/forge/forge.h"

#include <string.h>

#include "jepsen/check/check.h"
#include "jepsen/check/linear.h"
#include "jepsen/forge/selftest.h"
#include "tests/lib/test.h"

static void write_all(const struct jep_history *history, struct jep_text *text)
{
    for (size_t i = 0; i < history->count; i++) {
        jep_op_write(text, &history->ops[i]);
    }
}

TEST(forge, one_seed_gives_one_history_that_keeps_the_rules) /* JEP-4 */
{
    for (const char *const *name = jep_forge_workloads(); *name != NULL; name++) {
        struct jep_forge_options options = {.workload = *name, .ops = 400, .seed = test_seed()};
        struct jep_text text = {0}, again = {0};
        struct jep_history *history = NULL;
        for (size_t i = 0; i < 2; i++) {
            EXPECT_TRUE(jep_forge(&options, &history, NULL));
            write_all(history, i == 0 ? &text : &again);
            jep_history_destroy(history);
        }
        EXPECT_TEXT(text.bytes, again.bytes);
        EXPECT_TRUE(jep_history_parse(text.bytes, text.size, &history, NULL));
        jep_history_destroy(history);
        options.seed++;
        jep_text_reset(&again);
        EXPECT_TRUE(jep_forge(&options, &history, NULL));
        write_all(history, &again);
        EXPECT_TRUE(strcmp(text.bytes, again.bytes) != 0);
        jep_history_destroy(history);
        jep_text_free(&text);
        jep_text_free(&again);
    }
}

TEST(forge, every_way_to_break_is_caught_and_nothing_good_is) /* JEP-19 */
{
    struct jep_selftest_options options = {
        .seeds = 5, .first_seed = test_seed(), .ops = 500, .is_quiet = true, .out = stderr};
    EXPECT_TRUE(jep_selftest(&options));
}

TEST(forge, hand_made_histories_have_the_verdict_of_theory) /* JEP-19 */
{
    struct jep_selftest_options options = {.fixtures = JEPSEN_FIXTURES, .out = stderr};
    EXPECT_TRUE(jep_selftest(&options));
    options.fixtures = test_directory(); /* empty */
    options.out = fopen("/dev/null", "w");
    EXPECT_TRUE(!jep_selftest(&options));
    (void)fclose(options.out);
}

TEST(forge, what_cannot_be_made_is_refused)
{
    struct jep_history *history = NULL;
    struct jep_message message = {0};
    struct jep_forge_options options = {.workload = "hum", .ops = 10};
    EXPECT_TRUE(!jep_forge(&options, &history, &message));
    EXPECT_TEXT("no model of workload 'hum'", message.text);
    options = (struct jep_forge_options){.workload = "set", .ops = 10, .mutation = "gap"};
    EXPECT_TRUE(!jep_forge(&options, &history, &message));
    EXPECT_TEXT("workload set has no mutation 'gap'", message.text);
    options = (struct jep_forge_options){.workload = "register", .mutation = "stale-read"};
    EXPECT_TRUE(!jep_forge(&options, &history, &message));
    EXPECT_TRUE(strstr(message.text, "no place for stale-read") != NULL);
}

/* Not the time but what costs it: how many configurations 20,000 operations on one key ask for. */
TEST(forge, a_long_key_takes_few_configurations)
{
    struct jep_forge_options options = {
        .workload = "register", .ops = 20000, .keys = 1, .seed = test_seed(), .concurrency = 20};
    struct jep_history *history = NULL;
    struct jep_edn results;
    EXPECT_TRUE(jep_forge(&options, &history, NULL));
    struct jep_check_options check = {.workload = "register", .is_coverage_off = true};
    EXPECT_TRUE(jep_check_history(history, &check, &results, NULL));
    EXPECT_EQ(JEP_VALID, jep_verdict_of(&results));
    const struct jep_edn *linear = jep_edn_get(&results, "linearizable");
    EXPECT_TRUE(jep_edn_get(linear, "operations")->integer > 15000);
    EXPECT_TRUE(jep_edn_get(linear, "configurations")->integer < 200000);
    EXPECT_TRUE(jep_edn_get(linear, "widest")->integer < 100);
    jep_history_destroy(history);
}
