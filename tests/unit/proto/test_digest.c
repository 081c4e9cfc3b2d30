#include "proto/digest.h"

#include <stdlib.h>

#include "proto/crc32c.h"
#include "tests/lib/test.h"

static void expect_digest(const char *expected, struct weft_digest digest)
{
    char text[WEFT_DIGEST_TEXT_SIZE];
    weft_digest_format(&digest, text);
    EXPECT_TEXT(expected, text);
}

/* FIPS 180-4 examples. */
TEST(digest, agrees_with_the_standards_examples)
{
    expect_digest("sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        weft_sha256(NULL, 0));
    expect_digest("sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        weft_sha256("abc", 3));
    expect_digest("sha256:248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
        weft_sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56));
}

TEST(digest, is_the_same_in_any_pieces)
{
    uint8_t data[300];
    for (size_t i = 0; i < sizeof(data); i++) {
        data[i] = (uint8_t)test_random(256);
    }
    struct weft_digest whole = weft_sha256(data, sizeof(data));
    for (int round = 0; round < 100; round++) {
        struct weft_sha256 h;
        weft_sha256_init(&h);
        size_t at = 0;
        while (at < sizeof(data)) {
            size_t size = (size_t)test_random(70);
            size = size > sizeof(data) - at ? sizeof(data) - at : size;
            weft_sha256_update(&h, data + at, size);
            at += size;
        }
        struct weft_digest pieces = weft_sha256_final(&h);
        EXPECT_TRUE(weft_digest_equal(&whole, &pieces));
    }
}

TEST(digest, text_comes_back_as_the_same_digest)
{
    struct weft_digest d = weft_sha256("abc", 3), back;
    char text[WEFT_DIGEST_TEXT_SIZE];
    weft_digest_format(&d, text);
    EXPECT_EQ(WEFT_OK, weft_digest_parse(weft_text_of(text), &back));
    EXPECT_TRUE(weft_digest_equal(&d, &back));
}

TEST(digest, any_other_text_is_malformed)
{
    static const char *const bad[] = {"",
        "sha256:", "sha256:BA7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015a",
        "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad0",
        "sha256:ga7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        "sha512:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"};
    struct weft_digest d = {.bytes = {7}};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        EXPECT_EQ(WEFT_EMALFORMED, weft_digest_parse(weft_text_of(bad[i]), &d));
    }
    EXPECT_EQ(7, d.bytes[0]);
}

TEST(digest, each_place_takes_the_sixteen_digits_and_no_other_byte)
{
    static const char digits[] = "0123456789abcdef";
    char text[WEFT_DIGEST_TEXT_SIZE];
    const struct weft_digest zero = {{0}};
    for (size_t place = 0; place < 2 * WEFT_DIGEST_SIZE; place++) {
        for (int c = 0; c < 256; c++) {
            struct weft_digest d = {{0}};
            weft_digest_format(&zero, text);
            text[7 + place] = (char)c;
            const char *digit = c == 0 ? NULL : strchr(digits, c);
            enum weft_err err = weft_digest_parse((struct weft_text){text, sizeof(text) - 1}, &d);
            EXPECT_EQ(digit != NULL ? WEFT_OK : WEFT_EMALFORMED, err);
            unsigned value = digit != NULL ? (unsigned)(digit - digits) : 0;
            EXPECT_EQ(place % 2 == 0 ? value << 4 : value, d.bytes[place / 2]);
        }
    }
}

/* RFC 3720, appendix B.4. */
TEST(crc32c, agrees_with_the_standards_examples)
{
    uint8_t data[32];
    memset(data, 0, sizeof(data));
    EXPECT_EQ(0x8a9136aau, weft_crc32c(0, data, sizeof(data)));
    memset(data, 0xff, sizeof(data));
    EXPECT_EQ(0x62a8ab43u, weft_crc32c(0, data, sizeof(data)));
    for (size_t i = 0; i < sizeof(data); i++) {
        data[i] = (uint8_t)i;
    }
    EXPECT_EQ(0x46dd794eu, weft_crc32c(0, data, sizeof(data)));
    EXPECT_EQ(0x46dd794eu, weft_crc32c_portable(0, data, sizeof(data)));
    EXPECT_EQ(0, weft_crc32c(0, data, 0));
}

TEST(crc32c, both_ways_agree_at_every_size_and_in_any_two_pieces)
{
    uint8_t data[128];
    for (size_t i = 0; i < sizeof(data); i++) {
        data[i] = (uint8_t)test_random(256);
    }
    for (size_t start = 0; start < 8; start++) {
        for (size_t size = 0; size <= sizeof(data) - start; size++) {
            uint32_t crc = weft_crc32c(0, data + start, size);
            EXPECT_EQ(crc, weft_crc32c_portable(0, data + start, size));
            size_t cut = (size_t)test_random(size + 1);
            uint32_t first = weft_crc32c(0, data + start, cut);
            EXPECT_EQ(crc, weft_crc32c(first, data + start + cut, size - cut));
        }
    }
}
