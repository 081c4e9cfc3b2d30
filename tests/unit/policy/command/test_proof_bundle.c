#include <stdlib.h>
#include <string.h>

#include "tests/lib/commands.h"
#include "tests/lib/test.h"

static const struct weft_fence fence = {3, 8812};

/* What a gateway was set up with, and one bundle, whose parts a test changes. */
struct scene {
    struct weft_keyring ring;
    struct weft_principal gateway;
    struct weft_proof_trust trust;
    struct weft_proof_seen seen;
    struct weft_command_note command;
    struct weft_buffer text;
    struct weft_proof_bundle bundle;
    struct weft_proof *proof;
};

static void set(struct scene *s)
{
    s->ring = signers_ring();
    s->gateway = signers_principal(COMMANDS_GATEWAY);
    s->seen = (struct weft_proof_seen){.is_known = false};
    s->trust = (struct weft_proof_trust){.seen = &s->seen,
        .origin = WEFT_TEXT(COMMANDS_ORIGIN),
        .logs = commands_logs(),
        .log_count = COMMANDS_NODES,
        .log_needed = 3,
        .ring = &s->ring,
        .ring_index = fence.index,
        .gateway = &s->gateway,
        .approvals_min = {0, 1, 2}};
    s->command = commands_command();
    s->text = commands_bundle(&s->command, &fence);
    EXPECT_EQ(WEFT_OK, weft_proof_bundle_parse(weft_buffer_as_text(&s->text), &s->bundle, NULL));
    s->proof = calloc(1, sizeof(*s->proof));
}

static void end(struct scene *s)
{
    free(s->proof);
    weft_buffer_destroy(&s->text);
    weft_keyring_destroy(&s->ring);
}

static enum weft_proof_fault verify_at(struct scene *s, int64_t now_ns)
{
    enum weft_proof_fault fault;
    struct weft_msg msg = {""};
    enum weft_err err =
        weft_proof_bundle_verify(&s->bundle, &s->trust, now_ns, s->proof, &fault, &msg);
    EXPECT_EQ(fault == WEFT_PROOF_SOUND ? WEFT_OK : WEFT_EREFUSED, err);
    EXPECT_EQ(fault == WEFT_PROOF_SOUND, msg.text[0] == '\0');
    return fault;
}

static enum weft_proof_fault verify(struct scene *s)
{
    return verify_at(s, SIGNERS_NOW_NS + SIGNERS_SECOND_NS);
}

TEST(proof_bundle, that_is_whole_is_sound)
{
    struct scene s;
    struct weft_buffer again = {0};
    set(&s);
    EXPECT_EQ(WEFT_PROOF_SOUND, verify(&s));
    EXPECT_TRUE(weft_digest_equal(&s.command.digest, &s.proof->command.digest));
    EXPECT_EQ(2, s.proof->approval_count);
    EXPECT_EQ(1, s.proof->envelope_count);
    EXPECT_TRUE(!s.proof->is_shadow);
    EXPECT_EQ(WEFT_OK, weft_proof_bundle_encode(&s.bundle, &again, NULL));
    EXPECT_EQ(s.text.size, again.size);
    EXPECT_MEM(s.text.data, again.data, again.size);
    weft_buffer_destroy(&again);
    end(&s);
}

TEST(proof_bundle, is_good_for_five_seconds_and_within_the_commands_time)
{
    const int64_t ms_ns = 1000 * 1000;
    struct scene s;
    set(&s);
    EXPECT_EQ(WEFT_PROOF_SOUND, verify_at(&s, SIGNERS_NOW_NS + 5000 * ms_ns));
    EXPECT_EQ(WEFT_PROOF_STALE, verify_at(&s, SIGNERS_NOW_NS + 5000 * ms_ns + 1));
    EXPECT_EQ(WEFT_PROOF_SOUND, verify_at(&s, SIGNERS_NOW_NS - 2000 * ms_ns));
    EXPECT_EQ(WEFT_PROOF_STALE, verify_at(&s, SIGNERS_NOW_NS - 2000 * ms_ns - 1));
    end(&s);
    set(&s);
    weft_buffer_destroy(&s.text);
    s.command.not_before_ns = SIGNERS_NOW_NS + 1 * ms_ns;
    commands_seal(&s.command);
    s.text = commands_bundle(&s.command, &fence);
    EXPECT_EQ(WEFT_OK, weft_proof_bundle_parse(weft_buffer_as_text(&s.text), &s.bundle, NULL));
    EXPECT_EQ(WEFT_PROOF_WINDOW, verify(&s));
    end(&s);
}

