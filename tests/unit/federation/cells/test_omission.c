#include "federation/cells/omission.h"

#include <stdio.h>
#include <string.h>

#include "policy/merkle_proof.h"
#include "tests/lib/test.h"

enum {
    ENTRIES_MAX = 200
};

/* Lots of a dozen units, in order. */
static char texts[ENTRIES_MAX][2][24];
static struct weft_omission_entry entries[ENTRIES_MAX];
static struct weft_digest leaves[ENTRIES_MAX];
static uint32_t count;

static void make(uint32_t n)
{
    count = n;
    for (uint32_t i = 0; i < n; i++) {
        (void)snprintf(texts[i][0], sizeof(texts[i][0]), "lot:%02u", i / 12);
        (void)snprintf(texts[i][1], sizeof(texts[i][1]), "serial:%03u", 2 * i);
        entries[i] =
            (struct weft_omission_entry){weft_text_of(texts[i][0]), weft_text_of(texts[i][1])};
        leaves[i] = weft_omission_leaf(&entries[i]);
    }
}

/* Of leaves [at, at + 2^height). */
static enum weft_err get_root(void *ctx, uint64_t at, unsigned height, struct weft_digest *ret_root)
{
    struct weft_digest hashes[ENTRIES_MAX];
    const struct weft_digest *of = ctx;
    memcpy(hashes, of + at, ((size_t)1 << height) * sizeof(*hashes));
    *ret_root = weft_merkle_fold(hashes, (size_t)1 << height);
    return WEFT_OK;
}

static struct weft_merkle_head head(void)
{
    struct weft_merkle_range range = {.size = 0};
    for (uint32_t i = 0; i < count; i++) {
        EXPECT_EQ(WEFT_OK, weft_merkle_append(&range, &leaves[i]));
    }
    return (struct weft_merkle_head){count, weft_merkle_root(&range)};
}

static struct weft_omission_section prove(uint64_t first, uint32_t n)
{
    struct weft_omission_section section = {
        .size = count, .first = first, .count = n, .entries = entries + first};
    EXPECT_EQ(WEFT_OK, weft_omission_prove(&section, get_root, leaves));
    return section;
}

TEST(omission, every_section_of_every_small_tree_verifies_and_no_other)
{
    uint32_t refused = 0;
    for (uint32_t size = 0; size < 40; size++) {
        make(size);
        struct weft_merkle_head of = head();
        for (uint32_t first = 0; first <= size; first++) {
            for (uint32_t n = 0; n <= size - first; n++) {
                struct weft_omission_section section = prove(first, n);
                EXPECT_EQ(WEFT_OK, weft_omission_verify(&section, &of, NULL));
                if (section.hash_count > 0) {
                    section.hashes[test_random(section.hash_count)].bytes[5] ^= 1;
                    EXPECT_EQ(WEFT_EBADSIG, weft_omission_verify(&section, &of, NULL));
                    section.hash_count--;
                    EXPECT_EQ(WEFT_EMALFORMED, weft_omission_verify(&section, &of, NULL));
                    refused++;
                }
            }
        }
    }
    EXPECT_TRUE(refused > 1000);
}

TEST(omission, a_section_of_elsewhere_or_of_another_tree_is_refused)
{
    make(50);
    struct weft_merkle_head of = head(), other = of;
    struct weft_omission_section section = prove(10, 5);
    section.entries = entries + 11;
    EXPECT_EQ(WEFT_EBADSIG, weft_omission_verify(&section, &of, NULL));
    section.entries = entries + 10;
    other.size = 49;
    EXPECT_EQ(WEFT_EINVAL, weft_omission_verify(&section, &other, NULL));
    struct weft_omission_entry turned[2] = {entries[11], entries[10]};
    section = prove(10, 2);
    section.entries = turned;
    EXPECT_EQ(WEFT_EMALFORMED, weft_omission_verify(&section, &of, NULL));
    section = prove(10, 2);
    section.first = 51;
    EXPECT_EQ(WEFT_EINVAL, weft_omission_verify(&section, &of, NULL));
    EXPECT_EQ(WEFT_EINVAL, weft_omission_prove(&section, get_root, leaves));
}

