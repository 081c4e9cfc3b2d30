#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "jepsen/cluster/enclosure.h"
#include "jepsen/cluster/env.h"
#include "jepsen/cluster/layout.h"
#include "jepsen/cluster/nemesis.h"
#include "jepsen/cluster/process.h"
#include "jepsen/core/results.h"
#include "jepsen/verbs.h"

enum {
    WHOLE_MS = 30000,
    HOLD_MS = 1500,
    TRIES = 3 /* chosen: a busy machine shows little in a second; each try is twice as long */
};

struct breaking {
    struct jep_plant_options options;
    const char *list;
    unsigned hold_ms, rounds; /* hold_ms: of the first try */
    bool is_mixed;
    int expected;
    struct jep_plant *plant;
    pid_t load;
    struct jep_arena *arena;
    unsigned played, seen, skipped;
    char unseen[600]; /* names */
    int64_t whole_ms_max;
};

/* --- a load ------------------------------------------------------------------------------ */

/* Of commits per second: as many as the workloads make. As fast as a machine can they would fill
 * the plant's small disks while the faults are played. */
#define LOAD_RATE "200"

/* Commits of `weft bench write`: something has to be under way when something breaks. */
static void start_load(struct breaking *b)
{
    char weft[1100], endpoints[1024] = "", log[1100];
    struct jep_message ignored;
    for (unsigned i = 0; i < jep_plant_count(b->plant); i++) {
        const struct jep_node_info *node = jep_plant_node(b->plant, i);
        size_t size = strlen(endpoints);
        if (node->cluster == 0 && !node->is_spare) {
            (void)snprintf(endpoints + size, sizeof(endpoints) - size, "%s%s", size > 0 ? "," : "",
                node->client);
        }
    }
    (void)snprintf(weft, sizeof(weft), "%s/weft", b->options.bin);
    (void)snprintf(log, sizeof(log), "%s/load.log", b->options.out);
    int out = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    const char *const argv[] = {weft, "bench", "write", "--clients", "4", "--seconds", "3600",
        "--assets", "200", "--rate", LOAD_RATE, "--endpoint", endpoints, "--identity",
        jep_plant_identity(b->plant, 0), "--timeout", "60s", NULL};
    struct jep_program program = {.argv = argv, .env = jep_layout_env, .out = out, .err = out};
    b->load = jep_process_start(&program, &ignored);
    if (out > 0) {
        (void)close(out);
    }
}

static void keep_load(struct breaking *b)
{
    int status;
    if (b->load <= 0 || jep_process_wait(b->load, 0, &status)) {
        start_load(b);
    }
}

static void end_load(struct breaking *b)
{
    int status;
    if (b->load > 0) {
        (void)kill(b->load, SIGKILL);
        (void)jep_process_wait(b->load, INT64_MAX, &status);
    }
}

/* --- one fault --------------------------------------------------------------------------- */

static bool is_true(const struct jep_edn *value, const char *key)
{
    const struct jep_edn *found = jep_edn_get(value, key);
    return found != NULL && found->type == JEP_EDN_BOOL && found->boolean;
}

static void print(struct breaking *b, const char *what, const struct jep_edn *value)
{
    (void)printf("    %-6s %s\n", what, jep_edn_show(b->arena, value, 1000));
}

/* A fault from its plan to its stop; nothing of it is shared with another one. */
struct fault {
    const struct jep_nemesis *nemesis;
    struct jep_edn plan, started, stopped;
};

static void plan_fault(
    struct breaking *b, struct fault *f, const struct jep_nemesis *nemesis, unsigned round)
{
    struct jep_shape shape = {.clusters = b->options.clusters,
        .nodes = b->options.nodes,
        .spares = b->options.spares,
        .partner_nodes = b->options.partner_nodes};
    struct jep_rng rng = jep_rng_stream_at(b->options.seed, nemesis->name, round);
    *f = (struct fault){.nemesis = nemesis, .plan = nemesis->plan(&rng, &shape, b->arena)};
}

