/* proto/arith.h: checked arithmetic on foreign numbers, and fixed byte orders.
 *
 * The checked forms return false on overflow and leave *ret untouched. Integers in canonical
 * (hashed) encodings are big-endian, as in RFC 6962; those in our own disk and wire frames
 * are little-endian. */
#ifndef WEFT_PROTO_ARITH_H
#define WEFT_PROTO_ARITH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline bool weft_add_size(size_t a, size_t b, size_t *ret_sum)
{
    size_t sum;
    if (__builtin_add_overflow(a, b, &sum)) {
        return false;
    }
    *ret_sum = sum;
    return true;
}

static inline bool weft_mul_size(size_t a, size_t b, size_t *ret_product)
{
    size_t product;
    if (__builtin_mul_overflow(a, b, &product)) {
        return false;
    }
    *ret_product = product;
    return true;
}

static inline bool weft_add_u64(uint64_t a, uint64_t b, uint64_t *ret_sum)
{
    uint64_t sum;
    if (__builtin_add_overflow(a, b, &sum)) {
        return false;
    }
    *ret_sum = sum;
    return true;
}

static inline void weft_put_le32(uint8_t *p, uint32_t v)
{
    memcpy(p, &v, sizeof(v));
}

static inline void weft_put_le64(uint8_t *p, uint64_t v)
{
    memcpy(p, &v, sizeof(v));
}

static inline uint32_t weft_get_le32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof(v));
    return v;
}

static inline uint64_t weft_get_le64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof(v));
    return v;
}

static inline void weft_put_be32(uint8_t *p, uint32_t v)
{
    v = __builtin_bswap32(v);
    memcpy(p, &v, sizeof(v));
}

static inline void weft_put_be64(uint8_t *p, uint64_t v)
{
    v = __builtin_bswap64(v);
    memcpy(p, &v, sizeof(v));
}

static inline uint32_t weft_get_be32(const uint8_t *p)
{
    return __builtin_bswap32(weft_get_le32(p));
}

static inline uint64_t weft_get_be64(const uint8_t *p)
{
    return __builtin_bswap64(weft_get_le64(p));
}

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "weft runs on little-endian hosts");

/* Of eight bytes: the highest bit of each that is `c`, and perhaps of some behind (above) the first
 * one, which is therefore exact, as is that there is none. */
static inline uint64_t weft_bytes_like(uint64_t bytes, char c)
{
    const uint64_t ones = 0x0101010101010101u;
    uint64_t differs = bytes ^ ones * (uint8_t)c;
    return (differs - ones) & ~differs & ones * 0x80;
}

/* And of each that is below `limit`, at most 0x80. */
static inline uint64_t weft_bytes_below(uint64_t bytes, uint8_t limit)
{
    const uint64_t ones = 0x0101010101010101u;
    return (bytes - ones * limit) & ~bytes & ones * 0x80;
}

#endif
