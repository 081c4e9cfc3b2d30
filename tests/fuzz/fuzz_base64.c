/* Base64: what is accepted is what we would write, and so has one text. */
#include <stddef.h>
#include <stdint.h>

#include "policy/base64.h"
#include "proto/check.h"

static uint8_t data_out[1 << 20];
static struct weft_buffer out;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct weft_text text = {(const char *)data, size};
    size_t looked_at = 0, read = 0;
    enum weft_err err = weft_base64_parse(text, data_out, sizeof(data_out), &read);
    enum weft_err looked = weft_base64_parse(text, NULL, 0, &looked_at);
    weft_assert(err == looked && read == looked_at); /* POL-22 */
    if (err == WEFT_OK) {
        weft_buffer_clear(&out);
        err = weft_base64_append(&out, data_out, read);
        weft_assert(err == WEFT_OK && out.size == size);         /* POL-22 */
        weft_assert(size == 0 || !memcmp(out.data, data, size)); /* POL-22 */
        if (read > 0) {
            err = weft_base64_parse(text, data_out, read - 1, &looked_at);
            weft_assert(err == WEFT_ETOOBIG); /* POL-22 */
        }
    }
    if (weft_base64_parse_url(text, data_out, sizeof(data_out), &read) == WEFT_OK) {
        weft_buffer_clear(&out);
        err = weft_base64_append_url(&out, data_out, read);
        weft_assert(err == WEFT_OK && out.size == size);         /* POL-22 */
        weft_assert(size == 0 || !memcmp(out.data, data, size)); /* POL-22 */
    }
    return 0;
}
