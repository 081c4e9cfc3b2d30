/* Projections: what decodes encodes to the same bytes, and what verifies is of one asset. */
#include "federation/projection.h"
#include "tests/fuzz/again.h"

static struct weft_arena arena = {.size_max = 8 << 20};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct weft_projection projection;
    struct weft_record record;
    struct weft_digest digest;
    struct weft_msg msg = {""};
    weft_arena_reset(&arena);
    if (weft_projection_decode((struct weft_bytes){data, size}, &arena, &projection, &msg) !=
        WEFT_OK) {
        weft_assert(msg.text[0] != '\0'); /* FED-5 */
        return 0;
    }
    expect_again(
        weft_projection_encode(&projection, &out), (struct weft_text){(const char *)data, size});
    enum weft_err err = weft_projection_record(&projection, &arena, &record, &msg);
    if (err == WEFT_OK) {
        weft_assert(weft_text_equal(record.asset, projection.asset)); /* FED-5 */
    }
    if (weft_projection_verify(&projection, &digest, &msg) == WEFT_OK) {
        struct weft_digest again = weft_statement_header_digest(&projection.header);
        weft_assert(weft_digest_equal(&digest, &again)); /* FED-4 */
    }
    return 0;
}
