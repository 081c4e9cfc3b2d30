#include <stdlib.h>

#include "tests/lib/commands.h"
#include "tests/lib/test.h"

static struct weft_scalar rpm(int64_t number)
{
    return (struct weft_scalar){
        .type = WEFT_SCALAR_NUMBER, .number = number, .unit = WEFT_TEXT("rpm")};
}

static const struct weft_scalar yes = {.type = WEFT_SCALAR_TRUTH, .truth = true};

/* A guard that is closed and 40 rpm, read now. */
struct scene {
    struct weft_envelope_note envelope;
    struct weft_command_note command;
    struct weft_reading readings[3];
    int64_t moves_ns[4];
    struct weft_envelope_facts facts;
};

static void set(struct scene *s)
{
    *s = (struct scene){.envelope = commands_envelope(), .command = commands_command()};
    s->readings[0] = (struct weft_reading){WEFT_TEXT("guard/closed"), yes, SIGNERS_NOW_NS};
    s->readings[1] =
        (struct weft_reading){WEFT_TEXT("speed"), rpm(40 * WEFT_SCALAR_ONE), SIGNERS_NOW_NS};
    s->readings[2] = (struct weft_reading){
        WEFT_TEXT("alarm/active"), {.type = WEFT_SCALAR_TRUTH, .truth = false}, SIGNERS_NOW_NS};
    s->facts = (struct weft_envelope_facts){.now_ns = SIGNERS_NOW_NS,
        .has_live = true,
        .readings = s->readings,
        .reading_count = 3,
        .moves_ns = s->moves_ns};
}

static enum weft_envelope_fault check(struct scene *s)
{
    struct weft_msg msg = {""};
    enum weft_envelope_fault fault =
        weft_envelope_check(&s->envelope, 1, &s->command, &s->facts, &msg);
    EXPECT_EQ(fault != WEFT_ENVELOPE_PASSED, msg.text[0] != '\0');
    if (fault != WEFT_ENVELOPE_PASSED) {
        EXPECT_TRUE(weft_text_starts(weft_text_of(msg.text), weft_envelope_fault_name(fault)));
    }
    return fault;
}

static enum weft_envelope_fault at_speed(struct scene *s, int64_t number)
{
    s->command.args[0].value = rpm(number);
    return check(s);
}

TEST(envelope_check, numbers_are_within_both_ranges_in_their_very_unit)
{
    struct scene s;
    const int64_t one = WEFT_SCALAR_ONE;
    set(&s);
    EXPECT_EQ(WEFT_ENVELOPE_PASSED, check(&s));
    EXPECT_EQ(WEFT_ENVELOPE_PASSED, at_speed(&s, 10 * one));
    EXPECT_EQ(WEFT_ENVELOPE_NORMAL, at_speed(&s, 10 * one - 1));
    EXPECT_EQ(WEFT_ENVELOPE_PASSED, at_speed(&s, 50 * one));
    EXPECT_EQ(WEFT_ENVELOPE_NORMAL, at_speed(&s, 50 * one + 1));
    EXPECT_EQ(WEFT_ENVELOPE_NORMAL, at_speed(&s, 60 * one));
    EXPECT_EQ(WEFT_ENVELOPE_HARD, at_speed(&s, 60 * one + 1));
    EXPECT_EQ(WEFT_ENVELOPE_HARD, at_speed(&s, -1));
    s.command.is_break_glass = true; /* ACT-5 */
    EXPECT_EQ(WEFT_ENVELOPE_PASSED, at_speed(&s, 60 * one));
    EXPECT_EQ(WEFT_ENVELOPE_HARD, at_speed(&s, 60 * one + 1));
    s.command.is_break_glass = false;
    s.command.args[0].value = rpm(40 * one);
    s.command.args[0].value.unit = WEFT_TEXT("/min");
    EXPECT_EQ(WEFT_ENVELOPE_ARG, check(&s)); /* ACT-2 */
    s.command.args[0].value = yes;
    EXPECT_EQ(WEFT_ENVELOPE_ARG, check(&s));
    s.command.args[0].name = WEFT_TEXT("force");
    s.command.args[0].value = rpm(40 * one);
    EXPECT_EQ(WEFT_ENVELOPE_ARG, check(&s));
}

TEST(envelope_check, words_are_those_that_are_allowed)
{
    struct scene s;
    set(&s);
    s.envelope.allow_count = 1;
    s.envelope.allows[0] =
        (struct weft_envelope_allow){WEFT_TEXT("mode"), 2, {WEFT_TEXT("auto"), WEFT_TEXT("true")}};
    s.command.arg_count = 1;
    s.command.args[0] = (struct weft_command_arg){
        WEFT_TEXT("mode"), {.type = WEFT_SCALAR_WORD, .word = WEFT_TEXT("auto")}};
    EXPECT_EQ(WEFT_ENVELOPE_PASSED, check(&s));
    s.command.args[0].value.word = WEFT_TEXT("manual");
    EXPECT_EQ(WEFT_ENVELOPE_HARD, check(&s));
    s.command.args[0].value = yes;
    EXPECT_EQ(WEFT_ENVELOPE_PASSED, check(&s));
    s.command.args[0].value.truth = false;
    EXPECT_EQ(WEFT_ENVELOPE_HARD, check(&s));
}

