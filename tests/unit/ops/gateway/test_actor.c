/* The actor of a gateway: what it does with bundles, questions, values, answers and time. */
#include <string.h>

#include "tests/unit/ops/gateway/gateway_rig.h"

static struct rig rig;

TEST(actor, command_is_carried_out_once_and_read_back)
{
    rig_open(&rig);
    rig.speed = 42 * WEFT_SCALAR_ONE;
    rig_give_command(&rig, 1, WEFT_COMMAND_CLASS_B, 3, 100);
    EXPECT_EQ(1, rig.told[1][0]);
    EXPECT_EQ(1, rig_count(&rig, 1, WEFT_RECEIPT_ACCEPTED));
    const struct weft_receipt_note *done = rig_last(&rig, 1, WEFT_RECEIPT_DONE);
    EXPECT_EQ(3, done->fence.term);
    EXPECT_EQ(100, done->fence.index);
    EXPECT_EQ(2, done->reading_count); /* As the outcome and the precondition name them. */
    EXPECT_TRUE(weft_text_is(done->readings[0].path, "guard/closed"));
    EXPECT_EQ(0, rig.alarm_count);
    EXPECT_EQ(0, rig.safes);
    EXPECT_EQ(WEFT_ACTOR_IDLE, rig.actor.channels[0].stage);
    rig_judge(&rig);
    rig_close(&rig);
}

TEST(actor, outcome_that_takes_its_time_is_measured_and_told_once)
{
    rig_open(&rig);
    rig_give_command(&rig, 1, WEFT_COMMAND_CLASS_B, 3, 100); /* Still at 40 rpm. */
    EXPECT_EQ(1, rig_count(&rig, 1, WEFT_RECEIPT_DONE));
    rig_wait(&rig, 3000);
    EXPECT_EQ(0, rig_count(&rig, 1, WEFT_RECEIPT_MEASURED));
    rig.speed = 42 * WEFT_SCALAR_ONE;
    rig_wait(&rig, 1000);
    EXPECT_EQ(1, rig_count(&rig, 1, WEFT_RECEIPT_MEASURED));
    EXPECT_EQ(0, rig.alarm_count);
    rig_wait(&rig, 30000);
    EXPECT_EQ(1, rig_count(&rig, 1, WEFT_RECEIPT_MEASURED));
    rig_close(&rig);
}

TEST(actor, outcome_that_never_comes_is_told_at_its_time_with_an_alarm)
{
    rig_open(&rig);
    rig_give_command(&rig, 1, WEFT_COMMAND_CLASS_B, 3, 100);
    rig_wait(&rig, 19000);
    EXPECT_EQ(0, rig.alarm_count);
    rig_wait(&rig, 2000);
    EXPECT_TEXT("deviation", rig.alarm);
    const struct weft_receipt_note *told = rig_last(&rig, 1, WEFT_RECEIPT_MEASURED);
    EXPECT_EQ(40 * WEFT_SCALAR_ONE, told->readings[1].value.number);
    rig_close(&rig);
}

TEST(actor, same_bundle_again_moves_nothing_and_brings_its_receipts_again)
{
    for (int class = WEFT_COMMAND_CLASS_A; class <= WEFT_COMMAND_CLASS_C; class ++) {
        rig_open(&rig);
        struct weft_command_note command = rig_command(1, (enum weft_command_class) class);
        struct weft_buffer bundle = rig_bundle(&rig, &command, NULL, 3, 100, false);
        rig_give(&rig, &bundle);
        rig_give(&rig, &bundle);
        EXPECT_EQ(1, rig.told[1][0]);
        EXPECT_EQ(2, rig_count(&rig, 1, WEFT_RECEIPT_DONE));
        EXPECT_EQ(0, rig_count(&rig, 1, WEFT_RECEIPT_STATE));
        weft_buffer_destroy(&bundle);
        /* A new intent for it, of a later leader: GW-3 all the same, and it is what is answered. */
        int64_t done_ns = rig_last(&rig, 1, WEFT_RECEIPT_DONE)->signed_ns;
        rig.now_ns += 3000000;
        rig_give_command(&rig, 1, (enum weft_command_class) class, 4, 200);
        EXPECT_EQ(1, rig.told[1][0]);
        EXPECT_EQ(4, rig_last(&rig, 1, WEFT_RECEIPT_ACCEPTED)->fence.term);
        EXPECT_EQ(4, rig_last(&rig, 1, WEFT_RECEIPT_DONE)->fence.term);
        EXPECT_EQ(done_ns, rig_last(&rig, 1, WEFT_RECEIPT_DONE)->signed_ns);
        EXPECT_EQ(2, rig_last(&rig, 1, WEFT_RECEIPT_DONE)->reading_count);
        rig_judge(&rig);
        rig_close(&rig);
    }
}

