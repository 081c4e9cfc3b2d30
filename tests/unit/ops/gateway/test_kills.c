/* A gateway that is killed in front of, within and behind every effect of every scenario, once, and
 * in some twice: whatever happened, nothing moved that was not begun on the disk, nothing twice,
 * and what the plant was told is true. */
#include <stdlib.h>

#include "tests/unit/ops/gateway/gateway_rig.h"

static struct rig rig;

typedef void play_scenario(struct rig *rig, enum weft_command_class class);

/* A dead gateway is started again by its supervisor. */
static void revive(struct rig *r)
{
    if (r->is_dead) {
        rig_restart(r);
        while (r->is_dead) {
            rig_restart(r);
        }
    }
}

/* What a plant does when a dispatch gets no answer: it asks, and acts on that. */
static void pursue(struct rig *r, enum weft_command_class class, uint64_t term)
{
    revive(r);
    bool has_ended = rig_count(r, 1, WEFT_RECEIPT_DONE) + rig_count(r, 1, WEFT_RECEIPT_FAILED) +
                         rig_count(r, 1, WEFT_RECEIPT_REFUSED) +
                         rig_count(r, 1, WEFT_RECEIPT_UNKNOWN) >
                     0;
    if (has_ended) {
        return;
    }
    rig_ask(r, 1, class, term, 10);
    revive(r);
    rig_ask(r, 1, class, term, 11);
    revive(r);
    if (rig_count(r, 1, WEFT_RECEIPT_STATE) > 0 &&
        rig_last(r, 1, WEFT_RECEIPT_STATE)->state == WEFT_RECEIPT_STATE_NONE &&
        class != WEFT_COMMAND_CLASS_C) {
        rig_give_command(r, 1, class, term, 12);
        revive(r);
    }
}

static void play_usual(struct rig *r, enum weft_command_class class)
{
    r->speed = 42 * WEFT_SCALAR_ONE;
    rig_give_command(r, 1, class, 3, 100);
    pursue(r, class, 4);
}

static void play_measured(struct rig *r, enum weft_command_class class)
{
    rig_give_command(r, 1, class, 3, 100);
    revive(r);
    rig_wait(r, 1000);
    revive(r);
    r->speed = 42 * WEFT_SCALAR_ONE;
    rig_wait(r, 1000);
    pursue(r, class, 4);
    rig_wait(r, 1000);
}

static void play_twice(struct rig *r, enum weft_command_class class)
{
    struct weft_command_note command = rig_command(1, class);
    struct weft_buffer bundle = rig_bundle(r, &command, NULL, 3, 100, false);
    rig_give(r, &bundle);
    revive(r);
    rig_give(r, &bundle);
    revive(r);
    rig_give_command(r, 1, class, 3, 101);
    revive(r);
    rig_give(r, &bundle);
    pursue(r, class, 4);
    rig_give(r, &bundle);
    weft_buffer_destroy(&bundle);
}

static void play_asked(struct rig *r, enum weft_command_class class)
{
    struct weft_command_note command = rig_command(1, class);
    struct weft_buffer late = rig_bundle(r, &command, NULL, 3, 100, false);
    rig_ask(r, 1, class, 4, 5);
    revive(r);
    rig_give(r, &late);
    pursue(r, class, 5);
    rig_give(r, &late);
    weft_buffer_destroy(&late);
}

static void play_silent(struct rig *r, enum weft_command_class class)
{
    r->mood = RIG_SILENT;
    rig_give_command(r, 1, class, 3, 100);
    revive(r);
    pursue(r, class, 4);
    for (int i = 0; i < 7; i++) {
        rig_wait(r, 10000);
        revive(r);
    }
}

static void play_failing(struct rig *r, enum weft_command_class class)
{
    r->mood = RIG_FAILS;
    rig_give_command(r, 1, class, 3, 100);
    pursue(r, class, 4);
}

static void play_unreachable(struct rig *r, enum weft_command_class class)
{
    r->mood = RIG_UNREACHABLE;
    rig_give_command(r, 1, class, 3, 100);
    pursue(r, class, 4);
}

static void play_refused(struct rig *r, enum weft_command_class class)
{
    r->guard_is_closed = false;
    rig_give_command(r, 1, class, 3, 100);
    revive(r);
    r->guard_is_closed = true;
    rig_give_command(r, 1, class, 3, 101);
    pursue(r, class, 4);
}

static void play_interlocked(struct rig *r, enum weft_command_class class)
{
    r->mood = RIG_SILENT;
    rig_give_command(r, 1, class, 3, 100);
    revive(r);
    r->guard_is_closed = false;
    rig_wait(r, 500);
    pursue(r, class, 4);
    rig_wait(r, 500);
    revive(r);
}

