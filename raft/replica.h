/* raft/replica.h: one node's share of a Raft group: the library's pure core, our log, our guards.
 *
 * Drives `raft_step` (libraft 0.22) and carries out its updates in the mandatory order: term
 * and vote, entries, snapshot, messages, commit index, timeout. It has no threads, no clock
 * and no I/O of its own: time comes with each call, entries go to a struct weft_log, messages
 * to io->send. So the simulation runs the very code that runs in a plant. It knows nothing of
 * records. Rules and guards RFT-n: raft/README.md. Not thread safe: the loop's.
 *
 * Any WEFT_ECORRUPT, WEFT_EIO, WEFT_ENOSPC or WEFT_ENOMEM from a call here means that the
 * state may be half changed: the node must stop at once. */
#ifndef WEFT_RAFT_REPLICA_H
#define WEFT_RAFT_REPLICA_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/client.h"
#include "proto/peer.h"
#include "raft/log.h"

struct weft_replica;

/* What a group's configuration says of a member. The texts are terminated, without spaces, and
 * stand in the Raft configuration's address: "name peer_address client_address vote|novote"
 * (raft/configuration.h). */
struct weft_replica_member {
    uint64_t id;
    enum weft_role role;
    bool wants_vote; /* A leader promotes it by itself once it has caught up. */
    char name[64];
    char peer_address[WEFT_ADDRESS_SIZE_MAX + 1];
    char client_address[WEFT_ADDRESS_SIZE_MAX + 1];
};

struct weft_configuration {
    uint64_t index; /* Of the entry it came from. */
    uint32_t count;
    struct weft_replica_member members[WEFT_MEMBERS_MAX];
};

struct weft_replica_io {
    void *ctx;
    /* Hand a message to the link; it may be dropped, never blocked on. Borrowed. */
    void (*send)(void *ctx, uint64_t to, const struct weft_peer_message *message);
    /* A leader offers a checkpoint: fetch what is missing, verify, stage it, then call
     * weft_replica_install with this very message. One at a time is offered; a newer one
     * replaces it; the same one is offered again from time to time. Borrowed. */
    void (*on_offer)(void *ctx, uint64_t from, const struct weft_install_snapshot *offer);
    /* The staged checkpoint is now the state: put it in place. The entries above it follow
     * through weft_replica_next. WEFT_OK, or the node stops. */
    enum weft_err (*on_install)(
        void *ctx, const struct weft_install_snapshot *offer, struct weft_msg *msg);
    /* The manifest of the newest local checkpoint, encoded, to offer to a follower that needs
     * entries we trimmed. Valid until the next call. WEFT_ENOTFOUND: there is none. */
    enum weft_err (*get_manifest)(void *ctx, struct weft_bytes *ret_manifest);
    /* Role, leader, term or configuration changed. */
    void (*on_change)(void *ctx);
    /* A read of weft_replica_read may go on once applied >= index, or failed. Exactly once. */
    void (*on_read)(void *ctx, uint64_t read_id, enum weft_err err, uint64_t index);
    /* Something that must never happen, did, and was contained: log it and count it. */
    void (*on_alarm)(void *ctx, const char *event, const char *detail);
    /* The state chain after the last entry applied here, for the leader. May be NULL. */
    void (*get_chain)(void *ctx, uint64_t *ret_index, struct weft_digest *ret_chain);
    /* Leader: what `member` has applied, as it said itself; to be compared with our own chain
     * at that index. May be NULL. Borrowed. */
    void (*on_peer_applied)(
        void *ctx, uint64_t member, uint64_t index, const struct weft_digest *chain);
};

struct weft_replica_options {
    uint64_t id;
    uint64_t cluster;
    uint64_t incarnation;
    uint32_t election_ms; /* Timeout is drawn from [election_ms, 2 * election_ms). */
    uint32_t heartbeat_ms;
    uint32_t inflight_max;   /* Entries sent ahead of acknowledgement, per follower. */
    uint32_t seed;           /* Of the election jitter. */
    uint64_t trailing;       /* Entries kept below a checkpoint for slow followers. */
    uint64_t trailing_bytes; /* And at most about so many bytes of them; 0: no bound. */
    struct weft_log *log;    /* Kept; opened and closed by the caller. All of it is durable. */
    struct weft_log_start log_start;
    /* The state the node starts from: its checkpoint or applied state; index 0 for none. */
    uint64_t state_index;
    uint64_t state_term;
    struct weft_configuration configuration; /* In force at state_index; count 0 for none. */
};

