#include "policy/tile_builder.h"

#include <stdlib.h>

#include "tests/lib/audit_log.h"
#include "tests/lib/test.h"
#include "tests/unit/policy/naive_tree.h"

enum {
    LEAVES = 66000 /* Three levels. */
};

static struct naive_hash leaves[LEAVES];
static struct audit_files files;
static struct weft_tile_builder tree, loaded;

static enum weft_err put_tile(
    void *ctx, const struct weft_tile *tile, const struct weft_digest *hashes, struct weft_msg *msg)
{
    char path[WEFT_TILE_PATH_SIZE];
    (void)msg;
    EXPECT_TRUE(!tile->is_bundle);
    weft_tile_format(tile, path);
    audit_files_put(
        ctx, path, (struct weft_bytes){hashes[0].bytes, (size_t)tile->width * WEFT_DIGEST_SIZE});
    return WEFT_OK;
}

static void append(size_t i)
{
    struct weft_digest leaf;
    memcpy(leaf.bytes, leaves[i].bytes, sizeof(leaf.bytes));
    EXPECT_EQ(WEFT_OK, weft_tile_builder_append(&tree, &leaf, put_tile, &files, NULL));
}

static void expect_root(const struct weft_tile_builder *b, size_t size)
{
    struct weft_digest root = weft_tile_builder_root(b);
    struct naive_hash expected = naive_root(leaves, size);
    EXPECT_EQ(size, b->size);
    EXPECT_MEM(expected.bytes, root.bytes, WEFT_DIGEST_SIZE);
}

/* tlog-tiles: MTH(D[(n * 256 + i) * 256**l : (n * 256 + i + 1) * 256**l]). */
static void expect_tile(const struct weft_tile *tile)
{
    char path[WEFT_TILE_PATH_SIZE];
    size_t below = (size_t)1 << tile->level * WEFT_TILE_HEIGHT;
    weft_tile_format(tile, path);
    const struct audit_file *file = audit_files_find(&files, path);
    EXPECT_TRUE(file != NULL);
    EXPECT_EQ(tile->width * WEFT_DIGEST_SIZE, file->size);
    for (unsigned i = 0; i < tile->width; i++) {
        struct naive_hash hash =
            naive_root(leaves + (tile->index * WEFT_TILE_WIDTH + i) * below, below);
        EXPECT_MEM(hash.bytes, file->data + (size_t)i * WEFT_DIGEST_SIZE, WEFT_DIGEST_SIZE);
    }
}

static void make_tree(size_t size)
{
    memset(&tree, 0, sizeof(tree));
    for (size_t i = 0; i < size; i++) {
        uint64_t data = test_random(0);
        leaves[i] = naive_leaf(&data, sizeof(data));
        append(i);
    }
    EXPECT_EQ(WEFT_OK, weft_tile_builder_partials(&tree, put_tile, &files, NULL));
}

/* POL-44 */
TEST(tile_builder, makes_the_tiles_of_the_standard_and_no_others)
{
    size_t count = 0;
    make_tree(LEAVES);
    for (unsigned level = 0; level < WEFT_TILE_LEVELS; level++) {
        for (uint64_t i = 0; i < weft_tile_count(LEAVES, level); i++) {
            struct weft_tile tile = {
                .level = level, .index = i, .width = weft_tile_width(LEAVES, level, i)};
            expect_tile(&tile);
            count++;
        }
    }
    EXPECT_EQ(count, files.count);
    expect_root(&tree, LEAVES);
    audit_files_destroy(&files);
}

TEST(tile_builder, has_the_reference_root_at_every_size)
{
    memset(&tree, 0, sizeof(tree));
    make_tree(0);
    expect_root(&tree, 0);
    for (size_t i = 0; i < 600; i++) {
        uint64_t data = test_random(0);
        leaves[i] = naive_leaf(&data, sizeof(data));
        append(i);
        expect_root(&tree, i + 1);
    }
    audit_files_destroy(&files);
}

static enum weft_err get_tile(void *ctx, const struct weft_tile *tile,
    struct weft_digest ret_hashes[WEFT_TILE_WIDTH], struct weft_msg *msg)
{
    char path[WEFT_TILE_PATH_SIZE];
    weft_tile_format(tile, path);
    const struct audit_file *file = audit_files_find(ctx, path);
    return file == NULL ? weft_fail(msg, WEFT_ENOTFOUND, "no %s", path)
                        : weft_tile_hashes((struct weft_bytes){file->data, file->size}, tile->width,
                              ret_hashes, msg);
}

TEST(tile_builder, goes_on_from_its_partial_tiles)
{
    static const size_t sizes[] = {0, 1, 255, 256, 257, 65535, 65536, 65537, 65900};
    struct weft_msg msg;
    for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
        make_tree(sizes[s]);
        memset(&loaded, 0xee, sizeof(loaded));
        EXPECT_EQ(WEFT_OK, weft_tile_builder_load(&loaded, sizes[s], get_tile, &files, &msg));
        expect_root(&loaded, sizes[s]);
        tree = loaded;
        for (size_t i = sizes[s]; i < sizes[s] + 20; i++) {
            leaves[i] = naive_leaf(&i, sizeof(i));
            append(i);
        }
        expect_root(&tree, sizes[s] + 20);
        audit_files_destroy(&files);
    }
    EXPECT_EQ(WEFT_ENOTFOUND, weft_tile_builder_load(&loaded, 3, get_tile, &files, &msg));
    EXPECT_TEXT("no tile/0/000.p/3", msg.text);
    EXPECT_EQ(WEFT_ETOOBIG,
        weft_tile_builder_load(&loaded, WEFT_MERKLE_SIZE_MAX + 1, get_tile, &files, &msg));
}

static enum weft_err no_room(
    void *ctx, const struct weft_tile *tile, const struct weft_digest *hashes, struct weft_msg *msg)
{
    (void)ctx, (void)tile, (void)hashes;
    return weft_fail(msg, WEFT_ENOSPC, "full");
}

TEST(tile_builder, passes_on_that_a_tile_was_not_taken)
{
    struct weft_digest leaf = weft_merkle_leaf("a", 1);
    memset(&tree, 0, sizeof(tree));
    for (int i = 0; i < 255; i++) {
        EXPECT_EQ(WEFT_OK, weft_tile_builder_append(&tree, &leaf, no_room, NULL, NULL));
    }
    EXPECT_EQ(WEFT_ENOSPC, weft_tile_builder_partials(&tree, no_room, NULL, NULL));
    EXPECT_EQ(WEFT_ENOSPC, weft_tile_builder_append(&tree, &leaf, no_room, NULL, NULL));
    memset(&tree, 0, sizeof(tree));
    tree.size = WEFT_MERKLE_SIZE_MAX;
    tree.levels[7].count = 128;
    EXPECT_EQ(WEFT_ETOOBIG, weft_tile_builder_append(&tree, &leaf, no_room, NULL, NULL));
}
