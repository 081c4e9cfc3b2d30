#include <string.h>

#include "federation/cells/subject.h"
#include "node/question_parts.h"
#include "tests/lib/test.h"
#include "tests/unit/node/state_fixture.h"

/* What partners ask at once, as the node takes it: nothing of it is looked at here. */

enum {
    TIME_MS = 1000,
};

static struct weft_node node; /* Large. */
static struct fixture f;
static uint64_t asked;

static void begin(void)
{
    memset(&node, 0, sizeof(node));
    asked = 0;
    EXPECT_EQ(0, uv_loop_init(&node.loop));
    EXPECT_EQ(0, uv_async_init(&node.loop, &node.again, NULL));
    fixture_init(&f, "questions");
    fixture_open(&f);
    node.state = f.state;
    node.is_leader = true;
    strcpy(node.config.node.org, "oem.example");
    strcpy(node.config.node.site, "plant1");
    strcpy(node.config.node.name, "n1");
    weft_questions_init(&node.questions);
}

static void note_closed(void *ctx)
{
    *(bool *)ctx = true;
}

static void end(void)
{
    bool is_closed = false;
    weft_questions_close(&node, note_closed, &is_closed);
    EXPECT_TRUE(is_closed);
    EXPECT_TRUE(TAILQ_EMPTY(&node.questions.asks));
    uv_close((uv_handle_t *)&node.again, NULL);
    EXPECT_EQ(0, uv_run(&node.loop, UV_RUN_DEFAULT));
    EXPECT_EQ(0, uv_loop_close(&node.loop));
    fixture_close(&f);
    fixture_destroy(&f);
}

/* One more question under the agreement of that number. */
static void ask(uint32_t number)
{
    static const char *const names[] = {
        "agreement-0", "agreement-1", "agreement-2", "agreement-3", "agreement-4"};
    const struct weft_agreement a = {
        .name = weft_text_of(names[number]), .number = number, .state = WEFT_AGREEMENT_IN_FORCE};
    const struct weft_subject_name name = {{"", 0}, WEFT_TEXT("epc"), WEFT_TEXT("a")};
    struct weft_ask_question question = {.id = ++asked,
        .wait_ms = TIME_MS,
        .name = name,
        .tiers = {WEFT_TEXT("inside"), {{0}}, weft_subject_of(&name), 1}};
    struct weft_buffer body = {0};
    memcpy(question.tiers.query.bytes, &asked, sizeof(asked)); /* No two are alike. */
    EXPECT_EQ(WEFT_OK, weft_ask_question_encode(&question, &body));
    EXPECT_TRUE(weft_questions_hear(&node, &a, true, (struct weft_bytes){body.data, body.size}));
    weft_buffer_destroy(&body);
}

static void ask_many(uint32_t number, int count)
{
    for (int i = 0; i < count; i++) {
        ask(number);
    }
}

static void expect_open(uint32_t one, uint32_t two, uint32_t three)
{
    const uint32_t wanted[] = {one, two, three};
    for (uint32_t i = 0; i < 3; i++) {
        EXPECT_EQ(wanted[i], weft_question_gate_figures(&node.questions.gate, i + 1).open);
    }
    EXPECT_EQ(one + two + three, node.questions.count);
}

static uint64_t refused(uint32_t number)
{
    return weft_question_gate_figures(&node.questions.gate, number).questions_refused;
}

TEST(questions, one_partner_has_no_more_under_way_than_his_share)
{
    begin();
    ask_many(1, WEFT_QUESTIONS_PARTNER_MAX + 10);
    expect_open(WEFT_QUESTIONS_PARTNER_MAX, 0, 0);
    EXPECT_EQ(10, refused(1));
    end();
}

/* NOD-277: two who hold every place that partners have hold none that a third needs. */
TEST(questions, who_has_most_gives_places_up_to_who_has_fewer)
{
    begin();
    ask_many(1, WEFT_QUESTIONS_PARTNER_MAX);
    ask_many(2, WEFT_QUESTIONS_PARTNER_MAX);
    expect_open(64, 64, 0);
    ask_many(3, 2);
    expect_open(63, 63, 2);
    EXPECT_EQ(1, refused(1));
    EXPECT_EQ(1, refused(2));
    EXPECT_EQ(0, refused(3));
    /* Until they have alike. Then each that comes is one too many, whosever it is. */
    ask_many(3, 62);
    expect_open(43, 43, 42);
    EXPECT_EQ(22, refused(3));
    ask_many(1, 5);
    ask_many(2, 5);
    expect_open(43, 43, 42);
    end();
}

