/* jepsen/cluster/limits.h: how many files a process that runs may have open: lowered from outside,
 * and put back (prlimit(2)). */
#ifndef WEFT_JEPSEN_CLUSTER_LIMITS_H
#define WEFT_JEPSEN_CLUSTER_LIMITS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "jepsen/core/text.h"

enum {
    JEP_LIMITS_FILES_MIN = 3 /* nothing more can be opened with fewer either */
};

/* The lowest number that no open descriptor of the process has: all below are in use, and the next
 * one gets it. 0: the process cannot be seen. */
unsigned jep_limits_next_file(pid_t pid);
/* Sets the soft limit: numbers from it on are not given any more. It
 * takes nothing away; *ret_before (may be NULL) is what it was. The hard one stays, so that anyone
 * may put it back. */
bool jep_limits_set_files(pid_t pid, uint64_t limit, uint64_t *ret_before,
    struct jep_message *message) __attribute__((warn_unused_result));
/* Pure: the limit for a process whose next file has that number: `below` less, but not under the
 * least. */
unsigned jep_limits_files_below(unsigned next_file, unsigned below);
/* It writes no core when it crashes, where that is provoked. */
void jep_limits_no_core(pid_t pid);

#endif
