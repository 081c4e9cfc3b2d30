#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "jepsen/check/check.h"
#include "jepsen/verbs.h"

enum {
    PATH_BYTES = 4096,
    FILE_BYTES_MAX = 1 << 26
};

static const char usage[] =
    "usage: jepsen check RUN [OPTION...]\n"
    "Judges a history: RUN is a directory with history.edn (results.edn is written there), or a\n"
    "history file. RUN/schedule.edn tells the workload, if there is one.\n\n"
    "  --workload W            else as the schedule says, else guessed from the operations\n"
    "  --no-coverage           safety alone: for short histories\n"
    "  --serializable          append: real time is not asked for\n"
    "  --stale-allowed         set: an element may be seen late, but not be lost\n"
    "  --time-limit S          of all checks together (default 60)\n"
    "  --memory MIB            of a search (default 512)\n"
    "  --election-timeout MS   a leader within three of them after each heal; else twice what the\n"
    "                          schedule says: nodes wait for one to two times that\n"
    "  --out FILE              results\n"
    "  --quiet                 the verdict alone\n\n"
    "Exit: 0 valid, 1 invalid, 2 unknown (a limit, or too little was seen), 3 harness error.\n";

static const struct jep_edn *text_in(const struct jep_edn *map, const char *key)
{
    const struct jep_edn *value = jep_edn_get(map, key);
    bool is_text =
        value != NULL && (value->type == JEP_EDN_KEYWORD || value->type == JEP_EDN_STRING);
    return is_text ? value : NULL;
}

/* What the run says of itself, in its schedule. A run without one is judged by its operations. */
static void read_schedule(
    const char *path, struct jep_arena *arena, struct jep_check_options *options)
{
    struct jep_text text = {0};
    struct jep_edn schedule;
    if (jep_text_read_file(&text, path, FILE_BYTES_MAX, NULL) &&
        jep_edn_parse(arena, text.bytes, text.size, &schedule, NULL)) {
        const struct jep_edn *told = jep_edn_get(&schedule, "options");
        const struct jep_edn *workload = told != NULL ? text_in(told, "workload") : NULL;
        if (options->workload == NULL && workload != NULL) {
            options->workload = workload->text;
        }
        const struct jep_edn *timer = told != NULL ? jep_edn_get(told, "election-timeout") : NULL;
        if (options->election_timeout_ns == 0 && timer != NULL && jep_edn_is_int(timer)) {
            options->election_timeout_ns = timer->integer * JEP_CHECK_ELECTION_TIMERS * 1000000;
        }
    }
    jep_text_free(&text);
}

/* What stands in the results of the run besides checks of ours (its options, its own findings)
 * stays, and counts for the verdict as it did. */
static struct jep_edn keep_others(
    const char *path, struct jep_arena *arena, const struct jep_edn *results)
{
    struct jep_text text = {0};
    struct jep_edn old, merged = *results;
    struct jep_edn_list map = {0};
    enum jep_verdict verdict = jep_verdict_of(results);
    if (jep_text_read_file(&text, path, FILE_BYTES_MAX, NULL) &&
        jep_edn_parse(arena, text.bytes, text.size, &old, NULL) && old.type == JEP_EDN_MAP) {
        for (uint32_t i = 0; i < results->count * 2; i++) {
            jep_edn_push(&map, results->items[i]);
        }
        for (uint32_t i = 0; i < old.count; i++) {
            const struct jep_edn *key = &old.items[2 * i], *value = key + 1;
            if (jep_edn_find(results, key) == NULL) {
                jep_edn_push(&map, *key);
                jep_edn_push(&map, *value);
                if (jep_edn_get(value, "valid?") != NULL) {
                    verdict = jep_verdict_worse(verdict, jep_verdict_of(value));
                }
            }
        }
        if (map.count >= 2) {
            map.items[1] = jep_verdict_edn(verdict); /* :valid? comes first */
        }
        merged = jep_edn_take_map(&map, arena);
    }
    jep_text_free(&text);
    return merged;
}

static void tell(const struct jep_edn *results, bool is_quiet)
{
    for (uint32_t i = 0; i < results->count && !is_quiet; i++) {
        const struct jep_edn *check = &results->items[2 * i + 1];
        const struct jep_edn *why = jep_edn_get(check, "why");
        if (jep_edn_get(check, "valid?") != NULL) {
            (void)printf("%-14s %s%s%s\n", results->items[2 * i].text,
                jep_verdict_name(jep_verdict_of(check)), why != NULL ? ": " : "",
                why != NULL ? why->text : "");
        }
    }
    (void)printf("%s\n", jep_verdict_name(jep_verdict_of(results)));
}

