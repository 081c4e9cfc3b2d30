/* node/state/scope.h: what an agreement's scope asks of an asset: which part it is, and how far it
 * is from a unit that was shipped to the partner.
 *
 * Found from the links of the store and of what apply has staged since, so that what comes out does
 * not depend on how entries are batched (NOD-194). Only asked where a contract names parts or a
 * depth. One thread, apply's. */
#ifndef WEFT_NODE_STATE_SCOPE_H
#define WEFT_NODE_STATE_SCOPE_H

#include "federation/contract.h"
#include "node/state/lineage/relation.h"
#include "node/state/names.h"
#include "node/state/store.h"
#include "proto/record.h"

enum {
    WEFT_SCOPE_LINKS_MAX = 65536, /* looked at for one asset, 2 ms; past them it is in no scope */
    WEFT_SCOPE_ASSETS_MAX = 512,  /* that a search upwards enters; the same */
    WEFT_SCOPE_PARTS_MAX = 64,    /* of one asset; the same */
};

/* A record's links, not yet in the store. */
struct weft_scope_record {
    uint64_t asset;
    uint32_t first; /* Link. */
    uint32_t count;
    uint32_t total;         /* With links that do not matter here. */
    uint32_t next_of_asset; /* Place + 1 of another record of the same bucket; 0: none. */
};

struct weft_scope_link {
    uint64_t to;
    uint16_t rel;        /* Word. */
    uint32_t record;     /* Place of its record. */
    uint32_t next_of_to; /* As above, of links. */
};

enum {
    WEFT_SCOPE_BUCKETS = 1024 /* a power of two; chosen: of an entry's records */
};

/* Zero-initialized, but for store and names, is empty. */
struct weft_scope {
    struct weft_store *store;
    struct weft_names *names;
    struct weft_scope_record *records;
    uint32_t record_count;
    uint32_t record_capacity;
    struct weft_scope_link *links;
    uint32_t link_count;
    uint32_t link_capacity;
    uint32_t by_asset[WEFT_SCOPE_BUCKETS]; /* Place + 1. */
    uint32_t by_target[WEFT_SCOPE_BUCKETS];
};

void weft_scope_close(struct weft_scope *scope);
/* A record that was staged, with the ids that its links were given. Only those whose rel matters
 * here are kept. WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_scope_add(struct weft_scope *scope, uint64_t asset,
    const struct weft_record *record, struct weft_msg *msg);
/* The batch is written: the store has all of it. */
void weft_scope_settle(struct weft_scope *scope);

/* Facts about the asset. `partner`: what it is shipped to by, ids. Parts are in the arena.
 * *ret_known false: past a limit, and it is in no scope. WEFT_ECORRUPT, WEFT_EIO, WEFT_ENOMEM. */
struct weft_scope_question {
    struct weft_text asset_name;
    uint64_t asset;
    const struct weft_contract_side *side;
    const uint64_t *partner; /* Ids of the assets that stand for the partner. */
    uint32_t partner_count;
};
WEFT_MUST_USE enum weft_err weft_scope_facts(struct weft_scope *scope,
    const struct weft_scope_question *question, struct weft_arena *arena,
    struct weft_contract_facts *ret_facts, bool *ret_known, struct weft_msg *msg);

/* Assets directly inside of it, as the store has them: called for each, perhaps more than once.
 * WEFT_ECORRUPT, WEFT_EIO, WEFT_ENOMEM, and what `on_child` says. */
WEFT_MUST_USE enum weft_err weft_scope_children(struct weft_scope *scope, uint64_t asset,
    enum weft_err (*on_child)(void *ctx, uint64_t child, struct weft_msg *msg), void *ctx,
    struct weft_msg *msg);

/* Can a record with that link change what is in scope? */
bool weft_scope_is_moving(struct weft_text rel);

#endif
