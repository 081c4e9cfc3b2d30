/* Texts of keys, public and private: what is accepted has no other text. */
#include <stddef.h>
#include <stdint.h>

#include "policy/signer.h"
#include "proto/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct weft_text text = {(const char *)data, size};
    struct weft_verifier verifier;
    struct weft_signer signer;
    struct weft_msg msg = {""};
    char again[WEFT_SKEY_TEXT_SIZE];
    if (weft_verifier_parse(text, &verifier, &msg) == WEFT_OK) {
        weft_verifier_format(&verifier, again);
        weft_assert(weft_text_is(text, again));                                     /* POL-22 */
        weft_assert(weft_ed25519_inspect_key(&verifier.key) == WEFT_ED25519_SOUND); /* POL-21 */
    } else {
        weft_assert(msg.text[0] != '\0'); /* POL-22 */
    }
    if (weft_signer_parse(text, &signer, &msg) == WEFT_OK) {
        weft_signer_format(&signer, again);
        weft_assert(weft_text_is(text, again)); /* POL-22 */
        weft_signer_wipe(&signer);
    }
    return 0;
}
