/* jepsen/work/series.h: the bouts of a profile, each run a process of its own, several side by side
 * if asked; and what came of them: a line for each as it ends, then what all add up to, printed and
 * as OUT/summary.edn. Seeds of the simulation fill the machine by themselves and come first. */
#ifndef WEFT_JEPSEN_WORK_SERIES_H
#define WEFT_JEPSEN_WORK_SERIES_H

#include <stddef.h>
#include <stdint.h>

enum {
    JEP_SERIES_JOBS_MAX = 16,
    JEP_SERIES_BOUTS_MAX = 1024
};

struct jep_series_options {
    const char *profile;
    const char *out; /* directory, exists */
    const char *bin; /* directory of the programs */
    const char *sim; /* tests/sim/seeds */
    uint64_t seed;
    size_t only;   /* this bout alone; SIZE_MAX: all */
    unsigned jobs; /* runs side by side */
};

/* 0: all is as it has to be; 1: a run is invalid, or a planted fault was not found; 3: a harness
 * failed, or what was counted does not add up; 2: something is unknown; 77: cannot run here. The
 * first of these that is so. */
int jep_series_play(const struct jep_series_options *options);

#endif
