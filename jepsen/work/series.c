#include "jepsen/work/series.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jepsen/cluster/process.h"
#include "jepsen/work/child.h"
#include "jepsen/work/profile.h"
#include "jepsen/work/tally.h"

enum {
    PATH_BYTES = 4352,
    LOG_BYTES_MAX = 16 * 1024 * 1024,
    NS_PER_S = 1000000000,
    NS_PER_MS = 1000000
};

/* A bout, and what came of it. */
struct part {
    struct jep_bout bout;
    bool is_played, is_good;
    int code;      /* of its last run */
    unsigned runs; /* of a planted fault: until it was found */
    uint64_t seed; /* of its last run */
    char verdict[96];
    char why[JEP_TALLY_WHY_BYTES];
    char out[PATH_BYTES]; /* of its last run */
    char log[PATH_BYTES]; /* what that said */
};

struct series {
    const struct jep_series_options *options;
    struct part *parts;
    size_t count;
    pthread_mutex_t mutex; /* of all that follows, and of what is printed */
    size_t next;
    bool is_over;
    struct jep_tally product, planted; /* runs without and with a planted fault */
    uint64_t sim_seeds;
};

/* --- one run ----------------------------------------------------------------------------- */

static int start_run(const struct series *s, const struct part *p)
{
    char seed[32], limit[16], interval[16];
    const struct jep_bout *b = &p->bout;
    const char *argv[24] = {"run", "--workload", b->workload, "--nemesis", b->nemesis, "--seed",
        seed, "--time-limit", limit, "--nemesis-interval", interval, "--out", p->out, "--bin",
        s->options->bin, "--quiet", b->mutant != NULL ? "--mutant" : NULL, b->mutant, NULL};
    (void)snprintf(seed, sizeof(seed), "%" PRIu64, p->seed);
    (void)snprintf(limit, sizeof(limit), "%u", b->time_limit_s);
    (void)snprintf(interval, sizeof(interval), "%u", b->interval_s);
    return jep_child_run(argv, p->log);
}

/* The last line of what a run said, where it left no results. */
static void last_line(const char *path, char ret_why[JEP_TALLY_WHY_BYTES])
{
    struct jep_text text = {0};
    ret_why[0] = '\0';
    if (jep_text_read_file(&text, path, LOG_BYTES_MAX, NULL) && text.size > 0) {
        text.bytes[text.size - 1] = '\0'; /* the end of the last line */
        const char *line = strrchr(text.bytes, '\n');
        (void)snprintf(ret_why, JEP_TALLY_WHY_BYTES, "%s", line != NULL ? line + 1 : text.bytes);
    }
    jep_text_free(&text);
}

static void play_once(struct series *s, struct part *p, struct jep_tally_run *ret_run)
{
    struct jep_arena *arena = jep_arena_create();
    struct jep_edn results;
    p->runs++;
    p->code = start_run(s, p);
    bool is_told = jep_child_results(p->out, arena, &results);
    if (is_told) {
        jep_tally_why(&results, p->why);
    } else {
        last_line(p->log, p->why);
    }
    (void)pthread_mutex_lock(&s->mutex);
    jep_tally_add(p->bout.mutant != NULL ? &s->planted : &s->product, p->code,
        is_told ? &results : NULL, ret_run);
    (void)pthread_mutex_unlock(&s->mutex);
    jep_arena_destroy(arena);
}

/* --- bouts ------------------------------------------------------------------------------- */

static const char *word_of(int code)
{
    return code == JEP_EXIT_VALID     ? jep_verdict_name(JEP_VALID)
           : code == JEP_EXIT_INVALID ? jep_verdict_name(JEP_INVALID)
           : code == JEP_EXIT_UNKNOWN ? jep_verdict_name(JEP_UNKNOWN)
                                      : "HARNESS";
}

static void play_run(struct series *s, struct part *p, size_t number, struct jep_tally_run *ret_run)
{
    (void)snprintf(
        p->out, sizeof(p->out), "%s/%03zu-%s", s->options->out, number, p->bout.workload);
    (void)snprintf(p->log, sizeof(p->log), "%.4300s.log", p->out);
    p->seed = p->bout.seed;
    play_once(s, p, ret_run);
    p->is_good = p->code == JEP_EXIT_VALID;
    (void)snprintf(p->verdict, sizeof(p->verdict), "%s",
        p->code == JEP_EXIT_CANNOT_RUN ? "cannot run here" : word_of(p->code));
}

