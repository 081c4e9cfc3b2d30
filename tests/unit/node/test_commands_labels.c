/* Commands to machines that are labelled: decisions ask with the machine's labels, whoever looks is
 * counted. */
#include <stdio.h>
#include <string.h>

#include "tests/lib/test.h"
#include "tests/unit/node/commands_rig.h"

static const char *const by_ann[] = {RIG_ANN, NULL};
static const char *const itar[] = {"itar", NULL};

/* As the rig's, and cy is kept away from what is labelled, whatever else he may. */
static const char forbidding[] = "permit admin\n  who op ann op bo\n  do admin-policy admin-keys\n"
                                 "group approvers = op bo, op cy\n"
                                 "permit command\n  who op ann op bo op cy\n"
                                 "  do propose cancel take-authority read\n"
                                 "permit approve\n  who approvers\n  do approve ack\n"
                                 "require two\n  do propose\n  on tier >= 2\n"
                                 "  need 2 of approvers not proposer distinct-persons\n"
                                 "  envelope press7-speed\n"
                                 "forbid itar\n  who op cy\n  do any\n  on label itar\n";

static void set(struct scene *s)
{
    scene_set(s);
    scene_must(s, RIG_ANN, rig_policy(3, &s->policy, forbidding, by_ann, &s->policy));
    s->command.policy_version = 3;
    s->command.policy_digest = s->policy;
    commands_seal(&s->command);
}

static void label(struct scene *s, const char *asset)
{
    scene_must(s, RIG_ANN, rig_labels(asset, itar));
}

TEST(commands_labels, whom_a_label_keeps_away_does_not_approve_nor_propose)
{
    struct scene s;
    set(&s);
    label(&s, "plant1/line2"); /* And so the press below it. */
    EXPECT_EQ(WEFT_OK, scene_propose(&s));
    EXPECT_EQ(WEFT_EREFUSED, scene_approve(&s, RIG_CY, WEFT_APPROVAL_APPROVE));
    EXPECT_TRUE(weft_text_starts(weft_text_of(s.f.msg.text), "policy:"));
    EXPECT_EQ(WEFT_EREFUSED, scene_approve(&s, RIG_CY, WEFT_APPROVAL_REJECT));
    EXPECT_EQ(WEFT_OK, scene_approve(&s, RIG_BO, WEFT_APPROVAL_APPROVE));
    EXPECT_EQ(WEFT_COMMAND_PROPOSED, scene_look(&s).state);
    s.command.proposer = signers_principal(RIG_CY);
    s.command.id[0] ^= 1;
    commands_seal(&s.command);
    weft_command_subject(s.command.id, s.asset);
    EXPECT_EQ(WEFT_EREFUSED, scene_propose(&s));
    EXPECT_TRUE(weft_text_starts(weft_text_of(s.f.msg.text), "policy:"));
    fixture_destroy(&s.f);
}

/* ACT-9: a label that comes between the approval and the intent. */
TEST(commands_labels, approval_of_whom_a_label_keeps_away_since_counts_no_more)
{
    struct scene s;
    set(&s);
    scene_lead_to_selected(&s);
    label(&s, "plant1/line2/press7");
    EXPECT_EQ(WEFT_OK, scene_step(&s, "dispatch"));
    EXPECT_EQ(WEFT_COMMAND_CANCELLED, scene_look(&s).state);
    EXPECT_TEXT("approvals", scene_look(&s).value.machine.code);
    fixture_destroy(&s.f);
}

static struct weft_buffer handover_by(const char *who)
{
    const char *const by[] = {who, NULL};
    struct weft_handover_note handover = {.channel = WEFT_TEXT(COMMANDS_CHANNEL),
        .version = 1,
        .from = WEFT_COMMAND_OPERATOR,
        .to = WEFT_COMMAND_AUTOMATION,
        .signer = signers_principal(who),
        .printed_name = WEFT_TEXT("Somebody"),
        .reason = WEFT_TEXT("night shift"),
        .signed_ns = SIGNERS_NOW_NS};
    struct weft_buffer text = {0};
    EXPECT_EQ(WEFT_OK, weft_handover_note_encode(&handover, &text, NULL));
    struct weft_buffer note = signers_note(weft_buffer_as_text(&text), by);
    weft_buffer_destroy(&text);
    return note;
}

