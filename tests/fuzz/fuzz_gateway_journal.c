/* A gateway's journal as a file that anybody wrote: whole frames, then nothing whole. */
#include <stddef.h>
#include <stdint.h>

#include "ops/gateway/journal.h"
#include "proto/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum weft_err on_frame(void *ctx, struct weft_bytes frame, struct weft_msg *msg)
{
    size_t *total = ctx;
    (void)msg;
    weft_assert(frame.size > 0); /* GW-7 */
    *total += frame.size + WEFT_JOURNAL_FRAME_HEADER_SIZE;
    return WEFT_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct weft_journal_start start;
    struct weft_msg msg = {""};
    size_t whole = 0, total = WEFT_JOURNAL_HEADER_SIZE;
    const struct weft_bytes file = {data, size};
    if (weft_journal_scan(file, on_frame, &total, &start, &whole, &msg) == WEFT_OK) {
        weft_assert(whole == total && start.torn_bytes == size - whole); /* GW-7 */
    } else {
        weft_assert(msg.text[0] != '\0'); /* GW-7 */
    }
    return 0;
}
