/* jepsen/work/plan.h: everything a run will do, made before it from its seed alone: each worker's
 * operations with their times, the faults with theirs, and what each node is asked at the end. Kept
 * as schedule.edn, from which a replay does the same again. */
#ifndef WEFT_JEPSEN_WORK_PLAN_H
#define WEFT_JEPSEN_WORK_PLAN_H

#include "jepsen/cluster/nemesis.h"
#include "jepsen/work/options.h"

struct jep_planned {
    int64_t at_ns; /* from the start; a worker that is late does it at once */
    struct jep_step step;
    bool is_stubborn; /* it writes at its home node, whoever leads */
    bool is_echoed;   /* before it an older commit of the worker is sent once more */
};

struct jep_planned_fault {
    int64_t start_ns;
    int64_t stop_ns;
    const struct jep_nemesis *nemesis;
    struct jep_edn plan; /* what the nemesis made of its chance */
};

struct jep_plan {
    struct jep_arena *arena; /* everything in it lives here */
    struct jep_run_options options;
    struct {
        struct jep_planned *items;
        size_t count;
    } workers[JEP_WORKERS_MAX];
    struct jep_planned_fault *faults; /* by start */
    size_t fault_count;
    struct jep_step *finals;
    size_t final_count;
};

/* Pure but for memory. False: the options name a nemesis that is not there. */
bool jep_plan_make(const struct jep_run_options *options, struct jep_plan *ret_plan,
    struct jep_message *message) __attribute__((warn_unused_result));
void jep_plan_destroy(struct jep_plan *plan);

/* schedule.edn. */
bool jep_plan_write(const struct jep_plan *plan, const char *path, struct jep_message *message)
    __attribute__((warn_unused_result));
/* Options of the machine are left as jep_run_options_init has them. */
bool jep_plan_read(const char *path, struct jep_plan *ret_plan, struct jep_message *message)
    __attribute__((warn_unused_result));

/* Every operation of the history is the plan's, in its order, on its worker, and so is every
 * fault. What the plan leaves open (nil) may be anything. False: the message says which is not. */
bool jep_plan_is_followed(const struct jep_plan *plan, const struct jep_history *history,
    struct jep_message *message) __attribute__((warn_unused_result));

#endif
