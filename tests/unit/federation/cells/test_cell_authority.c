#include "federation/cells/cell_authority.h"

#include "tests/lib/test.h"

static const struct weft_text kind = WEFT_TEXT("inspection");
static const struct weft_text group = WEFT_TEXT("");
static const struct weft_text a = WEFT_TEXT("a.example/p1");
static const struct weft_text b = WEFT_TEXT("b.example/q1");
static const struct weft_text c = WEFT_TEXT("b.example/q2");

static struct weft_handoff_statement statements[2 * WEFT_CELL_AUTHORITY_HANDOFFS_MAX];
static uint32_t count;
static uint64_t epoch = 1;       /* Of what is stated. */
static uint64_t until_epoch = 1; /* Of where terms end. */
static struct weft_cell_authority authority;

/* In its author's log at the index that is its number, from 1. */
static void state(struct weft_text author, struct weft_text from, struct weft_text to,
    uint64_t number, uint64_t until)
{
    struct weft_handoff_statement *s = &statements[count++];
    *s = (struct weft_handoff_statement){.digest = weft_sha256(&count, sizeof(count)),
        .author = author,
        .revision = {epoch, count, 0},
        .handoff = {kind, group, from, to, number, {until_epoch, until, 0}}};
}

static void hand(struct weft_text from, struct weft_text to, uint64_t number, uint64_t until)
{
    state(from, from, to, number, until);
    state(to, from, to, number, until);
}

static void fold(uint32_t terms)
{
    EXPECT_EQ(WEFT_OK, weft_cell_authority_fold(kind, group, a, 1, statements, count, &authority));
    EXPECT_EQ(terms, authority.count);
}

/* `number`: of the term that it holds in; 0: in none. */
static void expect_standing(enum weft_cell_authority_standing standing, uint64_t number,
    struct weft_text author, uint64_t of_epoch, uint64_t index)
{
    const struct weft_cell_revision revision = {of_epoch, index, 0};
    uint32_t term = UINT32_MAX;
    EXPECT_EQ(standing, weft_cell_authority_standing(&authority, author, revision, &term));
    EXPECT_EQ(number, term < authority.count ? authority.terms[term].number : 0);
}

TEST(cell_authority, is_the_contracts_holders_until_both_sides_hand_it_over)
{
    count = 0;
    fold(1);
    expect_standing(WEFT_CELL_AUTHORITY_HOLDS, 1, a, 1, 100);
    expect_standing(WEFT_CELL_AUTHORITY_HOLDS, 1, a, 2, 50);
    expect_standing(WEFT_CELL_AUTHORITY_NONE, 0, b, 1, 100);
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
    expect_standing(WEFT_CELL_AUTHORITY_HOLDS, 1, a, 1, 7);
    expect_standing(WEFT_CELL_AUTHORITY_FENCED, 0, a, 1, 8);
    expect_standing(WEFT_CELL_AUTHORITY_NONE, 0, b, 1, 3); /* Where it said so, at 3, */
    expect_standing(WEFT_CELL_AUTHORITY_HOLDS, 2, b, 1, 4);
    state(b, a, b, 2, 7); /* the first time. */
    fold(2);
    expect_standing(WEFT_CELL_AUTHORITY_HOLDS, 2, b, 1, 4);
}

