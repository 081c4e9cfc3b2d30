#include "proto/stream_entry.h"

#include <string.h>

#include "proto/limits.h"
#include "tests/lib/test.h"

static struct weft_bytes bytes_of(const struct weft_buffer *buffer)
{
    return (struct weft_bytes){buffer->data, buffer->size};
}

/* PRO-161 */
TEST(stream_entry, comes_back_as_it_was_and_is_cut_nowhere_in_its_head)
{
    char name[WEFT_STREAM_NAME_SIZE_MAX];
    uint8_t message[24];
    memset(name, 'n', sizeof(name));
    memset(message, 7, sizeof(message));
    for (size_t size = 0; size <= sizeof(name); size++) {
        struct weft_buffer out = {.size_max = 4096};
        struct weft_stream_entry read, entry = {.act = (enum weft_stream_act)(1 + size % 11),
                                           .number = size * 77,
                                           .agreement = {name, size},
                                           .message = {message, size % 4 * 8}};
        entry.root.bytes[5] = (uint8_t)size;
        EXPECT_EQ(WEFT_OK, weft_stream_entry_encode(&entry, &out));
        EXPECT_EQ(WEFT_OK, weft_stream_entry_decode(bytes_of(&out), &read));
        EXPECT_EQ(entry.act, read.act);
        EXPECT_EQ(entry.number, read.number);
        EXPECT_TRUE(weft_digest_equal(&entry.root, &read.root));
        EXPECT_TRUE(weft_text_equal(entry.agreement, read.agreement));
        EXPECT_EQ(entry.message.size, read.message.size);
        EXPECT_EQ(0, (size_t)(read.message.data - out.data) % 8);
        for (size_t cut = 0; cut < out.size - entry.message.size; cut++) {
            EXPECT_EQ(WEFT_EMALFORMED,
                weft_stream_entry_decode((struct weft_bytes){out.data, cut}, &read));
        }
        weft_buffer_destroy(&out);
    }
}

TEST(stream_entry, has_no_other_form)
{
    struct weft_buffer out = {.size_max = 4096};
    struct weft_stream_entry read,
        entry = {.act = WEFT_STREAM_ACT_SIGN, .agreement = WEFT_TEXT("box")};
    EXPECT_EQ(WEFT_OK, weft_stream_entry_encode(&entry, &out));
    static const struct {
        size_t offset;
        uint8_t value;
    } cases[] = {
        {0, 0}, {0, WEFT_STREAM_ACTS}, {1, 1}, {4, 200}, {6, 1}, {4, 2}, {48, 0xff}, {51, 1}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint8_t before = out.data[cases[i].offset];
        out.data[cases[i].offset] = cases[i].value;
        EXPECT_EQ(WEFT_EMALFORMED, weft_stream_entry_decode(bytes_of(&out), &read));
        out.data[cases[i].offset] = before;
    }
    EXPECT_EQ(WEFT_OK, weft_stream_entry_decode(bytes_of(&out), &read));
    weft_buffer_destroy(&out);
}

TEST(stream_entry, has_no_room_for_a_name_that_is_too_long)
{
    char name[WEFT_STREAM_NAME_SIZE_MAX + 1] = {0};
    struct weft_buffer out = {.size_max = 60};
    struct weft_stream_entry entry = {
        .act = WEFT_STREAM_ACT_STEP, .agreement = {name, sizeof(name)}};
    EXPECT_EQ(WEFT_EINVAL, weft_stream_entry_encode(&entry, &out));
    entry.agreement.size--;
    EXPECT_EQ(WEFT_ETOOBIG, weft_stream_entry_encode(&entry, &out));
    EXPECT_EQ(0, out.size);
    weft_buffer_destroy(&out);
}
