/* jepsen/work/pulse.h: whether the harness itself got the processor. A thread wants to run every
 * 10 ms; where it came JEP_PULSE_LATE_MS late or more, the history says so (`:f :starved`, told
 * when it was over): whoever judges how soon something happened has to know that nobody could. */
#ifndef WEFT_JEPSEN_WORK_PULSE_H
#define WEFT_JEPSEN_WORK_PULSE_H

#include "jepsen/core/history.h"

enum {
    JEP_PULSE_LATE_MS = 50 /* chosen: a third of the shortest election timer */
};

struct jep_pulse;

/* NULL: no thread; then nothing is ever said to be starved. */
struct jep_pulse *jep_pulse_start(struct jep_history_writer *history);
/* Takes NULL too. */
void jep_pulse_stop(struct jep_pulse *pulse);

#endif
