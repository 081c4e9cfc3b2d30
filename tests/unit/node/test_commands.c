/* Commands in the state: from the proposal to the end, with the proof that a gateway asks for. */
#include <stdio.h>
#include <string.h>

#include "policy/together.h"
#include "tests/lib/test.h"
#include "tests/unit/node/commands_rig.h"

static const char *const by_ann[] = {RIG_ANN, NULL};

/* NOD-146. Each arrow is one entry and one leaf. */
TEST(commands, one_goes_from_its_proposal_to_verified_by_two_approvals_and_a_proof)
{
    struct scene s;
    scene_set(&s);
    EXPECT_EQ(WEFT_OK, scene_propose(&s));
    scene_expect_leaf(&s, "command.propose", "NONE", "PROPOSED");
    scene_reopen(&s);
    EXPECT_EQ(WEFT_OK, scene_approve(&s, RIG_BO, WEFT_APPROVAL_APPROVE));
    scene_expect_leaf(&s, "command.approve", "PROPOSED", "PROPOSED");
    scene_expect_refused(&s, SCENE_NODE, scene_step_record(&s, "select"), WEFT_ESTATE, "state:");
    scene_reopen(&s);
    EXPECT_EQ(WEFT_OK, scene_approve(&s, RIG_CY, WEFT_APPROVAL_APPROVE));
    scene_expect_leaf(&s, "command.approve", "PROPOSED", "APPROVED");
    scene_reopen(&s);
    EXPECT_EQ(WEFT_OK, scene_step(&s, "select"));
    scene_expect_leaf(&s, "command.select", "APPROVED", "SELECTED");
    scene_reopen(&s);
    EXPECT_EQ(WEFT_OK, scene_step(&s, "dispatch"));
    scene_expect_leaf(&s, "command.intent", "SELECTED", "INTENT");
    EXPECT_EQ(WEFT_PROOF_SOUND, scene_verify_bundle(&s, 3)); /* ACT-11 */
    EXPECT_EQ(WEFT_PROOF_QUORUM, scene_verify_bundle(&s, 2));
    scene_reopen(&s);
    EXPECT_EQ(WEFT_PROOF_SOUND, scene_verify_bundle(&s, 5));
    EXPECT_EQ(WEFT_OK, scene_receive(&s, WEFT_RECEIPT_ACCEPTED));
    scene_expect_leaf(&s, "command.receipt", "INTENT", "DISPATCHED");
    scene_reopen(&s);
    EXPECT_EQ(WEFT_OK, scene_receive(&s, WEFT_RECEIPT_DONE));
    scene_expect_leaf(&s, "command.receipt", "DISPATCHED", "ACKED");
    uint64_t leaves = weft_state_audit(s.f.state).size;
    EXPECT_EQ(WEFT_OK,
        scene_receive(&s, WEFT_RECEIPT_DONE)); /* Once more: nothing but its commit's leaf. */
    EXPECT_EQ(leaves + 1, weft_state_audit(s.f.state).size);
    scene_reopen(&s);
    EXPECT_EQ(WEFT_OK, scene_step(&s, "verify"));
    scene_expect_leaf(&s, "command.verify", "ACKED", "VERIFIED");
    scene_reopen(&s);
    EXPECT_EQ(WEFT_COMMAND_VERIFIED, scene_look(&s).state);
    EXPECT_EQ(0, weft_commands_open(weft_state_commands(s.f.state)));
    fixture_close(&s.f);
    struct weft_state_check check = {.directory = s.f.directory};
    EXPECT_EQ(WEFT_OK, weft_state_check(&check, &s.f.msg));
    fixture_destroy(&s.f);
}

/* Two texts, signed together by the key of that name. */
static void sign_together(
    const char *name, const struct weft_buffer texts[2], struct weft_buffer ret_notes[2])
{
    const struct weft_signer signer = signers_make(name);
    const struct weft_text both[2] = {
        weft_buffer_as_text(&texts[0]), weft_buffer_as_text(&texts[1])};
    ret_notes[0] = ret_notes[1] = (struct weft_buffer){0};
    EXPECT_EQ(WEFT_OK, weft_together_sign(both, 2, &signer, ret_notes, NULL));
}

