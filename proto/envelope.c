#include "proto/envelope.h"

#include "proto/arith.h"
#include "proto/limits.h"

static void put_le16(uint8_t *p, uint16_t v)
{
    memcpy(p, &v, sizeof(v));
}

static uint16_t get_le16(const uint8_t *p)
{
    uint16_t v;
    memcpy(&v, p, sizeof(v));
    return v;
}

void weft_envelope_encode(const struct weft_envelope *e, uint8_t ret_frame[WEFT_ENVELOPE_SIZE])
{
    weft_put_le32(ret_frame, e->size_bytes);
    put_le16(ret_frame + 4, e->kind);
    put_le16(ret_frame + 6, e->version);
    weft_put_le64(ret_frame + 8, e->request_id);
}

enum weft_err weft_envelope_decode(
    struct weft_bytes frame, size_t size_max, struct weft_envelope *ret_e)
{
    if (frame.size < WEFT_ENVELOPE_SIZE) {
        return WEFT_EMALFORMED;
    }
    const struct weft_envelope e = {
        .size_bytes = weft_get_le32(frame.data),
        .kind = get_le16(frame.data + 4),
        .version = get_le16(frame.data + 6),
        .request_id = weft_get_le64(frame.data + 8),
    };
    /* The version first: of another one, not even the length can be trusted. */
    if (e.version != WEFT_ENVELOPE_VERSION) {
        return WEFT_EVERSION;
    }
    if (e.size_bytes < WEFT_ENVELOPE_SIZE) {
        return WEFT_EMALFORMED;
    }
    if (e.size_bytes > size_max) {
        return WEFT_ETOOBIG;
    }
    *ret_e = e;
    return WEFT_OK;
}