TEST(actor, token_that_is_not_above_the_channels_is_refused)
{
    rig_open(&rig);
    rig_give_command(&rig, 1, WEFT_COMMAND_CLASS_B, 3, 100);
    rig.speed = 42 * WEFT_SCALAR_ONE;
    rig_wait(&rig, 1000);
    rig_give_command(&rig, 2, WEFT_COMMAND_CLASS_B, 3, 99);
    EXPECT_TEXT("fence", rig.alarm);
    rig_give_command(&rig, 2, WEFT_COMMAND_CLASS_B, 2, 500);
    rig_give_command(&rig, 2, WEFT_COMMAND_CLASS_B, 3, 100);
    EXPECT_EQ(3, rig.alarm_count);
    EXPECT_EQ(0, rig.told[2][0]);
    rig_give_command(&rig, 2, WEFT_COMMAND_CLASS_B, 3, 101);
    EXPECT_EQ(1, rig.told[2][0]);
    rig_close(&rig);
}

TEST(actor, other_command_of_the_same_id_is_an_alarm)
{
    rig_open(&rig);
    rig_give_command(&rig, 1, WEFT_COMMAND_CLASS_B, 3, 100);
    rig_give_command(&rig, 1, WEFT_COMMAND_CLASS_A, 3, 101);
    EXPECT_TEXT("id-conflict", rig.alarm);
    EXPECT_EQ(1, rig.told[1][0]);
    rig_ask(&rig, 1, WEFT_COMMAND_CLASS_A, 3, 102);
    EXPECT_EQ(2, rig.alarm_count);
    EXPECT_EQ(0, rig_count(&rig, 1, WEFT_RECEIPT_STATE));
    rig_close(&rig);
}

TEST(actor, what_was_asked_about_is_carried_out_under_a_later_token_alone)
{
    rig_open(&rig);
    struct weft_command_note command = rig_command(1, WEFT_COMMAND_CLASS_B);
    struct weft_buffer late = rig_bundle(&rig, &command, NULL, 3, 100, false);
    rig_ask(&rig, 1, WEFT_COMMAND_CLASS_B, 4, 50);
    EXPECT_EQ(WEFT_RECEIPT_STATE_NONE, rig_last(&rig, 1, WEFT_RECEIPT_STATE)->state);
    rig_give(&rig, &late);
    EXPECT_EQ(0, rig.told[1][0]);
    EXPECT_TEXT("fence", rig.alarm);
    rig_restart(&rig); /* GW-8 */
    rig_give(&rig, &late);
    EXPECT_EQ(0, rig.told[1][0]);
    /* Others of the channel are not bound by it. */
    rig_give_command(&rig, 2, WEFT_COMMAND_CLASS_B, 3, 101);
    EXPECT_EQ(1, rig.told[2][0]);
    rig.speed = 42 * WEFT_SCALAR_ONE;
    rig_wait(&rig, 1000);
    rig_give_command(&rig, 1, WEFT_COMMAND_CLASS_B, 4, 51);
    EXPECT_EQ(1, rig.told[1][0]);
    rig_judge(&rig);
    weft_buffer_destroy(&late);
    rig_close(&rig);
}