/* POL-71, NOD-146: each is the gateway's by itself, and its command's alone. */
TEST(commands, receipts_count_that_are_signed_together_and_nothing_else_does)
{
    struct scene s;
    struct weft_buffer texts[2] = {{0}, {0}}, notes[2];
    scene_set(&s);
    EXPECT_EQ(WEFT_OK, scene_propose(&s));
    const struct weft_approval_note approval = commands_approval(&s.command, RIG_BO);
    for (int i = 0; i < 2; i++) {
        EXPECT_EQ(WEFT_OK, weft_approval_note_encode(&approval, &texts[i], NULL));
    }
    sign_together(RIG_BO, texts, notes);
    weft_buffer_destroy(&notes[1]);
    EXPECT_EQ(WEFT_EBADSIG, scene_hand_in(&s, SCENE_NODE, s.asset, notes[0]));
    EXPECT_EQ(WEFT_OK, scene_approve(&s, RIG_BO, WEFT_APPROVAL_APPROVE));
    EXPECT_EQ(WEFT_OK, scene_approve(&s, RIG_CY, WEFT_APPROVAL_APPROVE));
    EXPECT_EQ(WEFT_OK, scene_step(&s, "select"));
    EXPECT_EQ(WEFT_OK, scene_step(&s, "dispatch"));
    const struct weft_command_machine m = scene_look(&s).value.machine;
    for (int i = 0; i < 2; i++) {
        struct weft_receipt_note receipt = commands_receipt(
            &s.command, &m.fence, i == 0 ? WEFT_RECEIPT_ACCEPTED : WEFT_RECEIPT_DONE);
        receipt.signed_ns = s.f.time_ns - s.f.time_ns % SCENE_MS_NS;
        receipt.readings[0].at_ns = receipt.signed_ns;
        weft_buffer_clear(&texts[i]);
        EXPECT_EQ(WEFT_OK, weft_receipt_note_encode(&receipt, &texts[i], NULL));
    }
    sign_together(RIG_BO, texts, notes); /* By somebody else. */
    EXPECT_EQ(WEFT_EPEER, scene_hand_in(&s, COMMANDS_GATEWAY, s.asset, notes[0]));
    weft_buffer_destroy(&notes[1]);
    sign_together(COMMANDS_GATEWAY, texts, notes);
    EXPECT_EQ(WEFT_OK, scene_hand_in(&s, COMMANDS_GATEWAY, s.asset, notes[0]));
    scene_expect_leaf(&s, "command.receipt", "INTENT", "DISPATCHED");
    notes[1].data[notes[1].size - 3] ^= 1; /* Its signature has been seen by now. */
    scene_expect_refused(
        &s, COMMANDS_GATEWAY, scene_note_record("command", s.asset, &notes[1]), WEFT_EBADSIG, "");
    notes[1].data[notes[1].size - 3] ^= 1;
    EXPECT_EQ(WEFT_OK, scene_hand_in(&s, COMMANDS_GATEWAY, s.asset, notes[1]));
    scene_expect_leaf(&s, "command.receipt", "DISPATCHED", "ACKED");
    weft_buffer_destroy(&texts[0]);
    weft_buffer_destroy(&texts[1]);
    fixture_destroy(&s.f);
}

