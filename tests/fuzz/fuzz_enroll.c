/* Enrolments and revocations: what decodes encodes to the same bytes. */
#include "policy/enroll.h"
#include "tests/fuzz/again.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct weft_text text = {(const char *)data, size};
    struct weft_enroll enroll;
    struct weft_revoke revoke;
    struct weft_msg msg = {""};
    if (weft_enroll_decode(text, &enroll, &msg) == WEFT_OK) {
        expect_again(weft_enroll_encode(&enroll, &out, &msg), text);
    }
    if (weft_revoke_decode(text, &revoke, &msg) == WEFT_OK) {
        expect_again(weft_revoke_encode(&revoke, &out, &msg), text);
    }
    return 0;
}
