#include "node/partner_evidence.h"

#include "federation/equivocation.h"
#include "node/partner_parts.h"

/* Two heads of one size, or of two, where the larger one's own proof shows another beginning: what
 * proof came with one of the same size says nothing. */
static enum weft_err encode_evidence(const struct weft_agreement *a,
    const struct weft_stream_head *rival, bool is_larger, struct weft_buffer *out,
    struct weft_msg *msg)
{
    struct weft_equivocation two = {
        .kind = WEFT_EQUIVOCATION_HEADS, .parts = {a->head_note, rival->note}, .part_count = 2};
    struct weft_merkle_proof proof = {.count = 0};
    struct weft_buffer text = {.size_max = WEFT_STREAM_TEXT_SIZE_MAX};
    enum weft_err err = is_larger ? weft_stream_proof_parse(rival->proof, &proof) : WEFT_OK;
    if (err == WEFT_OK && is_larger) {
        err = weft_equivocation_proof_encode(&proof, &text);
        two.kind = WEFT_EQUIVOCATION_BEGINNINGS;
        two.parts[two.part_count++] = weft_buffer_as_text(&text);
    }
    err = err == WEFT_OK ? weft_equivocation_encode(&two, out) : err;
    weft_buffer_destroy(&text);
    return err == WEFT_OK ? err : weft_fail(msg, err, "evidence of two heads");
}

enum weft_err weft_partner_make_evidence(const struct weft_agreement *a, struct weft_bytes head,
    struct weft_buffer *ret_message, struct weft_msg *msg)
{
    struct weft_arena arena = {.size_max = WEFT_STREAM_MESSAGE_SIZE_MAX};
    struct weft_partner_message m;
    struct weft_buffer text = {.size_max = WEFT_STREAM_TEXT_SIZE_MAX};
    enum weft_equivocation_kind kind;
    enum weft_err err = weft_partner_decode(head, &arena, &m, msg);
    bool is_shown = false;
    for (int is_larger = 0; err == WEFT_OK && !is_shown && is_larger < 2; is_larger++) {
        weft_buffer_clear(&text);
        is_shown = encode_evidence(a, &m.head, is_larger == 1, &text, msg) == WEFT_OK &&
                   weft_equivocation_verify(
                       weft_buffer_as_text(&text), &a->terms->their_heads, &kind, msg) == WEFT_OK;
    }
    err = err == WEFT_OK && !is_shown ? WEFT_EBADSIG : err;
    if (err == WEFT_OK) {
        m = (struct weft_partner_message){.kind = WEFT_KIND_STREAM_EVIDENCE,
            .stream = weft_partners_stream(a, WEFT_RECEIVED),
            .text = weft_buffer_as_text(&text)};
        err = weft_partner_encode(&m, ret_message);
    }
    weft_buffer_destroy(&text);
    weft_arena_destroy(&arena);
    return err;
}
