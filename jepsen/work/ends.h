/* jepsen/work/ends.h: what became of the orders of a run: told at its end as one operation,
 * `:f :actuation`: what each machine was really told, line by line; what each order's state is; how
 * often a gateway ended by itself. */
#ifndef WEFT_JEPSEN_WORK_ENDS_H
#define WEFT_JEPSEN_WORK_ENDS_H

#include "jepsen/work/worker.h"

/* Waits until no order is open, at most two minutes; resolves what is UNKNOWN. */
void jep_ends_tell(struct jep_worker *worker);

#endif
