/* Notes on threads: what is verified, remembered, shared out and dropped. */
#include "node/warrants.h"

#include <stdio.h>
#include <string.h>

#include "tests/lib/test.h"
#include "tests/unit/node/authority_rig.h"

enum {
    VERDICTS_MAX = 8192,
    CALM_MAX = 8,
};

struct rig {
    uv_loop_t loop;
    struct weft_warrants *w;
    struct weft_authority *authority;
    uint32_t count;
    struct {
        uint32_t client;
        enum weft_err err;
        uint8_t first; /* Byte of the request. */
        bool is_token;
    } verdicts[VERDICTS_MAX];
    uint32_t calm_count;
    uint32_t calm[CALM_MAX]; /* Clients whose penalty was over. */
};

static void on_verdict(void *ctx, const struct weft_warrants_verdict *verdict)
{
    struct rig *r = ctx;
    EXPECT_TRUE(r->count < VERDICTS_MAX);
    r->verdicts[r->count].client = verdict->waiter.client;
    r->verdicts[r->count].err = verdict->err;
    r->verdicts[r->count].first = verdict->request.size > 0 ? verdict->request.data[0] : 0;
    r->verdicts[r->count].is_token = verdict->warranted.is_token;
    r->count++;
}

static void on_calm(void *ctx, const struct weft_waiter *waiter)
{
    struct rig *r = ctx;
    r->calm[r->calm_count++ % CALM_MAX] = waiter->client;
}

/* The next authority: this record in force. */
static void step(struct rig *r, const struct weft_record *record, uint64_t index)
{
    const struct weft_authority_place place = {
        WEFT_TEXT("oem.example/plant1"), index, SIGNERS_NOW_NS, index == 1};
    struct weft_authority *next = NULL;
    struct weft_refusal refusal = {.err = WEFT_OK};
    struct weft_msg msg = {""};
    EXPECT_EQ(WEFT_OK, weft_authority_next(r->authority, record, 0, &place, &next, &refusal, &msg));
    EXPECT_TEXT("", refusal.err == WEFT_OK ? "" : refusal.detail.text);
    weft_authority_release(r->authority);
    r->authority = next;
}

static void start(struct rig *r, uint32_t threads)
{
    static const char *const roots[] = {RIG_ROOT_A, RIG_ROOT_B, NULL};
    struct weft_org org = signers_org();
    struct weft_msg msg = {""};
    memset(r, 0, sizeof(*r));
    EXPECT_EQ(0, uv_loop_init(&r->loop));
    EXPECT_EQ(WEFT_OK, weft_authority_create(&r->authority));
    struct weft_record record = rig_org(&org, roots);
    step(r, &record, 1);
    record = rig_key(RIG_ANN, false, &org, roots);
    step(r, &record, 2);
    record = rig_key(RIG_BO, false, &org, roots);
    step(r, &record, 3);
    const struct weft_warrants_options options = {.loop = &r->loop,
        .org = "oem.example",
        .site = "plant1",
        .threads = threads,
        .ctx = r,
        .on_verdict = on_verdict,
        .on_calm = on_calm};
    EXPECT_EQ(WEFT_OK, weft_warrants_open(&options, &r->w, &msg));
}

static void on_closed(void *ctx)
{
    *(bool *)ctx = true;
}

static void stop(struct rig *r)
{
    bool is_closed = false;
    weft_warrants_close(r->w, on_closed, &is_closed);
    (void)uv_run(&r->loop, UV_RUN_DEFAULT);
    EXPECT_TRUE(is_closed);
    EXPECT_EQ(0, uv_loop_close(&r->loop));
    weft_authority_release(r->authority);
}

/* Everything that was asked is answered. */
static void drain(struct rig *r)
{
    while (weft_warrants_work(r->w) > 0) {
    }
    (void)uv_run(&r->loop, UV_RUN_NOWAIT);
}

/* A token's note; `number` tells it from others. */
static struct weft_buffer token(const char *who, unsigned number)
{
    const char *const names[] = {who, NULL};
    struct weft_buffer text = {0};
    EXPECT_EQ(WEFT_OK,
        weft_buffer_format(&text,
            "weft-token/v1\nid %032x\naudience oem.example/plant1\nprincipal %s\n"
            "issued 2026-03-01T08:00:00.000Z\nexpires 2026-03-01T08:10:00.000Z\nactions any\n",
            number, who));
    struct weft_buffer note = signers_note(weft_buffer_as_text(&text), names);
    weft_buffer_destroy(&text);
    return note;
}

