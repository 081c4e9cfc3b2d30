#include <string.h>

#include "node/link/framing.h"
#include "tests/lib/test.h"

enum {
    MESSAGE_MAX = 100000
};

static size_t put(uint8_t *out, uint64_t request_id, size_t size)
{
    struct weft_envelope e = {.size_bytes = (uint32_t)size,
        .kind = WEFT_KIND_QUERY,
        .version = WEFT_ENVELOPE_VERSION,
        .request_id = request_id};
    weft_envelope_encode(&e, out);
    for (size_t i = WEFT_ENVELOPE_SIZE; i < size; i++) {
        out[i] = (uint8_t)(request_id + i);
    }
    return size;
}

static void feed(struct weft_framing *f, const uint8_t *bytes, size_t size)
{
    uint8_t *room;
    size_t room_size;
    while (size > 0) {
        EXPECT_EQ(WEFT_OK, weft_framing_room(f, &room, &room_size));
        EXPECT_TRUE(room_size >= WEFT_FRAMING_ROOM);
        size_t n = size < room_size ? size : room_size;
        memcpy(room, bytes, n);
        weft_framing_fill(f, n);
        bytes += n;
        size -= n;
    }
}

static void expect_message(struct weft_framing *f, uint64_t request_id, size_t size)
{
    struct weft_envelope e;
    struct weft_bytes m;
    EXPECT_EQ(WEFT_OK, weft_framing_next(f, &e, &m));
    EXPECT_TRUE(m.data != NULL);
    EXPECT_EQ(0, (uintptr_t)m.data % 8);
    EXPECT_EQ(size, m.size);
    EXPECT_EQ(size, e.size_bytes);
    EXPECT_EQ(request_id, e.request_id);
    for (size_t i = WEFT_ENVELOPE_SIZE; i < size; i++) {
        EXPECT_EQ((uint8_t)(request_id + i), m.data[i]);
    }
}

static void expect_none(struct weft_framing *f)
{
    struct weft_envelope e;
    struct weft_bytes m;
    EXPECT_EQ(WEFT_OK, weft_framing_next(f, &e, &m));
    EXPECT_TRUE(m.data == NULL && m.size == 0);
}

TEST(framing, messages_of_any_length_come_out_whole_and_aligned)
{
    static uint8_t stream[64 * 1024];
    struct weft_framing f;
    size_t used = 0, count = 0;
    weft_framing_init(&f, MESSAGE_MAX);
    for (size_t size = WEFT_ENVELOPE_SIZE; size < WEFT_ENVELOPE_SIZE + 200; size++) {
        used += put(stream + used, count++, size);
    }
    feed(&f, stream, used);
    for (size_t i = 0; i < count; i++) {
        expect_message(&f, i, WEFT_ENVELOPE_SIZE + i);
    }
    expect_none(&f);
    weft_framing_destroy(&f);
}

TEST(framing, every_cut_of_a_stream_gives_the_same_messages)
{
    static uint8_t stream[4096];
    size_t used = put(stream, 1, 100);
    used += put(stream + used, 2, 16);
    used += put(stream + used, 3, 333);
    for (size_t cut = 0; cut <= used; cut++) {
        struct weft_framing f;
        uint64_t next = 1;
        struct weft_envelope e;
        struct weft_bytes m;
        weft_framing_init(&f, MESSAGE_MAX);
        for (int part = 0; part < 2; part++) {
            feed(&f, part == 0 ? stream : stream + cut, part == 0 ? cut : used - cut);
            while (weft_framing_next(&f, &e, &m) == WEFT_OK && m.data != NULL) {
                EXPECT_EQ(next++, e.request_id);
            }
        }
        EXPECT_EQ(4, next);
        weft_framing_destroy(&f);
    }
}