TEST(proof_bundle, wants_the_lines_of_a_majority)
{
    struct scene s;
    set(&s);
    s.trust.log_needed = 4;
    EXPECT_EQ(WEFT_PROOF_QUORUM, verify(&s)); /* Three signed. */
    s.trust.log_needed = 0;
    EXPECT_EQ(WEFT_PROOF_QUORUM, verify(&s));
    s.trust.log_needed = 3;
    for (uint32_t nodes = 1; nodes <= COMMANDS_NODES; nodes++) { /* ACT-11 */
        struct weft_buffer leaf = {0};
        EXPECT_EQ(WEFT_OK, weft_buffer_text(&leaf, s.bundle.leaf));
        struct weft_buffer proof = commands_proof(&leaf, nodes);
        s.bundle.proof = weft_buffer_as_text(&proof);
        EXPECT_EQ(nodes >= 3 ? WEFT_PROOF_SOUND : WEFT_PROOF_QUORUM, verify(&s));
        weft_buffer_destroy(&proof);
        weft_buffer_destroy(&leaf);
    }
    end(&s);
}

TEST(proof_bundle, wants_approvals_of_others_and_enough_of_them)
{
    struct scene s;
    set(&s);
    struct weft_text bo = s.bundle.approvals[0];
    s.bundle.approvals[1] = bo; /* ACT-4: somebody twice */
    EXPECT_EQ(WEFT_PROOF_APPROVALS, verify(&s));
    s.bundle.approval_count = 1; /* The leaf says two. */
    s.trust.approvals_min[2] = 1;
    EXPECT_EQ(WEFT_PROOF_LEAF, verify(&s));
    s.trust.approvals_min[2] = 2;
    EXPECT_EQ(WEFT_PROOF_APPROVALS, verify(&s));
    end(&s);
    set(&s);
    struct weft_approval_note own = commands_approval(&s.command, COMMANDS_ANN);
    struct weft_buffer note = commands_approval_note(&own);
    s.bundle.approvals[1] = weft_buffer_as_text(&note); /* The proposer's. */
    EXPECT_EQ(WEFT_PROOF_APPROVALS, verify(&s));
    weft_buffer_destroy(&note);
    own = commands_approval(&s.command, COMMANDS_CY);
    own.meaning = WEFT_APPROVAL_REJECT;
    note = commands_approval_note(&own);
    s.bundle.approvals[1] = weft_buffer_as_text(&note);
    EXPECT_EQ(WEFT_PROOF_APPROVALS, verify(&s));
    weft_buffer_destroy(&note);
    end(&s);
    set(&s);
    struct weft_command_note edited = commands_command();
    edited.args[0].value.number++;
    commands_seal(&edited);
    own = commands_approval(&edited, COMMANDS_CY);
    note = commands_approval_note(&own);
    s.bundle.approvals[1] = weft_buffer_as_text(&note); /* Of the command before it was edited. */
    EXPECT_EQ(WEFT_PROOF_APPROVALS, verify(&s));
    weft_buffer_destroy(&note);
    end(&s);
}

TEST(proof_bundle, of_another_command_token_gateway_log_or_envelope_is_refused)
{
    struct scene s;
    set(&s);
    s.bundle.fence.index++;
    EXPECT_EQ(WEFT_PROOF_LEAF, verify(&s));
    s.bundle.fence = (struct weft_fence){4, 8812};
    EXPECT_EQ(WEFT_PROOF_LEAF, verify(&s));
    end(&s);
    set(&s);
    s.gateway = signers_principal("oem.example/plant1/gw/gw2");
    EXPECT_EQ(WEFT_PROOF_ELSEWHERE, verify(&s));
    end(&s);
    set(&s);
    s.trust.origin = WEFT_TEXT("oem.example/plant2/audit");
    EXPECT_EQ(WEFT_PROOF_ELSEWHERE, verify(&s));
    end(&s);
    set(&s);
    struct weft_command_note other = commands_command();
    other.seq++;
    commands_seal(&other);
    struct weft_buffer note = commands_note(&other);
    s.bundle.command = weft_buffer_as_text(&note);
    EXPECT_EQ(WEFT_PROOF_APPROVALS, verify(&s));
    s.bundle.approval_count = 0;
    s.trust.approvals_min[2] = 0;
    EXPECT_EQ(WEFT_PROOF_LEAF, verify(&s));
    weft_buffer_destroy(&note);
    end(&s);
    set(&s);
    struct weft_envelope_note envelope = commands_envelope();
    envelope.hard[0].high *= 2;
    struct weft_buffer text = commands_envelope_text(&envelope);
    s.bundle.envelopes[0] = weft_buffer_as_text(&text);
    EXPECT_EQ(WEFT_PROOF_ENVELOPE, verify(&s));
    weft_buffer_destroy(&text);
    end(&s);
}

