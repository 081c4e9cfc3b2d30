#include "federation/cells/shared.h"

#include <stdlib.h>
#include <string.h>

#include "tests/lib/test.h"
#include "tests/unit/federation/cells/cell_rig.h"
#include "tests/unit/federation/cells/shelf.h"

static struct shelf shelves[2];
static void clear(void)
{
    shelves[0].count = shelves[1].count = 0;
}

static struct weft_shared_store store_of(int at)
{
    return shelf_store(&shelves[at]);
}

static struct weft_digest put(int at, const struct weft_digest *cell, uint64_t state)
{
    struct weft_digest root, digest = rig_digest(state);
    struct weft_shared_store store = store_of(at);
    EXPECT_EQ(WEFT_OK, weft_shared_put(&store, cell, state != 0 ? &digest : NULL, &root));
    return root;
}

/* The value is another program's. */
TEST(cell_shared, a_leaf_is_of_a_subject_and_of_the_states_of_its_cells)
{
    const struct weft_digest subject = {{0}};
    struct weft_digest states[2], expected;
    memset(&states[0], 1, sizeof(states[0]));
    memset(&states[1], 2, sizeof(states[1]));
    EXPECT_EQ(WEFT_OK,
        weft_digest_parse(
            WEFT_TEXT("sha256:b6387672d9f0fbe54bf72d67f1146e3794f0a7c00bd9595d036276af1558e714"),
            &expected));
    struct weft_digest leaf = weft_shared_leaf(&subject, states, 2);
    EXPECT_MEM(&expected, &leaf, sizeof(leaf));
    leaf = weft_shared_leaf(&subject, states, 1);
    EXPECT_TRUE(!weft_digest_equal(&expected, &leaf));
}

/* Cells that share their first nibbles: most of the digest's first bytes are taken from few. */
static struct weft_digest near_cell(uint64_t number)
{
    struct weft_digest cell = rig_digest(number);
    cell.bytes[0] = 0xab;
    cell.bytes[1] = (uint8_t)(0xc0 | (cell.bytes[1] & 1));
    return cell;
}

TEST(cell_shared, root_follows_from_what_is_in_it_and_not_from_what_came_first)
{
    for (uint32_t round = 0; round < 60; round++) {
        uint32_t count = 1 + (uint32_t)test_random(40);
        struct weft_digest root[2] = {{{0}}, {{0}}};
        uint64_t base = test_random(0) >> 8;
        clear();
        for (uint32_t i = 0; i < count; i++) {
            struct weft_digest cell = near_cell(base + i);
            root[0] = put(0, &cell, i + 1);
        }
        /* Backwards, with states that change and cells that go again. */
        for (uint32_t i = count; i > 0; i--) {
            struct weft_digest cell = near_cell(base + i - 1), gone = near_cell(base + 1000 + i);
            (void)put(1, &cell, 7000 + i);
            (void)put(1, &gone, 1);
        }
        for (uint32_t i = count; i > 0; i--) {
            struct weft_digest cell = near_cell(base + i - 1), gone = near_cell(base + 1000 + i);
            (void)put(1, &gone, 0);
            root[1] = put(1, &cell, i);
        }
        EXPECT_MEM(&root[0], &root[1], sizeof(root[0]));
        EXPECT_EQ(shelf_count(&shelves[0]), shelf_count(&shelves[1]));
    }
}

/* By the cells' order. */
static int by_cell(const void *a, const void *b)
{
    const struct weft_shared_change *x = a, *y = b;
    return memcmp(&x->cell, &y->cell, sizeof(x->cell));
}

/* FED-120: nodes that are written and erased too, so what is kept is the same. */
TEST(cell_shared, many_changes_at_once_come_to_what_they_do_one_by_one)
{
    enum {
        CHANGES = 24
    };
    for (uint32_t round = 0; round < 300; round++) {
        struct weft_shared_store store = store_of(1);
        const uint32_t pool = 2 + (uint32_t)test_random(60);
        clear();
        for (uint32_t entry = 0; entry < 6; entry++) {
            struct weft_shared_change changes[CHANGES];
            struct weft_digest root[2] = {{{0}}, {{0}}};
            uint32_t wanted = 1 + (uint32_t)test_random(CHANGES), count = 0;
            for (uint32_t i = 0; i < wanted; i++) {
                const uint32_t number = (uint32_t)test_random(pool);
                const bool is_gone = test_random(3) == 0;
                const struct weft_digest cell =
                    number % 3 == 0 ? rig_digest(number) : near_cell(number);
                bool is_twice = false;
                for (uint32_t k = 0; k < count; k++) {
                    is_twice = is_twice || weft_digest_equal(&changes[k].cell, &cell);
                }
                if (!is_twice) {
                    const uint64_t state = 1 + test_random(5);
                    changes[count++] =
                        (struct weft_shared_change){cell, is_gone, rig_digest(state)};
                    root[0] = put(0, &cell, is_gone ? 0 : state);
                }
            }
            qsort(changes, count, sizeof(changes[0]), by_cell);
            EXPECT_EQ(WEFT_OK, weft_shared_put_all(&store, changes, count, &root[1]));
            EXPECT_MEM(&root[0], &root[1], sizeof(root[0]));
            EXPECT_EQ(shelf_count(&shelves[0]), shelf_count(&shelves[1]));
        }
    }
}