/* A log that was restored goes on in a later epoch, at indexes that it had before. */
TEST(cell_authority, ends_and_begins_at_places_in_the_lives_of_logs)
{
    count = 0;
    epoch = until_epoch = 2;
    hand(a, b, 2, 7);
    epoch = until_epoch = 1;
    fold(2);
    expect_standing(WEFT_CELL_AUTHORITY_HOLDS, 1, a, 1, 100); /* Before a's restore. */
    expect_standing(WEFT_CELL_AUTHORITY_HOLDS, 1, a, 2, 7);
    expect_standing(WEFT_CELL_AUTHORITY_FENCED, 0, a, 2, 8);
    expect_standing(WEFT_CELL_AUTHORITY_FENCED, 0, a, 3, 1);
    expect_standing(WEFT_CELL_AUTHORITY_NONE, 0, b, 1, 100);
    expect_standing(WEFT_CELL_AUTHORITY_HOLDS, 2, b, 2, 3);
    expect_standing(WEFT_CELL_AUTHORITY_HOLDS, 2, b, 3, 1); /* Behind b's. */
    count = 0;
    hand(a, b, 2, 7);
    epoch = 5;
    state(a, a, b, 2, 7); /* Said again by who was restored: what it first said counts. */
    epoch = 1;
    fold(2);
    EXPECT_TRUE(!authority.is_forked);
    expect_standing(WEFT_CELL_AUTHORITY_FENCED, 0, a, 1, 8);
    expect_standing(WEFT_CELL_AUTHORITY_FENCED, 0, a, 5, 7);
}

/* FED-133: by the header of the old holder's half nothing is decided. */
TEST(cell_authority, ends_where_both_have_signed)
{
    count = 0;
    epoch = 5; /* He says that his log is in its fifth life, and nobody can tell. */
    state(a, a, b, 2, 7);
    epoch = 1;
    state(b, a, b, 2, 7);
    fold(2);
    expect_standing(WEFT_CELL_AUTHORITY_HOLDS, 1, a, 1, 7);
    expect_standing(WEFT_CELL_AUTHORITY_FENCED, 0, a, 1, 8);
    expect_standing(WEFT_CELL_AUTHORITY_FENCED, 0, a, 5, 1);
    until_epoch = 2; /* Another end is another act: it wants both, too. */
    state(a, a, b, 2, 7);
    until_epoch = 1;
    fold(2);
    EXPECT_TRUE(!authority.is_forked);
    expect_standing(WEFT_CELL_AUTHORITY_FENCED, 0, a, 1, 8);
}

TEST(cell_authority, goes_from_term_to_term_in_whatever_order_handoffs_come)
{
    count = 0;
    hand(c, a, 4, 30);
    hand(b, c, 3, 20);
    fold(1);
    hand(a, b, 2, 10);
    fold(4);
    expect_standing(WEFT_CELL_AUTHORITY_HOLDS, 3, c, 1, 30);
    expect_standing(WEFT_CELL_AUTHORITY_FENCED, 0, c, 1, 31);
    expect_standing(WEFT_CELL_AUTHORITY_HOLDS, 1, a, 1, 2);
    expect_standing(WEFT_CELL_AUTHORITY_HOLDS, 4, a, 1, 3); /* Behind where it had it back. */
    expect_standing(WEFT_CELL_AUTHORITY_HOLDS, 4, a, 1, 1000);
}

TEST(cell_authority, moves_by_its_holders_word_alone)
{
    count = 0;
    hand(b, c, 2, 1); /* Who does not have it hands nothing over, */
    fold(1);
    hand(a, b, 3, 1); /* nor does a later term begin before its time, */
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
    expect_standing(WEFT_CELL_AUTHORITY_HOLDS, 1, a, 1, 7);
    expect_standing(WEFT_CELL_AUTHORITY_FENCED, 0, a, 1, 8);
    expect_standing(WEFT_CELL_AUTHORITY_NONE, 0, b, 1, 100);
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
    for (uint64_t number = 2; number <= WEFT_CELL_AUTHORITY_TERMS_MAX; number++) {
        hand(number % 2 == 0 ? a : b, number % 2 == 0 ? b : a, number, number);
    }
    fold(WEFT_CELL_AUTHORITY_TERMS_MAX);
    hand(authority.terms[authority.count - 1].holder, c, WEFT_CELL_AUTHORITY_TERMS_MAX + 1, 99);
    EXPECT_EQ(
        WEFT_ETOOBIG, weft_cell_authority_fold(kind, group, a, 1, statements, count, &authority));
    EXPECT_EQ(WEFT_ETOOBIG, weft_cell_authority_fold(kind, group, a, 1, statements,
                                WEFT_CELL_AUTHORITY_HANDOFFS_MAX + 1, &authority));
}
