/* jepsen/work/options.h: what a run is asked for, on the command line or by the schedule of an
 * earlier run. */
#ifndef WEFT_JEPSEN_WORK_OPTIONS_H
#define WEFT_JEPSEN_WORK_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "jepsen/core/edn.h"
#include "jepsen/work/workload.h"

/* Texts are borrowed from argv, or from the arena of a schedule. */
struct jep_run_options {
    const struct jep_workload *workload;
    const char *nemeses; /* names and families, with commas; "" : no faults */
    unsigned nodes;
    unsigned clusters;
    unsigned partner_nodes; /* of each site but the first; 0: as many */
    unsigned concurrency;   /* workers */
    unsigned rate;          /* operations per second, of all workers together */
    unsigned time_limit_s;
    unsigned nemesis_interval_s;
    unsigned timeout_ms;  /* of an operation */
    unsigned election_ms; /* of the plant's configuration, and what recovery is judged by */
    uint64_t seed;
    const char *mutant;  /* NULL: none */
    const char *old_bin; /* NULL: none */

    /* Of this machine: not part of a schedule. */
    const char *out;       /* directory of the run; NULL: made below jepsen-out */
    const char *bin;       /* directory of weft and weftd */
    const char *shims;     /* directory of the preload libraries */
    const char *endpoints; /* of a plant that is there already, with commas; NULL: one is made */
    const char *identity;  /* for that one */
    bool keep;             /* leave the plant's directories behind */
    bool quiet;
};

/* Defaults; nothing is left NULL that a run needs, but out, endpoints, identity. */
void jep_run_options_init(struct jep_run_options *options);
/* argv[0] is the verb. False: told on stderr, *ret_exit is what to exit with (0 after --help). */
bool jep_run_options_parse(int argc, char **argv, struct jep_run_options *options, int *ret_exit)
    __attribute__((warn_unused_result));

/* Nodes that stand ready to join, for each cluster. */
unsigned jep_run_options_spares(const struct jep_run_options *options);

/* What a schedule keeps. */
struct jep_edn jep_run_options_edn(const struct jep_run_options *options, struct jep_arena *arena);
bool jep_run_options_read(const struct jep_edn *value, struct jep_run_options *options,
    struct jep_message *message) __attribute__((warn_unused_result));
/* Whatever a schedule does not keep, from `machine`. */
void jep_run_options_take_machine(
    struct jep_run_options *options, const struct jep_run_options *machine);
/* `jepsen/run run --workload ...`: the command that does it again. */
const char *jep_run_options_command(const struct jep_run_options *options, struct jep_arena *arena);

#endif
