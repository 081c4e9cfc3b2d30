#include <string.h>

#include "tests/lib/commands.h"
#include "tests/lib/test.h"

/* The sample's text with `from` in place of `to`; decoded. */
static enum weft_err decode_with(const char *from, const char *to, struct weft_msg *msg)
{
    struct weft_command_note command = commands_command(), read;
    struct weft_buffer text = commands_text(&command);
    struct weft_buffer changed = commands_replace(&text, from, to);
    enum weft_err err = weft_command_note_decode(weft_buffer_as_text(&changed), &read, msg);
    weft_buffer_destroy(&changed);
    weft_buffer_destroy(&text);
    return err;
}

TEST(command_note, text_that_is_written_reads_as_itself)
{
    struct weft_command_note command = commands_command(), read;
    struct weft_buffer text = commands_text(&command), again = {0};
    EXPECT_EQ(WEFT_OK, weft_command_note_decode(weft_buffer_as_text(&text), &read, NULL));
    EXPECT_EQ(WEFT_OK, weft_command_note_encode(&read, &again, NULL));
    EXPECT_EQ(text.size, again.size);
    EXPECT_MEM(text.data, again.data, text.size); /* ACT-1 */
    EXPECT_TRUE(weft_digest_equal(&command.digest, &read.digest));
    EXPECT_TRUE(weft_text_is(weft_command_note_asset(&read), "plant1/line2/press7"));
    EXPECT_TRUE(weft_command_note_arg(&read, WEFT_TEXT("speed")) == &read.args[0]);
    EXPECT_TRUE(weft_command_note_arg(&read, WEFT_TEXT("force")) == NULL);
    weft_buffer_destroy(&text);
    weft_buffer_destroy(&again);
}

TEST(command_note, line_that_breaks_a_rule_is_refused_with_its_place)
{
    static const struct {
        const char *from, *to, *place;
        enum weft_err err;
    } cases[] = {
        {"weft-command/v1", "weft-command/v2", "line 1:", WEFT_EVERSION},
        {"weft-command/v1", "weft-receipt/v1", "line 1:", WEFT_EMALFORMED},
        {"id 6f1d", "id 6F1D", "line 2:", WEFT_EMALFORMED},
        {"origin oem.example/plant1/audit", "origin oem.example/plant1",
            "line 3:", WEFT_EMALFORMED},
        {"target oem.example/", "target other.example/", "line 4:", WEFT_EMALFORMED},
        {"channel plant1/", "channel plant2/", "line 5:", WEFT_EMALFORMED},
        {"channel plant1/gw1/press7", "channel plant1/gw1", "line 5:", WEFT_EMALFORMED},
        {"class B", "class D", "line 6:", WEFT_EMALFORMED},
        {"tier 2", "tier 10", "line 7:", WEFT_EINVAL},
        {"mode live", "mode dead", "line 8:", WEFT_EMALFORMED},
        {"verb set-speed", "verb true", "line 9:", WEFT_EMALFORMED},
        {"arg speed 42.5 rpm", "arg speed 42.50 rpm", "line 10:", WEFT_EMALFORMED},
        {"arg speed 42.5 rpm\n", "arg speed 42.5 rpm\narg speed 43 rpm\n",
            "line 11:", WEFT_EMALFORMED},
        {"arg speed 42.5 rpm\n", "arg speed 42.5 rpm\narg force 1 kN\n",
            "line 11:", WEFT_EMALFORMED},
        {"pre field guard/closed = true\n",
            "pre field guard/closed = true\npre field guard/closed = true\n",
            "line 12:", WEFT_EMALFORMED},
        {"pre field guard/closed = true", "pre field guard/closed == true",
            "line 11:", WEFT_EMALFORMED},
        {"+- 0.5", "+- -0.5", "line 12:", WEFT_EMALFORMED},
        {"by 20s", "by 20000ms", "line 12:", WEFT_EMALFORMED},
        {"envelope press7-speed 1 ", "envelope press7-speed 0 ", "line 13:", WEFT_EMALFORMED},
        {"envelope ", "envelopes ", "line 13:", WEFT_EMALFORMED},
        {"policy 42 ", "policy 042 ", "line 14:", WEFT_EMALFORMED},
        {"seq 1187", "seq 9223372036854775808", "line 15:", WEFT_EINVAL},
        {"not-before 2026-03-01T08:00:00.000Z", "not-before 2026-03-01T08:00:00Z",
            "line 17:", WEFT_EMALFORMED},
        {"not-after 2026-03-01T08:02:00.000Z", "not-after 2026-03-01T08:00:00.000Z",
            "line 18:", WEFT_EINVAL},
        {"not-after 2026-03-01T08:02:00.000Z", "not-after 2026-03-02T08:00:00.001Z",
            "line 18:", WEFT_EINVAL},
        {"on-unknown hold", "on-unknown stop", "line 19:", WEFT_EMALFORMED},
        {"proposer oem.example/plant1/op/ann", "proposer oem.example/plant1/gw/ann",
            "line 20:", WEFT_EINVAL},
        {"meaning propose", "meaning approve", "line 22:", WEFT_EMALFORMED},
        {"reason ", "reason  ", "line 23:", WEFT_EMALFORMED},
        {"signed-at 2026-03-01T07:59:59.000Z", "signed-at 2026-03-01T08:02:00.001Z",
            "line 24:", WEFT_EINVAL},
        {"signed-at 2026-03-01T07:59:59.000Z\n", "signed-at 2026-03-01T07:59:59.000Z\nmore 1\n",
            "line 25:", WEFT_EMALFORMED},
        {"tier 2\n", "", "line 7:", WEFT_EMALFORMED},
        {"class B\ntier 2\n", "tier 2\nclass B\n", "line 6:", WEFT_EMALFORMED},
    };
    struct weft_msg msg = {""};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        EXPECT_EQ(cases[i].err, decode_with(cases[i].from, cases[i].to, &msg));
        if (!weft_text_starts(weft_text_of(msg.text), cases[i].place)) {
            EXPECT_TEXT(cases[i].place, msg.text);
        }
    }
}

