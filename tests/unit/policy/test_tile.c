#include "policy/tile.h"

#include "tests/lib/test.h"

static void expect_path(const char *path, struct weft_tile tile)
{
    char text[WEFT_TILE_PATH_SIZE];
    struct weft_tile back;
    weft_tile_format(&tile, text);
    EXPECT_TEXT(path, text);
    EXPECT_EQ(WEFT_OK, weft_tile_parse(weft_text_of(path), &back));
    EXPECT_EQ(tile.is_bundle, back.is_bundle);
    EXPECT_EQ(tile.level, back.level);
    EXPECT_TRUE(tile.index == back.index);
    EXPECT_EQ(tile.width, back.width);
}

TEST(tile, has_the_path_that_the_standard_gives_it)
{
    expect_path("tile/0/x001/x234/067", (struct weft_tile){false, 0, 1234067, 256});
    expect_path("tile/0/000", (struct weft_tile){false, 0, 0, 256});
    expect_path("tile/2/000.p/1", (struct weft_tile){false, 2, 0, 1});
    expect_path("tile/0/273.p/112", (struct weft_tile){false, 0, 273, 112});
    expect_path("tile/entries/273.p/112", (struct weft_tile){true, 0, 273, 112});
    expect_path("tile/entries/x001/000", (struct weft_tile){true, 0, 1000, 256});
    expect_path("tile/7/x018/x446/x744/x073/x709/x551/615.p/255",
        (struct weft_tile){false, 7, UINT64_MAX, 255});
}

TEST(tile, any_other_spelling_of_a_path_is_malformed)
{
    static const char *const bad[] = {"", "tile", "tile/", "tile/0/", "tile/8/000", "tile/00/000",
        "tile/-1/000", "tile/entries", "tile/entries/", "tile/0/00", "tile/0/0000", "tile/0/x000",
        "tile/0/x000/001", "tile/0/x001", "tile/0/x001/", "tile/0/001/001", "tile/0/x001/x002",
        "tile/0/X001/002", "tile/0/000.p/0", "tile/0/000.p/256", "tile/0/000.p/01", "tile/0/000.p/",
        "tile/0/000.p", "tile/0/000.p/1 ", "tile/0/000.p/1/", "tile/0/000/", "/tile/0/000",
        "tile/0/+01", "tile/entries/000.p/999", "tile/x/000", "tile/0//000",
        "tile/0/x018/x446/x744/x073/x709/x551/616", "tile/0/x001/x018/x446/x744/x073/x709/x551/615",
        "tile/0/../000"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct weft_tile tile = {.width = 99};
        EXPECT_EQ(WEFT_EMALFORMED, weft_tile_parse(weft_text_of(bad[i]), &tile));
        EXPECT_EQ(99, tile.width);
    }
}

/* POL-44. "a tree of size 70,000 will be represented by 273 full level 0 tiles, one partial level 0
 * tile of width 112, one full level 1 tile, one partial level 1 tile of width 17, and one partial
 * level 2 tile of width 1. Note that a tree of size 256 ..." */
TEST(tile, has_the_width_that_the_standards_examples_give)
{
    EXPECT_EQ(274, weft_tile_count(70000, 0));
    EXPECT_EQ(256, weft_tile_width(70000, 0, 272));
    EXPECT_EQ(112, weft_tile_width(70000, 0, 273));
    EXPECT_EQ(0, weft_tile_width(70000, 0, 274));
    EXPECT_EQ(2, weft_tile_count(70000, 1));
    EXPECT_EQ(256, weft_tile_width(70000, 1, 0));
    EXPECT_EQ(17, weft_tile_width(70000, 1, 1));
    EXPECT_EQ(1, weft_tile_count(70000, 2));
    EXPECT_EQ(1, weft_tile_width(70000, 2, 0));
    EXPECT_EQ(0, weft_tile_count(70000, 3));
    EXPECT_EQ(1, weft_tile_count(256, 0));
    EXPECT_EQ(256, weft_tile_width(256, 0, 0));
    EXPECT_EQ(1, weft_tile_width(256, 1, 0));
    EXPECT_EQ(0, weft_tile_count(0, 0));
    EXPECT_EQ(0, weft_tile_width(0, 0, 0));
    EXPECT_EQ(0, weft_tile_width(70000, 0, UINT64_MAX));
    EXPECT_EQ(128, weft_tile_width(WEFT_MERKLE_SIZE_MAX, 7, 0));
}