static struct weft_warrants_question question_of(
    const struct rig *r, uint32_t client, const struct weft_buffer *note)
{
    static const uint8_t table[] = "request";
    return (struct weft_warrants_question){.waiter = {.client = client},
        .share = client,
        .note = weft_buffer_as_text(note),
        .kind = WEFT_KIND_QUERY,
        .request = {table, sizeof(table)},
        .authority = r->authority,
        .index = 10,
        .time_ns = SIGNERS_NOW_NS,
        .now_ms = 1000};
}

TEST(warrants, token_is_verified_once_and_known_until_it_is_over_or_what_governs_changes)
{
    static const char *const by_roots[] = {RIG_ROOT_A, RIG_ROOT_B, NULL};
    struct rig r;
    struct weft_warrants_answer answer;
    struct weft_warrants_figures figures;
    struct weft_chain_link link;
    start(&r, 0);
    struct weft_buffer note = token(RIG_ANN, 1);
    struct weft_warrants_question q = question_of(&r, 7, &note);
    EXPECT_EQ(WEFT_OK, weft_warrants_ask(r.w, &q, &answer));
    EXPECT_TRUE(!answer.is_known);
    EXPECT_EQ(0, r.count); /* Never before it returns. */
    drain(&r);
    EXPECT_EQ(1, r.count);
    EXPECT_EQ(WEFT_OK, r.verdicts[0].err);
    EXPECT_EQ(7, r.verdicts[0].client);
    EXPECT_EQ('r', r.verdicts[0].first);
    EXPECT_EQ(WEFT_OK, weft_warrants_ask(r.w, &q, &answer));
    EXPECT_TRUE(answer.is_known);
    EXPECT_TEXT("ann", answer.warranted.principal.name);
    q.time_ns = SIGNERS_NOW_NS + 600 * SIGNERS_SECOND_NS - 1;
    EXPECT_EQ(WEFT_OK, weft_warrants_ask(r.w, &q, &answer));
    EXPECT_TRUE(answer.is_known);
    q.time_ns++;
    EXPECT_EQ(WEFT_OK, weft_warrants_ask(r.w, &q, &answer));
    EXPECT_TRUE(!answer.is_known);
    drain(&r);
    EXPECT_EQ(WEFT_EREFUSED, r.verdicts[1].err);
    struct weft_record revoke = rig_revoke(RIG_ANN, NULL, by_roots, &link);
    step(&r, &revoke, 9);
    q = question_of(&r, 7, &note);
    EXPECT_EQ(WEFT_OK, weft_warrants_ask(r.w, &q, &answer));
    EXPECT_TRUE(!answer.is_known);
    drain(&r);
    EXPECT_EQ(WEFT_EREFUSED, r.verdicts[2].err);
    weft_warrants_figures(r.w, &figures);
    EXPECT_EQ(1, figures.verified);
    EXPECT_EQ(2, figures.recalled);
    EXPECT_EQ(2, figures.refused);
    weft_buffer_destroy(&note);
    stop(&r);
}

/* NOD-17 */
TEST(warrants, whoever_asks_little_does_not_wait_for_who_asks_much)
{
    struct rig r;
    struct weft_warrants_answer answer;
    uint32_t place = 0;
    start(&r, 0);
    for (unsigned i = 0; i < 200; i++) {
        struct weft_buffer note = token(RIG_BO, 100 + i);
        struct weft_warrants_question q = question_of(&r, 1, &note);
        EXPECT_EQ(WEFT_OK, weft_warrants_ask(r.w, &q, &answer));
        weft_buffer_destroy(&note);
    }
    struct weft_buffer note = token(RIG_ANN, 1);
    struct weft_warrants_question q = question_of(&r, 2, &note);
    EXPECT_EQ(WEFT_OK, weft_warrants_ask(r.w, &q, &answer));
    drain(&r);
    EXPECT_EQ(201, r.count);
    while (r.verdicts[place].client != 2) {
        place++;
    }
    EXPECT_EQ(1, place); /* Second in turn. */
    weft_buffer_destroy(&note);
    stop(&r);
}

