/* Proof bundles: what parses encodes to the same bytes, and nothing that was changed is sound. */
#include <stdlib.h>

#include "tests/fuzz/again.h"
#include "tests/lib/commands.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct weft_keyring ring;
    static struct weft_principal gateway;
    static struct weft_proof proof;
    static struct weft_buffer sample;
    struct weft_text text = {(const char *)data, size};
    struct weft_proof_bundle bundle;
    enum weft_proof_fault fault;
    struct weft_msg msg = {""};
    if (ring.count == 0) {
        const struct weft_command_note command = commands_command();
        const struct weft_fence fence = {3, 8812};
        ring = signers_ring();
        gateway = signers_principal(COMMANDS_GATEWAY);
        sample = commands_bundle(&command, &fence);
    }
    const struct weft_proof_trust trust = {.origin = WEFT_TEXT(COMMANDS_ORIGIN),
        .logs = commands_logs(),
        .log_count = COMMANDS_NODES,
        .log_needed = 3,
        .ring = &ring,
        .ring_index = 8812,
        .gateway = &gateway};
    if (weft_proof_bundle_parse(text, &bundle, &msg) != WEFT_OK) {
        return 0;
    }
    expect_again(weft_proof_bundle_encode(&bundle, &out, &msg), text);
    /* Of most, signatures are checked: 1.5 ms. So of one in 16, by what is in it. */
    uint8_t sum = 0;
    for (size_t i = 0; i < size; i++) {
        sum = (uint8_t)(sum * 31 + data[i]);
    }
    if (sum % 16 != 0) {
        return 0;
    }
    bool is_sound =
        weft_proof_bundle_verify(&bundle, &trust, SIGNERS_NOW_NS, &proof, &fault, &msg) == WEFT_OK;
    weft_assert(is_sound == (fault == WEFT_PROOF_SOUND));                          /* ACT-11 */
    weft_assert(!is_sound || weft_text_equal(text, weft_buffer_as_text(&sample))); /* ACT-11 */
    return 0;
}
