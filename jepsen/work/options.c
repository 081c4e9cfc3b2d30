#include "jepsen/work/options.h"

#include <errno.h>
#include <getopt.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "jepsen/cluster/env.h"
#include "jepsen/core/results.h"

/* One row per option: the parser, the help, the schedule and the command of a replay are made from
 * the same table. */

enum type {
    TEXT,
    NUMBER,   /* unsigned */
    NUMBER64, /* uint64_t */
    FLAG,
    WORKLOAD
};

static const struct row {
    const char *name;
    enum type type;
    size_t at;
    unsigned min, max;
    bool is_kept; /* in a schedule */
    const char *help;
} rows[] = {
    {"workload", WORKLOAD, offsetof(struct jep_run_options, workload), 0, 0, true,
        "what clients do (register)"},
    {"nemesis", TEXT, offsetof(struct jep_run_options, nemeses), 0, 0, true,
        "faults and families of faults, with commas; all; none does nothing"},
    {"nodes", NUMBER, offsetof(struct jep_run_options, nodes), 1, 7, true, "of the site (3)"},
    {"clusters", NUMBER, offsetof(struct jep_run_options, clusters), 1, JEP_CLUSTERS_MAX, true,
        "sites (1; where organizations meet 2)"},
    {"partner-nodes", NUMBER, offsetof(struct jep_run_options, partner_nodes), 0, 7, true,
        "of each site but the first (0: as many; where organizations meet 1)"},
    {"concurrency", NUMBER, offsetof(struct jep_run_options, concurrency), 1, JEP_WORKERS_MAX, true,
        "clients (10)"},
    {"rate", NUMBER, offsetof(struct jep_run_options, rate), 1, 100000, true,
        "operations per second of all clients; default: the workload's"},
    {"time-limit", NUMBER, offsetof(struct jep_run_options, time_limit_s), 1, 86400, true,
        "seconds of load and faults (60)"},
    {"nemesis-interval", NUMBER, offsetof(struct jep_run_options, nemesis_interval_s), 1, 3600,
        true, "seconds that a fault lasts, about (5)"},
    {"timeout", NUMBER, offsetof(struct jep_run_options, timeout_ms), 100, 60000, true,
        "ms until an operation is in doubt (1500)"},
    {"election-timeout", NUMBER, offsetof(struct jep_run_options, election_ms), 20, 60000, true,
        "ms, as the plant is told: nodes wait one to two of them (150)"},
    {"seed", NUMBER64, offsetof(struct jep_run_options, seed), 0, 0, true,
        "of everything that is chosen (1)"},
    {"mutant", TEXT, offsetof(struct jep_run_options, mutant), 0, 0, true,
        "a fault planted in a test build"},
    {"old-bin", TEXT, offsetof(struct jep_run_options, old_bin), 0, 0, false,
        "directory of another build, for rolling upgrades"},
    {"out", TEXT, offsetof(struct jep_run_options, out), 0, 0, false,
        "directory for history, results and logs; default: below jepsen-out"},
    {"bin", TEXT, offsetof(struct jep_run_options, bin), 0, 0, false,
        "directory of weft and weftd; default: that of this program, or WEFT_BIN"},
    {"shims", TEXT, offsetof(struct jep_run_options, shims), 0, 0, false,
        "directory of the preload libraries; default: that of this program"},
    {"endpoints", TEXT, offsetof(struct jep_run_options, endpoints), 0, 0, false,
        "client doors of a plant that is there already, with commas: no faults"},
    {"identity", TEXT, offsetof(struct jep_run_options, identity), 0, 0, false,
        "directory with ca.crt, tls.crt, tls.key, for --endpoints"},
    {"keep", FLAG, offsetof(struct jep_run_options, keep), 0, 0, false,
        "leave the nodes' data behind"},
    {"quiet", FLAG, offsetof(struct jep_run_options, quiet), 0, 0, false, "say only what is wrong"},
};

enum {
    ROWS = sizeof(rows) / sizeof(rows[0])
};

static void *field(struct jep_run_options *options, const struct row *row)
{
    return (char *)options + row->at;
}