/* Acceptance 1: each is refused, with its reason. */
TEST(commands, what_is_not_as_it_has_to_be_is_refused_with_its_reason)
{
    struct scene s;
    scene_set(&s);
    struct weft_command_note good = s.command;
    s.command.args[0].value.number = 61 * WEFT_SCALAR_ONE; /* Out of the envelope. */
    commands_seal(&s.command);
    EXPECT_EQ(WEFT_EREFUSED, scene_propose(&s));
    EXPECT_TRUE(weft_text_starts(weft_text_of(s.f.msg.text), "hard:"));
    s.command = good;
    s.command.policy_version = 1;
    EXPECT_EQ(WEFT_ECONFLICT, scene_propose(&s));
    s.command = good;
    s.command.envelopes[0].version = 2;
    EXPECT_EQ(WEFT_EREFUSED, scene_propose(&s));
    EXPECT_TRUE(weft_text_starts(weft_text_of(s.f.msg.text), "envelope-version:"));
    s.command = good;
    s.command.origin = WEFT_TEXT("oem.example/plant1/gov");
    EXPECT_EQ(WEFT_EPEER, scene_propose(&s));
    s.command = good;
    s.command.proposer = signers_principal("oem.example/plant1/op/mallory"); /* Nobody's key. */
    EXPECT_EQ(WEFT_EPEER, scene_propose(&s));
    s.command = good;
    EXPECT_EQ(WEFT_ENOTFOUND, scene_approve(&s, RIG_BO, WEFT_APPROVAL_APPROVE));
    EXPECT_EQ(WEFT_OK, scene_propose(&s));
    EXPECT_EQ(WEFT_OK, scene_propose(&s)); /* ACT-8: the same once more. */
    EXPECT_EQ(WEFT_EREFUSED, scene_approve(&s, RIG_ANN, WEFT_APPROVAL_APPROVE));
    EXPECT_TRUE(weft_text_starts(weft_text_of(s.f.msg.text), "own:"));
    EXPECT_EQ(WEFT_OK, scene_approve(&s, RIG_BO, WEFT_APPROVAL_APPROVE));
    EXPECT_EQ(WEFT_COMMAND_PROPOSED, scene_look(&s).state); /* One alone is not enough. */
    s.command.seq++;
    commands_seal(&s.command);
    EXPECT_EQ(WEFT_ECONFLICT, scene_propose(&s));
    EXPECT_TRUE(weft_text_starts(weft_text_of(s.f.msg.text), "id-conflict:"));
    s.command = good;
    s.command.id[0] ^= 1; /* Another id, the same seq: replayed. */
    commands_seal(&s.command);
    weft_command_subject(s.command.id, s.asset);
    EXPECT_EQ(WEFT_ECONFLICT, scene_propose(&s));
    EXPECT_TRUE(weft_text_starts(weft_text_of(s.f.msg.text), "seq:"));
    s.command.seq++;
    commands_seal(&s.command);
    s.f.time_ns = s.command.not_after_ns;
    EXPECT_EQ(WEFT_EREFUSED, scene_propose(&s));
    EXPECT_TRUE(weft_text_starts(weft_text_of(s.f.msg.text), "expired:"));
    fixture_destroy(&s.f);
}

TEST(commands, steps_are_for_nodes_and_when_they_are_due)
{
    struct scene s;
    scene_set(&s);
    EXPECT_EQ(WEFT_OK, scene_propose(&s));
    scene_expect_refused(
        &s, RIG_ANN, scene_step_record(&s, "expire"), WEFT_EREFUSED, "a step is for");
    scene_expect_refused(&s, SCENE_NODE, scene_step_record(&s, "expire"), WEFT_ESTATE, "not-due:");
    scene_expect_refused(&s, SCENE_NODE, scene_step_record(&s, "leap"), WEFT_EINVAL, "no step");
    struct weft_record both[2] = {scene_step_record(&s, "expire"), fixture_record("x")};
    EXPECT_EQ(WEFT_EINVAL, rig_commit(&s.f, RIG_ANN, both, 2)->err);
    s.f.time_ns = s.command.not_after_ns;
    EXPECT_EQ(WEFT_OK, scene_step(&s, "expire"));
    EXPECT_EQ(WEFT_COMMAND_EXPIRED, scene_look(&s).state);
    fixture_destroy(&s.f);
}

