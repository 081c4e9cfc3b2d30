/* Leaves of the audit log: what is taken has one text. */
#include <stddef.h>
#include <stdint.h>

#include "policy/audit_leaf.h"
#include "proto/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct weft_audit_leaf leaf;
    struct weft_msg msg = {""};
    struct weft_buffer again = {0};
    enum weft_err err =
        weft_audit_leaf_parse((struct weft_text){(const char *)data, size}, &leaf, &msg);
    weft_assert((err == WEFT_OK) == (msg.text[0] == '\0')); /* POL-49 */
    if (err == WEFT_OK) {
        err = weft_audit_leaf_encode(&leaf, &again, NULL);
        weft_assert(err == WEFT_OK);                                            /* POL-49 */
        weft_assert(again.size == size && memcmp(again.data, data, size) == 0); /* POL-49 */
    }
    weft_buffer_destroy(&again);
    return 0;
}
