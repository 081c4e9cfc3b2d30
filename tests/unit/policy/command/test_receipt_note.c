#include "tests/lib/commands.h"
#include "tests/lib/test.h"

static const struct weft_fence fence = {3, 8812};

static struct weft_buffer sample(enum weft_receipt_outcome outcome)
{
    struct weft_command_note command = commands_command();
    struct weft_receipt_note receipt = commands_receipt(&command, &fence, outcome);
    struct weft_buffer text = {0};
    EXPECT_EQ(WEFT_OK, weft_receipt_note_encode(&receipt, &text, NULL));
    return text;
}

TEST(receipt_note, text_of_every_outcome_reads_as_itself)
{
    for (int outcome = 0; outcome < WEFT_RECEIPT_OUTCOMES; outcome++) {
        struct weft_receipt_note read;
        struct weft_buffer text = sample((enum weft_receipt_outcome)outcome), again = {0};
        EXPECT_EQ(WEFT_OK, weft_receipt_note_decode(weft_buffer_as_text(&text), &read, NULL));
        EXPECT_EQ(outcome, read.outcome);
        EXPECT_EQ(0, weft_fence_compare(&fence, &read.fence));
        EXPECT_EQ(weft_receipt_outcome_has_code(read.outcome), read.code.size > 0);
        EXPECT_EQ(WEFT_OK, weft_receipt_note_encode(&read, &again, NULL));
        EXPECT_EQ(text.size, again.size);
        EXPECT_MEM(text.data, again.data, text.size); /* ACT-1 */
        weft_buffer_destroy(&text);
        weft_buffer_destroy(&again);
    }
}

TEST(receipt_note, every_state_reads_as_itself)
{
    for (int state = 0; state < WEFT_RECEIPT_STATES; state++) {
        struct weft_command_note command = commands_command();
        struct weft_receipt_note receipt = commands_receipt(&command, &fence, WEFT_RECEIPT_STATE),
                                 read;
        struct weft_buffer text = {0};
        receipt.state = (enum weft_receipt_state)state;
        EXPECT_EQ(WEFT_OK, weft_receipt_note_encode(&receipt, &text, NULL));
        EXPECT_EQ(WEFT_OK, weft_receipt_note_decode(weft_buffer_as_text(&text), &read, NULL));
        EXPECT_EQ(state, read.state);
        weft_buffer_destroy(&text);
    }
}

TEST(receipt_note, line_that_breaks_a_rule_is_refused_with_its_place)
{
    static const struct {
        enum weft_receipt_outcome outcome;
        const char *from, *to, *place;
        enum weft_err err;
    } cases[] = {
        {WEFT_RECEIPT_DONE, "channel plant1/gw1/press7", "channel plant1/gw2/press7",
            "line 8:", WEFT_EINVAL},
        {WEFT_RECEIPT_DONE, "channel plant1/gw1/press7", "channel gw1", "line 8:", WEFT_EINVAL},
        {WEFT_RECEIPT_DONE, "token 3 8812", "token 0 8812", "line 5:", WEFT_EMALFORMED},
        {WEFT_RECEIPT_DONE, "token 3 8812", "token 3", "line 5:", WEFT_EMALFORMED},
        {WEFT_RECEIPT_DONE, "token 3 8812", "token 3 08812", "line 5:", WEFT_EMALFORMED},
        {WEFT_RECEIPT_DONE, "outcome done", "outcome gone", "line 6:", WEFT_EMALFORMED},
        {WEFT_RECEIPT_DONE, "outcome done", "outcome accepted", "line 7:", WEFT_EMALFORMED},
        {WEFT_RECEIPT_DONE, "outcome done", "outcome failed", "line 7:", WEFT_EMALFORMED},
        {WEFT_RECEIPT_DONE, "outcome done", "outcome state", "line 7:", WEFT_EMALFORMED},
        {WEFT_RECEIPT_MEASURED, "reading speed = 42 rpm at 2026-03-01T08:00:00.000Z\n", "",
            "line 6:", WEFT_EMALFORMED},
        {WEFT_RECEIPT_DONE, "reading speed",
            "reading zeta = true at 2026-03-01T08:00:00.000Z\nreading speed",
            "line 8:", WEFT_EMALFORMED},
        {WEFT_RECEIPT_FAILED, "code interlock", "code inter lock", "line 7:", WEFT_EMALFORMED},
        {WEFT_RECEIPT_FAILED, "code interlock\n", "", "line 7:", WEFT_EMALFORMED},
        {WEFT_RECEIPT_STATE, "state none", "state maybe", "line 7:", WEFT_EMALFORMED},
        {WEFT_RECEIPT_ACCEPTED, "gw/gw1\n", "op/gw1\n", "line 7:", WEFT_EINVAL},
        {WEFT_RECEIPT_ACCEPTED, "gateway oem.example/plant1", "gateway oem.example/plant2",
            "line 7:", WEFT_EINVAL},
        {WEFT_RECEIPT_ACCEPTED, "counter 118", "counter -1", "line 8:", WEFT_EMALFORMED},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct weft_msg msg = {""};
        struct weft_receipt_note read;
        struct weft_buffer text = sample(cases[i].outcome);
        struct weft_buffer changed = commands_replace(&text, cases[i].from, cases[i].to);
        EXPECT_EQ(
            cases[i].err, weft_receipt_note_decode(weft_buffer_as_text(&changed), &read, &msg));
        if (!weft_text_starts(weft_text_of(msg.text), cases[i].place)) {
            EXPECT_TEXT(cases[i].place, msg.text);
        }
        weft_buffer_destroy(&changed);
        weft_buffer_destroy(&text);
    }
}

TEST(receipt_note, later_term_then_later_index_is_the_higher_token)
{
    static const struct weft_fence order[] = {{0, 0}, {1, 1}, {1, 9}, {2, 2}, {2, 3}, {9, 1}};
    const int count = (int)(sizeof(order) / sizeof(order[0]));
    for (int a = 0; a < count; a++) {
        for (int b = 0; b < count; b++) {
            int compared = weft_fence_compare(&order[a], &order[b]); /* ACT-12 */
            EXPECT_EQ((a > b) - (a < b), (compared > 0) - (compared < 0));
        }
        EXPECT_EQ(a == 0, weft_fence_is_none(&order[a]));
    }
}