TEST(envelope_check, outcome_is_demanded_as_strict_as_it_is_said)
{
    struct scene s;
    set(&s);
    s.command.posts[0].tolerance = WEFT_SCALAR_ONE;
    EXPECT_EQ(WEFT_ENVELOPE_PASSED, check(&s));
    s.command.posts[0].tolerance++;
    EXPECT_EQ(WEFT_ENVELOPE_VERIFY, check(&s));
    set(&s);
    s.command.posts[0].by_ms = 20001;
    EXPECT_EQ(WEFT_ENVELOPE_VERIFY, check(&s));
    set(&s);
    s.command.posts[0].value.unit = WEFT_TEXT("/min");
    EXPECT_EQ(WEFT_ENVELOPE_VERIFY, check(&s));
    set(&s);
    s.command.post_count = 0;
    EXPECT_EQ(WEFT_ENVELOPE_VERIFY, check(&s));
    s.envelope.verify_count = 0;
    EXPECT_EQ(WEFT_ENVELOPE_PASSED, check(&s));
}

TEST(envelope_check, validity_and_target_are_its_own)
{
    struct scene s;
    set(&s);
    s.facts.has_live = false;
    s.facts.now_ns = s.envelope.link.issued_ns;
    EXPECT_EQ(WEFT_ENVELOPE_PASSED, check(&s));
    s.facts.now_ns--;
    EXPECT_EQ(WEFT_ENVELOPE_EXPIRED, check(&s));
    s.facts.now_ns = s.envelope.link.expires_ns - 1;
    EXPECT_EQ(WEFT_ENVELOPE_PASSED, check(&s));
    s.facts.now_ns++;
    EXPECT_EQ(WEFT_ENVELOPE_EXPIRED, check(&s));
    set(&s);
    s.command.verb = WEFT_TEXT("jog");
    EXPECT_EQ(WEFT_ENVELOPE_ABOUT, check(&s));
}

TEST(envelope_check, moves_are_so_many_in_the_time_and_so_far_apart)
{
    struct scene s;
    set(&s);
    s.envelope.moves = 3;
    s.envelope.moves_per_ms = 60 * 1000;
    s.facts.move_count = 3;
    s.moves_ns[0] = SIGNERS_NOW_NS - 60 * SIGNERS_SECOND_NS;
    s.moves_ns[1] = SIGNERS_NOW_NS - 59 * SIGNERS_SECOND_NS;
    s.moves_ns[2] = SIGNERS_NOW_NS - 10 * SIGNERS_SECOND_NS;
    EXPECT_EQ(WEFT_ENVELOPE_PASSED, check(&s));
    s.moves_ns[0]++;
    EXPECT_EQ(WEFT_ENVELOPE_MOVES, check(&s));
    s.envelope.moves = 0;
    s.envelope.moves_per_ms = 0;
    s.envelope.dwell_ms = 10 * 1000;
    EXPECT_EQ(WEFT_ENVELOPE_PASSED, check(&s));
    s.moves_ns[2]++;
    EXPECT_EQ(WEFT_ENVELOPE_DWELL, check(&s));
    s.moves_ns[2] = SIGNERS_NOW_NS + 5; /* Of the future: now. */
    EXPECT_EQ(WEFT_ENVELOPE_DWELL, check(&s));
}

TEST(envelope_check, steps_and_rates_are_from_what_is_read)
{
    struct scene s;
    const int64_t one = WEFT_SCALAR_ONE;
    set(&s);
    s.envelope.step_count = 1;
    s.envelope.steps[0] =
        (struct weft_envelope_change){WEFT_TEXT("speed"), 5 * one, WEFT_TEXT("rpm"), 0};
    EXPECT_EQ(WEFT_ENVELOPE_PASSED, at_speed(&s, 45 * one));
    EXPECT_EQ(WEFT_ENVELOPE_STEP, at_speed(&s, 45 * one + 1));
    EXPECT_EQ(WEFT_ENVELOPE_PASSED, at_speed(&s, 35 * one));
    EXPECT_EQ(WEFT_ENVELOPE_STEP, at_speed(&s, 35 * one - 1));
    s.readings[1].at_ns = SIGNERS_NOW_NS - 5001 * INT64_C(1000000);
    EXPECT_EQ(WEFT_ENVELOPE_STEP, at_speed(&s, 40 * one)); /* ACT-3 */
    s.facts.has_live = false;                              /* Then nobody knows, and nobody asks. */
    EXPECT_EQ(WEFT_ENVELOPE_PASSED, at_speed(&s, 40 * one));
    set(&s);
    s.envelope.rate_count = 1;
    s.envelope.rates[0] =
        (struct weft_envelope_change){WEFT_TEXT("speed"), 10 * one, WEFT_TEXT("rpm"), 60 * 1000};
    EXPECT_EQ(WEFT_ENVELOPE_PASSED, at_speed(&s, 50 * one));
    s.facts.move_count = 1;
    s.moves_ns[0] = SIGNERS_NOW_NS - 30 * SIGNERS_SECOND_NS; /* Half of it. */
    EXPECT_EQ(WEFT_ENVELOPE_PASSED, at_speed(&s, 45 * one));
    EXPECT_EQ(WEFT_ENVELOPE_RATE, at_speed(&s, 45 * one + 1));
    s.moves_ns[0] = SIGNERS_NOW_NS - 600 * SIGNERS_SECOND_NS;
    EXPECT_EQ(WEFT_ENVELOPE_PASSED, at_speed(&s, 50 * one));
}

