/* jepsen/forge/forge.h: histories made of nothing: a model that is right by construction, driven by
 * many clients over virtual time, with failures, unknown outcomes and faults; and the same broken
 * in one named way. By them the checkers are measured and shown to be able to fail. */
#ifndef WEFT_JEPSEN_FORGE_FORGE_H
#define WEFT_JEPSEN_FORGE_FORGE_H

#include <stdbool.h>
#include <stdint.h>

#include "jepsen/core/history.h"
#include "jepsen/core/results.h"

struct jep_forge_options {
    const char *workload; /* of jepsen/check that has a model here */
    uint64_t ops;         /* invocations, without the last reads */
    uint64_t keys;        /* 0: 10 */
    uint32_t concurrency; /* 0: 10 */
    uint32_t nodes;       /* 0: 5 */
    uint64_t seed;
    const char *mutation; /* NULL: none */
    bool is_calm;         /* nothing fails, nothing is unknown, nothing breaks */
};

/* False: no such workload or mutation, or the history has no place for it (too short). */
bool jep_forge(const struct jep_forge_options *options, struct jep_history **ret_history,
    struct jep_message *message) __attribute__((warn_unused_result));

struct jep_mutation {
    const char *workload; /* NULL: any */
    const char *name;
    enum jep_verdict expected;
    const char *what;
    /* Breaks it, so that theory leaves no doubt. False: nothing there to break. */
    bool (*break_it)(struct jep_history *history, uint64_t seed);
};

/* All of them; ended by one without a name. */
const struct jep_mutation *jep_forge_mutations(void);
const char *const *jep_forge_workloads(void);

#endif
