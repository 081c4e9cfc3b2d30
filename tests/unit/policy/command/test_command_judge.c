#include <stdio.h>
#include <string.h>

#include "policy/command/command_judge.h"
#include "policy/policy_file.h"
#include "tests/lib/commands.h"
#include "tests/lib/test.h"

static const char two_person[] = "policy plant1-core 1\n"
                                 "group approvers = op bo, op cy, op di\n"
                                 "permit all\n"
                                 "  who  op ann op bo op cy op di\n"
                                 "  do   propose approve cancel ack take-authority\n"
                                 "permit glass\n"
                                 "  who  op ann\n"
                                 "  do   break-glass\n"
                                 "require two\n"
                                 "  do   propose\n"
                                 "  on   tier >= 2\n"
                                 "  need 2 of approvers not proposer distinct-persons\n"
                                 "  envelope press7-speed\n";

static const char nobody[] = "policy plant1-core 1\n"
                             "permit all\n"
                             "  who  op di\n"
                             "  do   propose approve\n";

/* What governs, and one command under it. */
struct scene {
    struct weft_arena arenas[2];
    const struct weft_policy *policies[2]; /* two_person, nobody */
    struct weft_keyring ring;
    struct weft_subjects subjects;
    struct weft_envelope_note envelope;
    const struct weft_envelope_note *envelopes[1];
    struct weft_command_law law;
    struct weft_command_note command;
    struct weft_command_machine machine;
};

static void set(struct scene *s)
{
    struct weft_msg msg = {""};
    memset(s, 0, sizeof(*s));
    const char *const texts[2] = {two_person, nobody};
    for (int i = 0; i < 2; i++) {
        s->arenas[i].size_max = WEFT_POLICY_MEMORY_MAX;
        EXPECT_EQ(WEFT_OK, weft_policy_parse(weft_text_of(texts[i]), "p", &s->arenas[i],
                               &s->policies[i], NULL, &msg));
        EXPECT_TEXT("", msg.text);
    }
    s->ring = signers_ring();
    s->envelope = commands_envelope();
    struct weft_buffer text = commands_envelope_text(&s->envelope);
    s->envelope.link.digest = weft_sha256(text.data, text.size);
    weft_buffer_destroy(&text);
    s->envelopes[0] = &s->envelope;
    s->command = commands_command();
    s->command.policy_version = 1;
    s->command.policy_digest = weft_policy_head(s->policies[0])->digest;
    commands_seal(&s->command);
    s->law = (struct weft_command_law){.policy = s->policies[0],
        .ring = &s->ring,
        .subjects = &s->subjects,
        .org = WEFT_TEXT("oem.example"),
        .site = WEFT_TEXT("plant1"),
        .index = 100,
        .now_ns = SIGNERS_NOW_NS + SIGNERS_SECOND_NS,
        .envelopes = s->envelopes,
        .envelope_count = 1,
        .rev = 8812};
}

static void end(struct scene *s)
{
    weft_keyring_destroy(&s->ring);
    weft_arena_destroy(&s->arenas[0]);
    weft_arena_destroy(&s->arenas[1]);
}

/* Making a key takes a while: those of a few names are kept. */
static const struct weft_verifier *verifier_of(const char *name)
{
    static struct weft_verifier kept[8];
    static uint32_t count;
    for (uint32_t i = 0; i < count; i++) {
        if (strcmp(kept[i].name, name) == 0) {
            return &kept[i];
        }
    }
    kept[count] = signers_make(name).verifier;
    return &kept[count++];
}

static uint32_t key_of(const char *name)
{
    return verifier_of(name)->key_id;
}

static struct weft_command_judgement judge(struct scene *s)
{
    struct weft_command_judgement j;
    weft_command_judge(&s->law, &s->machine, &s->command, key_of(COMMANDS_ANN), NULL, &j, NULL);
    return j;
}

/* Puts an approval beside the machine's state: of this only the list is looked at. */
static void add(struct scene *s, const char *who)
{
    struct weft_approval_note note = commands_approval(&s->command, who);
    s->machine.approvals[s->machine.approval_count++] =
        (struct weft_command_approval){.who = note.approver,
            .key_id = key_of(who),
            .signed_ns = note.signed_ns,
            .expires_ns = note.expires_ns,
            .digest = note.digest};
}

