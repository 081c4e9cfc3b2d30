#include "jepsen/work/profile.h"

#include <string.h>

enum {
    CI_RUNS = 6,
    CI_MUTANTS = 2,
    CI_RUN_S = 20,
    CI_INTERVAL_S = 3,
    CI_TRIES = 2,
    CI_SIM_S = 180, /* ends what hangs; 500 seeds take 45 s of one core */
    CI_SEEDS = 500,
    NIGHTLY_RUN_S = 30,
    NIGHTLY_INTERVAL_S = 4,
    NIGHTLY_SIM_S = 2400,
    NIGHTLY_SEEDS = 10000,
    SOAK_ROUNDS = 20,
    SOAK_RUN_S = 300,
    SOAK_INTERVAL_S = 10,
    MUTANT_RUN_S = 30,
    MUTANT_TRIES = 10
};

/* Of these ci takes six in turn, beginning at another one each day. Neighbours differ in both. */
static const char *const pairs[][2] = {{"register", "partition"}, {"append", "kill"},
    {"set", "power"}, {"bank", "pause"}, {"watch", "stop"}, {"lineage", "crash-loop"},
    {"as-of", "partition"}, {"counter", "power"}, {"register", "clock"}, {"append", "partition"},
    {"membership", "member"}, {"set", "kill"}, {"bank", "link"}, {"checkpoint", "checkpoint"},
    {"watch", "partition"}, {"register", "kill,pause"}, {"append", "power"},
    {"lineage", "partition"}, {"audit", "kill"}, {"actuation", "gateway"}, {"audit", "partition"},
    {"actuation", "arrow,kill-leader"}, {"federation", "partner"},
    {"federation", "kill,power-all"}};

static const char *const workloads[] = {"register", "append", "set", "bank", "counter", "watch",
    "as-of", "lineage", "membership", "checkpoint", "audit"};
static const char *const families[] = {"partition", "link", "kill", "pause", "stop", "crash-loop",
    "stutter", "power", "disk", "damage", "clock", "resources", "failpoint", "keys", "member",
    "checkpoint", "restart"};

/* Seconds of a fault: no_fencing shows where a leader is back before its clients have given up. */
static const struct jep_hunt hunts[] = {
    {"ack_before_sync", "set", "power-all", 3, true},
    {"sync_skipped", "set", "power-all", 3, true},
    {"vote_not_persisted", "append", "power,kill", 3, false},
    {"read_without_round", "register", "partition-deposed", 3, true},
    {"read_without_term", "register", "kill-leader,stop-leader", 3, false},
    {"disk_error_ignored", "set", "disk-eio,kill-all", 3, false},
    {"no_checksum", "set", "damage-reread", 3, true},
    {"commit_alone", "append", "partition-leader,kill-leader", 3, true},
    {"read_before_applied", "register", "link-delay,partition-one-way", 3, true},
    {"apply_twice", "counter", "kill", 3, true},
    {"retry_twice", "counter", "pause-one", 3, true},
    {"requests_forgotten", "counter", "kill", 3, true},
    {"expect_stale", "bank", "pause-one", 3, true},
    {"commit_half", "append", "pause-one", 3, true},
    {"links_half", "lineage", "pause-one", 3, true},
    {"follower_skips", "set", "partition-one", 3, true},
    {"empty_after_start", "append", "kill", 3, true},
    {"as_of_now", "as-of", "pause-one", 3, true},
    {"page_skips", "set", "pause-one", 3, true},
    {"watch_skips", "watch", "pause-one", 3, true},
    {"watch_repeats", "watch", "pause-one", 3, true},
    {"read_unasked", "register", "partition-one,pause-one", 3, true},
    {"min_index_ignored", "as-of", "pause-one", 3, true},
    {"lost_is_refused", "set", "partition-one-way", 3, true},
    {"no_fencing", "set", "partition-leader", 1, true},
    {"answers_crossed", "register", "stutter", 3, true},
    {"checkpoint_behind", "counter", "checkpoint", 3, true},
    {"leaf_dropped", "audit", "pause-one", 3, true},
    {"leaf_differs", "audit", "pause-one", 3, true},
    {"refusal_uncounted", "audit", "pause-one", 3, true},
    {"revoked_known", "set", "keys-revoke", 3, true},
    {"person_twice", "actuation", "pause-one", 3, true},
    {"class_c_again", "actuation", "gateway-cut,arrow-leader", 5, true},
    {"gate_acts_first", "actuation", "gateway-step", 2, true},
    {"gate_no_fence", "actuation", "arrow-leader,kill-leader", 2, false},
    {"cell_last_writer", "federation", "partner-cut", 3, true},
    {"cell_overwritten", "federation", "partner-cut", 3, true},
    {"hidden_shown", "federation", "partner-cut", 3, true},
    {"cursor_apart", "federation", "kill-all", 3, false},
    {"receipt_early", "federation", "disk-slow", 3, false},
    {"leaf_unbound", "federation", "partner-cut", 3, true},
    {"unfenced", "federation", "restore-apart", 3, false},
};

