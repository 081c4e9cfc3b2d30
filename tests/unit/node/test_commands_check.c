/* The offline check makes commands again from their records: what was changed behind apply's back
 * is found. */
#include <stdio.h>
#include <string.h>

#include "tests/lib/test.h"
#include "tests/unit/node/commands_rig.h"

static const char *const by_ann[] = {RIG_ANN, NULL};

/* One that was verified, one that was refused and one at its intent; a hand-over. */
static void live_through(struct scene *s)
{
    scene_set(s);
    scene_lead_to_selected(s);
    EXPECT_EQ(WEFT_OK, scene_step(s, "dispatch"));
    EXPECT_EQ(WEFT_OK, scene_receive(s, WEFT_RECEIPT_ACCEPTED));
    scene_reopen(s);
    EXPECT_EQ(WEFT_OK, scene_receive(s, WEFT_RECEIPT_DONE));
    EXPECT_EQ(WEFT_OK, scene_step(s, "verify"));
    for (int i = 0; i < 2; i++) {
        s->command.id[0] ^= (uint8_t)(1 + i);
        s->command.seq++;
        commands_seal(&s->command);
        weft_command_subject(s->command.id, s->asset);
        EXPECT_EQ(WEFT_OK, scene_propose(s));
        EXPECT_EQ(WEFT_OK, scene_approve(s, RIG_BO, WEFT_APPROVAL_APPROVE));
        EXPECT_EQ(WEFT_OK, scene_approve(s, RIG_CY, WEFT_APPROVAL_APPROVE));
        EXPECT_EQ(WEFT_OK, scene_step(s, "select"));
        EXPECT_EQ(WEFT_OK, scene_step(s, "dispatch"));
        if (i == 0) {
            EXPECT_EQ(WEFT_OK, scene_receive(s, WEFT_RECEIPT_REFUSED));
        }
    }
    struct weft_handover_note handover = {.channel = WEFT_TEXT("plant1/gw1/press8"),
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
    scene_must(s, RIG_ANN, scene_note_record("handover", "channel:plant1/gw1/press8", &note));
    weft_buffer_destroy(&note);
    weft_buffer_destroy(&text);
}

static void write(struct scene *s, const struct weft_key *key, const void *value, size_t size)
{
    weft_store_batch_put(s->f.state->batch, key, value, size);
    EXPECT_EQ(WEFT_OK, weft_store_write(s->f.state->store, s->f.state->batch, &s->f.msg));
}

/* One bit of what stands under the key. */
static void flip(struct scene *s, const struct weft_key *key, size_t at)
{
    static uint8_t bytes[64 * 1024];
    struct weft_store_value value = {.handle = NULL};
    EXPECT_EQ(WEFT_OK, weft_store_get(s->f.state->store, NULL, key, &value, &s->f.msg));
    size_t size = value.bytes.size;
    EXPECT_TRUE(at < size && size <= sizeof(bytes));
    memcpy(bytes, value.bytes.data, size);
    weft_store_release(&value);
    bytes[at] ^= 1;
    write(s, key, bytes, size);
}

static enum weft_err check(struct scene *s)
{
    struct weft_state_check check = {.directory = s->f.directory};
    fixture_close(&s->f);
    s->f.msg.text[0] = '\0';
    return weft_state_check(&check, &s->f.msg);
}

static void expect_told(struct scene *s, const char *what)
{
    EXPECT_EQ(WEFT_ECORRUPT, check(s));
    if (strstr(s->f.msg.text, what) == NULL) {
        EXPECT_TEXT(what, s->f.msg.text);
    }
    fixture_destroy(&s->f);
}

TEST(commands_check, what_apply_made_is_what_the_records_make)
{
    struct scene s;
    live_through(&s);
    EXPECT_EQ(WEFT_OK, check(&s));
    EXPECT_TEXT("", s.f.msg.text);
    fixture_destroy(&s.f);
}

/* NOD-146. A bit of a state, of a note, of an approval; a channel, a seq, an envelope; a command
 * that is not open, and one that is there twice. */
TEST(commands_check, each_thing_that_was_changed_is_found)
{
    static const struct {
        char type;
        uint8_t part;
        size_t at;
        const char *told;
    } changes[] = {
        {'H', 0, 7, "commands to machines"},   /* Its state. */
        {'H', 0, 60, "commands to machines"},  /* Of its digest, or its proposer's person. */
        {'H', 1, 100, "check a command"},      /* Its note: it is none any more. */
        {'H', 3, 200, "commands to machines"}, /* An approval. */
        {'G', 0, 7, "channels of machines"},
        {'F', 0, 300, "envelopes in force"},
    };
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        struct scene s;
        live_through(&s);
        struct weft_key key =
            changes[i].type == 'H'   ? weft_key_command(s.command.id, changes[i].part)
            : changes[i].type == 'G' ? weft_key_channel(WEFT_TEXT("plant1/gw1/press8"))
                                     : weft_key_envelope(WEFT_TEXT("press7-speed"));
        flip(&s, &key, changes[i].at);
        expect_told(&s, changes[i].told);
    }
}

TEST(commands_check, what_is_missing_or_left_over_is_found)
{
    static const char *const told[] = {"commands by their time", "commands by their time",
        "numbers of commands", "commands to machines"};
    for (int how = 0; how < 4; how++) {
        struct scene s;
        uint8_t bytes[8] = {0, 0, 0, 0, 0, 0, 0, 9};
        uint8_t other[WEFT_COMMAND_ID_SIZE] = {7};
        live_through(&s);
        struct weft_key key = how == 0   ? weft_key_open(s.command.not_after_ns, other)
                              : how == 1 ? weft_key_single(WEFT_KEY_OPEN)
                              : how == 2 ? weft_key_seq(other)
                                         : weft_key_command(other, 1);
        write(&s, &key, bytes, how == 0 ? 0 : sizeof(bytes));
        expect_told(&s, told[how]);
    }
}

/* The leaf that proves an intent is the intent's. */
TEST(commands_check, leaf_of_another_act_proves_no_intent)
{
    struct scene s;
    live_through(&s);
    struct weft_key key = weft_key_command(s.command.id, 0);
    struct weft_command_value value = scene_look(&s).value;
    struct weft_buffer bytes = {0};
    value.leaf--;
    EXPECT_EQ(WEFT_OK, weft_command_value_encode(&value, &bytes));
    write(&s, &key, bytes.data, bytes.size);
    weft_buffer_destroy(&bytes);
    expect_told(&s, "is not of the intent of command:");
}
