#include "federation/cells/tiers.h"

#include <string.h>

#include "tests/lib/test.h"

enum {
    PARTS = 12
};

static struct weft_digest subject(uint32_t n)
{
    return weft_sha256(&n, sizeof(n));
}

static struct weft_tiers_part answer_of(
    const char *organization, uint32_t n, uint64_t head, const char *content)
{
    return (struct weft_tiers_part){.organization = weft_text_of(organization),
        .subject = subject(n),
        .head = head,
        .content = weft_text_of(content)};
}

static struct weft_tiers_part hole_of(const char *organization, uint32_t n, uint64_t since)
{
    return (struct weft_tiers_part){.organization = weft_text_of(organization),
        .subject = subject(n),
        .was_missed = true,
        .since = since};
}

static struct weft_tiers_part memory[2][WEFT_TIERS_PARTS_MAX + 1];
static struct weft_tiers_answer answers[2] = {
    {memory[0], 0, WEFT_TIERS_PARTS_MAX + 1}, {memory[1], 0, WEFT_TIERS_PARTS_MAX + 1}};

static void add(struct weft_tiers_part part)
{
    EXPECT_EQ(WEFT_OK, weft_tiers_add(&answers[0], &part));
}

TEST(tiers, who_cannot_be_reached_is_a_hole_until_something_newer_comes)
{
    answers[0].count = 0;
    add(hole_of("b.example", 1, 0));
    EXPECT_EQ(1, weft_tiers_holes(&answers[0]));
    add(answer_of("b.example", 1, 7, "part"));
    EXPECT_EQ(0, weft_tiers_holes(&answers[0]));
    add(hole_of("b.example", 1, 7)); /* Who knew its answer of head 7 missed it since. */
    EXPECT_EQ(1, weft_tiers_holes(&answers[0]));
    EXPECT_TRUE(weft_text_is(memory[0][0].content, "part")); /* What was known stays. */
    add(answer_of("b.example", 1, 8, "part, child"));
    EXPECT_EQ(0, weft_tiers_holes(&answers[0]));
    add(answer_of("b.example", 1, 7, "part"));
    EXPECT_TRUE(weft_text_is(memory[0][0].content, "part, child"));
    EXPECT_EQ(1, answers[0].count);
}

TEST(tiers, two_contents_at_one_head_are_told)
{
    answers[0].count = 0;
    add(answer_of("b.example", 1, 7, "y"));
    add(answer_of("b.example", 1, 7, "x"));
    EXPECT_TRUE(memory[0][0].is_equivocal && weft_text_is(memory[0][0].content, "x"));
}

/* A few parts of few organizations, so that they meet. */
static struct weft_tiers_part draw(void)
{
    static const char *const orgs[] = {"a.example", "b.example", "c.example"};
    static const char *const contents[] = {"x", "y", ""};
    const char *org = orgs[test_random(3)];
    uint32_t n = (uint32_t)test_random(2);
    uint64_t head = 1 + test_random(3);
    if (test_random(3) == 0) {
        return hole_of(org, n, head - 1);
    }
    struct weft_tiers_part part = answer_of(org, n, head, contents[test_random(3)]);
    if (test_random(4) == 0) {
        part.was_missed = true;
        part.since = test_random(4);
    }
    return part;
}

static void expect_same(void)
{
    struct weft_buffer bytes[2] = {{0}, {0}};
    for (int at = 0; at < 2; at++) {
        EXPECT_EQ(WEFT_OK, weft_tiers_encode(&answers[at], &bytes[at]));
    }
    EXPECT_EQ(bytes[0].size, bytes[1].size);
    EXPECT_MEM(bytes[0].data, bytes[1].data, bytes[0].size);
    weft_buffer_destroy(&bytes[0]);
    weft_buffer_destroy(&bytes[1]);
}

