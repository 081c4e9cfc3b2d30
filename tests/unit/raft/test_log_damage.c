/* Damage to the disk log, planted by hand: what is refused, what is mended, what is lost. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/arith.h"
#include "proto/crc32c.h"
#include "raft/log_file.h"
#include "raft/log_frame.h"
#include "tests/lib/test.h"
#include "tests/unit/raft/log_fixture.h"

enum {
    PAGE = WEFT_LOG_PAGE_SIZE,
    SMALL = 16 * 1024
};

struct image {
    char path[700];
    uint8_t data[SMALL];
    size_t size;
};

static void load(struct image *i, const char *directory, const char *name)
{
    (void)snprintf(i->path, sizeof(i->path), "%s/%s", directory, name);
    int fd = open(i->path, O_RDONLY | O_CLOEXEC);
    ssize_t got = read(fd, i->data, sizeof(i->data));
    (void)close(fd);
    EXPECT_TRUE(got > 0);
    i->size = (size_t)got;
}

static void store(const struct image *i)
{
    int fd = open(i->path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    EXPECT_EQ(i->size, write(fd, i->data, i->size));
    (void)close(fd);
}

static enum weft_err try_open(const char *directory, bool drop, struct weft_log **ret_log,
    struct weft_log_start *ret_start, struct weft_msg *msg)
{
    struct weft_log_options options = fixture_options(directory);
    options.drop_damaged_tail = drop;
    options.segment_size_bytes = SMALL;
    return weft_log_disk_open(&options, ret_log, ret_start, msg);
}

/* What a plain open says. */
static enum weft_err error_of(
    const char *directory, struct weft_log_start *ret_start, struct weft_msg *msg)
{
    struct weft_log *log;
    enum weft_err rv = try_open(directory, false, &log, ret_start, msg);
    if (rv == WEFT_OK) {
        log->engine->close(log);
    }
    return rv;
}

static const char *text_of(uint64_t index)
{
    static char text[64];
    (void)snprintf(text, sizeof(text), "entry %llu", (unsigned long long)index);
    return text;
}

static void append_texts(struct weft_log *log, uint64_t first, uint64_t last)
{
    for (uint64_t i = first; i <= last; i++) {
        EXPECT_EQ(WEFT_OK, fixture_append(log, i, 3, text_of(i), strlen(text_of(i))));
        EXPECT_EQ(WEFT_OK, fixture_settle(log));
    }
}

/* `count` entries, each synced by itself, and a vote. */
static const char *make(int number, uint64_t count)
{
    const char *directory = fixture_directory(number);
    struct weft_log *log;
    struct weft_log_start start;
    struct weft_msg msg;
    EXPECT_EQ(WEFT_OK, try_open(directory, false, &log, &start, &msg));
    EXPECT_EQ(WEFT_OK, log->engine->set_term(log, 3, 2, &msg));
    append_texts(log, 1, count);
    log->engine->close(log);
    return directory;
}

static void check_texts(struct weft_log *log, uint64_t first, uint64_t last)
{
    EXPECT_EQ(last, log->engine->last_index(log));
    for (uint64_t i = first; i <= last; i++) {
        fixture_expect(log, i, text_of(i));
    }
}

/* Offset of frame `number` (from 0) of a segment. */
static size_t frame_at(const struct image *segment, int number, struct weft_log_frame *ret_frame)
{
    struct weft_log_segment_header h;
    size_t at = PAGE;
    EXPECT_EQ(WEFT_OK, weft_log_segment_decode(segment->data, &h));
    for (int i = 0; weft_log_frame_decode(segment->data + at, h.salt, ret_frame) && i < number;
         i++) {
        at += weft_log_frame_bytes(ret_frame->size_bytes);
    }
    return at;
}

