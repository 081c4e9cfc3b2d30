/* The frames of a link: any bytes in pieces of any size. Every message handed out must be
 * whole, aligned and within the limit, and the pieces must not matter. */
#include <stdint.h>
#include <string.h>

#include "node/link/framing.h"
#include "proto/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    LIMIT = 4096
};

struct outcome {
    enum weft_err err;
    size_t messages;
    uint64_t sum;
};

static struct outcome run(const uint8_t *data, size_t size, size_t step)
{
    struct weft_framing f;
    struct outcome o = {.err = WEFT_OK};
    weft_framing_init(&f, LIMIT);
    for (size_t at = 0; at < size && o.err == WEFT_OK;) {
        uint8_t *room;
        size_t room_size, n = size - at < step ? size - at : step;
        weft_assert(weft_framing_room(&f, &room, &room_size) == WEFT_OK && room_size >= n);
        memcpy(room, data + at, n);
        weft_framing_fill(&f, n);
        at += n;
        for (;;) {
            struct weft_envelope e;
            struct weft_bytes m;
            o.err = weft_framing_next(&f, &e, &m);
            if (o.err != WEFT_OK || m.data == NULL) {
                break;
            }
            weft_assert(m.size == e.size_bytes && m.size >= WEFT_ENVELOPE_SIZE && m.size <= LIMIT);
            weft_assert((uintptr_t)m.data % 8 == 0);
            for (size_t i = 0; i < m.size; i++) {
                o.sum = o.sum * 31 + m.data[i];
            }
            o.messages++;
        }
    }
    weft_framing_destroy(&f);
    return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct outcome whole = run(data, size, 16000), pieces = run(data, size, 1 + size % 37);
    weft_assert(whole.err == pieces.err);
    weft_assert(whole.messages == pieces.messages && whole.sum == pieces.sum);
    return 0;
}
