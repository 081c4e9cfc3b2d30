/* jepsen/forge/selftest.h: the checkers shown to be able to fail, and not to cry wolf: forged
 * histories of every workload, good and broken in every named way, and the hand-made ones. */
#ifndef WEFT_JEPSEN_FORGE_SELFTEST_H
#define WEFT_JEPSEN_FORGE_SELFTEST_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct jep_selftest_options {
    uint64_t seeds; /* of each mutation, and of each workload's good histories */
    uint64_t first_seed;
    uint64_t ops;         /* of each history */
    const char *workload; /* NULL: all */
    const char *fixtures; /* directory with expected.edn; NULL: none */
    bool is_quiet;        /* failures alone are told */
    FILE *out;
};

/* Whether everything had the verdict that it has to have. */
bool jep_selftest(const struct jep_selftest_options *options);

#endif
