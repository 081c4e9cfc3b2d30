/* Sections of committed indexes: what is taken is written to the same bytes, and verifies or not.
 */
#include "federation/cells/omission.h"
#include "proto/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct weft_arena arena = {.size_max = 8 << 20};
static struct weft_buffer out;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct weft_omission_section section;
    struct weft_msg msg = {""};
    weft_arena_reset(&arena);
    weft_buffer_clear(&out);
    if (weft_omission_decode((struct weft_bytes){data, size}, &arena, &section, &msg) != WEFT_OK) {
        weft_assert(msg.text[0] != '\0'); /* FED-129 */
        return 0;
    }
    enum weft_err err = weft_omission_encode(&section, &out);
    weft_assert(err == WEFT_OK && out.size == size);            /* FED-129 */
    weft_assert(memcmp(out.data, data, size) == 0);             /* FED-129 */
    const struct weft_merkle_head head = {section.size, {{0}}}; /* Nothing has this root. */
    err = weft_omission_verify(&section, &head, &msg);
    weft_assert(err != WEFT_OK && msg.text[0] != '\0'); /* FED-129 */
    for (uint32_t i = 0; i < section.count && i < 16; i++) {
        uint32_t from, count;
        (void)weft_omission_find(&section, &section.entries[i]);
        (void)weft_omission_covers(&section, section.entries[i].group, &from, &count);
    }
    return 0;
}
