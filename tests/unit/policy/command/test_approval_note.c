#include "tests/lib/commands.h"
#include "tests/lib/test.h"

static struct weft_buffer sample(void)
{
    struct weft_command_note command = commands_command();
    struct weft_approval_note approval = commands_approval(&command, COMMANDS_BO);
    struct weft_buffer text = {0};
    EXPECT_EQ(WEFT_OK, weft_approval_note_encode(&approval, &text, NULL));
    return text;
}

TEST(approval_note, text_that_is_written_reads_as_itself)
{
    for (int meaning = 0; meaning < WEFT_APPROVAL_MEANINGS; meaning++) {
        struct weft_command_note command = commands_command();
        struct weft_approval_note approval = commands_approval(&command, COMMANDS_BO), read;
        struct weft_buffer text = {0};
        approval.meaning = (enum weft_approval_meaning)meaning;
        EXPECT_EQ(WEFT_OK, weft_approval_note_encode(&approval, &text, NULL));
        EXPECT_EQ(WEFT_OK, weft_approval_note_decode(weft_buffer_as_text(&text), &read, NULL));
        EXPECT_EQ(meaning, read.meaning);
        EXPECT_TRUE(weft_digest_equal(&command.digest, &read.command));
        EXPECT_TRUE(weft_principal_equal(&approval.approver, &read.approver));
        struct weft_digest digest = weft_sha256(text.data, text.size);
        EXPECT_TRUE(weft_digest_equal(&digest, &read.digest));
        weft_buffer_destroy(&text);
    }
}

TEST(approval_note, line_that_breaks_a_rule_is_refused_with_its_place)
{
    static const struct {
        const char *from, *to, *place;
        enum weft_err err;
    } cases[] = {
        {"approval/v1", "approval/v9", "line 1:", WEFT_EVERSION},
        {"command sha256:", "command sha1:", "line 2:", WEFT_EMALFORMED},
        {"id 6f1d", "id 6g1d", "line 3:", WEFT_EMALFORMED},
        {"approver oem.example/plant1/op/bo", "approver oem.example/plant1/svc/bo",
            "line 4:", WEFT_EINVAL}, /* ACT-4: programs approve nothing */
        {"printed-name An Approver\n", "", "line 5:", WEFT_EMALFORMED},
        {"meaning approve", "meaning agree", "line 6:", WEFT_EMALFORMED},
        {"reason ", "reason", "line 7:", WEFT_EMALFORMED},
        {"expires 2026-03-01T08:01:00.000Z", "expires 2026-03-01T08:00:00.000Z",
            "line 9:", WEFT_EINVAL},
        {"expires 2026-03-01T08:01:00.000Z", "expires 2026-03-02T08:00:00.001Z",
            "line 9:", WEFT_EINVAL},
        {"expires 2026-03-01T08:01:00.000Z\n", "expires 2026-03-01T08:01:00.000Z\nreason x\n",
            "line 10:", WEFT_EMALFORMED},
    };
    struct weft_buffer text = sample();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct weft_msg msg = {""};
        struct weft_approval_note read;
        struct weft_buffer changed = commands_replace(&text, cases[i].from, cases[i].to);
        EXPECT_EQ(
            cases[i].err, weft_approval_note_decode(weft_buffer_as_text(&changed), &read, &msg));
        if (!weft_text_starts(weft_text_of(msg.text), cases[i].place)) {
            EXPECT_TEXT(cases[i].place, msg.text);
        }
        weft_buffer_destroy(&changed);
    }
    weft_buffer_destroy(&text);
}

/* Acceptance: every single-bit change of an approval is refused. */
TEST(approval_note, any_flipped_bit_of_a_signed_one_is_refused)
{
    struct weft_command_note command = commands_command();
    struct weft_approval_note approval = commands_approval(&command, COMMANDS_BO), read;
    struct weft_keyring ring = signers_ring();
    struct weft_buffer bytes = commands_approval_note(&approval);
    for (size_t bit = 0; bit < bytes.size * 8; bit++) {
        struct weft_note note;
        bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        enum weft_err err = weft_note_parse(weft_buffer_as_text(&bytes), &note, NULL);
        if (err == WEFT_OK) {
            err = weft_approval_note_decode(note.text, &read, NULL);
        }
        if (err == WEFT_OK) {
            err =
                weft_keyring_verify(&ring, &note, WEFT_DOCUMENT_APPROVAL, &read.approver, 30, NULL);
        }
        EXPECT_TRUE(err != WEFT_OK);
        bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    weft_buffer_destroy(&bytes);
    weft_keyring_destroy(&ring);
}
