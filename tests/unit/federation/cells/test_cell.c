#include "federation/cells/cell.h"

#include <string.h>

#include "federation/cells/dispute.h"
#include "tests/lib/test.h"
#include "tests/unit/federation/cells/cell_rig.h"

enum {
    A = 0,  /* Authors: a.example/p1, who has authority; */
    B = 1,  /* b.example/q1; */
    A2 = 2, /* a.example/p2; */
    C = 3,  /* c.example/r1, of neither party. */
};

static struct rig_side side;

static void say(uint64_t number, unsigned author, uint64_t index, const char *value)
{
    struct weft_cell_statement s = rig_say(number, author, index, value);
    rig_add(&side, &s);
}

/* Both halves, numbers `number` and `number` + 1. */
static void resolve(uint64_t number, uint64_t index, const char *value, struct weft_digest *names,
    uint32_t name_count)
{
    struct weft_cell_statement s =
        rig_about(number, WEFT_CELL_RESOLVE, A, index, value, names, name_count);
    rig_add(&side, &s);
    s = rig_about(number + 1, WEFT_CELL_RESOLVE, B, index, value, names, name_count);
    rig_add(&side, &s);
}

static void expect(enum weft_cell_rule rule, const char *value, bool is_disputed)
{
    const struct weft_cell_answer *answer = rig_judge(&side, rule);
    EXPECT_EQ(value != NULL, answer->has_value);
    if (value != NULL && answer->has_value) {
        EXPECT_TRUE(weft_text_is(answer->value, value));
    }
    EXPECT_EQ(is_disputed, answer->is_disputed);
}

static bool stands(uint64_t number, uint16_t flags)
{
    return (rig_claim(&side, number) & flags) == flags;
}

/* --- OWNER ----------------------------------------------------------------------------------- */

TEST(cell, owner_gives_the_highest_revision_of_the_authority)
{
    rig_empty(&side);
    say(1, A, 5, "new");
    say(2, A, 3, "old");
    expect(WEFT_CELL_OWNER, "new", false);
    EXPECT_TRUE(stands(1, WEFT_CLAIM_COUNTS | WEFT_CLAIM_EFFECTIVE));
    EXPECT_TRUE(!stands(2, WEFT_CLAIM_EFFECTIVE));
    rig_end(&side);
}

TEST(cell, what_a_party_without_authority_says_is_kept_as_a_claim_and_disputes_if_it_is_another)
{
    rig_empty(&side);
    say(1, A, 5, "x");
    say(2, B, 9, "x");
    expect(WEFT_CELL_OWNER, "x", false);
    EXPECT_TRUE(!stands(2, WEFT_CLAIM_COUNTS));
    say(3, B, 10, "y"); /* B's newest word. */
    expect(WEFT_CELL_OWNER, "x", true);
    EXPECT_TRUE(stands(3, WEFT_CLAIM_OPEN) && !stands(2, WEFT_CLAIM_OPEN));
    EXPECT_EQ(3, side.answer.count);
    rig_end(&side);
}

TEST(cell, what_a_stranger_says_is_kept_and_disputes_nothing)
{
    rig_empty(&side);
    say(1, A, 5, "x");
    say(2, C, 9, "y");
    expect(WEFT_CELL_OWNER, "x", false);
    EXPECT_TRUE(stands(2, WEFT_CLAIM_FOREIGN));
    expect(WEFT_CELL_MATCH, "x", false);
    rig_end(&side);
}

TEST(cell, of_two_digests_for_one_revision_of_the_owner_neither_counts)
{
    rig_empty(&side);
    say(1, A, 3, "old");
    say(2, A, 5, "x");
    say(3, A, 5, "y");
    expect(WEFT_CELL_OWNER, "old", true);
    EXPECT_TRUE(stands(2, WEFT_CLAIM_EQUIVOCAL) && stands(3, WEFT_CLAIM_EQUIVOCAL));
    say(4, A, 6, "new"); /* It goes on; the two are not forgotten. */
    expect(WEFT_CELL_OWNER, "new", true);
    rig_end(&side);
}