static void play_lost(struct rig *r, enum weft_command_class class)
{
    r->takes_receipts = false;
    rig_give_command(r, 1, class, 3, 100);
    revive(r);
    rig_plant(r, false);
    revive(r);
    rig_wait(r, RIG_LOST_MS + 1000);
    revive(r);
    r->takes_receipts = true;
    rig_plant(r, true);
    pursue(r, class, 4);
}

static void play_two(struct rig *r, enum weft_command_class class)
{
    r->speed = 42 * WEFT_SCALAR_ONE;
    rig_give_command(r, 1, class, 3, 100);
    pursue(r, class, 3);
    rig_give_command(r, 2, class, 5, 200);
    revive(r);
    rig_ask(r, 2, class, 5, 201);
    revive(r);
}

static const struct {
    const char *name;
    play_scenario *play;
    bool is_paired; /* Killed twice, too. */
} plays[] = {
    {"usual", play_usual, true},
    {"measured", play_measured, false},
    {"twice", play_twice, false},
    {"asked", play_asked, true},
    {"silent", play_silent, false},
    {"failing", play_failing, false},
    {"unreachable", play_unreachable, false},
    {"refused", play_refused, false},
    {"interlocked", play_interlocked, false},
    {"lost", play_lost, false},
    {"two", play_two, false},
};

struct tally {
    uint32_t runs, kills, told, unknown, done;
};

/* Returns how many boundaries there were. */
static uint32_t run(play_scenario *play, enum weft_command_class class, uint32_t first,
    uint32_t second, bool is_torn, struct tally *tally)
{
    rig_open(&rig);
    rig.boundary = 0;
    rig.kill_at = first;
    rig.kill_again_at = second;
    rig.is_torn = is_torn;
    play(&rig, class);
    revive(&rig);
    rig_judge(&rig);
    /* GW-4: what was told and never answered is told as unknown, not forgotten. */
    EXPECT_TRUE(rig.told[1][0] == 0 || rig_count(&rig, 1, WEFT_RECEIPT_DONE) +
                                               rig_count(&rig, 1, WEFT_RECEIPT_FAILED) +
                                               rig_count(&rig, 1, WEFT_RECEIPT_UNKNOWN) >
                                           0);
    tally->runs++;
    tally->kills += rig.kills;
    tally->told += rig.told[1][0] + rig.told[2][0];
    tally->unknown += rig_count(&rig, 1, WEFT_RECEIPT_UNKNOWN) > 0;
    tally->done += rig_count(&rig, 1, WEFT_RECEIPT_DONE) > 0;
    uint32_t boundaries = rig.boundary;
    rig_close(&rig);
    return boundaries;
}

/* WEFT_GATEWAY_PAIRS=1: every scenario is killed twice, at each two boundaries; minutes. */
static bool wants_pairs(void)
{
    const char *text = getenv("WEFT_GATEWAY_PAIRS");
    return text != NULL && text[0] == '1';
}

static void kill_everywhere(enum weft_command_class class, uint32_t paired)
{
    struct tally tally = {0};
    for (size_t i = 0; i < sizeof(plays) / sizeof(plays[0]); i++) {
        uint32_t boundaries = run(plays[i].play, class, 0, 0, false, &tally);
        EXPECT_TRUE(boundaries > 3);
        for (uint32_t at = 1; at <= boundaries; at++) {
            (void)run(plays[i].play, class, at, 0, false, &tally);
            (void)run(plays[i].play, class, at, 0, true, &tally);
            uint32_t apart_max = wants_pairs() ? 2 * boundaries : plays[i].is_paired ? paired : 0;
            for (uint32_t apart = 1; apart <= apart_max; apart++) {
                (void)run(plays[i].play, class, at, at + apart, false, &tally);
            }
        }
    }
    print_message("%u runs, %u kills: told %u times, done %u, unknown %u\n", tally.runs,
        tally.kills, tally.told, tally.done, tally.unknown);
    EXPECT_TRUE(tally.kills >= tally.runs / 2);
    EXPECT_TRUE(tally.unknown > 10 && tally.done > 100 && tally.told > tally.done);
}

TEST(kills, at_every_boundary_leave_class_a_carried_out_at_most_once)
{
    kill_everywhere(WEFT_COMMAND_CLASS_A, 4);
}

TEST(kills, at_every_boundary_leave_class_b_carried_out_at_most_once)
{
    kill_everywhere(WEFT_COMMAND_CLASS_B, 0);
}

TEST(kills, at_every_boundary_leave_class_c_carried_out_at_most_once)
{
    kill_everywhere(WEFT_COMMAND_CLASS_C, 12);
}
