/* tests/fuzz/again.h: what the fuzz targets of documents share: a text that decodes is the one that
 * encoding gives. Everything here is static: each target has its own. */
#ifndef WEFT_TESTS_FUZZ_AGAIN_H
#define WEFT_TESTS_FUZZ_AGAIN_H

#include <stdint.h>
#include <string.h>

#include "proto/bytes.h"
#include "proto/check.h"

static struct weft_buffer out;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void expect_again(enum weft_err encoded, struct weft_text text)
{
    weft_assert(encoded == WEFT_OK && out.size == text.size);                   /* POL-26 */
    weft_assert(text.size == 0 || memcmp(out.data, text.data, text.size) == 0); /* POL-26 */
    weft_buffer_clear(&out);
}

#endif
