/* Answers across tiers, and questions: what is taken is written to the same bytes; an answer merges
 * with itself. */
#include "federation/cells/tiers.h"
#include "proto/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct weft_arena arena = {.size_max = 8 << 20};
static struct weft_buffer out;

static void read_question(struct weft_bytes bytes)
{
    struct weft_tiers_question question;
    struct weft_msg msg = {""};
    weft_buffer_clear(&out);
    if (weft_tiers_question_decode(bytes, &question, &msg) != WEFT_OK) {
        weft_assert(msg.text[0] != '\0'); /* FED-128 */
        return;
    }
    enum weft_err err = weft_tiers_question_encode(&question, &out);
    weft_assert(err == WEFT_OK && out.size == bytes.size);      /* FED-128 */
    weft_assert(memcmp(out.data, bytes.data, bytes.size) == 0); /* FED-128 */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct weft_tiers_answer answer;
    struct weft_msg msg = {""};
    read_question((struct weft_bytes){data, size});
    weft_arena_reset(&arena);
    weft_buffer_clear(&out);
    if (weft_tiers_decode((struct weft_bytes){data, size}, &arena, &answer, &msg) != WEFT_OK) {
        weft_assert(msg.text[0] != '\0'); /* FED-128 */
        return 0;
    }
    for (uint32_t i = 0; i < answer.count; i++) {
        struct weft_tiers_part part = answer.parts[i];
        enum weft_err err = weft_tiers_add(&answer, &part);
        weft_assert(err == WEFT_OK); /* FED-128 */
    }
    enum weft_err err = weft_tiers_encode(&answer, &out);
    weft_assert(err == WEFT_OK || err == WEFT_ETOOBIG); /* FED-128: the room is reckoned ahead */
    if (err == WEFT_OK) {
        weft_assert(out.size == size && memcmp(out.data, data, size) == 0); /* FED-128 */
    }
    return 0;
}