TEST(tile, holds_exactly_its_hashes)
{
    static struct weft_digest hashes[WEFT_TILE_WIDTH];
    uint8_t data[3 * WEFT_DIGEST_SIZE + 1];
    struct weft_msg msg;
    for (size_t i = 0; i < sizeof(data); i++) {
        data[i] = (uint8_t)test_random(256);
    }
    EXPECT_EQ(WEFT_OK, weft_tile_hashes((struct weft_bytes){data, 96}, 3, hashes, &msg));
    EXPECT_MEM(data, hashes, 96);
    EXPECT_EQ(WEFT_EMALFORMED, weft_tile_hashes((struct weft_bytes){data, 95}, 3, hashes, &msg));
    EXPECT_EQ(WEFT_EMALFORMED, weft_tile_hashes((struct weft_bytes){data, 97}, 3, hashes, &msg));
    EXPECT_EQ(WEFT_EMALFORMED, weft_tile_hashes((struct weft_bytes){data, 96}, 2, hashes, &msg));
    EXPECT_TEXT("96 bytes, not 2 hashes of 32", msg.text);
}

TEST(tile, a_bundle_gives_the_entries_that_went_in)
{
    static uint8_t large[WEFT_LEAF_SIZE_MAX + 1];
    static const size_t sizes[] = {0, 1, 255, 256, 257, WEFT_LEAF_SIZE_MAX};
    struct weft_buffer bundle = {0};
    static struct weft_digest hashes[WEFT_TILE_WIDTH];
    struct weft_bytes leaf;
    for (size_t i = 0; i < sizeof(large); i++) {
        large[i] = (uint8_t)test_random(256);
    }
    for (size_t i = 0; i < 6; i++) {
        EXPECT_EQ(WEFT_OK, weft_bundle_append(&bundle, (struct weft_bytes){large, sizes[i]}));
    }
    size_t size = bundle.size;
    EXPECT_EQ(WEFT_ETOOBIG, weft_bundle_append(&bundle, (struct weft_bytes){large, sizeof(large)}));
    EXPECT_EQ(size, bundle.size);
    struct weft_bytes all = {bundle.data, bundle.size}, rest = all;
    EXPECT_EQ(WEFT_OK, weft_bundle_hashes(all, 6, hashes, NULL));
    for (size_t i = 0; i < 6; i++) {
        EXPECT_EQ(WEFT_OK, weft_bundle_next(&rest, &leaf));
        EXPECT_EQ(sizes[i], leaf.size);
        EXPECT_MEM(large, leaf.data, leaf.size);
        struct weft_digest expected = weft_merkle_leaf(large, sizes[i]);
        EXPECT_TRUE(weft_digest_equal(&expected, &hashes[i]));
    }
    EXPECT_EQ(0, rest.size);
    EXPECT_EQ(WEFT_EMALFORMED, weft_bundle_next(&rest, &leaf));
    weft_buffer_destroy(&bundle);
}

TEST(tile, a_bundle_that_is_cut_short_or_too_long_is_refused_with_the_entry)
{
    static struct weft_digest hashes[WEFT_TILE_WIDTH];
    static const uint8_t data[] = {0, 1, 'a', 0, 2, 'b', 'c', 0, 0};
    struct weft_msg msg;
    EXPECT_EQ(WEFT_OK, weft_bundle_hashes((struct weft_bytes){data, 9}, 3, hashes, &msg));
    for (size_t cut = 0; cut < 9; cut++) {
        EXPECT_EQ(
            WEFT_EMALFORMED, weft_bundle_hashes((struct weft_bytes){data, cut}, 3, hashes, &msg));
    }
    EXPECT_TEXT("entry 2 of 3 is cut short", msg.text);
    EXPECT_EQ(WEFT_EMALFORMED, weft_bundle_hashes((struct weft_bytes){data, 9}, 2, hashes, &msg));
    EXPECT_TEXT("2 bytes behind the last of 2 entries", msg.text);
}

TEST(tile, a_bundle_keeps_to_its_buffers_limit)
{
    struct weft_buffer bundle = {.size_max = 10};
    static const uint8_t data[9] = {0};
    EXPECT_EQ(WEFT_ETOOBIG, weft_bundle_append(&bundle, (struct weft_bytes){data, 9}));
    EXPECT_EQ(0, bundle.size);
    EXPECT_EQ(WEFT_OK, weft_bundle_append(&bundle, (struct weft_bytes){data, 8}));
    weft_buffer_destroy(&bundle);
}