struct weft_replica_status {
    enum weft_role role;
    const char *state; /* "leader", "follower", "candidate", "unavailable" */
    uint64_t term;
    uint64_t leader_id; /* 0: unknown */
    uint64_t commit_index, applied_index;
    uint64_t first_index, last_index; /* Of the log. */
    uint64_t elections;
    uint64_t dropped_messages;  /* By the guards, all reasons. */
    const char *dropped_reason; /* Of the last one; static text. */
    uint64_t alarms;
    bool wants_checkpoint; /* A follower needs one that the log goes on from: take one. */
};

/* First start of a group: write a log whose only entry is a configuration with the one member
 * `self` as voter. Close the log and open it again before weft_replica_create: that waits for
 * the disk. WEFT_ESTATE: the log is not empty. */
WEFT_MUST_USE enum weft_err weft_replica_bootstrap(
    struct weft_log *log, const struct weft_replica_member *self, struct weft_msg *msg);

/* The way back when a majority of the voters is lost for good. Offline, on one survivor: that
 * with the highest last term, then the longest log. Writes a configuration at the end of the
 * log, in a new term, whose only members are `voters`, as voters; close and open the log
 * afterwards. `state` is the configuration of the state to start from (count 0: none).
 *
 * DANGER: what only the lost members had, acknowledged or not, is gone; and a lost member that
 * comes back with its old disk can form a second group that disagrees with this one: it must be
 * wiped and added anew. Never run this on two survivors.
 *
 * WEFT_ENOTFOUND: no configuration, or it does not know one of `voters`. WEFT_EINVAL: none, too
 * many or the same voter twice. */
WEFT_MUST_USE enum weft_err weft_replica_recover(struct weft_log *log,
    const struct weft_log_start *start, const struct weft_configuration *state,
    const uint64_t *voters, uint32_t voter_count, struct weft_configuration *ret_configuration,
    struct weft_msg *msg);

/* `io` is copied; what its ctx points to is kept. The state that `options` names is durable: where
 * it is ahead of the log, the log is reset to it. WEFT_EVERSION: not the library that was looked
 * at. WEFT_ECORRUPT: log and state contradict each other. WEFT_ESTATE: entries of the log are
 * not durable. WEFT_EINVAL: an option. */
WEFT_MUST_USE enum weft_err weft_replica_create(const struct weft_replica_options *options,
    const struct weft_replica_io *io, uint64_t now_ms, struct weft_replica **ret_replica,
    struct weft_msg *msg);
void weft_replica_destroy(struct weft_replica *r);

/* Time passed. Call at weft_replica_deadline, earlier does no harm. */
WEFT_MUST_USE enum weft_err weft_replica_tick(
    struct weft_replica *r, uint64_t now_ms, struct weft_msg *msg);
/* Monotonic ms at which weft_replica_tick wants to be called; never 0. */
uint64_t weft_replica_deadline(const struct weft_replica *r);

/* A message from the authenticated member `from` (link identity). Whatever it holds, it is
 * WEFT_OK or WEFT_EPEER, WEFT_EMALFORMED (dropped, counted) unless the node must stop. */
WEFT_MUST_USE enum weft_err weft_replica_receive(struct weft_replica *r, uint64_t from,
    const struct weft_peer_message *message, uint64_t now_ms, struct weft_msg *msg);

/* The log's durable_index may have moved (weft_log_on_sync). */
WEFT_MUST_USE enum weft_err weft_replica_synced(
    struct weft_replica *r, uint64_t now_ms, struct weft_msg *msg);

/* Propose one COMMAND entry. On WEFT_OK it is in the local log at *ret_index of *ret_term; it
 * is committed exactly if weft_replica_next later gives that index with that term.
 * WEFT_ENOTLEADER, WEFT_EBUSY (inflight is full): nothing happened. */
WEFT_MUST_USE enum weft_err weft_replica_propose(struct weft_replica *r, struct weft_bytes data,
    uint64_t now_ms, uint64_t *ret_index, uint64_t *ret_term, struct weft_msg *msg);
/* Proposed entries of ours that are not yet committed. */
uint32_t weft_replica_inflight(const struct weft_replica *r);

/* Committed entries to apply, in order, each exactly once per process life, starting above
 * state_index. Bounded by size_max so that a turn of the loop stays short. The entries' memory
 * is valid until the next call into the replica. Configuration entries are given too (decode
 * them with weft_configuration_decode); the caller stores the latest in its state.
 * *ret_count 0: nothing to do. */
