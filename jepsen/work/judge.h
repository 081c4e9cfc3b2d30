/* jepsen/work/judge.h: from a directory with a history to results.edn, a line for people and an
 * exit code. The rules are jepsen/check's; what the run alone can know is added to them. */
#ifndef WEFT_JEPSEN_WORK_JUDGE_H
#define WEFT_JEPSEN_WORK_JUDGE_H

#include "jepsen/core/results.h"
#include "jepsen/work/plan.h"

/* `more`: a map of further checks, each a map with :valid?, that count like the others.
 * JEP_EXIT_HARNESS: the message says why. */
enum jep_exit jep_judge(const struct jep_plan *plan, const char *directory,
    const struct jep_edn *more, struct jep_message *message);

#endif
