#include "jepsen/check/check.h"

#include <stdio.h>
#include <string.h>

#include "tests/lib/test.h"

/* "PROCESS TYPE :f value" by line, without index and time. */
static struct jep_history *history_of(const char *const *lines, size_t count)
{
    struct jep_text text = {0};
    struct jep_history *history = NULL;
    struct jep_message message = {0};
    for (size_t i = 0; i < count; i++) {
        jep_text_printf(&text, "{:index %zu, :time %zu, %s}\n", i, i * 1000000, lines[i]);
    }
    if (!jep_history_parse(text.bytes, text.size, &history, &message)) {
        EXPECT_TEXT("", message.text);
    }
    jep_text_free(&text);
    return history;
}

#define INVOKE(process, f, value) ":type :invoke, :process " #process ", :f :" f ", :value " value
#define OK(process, f, value) ":type :ok, :process " #process ", :f :" f ", :value " value
#define HISTORY(...)                                                                               \
    history_of((const char *const[]){__VA_ARGS__},                                                 \
        sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

static enum jep_verdict judge(struct jep_history *history, const struct jep_check_options *options)
{
    struct jep_edn results;
    struct jep_message message = {0};
    if (!jep_check_history(history, options, &results, &message)) {
        EXPECT_TEXT("", message.text);
    }
    enum jep_verdict verdict = jep_verdict_of(&results);
    jep_history_destroy(history);
    return verdict;
}

TEST(check, what_it_does_not_understand_is_unknown)
{
    static const char *const forms[][3] = {{"register", "write", "5"}, {"register", "cas", "[1 2]"},
        {"register", "cas", "[1 [2 3 4]]"}, {"append", "txn", "5"},
        {"append", "txn", "[[:add 1 2]]"}, {"append", "txn", "[[:r 1 5]]"}, {"set", "read", "5"},
        {"bank", "read", "[1]"}, {"counter", "read", ":many"},
        {"counter", "add", "100000000000000000"}, {"watch", "watch", "{:from 1}"},
        {"watch", "append-commit", "5"}, {"as-of", "as-of", "[1 2]"}, {"lineage", "trace", "7"},
        {"digest", "digest", "{\"n1\" 5}"}};
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        char invoke[200], ok[200];
        (void)snprintf(invoke, sizeof(invoke), ":type :invoke, :process 0, :f :%s, :value %s",
            forms[i][1], forms[i][2]);
        (void)snprintf(
            ok, sizeof(ok), ":type :ok, :process 0, :f :%s, :value %s", forms[i][1], forms[i][2]);
        struct jep_check_options options = {.workload = forms[i][0], .is_coverage_off = true};
        EXPECT_EQ(JEP_UNKNOWN, judge(HISTORY(invoke, ok), &options));
    }
}

TEST(check, an_empty_history_proves_nothing) /* JEP-17 */
{
    for (const char *const *name = jep_check_workloads(); *name != NULL; name++) {
        struct jep_check_options options = {.workload = *name};
        EXPECT_EQ(JEP_UNKNOWN, judge(jep_history_create(), &options));
    }
}

TEST(check, the_workload_is_guessed_or_has_to_be_named)
{
    struct jep_edn results;
    struct jep_message message = {0};
    struct jep_check_options options = {.is_coverage_off = true};
    struct jep_history *history = HISTORY(INVOKE(0, "hum", "nil"), OK(0, "hum", "nil"));
    EXPECT_TRUE(!jep_check_history(history, &options, &results, &message));
    EXPECT_TEXT("no operation tells the workload: name it", message.text);
    options.workload = "hum";
    EXPECT_TRUE(!jep_check_history(history, &options, &results, &message));
    EXPECT_TEXT("no workload 'hum'", message.text);
    jep_history_destroy(history);
    options.workload = NULL;
    EXPECT_EQ(JEP_INVALID, judge(HISTORY(INVOKE(0, "add", "2"), OK(0, "add", "2"),
                                     INVOKE(0, "read", "nil"), OK(0, "read", "1")),
                               &options));
    EXPECT_EQ(JEP_INVALID, judge(HISTORY(INVOKE(0, "add", "2"), OK(0, "add", "2"),
                                     INVOKE(0, "read", "nil"), OK(0, "read", "#{}")),
                               &options));
}