/* FED-132: what its log gives again behind a restore is neither the same revision nor older. */
TEST(cell, what_a_restored_site_states_is_behind_what_it_stated_before)
{
    rig_empty(&side);
    say(1, A, 5, "lost");
    say(2, A, 9, "lost too");
    say(3, B, 4, "anew");
    struct weft_cell_statement s = rig_say(4, A, 5, "anew");
    s.revision.epoch = 2;
    rig_add(&side, &s);
    expect(WEFT_CELL_MATCH, "anew", false);
    EXPECT_TRUE(stands(4, WEFT_CLAIM_CURRENT) && !stands(1, WEFT_CLAIM_EQUIVOCAL));
    expect(WEFT_CELL_OWNER, "anew", false);
    s = rig_say(5, A, 5, "and again"); /* Of one life two are two stories. */
    s.revision.epoch = 2;
    rig_add(&side, &s);
    expect(WEFT_CELL_MATCH, NULL, true);
    EXPECT_TRUE(stands(4, WEFT_CLAIM_EQUIVOCAL) && stands(5, WEFT_CLAIM_EQUIVOCAL));
    rig_end(&side);
}

TEST(cell, what_the_old_holder_says_behind_a_handoff_is_a_claim)
{
    struct weft_handoff_statement by_a = {.digest = rig_digest(10),
        .author = rig_authors[A],
        .revision = {1, 7, 0},
        .handoff = {.kind = rig_kind,
            .from = rig_authors[A],
            .to = rig_authors[B],
            .epoch = 2,
            .until = {1, 5, 0}}};
    struct weft_handoff_statement by_b = by_a;
    by_b.digest = rig_digest(11);
    by_b.author = rig_authors[B];
    by_b.revision.index = 2;
    rig_empty(&side);
    say(1, A, 5, "x");
    say(2, A, 6, "y");
    say(3, B, 3, "z");
    say(4, B, 2, "before it was B's");
    rig_hand(&side, &by_a); /* Alone it hands nothing over. */
    expect(WEFT_CELL_OWNER, "y", true);
    EXPECT_TRUE(!stands(3, WEFT_CLAIM_COUNTS));
    rig_hand(&side, &by_b);
    expect(WEFT_CELL_OWNER, "z", true);
    EXPECT_TRUE(stands(2, WEFT_CLAIM_FENCED | WEFT_CLAIM_OPEN) && !stands(1, WEFT_CLAIM_FENCED));
    EXPECT_TRUE(stands(1, WEFT_CLAIM_COUNTS) && !stands(4, WEFT_CLAIM_COUNTS));
    rig_end(&side);
}

TEST(cell, time_never_decides)
{
    rig_empty(&side);
    struct weft_cell_statement s = rig_say(1, A, 5, "x");
    s.time_ns = 1;
    rig_add(&side, &s);
    s = rig_say(2, A, 4, "y");
    s.time_ns = INT64_MAX;
    rig_add(&side, &s);
    expect(WEFT_CELL_OWNER, "x", false);
    rig_end(&side);
}

/* --- JOIN ------------------------------------------------------------------------------------ */

TEST(cell, join_gives_the_stricter_verdict_and_both_claims_stay)
{
    rig_empty(&side);
    say(1, A, 5, "PASS");
    expect(WEFT_CELL_JOIN, "PASS", false);
    say(2, B, 5, "FAIL");
    expect(WEFT_CELL_JOIN, "FAIL", true);
    EXPECT_TRUE(stands(1, WEFT_CLAIM_COUNTS | WEFT_CLAIM_OPEN));
    EXPECT_TRUE(stands(2, WEFT_CLAIM_COUNTS | WEFT_CLAIM_OPEN | WEFT_CLAIM_EFFECTIVE));
    say(3, B, 6, "CONDITIONAL"); /* A milder word later lifts nothing. */
    expect(WEFT_CELL_JOIN, "FAIL", true);
    say(4, A, 6, "BLOCK");
    expect(WEFT_CELL_JOIN, "BLOCK", true);
    rig_end(&side);
}

TEST(cell, join_holds_a_word_that_nobody_knows_and_one_that_is_withheld_as_block)
{
    rig_empty(&side);
    say(1, A, 5, "PASS");
    say(2, B, 5, "pass");
    expect(WEFT_CELL_JOIN, "BLOCK", true);
    EXPECT_TRUE(side.answer.has_unknown_word);
    rig_empty(&side);
    struct weft_cell_statement s = rig_say(3, B, 6, "");
    s.is_withheld = true;
    rig_add(&side, &s);
    expect(WEFT_CELL_JOIN, "BLOCK", false);
    EXPECT_TRUE(side.answer.has_unknown_word);
    rig_end(&side);
}

TEST(cell, one_partys_own_verdicts_join_and_are_no_dispute)
{
    rig_empty(&side);
    say(1, A, 5, "FAIL");
    say(2, A2, 5, "PASS");
    expect(WEFT_CELL_JOIN, "FAIL", false);
    rig_end(&side);
}

