/* proto/order.h: a stable sort of small index arrays: the order of canonical encodings.
 *
 * Merge sort over 16-bit indices in memory of the caller: no allocation, O(n log n) for any
 * input, so that nobody's choice of keys can make it slow. The things that the indices stand
 * for stay where they are. */
#ifndef WEFT_PROTO_ORDER_H
#define WEFT_PROTO_ORDER_H

#include <stdint.h>

/* Below 0: a comes first; 0: they stay in the order they have. */
typedef int (*weft_order_compare)(const void *context, uint16_t a, uint16_t b);

/* Fill ret_index with 0 to count - 1 in order. `scratch` has room for count as well. */
void weft_order_sort(uint16_t *ret_index, uint16_t *scratch, uint32_t count,
    weft_order_compare compare, const void *context);

#endif
