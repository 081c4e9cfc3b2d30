#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "jepsen/verbs.h"
#include "jepsen/work/child.h"
#include "jepsen/work/run.h"

/* replay: the plan of an earlier run once more, or many times. That it was followed is among the
 * checks of each (:plan in results.edn). */

enum {
    TIMES_MAX = 1000
};

static int usage(FILE *out, int code)
{
    (void)fputs("usage: jepsen replay DIR [--times N] [--out DIR] [--bin DIR]\n\n"
                "Does what the run in DIR did: the same operations and faults at the same times\n"
                "(DIR/schedule.edn). Outcomes may differ. With --times N, says how many of N\n"
                "replays followed the plan; exit 1 if one did not.\n",
        out);
    return code;
}

static bool has_followed(const char *directory)
{
    struct jep_arena *arena = jep_arena_create();
    struct jep_edn results;
    const struct jep_edn *plan =
        jep_child_results(directory, arena, &results) ? jep_edn_get(&results, "plan") : NULL;
    bool is_followed = plan != NULL && jep_verdict_of(plan) == JEP_VALID;
    jep_arena_destroy(arena);
    return is_followed;
}

static int replay_often(const char *from, const struct jep_run_options *options, unsigned times)
{
    unsigned followed = 0;
    if (mkdir(options->out, 0755) != 0 && errno != EEXIST) {
        (void)fprintf(stderr, "jepsen: %s: %s\n", options->out, strerror(errno));
        return JEP_EXIT_HARNESS;
    }
    for (unsigned i = 0; i < times; i++) {
        char out[4096];
        (void)snprintf(out, sizeof(out), "%s/%u", options->out, i + 1);
        const char *const argv[] = {
            "replay", from, "--out", out, "--bin", options->bin, "--quiet", NULL};
        int code = jep_child_run(argv, NULL);
        if (code == JEP_EXIT_CANNOT_RUN) {
            return code;
        }
        followed += has_followed(out) ? 1 : 0;
    }
    (void)printf("%u of %u replays did the operations and faults of the plan\n", followed, times);
    return followed == times ? JEP_EXIT_VALID : JEP_EXIT_INVALID;
}

int jep_verb_replay(int argc, char **argv)
{
    static const struct option longs[] = {{"times", required_argument, NULL, 't'},
        {"out", required_argument, NULL, 'o'}, {"bin", required_argument, NULL, 'b'},
        {"quiet", no_argument, NULL, 'q'}, {"help", no_argument, NULL, 'h'}, {0}};
    struct jep_run_options options;
    static char out[4096];
    long times = 1;
    int c;
    jep_run_options_init(&options);
    optind = 1;
    while ((c = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
        if (c == 't') {
            times = strtol(optarg, NULL, 10);
        } else if (c == 'o') {
            options.out = optarg;
        } else if (c == 'b') {
            options.bin = optarg;
        } else if (c == 'q') {
            options.quiet = true;
        } else {
            return usage(c == 'h' ? stdout : stderr, c == 'h' ? JEP_EXIT_VALID : JEP_EXIT_HARNESS);
        }
    }
    if (optind + 1 != argc || times < 1 || times > TIMES_MAX) {
        return usage(stderr, JEP_EXIT_HARNESS);
    }
    if (options.out == NULL) {
        (void)snprintf(out, sizeof(out), "%s/replay", argv[optind]);
        options.out = out;
    }
    if (times > 1) {
        return replay_often(argv[optind], &options, (unsigned)times);
    }
    char schedule[4352];
    (void)snprintf(schedule, sizeof(schedule), "%s/schedule.edn", argv[optind]);
    return (int)jep_run_schedule_play(schedule, &options);
}
