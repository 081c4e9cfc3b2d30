/* jepsen/work/profile.h: which runs `test-all` makes: tables, and what a seed chooses from them. */
#ifndef WEFT_JEPSEN_WORK_PROFILE_H
#define WEFT_JEPSEN_WORK_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum jep_bout_kind {
    JEP_BOUT_SIM,   /* seeds of the simulation */
    JEP_BOUT_RUN,   /* a run of the product: to be valid */
    JEP_BOUT_MUTANT /* runs with a planted fault, until one is invalid: within `tries` */
};

/* One line of a profile's table. */
struct jep_bout {
    enum jep_bout_kind kind;
    const char *workload;
    const char *nemesis;
    const char *mutant;
    unsigned time_limit_s; /* of a run; of all seeds of the simulation */
    unsigned interval_s;
    unsigned tries; /* of a mutant */
    uint64_t seeds; /* tests/sim/seeds --seeds */
    uint64_t seed;  /* the first */
};

/* The i-th bout of the profile "ci", "nightly", "soak", "mutants" or "controls"; false: no more, or
 * there is no such profile. The same seed chooses the same. */
bool jep_profile_bout(const char *profile, uint64_t seed, size_t i, struct jep_bout *ret_bout);

/* Where a planted fault is looked for; NULL past the last. */
struct jep_hunt {
    const char *mutant;
    const char *workload;
    const char *nemesis;
    unsigned interval_s;
    bool is_quick; /* found in nearly every run of 20 s: fit for ci */
};
const struct jep_hunt *jep_profile_hunt(size_t i);

#endif
