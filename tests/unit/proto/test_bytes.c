#include "proto/bytes.h"

#include <stdio.h>

#include "proto/limits.h"
#include "tests/lib/test.h"

TEST(text, is_ordered_by_bytes_and_shorter_first)
{
    EXPECT_EQ(0, weft_text_compare(WEFT_TEXT("a/b"), WEFT_TEXT("a/b")));
    EXPECT_EQ(-1, weft_text_compare(WEFT_TEXT("a"), WEFT_TEXT("a/b")));
    EXPECT_EQ(1, weft_text_compare(WEFT_TEXT("a/b"), WEFT_TEXT("a")));
    EXPECT_EQ(-1, weft_text_compare(WEFT_TEXT("a"), WEFT_TEXT("b")));
    EXPECT_EQ(-1, weft_text_compare(WEFT_TEXT("z"), WEFT_TEXT("\xc3\xa4"))); /* unsigned bytes */
    EXPECT_EQ(0, weft_text_compare((struct weft_text){NULL, 0}, WEFT_TEXT("")));
    EXPECT_EQ(-1, weft_text_compare((struct weft_text){NULL, 0}, WEFT_TEXT("a")));
}

TEST(text, well_formed_utf8_is_accepted_up_to_each_edge)
{
    static const char *const good[] = {"", "a", "\x01\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80",
        "\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf",
        "eight by\xc3\xa4tes and more"};
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
        EXPECT_TRUE(weft_text_is_utf8(weft_text_of(good[i])));
    }
}

TEST(text, malformed_utf8_is_refused_just_past_each_edge)
{
    static const char *const bad[] = {"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc2", "\xc2\x7f",
        "\xc2\xc0", "\xe0\x9f\xbf", "\xe0\xa0", "\xed\xa0\x80", "\xed\xbf\xbf", "\xef\xbf",
        "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xf0\x90\x80", "\xff", "\xfe"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        EXPECT_TRUE(!weft_text_is_utf8(weft_text_of(bad[i])));
    }
    EXPECT_TRUE(!weft_text_is_utf8((struct weft_text){"a\0b", 3}));
}

TEST(text, the_first_bad_byte_is_found_at_every_offset)
{
    char text[64];
    for (size_t at = 0; at < sizeof(text); at++) {
        memset(text, 'x', sizeof(text));
        text[at] = '\xff';
        EXPECT_EQ(at, weft_text_utf8_prefix((struct weft_text){text, sizeof(text)}));
        text[at] = '\0';
        EXPECT_EQ(at, weft_text_utf8_prefix((struct weft_text){text, sizeof(text)}));
    }
    memset(text, 'x', sizeof(text));
    EXPECT_EQ(sizeof(text), weft_text_utf8_prefix((struct weft_text){text, sizeof(text)}));
}

TEST(buffer, holds_what_was_appended)
{
    struct weft_buffer b = {.size = 0};
    EXPECT_EQ(WEFT_OK, weft_buffer_append(&b, NULL, 0));
    EXPECT_EQ(WEFT_OK, weft_buffer_append(&b, "ab", 2));
    EXPECT_EQ(WEFT_OK, weft_buffer_text(&b, WEFT_TEXT("cd")));
    EXPECT_EQ(WEFT_OK, weft_buffer_format(&b, "%d-%s", 17, "x"));
    EXPECT_EQ(8, b.size);
    EXPECT_MEM("abcd17-x", b.data, 8);
    for (int i = 0; i < 1000; i++) {
        EXPECT_EQ(WEFT_OK, weft_buffer_format(&b, "%04d", i));
    }
    EXPECT_EQ(8 + 4000, b.size);
    EXPECT_MEM("0999", b.data + 4004, 4);
    size_t capacity = b.capacity;
    weft_buffer_clear(&b);
    EXPECT_EQ(0, b.size);
    EXPECT_EQ(capacity, b.capacity);
    weft_buffer_destroy(&b);
    EXPECT_TRUE(b.data == NULL);
}

