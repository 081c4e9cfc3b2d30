/* tests/sim/sim.h: whole clusters in one process, on one thread, in virtual time, from one seed.
 *
 * The replicas are those of the product, over the log on a virtual disk and a virtual network;
 * everything around them (links, disks, clients, operators, faults) comes from the seed, so a
 * failing seed fails again. What they may do is judged from outside (check.c), by code that
 * shares nothing with them but the structs of the interface. README.md has the picture. */
#ifndef WEFT_TESTS_SIM_SIM_H
#define WEFT_TESTS_SIM_SIM_H

#include <stdio.h>

#include "raft/log_memory.h"
#include "raft/replica.h"
#include "tests/sim/count.h"

enum {
    SIM_NODES_MAX = 8, /* Members at the start, and two that may be added. */
    SIM_EXTRA_NODES = 2,
    SIM_CLUSTER = 4711,
    SIM_ELECTION_MS = 150,
    SIM_HEARTBEAT_MS = 30,
};

struct sim;
struct sim_check; /* check.c */
struct plant;     /* plant.h */
struct plant_node;
struct plant_options;

struct sim_state { /* After an entry, as a replica's user keeps it. */
    uint64_t index;
    uint64_t term;
    uint64_t chain;
    uint64_t conf_index;
};
struct sim_read {
    uint64_t id;
    uint64_t floor; /* It must see at least this index. */
};
struct sim_proposal {
    uint64_t index;
    uint64_t term;
    uint64_t value;
};

struct sim_node {
    struct sim *sim;
    uint64_t id;
    uint64_t life;
    bool is_used;          /* Has ever been started. */
    struct weft_log spied; /* What the replica sees: watches appends, then `log`. */
    struct weft_log *log;
    struct weft_log_start log_start;
    struct weft_replica *replica; /* NULL: down. */
    uint64_t paused_until_ms;
    struct sim_state *states; /* [0] is the oldest one it can fall back to. */
    size_t state_count;
    size_t state_capacity;
    uint64_t floor_index; /* What is on the disk of it; the state never falls below. */
    uint64_t checkpoint_index;
    struct weft_buffer manifest;
    uint64_t next_expected; /* Of this life: the next entry to apply. */
    uint64_t tick_ms;       /* Scheduled; 0: none. */
    bool is_sync_scheduled;
    bool is_apply_scheduled;
    bool has_fetch;
    struct weft_install_snapshot offer;
    struct weft_buffer offer_bytes;
    uint64_t offer_from;
    struct sim_proposal proposals[64];
    uint32_t proposal_count;
    struct sim_read reads[256];
    uint32_t read_count;
    uint64_t leader_term; /* Last term it was seen to lead. */
    struct plant_node *plant;
};

enum sim_event_type {
    SIM_EVENT_DELIVER,
    SIM_EVENT_TICK,
    SIM_EVENT_SYNC,
    SIM_EVENT_APPLY,
    SIM_EVENT_FETCHED,
    SIM_EVENT_RESTART,
    SIM_EVENT_CLIENT,
    SIM_EVENT_NEMESIS,
    /* Of a plant alone. */
    SIM_EVENT_DOOR,   /* A client's message reaches a node. */
    SIM_EVENT_ANSWER, /* A node's message, or a broken connection, reaches a client. */
    SIM_EVENT_JOB,    /* A worker thread is done. */
    SIM_EVENT_TAKEN,  /* So is the keeper of checkpoints. */
};

struct sim_event {
    uint64_t time_ms;
    uint64_t order; /* Unique: ties are broken by when it was planned. */
    enum sim_event_type type;
    uint64_t node;
    uint64_t life;
    struct sim_message *message;
    uint64_t number; /* The kind's. */
    void *payload;   /* The kind's: sim_kind_drop frees it. */
};

struct sim_network {
    uint32_t loss_permille;
    uint32_t duplicate_permille;
    uint32_t slow_permille; /* Messages that take up to 200 ms instead of up to 4. */
    bool is_cut[SIM_NODES_MAX + 1][SIM_NODES_MAX + 1];      /* from, to */
    uint64_t last_ms[SIM_NODES_MAX + 1][SIM_NODES_MAX + 1]; /* Last arrival that was planned. */
};

