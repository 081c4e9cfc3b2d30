#include "jepsen/core/results.h"

#include <stdio.h>

#include "tests/lib/test.h"

TEST(results, false_is_over_unknown_is_over_true) /* JEP-5 */
{
    EXPECT_EQ(JEP_INVALID, jep_verdict_worse(JEP_UNKNOWN, JEP_INVALID));
    EXPECT_EQ(JEP_UNKNOWN, jep_verdict_worse(JEP_UNKNOWN, JEP_VALID));
    EXPECT_EQ(JEP_VALID, jep_verdict_worse(JEP_VALID, JEP_VALID));
    struct jep_result result = {0};
    jep_result_lower(&result, JEP_INVALID);
    jep_result_lower(&result, JEP_VALID);
    EXPECT_EQ(JEP_INVALID, result.verdict);
    EXPECT_EQ(0, jep_verdict_exit(JEP_VALID));
    EXPECT_EQ(1, jep_verdict_exit(JEP_INVALID));
    EXPECT_EQ(2, jep_verdict_exit(JEP_UNKNOWN));
}

TEST(results, the_whole_is_as_good_as_the_worst_and_reads_back) /* JEP-5 */
{
    struct jep_arena *arena = jep_arena_create();
    struct jep_results results = {0};
    struct jep_result linear = {0}, coverage = {0};
    jep_result_put(&linear, "keys", jep_edn_int(3));
    jep_result_because(&coverage, arena, JEP_UNKNOWN, "only %d reads", 4);
    jep_result_because(&coverage, arena, JEP_UNKNOWN, "a later reason");
    jep_results_add(&results, arena, "linear", &linear);
    jep_results_add(&results, arena, "coverage", &coverage);
    struct jep_edn all = jep_results_take(&results, arena);
    EXPECT_EQ(JEP_UNKNOWN, jep_verdict_of(&all));
    char path[600];
    (void)snprintf(path, sizeof(path), "%s/results.edn", test_directory());
    EXPECT_TRUE(jep_results_write(&all, path, NULL));
    struct jep_text text = {0};
    struct jep_edn again;
    EXPECT_TRUE(jep_text_read_file(&text, path, 10000, NULL));
    EXPECT_TRUE(jep_edn_parse(arena, text.bytes, text.size, &again, NULL));
    EXPECT_TRUE(jep_edn_equal(&all, &again));
    EXPECT_TEXT("only 4 reads", jep_edn_get(jep_edn_get(&again, "coverage"), "why")->text);
    jep_text_reset(&text);
    EXPECT_TRUE(!jep_text_read_file(&text, path, 3, NULL));
    jep_text_free(&text);
    jep_arena_destroy(arena);
}
