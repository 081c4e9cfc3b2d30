/* jepsen/work/run.h: a run from its plan to its verdict: a plant, clients and faults by the plan,
 * then healing, recovery, what every node is asked at the end, and the checks. */
#ifndef WEFT_JEPSEN_WORK_RUN_H
#define WEFT_JEPSEN_WORK_RUN_H

#include "jepsen/core/results.h"
#include "jepsen/work/plan.h"

/* Makes the plan and plays it. Everything is left in options.out (made if NULL): schedule.edn,
 * history.edn, results.edn, sessions.log, and a directory per node. Enters an enclosure unless
 * there are endpoints: call before any thread is started. */
enum jep_exit jep_run_options_play(const struct jep_run_options *options);
/* The same with a plan that was read from a schedule; out, bin and the like as in `machine`. */
enum jep_exit jep_run_schedule_play(const char *schedule, const struct jep_run_options *machine);

#endif