TEST(omission, tells_what_is_there_what_is_not_and_what_it_cannot_tell)
{
    make(50);
    struct weft_omission_section section = prove(10, 5);
    struct weft_omission_entry between = {WEFT_TEXT("lot:01"), WEFT_TEXT("serial:025")};
    EXPECT_EQ(WEFT_OMISSION_PRESENT, weft_omission_find(&section, &entries[12]));
    EXPECT_EQ(WEFT_OMISSION_ABSENT, weft_omission_find(&section, &between));
    EXPECT_EQ(WEFT_OMISSION_SILENT, weft_omission_find(&section, &entries[20]));
    EXPECT_EQ(WEFT_OMISSION_SILENT, weft_omission_find(&section, &entries[9]));
    struct weft_omission_entry first = {WEFT_TEXT("lot:0"), WEFT_TEXT("x")};
    struct weft_omission_entry last = {WEFT_TEXT("lot:99"), WEFT_TEXT("x")};
    EXPECT_EQ(WEFT_OMISSION_SILENT, weft_omission_find(&section, &first));
    section = prove(0, 1);
    EXPECT_EQ(WEFT_OMISSION_ABSENT, weft_omission_find(&section, &first));
    EXPECT_EQ(WEFT_OMISSION_SILENT, weft_omission_find(&section, &last));
    section = prove(49, 1);
    EXPECT_EQ(WEFT_OMISSION_ABSENT, weft_omission_find(&section, &last));
    section = prove(0, 50);
    for (uint32_t i = 0; i < 50; i++) {
        EXPECT_EQ(WEFT_OMISSION_PRESENT, weft_omission_find(&section, &entries[i]));
    }
    make(0);
    section = prove(0, 0);
    EXPECT_EQ(WEFT_OMISSION_ABSENT, weft_omission_find(&section, &last));
}

TEST(omission, says_whether_it_has_all_of_a_lot)
{
    uint32_t from, n;
    make(50); /* lot:01 is entries 12 to 23. */
    struct weft_omission_section section = prove(11, 14);
    EXPECT_TRUE(weft_omission_covers(&section, WEFT_TEXT("lot:01"), &from, &n));
    EXPECT_TRUE(from == 1 && n == 12);
    section = prove(12, 12); /* Its neighbours are not shown. */
    EXPECT_TRUE(!weft_omission_covers(&section, WEFT_TEXT("lot:01"), &from, &n));
    section = prove(11, 12);
    EXPECT_TRUE(!weft_omission_covers(&section, WEFT_TEXT("lot:01"), &from, &n));
    section = prove(0, 13);
    EXPECT_TRUE(weft_omission_covers(&section, WEFT_TEXT("lot:00"), &from, &n));
    EXPECT_TRUE(from == 0 && n == 12);
    section = prove(47, 3);
    EXPECT_TRUE(weft_omission_covers(&section, WEFT_TEXT("lot:04"), &from, &n));
    EXPECT_TRUE(from == 1 && n == 2);
    EXPECT_TRUE(weft_omission_covers(&section, WEFT_TEXT("lot:09"), &from, &n)); /* None. */
    EXPECT_EQ(0, n);
}

TEST(omission, of_a_committed_unit_is_proved_by_two_sections)
{
    make(50);
    struct weft_merkle_head first = head(), second;
    struct weft_omission_section before = prove(30, 1), after;
    const struct weft_omission_entry left_out = {WEFT_TEXT("lot:02"), WEFT_TEXT("serial:060")};
    EXPECT_EQ(0, weft_omission_compare(&left_out, &entries[30]));
    EXPECT_EQ(WEFT_OK, weft_omission_verify(&before, &first, NULL));
    EXPECT_EQ(WEFT_OMISSION_PRESENT, weft_omission_find(&before, &left_out));
    /* The next index does not have it any more. */
    struct weft_omission_entry kept[2] = {entries[29], entries[31]};
    struct weft_digest more[ENTRIES_MAX];
    for (uint32_t i = 30; i < 49; i++) {
        leaves[i] = leaves[i + 1];
    }
    memcpy(more, leaves, sizeof(more));
    count = 49;
    second = head();
    after = (struct weft_omission_section){.size = 49, .first = 29, .count = 2, .entries = kept};
    EXPECT_EQ(WEFT_OK, weft_omission_prove(&after, get_root, more));
    EXPECT_EQ(WEFT_OK, weft_omission_verify(&after, &second, NULL));
    struct weft_omission_section one = {.size = 50, .first = 30, .count = 1, .entries = &left_out};
    memcpy(one.hashes, before.hashes, sizeof(one.hashes));
    one.hash_count = before.hash_count;
    EXPECT_EQ(WEFT_OK, weft_omission_verify(&one, &first, NULL));
    EXPECT_TRUE(weft_omission_is_proof(&one, &after, &left_out));
    EXPECT_TRUE(!weft_omission_is_proof(&after, &one, &left_out));
    EXPECT_TRUE(!weft_omission_is_proof(&one, &one, &left_out));
}