/* Every bit of what was acknowledged matters; nothing behind it does. */
TEST(log_damage, a_flipped_bit_in_any_byte_is_reported_with_file_and_offset_or_harmless)
{
    enum {
        COUNT = 6
    };
    static struct image good, bad;
    struct weft_log_frame frame;
    const char *directory = make(0, COUNT);
    load(&good, directory, "segment-0001");
    size_t end = frame_at(&good, 99, &frame), refused = 0, harmless = 0;
    for (size_t i = 0; i < good.size; i += i < end + 64 ? 1 : 61) {
        struct weft_msg msg;
        struct weft_log *log;
        struct weft_log_start start;
        bad = good;
        bad.data[i] ^= (uint8_t)(1u << test_random(8));
        store(&bad);
        enum weft_err rv = try_open(directory, false, &log, &start, &msg);
        EXPECT_EQ(i < end ? WEFT_ECORRUPT : WEFT_OK, rv);
        if (rv == WEFT_OK) {
            check_texts(log, 1, COUNT);
            log->engine->close(log);
            harmless++;
        } else {
            unsigned offset = UINT_MAX;
            const char *at = strstr(msg.text, "/segment-0001: offset ");
            EXPECT_TRUE(at != NULL && sscanf(at, "/segment-0001: offset %u", &offset) == 1);
            EXPECT_TRUE(offset <= i && i < offset + PAGE);
            refused++;
        }
    }
    EXPECT_EQ(end, refused);
    EXPECT_TRUE(harmless > 64);
}

TEST(log_damage, a_shortened_segment_is_refused_down_to_the_last_acknowledged_byte)
{
    static struct image segment;
    struct weft_log_frame frame;
    struct weft_log_start start;
    struct weft_msg msg;
    const char *directory = make(0, 5);
    load(&segment, directory, "segment-0001");
    size_t end = frame_at(&segment, 99, &frame);
    for (size_t size = PAGE; size < end; size += 7) {
        segment.size = size;
        store(&segment);
        /* The one byte of padding of the last frame is not missed: it reads as what it was. */
        EXPECT_EQ(size + 1 < end ? WEFT_ECORRUPT : WEFT_OK, error_of(directory, &start, &msg));
    }
    segment.size = 0;
    store(&segment);
    EXPECT_EQ(WEFT_ECORRUPT, error_of(directory, &start, &msg));
    EXPECT_TRUE(strstr(msg.text, "segment 1 is missing") != NULL);
    EXPECT_EQ(0, unlink(segment.path));
    EXPECT_EQ(WEFT_ECORRUPT, error_of(directory, &start, &msg));
    EXPECT_TRUE(strstr(msg.text, "segment 1 is missing") != NULL);
}

/* The mark proves the last batch, a later frame all batches before its own. */
TEST(log_damage, without_the_mark_a_later_frame_proves_that_an_earlier_one_was_acknowledged)
{
    static struct image segment, meta;
    struct weft_log_frame frame;
    struct weft_log_start start;
    struct weft_msg msg;
    const char *directory = make(0, 5);
    load(&meta, directory, "meta");
    load(&segment, directory, "segment-0001");
    /* As after a power cut that took the marks with it: both as they were at first. */
    for (int i = 0; i < 2; i++) {
        uint8_t *sector = meta.data + 2 * PAGE + i * 512;
        weft_put_le64(sector + 24, 0);
        uint32_t crc = weft_crc32c(0, sector, 12);
        weft_put_le32(sector + 12, weft_crc32c(crc, sector + 16, 496));
    }
    store(&meta);
    size_t fourth = frame_at(&segment, 3, &frame), fifth = frame_at(&segment, 4, &frame);
    segment.data[fourth + WEFT_LOG_FRAME_SIZE] ^= 1;
    store(&segment);
    EXPECT_EQ(WEFT_ECORRUPT, error_of(directory, &start, &msg));
    EXPECT_TRUE(strstr(msg.text, "entry 4") != NULL);
    /* The last one alone might never have been acknowledged: a torn tail, and said so. */
    segment.data[fourth + WEFT_LOG_FRAME_SIZE] ^= 1;
    segment.data[fifth + WEFT_LOG_FRAME_SIZE] ^= 1;
    store(&segment);
    EXPECT_EQ(WEFT_OK, error_of(directory, &start, &msg));
    EXPECT_EQ(4, start.last_index);
    EXPECT_TRUE(start.dropped_bytes >= WEFT_LOG_FRAME_SIZE);
    EXPECT_EQ(WEFT_OK, error_of(directory, &start, &msg));
    EXPECT_EQ(0, start.dropped_bytes);
}

