#include "federation/cells/cell_authority.h"

#include "tests/lib/test.h"

static const struct weft_text kind = WEFT_TEXT("inspection");
static const struct weft_text group = WEFT_TEXT("");
static const struct weft_text a = WEFT_TEXT("a.example/p1");
static const struct weft_text b = WEFT_TEXT("b.example/q1");
static const struct weft_text c = WEFT_TEXT("b.example/q2");

static struct weft_handoff_statement statements[2 * WEFT_CELL_AUTHORITY_HANDOFFS_MAX];
static uint32_t count;
static struct weft_cell_authority authority;

static void state(struct weft_text author, struct weft_text from, struct weft_text to,
    uint64_t epoch, uint64_t until)
{
    struct weft_handoff_statement *s = &statements[count++];
    *s = (struct weft_handoff_statement){.digest = weft_sha256(&count, sizeof(count)),
        .author = author,
        .handoff = {kind, group, from, to, epoch, {until, 0}}};
}

static void hand(struct weft_text from, struct weft_text to, uint64_t epoch, uint64_t until)
{
    state(from, from, to, epoch, until);
    state(to, from, to, epoch, until);
}

static void fold(uint32_t terms)
{
    EXPECT_EQ(WEFT_OK, weft_cell_authority_fold(kind, group, a, 1, statements, count, &authority));
    EXPECT_EQ(terms, authority.count);
}

static void expect_standing(enum weft_cell_authority_standing standing, struct weft_text author,
    uint64_t epoch, uint64_t index)
{
    const struct weft_cell_revision revision = {index, 0};
    EXPECT_EQ(standing, weft_cell_authority_standing(&authority, author, epoch, revision));
}

TEST(cell_authority, is_the_contracts_holders_until_both_sides_hand_it_over)
{
    count = 0;
    fold(1);
    expect_standing(WEFT_CELL_AUTHORITY_HOLDS, a, 1, 100);
    expect_standing(WEFT_CELL_AUTHORITY_NONE, b, 1, 100);
    expect_standing(WEFT_CELL_AUTHORITY_EARLY, b, 2, 100);
    state(a, a, b, 2, 7); /* The old holder alone, */
    fold(1);
    count = 0;
    state(b, a, b, 2, 7); /* the new one alone, */
    fold(1);
    count = 0;
    state(a, a, b, 2, 7);
    state(b, a, b, 2, 8); /* and both, who do not say the same, hand nothing over. */
    fold(1);
    state(b, a, b, 2, 7);
    fold(2);
    expect_standing(WEFT_CELL_AUTHORITY_HOLDS, a, 1, 7);
    expect_standing(WEFT_CELL_AUTHORITY_FENCED, a, 1, 8);
    expect_standing(WEFT_CELL_AUTHORITY_HOLDS, b, 2, 1);
    expect_standing(WEFT_CELL_AUTHORITY_NONE, a, 2, 8);
}

TEST(cell_authority, goes_from_epoch_to_epoch_in_whatever_order_handoffs_come)
{
    count = 0;
    hand(c, a, 4, 30);
    hand(b, c, 3, 20);
    fold(1);
    hand(a, b, 2, 10);
    fold(4);
    expect_standing(WEFT_CELL_AUTHORITY_FENCED, c, 3, 31);
    expect_standing(WEFT_CELL_AUTHORITY_HOLDS, a, 4, 1000);
    expect_standing(WEFT_CELL_AUTHORITY_FENCED, a, 1, 1000);
}

TEST(cell_authority, moves_by_its_holders_word_alone)
{
    count = 0;
    hand(b, c, 2, 1); /* Who does not have it hands nothing over, */
    fold(1);
    hand(a, b, 3, 1); /* nor does a later epoch begin before its time, */
    fold(1);
    count = 0;
    hand(a, a, 2, 1); /* nor to oneself. */
    fold(1);
    count = 0;
    hand(a, b, 2, 5);
    statements[0].handoff.group = statements[1].handoff.group = WEFT_TEXT("geometry");
    fold(1); /* Of another field group. */
}

TEST(cell_authority, that_is_handed_to_two_is_nobodys_and_the_two_statements_prove_it)
{
    count = 0;
    hand(a, b, 2, 9);
    hand(a, c, 2, 7);
    fold(1);
    EXPECT_TRUE(authority.is_forked);
    expect_standing(WEFT_CELL_AUTHORITY_HOLDS, a, 1, 7);
    expect_standing(WEFT_CELL_AUTHORITY_FENCED, a, 1, 8);
    expect_standing(WEFT_CELL_AUTHORITY_EARLY, b, 2, 1);
    EXPECT_TRUE(memcmp(authority.fork[0].bytes, authority.fork[1].bytes, WEFT_DIGEST_SIZE) < 0);
    struct weft_digest low = authority.fork[0], high = authority.fork[1];
    for (uint32_t i = 0; i < count / 2; i++) { /* Backwards: the same. */
        struct weft_handoff_statement swap = statements[i];
        statements[i] = statements[count - 1 - i];
        statements[count - 1 - i] = swap;
    }
    fold(1);
    EXPECT_MEM(&low, &authority.fork[0], sizeof(low));
    EXPECT_MEM(&high, &authority.fork[1], sizeof(high));
}

TEST(cell_authority, that_is_handed_over_once_in_two_statements_is_handed_over_once)
{
    count = 0;
    hand(a, b, 2, 9);
    hand(a, b, 2, 9);
    fold(2);
    EXPECT_TRUE(!authority.is_forked);
}

TEST(cell_authority, has_limits)
{
    count = 0;
    for (uint64_t epoch = 2; epoch <= WEFT_CELL_AUTHORITY_TERMS_MAX; epoch++) {
        hand(epoch % 2 == 0 ? a : b, epoch % 2 == 0 ? b : a, epoch, epoch);
    }
    fold(WEFT_CELL_AUTHORITY_TERMS_MAX);
    hand(authority.terms[authority.count - 1].holder, c, WEFT_CELL_AUTHORITY_TERMS_MAX + 1, 99);
    EXPECT_EQ(
        WEFT_ETOOBIG, weft_cell_authority_fold(kind, group, a, 1, statements, count, &authority));
    EXPECT_EQ(WEFT_ETOOBIG, weft_cell_authority_fold(kind, group, a, 1, statements,
                                WEFT_CELL_AUTHORITY_HANDOFFS_MAX + 1, &authority));
}
