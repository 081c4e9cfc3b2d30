#include <string.h>

#include "proto/check.h"
#include "raft/replica.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is read as a configuration has one form only: written again, it is the same bytes. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct weft_buffer out;
    struct weft_configuration configuration;
    struct weft_msg msg;
    weft_buffer_clear(&out);
    if (weft_configuration_decode((struct weft_bytes){data, size}, &configuration, &msg) !=
        WEFT_OK) {
        return 0;
    }
    enum weft_err err = weft_configuration_encode(&configuration, &out);
    weft_assert(err == WEFT_OK);                                        /* RFT-22 */
    weft_assert(out.size == size && memcmp(out.data, data, size) == 0); /* RFT-22 */
    return 0;
}