static const void *const_field(const struct jep_run_options *options, const struct row *row)
{
    return (const char *)options + row->at;
}

unsigned jep_run_options_spares(const struct jep_run_options *options)
{
    return options->nodes > 1 && options->clusters == 1 ? 1 : 0;
}

/* The directory of this program. */
static const char *own_directory(void)
{
    static char path[4096];
    ssize_t size = readlink("/proc/self/exe", path, sizeof(path) - 1);
    path[size > 0 ? size : 0] = '\0';
    char *slash = strrchr(path, '/');
    if (slash != NULL) {
        *slash = '\0';
    }
    return path;
}

static const char *own_shims(void)
{
    static char path[4096];
    jep_env_shims(path, sizeof(path));
    return path;
}

void jep_run_options_init(struct jep_run_options *options)
{
    const char *bin = getenv("WEFT_BIN");
    *options = (struct jep_run_options){.workload = &jep_workload_register,
        .nodes = 3,
        .clusters = 1,
        .concurrency = 10,
        .time_limit_s = 60,
        .nemesis_interval_s = 5,
        .timeout_ms = 1500,
        .election_ms = 150, /* the product's default */
        .seed = 1,
        .bin = bin != NULL ? bin : own_directory(),
        .shims = own_shims()};
}

/* What was not asked for, from what was. */
static void complete(struct jep_run_options *options)
{
    if (options->rate == 0) {
        options->rate = options->workload->rate;
    }
    if (options->workload->is_federated) {
        options->clusters = options->clusters > 1 ? options->clusters : 2;
        options->partner_nodes = options->partner_nodes > 0 ? options->partner_nodes : 1;
    }
    if (options->nemeses == NULL) {
        options->nemeses = options->endpoints != NULL           ? ""
                           : options->workload->nemeses != NULL ? options->workload->nemeses
                                                                : "partition,kill,pause";
    }
}

/* --- the command line -------------------------------------------------------------------- */

static void help(const char *verb, FILE *out)
{
    (void)fprintf(out, "usage: jepsen %s [OPTION...]\n\n", verb);
    for (size_t i = 0; i < ROWS; i++) {
        (void)fprintf(out, "  --%-18s %s\n", rows[i].name, rows[i].help);
    }
    (void)fputs("\nWorkloads:\n", out);
    const struct jep_workload *workload;
    for (size_t i = 0; (workload = jep_workload_at(i)) != NULL; i++) {
        (void)fprintf(out, "  %-12s %s\n", workload->name, workload->what);
    }
    (void)fputs("\nExit: 0 valid, 1 invalid, 2 unknown or vacuous, 3 harness error, 77 cannot run "
                "here.\n",
        out);
}

static bool set_number(struct jep_run_options *options, const struct row *row, const char *text,
    struct jep_message *message)
{
    char *end;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    bool is_number = text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0;
    bool is_small = row->type == NUMBER64 || (number >= row->min && number <= row->max);
    if (!is_number || !is_small) {
        return jep_failed(message, "--%s %s: a number%s", row->name, text,
            is_number ? " out of range" : " is wanted");
    }
    if (row->type == NUMBER64) {
        *(uint64_t *)field(options, row) = number;
    } else {
        *(unsigned *)field(options, row) = (unsigned)number;
    }
    return true;
}

static bool set(struct jep_run_options *options, const struct row *row, const char *text,
    struct jep_message *message)
{
    switch (row->type) {
    case TEXT:
        *(const char **)field(options, row) = text;
        return true;
    case NUMBER:
    case NUMBER64:
        return set_number(options, row, text, message);
    case FLAG:
        *(bool *)field(options, row) = true;
        return true;
    case WORKLOAD:
        options->workload = jep_workload_find(text);
        return options->workload != NULL ||
               jep_failed(message, "there is no workload %s; --help lists them", text);
    }
    return false;
}

