/* ops/weft/claims.h: who says that a part is in a whole: the whole, the part, or both. Pure.
 *
 * As-built data comes from two sides: who builds the whole states what is in it, who supplies
 * the part states what it went into. Each is a claim of its own. Here they are held against
 * each other. */
#ifndef WEFT_OPS_CLAIMS_H
#define WEFT_OPS_CLAIMS_H

#include "proto/record.h"

enum weft_claim_verdict {
    WEFT_CLAIM_CONFIRMED,
    WEFT_CLAIM_UNCONFIRMED,  /* The other side makes no claims of that kind at all. */
    WEFT_CLAIM_CONTRADICTED, /* The other side makes claims, but not this one. */
    WEFT_CLAIM_QUANTITY,     /* Both claim it, with different quantities. */
};

/* What one side says of an edge. */
struct weft_claim_side {
    bool is_made;
    struct weft_text quantity; /* With its unit; empty: not given. */
};

struct weft_claim {
    uint32_t whole, part; /* Places in weft_claims.assets. */
    struct weft_claim_side by_whole, by_part;
};

struct weft_claim_asset {
    struct weft_text name;
    bool lists_parts;  /* It has made a claim as a whole. */
    bool lists_wholes; /* It has made a claim as a part. */
};

struct weft_claims {
    struct weft_arena arena;
    struct weft_claim_asset *assets;
    struct weft_claim *list;       /* In the order in which they were first made. */
    uint32_t *asset_slots, *slots; /* Open addressing: place + 1. */
    uint32_t asset_count, asset_capacity, count, capacity; /* Slots: twice the capacity. */
};

void weft_claims_init(struct weft_claims *c);
/* Take every material link of the record as a claim by the record's asset. WEFT_ENOMEM,
 * WEFT_ETOOBIG. */
WEFT_MUST_USE enum weft_err weft_claims_add(
    struct weft_claims *c, const struct weft_record *record);
enum weft_claim_verdict weft_claims_judge(
    const struct weft_claims *c, const struct weft_claim *claim);
void weft_claims_destroy(struct weft_claims *c);

#endif