TEST(check, what_is_asked_for_can_be_less)
{
    struct jep_check_options options = {.is_coverage_off = true, .workload = "set"};
    static const char *const stale[] = {INVOKE(0, "add", "2"), OK(0, "add", "2"),
        INVOKE(0, "read", "nil"), OK(0, "read", "#{}"), INVOKE(0, "read", "nil"),
        OK(0, "read", "#{2}")};
    EXPECT_EQ(JEP_INVALID, judge(history_of(stale, 6), &options));
    options.is_stale_allowed = true;
    EXPECT_EQ(JEP_VALID, judge(history_of(stale, 6), &options));
    EXPECT_EQ(JEP_INVALID, judge(history_of(stale, 4), &options)); /* lost all the same */

    static const char *const late[] = {INVOKE(0, "txn", "[[:append 0 1]]"),
        OK(0, "txn", "[[:append 0 1]]"), INVOKE(0, "txn", "[[:r 0 nil]]"),
        OK(0, "txn", "[[:r 0 nil]]")};
    options.workload = "append";
    EXPECT_EQ(JEP_INVALID, judge(history_of(late, 4), &options));
    options.is_serializable_enough = true;
    EXPECT_EQ(JEP_VALID, judge(history_of(late, 4), &options));
}

TEST(check, the_bank_is_told_what_there_was)
{
    static const char *const lines[] = {INVOKE(0, "transfer", "{:from 0, :to 1, :amount 3}"),
        OK(0, "transfer", "{:from 0, :to 1, :amount 3}"), INVOKE(0, "read", "nil"),
        OK(0, "read", "{0 10, 1 10}")};
    struct jep_check_options options = {.is_coverage_off = true};
    EXPECT_EQ(JEP_VALID, judge(history_of(lines, 4), &options)); /* it cannot know better */
    struct jep_edn items[] = {jep_edn_int(0), jep_edn_int(10), jep_edn_int(1), jep_edn_int(10)};
    struct jep_edn accounts = {.type = JEP_EDN_MAP, .count = 2, .items = items};
    options.accounts = &accounts;
    EXPECT_EQ(JEP_INVALID, judge(history_of(lines, 4), &options));
}

#define SEEN(f, value) ":type :info, :process :nemesis, :f :" f ", :value " value

/* A heal at 1 ms, then the lines, the last one at the end of the history. */
static enum jep_verdict judge_leader(const char *const *more, size_t count, int64_t timeout_ms)
{
    const char *lines[16] = {SEEN("start-kill", "nil"),
        SEEN("start-kill", "{:took-effect true, :quorum false}"), SEEN("leader", "{:leader nil}"),
        SEEN("stop-kill", "nil"), SEEN("stop-kill", "{:quorum true}")};
    for (size_t i = 0; i < count; i++) {
        lines[5 + i] = more[i];
    }
    struct jep_history *history = history_of(lines, 5 + count);
    struct jep_check_options options = {.election_timeout_ns = timeout_ms * 1000000};
    struct jep_limits limits = jep_limits_from_now(0, 0, 0);
    struct jep_result result = {0};
    jep_check_recovery(history, &options, &limits, &result);
    enum jep_verdict verdict = result.verdict;
    (void)jep_result_take(&result, history->arena);
    jep_history_destroy(history);
    return verdict;
}

TEST(check, a_late_leader_is_excused_to_unknown_only_where_the_harness_was_starved) /* JEP-67 */
{
    const char *lines[] = {SEEN("note", "nil"), SEEN("note", "nil"), SEEN("note", "nil"),
        SEEN("note", "nil"), SEEN("leader", "{:leader \"n1\", :term 2}"), SEEN("note", "nil")};
    EXPECT_EQ(JEP_VALID, judge_leader(lines, 6, 2));
    EXPECT_EQ(JEP_INVALID, judge_leader(lines, 6, 1));
    lines[2] = SEEN("starved", "{:late-ms 2}");
    EXPECT_EQ(JEP_UNKNOWN, judge_leader(lines, 6, 1));
    EXPECT_EQ(JEP_VALID, judge_leader(lines, 6, 2));
    lines[2] = SEEN("note", "nil");
    lines[5] = SEEN("starved", "{:late-ms 0}"); /* afterwards */
    EXPECT_EQ(JEP_INVALID, judge_leader(lines, 6, 1));
}