enum {
    PAIRS = sizeof(pairs) / sizeof(pairs[0]),
    WORKLOADS = sizeof(workloads) / sizeof(workloads[0]),
    FAMILIES = sizeof(families) / sizeof(families[0]),
    HUNTS = sizeof(hunts) / sizeof(hunts[0])
};

const struct jep_hunt *jep_profile_hunt(size_t i)
{
    return i < HUNTS ? &hunts[i] : NULL;
}

static struct jep_bout sim(uint64_t seed, uint64_t seeds, unsigned limit_s)
{
    return (struct jep_bout){.kind = JEP_BOUT_SIM,
        .workload = "sim",
        .nemesis = "",
        .seeds = seeds,
        .seed = seed * seeds + 1, /* Another day, other seeds. */
        .time_limit_s = limit_s};
}

static struct jep_bout run(
    const char *workload, const char *nemesis, uint64_t seed, unsigned run_s, unsigned interval_s)
{
    return (struct jep_bout){.kind = JEP_BOUT_RUN,
        .workload = workload,
        .nemesis = nemesis,
        .seed = seed,
        .time_limit_s = run_s,
        .interval_s = interval_s};
}

static struct jep_bout hunt(
    const struct jep_hunt *hunt, uint64_t seed, unsigned run_s, unsigned tries)
{
    struct jep_bout bout = run(hunt->workload, hunt->nemesis, seed, run_s, hunt->interval_s);
    bout.kind = JEP_BOUT_MUTANT;
    bout.mutant = hunt->mutant;
    bout.tries = tries;
    return bout;
}

/* The n-th that ci may take. */
static const struct jep_hunt *quick_hunt(uint64_t n)
{
    size_t count = 0;
    for (size_t i = 0; i < HUNTS; i++) {
        count += hunts[i].is_quick ? 1 : 0;
    }
    n = count > 0 ? n % count : 0;
    for (size_t i = 0; i < HUNTS; i++) {
        if (hunts[i].is_quick && n-- == 0) {
            return &hunts[i];
        }
    }
    return NULL;
}

static bool ci(uint64_t seed, size_t i, struct jep_bout *ret_bout)
{
    if (i == 0) {
        *ret_bout = sim(seed, CI_SEEDS, CI_SIM_S);
        return true;
    }
    if (i <= CI_RUNS) {
        const char *const *pair = pairs[(seed * CI_RUNS + i - 1) % PAIRS];
        *ret_bout = run(pair[0], pair[1], seed * CI_RUNS + i, CI_RUN_S, CI_INTERVAL_S);
        return true;
    }
    size_t n = i - CI_RUNS - 1;
    const struct jep_hunt *h = n < CI_MUTANTS ? quick_hunt(seed * CI_MUTANTS + n) : NULL;
    if (h != NULL) {
        *ret_bout = hunt(h, seed * CI_MUTANTS + n, CI_RUN_S, CI_TRIES);
    }
    return h != NULL;
}