struct sim_options {
    uint64_t seed;
    uint32_t voters;
    uint64_t duration_ms; /* Of the faulty part. */
    FILE *trace;          /* NULL: none */
    bool trace_messages;
    const struct plant_options *plant; /* Of a plant alone. */
};

struct sim {
    struct sim_options options;
    uint64_t random;
    uint64_t now_ms;
    struct sim_node nodes[SIM_NODES_MAX + 1];
    uint32_t node_count;
    struct sim_event *events; /* A heap. */
    size_t event_count;
    size_t event_capacity;
    uint64_t event_order;
    struct sim_network network;
    bool is_healing; /* No more faults; only progress is asked for. */
    uint64_t next_value;
    uint64_t next_read;
    struct sim_check *check;
    bool has_values; /* Entries hold a number that occurs once. */
    struct plant *plant;
    uint64_t counts[SIM_COUNTS];
    uint64_t trace_hash;
    bool has_failed;
    char failure[400];
};
struct sim_result { /* Of one seed. */
    bool has_failed;
    char failure[400];
    uint64_t trace_hash;
    uint64_t counts[SIM_COUNTS];
};
void sim_run(const struct sim_options *options, struct sim_result *ret_result);

/* sim.c. The first failure stands; the run ends. */
uint64_t sim_random(struct sim *s, uint64_t bound);
bool sim_chance(struct sim *s, uint32_t permille);
void sim_run_until(struct sim *s, uint64_t end_ms);
void sim_plan(struct sim *s, const struct sim_event *event, uint64_t delay_ms);
void sim_fail(struct sim *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
void sim_note(struct sim *s, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* network.c */
void sim_send(struct sim *s, uint64_t from, uint64_t to, const struct weft_peer_message *m);
const struct weft_peer_message *sim_message(const struct sim_message *message);
uint64_t sim_message_from(const struct sim_message *message);
void sim_message_free(struct sim_message *message);

/* spy.c: what the replica sees of its log; the judge sees it, too. */
extern const struct weft_log_engine sim_spy_engine;

/* node.c (a modelled state), or plant_node.c (the product's). */
void sim_node_init(struct sim *s, uint64_t id, const struct weft_configuration *first);
void sim_node_close(struct sim_node *n);
void sim_node_start(struct sim_node *n);
void sim_node_crash(struct sim_node *n, uint64_t down_ms);
/* The replica was called and said `rv`: see what it wants done next. */
void sim_node_after(struct sim_node *n, enum weft_err rv, const struct weft_msg *msg);
void sim_node_event(struct sim_node *n, const struct sim_event *event);
void sim_node_checkpoint(struct sim_node *n);

/* sim.c */
bool sim_node_is_leader(const struct sim_node *n);
struct sim_node *sim_leader(struct sim *s); /* Of the highest term; NULL: none */
const struct sim_state *sim_node_state(const struct sim_node *n);

/* client.c, or plant*.c: who asks for what, and what else there is of a run of this kind. */
void sim_client(struct sim *s, const struct sim_event *event);
void sim_kind_open(struct sim *s);
void sim_kind_begin(struct sim *s);                /* Nodes run: clients may start. */
void sim_kind_probe(struct sim_node *leader);      /* Ask it for something, to see progress. */
void sim_kind_end(struct sim *s);                  /* All is healed and level: what must be true. */
void sim_kind_close(struct sim *s);                /* Nodes are closed. */
void sim_kind_drop(const struct sim_event *event); /* It was handled, or never will be. */

/* nemesis.c: operators and faults. */
void sim_operate(struct sim *s); /* Now and then a change of members, a hand-over, a checkpoint. */
void sim_change_members(struct sim *s);
void sim_cut_leader(struct sim *s);
void sim_nemesis(struct sim *s);
void sim_calm(struct sim *s);
struct sim_node *sim_any_running(struct sim *s); /* NULL: found none. */

#endif