TEST(commands, nothing_is_sent_behind_a_revocation_or_another_envelope)
{
    static const char *const roots[] = {RIG_ROOT_A, RIG_ROOT_B, NULL};
    struct scene s;
    struct weft_chain_link link;
    scene_set(&s);
    scene_lead_to_selected(&s);
    scene_must(&s, RIG_ANN, rig_revoke(RIG_CY, NULL, roots, &link));
    EXPECT_EQ(WEFT_OK, scene_step(&s, "dispatch")); /* ACT-9 */
    EXPECT_EQ(WEFT_COMMAND_CANCELLED, scene_look(&s).state);
    EXPECT_TEXT("approvals", scene_look(&s).value.machine.code);
    scene_expect_leaf(&s, "command.refuse", "SELECTED", "CANCELLED");
    fixture_destroy(&s.f);
    scene_set(&s);
    scene_lead_to_selected(&s);
    struct weft_envelope_note envelope = commands_envelope();
    struct weft_buffer text = commands_envelope_text(&envelope);
    envelope.link.prev = weft_sha256(text.data, text.size);
    envelope.link.version = 2;
    weft_buffer_destroy(&text);
    scene_must(&s, RIG_ANN, scene_envelope_record(&envelope));
    EXPECT_EQ(WEFT_OK, scene_step(&s, "dispatch"));
    EXPECT_EQ(WEFT_COMMAND_CANCELLED, scene_look(&s).state);
    EXPECT_TEXT("envelope-version", scene_look(&s).value.machine.code);
    fixture_destroy(&s.f);
}

TEST(commands, channel_has_one_in_flight_and_unknown_keeps_it_until_somebody_has_looked)
{
    struct scene s;
    scene_set(&s);
    scene_lead_to_selected(&s);
    EXPECT_EQ(WEFT_OK, scene_step(&s, "dispatch"));
    EXPECT_EQ(WEFT_OK, scene_receive(&s, WEFT_RECEIPT_UNKNOWN));
    EXPECT_EQ(WEFT_COMMAND_UNKNOWN, scene_look(&s).state);
    struct weft_command_note first = s.command;
    s.command.id[0] ^= 1;
    s.command.seq++;
    commands_seal(&s.command);
    weft_command_subject(s.command.id, s.asset);
    EXPECT_EQ(WEFT_OK, scene_propose(&s));
    EXPECT_EQ(WEFT_OK, scene_approve(&s, RIG_BO, WEFT_APPROVAL_APPROVE));
    EXPECT_EQ(WEFT_OK, scene_approve(&s, RIG_CY, WEFT_APPROVAL_APPROVE));
    scene_reopen(&s);
    scene_expect_refused(
        &s, SCENE_NODE, scene_step_record(&s, "select"), WEFT_ESTATE, "channel:"); /* ACT-7 */
    EXPECT_EQ(WEFT_EREFUSED, scene_resolve(&s, &first, RIG_ANN)); /* Not hers to say. */
    EXPECT_EQ(WEFT_OK, scene_resolve(&s, &first, RIG_BO));
    EXPECT_EQ(WEFT_OK, scene_step(&s, "select"));
    fixture_destroy(&s.f);
}

/* What of whom is due at that time, as "select 1" of the command whose id begins with 1. */
struct told {
    char text[200];
};

static void on_told(void *ctx, const struct weft_commands_step *step)
{
    struct told *told = ctx;
    size_t size = strlen(told->text);
    (void)snprintf(told->text + size, sizeof(told->text) - size, "%s %u;",
        weft_command_event_name(step->kind), step->id[0]);
}

static void expect_due(struct scene *s, uint64_t term, int64_t now_ns, const char *steps)
{
    struct told told = {""};
    uint64_t leaf;
    int64_t when_ns = weft_commands_due(weft_state_commands(s->f.state),
        weft_state_authority(s->f.state), term, now_ns, on_told, &told, &leaf);
    EXPECT_TEXT(steps, told.text);
    EXPECT_TRUE(when_ns > now_ns);
}