static bool start_fault(struct breaking *b, struct fault *f, struct jep_message *message)
{
    keep_load(b);
    (void)printf("%s\n", f->nemesis->name);
    print(b, "plan", &f->plan);
    if (!jep_plant_supervise(b->plant, message) ||
        !f->nemesis->start(b->plant, &f->plan, b->arena, &f->started, message)) {
        return false;
    }
    print(b, "start", &f->started);
    return true;
}

static bool stop_fault(struct breaking *b, struct fault *f, struct jep_message *message)
{
    if (!jep_plant_supervise(b->plant, message) ||
        !f->nemesis->stop(b->plant, &f->plan, b->arena, &f->stopped, message)) {
        return false;
    }
    print(b, "stop", &f->stopped);
    bool is_seen = is_true(&f->started, "took-effect") || is_true(&f->stopped, "took-effect");
    bool is_skipped = jep_edn_get(&f->started, "skipped") != NULL;
    b->played++;
    b->seen += is_seen;
    b->skipped += is_skipped;
    (void)printf("    %s %s\n", f->nemesis->name,
        is_seen      ? "seen"
        : is_skipped ? "left out"
                     : "NOT SEEN");
    return true;
}

static bool become_whole(struct breaking *b, struct jep_message *message)
{
    int64_t begin = jep_now_ns();
    if (!jep_plant_heal(b->plant, message) || !jep_plant_wait_whole(b->plant, WHOLE_MS, message)) {
        return false;
    }
    int64_t whole_ms = (jep_now_ns() - begin) / 1000000;
    b->whole_ms_max = whole_ms > b->whole_ms_max ? whole_ms : b->whole_ms_max;
    (void)printf("    whole again after %lld ms\n", (long long)whole_ms);
    return true;
}

/* other: NULL, or one of another family, within the first one's time. */
static bool play(struct breaking *b, const struct jep_nemesis *nemesis,
    const struct jep_nemesis *other, unsigned round, unsigned hold_ms, struct jep_message *message)
{
    struct fault outer, inner;
    plan_fault(b, &outer, nemesis, round);
    if (!start_fault(b, &outer, message)) {
        return false;
    }
    jep_sleep_ms(hold_ms);
    if (other != NULL) {
        plan_fault(b, &inner, other, round);
        if (!start_fault(b, &inner, message)) {
            return false;
        }
        jep_sleep_ms(hold_ms);
        if (!stop_fault(b, &inner, message)) {
            return false;
        }
    }
    return stop_fault(b, &outer, message) && become_whole(b, message);
}

/* As often as it takes to see it, at most TRIES times. */
static bool play_until_seen(struct breaking *b, const struct jep_nemesis *nemesis, unsigned round,
    struct jep_message *message)
{
    unsigned done = b->seen + b->skipped, played = b->played + 1;
    for (unsigned i = 0; i < TRIES && b->seen + b->skipped == done; i++) {
        if (!play(b, nemesis, NULL, round, b->hold_ms << i, message)) {
            return false;
        }
    }
    b->played = played;
    if (b->seen + b->skipped == done) {
        size_t size = strlen(b->unseen);
        (void)snprintf(b->unseen + size, sizeof(b->unseen) - size, " %s", nemesis->name);
    }
    return true;
}

static const struct jep_nemesis *draw_other(struct jep_rng *rng,
    const struct jep_nemesis *const *nemeses, size_t count, const struct jep_nemesis *nemesis)
{
    for (int i = 0; i < 100; i++) {
        const struct jep_nemesis *other = nemeses[jep_rng_below(rng, count)];
        if (strcmp(other->family, nemesis->family) != 0) {
            return other;
        }
    }
    return NULL; /* there is one family */
}

