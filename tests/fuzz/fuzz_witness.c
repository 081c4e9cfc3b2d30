/* Requests to a witness: what is taken comes back byte for byte, and a decision that is no "cosign"
 * says why. */
#include <stddef.h>
#include <stdint.h>

#include "policy/witness.h"
#include "proto/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* C2SP signed-note's example: it signed no checkpoint. */
    static const char vkey[] =
        "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
    struct weft_verifier verifier;
    struct weft_text body = {(const char *)data, size};
    struct weft_witness_request request;
    struct weft_witness_decision decision;
    struct weft_msg msg = {""};
    struct weft_buffer again = {0};
    if (weft_witness_request_parse(body, &request, NULL) == WEFT_OK) {
        enum weft_err err = weft_witness_request_encode(&request, &again);
        weft_assert(err == WEFT_OK);                                            /* POL-47 */
        weft_assert(again.size == size && memcmp(again.data, data, size) == 0); /* POL-47 */
    }
    weft_buffer_destroy(&again);
    if (weft_verifier_parse(weft_text_of(vkey), &verifier, NULL) != WEFT_OK) {
        weft_unreachable("POL-22");
    }
    const struct weft_witness_log log = {
        .origin = WEFT_TEXT("example.com/foo"), .verifiers = &verifier, .verifier_count = 1};
    weft_witness_decide(body, &log, 1, &decision, &msg);
    weft_assert(decision.outcome != WEFT_WITNESS_COSIGN && msg.text[0] != '\0'); /* POL-47 */
    return 0;
}