/* One more, proposed and approved. */
static void put_forward(struct scene *s, uint8_t number)
{
    s->command.id[0] = number;
    s->command.seq++;
    commands_seal(&s->command);
    weft_command_subject(s->command.id, s->asset);
    EXPECT_EQ(WEFT_OK, scene_propose(s));
    EXPECT_EQ(WEFT_OK, scene_approve(s, RIG_BO, WEFT_APPROVAL_APPROVE));
    EXPECT_EQ(WEFT_OK, scene_approve(s, RIG_CY, WEFT_APPROVAL_APPROVE));
}

static void turn_to(struct scene *s, uint8_t number)
{
    s->command.id[0] = number;
    commands_seal(&s->command);
    weft_command_subject(s->command.id, s->asset);
}

/* Those that wait for a channel go by the order in which they were approved, each as soon as the
 * one in front of it is gone, however that went; and a new leader looks at all. */
TEST(commands, one_that_waits_is_due_as_soon_as_its_channel_is_free)
{
    enum {
        COUNT = 5
    };
    struct scene s;
    scene_set(&s);
    uint64_t seq = s.command.seq;
    for (int i = 1; i <= COUNT; i++) {
        put_forward(&s, (uint8_t)i);
    }
    expect_due(&s, 1, s.f.time_ns, "select 1;");
    expect_due(&s, 1, s.f.time_ns, "");                                  /* It was told, */
    expect_due(&s, 1, s.f.time_ns + 2 * SIGNERS_SECOND_NS, "select 1;"); /* and is told again, */
    expect_due(&s, 2, s.f.time_ns, "select 1;"); /* and by the next leader. */
    s.command.seq = seq + 1;
    turn_to(&s, 1);
    EXPECT_EQ(WEFT_OK, scene_step(&s, "select"));
    expect_due(&s, 2, s.f.time_ns, "dispatch 1;");
    s.command.seq = seq + 2; /* One that waits goes; one in flight goes. */
    turn_to(&s, 2);
    EXPECT_EQ(WEFT_OK, scene_approve(&s, RIG_BO, WEFT_APPROVAL_CANCEL));
    expect_due(&s, 2, s.f.time_ns, "");
    s.command.seq = seq + 1;
    turn_to(&s, 1);
    EXPECT_EQ(WEFT_OK, scene_approve(&s, RIG_BO, WEFT_APPROVAL_CANCEL));
    expect_due(&s, 2, s.f.time_ns, "select 3;");
    s.command.seq = seq + 3; /* The first goes before it is selected. */
    turn_to(&s, 3);
    EXPECT_EQ(WEFT_OK, scene_approve(&s, RIG_BO, WEFT_APPROVAL_CANCEL));
    expect_due(&s, 2, s.f.time_ns, "select 4;");
    scene_reopen(&s);
    expect_due(&s, 2, s.f.time_ns, "select 4;");
    s.command.seq = seq + 4;
    turn_to(&s, 4);
    EXPECT_EQ(WEFT_OK, scene_step(&s, "select"));
    EXPECT_EQ(WEFT_OK, scene_step(&s, "dispatch"));
    EXPECT_EQ(WEFT_OK, scene_receive(&s, WEFT_RECEIPT_ACCEPTED));
    EXPECT_EQ(WEFT_OK, scene_receive(&s, WEFT_RECEIPT_DONE));
    expect_due(&s, 2, s.f.time_ns, "verify 4;select 5;"); /* In one entry. */
    EXPECT_EQ(WEFT_OK, scene_step(&s, "verify"));
    expect_due(&s, 2, s.f.time_ns, "");
    expect_due(&s, 2, s.f.time_ns + 2 * SIGNERS_SECOND_NS, "select 5;"); /* It was not taken. */
    fixture_destroy(&s.f);
}

