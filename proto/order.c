#include "proto/order.h"

#include <stdbool.h>
#include <string.h>

#include "proto/check.h"

enum {
    RUN = 16
}; /* Sorted by insertion: fewer comparisons than merges need. Chosen. */

static void insert_run(
    uint16_t *index, uint32_t count, weft_order_compare compare, const void *context)
{
    for (uint32_t i = 1; i < count; i++) {
        uint16_t moved = index[i];
        uint32_t j = i;
        while (j > 0 && compare(context, index[j - 1], moved) > 0) {
            index[j] = index[j - 1];
            j--;
        }
        index[j] = moved;
    }
}

static void merge(uint16_t *to, const uint16_t *from, uint32_t left_count, uint32_t count,
    weft_order_compare compare, const void *context)
{
    uint32_t left = 0, right = left_count;
    if (right == count || compare(context, from[right - 1], from[right]) <= 0) {
        memcpy(to, from, count * sizeof(*to)); /* In order already, as what programs write is. */
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        bool is_left =
            right == count || (left < left_count && compare(context, from[left], from[right]) <= 0);
        to[i] = is_left ? from[left++] : from[right++];
    }
}

void weft_order_sort(uint16_t *ret_index, uint16_t *scratch, uint32_t count,
    weft_order_compare compare, const void *context)
{
    weft_assert(count <= UINT16_MAX); /* PRO-3 */
    for (uint32_t i = 0; i < count; i++) {
        ret_index[i] = (uint16_t)i;
    }
    for (uint32_t start = 0; start < count; start += RUN) {
        uint32_t size = count - start < RUN ? count - start : RUN;
        insert_run(ret_index + start, size, compare, context);
    }
    for (uint32_t width = RUN; width < count; width *= 2) {
        for (uint32_t start = 0; start < count; start += 2 * width) {
            uint32_t size = count - start < 2 * width ? count - start : 2 * width;
            uint32_t left = size < width ? size : width;
            merge(scratch + start, ret_index + start, left, size, compare, context);
        }
        memcpy(ret_index, scratch, count * sizeof(*ret_index));
    }
}
