#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "jepsen/core/results.h"
#include "jepsen/verbs.h"
#include "jepsen/work/options.h"
#include "jepsen/work/profile.h"
#include "jepsen/work/series.h"

/* test-all: the bouts of a profile. */

enum {
    DAY_S = 86400
};

static int usage(FILE *out, int code)
{
    (void)fputs(
        "usage: jepsen test-all --profile P [--seed X] [--jobs N] [--out DIR] [--bin DIR]\n"
        "                       [--only N]\n\n"
        "  ci       at most 5 minutes on 2 cores: 500 seeds of the simulation, six runs of 20 s,\n"
        "           two planted faults that have to be found\n"
        "  nightly  at most 2 hours: 10,000 seeds, every workload under every family of faults\n"
        "  soak     runs of 5 minutes with all faults\n"
        "  mutants  every planted fault, each in at most 10 runs of 30 s\n"
        "  controls the first of those runs with nothing planted: all have to be valid\n\n"
        "--seed chooses what takes its turn; default: the day's number. --only N: that bout.\n"
        "--jobs N: so many runs side by side (1). What all add up to: DIR/summary.edn.\n"
        "WEFT_SIM_SEEDS: tests/sim/seeds of this source, which jepsen/run knows.\n\n"
        "Exit: 0 all is as it has to be, 1 not, 2 unknown, 3 harness error, 77 cannot run here.\n",
        out);
    return code;
}

/* The source's, where this program lies in build/bin of it. */
static const char *sim_seeds(const char *bin)
{
    static char path[4352];
    const char *told = getenv("WEFT_SIM_SEEDS");
    (void)snprintf(path, sizeof(path), "%s/../../tests/sim/seeds", bin);
    return told != NULL ? told : path;
}

static bool parse(int argc, char **argv, struct jep_series_options *o, int *ret_exit)
{
    static const struct option longs[] = {{"profile", required_argument, NULL, 'p'},
        {"seed", required_argument, NULL, 's'}, {"out", required_argument, NULL, 'o'},
        {"bin", required_argument, NULL, 'b'}, {"only", required_argument, NULL, 'n'},
        {"jobs", required_argument, NULL, 'j'}, {"help", no_argument, NULL, 'h'}, {0}};
    struct jep_bout first;
    int c;
    optind = 1;
    *ret_exit = JEP_EXIT_HARNESS;
    while ((c = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
        if (c == 'p') {
            o->profile = optarg;
        } else if (c == 's') {
            o->seed = strtoull(optarg, NULL, 10);
        } else if (c == 'o') {
            o->out = optarg;
        } else if (c == 'b') {
            o->bin = optarg;
        } else if (c == 'n') {
            o->only = strtoull(optarg, NULL, 10);
        } else if (c == 'j') {
            o->jobs = (unsigned)strtoul(optarg, NULL, 10);
        } else {
            *ret_exit = c == 'h' ? JEP_EXIT_VALID : JEP_EXIT_HARNESS;
            return false;
        }
    }
    return optind == argc && o->jobs >= 1 && o->jobs <= JEP_SERIES_JOBS_MAX &&
           jep_profile_bout(o->profile, o->seed, 0, &first);
}

int jep_verb_test_all(int argc, char **argv)
{
    struct jep_run_options options;
    int exit_code;
    jep_run_options_init(&options);
    struct jep_series_options series = {.profile = "",
        .out = "jepsen-out",
        .bin = options.bin,
        .seed = (uint64_t)time(NULL) / DAY_S,
        .only = SIZE_MAX,
        .jobs = 1};
    if (!parse(argc, argv, &series, &exit_code)) {
        return usage(exit_code == JEP_EXIT_VALID ? stdout : stderr, exit_code);
    }
    series.sim = sim_seeds(series.bin);
    if (mkdir(series.out, 0755) != 0 && errno != EEXIST) {
        (void)fprintf(stderr, "jepsen: %s: %s\n", series.out, strerror(errno));
        return JEP_EXIT_HARNESS;
    }
    return jep_series_play(&series);
}