TEST(log_damage, the_operator_may_cut_at_the_damage_and_the_log_goes_on)
{
    static struct image segment;
    struct weft_log_frame frame;
    struct weft_log *log;
    struct weft_log_start start;
    struct weft_msg msg;
    const char *directory = make(0, 20);
    load(&segment, directory, "segment-0001");
    segment.data[frame_at(&segment, 11, &frame) + 9] ^= 4;
    store(&segment);
    EXPECT_EQ(WEFT_ECORRUPT, try_open(directory, false, &log, &start, &msg));
    EXPECT_EQ(WEFT_OK, try_open(directory, true, &log, &start, &msg));
    EXPECT_EQ(11, start.last_index);
    EXPECT_TRUE(start.dropped_bytes > 0);
    EXPECT_EQ(3, start.term);
    EXPECT_EQ(2, start.voted_for);
    check_texts(log, 1, 11);
    append_texts(log, 12, 14);
    log->engine->close(log);
    EXPECT_EQ(WEFT_OK, try_open(directory, false, &log, &start, &msg));
    EXPECT_EQ(0, start.dropped_bytes);
    check_texts(log, 1, 14);
    log->engine->close(log);
}

/* Many segments; one in the middle is gone, or its header, and what a cut leaves. */
TEST(log_damage, a_lost_segment_is_named_and_a_cut_below_the_base_leaves_the_base)
{
    static struct image segment;
    struct weft_log *log;
    struct weft_log_start start;
    struct weft_msg msg;
    const char *directory = make(0, 600);
    load(&segment, directory, "segment-0002");
    segment.data[20] ^= 1;
    store(&segment);
    EXPECT_EQ(WEFT_ECORRUPT, error_of(directory, &start, &msg));
    EXPECT_TRUE(strstr(msg.text, "segment-0002: offset 0") != NULL);
    EXPECT_EQ(0, unlink(segment.path));
    EXPECT_EQ(WEFT_ECORRUPT, error_of(directory, &start, &msg));
    EXPECT_TRUE(strstr(msg.text, "segment 2 is missing") != NULL);
    segment.data[20] ^= 1;
    store(&segment);
    EXPECT_EQ(WEFT_OK, try_open(directory, false, &log, &start, &msg));
    check_texts(log, 1, 600);
    EXPECT_EQ(WEFT_OK, log->engine->trim(log, 250, &msg));
    log->engine->close(log);
    /* Damage below the base, in the first segment that is left. */
    struct weft_log_segment_header h;
    for (int i = 1; i < 9; i++) {
        char name[32];
        (void)snprintf(name, sizeof(name), "segment-%04d", i);
        load(&segment, directory, name);
        EXPECT_EQ(WEFT_OK, weft_log_segment_decode(segment.data, &h));
        if (h.first_index <= 250 && h.first_index + 185 > 250) {
            break;
        }
    }
    segment.data[PAGE + 3] ^= 1;
    store(&segment);
    EXPECT_EQ(WEFT_ECORRUPT, error_of(directory, &start, &msg));
    EXPECT_EQ(WEFT_OK, try_open(directory, true, &log, &start, &msg));
    EXPECT_EQ(250, start.base_index);
    EXPECT_EQ(250, start.last_index);
    EXPECT_EQ(3, start.base_term);
    append_texts(log, 251, 255);
    log->engine->close(log);
    EXPECT_EQ(WEFT_OK, try_open(directory, false, &log, &start, &msg));
    check_texts(log, 251, 255);
    log->engine->close(log);
}

