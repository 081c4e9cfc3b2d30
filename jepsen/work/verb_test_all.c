#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "jepsen/cluster/process.h"
#include "jepsen/core/results.h"
#include "jepsen/verbs.h"
#include "jepsen/work/child.h"
#include "jepsen/work/options.h"
#include "jepsen/work/profile.h"

/* test-all: the bouts of a profile one after the other, each a process of its own, and what came of
 * them as two tables: by bout, and by fault. */

enum {
    FAULTS_MAX = 64,
    TEXT_BYTES = 4352,
    SIM_PROCESSES = 2,
    DAY_S = 86400
};

struct fault {
    char name[64];
    int64_t made, seen, skipped, gap_ms;
};

struct series {
    const char *profile;
    const char *out;
    const char *bin;
    uint64_t seed;
    size_t only; /* this bout alone; SIZE_MAX: all */
    struct fault faults[FAULTS_MAX];
    size_t fault_count;
    int64_t ok, fail, info, anomalies;
    unsigned bouts, bad;
};

/* --- figures ----------------------------------------------------------------------------- */

static int64_t int_of(const struct jep_edn *map, const char *key)
{
    const struct jep_edn *found = map != NULL ? jep_edn_get(map, key) : NULL;
    return found != NULL && jep_edn_is_int(found) ? found->integer : 0;
}

static void add_fault(struct series *s, const char *name, const struct jep_edn *figures)
{
    size_t i = 0;
    while (i < s->fault_count && strcmp(s->faults[i].name, name) != 0) {
        i++;
    }
    if (i == FAULTS_MAX) {
        return;
    }
    struct fault *f = &s->faults[i];
    if (i == s->fault_count) {
        *f = (struct fault){.made = 0};
        (void)snprintf(f->name, sizeof(f->name), "%s", name);
        s->fault_count++;
    }
    int64_t gap_ms = int_of(figures, "write-gap-ms");
    f->made += int_of(figures, "made");
    f->seen += int_of(figures, "seen");
    f->skipped += int_of(figures, "skipped");
    f->gap_ms = gap_ms > f->gap_ms ? gap_ms : f->gap_ms;
}

/* Of every check that counts them. */
static int64_t anomalies_of(const struct jep_edn *results)
{
    int64_t anomalies = 0;
    for (size_t i = 0; i < results->count; i++) {
        const struct jep_edn *check = &results->items[2 * i + 1];
        if (check->type == JEP_EDN_MAP && jep_edn_get(check, "valid?") != NULL &&
            jep_verdict_of(check) == JEP_INVALID) {
            anomalies++;
        }
    }
    return anomalies;
}

static void add_results(struct series *s, const struct jep_edn *results, bool is_mutant)
{
    const struct jep_edn *summary = jep_edn_get(results, "summary");
    const struct jep_edn *faults = summary != NULL ? jep_edn_get(summary, "faults") : NULL;
    int64_t made = 0, seen = 0;
    for (size_t i = 0; faults != NULL && i < faults->count; i++) {
        const struct jep_edn *figures = &faults->items[2 * i + 1];
        made += int_of(figures, "made");
        seen += int_of(figures, "seen");
        if (!is_mutant) {
            add_fault(s, faults->items[2 * i].text, figures);
        }
    }
    (void)printf("%7" PRId64 " %6" PRId64 " %5" PRId64 "  %2" PRId64 "/%-2" PRId64 "  ",
        int_of(summary, "ok"), int_of(summary, "fail"), int_of(summary, "info"), seen, made);
    if (!is_mutant) {
        s->ok += int_of(summary, "ok");
        s->fail += int_of(summary, "fail");
        s->info += int_of(summary, "info");
        s->anomalies += anomalies_of(results);
    }
}

/* --- bouts ------------------------------------------------------------------------------- */

static int play_once(struct series *s, const struct jep_bout *bout, uint64_t seed, const char *out)
{
    char seed_text[32], limit[16], interval[16];
    const char *argv[24] = {"run", "--workload", bout->workload, "--nemesis", bout->nemesis,
        "--seed", seed_text, "--time-limit", limit, "--nemesis-interval", interval, "--out", out,
        "--bin", s->bin, "--quiet", NULL};
    (void)snprintf(seed_text, sizeof(seed_text), "%" PRIu64, seed);
    (void)snprintf(limit, sizeof(limit), "%u", bout->time_limit_s);
    (void)snprintf(interval, sizeof(interval), "%u", bout->interval_s);
    if (bout->mutant != NULL) {
        argv[16] = "--mutant";
        argv[17] = bout->mutant;
        argv[18] = NULL;
    }
    return jep_child_run(argv);
}