TEST(actor, what_it_checks_ends_when_it_is_asked_about)
{
    rig_open(&rig);
    rig.is_dumb = true;
    rig_give_command(&rig, 1, WEFT_COMMAND_CLASS_C, 3, 100);
    EXPECT_EQ(WEFT_ACTOR_CHECKING, rig.actor.channels[0].stage);
    rig_ask(&rig, 1, WEFT_COMMAND_CLASS_C, 3, 101);
    EXPECT_EQ(WEFT_ACTOR_IDLE, rig.actor.channels[0].stage);
    rig_values(&rig);
    EXPECT_EQ(0, rig.told[1][0]);
    rig_judge(&rig);
    rig_close(&rig);
}

TEST(actor, limits_have_the_last_word_by_live_values)
{
    rig_open(&rig);
    rig.guard_is_closed = false; /* GW-5 */
    rig_give_command(&rig, 1, WEFT_COMMAND_CLASS_B, 3, 100);
    EXPECT_EQ(0, rig.told[1][0]);
    EXPECT_TRUE(weft_text_is(rig_last(&rig, 1, WEFT_RECEIPT_REFUSED)->code, "interlock"));
    EXPECT_TEXT("refused", rig.alarm);
    rig.guard_is_closed = true;
    rig_give_command(&rig, 1, WEFT_COMMAND_CLASS_B, 3, 101); /* Refused is for ever. */
    EXPECT_EQ(0, rig.told[1][0]);
    EXPECT_EQ(2, rig_count(&rig, 1, WEFT_RECEIPT_REFUSED));
    EXPECT_EQ(101, rig_last(&rig, 1, WEFT_RECEIPT_REFUSED)->fence.index);
    rig_judge(&rig);
    rig_close(&rig);
}

TEST(actor, moves_are_counted_across_a_restart)
{
    rig_open(&rig);
    rig.speed = 42 * WEFT_SCALAR_ONE;
    struct weft_envelope_note envelope = rig_envelope();
    envelope.moves = 2;
    envelope.moves_per_ms = 60000;
    for (uint8_t n = 1; n <= 3; n++) {
        struct weft_command_note command = rig_command(n, WEFT_COMMAND_CLASS_B);
        struct weft_buffer bundle = rig_bundle(&rig, &command, &envelope, 3, 100U + n, false);
        rig_give(&rig, &bundle);
        weft_buffer_destroy(&bundle);
        rig_restart(&rig);
    }
    EXPECT_EQ(1, rig.told[1][0] * rig.told[2][0]);
    EXPECT_EQ(0, rig.told[3][0]);
    EXPECT_TRUE(weft_text_is(rig_last(&rig, 3, WEFT_RECEIPT_REFUSED)->code, "moves"));
    rig_judge(&rig);
    rig_close(&rig);
}

TEST(actor, machine_that_says_no_values_is_not_moved)
{
    rig_open(&rig);
    rig.is_dumb = true;
    rig_give_command(&rig, 1, WEFT_COMMAND_CLASS_B, 3, 100);
    rig_wait(&rig, 1900);
    EXPECT_EQ(0, rig_count(&rig, 1, WEFT_RECEIPT_REFUSED));
    rig_wait(&rig, 200);
    EXPECT_TRUE(weft_text_is(rig_last(&rig, 1, WEFT_RECEIPT_REFUSED)->code, "machine"));
    EXPECT_EQ(0, rig.told[1][0]);
    rig_close(&rig);
}

TEST(actor, intent_is_stale_when_values_come_too_late)
{
    rig_open(&rig);
    rig.is_dumb = true;
    rig_give_command(&rig, 1, WEFT_COMMAND_CLASS_B, 3, 100);
    rig.now_ns += 5001 * INT64_C(1000000); /* The clock on the wall alone. */
    rig.is_dumb = false;
    rig_values(&rig);
    EXPECT_TEXT("stale", rig.alarm);
    EXPECT_EQ(0, rig.told[1][0]);
    EXPECT_EQ(0, rig_count(&rig, 1, WEFT_RECEIPT_REFUSED)); /* It may come again. */
    rig_close(&rig);
}

