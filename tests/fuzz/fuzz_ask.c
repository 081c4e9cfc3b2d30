/* Questions to partners, and answers: what is taken is written to the same bytes; what an answer's
 * parts say is judged within a bound of memory. */
#include "federation/cells/ask.h"
#include "proto/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct weft_arena arena = {.size_max = 8 << 20};
static struct weft_buffer out;

static bool is_same(struct weft_bytes bytes)
{
    return out.size == bytes.size && memcmp(out.data, bytes.data, bytes.size) == 0;
}

static void read_question(struct weft_bytes bytes)
{
    struct weft_ask_question question;
    struct weft_msg msg = {""};
    weft_buffer_clear(&out);
    if (weft_ask_question_decode(bytes, &question, &msg) != WEFT_OK) {
        weft_assert(msg.text[0] != '\0'); /* FED-134 */
        return;
    }
    enum weft_err err = weft_ask_question_encode(&question, &out);
    weft_assert(err == WEFT_OK && is_same(bytes)); /* FED-134 */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct weft_bytes bytes = {data, size};
    struct weft_ask_answer answer;
    struct weft_tiers_answer parts;
    struct weft_msg msg = {""};
    read_question(bytes);
    weft_arena_reset(&arena);
    weft_buffer_clear(&out);
    if (weft_ask_answer_decode(bytes, &answer, &msg) != WEFT_OK) {
        weft_assert(msg.text[0] != '\0'); /* FED-135 */
        return 0;
    }
    enum weft_err err = weft_ask_answer_encode(&answer, &out);
    weft_assert(err == WEFT_OK && is_same(bytes)); /* FED-135 */
    if (weft_tiers_decode(answer.parts, &arena, &parts, &msg) == WEFT_OK && parts.count > 0) {
        (void)!weft_ask_parts_fault(
            &parts, WEFT_TEXT("oem.example/plant1"), &parts.parts[0].subject, &arena);
    }
    return 0;
}
