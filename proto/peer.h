/* proto/peer.h: the messages between the nodes of one site, as plain structs.
 *
 * The Raft messages follow Ongaro's dissertation, chapters 3 and 4, and cowsql/raft's fields;
 * around them stands an envelope of ours that names cluster, sender, incarnation, term and
 * sequence, which raft/README.md needs for its guards. Schema: proto/schema/peer.fbs. */
#ifndef WEFT_PROTO_PEER_H
#define WEFT_PROTO_PEER_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/bytes.h"
#include "proto/checkpoint.h"
#include "proto/digest.h"
#include "proto/envelope.h"
#include "proto/err.h"

enum weft_entry_type { /* As raft_entry.type; on the wire and on disk. */
    WEFT_ENTRY_COMMAND = 1,
    WEFT_ENTRY_BARRIER = 2,
    WEFT_ENTRY_CHANGE = 3,
};

struct weft_peer_entry {
    uint64_t term;
    enum weft_entry_type type;
    struct weft_bytes data; /* Aligned to 8 in a decoded message. */
};

struct weft_peer_header {
    uint64_t cluster;      /* Random, drawn at bootstrap. */
    uint64_t sender;       /* Member id. */
    uint64_t incarnation;  /* Random, drawn at each start of the sender's process. */
    uint64_t term;         /* Sender's current term when it sent this. */
    uint64_t sequence;     /* Rises by one with each message of this incarnation to this peer. */
    uint64_t request_term; /* Results: term of the request answered; otherwise 0. */
    uint64_t request_sequence;    /* Results: sequence of the request answered; otherwise 0. */
    uint64_t request_incarnation; /* Results: incarnation of the requester; otherwise 0. */
};

struct weft_request_vote {
    uint64_t term;
    uint64_t candidate_id;
    uint64_t last_log_index;
    uint64_t last_log_term;
    bool disrupt_leader;
    bool pre_vote;
};

struct weft_request_vote_result {
    uint64_t term;
    bool vote_granted;
    bool pre_vote;
    uint16_t features;
    uint16_t capacity;
};

struct weft_append_entries {
    uint64_t term;
    uint64_t prev_log_index;
    uint64_t prev_log_term;
    uint64_t leader_commit;
    const struct weft_peer_entry *entries;
    uint32_t entry_count;
};

struct weft_append_entries_result {
    uint64_t term;
    uint64_t rejected; /* Index of the rejected entry, 0: accepted. */
    uint64_t last_log_index;
    uint16_t features;
    uint16_t capacity;
    /* What the follower has applied, for divergence checks: state chain at that index. */
    uint64_t applied_index;
    struct weft_digest applied_chain;
};

/* The state travels by reference: `manifest` is an encoded checkpoint manifest
 * (proto/checkpoint.h) whose files are fetched over the bulk link. */
struct weft_install_snapshot {
    uint64_t term;
    uint64_t last_index;
    uint64_t last_term;
    uint64_t conf_index;
    struct weft_bytes configuration; /* Encoded by the raft layer. */
    struct weft_bytes manifest;
    /* The sender's peer door, "host:port", or empty: the configuration above may be from before
     * the sender came. */
    struct weft_text address;
};

struct weft_timeout_now {
    uint64_t term;
    uint64_t last_log_index;
    uint64_t last_log_term;
};

/* Leadership confirmation for linearizable reads (dissertation, 6.4). */
struct weft_ping {
    uint64_t round; /* Leader's counter; a PONG echoes it. */
};

/* A follower asks the leader for an index to read at, for all reads that wait. */
struct weft_read_index {
    uint64_t id; /* Follower's counter; the result echoes it. */
};

/* AUDIT_LINE: the sender signed this tree of the audit log (node/audit_sign.h); without a line: the
 * leader wants it to be signed. */
struct weft_audit_line {
    uint64_t size;
    struct weft_digest root;
    struct weft_text vkey; /* The key (policy/signer.h). */
    struct weft_text line; /* The signature line of the note, with its newline. */
    /* Of what is signed; empty: of the audit log. Else of what partners get (node/partner_sign.h),
     * and `root` is perhaps the digest of another text. */
    struct weft_text origin;
};

struct weft_read_index_result {
    uint64_t id;
    uint64_t index;    /* Read once applied >= index. */
    enum weft_err err; /* WEFT_OK, WEFT_ENOTLEADER, WEFT_EUNAVAILABLE. */
};

struct weft_peer_message {
    enum weft_message_kind kind; /* REQUEST_VOTE to CHUNK: the tag of the union. */
    struct weft_peer_header header;
    union {
        struct weft_request_vote request_vote;
        struct weft_request_vote_result request_vote_result;
        struct weft_append_entries append_entries;
        struct weft_append_entries_result append_entries_result;
        struct weft_install_snapshot install_snapshot;
        struct weft_timeout_now timeout_now;
        struct weft_ping ping;
        struct weft_ping pong;
        struct weft_read_index read_index;
        struct weft_read_index_result read_index_result;
        struct weft_audit_line audit_line;
        struct weft_fetch fetch;
        struct weft_chunk chunk;
    };
};

/* Append envelope and table to `out` (8-byte aligned start expected).
 * WEFT_ETOOBIG, WEFT_ENOMEM: `out` as before. */
WEFT_MUST_USE enum weft_err weft_peer_encode(
    const struct weft_peer_message *message, struct weft_buffer *out);

/* Verify a whole message (envelope first) and decode it. Slices borrow from `message`, arrays
 * from `arena`.
 *
 * WEFT_EMALFORMED, WEFT_EVERSION (kind or version), WEFT_ETOOBIG, WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_peer_decode(
    struct weft_bytes message, struct weft_arena *arena, struct weft_peer_message *ret_message);

#endif