TEST(check, a_leader_is_due_from_when_a_majority_answers) /* JEP-18 */
{
    const char *lines[] = {SEEN("answering", "{:count 1, :of 3}"), SEEN("note", "nil"),
        SEEN("answering", "{:count 2, :of 3}"), SEEN("note", "nil"),
        SEEN("leader", "{:leader \"n1\", :term 2}"), SEEN("note", "nil")};
    EXPECT_EQ(
        JEP_VALID, judge_leader(lines, 6, 1)); /* 5 ms after the heal, 2 ms after the second */
    lines[0] = SEEN("answering", "{:count 2, :of 3}");
    EXPECT_EQ(JEP_INVALID, judge_leader(lines, 6, 1));
    EXPECT_EQ(JEP_VALID, judge_leader(lines, 6, 2));
}

static enum jep_verdict judge_after(const char *answer)
{
    const char *lines[] = {INVOKE(0, "write", "[1 7]"), OK(0, "write", "[1 7]"),
        INVOKE(1, "as-of", "[1 5 nil]"), OK(1, "as-of", "[1 5 7]"), INVOKE(2, "as-of", "[1 5 nil]"),
        OK(2, "as-of", "[1 5 7]"), INVOKE(3, "after", "[1 5 nil nil]"), answer};
    struct jep_check_options options = {.workload = "as-of", .is_coverage_off = true};
    return judge(history_of(lines, 8), &options);
}

TEST(check, who_asks_for_a_state_after_an_index_gets_none_from_before_it)
{
    EXPECT_EQ(JEP_VALID, judge_after(OK(3, "after", "[1 5 7 5]")));
    EXPECT_EQ(JEP_VALID, judge_after(OK(3, "after", "[1 5 7 6]")));
    EXPECT_EQ(JEP_INVALID, judge_after(OK(3, "after", "[1 5 7 4]")));
    EXPECT_EQ(JEP_INVALID, judge_after(OK(3, "after", "[1 5 :absent 0]")));
    EXPECT_EQ(JEP_INVALID, judge_after(OK(3, "after", "[1 5 8 5]")));
    EXPECT_EQ(JEP_UNKNOWN, judge_after(OK(3, "after", "[1 5 7]")));
}

TEST(check, a_leader_has_to_be_there_in_time) /* JEP-18 */
{
    static const char *const lines[] = {
        ":type :info, :process :nemesis, :f :leader, :value {:leader \"n1\", :term 1}",
        ":type :info, :process :nemesis, :f :start-kill, :value nil",
        ":type :info, :process :nemesis, :f :start-kill, :value {:took-effect true, :quorum true}",
        ":type :info, :process :nemesis, :f :leader, :value {:leader nil, :term 1}",
        ":type :info, :process :nemesis, :f :stop-kill, :value nil",
        ":type :info, :process :nemesis, :f :stop-kill, :value {:quorum true}",
        INVOKE(0, "read", "[0 nil]"), OK(0, "read", "[0 :absent]"), INVOKE(0, "read", "[0 nil]"),
        ":type :info, :process :nemesis, :f :leader, :value {:leader \"n2\", :term 2}",
        OK(0, "read", "[0 :absent]")};
    for (int64_t timeout_ms = 1; timeout_ms <= 2; timeout_ms++) {
        struct jep_history *history = history_of(lines, sizeof(lines) / sizeof(lines[0]));
        struct jep_check_options options = {.election_timeout_ns = timeout_ms * 1000000};
        struct jep_limits limits = jep_limits_from_now(0, 0, 0);
        struct jep_result result = {0};
        jep_check_recovery(history, &options, &limits, &result);
        /* It was there four ms after the heal: three times one ms is too short. */
        EXPECT_EQ(timeout_ms == 1 ? JEP_INVALID : JEP_VALID, result.verdict);
        (void)jep_result_take(&result, history->arena);
        jep_history_destroy(history);
    }
}