/* Machines with what breaks them and what may come in their way; clocks that jump by hours make
 * every order too old. */
static const char *const beside_machines[] = {"gateway", "arrow", "clock-seconds", "kill", "pause",
    "stop", "crash-loop", "partition", "link", "power", "failpoint", "checkpoint", "restart",
    "gateway,arrow,kill-leader,pause-leader,partition-leader,clock-seconds"};

/* Sites with what comes between them, and what befalls either; what needs two nodes finds one at
 * the smaller site. */
static const char *const between_sites[] = {"partner", "restore", "kill", "pause", "stop",
    "crash-loop", "power", "disk-slow", "partner,restore,kill,pause,power"};

/* Every workload under every family of faults; what a machine cannot do is left out by the run. */
static bool nightly(uint64_t seed, size_t i, struct jep_bout *ret_bout)
{
    if (i == 0) {
        *ret_bout = sim(seed, NIGHTLY_SEEDS, NIGHTLY_SIM_S);
        return true;
    }
    size_t n = i - 1;
    if (n < WORKLOADS * (size_t)FAMILIES) {
        *ret_bout = run(workloads[n % WORKLOADS], families[n / WORKLOADS], seed * 1000 + n,
            NIGHTLY_RUN_S, NIGHTLY_INTERVAL_S);
        return true;
    }
    n -= WORKLOADS * (size_t)FAMILIES;
    if (n < sizeof(beside_machines) / sizeof(beside_machines[0])) {
        *ret_bout = run("actuation", beside_machines[n], seed * 1000 + 500 + n, NIGHTLY_RUN_S,
            NIGHTLY_INTERVAL_S);
        return true;
    }
    n -= sizeof(beside_machines) / sizeof(beside_machines[0]);
    if (n < sizeof(between_sites) / sizeof(between_sites[0])) {
        *ret_bout = run("federation", between_sites[n], seed * 1000 + 600 + n, NIGHTLY_RUN_S,
            NIGHTLY_INTERVAL_S);
        return true;
    }
    return false;
}

static bool soak(uint64_t seed, size_t i, struct jep_bout *ret_bout)
{
    *ret_bout = run(workloads[i % WORKLOADS], "all", seed * 1000 + i, SOAK_RUN_S, SOAK_INTERVAL_S);
    return i < SOAK_ROUNDS * (size_t)WORKLOADS;
}

static bool mutants(uint64_t seed, size_t i, struct jep_bout *ret_bout)
{
    if (i < HUNTS) {
        *ret_bout = hunt(&hunts[i], seed * 1000 + 10 * i, MUTANT_RUN_S, MUTANT_TRIES);
    }
    return i < HUNTS;
}

/* The first run of each hunt with nothing planted: what finds a fault must not find one here. */
static bool controls(uint64_t seed, size_t i, struct jep_bout *ret_bout)
{
    if (i < HUNTS) {
        *ret_bout = run(hunts[i].workload, hunts[i].nemesis, seed * 1000 + 10 * i, MUTANT_RUN_S,
            hunts[i].interval_s);
    }
    return i < HUNTS;
}

bool jep_profile_bout(const char *profile, uint64_t seed, size_t i, struct jep_bout *ret_bout)
{
    static const struct {
        const char *name;
        bool (*bout)(uint64_t seed, size_t i, struct jep_bout *ret_bout);
    } profiles[] = {{"ci", ci}, {"nightly", nightly}, {"soak", soak}, {"mutants", mutants},
        {"controls", controls}};
    for (size_t p = 0; p < sizeof(profiles) / sizeof(profiles[0]); p++) {
        if (strcmp(profiles[p].name, profile) == 0) {
            return profiles[p].bout(seed, i, ret_bout);
        }
    }
    return false;
}
