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
