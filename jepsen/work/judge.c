#include "jepsen/work/judge.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "jepsen/check/check.h"
#include "jepsen/report/report.h"
#include "jepsen/work/summary.h"

enum {
    PATH_BYTES = 4608,
    WHY_BYTES_MAX = 600
};

/* What was done is what was planned: so every replay of a plan does the same. */
static struct jep_edn follow(const struct jep_plan *plan, const struct jep_history *history)
{
    struct jep_result result = {0};
    struct jep_message message;
    if (!jep_plan_is_followed(plan, history, &message)) {
        jep_result_because(&result, history->arena, JEP_UNKNOWN, "%s", message.text);
    }
    return jep_result_take(&result, history->arena);
}

static struct jep_edn add_all(const struct jep_edn *found, const struct jep_edn *more,
    const struct jep_plan *plan, const struct jep_history *history)
{
    struct jep_arena *arena = history->arena;
    struct jep_edn_list map = {0};
    struct jep_edn plan_check = follow(plan, history);
    enum jep_verdict verdict =
        jep_verdict_worse(jep_verdict_of(found), jep_verdict_of(&plan_check));
    for (size_t i = 0; i < more->count; i++) {
        verdict = jep_verdict_worse(verdict, jep_verdict_of(&more->items[2 * i + 1]));
    }
    jep_edn_put(&map, "valid?", jep_verdict_edn(verdict));
    for (size_t i = 0; i < found->count; i++) {
        if (!jep_edn_is_keyword(&found->items[2 * i], "valid?")) {
            jep_edn_push(&map, found->items[2 * i]);
            jep_edn_push(&map, found->items[2 * i + 1]);
        }
    }
    for (size_t i = 0; i < more->count; i++) {
        jep_edn_push(&map, more->items[2 * i]);
        jep_edn_push(&map, more->items[2 * i + 1]);
    }
    jep_edn_put(&map, "plan", plan_check);
    jep_edn_put(&map, "summary", jep_summary(history));
    jep_edn_put(&map, "options", jep_run_options_edn(&plan->options, arena));
    jep_edn_put(&map, "command", jep_edn_string(jep_run_options_command(&plan->options, arena)));
    return jep_edn_take_map(&map, arena);
}

/* How many heals were judged, and the worst of them. */
static void tell_recovery(const struct jep_edn *recovery, struct jep_arena *arena)
{
    static const char *const keys[] = {"heals", "answers-judged", "slowest-node-s",
        "leaders-judged", "slowest-leader-s", "leader-allowed-s", "leaders-starved"};
    struct jep_edn_list map = {0};
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        const struct jep_edn *found = recovery != NULL ? jep_edn_get(recovery, keys[i]) : NULL;
        if (found != NULL) {
            jep_edn_put(&map, keys[i], *found);
        }
    }
    struct jep_edn told = jep_edn_take_map(&map, arena);
    (void)printf("  %s\n", jep_edn_show(arena, &told, WHY_BYTES_MAX));
}

/* The verdict, the figures, and the checks that are not valid, each with its reason. */
static void tell(const struct jep_plan *plan, const struct jep_edn *results, const char *directory,
    struct jep_arena *arena)
{
    const struct jep_edn *summary = jep_edn_get(results, "summary");
    (void)printf("%s  %s  %s  %s\n  %s\n", jep_verdict_name(jep_verdict_of(results)),
        plan->options.workload->name, plan->options.nemeses, directory,
        jep_edn_show(arena, summary, WHY_BYTES_MAX));
    tell_recovery(jep_edn_get(results, "recovery"), arena);
    for (size_t i = 0; i < results->count; i++) {
        const struct jep_edn *check = &results->items[2 * i + 1];
        const struct jep_edn *valid = jep_edn_get(check, "valid?");
        if (check->type != JEP_EDN_MAP || valid == NULL || jep_verdict_of(check) == JEP_VALID) {
            continue;
        }
        const struct jep_edn *why = jep_edn_get(check, "why");
        (void)printf("  %s: %s: %s\n", results->items[2 * i].text,
            jep_verdict_name(jep_verdict_of(check)),
            jep_edn_show(arena, why != NULL ? why : check, WHY_BYTES_MAX));
    }
}

static bool check(const struct jep_plan *plan, struct jep_history *history,
    struct jep_edn *ret_results, struct jep_message *message)
{
    struct jep_check_options options = {.workload = plan->options.workload->check};
    if (plan->options.endpoints == NULL) { /* else nobody knows what the plant was told */
        options.election_timeout_ns =
            (int64_t)plan->options.election_ms * JEP_CHECK_ELECTION_TIMERS * 1000000;
    }
    return jep_check_history(history, &options, ret_results, message);
}

enum jep_exit jep_judge(const struct jep_plan *plan, const char *directory,
    const struct jep_edn *more, struct jep_message *message)
{
    struct jep_history *history;
    struct jep_edn found;
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof(path), "%s/history.edn", directory);
    if (!jep_history_read(path, &history, message)) {
        return JEP_EXIT_HARNESS;
    }
    enum jep_exit exit_code = JEP_EXIT_HARNESS;
    if (check(plan, history, &found, message)) {
        struct jep_edn results = add_all(&found, more, plan, history);
        (void)snprintf(path, sizeof(path), "%s/results.edn", directory);
        if (jep_results_write(&results, path, message)) {
            enum jep_verdict verdict = jep_verdict_of(&results);
            struct jep_message told;
            if (!jep_report_write(directory, &told)) {
                (void)fprintf(stderr, "jepsen: no report: %s\n", told.text);
            }
            if (!plan->options.quiet || verdict != JEP_VALID) {
                tell(plan, &results, directory, history->arena);
            }
            exit_code = jep_verdict_exit(verdict);
        }
    }
    jep_history_destroy(history);
    return exit_code;
}
