#include "tests/lib/commands.h"
#include "tests/lib/test.h"

/* All lines that there are. */
static const char whole[] = "weft-envelope/v1\n"
                            "name press7-speed\n"
                            "party builder\n"
                            "version 1\n"
                            "prev none\n"
                            "issued 2026-01-01T00:00:00.000Z\n"
                            "expires 2027-01-01T00:00:00.000Z\n"
                            "target oem.example/plant1/line2/...\n"
                            "verb jog\n"
                            "verb set-speed\n"
                            "hard force 0 .. 900 kN\n"
                            "hard speed 0 .. 60 rpm\n"
                            "normal speed 10 .. 50 rpm\n"
                            "step speed 5 rpm\n"
                            "rate speed 10 rpm per 1m\n"
                            "allow clamp false true\n"
                            "allow mode auto manual\n"
                            "moves 12 per 1h\n"
                            "dwell 30s\n"
                            "interlock guard/closed = true fresh 2s\n"
                            "require state/mode = auto fresh 5s\n"
                            "deny alarm/active = true fresh 5s\n"
                            "stage shadow\n"
                            "stage canary 1 of plant1/line2 soak 10m\n"
                            "verify clamp by 2s\n"
                            "verify speed within 0.5 rpm by 20s\n"
                            "finish 1m\n"
                            "safe set-speed\n"
                            "safe-arg speed 0 rpm\n";

static const char least[] = "weft-envelope/v1\n"
                            "name stop\n"
                            "party site\n"
                            "version 1\n"
                            "prev none\n"
                            "issued 2026-01-01T00:00:00.000Z\n"
                            "expires 2027-01-01T00:00:00.000Z\n"
                            "target oem.example/plant1/line2/press7\n"
                            "verb stop\n"
                            "finish 500ms\n"
                            "safe hold\n";

static void expect_again(const char *text)
{
    struct weft_envelope_note read;
    struct weft_msg msg = {""};
    struct weft_buffer again = {0};
    EXPECT_EQ(WEFT_OK, weft_envelope_note_decode(weft_text_of(text), &read, &msg));
    EXPECT_TEXT("", msg.text);
    EXPECT_EQ(WEFT_OK, weft_envelope_note_encode(&read, &again, &msg));
    EXPECT_TRUE(weft_text_is(weft_buffer_as_text(&again), text)); /* ACT-1 */
    weft_buffer_destroy(&again);
}

TEST(envelope_note, text_that_is_written_reads_as_itself)
{
    struct weft_envelope_note envelope = commands_envelope(), read;
    struct weft_buffer text = commands_envelope_text(&envelope);
    EXPECT_EQ(WEFT_OK, weft_envelope_note_decode(weft_buffer_as_text(&text), &read, NULL));
    EXPECT_EQ(1, read.link.version);
    expect_again(whole);
    expect_again(least);
    weft_buffer_destroy(&text);
}

