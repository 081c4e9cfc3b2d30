/* Refusals: what decodes encodes to the same bytes. */
#include "federation/refusal.h"
#include "tests/fuzz/again.h"

static struct weft_arena arena = {.size_max = 1 << 20};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct weft_text text = {(const char *)data, size};
    struct weft_refusal refusal;
    struct weft_msg msg = {""};
    weft_arena_reset(&arena);
    if (weft_refusal_decode(text, &arena, &refusal, &msg) != WEFT_OK) {
        weft_assert(msg.text[0] != '\0'); /* FED-25 */
        return 0;
    }
    for (uint32_t i = 0; i < refusal.line_count; i++) {
        if (refusal.lines[i].reason.size > WEFT_REFUSAL_REASON_SIZE) {
            return 0; /* Ours are cut there. */
        }
        for (size_t j = 0; j < refusal.lines[i].reason.size; j++) {
            if (refusal.lines[i].reason.data[j] == 0x7f) {
                return 0; /* And have none of these. */
            }
        }
    }
    expect_again(weft_refusal_encode(&refusal, &arena, &out, &msg), text);
    return 0;
}
