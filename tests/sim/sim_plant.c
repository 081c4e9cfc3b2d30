/* Run seeds of the product: sim_plant [--seed N] [--seeds COUNT] [--jobs J] [--workload W]
 * [--nodes 3|5] [--ms DURATION] [--history FILE] [--directory DIR] [--check-data]
 * [--trace|--messages]. Exit: 0 all hold, 1 one does not, 2 too little was met to say, 3 it could
 * not run. */
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/sim/plant.h"

enum {
    TWICE_EVERY = 20
}; /* Each so manieth seed is run again and must leave the same trace. */

const char *const plant_count_names[PLANT_OPS] = {
    [PLANT_OK] = "operations that succeeded",
    [PLANT_FAIL] = "operations that were refused",
    [PLANT_UNKNOWN] = "operations of unknown outcome",
    [PLANT_RETRIED] = "commits asked for again",
    [PLANT_REPEATED] = "first answers given again",
    [PLANT_CONFLICTS] = "conflicts",
    [PLANT_RESETS] = "broken connections",
    [PLANT_JOBS] = "jobs of worker threads",
    [PLANT_STALE] = "stale reads and reads from an index on",
    [PLANT_PARKED] = "watchers that would wait",
    [PLANT_PAGES] = "further pages",
    [PLANT_DIGESTS] = "digests",
    [PLANT_FLUSHES] = "flushes",
    [PLANT_REBUILT] = "states rebuilt",
    [PLANT_CLOCK_JUMPS] = "jumps of a clock",
    [PLANT_STATE_FAULTS] = "failed writes of a state",
    [PLANT_CUT_INSTALLS] = "installs cut off",
};

struct arguments {
    struct sim_options options;
    struct plant_options plant;
    uint64_t seeds;
    uint32_t jobs;
    uint32_t nodes; /* 0: 3 and 5 in turn */
    int workload;   /* -1: in turn */
    bool check_data;
};

static char scratch[PLANT_PATH_SIZE];
static char last_words[64]; /* Written before each seed: a handler may not format. */

/* An assertion of the product is a finding: say of which seed. */
static void on_abort(int signal_number)
{
    (void)!write(STDERR_FILENO, last_words, strlen(last_words));
    (void)signal(signal_number, SIG_DFL);
    (void)raise(signal_number);
}

static void usage(const char *program)
{
    (void)fprintf(stderr,
        "usage: %s [--seed N] [--seeds COUNT] [--jobs J] [--workload W] [--nodes 3|5]\n"
        "       [--ms DURATION] [--history FILE] [--directory DIR] [--check-data] "
        "[--trace|--messages]\n"
        "W:",
        program);
    for (int i = 0; i < PLANT_WORKLOADS; i++) {
        (void)fprintf(stderr, " %s", plant_workload_names[i]);
    }
    (void)fprintf(stderr, "\n");
    exit(3);
}

static int workload_of(const char *name)
{
    for (int i = 0; i < PLANT_WORKLOADS; i++) {
        if (strcmp(name, plant_workload_names[i]) == 0) {
            return i;
        }
    }
    return -1;
}

static void take_option(
    struct arguments *a, const char *name, const char *value, const char *program)
{
    if (strcmp(name, "--seed") == 0) {
        a->options.seed = strtoull(value, NULL, 0);
    } else if (strcmp(name, "--seeds") == 0) {
        a->seeds = strtoull(value, NULL, 0);
    } else if (strcmp(name, "--nodes") == 0) {
        a->nodes = (uint32_t)strtoul(value, NULL, 0);
    } else if (strcmp(name, "--ms") == 0) {
        a->options.duration_ms = strtoull(value, NULL, 0);
    } else if (strcmp(name, "--jobs") == 0) {
        a->jobs = (uint32_t)strtoul(value, NULL, 0);
    } else if (strcmp(name, "--history") == 0) {
        a->plant.history = value;
    } else if (strcmp(name, "--directory") == 0) {
        a->plant.directory = value;
    } else if (strcmp(name, "--workload") == 0 && workload_of(value) >= 0) {
        a->workload = workload_of(value);
    } else {
        usage(program);
    }
}

static struct arguments parse(int argc, char **argv)
{
    struct arguments a = {
        .options = {.seed = 1, .duration_ms = 6000}, .seeds = 1, .jobs = 1, .workload = -1};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--trace") == 0 || strcmp(argv[i], "--messages") == 0) {
            a.options.trace = stdout;
            a.options.trace_messages = strcmp(argv[i], "--messages") == 0;
        } else if (strcmp(argv[i], "--check-data") == 0) {
            a.check_data = true;
        } else if (i + 1 < argc) {
            take_option(&a, argv[i], argv[i + 1], argv[0]);
            i++;
        } else {
            usage(argv[0]);
        }
    }
    a.jobs = a.options.trace != NULL ? 1 : a.jobs;
    if (a.jobs < 1 || a.jobs > 64 || (a.nodes != 0 && a.nodes != 3 && a.nodes != 5) ||
        (a.plant.history != NULL && a.seeds > 1)) {
        usage(argv[0]);
    }
    return a;
}

