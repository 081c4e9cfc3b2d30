/* node/state/packs.h: packs that were read of late, open, for who reads them again.
 *
 * What a story or a trace reads of the store it reads mostly by places that it knows already, and
 * to find a value in RocksDB, even in its cache, costs ten times as much as a look into a table.
 * Packs never change but by a redaction, after which all are forgotten. They stay where RocksDB's
 * cache has them, which counts them. Any thread. */
#ifndef WEFT_NODE_STATE_PACKS_H
#define WEFT_NODE_STATE_PACKS_H

#include <stdatomic.h>

#include "node/state/pack.h"
#include "node/state/store.h"

enum {
    WEFT_PACKS_PACK_MAX =
        4 * WEFT_PACK_SIZE_BYTES, /* A larger one, of a large record, is not kept. */
};

/* A pack, for as long as somebody refers to it. */
struct weft_kept_pack {
    atomic_uint references;
    uint64_t index;
    uint32_t first;
    struct weft_store_value value;
    struct weft_pack pack;
};

struct weft_packs;

/* Keeps packs of at most so many bytes together. NULL: no memory. */
struct weft_packs *weft_packs_create(uint64_t bytes_max);
/* Nobody refers to a pack any more, and the store is still open. Accepts NULL. */
void weft_packs_destroy(struct weft_packs *packs);

/* Of a view that is opened now. */
uint64_t weft_packs_generation(const struct weft_packs *packs);
/* NOD-157: packs have changed, and nobody finds those of before. Called where views are opened,
 * before the next one is. */
void weft_packs_forget(struct weft_packs *packs);

/* The pack that begins at this place, or NULL; to be released. May it wait for a lock that other
 * threads have for less than a microsecond, unless they are pushed off their processor (NOD-14)? */
struct weft_kept_pack *weft_packs_find(
    struct weft_packs *packs, uint64_t index, uint32_t first, bool may_wait);
/* Takes the value, which was opened as `pack`, and gives a reference to it, kept or not. NULL: no
 * memory, and the value is the caller's as before. Not kept: what was read in a view of an earlier
 * generation. */
struct weft_kept_pack *weft_packs_keep(struct weft_packs *packs, uint64_t generation,
    uint64_t index, uint32_t first, struct weft_store_value *value, const struct weft_pack *pack);
void weft_packs_release(struct weft_kept_pack *kept);

#endif