/* The newest gives way, and it is none that is being looked at. */
TEST(questions, who_waits_longest_keeps_his_place)
{
    begin();
    ask_many(1, WEFT_QUESTIONS_PARTNER_MAX);
    ask_many(2, WEFT_QUESTIONS_PARTNER_MAX);
    struct weft_ask *one = TAILQ_FIRST(&node.questions.asks), *last = one, *next;
    for (next = one; next->number == 1; next = TAILQ_NEXT(next, next)) {
        last = next;
    }
    last->is_looking = true;
    ask_many(3, 1);
    expect_open(63, 64, 1);
    EXPECT_EQ(1, TAILQ_FIRST(&node.questions.asks)->question.id);
    const uint64_t ids[] = {WEFT_QUESTIONS_PARTNER_MAX - 2, WEFT_QUESTIONS_PARTNER_MAX};
    one = TAILQ_FIRST(&node.questions.asks);
    for (int i = 1; i < WEFT_QUESTIONS_PARTNER_MAX - 2; i++) {
        one = TAILQ_NEXT(one, next);
    }
    EXPECT_EQ(ids[0], one->question.id);
    EXPECT_EQ(ids[1], TAILQ_NEXT(one, next)->question.id);
    last->is_looking = false;
    end();
}

/* What is over before it is looked at is answered so, and gives its place back. */
TEST(questions, what_waits_past_its_time_is_over)
{
    begin();
    ask_many(1, 3);
    expect_open(3, 0, 0);
    node.questions.jobs = WEFT_QUESTIONS_JOBS; /* All are at it, and take long. */
    EXPECT_EQ(uv_now(&node.loop) + TIME_MS, weft_questions_deadline(&node));
    weft_questions_turn(&node, uv_now(&node.loop) + TIME_MS - 1);
    expect_open(3, 0, 0);
    weft_questions_turn(&node, uv_now(&node.loop) + TIME_MS);
    expect_open(0, 0, 0);
    EXPECT_EQ(3, refused(1));
    node.questions.jobs = 0;
    end();
}

/* Of that agreement, questions as they came: so much memory each. */
static void hold(uint32_t number, int64_t *bytes)
{
    struct weft_ask *one;
    TAILQ_FOREACH(one, &node.questions.asks, next)
    {
        if (one->number == number) {
            one->arena.used_bytes = (size_t)*bytes++;
        }
    }
}

static uint32_t open_of(uint32_t number)
{
    return weft_question_gate_figures(&node.questions.gate, number).open;
}

/* NOD-299: four who hold all of it hold none that a fifth needs. */
TEST(questions, who_holds_most_memory_gives_it_up_to_who_holds_less)
{
    const int64_t mib = 1024 * 1024;
    begin();
    ask_many(1, 3);
    ask_many(2, 3);
    ask_many(3, 2);
    ask_many(4, 2);
    ask(0);
    hold(1, (int64_t[]){4 * mib, 7 * mib, 4 * mib});
    hold(2, (int64_t[]){5 * mib, 4 * mib, 5 * mib});
    hold(3, (int64_t[]){7 * mib, 7 * mib});
    hold(4, (int64_t[]){9 * mib, 6 * mib + mib / 2});
    struct weft_ask *last = TAILQ_LAST(&node.questions.asks, weft_asks);
    EXPECT_TRUE(weft_question_has_room(last, 3 * mib)); /* There is. */
    EXPECT_EQ(2, open_of(4));
    EXPECT_TRUE(weft_question_has_room(last, 7 * mib));
    EXPECT_EQ(1, open_of(4)); /* The largest of who holds most. */
    EXPECT_EQ(1, refused(4));
    EXPECT_EQ(10, node.questions.count);
    /* And of the next one, until there is enough. */
    hold(4, (int64_t[]){14 * mib});
    EXPECT_TRUE(weft_question_has_room(last, 12 * mib));
    EXPECT_EQ(2, open_of(1));
    EXPECT_EQ(9, node.questions.count);
    /* Who would hold as much as anybody takes nothing, nor does who is over his own. */
    hold(1, (int64_t[]){14 * mib, mib / 2});
    hold(0, (int64_t[]){14 * mib});
    EXPECT_TRUE(!weft_question_has_room(last, mib + mib / 2));
    EXPECT_TRUE(!weft_question_has_room(last, 2 * mib));
    EXPECT_EQ(9, node.questions.count);
    end();
}
