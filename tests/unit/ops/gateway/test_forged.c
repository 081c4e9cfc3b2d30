/* Bundles that nobody should have made: none of them moves anything, or is even known of later. */
#include <stdlib.h>
#include <string.h>

#include "policy/note.h"
#include "tests/unit/ops/gateway/gateway_rig.h"

static struct rig rig;

enum {
    FORGERIES_CI = 2000, /* The whole: WEFT_GATEWAY_FORGERIES=100000; three minutes. */
    TRICKS_CI = 300,     /* Each costs a dozen signatures. */
};

static uint32_t forgeries(void)
{
    const char *text = getenv("WEFT_GATEWAY_FORGERIES");
    return text != NULL ? (uint32_t)strtoul(text, NULL, 10) : FORGERIES_CI;
}

/* A number that the rig knows. */
static struct weft_command_note first_command(void)
{
    struct weft_command_note command = commands_command();
    command.id[0] = 1;
    commands_seal(&command);
    return command;
}

/* Three of five nodes, two approvals for tier 2. */
static void open_strict(void)
{
    rig_open(&rig);
    rig.trust.log_needed = 3;
    for (int i = 0; i <= WEFT_COMMAND_TIER_MAX; i++) {
        rig.trust.approvals_min[i] = 2;
    }
}

static void expect_nothing(void)
{
    EXPECT_EQ(0, rig.actor.acts);
    EXPECT_EQ(0, rig.actor.ledger.count);
    EXPECT_EQ(0, rig.receipt_count);
    EXPECT_EQ(0, rig.disk.size);
}

TEST(forged, every_single_bit_change_of_a_bundle_is_refused)
{
    const struct weft_fence fence = {3, 100};
    struct weft_command_note command = first_command();
    struct weft_buffer bundle = commands_bundle(&command, &fence);
    size_t count = 0;
    open_strict();
    for (size_t bit = 0; bit < 8 * bundle.size; bit++) {
        /* In CI one of each byte; all of them with WEFT_GATEWAY_FORGERIES: ten seconds. */
        if (forgeries() == FORGERIES_CI && bit % 8 != bit / 8 % 8) {
            continue;
        }
        bundle.data[bit / 8] ^= (uint8_t)(1U << bit % 8);
        rig_give(&rig, &bundle);
        bundle.data[bit / 8] ^= (uint8_t)(1U << bit % 8);
        count++;
    }
    print_message("%zu of %zu bits changed\n", count, 8 * bundle.size);
    EXPECT_EQ(count, rig.actor.refusals);
    expect_nothing(); /* GW-1 */
    rig_give(&rig, &bundle);
    EXPECT_EQ(1, rig.actor.acts); /* As it was, it is good. */
    weft_buffer_destroy(&bundle);
    rig_close(&rig);
}

/* --- a stolen node: all it has, and all it has heard, but not the keys of others -------------- */

/* Texts that the thief may use as they are. */
struct loot {
    struct weft_buffer commands[4];
    struct weft_buffer approvals[4];
    struct weft_buffer envelopes[2];
    struct weft_buffer leaves[4];
    struct weft_buffer proofs[4];
};

/* The four commands are one, of another mode, one without approvals, and one that the thief signed
 * himself as somebody else. */
static void collect(struct loot *loot)
{
    static const uint32_t nodes[4] = {1, 2, 1, 2}; /* Never a majority. */
    struct weft_envelope_note envelope = commands_envelope();
    loot->envelopes[0] = commands_envelope_text(&envelope);
    envelope.hard[0].high = 600 * WEFT_SCALAR_ONE;
    loot->envelopes[1] = commands_envelope_text(&envelope);
    for (uint8_t i = 0; i < 4; i++) {
        struct weft_command_note command = commands_command();
        const struct weft_fence fence = {3 + i, 100 + i};
        command.id[1] = i;
        command.is_shadow = i == 1;
        command.args[0].value.number += i * WEFT_SCALAR_ONE;
        commands_seal(&command);
        struct weft_approval_note approvals[2] = {
            commands_approval(&command, COMMANDS_BO), commands_approval(&command, COMMANDS_CY)};
        loot->commands[i] = commands_note(&command);
        loot->approvals[i] = commands_approval_note(&approvals[i % 2]);
        loot->leaves[i] = commands_leaf(&command, approvals, 2, &fence);
        loot->proofs[i] = commands_proof(&loot->leaves[i], nodes[i]);
    }
}

