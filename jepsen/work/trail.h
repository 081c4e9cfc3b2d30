/* jepsen/work/trail.h: the audit log of every member, at the end of a run, as one operation. */
#ifndef WEFT_JEPSEN_WORK_TRAIL_H
#define WEFT_JEPSEN_WORK_TRAIL_H

#include "jepsen/work/worker.h"

/* Whatever was refused is in the log once an entry of a later second is there: so it commits until
 * that is so. Then each member is asked for its root and for all leaves. */
void jep_trail_tell(struct jep_worker *worker);

#endif