TEST(command_note, what_may_be_otherwise_may)
{
    struct weft_msg msg = {""};
    EXPECT_EQ(WEFT_OK, decode_with("arg speed 42.5 rpm\n", "", &msg));
    EXPECT_EQ(WEFT_OK, decode_with("arg speed", "arg clamp true\narg speed", &msg));
    EXPECT_EQ(WEFT_OK, decode_with("pre field", "pre rev 8812\npre field", &msg));
    EXPECT_EQ(WEFT_OK, decode_with("meaning propose", "meaning break-glass", &msg));
    EXPECT_EQ(WEFT_OK, decode_with("mode live", "mode shadow", &msg));
    EXPECT_EQ(WEFT_OK, decode_with("not-after 2026-03-01T08:02:00.000Z",
                           "not-after 2026-03-02T08:00:00.000Z", &msg));
    EXPECT_EQ(WEFT_OK, decode_with("op/ann\n", "svc/robot\n", &msg));
    EXPECT_EQ(WEFT_EINVAL, decode_with("op/ann\nprinted-name Ann Example\nmeaning propose",
                               "svc/robot\nprinted-name Ann Example\nmeaning break-glass", &msg));
}

TEST(command_note, list_of_one_more_than_the_limit_is_refused)
{
    struct weft_command_note command = commands_command();
    struct weft_buffer out = {0};
    static const char *const names = "abcdefghijklmnopq";
    for (uint32_t i = 0; i < WEFT_COMMAND_ARGS_MAX; i++) {
        command.args[i] = command.args[0];
        command.args[i].name = (struct weft_text){names + i, 1};
    }
    command.arg_count = WEFT_COMMAND_ARGS_MAX;
    EXPECT_EQ(WEFT_OK, weft_command_note_encode(&command, &out, NULL));
    weft_buffer_clear(&out);
    command.arg_count++;
    EXPECT_EQ(WEFT_EINVAL, weft_command_note_encode(&command, &out, NULL));
    EXPECT_EQ(0, out.size);
    command = commands_command();
    command.envelope_count = 0;
    EXPECT_EQ(WEFT_EINVAL, weft_command_note_encode(&command, &out, NULL));
    command = commands_command();
    command.reason = WEFT_TEXT("two\nlines");
    EXPECT_EQ(WEFT_EINVAL, weft_command_note_encode(&command, &out, NULL));
    weft_buffer_destroy(&out);
}

/* Acceptance: every single-bit change of a command is refused. */
TEST(command_note, any_flipped_bit_of_a_signed_one_is_refused)
{
    struct weft_command_note command = commands_command();
    struct weft_keyring ring = signers_ring();
    struct weft_buffer bytes = commands_note(&command);
    uint64_t refused = 0;
    for (size_t bit = 0; bit <= bytes.size * 8; bit++) {
        bool is_whole = bit == bytes.size * 8;
        struct weft_note note;
        struct weft_command_note read;
        bytes.data[is_whole ? 0 : bit / 8] ^= is_whole ? 0 : (uint8_t)(1u << bit % 8);
        enum weft_err err = weft_note_parse(weft_buffer_as_text(&bytes), &note, NULL);
        if (err == WEFT_OK) {
            err = weft_command_note_decode(note.text, &read, NULL);
        }
        if (err == WEFT_OK) {
            err =
                weft_keyring_verify(&ring, &note, WEFT_DOCUMENT_COMMAND, &read.proposer, 30, NULL);
        }
        EXPECT_EQ(is_whole, err == WEFT_OK);
        refused += err != WEFT_OK;
        bytes.data[is_whole ? 0 : bit / 8] ^= is_whole ? 0 : (uint8_t)(1u << bit % 8);
    }
    EXPECT_EQ(bytes.size * 8, refused);
    weft_buffer_destroy(&bytes);
    weft_keyring_destroy(&ring);
}

TEST(command_note, gateway_of_a_channel_is_a_principal_of_its_site)
{
    struct weft_principal gateway, expected = signers_principal(COMMANDS_GATEWAY);
    EXPECT_TRUE(
        weft_channel_gateway(WEFT_TEXT(COMMANDS_CHANNEL), WEFT_TEXT("oem.example"), &gateway));
    EXPECT_TRUE(weft_principal_equal(&gateway, &expected));
    EXPECT_TRUE(!weft_channel_gateway(WEFT_TEXT("plant1/gw1"), WEFT_TEXT("oem.example"), &gateway));
    EXPECT_TRUE(!weft_channel_gateway(WEFT_TEXT(COMMANDS_CHANNEL), WEFT_TEXT("Oem"), &gateway));
    EXPECT_TRUE(weft_channel_is_valid(WEFT_TEXT("plant1/gw1/press7")));
    EXPECT_TRUE(!weft_channel_is_valid(WEFT_TEXT("plant1/gw1/press7/x")));
    EXPECT_TRUE(!weft_channel_is_valid(WEFT_TEXT("plant1//press7")));
}
