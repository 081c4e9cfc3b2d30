#include <string.h>

#include "raft/mutant.h"
#include "raft/read_index.h"
#include "tests/lib/test.h"

enum {
    SELF = 1,
    RETRY_MS = 100,
    TIMEOUT_MS = 1000
};

static struct weft_read_rounds rounds;
static struct weft_read_context context;
static struct weft_configuration configuration;
static struct weft_read_update update;
static uint64_t now_ms;

static void begin(uint64_t leader)
{
    static const struct weft_read_options options = {RETRY_MS, TIMEOUT_MS};
    weft_mutants_on = 0;
    now_ms = 5000;
    configuration = (struct weft_configuration){.count = 3};
    for (uint32_t i = 0; i < 3; i++) {
        configuration.members[i].id = i + 1;
        configuration.members[i].role = WEFT_ROLE_VOTER;
    }
    context = (struct weft_read_context){.id = SELF,
        .term = 3,
        .leader_id = leader,
        .commit_index = 40,
        .applied_index = 40,
        .is_term_committed = true,
        .configuration = &configuration};
    weft_read_index_init(&rounds, &options, 7);
}

static void step(struct weft_read_event event)
{
    event.now_ms = now_ms;
    weft_read_index_step(&rounds, &event, &context, &update);
}

static void add(uint64_t read_id)
{
    step((struct weft_read_event){.type = WEFT_READ_REGISTER, .read_id = read_id});
}

static void tick(void)
{
    step((struct weft_read_event){.type = WEFT_READ_TICK});
}

static void pong(uint64_t member, uint64_t round)
{
    step((struct weft_read_event){.type = WEFT_READ_PONG, .member = member, .round = round});
}

/* 0: nothing is done. */
static uint64_t pop(enum weft_err *ret_err, uint64_t *ret_index)
{
    struct weft_read_done done = {0};
    if (!weft_read_index_pop(&rounds, &context, now_ms, &done)) {
        return 0;
    }
    *ret_err = done.err;
    *ret_index = done.index;
    return done.read_id;
}

static void expect_done(uint64_t read_id, enum weft_err expected, uint64_t expected_index)
{
    enum weft_err err = WEFT_ERRS;
    uint64_t index = 0;
    EXPECT_EQ(read_id, pop(&err, &index));
    if (read_id != 0) {
        EXPECT_EQ(expected, err);
        EXPECT_EQ(expected_index, index);
    }
}

TEST(read_index, all_reads_of_a_turn_share_a_round)
{
    begin(SELF);
    add(1);
    EXPECT_EQ(0, update.ping_round);
    EXPECT_EQ(now_ms, update.deadline_ms);
    add(2);
    add(3);
    tick();
    uint64_t round = update.ping_round;
    EXPECT_TRUE(round != 0);
    expect_done(0, 0, 0);
    context.commit_index = 44; /* Later commits are not waited for. */
    pong(2, round);
    expect_done(1, WEFT_OK, 40);
    expect_done(2, WEFT_OK, 40);
    expect_done(3, WEFT_OK, 40);
    expect_done(0, 0, 0);
    weft_read_index_close(&rounds);
}

TEST(read_index, a_read_that_comes_during_a_round_waits_for_the_next)
{
    for (int mutated = 0; mutated <= 1; mutated++) {
        begin(SELF);
        weft_mutants_on = mutated ? UINT64_C(1) << WEFT_MUTANT_READ_JOINS_ROUND : 0;
        add(1);
        tick();
        uint64_t round = update.ping_round;
        context.commit_index = 41; /* Acknowledged to a client before read 2 began. */
        context.applied_index = 41;
        add(2);
        pong(2, round);
        expect_done(1, WEFT_OK, 40);
        if (mutated) {
            expect_done(2, WEFT_OK, 40); /* Too old. */
        } else {
            expect_done(0, 0, 0);
            EXPECT_TRUE(update.ping_round > round);
            pong(3, update.ping_round);
            expect_done(2, WEFT_OK, 41);
        }
        weft_read_index_close(&rounds);
    }
    weft_mutants_on = 0;
}

TEST(read_index, needs_a_majority_of_the_voters)
{
    begin(SELF);
    configuration.count = 5;
    for (uint32_t i = 3; i < 5; i++) {
        configuration.members[i].id = i + 1;
        configuration.members[i].role = WEFT_ROLE_VOTER;
    }
    configuration.members[4].role = WEFT_ROLE_STANDBY; /* 4 voters: 3 are needed. */
    add(1);
    tick();
    uint64_t round = update.ping_round;
    pong(2, round);
    pong(2, round);     /* Twice the same. */
    pong(5, round);     /* Not a voter. */
    pong(9, round);     /* Not a member. */
    pong(3, round - 1); /* Of another round. */
    expect_done(0, 0, 0);
    pong(4, round);
    expect_done(1, WEFT_OK, 40);
    weft_read_index_close(&rounds);
}

TEST(read_index, a_leader_without_a_vote_does_not_count_itself)
{
    begin(SELF);
    configuration.members[0].role = WEFT_ROLE_STANDBY;
    add(1);
    tick();
    uint64_t round = update.ping_round;
    pong(2, round);
    expect_done(0, 0, 0);
    pong(3, round);
    expect_done(1, WEFT_OK, 40);
    weft_read_index_close(&rounds);
}

TEST(read_index, a_sole_voter_needs_nobody)
{
    begin(SELF);
    configuration.count = 1;
    add(1);
    expect_done(0, 0, 0); /* Never from inside the registering call. */
    tick();
    EXPECT_EQ(0, update.ping_round);
    expect_done(1, WEFT_OK, 40);
    weft_read_index_close(&rounds);
}

