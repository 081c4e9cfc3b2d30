/* Statements and aliases together, as a driver handles them: sets that join and part again take
 * their cells with them, and what is left follows from what came, not from when. */
#include <string.h>

#include "tests/lib/test.h"
#include "tests/unit/federation/cells/desk.h"

enum {
    SUBJECTS = 5,
    STATEMENTS = 7,
    WORDS = 8,
    ITEMS = STATEMENTS + WORDS,
    ORDERS = 30,
};

static const struct weft_text parties[2] = {WEFT_TEXT("a.example"), WEFT_TEXT("b.example")};
static const struct weft_text sites[2] = {WEFT_TEXT("a.example/p1"), WEFT_TEXT("b.example/q1")};
static const struct weft_subject_name names[SUBJECTS] = {
    {WEFT_TEXT("a.example/p1"), WEFT_TEXT("serial"), WEFT_TEXT("box/7")},
    {WEFT_TEXT("a.example/p1"), WEFT_TEXT("serial"), WEFT_TEXT("box/8")},
    {WEFT_TEXT("b.example/q1"), WEFT_TEXT("serial"), WEFT_TEXT("B7")},
    {WEFT_TEXT("b.example/q1"), WEFT_TEXT("serial"), WEFT_TEXT("B8")},
    {WEFT_TEXT(""), WEFT_TEXT("uuid"), WEFT_TEXT("urn:uuid:7")}};

static struct desk_item items[ITEMS];
static struct desk desk;

static struct weft_digest random_digest(void)
{
    uint64_t number = test_random(0);
    return weft_sha256(&number, sizeof(number));
}

static void draw(void)
{
    static const char *const verdicts[] = {"PASS", "FAIL", "BLOCK"};
    for (uint32_t i = 0; i < STATEMENTS; i++) {
        uint64_t subject = test_random(SUBJECTS), site = test_random(2), word = test_random(3);
        items[i] = (struct desk_item){.subject = weft_subject_of(&names[subject]),
            .statement = {.digest = random_digest(),
                .act = WEFT_CELL_SAY,
                .author = sites[site],
                .revision = {1, i, 0},
                .value = weft_text_of(verdicts[word])}};
    }
    for (uint32_t i = STATEMENTS; i < ITEMS; i++) {
        uint64_t a = test_random(SUBJECTS), more = 1 + test_random(SUBJECTS - 1);
        uint64_t b = (a + more) % SUBJECTS, site = test_random(2), revision = test_random(9);
        bool is_denied = test_random(4) == 0;
        items[i] = (struct desk_item){.is_alias = true,
            .names = {names[a], names[b]},
            .subjects = {weft_subject_of(&names[a]), weft_subject_of(&names[b])},
            .word = {random_digest(), sites[site], {1, revision, 0}, is_denied}};
    }
}

static void take_all(const uint8_t order[ITEMS])
{
    desk_open(&desk, WEFT_CELL_JOIN, parties[0], parties[1], WEFT_TEXT("inspection"),
        WEFT_TEXT("verdict"));
    for (uint32_t i = 0; i < ITEMS; i++) {
        desk_take(&desk, &items[order[i]]);
    }
}

/* Cells that the trie should have: one for each set of which something is stated. */
static uint32_t count_cells(void)
{
    uint32_t cells = 0;
    for (uint32_t s = 0; s < SUBJECTS; s++) {
        struct weft_digest subject = weft_subject_of(&names[s]);
        struct weft_alias_set set = desk_set(&desk, &subject);
        struct desk_cell cell;
        cells +=
            weft_digest_equal(&set.subjects[0], &subject) && desk_judge(&desk, &subject, &cell);
    }
    return cells;
}

/* Cells that it has. */
static uint32_t count_leaves(void)
{
    uint32_t leaves = 0;
    for (uint32_t i = 0; i < desk.shelf.count; i++) {
        const struct shelf_node *kept = &desk.shelf.nodes[i];
        struct weft_shared_node node;
        if (kept->size != 0) {
            EXPECT_EQ(WEFT_OK, weft_shared_decode((struct weft_bytes){kept->bytes, kept->size},
                                   &kept->path, &node, NULL));
            for (uint32_t slot = 0; slot < WEFT_SHARED_WIDTH; slot++) {
                leaves += node.slots[slot].type == WEFT_SHARED_LEAF;
            }
        }
    }
    return leaves;
}

TEST(desk, cells_follow_their_alias_sets_whatever_came_first)
{
    uint32_t merged = 0;
    for (uint32_t world = 0; world < 150; world++) {
        struct weft_digest expected = {{0}};
        uint8_t order[ITEMS];
        draw();
        for (uint32_t i = 0; i < ITEMS; i++) {
            order[i] = (uint8_t)i;
        }
        for (uint32_t n = 0; n < ORDERS; n++) {
            take_all(order);
            expected = n == 0 ? desk.root : expected;
            EXPECT_MEM(&expected, &desk.root, sizeof(expected));
            EXPECT_EQ(count_cells(), count_leaves());
            merged += count_cells() < 3;
            desk_close(&desk);
            for (uint32_t i = ITEMS; i > 1; i--) {
                uint32_t k = (uint32_t)test_random(i);
                uint8_t swap = order[i - 1];
                order[i - 1] = order[k];
                order[k] = swap;
            }
        }
    }
    EXPECT_TRUE(merged > 100);
}

TEST(desk, a_denial_parts_what_was_joined_and_both_cells_are_there_again)
{
    static struct desk_item words[3];
    struct desk_cell cell;
    draw();
    for (uint32_t i = 0; i < STATEMENTS; i++) {
        items[i].subject = weft_subject_of(&names[i % 2 == 0 ? 0 : 2]);
        items[i].statement.author = sites[i % 2];
        items[i].statement.value = i % 2 == 0 ? WEFT_TEXT("PASS") : WEFT_TEXT("FAIL");
    }
    desk_open(&desk, WEFT_CELL_JOIN, parties[0], parties[1], WEFT_TEXT("inspection"),
        WEFT_TEXT("verdict"));
    for (uint32_t i = 0; i < STATEMENTS; i++) {
        desk_take(&desk, &items[i]);
    }
    struct weft_digest apart = desk.root;
    EXPECT_EQ(2, count_leaves());
    for (uint32_t i = 0; i < 3; i++) {
        words[i] = (struct desk_item){.is_alias = true,
            .names = {names[0], names[2]},
            .subjects = {weft_subject_of(&names[0]), weft_subject_of(&names[2])},
            .word = {random_digest(), sites[i % 2], {i, 0, 0}, i == 2}};
        desk_take(&desk, &words[i]);
        EXPECT_EQ(i == 1 ? 1 : 2, count_leaves());
        EXPECT_TRUE(desk_judge(&desk, &items[0].subject, &cell));
        EXPECT_EQ(i == 1, cell.answer.is_disputed);
    }
    EXPECT_MEM(&apart, &desk.root, sizeof(apart));
    desk_close(&desk);
}
