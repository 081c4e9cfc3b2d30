/* Evidence of two stories: what parses encodes to the same bytes, and nobody is accused by noise.
 */
#include "federation/equivocation.h"
#include "tests/fuzz/again.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* C2SP signed-note's example key: it signed no head. */
    static const char vkey[] =
        "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
    struct weft_text text = {(const char *)data, size};
    struct weft_equivocation equivocation;
    enum weft_equivocation_kind kind;
    struct weft_verifier verifier;
    struct weft_msg msg = {""};
    if (weft_equivocation_parse(text, &equivocation, &msg) == WEFT_OK) {
        expect_again(weft_equivocation_encode(&equivocation, &out), text);
    }
    if (weft_verifier_parse(weft_text_of(vkey), &verifier, NULL) != WEFT_OK) {
        weft_unreachable("POL-22");
    }
    const struct weft_stream_signers signers = {.origin = "supplier.example/west/sent/box-2026",
        .verifiers = &verifier,
        .verifier_count = 1,
        .threshold = 1};
    enum weft_err err = weft_equivocation_verify(text, &signers, &kind, &msg);
    weft_assert(err != WEFT_OK && msg.text[0] != '\0'); /* FED-26 */
    return 0;
}
