/* node/state/audit.h: the audit log: one leaf for each governed act, made in apply.
 *
 * A pure function of the entries since the one it begins with: leaves, tiles and the tree's root
 * are the same on every replica, whatever the batching (NOD-150), and stand in the batch that
 * applies their entry. Leaves hold digests alone: of statements, and of who acted. */
#ifndef WEFT_NODE_STATE_AUDIT_H
#define WEFT_NODE_STATE_AUDIT_H

#include <stdbool.h>
#include <stdint.h>

#include "node/state/audit_head.h"
#include "node/state/store.h"
#include "policy/audit_leaf.h"
#include "policy/merkle.h"

struct weft_audit;

/* Of whose leaves are made next. */
struct weft_audit_entry {
    uint64_t term;
    uint64_t index;
    int64_t time_ns;
    const uint8_t *seed; /* WEFT_SALT_SEED_SIZE bytes of a batch, to the entry's end; NULL: none. */
};

struct weft_audit_act {
    const char *act;
    struct weft_text principal; /* Empty: nobody's. */
    struct weft_text subject;   /* Empty: none. Of what is counted: the second, whatever is here. */
    enum weft_audit_effect effect;
    struct weft_text statement; /* Which decided, of the policy's version; empty: none. */
    uint64_t version;
    uint64_t line;
    uint64_t count;                     /* From 1; of a commit its records. */
    const struct weft_digest *evidence; /* Ascending; of what is added, not of what is counted. */
    uint32_t evidence_count;            /* At most WEFT_AUDIT_EVIDENCE_MAX. */
    /* Not empty: kept beside the log under its commitment, which is the evidence instead. In a
     * batch alone; of what is counted the first one's. */
    struct weft_bytes blob;
    struct weft_text from; /* States, of a command; empty: none. */
    struct weft_text to;
};

/* Go on where the store stands. `applied`: index of the last entry applied.
 * WEFT_ECORRUPT: the tree is not the one that it was, or entries were applied that it lacks. */
WEFT_MUST_USE enum weft_err weft_audit_create(struct weft_store *store, uint64_t applied,
    struct weft_audit **ret_audit, struct weft_msg *msg);
void weft_audit_destroy(struct weft_audit *audit); /* Accepts NULL. */

/* Around what the entry does. begin makes leaves of what was counted in an earlier second.
 * After an error the apply has failed: WEFT_ENOMEM, WEFT_ETOOBIG. */
WEFT_MUST_USE enum weft_err weft_audit_begin(struct weft_audit *audit,
    const struct weft_audit_entry *entry, struct weft_store_batch *batch, struct weft_msg *msg);
WEFT_MUST_USE enum weft_err weft_audit_add(struct weft_audit *audit,
    const struct weft_audit_act *act, struct weft_store_batch *batch, struct weft_msg *msg);
/* Counted, `act->count` times; leaves are made of all alike in one second when a later entry comes.
 * For what anybody can make happen as often as he likes. */
WEFT_MUST_USE enum weft_err weft_audit_count(struct weft_audit *audit,
    const struct weft_audit_act *act, struct weft_store_batch *batch, struct weft_msg *msg);
void weft_audit_end(struct weft_audit *audit, struct weft_store_batch *batch);
/* Once for each write of the batch. */
void weft_audit_put(struct weft_audit *audit, struct weft_store_batch *batch);

/* Leaves: the number of the next one. */
uint64_t weft_audit_next(const struct weft_audit *audit);
/* As it is now, with what an apply under way added. */
struct weft_merkle_head weft_audit_tree(const struct weft_audit *audit);

/* A tile that is not full as the log is now, from memory. False: the store has it, or what it is
 * made of. */
bool weft_audit_open_tile(const struct weft_audit *audit, const struct weft_tile *tile,
    struct weft_digest ret_hashes[WEFT_TILE_WIDTH]);

/* What stands for a principal in leaves, under the log's secret. */
struct weft_digest weft_audit_actor(const struct weft_digest *secret, struct weft_text principal);

#endif