TEST(framing, random_streams_in_random_pieces_come_out_as_they_went_in)
{
    static uint8_t stream[2 << 20];
    for (int round = 0; round < 30; round++) {
        size_t sizes[200], used = 0, in = 0, out = 0;
        struct weft_framing f;
        struct weft_envelope e;
        struct weft_bytes m;
        weft_framing_init(&f, MESSAGE_MAX);
        for (size_t i = 0; i < 200; i++) {
            uint64_t bound = test_random(20) == 0 ? 60000 : 600;
            sizes[i] = WEFT_ENVELOPE_SIZE + (size_t)test_random(bound);
            used += put(stream + used, i, sizes[i]);
        }
        while (in < used) {
            size_t n = 1 + (size_t)test_random(40000);
            n = n < used - in ? n : used - in;
            feed(&f, stream + in, n);
            in += n;
            while (
                test_random(4) != 0 && weft_framing_next(&f, &e, &m) == WEFT_OK && m.data != NULL) {
                EXPECT_EQ(out, e.request_id);
                EXPECT_EQ(sizes[out], m.size);
                EXPECT_EQ((uint8_t)(out + m.size - 1),
                    m.size > 16 ? m.data[m.size - 1] : (uint8_t)(out + m.size - 1));
                out++;
            }
        }
        while (out < 200) {
            expect_message(&f, out, sizes[out]);
            out++;
        }
        expect_none(&f);
        weft_framing_destroy(&f);
    }
}

TEST(framing, a_message_at_the_limit_passes_and_one_above_condemns_the_stream)
{
    static uint8_t stream[MESSAGE_MAX + 64];
    struct weft_framing f;
    struct weft_envelope e;
    struct weft_bytes m;
    weft_framing_init(&f, MESSAGE_MAX);
    feed(&f, stream, put(stream, 7, MESSAGE_MAX));
    expect_message(&f, 7, MESSAGE_MAX);
    (void)put(stream, 8, MESSAGE_MAX + 1);
    feed(&f, stream, WEFT_ENVELOPE_SIZE - 1);
    expect_none(&f);
    feed(&f, stream + WEFT_ENVELOPE_SIZE - 1, 1); /* At its 16th byte. */
    EXPECT_EQ(WEFT_ETOOBIG, weft_framing_next(&f, &e, &m));
    EXPECT_EQ(WEFT_ETOOBIG, weft_framing_next(&f, &e, &m));
    weft_framing_destroy(&f);
}

TEST(framing, lengths_below_the_envelope_and_other_versions_condemn_the_stream)
{
    uint8_t stream[64];
    struct weft_framing f;
    struct weft_envelope e;
    struct weft_bytes m;
    weft_framing_init(&f, MESSAGE_MAX);
    (void)put(stream, 1, 16);
    stream[0] = 15;
    feed(&f, stream, 16);
    EXPECT_EQ(WEFT_EMALFORMED, weft_framing_next(&f, &e, &m));
    weft_framing_reset(&f);
    (void)put(stream, 1, 16);
    stream[6] = 9;
    feed(&f, stream, 16);
    EXPECT_EQ(WEFT_EVERSION, weft_framing_next(&f, &e, &m));
    weft_framing_reset(&f); /* A new stream starts clean. */
    feed(&f, stream, put(stream, 2, 40));
    expect_message(&f, 2, 40);
    weft_framing_destroy(&f);
}

TEST(framing, memory_follows_what_came_and_not_what_was_announced)
{
    uint8_t stream[WEFT_ENVELOPE_SIZE];
    struct weft_framing f;
    weft_framing_init(&f, 8 << 20);
    struct weft_envelope e = {
        .size_bytes = 8 << 20, .kind = WEFT_KIND_QUERY, .version = WEFT_ENVELOPE_VERSION};
    weft_envelope_encode(&e, stream);
    feed(&f, stream, sizeof(stream));
    expect_none(&f);
    EXPECT_TRUE(f.bytes.capacity <= 4 * WEFT_FRAMING_ROOM);
    weft_framing_destroy(&f);
}

TEST(framing, a_quiet_stream_gives_its_memory_back)
{
    static uint8_t stream[1200 * 1024];
    struct weft_framing f;
    weft_framing_init(&f, 2 << 20);
    feed(&f, stream, put(stream, 1, sizeof(stream)));
    expect_message(&f, 1, sizeof(stream));
    expect_none(&f);
    EXPECT_EQ(0, f.bytes.capacity); /* A large block at once. */
    feed(&f, stream, put(stream, 2, 100));
    expect_message(&f, 2, 100);
    expect_none(&f);
    EXPECT_TRUE(f.bytes.capacity > 0);
    weft_framing_release(&f);
    EXPECT_EQ(0, f.bytes.capacity);
    feed(&f, stream, put(stream, 3, 100) - 1);
    expect_none(&f);
    weft_framing_release(&f); /* But not what waits. */
    feed(&f, stream + 99, 1);
    expect_message(&f, 3, 100);
    weft_framing_destroy(&f);
}