TEST(commands, program_commands_a_channel_only_when_it_was_handed_over)
{
    struct scene s;
    scene_set(&s);
    s.command.proposer = signers_principal(RIG_ROBOT);
    s.command.tier = 1;
    commands_seal(&s.command);
    EXPECT_EQ(WEFT_EREFUSED, scene_propose(&s));
    EXPECT_TRUE(weft_text_starts(weft_text_of(s.f.msg.text), "rank:"));
    struct weft_handover_note handover = {.channel = WEFT_TEXT(COMMANDS_CHANNEL),
        .version = 1,
        .from = WEFT_COMMAND_OPERATOR,
        .to = WEFT_COMMAND_AUTOMATION,
        .signer = signers_principal(RIG_ANN),
        .printed_name = WEFT_TEXT("Ann"),
        .reason = WEFT_TEXT("night shift"),
        .signed_ns = SIGNERS_NOW_NS};
    struct weft_buffer text = {0};
    EXPECT_EQ(WEFT_OK, weft_handover_note_encode(&handover, &text, NULL));
    struct weft_buffer note = signers_note(weft_buffer_as_text(&text), by_ann);
    scene_must(&s, RIG_ANN, scene_note_record("handover", "channel:" COMMANDS_CHANNEL, &note));
    EXPECT_EQ(
        WEFT_ECONFLICT, scene_commit(&s, RIG_ANN,
                            scene_note_record("handover", "channel:" COMMANDS_CHANNEL, &note)));
    scene_reopen(&s);
    EXPECT_EQ(WEFT_OK, scene_propose(&s));
    EXPECT_EQ(WEFT_COMMAND_APPROVED, scene_look(&s).state); /* Tier 1 needs nobody. */
    weft_buffer_destroy(&note);
    weft_buffer_destroy(&text);
    fixture_destroy(&s.f);
}

/* --- replicas -------------------------------------------------------------------------------- */

enum {
    HISTORY = 320
};

/* What was applied, entry by entry. */
static struct weft_buffer history[HISTORY];
static uint32_t history_count;

/* As rig_commit, and kept. */
static void log_commit(struct scene *s, const char *who, struct weft_record record)
{
    struct weft_commit one = {.records = &record, .record_count = 1};
    char uri[WEFT_PRINCIPAL_URI_SIZE];
    (void)snprintf(uri, sizeof(uri), "spiffe://%s", who);
    test_entry_begin(&s->f.entry);
    EXPECT_TRUE(test_entry_commit(&s->f.entry, uri, &one));
    weft_arena_reset(&s->f.arena);
    uint64_t index = ++s->f.index;
    s->f.time_ns += 1000;
    struct weft_log_entry entry = test_entry_end(&s->f.entry, index, 1 + index / 100, s->f.time_ns);
    EXPECT_TRUE(history_count < HISTORY);
    EXPECT_EQ(
        WEFT_OK, weft_buffer_append(&history[history_count++], entry.data.data, entry.data.size));
    EXPECT_EQ(WEFT_OK, weft_state_apply(s->f.state, &entry, 1, true, &s->f.arena, &s->f.items,
                           &s->f.item_count, &s->f.msg));
}

static void log_note(struct scene *s, const char *who, struct weft_buffer *note)
{
    log_commit(s, who, scene_note_record("command", s->asset, note));
    weft_buffer_destroy(note);
}

/* One of a few commands, on one of two channels. */
static void choose(struct scene *s)
{
    static const char *const channels[] = {COMMANDS_CHANNEL, "plant1/gw1/press8"};
    static const enum weft_command_class classes[] = {WEFT_COMMAND_CLASS_B, WEFT_COMMAND_CLASS_C};
    uint64_t which = test_random(12);
    s->command = commands_command();
    s->command.policy_version = 2;
    s->command.policy_digest = s->policy;
    s->command.id[1] = (uint8_t)which;
    s->command.seq = 1 + which / 2;
    s->command.channel = weft_text_of(channels[which % 2]);
    s->command.class = classes[which / 2 % 2];
    commands_seal(&s->command);
    weft_command_subject(s->command.id, s->asset);
}

