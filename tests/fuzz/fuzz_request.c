/* Signed requests and tokens, the texts: what decodes encodes to the same bytes. */
#include "policy/request.h"
#include "tests/fuzz/again.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct weft_text text = {(const char *)data, size};
    struct weft_request request;
    struct weft_token token;
    struct weft_msg msg = {""};
    if (weft_request_decode(text, &request, &msg) == WEFT_OK) {
        expect_again(weft_request_encode(&request, &out, &msg), text);
    }
    if (weft_token_decode(text, &token, &msg) == WEFT_OK) {
        expect_again(weft_token_encode(&token, &out, &msg), text);
    }
    return 0;
}
