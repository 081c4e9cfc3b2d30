/* node/link/framing.h: bytes in, messages out: the stream's frames, checked before they count.
 *
 * A pure machine. Frames are messages behind each other, each starting with its envelope
 * (proto/envelope.h); there is nothing between them. A frame that announces more than the
 * limit, less than its envelope or another version condemns the stream at its 16th byte:
 * nothing behind it is read. Memory follows the bytes received, never the bytes announced. */
#ifndef WEFT_NODE_LINK_FRAMING_H
#define WEFT_NODE_LINK_FRAMING_H

#include <stddef.h>
#include <stdint.h>

#include "node/link/queue.h"
#include "proto/bytes.h"
#include "proto/envelope.h"
#include "proto/err.h"

enum {
    WEFT_FRAMING_ROOM = 16 * 1024
}; /* RFC 8446, 5.1: the most that one record holds */

struct weft_framing {
    struct weft_queue bytes;
    size_t message_size_max;
    size_t taken_bytes; /* Size of the message handed out last; it leaves at the next call. */
};

void weft_framing_init(struct weft_framing *f, size_t message_size_max);

/* Room for at least WEFT_FRAMING_ROOM bytes: *ret_room, *ret_size. WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_framing_room(
    struct weft_framing *f, uint8_t **ret_room, size_t *ret_size);
/* `size` bytes came into that room. */
void weft_framing_fill(struct weft_framing *f, size_t size);

/* The next whole message, borrowed until the next call on `f`, aligned to 8; *ret_message is
 * {NULL, 0} if more bytes are needed. WEFT_EMALFORMED, WEFT_EVERSION, WEFT_ETOOBIG: the
 * stream is condemned and every later call says so again. */
WEFT_MUST_USE enum weft_err weft_framing_next(
    struct weft_framing *f, struct weft_envelope *ret_envelope, struct weft_bytes *ret_message);

/* Gives memory back if nothing waits: for streams that have fallen quiet. */
void weft_framing_release(struct weft_framing *f);
/* Empty again, as after init. */
void weft_framing_reset(struct weft_framing *f);
void weft_framing_destroy(struct weft_framing *f);

#endif