TEST(buffer, pads_with_zeros_to_the_alignment)
{
    struct weft_buffer b = {.size = 0};
    EXPECT_EQ(WEFT_OK, weft_buffer_pad(&b, 8));
    EXPECT_EQ(0, b.size);
    EXPECT_EQ(WEFT_OK, weft_buffer_append(&b, "abc", 3));
    EXPECT_EQ(WEFT_OK, weft_buffer_pad(&b, 8));
    EXPECT_EQ(8, b.size);
    EXPECT_MEM("abc\0\0\0\0\0", b.data, 8);
    EXPECT_EQ(WEFT_OK, weft_buffer_pad(&b, 8));
    EXPECT_EQ(8, b.size);
    EXPECT_EQ(WEFT_OK, weft_buffer_pad(&b, 1));
    EXPECT_EQ(8, b.size);
    weft_buffer_destroy(&b);
}

TEST(buffer, at_its_limit_it_is_full_and_unchanged)
{
    struct weft_buffer b = {.size_max = 10};
    EXPECT_EQ(WEFT_OK, weft_buffer_append(&b, "0123456789", 10));
    EXPECT_EQ(WEFT_ETOOBIG, weft_buffer_append(&b, "x", 1));
    EXPECT_EQ(WEFT_ETOOBIG, weft_buffer_format(&b, "%d", 1));
    EXPECT_EQ(WEFT_ETOOBIG, weft_buffer_pad(&b, 16));
    EXPECT_EQ(WEFT_ETOOBIG, weft_buffer_reserve(&b, SIZE_MAX));
    EXPECT_EQ(10, b.size);
    EXPECT_MEM("0123456789", b.data, 10);
    weft_buffer_destroy(&b);

    struct weft_buffer standard = {.size = 0};
    EXPECT_EQ(WEFT_ETOOBIG, weft_buffer_reserve(&standard, (size_t)WEFT_BUFFER_SIZE_MAX + 1));
    EXPECT_EQ(WEFT_OK, weft_buffer_reserve(&standard, WEFT_BUFFER_SIZE_MAX));
    weft_buffer_destroy(&standard);
}

TEST(arena, gives_zeroed_aligned_memory_that_does_not_overlap)
{
    struct weft_arena a = {.size_max = 1024 * 1024};
    uint8_t *pieces[200];
    for (size_t i = 0; i < 200; i++) {
        size_t size = 1 + i * 7;
        pieces[i] = weft_arena_alloc(&a, size);
        EXPECT_TRUE(pieces[i] != NULL);
        EXPECT_EQ(0, (uintptr_t)pieces[i] % 16);
        for (size_t j = 0; j < size; j++) {
            EXPECT_EQ(0, pieces[i][j]);
        }
        memset(pieces[i], (int)i, size);
    }
    for (size_t i = 0; i < 200; i++) {
        EXPECT_EQ(i, pieces[i][0]);
        EXPECT_EQ(i, pieces[i][i * 7]);
    }
    weft_arena_destroy(&a);
}

TEST(arena, memory_is_zero_again_after_a_reset)
{
    struct weft_arena a = {.size_max = 1024 * 1024};
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 100; i++) {
            uint8_t *p = weft_arena_alloc(&a, 333);
            EXPECT_TRUE(p != NULL);
            EXPECT_EQ(0, p[0]);
            EXPECT_EQ(0, p[332]);
            memset(p, 0xee, 333);
        }
        EXPECT_EQ(100 * 336, a.used_bytes);
        weft_arena_reset(&a);
        EXPECT_EQ(0, a.used_bytes);
    }
    weft_arena_destroy(&a);
}

TEST(arena, one_big_piece_does_not_outlive_its_message)
{
    struct weft_arena a = {.size_max = 64 * 1024 * 1024};
    EXPECT_TRUE(weft_arena_alloc(&a, 32 * 1024 * 1024) != NULL);
    weft_arena_reset(&a);
    EXPECT_TRUE(a.blocks == NULL);
    EXPECT_TRUE(weft_arena_alloc(&a, 100) != NULL);
    EXPECT_TRUE(weft_arena_alloc(&a, 32 * 1024 * 1024) != NULL);
    weft_arena_reset(&a);
    EXPECT_TRUE(a.blocks != NULL);
    weft_arena_destroy(&a);
}