/* --- resolutions and retracts ---------------------------------------------------------------- */

TEST(cell, a_resolution_of_both_settles_what_it_names_and_what_it_does_not_name_reopens)
{
    struct weft_digest names[2] = {rig_digest(1), rig_digest(2)};
    rig_empty(&side);
    say(1, A, 5, "PASS");
    say(2, B, 5, "FAIL");
    struct weft_cell_statement half =
        rig_about(3, WEFT_CELL_RESOLVE, A, 6, "CONDITIONAL", names, 2);
    rig_add(&side, &half);
    expect(WEFT_CELL_JOIN, "FAIL", true); /* One side alone settles nothing. */
    half = rig_about(4, WEFT_CELL_RESOLVE, B, 6, "CONDITIONAL", names, 2);
    rig_add(&side, &half);
    expect(WEFT_CELL_JOIN, "CONDITIONAL", false);
    EXPECT_TRUE(stands(1, WEFT_CLAIM_SETTLED) && stands(2, WEFT_CLAIM_SETTLED));
    EXPECT_TRUE(stands(3, WEFT_CLAIM_VALID | WEFT_CLAIM_EFFECTIVE));
    say(5, A, 7, "CONDITIONAL"); /* It agrees with what was resolved. */
    expect(WEFT_CELL_JOIN, "CONDITIONAL", false);
    say(6, A, 8, "FAIL");
    expect(WEFT_CELL_JOIN, "FAIL", true);
    EXPECT_TRUE(stands(6, WEFT_CLAIM_OPEN) && stands(3, WEFT_CLAIM_OPEN));
    EXPECT_TRUE(!stands(2, WEFT_CLAIM_OPEN));
    rig_end(&side);
}

TEST(cell, a_resolution_can_be_resolved_anew)
{
    struct weft_digest names[2] = {rig_digest(1), rig_digest(2)};
    struct weft_digest again[2] = {rig_digest(3), rig_digest(4)};
    rig_empty(&side);
    say(1, A, 5, "PASS");
    say(2, B, 5, "FAIL");
    resolve(3, 6, "BLOCK", names, 2);
    expect(WEFT_CELL_JOIN, "BLOCK", false);
    resolve(5, 7, "PASS", again, 2);
    expect(WEFT_CELL_JOIN, "PASS", false);
    EXPECT_TRUE(stands(2, WEFT_CLAIM_SETTLED));
    rig_end(&side);
}

TEST(cell, two_resolutions_that_differ_are_a_dispute)
{
    struct weft_digest names[2] = {rig_digest(1), rig_digest(2)};
    rig_empty(&side);
    say(1, A, 5, "x");
    say(2, B, 5, "y");
    resolve(3, 6, "x", names, 2);
    resolve(5, 7, "z", names, 2);
    expect(WEFT_CELL_MATCH, NULL, true);
    expect(WEFT_CELL_OWNER, NULL, true);
    EXPECT_EQ(4, side.answer.open_count);
    rig_end(&side);
}

TEST(cell, what_was_agreed_counts_for_an_owner_until_it_speaks_again)
{
    struct weft_digest names[2] = {rig_digest(1), rig_digest(2)};
    rig_empty(&side);
    say(1, A, 5, "x");
    say(7, A, 3, "older");
    say(2, B, 5, "y");
    resolve(3, 6, "y", names, 2);
    expect(WEFT_CELL_OWNER, "y", false);
    say(5, A, 9, "w");
    expect(WEFT_CELL_OWNER, "w", true);
    EXPECT_TRUE(stands(3, WEFT_CLAIM_OPEN) && stands(5, WEFT_CLAIM_OPEN));
    rig_end(&side);
}

TEST(cell, a_retract_withdraws_what_its_own_party_said_and_nothing_of_others)
{
    struct weft_digest name = rig_digest(2);
    rig_empty(&side);
    say(1, A, 5, "PASS");
    struct weft_cell_statement s = rig_about(3, WEFT_CELL_RETRACT, A, 6, "", &name, 1);
    rig_add(&side, &s); /* Before what it names has come. */
    say(2, B, 5, "FAIL");
    expect(WEFT_CELL_JOIN, "FAIL", true);
    s = rig_about(4, WEFT_CELL_RETRACT, B, 6, "", &name, 1);
    rig_add(&side, &s);
    expect(WEFT_CELL_JOIN, "PASS", false);
    EXPECT_TRUE(stands(2, WEFT_CLAIM_RETRACTED));
    EXPECT_EQ(4, side.answer.count); /* It is still there. */
    rig_end(&side);
}