TEST(cell_shared, a_state_that_differs_gives_another_root_and_is_found_by_descending)
{
    struct weft_digest root[2] = {{{0}}, {{0}}};
    clear();
    for (uint32_t i = 0; i < 300; i++) {
        struct weft_digest cell = rig_digest(i);
        root[0] = put(0, &cell, i + 1);
        root[1] = put(1, &cell, i == 123 ? 9999 : i + 1);
    }
    EXPECT_TRUE(!weft_digest_equal(&root[0], &root[1]));
    struct weft_shared_path path = {.depth = 0};
    struct weft_shared_node mine, theirs;
    uint32_t rounds = 0;
    for (;;) {
        EXPECT_EQ(WEFT_OK, shelf_read(&shelves[0], &path, &mine));
        EXPECT_EQ(WEFT_OK, shelf_read(&shelves[1], &path, &theirs));
        uint16_t differ = weft_shared_differ(&mine, &theirs);
        EXPECT_EQ(1, __builtin_popcount(differ));
        uint32_t slot = (uint32_t)__builtin_ctz(differ);
        rounds++;
        if (mine.slots[slot].type == WEFT_SHARED_LEAF) {
            struct weft_digest cell = rig_digest(123);
            EXPECT_MEM(&cell, &mine.slots[slot].cell, sizeof(cell));
            break;
        }
        path = weft_shared_below(&path, slot);
    }
    EXPECT_TRUE(rounds >= 2 && rounds <= 4);
}

TEST(cell_shared, a_change_reads_one_path)
{
    clear();
    for (uint32_t i = 0; i < 500; i++) {
        struct weft_digest cell = rig_digest(i);
        (void)put(0, &cell, i + 1);
    }
    struct weft_digest cell = rig_digest(77), state;
    struct weft_shared_store store = store_of(0);
    shelves[0].reads = 0;
    (void)put(0, &cell, 5);
    EXPECT_TRUE(shelves[0].reads <= 4);
    EXPECT_EQ(WEFT_OK, weft_shared_get(&store, &cell, &state));
    struct weft_digest expected = rig_digest(5);
    EXPECT_MEM(&expected, &state, sizeof(state));
    cell = rig_digest(501);
    EXPECT_EQ(WEFT_ENOTFOUND, weft_shared_get(&store, &cell, &state));
}

TEST(cell_shared, a_node_that_is_missing_or_another_is_damage)
{
    struct weft_digest root, state = rig_digest(1), cell = rig_digest(3);
    struct weft_shared_store store = store_of(0);
    clear();
    for (uint32_t i = 0; i < 300; i++) {
        struct weft_digest other = rig_digest(i);
        (void)put(0, &other, i + 1);
    }
    struct weft_shared_path path = {.depth = 0};
    path = weft_shared_below(&path, cell.bytes[0] >> 4);
    struct shelf_node *kept = shelf_find(&shelves[0], &path);
    kept->bytes[kept->size - 1] ^= 1;
    EXPECT_EQ(WEFT_ECORRUPT, weft_shared_put(&store, &cell, &state, &root));
    EXPECT_EQ(WEFT_ECORRUPT, weft_shared_get(&store, &cell, &state));
    kept->size = 0;
    EXPECT_EQ(WEFT_ECORRUPT, weft_shared_put(&store, &cell, &state, &root));
}

