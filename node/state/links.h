/* node/state/links.h: reads links as the store has them, from either side: LINKS keys and values
 * (what a record links to) and MIRROR keys and values (what links to an asset).
 *
 * A LINKS value is `at` (8), place in its pack (varint), number of links (varint), then rel and
 * target of each (varints); a MIRROR value is the record's asset (5) and its place in its pack
 * (varint). Both are written by node/state/stage.c. */
#ifndef WEFT_NODE_STATE_LINKS_H
#define WEFT_NODE_STATE_LINKS_H

#include <stdbool.h>
#include <stdint.h>

#include "node/state/keys.h"

struct weft_links {
    int64_t at_ns;
    uint32_t in_pack; /* Place in the pack. */
    uint32_t count;
    uint32_t left; /* Not read yet. */
    const uint8_t *p;
    const uint8_t *end;
};

/* False: damaged. */
static inline bool weft_links_open(struct weft_bytes value, struct weft_links *ret_links)
{
    uint64_t place, count;
    const uint8_t *end = value.data + value.size;
    const uint8_t *p = value.size > 8 ? weft_get_varint(value.data + 8, end, &place) : NULL;
    p = p != NULL ? weft_get_varint(p, end, &count) : NULL;
    if (p == NULL || count > (size_t)(end - p) / 2) {
        return false;
    }
    *ret_links = (struct weft_links){.at_ns = weft_get_time(value.data),
        .in_pack = (uint32_t)place,
        .count = (uint32_t)count,
        .p = p,
        .end = end};
    ret_links->left = ret_links->count;
    return true;
}

/* The same with its key, which says where the record stands. */
static inline bool weft_links_read(struct weft_bytes key, struct weft_bytes value,
    struct weft_ref *ret_ref, struct weft_links *ret_links)
{
    if (key.size != WEFT_KEY_LINKS_SIZE || !weft_links_open(value, ret_links)) {
        return false;
    }
    uint32_t ordinal = weft_get_be24(key.data + 12);
    *ret_ref = (struct weft_ref){.at_ns = ret_links->at_ns,
        .index = weft_get_be48(key.data + 6),
        .ordinal = ordinal,
        .first = ordinal - ret_links->in_pack};
    return ret_links->in_pack <= ordinal;
}

/* The next one; only while `left` is above 0. False: damaged. */
static inline bool weft_links_next(struct weft_links *links, uint16_t *ret_rel, uint64_t *ret_to)
{
    uint64_t rel = 0;
    const uint8_t *p = weft_get_varint(links->p, links->end, &rel);
    p = p != NULL ? weft_get_varint(p, links->end, ret_to) : NULL;
    if (p == NULL || rel > WEFT_STATE_WORDS_MAX) {
        return false;
    }
    *ret_rel = (uint16_t)rel;
    links->p = p;
    links->left--;
    return true;
}

/* The record that links, and the asset it speaks of. False: damaged. */
static inline bool weft_mirror_read(
    struct weft_bytes key, struct weft_bytes value, struct weft_ref *ret_ref, uint64_t *ret_owner)
{
    uint64_t place = 0;
    if (key.size != WEFT_KEY_MIRROR_SIZE || value.size <= WEFT_ASSET_ID_SIZE ||
        weft_get_varint(value.data + WEFT_ASSET_ID_SIZE, value.data + value.size, &place) == NULL) {
        return false;
    }
    uint32_t ordinal = weft_get_be24(key.data + 22);
    *ret_ref = (struct weft_ref){.at_ns = weft_get_time(key.data + 8),
        .index = weft_get_be48(key.data + 16),
        .ordinal = ordinal,
        .first = ordinal - (uint32_t)place};
    *ret_owner = weft_get_be40(value.data);
    return place <= ordinal;
}

#endif
