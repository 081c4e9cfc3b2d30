/* What follows from commands for the twin of their machine: what is desired, and alarms. NOD-147 */
#include <stdio.h>
#include <string.h>

#include "tests/lib/test.h"
#include "tests/unit/node/commands_rig.h"

static const char *const by_ann[] = {RIG_ANN, NULL};

/* The records of a kind on the press, oldest first, as "path=value;..." lines. */
static uint32_t look_for(struct scene *s, const char *kind, char *ret_text, size_t size)
{
    struct weft_view *view = NULL;
    struct weft_client_message answer;
    struct weft_arena arena = {.size_max = 1 << 20};
    struct weft_msg msg = {""};
    uint32_t count = 0;
    size_t used = 0;
    const struct weft_query query = {.type = WEFT_QUERY_FIND,
        .kind = weft_text_of(kind),
        .asset_glob = WEFT_TEXT("plant1/line2/press7"),
        .principal = WEFT_TEXT("spiffe://" RIG_ANN),
        .limit = 100};
    ret_text[0] = '\0';
    EXPECT_EQ(WEFT_OK, weft_view_open(s->f.state, &view, &msg));
    EXPECT_EQ(WEFT_OK, weft_view_query(view, &query, &arena, &answer, &msg));
    EXPECT_TEXT("", msg.text);
    for (uint32_t i = 0; i < answer.page.record_count; i++) {
        const struct weft_record *r = &answer.page.records[i].record;
        for (uint32_t f = 0; f < r->field_count && used < size; f++) {
            used += (size_t)snprintf(ret_text + used, size - used, "%.*s=%.*s;",
                (int)r->fields[f].path.size, r->fields[f].path.data, (int)r->fields[f].value.size,
                r->fields[f].value.data);
        }
        EXPECT_TRUE(weft_text_is(r->source, s->asset));
        count++;
    }
    weft_view_close(view);
    weft_arena_destroy(&arena);
    return count;
}

static void lead_to_intent(struct scene *s)
{
    scene_lead_to_selected(s);
    EXPECT_EQ(WEFT_OK, scene_step(s, "dispatch"));
}

static void check_offline(struct scene *s)
{
    fixture_close(&s->f);
    struct weft_state_check check = {.directory = s->f.directory};
    EXPECT_EQ(WEFT_OK, weft_state_check(&check, &s->f.msg));
    EXPECT_TEXT("", s->f.msg.text);
    fixture_destroy(&s->f);
}

TEST(commands_follow, accepted_command_is_what_is_desired_of_the_machine_once)
{
    struct scene s;
    char text[1024];
    scene_set(&s);
    lead_to_intent(&s);
    EXPECT_EQ(0, look_for(&s, "desired", text, sizeof(text))); /* It may still be refused there. */
    EXPECT_EQ(WEFT_OK, scene_receive(&s, WEFT_RECEIPT_ACCEPTED));
    EXPECT_EQ(1, s.f.items[0].result.receipt_count); /* Of what was asked for. */
    EXPECT_EQ(1, look_for(&s, "desired", text, sizeof(text)));
    EXPECT_TEXT("speed/value=42.5;speed/unit=rpm;speed/tolerance=0.5;", text);
    EXPECT_EQ(WEFT_OK, scene_receive(&s, WEFT_RECEIPT_ACCEPTED)); /* Once more. */
    EXPECT_EQ(1, look_for(&s, "desired", text, sizeof(text)));
    EXPECT_EQ(WEFT_OK, scene_receive(&s, WEFT_RECEIPT_DONE));
    EXPECT_EQ(WEFT_OK, scene_step(&s, "verify"));
    EXPECT_EQ(1, look_for(&s, "desired", text, sizeof(text)));
    EXPECT_EQ(0, look_for(&s, "alarm", text, sizeof(text)));
    check_offline(&s);
}

static void expect_alarm(struct scene *s, const char *alarm, const char *state, const char *code)
{
    char text[1024], expected[1024];
    (void)snprintf(expected, sizeof(expected), "alarm=%s;channel=%s;%s%s%scommand=%s;state=%s;",
        alarm, COMMANDS_CHANNEL, code[0] != '\0' ? "code=" : "", code, code[0] != '\0' ? ";" : "",
        s->asset, state);
    EXPECT_EQ(1, look_for(s, "alarm", text, sizeof(text)));
    char *verb = strstr(text, "verb=");
    EXPECT_TEXT("verb=set-speed;", verb != NULL ? verb : text);
    *(verb != NULL ? verb : text) = '\0';
    EXPECT_TEXT(expected, text);
}

static uint64_t counted(struct scene *s, uint32_t alarm)
{
    return weft_commands_alarms(weft_state_commands(s->f.state), alarm);
}

TEST(commands_follow, unknown_outcome_is_an_alarm_on_the_machine)
{
    struct scene s;
    scene_set(&s);
    lead_to_intent(&s);
    EXPECT_EQ(WEFT_OK, scene_receive(&s, WEFT_RECEIPT_UNKNOWN));
    expect_alarm(&s, "unknown", "UNKNOWN", "interlock");
    EXPECT_EQ(1, counted(&s, 0));
    EXPECT_EQ(WEFT_OK, scene_receive(&s, WEFT_RECEIPT_UNKNOWN)); /* It comes again. */
    expect_alarm(&s, "unknown", "UNKNOWN", "interlock");
    EXPECT_EQ(WEFT_OK, scene_resolve(&s, &s.command, RIG_BO));
    expect_alarm(&s, "unknown", "UNKNOWN", "interlock");
    EXPECT_EQ(1, counted(&s, 0));
    check_offline(&s);
}