static int judge(const char *run, struct jep_check_options *options, const char *out, bool is_quiet)
{
    char history_path[PATH_BYTES], schedule_path[PATH_BYTES], results_path[PATH_BYTES];
    struct stat status;
    struct jep_history *history = NULL;
    struct jep_message message;
    struct jep_edn results;
    bool is_directory = stat(run, &status) == 0 && S_ISDIR(status.st_mode);
    (void)snprintf(history_path, PATH_BYTES, is_directory ? "%s/history.edn" : "%s", run);
    (void)snprintf(schedule_path, PATH_BYTES, "%s/schedule.edn", run);
    (void)snprintf(results_path, PATH_BYTES, "%s/results.edn", run);
    if (!jep_history_read(history_path, &history, &message)) {
        (void)fprintf(stderr, "jepsen check: %s\n", message.text);
        return JEP_EXIT_HARNESS;
    }
    if (is_directory) {
        read_schedule(schedule_path, history->arena, options);
        out = out != NULL ? out : results_path;
    }
    bool good = jep_check_history(history, options, &results, &message);
    if (good && is_directory) {
        results = keep_others(results_path, history->arena, &results);
    }
    good = good && (out == NULL || jep_results_write(&results, out, &message));
    int code = JEP_EXIT_HARNESS;
    if (good) {
        tell(&results, is_quiet);
        code = jep_verdict_exit(jep_verdict_of(&results));
    } else {
        (void)fprintf(stderr, "jepsen check: %s\n", message.text);
    }
    jep_history_destroy(history);
    return code;
}

int jep_verb_check(int argc, char **argv)
{
    enum {
        WORKLOAD,
        NO_COVERAGE,
        SERIALIZABLE,
        STALE_ALLOWED,
        TIME_LIMIT,
        MEMORY,
        ELECTION_TIMEOUT,
        OUT,
        QUIET,
        HELP
    };
    static const struct option names[] = {{"workload", required_argument, NULL, WORKLOAD},
        {"no-coverage", no_argument, NULL, NO_COVERAGE},
        {"serializable", no_argument, NULL, SERIALIZABLE},
        {"stale-allowed", no_argument, NULL, STALE_ALLOWED},
        {"time-limit", required_argument, NULL, TIME_LIMIT},
        {"memory", required_argument, NULL, MEMORY},
        {"election-timeout", required_argument, NULL, ELECTION_TIMEOUT},
        {"out", required_argument, NULL, OUT}, {"quiet", no_argument, NULL, QUIET},
        {"help", no_argument, NULL, HELP}, {0}};
    struct jep_check_options options = {0};
    const char *out = NULL;
    bool is_quiet = false;
    int name = 0;
    optind = 0;
    while ((name = getopt_long(argc, argv, "", names, NULL)) >= 0) {
        long long number = optarg != NULL ? atoll(optarg) : 0; // NOLINT(cert-err34-c): tested below
        bool is_number = name == TIME_LIMIT || name == MEMORY || name == ELECTION_TIMEOUT;
        if (name == HELP) {
            (void)fputs(usage, stdout);
            return JEP_EXIT_VALID;
        }
        if (name > HELP || (is_number && (number <= 0 || number > 1000000))) {
            (void)fputs(usage, stderr);
            return JEP_EXIT_HARNESS;
        }
        options.workload = name == WORKLOAD ? optarg : options.workload;
        options.is_coverage_off = name == NO_COVERAGE || options.is_coverage_off;
        options.is_serializable_enough = name == SERIALIZABLE || options.is_serializable_enough;
        options.is_stale_allowed = name == STALE_ALLOWED || options.is_stale_allowed;
        options.time_limit_ms = name == TIME_LIMIT ? number * 1000 : options.time_limit_ms;
        options.memory_bytes = name == MEMORY ? (size_t)number << 20 : options.memory_bytes;
        options.election_timeout_ns =
            name == ELECTION_TIMEOUT ? number * 1000000 : options.election_timeout_ns;
        out = name == OUT ? optarg : out;
        is_quiet = name == QUIET || is_quiet;
    }
    if (optind != argc - 1) {
        (void)fputs(usage, stderr);
        return JEP_EXIT_HARNESS;
    }
    return judge(argv[optind], &options, out, is_quiet);
}
