/* Messages of the partner door: what is taken is encoded and taken again, the same. */
#include <stdlib.h>

#include "proto/arith.h"
#include "proto/partner.h"
#include "tests/fuzz/again.h"

static struct weft_arena arena = {.size_max = 8 << 20};

/* The size in the envelope is set right, or hardly anything would get past it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct weft_partner_message decoded, twice;
    struct weft_buffer second = {0};
    struct weft_msg msg = {""};
    weft_arena_reset(&arena);
    uint8_t *message = size >= WEFT_ENVELOPE_SIZE ? malloc(size) : NULL;
    if (message == NULL) {
        return 0;
    }
    memcpy(message, data, size);
    weft_put_le32(message, (uint32_t)size);
    if (weft_partner_decode((struct weft_bytes){message, size}, &arena, &decoded, &msg) ==
        WEFT_OK) {
        enum weft_err err = weft_partner_encode(&decoded, &out);
        weft_assert(err == WEFT_OK); /* PRO-9 */
        err = weft_partner_decode((struct weft_bytes){out.data, out.size}, &arena, &twice, &msg);
        weft_assert(err == WEFT_OK); /* PRO-9 */
        err = weft_partner_encode(&twice, &second);
        weft_assert(err == WEFT_OK && second.size == out.size);    /* PRO-9 */
        weft_assert(memcmp(out.data, second.data, out.size) == 0); /* PRO-9 */
    }
    weft_buffer_clear(&out);
    weft_buffer_destroy(&second);
    free(message);
    return 0;
}
