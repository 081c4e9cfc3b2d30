#include "node/state/deed.h"
#include "node/state/flow.h"
#include "node/state/stream_code.h"
#include "tests/fuzz/twice.h"

/* Rows of agreements and streams: what can be read has one form only. The first byte says which. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct weft_bytes value = {data + 1, size - 1};
    enum weft_err err = WEFT_ECORRUPT, written = WEFT_OK;
    begin();
    out.size_max = SIZE_MAX / 2;
    if (size == 0) {
        return 0;
    }
    if (data[0] % 5 == 0) {
        struct weft_accord_row row;
        err = weft_accord_row_decode(value, &row);
        written = err == WEFT_OK ? weft_accord_row_encode(&row, &out) : WEFT_OK;
        weft_accord_row_destroy(&row);
    } else if (data[0] % 5 == 1) {
        struct weft_sent_row row;
        err = weft_sent_row_decode(value, &row);
        written = err == WEFT_OK ? weft_sent_row_encode(&row, &out) : WEFT_OK;
        if (err == WEFT_OK) {
            weft_provider_check(&row.provider);
        }
        weft_buffer_destroy(&row.receipt);
    } else if (data[0] % 5 == 2) {
        struct weft_received_row row;
        err = weft_received_row_decode(value, &row);
        written = err == WEFT_OK ? weft_received_row_encode(&row, &out) : WEFT_OK;
        if (err == WEFT_OK) {
            weft_consumer_check(&row.consumer);
        }
        weft_buffer_destroy(&row.head);
    } else if (data[0] % 5 == 3) {
        struct weft_flow_leaf leaf;
        err = weft_flow_leaf_decode(value, &leaf);
        written = err == WEFT_OK ? weft_flow_leaf_encode(&leaf, &out) : WEFT_OK;
    } else {
        struct weft_pinned *pinned = NULL;
        struct weft_msg msg;
        err = weft_pinned_decode(WEFT_TEXT("supplier.example/west"), value, &pinned, &msg);
        written = err == WEFT_OK ? weft_pinned_encode(pinned, &out) : WEFT_OK;
        weft_pinned_release(pinned);
    }
    weft_assert(written == WEFT_OK); /* NOD-193 */
    weft_assert(err != WEFT_OK || (out.size == value.size &&
                                      memcmp(out.data, value.data, out.size) == 0)); /* NOD-193 */
    return 0;
}