TEST(log_damage, one_copy_of_term_and_vote_is_enough_and_none_is_refused)
{
    static struct image good, bad;
    struct weft_log_start start;
    struct weft_msg msg;
    const char *directory = make(0, 3);
    load(&good, directory, "meta");
    for (size_t i = 0; i < 512; i += 1 + i / 96) { /* The fields are in front. */
        for (int copy = 0; copy < 2; copy++) {
            bad = good;
            bad.data[(size_t)copy * PAGE + i] ^= (uint8_t)(1u << test_random(8));
            store(&bad);
            EXPECT_EQ(WEFT_OK, error_of(directory, &start, &msg));
            EXPECT_TRUE(start.repaired_metadata);
            EXPECT_EQ(3, start.term);
            EXPECT_EQ(2, start.voted_for);
            EXPECT_EQ(3, start.last_index);
            EXPECT_EQ(WEFT_OK, error_of(directory, &start, &msg));
            EXPECT_TRUE(!start.repaired_metadata);
        }
        bad = good;
        bad.data[i] ^= 1;
        bad.data[PAGE + i] ^= 1;
        store(&bad);
        EXPECT_EQ(WEFT_ECORRUPT, error_of(directory, &start, &msg));
        EXPECT_TRUE(strstr(msg.text, "/meta: both copies") != NULL);
    }
    store(&good);
    EXPECT_EQ(0, unlink(good.path));
    EXPECT_EQ(WEFT_ECORRUPT, error_of(directory, &start, &msg));
    EXPECT_TRUE(strstr(msg.text, "term and vote are lost") != NULL);
}

TEST(log_damage, one_durable_mark_is_enough_and_none_is_refused_until_the_operator_says_so)
{
    static struct image good, bad;
    struct weft_log *log;
    struct weft_log_start start;
    struct weft_msg msg;
    const char *directory = make(0, 3);
    load(&good, directory, "meta");
    for (int place = 0; place < 2; place++) {
        bad = good;
        bad.data[2 * PAGE + place * 512 + 24] ^= 1;
        store(&bad);
        EXPECT_EQ(WEFT_OK, error_of(directory, &start, &msg));
        EXPECT_TRUE(start.repaired_metadata);
    }
    bad = good;
    bad.data[2 * PAGE + 24] ^= 1;
    bad.data[2 * PAGE + 512 + 24] ^= 1;
    store(&bad);
    EXPECT_EQ(WEFT_ECORRUPT, error_of(directory, &start, &msg));
    EXPECT_TRUE(strstr(msg.text, "/meta: both durable marks") != NULL);
    EXPECT_EQ(WEFT_OK, try_open(directory, true, &log, &start, &msg));
    check_texts(log, 1, 3);
    log->engine->close(log);
    EXPECT_EQ(WEFT_OK, error_of(directory, &start, &msg));
}

TEST(log_damage, another_clusters_log_is_refused)
{
    struct weft_log *log;
    struct weft_log_start start;
    struct weft_msg msg;
    const char *directory = make(0, 3);
    struct weft_log_options options = fixture_options(directory);
    options.cluster++;
    EXPECT_EQ(WEFT_EPEER, weft_log_disk_open(&options, &log, &start, &msg));
    /* Its segments among ours, too. */
    static struct image foreign;
    const char *other = fixture_directory(1);
    char name[32];
    options.directory = other;
    options.segment_size_bytes = SMALL;
    EXPECT_EQ(WEFT_OK, weft_log_disk_open(&options, &log, &start, &msg));
    append_texts(log, 1, 1);
    log->engine->close(log);
    load(&foreign, other, "segment-0001");
    (void)snprintf(foreign.path, sizeof(foreign.path), "%.500s/segment-0009", test_directory());
    (void)snprintf(name, sizeof(name), "%d", 0);
    (void)snprintf(
        foreign.path, sizeof(foreign.path), "%.500s/%s/segment-0009", test_directory(), name);
    store(&foreign);
    (void)snprintf(foreign.path, sizeof(foreign.path), "%.500s/0", test_directory());
    EXPECT_EQ(WEFT_EPEER, error_of(foreign.path, &start, &msg));
}