TEST(commands_labels, channel_that_is_labelled_is_not_handed_over_by_whom_that_keeps_away)
{
    struct scene s;
    struct weft_buffer by_cy = handover_by(RIG_CY), by_bo = handover_by(RIG_BO);
    set(&s);
    label(&s, "channel:" COMMANDS_CHANNEL);
    scene_expect_refused(&s, RIG_CY,
        scene_note_record("handover", "channel:" COMMANDS_CHANNEL, &by_cy), WEFT_EREFUSED,
        "policy:");
    scene_must(&s, RIG_BO, scene_note_record("handover", "channel:" COMMANDS_CHANNEL, &by_bo));
    weft_buffer_destroy(&by_cy);
    weft_buffer_destroy(&by_bo);
    fixture_destroy(&s.f);
}

/* An admin who is kept away from the machine does not say within what it moves. */
TEST(commands_labels, envelope_of_a_labelled_machine_is_not_for_whom_that_keeps_away)
{
    static const char admins[] =
        "permit admin\n  who op ann op bo\n  do admin-policy admin-keys\n"
        "forbid itar\n  who op ann\n  do any\n  on label itar kind envelope\n";
    struct scene s;
    set(&s);
    label(&s, "plant1/line2/press7");
    scene_must(&s, RIG_ANN, rig_policy(4, &s.policy, admins, by_ann, &s.policy));
    struct weft_envelope_note envelope = commands_envelope();
    struct weft_buffer text = commands_envelope_text(&envelope);
    envelope.link.prev = weft_sha256(text.data, text.size);
    envelope.link.version = 2;
    weft_buffer_destroy(&text);
    scene_expect_refused(
        &s, RIG_BO, scene_envelope_record(&envelope), WEFT_EREFUSED, "not-permitted:");
    fixture_destroy(&s.f);
}

/* How many records of a label the last answer is counted as. */
static uint64_t counted(struct scene *s, const char *who, const char *rest)
{
    struct weft_buffer text = {0};
    struct weft_read_report report = {.count = 0};
    EXPECT_EQ(WEFT_OK, scene_ask_report(s, who, rest, (struct weft_text){NULL, 0}, &text, &report));
    weft_buffer_destroy(&text);
    return report.count > 0 ? report.labels[0].records : 0;
}

/* NOD-182 */
TEST(commands_labels, who_looks_at_commands_of_a_labelled_machine_is_counted_or_told_nothing)
{
    struct scene s;
    struct weft_buffer text = {0};
    set(&s);
    scene_lead_to_selected(&s);
    EXPECT_EQ(0, counted(&s, RIG_ANN, ""));
    EXPECT_EQ(WEFT_OK, scene_ask(&s, RIG_CY, "", (struct weft_text){NULL, 0}, &text));
    label(&s, "plant1/line2/press7");
    EXPECT_EQ(1, counted(&s, RIG_ANN, ""));
    EXPECT_EQ(1, counted(&s, RIG_ANN, "-"));
    EXPECT_EQ(0, counted(&s, COMMANDS_GATEWAY, "")); /* Its own: it has the intent's leaf. */
    EXPECT_EQ(WEFT_ENOTFOUND, scene_ask(&s, RIG_CY, "", (struct weft_text){NULL, 0}, &text));
    EXPECT_EQ(WEFT_OK, scene_ask(&s, RIG_CY, "-", (struct weft_text){NULL, 0}, &text));
    EXPECT_EQ(0, text.size);
    weft_buffer_destroy(&text);
    fixture_destroy(&s.f);
}