TEST(actor, open_guard_while_it_acts_ends_the_act_and_brings_the_safe_state)
{
    rig_open(&rig);
    rig.mood = RIG_SILENT;
    rig_give_command(&rig, 1, WEFT_COMMAND_CLASS_B, 3, 100);
    rig_wait(&rig, 500);
    EXPECT_EQ(0, rig.safes);
    rig.guard_is_closed = false;
    rig_wait(&rig, 300);
    EXPECT_TRUE(weft_text_is(rig_last(&rig, 1, WEFT_RECEIPT_FAILED)->code, "interlock"));
    EXPECT_EQ(1, rig.safes);
    EXPECT_TEXT("set-speed\nspeed 0 rpm", rig.safe);
    rig_judge(&rig);
    rig_close(&rig);
}

TEST(actor, machine_that_does_not_answer_is_unknown_at_its_deadline)
{
    rig_open(&rig);
    rig.mood = RIG_SILENT;
    rig_give_command(&rig, 1, WEFT_COMMAND_CLASS_C, 3, 100);
    rig_wait(&rig, 59900);
    EXPECT_EQ(0, rig_count(&rig, 1, WEFT_RECEIPT_UNKNOWN));
    rig_wait(&rig, 200);
    EXPECT_TRUE(weft_text_is(rig_last(&rig, 1, WEFT_RECEIPT_UNKNOWN)->code, "deadline"));
    EXPECT_EQ(0, rig.safes); /* on-unknown hold */
    rig_judge(&rig);
    rig_close(&rig);
}

TEST(actor, unknown_brings_the_safe_state_if_the_command_says_so)
{
    rig_open(&rig);
    rig.mood = RIG_UNSURE;
    struct weft_command_note command = rig_command(1, WEFT_COMMAND_CLASS_C);
    command.is_safe_on_unknown = true;
    struct weft_buffer bundle = rig_bundle(&rig, &command, NULL, 3, 100, false);
    rig_give(&rig, &bundle);
    EXPECT_EQ(1, rig_count(&rig, 1, WEFT_RECEIPT_UNKNOWN));
    EXPECT_EQ(1, rig.safes);
    weft_buffer_destroy(&bundle);
    rig_close(&rig);
}

TEST(actor, act_under_way_is_answered_under_the_token_of_a_repetition)
{
    rig_open(&rig);
    rig.mood = RIG_SILENT;
    rig_give_command(&rig, 1, WEFT_COMMAND_CLASS_A, 3, 100);
    rig_give_command(&rig, 1, WEFT_COMMAND_CLASS_A, 4, 200);
    EXPECT_EQ(4, rig_last(&rig, 1, WEFT_RECEIPT_ACCEPTED)->fence.term);
    rig_restart(&rig); /* GW-4 */
    EXPECT_EQ(4, rig_last(&rig, 1, WEFT_RECEIPT_UNKNOWN)->fence.term);
    EXPECT_EQ(1, rig.told[1][0]);
    rig_judge(&rig);
    rig_close(&rig);
}

TEST(actor, machine_that_fails_or_cannot_be_reached_is_told_apart)
{
    rig_open(&rig);
    rig.mood = RIG_FAILS;
    rig_give_command(&rig, 1, WEFT_COMMAND_CLASS_B, 3, 100);
    EXPECT_EQ(1, rig_count(&rig, 1, WEFT_RECEIPT_FAILED));
    rig.mood = RIG_UNREACHABLE;
    rig_give_command(&rig, 2, WEFT_COMMAND_CLASS_B, 3, 101);
    EXPECT_TRUE(weft_text_is(rig_last(&rig, 2, WEFT_RECEIPT_FAILED)->code, "unsent"));
    EXPECT_EQ(0, rig.told[2][0]);
    rig_judge(&rig);
    rig_close(&rig);
}

