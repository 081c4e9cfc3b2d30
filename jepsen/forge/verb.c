#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "jepsen/forge/forge.h"
#include "jepsen/forge/selftest.h"
#include "jepsen/verbs.h"

static const char gen_usage[] =
    "usage: jepsen gen-history --workload W [OPTION...]\n"
    "Makes a history that is right by construction, and breaks it in one named way if asked.\n\n"
    "  --workload W      register append set bank counter watch as-of lineage digest\n"
    "  --ops N           operations of clients (default 1000)\n"
    "  --keys N          in use at once (default 10)\n"
    "  --concurrency N   clients (default 10)\n"
    "  --nodes N         (default 5)\n"
    "  --seed N          (default 1)\n"
    "  --mutate KIND     break it; `--mutate list` lists the kinds\n"
    "  --calm            nothing fails, nothing is unknown, no faults\n"
    "  --out FILE        (default standard output)\n";

static const char selftest_usage[] =
    "usage: jepsen selftest [OPTION...]\n"
    "Shows that the checkers can fail and do not cry wolf: hand-made histories, and forged ones,\n"
    "good and broken in every named way, over many seeds. Exit 0: all verdicts were right.\n\n"
    "  --seeds N         of each kind (default 20)\n"
    "  --first-seed N    (default 1)\n"
    "  --ops N           of each history (default 600)\n"
    "  --workload W      one workload alone\n"
    "  --fixtures DIR    hand-made histories (default: those of the source tree)\n"
    "  --quiet           tell failures alone\n";

/* False: not a number from 0 on. */
static bool get_number(const char *text, uint64_t *ret_number)
{
    char *end = NULL;
    unsigned long long number = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0') {
        (void)fprintf(stderr, "jepsen: not a number: %s\n", text);
        return false;
    }
    *ret_number = number;
    return true;
}

static int list_mutations(const char *workload)
{
    for (const struct jep_mutation *m = jep_forge_mutations(); m->name != NULL; m++) {
        if (workload == NULL || m->workload == NULL || strcmp(workload, m->workload) == 0) {
            (void)printf("%-9s %-20s %-8s %s\n", m->workload != NULL ? m->workload : "(any)",
                m->name, jep_verdict_name(m->expected), m->what);
        }
    }
    return JEP_EXIT_VALID;
}

static int write_history(const struct jep_history *history, const char *path)
{
    FILE *out = path != NULL ? fopen(path, "we") : stdout;
    struct jep_text text = {0};
    bool good = out != NULL;
    for (size_t i = 0; i < history->count && good; i++) {
        jep_text_reset(&text);
        jep_op_write(&text, &history->ops[i]);
        good = fwrite(text.bytes, 1, text.size, out) == text.size;
    }
    good = good && (path != NULL ? fclose(out) : fflush(out)) == 0;
    if (!good) {
        (void)fprintf(stderr, "jepsen: cannot write %s\n", path != NULL ? path : "the history");
    }
    jep_text_free(&text);
    return good ? JEP_EXIT_VALID : JEP_EXIT_HARNESS;
}

