/* Witness policies: what is taken is a tree of groups in which all witnesses together are a quorum,
 * and none without a vote are one only of "none". */
#include <stddef.h>
#include <stdint.h>

#include "policy/witness_policy.h"
#include "proto/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct weft_witness_policy policy;
    struct weft_note_mark marks[WEFT_WITNESS_POLICY_VERIFIERS_MAX] = {{false, 0}};
    struct weft_msg msg = {""};
    enum weft_err err =
        weft_witness_policy_parse((struct weft_text){(const char *)data, size}, &policy, &msg);
    weft_assert((err == WEFT_OK) == (msg.text[0] == '\0')); /* POL-48 */
    if (err != WEFT_OK) {
        return 0;
    }
    bool is_none = policy.quorum == WEFT_WITNESS_POLICY_NONE;
    weft_assert(weft_witness_policy_is_met(&policy, marks) == is_none); /* POL-48 */
    for (uint16_t i = 0; i < policy.verifier_count; i++) {
        marks[i].is_signed = true;
    }
    weft_assert(weft_witness_policy_is_met(&policy, marks)); /* POL-48 */
    return 0;
}
