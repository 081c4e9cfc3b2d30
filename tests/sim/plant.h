/* tests/sim/plant.h: a simulation of the product: its turn, door, proposer, reads and state
 * machine.
 *
 * Each node carries what a weftd carries from its client door inwards, on one thread, in virtual
 * time, over a virtual network and virtual disks; what is left out stands in plant_stubs.c. Clients
 * send what clients send and are answered what clients are answered. README.md says what is in. */
#ifndef WEFT_TESTS_SIM_PLANT_H
#define WEFT_TESTS_SIM_PLANT_H

#include <setjmp.h>

#include "node/node.h"
#include "node/turn.h"
#include "tests/sim/kept.h"
#include "tests/sim/model.h"
#include "tests/sim/sim.h"

enum {
    PLANT_CLIENTS = 6,
    PLANT_ATTEMPT_MS = 500, /* Then the outcome of a request is unknown. */
    PLANT_OP_MS = 2500,     /* Then that of an operation is. */
    PLANT_PATH_SIZE = 1024,
};

/* What most of a run's operations do, and what its history holds. Others go on beside them. */
enum plant_workload {
    PLANT_REGISTER,
    PLANT_APPEND,
    PLANT_SET,
    PLANT_BANK,
    PLANT_LINEAGE,
    PLANT_WATCH,
    PLANT_AS_OF,
    PLANT_DIGEST,
    PLANT_WORKLOADS,
};
extern const char *const plant_workload_names[PLANT_WORKLOADS];

enum plant_count {
    PLANT_OK, /* Operations. */
    PLANT_FAIL,
    PLANT_UNKNOWN,
    PLANT_RETRIED,  /* Requests asked again with their id. */
    PLANT_REPEATED, /* Answers that said so. */
    PLANT_CONFLICTS,
    PLANT_RESETS, /* Connections that broke under a request. */
    PLANT_JOBS,   /* Of worker threads. */
    PLANT_STALE,
    PLANT_PARKED, /* Watchers that waited. */
    PLANT_PAGES,  /* Behind the first one of an answer. */
    PLANT_DIGESTS,
    PLANT_FLUSHES,
    PLANT_REBUILT,
    PLANT_CLOCK_JUMPS,
    PLANT_STATE_FAULTS,
    PLANT_CUT_INSTALLS, /* Killed between the swap of the state and the reset of the log. */
    PLANT_OPS,          /* By workload, from here. */
    PLANT_COUNTS = PLANT_OPS + PLANT_WORKLOADS,
};
extern const char *const plant_count_names[PLANT_OPS];

struct plant_options {
    const char *directory; /* Exists; emptied at the end. */
    const char *history;   /* File for the operations of the workload; NULL: none. */
    enum plant_workload workload;
    bool check_data;               /* weft_state_check of each state at the end. */
    uint64_t counts[PLANT_COUNTS]; /* Out: added to. */
};

struct plant_door; /* plant_door.c */

struct plant_job {
    struct plant_job *next;
    uv_work_t *request;
    uv_work_cb work;
    uv_after_work_cb after;
};

/* uv_queue_work: a job that the seed says when to do. */
int sim_uv_queue_work(uv_loop_t *loop, uv_work_t *request, uv_work_cb work, uv_after_work_cb after);

struct plant_node {
    struct sim_node *sim;
    struct weft_node node;
    char directory[PLANT_PATH_SIZE]; /* state, checkpoints */
    char checkpoints[PLANT_PATH_SIZE];
    struct plant_door *door; /* The client door's; NULL while it is down. */
    bool is_dead;            /* What is sent goes nowhere. */
    struct plant_job *jobs;  /* Oldest first. */
    int64_t clock_ns;        /* Its wall clock less the true one. */
    struct sim_kept *newest;
    struct sim_kept *taking; /* Finished but for its name. */
    bool loses_state;        /* At the next crash. */
    uint32_t write_faults;   /* The nth write of the state from now fails; 0: none. */
};

struct plant_client;
struct plant_history;
struct plant_told;

struct plant_outcome { /* Of the items of an index. */
    uint32_t first;
    uint32_t count;
    bool is_known;
    bool has_chain;
    struct weft_digest chain; /* The product's, after the index. */
};

struct plant {
    struct sim *sim;
    struct plant_options *options;
    struct model *model;
    struct plant_outcome *outcomes; /* By index. */
    uint64_t outcome_capacity;
    struct model_item *items;
    uint32_t item_count;
    uint32_t item_capacity;
    struct plant_client *clients;
    struct plant_history *history;
    struct plant_told *told; /* plant_answer.c */
    uint64_t next_unit;
    bool has_accounts;
    uint64_t told_max;         /* Highest index that a client has heard of. */
    jmp_buf failed;            /* weft_node_fail of the acting node comes back here. */
    struct plant_node *acting; /* Whose code runs. */
    enum weft_err failed_err;
    struct weft_msg failed_msg;
};

/* plant_node.c */
/* Into the trace, without the run's directory, so that a seed has one trace on every machine. */
void plant_note_error(struct sim_node *n, const char *what, const struct weft_msg *msg);
/* Now and then what the engine's nemesis does not know of: clocks, the state's disk. */
void plant_trouble(struct plant *p);
struct plant_node *plant_of(const struct weft_node *node);
void plant_plan(struct sim_node *n, enum sim_event_type type, uint64_t delay_ms);
void plant_wake(struct plant_node *pn, uint64_t delay_ms);
void plant_queue(struct plant_node *pn, struct plant_job *job);
void plant_count(struct plant *p, enum plant_count what);
/* For plant_stubs.c, and for the files of node/ that are built against it. */
struct plant *plant_current(void);

/* plant_checkpoint.c */
void plant_checkpoint_load(struct plant_node *pn); /* pn->newest is what is on the disk. */
void plant_checkpoint_take(struct plant_node *pn);
void plant_checkpoint_taken(struct plant_node *pn);
void plant_checkpoint_forget(struct plant_node *pn); /* A crash: what is in memory. */
/* What the node's replica was offered: fetched and prepared? False: not to be had. */
bool plant_checkpoint_fetch(struct plant_node *pn);
/* The state from the newest checkpoint. */
enum weft_err plant_checkpoint_rebuild(struct plant_node *pn, struct weft_msg *msg);

/* plant_door.c */
void plant_send(struct plant *p, uint32_t client, uint64_t node, struct weft_bytes message);
void plant_door_event(struct plant_node *pn, const struct sim_event *event);
void plant_door_drop(const struct sim_event *event);
/* Its connections break. */
void plant_door_crash(struct plant_node *pn);
struct plant_answer {
    uint32_t client;
    uint64_t node;
    bool is_reset; /* The connection is gone; no message. */
    size_t size;
    uint8_t bytes[] __attribute__((aligned(8)));
};

/* plant_judge.c */
void plant_judge_entry(
    struct plant_node *pn, const struct weft_log_entry *entry, struct sim_state *ret_state);
void plant_judge_items(
    struct plant_node *pn, const struct weft_applied_item *items, uint32_t count);
void plant_judge_chain(struct plant_node *pn, uint64_t index, const struct weft_digest *chain);

/* plant_client.c */
void plant_clients_open(struct plant *p);
void plant_clients_close(struct plant *p);
void plant_clients_begin(struct plant *p);
void plant_clients_probe(struct plant *p, uint64_t node);
/* Final reads on every node; runs until they are answered. */
void plant_clients_end(struct plant *p);
void plant_client_answer(struct plant *p, const struct plant_answer *answer);
void plant_client_wake(struct plant *p, const struct sim_event *event);

#endif