static bool is_whole(const struct weft_command_judgement *j)
{
    return j->effect == WEFT_EFFECT_ALLOW && j->is_known && j->is_of_policy && j->is_of_envelopes &&
           j->is_of_rank && j->is_of_rev && j->is_next && j->fault == WEFT_ENVELOPE_PASSED;
}

TEST(command_judge, approvals_count_by_valid_keys_in_time_of_who_may)
{
    struct scene s;
    set(&s);
    struct weft_command_judgement j = judge(&s);
    EXPECT_EQ(WEFT_EFFECT_NEEDS, j.effect);
    add(&s, COMMANDS_BO);
    j = judge(&s);
    EXPECT_EQ(WEFT_EFFECT_NEEDS, j.effect);
    EXPECT_EQ(1, j.counted);
    add(&s, COMMANDS_CY);
    j = judge(&s);
    EXPECT_TRUE(is_whole(&j));
    EXPECT_EQ(3, j.counted);
    EXPECT_TRUE(weft_text_is(j.statement, "all"));
    s.law.now_ns = s.machine.approvals[1].expires_ns + 1;
    j = judge(&s);
    EXPECT_EQ(0, j.counted);
    s.law.now_ns = SIGNERS_NOW_NS + SIGNERS_SECOND_NS;
    s.machine.approvals[0].key_id ^= 1;
    j = judge(&s);
    EXPECT_EQ(2, j.counted);
    EXPECT_EQ(WEFT_EFFECT_NEEDS, j.effect);
    end(&s);
}

TEST(command_judge, one_that_is_about_to_be_added_counts_as_if_it_were_there)
{
    struct scene s;
    struct weft_command_judgement j;
    set(&s);
    add(&s, COMMANDS_BO);
    add(&s, COMMANDS_CY);
    s.machine.approval_count = 1;
    const struct weft_command_approval more = s.machine.approvals[1];
    weft_command_judge(&s.law, &s.machine, &s.command, key_of(COMMANDS_ANN), &more, &j, NULL);
    EXPECT_TRUE(is_whole(&j));
    EXPECT_EQ(3, j.counted);
    end(&s);
}

TEST(command_judge, finds_each_thing_that_is_no_longer_so)
{
    struct scene s;
    set(&s);
    add(&s, COMMANDS_BO);
    add(&s, COMMANDS_CY);
    s.command.policy_version = 2;
    EXPECT_TRUE(!judge(&s).is_of_policy);
    s.command.policy_version = 1;
    s.envelope.link.version = 2;
    EXPECT_TRUE(!judge(&s).is_of_envelopes);
    s.envelope.link.version = 1;
    s.law.envelope_count = 0;
    EXPECT_TRUE(!judge(&s).is_of_envelopes); /* ACT-5: none is not enough. */
    s.law.envelope_count = 1;
    s.law.authority = (struct weft_command_authority){3, WEFT_COMMAND_AUTOMATION};
    EXPECT_TRUE(!judge(&s).is_of_rank);
    s.command.is_break_glass = true;
    EXPECT_TRUE(judge(&s).is_of_rank);
    EXPECT_EQ(WEFT_EFFECT_ALLOW, judge(&s).effect);
    s.command.is_break_glass = false;
    s.law.authority.rank = WEFT_COMMAND_OPERATOR;
    s.command.has_rev = true;
    s.command.rev = 8811;
    EXPECT_TRUE(!judge(&s).is_of_rev);
    s.command.has_rev = false;
    s.law.last_seq = s.command.seq;
    EXPECT_TRUE(!judge(&s).is_next);
    s.law.last_seq--;
    s.command.args[0].value.number = 61 * WEFT_SCALAR_ONE;
    EXPECT_EQ(WEFT_ENVELOPE_HARD, judge(&s).fault);
    s.command.args[0].value.number = 42 * WEFT_SCALAR_ONE;
    s.law.policy = NULL;
    EXPECT_EQ(WEFT_EFFECT_DENY, judge(&s).effect);
    s.law.policy = s.policies[1];
    EXPECT_EQ(WEFT_EFFECT_DENY, judge(&s).effect);
    end(&s);
}

static uint32_t canaries;

static uint32_t count_canaries(const struct weft_command_law *law,
    const struct weft_command_note *command, const struct weft_envelope_note *envelope)
{
    EXPECT_EQ(100, law->index);
    EXPECT_TRUE(weft_envelope_note_is_about(envelope, command->target, command->verb));
    return canaries;
}

