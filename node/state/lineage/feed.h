/* node/state/lineage/feed.h: brings records to the index: those that apply stages, and at start
 * those of the store.
 *
 * One thread: apply's. Memory is kept from one record to the next. */
#ifndef WEFT_NODE_STATE_LINEAGE_FEED_H
#define WEFT_NODE_STATE_LINEAGE_FEED_H

#include "node/state/keys.h"
#include "node/state/lineage/index.h"
#include "node/state/names.h"
#include "node/state/store.h"
#include "proto/record.h"

/* A link as apply stages it. */
struct weft_staged_link {
    uint64_t to;
    uint16_t rel;
    bool is_known; /* The target has a record of its own by now. */
};

struct weft_feed {
    struct weft_lineage *lineage;           /* NULL: off, or given up. */
    struct weft_lineage_stats last;         /* Of the index that was given up. */
    uint8_t rels[WEFT_STATE_WORDS_MAX + 1]; /* By word: enum weft_rel + 1; 0: not looked up yet. */
    struct weft_relation_link *links;
    struct weft_relation *relations;
    uint32_t capacity; /* Of both. */
};

/* `limit_bytes` 0: no index. WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_feed_create(
    uint64_t limit_bytes, struct weft_feed **ret_feed, struct weft_msg *msg);
void weft_feed_destroy(struct weft_feed *feed);
/* What the index takes, or last took. */
void weft_feed_stats(const struct weft_feed *feed, struct weft_lineage_stats *ret_stats);

/* A staged record about `asset` (`feed` NULL: nothing), whose links have the words and targets of
 * `staged`, in the record's order. WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_feed_record(struct weft_feed *feed, const struct weft_ref *place,
    uint64_t asset, const struct weft_record *record, const struct weft_staged_link *staged);
/* The batch with the staged records is written. `first`: as for weft_lineage_publish.
 * False: the index has just been given up. */
bool weft_feed_publish(
    struct weft_feed *feed, uint32_t (*first)(void *ctx, uint32_t record), void *ctx);

/* Everything that the store holds, into an empty index. Memory on the way: about 50 bytes for each
 * record with material links and 8 for each asset. WEFT_ECORRUPT, WEFT_EIO, WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_feed_load(struct weft_feed *feed, struct weft_store *store,
    struct weft_names *names, uint64_t assets, struct weft_msg *msg);

#endif
