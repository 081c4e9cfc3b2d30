/* node/state/store.h: the key-value store below the state: the one place that knows RocksDB.
 *
 * One column family, RocksDB's own log off: what a batch wrote is durable once a flush has
 * written the memtable it stands in; the Raft log brings the rest forward. Errors are
 * translated here, with the operation and RocksDB's own words, which name the file. Reads may
 * run on any thread beside the one writer. */
#ifndef WEFT_NODE_STATE_STORE_H
#define WEFT_NODE_STATE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "node/state/keys.h"
#include "node/state/store_files.h"
#include "node/state/store_log.h"
#include "node/state/yield.h"
#include "proto/bytes.h"
#include "proto/err.h"

struct weft_store;
struct weft_store_snapshot; /* What the store held when it was taken. */
struct weft_store_batch;    /* Changes that take effect together or not at all. */
struct weft_store_walk;     /* A position in the order of the keys. */

struct weft_store_options {
    const char *directory;
    uint64_t cache_bytes;
    uint64_t memtable_bytes;
    bool read_only;
    weft_store_complaint *on_complaint; /* May be NULL. */
};

/* A value that stays where it is until it is released. */
struct weft_store_value {
    struct weft_bytes bytes;
    void *handle;
};

/* Creates the directory and a store in it if there is none (*ret_created), unless read_only.
 * WEFT_EBUSY: another process has it open. WEFT_ENOTFOUND: read_only, and nothing is there.
 * WEFT_ECORRUPT, WEFT_EIO, WEFT_ENOSPC, WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_store_open(const struct weft_store_options *options,
    struct weft_store **ret_store, bool *ret_created, struct weft_msg *msg);
/* What was written is flushed first. Accepts NULL. */
void weft_store_close(struct weft_store *store);
/* From now on, before any other thread reads: `on_damage` hears of damage that a read meets, in
 * RocksDB's words (of a table they name the file), once, on the thread that reads. Not of errors
 * of the disk itself, of memory, of limits or deadlines; nor of what writes, flushes and
 * checkpoints meet, whose callers hear it. */
void weft_store_watch(struct weft_store *store, const struct weft_store_damage *on_damage);
/* Has a read met damage since? Any thread. */
bool weft_store_is_damaged(const struct weft_store *store);

/* `snapshot` NULL: the present. WEFT_ENOTFOUND: no such key; nothing to release. */
WEFT_MUST_USE enum weft_err weft_store_get(struct weft_store *store,
    const struct weft_store_snapshot *snapshot, const struct weft_key *key,
    struct weft_store_value *ret_value, struct weft_msg *msg);
enum {
    WEFT_STORE_GETS_MAX = 64 /* at once */
};
/* Up to so many keys, which rise, at once: for a fraction of what they cost one by one. A key that
 * is not there leaves a zero-initialized value. After an error there is nothing to release. */
WEFT_MUST_USE enum weft_err weft_store_get_many(struct weft_store *store,
    const struct weft_store_snapshot *snapshot, const struct weft_key *keys, uint32_t count,
    struct weft_store_value *ret_values, struct weft_msg *msg);
/* Accepts a zero-initialized value; leaves one. */
void weft_store_release(struct weft_store_value *value);
/* As get, but of what is on the disk already. */
WEFT_MUST_USE enum weft_err weft_store_get_durable(struct weft_store *store,
    const struct weft_key *key, struct weft_store_value *ret_value, struct weft_msg *msg);

struct weft_store_batch *weft_store_batch_create(void);
void weft_store_batch_destroy(struct weft_store_batch *batch);
void weft_store_batch_put(
    struct weft_store_batch *batch, const struct weft_key *key, const void *value, size_t size);
/* Forget every key in [from, to), of a type that may be (weft_key_is_never_ranged). */
void weft_store_batch_forget(
    struct weft_store_batch *batch, const struct weft_key *from, const struct weft_key *to);
/* Forget one key that the batch has not put, if puts of its type wait (waiting.c): many ranges slow
 * every read. */