static void play_mutant(
    struct series *s, struct part *p, size_t number, struct jep_tally_run *ret_run)
{
    (void)snprintf(p->verdict, sizeof(p->verdict), "NOT FOUND");
    for (unsigned i = 0; i < p->bout.tries && !p->is_good; i++) {
        (void)snprintf(p->out, sizeof(p->out), "%s/%03zu-%s-%u", s->options->out, number,
            p->bout.mutant, i + 1);
        (void)snprintf(p->log, sizeof(p->log), "%.4300s.log", p->out);
        p->seed = p->bout.seed + i;
        play_once(s, p, ret_run);
        p->is_good = p->code == JEP_EXIT_INVALID;
        if (p->is_good) {
            (void)snprintf(p->verdict, sizeof(p->verdict), "found in run %u", i + 1);
        } else if (p->code != JEP_EXIT_VALID && p->code != JEP_EXIT_UNKNOWN) {
            (void)snprintf(p->verdict, sizeof(p->verdict), "exit %d", p->code);
            break;
        }
    }
}

/* tests/sim/seeds: in as many processes as there are processors. */
static void play_sim(struct series *s, struct part *p, size_t number)
{
    const struct jep_bout *b = &p->bout;
    char from[32], seeds[32];
    const char *const argv[] = {
        s->options->sim, "--from", from, "--seeds", seeds, "--bin", s->options->bin, NULL};
    (void)snprintf(from, sizeof(from), "%" PRIu64, b->seed);
    (void)snprintf(seeds, sizeof(seeds), "%" PRIu64, b->seeds);
    (void)snprintf(p->log, sizeof(p->log), "%s/%03zu-sim.log", s->options->out, number);
    p->seed = b->seed;
    p->runs = 1;
    p->code = jep_child_wait(
        jep_child_start(argv, p->log), jep_now_ns() + (int64_t)b->time_limit_s * NS_PER_S);
    p->is_good = p->code == JEP_EXIT_VALID;
    last_line(p->log, p->why);
    if (p->code == -1) {
        (void)snprintf(p->why, sizeof(p->why), "not in %u s", b->time_limit_s);
    }
    s->sim_seeds += b->seeds;
    (void)snprintf(p->verdict, sizeof(p->verdict), "%s: %" PRIu64 " seeds from %s on",
        p->code == -1 ? "NOT IN TIME" : word_of(p->code), b->seeds, from);
}

/* Under the mutex: lines of two bouts never mix. */
static void print_row(
    const struct part *p, size_t number, const struct jep_tally_run *run, int64_t took_ms)
{
    const struct jep_bout *b = &p->bout;
    (void)printf(
        "%3zu  %-11s %-30s ", number, b->workload, b->mutant != NULL ? b->mutant : b->nemesis);
    if (run != NULL) {
        (void)printf("%7" PRId64 " %6" PRId64 " %5" PRId64 "  %2" PRId64 "/%-2" PRId64 "  ",
            run->ok, run->fail, run->info, run->seen, run->made);
    } else {
        (void)printf("%7s %6s %5s  %5s  ", "", "", "", "");
    }
    (void)printf("%6.1f s  %s%s%s\n", (double)took_ms / 1000, p->verdict, p->is_good ? "" : ": ",
        p->is_good ? "" : p->why);
    (void)fflush(stdout);
}

static void play(struct series *s, size_t number)
{
    struct part *p = &s->parts[number];
    struct jep_tally_run run = {0};
    int64_t begun_ns = jep_now_ns();
    switch (p->bout.kind) {
    case JEP_BOUT_SIM:
        play_sim(s, p, number);
        break;
    case JEP_BOUT_RUN:
        play_run(s, p, number, &run);
        break;
    case JEP_BOUT_MUTANT:
        play_mutant(s, p, number, &run);
        break;
    }
    (void)pthread_mutex_lock(&s->mutex);
    p->is_played = true;
    print_row(p, number, p->bout.kind == JEP_BOUT_SIM ? NULL : &run,
        (jep_now_ns() - begun_ns) / NS_PER_MS);
    /* ci is there to be run anywhere: what this machine lacks is said once. */
    s->is_over =
        s->is_over || (p->code == JEP_EXIT_CANNOT_RUN && strcmp(s->options->profile, "ci") == 0);
    (void)pthread_mutex_unlock(&s->mutex);
}

