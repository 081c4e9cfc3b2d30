#include "node/state/pack.h"

#include "proto/check.h"
#include "proto/octets.h"

enum {
    PACK_HAS_SEED = 1, /* First byte of a pack: format 0 and this flag. */
};

enum weft_err weft_pack_begin(int64_t time_ns, const uint8_t *seed, const uint32_t *sizes,
    uint32_t count, struct weft_buffer *out)
{
    size_t bound = 1 + 8 + WEFT_SALT_SEED_SIZE + ((size_t)count + 1) * WEFT_VARINT_SIZE_MAX;
    enum weft_err rv = weft_buffer_reserve(out, bound);
    if (rv != WEFT_OK) {
        return rv;
    }
    uint8_t *start = out->data + out->size;
    uint8_t *p = start;
    *p++ = seed != NULL ? PACK_HAS_SEED : 0;
    weft_put_le64(p, (uint64_t)time_ns);
    p += 8;
    if (seed != NULL) {
        memcpy(p, seed, WEFT_SALT_SEED_SIZE);
        p += WEFT_SALT_SEED_SIZE;
    }
    p = weft_put_varint(p, count);
    for (uint32_t i = 0; i < count; i++) {
        p = weft_put_varint(p, sizes[i]);
    }
    out->size += (size_t)(p - start);
    return WEFT_OK;
}

enum weft_err weft_pack_open(struct weft_bytes value, struct weft_pack *ret_pack)
{
    struct weft_octets r = weft_octets_of(value);
    struct weft_pack pack = {.seed = NULL};
    const uint8_t *flags = weft_octets_bytes(&r, 1);
    const uint8_t *time = weft_octets_bytes(&r, 8);
    if (flags == NULL || time == NULL || *flags > PACK_HAS_SEED) {
        return WEFT_ECORRUPT;
    }
    pack.time_ns = (int64_t)weft_get_le64(time);
    if (*flags == PACK_HAS_SEED) {
        pack.seed = weft_octets_bytes(&r, WEFT_SALT_SEED_SIZE);
    }
    pack.count = weft_octets_count(&r, 1);
    const uint8_t *sizes = r.p;
    uint64_t total = 0;
    for (uint32_t i = 0; i < pack.count && !r.is_bad; i++) {
        uint64_t size = weft_octets_varint(&r);
        if (!weft_add_u64(total, size, &total)) {
            return WEFT_ECORRUPT;
        }
    }
    if (r.is_bad || pack.count == 0 || total != (size_t)(r.end - r.p)) {
        return WEFT_ECORRUPT;
    }
    pack.sizes = (struct weft_bytes){sizes, (size_t)(r.p - sizes)};
    pack.records = (struct weft_bytes){r.p, (size_t)total};
    *ret_pack = pack;
    return WEFT_OK;
}

enum weft_err weft_pack_record(
    const struct weft_pack *pack, uint32_t n, struct weft_bytes *ret_bytes)
{
    struct weft_octets r = weft_octets_of(pack->sizes);
    const uint8_t *record = pack->records.data;
    if (n >= pack->count) {
        return WEFT_ECORRUPT;
    }
    for (uint32_t i = 0; i < n; i++) {
        record += weft_octets_varint(&r);
    }
    uint64_t size = weft_octets_varint(&r);
    weft_assert(!r.is_bad); /* NOD-104: weft_pack_open has read them all */
    *ret_bytes = (struct weft_bytes){record, (size_t)size};
    return WEFT_OK;
}
