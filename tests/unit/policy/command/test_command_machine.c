#include <string.h>

#include "tests/lib/test.h"
#include "tests/unit/policy/command/machine_rig.h"

#define MS_NS INT64_C(1000000)

#define TO(state) (1u << WEFT_COMMAND_##state)

/* policy/command/README.md, States: what each may become. Itself: something of it was noted. */
static const uint32_t arrows[WEFT_COMMAND_STATES] = {
    [WEFT_COMMAND_NONE] = TO(PROPOSED) | TO(APPROVED),
    [WEFT_COMMAND_PROPOSED] =
        TO(PROPOSED) | TO(APPROVED) | TO(REJECTED) | TO(CANCELLED) | TO(EXPIRED),
    [WEFT_COMMAND_APPROVED] = TO(APPROVED) | TO(SELECTED) | TO(CANCELLED) | TO(EXPIRED),
    [WEFT_COMMAND_SELECTED] = TO(SHADOW) | TO(CANARY) | TO(INTENT) | TO(CANCELLED) | TO(EXPIRED),
    [WEFT_COMMAND_SHADOW] = TO(SHADOW) | TO(CANARY) | TO(INTENT) | TO(FAILED),
    [WEFT_COMMAND_CANARY] = TO(INTENT) | TO(FAILED),
    [WEFT_COMMAND_INTENT] = TO(INTENT) | TO(DISPATCHED) | TO(FAILED) | TO(UNKNOWN),
    [WEFT_COMMAND_DISPATCHED] = TO(ACKED) | TO(FAILED) | TO(UNKNOWN),
    [WEFT_COMMAND_ACKED] = TO(ACKED) | TO(VERIFIED) | TO(FAILED),
    [WEFT_COMMAND_UNKNOWN] = TO(UNKNOWN),
};

/* Which of them were gone along. */
static uint32_t seen[WEFT_COMMAND_STATES];

static void take_one(struct rig *rig)
{
    const struct weft_command_machine before = rig->machine;
    enum weft_err err = rig_step(rig);
    if (err != WEFT_OK) {
        EXPECT_MEM(&before, &rig->machine, sizeof(before));
        return;
    }
    EXPECT_EQ(before.state, rig->act.from);
    EXPECT_EQ(rig->machine.state, rig->act.to);
    if (rig->act.is_repeat) {
        EXPECT_MEM(&before, &rig->machine, sizeof(before));
        return;
    }
    EXPECT_TRUE((arrows[before.state] >> rig->machine.state & 1) != 0); /* ACT-6 */
    seen[before.state] |= 1u << rig->machine.state;
    if (rig->act.is_move) { /* ACT-9 */
        const struct weft_command_judgement *j = &rig->judgement;
        EXPECT_EQ(WEFT_COMMAND_INTENT, rig->machine.state);
        EXPECT_EQ(WEFT_EFFECT_ALLOW, j->effect);
        EXPECT_TRUE(j->is_known && j->is_of_envelopes && j->is_of_rank && j->is_of_rev);
        EXPECT_EQ(WEFT_ENVELOPE_PASSED, j->fault);
        EXPECT_TRUE(rig->now_ns >= rig->command.not_before_ns);
        EXPECT_TRUE(rig->now_ns <= rig->command.not_after_ns);
        EXPECT_TRUE(before.sends == 0 || before.is_unseen); /* ACT-10 */
    }
}

/* What a judgement can say, one thing wrong at a time. */
static void spoil(struct weft_command_judgement *j, int how)
{
    switch (how) {
    case 0:
        break;
    case 1:
        j->effect = WEFT_EFFECT_DENY;
        break;
    case 2:
        j->effect = WEFT_EFFECT_NEEDS;
        break;
    case 3:
        j->is_known = false;
        break;
    case 4:
        j->is_of_policy = false;
        break;
    case 5:
        j->is_of_envelopes = false;
        break;
    case 6:
        j->is_of_rank = false;
        break;
    case 7:
        j->is_of_rev = false;
        break;
    case 8:
        j->is_next = false;
        break;
    case 9:
        j->fault = WEFT_ENVELOPE_HARD;
        break;
    case 10:
        j->fault = WEFT_ENVELOPE_DWELL;
        break;
    case 11:
        j->wants_shadow = true;
        break;
    case 12:
        j->wants_canary = true;
        j->has_canary = false;
        break;
    default:
        j->effect = WEFT_EFFECT_ALLOW;
        break;
    }
}

