#include "federation/cells/workflow.h"

#include <stdio.h>
#include <string.h>

#include "federation/cells/dispute.h"
#include "tests/lib/test.h"

enum {
    STEPS_MAX = WEFT_WORKFLOW_STEPS_MAX + 1,
    AFTER_MAX = 2,
    NONE = 100000,
};

static const struct weft_text parties[2] = {WEFT_TEXT("a.example"), WEFT_TEXT("b.example")};
static const struct weft_text authors[3] = {
    WEFT_TEXT("a.example/p1"), WEFT_TEXT("b.example/q1"), WEFT_TEXT("c.example/r")};

static struct weft_workflow_step steps[STEPS_MAX];
static struct weft_digest after[STEPS_MAX][AFTER_MAX];
static uint32_t count;
static struct weft_arena arena = {.size_max = 1 << 20};
static struct weft_workflow_status status;

static struct weft_digest digest_of(uint32_t n)
{
    return weft_sha256(&n, sizeof(n));
}

/* Step number `count`, behind the steps of those numbers; NONE: behind none. */
static uint32_t take(unsigned author, const char *step, uint32_t first, uint32_t second)
{
    uint32_t n = count++, names = 0;
    if (first != NONE) {
        after[n][names++] = digest_of(first);
    }
    if (second != NONE) {
        after[n][names++] = digest_of(second);
    }
    if (names == 2 && memcmp(&after[n][0], &after[n][1], WEFT_DIGEST_SIZE) > 0) {
        struct weft_digest swap = after[n][0];
        after[n][0] = after[n][1];
        after[n][1] = swap;
    }
    steps[n] = (struct weft_workflow_step){
        digest_of(n), authors[author], weft_text_of(step), {after[n], names}};
    return n;
}

static void fold(enum weft_workflow workflow, const char *state, bool is_disputed)
{
    weft_arena_reset(&arena);
    EXPECT_EQ(WEFT_OK, weft_workflow_fold(workflow, parties, steps, count, &arena, &status));
    EXPECT_TEXT(state, status.state);
    EXPECT_EQ(is_disputed, status.is_disputed);
}

TEST(workflow, a_change_order_goes_from_proposal_to_release)
{
    const enum weft_workflow w = WEFT_WORKFLOW_CHANGE_ORDER;
    count = 0;
    fold(w, "NONE", false);
    EXPECT_TRUE(weft_workflow_may(w, &status, 0, WEFT_TEXT("propose")));
    take(0, "propose", NONE, NONE);
    fold(w, "PROPOSED", false);
    EXPECT_TRUE(!weft_workflow_may(w, &status, 0, WEFT_TEXT("accept")));
    EXPECT_TRUE(weft_workflow_may(w, &status, 1, WEFT_TEXT("accept")));
    take(0, "accept", 0, NONE); /* Nobody accepts its own: it takes both. */
    fold(w, "PROPOSED", false);
    EXPECT_EQ(WEFT_WORKFLOW_REFUSED, status.standing[1]);
    take(1, "accept", 0, NONE);
    fold(w, "ACCEPTED", false);
    EXPECT_EQ(1, status.heads.count);
    struct weft_digest head = digest_of(2);
    EXPECT_MEM(&head, &status.heads.items[0], sizeof(head));
    take(0, "release", 2, NONE);
    fold(w, "RELEASED", false);
    EXPECT_TRUE(status.is_over && status.opener == 0);
    weft_arena_destroy(&arena);
}

TEST(workflow, a_step_waits_for_those_it_names)
{
    count = 0;
    take(0, "propose", NONE, NONE);
    take(1, "accept", 7, NONE); /* Step 7 has not come. */
    fold(WEFT_WORKFLOW_CHANGE_ORDER, "PROPOSED", false);
    EXPECT_EQ(WEFT_WORKFLOW_WAITING, status.standing[1]);
    steps[2] = (struct weft_workflow_step){digest_of(7), authors[0], WEFT_TEXT("revise"), {0}};
    after[2][0] = digest_of(0);
    steps[2].after = (struct weft_act_digests){after[2], 1};
    count = 3;
    fold(WEFT_WORKFLOW_CHANGE_ORDER, "ACCEPTED", false);
    weft_arena_destroy(&arena);
}

TEST(workflow, of_steps_that_crossed_one_counts_and_both_sides_see_it)
{
    count = 0;
    take(0, "send", NONE, NONE);
    take(1, "acknowledge", 0, NONE);
    take(1, "decline", 1, NONE);
    take(0, "cancel", 1, NONE);
    fold(WEFT_WORKFLOW_QUALITY_NOTIFICATION, "DECLINED", true);
    EXPECT_EQ(WEFT_WORKFLOW_TAKEN, status.standing[2]);
    EXPECT_EQ(WEFT_WORKFLOW_CROSSED, status.standing[3]);
    struct weft_digest two[2] = {digest_of(2), digest_of(3)};
    if (memcmp(&two[0], &two[1], sizeof(two[0])) > 0) {
        struct weft_digest swap = two[0];
        two[0] = two[1];
        two[1] = swap;
    }
    struct weft_digest id = weft_dispute_id(two, 2);
    EXPECT_MEM(&id, &status.dispute, sizeof(id));
    /* Where both can be, both are: what stops comes last. */
    count = 0;
    take(0, "propose", NONE, NONE);
    take(1, "accept", 0, NONE);
    take(0, "cancel", 0, NONE);
    fold(WEFT_WORKFLOW_CHANGE_ORDER, "CANCELLED", false);
    weft_arena_destroy(&arena);
}

