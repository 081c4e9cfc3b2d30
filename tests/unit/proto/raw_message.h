/* tests/unit/proto/raw_message.h: messages that the encoders refuse to write, for tests of limits.
 *
 * The tables are written with the face itself (proto/schema/face.h), then decoded. Everything
 * here is static: each test program that includes it has its own. */
#ifndef WEFT_TESTS_UNIT_PROTO_RAW_MESSAGE_H
#define WEFT_TESTS_UNIT_PROTO_RAW_MESSAGE_H

#include <string.h>

#include "proto/arith.h"
#include "proto/codec.h"
#include "tests/lib/test.h"

static struct weft_arena arena = {.size_max = 256 << 20};
static struct weft_buffer out;
static char letters[WEFT_ANSWER_SIZE_MAX];

static inline struct weft_text text_of_size(size_t size)
{
    memset(letters, 'a', sizeof(letters));
    return (struct weft_text){letters, size};
}

static inline struct weft_wire_builder *begin(void)
{
    weft_arena_reset(&arena);
    weft_buffer_clear(&out);
    return weft_wire_begin(WEFT_WIRE_OUTER, 2 * (size_t)WEFT_MESSAGE_SIZE_MAX);
}

static inline enum weft_err decode_peer(struct weft_peer_message *ret)
{
    struct weft_peer_message m;
    enum weft_err err = weft_peer_decode((struct weft_bytes){out.data, out.size}, &arena, &m);
    if (err == WEFT_OK && ret != NULL) {
        *ret = m;
    }
    return err;
}

static inline enum weft_err decode_client(struct weft_msg *msg)
{
    struct weft_client_message m;
    return weft_client_decode((struct weft_bytes){out.data, out.size}, &arena, &m, NULL, msg);
}

static inline enum weft_err send_peer(
    struct weft_wire_builder *b, enum weft_message_kind kind, struct weft_wire_ref root)
{
    EXPECT_EQ(WEFT_OK, weft_codec_finish(b, root, kind, 0, &out));
    return decode_peer(NULL);
}

static inline enum weft_err send_client(
    struct weft_wire_builder *b, enum weft_message_kind kind, struct weft_wire_ref root)
{
    EXPECT_EQ(WEFT_OK, weft_codec_finish(b, root, kind, 0, &out));
    return decode_client(NULL);
}

/* WEFT_OK and encoded, or refused with `out` as before. */
static inline enum weft_err encode_client(const struct weft_client_message *m)
{
    weft_buffer_clear(&out);
    weft_arena_reset(&arena);
    EXPECT_EQ(WEFT_OK, weft_buffer_append(&out, "before", 6));
    enum weft_err err = weft_client_encode(m, &out);
    EXPECT_TRUE(err == WEFT_OK || out.size == 6);
    EXPECT_MEM("before", out.data, 6);
    memmove(out.data, out.data + 6, out.size - 6);
    out.size -= 6;
    return err == WEFT_OK ? decode_client(NULL) : err;
}

static inline enum weft_err encode_peer(const struct weft_peer_message *m)
{
    weft_buffer_clear(&out);
    weft_arena_reset(&arena);
    enum weft_err err = weft_peer_encode(m, &out);
    EXPECT_TRUE(err == WEFT_OK || out.size == 0);
    return err == WEFT_OK ? decode_peer(NULL) : err;
}

/* `count` times the same table: many offsets may lead to one. */
static inline struct weft_wire_ref repeat(
    struct weft_wire_builder *b, struct weft_wire_ref table, uint32_t count)
{
    size_t mark = weft_wire_mark(b);
    for (uint32_t i = 0; i < count; i++) {
        weft_wire_push(b, table);
    }
    return weft_wire_take(b, mark);
}

/* Zeros behind the table are no part of it, so any message can be brought to any size. */
static inline void pad_to(size_t size)
{
    static const uint8_t zeros[65536];
    while (out.size < size) {
        size_t more = size - out.size < sizeof(zeros) ? size - out.size : sizeof(zeros);
        EXPECT_EQ(WEFT_OK, weft_buffer_append(&out, zeros, more));
    }
    weft_put_le32(out.data, (uint32_t)size);
}

#endif