TEST(tiers, answers_merge_in_any_order_and_only_grow)
{
    uint32_t holes = 0;
    for (uint32_t round = 0; round < 2000; round++) {
        struct weft_tiers_part parts[PARTS];
        answers[0].count = answers[1].count = 0;
        for (uint32_t i = 0; i < PARTS; i++) {
            parts[i] = draw();
            uint32_t before = answers[0].count;
            add(parts[i]);
            EXPECT_TRUE(answers[0].count >= before);
        }
        holes += weft_tiers_holes(&answers[0]) > 0;
        for (uint32_t i = PARTS; i > 0; i--) {
            uint32_t k = (uint32_t)test_random(i);
            struct weft_tiers_part part = parts[k];
            parts[k] = parts[i - 1];
            EXPECT_EQ(WEFT_OK, weft_tiers_add(&answers[1], &part));
            EXPECT_EQ(WEFT_OK, weft_tiers_add(&answers[1], &part));
        }
        expect_same();
        /* And answer into answer: nothing changes. */
        for (uint32_t i = 0; i < answers[1].count; i++) {
            struct weft_tiers_part part = answers[1].parts[i];
            add(part);
        }
        expect_same();
    }
    EXPECT_TRUE(holes > 100);
}

TEST(tiers, what_no_organization_says_is_refused)
{
    answers[0].count = 0;
    struct weft_tiers_part part = answer_of("", 1, 1, "x");
    EXPECT_EQ(WEFT_EINVAL, weft_tiers_add(&answers[0], &part));
    part = answer_of("b.example", 1, 0, "x");
    EXPECT_EQ(WEFT_EINVAL, weft_tiers_add(&answers[0], &part));
    part = answer_of("b.example", 1, 0, "");
    EXPECT_EQ(WEFT_EINVAL, weft_tiers_add(&answers[0], &part));
    part = answer_of("b.example", 1, 1, "\xff");
    EXPECT_EQ(WEFT_EINVAL, weft_tiers_add(&answers[0], &part));
    part = answer_of("b.example", 1, 1, "x");
    part.since = 1;
    EXPECT_EQ(WEFT_EINVAL, weft_tiers_add(&answers[0], &part));
    for (uint32_t n = 0; n < WEFT_TIERS_PARTS_MAX; n++) {
        add(hole_of("b.example", n, 0));
    }
    part = hole_of("b.example", WEFT_TIERS_PARTS_MAX, 0);
    EXPECT_EQ(WEFT_ETOOBIG, weft_tiers_add(&answers[0], &part));
    EXPECT_EQ(WEFT_TIERS_PARTS_MAX, answers[0].count);
}

TEST(tiers, an_answer_comes_back_as_it_was_written_and_in_no_other_form)
{
    struct weft_arena arena = {.size_max = 8 << 20}, small = {.size_max = 16};
    struct weft_buffer out = {0}, again = {0};
    struct weft_tiers_answer read;
    struct weft_msg msg;
    answers[0].count = 0;
    for (uint32_t i = 0; i < PARTS; i++) {
        add(draw());
    }
    EXPECT_EQ(WEFT_OK, weft_tiers_encode(&answers[0], &out));
    EXPECT_EQ(
        WEFT_OK, weft_tiers_decode((struct weft_bytes){out.data, out.size}, &arena, &read, &msg));
    EXPECT_EQ(WEFT_OK, weft_tiers_encode(&read, &again));
    EXPECT_EQ(out.size, again.size);
    EXPECT_MEM(out.data, again.data, out.size);
    for (size_t size = 0; size < out.size; size++) {
        EXPECT_EQ(WEFT_EMALFORMED,
            weft_tiers_decode((struct weft_bytes){out.data, size}, &arena, &read, &msg));
    }
    EXPECT_EQ(WEFT_ENOMEM,
        weft_tiers_decode((struct weft_bytes){out.data, out.size}, &small, &read, &msg));
    EXPECT_EQ(WEFT_OK, weft_buffer_append(&out, "x", 1));
    EXPECT_EQ(WEFT_EMALFORMED,
        weft_tiers_decode((struct weft_bytes){out.data, out.size}, &arena, &read, &msg));
    again.data[1 + 1 + 9 + WEFT_DIGEST_SIZE] |= 4; /* Flags that nobody has. */
    EXPECT_EQ(WEFT_EMALFORMED,
        weft_tiers_decode((struct weft_bytes){again.data, again.size}, &arena, &read, &msg));
    EXPECT_EQ(
        WEFT_ETOOBIG, weft_tiers_decode((struct weft_bytes){out.data, WEFT_TIERS_SIZE_MAX + 1},
                          &arena, &read, &msg));
    weft_arena_destroy(&small);
    weft_arena_destroy(&arena);
    weft_buffer_destroy(&out);
    weft_buffer_destroy(&again);
}

