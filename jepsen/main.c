#include <stdio.h>
#include <string.h>

#include "jepsen/core/results.h"
#include "jepsen/verbs.h"

static const struct verb {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *what;
} verbs[] = {
    {"env", jep_verb_env, "what this machine can break"},
    {"break", jep_verb_break, "play faults on a plant without judging it"},
    {"check", jep_verb_check, "judge a history"},
    {"report", jep_verb_report, "a run as one page; an index over runs"},
    {"gen-history", jep_verb_gen_history, "make a history, right or broken in a named way"},
    {"selftest", jep_verb_selftest, "show that the checkers can fail and do not cry wolf"},
    {"run", jep_verb_run, "a plant, clients and faults by a plan, and the verdict"},
    {"replay", jep_verb_replay, "the plan of an earlier run again"},
    {"test-all", jep_verb_test_all, "many runs: profile ci, nightly, soak or mutants"},
    {"adapter", jep_verb_adapter, "a client for foreign harnesses, line by line"},
    {NULL, NULL, NULL},
};

static void usage(FILE *out)
{
    (void)fputs("usage: jepsen VERB [OPTION...]\n\n", out);
    for (const struct verb *verb = verbs; verb->name != NULL; verb++) {
        (void)fprintf(out, "  %-12s %s\n", verb->name, verb->what);
    }
    (void)fputs("\n`jepsen VERB --help` tells a verb's options. Exit: 0 valid, 1 invalid,\n"
                "2 unknown or vacuous, 3 harness error, 77 cannot run here.\n",
        out);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        usage(stderr);
        return JEP_EXIT_HARNESS;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        usage(stdout);
        return JEP_EXIT_VALID;
    }
    for (const struct verb *verb = verbs; verb->name != NULL; verb++) {
        if (strcmp(argv[1], verb->name) == 0) {
            return verb->run(argc - 1, argv + 1);
        }
    }
    (void)fprintf(stderr, "jepsen: no verb '%s'\n", argv[1]);
    usage(stderr);
    return JEP_EXIT_HARNESS;
}
