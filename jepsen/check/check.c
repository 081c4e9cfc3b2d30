#include "jepsen/check/check.h"

#include <string.h>

enum {
    TIME_MS = 60000,
    CHECKS_MAX = 2
};

#define MEMORY_BYTES ((size_t)512 << 20)
#define STEPS_MAX ((uint64_t)50000000)

struct check {
    const char *name; /* in results.edn */
    jep_checker *run;
};

static const struct workload {
    const char *name;
    struct check checks[CHECKS_MAX];
} workloads[] = {
    {"register", {{"linearizable", jep_check_register}}},
    {"append", {{"transactions", jep_check_append}}},
    {"set", {{"set", jep_check_set}}},
    {"bank", {{"bank", jep_check_bank}}},
    {"counter", {{"counter", jep_check_counter}}},
    {"watch", {{"watch", jep_check_watch}}},
    {"as-of", {{"as-of", jep_check_as_of}}},
    {"lineage", {{"lineage", jep_check_lineage}}},
    {"digest", {{"digests", jep_check_digests}}},
    {"membership", {{"linearizable", jep_check_register}}},
    {"checkpoint", {{"set", jep_check_set}}},
    {"audit", {{"set", jep_check_set}, {"audit", jep_check_audit}}},
    {"actuation", {{"actuation", jep_check_actuation}}},
    {"federation", {{"federation", jep_check_federation}}},
};

enum {
    WORKLOADS = sizeof(workloads) / sizeof(workloads[0])
};

const char *const *jep_check_workloads(void)
{
    static const char *names[WORKLOADS + 1];
    for (size_t i = 0; i < WORKLOADS; i++) {
        names[i] = workloads[i].name;
    }
    return names;
}

static bool has_of(const struct jep_history *history, const char *f, bool is_nemesis)
{
    for (size_t i = 0; i < history->count; i++) {
        if ((history->ops[i].process == JEP_NEMESIS) == is_nemesis &&
            strcmp(history->ops[i].f, f) == 0) {
            return true;
        }
    }
    return false;
}

static bool has(const struct jep_history *history, const char *f)
{
    return has_of(history, f, false);
}

static bool reads_numbers(const struct jep_history *history)
{
    for (size_t i = 0; i < history->count; i++) {
        const struct jep_op *op = &history->ops[i];
        if (op->type == JEP_OK && strcmp(op->f, "read") == 0) {
            return jep_edn_is_int(&op->value);
        }
    }
    return false;
}

/* By operations that only one workload has. */
static const char *guess(const struct jep_history *history)
{
    static const char *const marks[][2] = {{"txn", "append"}, {"transfer", "bank"},
        {"append-commit", "watch"}, {"watch", "watch"}, {"assemble", "lineage"},
        {"trace", "lineage"}, {"as-of", "as-of"}, {"order", "actuation"}, {"inspect", "federation"},
        {"write", "register"}, {"cas", "register"}};
    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
        if (has(history, marks[i][0])) {
            return marks[i][1];
        }
    }
    if (has(history, "add")) {
        return reads_numbers(history) ? "counter" : "set";
    }
    return has(history, "digest") ? "digest" : NULL;
}

static void run(struct jep_history *history, const struct jep_check_options *options,
    struct jep_limits *limits, const struct check *check, struct jep_results *results)
{
    struct jep_result result = {0};
    struct jep_limits mine = *limits; /* the steps of each check, the deadline of all */
    check->run(history, options, &mine, &result);
    jep_results_add(results, history->arena, check->name, &result);
}

bool jep_check_history(struct jep_history *history, const struct jep_check_options *options,
    struct jep_edn *ret_results, struct jep_message *message)
{
    static const struct check digests = {"digests", jep_check_digests};
    static const struct check audit = {"audit", jep_check_audit};
    static const struct check keys = {"keys", jep_check_keys};
    static const struct check always[] = {{"coverage", jep_check_coverage},
        {"recovery", jep_check_recovery}, {"performance", jep_check_performance}};
    const char *name = options->workload != NULL ? options->workload : guess(history);
    const struct workload *workload = NULL;
    for (size_t i = 0; i < WORKLOADS && name != NULL; i++) {
        workload = strcmp(workloads[i].name, name) == 0 ? &workloads[i] : workload;
    }
    if (workload == NULL) {
        return name != NULL ? jep_failed(message, "no workload '%s'", name)
                            : jep_failed(message, "no operation tells the workload: name it");
    }
    struct jep_limits limits =
        jep_limits_from_now(options->time_limit_ms > 0 ? options->time_limit_ms : TIME_MS,
            options->memory_bytes > 0 ? options->memory_bytes : MEMORY_BYTES,
            options->steps_max > 0 ? options->steps_max : STEPS_MAX);
    struct jep_results results = {0};
    for (size_t i = 0; i < CHECKS_MAX && workload->checks[i].run != NULL; i++) {
        run(history, options, &limits, &workload->checks[i], &results);
    }
    if (has(history, "digest") && workload->checks[0].run != jep_check_digests) {
        run(history, options, &limits, &digests, &results);
    }
    if (has(history, "audit") && workload->checks[1].run != jep_check_audit) {
        run(history, options, &limits, &audit, &results);
    }
    if (has_of(history, "start-keys-revoke", true)) {
        run(history, options, &limits, &keys, &results);
    }
    for (size_t i = 0; i < 3 && !options->is_coverage_off; i++) {
        run(history, options, &limits, &always[i], &results);
    }
    *ret_results = jep_results_take(&results, history->arena);
    return true;
}