static int play_all(struct breaking *b, struct jep_message *message)
{
    const struct jep_nemesis *nemeses[JEP_NEMESES_MAX];
    size_t count;
    if (!jep_nemesis_select(b->list, nemeses, &count, message)) {
        return JEP_EXIT_HARNESS;
    }
    struct jep_rng rng = jep_rng_stream(b->options.seed, "mix");
    for (unsigned round = 0; round < b->rounds; round++) {
        for (size_t i = 0; i < count; i++) {
            bool is_played = b->is_mixed
                                 ? play(b, nemeses[i], draw_other(&rng, nemeses, count, nemeses[i]),
                                       round, b->hold_ms, message)
                                 : play_until_seen(b, nemeses[i], round, message);
            if (!is_played) {
                return JEP_EXIT_INVALID;
            }
        }
    }
    struct jep_edn deaths = jep_plant_deaths(b->plant, b->arena);
    (void)printf("%u faults, %u seen, %u left out, longest time until whole %lld ms\n", b->played,
        b->seen, b->skipped, (long long)b->whole_ms_max);
    if (deaths.count > 0) {
        (void)printf("nodes ended by themselves: ");
        (void)jep_failed(message, "%s", jep_edn_show(b->arena, &deaths, 2000));
        return JEP_EXIT_INVALID;
    }
    if (b->unseen[0] != 0) {
        (void)jep_failed(message, "not seen:%s", b->unseen);
    }
    return b->unseen[0] == 0 ? JEP_EXIT_VALID : JEP_EXIT_UNKNOWN;
}

static int run(struct breaking *b)
{
    struct jep_message message = {{0}};
    int code = JEP_EXIT_HARNESS;
    b->arena = jep_arena_create();
    b->plant = jep_plant_create(&b->options, &message);
    if (b->plant != NULL && jep_plant_start(b->plant, JEP_PLANT_START_MS, &message)) {
        code = play_all(b, &message);
    }
    end_load(b);
    jep_plant_destroy(b->plant);
    jep_arena_destroy(b->arena);
    if (code != JEP_EXIT_VALID && message.text[0] != 0) {
        (void)fflush(stdout);
        (void)fprintf(stderr, "jepsen: %s\n", message.text);
    }
    return code;
}

/* --- the verb ---------------------------------------------------------------------------- */

static char bin[1024], test_bin[1100], shims[1100], out[1024], mount_point[1100];

static int usage(FILE *to, int code)
{
    (void)fputs(
        "usage: jepsen break [OPTION...]\n\n"
        "Makes a plant under load, plays faults one after the other, and prints what each shows\n"
        "for itself. Judges no history: `jepsen run` does. Exit: 0 each was seen and the plant "
        "came\n"
        "back, 1 it did not, or a node ended by itself, 2 a fault was not seen, 3 the harness\n"
        "failed, 77 cannot run here.\n\n"
        "  --nemesis N[,N...]  names or families; all (default)\n"
        "  --list              the names, and stop\n"
        "  --mix               with each one another one of another family; seen or not\n"
        "  --clusters N        sites (1)\n"
        "  --nodes N           of each site (3)\n"
        "  --spares N          for growing (1)\n"
        "  --seed X            (1)\n"
        "  --rounds N          of the list (1)\n"
        "  --hold-ms N         between start and stop of a fault (1500); not seen, it is played\n"
        "                      again, twice as long, and once more\n"
        "  --bin DIR           weft and weftd (beside this program)\n"
        "  --old-bin DIR       another build of them\n"
        "  --mutant NAME       for a test build of weftd\n"
        "  --tmpfs             no loop devices\n"
        "  --expect CODE       exit 0 for this code, 1 for 0 (0)\n"
        "  --out DIR           logs (jepsen-break)\n",
        to);
    return code;
}

static int list_all(void)
{
    size_t count;
    const struct jep_nemesis *const *all = jep_nemesis_all(&count);
    for (size_t i = 0; i < count; i++) {
        (void)printf("%-22s %s\n", all[i]->name, all[i]->family);
    }
    return JEP_EXIT_VALID;
}

