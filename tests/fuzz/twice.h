/* tests/fuzz/twice.h: what the fuzz targets of messages share.
 *
 * What a decoder takes is encoded and decoded again and must be the same, field by field. A
 * message whose offsets share texts may grow too large for that; it was within the limits as
 * it came. Everything here is static: each target has its own. */
#ifndef WEFT_TESTS_FUZZ_TWICE_H
#define WEFT_TESTS_FUZZ_TWICE_H

#include <stdlib.h>
#include <string.h>

#include "proto/check.h"
#include "tests/lib/sample.h"

static struct weft_arena arena = {.size_max = 64 << 20};
static struct weft_buffer first, second, out;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void begin(void)
{
    weft_arena_reset(&arena);
    weft_buffer_clear(&first);
    weft_buffer_clear(&second);
    weft_buffer_clear(&out);
}

/* True if `out` is to be decoded again. */
static inline bool is_encoded(enum weft_err err)
{
    weft_assert(err == WEFT_OK || err == WEFT_ETOOBIG); /* PRO-9 */
    return err == WEFT_OK;
}

static inline void expect_same(void)
{
    weft_assert(first.size == second.size);                        /* PRO-9 */
    weft_assert(memcmp(first.data, second.data, first.size) == 0); /* PRO-9 */
}

#endif
