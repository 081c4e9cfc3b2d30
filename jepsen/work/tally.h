/* jepsen/work/tally.h: what came of many runs, added up: operations by result, faults by name, what
 * the checks found, how soon there was a leader, and which runs were not valid, and why. Printed
 * for people, and as a value. Not for two threads at once. */
#ifndef WEFT_JEPSEN_WORK_TALLY_H
#define WEFT_JEPSEN_WORK_TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "jepsen/cluster/nemesis.h"
#include "jepsen/core/results.h"

enum {
    JEP_TALLY_FAULTS_MAX = JEP_NEMESES_MAX,
    JEP_TALLY_CHECKS_MAX = 32,
    JEP_TALLY_WHY_BYTES = 400
};

struct jep_tally_fault {
    char name[64];
    int64_t made, seen, skipped; /* what is neither seen nor skipped had no effect that was seen */
    int64_t gap_ms;              /* the longest time without a successful write */
};

/* Zeroed, it has counted nothing. */
struct jep_tally {
    int64_t runs, valid, invalid, unknown, harness, cannot;
    int64_t invoked, ok, fail, info;
    struct jep_tally_fault faults[JEP_TALLY_FAULTS_MAX];
    size_t fault_count;
    struct {
        char name[32];
        int64_t count; /* runs in which this check was invalid */
    } checks[JEP_TALLY_CHECKS_MAX];
    size_t check_count;
    int64_t anomalies;       /* of all checks */
    int64_t heals, answered; /* judged; heals times nodes */
    int64_t slowest_node_ms;
    int64_t *leaders_ms; /* from each heal that could be judged */
    size_t leader_count;
    int64_t leaders_starved;
    int64_t slowest_leader_ms; /* as judged: from when a majority answered */
};

/* Of one run, for its row. */
struct jep_tally_run {
    int64_t ok, fail, info, made, seen;
};

/* results: of the run, NULL if it has none; code: its exit. */
void jep_tally_add(struct jep_tally *tally, int code, const struct jep_edn *results,
    struct jep_tally_run *ret_run);
/* Why a run was not valid: its worst check's reason; "" if none says one. */
void jep_tally_why(const struct jep_edn *results, char ret_why[JEP_TALLY_WHY_BYTES]);
/* Every part is counted once: runs by verdict, operations by result. False: the message says what
 * does not add up. */
bool jep_tally_adds_up(const struct jep_tally *tally, struct jep_message *message)
    __attribute__((warn_unused_result));
void jep_tally_print(struct jep_tally *tally, const char *what, FILE *out);
struct jep_edn jep_tally_edn(struct jep_tally *tally, struct jep_arena *arena);
void jep_tally_free(struct jep_tally *tally);

#endif
