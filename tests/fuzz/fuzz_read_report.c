#include "proto/read_report.h"
#include "tests/fuzz/twice.h"

/* A report that can be read has one form only: written again, it is the same bytes. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct weft_read_report report;
    begin();
    if (weft_read_report_decode((struct weft_bytes){data, size}, &report) != WEFT_OK) {
        return 0;
    }
    weft_buffer_clear(&out);
    enum weft_err err = weft_read_report_encode(&report, &out);
    weft_assert(err == WEFT_OK);                                        /* PRO-160 */
    weft_assert(out.size == size && memcmp(out.data, data, size) == 0); /* PRO-160 */
    return 0;
}
