/* raft/core.h: the library's pure core behind words of ours.
 *
 * Only core*.c use <raft.h>: who owns which memory when differs between the library's
 * versions, so all of that knowledge lives there, and the version is asserted when it is
 * built and when it starts. Each call is one `raft_step`: it takes an event and gives the
 * effects as data; weft_core_release ends the effects' life and comes before the next call.
 * It decides nothing: the guards are in guard.c and the effects are carried out in effects.c. */
#ifndef WEFT_RAFT_CORE_H
#define WEFT_RAFT_CORE_H

#include "raft/configuration.h"

struct weft_core;

enum weft_core_state {
    WEFT_CORE_FOLLOWER,
    WEFT_CORE_CANDIDATE,
    WEFT_CORE_LEADER,
};

struct weft_core_options {
    uint64_t id;
    uint32_t election_ms;
    uint32_t heartbeat_ms;
    uint32_t inflight_max;
    uint32_t seed;
};

/* What was on the disk. Entries start..start + count - 1; those of type CHANGE have data. */
struct weft_core_start {
    uint64_t term;
    uint64_t voted_for;
    uint64_t snapshot_index; /* 0: none */
    uint64_t snapshot_term;
    const struct weft_configuration *snapshot_configuration;
    uint64_t start_index;
    const struct weft_peer_entry *entries;
    uint32_t entry_count;
};

/* A message to send. Entries, manifest and header are still missing: append_entries says only
 * how many entries to put in, install_snapshot nothing but that one is wanted. */
struct weft_core_message {
    uint64_t to;
    struct weft_peer_message message;
};

/* Effects of a step, in the order in which they are to be carried out. */
struct weft_core_update {
    bool has_term;          /* Term or vote changed: make them durable before anything else. */
    uint64_t entries_index; /* 0: none. Truncate first if the log reaches it. */
    const struct weft_peer_entry *entries;
    uint32_t entry_count;
    bool has_install; /* The core took the snapshot of weft_core_install. */
    const struct weft_core_message *messages;
    uint32_t message_count;
};

/* WEFT_EVERSION: another library than the one that was looked at. WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_core_create(
    const struct weft_core_options *options, struct weft_core **ret_core, struct weft_msg *msg);
void weft_core_destroy(struct weft_core *core);
void weft_core_set_inflight(struct weft_core *core, uint32_t entries_max);

/* Events. Any error but WEFT_ENOTLEADER, WEFT_EBUSY and WEFT_ENOTFOUND means that the core's
 * state may be half changed (RFT-2). */
WEFT_MUST_USE enum weft_err weft_core_start(struct weft_core *core, uint64_t now_ms,
    const struct weft_core_start *start, const struct weft_core_update **ret_update,
    struct weft_msg *msg);
/* Entry data of `message` is borrowed by the update until release. Not INSTALL_SNAPSHOT. */
WEFT_MUST_USE enum weft_err weft_core_receive(struct weft_core *core, uint64_t now_ms,
    uint64_t from, const struct weft_peer_message *message,
    const struct weft_core_update **ret_update, struct weft_msg *msg);
/* A checkpoint that is staged here, as if `from` had sent it in our own term. */
WEFT_MUST_USE enum weft_err weft_core_install(struct weft_core *core, uint64_t now_ms,
    uint64_t from, uint64_t last_index, uint64_t last_term, uint64_t conf_index,
    const struct weft_configuration *configuration, const struct weft_core_update **ret_update,
    struct weft_msg *msg);
/* What has_install asked for is done. */
WEFT_MUST_USE enum weft_err weft_core_installed(struct weft_core *core, uint64_t now_ms,
    const struct weft_core_update **ret_update, struct weft_msg *msg);
WEFT_MUST_USE enum weft_err weft_core_persisted(struct weft_core *core, uint64_t now_ms,
    uint64_t index, const struct weft_core_update **ret_update, struct weft_msg *msg);
WEFT_MUST_USE enum weft_err weft_core_timeout(struct weft_core *core, uint64_t now_ms,
    const struct weft_core_update **ret_update, struct weft_msg *msg);
/* One entry of our own term; its data is borrowed until release. */
WEFT_MUST_USE enum weft_err weft_core_submit(struct weft_core *core, uint64_t now_ms,
    enum weft_entry_type type, struct weft_bytes data, const struct weft_core_update **ret_update,
    struct weft_msg *msg);
/* The configuration that weft_core_uncommitted_index names is committed. */
WEFT_MUST_USE enum weft_err weft_core_configured(struct weft_core *core, uint64_t now_ms,
    const struct weft_core_update **ret_update, struct weft_msg *msg);
/* A checkpoint at `index` exists; entries above `index - trailing` are kept. */
WEFT_MUST_USE enum weft_err weft_core_snapshot(struct weft_core *core, uint64_t now_ms,
    uint64_t index, uint64_t term, uint32_t trailing, const struct weft_core_update **ret_update,
    struct weft_msg *msg);
WEFT_MUST_USE enum weft_err weft_core_transfer(struct weft_core *core, uint64_t now_ms, uint64_t id,
    const struct weft_core_update **ret_update, struct weft_msg *msg);
void weft_core_release(struct weft_core *core);

enum weft_core_state weft_core_state(const struct weft_core *core);
bool weft_core_is_pre_voting(const struct weft_core *core);
uint64_t weft_core_term(const struct weft_core *core);
uint64_t weft_core_voted_for(const struct weft_core *core);
uint64_t weft_core_leader(const struct weft_core *core);     /* 0: not known */
uint64_t weft_core_transferee(const struct weft_core *core); /* 0: none */
uint64_t weft_core_commit_index(const struct weft_core *core);
uint64_t weft_core_last_index(const struct weft_core *core);
uint64_t weft_core_stored_index(const struct weft_core *core);
uint64_t weft_core_snapshot_index(const struct weft_core *core);
/* The lowest index from which on the core knows all terms; it is committed. */
uint64_t weft_core_floor_index(const struct weft_core *core);
uint64_t weft_core_uncommitted_index(const struct weft_core *core); /* 0: none */
uint64_t weft_core_committed_configuration_index(const struct weft_core *core);
uint64_t weft_core_timeout_ms(const struct weft_core *core);
uint64_t weft_core_match_index(const struct weft_core *core, uint64_t id); /* 0: not known */
/* The newest configuration, committed or not; count 0: none yet. */
WEFT_MUST_USE enum weft_err weft_core_configuration(const struct weft_core *core,
    struct weft_configuration *ret_configuration, struct weft_msg *msg);

#endif
