/* jepsen/work/child.h: this program again, as a process of its own: each run enters namespaces and
 * ends with them, so that several runs are several processes. */
#ifndef WEFT_JEPSEN_WORK_CHILD_H
#define WEFT_JEPSEN_WORK_CHILD_H

#include "jepsen/core/edn.h"

/* argv[0] is the verb; ends with NULL. Its output goes where ours goes. The exit code, 128 + N for
 * a signal, JEP_EXIT_HARNESS if it cannot be started. */
int jep_child_run(const char *const *argv);
/* The same for another program of the same directory, argv[0] its name; killed after limit_s
 * seconds (-1 then). */
int jep_child_run_program(const char *const *argv, const char *bin, unsigned limit_s);

/* results.edn of a run. False: there is none that can be read. */
bool jep_child_results(const char *directory, struct jep_arena *arena, struct jep_edn *ret_results)
    __attribute__((warn_unused_result));

#endif
