/* jepsen/work/worker.h: one client of a run: a thread that does its share of the plan, one
 * operation at a time, and writes down what it asked and what came of it. After an operation in
 * doubt it goes on under a new process number, since the old one may still be at it. */
#ifndef WEFT_JEPSEN_WORK_WORKER_H
#define WEFT_JEPSEN_WORK_WORKER_H

#include <pthread.h>

#include "jepsen/core/history.h"
#include "jepsen/work/plan.h"

struct jep_worker {
    const struct jep_plan *plan;
    struct jep_history_writer *history;
    struct jep_shared *shared;
    unsigned number;
    unsigned rank, ranks; /* among the workers of its site */
    int64_t process;
    struct jep_client client;
    struct jep_rng rng;
    struct jep_watcher watcher;
    pthread_t thread;
    bool is_running;
    const bool *is_member; /* by node: those that are asked at the end */
};

void jep_worker_init(struct jep_worker *worker, const struct jep_plan *plan,
    const struct jep_site *site, struct jep_history_writer *history, struct jep_shared *shared,
    unsigned number, int log);
void jep_worker_close(struct jep_worker *worker);

/* In a thread of its own: the plan's operations, or what each node is asked at the end: the N-th
 * worker of a site asks the nodes N, N + workers of the site ... A final question that is not
 * answered is asked again, a few times. */
bool jep_worker_start(struct jep_worker *worker, struct jep_message *message)
    __attribute__((warn_unused_result));
bool jep_worker_start_finals(struct jep_worker *worker, struct jep_message *message)
    __attribute__((warn_unused_result));
void jep_worker_join(struct jep_worker *worker);

/* One line of the worker's into the history. */
void jep_worker_write(struct jep_worker *worker, const struct jep_op *op);
/* The digests of all members at one index, as one operation. */
void jep_worker_digests(struct jep_worker *worker);

#endif