TEST(proof_bundle, of_a_key_that_is_revoked_or_not_known_is_refused)
{
    struct scene s;
    struct weft_signer ann = signers_make(COMMANDS_ANN);
    set(&s);
    EXPECT_EQ(WEFT_OK, weft_keyring_revoke(&s.ring, &ann.verifier, fence.index, NULL));
    EXPECT_EQ(WEFT_PROOF_SIGNATURE, verify(&s));
    s.trust.ring_index--;
    EXPECT_EQ(WEFT_PROOF_SOUND, verify(&s));
    weft_keyring_destroy(&s.ring);
    EXPECT_EQ(WEFT_PROOF_SIGNATURE, verify(&s));
    end(&s);
}

/* Acceptance: every single-bit change is refused, wherever it is. Of commands and approvals each
 * bit is tried in their own tests. */
TEST(proof_bundle, with_any_flipped_bit_is_refused)
{
    enum {
        STRIDE = 13 /* Coprime to 8; all of them take 20 s. */
    };
    struct scene s;
    set(&s);
    EXPECT_EQ(WEFT_PROOF_SOUND, verify(&s)); /* Its checkpoint is remembered from here on. */
    size_t counts[WEFT_PROOF_FAULTS] = {0};
    for (size_t bit = 0; bit < s.text.size * 8; bit += STRIDE) {
        s.text.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (weft_proof_bundle_parse(weft_buffer_as_text(&s.text), &s.bundle, NULL) == WEFT_OK) {
            enum weft_proof_fault fault = verify(&s);
            EXPECT_TRUE(fault != WEFT_PROOF_SOUND);
            counts[fault]++;
        }
        s.text.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    EXPECT_TRUE(counts[WEFT_PROOF_MALFORMED] > 0 && counts[WEFT_PROOF_SIGNATURE] > 0 &&
                counts[WEFT_PROOF_QUORUM] > 0 && counts[WEFT_PROOF_TREE] > 0);
    end(&s);
}

TEST(proof_bundle, text_that_is_cut_or_has_more_is_malformed)
{
    struct scene s;
    struct weft_proof_bundle read;
    set(&s);
    for (size_t size = 0; size < s.text.size; size += size < 200 ? 1 : 37) {
        EXPECT_EQ(
            WEFT_EMALFORMED, weft_proof_bundle_parse(
                                 (struct weft_text){(const char *)s.text.data, size}, &read, NULL));
    }
    EXPECT_EQ(WEFT_OK, weft_buffer_append(&s.text, "\n", 1));
    EXPECT_EQ(WEFT_EMALFORMED, weft_proof_bundle_parse(weft_buffer_as_text(&s.text), &read, NULL));
    end(&s);
}

TEST(proof_bundle, subject_of_a_command_reads_as_its_id)
{
    const uint8_t id[WEFT_COMMAND_ID_SIZE] = {0, 1, 0x9a, 0xff};
    uint8_t read[WEFT_COMMAND_ID_SIZE];
    char subject[WEFT_COMMAND_SUBJECT_SIZE];
    weft_command_subject(id, subject);
    EXPECT_TEXT("command:00019aff000000000000000000000000", subject);
    EXPECT_TRUE(weft_command_subject_parse(weft_text_of(subject), read));
    EXPECT_MEM(id, read, sizeof(id));
    EXPECT_TRUE(
        !weft_command_subject_parse(WEFT_TEXT("command:00019AFF000000000000000000000000"), read));
    EXPECT_TRUE(!weft_command_subject_parse(WEFT_TEXT("command:00019af"), read));
    EXPECT_TRUE(
        !weft_command_subject_parse(WEFT_TEXT("commanx:00019aff000000000000000000000000"), read));
    EXPECT_TRUE(
        !weft_command_subject_parse(WEFT_TEXT("command:00019aff00000000000000000000000g"), read));
}
