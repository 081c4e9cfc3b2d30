/* Agreements: what decodes encodes to the same bytes, and no two groups overlap. */
#include "federation/contract.h"
#include "tests/fuzz/again.h"

static struct weft_arena arenas[2] = {
    {.size_max = WEFT_CONTRACT_MEMORY_MAX}, {.size_max = WEFT_CONTRACT_MEMORY_MAX}};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct weft_text text = {(const char *)data, size};
    struct weft_contract contract;
    struct weft_msg msg = {""};
    weft_arena_reset(&arenas[0]);
    weft_arena_reset(&arenas[1]);
    enum weft_err err = weft_contract_decode(text, &arenas[0], &contract, &msg);
    if (err != WEFT_OK) {
        weft_assert(msg.text[0] != '\0' && err != WEFT_ENOMEM); /* FED-2 */
        return 0;
    }
    for (uint32_t i = 0; i < contract.authority_count; i++) {
        const struct weft_contract_authority *a = &contract.authorities[i];
        weft_assert(weft_contract_authority(&contract, a->kind, a->group) == a->party); /* FED-2 */
    }
    expect_again(weft_contract_encode(&contract, &arenas[1], &out, &msg), text);
    return 0;
}
