#include "policy/checkpoint_note.h"

#include "tests/lib/test.h"

/* tlog-checkpoint's example. */
static const char example[] = "example.com/behind-the-sofa\n20852163\n"
                              "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";

static enum weft_err parse(const char *text, struct weft_checkpoint_note *ret, char *ret_why)
{
    struct weft_msg msg = {""};
    enum weft_err err = weft_checkpoint_note_parse(weft_text_of(text), ret, &msg);
    memcpy(ret_why, msg.text, sizeof(msg.text));
    return err;
}

/* POL-45 */
TEST(checkpoint_note, the_standards_example_comes_back_byte_for_byte)
{
    static const char *const texts[] = {example,
        "o\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
        "a b+c "
        "\xc3\xa9\n9223372036854775808\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\nx\ny\n"};
    for (size_t i = 0; i < 3; i++) {
        struct weft_checkpoint_note checkpoint;
        struct weft_buffer out = {0};
        char why[512];
        EXPECT_EQ(WEFT_OK, parse(texts[i], &checkpoint, why));
        EXPECT_EQ(WEFT_OK, weft_checkpoint_note_encode(&checkpoint, &out, NULL));
        EXPECT_EQ(strlen(texts[i]), out.size);
        EXPECT_MEM(texts[i], out.data, out.size);
        weft_buffer_destroy(&out);
    }
    struct weft_checkpoint_note checkpoint;
    char why[512];
    EXPECT_EQ(WEFT_OK, parse(example, &checkpoint, why));
    EXPECT_EQ(20852163, checkpoint.head.size);
    EXPECT_TRUE(weft_text_is(checkpoint.origin, "example.com/behind-the-sofa"));
    EXPECT_EQ(0, checkpoint.extension.size);
}

TEST(checkpoint_note, what_is_none_is_refused_with_its_line)
{
#define ROOT "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
    static const char *const bad[][2] = {{"", "line 1"}, {"o", "line 1"},
        {"\n1\n" ROOT "\n", "line 1"}, {"o\r\n1\n" ROOT "\n", "line 1"},
        {"o\xff\n1\n" ROOT "\n", "line 1"}, {"o\n", "line 2"}, {"o\n\n" ROOT "\n", "line 2"},
        {"o\n01\n" ROOT "\n", "line 2"}, {"o\n00\n" ROOT "\n", "line 2"},
        {"o\n-1\n" ROOT "\n", "line 2"}, {"o\n+1\n" ROOT "\n", "line 2"},
        {"o\n1 \n" ROOT "\n", "line 2"}, {"o\n18446744073709551616\n" ROOT "\n", "line 2"},
        {"o\n1\n", "line 3"}, {"o\n1\n" ROOT, "line 3"}, {"o\n1\nAAAA\n", "line 3"},
        {"o\n1\n" ROOT " \n", "line 3"},
        {"o\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFV=\n", "line 3"},
        {"o\n1\n" ROOT "\n\n", "line 4"}, {"o\n1\n" ROOT "\nx\n\ny\n", "line 5"},
        {"o\n1\n" ROOT "\nx", "line 4"}, {"o\n1\n" ROOT "\nx\r\n", "line 4"}};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct weft_checkpoint_note checkpoint;
        char why[512];
        EXPECT_EQ(WEFT_EMALFORMED, parse(bad[i][0], &checkpoint, why));
        why[6] = '\0';
        EXPECT_TEXT(bad[i][1], why);
    }
}

TEST(checkpoint_note, keeps_to_its_limits)
{
    struct weft_checkpoint_note checkpoint = {.origin = WEFT_TEXT("o")};
    char why[512], text[400];
    EXPECT_EQ(WEFT_ETOOBIG, parse("o\n9223372036854775809\n" ROOT "\n", &checkpoint, why));
    memset(text, 'o', sizeof(text));
    memcpy(text + 255, "\n1\n" ROOT "\n", 49);
    EXPECT_EQ(WEFT_OK, parse(text, &checkpoint, why));
    text[255] = 'o';
    memcpy(text + 256, "\n1\n" ROOT "\n", 49);
    EXPECT_EQ(WEFT_ETOOBIG, parse(text, &checkpoint, why));
#undef ROOT
}

TEST(checkpoint_note, what_would_not_parse_is_not_encoded)
{
    static const char *const origins[] = {"", "a\nb", "a\r", "\xff"};
    struct weft_buffer out = {0};
    for (size_t i = 0; i < 4; i++) {
        struct weft_checkpoint_note checkpoint = {.origin = weft_text_of(origins[i])};
        EXPECT_EQ(WEFT_EINVAL, weft_checkpoint_note_encode(&checkpoint, &out, NULL));
        EXPECT_EQ(0, out.size);
    }
    struct weft_checkpoint_note checkpoint = {
        .origin = WEFT_TEXT("o"), .extension = WEFT_TEXT("no newline")};
    EXPECT_EQ(WEFT_EINVAL, weft_checkpoint_note_encode(&checkpoint, &out, NULL));
    checkpoint.extension = (struct weft_text){"", 0};
    struct weft_buffer small = {.size_max = 20};
    EXPECT_EQ(WEFT_ETOOBIG, weft_checkpoint_note_encode(&checkpoint, &small, NULL));
    EXPECT_EQ(0, small.size);
    weft_buffer_destroy(&small);
    weft_buffer_destroy(&out);
}

/* POL-46 */
TEST(checkpoint_note, a_log_signs_what_continues_what_it_signed_and_nothing_else)
{
    const struct weft_digest a = weft_merkle_leaf("a", 1), b = weft_merkle_leaf("b", 1);
    const struct weft_merkle_head last = {7, a}, more = {9, b}, other = {7, b}, less = {6, b};
    EXPECT_EQ(WEFT_OK, weft_checkpoint_note_may_sign(&last, &a, &last, NULL));
    EXPECT_EQ(WEFT_OK, weft_checkpoint_note_may_sign(&last, &a, &more, NULL));
    EXPECT_EQ(WEFT_ECONFLICT, weft_checkpoint_note_may_sign(&last, &b, &more, NULL));
    EXPECT_EQ(WEFT_ECONFLICT, weft_checkpoint_note_may_sign(&last, &b, &other, NULL));
    EXPECT_EQ(WEFT_ECONFLICT, weft_checkpoint_note_may_sign(&last, &a, &other, NULL));
    EXPECT_EQ(WEFT_ESTATE, weft_checkpoint_note_may_sign(&last, &a, &less, NULL));
}

TEST(checkpoint_note, one_size_with_two_roots_is_a_split_view)
{
    struct weft_checkpoint_note a = {.origin = WEFT_TEXT("o"), .head = {3, weft_merkle_empty()}};
    struct weft_checkpoint_note b = a;
    EXPECT_TRUE(!weft_checkpoint_note_is_split(&a, &b));
    b.head.root.bytes[31] ^= 1;
    EXPECT_TRUE(weft_checkpoint_note_is_split(&a, &b));
    b.head.size = 4;
    EXPECT_TRUE(!weft_checkpoint_note_is_split(&a, &b));
    b.head.size = 3;
    b.origin = WEFT_TEXT("p");
    EXPECT_TRUE(!weft_checkpoint_note_is_split(&a, &b));
}
