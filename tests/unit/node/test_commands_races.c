/* Acceptance: keys that are revoked while what they approved is on its way. The state alone, as
 * each replica has it: no intent stands behind the revocation's index. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/document.h"
#include "tests/lib/test.h"
#include "tests/unit/node/commands_rig.h"

enum {
    RACES_CI = 150,        /* All of them: WEFT_COMMAND_RACES=10000; some minutes. */
    RACES_OF_A_STATE = 150 /* Then a new one: a keyring is bounded, and so is a proposer's time. */
};

static const char *const by_ann[] = {RIG_ANN, NULL};

static uint32_t races(void)
{
    const char *text = getenv("WEFT_COMMAND_RACES");
    return text != NULL ? (uint32_t)strtoul(text, NULL, 10) : RACES_CI;
}

enum act {
    ACT_BO,
    ACT_CY,
    ACT_SELECT,
    ACT_DISPATCH,
    ACTS
};

struct race {
    struct scene s;
    struct weft_chain_link revoked; /* The last revocation; version 0: none. */
    uint64_t revoked_at;            /* Its index; UINT64_MAX: it was not taken. */
    struct weft_signer cy;          /* Of this race alone. */
    uint32_t sent, stopped, crossed;
};

static struct weft_buffer sign(const struct weft_buffer *text, const struct weft_signer *signer)
{
    struct weft_buffer note = {0};
    EXPECT_EQ(WEFT_OK, weft_note_sign(weft_buffer_as_text(text), signer, 1, &note, NULL));
    return note;
}

static int64_t now_ms_ns(const struct race *r)
{
    return r->s.f.time_ns - r->s.f.time_ns % SCENE_MS_NS;
}

/* A new order of ann's, and a new key of cy's beside those that are gone. */
static void begin(struct race *r, uint32_t number)
{
    char salt[24];
    struct scene *s = &r->s;
    int64_t now_ns = now_ms_ns(r);
    memcpy(s->command.id, &number, sizeof(number));
    s->command.id[15] = 7;
    s->command.seq++;
    s->command.signed_ns = s->command.not_before_ns = now_ns;
    s->command.not_after_ns = now_ns + 60 * SIGNERS_SECOND_NS;
    commands_seal(&s->command);
    weft_command_subject(s->command.id, s->asset);
    (void)snprintf(salt, sizeof(salt), "race %u", number);
    r->cy = signers_make_salted(RIG_CY, salt);
    r->revoked_at = UINT64_MAX;
    scene_must(s, RIG_ANN, rig_key_beside(&s->f, RIG_CY, &r->cy, &s->org, by_ann));
    EXPECT_EQ(WEFT_OK, scene_propose(s));
}

static struct weft_record approval_of(struct race *r, const char *who, struct weft_buffer *ret_note)
{
    struct weft_signer signer = strcmp(who, RIG_CY) == 0 ? r->cy : signers_make(who);
    struct weft_approval_note approval = commands_approval(&r->s.command, who);
    struct weft_buffer text = {0};
    approval.signed_ns = now_ms_ns(r);
    approval.expires_ns = approval.signed_ns + 60 * SIGNERS_SECOND_NS;
    EXPECT_EQ(WEFT_OK, weft_approval_note_encode(&approval, &text, NULL));
    *ret_note = sign(&text, &signer);
    weft_buffer_destroy(&text);
    return scene_note_record("command", r->s.asset, ret_note);
}

static void revoke(struct race *r)
{
    struct weft_record record = rig_revoke_key(
        RIG_CY, &r->cy.verifier, r->revoked.version > 0 ? &r->revoked : NULL, by_ann, &r->revoked);
    scene_must(&r->s, RIG_ANN, record);
    r->revoked_at = r->s.f.index;
}

static void play(struct race *r, enum act act)
{
    struct weft_buffer note = {0};
    switch (act) {
    case ACT_BO:
        (void)scene_commit(&r->s, SCENE_NODE, approval_of(r, RIG_BO, &note));
        break;
    case ACT_CY:
        (void)scene_commit(&r->s, SCENE_NODE, approval_of(r, RIG_CY, &note));
        break;
    case ACT_SELECT:
        (void)scene_step(&r->s, "select");
        break;
    case ACT_DISPATCH:
        (void)scene_step(&r->s, "dispatch");
        break;
    case ACTS:
        break;
    }
    weft_buffer_destroy(&note);
}

/* What is still under way makes room: done, or ended by the dispatch that finds its approver gone.
 */
static void end(struct race *r)
{
    struct weft_command_live_view seen = scene_look(&r->s);
    if (seen.state == WEFT_COMMAND_SELECTED) {
        EXPECT_EQ(WEFT_OK, scene_step(&r->s, "dispatch"));
        seen = scene_look(&r->s);
    }
    if (seen.state == WEFT_COMMAND_INTENT) {
        EXPECT_EQ(WEFT_OK, scene_receive(&r->s, WEFT_RECEIPT_REFUSED));
    }
}

static void judge(struct race *r)
{
    struct weft_command_live_view seen = scene_look(&r->s);
    const struct weft_command_machine *m = &seen.value.machine;
    if (m->sends > 0) {
        EXPECT_TRUE(m->fence.index <= r->revoked_at); /* ACT-9 */
        r->sent++;
    } else {
        EXPECT_TRUE(seen.state != WEFT_COMMAND_INTENT);
        r->stopped++;
    }
}

/* One order, one revocation somewhere between its steps; one time in eight a step twice. */
static void run(struct race *r, uint32_t number)
{
    uint64_t at = test_random(ACTS + 1);
    uint64_t again = test_random(8) == 0 ? test_random(ACTS) : ACTS;
    begin(r, number);
    for (uint64_t i = 0; i < ACTS; i++) {
        if (i == at) {
            revoke(r);
        }
        play(r, (enum act)i);
        if (i == again) {
            play(r, (enum act)i);
        }
    }
    judge(r);
    if (at == ACTS) {
        revoke(r);
    }
    end(r);
    judge(r);
    r->crossed += at > ACT_CY && at < ACTS ? 1 : 0;
}

TEST(commands_races, no_intent_stands_behind_the_revocation_of_who_approved_it)
{
    static struct race r;
    uint32_t count = races(), sent = 0, stopped = 0, crossed = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (i % RACES_OF_A_STATE == 0) {
            memset(&r, 0, sizeof(r));
            scene_set(&r.s);
        }
        run(&r, i);
        if ((i + 1) % RACES_OF_A_STATE == 0 || i + 1 == count) {
            sent += r.sent;
            stopped += r.stopped;
            crossed += r.crossed;
            fixture_close(&r.s.f);
            fixture_destroy(&r.s.f);
        }
    }
    print_message("%u races, %u revocations between approval and dispatch, %u sent in front of "
                  "theirs, %u looks at what was stopped\n",
        count, crossed, sent, stopped);
    EXPECT_TRUE(sent > count / 10 && crossed > count / 4);
}
