/* Entries of a gateway's journal: what decodes encodes to bytes that decode to the same. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "ops/gateway/memo.h"
#include "proto/check.h"

static struct weft_buffer first, second;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct weft_bytes rest = {data, size};
    struct weft_msg msg = {""};
    struct weft_memo entry, again;
    for (int i = 0; i < 64 && weft_memo_decode(&rest, &entry, &msg) == WEFT_OK; i++) {
        weft_buffer_clear(&first);
        weft_buffer_clear(&second);
        enum weft_err err = weft_memo_encode(&entry, &first);
        weft_assert(err == WEFT_OK); /* GW-6 */
        struct weft_bytes own = {first.data, first.size};
        err = weft_memo_decode(&own, &again, &msg);
        weft_assert(err == WEFT_OK && own.size == 0); /* GW-6 */
        err = weft_memo_encode(&again, &second);
        weft_assert(err == WEFT_OK && second.size == first.size);                         /* GW-6 */
        weft_assert(first.size == 0 || memcmp(first.data, second.data, first.size) == 0); /* GW-6 */
    }
    return 0;
}
