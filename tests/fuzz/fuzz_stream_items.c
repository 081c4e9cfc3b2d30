/* Items of a batch, and what a consumer makes of them: nothing is taken that is in no signed tree.
 */
#include "federation/batch.h"
#include "tests/fuzz/again.h"

static struct weft_arena arena = {.size_max = WEFT_BATCH_MEMORY_MAX};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct weft_bytes rest = {data, size};
    struct weft_stream_item item;
    struct weft_stream stream = {.version = 0};
    struct weft_batch batch;
    struct weft_msg msg = {""};
    uint32_t count = 0;
    weft_arena_reset(&arena);
    while (weft_stream_item_next(&rest, &item) == WEFT_OK) {
        count++;
    }
    if (count > 0 && count <= WEFT_STREAM_ITEMS_MAX) {
        const struct weft_merkle_head head = {count, {{1}}};
        const struct weft_stream_batch message = {
            .count = count, .items = {data, size - rest.size}, .head_size = count};
        enum weft_stream_fault fault =
            weft_batch_verify(&stream, &head, &message, &arena, &batch, &msg);
        weft_assert(fault != WEFT_STREAM_SOUND && msg.text[0] != '\0'); /* FED-15 */
    }
    return 0;
}