static bool is_asked(const struct series *s, size_t number)
{
    return s->options->only == SIZE_MAX || s->options->only == number;
}

static void *play_some(void *ctx)
{
    struct series *s = ctx;
    for (;;) {
        (void)pthread_mutex_lock(&s->mutex);
        while (s->next < s->count &&
               (s->parts[s->next].bout.kind == JEP_BOUT_SIM || !is_asked(s, s->next))) {
            s->next++;
        }
        size_t number = s->is_over ? s->count : s->next++;
        (void)pthread_mutex_unlock(&s->mutex);
        if (number >= s->count) {
            return NULL;
        }
        play(s, number);
    }
}

static void play_all(struct series *s)
{
    pthread_t threads[JEP_SERIES_JOBS_MAX];
    unsigned started = 0;
    for (size_t i = 0; i < s->count; i++) {
        if (s->parts[i].bout.kind == JEP_BOUT_SIM && is_asked(s, i)) {
            play(s, i);
        }
    }
    while (started + 1 < s->options->jobs &&
           pthread_create(&threads[started], NULL, play_some, s) == 0) {
        started++;
    }
    (void)play_some(s); /* this thread is one of them */
    for (unsigned i = 0; i < started; i++) {
        (void)pthread_join(threads[i], NULL);
    }
}

/* --- the end ----------------------------------------------------------------------------- */

static struct jep_edn part_edn(const struct part *p, size_t number, struct jep_arena *arena)
{
    const struct jep_bout *b = &p->bout;
    struct jep_edn_list map = {0};
    jep_edn_put(&map, "bout", jep_edn_int((int64_t)number));
    jep_edn_put(&map, "workload", jep_edn_string(b->workload));
    jep_edn_put(&map, "nemesis", jep_edn_string(b->nemesis));
    jep_edn_put(&map, "mutant", b->mutant != NULL ? jep_edn_string(b->mutant) : jep_edn_nil());
    jep_edn_put(&map, "runs", jep_edn_int(p->runs));
    jep_edn_put(&map, "seed", jep_edn_int((int64_t)p->seed));
    jep_edn_put(&map, "exit", jep_edn_int(p->code));
    jep_edn_put(&map, "good?", jep_edn_bool(p->is_good));
    jep_edn_put(&map, "verdict", jep_edn_string(p->verdict));
    jep_edn_put(&map, "why", jep_edn_string_copy(arena, p->why));
    return jep_edn_take_map(&map, arena);
}

static bool write_summary(struct series *s, int64_t took_ms, struct jep_message *message)
{
    struct jep_arena *arena = jep_arena_create();
    struct jep_edn_list map = {0}, bouts = {0}, bad = {0};
    char path[PATH_BYTES];
    for (size_t i = 0; i < s->count; i++) {
        if (s->parts[i].is_played) {
            struct jep_edn part = part_edn(&s->parts[i], i, arena);
            jep_edn_push(&bouts, part);
            if (!s->parts[i].is_good) {
                jep_edn_push(&bad, part);
            }
        }
    }
    jep_edn_put(&map, "profile", jep_edn_string(s->options->profile));
    jep_edn_put(&map, "seed", jep_edn_int((int64_t)s->options->seed));
    jep_edn_put(&map, "jobs", jep_edn_int(s->options->jobs));
    jep_edn_put(&map, "took-ms", jep_edn_int(took_ms));
    jep_edn_put(&map, "simulation-seeds", jep_edn_int((int64_t)s->sim_seeds));
    jep_edn_put(&map, "product", jep_tally_edn(&s->product, arena));
    jep_edn_put(&map, "planted", jep_tally_edn(&s->planted, arena));
    jep_edn_put(&map, "not-good", jep_edn_take_vector(&bad, arena));
    jep_edn_put(&map, "bouts", jep_edn_take_vector(&bouts, arena));
    struct jep_edn summary = jep_edn_take_map(&map, arena);
    (void)snprintf(path, sizeof(path), "%s/summary.edn", s->options->out);
    bool is_written = jep_results_write(&summary, path, message);
    jep_arena_destroy(arena);
    return is_written;
}

