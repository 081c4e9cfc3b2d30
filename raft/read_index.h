/* raft/read_index.h: linearizable reads without a log entry (dissertation, 6.4).
 *
 * A pure machine on every node. On the leader it confirms, with one PING round for all reads
 * that wait, that no other leader can have committed anything when the round began; on a
 * follower it asks the leader for an index, once for all reads that wait. A read that comes
 * while a round or question is under way waits for the next one. Rules RFT-40 to RFT-46:
 * raft/README.md. */
#ifndef WEFT_RAFT_READ_INDEX_H
#define WEFT_RAFT_READ_INDEX_H

#include "raft/configuration.h"

enum {
    WEFT_READS_MAX = 65536, /* Waiting on one node; chosen: above it the caller is told to wait. */
};

/* What the replica is at the moment; borrowed for a step. */
struct weft_read_context {
    uint64_t id;
    uint64_t term;
    uint64_t leader_id; /* 0: not known. Our own id: we lead. */
    uint64_t commit_index;
    uint64_t applied_index;
    bool is_term_committed; /* An entry of this term is committed. */
    const struct weft_configuration *configuration;
};

struct weft_read_options {
    uint32_t retry_ms;   /* A PING or question without an answer is sent again. */
    uint32_t timeout_ms; /* A read that waits longer has failed. */
};

enum weft_read_event_type {
    WEFT_READ_TICK,
    WEFT_READ_REGISTER, /* read_id: a read of our own. */
    WEFT_READ_ASK,      /* member asks with round, under request (header of READ_INDEX). */
    WEFT_READ_PONG,     /* member confirmed round in our term. */
    WEFT_READ_ANSWER,   /* member (the leader) answered question `round` with index or err. */
};

struct weft_read_event {
    enum weft_read_event_type type;
    uint64_t now_ms;
    uint64_t read_id;
    uint64_t member;
    uint64_t round;
    uint64_t index;
    enum weft_err err;
    struct weft_peer_header request;
};

/* A question of another node, to be answered. */
struct weft_read_reply {
    uint64_t member;
    uint64_t round; /* Its id of the question. */
    uint64_t index;
    enum weft_err err;
    struct weft_peer_header request;
};

struct weft_read_done {
    uint64_t read_id;
    enum weft_err err;
    uint64_t index;
};

struct weft_read_update {
    uint64_t ping_round; /* 0: none. To all other voters. */
    uint64_t ask_round;  /* 0: none. To the leader. */
    struct weft_read_reply replies[WEFT_MEMBERS_MAX];
    uint32_t reply_count;
    bool has_done;        /* Call weft_read_index_pop until it gives none. */
    uint64_t deadline_ms; /* UINT64_MAX: nothing is waited for. */
};

struct weft_read;
/* Embed by value; private to read_index.c and its test. */
struct weft_read_rounds {
    struct weft_read_options options;
    struct weft_read *reads; /* A ring: confirmed, then in round, then waiting. */
    uint32_t capacity;
    uint32_t head;
    uint32_t confirmed;
    uint32_t in_round;
    uint32_t waiting;
    uint64_t *refused; /* Reads over the limit, until pop gives them back. */
    uint32_t refused_count;
    uint32_t refused_capacity;
    uint64_t round; /* Counter of rounds and questions. */
    bool is_open;   /* A round (leader) or question (follower) is under way. */
    uint64_t open_term;
    uint64_t open_leader;
    uint64_t open_index; /* Leader: commit index when the round began. */
    uint64_t sent_ms;
    uint64_t not_before_ms; /* No question before: the last one was turned down. */
    uint64_t acknowledged[WEFT_MEMBERS_MAX];
    uint32_t acknowledged_count;
    struct {
        struct weft_read_reply reply;
        uint64_t deadline_ms;
        bool is_in_round;
    } asks[WEFT_MEMBERS_MAX]; /* One for each member that asks. */
    uint32_t ask_count;
};

/* Rounds are counted from `first_round`. */
void weft_read_index_init(
    struct weft_read_rounds *m, const struct weft_read_options *options, uint64_t first_round);
void weft_read_index_close(struct weft_read_rounds *m);
/* A REGISTER starts nothing by itself, so that all reads of a turn share a round: step with
 * TICK at deadline_ms, which is then now. Without memory for a read the process stops. */
void weft_read_index_step(struct weft_read_rounds *m, const struct weft_read_event *event,
    const struct weft_read_context *context, struct weft_read_update *ret_update);
/* The next read that may go on (applied has reached its index) or has failed. */
bool weft_read_index_pop(struct weft_read_rounds *m, const struct weft_read_context *context,
    uint64_t now_ms, struct weft_read_done *ret_done);
uint32_t weft_read_index_count(const struct weft_read_rounds *m);

#endif