TEST(omission, comes_back_as_it_was_written_and_in_no_other_form)
{
    struct weft_arena arena = {.size_max = 8 << 20};
    struct weft_buffer out = {0}, again = {0};
    struct weft_omission_section section, read;
    struct weft_msg msg;
    make(50);
    struct weft_merkle_head of = head();
    section = prove(10, 20);
    EXPECT_EQ(WEFT_OK, weft_omission_encode(&section, &out));
    EXPECT_EQ(WEFT_OK,
        weft_omission_decode((struct weft_bytes){out.data, out.size}, &arena, &read, &msg));
    EXPECT_EQ(WEFT_OK, weft_omission_verify(&read, &of, &msg));
    EXPECT_EQ(WEFT_OK, weft_omission_encode(&read, &again));
    EXPECT_EQ(out.size, again.size);
    EXPECT_MEM(out.data, again.data, out.size);
    for (size_t size = 0; size < out.size; size++) {
        EXPECT_EQ(WEFT_EMALFORMED,
            weft_omission_decode((struct weft_bytes){out.data, size}, &arena, &read, &msg));
    }
    EXPECT_EQ(WEFT_OK, weft_buffer_append(&out, "x", 1));
    EXPECT_EQ(WEFT_EMALFORMED,
        weft_omission_decode((struct weft_bytes){out.data, out.size}, &arena, &read, &msg));
    static const uint8_t longer[] = {0x80, 0x00, 0, 0, 0}; /* 0 in two bytes. */
    EXPECT_EQ(WEFT_EMALFORMED,
        weft_omission_decode((struct weft_bytes){longer, sizeof(longer)}, &arena, &read, &msg));
    struct weft_arena small = {.size_max = 32};
    EXPECT_EQ(WEFT_ENOMEM,
        weft_omission_decode((struct weft_bytes){again.data, again.size}, &small, &read, &msg));
    static char text[WEFT_OMISSION_TEXT_SIZE_MAX + 1];
    memset(text, 'x', sizeof(text));
    struct weft_omission_entry entry = {{text, sizeof(text)}, WEFT_TEXT("")};
    section = (struct weft_omission_section){.size = 1, .count = 1, .entries = &entry};
    EXPECT_EQ(WEFT_ETOOBIG, weft_omission_encode(&section, &out));
    weft_arena_destroy(&small);
    weft_arena_destroy(&arena);
    weft_buffer_destroy(&out);
    weft_buffer_destroy(&again);
}

TEST(omission, a_section_has_so_many_entries)
{
    static uint8_t bytes[8 + 2 * (WEFT_OMISSION_ENTRIES_MAX + 1)];
    struct weft_omission_section read;
    struct weft_arena arena = {.size_max = 8 << 20};
    uint8_t *p = bytes;
    *p++ = 0x81; /* 16,385 as a varint. */
    *p++ = 0x80;
    *p++ = 0x01;
    *p++ = 0;
    *p++ = 0x81;
    *p++ = 0x80;
    *p++ = 0x01;
    EXPECT_EQ(WEFT_ETOOBIG,
        weft_omission_decode((struct weft_bytes){bytes, sizeof(bytes)}, &arena, &read, NULL));
    weft_arena_destroy(&arena);
}
