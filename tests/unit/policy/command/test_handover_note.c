#include "policy/command/handover_note.h"
#include "tests/lib/commands.h"
#include "tests/lib/test.h"

static struct weft_handover_note sample(void)
{
    return (struct weft_handover_note){.channel = WEFT_TEXT(COMMANDS_CHANNEL),
        .version = 4,
        .from = WEFT_COMMAND_OPERATOR,
        .to = WEFT_COMMAND_AUTOMATION,
        .signer = signers_principal(COMMANDS_ANN),
        .printed_name = WEFT_TEXT("Ann Example"),
        .reason = WEFT_TEXT("night shift"),
        .signed_ns = SIGNERS_NOW_NS};
}

TEST(handover_note, text_of_all_ranks_reads_as_itself)
{
    for (int ranks = 0; ranks < WEFT_COMMAND_RANKS * WEFT_COMMAND_RANKS; ranks++) {
        struct weft_handover_note handover = sample(), read;
        struct weft_buffer text = {0}, again = {0};
        handover.from = (enum weft_command_rank)(ranks % WEFT_COMMAND_RANKS);
        handover.to = (enum weft_command_rank)(ranks / WEFT_COMMAND_RANKS);
        EXPECT_EQ(WEFT_OK, weft_handover_note_encode(&handover, &text, NULL));
        EXPECT_EQ(WEFT_OK, weft_handover_note_decode(weft_buffer_as_text(&text), &read, NULL));
        EXPECT_EQ(handover.from, read.from);
        EXPECT_EQ(handover.to, read.to);
        EXPECT_EQ(WEFT_OK, weft_handover_note_encode(&read, &again, NULL));
        EXPECT_EQ(text.size, again.size);
        EXPECT_MEM(text.data, again.data, text.size);
        weft_buffer_destroy(&text);
        weft_buffer_destroy(&again);
    }
}

TEST(handover_note, line_that_breaks_a_rule_is_refused_with_its_place)
{
    static const struct {
        const char *from, *to, *place;
        enum weft_err err;
    } cases[] = {
        {"channel plant1/gw1/press7", "channel plant1/gw1", "line 2:", WEFT_EMALFORMED},
        {"version 4", "version x", "line 3:", WEFT_EMALFORMED},
        {"from operator", "from boss", "line 4:", WEFT_EMALFORMED},
        {"to automation", "to nobody", "line 5:", WEFT_EMALFORMED},
        {"op/ann", "gw/ann", "line 6:", WEFT_EINVAL},
        {"reason night shift\n", "", "line 8:", WEFT_EMALFORMED},
    };
    struct weft_handover_note handover = sample(), read;
    struct weft_buffer text = {0};
    EXPECT_EQ(WEFT_OK, weft_handover_note_encode(&handover, &text, NULL));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct weft_msg msg = {""};
        struct weft_buffer changed = commands_replace(&text, cases[i].from, cases[i].to);
        EXPECT_EQ(
            cases[i].err, weft_handover_note_decode(weft_buffer_as_text(&changed), &read, &msg));
        if (!weft_text_starts(weft_text_of(msg.text), cases[i].place)) {
            EXPECT_TEXT(cases[i].place, msg.text);
        }
        weft_buffer_destroy(&changed);
    }
    weft_buffer_destroy(&text);
}

TEST(handover_note, higher_ranks_take_and_holders_give_back)
{
    for (int holder = 0; holder < WEFT_COMMAND_RANKS; holder++) {
        for (int signer = 0; signer < WEFT_COMMAND_RANKS; signer++) {
            struct weft_handover_note handover = sample();
            const struct weft_command_authority now = {3, (enum weft_command_rank)holder};
            handover.from = now.rank;
            enum weft_err err = weft_handover_check(
                &handover, &now, (enum weft_command_rank)signer, SIGNERS_NOW_NS, NULL);
            EXPECT_EQ(signer <= holder ? WEFT_OK : WEFT_EREFUSED, err);
        }
    }
}

TEST(handover_note, follows_what_is_in_force_and_is_of_late)
{
    const int64_t lag_ns = WEFT_HANDOVER_LAG_MAX_S * SIGNERS_SECOND_NS;
    struct weft_handover_note handover = sample();
    struct weft_command_authority now = {3, WEFT_COMMAND_OPERATOR};
    const enum weft_command_rank person = WEFT_COMMAND_OPERATOR;
    EXPECT_EQ(WEFT_OK, weft_handover_check(&handover, &now, person, SIGNERS_NOW_NS, NULL));
    EXPECT_EQ(WEFT_OK, weft_handover_check(&handover, &now, person, SIGNERS_NOW_NS + lag_ns, NULL));
    EXPECT_EQ(WEFT_EREFUSED,
        weft_handover_check(&handover, &now, person, SIGNERS_NOW_NS + lag_ns + 1, NULL));
    EXPECT_EQ(WEFT_OK, weft_handover_check(&handover, &now, person, SIGNERS_NOW_NS - lag_ns, NULL));
    EXPECT_EQ(WEFT_EREFUSED,
        weft_handover_check(&handover, &now, person, SIGNERS_NOW_NS - lag_ns - 1, NULL));
    now.version = 4;
    EXPECT_EQ(WEFT_ECONFLICT, weft_handover_check(&handover, &now, person, SIGNERS_NOW_NS, NULL));
    now = (struct weft_command_authority){3, WEFT_COMMAND_PARTNER};
    EXPECT_EQ(WEFT_ECONFLICT, weft_handover_check(&handover, &now, person, SIGNERS_NOW_NS, NULL));
}
