#include <stdlib.h>
#include <string.h>

#include "jepsen/cluster/delayed.h"
#include "jepsen/cluster/frame.h"
#include "jepsen/cluster/link.h"
#include "tests/lib/test.h"

/* What becomes of frames: the rules of a directed link, its queue, and a frame's checksum. */

enum {
    FRAMES = 20000,
    SIZE = 1000
};
static const int64_t ms = 1000000;

static struct jep_link a_link(const struct jep_link_rule *rule)
{
    struct jep_link link;
    jep_link_init(&link, test_seed(), 1, 2);
    jep_link_set(&link, rule, 0);
    return link;
}

TEST(link, a_whole_link_delivers_at_once_and_draws_no_chance)
{
    struct jep_link link = a_link(&(struct jep_link_rule){.is_cut = false});
    uint64_t state = link.rng.state;
    for (int64_t i = 0; i < 100; i++) {
        struct jep_link_fate fate = jep_link_decide(&link, SIZE, i);
        EXPECT_EQ(JEP_LINK_DELIVER, fate.kind);
        EXPECT_EQ(i, fate.due_ns);
    }
    EXPECT_EQ(state, link.rng.state);
    EXPECT_EQ(100, link.counts.passed);
    EXPECT_EQ(100 * SIZE, link.counts.bytes);
    EXPECT_EQ(0, link.counts.delayed);
}

TEST(link, a_cut_link_drops_and_counts_and_the_other_direction_is_another_link)
{
    struct jep_link there = a_link(&(struct jep_link_rule){.is_cut = true});
    struct jep_link back = a_link(&(struct jep_link_rule){.is_cut = false});
    for (int64_t i = 0; i < 10; i++) {
        EXPECT_EQ(JEP_LINK_DROP, jep_link_decide(&there, SIZE, i).kind);
        EXPECT_EQ(JEP_LINK_DELIVER, jep_link_decide(&back, SIZE, i).kind);
    }
    EXPECT_EQ(10, there.counts.cut);
    EXPECT_EQ(0, there.counts.passed);
    EXPECT_EQ(0, back.counts.cut);
}

TEST(link, a_flapping_link_is_cut_first_and_whole_for_as_long)
{
    struct jep_link link = a_link(&(struct jep_link_rule){.is_cut = true, .flap_ms = 10});
    EXPECT_TRUE(jep_link_is_cut(&link, 0));
    EXPECT_TRUE(jep_link_is_cut(&link, 10 * ms - 1));
    EXPECT_TRUE(!jep_link_is_cut(&link, 10 * ms));
    EXPECT_TRUE(!jep_link_is_cut(&link, 20 * ms - 1));
    EXPECT_TRUE(jep_link_is_cut(&link, 20 * ms));
}

TEST(link, delay_and_jitter_keep_the_order_and_stay_in_their_range)
{
    struct jep_link link = a_link(&(struct jep_link_rule){.delay_us = 5000, .jitter_us = 3000});
    int64_t last = 0;
    for (int64_t i = 0; i < FRAMES; i++) {
        int64_t now = i * 10000, due = jep_link_decide(&link, SIZE, now).due_ns;
        EXPECT_TRUE(due >= last && due >= now + 5 * ms && due <= now + 8 * ms);
        last = due;
    }
    EXPECT_EQ(FRAMES, link.counts.delayed);
    EXPECT_TRUE(link.counts.delay_us / FRAMES >= 5000);
}

/* count of FRAMES with a chance of one in ten: 2000, and 42 of standard deviation. */
static void expect_a_tenth(uint64_t count)
{
    EXPECT_TRUE(count > 1700 && count < 2300);
}

