#include "node/partner_frame.h"

#include <string.h>

#include "node/partner_parts.h"
#include "proto/limits.h"

void weft_partner_frame_clear(struct weft_partner_frame *frame)
{
    weft_buffer_destroy(&frame->items);
    frame->count = 0;
}

/* What was read and is not what is next is of no use. */
static void begin(struct weft_partner_frame *frame, const struct weft_sender_effect *effect)
{
    /* One leaf more than is sent may be read, and stays for the next one. */
    frame->items.size_max = WEFT_STREAM_LEAVES_SIZE_MAX + WEFT_STREAM_ITEMS_SIZE_MAX;
    if (frame->first != effect->first) {
        weft_buffer_clear(&frame->items);
        frame->count = 0;
        frame->first = effect->first;
    }
}

/* One piece more. False: there is room for no more, or there are no more. */
static enum weft_err read_piece(struct weft_partner_frame *frame,
    const struct weft_stream_source *source, const struct weft_sender_effect *effect,
    bool *ret_is_whole, struct weft_msg *msg)
{
    const size_t before = frame->items.size;
    uint32_t count = 0;
    if (frame->count >= effect->count_max || before >= effect->bytes_max) {
        *ret_is_whole = true;
        return WEFT_OK;
    }
    const size_t left = effect->bytes_max - before;
    const size_t piece = left < WEFT_PARTNER_FRAME_PIECE ? left : WEFT_PARTNER_FRAME_PIECE;
    enum weft_err err = weft_stream_source_items(source, frame->first + frame->count,
        effect->count_max - frame->count, piece, effect->is_explicit, &frame->items, &count, msg);
    if (err == WEFT_OK && frame->count > 0 && frame->items.size > effect->bytes_max) {
        frame->items.size = before; /* One leaf is given in any case. */
        count = 0;
    }
    frame->count += count;
    frame->is_read = true;
    *ret_is_whole =
        count == 0 || left <= WEFT_PARTNER_FRAME_PIECE || frame->count == effect->count_max;
    return err;
}

/* What leads from the end of the leaves to the head, but for what the partner knows of it. */
static enum weft_err prove(const struct weft_sender *sender,
    const struct weft_stream_source *source, uint64_t end, uint64_t head_size,
    struct weft_merkle_proof *ret_hashes, struct weft_msg *msg)
{
    struct weft_merkle_proof proof = {.count = 0};
    enum weft_err err = end < head_size
                            ? weft_stream_source_consistency(source, end, head_size, &proof, msg)
                            : WEFT_OK;
    if (err == WEFT_OK) {
        weft_merkle_right_pick(end, head_size, &proof, ret_hashes);
        ret_hashes->count -= weft_merkle_right_shared(sender->known, end, head_size);
    }
    return err;
}

enum weft_err weft_partner_frame_send(struct weft_partners *p, struct weft_partner_out *out,
    const struct weft_agreement *a, const struct weft_stream_source *source,
    const struct weft_sender_effect *effect)
{
    struct weft_partner_frame *frame = &out->frame;
    struct weft_merkle_proof hashes = {.count = 0};
    struct weft_msg msg = {""};
    bool is_whole = false, is_end = false;
    begin(frame, effect);
    enum weft_err err = read_piece(frame, source, effect, &is_whole, &msg);
    struct weft_stream_batch leaves = {.first = frame->first,
        .count = frame->count,
        .items = {frame->items.data, frame->items.size}};
    if (err == WEFT_OK && is_whole) {
        leaves.count = weft_sender_cut(&out->sender, &leaves, &is_end);
        leaves.items = weft_window_cut(leaves.items, leaves.count);
        if (is_end) {
            err = prove(&out->sender, source, leaves.first + leaves.count, effect->head_size,
                &hashes, &msg);
        }
    }
    if (err != WEFT_OK) {
        weft_partners_log_fault(a, "partner_unread", WEFT_STREAM_SOUND, &msg, "it is tried again");
        return err;
    }
    if (!is_whole) {
        return WEFT_OK;
    }
    const struct weft_partner_message m = {.kind = WEFT_KIND_STREAM_LEAVES,
        .leaves = {.first = leaves.first,
            .is_proven = is_end,
            .head_size = is_end ? effect->head_size : 0,
            .hashes = weft_stream_proof_bytes(&hashes),
            .items = leaves.items,
            .session = out->sender.session}};
    err = weft_partners_send(p, out->conn, &m);
    if (err == WEFT_OK) {
        const size_t left = frame->items.size - leaves.items.size;
        weft_sender_sent_leaves(&out->sender, &leaves, is_end);
        out->bytes += leaves.items.size;
        out->beside += p->scratch.size - leaves.items.size;
        memmove(frame->items.data, frame->items.data + leaves.items.size, left);
        frame->items.size = left;
        frame->first += leaves.count;
        frame->count -= leaves.count;
    }
    return err;
}
