/* node/state/state.h: the replicated state machine: what the site agrees on, in RocksDB.
 *
 * weft_state_apply is a pure function of (state, entry): no clock, no random, the same bytes
 * on every replica. Everything an index wrote, the applied index included, is one write batch.
 * RocksDB's own log is off: after a crash the state is what was last flushed and the Raft log
 * brings it forward. Reads go through views (snapshots), on any thread. Keys, values and
 * invariants NOD-n: node/state/README.md. */
#ifndef WEFT_NODE_STATE_H
#define WEFT_NODE_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "node/state/lineage/index.h"
#include "node/state/store_files.h"
#include "node/state/store_log.h"
#include "node/state/yield.h"
#include "policy/decide.h"
#include "policy/merkle.h"
#include "proto/checkpoint.h"
#include "proto/client.h"
#include "proto/entry.h"
#include "proto/digest.h"
#include "proto/err.h"
#include "proto/read_report.h"
#include "raft/log.h"

struct weft_authority;
struct weft_commands;
struct weft_state;
struct weft_view;

struct weft_state_options {
    const char *directory; /* Created if it does not exist. */
    const char *site;      /* Written at creation, compared afterwards. */
    const char *org;
    uint64_t cluster;
    uint64_t cache_bytes;    /* RocksDB block cache; chosen: 64 MiB. */
    uint64_t memtable_bytes; /* Per memtable, at most 3 live; chosen: 32 MiB. */
    uint64_t lineage_bytes;  /* Limit of the index of lineage; 0: none, all from the store. */
    weft_store_complaint *on_complaint; /* Of the store below; may be NULL. */
    struct weft_store_damage on_damage; /* Of any reader of the open state. */
    bool read_only;
    bool take_over;       /* Restore: a state of another cluster becomes this one's. */
    uint64_t take_over_s; /* Seconds since 1970, when it is taken over. */
};

struct weft_state_position {
    uint64_t index; /* Last applied entry; 0: nothing yet. */
    uint64_t term;
    int64_t time_ns; /* Of the last COMMAND entry. */
    struct weft_digest chain;
    uint64_t conf_index;
    struct weft_bytes configuration; /* As weft_state_apply got it; valid until the next apply. */
    uint64_t records;                /* Number of records kept. */
    uint64_t assets;
};

/* What became of one item of an entry. Lives in the arena given to apply. */
struct weft_applied_item {
    uint64_t entry_index;
    uint32_t item; /* Place in its entry. */
    enum weft_item_type type;
    enum weft_err err; /* WEFT_OK, or why it was refused: WEFT_ECONFLICT, WEFT_EMALFORMED, ... */
    struct weft_commit_result result; /* err OK: receipts and all. */
    struct weft_error_answer error;   /* err not OK: detail, pointer, present_rev. */
};

/* Loads the index of lineage, names and request ids: 0.4 to 0.6 s of a processor for a million
 * records (node/README.md).
 * WEFT_EPEER: another site's or cluster's directory. WEFT_EVERSION: of a newer format.
 * WEFT_ECORRUPT, WEFT_EIO, WEFT_ENOSPC. */
WEFT_MUST_USE enum weft_err weft_state_open(
    const struct weft_state_options *options, struct weft_state **ret_state, struct weft_msg *msg);
void weft_state_close(struct weft_state *state);
void weft_state_position(const struct weft_state *state, struct weft_state_position *ret_position);

/* What governs the next entry, and whoever reads now: what is acknowledged is in force. Borrowed
 * until the next apply, unless it is retained (node/state/authority.h). Of a state that is not
 * read only. */
struct weft_authority *weft_state_authority(struct weft_state *state);

/* Commits that the policy refused since the state was opened, on this replica. */
struct weft_denials {
    uint64_t commits;
    uint64_t by_action[WEFT_ACTIONS]; /* What the first record that was refused asked for. */
};
void weft_state_denials(const struct weft_state *state, struct weft_denials *ret_denials);