enum {
    SPOILS = 14,
    TIMES = 6
};

static int64_t time_of(const struct rig *rig, int which)
{
    const int64_t times[TIMES] = {rig->command.not_before_ns - 1, rig->now_ns,
        rig->now_ns + 5000 * MS_NS, rig->command.not_after_ns, rig->command.not_after_ns + 1,
        rig->now_ns + 200 * 1000 * MS_NS};
    return times[which];
}

/* Sets up one of the variants of an event; false: there is no further one. */
static bool vary(struct rig *rig, enum weft_command_event_kind kind, int variant)
{
    static const char *const people[] = {COMMANDS_ANN, COMMANDS_BO, COMMANDS_CY};
    if (kind == WEFT_COMMAND_RECEIPT) {
        int outcome = variant % WEFT_RECEIPT_OUTCOMES, rest = variant / WEFT_RECEIPT_OUTCOMES;
        if (rest >= WEFT_RECEIPT_STATES * 3) {
            return false;
        }
        rig_receipt(rig, (enum weft_receipt_outcome)outcome);
        rig->receipt.state = (enum weft_receipt_state)(rest % WEFT_RECEIPT_STATES);
        rest /= WEFT_RECEIPT_STATES;
        rig->receipt.fence.index += rest == 1;
        rig->receipt.reading_count = rest == 2 ? 0 : rig->receipt.reading_count;
        return true;
    }
    rig_event(rig, kind);
    if (kind == WEFT_COMMAND_PROPOSE || kind == WEFT_COMMAND_DISPATCH) {
        spoil(&rig->judgement, variant);
        return variant < SPOILS;
    }
    if (kind == WEFT_COMMAND_APPROVE || kind == WEFT_COMMAND_REJECT ||
        kind == WEFT_COMMAND_CANCEL) {
        enum weft_approval_meaning meaning = rig->approval.meaning;
        rig_approval(rig, people[variant % 3], meaning);
        rig->event.is_permitted = variant / 3 % 2 == 0;
        rig->judgement.effect = variant / 6 % 2 == 0 ? WEFT_EFFECT_ALLOW : WEFT_EFFECT_NEEDS;
        return variant < 12;
    }
    rig->event.is_permitted = variant % 2 == 0;
    rig->event.is_channel_free = variant % 2 == 0;
    return variant < 2;
}

TEST(command_machine, takes_the_arrows_of_its_table_and_no_others)
{
    struct rig led, rig;
    memset(seen, 0, sizeof(seen));
    for (int class = 0; class < WEFT_COMMAND_CLASSES; class ++) {
        for (int place = 0; place < RIG_PLACES; place++) {
            if (class == WEFT_COMMAND_CLASS_C && place == RIG_INTENT_UNSEEN) {
                continue;
            }
            rig_lead(&led, (enum rig_place)place, (enum weft_command_class) class);
            for (int kind = 0; kind < WEFT_COMMAND_EVENTS; kind++) {
                for (int when = 0; when < TIMES; when++) {
                    for (int variant = 0;; variant++) {
                        rig = led;
                        rig.now_ns = time_of(&led, when);
                        if (!vary(&rig, (enum weft_command_event_kind)kind, variant)) {
                            break;
                        }
                        rig.event.command = &rig.command;
                        take_one(&rig);
                    }
                }
            }
        }
    }
    for (int state = 0; state < WEFT_COMMAND_STATES; state++) {
        EXPECT_EQ(arrows[state], seen[state]); /* Each arrow was reached. */
    }
}

static enum weft_command_state state_after(struct rig *rig)
{
    EXPECT_EQ(WEFT_OK, rig_step(rig));
    return rig->machine.state;
}

static void expect_refused(struct rig *rig, enum weft_err err, const char *word)
{
    EXPECT_EQ(err, rig_step(rig));
    if (!weft_text_starts(weft_text_of(rig->msg.text), word)) {
        EXPECT_TEXT(word, rig->msg.text);
    }
}