static void log_receipt(struct scene *s)
{
    struct weft_command_machine m = scene_look(s).value.machine;
    static const enum weft_receipt_outcome outcomes[] = {WEFT_RECEIPT_ACCEPTED, WEFT_RECEIPT_DONE,
        WEFT_RECEIPT_MEASURED, WEFT_RECEIPT_FAILED, WEFT_RECEIPT_UNKNOWN, WEFT_RECEIPT_STATE,
        WEFT_RECEIPT_ACCEPTED, WEFT_RECEIPT_DONE};
    enum weft_receipt_outcome outcome = outcomes[test_random(8)];
    if (m.fence.index == 0 || (outcome == WEFT_RECEIPT_STATE && m.asked.index == 0)) {
        return;
    }
    struct weft_receipt_note receipt =
        commands_receipt(&s->command, outcome == WEFT_RECEIPT_STATE ? &m.asked : &m.fence, outcome);
    receipt.signed_ns = s->f.time_ns - s->f.time_ns % SCENE_MS_NS;
    receipt.readings[0].at_ns = receipt.signed_ns;
    struct weft_buffer note = commands_receipt_note(&receipt);
    log_note(s, COMMANDS_GATEWAY, &note);
}

static void log_something(struct scene *s)
{
    static const char *const steps[] = {
        "select", "dispatch", "ask", "verify", "overdue", "expire", "select", "dispatch"};
    static const char *const people[] = {RIG_BO, RIG_CY, RIG_ANN};
    choose(s);
    uint64_t what = test_random(10);
    s->f.time_ns += (int64_t)test_random(300) * SCENE_MS_NS;
    if (what < 2) {
        struct weft_buffer note = commands_note(&s->command);
        log_note(s, RIG_ANN, &note);
    } else if (what < 5) {
        struct weft_approval_note approval = commands_approval(&s->command, people[test_random(3)]);
        approval.meaning = test_random(12) == 0 ? WEFT_APPROVAL_CANCEL : WEFT_APPROVAL_APPROVE;
        struct weft_buffer note = commands_approval_note(&approval);
        log_note(s, SCENE_NODE, &note);
    } else if (what < 7) {
        log_receipt(s);
    } else {
        static struct weft_field fields[2];
        fields[0] = (struct weft_field){WEFT_TEXT("channel"), s->command.channel, WEFT_VALUE_TEXT};
        fields[1] = (struct weft_field){
            WEFT_TEXT("step"), weft_text_of(steps[test_random(8)]), WEFT_VALUE_TEXT};
        log_commit(s, SCENE_NODE,
            (struct weft_record){.kind = WEFT_TEXT("command"),
                .asset = weft_text_of(s->asset),
                .fields = fields,
                .field_count = 2});
    }
}

/* SHA-256 over all keys and values. */
static struct weft_digest digest_of(struct weft_state *state)
{
    struct weft_sha256 hash;
    struct weft_store_walk *walk = weft_store_walk_create(state->store, NULL, false);
    weft_sha256_init(&hash);
    for (weft_store_walk_first(walk); weft_store_walk_is_at_key(walk); weft_store_walk_next(walk)) {
        struct weft_bytes key = weft_store_walk_key(walk), value = weft_store_walk_value(walk);
        weft_sha256_update(&hash, key.data, key.size);
        weft_sha256_update(&hash, value.data, value.size);
    }
    weft_store_walk_destroy(walk);
    return weft_sha256_final(&hash);
}

/* The log from `from` on, in runs of up to `run`, opened anew here and there. */
static void replay(struct fixture *f, const struct scene *s, uint64_t run)
{
    struct weft_log_entry entries[32];
    int64_t first = (int64_t)(s->f.index - history_count);
    for (uint32_t at = 0; at < history_count;) {
        uint32_t count = 0, most = 1 + (uint32_t)test_random(run);
        for (; count < most && at < history_count; count++, at++) {
            uint64_t index = (uint64_t)first + 1 + at;
            entries[count] = (struct weft_log_entry){.index = index,
                .term = 1 + index / 100,
                .type = WEFT_ENTRY_COMMAND,
                .data = {history[at].data, history[at].size}};
        }
        weft_arena_reset(&f->arena);
        EXPECT_EQ(WEFT_OK, weft_state_apply(f->state, entries, count, test_random(2) == 0,
                               &f->arena, &f->items, &f->item_count, &f->msg));
        if (test_random(8) == 0) {
            fixture_close(f);
            fixture_open(f);
        }
    }
}

