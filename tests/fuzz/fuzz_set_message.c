/* What partners say about sets: what decodes encodes to the same bytes. */
#include "federation/set_message.h"
#include "tests/fuzz/again.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct weft_set_message m;
    struct weft_set_given given;
    struct weft_buffer list = {.size_max = SIZE_MAX / 2};
    if (weft_set_decode((struct weft_bytes){data, size}, &m) != WEFT_OK) {
        return 0;
    }
    weft_buffer_clear(&out);
    if (m.what == WEFT_SET_GIVE) {
        while (weft_set_given_next(&m.list, &given)) {
            enum weft_err given_err = weft_set_give(&given, &list);
            weft_assert(given_err == WEFT_OK);
        }
        m.list = (struct weft_bytes){list.data, list.size};
    }
    enum weft_err err = weft_set_encode(&m, &out);
    weft_assert(
        err == WEFT_OK && out.size == size && memcmp(out.data, data, size) == 0); /* FED-35 */
    weft_buffer_destroy(&list);
    return 0;
}