TEST(link, loss_duplication_reordering_and_corruption_happen_as_often_as_they_should)
{
    struct jep_link link = a_link(&(struct jep_link_rule){.loss_ppm = JEP_PPM / 10,
        .duplicate_ppm = JEP_PPM / 10,
        .reorder_ppm = JEP_PPM / 10,
        .reorder_us = 2000,
        .corrupt_ppm = JEP_PPM / 10});
    uint64_t dropped = 0, twice = 0, overtaken = 0, corrupt = 0;
    int64_t last = 0;
    for (int64_t i = 0; i < FRAMES; i++) {
        struct jep_link_fate fate = jep_link_decide(&link, SIZE, i * 100000);
        dropped += fate.kind == JEP_LINK_DROP;
        twice += fate.kind == JEP_LINK_DELIVER_TWICE;
        if (fate.kind != JEP_LINK_DROP) {
            overtaken += fate.due_ns < last;
            last = fate.due_ns > last ? fate.due_ns : last;
            corrupt += fate.is_corrupt;
        }
    }
    expect_a_tenth(dropped);
    EXPECT_EQ(dropped, link.counts.lost);
    expect_a_tenth(twice);
    EXPECT_EQ(twice, link.counts.duplicated);
    expect_a_tenth(link.counts.reordered);
    expect_a_tenth(corrupt);
    EXPECT_TRUE(overtaken > FRAMES / 10); /* several overtake each that is held back */
}

TEST(link, a_rate_spaces_frames_and_drops_what_would_wait_too_long)
{
    struct jep_link link = a_link(&(struct jep_link_rule){.rate_bytes_per_s = 100000});
    for (int64_t i = 1; i <= 100; i++) { /* 1000 bytes: 10 ms each */
        EXPECT_EQ(i * 10 * ms, jep_link_decide(&link, SIZE, 0).due_ns);
    }
    EXPECT_EQ(JEP_LINK_DELIVER, jep_link_decide(&link, SIZE, 0).kind);
    EXPECT_EQ(JEP_LINK_DROP, jep_link_decide(&link, SIZE, 0).kind);
    EXPECT_EQ(1, link.counts.overflowed);
    EXPECT_EQ(5010 * ms, jep_link_decide(&link, SIZE, 5000 * ms).due_ns);
}

TEST(link, the_same_seed_decides_the_same_and_another_link_differently)
{
    struct jep_link_rule rule = {.jitter_us = 1000000};
    struct jep_link one = a_link(&rule), same = a_link(&rule), other;
    jep_link_init(&other, test_seed(), 2, 1);
    jep_link_set(&other, &rule, 0);
    unsigned differ = 0;
    for (int64_t i = 0; i < 20; i++) {
        int64_t due = jep_link_decide(&one, SIZE, i * 2000 * ms).due_ns;
        EXPECT_EQ(due, jep_link_decide(&same, SIZE, i * 2000 * ms).due_ns);
        differ += due != jep_link_decide(&other, SIZE, i * 2000 * ms).due_ns;
    }
    EXPECT_TRUE(differ > 10);
}

TEST(delayed, frames_leave_by_time_and_then_by_arrival)
{
    struct jep_delayed d = {0};
    int64_t last_due = -1;
    uint64_t last_number = 0;
    for (unsigned i = 0; i < 5000; i++) {
        uint8_t byte = (uint8_t)i;
        EXPECT_TRUE(jep_delayed_put(&d, (int64_t)test_random(50), i % 7, &byte, 1));
    }
    for (unsigned i = 0; i < 5000; i++) {
        struct jep_delayed_frame *f = jep_delayed_take(&d, 50);
        EXPECT_TRUE(f->due_ns > last_due || (f->due_ns == last_due && f->number > last_number));
        EXPECT_EQ(f->number % 7, f->to);
        EXPECT_EQ((uint8_t)f->number, f->bytes[0]);
        last_due = f->due_ns;
        last_number = f->number;
        free(f);
    }
    EXPECT_TRUE(jep_delayed_take(&d, INT64_MAX) == NULL);
    jep_delayed_free(&d);
}

TEST(delayed, nothing_leaves_before_its_time)
{
    struct jep_delayed d = {0};
    uint8_t bytes[JEP_FRAME_BYTES_MAX + 1] = {0};
    EXPECT_EQ(-1, jep_delayed_next_ns(&d));
    EXPECT_TRUE(jep_delayed_put(&d, 10, 0, bytes, JEP_FRAME_BYTES_MAX));
    EXPECT_TRUE(!jep_delayed_put(&d, 10, 0, bytes, JEP_FRAME_BYTES_MAX + 1));
    EXPECT_EQ(10, jep_delayed_next_ns(&d));
    EXPECT_TRUE(jep_delayed_take(&d, 9) == NULL);
    struct jep_delayed_frame *frame = jep_delayed_take(&d, 10);
    EXPECT_TRUE(frame != NULL);
    free(frame);
    jep_delayed_free(&d);
}

