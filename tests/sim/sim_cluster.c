/* Run seeds: sim_cluster [--seed N] [--seeds COUNT] [--nodes 3|5] [--ms DURATION]
 * [--trace|--messages]. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/sim.h"

enum {
    TWICE_EVERY = 50
}; /* Each so manieth seed is run again and must leave the same trace. */

struct arguments {
    struct sim_options options;
    uint64_t seeds;
    uint32_t nodes; /* 0: 3 and 5 in turn */
};

static uint64_t number_after(int argc, char **argv, int *at)
{
    if (*at + 1 >= argc) {
        (void)fprintf(stderr, "%s: %s needs a number\n", argv[0], argv[*at]);
        exit(2);
    }
    return strtoull(argv[++*at], NULL, 0);
}

static struct arguments parse(int argc, char **argv)
{
    struct arguments a = {.options = {.seed = 1, .duration_ms = 12000}, .seeds = 1};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--seed") == 0) {
            a.options.seed = number_after(argc, argv, &i);
        } else if (strcmp(argv[i], "--seeds") == 0) {
            a.seeds = number_after(argc, argv, &i);
        } else if (strcmp(argv[i], "--nodes") == 0) {
            a.nodes = (uint32_t)number_after(argc, argv, &i);
        } else if (strcmp(argv[i], "--ms") == 0) {
            a.options.duration_ms = number_after(argc, argv, &i);
        } else if (strcmp(argv[i], "--trace") == 0) {
            a.options.trace = stdout;
        } else if (strcmp(argv[i], "--messages") == 0) {
            a.options.trace = stdout;
            a.options.trace_messages = true;
        } else {
            (void)fprintf(stderr,
                "usage: %s [--seed N] [--seeds COUNT] [--nodes 3|5] [--ms DURATION] "
                "[--trace|--messages]\n",
                argv[0]);
            exit(2);
        }
    }
    if (a.nodes != 0 && a.nodes != 3 && a.nodes != 5) {
        (void)fprintf(stderr, "%s: --nodes is 3 or 5\n", argv[0]);
        exit(2);
    }
    return a;
}

static bool run_seed(const struct sim_options *options, bool twice, uint64_t counts[SIM_COUNTS])
{
    struct sim_result result, again;
    sim_run(options, &result);
    if (twice && !result.has_failed) {
        sim_run(options, &again);
        if (again.trace_hash != result.trace_hash) {
            result.has_failed = true;
            (void)snprintf(result.failure, sizeof(result.failure), "two runs differ");
        }
    }
    for (int i = 0; i < SIM_COUNTS; i++) {
        counts[i] += result.counts[i];
    }
    if (result.has_failed) {
        (void)printf("seed %" PRIu64 " failed: %s\n  replay: sim_cluster --seed %" PRIu64
                     " --nodes %" PRIu32 " --ms %" PRIu64 " --trace\n",
            options->seed, result.failure, options->seed, options->voters, options->duration_ms);
    }
    return !result.has_failed;
}

/* A run of many seeds that never met a fault proves nothing about it. */
static bool has_met_everything(const uint64_t counts[SIM_COUNTS])
{
    bool all = true;
    for (int i = 0; i < SIM_COUNTS; i++) {
        if (i != SIM_ALARM && counts[i] < 5) {
            (void)printf("only %" PRIu64 " %s in all seeds\n", counts[i], sim_count_names[i]);
            all = false;
        }
    }
    return all;
}

int main(int argc, char **argv)
{
    struct arguments a = parse(argc, argv);
    uint64_t counts[SIM_COUNTS] = {0};
    uint64_t failed = 0;
    for (uint64_t i = 0; i < a.seeds; i++) {
        struct sim_options options = a.options;
        options.seed = a.options.seed + i;
        options.voters = a.nodes != 0 ? a.nodes : options.seed % 3 == 0 ? 5 : 3;
        failed += run_seed(&options, options.seed % TWICE_EVERY == 0, counts) ? 0 : 1;
    }
    (void)printf("%" PRIu64 " seeds, %" PRIu64 " failed\n", a.seeds, failed);
    for (int i = 0; i < SIM_COUNTS; i++) {
        (void)printf("%12" PRIu64 " %s\n", counts[i], sim_count_names[i]);
    }
    bool met = a.seeds < 100 || has_met_everything(counts);
    return failed == 0 && met ? 0 : 1;
}
