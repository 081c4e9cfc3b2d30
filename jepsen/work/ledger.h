/* jepsen/work/ledger.h: what the clients of a run were told of their commits, so that the plant's
 * audit log can be held against it: at which index each was acknowledged, how many were refused by
 * policy, and how many are in doubt. Any thread. */
#ifndef WEFT_JEPSEN_WORK_LEDGER_H
#define WEFT_JEPSEN_WORK_LEDGER_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#include "jepsen/work/session.h"

struct jep_acked {
    int64_t index;
    int64_t records;
};

struct jep_ledger {
    pthread_mutex_t mutex;
    int64_t from; /* what was applied up to this index is not of the run */
    struct jep_acked *acked;
    size_t count, capacity;
    int64_t refused; /* "not permitted", each by an entry of its own */
    int64_t doubt;
};

void jep_ledger_init(struct jep_ledger *ledger);
void jep_ledger_destroy(struct jep_ledger *ledger);
/* Notes what came of a line of a session; of a commit that is not sent anew. Other lines than
 * commits are not noted. */
void jep_ledger_note(struct jep_ledger *ledger, const char *line, const struct jep_answer *answer);

#endif