TEST(log_damage, a_newer_format_is_refused_as_such_and_not_as_damage)
{
    static struct image good, newer;
    struct weft_log_start start;
    struct weft_msg msg;
    const char *directory = make(0, 3);
    load(&good, directory, "segment-0001");
    newer = good;
    weft_put_le32(newer.data + 8, WEFT_LOG_VERSION + 1);
    weft_put_le32(newer.data + 12, 0);
    weft_put_le32(newer.data + 12, weft_crc32c(0, newer.data, PAGE));
    store(&newer);
    EXPECT_EQ(WEFT_EVERSION, error_of(directory, &start, &msg));
    store(&good);
    load(&good, directory, "meta");
    newer = good;
    weft_put_le32(newer.data + 8, WEFT_LOG_VERSION + 1);
    uint32_t crc = weft_crc32c(0, newer.data, 12);
    weft_put_le32(newer.data + 12, weft_crc32c(crc, newer.data + 16, 496));
    store(&newer);
    EXPECT_EQ(WEFT_EVERSION, error_of(directory, &start, &msg));
}

/* Checksums right, but no program of ours wrote this: not even the operator's cut mends it. */
TEST(log_damage, entries_that_contradict_each_other_are_refused)
{
    static struct image segment;
    struct weft_log_segment_header h;
    struct weft_log_frame frame;
    struct weft_log *log;
    struct weft_log_start start;
    struct weft_msg msg;
    const char *directory = make(0, 4);
    load(&segment, directory, "segment-0001");
    EXPECT_EQ(WEFT_OK, weft_log_segment_decode(segment.data, &h));
    size_t third = frame_at(&segment, 2, &frame);
    uint32_t chain = frame.chain;
    size_t fourth = frame_at(&segment, 3, &frame);
    EXPECT_TRUE(fourth > third);
    frame.term = 2;
    (void)weft_log_frame_encode(
        &frame, (const uint8_t *)"entry 4", h.salt, chain, segment.data + fourth);
    store(&segment);
    EXPECT_EQ(WEFT_ECORRUPT, error_of(directory, &start, &msg));
    EXPECT_TRUE(strstr(msg.text, "entry 4 of term 2 cannot follow entry 3") != NULL);
    EXPECT_EQ(WEFT_ECORRUPT, try_open(directory, true, &log, &start, &msg));
}

TEST(log_damage, two_slots_with_the_same_segment_are_refused)
{
    static struct image segment;
    struct weft_log_start start;
    struct weft_msg msg;
    const char *directory = make(0, 4);
    load(&segment, directory, "segment-0001");
    (void)snprintf(segment.path, sizeof(segment.path), "%s/segment-0007", directory);
    store(&segment);
    EXPECT_EQ(WEFT_ECORRUPT, error_of(directory, &start, &msg));
    EXPECT_TRUE(strstr(msg.text, "both claim to be segment 1") != NULL);
}

/* An entry that has left the cache is checked again whenever it is read. */
TEST(log_damage, damage_that_comes_while_the_log_is_open_is_found_on_read)
{
    static struct image segment;
    struct weft_log_frame frame;
    struct weft_log *log;
    struct weft_log_start start;
    struct weft_log_entry e;
    struct weft_msg msg;
    uint32_t count;
    const char *directory = make(0, 9);
    EXPECT_EQ(WEFT_OK, try_open(directory, false, &log, &start, &msg));
    load(&segment, directory, "segment-0001");
    uint8_t byte = segment.data[frame_at(&segment, 4, &frame) + WEFT_LOG_FRAME_SIZE + 2] ^ 8;
    int fd = open(segment.path, O_RDWR | O_CLOEXEC);
    EXPECT_EQ(
        1, pwrite(fd, &byte, 1, (off_t)(frame_at(&segment, 4, &frame) + WEFT_LOG_FRAME_SIZE + 2)));
    (void)close(fd);
    EXPECT_EQ(WEFT_OK, log->engine->read(log, 4, 1, 1, &e, &count, &msg));
    EXPECT_EQ(WEFT_ECORRUPT, log->engine->read(log, 5, 1, 1, &e, &count, &msg));
    EXPECT_TRUE(strstr(msg.text, "entry 5 is damaged") != NULL);
    log->engine->close(log);
}