static struct weft_text pick(const struct weft_buffer *from, uint64_t count)
{
    return weft_buffer_as_text(&from[test_random(count)]);
}

/* Bytes changed here and there, or parts mixed. */
static struct weft_buffer forge(const struct loot *loot)
{
    struct weft_buffer out = {0};
    struct weft_msg msg = {""};
    struct weft_proof_bundle bundle = {.fence = {3, 100}, .approval_count = 2, .envelope_count = 1};
    bundle.fence.term += test_random(8);
    bundle.fence.index += test_random(8);
    bundle.command = pick(loot->commands, 4);
    bundle.approvals[0] = pick(loot->approvals, 4);
    bundle.approvals[1] = pick(loot->approvals, 4);
    bundle.envelopes[0] = pick(loot->envelopes, 2);
    bundle.leaf = pick(loot->leaves, 4);
    bundle.proof = pick(loot->proofs, 4);
    EXPECT_EQ(WEFT_OK, weft_proof_bundle_encode(&bundle, &out, &msg));
    for (uint64_t changes = test_random(4); changes > 0; changes--) {
        uint64_t place = test_random(out.size);
        uint64_t byte = test_random(256);
        out.data[place] = (uint8_t)byte;
    }
    return out;
}

TEST(forged, dispatches_of_a_stolen_node_move_nothing)
{
    static struct loot loot;
    uint32_t count = forgeries();
    open_strict();
    collect(&loot);
    for (uint32_t i = 0; i < count; i++) {
        struct weft_buffer bundle = forge(&loot);
        rig_give(&rig, &bundle);
        weft_buffer_destroy(&bundle);
    }
    print_message(
        "%u forged dispatches, %llu refused\n", count, (unsigned long long)rig.actor.refusals);
    EXPECT_EQ(count, rig.actor.refusals);
    expect_nothing(); /* GW-1 */
    for (int i = 0; i < 4; i++) {
        weft_buffer_destroy(&loot.commands[i]);
        weft_buffer_destroy(&loot.approvals[i]);
        weft_buffer_destroy(&loot.leaves[i]);
        weft_buffer_destroy(&loot.proofs[i]);
    }
    weft_buffer_destroy(&loot.envelopes[0]);
    weft_buffer_destroy(&loot.envelopes[1]);
    rig_close(&rig);
}

/* --- the leader, stolen: it signs all that one key can sign ------------------------------------
 */

/* Each with a command that ann signed, approvals that bo and cy gave, and the key of node 0. */
enum trick {
    TRICK_ALONE,      /* An intent of its own, in a tree that it alone signs. */
    TRICK_THRICE,     /* The same, signed three times. */
    TRICK_LIFTED,     /* Beside its line those of two others, from an older checkpoint. */
    TRICK_OTHER_KEYS, /* Beside its line those of a person, a gateway, and a key of its making. */
    TRICK_OLD_TREE,   /* An intent of its own, with the majority's proof of another one. */
    TRICK_LATE,       /* What was sound once, 5 s and more ago. */
    TRICK_TOKEN,      /* What is sound, under a higher token. */
    TRICK_MIXED,      /* The approvals of another command. */
    TRICK_COMMAND,    /* From here on with a majority's signatures: ann's name, another key. */
    TRICK_APPROVAL,   /* Bo's name, another key. */
    TRICK_APPROVER_TWICE,
    TRICK_OWN_APPROVAL, /* Ann approves what she proposed. */
    TRICK_FEWER,        /* One approval. */
    TRICK_ELSEWHERE,    /* Of another gateway. */
    TRICK_MACHINE,      /* An envelope that allows more. */
    TRICKS
};

