/* raft/replica_state.h: what the files of the replica share. Private to raft/.
 *
 * replica.c has the life of a replica and the calls of its user, receive.c judges and hands
 * over what peers send, effects.c carries out what the core decided, members.c changes the
 * group, checkpoint.c trims and installs, offline.c works on a log nobody runs on. */
#ifndef WEFT_RAFT_REPLICA_STATE_H
#define WEFT_RAFT_REPLICA_STATE_H

#include "raft/core.h"
#include "raft/guard.h"
#include "raft/read_index.h"
#include "raft/replica.h"

enum {
    WEFT_REPLICA_INFLIGHT_MAX = 64,
    /* Entries on the way to one follower; above it the rest waits for an answer. Chosen: what
     * a link of 1 Gbit/s carries in 70 ms. */
    WEFT_REPLICA_SENT_BYTES_MAX = 8 * 1024 * 1024,
    /* What one read of the log asks for, so that the entry that tops it still fits. */
    WEFT_REPLICA_READ_BYTES = WEFT_APPEND_SIZE_MAX - WEFT_ENTRY_SIZE_MAX,
};

/* What on_change was last told. */
struct weft_replica_view {
    enum weft_core_state state;
    uint64_t term;
    uint64_t leader_id;
    uint64_t configuration_index;
    bool is_transferring;
};

struct weft_replica {
    struct weft_replica_options options;
    struct weft_replica_io io;
    struct weft_log *log;
    struct weft_core *core;
    struct weft_guard guard;
    struct weft_read_rounds reads;
    struct weft_arena arena; /* Decoded manifest. */
    uint64_t now_ms;
    enum weft_err failed; /* Not WEFT_OK: the state may be half changed (RFT-2). */
    bool is_running;      /* Inside a call: callbacks must not call back. */

    uint64_t durable_term; /* What the log holds. */
    uint64_t durable_vote;

    struct weft_configuration configuration; /* The core's newest, decoded. */
    uint64_t configuration_uncommitted;      /* It was decoded when these were the core's. */
    uint64_t configuration_committed;

    uint64_t handed_index; /* Given by next. */
    uint64_t applied_index;

    uint64_t leader_term; /* The term of which we know the leader, */
    uint64_t leader_id;   /* and that leader. */

    struct weft_peer_header request;        /* Of the message under way; sequence 0: none. */
    struct weft_peer_header append_request; /* Last one of the leader of our term. */

    uint64_t proposed[WEFT_REPLICA_INFLIGHT_MAX]; /* Rising indexes of our proposals. */
    uint32_t proposed_count;

    const struct weft_install_snapshot *installing; /* NULL but inside weft_replica_install. */

    bool has_held; /* A TimeoutNow waits until its receiver has everything. */
    struct weft_core_message held;

    uint64_t timeout_ms; /* When the core last had its timeout. */
    uint64_t reads_deadline_ms;
    uint64_t average_bytes; /* Of an entry, lately. */
    uint32_t core_inflight;

    bool wants_checkpoint;
    struct weft_replica_view told;
    uint64_t elections;
    uint64_t dropped_messages;
    const char *dropped_reason;
    uint64_t alarms;

    struct weft_log_entry read[WEFT_APPEND_ENTRIES_MAX]; /* Last read of the log. */
    uint64_t read_index;                                 /* 0: none that is still valid. */
    uint32_t read_wanted;
    uint32_t read_count;
    struct weft_peer_entry out[WEFT_APPEND_ENTRIES_MAX];
};

/* effects.c: carry out a core update (or turn the error of the step into ours), then settle:
 * whatever follows from it by itself. After an error that is not one of a refused step the
 * replica has failed. */
WEFT_MUST_USE enum weft_err weft_replica_run(struct weft_replica *r, enum weft_err step_err,
    const struct weft_core_update *update, struct weft_msg *msg);
/* Nothing may be done any more with this replica. Returns `err`. */
enum weft_err weft_replica_fail(struct weft_replica *r, enum weft_err err);
/* Each public call starts and ends with these. begin: WEFT_OK, or why the replica failed. */
WEFT_MUST_USE enum weft_err weft_replica_begin(
    struct weft_replica *r, uint64_t now_ms, struct weft_msg *msg);
void weft_replica_end(struct weft_replica *r);
/* Give a message its header and hand it to the link. */
void weft_replica_send(struct weft_replica *r, uint64_t to, struct weft_peer_message *message);
void weft_replica_alarm(struct weft_replica *r, const char *event, const char *detail);
/* Our own answer to a request: `request` is its header. */
void weft_replica_answer(struct weft_replica *r, const struct weft_peer_header *request,
    struct weft_peer_message *message);
/* The leader of our term as far as we know; 0: not known. */
uint64_t weft_replica_leader(const struct weft_replica *r);
bool weft_replica_is_leader(const struct weft_replica *r);
bool weft_replica_is_term_committed(const struct weft_replica *r);
void weft_replica_read_step(struct weft_replica *r, const struct weft_read_event *event);

/* members.c: give the vote to a standby that wants it and has caught up. */
WEFT_MUST_USE enum weft_err weft_replica_promote(struct weft_replica *r, struct weft_msg *msg);
/* checkpoint.c: offer our newest checkpoint to a follower that needs entries we trimmed. */
WEFT_MUST_USE enum weft_err weft_replica_offer(
    struct weft_replica *r, uint64_t to, struct weft_msg *msg);

#endif