TEST(actor, channel_that_acts_takes_no_other_command)
{
    rig_open(&rig);
    rig.mood = RIG_SILENT;
    rig_give_command(&rig, 1, WEFT_COMMAND_CLASS_B, 3, 100);
    rig_give_command(&rig, 2, WEFT_COMMAND_CLASS_B, 3, 101);
    EXPECT_TEXT("busy", rig.alarm);
    EXPECT_EQ(0, rig.told[2][0]);
    rig_ask(&rig, 2, WEFT_COMMAND_CLASS_B, 3, 102);
    EXPECT_EQ(WEFT_RECEIPT_STATE_NONE, rig_last(&rig, 2, WEFT_RECEIPT_STATE)->state);
    rig_ask(&rig, 1, WEFT_COMMAND_CLASS_B, 3, 103);
    EXPECT_EQ(WEFT_RECEIPT_STATE_BEGUN, rig_last(&rig, 1, WEFT_RECEIPT_STATE)->state);
    rig_judge(&rig);
    rig_close(&rig);
}

TEST(actor, shadow_and_machine_have_lives_of_their_own)
{
    rig_open(&rig);
    rig.speed = 42 * WEFT_SCALAR_ONE;
    struct weft_command_note command = rig_command(1, WEFT_COMMAND_CLASS_C);
    struct weft_buffer shadow = rig_bundle(&rig, &command, NULL, 3, 100, true);
    struct weft_buffer live = rig_bundle(&rig, &command, NULL, 3, 101, false);
    rig_give(&rig, &shadow);
    EXPECT_EQ(1, rig.told[1][1]);
    EXPECT_EQ(0, rig.told[1][0]);
    EXPECT_EQ(0, rig.actor.channels[0].move_count);
    rig_give(&rig, &live);
    EXPECT_EQ(1, rig.told[1][1]);
    EXPECT_EQ(1, rig.told[1][0]);
    weft_buffer_destroy(&shadow);
    weft_buffer_destroy(&live);
    rig_close(&rig);
}

TEST(actor, plant_that_is_lost_for_too_long_brings_the_safe_state_once)
{
    rig_open(&rig);
    rig_plant(&rig, false);
    rig_wait(&rig, 2 * RIG_LOST_MS);
    EXPECT_EQ(0, rig.safes); /* It was never commanded: nothing is to be undone. */
    rig_plant(&rig, true);
    rig.speed = 42 * WEFT_SCALAR_ONE;
    rig_give_command(&rig, 1, WEFT_COMMAND_CLASS_B, 3, 100);
    rig_plant(&rig, false);
    rig_wait(&rig, RIG_LOST_MS - 100);
    EXPECT_EQ(0, rig.safes);
    rig_wait(&rig, RIG_LOST_MS); /* GW-10 */
    EXPECT_EQ(1, rig.safes);
    EXPECT_TEXT("plant-lost", rig.alarm);
    EXPECT_EQ(UINT64_MAX, weft_actor_wake_ms(&rig.actor));
    rig_plant(&rig, true);
    rig_plant(&rig, false);
    rig_restart(&rig);
    rig_plant(&rig, false);
    rig_wait(&rig, RIG_LOST_MS + 200);
    EXPECT_EQ(2, rig.safes); /* Known after a restart as well. */
    rig_close(&rig);
}

TEST(actor, receipts_wait_for_the_plant_and_come_again_until_it_has_them)
{
    rig_open(&rig);
    rig.takes_receipts = false;
    rig.speed = 42 * WEFT_SCALAR_ONE;
    rig_give_command(&rig, 1, WEFT_COMMAND_CLASS_B, 3, 100);
    EXPECT_EQ(2, rig.receipt_count);
    rig_plant(&rig, false);
    rig_plant(&rig, true);
    EXPECT_EQ(4, rig.receipt_count);
    rig.takes_receipts = true;
    rig_restart(&rig);
    EXPECT_EQ(6, rig.receipt_count);
    rig_plant(&rig, false);
    rig_plant(&rig, true);
    EXPECT_EQ(6, rig.receipt_count);
    rig_judge(&rig);
    rig_close(&rig);
}

