#include "proto/arith.h"
#include "tests/fuzz/twice.h"

/* The size in the envelope is set right, or hardly anything would get past it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct weft_peer_message decoded;
    begin();
    if (size < WEFT_ENVELOPE_SIZE) {
        return 0;
    }
    uint8_t *message = malloc(size);
    if (message == NULL) {
        return 0;
    }
    memcpy(message, data, size);
    weft_put_le32(message, (uint32_t)size);
    if (weft_peer_decode((struct weft_bytes){message, size}, &arena, &decoded) == WEFT_OK) {
        sample_peer_json(&decoded, &first);
        if (is_encoded(weft_peer_encode(&decoded, &out))) {
            enum weft_err err =
                weft_peer_decode((struct weft_bytes){out.data, out.size}, &arena, &decoded);
            weft_assert(err == WEFT_OK); /* PRO-9 */
            sample_peer_json(&decoded, &second);
            expect_same();
        }
    }
    free(message);
    return 0;
}
