#include "tests/fuzz/twice.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    begin();
    struct weft_manifest decoded;
    if (weft_manifest_decode((struct weft_bytes){data, size}, &arena, &decoded) != WEFT_OK) {
        return 0;
    }
    sample_manifest_json(&decoded, &first);
    if (is_encoded(weft_manifest_encode(&decoded, &out))) {
        enum weft_err err =
            weft_manifest_decode((struct weft_bytes){out.data, out.size}, &arena, &decoded);
        weft_assert(err == WEFT_OK); /* PRO-9 */
        sample_manifest_json(&decoded, &second);
        expect_same();
    }
    return 0;
}