static void print_row(struct series *s, size_t number, const struct jep_bout *bout, const char *out,
    const char *verdict, int64_t took_ms)
{
    struct jep_arena *arena = jep_arena_create();
    struct jep_edn results;
    (void)printf("%3zu  %-11s %-30s ", number, bout->workload,
        bout->mutant != NULL ? bout->mutant : bout->nemesis);
    if (out != NULL && jep_child_results(out, arena, &results)) {
        add_results(s, &results, bout->mutant != NULL);
    } else {
        (void)printf("%7s %6s %5s  %5s  ", "", "", "", "");
    }
    (void)printf("%6.1f s  %s\n", (double)took_ms / 1000, verdict);
    jep_arena_destroy(arena);
}

static bool play_run(struct series *s, size_t number, const struct jep_bout *bout, int *ret_code)
{
    char out[TEXT_BYTES];
    int64_t begun_ns = jep_now_ns();
    (void)snprintf(out, sizeof(out), "%s/%03zu-%s", s->out, number, bout->workload);
    *ret_code = play_once(s, bout, bout->seed, out);
    bool is_good = *ret_code == JEP_EXIT_VALID;
    const char *verdict = is_good                            ? "valid"
                          : *ret_code == JEP_EXIT_INVALID    ? "INVALID"
                          : *ret_code == JEP_EXIT_UNKNOWN    ? "unknown"
                          : *ret_code == JEP_EXIT_CANNOT_RUN ? "cannot run here"
                                                             : "HARNESS";
    print_row(s, number, bout, out, verdict, (jep_now_ns() - begun_ns) / 1000000);
    return is_good;
}

static bool play_mutant(struct series *s, size_t number, const struct jep_bout *bout)
{
    char out[TEXT_BYTES], verdict[64] = "NOT FOUND";
    int64_t begun_ns = jep_now_ns();
    bool is_found = false;
    for (unsigned i = 0; i < bout->tries && !is_found; i++) {
        (void)snprintf(out, sizeof(out), "%s/%03zu-%s-%u", s->out, number, bout->mutant, i + 1);
        int code = play_once(s, bout, bout->seed + i, out);
        is_found = code == JEP_EXIT_INVALID;
        if (is_found) {
            (void)snprintf(verdict, sizeof(verdict), "found in run %u", i + 1);
        } else if (code == JEP_EXIT_HARNESS || code == JEP_EXIT_CANNOT_RUN) {
            (void)snprintf(verdict, sizeof(verdict), "exit %d", code);
            break;
        }
    }
    print_row(s, number, bout, out, verdict, (jep_now_ns() - begun_ns) / 1000000);
    return is_found;
}

/* In two processes, as the machine has two cores; each says its findings on stdout. */
static bool play_sim(struct series *s, size_t number, const struct jep_bout *bout)
{
    char seed[SIM_PROCESSES][32], seeds[32], verdict[64];
    int64_t begun_ns = jep_now_ns();
    int64_t deadline_ns = begun_ns + (int64_t)bout->time_limit_s * 1000000000;
    uint64_t share = bout->seeds / SIM_PROCESSES;
    pid_t pids[SIM_PROCESSES];
    bool is_good = true, is_late = false;
    (void)snprintf(seeds, sizeof(seeds), "%" PRIu64, share);
    for (size_t i = 0; i < SIM_PROCESSES; i++) {
        const char *const argv[] = {"sim_plant", "--seed", seed[i], "--seeds", seeds, NULL};
        (void)snprintf(seed[i], sizeof(seed[i]), "%" PRIu64, bout->seed + i * share);
        pids[i] = jep_child_start(argv, s->bin);
    }
    for (size_t i = 0; i < SIM_PROCESSES; i++) {
        int code = jep_child_wait(pids[i], deadline_ns);
        is_good = is_good && code == 0;
        is_late = is_late || code == -1;
    }
    (void)snprintf(verdict, sizeof(verdict), "%s: %" PRIu64 " seeds from %s on",
        is_good   ? "valid"
        : is_late ? "NOT IN TIME"
                  : "INVALID",
        bout->seeds, seed[0]);
    print_row(s, number, bout, NULL, verdict, (jep_now_ns() - begun_ns) / 1000000);
    return is_good;
}

static bool play(struct series *s, size_t number, const struct jep_bout *bout, int *ret_code)
{
    *ret_code = 0;
    switch (bout->kind) {
    case JEP_BOUT_SIM:
        return play_sim(s, number, bout);
    case JEP_BOUT_RUN:
        return play_run(s, number, bout, ret_code);
    case JEP_BOUT_MUTANT:
        return play_mutant(s, number, bout);
    }
    return false;
}