WEFT_MUST_USE enum weft_err weft_replica_next(struct weft_replica *r, size_t size_max,
    uint32_t count_max, struct weft_log_entry *ret_entries, uint32_t *ret_count,
    struct weft_msg *msg);
/* Everything up to index has been applied (in order). */
WEFT_MUST_USE enum weft_err weft_replica_applied(
    struct weft_replica *r, uint64_t index, uint64_t now_ms, struct weft_msg *msg);

/* Linearizable read (ReadIndex, dissertation 6.4) on any node: io->on_read is called, never from
 * inside, once applied has reached the index or it failed (WEFT_EUNAVAILABLE: no leader confirmed
 * in time; WEFT_EBUSY: too many wait). Those that wait share a round. Look at the deadline then. */
void weft_replica_read(struct weft_replica *r, uint64_t read_id, uint64_t now_ms);
/* Of the leader: who has what is committed hears so now, not with the next entry or heartbeat. */
void weft_replica_tell_commit(struct weft_replica *r);

/* Configuration changes, one at a time, leader only; the entry's index in *ret_index.
 * WEFT_ENOTLEADER; WEFT_EBUSY: another change is under way; WEFT_ESTATE: the member's role does
 * not admit it; WEFT_ENOTFOUND; WEFT_EINVAL: a name or address; WEFT_ETOOBIG: too many members;
 * WEFT_EREFUSED: it would cost the quorum (unless force; the last voter is never removed).
 *
 * A vote is never given to a member that lags: add (with role VOTER or wants_vote) and assign
 * VOTER write it as a standby that wants a vote, unless it has caught up; the leader of the day
 * promotes it in a change of its own once it has. Add takes VOTER as STANDBY with wants_vote. */
WEFT_MUST_USE enum weft_err weft_replica_member_add(struct weft_replica *r,
    const struct weft_replica_member *member, uint64_t now_ms, uint64_t *ret_index,
    struct weft_msg *msg);
WEFT_MUST_USE enum weft_err weft_replica_member_assign(struct weft_replica *r, uint64_t id,
    enum weft_role role, bool force, uint64_t now_ms, uint64_t *ret_index, struct weft_msg *msg);
WEFT_MUST_USE enum weft_err weft_replica_member_remove(struct weft_replica *r, uint64_t id,
    bool force, uint64_t now_ms, uint64_t *ret_index, struct weft_msg *msg);
/* The leader sees it within `lag_max` entries of its last one, and heard of it of late. */
bool weft_replica_has_caught_up(const struct weft_replica *r, uint64_t id, uint64_t lag_max);
/* 0 on a node that does not lead. */
uint64_t weft_replica_match_index(const struct weft_replica *r, uint64_t id);
/* Hand over leadership, also before a clean stop; id 0: to the voter furthest ahead.
 * Proposals are WEFT_EBUSY until it is over, at most an election timeout. WEFT_ENOTLEADER,
 * WEFT_EBUSY, WEFT_ENOTFOUND: no such voter. Completion shows in on_change. */
WEFT_MUST_USE enum weft_err weft_replica_transfer(
    struct weft_replica *r, uint64_t id, uint64_t now_ms, struct weft_msg *msg);

/* A checkpoint of the state at `index` (applied, durable) is in place: the log below it, less
 * the trailing entries, may go. */
WEFT_MUST_USE enum weft_err weft_replica_checkpointed(
    struct weft_replica *r, uint64_t index, uint64_t term, uint64_t now_ms, struct weft_msg *msg);
/* The offered checkpoint is staged and verified: give it to Raft, which accepts it (on_install
 * is called from inside) or not (*ret_installed false: it is out of date, forget it). */
WEFT_MUST_USE enum weft_err weft_replica_install(struct weft_replica *r,
    const struct weft_install_snapshot *offer, uint64_t from, uint64_t now_ms, bool *ret_installed,
    struct weft_msg *msg);

void weft_replica_status(const struct weft_replica *r, struct weft_replica_status *ret_status);
/* The newest configuration, committed or not. Valid until the next call. */
const struct weft_configuration *weft_replica_configuration(const struct weft_replica *r);

/* The bytes of a configuration entry, as Raft encodes it. */
WEFT_MUST_USE enum weft_err weft_configuration_decode(
    struct weft_bytes bytes, struct weft_configuration *ret_configuration, struct weft_msg *msg);
WEFT_MUST_USE enum weft_err weft_configuration_encode(
    const struct weft_configuration *configuration, struct weft_buffer *out);

#endif