/* Acceptance 1: each is refused with its reason. */
TEST(command_machine, says_why_a_proposal_is_not_taken)
{
    static const struct {
        int spoil;
        enum weft_err err;
        const char *word;
    } cases[] = {
        {1, WEFT_EREFUSED, "policy:"},
        {3, WEFT_EREFUSED, "key:"},
        {4, WEFT_ECONFLICT, "policy-version:"},
        {5, WEFT_EREFUSED, "envelope-version:"},
        {6, WEFT_EREFUSED, "rank:"},
        {7, WEFT_EREFUSED, "revision:"},
        {8, WEFT_ECONFLICT, "seq:"},
        {9, WEFT_EREFUSED, "hard:"},
    };
    struct rig rig;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        rig_lead(&rig, RIG_NONE, WEFT_COMMAND_CLASS_B);
        rig_event(&rig, WEFT_COMMAND_PROPOSE);
        spoil(&rig.judgement, cases[i].spoil);
        expect_refused(&rig, cases[i].err, cases[i].word);
    }
    rig_lead(&rig, RIG_NONE, WEFT_COMMAND_CLASS_B);
    rig_event(&rig, WEFT_COMMAND_PROPOSE);
    rig.now_ns = rig.command.not_after_ns + 1;
    expect_refused(&rig, WEFT_EREFUSED, "expired:");
    rig.now_ns = rig.command.signed_ns - 15 * 60 * SIGNERS_SECOND_NS - MS_NS;
    expect_refused(&rig, WEFT_EREFUSED, "time:");
    rig.now_ns += MS_NS;
    EXPECT_EQ(WEFT_COMMAND_PROPOSED, state_after(&rig));
}

TEST(command_machine, same_id_is_the_same_command_or_a_conflict)
{
    struct rig rig;
    for (int place = RIG_PROPOSED; place < RIG_PLACES; place++) {
        rig_lead(&rig, (enum rig_place)place, WEFT_COMMAND_CLASS_B);
        const struct weft_command_machine before = rig.machine;
        rig_event(&rig, WEFT_COMMAND_PROPOSE);
        EXPECT_EQ(WEFT_OK, rig_step(&rig)); /* ACT-8 */
        EXPECT_TRUE(rig.act.is_repeat);
        rig.command.seq++;
        commands_seal(&rig.command);
        rig.act.is_alarm = false;
        expect_refused(&rig, WEFT_ECONFLICT, "id-conflict:");
        EXPECT_TRUE(rig.act.is_alarm);
        EXPECT_MEM(&before, &rig.machine, sizeof(before));
    }
}

TEST(command_machine, person_counts_once_and_never_for_his_own)
{
    struct rig rig;
    rig_lead(&rig, RIG_PROPOSED, WEFT_COMMAND_CLASS_B);
    rig_event(&rig, WEFT_COMMAND_APPROVE);
    rig_approval(&rig, COMMANDS_ANN, WEFT_APPROVAL_APPROVE);
    expect_refused(&rig, WEFT_EREFUSED, "own:"); /* ACT-4 */
    rig_event(&rig, WEFT_COMMAND_APPROVE);
    rig.judgement.effect = WEFT_EFFECT_NEEDS;
    rig.event.person = WEFT_TEXT("bo");
    EXPECT_EQ(WEFT_COMMAND_PROPOSED, state_after(&rig));
    EXPECT_EQ(WEFT_OK, rig_step(&rig)); /* The same note once more. */
    EXPECT_TRUE(rig.act.is_repeat);
    rig.approval.reason = WEFT_TEXT("really");
    rig.approval.digest.bytes[0] ^= 1;
    expect_refused(&rig, WEFT_ECONFLICT, "twice:");
    rig_event(&rig, WEFT_COMMAND_APPROVE);
    rig_approval(&rig, "oem.example/plant1/op/bo-again", WEFT_APPROVAL_APPROVE);
    rig.event.person = WEFT_TEXT("bo"); /* His other key. */
    expect_refused(&rig, WEFT_ECONFLICT, "twice:");
    rig.event.person = WEFT_TEXT("di");
    rig.approval.command.bytes[0] ^= 1;
    expect_refused(&rig, WEFT_ECONFLICT, "other-command:");
    rig.approval.command.bytes[0] ^= 1;
    rig.event.is_permitted = false;
    expect_refused(&rig, WEFT_EREFUSED, "policy:");
    rig.event.is_permitted = true;
    rig.now_ns = rig.approval.expires_ns + 1;
    expect_refused(&rig, WEFT_EREFUSED, "expired:");
    rig.now_ns--;
    EXPECT_EQ(WEFT_COMMAND_APPROVED, state_after(&rig));
    EXPECT_EQ(2, rig.machine.approval_count);
}