static void print_totals(const struct series *s, int64_t took_ms)
{
    (void)printf("\n%-24s %6s %6s %8s  %s\n", "fault", "made", "seen", "left out",
        "longest time without a write, ms");
    for (size_t i = 0; i < s->fault_count; i++) {
        const struct fault *f = &s->faults[i];
        (void)printf("%-24s %6" PRId64 " %6" PRId64 " %8" PRId64 "  %" PRId64 "\n", f->name,
            f->made, f->seen, f->skipped, f->gap_ms);
    }
    (void)printf("\n%s, seed %" PRIu64 ": %u bouts, %u not good; operations %" PRId64
                 " ok, %" PRId64 " refused, %" PRId64 " in doubt; %" PRId64
                 " checks invalid; %.0f s\n",
        s->profile, s->seed, s->bouts, s->bad, s->ok, s->fail, s->info, s->anomalies,
        (double)took_ms / 1000);
}

static int play_all(struct series *s)
{
    struct jep_bout bout;
    int64_t begun_ns = jep_now_ns();
    (void)printf("%3s  %-11s %-30s %7s %6s %5s  %5s  %8s\n", "", "workload", "faults, or mutant",
        "ok", "fail", "info", "seen", "");
    for (size_t i = 0; jep_profile_bout(s->profile, s->seed, i, &bout); i++) {
        int code;
        if (s->only != SIZE_MAX && s->only != i) {
            continue;
        }
        s->bouts++;
        s->bad += play(s, i, &bout, &code) ? 0 : 1;
        if (code == JEP_EXIT_CANNOT_RUN && bout.kind == JEP_BOUT_RUN &&
            strcmp(s->profile, "ci") == 0) {
            return code; /* The run said on stderr what this machine lacks. */
        }
        (void)fflush(stdout);
    }
    print_totals(s, (jep_now_ns() - begun_ns) / 1000000);
    return s->bouts == 0 ? JEP_EXIT_HARNESS : s->bad == 0 ? JEP_EXIT_VALID : JEP_EXIT_INVALID;
}

/* --- the verb ---------------------------------------------------------------------------- */

static int usage(FILE *out, int code)
{
    (void)fputs(
        "usage: jepsen test-all --profile P [--seed X] [--out DIR] [--bin DIR] [--only N]\n\n"
        "  ci       at most 5 minutes on 2 cores: 500 seeds of the simulation, six runs of 20 s,\n"
        "           two planted faults that have to be found\n"
        "  nightly  at most 2 hours: 10,000 seeds, every workload under every family of faults\n"
        "  soak     runs of 5 minutes with all faults\n"
        "  mutants  every planted fault, each in at most 10 runs of 30 s\n\n"
        "--seed chooses what takes its turn; default: the day's number. --only N: that bout.\n"
        "Exit: 0 all is as it has to be, 1 not, 3 harness error, 77 cannot run here.\n",
        out);
    return code;
}

int jep_verb_test_all(int argc, char **argv)
{
    static const struct option longs[] = {{"profile", required_argument, NULL, 'p'},
        {"seed", required_argument, NULL, 's'}, {"out", required_argument, NULL, 'o'},
        {"bin", required_argument, NULL, 'b'}, {"only", required_argument, NULL, 'n'},
        {"help", no_argument, NULL, 'h'}, {0}};
    struct jep_run_options options;
    static struct series s;
    int c;
    jep_run_options_init(&options);
    s = (struct series){.profile = "",
        .out = "jepsen-out",
        .bin = options.bin,
        .seed = (uint64_t)time(NULL) / DAY_S,
        .only = SIZE_MAX};
    optind = 1;
    while ((c = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
        switch (c) {
        case 'p':
            s.profile = optarg;
            break;
        case 's':
            s.seed = strtoull(optarg, NULL, 10);
            break;
        case 'o':
            s.out = optarg;
            break;
        case 'b':
            s.bin = optarg;
            break;
        case 'n':
            s.only = strtoull(optarg, NULL, 10);
            break;
        default:
            return usage(c == 'h' ? stdout : stderr, c == 'h' ? JEP_EXIT_VALID : JEP_EXIT_HARNESS);
        }
    }
    struct jep_bout first;
    if (optind != argc || !jep_profile_bout(s.profile, s.seed, 0, &first)) {
        return usage(stderr, JEP_EXIT_HARNESS);
    }
    if (mkdir(s.out, 0755) != 0 && errno != EEXIST) {
        (void)fprintf(stderr, "jepsen: %s: %s\n", s.out, strerror(errno));
        return JEP_EXIT_HARNESS;
    }
    return play_all(&s);
}
