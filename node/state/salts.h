/* node/state/salts.h: what the leaves of statements are salted with: the seed of their entry or,
 * where something of the entry was redacted and the seed went with it, the salts that were put down
 * for each of its records (node/state/README.md, Redaction). Secrets: nothing of it leaves in an
 * answer. */
#ifndef WEFT_NODE_STATE_SALTS_H
#define WEFT_NODE_STATE_SALTS_H

#include "node/state/store.h"
#include "proto/record.h"
#include "proto/statement.h"

/* Of one index. Zero-initialized: of none yet; who is done with it wipes it. */
struct weft_salts {
    uint64_t index;
    bool has_seed;
    uint8_t seed[WEFT_SALT_SEED_SIZE];
};

/* Make it that of `index`, if it is not. `snapshot` may be NULL: the newest. WEFT_ECORRUPT: there
 * are no records at that index. WEFT_EIO, WEFT_EBUSY (`snapshot` is of memory alone). */
WEFT_MUST_USE enum weft_err weft_salts_read(struct weft_salts *salts, struct weft_store *store,
    const struct weft_store_snapshot *snapshot, uint64_t index, struct weft_msg *msg);

/* Salts of the record, in the order of its leaves, where the seed is gone; in the arena.
 * WEFT_ECORRUPT: there are none, or not so many. WEFT_ENOMEM, WEFT_EIO, WEFT_EBUSY. */
WEFT_MUST_USE enum weft_err weft_salts_get(struct weft_store *store,
    const struct weft_store_snapshot *snapshot, uint64_t index, uint32_t ordinal,
    const struct weft_record *record, struct weft_arena *arena, struct weft_salt **ret_salts,
    struct weft_msg *msg);

/* Ordinal and salts of the record for weft_statement_leaves: `salts` has to be of its index. As
 * weft_salts_get. */
WEFT_MUST_USE enum weft_err weft_salts_place(const struct weft_salts *salts,
    struct weft_store *store, const struct weft_store_snapshot *snapshot,
    const struct weft_record *record, uint32_t ordinal, struct weft_arena *arena,
    struct weft_statement_place *ret_place, struct weft_msg *msg);

/* Add to a hash what nobody knows who knows no salts of that place. WEFT_ECORRUPT: there is no such
 * place. WEFT_EIO, WEFT_EBUSY. */
WEFT_MUST_USE enum weft_err weft_salts_update(const struct weft_salts *salts,
    struct weft_store *store, const struct weft_store_snapshot *snapshot, uint32_t ordinal,
    struct weft_sha256 *hash, struct weft_msg *msg);

#endif
