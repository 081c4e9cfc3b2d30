/* jepsen/work/summary.h: a history in figures, for tables over many runs: operations, faults with
 * and without evidence, and the longest time without a successful write while each was on. Judges
 * nothing. */
#ifndef WEFT_JEPSEN_WORK_SUMMARY_H
#define WEFT_JEPSEN_WORK_SUMMARY_H

#include "jepsen/core/history.h"

/* In the history's arena. {:ok N, :fail N, :info N,
 *  :faults {"kill-one" {:made 3, :seen 3, :skipped 0, :write-gap-ms 812}, ...}} */
struct jep_edn jep_summary(const struct jep_history *history);

#endif