TEST(envelope_note, line_that_breaks_a_rule_is_refused_with_its_place)
{
    static const struct {
        const char *from, *to, *place;
    } cases[] = {
        {"name press7-speed", "name press 7", "line 2:"},
        {"party builder", "party bilder", "line 3:"},
        {"prev none", "prev", "line 5:"},
        {"target oem.example/plant1/line2/...", "target plant1", "line 8:"},
        {"verb jog\nverb set-speed\n", "", "line 8:"},
        {"verb jog\nverb set-speed\n", "verb set-speed\nverb jog\n", "line 10:"},
        {"hard speed 0 .. 60 rpm", "hard speed 60 .. 0 rpm", "line 12:"},
        {"hard speed 0 .. 60 rpm", "hard speed 0 .. 60", "line 12:"},
        {"hard speed 0 .. 60 rpm", "hard speed 0..60 rpm", "line 12:"},
        {"hard speed 0 .. 60 rpm", "hard force 0 .. 60 rpm", "line 12:"},
        {"step speed 5 rpm", "step speed 0 rpm", "line 14:"},
        {"rate speed 10 rpm per 1m", "rate speed 10 rpm", "line 15:"},
        {"rate speed 10 rpm per 1m", "rate speed 10 rpm per 60s", "line 15:"},
        {"allow mode auto manual", "allow mode", "line 17:"},
        {"allow mode auto manual", "allow mode manual auto", "line 17:"},
        {"moves 12 per 1h", "moves 0 per 1h", "line 18:"},
        {"moves 12 per 1h", "moves 65 per 1h", "line 18:"},
        {"moves 12 per 1h\n", "moves 12 per 1h\nmoves 12 per 1h\n", "line 19:"},
        {"dwell 30s", "dwell 0s", "line 19:"},
        {"fresh 2s", "fresh", "line 20:"},
        {"interlock guard/closed = true fresh 2s", "interlock guard/closed = true", "line 20:"},
        {"stage shadow\n", "stage shadow\nstage shadow\n", "line 24:"},
        {"canary 1 of plant1/line2", "canary 0 of plant1/line2", "line 24:"},
        {"stage shadow\nstage canary 1 of plant1/line2 soak 10m\n",
            "stage canary 1 of plant1/line2 soak 10m\nstage shadow\n", "line 24:"},
        {"verify speed within 0.5 rpm by 20s", "verify speed within rpm by 20s", "line 26:"},
        {"finish 1m\n", "", "line 27:"},
        {"safe set-speed\n", "", "line 28:"},
        {"safe set-speed\n", "safe hold\n", "line 29:"},
        {"safe-arg speed 0 rpm", "safe-arg speed 0", "line 29:"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct weft_msg msg = {""};
        struct weft_envelope_note read;
        struct weft_buffer text = {0};
        EXPECT_EQ(WEFT_OK, weft_buffer_append(&text, whole, sizeof(whole) - 1));
        struct weft_buffer changed = commands_replace(&text, cases[i].from, cases[i].to);
        EXPECT_EQ(
            WEFT_EMALFORMED, weft_envelope_note_decode(weft_buffer_as_text(&changed), &read, &msg));
        if (!weft_text_starts(weft_text_of(msg.text), cases[i].place)) {
            EXPECT_TEXT(cases[i].place, msg.text);
        }
        weft_buffer_destroy(&changed);
        weft_buffer_destroy(&text);
    }
}

TEST(envelope_note, half_of_a_pair_is_not_written)
{
    struct weft_envelope_note e = commands_envelope();
    struct weft_buffer out = {0};
    e.moves = 3;
    EXPECT_EQ(WEFT_EINVAL, weft_envelope_note_encode(&e, &out, NULL));
    e = commands_envelope();
    e.canary_count = 1;
    EXPECT_EQ(WEFT_EINVAL, weft_envelope_note_encode(&e, &out, NULL));
    e = commands_envelope();
    e.safe_count = 1;
    e.safe_args[0] = (struct weft_command_arg){WEFT_TEXT("clamp"), {.type = WEFT_SCALAR_TRUTH}};
    EXPECT_EQ(WEFT_EINVAL, weft_envelope_note_encode(&e, &out, NULL));
    EXPECT_EQ(0, out.size);
    weft_buffer_destroy(&out);
}

TEST(envelope_note, is_about_its_target_or_all_below_it)
{
    static const struct {
        const char *own, *target, *verb;
        bool is_about;
    } cases[] = {
        {"oem.example/plant1/line2/press7", "oem.example/plant1/line2/press7", "set-speed", true},
        {"oem.example/plant1/line2/press7", "oem.example/plant1/line2/press7", "jog", false},
        {"oem.example/plant1/line2/press7", "oem.example/plant1/line2/press70", "set-speed", false},
        {"oem.example/plant1/line2/...", "oem.example/plant1/line2/press7", "set-speed", true},
        {"oem.example/plant1/line2/...", "oem.example/plant1/line2/a/b", "set-speed", true},
        {"oem.example/plant1/line2/...", "oem.example/plant1/line2", "set-speed", false},
        {"oem.example/plant1/line2/...", "oem.example/plant1/line20/x", "set-speed", false},
    };
    struct weft_envelope_note e = commands_envelope();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        e.target = weft_text_of(cases[i].own);
        EXPECT_EQ(cases[i].is_about, weft_envelope_note_is_about(&e, weft_text_of(cases[i].target),
                                         weft_text_of(cases[i].verb)));
    }
}
