/* JSON text: what is accepted is written as text that is accepted and written the same. */
#include <stddef.h>
#include <stdint.h>

#include "proto/check.h"
#include "proto/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct weft_arena arena = {.size_max = 16 * 1024 * 1024};
    struct weft_buffer first = {.size = 0}, second = {.size = 0};
    struct weft_json *root;
    struct weft_msg msg;
    struct weft_text text = {(const char *)data, size};
    enum weft_err err = weft_json_parse(text, 1, &arena, &root, &msg);
    if (err == WEFT_OK) {
        err = weft_json_write(&first, root);
        weft_assert(err == WEFT_OK); /* PRO-5 */
        struct weft_text again = {(const char *)first.data, first.size};
        err = weft_json_parse(again, 1, &arena, &root, &msg);
        if (err == WEFT_OK) {
            err = weft_json_write(&second, root);
            weft_assert(err == WEFT_OK && first.size == second.size);      /* PRO-5 */
            weft_assert(memcmp(first.data, second.data, first.size) == 0); /* PRO-5 */
        } else {
            weft_assert(err == WEFT_ETOOBIG); /* PRO-5: the arena holds both trees */
        }
    } else {
        weft_assert(strncmp(msg.text, "line ", 5) == 0); /* PRO-5: every refusal has its place */
    }
    weft_buffer_destroy(&first);
    weft_buffer_destroy(&second);
    weft_arena_destroy(&arena);
    return 0;
}