/* By a key that has the name, and is not the one that is known. */
static struct weft_buffer sign_falsely(const struct weft_buffer *text, const char *name)
{
    struct weft_signer signer = signers_make_other(name);
    struct weft_buffer note = {0};
    struct weft_msg msg = {""};
    EXPECT_EQ(WEFT_OK, weft_note_sign(weft_buffer_as_text(text), &signer, 1, &note, &msg));
    return note;
}

/* The signature lines behind the first one. */
static struct weft_text lines_of_others(const struct weft_buffer *proof)
{
    static const char dash[] = "\xe2\x80\x94 ";
    const char *begin = (const char *)proof->data, *end = begin + proof->size;
    const char *first = memmem(begin, proof->size, dash, 4);
    const char *second =
        first != NULL ? memmem(first + 1, (size_t)(end - first - 1), dash, 4) : NULL;
    EXPECT_TRUE(second != NULL);
    return (struct weft_text){second, (size_t)(end - second)};
}

static void append(struct weft_buffer *to, struct weft_text text)
{
    EXPECT_EQ(WEFT_OK, weft_buffer_append(to, text.data, text.size));
}

struct forgery {
    struct weft_command_note command, other;
    struct weft_envelope_note envelope;
    struct weft_approval_note approvals[2];
    uint32_t approval_count;
    struct weft_fence fence, told; /* In the leaf; of the bundle. */
    struct weft_buffer command_note, notes[2], envelope_text, leaf, proof;
};

static void begin_forgery(struct forgery *f, enum trick trick, uint32_t number)
{
    uint64_t speed = test_random(40), term = test_random(1000), index = test_random(100000);
    memset(f, 0, sizeof(*f));
    f->envelope = commands_envelope();
    f->command = commands_command();
    memcpy(f->command.id + 4, &number, sizeof(number));
    f->command.args[0].value.number = (int64_t)(10 + speed) * WEFT_SCALAR_ONE;
    if (trick == TRICK_ELSEWHERE) {
        f->command.channel = WEFT_TEXT("plant1/gw2/press7");
    }
    commands_seal(&f->command);
    f->other = f->command;
    f->other.id[0] ^= 0xff;
    commands_seal(&f->other);
    const struct weft_command_note *of = trick == TRICK_MIXED ? &f->other : &f->command;
    const char *first = trick == TRICK_OWN_APPROVAL ? COMMANDS_ANN : COMMANDS_BO;
    f->approvals[0] = commands_approval(of, first);
    f->approvals[1] = commands_approval(of, trick == TRICK_APPROVER_TWICE ? first : COMMANDS_CY);
    if (trick == TRICK_APPROVER_TWICE) { /* In other words. */
        struct weft_buffer text = {0};
        f->approvals[1].reason = WEFT_TEXT("once more");
        EXPECT_EQ(WEFT_OK, weft_approval_note_encode(&f->approvals[1], &text, NULL));
        f->approvals[1].digest = weft_sha256(text.data, text.size);
        weft_buffer_destroy(&text);
    }
    f->approval_count = trick == TRICK_FEWER ? 1 : 2;
    f->fence = f->told = (struct weft_fence){3 + term, 100 + index};
    f->told.index += trick == TRICK_TOKEN ? 1 + test_random(1000) : 0;
}

