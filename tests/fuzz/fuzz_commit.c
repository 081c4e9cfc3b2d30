#include "tests/fuzz/twice.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    begin();
    struct weft_commit decoded;
    if (weft_commit_decode((struct weft_bytes){data, size}, &arena, &decoded, NULL) != WEFT_OK) {
        return 0;
    }
    sample_commit_json(&decoded, &first);
    if (is_encoded(weft_commit_encode(&decoded, &out))) {
        enum weft_err err =
            weft_commit_decode((struct weft_bytes){out.data, out.size}, &arena, &decoded, NULL);
        weft_assert(err == WEFT_OK); /* PRO-9 */
        sample_commit_json(&decoded, &second);
        expect_same();
    }
    return 0;
}
