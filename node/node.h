/* node/node.h: one running node: what main.c starts, feeds with signals, and waits for.
 *
 * Owns the loop and everything on it: the log, the replica, the state, the doors. A turn of the
 * loop is: take what arrived, step the replica, propose what waits, apply what was agreed, answer.
 * Nothing leaves the node before what it depends on is durable. Any damage to durable state or
 * broken invariant ends in weft_node_fail: one line that says what, where and what next, and the
 * process stops. Rules NOD-n: node/README.md. */
#ifndef WEFT_NODE_NODE_H
#define WEFT_NODE_NODE_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "node/api/http/http.h"
#include "node/api/native.h"
#include "node/audit_sign.h"
#include "node/questions.h"
#include "node/bundles.h"
#include "node/chains.h"
#include "node/checkpoints.h"
#include "node/config.h"
#include "node/damage.h"
#include "node/datadir.h"
#include "node/digests.h"
#include "node/dispatch.h"
#include "node/membership.h"
#include "node/notices.h"
#include "node/partner_door.h"
#include "node/partners.h"
#include "node/patience.h"
#include "node/peers.h"
#include "node/proposer.h"
#include "node/recaller.h"
#include "node/reads.h"
#include "node/replies.h"
#include "node/state/state.h"
#include "node/telemetry.h"
#include "node/warrants.h"
#include "node/witnessing.h"
#include "raft/log.h"
#include "raft/replica.h"

enum weft_start_type {
    WEFT_START_NORMAL,    /* The data directory says what this node is. */
    WEFT_START_BOOTSTRAP, /* First node of a new site. */
    WEFT_START_JOIN,      /* A further node, or one whose disk was lost. */
};

struct weft_node_options {
    const char *config_path;
    enum weft_start_type start;
    const char *join_endpoint; /* JOIN: client door of any node. */
    bool ungoverned;           /* BOOTSTRAP: without org document and policy. */
    bool drop_damaged_log;     /* Operator's word: cut the Raft log at the damage. */
};

enum weft_node_phase {
    WEFT_NODE_STARTING,
    WEFT_NODE_JOINING, /* Asks to be a member. */
    WEFT_NODE_RUNNING,
    WEFT_NODE_HANDING_OVER, /* Stopping: somebody else shall lead first. */
    WEFT_NODE_STOPPING,
    WEFT_NODE_STOPPED,
};

struct weft_join;
struct weft_label_reads;
struct weft_forwarder;

struct weft_node {
    uv_loop_t loop;
    enum weft_node_phase phase;
    struct weft_node_options options;
    struct weft_config config;
    struct weft_datadir datadir;
    struct weft_log *log;
    struct weft_log_start log_start;
    struct weft_state *state;
    struct weft_replica *replica;
    struct weft_peers *peers;
    struct weft_native *native;
    struct weft_http *http; /* NULL: no such door. */
    struct weft_forwarder *forwarder;
    struct weft_join *join;
    struct weft_telemetry *telemetry;
    struct weft_audit_sign *audit_sign;
    struct weft_warrants *warrants;
    struct weft_witnessing *witnessing; /* NULL: it cosigns nothing. */
    struct weft_partners *partners;
    struct weft_partner_door *partner_door; /* NULL: it meets no partners. */
    uint64_t streams_seen;                  /* As weft_streams_changed, ... */
    uint64_t partners_seen;                 /* ...and which partners there were (partnership.c). */
    uint64_t partners_again_ms;             /* The door is told again: it failed. 0: it did not. */
    struct weft_proposer proposer;
    struct weft_reads reads;
    struct weft_bundles bundles;
    struct weft_label_reads *label_reads;
    struct weft_replies replies;
    struct weft_patience patience;
    struct weft_membership membership;
    struct weft_checkpoints checkpoints;
    struct weft_digests digests;
    struct weft_damage damage;
    struct weft_notices notices;
    struct weft_chains chains;
    struct weft_arena arena; /* Of one apply. */
    uv_async_t synced;       /* The disk thread has made something durable. */
    uv_async_t again;        /* There is more to apply: another turn at once. */
    uv_check_t turn;
    uv_timer_t timer;
    uv_signal_t signals[3];
    uint64_t incarnation;
    uint64_t conf_index; /* Configuration that peers were told of. */
    uint64_t leader_id;  /* As last logged. */
    uint64_t term;
    bool is_leader;
    bool is_member; /* The newest configuration names this node. */
    bool is_ready;  /* systemd has been told. */
    uint64_t stop_deadline_ms;
    uint32_t closing; /* Parts still to close. */
    int exit_code;
    /* Counters for status. */
    bool lineage_is_given_up;
    struct weft_dispatch dispatch;
    struct weft_recaller recaller;
    struct weft_questions questions;
    uint64_t governing_term; /* In which the first commit was proposed here; 0: in none. */
    uint64_t commits, refusals, applied_entries, turns, slow_turns, alarms;
    /* Of the data directory, as status found it last; looked_ms by the loop's clock. */
    struct weft_node_space {
        bool is_known;
        uint64_t looked_ms, free_bytes, used_bytes;
    } space;
};

/* Run until told to stop. 0: clean; otherwise the exit code after weft_node_fail. */
int weft_node_run(const struct weft_node_options *options);

/* The event of a failed state: if that is damage, the next start makes it anew. */
#define WEFT_NODE_STATE_FAILED "state_failed"
/* The node must stop: log the reason and what to do next, and end the process. */
_Noreturn void weft_node_fail(
    struct weft_node *node, const char *event, enum weft_err err, const struct weft_msg *msg);

/* Close every part, then end the loop. */
void weft_node_close_parts(struct weft_node *node);

/* Client address of the present leader, or "". */
const char *weft_node_leader_address(struct weft_node *node);

/* Queue a request for agreement. WEFT_EUNAVAILABLE: a commit, and the site waits to be governed.
 * Not WEFT_OK: nothing is queued, the caller answers. */
WEFT_MUST_USE enum weft_err weft_node_propose(
    struct weft_node *node, const struct weft_entry_item *item, const struct weft_waiter *waiter);

/* The same on any node, of a commit: proposed here or handed to the leader. Not WEFT_OK: nothing is
 * on its way, the caller answers. WEFT_EUNAVAILABLE: nobody leads, or cannot be reached. */
WEFT_MUST_USE enum weft_err weft_node_commit(
    struct weft_node *node, const struct weft_entry_item *item, const struct weft_waiter *waiter);

/* Where and when a note is to count: what governs the next entry, its index, the time. */
void weft_node_place_question(struct weft_node *node, struct weft_warrants_question *question);

/* Everything `weft status` shows of this node; lives in the arena. */
WEFT_MUST_USE enum weft_err weft_node_status(
    struct weft_node *node, struct weft_arena *arena, struct weft_status *ret_status);

/* Something changed that only a turn can act on. */
void weft_node_wake(struct weft_node *node);

#endif
