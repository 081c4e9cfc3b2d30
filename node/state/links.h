/* node/state/lineage/links.h: reads LINKS values: what a record links to, as the store has it.
 *
 * `at` (8), place in its pack (varint), number of links (varint), then rel and target of each
 * (varints): written by node/state/stage.c. */
#ifndef WEFT_NODE_STATE_LINEAGE_LINKS_H
#define WEFT_NODE_STATE_LINEAGE_LINKS_H

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
    *ret_links = (struct weft_links){

        .at_ns = weft_get_time(value.data),
        .in_pack = (uint32_t)place,
        .count = (uint32_t)count,
        .p = p,
        .end = end};
    ret_links->left = ret_links->count;
    return true;
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

#endif
