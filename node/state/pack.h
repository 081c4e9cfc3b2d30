/* node/state/pack.h: stored records (proto/stored.h), several of one index to a value.
 *
 * Packs exist since a key costs more than the bytes behind it. Layout: node/state/README.md. */
#ifndef WEFT_NODE_STATE_PACK_H
#define WEFT_NODE_STATE_PACK_H

#include <stdint.h>

#include "node/state/keys.h"
#include "proto/bytes.h"
#include "proto/entry.h"
#include "proto/err.h"
#include "proto/stored.h"

enum {
    WEFT_PACK_SIZE_BYTES = 4096, /* chosen: a pack is closed once it holds so much */
};

/* A value of type RECORDS, opened. Borrows from the value. */
struct weft_pack {
    int64_t time_ns;     /* Commit time of its index. */
    const uint8_t *seed; /* WEFT_SALT_SEED_SIZE bytes in the first pack of an index, else NULL. */
    uint32_t count;
    struct weft_bytes sizes;   /* A varint per record... */
    struct weft_bytes records; /* ...and their bytes, one after another. */
};

/* Append the start of a pack of `count` records of these sizes; their bytes follow.
 * `seed` NULL: not the first of its index. */
WEFT_MUST_USE enum weft_err weft_pack_begin(int64_t time_ns, const uint8_t *seed,
    const uint32_t *sizes, uint32_t count, struct weft_buffer *out);
/* WEFT_ECORRUPT. */
WEFT_MUST_USE enum weft_err weft_pack_open(struct weft_bytes value, struct weft_pack *ret_pack);
/* The n-th record's bytes. WEFT_ECORRUPT: there is no such record in it. */
WEFT_MUST_USE enum weft_err weft_pack_record(
    const struct weft_pack *pack, uint32_t n, struct weft_bytes *ret_bytes);

#endif