void weft_store_batch_remove(struct weft_store_batch *batch, const struct weft_key *key);
/* What the batch would put, in no particular order; then it is empty. */
void weft_store_batch_drain(struct weft_store_batch *batch,
    void (*on_put)(void *ctx, struct weft_bytes key, struct weft_bytes value), void *ctx);
/* Empties the batch, also on error. After an error the store is not to be written again. */
WEFT_MUST_USE enum weft_err weft_store_write(
    struct weft_store *store, struct weft_store_batch *batch, struct weft_msg *msg);

struct weft_store_snapshot *weft_store_snapshot_create(struct weft_store *store);
void weft_store_snapshot_destroy(struct weft_store *store, struct weft_store_snapshot *snapshot);
/* The same moment for reads and walks that never wait for a disk: WEFT_EBUSY where they would have
 * to. Lives as long as `snapshot`. */
const struct weft_store_snapshot *weft_store_snapshot_in_memory(
    const struct weft_store_snapshot *snapshot);

/* `bulk`: a long scan, which leaves the cache to others. The walk is at no key yet. */
struct weft_store_walk *weft_store_walk_create(
    struct weft_store *store, const struct weft_store_snapshot *snapshot, bool bulk);
void weft_store_walk_destroy(struct weft_store_walk *walk);
/* Each move is a step of `yield` (borrowed; may be NULL). Once that says no the walk is at no key,
 * and its error is what was said. */
void weft_store_walk_yield_with(struct weft_store_walk *walk, struct weft_yield *yield);
/* To the first key at or above `key`; to the last at or below it. */
void weft_store_walk_to(struct weft_store_walk *walk, const struct weft_key *key);
void weft_store_walk_back_to(struct weft_store_walk *walk, const struct weft_key *key);
/* As weft_store_walk_to, for who asks for keys that rise and are likely near: goes there by a few
 * steps if they lead there. Since the last walk_to the walk has only gone on, and all keys that it
 * has left are below `key`. */
void weft_store_walk_on_to(struct weft_store_walk *walk, const struct weft_key *key);
void weft_store_walk_first(struct weft_store_walk *walk);
void weft_store_walk_next(struct weft_store_walk *walk);
void weft_store_walk_back(struct weft_store_walk *walk);
/* False at either end, and after an error: ask weft_store_walk_err when it matters. */
bool weft_store_walk_is_at_key(const struct weft_store_walk *walk);
/* Both valid until the walk moves. Only at a key. */
struct weft_bytes weft_store_walk_key(const struct weft_store_walk *walk);
struct weft_bytes weft_store_walk_value(const struct weft_store_walk *walk);
/* At a key that starts with these bytes? */
bool weft_store_walk_is_below(const struct weft_store_walk *walk, struct weft_bytes prefix);
WEFT_MUST_USE enum weft_err weft_store_walk_err(
    const struct weft_store_walk *walk, struct weft_msg *msg);

/* Make what was written durable. Any thread. */
WEFT_MUST_USE enum weft_err weft_store_flush(struct weft_store *store, struct weft_msg *msg);
/* Write all files anew, without what was replaced or forgotten before the call. Any thread.
 * WEFT_EBUSY: a snapshot from before is still held after a minute; WEFT_ECLOSED: `cancel`. */
WEFT_MUST_USE enum weft_err weft_store_purge(
    struct weft_store *store, const volatile bool *cancel, struct weft_msg *msg);
/* Hard links to all files, at one moment, into a directory that must not exist. Any thread. */
WEFT_MUST_USE enum weft_err weft_store_checkpoint(
    struct weft_store *store, const char *directory, struct weft_msg *msg);

/* Checksums of the files that an open store consists of. WEFT_EIO. Any thread. */
WEFT_MUST_USE enum weft_err weft_store_files(
    struct weft_store *store, weft_store_on_file *on_file, void *ctx, struct weft_msg *msg);

#endif