bool jep_run_options_parse(int argc, char **argv, struct jep_run_options *options, int *ret_exit)
{
    struct option longs[ROWS + 2] = {{0}};
    struct jep_message message;
    int at, c;
    for (size_t i = 0; i < ROWS; i++) {
        longs[i] = (struct option){
            rows[i].name, rows[i].type == FLAG ? no_argument : required_argument, NULL, 1};
    }
    longs[ROWS] = (struct option){"help", no_argument, NULL, 'h'};
    *ret_exit = JEP_EXIT_HARNESS;
    optind = 1;
    while ((c = getopt_long(argc, argv, "h", longs, &at)) != -1) {
        if (c == 'h') {
            help(argv[0], stdout);
            *ret_exit = JEP_EXIT_VALID;
            return false;
        }
        if (c != 1) {
            return false;
        }
        if (!set(options, &rows[at], optarg, &message)) {
            (void)fprintf(stderr, "jepsen %s: %s\n", argv[0], message.text);
            return false;
        }
    }
    complete(options);
    return true;
}

/* --- the schedule ------------------------------------------------------------------------ */

struct jep_edn jep_run_options_edn(const struct jep_run_options *options, struct jep_arena *arena)
{
    struct jep_edn_list map = {0};
    for (size_t i = 0; i < ROWS; i++) {
        const struct row *row = &rows[i];
        const void *at = const_field(options, row);
        if (!row->is_kept) {
            continue;
        }
        if (row->type == WORKLOAD) {
            jep_edn_put(&map, row->name, jep_edn_string(options->workload->name));
        } else if (row->type == TEXT && *(const char *const *)at != NULL) {
            jep_edn_put(&map, row->name, jep_edn_string_copy(arena, *(const char *const *)at));
        } else if (row->type == NUMBER) {
            jep_edn_put(&map, row->name, jep_edn_int(*(const unsigned *)at));
        } else if (row->type == NUMBER64) {
            jep_edn_put(&map, row->name,
                jep_edn_string(
                    jep_arena_format(arena, "%llu", (unsigned long long)*(const uint64_t *)at)));
        }
    }
    return jep_edn_take_map(&map, arena);
}

bool jep_run_options_read(
    const struct jep_edn *value, struct jep_run_options *options, struct jep_message *message)
{
    for (size_t i = 0; i < ROWS; i++) {
        const struct jep_edn *found = jep_edn_get(value, rows[i].name);
        char number[32];
        if (!rows[i].is_kept || found == NULL) {
            continue;
        }
        bool is_int = jep_edn_is_int(found);
        if (!is_int && found->type != JEP_EDN_STRING) {
            return jep_failed(message, ":%s is neither a text nor a number", rows[i].name);
        }
        (void)snprintf(number, sizeof(number), "%lld", is_int ? (long long)found->integer : 0);
        if (!set(options, &rows[i], is_int ? number : found->text, message)) {
            return false;
        }
    }
    complete(options);
    return true;
}

void jep_run_options_take_machine(
    struct jep_run_options *options, const struct jep_run_options *machine)
{
    for (size_t i = 0; i < ROWS; i++) {
        size_t size = rows[i].type == FLAG ? sizeof(bool) : sizeof(const char *);
        if (!rows[i].is_kept) {
            memcpy(field(options, &rows[i]), const_field(machine, &rows[i]), size);
        }
    }
}

const char *jep_run_options_command(const struct jep_run_options *options, struct jep_arena *arena)
{
    struct jep_text text = {0};
    jep_text_puts(&text, "jepsen/run run");
    for (size_t i = 0; i < ROWS; i++) {
        const struct row *row = &rows[i];
        const void *at = const_field(options, row);
        if (!row->is_kept) {
            continue;
        }
        if (row->type == WORKLOAD) {
            jep_text_printf(&text, " --%s %s", row->name, options->workload->name);
        } else if (row->type == TEXT && *(const char *const *)at != NULL) {
            jep_text_printf(&text, " --%s '%s'", row->name, *(const char *const *)at);
        } else if (row->type == NUMBER) {
            jep_text_printf(&text, " --%s %u", row->name, *(const unsigned *)at);
        } else if (row->type == NUMBER64) {
            jep_text_printf(
                &text, " --%s %llu", row->name, (unsigned long long)*(const uint64_t *)at);
        }
    }
    const char *command = jep_arena_text(arena, text.bytes, text.size);
    jep_text_free(&text);
    return command;
}
