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

/* Acts. The words stand in leaves: they never change. */
#define WEFT_AUDIT_ACT_COMMIT "commit"
#define WEFT_AUDIT_ACT_REFUSED "commit." /* And what was asked for: "commit.write". */
#define WEFT_AUDIT_ACT_MEMBERS "members"

/* Of whose leaves are made next. */
struct weft_audit_entry {
    uint64_t term;
    uint64_t index;
    int64_t time_ns;
    const uint8_t *seed; /* WEFT_SALT_SEED_SIZE bytes of a batch; NULL: it is none. */
};

struct weft_audit_act {
    const char *act;
    struct weft_text principal; /* Empty: nobody's. */
    enum weft_audit_effect effect;
    struct weft_text statement; /* Which decided, of the policy's version; empty: none. */
    uint64_t version;
    uint64_t line;
    uint64_t count;                     /* From 1; of a commit its records. */
    const struct weft_digest *evidence; /* May be NULL. */
};

/* Go on where the store stands. `applied`: index of the last entry applied.
 * WEFT_ECORRUPT: the tree is not the one that it was, or entries were applied that it lacks. */
WEFT_MUST_USE enum weft_err weft_audit_create(struct weft_store *store, uint64_t applied,
    struct weft_audit **ret_audit, struct weft_msg *msg);
void weft_audit_destroy(struct weft_audit *audit); /* Accepts NULL. */

/* Around what the entry does. begin makes leaves of refusals of an earlier second.
 * After an error the apply has failed: WEFT_ENOMEM, WEFT_ETOOBIG. */
WEFT_MUST_USE enum weft_err weft_audit_begin(struct weft_audit *audit,
    const struct weft_audit_entry *entry, struct weft_store_batch *batch, struct weft_msg *msg);
WEFT_MUST_USE enum weft_err weft_audit_add(struct weft_audit *audit,
    const struct weft_audit_act *act, struct weft_store_batch *batch, struct weft_msg *msg);
/* It was refused by policy: effect DENY. Counted, `act->count` times; leaves are made of all alike
 * in one second when a later entry comes. Evidence is not kept. */
WEFT_MUST_USE enum weft_err weft_audit_refuse(struct weft_audit *audit,
    const struct weft_audit_act *act, struct weft_store_batch *batch, struct weft_msg *msg);
void weft_audit_end(struct weft_audit *audit, struct weft_store_batch *batch);
/* Once for each write of the batch. */
void weft_audit_put(struct weft_audit *audit, struct weft_store_batch *batch);

/* As it is now, with what an apply under way added. */
struct weft_merkle_head weft_audit_tree(const struct weft_audit *audit);

/* What stands for a principal in leaves, under the log's secret. */
struct weft_digest weft_audit_actor(const struct weft_digest *secret, struct weft_text principal);

#endif