/* --- UNION, MATCH, DUAL ---------------------------------------------------------------------- */

TEST(cell, union_has_all_that_parties_say)
{
    rig_empty(&side);
    say(1, A, 5, "0.014");
    say(2, B, 5, "0.015");
    say(3, C, 5, "9");
    expect(WEFT_CELL_UNION, NULL, false);
    EXPECT_EQ(2, side.answer.effective_count);
    EXPECT_TRUE(!stands(3, WEFT_CLAIM_EFFECTIVE));
    rig_end(&side);
}

TEST(cell, match_has_the_value_if_all_agree)
{
    rig_empty(&side);
    say(1, A, 5, "x");
    expect(WEFT_CELL_MATCH, "x", false);
    EXPECT_TRUE(side.answer.is_awaited);
    say(2, B, 5, "x");
    expect(WEFT_CELL_MATCH, "x", false);
    EXPECT_TRUE(!side.answer.is_awaited);
    say(3, B, 6, "y");
    expect(WEFT_CELL_MATCH, NULL, true);
    say(4, A, 6, "y"); /* Each one's newest word counts. */
    expect(WEFT_CELL_MATCH, "y", false);
    rig_end(&side);
}

TEST(cell, dual_counts_with_both_signatures_alone)
{
    rig_empty(&side);
    say(1, A, 5, "accept 1");
    expect(WEFT_CELL_DUAL, NULL, false);
    EXPECT_TRUE(side.answer.is_awaited);
    say(2, A2, 6, "accept 1"); /* Of the same party. */
    expect(WEFT_CELL_DUAL, NULL, false);
    rig_empty(&side);
    say(1, A, 5, "accept 1");
    say(3, B, 5, "accept 1");
    expect(WEFT_CELL_DUAL, "accept 1", false);
    EXPECT_TRUE(!side.answer.is_awaited);
    say(4, A, 7, "accept 2"); /* What was agreed on stays until both have said the next. */
    expect(WEFT_CELL_DUAL, "accept 1", false);
    EXPECT_TRUE(side.answer.is_awaited);
    say(5, B, 7, "accept 3");
    expect(WEFT_CELL_DUAL, "accept 1", true);
    say(6, B, 8, "accept 2");
    expect(WEFT_CELL_DUAL, "accept 2", false);
    rig_end(&side);
}

TEST(cell, pacts_that_crossed_are_a_dispute_until_one_comes_behind_both)
{
    rig_empty(&side);
    say(1, A, 5, "x");
    say(2, A, 6, "y");
    say(3, B, 5, "y");
    say(4, B, 6, "x");
    expect(WEFT_CELL_DUAL, NULL, true);
    EXPECT_EQ(4, side.answer.open_count);
    say(5, A, 7, "z");
    say(6, B, 7, "z");
    expect(WEFT_CELL_DUAL, "z", false);
    rig_end(&side);
}

/* --- disputes, the set ----------------------------------------------------------------------- */

TEST(dispute, id_is_the_digest_of_the_sorted_statement_digests)
{
    static const char domain[] = "weft-dispute/v1\n";
    struct weft_digest low = rig_digest(1), high = rig_digest(2);
    if (memcmp(low.bytes, high.bytes, WEFT_DIGEST_SIZE) > 0) {
        struct weft_digest swap = low;
        low = high;
        high = swap;
    }
    uint8_t bytes[sizeof(domain) - 1 + 2 * WEFT_DIGEST_SIZE];
    memcpy(bytes, domain, sizeof(domain) - 1);
    memcpy(bytes + sizeof(domain) - 1, low.bytes, WEFT_DIGEST_SIZE);
    memcpy(bytes + sizeof(domain) - 1 + WEFT_DIGEST_SIZE, high.bytes, WEFT_DIGEST_SIZE);
    struct weft_digest expected = weft_sha256(bytes, sizeof(bytes));
    rig_empty(&side);
    say(1, A, 5, "PASS");
    say(2, B, 5, "FAIL");
    expect(WEFT_CELL_JOIN, "FAIL", true);
    EXPECT_MEM(&expected, &side.answer.dispute, sizeof(expected));
    rig_end(&side);
}

