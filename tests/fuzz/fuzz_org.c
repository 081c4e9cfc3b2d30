/* Documents of organizations: what decodes encodes to the same bytes, and can be followed. */
#include "policy/org.h"
#include "tests/fuzz/again.h"

static struct weft_arena arenas[2] = {
    {.size_max = WEFT_ORG_MEMORY_MAX}, {.size_max = WEFT_ORG_MEMORY_MAX}};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct weft_text text = {(const char *)data, size};
    struct weft_org org;
    struct weft_msg msg = {""};
    enum weft_chain_fault fault;
    weft_arena_reset(&arenas[0]);
    weft_arena_reset(&arenas[1]);
    enum weft_err err = weft_org_decode(text, &arenas[0], &org, &fault, &msg);
    if (err == WEFT_OK) {
        weft_assert(org.root_threshold > 0 && org.root_threshold <= org.root_count);    /* POL-28 */
        weft_assert(org.admin_threshold > 0 && org.admin_threshold <= org.admin_count); /* POL-28 */
        expect_again(weft_org_encode(&org, &arenas[1], &out, &msg), text);
    } else {
        weft_assert(msg.text[0] != '\0' && err != WEFT_ENOMEM); /* POL-26 */
    }
    return 0;
}