/* The audit log (node/state/audit.h) of all that was applied. Of a state that is not read only. */
struct weft_merkle_head weft_state_audit(const struct weft_state *state);
/* Its root when it had `size` leaves: a few reads. WEFT_EINVAL: it has fewer. WEFT_ECORRUPT,
 * WEFT_EIO, WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_state_audit_root(
    struct weft_state *state, uint64_t size, struct weft_digest *ret_root, struct weft_msg *msg);

/* Index of the last redaction (node/state/redact.h); 0: there was none. Of a state that is not read
 * only. */
uint64_t weft_state_redacted(const struct weft_state *state);
/* Write the store's files anew, without anything that was replaced: flush, and compact all of it.
 * Takes as long as writing them does. Waits until no view is open that was when it was called.
 * Any thread. WEFT_EBUSY: one still is after a minute; WEFT_ECLOSED: `cancel`. */
WEFT_MUST_USE enum weft_err weft_state_purge(
    struct weft_state *state, const volatile bool *cancel, struct weft_msg *msg);
/* Is it a path of an AUDIT query that asks for commands (query_command.c)? To "command/<id>/bundle"
 * whoever answers adds the newest checkpoint that a majority signed, in the query's where_value. */
bool weft_state_is_command_path(struct weft_text path);
/* The same of partners (query_partner.c). To ".../sent/checkpoint" and ".../received/receipt"
 * whoever answers adds the note, which the leader has. */
bool weft_state_is_partner_path(struct weft_text path);
/* May that principal (a URI) share agreement:<name>, as of now? Ungoverned: nobody may. */
bool weft_state_may_share(struct weft_state *state, struct weft_text principal,
    struct weft_text agreement, int64_t now_ns);
/* The commands, for the leader's steps (node/state/commands.h). Of a state that is not read only.
 */
struct weft_commands *weft_state_commands(struct weft_state *state);

/* What the index of lineage takes. */
void weft_state_lineage(const struct weft_state *state, struct weft_lineage_stats *ret_stats);

/* Apply entries in order, all in one write batch, but that one which may hold a redaction is in a
 * batch of its own. COMMAND entries hold batches (proto/entry.h),
 * CHANGE entries a configuration, BARRIER entries nothing. A refused item leaves a refusal in
 * the results, not half a commit. Items are reported in order in *ret_items.
 * `with_results` false (a follower): receipts and texts are not built, only counted.
 *
 * `expect` is held against the asset's revision before the commit, earlier commits of the same
 * entry included; records of one commit do not see each other. A mismatch refuses the commit:
 * WEFT_ECONFLICT, pointer "/records/N/expect/rev", present_rev. A request id within its window
 * (node/state/README.md) gives the first answer again; with other content it is WEFT_ECONFLICT,
 * pointer "/request_id". An id of zeros is none: nothing is remembered.
 *
 * A DIGEST item is only reported. To digest the state at its index, take the view while its
 * entry is the last applied: end the array of entries with it (weft_state_is_marker).
 *
 * WEFT_ECORRUPT (an entry that no leader of ours can have made: index or time that does not
 * follow, damaged bytes), WEFT_EIO, WEFT_ENOSPC, WEFT_ENOMEM: the node must stop; every later
 * apply gives WEFT_ESTATE. */
WEFT_MUST_USE enum weft_err weft_state_apply(struct weft_state *state,
    const struct weft_log_entry *entries, uint32_t entry_count, bool with_results,
    struct weft_arena *arena, struct weft_applied_item **ret_items, uint32_t *ret_count,
    struct weft_msg *msg);

bool weft_state_is_marker(const struct weft_log_entry *entry); /* Holds a DIGEST item? Cheap. */

/* Is the request id known (and its answer)? Advice before proposing: saves a log entry.
 * WEFT_ENOTFOUND. */
WEFT_MUST_USE enum weft_err weft_state_find_request(struct weft_state *state,
    const struct weft_request_id *id, struct weft_arena *arena,
    struct weft_commit_result *ret_result, struct weft_msg *msg);

/* A view is a snapshot at the applied index; take it on the loop, use and close it on any thread,
 * one at a time. */
WEFT_MUST_USE enum weft_err weft_view_open(
    struct weft_state *state, struct weft_view **ret_view, struct weft_msg *msg);
