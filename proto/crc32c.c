#include "proto/crc32c.h"

#include <stdbool.h>

#include "proto/arith.h"

/* Remainders of the sixteen values of four bits, polynomial 0x1EDC6F41 reflected. Half a byte
 * at a time: this way runs only on processors that are too old for the plants we know. */
static const uint32_t nibbles[16] = {
    0x00000000,
    0x105ec76f,
    0x20bd8ede,
    0x30e349b1,
    0x417b1dbc,
    0x5125dad3,
    0x61c69362,
    0x7198540d,
    0x82f63b78,
    0x92a8fc17,
    0xa24bb5a6,
    0xb21572c9,
    0xc38d26c4,
    0xd3d3e1ab,
    0xe330a81a,
    0xf36e6f75,
};

uint32_t weft_crc32c_portable(uint32_t seed, const void *data, size_t size)
{
    const uint8_t *p = data;
    uint32_t crc = ~seed;
    for (size_t i = 0; i < size; i++) {
        crc ^= p[i];
        crc = crc >> 4 ^ nibbles[crc & 15];
        crc = crc >> 4 ^ nibbles[crc & 15];
    }
    return ~crc;
}

#if defined(__x86_64__)

__attribute__((target("sse4.2"))) static uint32_t with_instruction(
    uint32_t seed, const void *data, size_t size)
{
    const uint8_t *p = data;
    uint64_t crc = (uint32_t)~seed;
    while (size >= 8) {
        crc = __builtin_ia32_crc32di(crc, weft_get_le64(p));
        p += 8;
        size -= 8;
    }
    uint32_t rest = (uint32_t)crc;
    while (size > 0) {
        rest = __builtin_ia32_crc32qi(rest, *p++);
        size--;
    }
    return ~rest;
}

uint32_t weft_crc32c(uint32_t seed, const void *data, size_t size)
{
    return __builtin_cpu_supports("sse4.2") ? with_instruction(seed, data, size)
                                            : weft_crc32c_portable(seed, data, size);
}

#else

uint32_t weft_crc32c(uint32_t seed, const void *data, size_t size)
{
    return weft_crc32c_portable(seed, data, size);
}

#endif
