#include <stdlib.h>
#include <string.h>

#include "federation/cells/subject.h"
#include "node/question_parts.h"
#include "tests/lib/test.h"
#include "tests/unit/federation/rig.h"

/* What a partner answers, as the node takes it: what does not count is a hole by name, and counted.
 */

static struct weft_node node; /* Large. */
static struct weft_ask ask;   /* Large. */
static struct weft_terms terms;
static const struct weft_agreement agreement = {
    .name = WEFT_TEXT("box-2026"), .terms = &terms, .number = 3};

static void begin(void)
{
    memset(&node, 0, sizeof(node));
    memset(&ask, 0, sizeof(ask));
    EXPECT_EQ(0, uv_loop_init(&node.loop));
    weft_questions_init(&node.questions);
    strcpy(node.config.node.org, "oem.example");
    strcpy(node.config.node.site, "plant1");
    terms = (struct weft_terms){.site = weft_text_of(rig_site(RIG_OEM)),
        .partner = weft_text_of(rig_site(RIG_SUPPLIER)),
        .their_heads = rig_heads_of(RIG_SUPPLIER)};
    const struct weft_subject_name name = {{"", 0}, WEFT_TEXT("epc"), WEFT_TEXT("a")};
    ask.node = &node;
    ask.arena.size_max = WEFT_QUESTION_MEMORY_MAX;
    ask.root.bytes[0] = 7;
    ask.found.index = 5;
    ask.found.onward_count = 1;
    ask.found.onward[0] = (struct weft_ask_onward){.agreement = agreement.name,
        .partner = terms.partner,
        .name = name,
        .subject = weft_subject_of(&name)};
    TAILQ_INSERT_TAIL(&node.questions.asks, &ask, next);
}

static void end(void)
{
    free(ask.answer.parts);
    free(ask.relayed.parts);
    weft_arena_destroy(&ask.arena);
    weft_question_gate_close(&node.questions.gate);
    EXPECT_EQ(0, uv_loop_close(&node.loop));
}

/* By that party's first node; `of`: the site in whose name the part is. */
static void take(uint32_t signer, bool is_signed, const char *of, const char *key)
{
    const struct weft_subject_name name = {{"", 0}, WEFT_TEXT("epc"), weft_text_of(key)};
    struct weft_tiers_part part = {.organization = weft_text_of(of),
        .subject = weft_subject_of(&name),
        .head = 1,
        .content = WEFT_TEXT("at\t1\nmade\n")};
    const struct weft_tiers_answer parts = {&part, 1, 1};
    struct weft_buffer encoded = {0}, text = {0};
    EXPECT_EQ(WEFT_OK, weft_tiers_encode(&parts, &encoded));
    struct weft_ask_answer answer = {
        .id = 1, .index = 9, .time_ms = 1, .parts = {encoded.data, encoded.size}};
    const struct weft_ask_deed deed = {
        agreement.name, terms.partner, terms.site, ask.root, ask.found.onward[0].subject};
    EXPECT_EQ(WEFT_OK, weft_ask_text(&deed, &answer, &text));
    struct weft_buffer note = rig_sign(signer, 1, weft_buffer_as_text(&text));
    const struct weft_text line = {
        (const char *)note.data + text.size + 1, note.size - text.size - 1};
    answer.line = is_signed ? line : (struct weft_text){"", 0};
    weft_question_take(&ask, 0, &agreement, &answer);
    weft_buffer_destroy(&encoded);
    weft_buffer_destroy(&text);
    weft_buffer_destroy(&note);
}

static bool has_hole(const char *word)
{
    for (uint32_t i = 0; i < ask.answer.count; i++) {
        const struct weft_text content = ask.answer.parts[i].content;
        if (weft_text_is(ask.answer.parts[i].organization, "oem.example/plant1") &&
            memmem(content.data, content.size, word, strlen(word)) != NULL) {
            return true;
        }
    }
    return false;
}

static uint64_t refused(void)
{
    return weft_question_gate_figures(&node.questions.gate, 3).answers_refused;
}

TEST(question_answers, what_he_signed_of_what_he_was_asked_counts)
{
    begin();
    take(RIG_SUPPLIER, true, "supplier.example/west", "a");
    EXPECT_EQ(1, ask.answer.count);
    EXPECT_TRUE(!has_hole("hole"));
    EXPECT_EQ(0, refused());
    end();
}

