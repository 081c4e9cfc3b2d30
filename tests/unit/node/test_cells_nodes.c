#include "node/state/cells_nodes.h"

#include <string.h>

#include "proto/arith.h"
#include "tests/lib/test.h"

enum {
    PATHS = 6000, /* more than the part near the root has places */
    ROUNDS = 60000,
};

/* What was put last; 0: nothing, or it was forgotten. */
static uint32_t known[PATHS];

static struct weft_shared_path path_of(uint32_t number)
{
    struct weft_shared_path path = {.depth = 1 + number % 4};
    weft_put_be64(path.prefix.bytes, (uint64_t)(number / 4) << 48);
    return path;
}

/* The digest need not be the node's here. */
static struct weft_shared_node node_of(uint32_t value, struct weft_digest *ret_digest)
{
    struct weft_shared_node node = {.slots = {{.type = WEFT_SHARED_EMPTY}}};
    for (uint32_t i = 0; i < 2 + value % 14; i++) {
        node.slots[i].type = WEFT_SHARED_NODE;
        weft_put_be32(node.slots[i].digest.bytes, value);
    }
    *ret_digest = (struct weft_digest){{0}};
    weft_put_be32(ret_digest->bytes, ~value);
    return node;
}

static void put(struct weft_cells_nodes *nodes, const uint8_t agreement[16], uint32_t number)
{
    uint8_t bytes[WEFT_SHARED_NODE_SIZE_MAX];
    struct weft_digest digest;
    const struct weft_shared_path path = path_of(number);
    const struct weft_shared_node node = node_of(++known[number], &digest);
    const size_t size = weft_shared_encode(&node, bytes);
    weft_cells_nodes_put(nodes, agreement, &path, (struct weft_bytes){bytes, size}, &digest);
}

/* True: it is known; then as it was put last. */
static bool find(struct weft_cells_nodes *nodes, const uint8_t agreement[16], uint32_t number)
{
    struct weft_shared_node node;
    struct weft_digest digest, expected_digest;
    const struct weft_shared_path path = path_of(number);
    if (!weft_cells_nodes_find(nodes, agreement, &path, &node, &digest)) {
        return false;
    }
    EXPECT_TRUE(known[number] > 0);
    const struct weft_shared_node expected = node_of(known[number], &expected_digest);
    EXPECT_EQ(0, weft_shared_differ(&expected, &node));
    EXPECT_MEM(&expected_digest, &digest, sizeof(digest));
    return true;
}

TEST(cells_nodes, know_what_was_put_last_or_nothing)
{
    static const uint8_t agreement[16] = {1, 2, 3}, other[16] = {1, 2, 4};
    struct weft_cells_nodes nodes = {.places = NULL};
    uint32_t found = 0, missed = 0;
    for (uint32_t i = 0; i < ROUNDS; i++) {
        const uint32_t number = (uint32_t)test_random(PATHS);
        const struct weft_shared_path path = path_of(number);
        const uint64_t what = test_random(8);
        struct weft_shared_node node;
        struct weft_digest digest;
        if (what < 4) {
            put(&nodes, agreement, number);
            EXPECT_TRUE(find(&nodes, agreement, number));
        } else if (what == 4) {
            weft_cells_nodes_forget(&nodes, agreement, &path);
            EXPECT_TRUE(!find(&nodes, agreement, number));
        } else if (known[number] > 0) {
            bool is_found = find(&nodes, agreement, number);
            found += is_found;
            missed += !is_found;
        }
        EXPECT_TRUE(!weft_cells_nodes_find(&nodes, other, &path, &node, &digest));
    }
    EXPECT_TRUE(found > 0 && missed > 0);
    weft_cells_nodes_destroy(&nodes);
}

/* Two that would have one place are both known, as long as nothing else wants theirs. */
TEST(cells_nodes, have_two_places_each)
{
    static const uint8_t agreement[16] = {7};
    struct weft_cells_nodes nodes = {.places = NULL};
    uint32_t found = 0;
    memset(known, 0, sizeof(known));
    for (uint32_t i = 0; i < WEFT_CELLS_NODES_NEAR; i++) {
        put(&nodes, agreement, 4 * i); /* Depth 1: near the root. */
    }
    for (uint32_t i = 0; i < WEFT_CELLS_NODES_NEAR; i++) {
        found += find(&nodes, agreement, 4 * i);
    }
    /* As many as places: 632 of 1,024 are expected with one place each, 747 with two. */
    EXPECT_TRUE(found > 690);
    weft_cells_nodes_destroy(&nodes);
}