TEST(cell_shared, what_no_trie_has_is_refused)
{
    struct weft_shared_path root = {.depth = 0};
    struct weft_shared_path below = weft_shared_below(&root, 10);
    struct weft_shared_node node = {.slots = {{.type = WEFT_SHARED_EMPTY}}}, again;
    uint8_t bytes[WEFT_SHARED_NODE_SIZE_MAX];
    struct weft_digest cell = near_cell(1), other = near_cell(2);
    cell.bytes[0] = 0xa1;
    other.bytes[0] = 0xa2;
    node.slots[1] = (struct weft_shared_slot){WEFT_SHARED_LEAF, cell, rig_digest(1)};
    size_t size = weft_shared_encode(&node, bytes);
    EXPECT_EQ(68, size);
    EXPECT_EQ(WEFT_EMALFORMED, /* A node below the root with one cell. */
        weft_shared_decode((struct weft_bytes){bytes, size}, &below, &again, NULL));
    EXPECT_EQ(WEFT_EMALFORMED, /* A cell of elsewhere: the root's slot 1. */
        weft_shared_decode((struct weft_bytes){bytes, size}, &root, &again, NULL));
    node.slots[2] = (struct weft_shared_slot){WEFT_SHARED_LEAF, other, rig_digest(1)};
    size = weft_shared_encode(&node, bytes);
    EXPECT_EQ(WEFT_OK, weft_shared_decode((struct weft_bytes){bytes, size}, &below, &again, NULL));
    EXPECT_EQ(0, weft_shared_differ(&node, &again));
    EXPECT_EQ(WEFT_EMALFORMED,
        weft_shared_decode((struct weft_bytes){bytes, size - 1}, &below, &again, NULL));
    EXPECT_EQ(
        WEFT_EMALFORMED, weft_shared_decode((struct weft_bytes){bytes, 3}, &below, &again, NULL));
    bytes[3] = bytes[1]; /* Leaf and node at once. */
    EXPECT_EQ(WEFT_EMALFORMED,
        weft_shared_decode((struct weft_bytes){bytes, size}, &below, &again, NULL));
    memset(bytes, 0, 4); /* Empty: of the root alone. */
    EXPECT_EQ(WEFT_OK, weft_shared_decode((struct weft_bytes){bytes, 4}, &root, &again, NULL));
    EXPECT_EQ(
        WEFT_EMALFORMED, weft_shared_decode((struct weft_bytes){bytes, 4}, &below, &again, NULL));
    struct weft_shared_path deepest = {.depth = WEFT_SHARED_DEPTH_MAX};
    memset(bytes, 0, sizeof(bytes));
    bytes[3] = 3;
    EXPECT_EQ(WEFT_EMALFORMED,
        weft_shared_decode((struct weft_bytes){bytes, 68}, &deepest, &again, NULL));
}

TEST(cell_shared, cells_part_at_their_last_nibble)
{
    struct weft_digest a = rig_digest(1), b = a, root[2];
    b.bytes[31] ^= 1;
    clear();
    (void)put(0, &a, 1);
    root[0] = put(0, &b, 2);
    (void)put(1, &b, 2);
    root[1] = put(1, &a, 1);
    EXPECT_MEM(&root[0], &root[1], sizeof(root[0]));
    EXPECT_EQ(64, shelf_count(&shelves[0]));
    root[0] = put(0, &b, 0);
    EXPECT_EQ(1, shelf_count(&shelves[0]));
}

/* --- two sides ------------------------------------------------------------------------------- */

enum {
    CELLS = 6
};

static struct rig_world worlds[CELLS];
static struct rig_side sides[2][CELLS];

/* A side works a cell out again. */
static struct weft_digest settle(int at, uint32_t cell)
{
    struct weft_digest root, id = rig_digest(9000 + cell);
    struct rig_side *side = &sides[at][cell];
    const struct weft_cell_answer *answer = rig_judge(side, worlds[cell].rule);
    struct weft_digest state = weft_cell_state(&id, &side->set, answer);
    struct weft_shared_store store = store_of(at);
    EXPECT_EQ(WEFT_OK, weft_shared_put(&store, &id, &state, &root));
    return root;
}

/* Statement number `n` of the world comes to a side. */
static struct weft_digest come(int at, uint32_t cell, uint32_t n)
{
    struct rig_world *w = &worlds[cell];
    if (n >= w->count) {
        rig_hand(&sides[at][cell], &w->handoffs[n - w->count]);
    } else {
        rig_add(&sides[at][cell], &w->statements[n]);
    }
    return settle(at, cell);
}

/* What is its own at once, what is the other's when the link is there again: each side sees both
 * streams in their order, in another mixture. */
TEST(cell_shared, two_sides_that_have_the_same_statements_by_different_ways_have_one_root)
{
    uint32_t differed = 0;
    for (uint32_t round = 0; round < 200; round++) {
        struct weft_digest root[2] = {{{0}}, {{0}}};
        clear();
        for (uint32_t c = 0; c < CELLS; c++) {
            rig_draw(&worlds[c], (enum weft_cell_rule)((c + round) % WEFT_CELL_RULES), 8);
            rig_empty(&sides[0][c]);
            rig_empty(&sides[1][c]);
        }
        for (int own = 1; own >= 0; own--) {
            for (uint32_t c = 0; c < CELLS; c++) {
                uint32_t count = worlds[c].count + worlds[c].handoff_count;
                for (uint32_t n = 0; n < count; n++) {
                    struct weft_text author = n < worlds[c].count
                                                  ? worlds[c].statements[n].author
                                                  : worlds[c].handoffs[n - worlds[c].count].author;
                    int of = weft_cell_is_of(author, rig_parties[0]) ? 0 : 1;
                    for (int at = 0; at < 2; at++) {
                        if ((of == at) == (own == 1)) {
                            root[at] = come(at, c, n);
                        }
                    }
                }
            }
            differed += own == 1 && !weft_digest_equal(&root[0], &root[1]);
        }
        EXPECT_MEM(&root[0], &root[1], sizeof(root[0]));
    }
    for (uint32_t c = 0; c < CELLS; c++) {
        rig_end(&sides[0][c]);
        rig_end(&sides[1][c]);
    }
    EXPECT_TRUE(differed > 150); /* While the link was down. */
}