TEST(envelope_check, what_was_not_read_holds_nothing_and_denies_nothing)
{
    struct scene s;
    set(&s);
    s.readings[0].at_ns = SIGNERS_NOW_NS - 2 * SIGNERS_SECOND_NS;
    EXPECT_EQ(WEFT_ENVELOPE_PASSED, check(&s));
    s.readings[0].at_ns--;
    EXPECT_EQ(WEFT_ENVELOPE_INTERLOCK, check(&s));
    s.readings[0].at_ns = SIGNERS_NOW_NS;
    s.readings[0].value.truth = false;
    EXPECT_EQ(WEFT_ENVELOPE_INTERLOCK, check(&s));
    EXPECT_EQ(WEFT_ENVELOPE_INTERLOCK, weft_envelope_check_interlocks(&s.envelope, &s.facts, NULL));
    set(&s);
    EXPECT_EQ(WEFT_ENVELOPE_PASSED, weft_envelope_check_interlocks(&s.envelope, &s.facts, NULL));
    s.envelope.requires = s.envelope.interlocks;
    s.envelope.interlocks.count = 0;
    s.facts.reading_count = 0;
    EXPECT_EQ(WEFT_ENVELOPE_REQUIRE, check(&s));
    set(&s);
    s.envelope.denies.count = 1;
    s.envelope.denies.list[0] =
        (struct weft_envelope_demand){{WEFT_TEXT("alarm/active"), WEFT_DEMAND_EQUAL, yes}, 5000};
    EXPECT_EQ(WEFT_ENVELOPE_PASSED, check(&s));
    s.readings[2].value.truth = true;
    EXPECT_EQ(WEFT_ENVELOPE_DENY, check(&s));
    s.facts.reading_count = 2; /* ACT-3 */
    EXPECT_EQ(WEFT_ENVELOPE_DENY, check(&s));
    set(&s);
    s.command.pres[0].path = WEFT_TEXT("guard/locked");
    EXPECT_EQ(WEFT_ENVELOPE_PRE, check(&s));
}

/* Acceptance of several: each lets it pass, or none does. */
TEST(envelope_check, several_allow_what_each_of_them_allows)
{
    enum {
        ROUNDS = 4000
    };
    uint32_t passed = 0;
    struct weft_envelope_note *envelopes = calloc(3, sizeof(*envelopes));
    struct scene s;
    set(&s);
    s.facts.has_live = false;
    for (int round = 0; round < ROUNDS; round++) {
        int64_t low = INT64_MIN, high = INT64_MAX;
        uint32_t count = 1 + (uint32_t)test_random(3);
        for (uint32_t i = 0; i < count; i++) {
            envelopes[i] = s.envelope;
            int64_t a = (int64_t)test_random(40);
            int64_t b = a + (int64_t)test_random(40);
            envelopes[i].normal_count = (uint32_t)test_random(2);
            envelopes[i].hard[0].low = a * WEFT_SCALAR_ONE;
            envelopes[i].hard[0].high = b * WEFT_SCALAR_ONE;
            if (envelopes[i].normal_count > 0) {
                a = a > 10 ? a : 10;
                b = b < 50 ? b : 50;
            }
            low = a > low ? a : low;
            high = b < high ? b : high;
        }
        int64_t number = (int64_t)test_random(80);
        s.command.args[0].value = rpm(number * WEFT_SCALAR_ONE);
        enum weft_envelope_fault fault =
            weft_envelope_check(envelopes, count, &s.command, &s.facts, NULL);
        EXPECT_EQ(number >= low && number <= high, fault == WEFT_ENVELOPE_PASSED); /* ACT-5 */
        passed += fault == WEFT_ENVELOPE_PASSED;
    }
    EXPECT_TRUE(passed > ROUNDS / 20 && passed < ROUNDS / 2);
    envelopes[0].finish_ms = 9;
    envelopes[1].finish_ms = 7;
    EXPECT_EQ(7, weft_envelope_finish_ms(envelopes, 2));
    free(envelopes);
}
