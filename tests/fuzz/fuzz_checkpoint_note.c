/* Checkpoints of logs: what is taken has one text. */
#include <stddef.h>
#include <stdint.h>

#include "policy/checkpoint_note.h"
#include "proto/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct weft_checkpoint_note checkpoint;
    struct weft_msg msg = {""};
    struct weft_buffer again = {0};
    enum weft_err err =
        weft_checkpoint_note_parse((struct weft_text){(const char *)data, size}, &checkpoint, &msg);
    weft_assert((err == WEFT_OK) == (msg.text[0] == '\0')); /* POL-45 */
    if (err == WEFT_OK) {
        err = weft_checkpoint_note_encode(&checkpoint, &again, NULL);
        weft_assert(err == WEFT_OK);                                            /* POL-45 */
        weft_assert(again.size == size && memcmp(again.data, data, size) == 0); /* POL-45 */
    }
    weft_buffer_destroy(&again);
    return 0;
}