/* --- frames ------------------------------------------------------------------------------ */

enum {
    IP = 14,
    TCP = 34
};

static unsigned sum16(const uint8_t *bytes, size_t size)
{
    unsigned sum = 0;
    for (size_t i = 0; i < size; i++) {
        sum += i % 2 == 0 ? (unsigned)bytes[i] << 8 : bytes[i];
    }
    while (sum >> 16 != 0) {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return sum;
}

/* The checksum over the whole segment; the pseudo header is left out on both sides of the tests:
 * it does not change. */
static bool is_right(const uint8_t *frame, size_t payload)
{
    return sum16(frame + TCP, 20 + payload) == 0xffff;
}

static size_t make_frame(uint8_t *frame, size_t payload)
{
    memset(frame, 0, JEP_FRAME_BYTES_MAX);
    frame[12] = 0x08;
    frame[IP] = 0x45;
    frame[IP + 2] = (uint8_t)((40 + payload) >> 8);
    frame[IP + 3] = (uint8_t)(40 + payload);
    frame[IP + 9] = 6;
    frame[TCP + 12] = 0x50;
    for (size_t i = 0; i < payload; i++) {
        frame[TCP + 20 + i] = (uint8_t)test_random(256);
    }
    unsigned checksum = ~sum16(frame + TCP, 20 + payload) & 0xffff;
    frame[TCP + 16] = (uint8_t)(checksum >> 8);
    frame[TCP + 17] = (uint8_t)checksum;
    return TCP + 20 + payload;
}

TEST(frame, one_bit_of_the_payload_is_flipped_and_the_checksum_right_again)
{
    uint8_t frame[JEP_FRAME_BYTES_MAX], before[JEP_FRAME_BYTES_MAX];
    for (unsigned i = 0; i < 2000; i++) {
        size_t payload = 1 + test_random(1400), size = make_frame(frame, payload);
        EXPECT_TRUE(is_right(frame, payload));
        memcpy(before, frame, sizeof(frame));
        EXPECT_TRUE(jep_frame_corrupt(frame, size, (uint32_t)test_random(0)));
        EXPECT_TRUE(is_right(frame, payload));
        unsigned flipped = 0;
        for (size_t k = TCP + 20; k < size; k++) {
            flipped += (unsigned)__builtin_popcount(frame[k] ^ before[k]);
        }
        EXPECT_EQ(1, flipped);
        EXPECT_MEM(before, frame, TCP + 16);
    }
}

TEST(frame, what_is_not_tcp_with_a_payload_is_left_alone)
{
    uint8_t frame[JEP_FRAME_BYTES_MAX];
    size_t size = make_frame(frame, 10);
    EXPECT_TRUE(!jep_frame_corrupt(frame, 10, 0));
    EXPECT_TRUE(!jep_frame_corrupt(frame, size - 1, 0)); /* shorter than it says */
    frame[IP + 9] = 17;                                  /* UDP */
    EXPECT_TRUE(!jep_frame_corrupt(frame, size, 0));
    size = make_frame(frame, 10);
    frame[IP + 6] = 0x20; /* more fragments */
    EXPECT_TRUE(!jep_frame_corrupt(frame, size, 0));
    size = make_frame(frame, 10);
    frame[TCP + 12] = 0xf0; /* a header longer than the segment */
    EXPECT_TRUE(!jep_frame_corrupt(frame, size, 0));
    EXPECT_TRUE(!jep_frame_corrupt(frame, make_frame(frame, 0), 0));
    EXPECT_TRUE(jep_frame_is_ipv4(frame, size));
    frame[12] = 0x86; /* IPv6 */
    EXPECT_TRUE(!jep_frame_is_ipv4(frame, size));
}

TEST(frame, any_bytes_are_survived)
{
    uint8_t frame[128];
    for (unsigned i = 0; i < 20000; i++) {
        size_t size = test_random(sizeof(frame) + 1);
        for (size_t k = 0; k < size; k++) {
            frame[k] = (uint8_t)test_random(256);
        }
        frame[12] = 0x08, frame[13] = 0;
        (void)jep_frame_corrupt(frame, size, (uint32_t)test_random(0));
    }
}