TEST(command_machine, keeps_its_channel_until_its_end_or_what_was_found)
{
    struct rig rig;
    for (int place = 0; place < RIG_PLACES; place++) {
        rig_lead(&rig, (enum rig_place)place, WEFT_COMMAND_CLASS_B);
        bool is_in_flight = place >= RIG_SELECTED && place <= RIG_ACKED_SHOWN;
        EXPECT_EQ(is_in_flight || place == RIG_UNKNOWN,
            weft_command_machine_holds(&rig.machine)); /* ACT-7 */
    }
    rig_lead(&rig, RIG_APPROVED, WEFT_COMMAND_CLASS_B);
    rig_event(&rig, WEFT_COMMAND_SELECT);
    rig.event.is_channel_free = false;
    expect_refused(&rig, WEFT_ESTATE, "channel:");
}

TEST(command_machine, class_c_is_sent_once_and_others_only_when_never_seen)
{
    struct rig rig;
    for (int class = 0; class < WEFT_COMMAND_CLASSES; class ++) {
        rig_lead(&rig, RIG_INTENT_ASKED, (enum weft_command_class) class);
        rig_event(&rig, WEFT_COMMAND_DISPATCH);
        expect_refused(&rig, WEFT_ESTATE, "not-due:"); /* ACT-10 */
        rig_receipt(&rig, WEFT_RECEIPT_STATE);
        rig.receipt.fence.index--;
        expect_refused(&rig, WEFT_ESTATE, "token:"); /* The answer to another query. */
        rig_receipt(&rig, WEFT_RECEIPT_STATE);
        bool is_c = class == WEFT_COMMAND_CLASS_C;
        EXPECT_EQ(is_c ? WEFT_COMMAND_FAILED : WEFT_COMMAND_INTENT, state_after(&rig));
        rig_event(&rig, WEFT_COMMAND_DISPATCH);
        if (is_c) {
            EXPECT_TEXT("not-sent", rig.machine.code);
            expect_refused(&rig, WEFT_ESTATE, "state:");
        } else {
            struct weft_fence first = rig.machine.fence;
            EXPECT_EQ(WEFT_COMMAND_INTENT, state_after(&rig));
            EXPECT_TRUE(weft_fence_compare(&first, &rig.machine.fence) < 0); /* ACT-12 */
            EXPECT_EQ(2, rig.machine.sends);
            rig_receipt(&rig, WEFT_RECEIPT_ACCEPTED);
            rig.receipt.fence = first;
            expect_refused(&rig, WEFT_ESTATE, "token:");
        }
    }
}

TEST(command_machine, new_leader_asks_at_once_and_an_old_one_after_five_seconds)
{
    struct rig rig;
    rig_lead(&rig, RIG_INTENT, WEFT_COMMAND_CLASS_B);
    rig_event(&rig, WEFT_COMMAND_ASK);
    rig.now_ns += WEFT_COMMAND_ASK_MS * MS_NS - 1;
    expect_refused(&rig, WEFT_ESTATE, "not-due:");
    rig.place.term++;
    EXPECT_EQ(WEFT_COMMAND_INTENT, state_after(&rig));
    expect_refused(&rig, WEFT_ESTATE, "not-due:");
    rig.now_ns += WEFT_COMMAND_ASK_MS * MS_NS;
    EXPECT_EQ(WEFT_COMMAND_INTENT, state_after(&rig));
}

TEST(command_machine, unknown_stays_unknown_and_a_person_frees_the_channel)
{
    struct rig rig;
    rig_lead(&rig, RIG_DISPATCHED, WEFT_COMMAND_CLASS_B);
    rig_event(&rig, WEFT_COMMAND_OVERDUE);
    rig.now_ns = rig.machine.accepted_ns + (60000 + WEFT_COMMAND_SLACK_MS) * MS_NS - 1;
    expect_refused(&rig, WEFT_ESTATE, "not-due:");
    rig.now_ns++;
    EXPECT_EQ(WEFT_COMMAND_UNKNOWN, state_after(&rig));
    EXPECT_TRUE(rig.act.is_alarm);
    rig_receipt(&rig, WEFT_RECEIPT_DONE); /* Late. */
    EXPECT_EQ(WEFT_COMMAND_UNKNOWN, state_after(&rig));
    EXPECT_TRUE(rig.act.is_repeat);
    rig_event(&rig, WEFT_COMMAND_RESOLVE);
    rig.event.is_permitted = false;
    expect_refused(&rig, WEFT_EREFUSED, "policy:");
    rig.event.is_permitted = true;
    rig.resolution.command.bytes[0] ^= 1;
    expect_refused(&rig, WEFT_ECONFLICT, "other-command:");
    rig.resolution.command.bytes[0] ^= 1;
    rig.resolution.finding = WEFT_RESOLUTION_PARTLY;
    EXPECT_EQ(WEFT_COMMAND_UNKNOWN, state_after(&rig));
    EXPECT_TRUE(rig.machine.is_resolved);
    EXPECT_EQ(WEFT_RESOLUTION_PARTLY, rig.machine.finding);
    EXPECT_TRUE(!weft_command_machine_holds(&rig.machine));
    expect_refused(&rig, WEFT_ESTATE, "resolved:");
}

