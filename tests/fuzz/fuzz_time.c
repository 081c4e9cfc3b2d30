/* Times: what is accepted has a text of ours that reads as the same time. */
#include <stddef.h>
#include <stdint.h>

#include "proto/check.h"
#include "proto/time.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int64_t ns, again;
    struct weft_msg msg;
    char text[WEFT_TIME_TEXT_SIZE];
    if (weft_time_parse((struct weft_text){(const char *)data, size}, &ns, &msg) == WEFT_OK) {
        weft_time_format(ns, text);
        enum weft_err err = weft_time_parse(weft_text_of(text), &again, &msg);
        weft_assert(err == WEFT_OK && ns == again); /* PRO-2 */
    }
    return 0;
}