TEST(actor, what_is_saved_is_what_is_known)
{
    static struct rig other;
    rig_open(&rig);
    rig_open(&other);
    rig.speed = 42 * WEFT_SCALAR_ONE;
    for (unsigned n = 0; n < RIG_COMMANDS_MAX - 1; n++) {
        rig.guard_is_closed = n % 3 != 0;
        rig_give_command(&rig, (uint8_t)n, WEFT_COMMAND_CLASS_A, 3, 100U + n);
    }
    rig_ask(&rig, RIG_COMMANDS_MAX - 1, WEFT_COMMAND_CLASS_C, 3, 200);
    rig.takes_receipts = false;
    rig.speed = 0;
    rig.guard_is_closed = true;
    struct weft_command_note command = rig_command(4, WEFT_COMMAND_CLASS_B);
    command.id[1] = 0x77;
    struct weft_buffer bundle = rig_bundle(&rig, &command, NULL, 3, 300, false);
    rig_give(&rig, &bundle); /* Is measured. */
    weft_buffer_destroy(&bundle);
    uint64_t cursor = 0;
    bool is_last = false;
    struct weft_buffer saved = {0};
    struct weft_msg msg = {""};
    while (!is_last) {
        EXPECT_EQ(WEFT_OK, weft_actor_save(&rig.actor, &cursor, &saved, &is_last));
    }
    weft_actor_destroy(&other.actor);
    weft_actor_init(&other.actor, &other.trust);
    const struct weft_bytes bytes = {saved.data, saved.size};
    EXPECT_EQ(WEFT_OK, weft_actor_load(&other.actor, bytes, &msg));
    EXPECT_TRUE(other.actor.channels[0].is_retired); /* The configuration does not have it. */
    other.actor.channels[0].is_retired = false;
    EXPECT_EQ(WEFT_OK, weft_actor_start(&other.actor, rig.now_ns, rig.mono_ms, &msg));
    EXPECT_EQ(rig.actor.ledger.count, other.actor.ledger.count);
    EXPECT_EQ(1, other.actor.asked_count);
    EXPECT_EQ(rig.actor.receipt_counter, other.actor.receipt_counter);
    EXPECT_EQ(rig.actor.outbox.unsettled, other.actor.outbox.unsettled);
    EXPECT_EQ(rig.actor.channels[0].move_count, other.actor.channels[0].move_count);
    EXPECT_EQ(WEFT_ACTOR_MEASURING, other.actor.channels[0].stage);
    struct weft_buffer again = {0};
    cursor = 0;
    is_last = false;
    while (!is_last) {
        EXPECT_EQ(WEFT_OK, weft_actor_save(&other.actor, &cursor, &again, &is_last));
    }
    EXPECT_EQ(saved.size, again.size);
    EXPECT_MEM(saved.data, again.data, saved.size); /* GW-6 */
    weft_buffer_destroy(&saved);
    weft_buffer_destroy(&again);
    rig_close(&rig);
    rig_close(&other);
}

TEST(actor, ledger_forgets_only_what_no_bundle_can_be_about)
{
    struct weft_ledger ledger = {.count_max = 100};
    struct weft_ledger_item *item = NULL;
    uint8_t id[WEFT_COMMAND_ID_SIZE] = {0};
    const int64_t hour_ns = INT64_C(3600) * 1000000000;
    for (uint8_t n = 0; n < 100; n++) {
        id[0] = n;
        EXPECT_EQ(WEFT_OK, weft_ledger_put(&ledger, id, false, 0, &item));
        item->state = n == 7 ? WEFT_RECEIPT_STATE_BEGUN : WEFT_RECEIPT_STATE_DONE;
        item->not_after_ns = n < 10 ? 0 : 5 * hour_ns;
    }
    id[0] = 200;
    EXPECT_EQ(WEFT_ETOOBIG, weft_ledger_put(&ledger, id, false, hour_ns, &item));
    EXPECT_EQ(WEFT_OK, weft_ledger_put(&ledger, id, false, hour_ns + 1, &item)); /* GW-9 */
    EXPECT_EQ(92, ledger.count);
    for (uint8_t n = 0; n < 100; n++) {
        id[0] = n;
        EXPECT_EQ(n >= 10 || n == 7, weft_ledger_find(&ledger, id, false) != NULL);
        EXPECT_TRUE(weft_ledger_find(&ledger, id, true) == NULL);
    }
    weft_ledger_destroy(&ledger);
}