static void print_bad(const struct series *s, unsigned bouts, unsigned bad)
{
    (void)printf("\n%s, seed %" PRIu64 ": %u bouts, %u as they have to be, %u not",
        s->options->profile, s->options->seed, bouts, bouts - bad, bad);
    (void)printf("; %" PRIu64 " seeds of the simulation\n", s->sim_seeds);
    for (size_t i = 0; i < s->count; i++) {
        const struct part *p = &s->parts[i];
        if (p->is_played && !p->is_good) {
            (void)printf("%3zu  %s under %s%s%s, seed %" PRIu64 ": %s: %s\n", i, p->bout.workload,
                p->bout.nemesis, p->bout.mutant != NULL ? ", planted " : "",
                p->bout.mutant != NULL ? p->bout.mutant : "", p->seed, p->verdict, p->why);
        }
    }
}

static int exit_of(const struct series *s, bool adds_up)
{
    bool is_any = false, is_invalid = false, is_harness = !adds_up, is_unknown = false;
    for (size_t i = 0; i < s->count; i++) {
        const struct part *p = &s->parts[i];
        is_any = is_any || p->is_played;
        if (!p->is_played || p->is_good) {
            continue;
        }
        bool is_run = p->bout.kind != JEP_BOUT_MUTANT;
        bool is_broken = p->code != JEP_EXIT_VALID && p->code != JEP_EXIT_INVALID &&
                         p->code != JEP_EXIT_UNKNOWN && p->code != -1;
        is_harness = is_harness || is_broken;
        is_unknown = is_unknown || (is_run && p->code == JEP_EXIT_UNKNOWN);
        is_invalid = is_invalid || (!is_broken && (!is_run || p->code != JEP_EXIT_UNKNOWN));
    }
    return s->is_over   ? JEP_EXIT_CANNOT_RUN
           : is_invalid ? JEP_EXIT_INVALID
           : is_harness ? JEP_EXIT_HARNESS
           : is_unknown ? JEP_EXIT_UNKNOWN
           : is_any     ? JEP_EXIT_VALID
                        : JEP_EXIT_HARNESS;
}

/* In the order of the profile, whichever ended first. */
static int tell(struct series *s, int64_t took_ms)
{
    struct jep_message message;
    unsigned bouts = 0, bad = 0;
    bool adds_up = true;
    for (size_t i = 0; i < s->count; i++) {
        bouts += s->parts[i].is_played ? 1 : 0;
        bad += s->parts[i].is_played && !s->parts[i].is_good ? 1 : 0;
    }
    struct jep_tally *const tallies[] = {&s->product, &s->planted};
    for (size_t i = 0; i < 2; i++) {
        if (tallies[i]->runs > 0) {
            jep_tally_print(tallies[i], i == 0 ? "fault" : "fault, with one planted", stdout);
        }
        if (!jep_tally_adds_up(tallies[i], &message)) {
            adds_up = false;
            (void)fprintf(stderr, "jepsen: what was counted does not add up: %s\n", message.text);
        }
    }
    print_bad(s, bouts, bad);
    (void)printf("%.0f s, %u side by side; %s/summary.edn\n", (double)took_ms / 1000,
        s->options->jobs, s->options->out);
    if (!write_summary(s, took_ms, &message)) {
        adds_up = false;
        (void)fprintf(stderr, "jepsen: %s\n", message.text);
    }
    return exit_of(s, adds_up);
}

int jep_series_play(const struct jep_series_options *options)
{
    static struct series s;
    int64_t begun_ns = jep_now_ns();
    s = (struct series){.options = options};
    s.parts = jep_alloc(JEP_SERIES_BOUTS_MAX, sizeof(*s.parts));
    memset(s.parts, 0, JEP_SERIES_BOUTS_MAX * sizeof(*s.parts));
    (void)pthread_mutex_init(&s.mutex, NULL);
    while (s.count < JEP_SERIES_BOUTS_MAX &&
           jep_profile_bout(options->profile, options->seed, s.count, &s.parts[s.count].bout)) {
        s.count++;
    }
    (void)printf("%3s  %-11s %-30s %7s %6s %5s  %5s  %8s\n", "", "workload", "faults, or mutant",
        "ok", "fail", "info", "seen", "");
    play_all(&s);
    int exit_code = tell(&s, (jep_now_ns() - begun_ns) / NS_PER_MS);
    jep_tally_free(&s.product);
    jep_tally_free(&s.planted);
    (void)pthread_mutex_destroy(&s.mutex);
    free(s.parts);
    return exit_code;
}
