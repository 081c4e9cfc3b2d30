/* proto/octets.h: our own fixed-order bytes, read and written: numbers as varints, texts behind
 * their size.
 *
 * For the forms that must be the same on every replica, or must cost next to nothing
 * (proto/stored.h, proto/packed.h). A reader turns to `is_bad` for good at the first thing that
 * does not fit, and gives zeros from then on: it is looked at once, at the end. Private to the
 * files that have such a form. */
#ifndef WEFT_PROTO_OCTETS_H
#define WEFT_PROTO_OCTETS_H

#include <string.h>

#include "proto/arith.h"
#include "proto/bytes.h"

enum {
    WEFT_VARINT_SIZE_MAX = 10,
};

/* LEB128, at most 10 bytes. Returns its end. */
static inline uint8_t *weft_put_varint(uint8_t *p, uint64_t v)
{
    while (v >= 0x80) {
        *p++ = (uint8_t)(v | 0x80);
        v >>= 7;
    }
    *p++ = (uint8_t)v;
    return p;
}

/* NULL: it does not end before `end`, or is over 64 bits. */
static inline const uint8_t *weft_get_varint(const uint8_t *p, const uint8_t *end, uint64_t *ret_v)
{
    uint64_t v = 0;
    for (unsigned shift = 0; p != NULL && p < end && shift < 64; shift += 7) {
        uint8_t byte = *p++;
        if (shift == 63 && byte > 1) {
            return NULL;
        }
        v |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *ret_v = v;
            return p;
        }
    }
    return NULL;
}

struct weft_octets {
    const uint8_t *p;
    const uint8_t *end;
    bool is_bad;
};

static inline struct weft_octets weft_octets_of(struct weft_bytes bytes)
{
    const uint8_t *end = bytes.size > 0 ? bytes.data + bytes.size : bytes.data;
    return (struct weft_octets){bytes.data, end, false};
}

static inline uint64_t weft_octets_varint(struct weft_octets *r)
{
    uint64_t v = 0;
    if (!r->is_bad && r->p < r->end && *r->p < 0x80) {
        return *r->p++; /* Nearly all of them. */
    }
    const uint8_t *p = r->is_bad ? NULL : weft_get_varint(r->p, r->end, &v);
    if (p == NULL) {
        r->is_bad = true;
        return 0;
    }
    r->p = p;
    return v;
}

/* NULL: so many are not there. */
static inline const uint8_t *weft_octets_bytes(struct weft_octets *r, uint64_t size)
{
    if (r->is_bad || size > (size_t)(r->end - r->p)) {
        r->is_bad = true;
        return NULL;
    }
    const uint8_t *p = r->p;
    r->p += size;
    return p;
}

static inline uint64_t weft_octets_le64(struct weft_octets *r)
{
    const uint8_t *p = weft_octets_bytes(r, 8);
    return p != NULL ? weft_get_le64(p) : 0;
}

static inline struct weft_text weft_octets_text(struct weft_octets *r)
{
    uint64_t size = weft_octets_varint(r);
    const char *data = (const char *)weft_octets_bytes(r, size);
    return (struct weft_text){data, data != NULL ? (size_t)size : 0};
}

/* A count of things of which each takes at least `size_min` bytes. */
static inline uint32_t weft_octets_count(struct weft_octets *r, size_t size_min)
{
    uint64_t count = weft_octets_varint(r);
    if (r->is_bad || count > (size_t)(r->end - r->p) / size_min || count > UINT32_MAX) {
        r->is_bad = true;
        return 0;
    }
    return (uint32_t)count;
}

/* Writing: there is room; behind what was written. */
static inline uint8_t *weft_octets_put_le64(uint8_t *p, uint64_t v)
{
    weft_put_le64(p, v);
    return p + 8;
}

static inline uint8_t *weft_octets_put_text(uint8_t *p, struct weft_text text)
{
    p = weft_put_varint(p, text.size);
    if (text.size > 0) {
        memcpy(p, text.data, text.size);
    }
    return p + text.size;
}

#endif