TEST(question_answers, what_does_not_count_is_a_hole_and_counted)
{
    static const struct {
        uint32_t signer;
        bool is_signed;
        const char *of, *key;
    } cases[] = {
        {RIG_SUPPLIER, false, "supplier.example/west", "a"}, /* Unsigned. */
        {RIG_OEM, true, "supplier.example/west", "a"},       /* By another key. */
        {RIG_SUPPLIER, true, "oem.example/plant1", "a"},     /* In our name. */
        {RIG_SUPPLIER, true, "supplier.example/west", "b"},  /* Of what he has no say in. */
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        begin();
        take(cases[i].signer, cases[i].is_signed, cases[i].of, cases[i].key);
        EXPECT_TRUE(has_hole("hole\tsupplier.example/west\twrong\n"));
        EXPECT_EQ(1, ask.answer.count);
        EXPECT_EQ(1, refused());
        end();
    }
}

TEST(question_answers, a_key_that_has_ended_signs_no_answer)
{
    uint64_t ends[WEFT_STREAM_VERIFIERS_MAX];
    memset(ends, 0xff, sizeof(ends));
    begin();
    terms.their_heads.ends = ends;
    ends[0] = 1000;
    take(RIG_SUPPLIER, true, "supplier.example/west", "a");
    EXPECT_TRUE(has_hole("wrong"));
    ends[0] = UINT64_MAX;
    take(RIG_SUPPLIER, true, "supplier.example/west", "a");
    EXPECT_EQ(2, ask.answer.count);
    EXPECT_EQ(1, refused());
    end();
}

/* NOD-298: what the other said himself stands, whatever is said in his name. */
TEST(question_answers, ones_own_word_stands_before_what_others_say_it_is)
{
    begin();
    take(RIG_SUPPLIER, true, "other.example/east", "a");
    EXPECT_EQ(0, ask.answer.count);
    struct weft_tiers_part own = ask.relayed.parts[0];
    own.content = WEFT_TEXT("at\t1\n");
    EXPECT_EQ(WEFT_OK, weft_question_add(&ask.answer, &own));
    ask.relayed.parts[0].head = 1000;
    EXPECT_EQ(WEFT_OK, weft_question_add_relayed(&ask));
    EXPECT_EQ(1, ask.answer.count);
    EXPECT_EQ(1, ask.answer.parts[0].head);
    end();
}

/* NOD-299: what has no room is a hole too, and nothing of it is kept. */
TEST(question_answers, an_answer_for_which_there_is_no_room_is_a_hole)
{
    begin();
    ask.arena.used_bytes = WEFT_QUESTIONS_BYTES_OF_ONE;
    ask.arena.size_max = 2 * WEFT_QUESTIONS_BYTES_OF_ONE;
    take(RIG_SUPPLIER, true, "supplier.example/west", "a");
    EXPECT_TRUE(has_hole("many"));
    EXPECT_EQ(1, ask.answer.count);
    end();
}

/* What is too much for one text is a hole at its thing, and what was told before stays. */
TEST(question_answers, what_would_be_more_than_one_text_is_a_hole)
{
    begin();
    ask.is_own = true;
    ask.told_bytes = WEFT_QUESTION_TOLD_MAX - 200;
    take(RIG_SUPPLIER, true, "supplier.example/west", "a");
    EXPECT_TRUE(!has_hole("many"));
    EXPECT_TRUE(ask.told_bytes > WEFT_QUESTION_TOLD_MAX - 200);
    ask.told_bytes = WEFT_QUESTION_TOLD_MAX;
    take(RIG_SUPPLIER, true, "supplier.example/west", "a");
    EXPECT_TRUE(has_hole("many"));
    EXPECT_EQ(2, ask.answer.count);
    EXPECT_EQ(WEFT_QUESTION_TOLD_MAX, ask.told_bytes);
    end();
    begin(); /* Nor may it take the places of holes of others. */
    ask.is_own = true;
    ask.open = WEFT_TIERS_PARTS_MAX;
    take(RIG_SUPPLIER, true, "supplier.example/west", "a");
    EXPECT_TRUE(has_hole("many"));
    EXPECT_EQ(1, ask.answer.count);
    end();
}