/* NOD-17 */
TEST(warrants, who_brings_many_that_do_not_count_is_not_looked_at_until_time_has_passed)
{
    struct rig r;
    struct weft_warrants_answer answer;
    struct weft_warrants_figures figures;
    start(&r, 0);
    struct weft_buffer good = token(RIG_ANN, 1), bad = token(RIG_BO, 1);
    bad.data[20] ^= 1;
    struct weft_warrants_question q = question_of(&r, 1, &bad);
    for (unsigned i = 0; i < 200; i++) {
        EXPECT_EQ(WEFT_OK, weft_warrants_ask(r.w, &q, &answer));
    }
    drain(&r);
    EXPECT_EQ(200, r.count);
    /* A few may have been in hand when the measure was full; the rest were given back unseen. */
    weft_warrants_figures(r.w, &figures);
    EXPECT_EQ(200, figures.refused + figures.dropped);
    EXPECT_TRUE(figures.refused >= WEFT_WARRANTS_FAULTS_MAX);
    EXPECT_EQ(WEFT_EBUSY, weft_warrants_ask(r.w, &q, &answer));
    EXPECT_TRUE(answer.is_disgraced);
    q = question_of(&r, 1, &good);
    EXPECT_EQ(WEFT_EBUSY, weft_warrants_ask(r.w, &q, &answer));
    q = question_of(&r, 2, &good); /* Others are not concerned. */
    EXPECT_EQ(WEFT_OK, weft_warrants_ask(r.w, &q, &answer));
    drain(&r);
    EXPECT_EQ(WEFT_OK, r.verdicts[200].err);
    q = question_of(&r, 1, &good); /* Nor is what is known. */
    EXPECT_EQ(WEFT_OK, weft_warrants_ask(r.w, &q, &answer));
    EXPECT_TRUE(answer.is_known);
    q = question_of(&r, 1, &bad);
    q.now_ms += WEFT_WARRANTS_FAULT_MS - 1;
    EXPECT_EQ(WEFT_EBUSY, weft_warrants_ask(r.w, &q, &answer));
    q.now_ms++;
    EXPECT_EQ(WEFT_OK, weft_warrants_ask(r.w, &q, &answer));
    EXPECT_EQ(WEFT_EBUSY, weft_warrants_ask(r.w, &q, &answer)); /* One may fail: one is asked. */
    EXPECT_TRUE(answer.is_disgraced);
    drain(&r);
    EXPECT_EQ(WEFT_EBUSY, weft_warrants_ask(r.w, &q, &answer));
    EXPECT_TRUE(answer.is_disgraced);
    weft_buffer_destroy(&good);
    weft_buffer_destroy(&bad);
    stop(&r);
}

/* NOD-17 */
TEST(warrants, share_of_one_is_bounded_and_leaves_room_for_others)
{
    struct rig r;
    struct weft_warrants_answer answer;
    start(&r, 0);
    struct weft_buffer note = token(RIG_ANN, 1);
    struct weft_warrants_question q = question_of(&r, 1, &note);
    for (unsigned i = 0; i < WEFT_WARRANTS_SHARE_MAX; i++) {
        EXPECT_EQ(WEFT_OK, weft_warrants_ask(r.w, &q, &answer));
    }
    EXPECT_EQ(WEFT_EBUSY, weft_warrants_ask(r.w, &q, &answer));
    EXPECT_TRUE(!answer.is_disgraced);
    q = question_of(&r, 2, &note);
    EXPECT_EQ(WEFT_OK, weft_warrants_ask(r.w, &q, &answer));
    drain(&r);
    EXPECT_EQ(WEFT_WARRANTS_SHARE_MAX + 1, r.count);
    weft_buffer_destroy(&note);
    stop(&r);
}