/* The tree's side. */
static void prove(struct forgery *f, enum trick trick)
{
    const struct weft_fence older = {2, 50};
    bool is_alone = trick <= TRICK_OTHER_KEYS;
    struct weft_buffer old_leaf = commands_leaf(&f->other, f->approvals, f->approval_count, &older);
    struct weft_buffer old_proof = commands_proof(&old_leaf, 3);
    f->leaf = commands_leaf(&f->command, f->approvals, f->approval_count, &f->fence);
    f->proof = trick == TRICK_OLD_TREE ? commands_proof(&old_leaf, 3)
                                       : commands_proof(&f->leaf, is_alone ? 1 : 3);
    if (trick == TRICK_THRICE) {
        struct weft_buffer again = commands_proof(&f->leaf, 2);
        struct weft_text own = lines_of_others(&again); /* Of node 1; then its own, twice. */
        const char *line = (const char *)f->proof.data + f->proof.size - own.size;
        struct weft_buffer copy = {0};
        append(&copy, (struct weft_text){line, own.size});
        append(&f->proof, weft_buffer_as_text(&copy));
        append(&f->proof, weft_buffer_as_text(&copy));
        weft_buffer_destroy(&copy);
        weft_buffer_destroy(&again);
    } else if (trick == TRICK_LIFTED) {
        append(&f->proof, lines_of_others(&old_proof));
    } else if (trick == TRICK_OTHER_KEYS) {
        struct weft_signer others[3] = {signers_make(COMMANDS_ANN), signers_make(COMMANDS_GATEWAY),
            signers_make_other(COMMANDS_ORIGIN)};
        for (int i = 0; i < 3; i++) {
            signers_add_line(&f->proof, &others[i]);
        }
    }
    weft_buffer_destroy(&old_leaf);
    weft_buffer_destroy(&old_proof);
}

static void write_notes(struct forgery *f, enum trick trick)
{
    struct weft_msg msg = {""};
    struct weft_buffer text = commands_text(&f->command), approval = {0};
    f->command_note =
        trick == TRICK_COMMAND ? sign_falsely(&text, COMMANDS_ANN) : commands_note(&f->command);
    EXPECT_EQ(WEFT_OK, weft_approval_note_encode(&f->approvals[0], &approval, &msg));
    f->notes[0] = trick == TRICK_APPROVAL ? sign_falsely(&approval, COMMANDS_BO)
                                          : commands_approval_note(&f->approvals[0]);
    f->notes[1] = commands_approval_note(&f->approvals[1]);
    f->envelope.hard[0].high =
        trick == TRICK_MACHINE ? 600 * WEFT_SCALAR_ONE : f->envelope.hard[0].high;
    f->envelope_text = commands_envelope_text(&f->envelope);
    weft_buffer_destroy(&text);
    weft_buffer_destroy(&approval);
}

static struct weft_buffer forge_by(enum trick trick, uint32_t number)
{
    static struct forgery f;
    struct weft_buffer out = {0};
    struct weft_msg msg = {""};
    begin_forgery(&f, trick, number);
    prove(&f, trick);
    write_notes(&f, trick);
    const struct weft_proof_bundle bundle = {.fence = f.told,
        .command = weft_buffer_as_text(&f.command_note),
        .approval_count = f.approval_count,
        .approvals = {weft_buffer_as_text(&f.notes[0]), weft_buffer_as_text(&f.notes[1])},
        .envelope_count = 1,
        .envelopes = {weft_buffer_as_text(&f.envelope_text)},
        .leaf = weft_buffer_as_text(&f.leaf),
        .proof = weft_buffer_as_text(&f.proof)};
    EXPECT_EQ(WEFT_OK, weft_proof_bundle_encode(&bundle, &out, &msg));
    weft_buffer_destroy(&f.command_note);
    weft_buffer_destroy(&f.notes[0]);
    weft_buffer_destroy(&f.notes[1]);
    weft_buffer_destroy(&f.envelope_text);
    weft_buffer_destroy(&f.leaf);
    weft_buffer_destroy(&f.proof);
    return out;
}

