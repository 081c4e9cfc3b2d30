#include <stdio.h>
#include <string.h>

#include "tests/lib/test.h"
#include "tests/unit/policy/command/machine_rig.h"
#include "tests/unit/policy/command/naive_command.h"

#define MS_NS INT64_C(1000000)

enum {
    WALKS = 4000,
    STEPS_MAX = 60
};

/* One thing that may be wrong of a judgement, seldom. */
static void blur(struct weft_command_judgement *j)
{
    switch (test_random(24)) {
    case 0:
        j->effect = WEFT_EFFECT_DENY;
        break;
    case 1:
        j->is_known = false;
        break;
    case 2:
        j->is_of_policy = false;
        break;
    case 3:
        j->is_of_envelopes = false;
        break;
    case 4:
        j->is_of_rank = false;
        break;
    case 5:
        j->is_of_rev = false;
        break;
    case 6:
        j->is_next = false;
        break;
    case 7:
        j->fault = WEFT_ENVELOPE_HARD;
        break;
    case 8:
        j->fault = WEFT_ENVELOPE_MOVES;
        break;
    case 9:
    case 10:
        j->wants_shadow = true;
        break;
    case 11:
    case 12:
        j->wants_canary = true;
        j->has_canary = test_random(2) == 0;
        break;
    case 13:
    case 14:
        j->effect = WEFT_EFFECT_NEEDS;
        break;
    default:
        break;
    }
}

static void draw_receipt(struct rig *rig)
{
    static const enum weft_receipt_outcome often[] = {WEFT_RECEIPT_ACCEPTED, WEFT_RECEIPT_DONE,
        WEFT_RECEIPT_MEASURED, WEFT_RECEIPT_STATE, WEFT_RECEIPT_ACCEPTED, WEFT_RECEIPT_DONE,
        WEFT_RECEIPT_FAILED, WEFT_RECEIPT_REFUSED, WEFT_RECEIPT_UNKNOWN};
    rig_receipt(rig, often[test_random(9)]);
    rig->receipt.state = test_random(2) == 0
                             ? WEFT_RECEIPT_STATE_NONE
                             : (enum weft_receipt_state)test_random(WEFT_RECEIPT_STATES);
    rig->receipt.fence.index -= test_random(12) == 0;
    rig->receipt.fence.term -= test_random(20) == 0;
    rig->receipt.command.bytes[3] ^= test_random(30) == 0;
    if (test_random(3) == 0) {
        rig->receipt.readings[0].value.number = (int64_t)(40 + test_random(5)) * WEFT_SCALAR_ONE;
    }
    if (test_random(8) == 0) {
        rig->receipt.reading_count = 0;
    }
}

static void draw_approval(struct rig *rig, enum weft_approval_meaning meaning)
{
    static const char *const people[] = {
        COMMANDS_BO, COMMANDS_CY, COMMANDS_ANN, "oem.example/plant1/op/di"};
    rig_approval(rig, people[test_random(4)], meaning);
    rig->approval.digest.bytes[1] = (uint8_t)test_random(3);
    rig->approval.command.bytes[5] ^= test_random(20) == 0;
    rig->approval.id[5] ^= test_random(20) == 0;
    rig->event.is_permitted = test_random(5) != 0;
    rig->event.person = test_random(6) == 0 ? WEFT_TEXT("di") : (struct weft_text){NULL, 0};
}

static void draw(struct rig *rig)
{
    static const enum weft_command_event_kind kinds[] = {WEFT_COMMAND_PROPOSE, WEFT_COMMAND_APPROVE,
        WEFT_COMMAND_REJECT, WEFT_COMMAND_CANCEL, WEFT_COMMAND_RESOLVE, WEFT_COMMAND_SELECT,
        WEFT_COMMAND_DISPATCH, WEFT_COMMAND_ASK, WEFT_COMMAND_VERIFY, WEFT_COMMAND_OVERDUE,
        WEFT_COMMAND_EXPIRE, WEFT_COMMAND_APPROVE, WEFT_COMMAND_SELECT, WEFT_COMMAND_DISPATCH,
        WEFT_COMMAND_ASK, WEFT_COMMAND_RECEIPT, WEFT_COMMAND_RECEIPT, WEFT_COMMAND_RECEIPT,
        WEFT_COMMAND_RECEIPT, WEFT_COMMAND_VERIFY};
    bool is_new = rig->machine.state == WEFT_COMMAND_NONE && test_random(4) != 0;
    enum weft_command_event_kind kind =
        is_new ? WEFT_COMMAND_PROPOSE : kinds[test_random(sizeof(kinds) / sizeof(kinds[0]))];
    bool is_ender = kind == WEFT_COMMAND_REJECT || kind == WEFT_COMMAND_CANCEL;
    if (is_ender && test_random(4) != 0) {
        kind = WEFT_COMMAND_APPROVE;
    }
    int64_t wait_ms = (int64_t)test_random(4000);
    rig->now_ns += (int64_t)test_random(3) * wait_ms * MS_NS;
    rig->now_ns += test_random(40) == 0 ? 100 * 1000 * MS_NS : 0;
    rig->place.term += test_random(15) == 0;
    if (kind == WEFT_COMMAND_RECEIPT) {
        draw_receipt(rig);
        return;
    }
    rig_event(rig, kind);
    blur(&rig->judgement);
    rig->event.is_permitted = test_random(6) != 0;
    rig->event.is_channel_free = test_random(4) != 0;
    if (kind == WEFT_COMMAND_APPROVE || is_ender) {
        draw_approval(rig, rig->approval.meaning);
    }
}

TEST(command_walk, goes_as_a_plain_reading_of_the_table_does)
{
    size_t ends[WEFT_COMMAND_STATES] = {0}, taken = 0, refused = 0, again = 0;
    for (int walk = 0; walk < WALKS; walk++) {
        struct rig rig;
        struct naive_command naive = {.sent = 0};
        rig_init(&rig, (enum weft_command_class)test_random(WEFT_COMMAND_CLASSES));
        for (int step = 0; step < STEPS_MAX; step++) {
            draw(&rig);
            const struct weft_command_machine before = rig.machine;
            enum weft_err err = rig_step(&rig);
            enum naive_answer answer = naive_command_step(&naive, &rig.event);
            enum naive_answer ours = err != WEFT_OK      ? NAIVE_NO
                                     : rig.act.is_repeat ? NAIVE_SAME
                                                         : NAIVE_TAKEN;
            const char *state = weft_command_state_name(rig.machine.state);
            EXPECT_EQ(answer, ours);
            EXPECT_TEXT(naive.state[0] != '\0' ? naive.state : "NONE", state);
            if (weft_command_state_is_end(before.state)) {
                EXPECT_EQ(before.state, rig.machine.state); /* ACT-6: exactly one end */
            }
            taken += ours == NAIVE_TAKEN;
            refused += ours == NAIVE_NO;
            again += ours == NAIVE_SAME;
            again += rig.machine.sends > 1;
        }
        ends[rig.machine.state]++;
    }
    for (int state = WEFT_COMMAND_REJECTED; state < WEFT_COMMAND_STATES; state++) {
        EXPECT_TRUE(ends[state] > 10); /* Each end was come to. */
    }
    EXPECT_TRUE(taken > 10000 && refused > 10000 && again > 200);
}
