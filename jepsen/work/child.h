/* jepsen/work/child.h: this program again, as a process of its own: each run enters namespaces and
 * ends with them, so that several runs are several processes. */
#ifndef WEFT_JEPSEN_WORK_CHILD_H
#define WEFT_JEPSEN_WORK_CHILD_H

#include <sys/types.h>

#include "jepsen/core/edn.h"

/* argv[0] is the verb; ends with NULL. What it says goes into the file log; NULL: where ours goes.
 * The exit code, 128 + N for a signal, JEP_EXIT_HARNESS if it cannot be started. */
int jep_child_run(const char *const *argv, const char *log);
/* Another program, argv[0] its path, without waiting. -1: not started. */
pid_t jep_child_start(const char *const *argv, const char *log);
/* Its exit code, as above; killed with its own children at deadline_ns (jep_now_ns), and -1 then.
 */
int jep_child_wait(pid_t pid, int64_t deadline_ns);

/* results.edn of a run. False: there is none that can be read. */
bool jep_child_results(const char *directory, struct jep_arena *arena, struct jep_edn *ret_results)
    __attribute__((warn_unused_result));

#endif
