/* Key files: what opens without a passphrase gives a key that writes and opens again. Those with
 * one are looked at only: trying one costs as much as it is meant to. */
#include <stddef.h>
#include <stdint.h>

#include "policy/crypto/keyfile.h"
#include "proto/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct weft_bytes pem = {data, size}, none = {NULL, 0};
    struct weft_keyfile_facts facts;
    struct weft_ed25519_pair pair, again;
    struct weft_msg msg = {""};
    enum weft_err err = weft_keyfile_inspect(pem, &facts, &msg);
    if (err != WEFT_OK) {
        weft_assert(msg.text[0] != '\0');                                    /* POL-25 */
        weft_assert(weft_keyfile_decode(pem, none, &pair, &msg) != WEFT_OK); /* POL-25 */
        return 0;
    }
    weft_assert(facts.work <= WEFT_KEYFILE_WORK_MAX); /* POL-25 */
    err = weft_keyfile_decode(pem, none, &pair, &msg);
    weft_assert(err != WEFT_OK || !facts.is_encrypted); /* POL-25 */
    if (err == WEFT_OK) {
        struct weft_buffer out = {0};
        err = weft_keyfile_encode(&pair, none, &out, &msg);
        weft_assert(err == WEFT_OK); /* POL-25 */
        err = weft_keyfile_decode((struct weft_bytes){out.data, out.size}, none, &again, &msg);
        weft_assert(err == WEFT_OK && weft_ed25519_key_equal(&pair.key, &again.key)); /* POL-25 */
        weft_keyfile_destroy(&out);
    }
    return 0;
}