TEST(command_machine, outcome_is_verified_by_what_was_read_and_missed_without)
{
    struct rig rig;
    rig_lead(&rig, RIG_ACKED, WEFT_COMMAND_CLASS_B);
    rig_event(&rig, WEFT_COMMAND_VERIFY);
    expect_refused(&rig, WEFT_ESTATE, "not-due:");
    rig_receipt(&rig, WEFT_RECEIPT_MEASURED);
    rig.receipt.readings[0].value.number = 40 * WEFT_SCALAR_ONE; /* Too far off. */
    EXPECT_EQ(WEFT_COMMAND_ACKED, state_after(&rig));
    EXPECT_TRUE(rig.act.is_repeat);
    const struct rig acked = rig;
    rig_receipt(&rig, WEFT_RECEIPT_MEASURED);
    EXPECT_EQ(WEFT_COMMAND_ACKED, state_after(&rig));
    rig_event(&rig, WEFT_COMMAND_VERIFY);
    EXPECT_EQ(WEFT_COMMAND_VERIFIED, state_after(&rig));
    rig = acked;
    rig_event(&rig, WEFT_COMMAND_OVERDUE);
    rig.now_ns = rig.machine.done_ns + (20000 + WEFT_COMMAND_SLACK_MS) * MS_NS;
    EXPECT_EQ(WEFT_COMMAND_FAILED, state_after(&rig));
    EXPECT_TEXT("outcome", rig.machine.code);
    EXPECT_TRUE(rig.act.is_alarm);
}

TEST(command_machine, glass_is_broken_without_approvals_and_with_an_alarm)
{
    struct rig rig;
    rig_lead(&rig, RIG_NONE, WEFT_COMMAND_CLASS_B);
    rig.command.is_break_glass = true;
    commands_seal(&rig.command);
    rig_event(&rig, WEFT_COMMAND_PROPOSE);
    rig.judgement.effect = WEFT_EFFECT_ALLOW;
    EXPECT_EQ(WEFT_COMMAND_APPROVED, state_after(&rig));
    EXPECT_TRUE(rig.act.is_alarm);
}

/* What the leader thinks is due is taken; and it never thinks so of what would be refused. */
TEST(command_machine, step_that_is_due_is_taken_and_no_other)
{
    struct rig led, rig;
    for (int place = 0; place < RIG_PLACES; place++) {
        rig_lead(&led, (enum rig_place)place, WEFT_COMMAND_CLASS_B);
        for (int when = 0; when < TIMES; when++) {
            for (int free = 0; free < 2; free++) {
                struct weft_command_hints hints = {
                    .term = 3, .is_channel_free = free == 1, .has_canary = true};
                enum weft_command_event_kind due = WEFT_COMMAND_EVENTS;
                int64_t when_ns, now_ns = time_of(&led, when);
                bool is_due = weft_command_machine_due(
                    &led.machine, &led.command, &hints, now_ns, &due, &when_ns);
                for (int kind = WEFT_COMMAND_SELECT; kind < WEFT_COMMAND_EVENTS; kind++) {
                    rig = led;
                    rig.now_ns = now_ns;
                    rig_event(&rig, (enum weft_command_event_kind)kind);
                    rig.event.command = &rig.command;
                    rig.event.is_channel_free = free == 1;
                    bool is_taken = rig_step(&rig) == WEFT_OK;
                    if (is_due && kind == (int)due) {
                        EXPECT_TRUE(is_taken);
                    }
                    if (!is_due) {
                        EXPECT_TRUE(!is_taken);
                        EXPECT_TRUE(when_ns > now_ns);
                    }
                }
            }
        }
    }
}