int jep_verb_gen_history(int argc, char **argv)
{
    enum {
        WORKLOAD,
        OPS,
        KEYS,
        CONCURRENCY,
        NODES,
        SEED,
        MUTATE,
        CALM,
        OUT,
        HELP
    };
    static const struct option names[] = {{"workload", required_argument, NULL, WORKLOAD},
        {"ops", required_argument, NULL, OPS}, {"keys", required_argument, NULL, KEYS},
        {"concurrency", required_argument, NULL, CONCURRENCY},
        {"nodes", required_argument, NULL, NODES}, {"seed", required_argument, NULL, SEED},
        {"mutate", required_argument, NULL, MUTATE}, {"calm", no_argument, NULL, CALM},
        {"out", required_argument, NULL, OUT}, {"help", no_argument, NULL, HELP}, {0}};
    struct jep_forge_options options = {.ops = 1000, .seed = 1};
    uint64_t numbers[HELP + 1] = {[OPS] = 1000, [SEED] = 1};
    const char *path = NULL;
    int name = 0;
    optind = 0;
    while ((name = getopt_long(argc, argv, "", names, NULL)) >= 0) {
        if (name == HELP) {
            (void)fputs(gen_usage, stdout);
            return JEP_EXIT_VALID;
        }
        if (name > HELP || ((name == OPS || name == KEYS || name == CONCURRENCY || name == NODES ||
                                name == SEED) &&
                               !get_number(optarg, &numbers[name]))) {
            (void)fputs(gen_usage, stderr);
            return JEP_EXIT_HARNESS;
        }
        options.workload = name == WORKLOAD ? optarg : options.workload;
        options.mutation = name == MUTATE ? optarg : options.mutation;
        options.is_calm = name == CALM ? true : options.is_calm;
        path = name == OUT ? optarg : path;
    }
    if (options.mutation != NULL && strcmp(options.mutation, "list") == 0) {
        return list_mutations(options.workload);
    }
    if (options.workload == NULL || optind != argc || numbers[CONCURRENCY] > 10000 ||
        numbers[NODES] > 1000) {
        (void)fputs(gen_usage, stderr);
        return JEP_EXIT_HARNESS;
    }
    options.ops = numbers[OPS];
    options.keys = numbers[KEYS];
    options.seed = numbers[SEED];
    options.concurrency = (uint32_t)numbers[CONCURRENCY];
    options.nodes = (uint32_t)numbers[NODES];
    struct jep_history *history = NULL;
    struct jep_message message;
    if (!jep_forge(&options, &history, &message)) {
        (void)fprintf(stderr, "jepsen gen-history: %s\n", message.text);
        return JEP_EXIT_HARNESS;
    }
    int code = write_history(history, path);
    jep_history_destroy(history);
    return code;
}

int jep_verb_selftest(int argc, char **argv)
{
    enum {
        SEEDS,
        FIRST_SEED,
        OPS,
        WORKLOAD,
        FIXTURES,
        QUIET,
        HELP
    };
    static const struct option names[] = {{"seeds", required_argument, NULL, SEEDS},
        {"first-seed", required_argument, NULL, FIRST_SEED}, {"ops", required_argument, NULL, OPS},
        {"workload", required_argument, NULL, WORKLOAD},
        {"fixtures", required_argument, NULL, FIXTURES}, {"quiet", no_argument, NULL, QUIET},
        {"help", no_argument, NULL, HELP}, {0}};
    uint64_t numbers[HELP + 1] = {[SEEDS] = 20, [FIRST_SEED] = 1, [OPS] = 600};
    struct jep_selftest_options options = {.fixtures = JEPSEN_FIXTURES, .out = stdout};
    int name = 0;
    optind = 0;
    while ((name = getopt_long(argc, argv, "", names, NULL)) >= 0) {
        if (name == HELP) {
            (void)fputs(selftest_usage, stdout);
            return JEP_EXIT_VALID;
        }
        if (name > HELP || (name <= OPS && !get_number(optarg, &numbers[name]))) {
            (void)fputs(selftest_usage, stderr);
            return JEP_EXIT_HARNESS;
        }
        options.workload = name == WORKLOAD ? optarg : options.workload;
        options.fixtures = name == FIXTURES ? optarg : options.fixtures;
        options.is_quiet = name == QUIET ? true : options.is_quiet;
    }
    if (optind != argc) {
        (void)fputs(selftest_usage, stderr);
        return JEP_EXIT_HARNESS;
    }
    options.seeds = numbers[SEEDS];
    options.first_seed = numbers[FIRST_SEED];
    options.ops = numbers[OPS];
    return jep_selftest(&options) ? JEP_EXIT_VALID : JEP_EXIT_INVALID;
}
