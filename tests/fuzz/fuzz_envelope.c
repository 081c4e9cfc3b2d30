#include <string.h>

#include "proto/check.h"
#include "proto/envelope.h"
#include "proto/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct weft_envelope envelope;
    uint8_t frame[WEFT_ENVELOPE_SIZE];
    if (weft_envelope_decode((struct weft_bytes){data, size}, WEFT_MESSAGE_SIZE_MAX, &envelope) ==
        WEFT_OK) {
        weft_assert(envelope.size_bytes <= WEFT_MESSAGE_SIZE_MAX); /* PRO-7 */
        weft_envelope_encode(&envelope, frame);
        weft_assert(memcmp(frame, data, sizeof(frame)) == 0); /* PRO-9 */
    }
    return 0;
}
