/* tests/unit/raft/group.h: a few replicas in one process, for tests that say what happens.
 *
 * Virtual time, links that deliver in order unless a test cuts them, logs on virtual disks that
 * are synced when a test (or group_pump) says so. Not the simulation: nothing here is random. */
#ifndef WEFT_TESTS_UNIT_RAFT_GROUP_H
#define WEFT_TESTS_UNIT_RAFT_GROUP_H

#include "raft/log_memory.h"
#include "raft/replica.h"

enum {
    GROUP_NODES_MAX = 7,
    GROUP_APPLIED_MAX = 4096,
    GROUP_CLUSTER = 77
};

struct group;

struct group_applied {
    uint64_t index;
    uint64_t term;
    enum weft_entry_type type;
    uint64_t value; /* First 8 bytes. */
};

struct group_read {
    uint64_t id;
    enum weft_err err;
    uint64_t index;
};

/* What the user of a replica keeps across its lives: applied entries and a checkpoint. */
struct group_node {
    struct group *group;
    uint64_t id;
    uint64_t life;
    struct weft_log *log;
    struct weft_log_start log_start;
    struct weft_replica *replica; /* NULL: down. */
    enum weft_err died;           /* Why it went down by itself. */
    struct weft_msg died_msg;
    struct group_applied applied[GROUP_APPLIED_MAX];
    uint32_t applied_count;
    uint64_t state_index;
    uint64_t state_term;
    struct weft_configuration state_configuration;
    struct weft_buffer manifest; /* Of the newest checkpoint; empty: none. */
    uint64_t checkpoint_index;
    struct weft_install_snapshot offer; /* Held back for the test if keep_offers. */
    struct weft_buffer offer_bytes;
    char offer_address[WEFT_ADDRESS_SIZE_MAX + 1];
    bool has_offer;
    uint64_t offer_from;
    uint32_t offers;
    struct group_read reads[256];
    uint32_t read_count;
    uint32_t changes;
    char alarm[200];
    uint64_t peer_applied_index; /* Last told by on_peer_applied. */
};

struct group_message;

struct group {
    struct group_node nodes[GROUP_NODES_MAX + 1]; /* [1] is member 1. */
    uint32_t count;
    uint64_t now_ms;
    bool is_cut[GROUP_NODES_MAX + 1][GROUP_NODES_MAX + 1]; /* from, to */
    bool hold_syncs;                                       /* group_pump leaves the disks alone. */
    bool keep_offers; /* Offered checkpoints wait for group_install. */
    uint64_t trailing;
    uint32_t inflight_max;
    struct group_message *queue;
    struct group_message **queue_end;
    /* Looks at each message that is sent; false: it is lost. */
    bool (*filter)(struct group *g, uint64_t from, uint64_t to, struct weft_peer_message *m);
    void *filter_ctx;
    uint64_t sent[128]; /* By kind. */
};

/* Nodes 1 to count; the first is bootstrapped, the others are empty. None runs. */
struct group *group_create(uint32_t count);
void group_destroy(struct group *g);
struct weft_replica_member group_member(uint64_t id);
void group_start(struct group *g, uint64_t id);
enum weft_err group_try_start(struct group *g, uint64_t id, struct weft_msg *msg);
/* Cut the power: what is not synced may be lost, what is applied is kept if keep_state. */
void group_crash(struct group *g, uint64_t id, bool keep_state);
/* Stop in order. */
void group_stop(struct group *g, uint64_t id);
void group_isolate(struct group *g, uint64_t id, bool is_cut);

/* Deliver, sync and apply until nothing is left to do at this time. */
void group_pump(struct group *g);
/* Millisecond by millisecond, with ticks where they are due. */
void group_advance(struct group *g, uint64_t ms);
/* The leader with the highest term, 0 if none; waits up to wait_ms for it. */
uint64_t group_leader(struct group *g);
uint64_t group_await_leader(struct group *g, uint64_t wait_ms);
/* Three (or count) running voters with a leader. */
struct group *group_of_voters(uint32_t count);

/* Propose one entry that holds `value`; WEFT_OK only says that it was taken. */
enum weft_err group_propose(struct group *g, uint64_t id, uint64_t value, uint64_t *ret_index);
/* The applied value at `index` on node `id`; 0: it has not applied it. */
uint64_t group_value(struct group *g, uint64_t id, uint64_t index);
void group_checkpoint(struct group *g, uint64_t id);
bool group_install(struct group *g, uint64_t id);
/* A message to `to` as if `from` had sent it, with envelope filled in; header fields that are
 * not 0 are kept. */
enum weft_err group_inject(
    struct group *g, uint64_t from, uint64_t to, struct weft_peer_message *m);
struct weft_replica_status group_status(struct group *g, uint64_t id);

#endif
