#include "proto/octets.h"

#include "tests/lib/test.h"

/* The number that begins the bytes and is all of them. */
static bool is_number(const uint8_t *data, size_t size, uint64_t *ret_v)
{
    return weft_get_varint(data, data + size, ret_v) == data + size;
}

TEST(varint, comes_back_from_each_edge_of_each_size)
{
    for (unsigned bits = 0; bits <= 64; bits++) {
        const uint64_t edge = bits < 64 ? UINT64_C(1) << bits : 0;
        const uint64_t values[] = {edge - 1, edge, edge + 1};
        for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
            uint8_t bytes[WEFT_VARINT_SIZE_MAX];
            uint64_t v = 0;
            size_t size = (size_t)(weft_put_varint(bytes, values[i]) - bytes);
            EXPECT_TRUE(size <= sizeof(bytes) && is_number(bytes, size, &v));
            EXPECT_EQ(values[i], v);
            EXPECT_TRUE(weft_get_varint(bytes, bytes + size - 1, &v) == NULL);
        }
    }
}

TEST(varint, of_more_than_64_bits_is_none)
{
    uint8_t bytes[WEFT_VARINT_SIZE_MAX + 1] = {
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 0x00};
    uint64_t v = 0;
    EXPECT_TRUE(is_number(bytes, 10, &v));
    EXPECT_EQ(UINT64_MAX, v);
    for (unsigned last = 2; last <= 0xff; last++) {
        bytes[9] = (uint8_t)last;
        EXPECT_TRUE(weft_get_varint(bytes, bytes + sizeof(bytes), &v) == NULL);
    }
}

TEST(octets, stay_bad_from_the_first_that_does_not_fit)
{
    static const uint8_t bytes[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02, 5};
    struct weft_octets r = weft_octets_of((struct weft_bytes){bytes, sizeof(bytes)});
    EXPECT_EQ(0, weft_octets_varint(&r));
    EXPECT_TRUE(r.is_bad);
    EXPECT_EQ(0, weft_octets_varint(&r));
    EXPECT_TRUE(weft_octets_bytes(&r, 0) == NULL);
}