TEST(read_index, waits_for_an_entry_of_the_term)
{
    begin(SELF);
    context.is_term_committed = false;
    add(1);
    tick();
    EXPECT_EQ(0, update.ping_round);
    context.is_term_committed = true;
    context.commit_index = 45;
    tick();
    pong(2, update.ping_round);
    expect_done(0, 0, 0); /* Applied is at 40. */
    context.applied_index = 45;
    expect_done(1, WEFT_OK, 45);
    weft_read_index_close(&rounds);
}

TEST(read_index, an_unanswered_ping_is_repeated_and_a_read_ends_at_its_deadline)
{
    begin(SELF);
    add(1);
    tick();
    uint64_t round = update.ping_round;
    EXPECT_EQ(now_ms + RETRY_MS, update.deadline_ms);
    now_ms += RETRY_MS - 1;
    tick();
    EXPECT_EQ(0, update.ping_round);
    now_ms++;
    tick();
    EXPECT_EQ(round, update.ping_round);
    now_ms = 5000 + TIMEOUT_MS - 1;
    tick();
    expect_done(0, 0, 0);
    now_ms++;
    tick();
    EXPECT_TRUE(update.has_done);
    expect_done(1, WEFT_EUNAVAILABLE, 0);
    weft_read_index_close(&rounds);
}

TEST(read_index, a_lost_leadership_starts_over)
{
    begin(SELF);
    add(1);
    tick();
    uint64_t round = update.ping_round;
    context.leader_id = 0;
    context.term = 4;
    pong(2, round); /* Of the lost term. */
    expect_done(0, 0, 0);
    context.leader_id = 3;
    tick();
    uint64_t asked = update.ask_round;
    EXPECT_TRUE(asked > round);
    step((struct weft_read_event){
        .type = WEFT_READ_ANSWER, .member = 3, .round = asked, .index = 43});
    context.applied_index = 42;
    expect_done(0, 0, 0);
    context.applied_index = 43;
    expect_done(1, WEFT_OK, 43);
    weft_read_index_close(&rounds);
}

TEST(read_index, a_follower_asks_once_for_all_and_repeats_the_question)
{
    begin(2);
    add(1);
    add(2);
    tick();
    uint64_t asked = update.ask_round;
    EXPECT_TRUE(asked != 0);
    add(3);
    tick();
    EXPECT_EQ(0, update.ask_round);
    now_ms += RETRY_MS;
    tick();
    EXPECT_EQ(asked, update.ask_round);
    step((struct weft_read_event){
        .type = WEFT_READ_ANSWER, .member = 3, .round = asked, .index = 40});
    expect_done(0, 0, 0); /* Not who was asked. */
    step((struct weft_read_event){
        .type = WEFT_READ_ANSWER, .member = 2, .round = asked - 1, .index = 40});
    expect_done(0, 0, 0); /* Not what was asked. */
    step((struct weft_read_event){
        .type = WEFT_READ_ANSWER, .member = 2, .round = asked, .index = 40});
    expect_done(1, WEFT_OK, 40);
    expect_done(2, WEFT_OK, 40);
    expect_done(0, 0, 0);
    EXPECT_TRUE(update.ask_round > asked); /* For read 3. */
    weft_read_index_close(&rounds);
}

TEST(read_index, a_refused_question_is_asked_again_later)
{
    begin(2);
    add(1);
    tick();
    uint64_t asked = update.ask_round;
    step((struct weft_read_event){
        .type = WEFT_READ_ANSWER, .member = 2, .round = asked, .err = WEFT_ENOTLEADER});
    EXPECT_EQ(0, update.ask_round);
    EXPECT_EQ(now_ms + RETRY_MS, update.deadline_ms);
    now_ms += RETRY_MS;
    tick();
    EXPECT_TRUE(update.ask_round > asked);
    weft_read_index_close(&rounds);
}

TEST(read_index, a_leader_answers_questions_after_a_round_and_a_follower_at_once)
{
    begin(SELF);
    struct weft_read_event ask = {.type = WEFT_READ_ASK, .member = 3, .round = 88};
    ask.request.sequence = 5;
    step(ask);
    uint64_t round = update.ping_round;
    EXPECT_EQ(0, update.reply_count);
    ask.member = 2;
    ask.round = 99;
    step(ask); /* Comes during the round. */
    pong(2, round);
    EXPECT_EQ(1, update.reply_count);
    EXPECT_EQ(3, update.replies[0].member);
    EXPECT_EQ(88, update.replies[0].round);
    EXPECT_EQ(40, update.replies[0].index);
    EXPECT_EQ(5, update.replies[0].request.sequence);
    pong(3, update.ping_round);
    EXPECT_EQ(1, update.reply_count);
    EXPECT_EQ(99, update.replies[0].round);
    context.leader_id = 2;
    step(ask);
    EXPECT_EQ(1, update.reply_count);
    EXPECT_EQ(WEFT_ENOTLEADER, update.replies[0].err);
    weft_read_index_close(&rounds);
}

TEST(read_index, too_many_reads_are_told_so)
{
    begin(SELF);
    for (uint64_t i = 1; i <= WEFT_READS_MAX; i++) {
        add(i);
    }
    add(UINT64_MAX);
    tick();
    expect_done(UINT64_MAX, WEFT_EBUSY, 0);
    expect_done(0, 0, 0);
    pong(2, update.ping_round);
    for (uint64_t i = 1; i <= WEFT_READS_MAX; i++) {
        expect_done(i, WEFT_OK, 40);
    }
    EXPECT_EQ(0, weft_read_index_count(&rounds));
    weft_read_index_close(&rounds);
}
