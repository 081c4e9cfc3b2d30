#include "proto/stream_entry.h"
#include "tests/fuzz/twice.h"

/* What can be read has one form only: written again, it is the same bytes. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct weft_stream_entry entry;
    begin();
    if (weft_stream_entry_decode((struct weft_bytes){data, size}, &entry) != WEFT_OK) {
        return 0;
    }
    weft_buffer_clear(&out);
    enum weft_err err = weft_stream_entry_encode(&entry, &out);
    weft_assert(err == WEFT_OK);                                        /* PRO-161 */
    weft_assert(out.size == size && memcmp(out.data, data, size) == 0); /* PRO-161 */
    return 0;
}
