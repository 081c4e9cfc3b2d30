#include <string.h>

#include "node/link/queue.h"
#include "tests/lib/test.h"

TEST(queue, gives_back_what_was_put_in_whatever_the_pieces)
{
    struct weft_queue q = {0};
    uint8_t bytes[3000];
    uint64_t in = 0, out = 0;
    for (int round = 0; round < 20000; round++) {
        if (test_random(2) == 0 && in - out < 100000) {
            size_t n = (size_t)test_random(sizeof(bytes));
            for (size_t i = 0; i < n; i++) {
                bytes[i] = (uint8_t)((in + i) * 7);
            }
            EXPECT_EQ(WEFT_OK, weft_queue_append(&q, bytes, n));
            in += n;
        } else {
            size_t n = (size_t)test_random(weft_queue_size(&q) + 1);
            for (size_t i = 0; i < n; i++) {
                EXPECT_EQ((uint8_t)((out + i) * 7), weft_queue_front(&q)[i]);
            }
            weft_queue_consume(&q, n);
            out += n;
        }
        EXPECT_EQ(in - out, weft_queue_size(&q));
    }
    EXPECT_TRUE(in > 1000000);
    EXPECT_TRUE(q.capacity <= 512 * 1024); /* It moves rather than grows. */
    weft_queue_destroy(&q);
}

TEST(queue, room_beyond_all_memory_is_refused_and_nothing_changes)
{
    struct weft_queue q = {0};
    uint8_t *room;
    EXPECT_EQ(WEFT_OK, weft_queue_append(&q, "abc", 3));
    EXPECT_EQ(WEFT_ENOMEM, weft_queue_reserve(&q, SIZE_MAX, &room));
    EXPECT_EQ(WEFT_ENOMEM, weft_queue_reserve(&q, SIZE_MAX / 2 + 2, &room));
    EXPECT_EQ(3, weft_queue_size(&q));
    EXPECT_MEM("abc", weft_queue_front(&q), 3);
    weft_queue_destroy(&q);
}

TEST(queue, takes_the_memory_of_a_large_buffer_and_copies_behind_others)
{
    static const size_t sizes[] = {1, 1000, 256 * 1024, 256 * 1024 + 1, 3 * 1024 * 1024};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        for (size_t before = 0; before < 2; before++) {
            struct weft_queue q = {0};
            struct weft_buffer b = {.size_max = 8 * 1024 * 1024};
            EXPECT_EQ(WEFT_OK, before > 0 ? weft_queue_append(&q, "x", 1) : WEFT_OK);
            EXPECT_EQ(WEFT_OK, weft_buffer_reserve(&b, sizes[i]));
            for (size_t k = 0; k < sizes[i]; k++) {
                b.data[k] = (uint8_t)(k * 7);
            }
            b.size = sizes[i];
            const uint8_t *data = b.data;
            EXPECT_EQ(WEFT_OK, weft_queue_take(&q, &b));
            EXPECT_EQ(before + sizes[i], weft_queue_size(&q));
            bool is_taken = before == 0 && sizes[i] > 256 * 1024;
            EXPECT_EQ(is_taken, b.data == NULL);
            EXPECT_EQ(is_taken, weft_queue_front(&q) == data);
            EXPECT_EQ(8 * 1024 * 1024, b.size_max);
            for (size_t k = 0; k < sizes[i]; k++) {
                EXPECT_EQ((uint8_t)(k * 7), weft_queue_front(&q)[before + k]);
            }
            EXPECT_EQ(WEFT_OK, weft_queue_append(&q, "yz", 2)); /* It goes on as a queue does. */
            weft_queue_consume(&q, before + sizes[i]);
            EXPECT_MEM("yz", weft_queue_front(&q), 2);
            weft_queue_consume(&q, 2);
            weft_queue_destroy(&q);
            weft_buffer_destroy(&b);
        }
    }
}
