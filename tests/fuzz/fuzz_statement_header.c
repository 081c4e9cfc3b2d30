/* Headers of statements: what decodes encodes to the same bytes. */
#include "proto/statement_header.h"
#include "tests/fuzz/again.h"

static struct weft_arena arena = {.size_max = 1 << 20};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct weft_statement_header header;
    weft_arena_reset(&arena);
    if (weft_statement_header_decode((struct weft_bytes){data, size}, &arena, &header) == WEFT_OK) {
        expect_again(weft_statement_header_encode(&header, &out), /* PRO-13 */
            (struct weft_text){(const char *)data, size});
    }
    return 0;
}
