/* jepsen/work/workload.h: what clients do. A workload plans its operations before the run, from the
 * seed alone (next: pure), and carries each of them out through a client (apply). Several steps of
 * one operation, such as a read and a commit that expects what was read, are part of it: it either
 * happened, certainly did not, or is in doubt. */
#ifndef WEFT_JEPSEN_WORK_WORKLOAD_H
#define WEFT_JEPSEN_WORK_WORKLOAD_H

#include <pthread.h>
#include <stdatomic.h>

#include "jepsen/core/rng.h"
#include "jepsen/work/client.h"
#include "jepsen/work/orders.h"

/* How texts begin that are hidden from others: then the site, a hyphen, and the element. */
#define JEP_HIDDEN "HIDDEN-FROM-PARTNERS-"
/* What units are called that several sites know: a name that is nobody's, then 12 digits. */
#define JEP_UNIT "urn:uuid:00000000-0000-4000-8000-"

enum {
    JEP_WORKERS_MAX = 60,
    /* Of a key, then the next one. Longer keys with few values hide faults: planted stale reads
     * were found in 12 of 15 runs with 250 operations on a key, in none with 2,000. */
    JEP_KEY_OPS = 100,
    JEP_KEY_WORKERS = 5, /* that share a key */
    JEP_GROUPS_MAX = JEP_WORKERS_MAX / JEP_KEY_WORKERS,
    JEP_RECENT_VALUES = 8,
    JEP_APPEND_KEYS = 4,   /* in use at once */
    JEP_TXN_MOPS_MAX = 16, /* of one transaction; the plan's have at most 4 */
    JEP_KNOWN_MAX = 4096,
};

struct jep_step {
    const char *f; /* without the colon */
    struct jep_edn value;
};

/* Planning. */
struct jep_gen {
    struct jep_arena *arena; /* of what is planned */
    struct jep_rng rng;
    unsigned workers;
    unsigned sites;     /* among which the workers are dealt out */
    int64_t next_value; /* unique in the run */
    int64_t next_key;
    struct {
        int64_t key;
        unsigned ops;                      /* left for it; 0: a new one is due */
        int64_t recent[JEP_RECENT_VALUES]; /* planned for it, newest first */
        unsigned recent_count;
    } groups[JEP_GROUPS_MAX];
    struct {
        int64_t key;
        unsigned appends; /* left for it */
    } lists[JEP_APPEND_KEYS];
};

void jep_gen_init(struct jep_gen *gen, struct jep_arena *arena, uint64_t seed, unsigned workers);
/* The key of the worker's group, for one more operation. */
int64_t jep_gen_key(struct jep_gen *gen, unsigned worker);
/* A new value, remembered as the newest of the worker's group. */
int64_t jep_gen_value(struct jep_gen *gen, unsigned worker);

struct jep_known {
    int64_t key, index;
};

/* What the workers of a run share. */
struct jep_shared {
    atomic_bool is_over;                   /* the harness has failed: nobody does anything more */
    pthread_mutex_t mutex;                 /* of what follows */
    struct jep_known known[JEP_KNOWN_MAX]; /* commits that were acknowledged */
    size_t known_count;
    struct jep_known newest; /* of all of them; index 0: none */
    struct jep_ledger ledger;
    struct jep_orders orders;
};

/* How far a worker has watched the feed. */
struct jep_watcher {
    int64_t next; /* index to ask from, as the last page said; 0: from the start */
    int64_t told; /* index of the last event */
};

/* One operation being carried out. */
struct jep_call {
    struct jep_client *client;
    struct jep_shared *shared;
    struct jep_arena *arena;     /* of this operation */
    struct jep_rng *rng;         /* the worker's: for what the plan leaves open */
    struct jep_watcher *watcher; /* the worker's */
    const struct jep_step *step;
    bool is_stubborn; /* write at home */
    bool is_final;    /* after all faults */

    enum jep_op_type type;
    struct jep_edn value; /* set to the step's before */
    struct jep_edn error;
};

/* Sets type and error. */
void jep_call_read_outcome(struct jep_call *call, const struct jep_answer *answer);
void jep_call_commit_outcome(struct jep_call *call, const struct jep_answer *answer);
/* Certainly did not happen, for a reason of the workload's own. */
void jep_call_fail(struct jep_call *call, const char *code);

struct jep_workload {
    const char *name;
    const char *what;
    const char *check;   /* workload of jepsen/check that judges it; NULL: a slot for later */
    bool wants_plant;    /* of the harness's own making, for its policy */
    bool is_nodeless;    /* its operations are asked of the whole site, not of one node */
    bool is_federated;   /* of several sites, between which there are agreements */
    unsigned gates;      /* gateways beside the site */
    const char *nemeses; /* used unless others are asked for; NULL: the harness's default */
    unsigned rate;       /* operations per second unless asked for */
    void (*next)(struct jep_gen *gen, unsigned worker, struct jep_step *ret_step);
    /* The steps that each node gets at the end, one after the other: the i-th; false: no more. */
    bool (*final)(struct jep_gen *gen, unsigned i, struct jep_step *ret_step);
    /* Before the clock starts; NULL: nothing. False: the plant does not take it. */
    bool (*setup)(struct jep_client *client, struct jep_arena *arena, struct jep_message *message);
    void (*apply)(struct jep_call *call);
};

/* NULL: no such workload. */
const struct jep_workload *jep_workload_find(const char *name);
/* The i-th; NULL past the last. Slots (check NULL) are among them. */
const struct jep_workload *jep_workload_at(size_t i);

/* Rows of the table, each in its file. */
extern const struct jep_workload jep_workload_register;
extern const struct jep_workload jep_workload_append;
extern const struct jep_workload jep_workload_set;
extern const struct jep_workload jep_workload_bank;
extern const struct jep_workload jep_workload_counter;
extern const struct jep_workload jep_workload_watch;
extern const struct jep_workload jep_workload_as_of;
extern const struct jep_workload jep_workload_lineage;
extern const struct jep_workload jep_workload_membership;
extern const struct jep_workload jep_workload_checkpoint;
extern const struct jep_workload jep_workload_audit;
extern const struct jep_workload jep_workload_actuation;
extern const struct jep_workload jep_workload_federation;

#endif
