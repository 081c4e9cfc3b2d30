#include "federation/cells/basis.h"

#include <stdlib.h>
#include <string.h>

#include "federation/cells/dispute.h"
#include "tests/lib/test.h"

static struct weft_arena arena = {.size_max = 1 << 20};
static struct weft_basis_answer answer;
static struct weft_digest d[4]; /* Releases, ascending. */
static const struct weft_text A = WEFT_TEXT("part:box/rev/A");
static const struct weft_text B = WEFT_TEXT("part:box/rev/B");
static const struct weft_text C = WEFT_TEXT("part:box/rev/C");

static int compare_digests(const void *a, const void *b)
{
    return memcmp(a, b, WEFT_DIGEST_SIZE);
}

static void begin(void)
{
    for (uint32_t i = 0; i < 4; i++) {
        d[i] = weft_sha256(&i, sizeof(i));
    }
    qsort(d, 4, sizeof(*d), compare_digests);
}

static struct weft_basis_change change(
    uint32_t n, struct weft_text revision, enum weft_basis_effect effect)
{
    return (struct weft_basis_change){d[n], revision, {NULL, 0}, effect};
}

static void judge(enum weft_basis_finding finding, const struct weft_basis_build *build,
    struct weft_text initial, const struct weft_basis_change *changes, uint32_t count)
{
    struct weft_basis_change turned[8];
    struct weft_basis_answer other;
    for (uint32_t i = 0; i < count; i++) {
        turned[i] = changes[count - 1 - i];
    }
    EXPECT_EQ(WEFT_OK, weft_basis_judge(build, initial, changes, count, &arena, &answer));
    EXPECT_EQ(finding, answer.finding);
    EXPECT_EQ(WEFT_OK, weft_basis_judge(build, initial, turned, count, &arena, &other));
    EXPECT_EQ(finding, other.finding);
    EXPECT_MEM(&answer.dispute, &other.dispute, sizeof(other.dispute));
}

TEST(basis, a_build_to_what_counts_conforms)
{
    begin();
    struct weft_basis_build build = {.digest = {{1}}, .revision = A};
    struct weft_basis_change changes[] = {change(0, B, WEFT_BASIS_NOT_EFFECTIVE)};
    judge(WEFT_BASIS_CONFORMS, &build, A, NULL, 0);
    judge(WEFT_BASIS_CONFORMS, &build, A, changes, 1);
    build.revision = B;
    changes[0].effect = WEFT_BASIS_EFFECTIVE;
    judge(WEFT_BASIS_CONFORMS, &build, A, changes, 1);
    EXPECT_TRUE(weft_text_equal(B, answer.revision));
    weft_arena_destroy(&arena);
}

TEST(basis, a_change_that_the_build_did_not_know_makes_it_a_deviation_and_overwrites_nothing)
{
    begin();
    struct weft_basis_build build = {.digest = {{1}}, .revision = A};
    struct weft_basis_change changes[] = {change(0, B, WEFT_BASIS_EFFECTIVE)};
    judge(WEFT_BASIS_DEVIATES, &build, A, changes, 1);
    struct weft_digest two[2] = {build.digest, d[0]};
    qsort(two, 2, sizeof(*two), compare_digests);
    struct weft_digest id = weft_dispute_id(two, 2);
    EXPECT_MEM(&id, &answer.dispute, sizeof(id));
    build.is_allowed = true;
    judge(WEFT_BASIS_PERMITTED, &build, A, changes, 1);
    weft_arena_destroy(&arena);
}

TEST(basis, a_change_that_the_build_knew_and_did_not_follow_is_a_dispute)
{
    begin();
    struct weft_basis_build build = {.digest = {{1}}, .revision = A, .basis = {&d[0], 1}};
    struct weft_basis_change changes[] = {change(0, B, WEFT_BASIS_EFFECTIVE)};
    judge(WEFT_BASIS_DISPUTED, &build, A, changes, 1);
    build.revision = C; /* To something that nothing introduced. */
    build.basis.count = 0;
    judge(WEFT_BASIS_DISPUTED, &build, A, NULL, 0);
    weft_arena_destroy(&arena);
}

TEST(basis, of_changes_those_count_that_no_other_supersedes)
{
    begin();
    struct weft_basis_build build = {.digest = {{1}}, .revision = C};
    struct weft_basis_change changes[] = {
        change(0, B, WEFT_BASIS_EFFECTIVE), change(1, C, WEFT_BASIS_EFFECTIVE)};
    judge(WEFT_BASIS_DISPUTED, &build, A, changes, 2); /* They contradict each other. */
    EXPECT_EQ(0, answer.revision.size);
    EXPECT_EQ(2, answer.count);
    changes[1].supersedes = (struct weft_act_digests){&d[0], 1};
    judge(WEFT_BASIS_CONFORMS, &build, A, changes, 2);
    changes[1].effect = WEFT_BASIS_NOT_EFFECTIVE; /* It supersedes where it counts. */
    judge(WEFT_BASIS_DEVIATES, &build, A, changes, 2);
    weft_arena_destroy(&arena);
}

TEST(basis, what_is_not_known_yet_is_awaited)
{
    begin();
    struct weft_basis_build build = {.digest = {{1}}, .revision = A};
    struct weft_basis_change changes[] = {change(0, B, WEFT_BASIS_UNKNOWN)};
    judge(WEFT_BASIS_AWAITED, &build, A, changes, 1);
    judge(WEFT_BASIS_AWAITED, &build, WEFT_TEXT(""), NULL, 0);
    static struct weft_basis_change many[WEFT_BASIS_CHANGES_MAX + 1];
    EXPECT_EQ(WEFT_ETOOBIG,
        weft_basis_judge(&build, A, many, WEFT_BASIS_CHANGES_MAX + 1, &arena, &answer));
    struct weft_arena small = {.size_max = 16};
    EXPECT_EQ(WEFT_ENOMEM, weft_basis_judge(&build, A, changes, 1, &small, &answer));
    weft_arena_destroy(&small);
    weft_arena_destroy(&arena);
}