/* NOD-146: the same bytes, whatever the batching, and however often a state was opened. */
TEST(commands, replicas_are_alike_whatever_the_batching)
{
    struct scene s, others[2];
    uint32_t ended = 0;
    scene_set(&s);
    scene_set(&others[0]);
    scene_set(&others[1]);
    history_count = 0;
    while (history_count < HISTORY - 1) {
        log_something(&s);
    }
    for (uint32_t i = 0; i < 12; i++) {
        struct weft_command_note command = s.command;
        command.id[1] = (uint8_t)i;
        memcpy(s.command.id, command.id, sizeof(command.id));
        ended += weft_command_state_is_end(scene_look(&s).state);
    }
    EXPECT_TRUE(ended > 2);
    struct weft_digest expected = digest_of(s.f.state);
    for (int i = 0; i < 2; i++) {
        replay(&others[i].f, &s, i == 0 ? 2 : 31);
        struct weft_digest digest = digest_of(others[i].f.state);
        EXPECT_MEM(expected.bytes, digest.bytes, sizeof(digest.bytes));
        EXPECT_EQ(weft_commands_open(weft_state_commands(s.f.state)),
            weft_commands_open(weft_state_commands(others[i].f.state)));
        fixture_destroy(&others[i].f);
    }
    fixture_close(&s.f);
    struct weft_state_check check = {.directory = s.f.directory};
    EXPECT_EQ(WEFT_OK, weft_state_check(&check, &s.f.msg)); /* And from the records alone. */
    fixture_destroy(&s.f);
    for (uint32_t i = 0; i < HISTORY; i++) {
        weft_buffer_destroy(&history[i]);
    }
}

TEST(commands, are_shown_to_whom_the_policy_lets_read_them)
{
    struct scene s;
    struct weft_buffer text = {0};
    scene_set(&s);
    scene_lead_to_selected(&s);
    const struct weft_text none = {NULL, 0};
    EXPECT_EQ(WEFT_OK, scene_ask(&s, RIG_ANN, "-", none, &text));
    EXPECT_TRUE(memmem(text.data, text.size, " SELECTED - ", 12) != NULL);
    EXPECT_EQ(WEFT_OK, scene_ask(&s, RIG_ANN, "", none, &text));
    EXPECT_TRUE(weft_text_starts(weft_buffer_as_text(&text), "state SELECTED\n"));
    EXPECT_TRUE(memmem(text.data, text.size, "approval " RIG_CY, 9 + strlen(RIG_CY)) != NULL);
    EXPECT_EQ(WEFT_ENOTFOUND, scene_ask(&s, "oem.example/plant1/op/eve", "", none, &text));
    EXPECT_EQ(WEFT_OK, scene_ask(&s, "oem.example/plant1/op/eve", "-", none, &text));
    EXPECT_EQ(0, text.size);
    EXPECT_EQ(WEFT_ESTATE, scene_ask(&s, COMMANDS_GATEWAY, "/bundle", none, &text));
    EXPECT_EQ(WEFT_EINVAL, scene_ask(&s, RIG_ANN, "/xyz", none, &text));
    struct weft_buffer early = scene_checkpoint_of(&s, 3);
    EXPECT_EQ(WEFT_OK, scene_step(&s, "dispatch"));
    EXPECT_EQ(
        WEFT_EBUSY, scene_ask(&s, COMMANDS_GATEWAY, "/bundle", weft_buffer_as_text(&early), &text));
    weft_buffer_destroy(&early);
    weft_buffer_destroy(&text);
    fixture_destroy(&s.f);
}