uint64_t weft_view_index(const struct weft_view *view);
/* The queries that follow ask `yield` (node/state/yield.h) and end with what it says; borrowed.
 * NULL: nobody, as at first. */
void weft_view_yield_with(struct weft_view *view, struct weft_yield *yield);
void weft_view_close(struct weft_view *view);
bool weft_view_is_damaged(const struct weft_view *view); /* Some read of its state has found so. */

/* How much of the last answer is labelled: count 0: nothing. An answer with an error has nothing.
 * NOD-182: it is in the log before the answer leaves the node (node/label_reads.h). */
void weft_view_report(const struct weft_view *view, const struct weft_query *query,
    struct weft_read_report *ret_report);

/* Answer a query from the view: *ret_answer is a PAGE, TRACE_RESULT or DOCUMENT without a request
 * id, and everything in it lives in the arena, but records that are packed, of a trace or of a page
 * whose query asks for it: in the view, until its next query. At most query->limit records and
 * about WEFT_ANSWER_SIZE_MAX / 2 bytes; then a cursor. WEFT_ENOTFOUND: no such asset. WEFT_EINVAL:
 * a bad cursor, glob or condition. WEFT_EVERSION: a type of query that this version does not
 * answer. WEFT_ECORRUPT, WEFT_EIO, WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_view_query(struct weft_view *view, const struct weft_query *query,
    struct weft_arena *arena, struct weft_client_message *ret_answer, struct weft_msg *msg);
/* The same, for the loop: never waits for a disk and ends soon. WEFT_EBUSY: not so to be answered
 * (it would have to, it would take long, or it is no ASSET); ask weft_view_query. */
WEFT_MUST_USE enum weft_err weft_view_query_memory(struct weft_view *view,
    const struct weft_query *query, struct weft_arena *arena,
    struct weft_client_message *ret_answer, struct weft_msg *msg);

/* Digest of every key and value of the view (less those that are a node's own). Long: for a
 * worker thread; looks at *cancel between keys. WEFT_ECLOSED when cancelled. */
WEFT_MUST_USE enum weft_err weft_view_digest(struct weft_view *view, const volatile bool *cancel,
    struct weft_digest_result *ret_result, struct weft_msg *msg);

/* RocksDB checkpoint (hard links) into `directory`, which must not exist. Any thread, while
 * applies go on. The position it speaks for is read from the checkpoint itself. */
WEFT_MUST_USE enum weft_err weft_state_checkpoint(
    struct weft_state *state, const char *directory, struct weft_msg *msg);
/* Checksums of the files that the open state, or a copy, consists of. WEFT_EIO. Any thread. */
WEFT_MUST_USE enum weft_err weft_state_files(
    struct weft_state *state, weft_store_on_file *on_file, void *ctx, struct weft_msg *msg);
/* Make everything applied so far durable: so that the log below it may be trimmed without a
 * checkpoint being needed at the next start. Any thread. */
WEFT_MUST_USE enum weft_err weft_state_flush(struct weft_state *state, struct weft_msg *msg);
/* Index of the last entry known to be on disk without the Raft log (flushed). */
uint64_t weft_state_durable_index(const struct weft_state *state);

/* What an offline check has found. */
struct weft_state_check {
    const char *directory; /* In: of a state that no process has open. */
    /* In, may be NULL: called about a hundred times; false stops the check. */
    bool (*on_progress)(void *ctx, uint64_t records, uint64_t records_total);
    void *ctx;
    struct weft_state_position position; /* Out. Its configuration is left empty. */
    uint64_t keys;
    uint64_t bytes; /* Of keys and values. */
    uint64_t links;
    uint64_t requests;
};

/* Read every key; compute every statement digest again; make every index anew from the records
 * (both directions of links, kinds, versions, names) and compare it with what is stored; hold
 * counts against the position. Needs about 200 bytes of memory per asset.
 * WEFT_ECORRUPT: `msg` says what and where. WEFT_ENOTFOUND, WEFT_EVERSION, WEFT_EBUSY: as open.
 * WEFT_ECLOSED: stopped by on_progress. WEFT_EIO, WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_state_check(struct weft_state_check *check, struct weft_msg *msg);

#endif
