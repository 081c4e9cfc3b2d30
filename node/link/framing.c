#include "node/link/framing.h"

#include <string.h>

#include "proto/check.h"

enum {
    ALIGNMENT = 8
};

void weft_framing_init(struct weft_framing *f, size_t message_size_max)
{
    *f = (struct weft_framing){.message_size_max = message_size_max};
}

/* The message handed out last is done with. */
static void leave(struct weft_framing *f)
{
    weft_queue_consume(&f->bytes, f->taken_bytes);
    f->taken_bytes = 0;
}

enum weft_err weft_framing_room(struct weft_framing *f, uint8_t **ret_room, size_t *ret_size)
{
    leave(f);
    struct weft_queue *q = &f->bytes;
    enum weft_err err = weft_queue_reserve(q, WEFT_FRAMING_ROOM, ret_room);
    if (err == WEFT_OK) {
        *ret_size = q->capacity - q->end;
    }
    return err;
}

void weft_framing_fill(struct weft_framing *f, size_t size)
{
    weft_queue_commit(&f->bytes, size);
}

/* Messages have any length, so the next one may start anywhere. It is moved down over the
 * last bytes of the one before, which nobody borrows any more (LNK-2). */
static uint8_t *align(struct weft_framing *f, size_t size)
{
    struct weft_queue *q = &f->bytes;
    size_t shift = q->begin % ALIGNMENT;
    uint8_t *from = weft_queue_front(q);
    uint8_t *to = from - shift;
    if (shift != 0) {
        memmove(to, from, size);
    }
    weft_assert((uintptr_t)to % ALIGNMENT == 0); /* LNK-2 */
    return to;
}

enum weft_err weft_framing_next(
    struct weft_framing *f, struct weft_envelope *ret_envelope, struct weft_bytes *ret_message)
{
    leave(f);
    size_t size = weft_queue_size(&f->bytes);
    *ret_message = (struct weft_bytes){0};
    if (size < WEFT_ENVELOPE_SIZE) {
        return WEFT_OK;
    }
    struct weft_bytes head = {weft_queue_front(&f->bytes), WEFT_ENVELOPE_SIZE};
    struct weft_envelope envelope;
    enum weft_err err = weft_envelope_decode(head, f->message_size_max, &envelope);
    if (err != WEFT_OK) {
        return err;
    }
    if (size < envelope.size_bytes) {
        return WEFT_OK;
    }
    *ret_envelope = envelope;
    *ret_message = (struct weft_bytes){align(f, envelope.size_bytes), envelope.size_bytes};
    f->taken_bytes = envelope.size_bytes;
    return WEFT_OK;
}

void weft_framing_release(struct weft_framing *f)
{
    leave(f);
    weft_queue_release(&f->bytes);
}

void weft_framing_reset(struct weft_framing *f)
{
    weft_framing_destroy(f);
}

void weft_framing_destroy(struct weft_framing *f)
{
    weft_queue_destroy(&f->bytes);
    f->taken_bytes = 0;
}