/* False: usage. Options take their value from the next argument. */
static bool read_options(struct breaking *b, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        struct jep_plant_options *o = &b->options;
        const char *name = argv[i], *value = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(name, "--tmpfs") == 0) {
            o->disk = JEP_DISK_TMPFS;
            continue;
        }
        if (strcmp(name, "--mix") == 0) {
            b->is_mixed = true;
            continue;
        }
        i++;
        if (strcmp(name, "--nemesis") == 0) {
            b->list = value;
        } else if (strcmp(name, "--expect") == 0) {
            b->expected = atoi(value);
        } else if (strcmp(name, "--nodes") == 0) {
            o->nodes = (unsigned)atoi(value);
        } else if (strcmp(name, "--clusters") == 0) {
            o->clusters = (unsigned)atoi(value);
        } else if (strcmp(name, "--spares") == 0) {
            o->spares = (unsigned)atoi(value);
        } else if (strcmp(name, "--seed") == 0) {
            o->seed = strtoull(value, NULL, 10);
        } else if (strcmp(name, "--rounds") == 0) {
            b->rounds = (unsigned)atoi(value);
        } else if (strcmp(name, "--hold-ms") == 0) {
            b->hold_ms = (unsigned)atoi(value);
        } else if (strcmp(name, "--bin") == 0) {
            (void)snprintf(bin, sizeof(bin), "%s", value);
        } else if (strcmp(name, "--old-bin") == 0) {
            o->old_bin = value;
        } else if (strcmp(name, "--mutant") == 0) {
            o->mutants = value;
        } else if (strcmp(name, "--out") == 0) {
            (void)snprintf(out, sizeof(out), "%s", value);
        } else {
            return false;
        }
    }
    return true;
}

/* Whole paths: nodes have directories of their own. */
static bool make_places(struct jep_message *message)
{
    char whole[4096];
    if (mkdir(out, 0755) != 0 && errno != EEXIST) {
        return jep_failed(message, "%s: %s", out, strerror(errno));
    }
    if (realpath(out, whole) == NULL || strlen(whole) >= sizeof(out)) {
        return jep_failed(message, "%s: %s", out, strerror(errno));
    }
    (void)snprintf(out, sizeof(out), "%.1000s", whole);
    (void)snprintf(mount_point, sizeof(mount_point), "%s/scratch", out);
    if (mkdir(mount_point, 0755) != 0 && errno != EEXIST) {
        return jep_failed(message, "%s: %s", mount_point, strerror(errno));
    }
    if (realpath(bin, whole) == NULL || strlen(whole) >= sizeof(bin)) {
        return jep_failed(message, "%s: %s", bin, strerror(errno));
    }
    (void)snprintf(bin, sizeof(bin), "%.1000s", whole);
    return true;
}

int jep_verb_break(int argc, char **argv)
{
    struct breaking b = {.list = "all",
        .hold_ms = HOLD_MS,
        .rounds = 1,
        .options = {.bin = bin,
            .shims = shims,
            .out = out,
            .clusters = 1,
            .nodes = 3,
            .spares = 1,
            .seed = 1}};
    struct jep_enclosure enclosure;
    struct jep_message message;
    if (argc > 1 && strcmp(argv[1], "--help") == 0) {
        return usage(stdout, JEP_EXIT_VALID);
    }
    if (argc > 1 && strcmp(argv[1], "--list") == 0) {
        return list_all();
    }
    jep_env_shims(shims, sizeof(shims));
    (void)snprintf(bin, sizeof(bin), "%s/../bin", shims);
    (void)snprintf(out, sizeof(out), "jepsen-break");
    if (!read_options(&b, argc, argv)) {
        return usage(stderr, JEP_EXIT_HARNESS);
    }
    if (!make_places(&message)) {
        (void)fprintf(stderr, "jepsen: %s\n", message.text);
        return JEP_EXIT_HARNESS;
    }
    if (!jep_enclosure_enter(mount_point, &enclosure, &message)) {
        (void)fprintf(stderr, "jepsen: cannot run here: %s\n", message.text);
        return JEP_EXIT_CANNOT_RUN;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    b.options.scratch = enclosure.scratch;
    /* Without one they are left out. */
    if (jep_nemesis_wants_test_build(b.list) &&
        jep_layout_test_build(bin, out, test_bin, sizeof(test_bin), &message)) {
        b.options.bin = test_bin;
    }
    int code = run(&b);
    if (b.expected != JEP_EXIT_VALID && code != JEP_EXIT_HARNESS) {
        return code == b.expected ? JEP_EXIT_VALID : JEP_EXIT_INVALID;
    }
    return code;
}
