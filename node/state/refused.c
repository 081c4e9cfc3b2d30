#include "node/state/refused.h"

#include "federation/refusal.h"

enum weft_err weft_refused_read(struct weft_text note, const struct weft_terms *terms,
    struct weft_arena *arena, uint32_t *ret_count, struct weft_msg *msg)
{
    struct weft_refusal refusal;
    enum weft_err err = weft_refusal_verify(note, &terms->their_receipts, arena, &refusal, msg);
    if (err == WEFT_OK && (!weft_text_equal(refusal.agreement, terms->name) ||
                              !weft_text_equal(refusal.provider, terms->site) ||
                              !weft_text_equal(refusal.receiver, terms->partner))) {
        err = weft_fail(msg, WEFT_EPEER, "a refusal of another stream");
    }
    if (err == WEFT_OK) {
        *ret_count = refusal.line_count;
    }
    return err;
}