TEST(dispute, a_resolution_that_leaves_a_statement_out_settles_less)
{
    struct weft_digest *names = NULL, left_out, two[2] = {rig_digest(1), rig_digest(2)};
    uint32_t count = 0;
    rig_empty(&side);
    say(1, A, 5, "PASS");
    expect(WEFT_CELL_JOIN, "PASS", false);
    EXPECT_EQ(WEFT_ENOTFOUND,
        weft_dispute_statements(&side.set, &side.answer, &side.arena, &names, &count));
    EXPECT_EQ(WEFT_ENOTFOUND, weft_dispute_check(&side.set, &side.answer, NULL, 0, &left_out));
    say(2, B, 5, "FAIL");
    say(3, B, 6, "BLOCK");
    expect(WEFT_CELL_JOIN, "BLOCK", true);
    EXPECT_EQ(
        WEFT_OK, weft_dispute_statements(&side.set, &side.answer, &side.arena, &names, &count));
    EXPECT_EQ(3, count);
    EXPECT_EQ(WEFT_OK, weft_dispute_check(&side.set, &side.answer, names, count, &left_out));
    struct weft_cell_statement sorted = rig_about(9, WEFT_CELL_RESOLVE, A, 9, "", two, 2);
    EXPECT_EQ(
        WEFT_ECONFLICT, weft_dispute_check(&side.set, &side.answer, sorted.names, 2, &left_out));
    struct weft_digest third = rig_digest(3);
    EXPECT_MEM(&third, &left_out, sizeof(third));
    rig_end(&side);
}

TEST(cell, a_set_refuses_what_is_not_sound_or_too_much)
{
    struct weft_cell_statement memory[2], s = rig_say(1, A, 1, "x");
    struct weft_cell_set set = {memory, 0, 2, 0};
    struct weft_digest names[2] = {rig_digest(1), rig_digest(1)};
    s.names = names;
    s.name_count = 1;
    EXPECT_EQ(WEFT_EINVAL, weft_cell_add(&set, &s)); /* Who says a value names nothing. */
    s.act = WEFT_CELL_RETRACT;
    s.name_count = 0;
    EXPECT_EQ(WEFT_EINVAL, weft_cell_add(&set, &s));
    s.name_count = 2;
    EXPECT_EQ(WEFT_EINVAL, weft_cell_add(&set, &s)); /* One twice. */
    s.name_count = 1;
    EXPECT_EQ(WEFT_OK, weft_cell_add(&set, &s));
    EXPECT_EQ(WEFT_OK, weft_cell_add(&set, &s));
    EXPECT_EQ(1, set.count);
    s = rig_say(2, A, 1, "x");
    EXPECT_EQ(WEFT_OK, weft_cell_add(&set, &s));
    s = rig_say(3, A, 1, "x");
    EXPECT_EQ(WEFT_ETOOBIG, weft_cell_add(&set, &s));
    EXPECT_EQ(2, set.count);
}

TEST(cell, rules_and_verdicts_have_words)
{
    bool is_unknown;
    enum weft_cell_rule found;
    for (int rule = 0; rule < WEFT_CELL_RULES; rule++) {
        struct weft_text word = weft_text_of(weft_cell_rule_name((enum weft_cell_rule)rule));
        EXPECT_TRUE(weft_cell_rule_parse(word, &found));
        EXPECT_EQ(rule, found);
    }
    EXPECT_TRUE(!weft_cell_rule_parse(WEFT_TEXT("LAST"), &found));
    for (int verdict = 0; verdict < WEFT_VERDICTS; verdict++) {
        struct weft_text word = weft_text_of(weft_verdict_name((enum weft_verdict)verdict));
        EXPECT_EQ(verdict, weft_verdict_of(word, &is_unknown));
        EXPECT_TRUE(!is_unknown);
    }
    EXPECT_EQ(WEFT_VERDICT_BLOCK, weft_verdict_of(WEFT_TEXT("PASS "), &is_unknown));
    EXPECT_TRUE(is_unknown);
}

TEST(cell, an_author_is_of_a_party_by_its_whole_name)
{
    EXPECT_TRUE(weft_cell_is_of(WEFT_TEXT("a.example/p1"), WEFT_TEXT("a.example")));
    EXPECT_TRUE(weft_cell_is_of(WEFT_TEXT("a.example/p1"), WEFT_TEXT("a.example/p1")));
    EXPECT_TRUE(!weft_cell_is_of(WEFT_TEXT("a.example/p12"), WEFT_TEXT("a.example/p1")));
    EXPECT_TRUE(!weft_cell_is_of(WEFT_TEXT("a.example.evil/p"), WEFT_TEXT("a.example")));
    EXPECT_TRUE(!weft_cell_is_of(WEFT_TEXT("a.example"), WEFT_TEXT("")));
}
