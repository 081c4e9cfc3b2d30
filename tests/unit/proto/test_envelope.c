#include "proto/envelope.h"
#include "proto/limits.h"
#include "tests/lib/test.h"

static enum weft_err decode(const uint8_t *frame, size_t size, struct weft_envelope *ret)
{
    return weft_envelope_decode((struct weft_bytes){frame, size}, WEFT_MESSAGE_SIZE_MAX, ret);
}

TEST(envelope, is_16_bytes_little_endian)
{
    const struct weft_envelope e = {0x01020304, 0x0506, WEFT_ENVELOPE_VERSION, 0x1112131415161718};
    const uint8_t expected[WEFT_ENVELOPE_SIZE] = {
        4, 3, 2, 1, 6, 5, 1, 0, 0x18, 0x17, 0x16, 0x15, 0x14, 0x13, 0x12, 0x11};
    uint8_t frame[WEFT_ENVELOPE_SIZE];
    weft_envelope_encode(&e, frame);
    EXPECT_MEM(expected, frame, sizeof(frame));
}

TEST(envelope, comes_back_as_it_was)
{
    for (int i = 0; i < 1000; i++) {
        const struct weft_envelope e = {
            .size_bytes = (uint32_t)(WEFT_ENVELOPE_SIZE + test_random(1000000)),
            .kind = (uint16_t)test_random(0),
            .version = WEFT_ENVELOPE_VERSION,
            .request_id = test_random(0),
        };
        uint8_t frame[WEFT_ENVELOPE_SIZE];
        struct weft_envelope back;
        weft_envelope_encode(&e, frame);
        EXPECT_EQ(WEFT_OK, decode(frame, sizeof(frame), &back));
        EXPECT_EQ(e.size_bytes, back.size_bytes);
        EXPECT_EQ(e.kind, back.kind);
        EXPECT_EQ(e.version, back.version);
        EXPECT_EQ(e.request_id, back.request_id);
    }
}

TEST(envelope, refuses_what_is_shorter_than_itself)
{
    uint8_t frame[WEFT_ENVELOPE_SIZE];
    struct weft_envelope e = {WEFT_ENVELOPE_SIZE, 1, WEFT_ENVELOPE_VERSION, 0}, back;
    weft_envelope_encode(&e, frame);
    for (size_t size = 0; size < WEFT_ENVELOPE_SIZE; size++) {
        EXPECT_EQ(WEFT_EMALFORMED, decode(frame, size, &back));
    }
    EXPECT_EQ(WEFT_OK, decode(frame, WEFT_ENVELOPE_SIZE, &back));
    e.size_bytes = WEFT_ENVELOPE_SIZE - 1;
    weft_envelope_encode(&e, frame);
    EXPECT_EQ(WEFT_EMALFORMED, decode(frame, sizeof(frame), &back));
}

TEST(envelope, refuses_other_versions_and_sizes_over_the_limit)
{
    uint8_t frame[WEFT_ENVELOPE_SIZE];
    struct weft_envelope e = {WEFT_MESSAGE_SIZE_MAX, 1, WEFT_ENVELOPE_VERSION, 0}, back = {0};
    weft_envelope_encode(&e, frame);
    EXPECT_EQ(WEFT_OK, decode(frame, sizeof(frame), &back));
    e.size_bytes++;
    weft_envelope_encode(&e, frame);
    EXPECT_EQ(WEFT_ETOOBIG, decode(frame, sizeof(frame), &back));
    EXPECT_EQ(WEFT_MESSAGE_SIZE_MAX, back.size_bytes); /* Untouched on failure. */
    for (uint16_t version = 0; version < 4; version++) {
        e = (struct weft_envelope){WEFT_ENVELOPE_SIZE, 1, version, 0};
        weft_envelope_encode(&e, frame);
        EXPECT_EQ(version == WEFT_ENVELOPE_VERSION ? WEFT_OK : WEFT_EVERSION,
            decode(frame, sizeof(frame), &back));
    }
}