static bool run_seed(struct arguments *a, uint64_t seed, bool twice, uint64_t counts[SIM_COUNTS])
{
    struct sim_result result, again;
    struct sim_options options = a->options;
    options.seed = seed;
    (void)snprintf(last_words, sizeof(last_words), "\nseed %" PRIu64 " ended by a signal\n", seed);
    options.voters = a->nodes != 0 ? a->nodes : seed % 4 == 0 ? 5 : 3;
    options.plant = &a->plant;
    a->plant.workload =
        (enum plant_workload)(a->workload >= 0 ? a->workload : (int)(seed % PLANT_WORKLOADS));
    a->plant.check_data = a->check_data || seed % 10 == 0;
    sim_run(&options, &result);
    if (twice && !result.has_failed) {
        sim_run(&options, &again);
        if (again.trace_hash != result.trace_hash) {
            result.has_failed = true;
            (void)snprintf(result.failure, sizeof(result.failure), "two runs differ");
        }
    }
    for (int i = 0; i < SIM_COUNTS; i++) {
        counts[i] += result.counts[i];
    }
    if (result.has_failed) {
        (void)printf("seed %" PRIu64 " failed: %s\n  replay: sim_plant --seed %" PRIu64
                     " --workload %s --nodes %" PRIu32 " --ms %" PRIu64 " --trace\n",
            seed, result.failure, seed, plant_workload_names[a->plant.workload], options.voters,
            options.duration_ms);
    } else if (a->seeds == 1) {
        (void)printf("seed %" PRIu64 ": %s, trace %016" PRIx64 "\n", seed,
            plant_workload_names[a->plant.workload], result.trace_hash);
    }
    return !result.has_failed;
}

static void say(uint64_t count, const char *what, bool may_be_rare, bool *ret_all)
{
    (void)printf("%12" PRIu64 " %s\n", count, what);
    if (count < 5 && !may_be_rare) {
        (void)printf("             (too few: this run proves nothing about them)\n");
        *ret_all = false;
    }
}

/* A run of many seeds that never met a fault proves nothing about it. */
static bool has_met_everything(const struct arguments *a, const uint64_t counts[SIM_COUNTS])
{
    bool all = true;
    for (int i = 0; i < SIM_COUNTS; i++) {
        say(counts[i], sim_count_names[i], i == SIM_ALARM, &all);
    }
    for (int i = 0; i < PLANT_OPS; i++) {
        say(a->plant.counts[i], plant_count_names[i], i == PLANT_STATE_FAULTS, &all);
    }
    for (int i = 0; i < PLANT_WORKLOADS; i++) {
        bool is_other = a->workload >= 0 && i != a->workload;
        say(a->plant.counts[PLANT_OPS + i], plant_workload_names[i], is_other, &all);
    }
    return all;
}

/* What a process has found, where its parent sees it. */
struct share {
    uint64_t counts[SIM_COUNTS];
    uint64_t plant_counts[PLANT_COUNTS];
    uint64_t failed;
};

static void make_directory(struct arguments *a, uint32_t job)
{
    const char *base = a->plant.directory != NULL      ? a->plant.directory
                       : access("/dev/shm", W_OK) == 0 ? "/dev/shm"
                                                       : "/tmp";
    (void)snprintf(scratch, sizeof(scratch), "%.900s/sim_plant-%u.XXXXXX", base, job);
    a->plant.directory = mkdtemp(scratch);
    if (a->plant.directory == NULL) {
        perror(scratch);
        exit(3);
    }
}

static void run_job(struct arguments *a, uint32_t job, struct share *share)
{
    make_directory(a, job);
    for (uint64_t i = job; i < a->seeds; i += a->jobs) {
        uint64_t seed = a->options.seed + i;
        bool twice = seed % TWICE_EVERY == 0 || a->seeds == 1;
        share->failed += run_seed(a, seed, twice, share->counts) ? 0 : 1;
        (void)fflush(stdout);
    }
    memcpy(share->plant_counts, a->plant.counts, sizeof(share->plant_counts));
    (void)rmdir(scratch);
}

/* One process for each job; what one leaves behind when an assertion ends it is removed. */
static void run_jobs(struct arguments *a, struct share *shares)
{
    for (uint32_t job = 0; job < a->jobs; job++) {
        pid_t child = fork();
        if (child < 0) {
            perror("fork");
            exit(3);
        }
        if (child == 0) {
            (void)signal(SIGABRT, on_abort);
            (void)signal(SIGSEGV, on_abort);
            run_job(a, job, &shares[job]);
            exit(0);
        }
    }
    for (uint32_t job = 0; job < a->jobs; job++) {
        int status = 0;
        if (wait(&status) < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
            shares[0].failed++;
        }
    }
}

int main(int argc, char **argv)
{
    struct arguments a = parse(argc, argv);
    uint64_t counts[SIM_COUNTS] = {0};
    uint64_t failed = 0;
    struct share *shares = mmap(
        NULL, a.jobs * sizeof(*shares), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shares == MAP_FAILED) {
        perror("mmap");
        return 3;
    }
    if (a.jobs == 1) {
        (void)signal(SIGABRT, on_abort);
        (void)signal(SIGSEGV, on_abort);
        run_job(&a, 0, shares);
    } else {
        run_jobs(&a, shares);
    }
    memset(a.plant.counts, 0, sizeof(a.plant.counts));
    for (uint32_t job = 0; job < a.jobs; job++) {
        failed += shares[job].failed;
        for (int i = 0; i < SIM_COUNTS; i++) {
            counts[i] += shares[job].counts[i];
        }
        for (int i = 0; i < PLANT_COUNTS; i++) {
            a.plant.counts[i] += shares[job].plant_counts[i];
        }
    }
    (void)printf("%" PRIu64 " seeds, %" PRIu64 " failed\n", a.seeds, failed);
    bool met = a.seeds == 1 || has_met_everything(&a, counts) || a.seeds < 100;
    return failed > 0 ? 1 : met ? 0 : 2;
}
