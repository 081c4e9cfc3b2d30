/* jepsen/work/child.h: this program again, as a process of its own: each run enters namespaces and
 * ends with them, so that several runs are several processes. */
#ifndef WEFT_JEPSEN_WORK_CHILD_H
#define WEFT_JEPSEN_WORK_CHILD_H

#include <sys/types.h>

#include "jepsen/core/edn.h"

/* argv[0] is the verb; ends with NULL. Its output goes where ours goes. The exit code, 128 + N for
 * a signal, JEP_EXIT_HARNESS if it cannot be started. */
int jep_child_run(const char *const *argv);
/* Another program, in the directory bin, argv[0] its name, without waiting. -1: not started. */
pid_t jep_child_start(const char *const *argv, const char *bin);
/* Its exit code, as above; killed at deadline_ns (jep_now_ns), and -1 then. */
int jep_child_wait(pid_t pid, int64_t deadline_ns);

/* results.edn of a run. False: there is none that can be read. */
bool jep_child_results(const char *directory, struct jep_arena *arena, struct jep_edn *ret_results)
    __attribute__((warn_unused_result));

#endif