TEST(warrants, signed_request_that_is_no_commit_is_made_once)
{
    struct rig r;
    start(&r, 0);
    struct weft_request_id id = {{1, 2, 3}}, other = {{1, 2, 3, 0, 5}};
    EXPECT_EQ(WEFT_OK, weft_warrants_note_id(r.w, &id, 1000, 500)); /* NOD-19 */
    EXPECT_EQ(WEFT_ECONFLICT, weft_warrants_note_id(r.w, &id, 1000, 1000));
    EXPECT_EQ(WEFT_OK, weft_warrants_note_id(r.w, &other, 1000, 500));
    EXPECT_EQ(WEFT_OK, weft_warrants_note_id(r.w, &id, 2000, 1001)); /* It was over. */
    EXPECT_EQ(WEFT_ECONFLICT, weft_warrants_note_id(r.w, &id, 2000, 1001));
    uint32_t taken = 0;
    for (uint8_t i = 0; i < 64; i++) {
        struct weft_request_id same_place = {{9, 9, 9, 9, i}};
        taken += weft_warrants_note_id(r.w, &same_place, 1000, 500) == WEFT_OK;
    }
    EXPECT_EQ(16, taken); /* Full is busy, not forgotten. */
    stop(&r);
}

TEST(warrants, threads_verify_while_the_loop_asks)
{
    struct rig r;
    struct weft_warrants_answer answer;
    uint32_t good = 0, asked = 0;
    start(&r, 2);
    for (unsigned i = 0; i < 400; i++) {
        struct weft_buffer note = token(i % 2 == 0 ? RIG_ANN : RIG_BO, i);
        if (i % 8 == 7) {
            note.data[note.size - 10] ^= 1;
        }
        struct weft_warrants_question q = question_of(&r, i % 16, &note);
        EXPECT_EQ(WEFT_OK, weft_warrants_ask(r.w, &q, &answer));
        asked++;
        weft_buffer_destroy(&note);
        (void)uv_run(&r.loop, UV_RUN_NOWAIT);
    }
    while (r.count < asked) {
        (void)uv_run(&r.loop, UV_RUN_ONCE);
    }
    for (uint32_t i = 0; i < r.count; i++) {
        good += r.verdicts[i].err == WEFT_OK;
    }
    EXPECT_EQ(350, good);
    stop(&r);
}

TEST(warrants, close_with_questions_gives_no_verdict)
{
    struct rig r;
    struct weft_warrants_answer answer;
    start(&r, 1);
    for (unsigned i = 0; i < 100; i++) {
        struct weft_buffer note = token(RIG_ANN, i);
        struct weft_warrants_question q = question_of(&r, i % 3, &note);
        EXPECT_EQ(WEFT_OK, weft_warrants_ask(r.w, &q, &answer));
        weft_buffer_destroy(&note);
    }
    stop(&r);
    EXPECT_EQ(0, r.count);
}

static void on_idle(uv_idle_t *idle)
{
    (void)idle;
}

/* Time is the loop's: penalties of long ago are over, that of now is not. */
TEST(warrants, a_penalty_is_over_when_its_time_is_and_not_before)
{
    static struct rig r;
    start(&r, 0);
    uint64_t now_ms = uv_now(&r.loop);
    EXPECT_TRUE(now_ms > 2 * WEFT_WARRANTS_PENALTY_MS); /* Since the machine started. */
    for (uint32_t client = 1; client <= 4; client++) {
        const struct weft_waiter waiter = {.client = client};
        bool is_long_ago = client <= 3;
        uint64_t from_ms =
            is_long_ago ? now_ms - WEFT_WARRANTS_PENALTY_MS - 10 + client : now_ms + 3600 * 1000;
        EXPECT_TRUE(weft_warrants_penalize(r.w, &waiter, from_ms));
    }
    EXPECT_EQ(0, r.calm_count);
    uv_idle_t idle; /* Something that keeps the loop going: the timer does not. */
    EXPECT_EQ(0, uv_idle_init(&r.loop, &idle));
    EXPECT_EQ(0, uv_idle_start(&idle, on_idle));
    for (int i = 0; i < 10 && r.calm_count < 3; i++) {
        (void)uv_run(&r.loop, UV_RUN_NOWAIT);
    }
    EXPECT_EQ(3, r.calm_count);
    for (uint32_t i = 0; i < 3; i++) {
        EXPECT_EQ(i + 1, r.calm[i]); /* In their order. */
    }
    uv_close((uv_handle_t *)&idle, NULL);
    stop(&r); /* What is left calls nobody. */
    EXPECT_EQ(3, r.calm_count);
}