TEST(command_judge, stages_are_those_of_the_envelopes)
{
    struct scene s;
    set(&s);
    struct weft_command_judgement j = judge(&s);
    EXPECT_TRUE(!j.wants_shadow && !j.wants_canary && j.has_canary);
    EXPECT_EQ(60 * 1000, j.finish_ms);
    s.envelope.has_shadow = true;
    s.envelope.canary_count = 2;
    s.envelope.canary_soak_ms = 1000;
    j = judge(&s);
    EXPECT_TRUE(j.wants_shadow && j.wants_canary && !j.has_canary);
    s.law.count_canaries = count_canaries;
    canaries = 1;
    EXPECT_TRUE(!judge(&s).has_canary);
    canaries = 2;
    EXPECT_TRUE(judge(&s).has_canary);
    s.command.is_shadow = true; /* It never moves: nothing has to be tried before. */
    j = judge(&s);
    EXPECT_TRUE(!j.wants_shadow && !j.wants_canary);
    end(&s);
}

TEST(command_judge, rank_is_by_class_role_and_organization)
{
    static const struct weft_policy_role role = {WEFT_TEXT(WEFT_COMMAND_OPTIMIZER_ROLE), {NULL, 0}};
    struct scene s;
    set(&s);
    struct weft_principal ann = signers_principal(COMMANDS_ANN);
    struct weft_principal robot = signers_principal(COMMANDS_ROBOT);
    struct weft_principal partner = signers_principal("supplier.example/west/op/pia");
    struct weft_policy_subject subject = {.principal = &robot, .roles = &role, .role_count = 1};
    EXPECT_EQ(WEFT_COMMAND_OPERATOR, weft_command_rank_of(&s.law, &ann));
    EXPECT_EQ(WEFT_COMMAND_AUTOMATION, weft_command_rank_of(&s.law, &robot));
    EXPECT_EQ(WEFT_COMMAND_PARTNER, weft_command_rank_of(&s.law, &partner));
    s.subjects = (struct weft_subjects){&subject, 1};
    EXPECT_EQ(WEFT_COMMAND_OPTIMIZER, weft_command_rank_of(&s.law, &robot));
    EXPECT_TRUE(weft_command_may(&s.law, &ann, WEFT_ACTION_ACK, &s.command));
    EXPECT_TRUE(!weft_command_may(&s.law, &robot, WEFT_ACTION_ACK, &s.command));
    EXPECT_TRUE(weft_command_may_take(&s.law, &ann, WEFT_TEXT("channel:plant1/gw1/press7")));
    EXPECT_TRUE(!weft_command_may_take(&s.law, &robot, WEFT_TEXT("channel:plant1/gw1/press7")));
    end(&s);
}

TEST(command_judge, key_of_a_signer_is_the_first_that_is_valid)
{
    struct scene s;
    uint32_t key_id = 0;
    set(&s);
    struct weft_principal ann = signers_principal(COMMANDS_ANN);
    struct weft_principal bo = signers_principal(COMMANDS_BO);
    struct weft_buffer bytes = commands_note(&s.command);
    struct weft_note note = signers_parse(&bytes);
    EXPECT_TRUE(weft_command_signer_key(&s.ring, &note, &ann, 100, &key_id));
    EXPECT_EQ(key_of(COMMANDS_ANN), key_id);
    EXPECT_TRUE(!weft_command_signer_key(&s.ring, &note, &bo, 100, &key_id));
    EXPECT_TRUE(!weft_command_signer_key(&s.ring, &note, &ann, 9, &key_id));
    weft_buffer_destroy(&bytes);
    end(&s);
}

/* --- races ----------------------------------------------------------------------------------- */

enum {
    RACES = 10000
};

/* What an index of the log does in a race. */
enum racer {
    APPROVE_BO,
    APPROVE_CY,
    REVOKE, /* Of ann, bo or cy. */
    FORBID, /* Another policy. */
    ENVELOPE,
    HAND_OVER,
    STEP_A, /* Steps of the leader, wherever they land. */
    STEP_B,
    STEP_C,
    STEP_D,
    RACERS
};

static void shuffle(enum racer *order)
{
    for (int i = RACERS - 1; i > 0; i--) {
        int k = (int)test_random((uint64_t)i + 1);
        enum racer kept = order[i];
        order[i] = order[k];
        order[k] = kept;
    }
}

