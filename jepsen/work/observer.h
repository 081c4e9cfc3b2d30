/* jepsen/work/observer.h: who leads, as the nodes say it: a thread for each asks its node again and
 * again, and each change of the leader is written into the history:
 *
 *     {... :type :info, :process :nemesis, :f :leader, :value {:leader "n2", :term 5}}
 *
 * The leader is the node that says so in the highest term; nil while no node that answers does. */
#ifndef WEFT_JEPSEN_WORK_OBSERVER_H
#define WEFT_JEPSEN_WORK_OBSERVER_H

#include "jepsen/core/history.h"
#include "jepsen/work/client.h"

struct jep_observer;

/* Borrows both until jep_observer_stop. log: as in jep_client_init. */
struct jep_observer *jep_observer_start(
    const struct jep_site *site, struct jep_history_writer *history, int log);
/* Takes NULL too. */
void jep_observer_stop(struct jep_observer *observer);

#endif