TEST(tiers, a_cycle_is_cut_by_query_and_subject)
{
    struct weft_digest query = subject(1), other = subject(2), of = subject(3);
    struct weft_digest a = weft_tiers_visit(&query, &of), b = weft_tiers_visit(&query, &of);
    EXPECT_MEM(&a, &b, sizeof(a));
    b = weft_tiers_visit(&other, &of);
    EXPECT_TRUE(!weft_digest_equal(&a, &b));
    b = weft_tiers_visit(&query, &other);
    EXPECT_TRUE(!weft_digest_equal(&a, &b));
}

/* --- questions ------------------------------------------------------------------------------- */

TEST(tiers, a_question_goes_down_as_deep_as_asker_and_contract_say)
{
    const struct weft_tiers_question question = {
        .template = WEFT_TEXT("inside"), .query = subject(1), .subject = subject(2), .depth = 3};
    struct weft_tiers_question next = question, last = question;
    EXPECT_EQ(WEFT_TIERS_CUT, weft_tiers_take(&question, true, 9, &next));
    EXPECT_EQ(WEFT_TIERS_PASS_ON, weft_tiers_take(&question, false, 9, &next));
    EXPECT_EQ(2, next.depth);
    EXPECT_EQ(WEFT_TIERS_PASS_ON, weft_tiers_take(&question, false, 1, &next));
    EXPECT_EQ(0, next.depth);
    EXPECT_EQ(WEFT_TIERS_ANSWER, weft_tiers_take(&next, false, 9, &last));
    EXPECT_EQ(WEFT_TIERS_ANSWER, weft_tiers_take(&question, false, 0, &last));
    EXPECT_EQ(3, last.depth);
}

TEST(tiers, a_question_comes_back_as_it_was_written_and_in_no_other_form)
{
    struct weft_tiers_question question = {
        .template = WEFT_TEXT("inside"), .query = subject(1), .subject = subject(2), .depth = 3};
    struct weft_tiers_question read;
    struct weft_buffer out = {0};
    EXPECT_EQ(WEFT_OK, weft_tiers_question_encode(&question, &out));
    struct weft_bytes bytes = {out.data, out.size};
    EXPECT_EQ(WEFT_OK, weft_tiers_question_decode(bytes, &read, NULL));
    EXPECT_TRUE(weft_text_is(read.template, "inside") && read.depth == 3);
    EXPECT_MEM(&question.subject, &read.subject, sizeof(read.subject));
    EXPECT_MEM(&question.query, &read.query, sizeof(read.query));
    for (bytes.size = 0; bytes.size < out.size; bytes.size++) {
        EXPECT_EQ(WEFT_EMALFORMED, weft_tiers_question_decode(bytes, &read, NULL));
    }
    out.data[out.size - 1] = WEFT_TIERS_DEPTH_MAX + 1;
    EXPECT_EQ(WEFT_EMALFORMED, weft_tiers_question_decode(bytes, &read, NULL));
    question.depth = WEFT_TIERS_DEPTH_MAX + 1;
    EXPECT_EQ(WEFT_EINVAL, weft_tiers_question_encode(&question, &out));
    question.depth = 1;
    question.template = WEFT_TEXT("No Name");
    EXPECT_EQ(WEFT_EINVAL, weft_tiers_question_encode(&question, &out));
    weft_buffer_destroy(&out);
}