static void step(struct scene *s, enum weft_command_event_kind kind, const char *approver)
{
    struct weft_command_act act;
    struct weft_approval_note approval;
    struct weft_command_approval more;
    struct weft_command_judgement j;
    struct weft_command_event event = {.kind = kind,
        .place = {3, s->law.index},
        .now_ns = s->law.now_ns,
        .command = &s->command,
        .judgement = &j,
        .approval = &approval,
        .key_id = key_of(approver != NULL ? approver : COMMANDS_ANN),
        .is_permitted = true,
        .is_channel_free = true};
    if (approver != NULL) {
        approval = commands_approval(&s->command, approver);
        more = (struct weft_command_approval){.who = approval.approver,
            .key_id = event.key_id,
            .signed_ns = approval.signed_ns,
            .expires_ns = approval.expires_ns};
        event.is_permitted =
            weft_command_may(&s->law, &approval.approver, WEFT_ACTION_APPROVE, &s->command);
    }
    weft_command_judge(&s->law, &s->machine, &s->command, key_of(COMMANDS_ANN),
        approver != NULL ? &more : NULL, &j, NULL);
    (void)!weft_command_machine_step(&s->machine, &event, &act, NULL);
}

/* Acceptance 4: no intent after the index of a revocation, whoever's, or of any other change that
 * takes away what the command stands on. */
TEST(command_judge, of_ten_thousand_races_none_is_sent_behind_a_revocation)
{
    static const char *const people[] = {COMMANDS_ANN, COMMANDS_BO, COMMANDS_CY};
    struct scene s;
    struct weft_keyring whole = signers_ring();
    uint32_t sent = 0, stopped = 0;
    set(&s);
    for (int race = 0; race < RACES; race++) {
        enum racer order[RACERS];
        uint64_t taken_away = UINT64_MAX; /* The first index at which something was. */
        bool is_revoking = test_random(4) != 0, is_forbidding = test_random(8) == 0;
        bool is_changing = test_random(8) == 0, is_handing = test_random(8) == 0;
        for (int i = 0; i < RACERS; i++) {
            order[i] = (enum racer)i;
        }
        shuffle(order);
        s.machine = (struct weft_command_machine){.state = WEFT_COMMAND_NONE};
        s.law.index = 100;
        s.law.policy = s.policies[0];
        s.law.authority = (struct weft_command_authority){0, WEFT_COMMAND_OPERATOR};
        s.envelope.link.version = 1;
        memcpy(s.ring.keys, whole.keys, whole.count * sizeof(*whole.keys));
        step(&s, WEFT_COMMAND_PROPOSE, NULL);
        for (int i = 0; i < RACERS; i++) {
            bool takes = false;
            s.law.index++;
            switch (order[i]) {
            case APPROVE_BO:
                step(&s, WEFT_COMMAND_APPROVE, COMMANDS_BO);
                break;
            case APPROVE_CY:
                step(&s, WEFT_COMMAND_APPROVE, COMMANDS_CY);
                break;
            case REVOKE:
                takes = is_revoking;
                if (takes) {
                    EXPECT_EQ(WEFT_OK, weft_keyring_revoke(&s.ring,
                                           verifier_of(people[test_random(3)]), s.law.index, NULL));
                }
                break;
            case FORBID:
                takes = is_forbidding;
                s.law.policy = takes ? s.policies[1] : s.law.policy;
                break;
            case ENVELOPE:
                takes = is_changing;
                s.envelope.link.version += takes;
                break;
            case HAND_OVER:
                takes = is_handing;
                s.law.authority.rank = takes ? WEFT_COMMAND_AUTOMATION : WEFT_COMMAND_OPERATOR;
                break;
            case STEP_A:
            case STEP_B:
            case STEP_C:
            case STEP_D:
            case RACERS:
                step(&s, WEFT_COMMAND_SELECT, NULL);
                s.law.index++;
                step(&s, WEFT_COMMAND_DISPATCH, NULL);
                break;
            }
            taken_away = takes && s.law.index < taken_away ? s.law.index : taken_away;
        }
        if (s.machine.sends > 0) {
            EXPECT_TRUE(s.machine.fence.index < taken_away); /* ACT-9 */
            EXPECT_EQ(3, s.machine.counted);
            sent++;
        }
        stopped += s.machine.state == WEFT_COMMAND_CANCELLED;
    }
    end(&s);
    weft_keyring_destroy(&whole);
    EXPECT_TRUE(sent > RACES / 10 && stopped > RACES / 10);
}