TEST(commands_follow, outcome_that_was_not_read_in_time_is_a_deviation)
{
    struct scene s;
    scene_set(&s);
    lead_to_intent(&s);
    EXPECT_EQ(WEFT_OK, scene_receive(&s, WEFT_RECEIPT_ACCEPTED));
    struct weft_command_machine m = scene_look(&s).value.machine;
    struct weft_receipt_note receipt = commands_receipt(&s.command, &m.fence, WEFT_RECEIPT_DONE);
    receipt.reading_count = 0; /* Nothing was measured. */
    receipt.signed_ns = s.f.time_ns - s.f.time_ns % SCENE_MS_NS;
    EXPECT_EQ(
        WEFT_OK, scene_hand_in(&s, COMMANDS_GATEWAY, s.asset, commands_receipt_note(&receipt)));
    s.f.time_ns += INT64_C(3600) * 1000 * SCENE_MS_NS;
    EXPECT_EQ(WEFT_OK, scene_step(&s, "overdue"));
    expect_alarm(&s, "deviation", "FAILED", "outcome");
    EXPECT_EQ(1, counted(&s, 1));
    check_offline(&s);
}

TEST(commands_follow, gateway_that_does_not_answer_is_told_once_and_its_silence_ends_unknown)
{
    struct scene s;
    char text[1024];
    scene_set(&s);
    lead_to_intent(&s);
    s.f.time_ns += WEFT_COMMAND_ASK_MS * SCENE_MS_NS;
    EXPECT_EQ(WEFT_OK, scene_step(&s, "ask"));
    EXPECT_EQ(0, look_for(&s, "alarm", text, sizeof(text)));
    for (int i = 0; i < 3; i++) {
        s.f.time_ns += WEFT_COMMAND_ASK_MS * SCENE_MS_NS;
        EXPECT_EQ(WEFT_OK, scene_step(&s, "ask"));
        expect_alarm(&s, "gateway-lost", "INTENT", "");
        scene_reopen(&s);
    }
    s.f.time_ns += INT64_C(3600) * 1000 * SCENE_MS_NS;
    EXPECT_EQ(WEFT_OK, scene_step(&s, "overdue"));
    EXPECT_EQ(2, look_for(&s, "alarm", text, sizeof(text)));
    EXPECT_TRUE(strstr(text, "alarm=unknown;") != NULL);
    check_offline(&s);
}

TEST(commands_follow, interlock_and_broken_glass_are_alarms)
{
    static const char glass[] = "permit admin\n  who op ann op bo\n  do admin-policy admin-keys\n"
                                "permit glass\n  who op ann\n  do break-glass read\n";
    struct scene s;
    scene_set(&s);
    lead_to_intent(&s);
    struct weft_command_machine m = scene_look(&s).value.machine;
    struct weft_receipt_note receipt = commands_receipt(&s.command, &m.fence, WEFT_RECEIPT_REFUSED);
    receipt.code = WEFT_TEXT("interlock");
    receipt.signed_ns = s.f.time_ns - s.f.time_ns % SCENE_MS_NS;
    EXPECT_EQ(
        WEFT_OK, scene_hand_in(&s, COMMANDS_GATEWAY, s.asset, commands_receipt_note(&receipt)));
    expect_alarm(&s, "interlock", "FAILED", "interlock");
    check_offline(&s);
    scene_set(&s);
    scene_must(&s, RIG_ANN, rig_policy(3, &s.policy, glass, by_ann, &s.policy));
    s.command.policy_version = 3;
    s.command.policy_digest = s.policy;
    s.command.is_break_glass = true;
    commands_seal(&s.command);
    EXPECT_EQ(WEFT_OK, scene_propose(&s));
    expect_alarm(&s, "break-glass", "APPROVED", "");
    EXPECT_EQ(WEFT_OK, scene_propose(&s)); /* It comes again. */
    expect_alarm(&s, "break-glass", "APPROVED", "");
    check_offline(&s);
}

/* What is asked for again under its id is answered as it was, and nothing follows twice. */
TEST(commands_follow, request_that_is_repeated_is_answered_alike)
{
    struct scene s;
    char text[1024];
    scene_set(&s);
    lead_to_intent(&s);
    struct weft_command_machine m = scene_look(&s).value.machine;
    struct weft_receipt_note receipt = commands_receipt(&s.command, &m.fence, WEFT_RECEIPT_UNKNOWN);
    receipt.signed_ns = s.f.time_ns - s.f.time_ns % SCENE_MS_NS;
    struct weft_buffer note = commands_receipt_note(&receipt);
    struct weft_record record = scene_note_record("command", s.asset, &note);
    for (int i = 0; i < 2; i++) {
        const struct weft_commit commit = {
            .request_id = {{1, 2, 3}}, .records = &record, .record_count = 1};
        test_entry_begin(&s.f.entry);
        EXPECT_TRUE(test_entry_commit(&s.f.entry, "spiffe://" COMMANDS_GATEWAY, &commit));
        fixture_apply(&s.f);
        EXPECT_EQ(WEFT_OK, s.f.items[0].err);
        EXPECT_EQ(i == 1, s.f.items[0].result.repeated);
        EXPECT_EQ(1, s.f.items[0].result.receipt_count);
    }
    EXPECT_EQ(1, look_for(&s, "alarm", text, sizeof(text)));
    weft_buffer_destroy(&note);
    check_offline(&s);
}
