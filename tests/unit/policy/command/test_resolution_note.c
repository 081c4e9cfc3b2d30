#include "policy/command/resolution_note.h"
#include "tests/lib/commands.h"
#include "tests/lib/test.h"

static struct weft_resolution_note sample(void)
{
    struct weft_command_note command = commands_command();
    struct weft_resolution_note resolution = {.command = command.digest,
        .finding = WEFT_RESOLUTION_DONE,
        .resolver = signers_principal(COMMANDS_BO),
        .printed_name = WEFT_TEXT("Bo Example"),
        .reason = WEFT_TEXT("went to the machine: it runs at 42.5 rpm"),
        .signed_ns = SIGNERS_NOW_NS};
    memcpy(resolution.id, command.id, sizeof(resolution.id));
    return resolution;
}

TEST(resolution_note, text_of_every_finding_reads_as_itself)
{
    for (int finding = 0; finding < WEFT_RESOLUTION_FINDINGS; finding++) {
        struct weft_resolution_note resolution = sample(), read;
        struct weft_buffer text = {0}, again = {0};
        resolution.finding = (enum weft_resolution_finding)finding;
        EXPECT_EQ(WEFT_OK, weft_resolution_note_encode(&resolution, &text, NULL));
        EXPECT_EQ(WEFT_OK, weft_resolution_note_decode(weft_buffer_as_text(&text), &read, NULL));
        EXPECT_EQ(finding, read.finding);
        EXPECT_EQ(WEFT_OK, weft_resolution_note_encode(&read, &again, NULL));
        EXPECT_EQ(text.size, again.size);
        EXPECT_MEM(text.data, again.data, text.size);
        weft_buffer_destroy(&text);
        weft_buffer_destroy(&again);
    }
}

TEST(resolution_note, line_that_breaks_a_rule_is_refused_with_its_place)
{
    static const struct {
        const char *from, *to, *place;
        enum weft_err err;
    } cases[] = {
        {"command sha256:", "command :", "line 2:", WEFT_EMALFORMED},
        {"id 6f", "id ff6f", "line 3:", WEFT_EMALFORMED},
        {"found done", "found undone", "line 4:", WEFT_EMALFORMED},
        {"op/bo", "svc/bo", "line 5:", WEFT_EINVAL},
        {"op/bo", "node/bo", "line 5:", WEFT_EINVAL},
        {"reason went to the machine: it runs at 42.5 rpm\n", "", "line 7:", WEFT_EMALFORMED},
        {".000Z", "Z", "line 8:", WEFT_EMALFORMED},
    };
    struct weft_resolution_note resolution = sample(), read;
    struct weft_buffer text = {0};
    EXPECT_EQ(WEFT_OK, weft_resolution_note_encode(&resolution, &text, NULL));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct weft_msg msg = {""};
        struct weft_buffer changed = commands_replace(&text, cases[i].from, cases[i].to);
        EXPECT_EQ(
            cases[i].err, weft_resolution_note_decode(weft_buffer_as_text(&changed), &read, &msg));
        if (!weft_text_starts(weft_text_of(msg.text), cases[i].place)) {
            EXPECT_TEXT(cases[i].place, msg.text);
        }
        weft_buffer_destroy(&changed);
    }
    weft_buffer_destroy(&text);
}
