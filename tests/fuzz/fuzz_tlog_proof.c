/* Proofs that travel alone: what is taken has one text. */
#include <stddef.h>
#include <stdint.h>

#include "policy/tlog_proof.h"
#include "proto/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct weft_tlog_proof proof;
    struct weft_msg msg = {""};
    struct weft_buffer again = {0};
    enum weft_err err =
        weft_tlog_proof_parse((struct weft_text){(const char *)data, size}, &proof, &msg);
    weft_assert((err == WEFT_OK) == (msg.text[0] == '\0')); /* POL-42 */
    if (err == WEFT_OK) {
        err = weft_tlog_proof_encode(&proof, &again);
        weft_assert(err == WEFT_OK);                                            /* POL-42 */
        weft_assert(again.size == size && memcmp(again.data, data, size) == 0); /* POL-42 */
    }
    weft_buffer_destroy(&again);
    return 0;
}