TEST(forged, leader_that_is_stolen_signs_all_that_it_can_and_moves_nothing)
{
    static const char *const words[TRICKS] = {[TRICK_ALONE] = "quorum",
        [TRICK_THRICE] = "quorum",
        [TRICK_LIFTED] = "quorum",
        [TRICK_OTHER_KEYS] = "quorum",
        [TRICK_OLD_TREE] = "tree",
        [TRICK_LATE] = "stale",
        [TRICK_TOKEN] = "leaf",
        [TRICK_MIXED] = "approvals",
        [TRICK_COMMAND] = "signature",
        [TRICK_APPROVAL] = "signature",
        [TRICK_APPROVER_TWICE] = "approvals",
        [TRICK_OWN_APPROVAL] = "approvals",
        [TRICK_FEWER] = "approvals",
        [TRICK_ELSEWHERE] = "elsewhere",
        [TRICK_MACHINE] = "envelope"};
    uint32_t count = forgeries() == FORGERIES_CI ? TRICKS_CI : forgeries();
    open_strict();
    int64_t now_ns = rig.now_ns;
    for (uint32_t i = 0; i < count; i++) {
        enum trick trick = (enum trick)(i % TRICKS);
        struct weft_buffer bundle = forge_by(trick, i);
        uint64_t late_ms = 5001 + test_random(60000);
        rig.now_ns = now_ns + (trick == TRICK_LATE ? (int64_t)late_ms * 1000000 : 0);
        rig_give(&rig, &bundle);
        rig.now_ns = now_ns;
        if (strcmp(words[trick], rig.alarm) != 0) {
            print_message("trick %d: %s\n", (int)trick, rig.alarm_text);
        }
        EXPECT_TEXT(words[trick], rig.alarm);
        weft_buffer_destroy(&bundle);
    }
    print_message("%u forged dispatches of a stolen leader, %llu refused\n", count,
        (unsigned long long)rig.actor.refusals);
    EXPECT_EQ(count, rig.actor.refusals);
    expect_nothing(); /* GW-1 */
    rig_close(&rig);
}

TEST(forged, forgery_in_front_of_the_real_one_does_not_keep_it_from_being_carried_out)
{
    const struct weft_fence fence = {3, 100};
    struct weft_command_note command = first_command();
    open_strict();
    struct weft_buffer real = commands_bundle(&command, &fence);
    struct weft_buffer forged = commands_replace(&real, "token 3 100", "token 9 999");
    rig_give(&rig, &forged);
    expect_nothing();
    EXPECT_TEXT("leaf", rig.alarm);
    rig_give(&rig, &real);
    EXPECT_EQ(1, rig.actor.acts);
    weft_buffer_destroy(&real);
    weft_buffer_destroy(&forged);
    rig_close(&rig);
}

TEST(forged, questions_flood_neither_memory_nor_channel)
{
    rig_open(&rig);
    struct weft_command_note command = commands_command();
    struct weft_actor_event event = {.type = WEFT_ACTOR_ASK, .now_ns = rig.now_ns};
    event.ask = (struct weft_actor_ask){
        .channel = command.channel, .digest = command.digest, .fence = {UINT64_MAX, UINT64_MAX}};
    rig.takes_receipts = false;
    for (uint32_t i = 0; i < 2 * WEFT_ACTOR_ASKED_MAX; i++) {
        struct weft_actor_effect effect;
        memcpy(event.ask.id, &i, sizeof(i));
        event.ask.id[8] = 1;
        event.mono_ms = rig.mono_ms;
        EXPECT_EQ(WEFT_OK, weft_actor_step(&rig.actor, &event));
        while (weft_actor_next(&rig.actor, &effect)) {
            if (effect.type == WEFT_ACTOR_FRAME) {
                struct weft_actor_event synced = {.type = WEFT_ACTOR_SYNCED,
                    .now_ns = rig.now_ns,
                    .mono_ms = rig.mono_ms,
                    .frame = effect.number};
                EXPECT_EQ(WEFT_OK, weft_actor_step(&rig.actor, &synced));
            }
        }
    }
    EXPECT_EQ(WEFT_ACTOR_ASKED_MAX, rig.actor.asked_count); /* GW-8 */
    rig_close(&rig);
}