TEST(workflow, a_disposition_takes_the_word_of_the_one_who_did_not_propose_it)
{
    const enum weft_workflow w = WEFT_WORKFLOW_NONCONFORMANCE;
    count = 0;
    take(1, "report", NONE, NONE);
    take(0, "contain", 0, NONE);
    take(1, "dispose", 1, NONE);
    take(1, "agree", 2, NONE);
    fold(w, "PROPOSED", false);
    take(0, "agree", 2, NONE);
    fold(w, "DISPOSED", false);
    take(0, "close", 4, NONE);
    fold(w, "DISPOSED", false); /* Who reported closes. */
    take(1, "close", 4, NONE);
    fold(w, "CLOSED", false);
    EXPECT_TRUE(!status.is_over);
    take(0, "reopen", 6, NONE);
    fold(w, "OPEN", false);
    weft_arena_destroy(&arena);
}

TEST(workflow, of_strangers_and_unknown_words_nothing_follows)
{
    count = 0;
    take(2, "propose", NONE, NONE);
    take(0, "frobnicate", NONE, NONE);
    fold(WEFT_WORKFLOW_CHANGE_ORDER, "NONE", false);
    EXPECT_EQ(WEFT_WORKFLOW_FOREIGN, status.standing[0]);
    EXPECT_EQ(WEFT_WORKFLOW_REFUSED, status.standing[1]);
    EXPECT_EQ(WEFT_WORKFLOWS, weft_workflow_of(WEFT_TEXT("frobnicate")));
    for (int w = 0; w < WEFT_WORKFLOWS; w++) {
        EXPECT_EQ(w, weft_workflow_of(weft_text_of(weft_workflow_name((enum weft_workflow)w))));
    }
    weft_arena_destroy(&arena);
}

TEST(workflow, has_limits)
{
    count = 0;
    while (count < WEFT_WORKFLOW_STEPS_MAX) {
        take(0, "propose", NONE, NONE);
    }
    fold(WEFT_WORKFLOW_CHANGE_ORDER, "PROPOSED", true);
    take(0, "propose", NONE, NONE);
    EXPECT_EQ(WEFT_ETOOBIG,
        weft_workflow_fold(WEFT_WORKFLOW_CHANGE_ORDER, parties, steps, count, &arena, &status));
    static struct weft_digest many[WEFT_WORKFLOW_NAMES_MAX + 1];
    count = 1;
    steps[0].after = (struct weft_act_digests){many, WEFT_WORKFLOW_NAMES_MAX + 1};
    EXPECT_EQ(WEFT_ETOOBIG,
        weft_workflow_fold(WEFT_WORKFLOW_CHANGE_ORDER, parties, steps, count, &arena, &status));
    struct weft_arena small = {.size_max = 64};
    count = 1;
    steps[0].after.count = 0;
    EXPECT_EQ(WEFT_ENOMEM,
        weft_workflow_fold(WEFT_WORKFLOW_CHANGE_ORDER, parties, steps, count, &small, &status));
    weft_arena_destroy(&small);
    weft_arena_destroy(&arena);
}

/* --- order ----------------------------------------------------------------------------------- */

static void draw(enum weft_workflow workflow)
{
    static const char *const words[WEFT_WORKFLOWS][8] = {
        {"propose", "accept", "reject", "revise", "release", "cancel", "propose", "accept"},
        {"report", "contain", "dispose", "agree", "refuse", "close", "reopen", "dispose"},
        {"send", "receive", "acknowledge", "accept", "decline", "close", "cancel", "send"}};
    uint32_t total = 2 + (uint32_t)test_random(7);
    count = 0;
    while (count < total) {
        uint32_t first = count > 0 ? (uint32_t)test_random(count) : NONE;
        uint32_t second = count > 0 && test_random(2) == 0 ? (uint32_t)test_random(count) : NONE;
        unsigned author = (unsigned)(test_random(20) == 0 ? 2 : test_random(2));
        const char *word = words[workflow][count == 0 ? 0 : test_random(8)];
        take(author, word, first, second == first ? NONE : second);
    }
}

static void shuffle(void)
{
    for (uint32_t i = count; i > 1; i--) {
        uint32_t k = (uint32_t)test_random(i);
        struct weft_workflow_step swap = steps[i - 1];
        steps[i - 1] = steps[k];
        steps[k] = swap;
    }
}

/* The state, the dispute and the number of steps that were taken, as one text. */
static void tell(enum weft_workflow workflow, char text[256])
{
    char id[WEFT_DIGEST_TEXT_SIZE];
    unsigned standings[5] = {0};
    weft_arena_reset(&arena);
    EXPECT_EQ(WEFT_OK, weft_workflow_fold(workflow, parties, steps, count, &arena, &status));
    for (uint32_t i = 0; i < count; i++) {
        standings[status.standing[i]]++;
    }
    weft_digest_format(&status.dispute, id);
    (void)snprintf(text, 256, "%s %s %u %u %u %u %u", status.state, id, standings[0], standings[1],
        standings[2], standings[3], standings[4]);
}

TEST(workflow, two_sides_have_one_status_whatever_came_first)
{
    uint32_t disputed = 0, waiting = 0;
    for (uint32_t round = 0; round < 3000; round++) {
        enum weft_workflow workflow = (enum weft_workflow)(round % WEFT_WORKFLOWS);
        char expected[256], actual[256];
        draw(workflow);
        if (test_random(4) == 0) { /* One has not come yet. */
            steps[test_random(count)] = steps[count - 1];
            count--;
        }
        tell(workflow, expected);
        disputed += status.is_disputed;
        waiting += strstr(expected, " 0 0") == NULL;
        for (uint32_t i = 0; i < 20; i++) {
            shuffle();
            tell(workflow, actual);
            EXPECT_TEXT(expected, actual);
        }
    }
    EXPECT_TRUE(disputed > 100 && waiting > 100);
    weft_arena_destroy(&arena);
}
