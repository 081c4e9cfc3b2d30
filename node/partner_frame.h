/* node/partner_frame.h: leaves that wait for a partner, many in one message (federation/sender.h,
 * LEAVES).
 *
 * Private to node/partner*.c. The larger the message the less is said beside the leaves; it is read
 * a piece in a turn, so that no turn is long for it, and what is read and not sent is the beginning
 * of the next one. */
#ifndef WEFT_NODE_PARTNER_FRAME_H
#define WEFT_NODE_PARTNER_FRAME_H

#include "federation/sender.h"
#include "node/state/streams.h"

enum {
    WEFT_PARTNER_FRAME_PIECE = 1024 * 1024, /* Read in one turn; chosen: some 10 ms. */
};

/* Leaves of one message, as far as they are read. Zero-initialized is empty; so it is with each
 * hello, since it may grant less than what is read, or ask for other items. */
struct weft_partner_frame {
    struct weft_buffer items;
    uint64_t first;
    uint32_t count;
    bool is_read; /* In this turn. */
};

struct weft_partners;
struct weft_partner_out;

void weft_partner_frame_clear(struct weft_partner_frame *frame);
/* Reads a piece, and sends if that is enough. WEFT_OK: go on, perhaps in the next turn. */
WEFT_MUST_USE enum weft_err weft_partner_frame_send(struct weft_partners *p,
    struct weft_partner_out *out, const struct weft_agreement *a,
    const struct weft_stream_source *source, const struct weft_sender_effect *effect);

#endif