TEST(arena, ends_at_its_limit_and_on_overflow)
{
    struct weft_arena a = {.size_max = 64};
    EXPECT_TRUE(weft_arena_alloc(&a, 48) != NULL);
    EXPECT_TRUE(weft_arena_alloc(&a, 17) == NULL);
    EXPECT_TRUE(weft_arena_alloc(&a, 16) != NULL);
    EXPECT_TRUE(weft_arena_alloc(&a, 1) == NULL);
    EXPECT_TRUE(weft_arena_alloc(&a, SIZE_MAX) == NULL);
    EXPECT_TRUE(weft_arena_array(&a, SIZE_MAX / 2, 3) == NULL);
    EXPECT_TRUE(weft_arena_text(&a, WEFT_TEXT("x")).data == NULL);
    weft_arena_destroy(&a);

    struct weft_arena none = {.size_max = 0};
    EXPECT_TRUE(weft_arena_alloc(&none, 1) == NULL);
    weft_arena_destroy(&none);
}

TEST(arena, an_empty_piece_is_a_valid_pointer_of_its_own)
{
    struct weft_arena a = {.size_max = 1024};
    void *p = weft_arena_array(&a, 0, 8);
    void *q = weft_arena_alloc(&a, 0);
    EXPECT_TRUE(p != NULL && q != NULL && p != q);
    struct weft_text text = weft_arena_text(&a, WEFT_TEXT("abc"));
    EXPECT_EQ(3, text.size);
    EXPECT_TEXT("abc", text.data);
    text = weft_arena_text(&a, (struct weft_text){NULL, 0});
    EXPECT_TEXT("", text.data);
    weft_arena_destroy(&a);
}

TEST(text, numbers_are_digits_within_64_bits)
{
    uint64_t number = 7;
    EXPECT_TRUE(weft_text_number(WEFT_TEXT("18446744073709551615"), &number));
    EXPECT_TRUE(number == UINT64_MAX);
    EXPECT_TRUE(weft_text_number(WEFT_TEXT("007"), &number) && number == 7);
    static const char *const bad[] = {"", "-1", "+1", "1 ", "0x1", "18446744073709551616", "1e3"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        EXPECT_TRUE(!weft_text_number(weft_text_of(bad[i]), &number));
    }
    EXPECT_EQ(7, number);
}

TEST(bytes, an_exact_number_has_no_leading_zeros)
{
    uint64_t number = 5;
    static const char *const bad[] = {"", "00", "007", "-1", "1x"};
    EXPECT_TRUE(weft_text_exact_number(WEFT_TEXT("0"), &number) && number == 0);
    EXPECT_TRUE(weft_text_exact_number(WEFT_TEXT("70"), &number) && number == 70);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        EXPECT_TRUE(!weft_text_exact_number(weft_text_of(bad[i]), &number));
    }
    EXPECT_EQ(70, number);
}

TEST(bytes, a_text_is_cut_at_the_first_mark)
{
    struct weft_text rest = WEFT_TEXT("a//b"), head, nothing = {NULL, 0};
    EXPECT_TRUE(weft_text_cut(&rest, '/', &head) && weft_text_is(head, "a"));
    EXPECT_TRUE(weft_text_cut(&rest, '/', &head) && head.size == 0);
    EXPECT_TRUE(!weft_text_cut(&rest, '/', &head) && weft_text_is(head, "b") && rest.size == 0);
    EXPECT_TRUE(!weft_text_cut(&rest, '/', &head) && head.size == 0);
    EXPECT_TRUE(!weft_text_cut(&nothing, '/', &head) && head.size == 0);
}

TEST(bytes, a_text_starts_with_what_stands_at_its_begin)
{
    const struct weft_text nothing = {NULL, 0};
    EXPECT_TRUE(weft_text_starts(WEFT_TEXT("key/a"), "key/"));
    EXPECT_TRUE(weft_text_starts(WEFT_TEXT("key/"), "key/"));
    EXPECT_TRUE(!weft_text_starts(WEFT_TEXT("key"), "key/"));
    EXPECT_TRUE(!weft_text_starts(WEFT_TEXT("kex/a"), "key/"));
    EXPECT_TRUE(!weft_text_starts(nothing, "key/"));
}
