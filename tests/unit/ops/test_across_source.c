#include <string.h>

#include "ops/weft/across_source.h"
#include "tests/lib/test.h"

enum {
    ARENA_SIZE_MAX = 64 * 1024,
};

static void expect_word(const char *coded, enum weft_across_bytes bytes, const char *expected)
{
    struct weft_arena arena = {.size_max = ARENA_SIZE_MAX};
    struct weft_text word;
    EXPECT_TRUE(weft_across_word(weft_text_of(coded), bytes, &arena, &word));
    EXPECT_EQ(strlen(expected), word.size);
    EXPECT_MEM(expected, word.data, word.size);
    weft_arena_destroy(&arena);
}

TEST(across, a_word_has_its_bytes_again)
{
    expect_word("plain", WEFT_ACROSS_ALL, "plain");
    expect_word("two%20words%25", WEFT_ACROSS_ALL, "two words%");
    expect_word("%1B[2J", WEFT_ACROSS_ALL, "\033[2J");
    expect_word("%C3%A9", WEFT_ACROSS_ALL, "\xc3\xa9");
    expect_word("", WEFT_ACROSS_ALL, "");
}

TEST(across, what_is_no_code_stays)
{
    expect_word("%", WEFT_ACROSS_ALL, "%");
    expect_word("%4", WEFT_ACROSS_ALL, "%4");
    expect_word("%4g%4G", WEFT_ACROSS_ALL, "%4g%4G");
    expect_word("%1b", WEFT_ACROSS_ALL, "%1b"); /* Sites write capitals. */
}

TEST(across, nothing_unprintable_for_a_terminal)
{
    expect_word("two%20words", WEFT_ACROSS_PRINTABLE, "two words");
    expect_word("%1B]0;x%07%0A%7F%9B", WEFT_ACROSS_PRINTABLE, "%1B]0;x%07%0A%7F%9B");
}

TEST(across, lines_are_taken_apart)
{
    struct weft_arena arena = {.size_max = ARENA_SIZE_MAX};
    struct weft_text rest = WEFT_TEXT("hole a%20b 2\n\nlast");
    struct weft_across_line line;
    EXPECT_TRUE(weft_across_next(&rest, &arena, &line));
    EXPECT_TRUE(weft_across_is(&line, "hole", 3));
    EXPECT_TRUE(!weft_across_is(&line, "hole", 4));
    EXPECT_TRUE(weft_text_is(line.words[1], "a b"));
    EXPECT_TRUE(weft_across_next(&rest, &arena, &line));
    EXPECT_EQ(0, line.count);
    EXPECT_TRUE(weft_across_next(&rest, &arena, &line));
    EXPECT_TRUE(weft_across_is(&line, "last", 1));
    EXPECT_TRUE(!weft_across_next(&rest, &arena, &line));
    weft_arena_destroy(&arena);
}
