/* A ring of keys as text: what decodes encodes to the same bytes, and each key is found. */
#include "policy/keyring.h"
#include "tests/fuzz/again.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct weft_text text = {(const char *)data, size};
    struct weft_keyring ring = {NULL, 0, 0};
    struct weft_msg msg = {""};
    if (weft_keyring_decode(text, &ring, &msg) == WEFT_OK) {
        for (uint32_t i = 0; i < ring.count; i++) {
            const struct weft_verifier *v = &ring.keys[i].verifier;
            weft_assert(weft_keyring_find(&ring, weft_text_of(v->name), v->key_id) ==
                        &ring.keys[i]); /* POL-29 */
        }
        expect_again(weft_keyring_encode(&ring, &out), text);
    }
    weft_keyring_destroy(&ring);
    return 0;
}
